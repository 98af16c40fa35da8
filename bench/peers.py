#!/usr/bin/env python3
"""Latency of one ONNX model: dlc against ONNX Runtime, alternating in one run, outputs compared first.

    bench/peers.py MODEL.onnx [--dim NAME=N ...] [--threads 1,2] [--rounds 5] [--secs 2] [--dlc target/release/dlc] [--target cpu] [--json]

Every window of either engine is a process of its own with the given threads, so that neither runs beside the other.
A line a thread count: the median of all timed calls of each engine, and ratio = ONNX Runtime / dlc (above 1: dlc is
faster). Needs numpy, onnx and onnxruntime; run it with nothing else running."""
import argparse, json, os, subprocess, sys, tempfile

RUN_ORT = r"""
import json, sys, time, numpy as np, onnxruntime as ort
model, threads, secs, warmup, save, *inputs = sys.argv[1:]
o = ort.SessionOptions()
o.intra_op_num_threads, o.inter_op_num_threads = int(threads), 1
s = ort.InferenceSession(model, o, providers=["CPUExecutionProvider"])
feed = dict(i.split("=", 1) for i in inputs)
feed = {k: np.load(v) for k, v in feed.items()}
first = s.get_outputs()[0].name
y = s.run([first], feed)[0]
if save: np.save(save, y)
def calls(limit, least):
    times, end = [], time.perf_counter() + limit
    while len(times) < least or time.perf_counter() < end:
        t = time.perf_counter(); s.run(None, feed); times.append(time.perf_counter() - t)
    return times
calls(float(warmup), 1)
print(json.dumps(calls(float(secs), 5)))
"""


def seeded_inputs(model, dims, folder):
    """Floats in -1..1, integers and bools 0 or 1 (they are indices and masks); sizes not given are 1."""
    import numpy as np, onnx
    from onnx import helper

    graph = onnx.load(model, load_external_data=False).graph
    constant, rng, out = {t.name for t in graph.initializer}, np.random.default_rng(0), {}
    for i in graph.input:
        if i.name in constant:
            continue
        t = i.type.tensor_type
        shape = [dims.get(d.dim_param, d.dim_value or 1) for d in t.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(t.elem_type)
        x = rng.uniform(-1, 1, shape) if dtype.kind == "f" else rng.integers(0, 2, shape)
        out[i.name] = os.path.join(folder, f"input_{len(out)}.npy")
        np.save(out[i.name], x.astype(dtype))
    return out


def dlc(args, artifact, inputs, threads, save=None):
    flags = [f for k, v in inputs.items() for f in ("--input", f"{k}={v}")] + (["--save-output", save] if save else [])
    command = [args.dlc, "bench", artifact, "--json", "--threads", str(threads), "--secs", str(args.secs), "--warmup", "0.3"]
    return json.loads(subprocess.run(command + flags, check=True, capture_output=True, text=True).stdout)["times"]


def ort(args, inputs, threads, save=""):
    command = [sys.executable, "-c", RUN_ORT, args.model, str(threads), str(args.secs), "0.3", save]
    command += [f"{k}={v}" for k, v in inputs.items()]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def difference(a, b):
    import numpy as np

    a, b = np.load(a).astype(np.float64), np.load(b).astype(np.float64)
    if a.shape != b.shape:
        sys.exit(f"outputs have shapes {a.shape} and {b.shape}")
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))


def median(times):
    times = sorted(times)
    return times[len(times) // 2]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--dim", action="append", default=[], metavar="NAME=N")
    p.add_argument("--threads", default="1")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--secs", type=float, default=2)
    p.add_argument("--dlc", default="target/release/dlc")
    p.add_argument("--target", default="cpu")
    p.add_argument("--tolerance", type=float, default=1e-3, help="largest relative L2 difference of the first output")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    dims = {k: int(v) for k, v in (d.rsplit("=", 1) for d in args.dim)}
    with tempfile.TemporaryDirectory() as folder:
        inputs = seeded_inputs(args.model, dims, folder)
        artifact = os.path.join(folder, "model.dlc")
        subprocess.run([args.dlc, "compile", args.model, "--target", args.target, "-o", artifact], check=True, capture_output=True)
        for threads in map(int, args.threads.split(",")):
            ours, theirs = os.path.join(folder, "ours.npy"), os.path.join(folder, "theirs.npy")
            times = {"dlc": dlc(args, artifact, inputs, threads, ours), "ort": ort(args, inputs, threads, theirs)}
            error = difference(ours, theirs)
            if error > args.tolerance:
                sys.exit(f"first outputs differ by {error:.2e} (relative L2): nothing is timed")
            for _ in range(args.rounds - 1):
                times["dlc"] += dlc(args, artifact, inputs, threads)
                times["ort"] += ort(args, inputs, threads)
            a, b = median(times["dlc"]), median(times["ort"])
            row = dict(model=args.model, threads=threads, dlc_s=a, ort_s=b, ratio=b / a, error=error)
            if args.json:
                print(json.dumps(row))
            else:
                print(f"{threads} threads: dlc {a * 1e3:.2f} ms, ONNX Runtime {b * 1e3:.2f} ms, ratio {b / a:.3f}, error {error:.1e}")


if __name__ == "__main__":
    main()
