#!/usr/bin/env python3
"""Latency of ONNX models: dlc against other engines, alternating in one run, outputs compared first.

    python3 -m venv ENV && ENV/bin/pip install -r bench/peers/requirements.txt
    cargo build --release -p dlc -p dlc-bench
    ENV/bin/python bench/peers MODEL.onnx ... [--threads 1,2] [--engines dlc,ort,openvino-f32] [--json] [--markdown]

Every window of an engine is a process of its own on the last of the CPUs, and engines take turns. Figures are of all timed calls: median, the
10th and 90th of a hundred; load is the time to the first call, memory the most that the process had. A model is run on test_data_set_0
beside it, or else on seeded numbers; symbolic sizes are told to every engine. `ratio` is the best peer's median over ours, above 1 where dlc is
faster; peers that compute less exactly than ours do not count, nor does a row whose numbers are wrong. Engines that are not installed or
cannot take a model are named with their reason. With two threads and more, near and far are the medians of windows whose CPUs shared an
L3 or did not: virtual machines move between the two, and only like compares with like. Run it with nothing else running."""
import json, os, sys, tempfile

import flags, table
from alternate import Alternation
from convert import Failed
from engines import PEERS
from figures import compare
from model import Model


def measure(how):
    """Rows of every model at every number of threads, as they come. A model that cannot be compared is named, and the others go on."""
    for path in how.models:
        try:
            alternation = Alternation(Model(path, how.dims, how.work), how.engines, how)
            alternation.reference(PEERS["ort"])
        except Failed as e:
            print(f"error: {path}: {e}", file=sys.stderr)
            how.failed = True
            continue
        for threads in [] if how.prepare else how.threads:
            yield list(alternation.rows(threads))


def earlier(how):
    """Rows that were kept."""
    rows = [json.loads(line) for f in how.files for line in open(f)]
    yield from table.groups(r for r in rows if r.get("engine") in how.engines).values()


def show(how, groups):
    """Everything about the rows, in the form that was asked for."""
    rows = []
    for group in groups:
        rows += group
        if not how.markdown:
            print(*([json.dumps(r) for r in group] if how.json else table.lines(group)), sep="\n", flush=True)
    if how.markdown:
        print(*table.markdown(rows), sep="\n")
        return
    for threads, mean, models in table.means(rows):
        best = {m: compare(rs) for (m, t), rs in table.groups(rows).items() if t == threads}
        summary = dict(geometric_mean=mean, models=models, threads=threads, best=best)
        print(json.dumps(summary) if how.json else f"{table.count(threads)}: ratio {mean:.3f}, the geometric mean of {models}")


def main():
    how = flags.parse(__doc__)
    how.failed = False
    with tempfile.TemporaryDirectory() as how.work:
        how.folder = os.path.abspath(how.folder or how.work)
        os.makedirs(how.folder, exist_ok=True)
        show(how, earlier(how) if how.files else measure(how))
    return int(how.failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
