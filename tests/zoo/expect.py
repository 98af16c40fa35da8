#!/usr/bin/env python3
"""Write seeded inputs of a model and what ONNX Runtime gives for them, as input_K.pb and output_K.pb.

usage: expect.py MODEL.onnx RECIPE OUT

RECIPE is NAME=KIND[SHAPE];..  NAME may be a pattern for several inputs. KIND is one of
  uniform        float32 in [0, 1)
  normal:S       float32, standard deviation S
  ints:LO:HI     int64 in [LO, HI)
  range:LO       int64 LO, LO+1, ..
The numbers depend on nothing but the name of the input and its shape."""
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
    return np.asarray(random.randint(int(low), int(high), shape), np.int64)


def consecutive(_, shape, first):
    n = int(np.prod(shape))
    return np.arange(int(first), int(first) + n, dtype=np.int64).reshape(shape)


KINDS = {"uniform": uniform, "normal": normal, "ints": ints, "range": consecutive}


def parse(recipe):
    for part in recipe.split(";"):
        name, kind, shape = re.fullmatch(r"(.+)=([^\[]+)\[([\d,]*)\]", part).groups()
        yield name, kind.split(":"), tuple(int(d) for d in shape.split(",") if d)


def value(name, rules):
    kind, shape = next((k, s) for pattern, k, s in rules if name == pattern or fnmatch.fnmatch(name, pattern))
    random = np.random.RandomState(zlib.crc32(name.encode()))
    return KINDS[kind[0]](random, shape, *kind[1:])


def main():
    model, recipe, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rules = list(parse(recipe))
    inputs = {i.name: value(i.name, rules) for i in session.get_inputs()}
    outputs = session.run(None, inputs)
    for prefix, values in (("input", list(inputs.values())), ("output", outputs)):
        for k, v in enumerate(values):
            (out / f"{prefix}_{k}.pb").write_bytes(numpy_helper.from_array(v).SerializeToString())


main()
