"""Compares cases of `fuzz ort` with ONNX Runtime: `ort.py CASES.jsonl [--show N]`.

Needs nothing but Python: onnxruntime is installed into an environment of its own in the cache on first use.
An element may differ by the bound that its case states. ONNX Runtime has a process of its own: what ends it is counted. Cases that ONNX Runtime does not take are counted, not compared;
where it is known to mean something else, KNOWN says what and why.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

VERSION = "1.31.1"


def ensure():
    """Runs this script again in an environment that has ONNX Runtime, if this one does not."""
    try:
        import numpy, onnxruntime  # noqa: F401
        return
    except ImportError:
        if os.environ.get("DLC_FUZZ_ENV"):
            raise
    cache = pathlib.Path(os.environ.get("DLC_CACHE", pathlib.Path.home() / ".cache" / "dlc"))
    folder = cache / "fuzz-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", f"onnxruntime=={VERSION}", "ml_dtypes"], check=True)
    os.execve(str(python), [str(python), *sys.argv], {**os.environ, "DLC_FUZZ_ENV": "1"})


def has(*ops):
    return lambda case: any(o.rsplit(".", 1)[-1] in ops for o in case["ops"])


def short_sequence(case):
    return has("LSTM", "GRU", "RNN")(case) and any(t["type"] == 6 and 0 in array(t) for t in case["inputs"])


def empty_result(case):
    return has("MaxPool", "LpPool", "AveragePool")(case) and any(0 in t["shape"] for t in case["outputs"])


def to_unsigned(case):
    """Casts to such a type, or to one on the way to another."""
    last = any(t["type"] in (2, 3, 12, 13) for t in case["outputs"])
    return has("Cast")(case) and (last or case["ops"].count("Cast") > 1)


def empty_reduction(case):
    return any(o.startswith("Reduce") for o in case["ops"]) and ", 0], expected" in case["detail"]


def one_element(case):
    return any(t["shape"] == [1] for t in case["outputs"])


def cropped(case):
    """SAME where the kernel is smaller than the stride."""
    return has("MaxPool", "AveragePool", "LpPool")(case) and attribute(case, "SAME_")


# What ONNX Runtime computes less exactly: which cases, why, and how far it is then off at most, relative to the largest
# element of the result.
LESS_EXACT = [
    ("sines and cosines of DFT are rounded to f32 before they are summed", has("DFT", "STFT"), 1e-5),
    ("sigmoid and tanh are polynomials with an absolute error", has("LSTM", "GRU", "RNN", "Sigmoid", "Tanh"), 1e-5),
    ("weights of GridSample are computed in f32", has("GridSample"), 1e-5),
    ("Gelu of f64 has constants in f32", has("Gelu"), 1e-6),
]


def attribute(case, name):
    """Whether the model names this attribute value; models are small and names are written as they are."""
    return name.encode().hex() in case["model"]


def valid_and_ceil(case):
    return has("MaxPool", "LpPool", "AveragePool")(case) and attribute(case, "VALID") and attribute(case, "ceil_mode")


def same_and_small(case):
    transposed = has("ConvTranspose")(case) and attribute(case, "SAME_")
    return transposed or has("AveragePool")(case) and attribute(case, "SAME_") and attribute(case, "dilations")


def cubic_at_border(case):
    return has("GridSample")(case) and attribute(case, "cubic") and attribute(case, "border")


def part_of_an_element(case):
    """Resize to a width that is no whole number, where the mode speaks of the width."""
    modes = ("align_corners", "tf_crop_and_resize", "pytorch_half_pixel")
    return has("Resize")(case) and any(attribute(case, m) for m in modes)


# What ONNX Runtime is known to mean otherwise: which cases, and why that is left.
KNOWN = [
    ("VALID with ceil_mode: ONNX says ceil((n - k + 1) / s)", valid_and_ceil),
    ("SAME: ONNX says n * s, or ceil(n / s), whatever kernel and dilations are", same_and_small),
    ("a sequence of length 0 ends in its initial state; ONNX Runtime gives zeros", short_sequence),
    ("a window larger than the image fits nowhere: floor((n - k) / s) + 1 is 0; ONNX Runtime divides towards 0", empty_result),
    ("border: ONNX takes the border's value for a position outside; ONNX Runtime only for the elements around it", cubic_at_border),
    ("the width of Resize is length * scale in ONNX's tests, 2.4 for 4 * 0.6; ONNX Runtime takes 2", part_of_an_element),
    ("a variance of 0 is subtracted as squares and may be below 0", has("MeanVarianceNormalization")),
    ("a symmetric window of one element is 0 / 0 by ONNX's formula; we give its first element", lambda c: has("HannWindow", "HammingWindow", "BlackmanWindow")(c) and one_element(c)),
    ("SAME with a kernel smaller than the stride: ONNX's padding is not below 0", cropped),
    ("a reduction over no elements without keepdims keeps the axis", empty_reduction),
    ("post_transform 1 of TreeEnsemble is SOFTMAX", has("TreeEnsemble")),
    ("floats outside of the target's range saturate; ONNX leaves it open and ONNX Runtime wraps", to_unsigned),
]


def dtype(code):
    import numpy as np
    names = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4", 13: "u8"}
    return np.dtype(names[code]) if code in names else None


def array(t):
    import numpy as np
    d = dtype(t["type"])
    return None if d is None else np.frombuffer(bytes.fromhex(t["data"]), d).reshape(t["shape"])


def differs(want, bounds, got):
    """What is wrong with an output, if anything, and how far it is off relative to the largest element."""
    import numpy as np
    if want.shape != got.shape or want.dtype != got.dtype:
        return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}", float("inf")
    w, g = want.astype("f8").ravel(), got.astype("f8").ravel()
    b = np.array(bounds, "f8")
    with np.errstate(invalid="ignore"):
        good = (w == g) | (np.isnan(w) & np.isnan(g)) | (b < 0) | (np.abs(w - g) <= b)
    if good.all():
        return None
    i = int(np.argmin(good))
    with np.errstate(invalid="ignore"):
        off = np.abs(w - g).max() / max(np.abs(w).max(), 1e-30)
    off = float("inf") if np.isnan(off) else float(off)
    return f"element {i} is {g[i]:g}, expected {w[i]:g} within {b[i]:.3g}", off


def run(case, options):
    """(verdict, detail, how far off): same, differs, or refused by ONNX Runtime."""
    import onnxruntime as ort
    inputs = {t["name"]: array(t) for t in case["inputs"]}
    outputs = [(t, array(t)) for t in case["outputs"]]
    if any(a is None for a in inputs.values()) or any(a is None for _, a in outputs):
        return "refused", "a type that NumPy does not have", 0.0
    try:
        session = ort.InferenceSession(bytes.fromhex(case["model"]), options, providers=["CPUExecutionProvider"])
        got = session.run([t["name"] for t, _ in outputs], inputs)
    except Exception as e:
        return "refused", str(e).splitlines()[0][:160], 0.0
    for (t, want), g in zip(outputs, got):
        wrong = differs(want, t["bounds"], g)
        if wrong:
            return "differs", f"{t['name']}: {wrong[0]}", wrong[1]
    return "same", "", 0.0


def work():
    """The process that runs ONNX Runtime: a case a line in, a verdict a line out."""
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # As it is written: its own rewriting is not what we compare with.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), options)), flush=True)


class Worker:
    """A process that runs cases, and is replaced when one of them ends it."""

    def __init__(self):
        self.process = None

    def verdict(self, line):
        if self.process is None:
            pipe = subprocess.PIPE
            command = [sys.executable, __file__, "--work", "-"]
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
            said = self.process.stdout.readline()
        except BrokenPipeError:
            said = ""
        if said:
            return json.loads(said)
        code, self.process = self.process.wait(), None
        return "crashed ONNX Runtime", f"its process ended with {code}", 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases")
    parser.add_argument("--show", type=int, default=5, help="differences shown of each operator")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    ensure()
    if args.work:
        return work()
    worker = Worker()
    counts, shown = collections.defaultdict(collections.Counter), collections.Counter()
    reasons = collections.Counter()
    for line in open(args.cases, encoding="utf-8"):
        case = json.loads(line)
        name = case["ops"][-1] if case["name"] != "graph" and case["ops"] else case["name"]
        verdict, detail, off = worker.verdict(line)
        if verdict == "differs":
            known = next((k for k, test in KNOWN if test({**case, "detail": detail})), None)
            known = known or next((k for k, test, most in LESS_EXACT if off <= most and test(case)), None)
            verdict = f"known: {known}" if known else verdict
        counts[name][verdict] += 1
        if verdict in ("refused", "crashed ONNX Runtime"):
            reasons[(name, detail[:100])] += 1
        if verdict == "differs" and shown[name] < args.show:
            shown[name] += 1
            print(f"{name}, seed {case['seed']}: {detail}")
    total = collections.Counter()
    for name in sorted(counts):
        total.update(counts[name])
        print(f"{name:36}", "  ".join(f"{k} {n}" for k, n in sorted(counts[name].items())))
    for (name, why), n in reasons.most_common(15):
        print(f"refused {n}: {name}: {why}")
    print("all:", "  ".join(f"{k} {n}" for k, n in sorted(total.items())))
    return 1 if total["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
