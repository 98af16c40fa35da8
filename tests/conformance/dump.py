#!/usr/bin/env python3
"""Write ONNX's own backend tests as files: OUT/KIND/NAME/model.onnx and OUT/KIND/NAME/test_data_set_K/{input,output}_I.pb.

usage: dump.py OUT

Kinds: node (one operator each, from the generators of the onnx package), and those the package ships as files: simple,
pytorch-operator, pytorch-converted, and light (known networks whose weights are computed; their input is a ramp)."""
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node

SHIPPED = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"


def message(value, info):
    """The serialized form of one value of a test, by the declared type of what it is a value of."""
    if hasattr(value, "SerializeToString"):
        return value
    kind = info.type.WhichOneof("value") if info is not None else "tensor_type"
    name = info.name if info is not None else ""
    if kind == "sequence_type":
        return numpy_helper.from_list(value, name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, name)
    if kind == "map_type" or isinstance(value, dict):
        return numpy_helper.from_dict(value, name)
    return numpy_helper.from_array(np.asarray(value), name)


def write_values(folder, prefix, values, infos):
    for i, value in enumerate(values):
        info = infos[i] if i < len(infos) else None
        (folder / f"{prefix}_{i}.pb").write_bytes(message(value, info).SerializeToString())


def write_node_tests(out):
    for case in node.collect_testcases(None):
        folder = out / "node" / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        for k, (inputs, outputs) in enumerate(case.data_sets or []):
            data = folder / f"test_data_set_{k}"
            data.mkdir(exist_ok=True)
            write_values(data, "input", inputs, case.model.graph.input)
            write_values(data, "output", outputs, case.model.graph.output)


def copy_shipped(out):
    for kind in ("simple", "pytorch-operator", "pytorch-converted"):
        if (SHIPPED / kind).is_dir():
            shutil.copytree(SHIPPED / kind, out / kind, dirs_exist_ok=True)


def write_light_tests(out):
    for path in sorted((SHIPPED / "light").glob("*.onnx")):
        folder = out / "light" / path.stem
        data = folder / "test_data_set_0"
        data.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / "model.onnx")
        graph = onnx.load(path).graph
        constants = {i.name for i in graph.initializer}
        inputs = [i for i in graph.input if i.name not in constants]
        write_values(data, "input", [ramp(i) for i in inputs], inputs)
        for expected in sorted(SHIPPED.glob(f"light/{path.stem}_output_*.pb")):
            shutil.copyfile(expected, data / expected.name.removeprefix(path.stem + "_"))


def ramp(info):
    """0, 1/n, 2/n, .. in the shape of an input; sizes that are not given are 1."""
    shape = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
    n = int(np.prod(shape))
    return (np.arange(n).reshape(shape) / n).astype(np.float32)


def main():
    out = pathlib.Path(sys.argv[1])
    write_node_tests(out)
    copy_shipped(out)
    write_light_tests(out)


main()
