"""Models as each engine wants them, made once, untimed, and kept in a folder."""
import hashlib, json, os, shutil, subprocess


class Failed(Exception):
    """An engine that cannot do what was asked, with its reason."""


def run(command, seconds, **how):
    """The standard output of a command; `Failed` with its own last words."""
    try:
        p = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds, **how)
    except subprocess.TimeoutExpired:
        raise Failed(f"{os.path.basename(command[0])} took more than {seconds} s") from None
    if p.returncode:
        said = [line.strip() for line in (p.stderr + "\n" + p.stdout).splitlines() if line.strip()]
        errors = [line for line in said if "error" in line.lower()]
        raise Failed((errors or said[-1:] or [f"exit status {p.returncode}"])[0][:300])
    return p.stdout


def converted(engine, model, folder):
    """The file of the model for this engine; the model's own where the engine reads ONNX."""
    commands = engine.convert(model, "")
    if not commands:
        return model.path
    work = os.path.join(folder, f"{model.name}.{key(commands, model)}")
    file, done = os.path.join(work, "model" + engine.extension), os.path.join(work, "done")
    if not os.path.exists(done):
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        try:
            for command in engine.convert(model, file):
                run(command, 900, cwd=work)
            if not os.path.exists(file):
                raise Failed(f"{os.path.basename(command[0])} made no file")
        except Failed:
            shutil.rmtree(work)
            raise
        for f in os.listdir(work):
            if f not in (os.path.basename(file), "model" + engine.keeps):
                os.remove(os.path.join(work, f))
        open(done, "w").close()
    return file


def key(commands, model):
    """Changes when the model, the program that converts, or its flags do."""
    programs = [shutil.which(command[0]) for command in commands]
    facts = [(f, os.stat(f).st_mtime_ns, os.stat(f).st_size) for f in [model.path, *filter(None, programs)]]
    return hashlib.sha256(json.dumps([commands, facts, sorted(model.sizes.items())]).encode()).hexdigest()[:16]
