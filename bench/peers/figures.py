"""Figures of timed calls: pure functions, checked by the examples they carry (`python3 -m doctest figures.py`)."""
import math

#: How exact each precision is: a peer stands against ours if it is no less exact than what was asked of ours.
EXACTNESS = {"f32": 2, "bf16": 1}

#: A round trip of a cache line between two CPUs that takes longer than this (nanoseconds) crosses from one L3 to another.
FAR_NS = 120


def quantile(values, q):
    """The value below which the share q lies, between neighbours in proportion.

    >>> quantile([3.0, 1.0, 2.0], 0.5), quantile([1.0, 2.0], 0.5), quantile([0.0, 10.0], 0.9)
    (2.0, 1.5, 9.0)
    """
    values, at = sorted(values), q * (len(values) - 1)
    low, high = math.floor(at), math.ceil(at)
    return values[low] + (values[high] - values[low]) * (at - low)


def geometric_mean(values):
    """
    >>> round(geometric_mean([0.5, 2.0]), 6), geometric_mean([])
    (1.0, None)
    """
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def place(trips):
    """Where two CPUs were by the round trips before and after a window: "near", "far", or None where that changed or is not known.

    >>> place([50, 55]), place([310, 320]), place([50, 310]), place([None, 50]), place([])
    ('near', 'far', None, None, None)
    """
    if not trips or None in trips:
        return None
    far = [t > FAR_NS for t in trips]
    return "far" if all(far) else None if any(far) else "near"


def row(windows):
    """Of the windows of one engine: times of all calls together, in milliseconds; memory in MiB; load and first call as in the best window.

    >>> w = dict(times=[0.001, 0.003, 0.002], load_s=1.0, first_s=0.1, base_mib=10, peak_mib=30, cores=1.0, trips=[50, 50])
    >>> r = row([w, dict(w, times=[0.004], trips=[310, 310])])
    >>> r["median_ms"], r["calls"], r["window_medians_ms"], r["near_ms"], r["far_ms"]
    (2.5, 4, [2.0, 4.0], 2.0, 4.0)
    """
    ms = lambda ws: [1e3 * t for w in ws for t in w["times"]]
    out = {f"{k}_ms": quantile(ms(windows), q) for k, q in (("median", 0.5), ("p10", 0.1), ("p90", 0.9))}
    out |= {"calls": len(ms(windows)), "window_medians_ms": [quantile(ms([w]), 0.5) for w in windows]}
    out |= {"load_s": min(w["load_s"] for w in windows), "first_ms": 1e3 * min(w["first_s"] for w in windows)}
    out |= {k: max(w[k] for w in windows) for k in ("base_mib", "peak_mib")}
    out["cores"] = quantile([w["cores"] for w in windows], 0.5)
    for where in ("near", "far"):
        some = [w for w in windows if place(w["trips"]) == where]
        out |= {f"{where}_ms": quantile(ms(some), 0.5)} if some else {}
    return out


def compare(rows, key="median_ms"):
    """The best peer of one model and thread count, and ratio = its time / ours: (engine, ratio), or None where ours or all peers lack a time.

    >>> ours = {"engine": "dlc", "precision": "f32", "status": "ok", "median_ms": 10.0}
    >>> slow, fast = dict(ours, engine="ort", median_ms=12.0), dict(ours, engine="mnn", median_ms=8.0)
    >>> compare([ours, slow, fast]), compare([ours, slow, dict(fast, status="wrong")])
    (('mnn', 0.8), ('ort', 1.2))
    >>> compare([ours, slow, dict(fast, precision="bf16")]), compare([dict(ours, precision="bf16"), dict(fast, precision="bf16")])
    (('ort', 1.2), ('mnn', 0.8))
    >>> compare([ours]), compare([slow])
    (None, None)
    """
    timed = [r for r in rows if r["status"] == "ok" and key in r]
    ours = next((r for r in timed if r["engine"] == "dlc"), None)
    peers = [r for r in timed if ours and r is not ours and EXACTNESS[r["precision"]] >= EXACTNESS[ours["precision"]]]
    best = min(peers, key=lambda r: r[key], default=None)
    return best and (best["engine"], best[key] / ours[key])
