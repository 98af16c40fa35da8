"""Windows of all engines in turn, each in a process of its own, outputs compared before anything counts."""
import json, os
from convert import Failed, converted, run
from figures import row

#: Largest relative L2 distance from what ONNX Runtime gives without its optimizations: a row beyond it is no speed. Files that themselves
#: compute in fewer bits (quantized, or f16) are held to that of bf16. Where ONNX Runtime's own optimizations move the output (a value near the
#: middle of two steps is rounded either way), twice as far is right too, up to SPREAD.
TOLERANCE = {"f32": 1e-3, "bf16": 6e-2}
SPREAD = 0.6


class Alternation:
    """One model on several engines. `how` are the flags: folder, secs, warmup, rounds, tolerance, dlc; and work, a folder of this run."""

    def __init__(self, model, engines, how):
        self.model, self.engines, self.how = model, engines, how
        self.files, self.failures = {}, {}
        for name, engine in engines.items():
            try:
                reason = engine.missing()
                if reason:
                    raise Failed(reason)
                self.files[name] = converted(engine, model, how.folder)
            except Failed as e:
                self.failures[name] = str(e)

    def reference(self, ort):
        """Writes the first output by ONNX Runtime without its optimizations, and measures how far they move it."""
        if ort.missing():
            raise Failed(f"{ort.missing()}: outputs are compared with its")
        files = [os.path.join(self.how.work, f"{self.model.name}.{kind}.npy") for kind in ("expected", "optimized")]
        for optimize, file in enumerate(files):
            job = self.job("ort", 1, self.model.path, file, secs=0, warmup=0) | dict(optimize=bool(optimize), least=0)
            run(self.command(ort, job), 600)
        self.expected, self.spread = files[0], distance(files[1], files[0])

    def rows(self, threads):
        """A row an engine: its figures, or why it has none."""
        windows = {name: [] for name in self.engines}
        failures = dict(self.failures)
        for _ in range(self.how.rounds):
            for name in self.engines:
                if name in failures:
                    continue
                try:
                    windows[name].append(self.window(name, threads))
                except Failed as e:
                    failures[name] = str(e)
        for name, engine in self.engines.items():
            yield dict(model=self.model.name, threads=threads, engine=name, precision=engine.precision) | (
                dict(status="failed", note=failures[name]) if name in failures else self.judged(engine, windows[name]))

    def judged(self, engine, windows):
        """Figures, and whether the outputs of every window are right."""
        errors = [w["error"] for w in windows]
        limit = self.how.tolerance or max(TOLERANCE["bf16" if self.model.narrow else engine.precision], min(2 * (self.spread or 0), SPREAD))
        if None in errors or max(errors) > limit:
            off = "not comparable" if None in errors else f"{max(errors):.1e} off (relative L2), limit {limit:.0e}"
            return row(windows) | dict(error=None, status="wrong", note=f"output is not ONNX Runtime's: {off}")
        return row(windows) | dict(error=max(errors), status="ok")

    def window(self, name, threads):
        """One process; what it measured, how far its output is off, and round trips between the CPUs before and after."""
        save = os.path.join(self.how.work, f"{self.model.name}.found.npy")
        command = self.command(self.engines[name], self.job(name, threads, self.files[name], save, self.how.secs, self.how.warmup))
        trips = [self.round_trip(threads)]
        out = run(command, 600 + 20 * self.how.secs, preexec_fn=lambda: alone(threads), start_new_session=True)
        trips.append(self.round_trip(threads))
        return json.loads(out.splitlines()[-1]) | dict(error=distance(save, self.expected), trips=trips)

    def job(self, name, threads, file, save, secs, warmup):
        m = self.model
        return dict(engine=name, model=m.path, file=file, inputs=m.inputs, sizes=m.sizes, output=m.output, threads=threads, save=save,
                    secs=secs, warmup=warmup, least=5, optimize=True)

    def command(self, engine, job):
        file = os.path.join(self.how.work, "job.json")
        with open(file, "w") as f:
            json.dump(job, f)
        return engine.window(job, file)

    def round_trip(self, threads):
        """Nanoseconds that a cache line takes between two CPUs and back; None for one thread, or without the program that measures it."""
        program = os.path.join(os.path.dirname(self.how.dlc), "round-trip")
        if threads < 2 or not os.path.exists(program):
            return None
        return float(run([program], 20, preexec_fn=lambda: alone(2), start_new_session=True))


def alone(threads):
    """In the child, before it starts: the last CPUs, and where that is allowed the strongest weight of the scheduler. (`nice` alone does
    nothing between terminals where the kernel groups processes by session.)"""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    try:
        with open("/proc/self/autogroup", "w") as f:
            f.write("-20")
        os.nice(-20)
    except OSError:
        pass


def distance(found, expected):
    """Relative L2 distance of two files; None where they have other numbers of values, or values that are no numbers. Results of 8 bits are
    rounded: one step either way is no distance."""
    import numpy as np

    a, b = np.load(found), np.load(expected)
    step = b.dtype.kind in "iu" and b.dtype.itemsize == 1
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    if a.size != b.size or not np.isfinite(a).all():
        return None
    off = np.maximum(abs(a - b) - step, 0)
    return float(np.linalg.norm(off) / max(np.linalg.norm(b), 1e-30))
