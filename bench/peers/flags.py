"""The command line."""
import argparse, os, shutil
from engines import PEERS, Dlc


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"error: {message}\n")


def parse(doc):
    """The flags, with `engines` as {name: engine} and `dims` and `threads` as values."""
    p = Parser(prog="bench/peers", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", metavar="MODEL.onnx")
    p.add_argument("--engines", type=engines, default=["dlc", *PEERS], help="of " + ",".join(["dlc", *PEERS]))
    p.add_argument("--threads", type=counts, default=[1], help="1 or 1,2")
    p.add_argument("--rounds", type=int, default=5, help="windows of each engine")
    p.add_argument("--secs", type=float, default=2, help="timed seconds of a window")
    p.add_argument("--warmup", type=float, default=0.3)
    p.add_argument("--dim", type=size, action="append", default=[], metavar="NAME=N", help="a symbolic size; 1 where not given")
    p.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="of ours; only peers that are no less exact count")
    p.add_argument("--target", default="cpu", help="of ours")
    p.add_argument("--dlc", default="target/release/dlc", help="the program")
    p.add_argument("--tolerance", type=float, help="largest relative L2 distance of the first output from ONNX Runtime's")
    p.add_argument("--folder", help="where converted models are kept; a temporary one by default")
    p.add_argument("--prepare", action="store_true", help="only convert, into --folder")
    p.add_argument("--from", dest="files", action="append", default=[], metavar="FILE.jsonl", help="show rows of earlier runs, measure nothing")
    p.add_argument("--json", action="store_true", help="a line of JSON a row")
    p.add_argument("--markdown", action="store_true", help="only a table, as the README's")
    a = p.parse_args()
    check(p, a)
    a.dlc = os.path.abspath(shutil.which(a.dlc) or a.dlc)
    ours = {"dlc": Dlc(a.dlc, a.target, a.precision)}
    a.engines, a.dims = {name: (ours | PEERS)[name] for name in a.engines}, dict(a.dim)
    return a


def check(p, a):
    """What the types of single flags cannot say."""
    if bool(a.models) == bool(a.files):
        p.error("expected models, or --from FILE.jsonl")
    for f in a.models + a.files:
        if not os.path.isfile(f):
            p.error(f"{f}: no such file")
    if a.prepare and not a.folder:
        p.error("--prepare needs a --folder to keep what it makes")
    if a.rounds < 1:
        p.error("--rounds: expected 1 or more")


def engines(text):
    names = text.split(",")
    for name in names:
        if name != "dlc" and name not in PEERS:
            raise argparse.ArgumentTypeError(f"unknown engine {name!r}, expected some of {', '.join(['dlc', *PEERS])}")
    return names


def counts(text):
    if not all(t.isdigit() and 1 <= int(t) <= (os.cpu_count() or 1) for t in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r}: expected numbers from 1 to {os.cpu_count()}")
    return [int(t) for t in text.split(",")]


def size(text):
    name, _, n = text.rpartition("=")
    if not name or not n.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=N")
    return name, int(n)
