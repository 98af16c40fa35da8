#!/usr/bin/env python3
"""Fetch a recording of speech out of the crate transcribe-rs and check it.

usage: speech.py OUT.wav

The crate comes from the registry that cargo is set up for."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

MANIFEST = """
[package]
name = "sample"
version = "0.0.0"
edition = "2021"
[dependencies]
transcribe-rs = { version = "=0.3.12", default-features = false }
"""
SHA256 = "59dfb9a4acb36fe2a2affc14bacbee2920ff435cb13cc314a08c13f66ba7860e"


def main():
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "src/lib.rs"
        source.parent.mkdir()
        source.touch()
        manifest = pathlib.Path(folder) / "Cargo.toml"
        manifest.write_text(MANIFEST)
        command = ["cargo", "metadata", "--format-version", "1", "--manifest-path", str(manifest)]
        packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    crate = next(p for p in packages if p["name"] == "transcribe-rs")
    data = (pathlib.Path(crate["manifest_path"]).parent / "samples/jfk.wav").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        sys.exit(f"jfk.wav: sha256 is {found}, expected {SHA256}")
    pathlib.Path(sys.argv[1]).write_bytes(data)


main()
