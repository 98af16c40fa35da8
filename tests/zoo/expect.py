#!/usr/bin/env python3
"""Write seeded inputs of a model and what ONNX Runtime gives for them, as input_K.pb and output_K.pb.

usage: expect.py MODEL.onnx RECIPE OUT

RECIPE is NAME=KIND[SHAPE];..  NAME may be a pattern for several inputs. KIND is one of
  uniform        float32 in [0, 1)
  normal:S       float32, standard deviation S
  ints:LO:HI     integers in [LO, HI)
  range:LO       integers LO, LO+1, ..
  fill:V         V everywhere
  values:A:B:..  these
  hole:V         V, but 0 in the middle half of the last two axes
Numbers have the type of the input and depend on nothing but its name and shape."""
import fnmatch
import pathlib
import re
import sys
import zlib

import numpy as np
import onnxruntime
from onnx import numpy_helper


def uniform(random, shape):
    return random.random_sample(shape).astype(np.float32)


def normal(random, shape, deviation):
    return (random.standard_normal(shape) * float(deviation)).astype(np.float32)


def ints(random, shape, low, high):
    return np.asarray(random.randint(int(low), int(high), shape))


def consecutive(_, shape, first):
    n = int(np.prod(shape))
    return np.arange(int(first), int(first) + n).reshape(shape)


def fill(_, shape, value):
    return np.full(shape, float(value))


def values(_, shape, *listed):
    return np.array([float(v) for v in listed]).reshape(shape)


def hole(_, shape, value):
    x = np.full(shape, float(value))
    h, w = shape[-2:]
    x[..., h // 4 : h // 4 + h // 2, w // 4 : w // 4 + w // 2] = 0
    return x


KINDS = {
    "uniform": uniform,
    "normal": normal,
    "ints": ints,
    "range": consecutive,
    "fill": fill,
    "values": values,
    "hole": hole,
}
TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


def parse(recipe):
    for part in recipe.split(";"):
        name, kind, shape = re.fullmatch(r"(.+)=([^\[]+)\[([\d,]*)\]", part).groups()
        yield name, kind.split(":"), tuple(int(d) for d in shape.split(",") if d)


def value(port, rules):
    name = port.name
    kind, shape = next((k, s) for pattern, k, s in rules if name == pattern or fnmatch.fnmatch(name, pattern))
    random = np.random.RandomState(zlib.crc32(name.encode()))
    return np.asarray(KINDS[kind[0]](random, shape, *kind[1:])).astype(TYPES[port.type])


def main():
    model, recipe, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rules = list(parse(recipe))
    inputs = {i.name: value(i, rules) for i in session.get_inputs()}
    outputs = session.run(None, inputs)
    for prefix, values in (("input", list(inputs.values())), ("output", outputs)):
        for k, v in enumerate(values):
            (out / f"{prefix}_{k}.pb").write_bytes(numpy_helper.from_array(v).SerializeToString())


main()
