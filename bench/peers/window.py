"""One window of one peer, in a process of its own: window.py JOB.json prints what `dlc bench --json` does for ours."""
import json, re, sys, time


def memory(key):
    """Of this process in MiB: VmRSS is now, VmHWM the most so far."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(key))


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def calls(run, secs, least):
    """Seconds of each call."""
    times, end = [], time.perf_counter() + secs
    while len(times) < least or time.perf_counter() < end:
        times.append(timed(run)[0])
    return times


def reason(e):
    """What an error says, without where in the engine's sources it was raised.

    >>> reason(RuntimeError("Exception from src/core.cpp:84:\\nCheck 'false' failed at src/ops.cpp:151:\\nno rule for Loop"))
    'RuntimeError: no rule for Loop'
    """
    text = " ".join(str(e).split())
    return f"{type(e).__name__}: " + re.sub(r"(Exception from|Check '[^']*' failed at) \S+:\d+: ?", "", text)


def main():
    import importlib, numpy as np
    from engines import PEERS

    with open(sys.argv[1]) as f:
        job = json.load(f)
    engine = PEERS[job["engine"]]
    importlib.import_module(engine.module)
    inputs = {k: np.load(v) for k, v in job["inputs"].items()}
    base = memory("VmRSS")
    load, run = timed(lambda: engine.load(job, inputs))
    first, y = timed(run)
    np.save(job["save"], y)
    calls(run, job["warmup"], 0)
    wall, used = time.perf_counter(), time.process_time()
    times = calls(run, job["secs"], job["least"])
    cores = (time.process_time() - used) / (time.perf_counter() - wall)
    print(json.dumps(dict(load_s=load, first_s=first, base_mib=base, peak_mib=memory("VmHWM"), cores=cores, times=times)))


if __name__ == "__main__":
    try:
        main()
    except Exception as e:
        sys.exit(f"error: {reason(e)}")
