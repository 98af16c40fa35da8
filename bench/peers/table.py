"""Rows as text for people, and as the table of a README."""
from figures import compare, geometric_mean

#: Engines as people know them.
NAMES = {"dlc": "dlc", "ort": "ONNX Runtime", "openvino-f32": "OpenVINO f32", "openvino-bf16": "OpenVINO bf16", "mnn": "MNN", "ncnn": "ncnn"}


def groups(rows):
    """Rows by (model, threads), in the order in which they came."""
    out = {}
    for r in rows:
        out.setdefault((r["model"], r["threads"]), []).append(r)
    return out


def lines(rows):
    """One model at one thread count: a line an engine, and the comparison."""
    model, threads = rows[0]["model"], rows[0]["threads"]
    yield f"{model}, {count(threads)}"
    yield f"  {'':14} {'median':>10} {'p10':>10} {'p90':>10} {'near':>10} {'far':>10} {'load':>9} {'memory':>10} {'error':>8}"
    for r in rows:
        yield f"  {r['engine']:14} " + (cells(r) if "median_ms" in r else f"{r['status']}: {r['note']}")
    for key, what in (("median_ms", "ratio"), ("near_ms", "near"), ("far_ms", "far")):
        best = compare(rows, key)
        if best and (what == "ratio" or threads > 1):
            yield f"  {what}: {best[1]:.3f} of {NAMES[best[0]]}"


def cells(r):
    """The figures of an engine that ran; one whose numbers were wrong says so."""
    times = " ".join(f"{milliseconds(r[k]) if k in r else '':>10}" for k in ("median_ms", "p10_ms", "p90_ms", "near_ms", "far_ms"))
    wrong = "" if r["status"] == "ok" else f"  {r['status']}: {r['note']}"
    return f"{times} {r['load_s']:7.2f} s {r['peak_mib']:6.0f} MiB {r['error'] or 0:8.1e}{wrong}"


def means(rows):
    """The geometric mean of the ratios for each thread count, and over how many models: [(threads, mean, models)]."""
    by = {}
    for (_, threads), rs in groups(rows).items():
        best = compare(rs)
        by.setdefault(threads, []).extend([best[1]] if best else [])
    return [(t, geometric_mean(ratios), len(ratios)) for t, ratios in by.items() if ratios]


def markdown(rows):
    """Models down, engines across, the best peer's time over ours last.

    >>> r = dict(model="net", threads=1, engine="dlc", precision="f32", status="ok", median_ms=10.0)
    >>> for line in markdown([r, dict(r, engine="ort", median_ms=12.5), dict(r, engine="mnn", status="error")]): print(line)
    | model | threads | dlc | ONNX Runtime | MNN | ratio |
    |---|---|---|---|---|---|
    | net | 1 | 10.0 ms | 12.5 ms | - | 1.25 |
    | geometric mean of 1 | 1 | | | | 1.25 |
    """
    engines = list(dict.fromkeys(r["engine"] for r in rows))
    yield "| " + " | ".join(["model", "threads", *(NAMES[e] for e in engines), "ratio"]) + " |"
    yield "|---" * (len(engines) + 3) + "|"
    for (model, threads), rs in groups(rows).items():
        by, best = {r["engine"]: r for r in rs}, compare(rs)
        times = [milliseconds(by[e]["median_ms"]) if e in by and by[e]["status"] == "ok" else "-" for e in engines]
        yield "| " + " | ".join([model, str(threads), *times, f"{best[1]:.2f}" if best else "-"]) + " |"
    for threads, mean, models in means(rows):
        yield f"| geometric mean of {models} | {threads} |" + " |" * len(engines) + f" {mean:.2f} |"


def milliseconds(ms):
    """
    >>> milliseconds(0.0412), milliseconds(0.4123), milliseconds(4.123), milliseconds(41.23), milliseconds(412.3)
    ('0.0412 ms', '0.412 ms', '4.12 ms', '41.2 ms', '412 ms')
    """
    return f"{ms:.{sum(ms < limit for limit in (0.1, 1, 10, 100))}f} ms"


def count(threads):
    return f"{threads} thread" + "s" * (threads != 1)
