//! Files made to do harm: each is refused by one line with exit code 1, within 5 seconds of processor time and an address
//! space of 512 MB, which the system enforces here.

mod wire;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use wire::*;

/// Runs `dlc` within 512 MB and 5 seconds (20 where the code is not optimized); the system ends it beyond.
const LIMITS: &str = if cfg!(debug_assertions) {
    "ulimit -v 524288; ulimit -t 20; exec \"$0\" \"$@\""
} else {
    "ulimit -v 524288; ulimit -t 5; exec \"$0\" \"$@\""
};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn dlc(&self, args: &[&str]) -> Output {
        let mut sh = Command::new("sh");
        sh.args(["-c", LIMITS, env!("CARGO_BIN_EXE_dlc")]).args(args).current_dir(self.0.path());
        sh.output().unwrap()
    }

    /// Writes a file and gives the message that `dlc` refuses it with.
    fn refused(&self, file: &str, bytes: &[u8], args: &[&str]) -> String {
        fs::write(self.path(file), bytes).unwrap();
        self.fails(args)
    }

    fn fails(&self, args: &[&str]) -> String {
        let out = self.dlc(args);
        let message = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(1), "{args:?}: {:?} {message}", out.status);
        let lines: Vec<&str> = message.lines().filter(|l| !l.starts_with("note:")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("error: "), "{args:?}: {message}");
        assert!(!lines[0].contains("panicked") && !lines[0].chars().any(char::is_control), "{message}");
        assert!(lines[0].len() < 4000, "{} bytes of message", lines[0].len());
        lines[0].into()
    }

    /// The message that a model is refused with, which contains `what`.
    fn model(&self, m: Message, what: &str) {
        let message = self.refused("m.onnx", &m.0, &["inspect", "m.onnx", "--max-memory", "400MB"]);
        assert!(message.contains(what), "{message}\nexpected {what:?}");
    }

    /// A model that is no good to compile, or that is compiled without harm.
    fn compiled_or_refused(&self, m: Message) {
        fs::write(self.path("m.onnx"), m.0).unwrap();
        let out = self.dlc(&["compile", "m.onnx", "--max-memory", "400MB"]);
        let message = String::from_utf8(out.stderr).unwrap();
        match out.status.code() {
            Some(0) => {
                let size = fs::metadata(self.path("m.dlc")).unwrap().len();
                assert!(size < 32 << 20, "an artifact of {size} bytes");
            }
            Some(1) => assert!(message.starts_with("error: ") && message.lines().count() == 1, "{message}"),
            other => panic!("{other:?}: {message}"),
        }
    }
}

fn x() -> Vec<Message> {
    vec![value("x", 1, &[2])]
}

/// CVE-2022-25882, CVE-2024-27318, CVE-2026-27489 and CVE-2026-34445 and what is near them.
#[test]
fn external_data_stays_in_the_folder() {
    let home = Home::new();
    fs::create_dir_all(home.path("model/sub")).unwrap();
    fs::write(home.path("secret"), [0; 8]).unwrap();
    fs::write(home.path("model/data"), [0; 8]).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, home.path("model").join(name)).unwrap();
    link("../secret", "link");
    link("..", "up");
    link("data", "inner");
    link("/dev/zero", "zero");
    let fifo = Command::new("mkfifo").arg(home.path("model/fifo")).status();
    assert!(fifo.unwrap().success());
    let refused = |properties: &[(&str, &str)], what: &str| {
        let m = external(properties);
        let message = home.refused("model/m.onnx", &m.0, &["inspect", "model/m.onnx"]);
        assert!(message.contains("tensor \"w\"") && message.contains(what), "{properties:?}: {message}");
    };
    let secret = home.path("secret");
    let outside = "is not a path inside the model's folder";
    for place in
        ["../secret", "sub/../../secret", "./../secret", "sub/..", "/dev/zero", secret.to_str().unwrap(), "", "a\0b"]
    {
        refused(&[("location", place)], outside);
    }
    for place in ["link", "up/secret", "inner", "zero"] {
        refused(&[("location", place)], "symbolic link");
    }
    for place in ["fifo", "sub"] {
        refused(&[("location", place)], "is not a regular file");
    }
    refused(&[("location", "gone")], "cannot be opened");
    refused(&[("location", ".")], "is not a file");
    let data = |k: &'static str, v: &'static str| [("location", "data"), (k, v)];
    for v in ["-1", "18446744073709551616", "1e3", " 1", ""] {
        refused(&data("offset", v), "expected a number of bytes");
        refused(&data("length", v), "expected a number of bytes");
    }
    refused(&data("offset", "18446744073709551615"), "which has 8 bytes");
    refused(&data("offset", "1"), "which has 8 bytes");
    refused(&data("length", "1099511627776"), "which has 8 bytes");
    refused(&data("length", "4"), "4 bytes of data, expected 8");
    refused(&data("__class__", "1"), "has the key \"__class__\", expected one of location, offset");
    refused(&data("location", "data"), "twice");
    fs::write(home.path("model/m.onnx"), external(&data("offset", "0")).0).unwrap();
    assert!(home.dlc(&["inspect", "model/m.onnx"]).status.success());
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let home = Home::new();
    let with = |t: Message| model(graph(vec![node("Identity", &["w"], &["y"])], vec![t], vec![], &["y"]));
    home.model(with(tensor("w", 1, &[1 << 62, 1 << 62])), "overflow");
    home.model(with(tensor("w", 1, &[1_000_000_000_000])), "0 bytes of data, expected 4000000000000");
    home.model(with(tensor("w", 1, &[1_000_000_000_000]).bytes(9, [0; 4])), "4 bytes of data");
    home.model(with(tensor("w", 1, &[-4])), "negative");
    home.model(with(tensor("w", 1, &[0, -1])), "negative");
    home.model(with(tensor("w", 99, &[1]).bytes(9, [0; 4])), "element type 99");
    let input =
        |dims: &[i64]| model(graph(vec![node("Relu", &["x"], &["y"])], vec![], vec![value("x", 1, dims)], &["y"]));
    home.model(input(&[-7]), "size -7");
    let message = home.refused("m.onnx", &input(&[1 << 40]).0, &["run", "m.onnx", "--target", "reference"]);
    assert!(message.contains("is more than") || message.contains("bytes are needed"), "{message}");
    let message = home.refused("m.onnx", &input(&[1 << 26]).0, &["run", "m.onnx", "--max-memory", "100MB"]);
    assert!(message.contains("expected at most 100000000"), "{message}");
    let sparse = message_sparse(&[1 << 29], 1);
    let m = wire::message().all(1, [node("Identity", &["s"], &["y"])]).put(15, sparse).all(12, [named("y")]);
    let message = home.refused("m.onnx", &model(m).0, &["inspect", "m.onnx", "--max-memory", "64MiB"]);
    assert!(message.contains("tensor \"s\"") && message.contains("too large"), "{message}");
}

/// A sparse tensor of one element.
fn message_sparse(dims: &[i64], at: i64) -> Message {
    let values = tensor("s", 1, &[1]).bytes(9, 1f32.to_le_bytes());
    dims.iter().fold(message().put(1, values).put(2, ints("i", &[1], &[at])), |m, d| m.int(3, *d))
}

#[test]
fn constants_that_would_swell_are_left_alone() {
    let home = Home::new();
    let huge = vec![ints("n", &[1], &[1 << 36]), ints("one", &[1], &[1])];
    let of = |op: &str, x: &[&str]| {
        model(graph(vec![node(op, x, &["big"]), node("ReduceSum", &["big"], &["y"])], huge.clone(), vec![], &["y"]))
    };
    home.compiled_or_refused(of("ConstantOfShape", &["n"]));
    home.compiled_or_refused(of("Expand", &["one", "n"]));
    home.compiled_or_refused(of("Tile", &["one", "n"]));
    let scalars =
        vec![ints("a", &[], &[0]), ints("n", &[], &[1 << 40]), ints("d", &[], &[1]), ints("v", &[2], &[0, 1])];
    let of = |op: &str, x: &[&str]| {
        model(graph(vec![node(op, x, &["big"]), node("ReduceSum", &["big"], &["y"])], scalars.clone(), vec![], &["y"]))
    };
    home.compiled_or_refused(of("Range", &["a", "n", "d"]));
    home.compiled_or_refused(of("OneHot", &["v", "n", "v"]));
    // Each step is small beside its operand, the last is not.
    let steps = |i: usize| {
        node("Concat", &[&*format!("c{i}"), &*format!("c{i}")], &[&*format!("c{}", i + 1)]).put(5, int("axis", 0))
    };
    let nodes: Vec<Message> = (0..40).map(steps).collect();
    home.compiled_or_refused(model(graph(nodes, vec![ints("c0", &[1], &[1])], vec![], &["c40"])));
    let m = of("ConstantOfShape", &["n"]);
    let message = home.refused("m.onnx", &m.0, &["run", "m.onnx", "--target", "reference", "--max-memory", "300MB"]);
    assert!(message.contains("ConstantOfShape"), "{message}");
}

#[test]
fn graphs_that_are_none_are_refused() {
    let home = Home::new();
    let with = |nodes: Vec<Message>, outputs: &[&str]| model(graph(nodes, vec![], x(), outputs));
    home.model(with(vec![node("Add", &["x", "b"], &["a"]), node("Relu", &["a"], &["b"])], &["b"]), "a cycle");
    home.model(with(vec![node("Relu", &["a"], &["a"])], &["a"]), "a cycle");
    home.model(with(vec![node("Relu", &["x"], &["a"]), node("Neg", &["x"], &["a"])], &["a"]), "two nodes give");
    home.model(with(vec![node("Relu", &["x"], &["a"])], &["a", "a"]), "two outputs are named");
    home.model(
        model(graph(vec![node("Relu", &["x"], &["a"])], vec![], [x(), x()].concat(), &["a"])),
        "two inputs are named",
    );
    home.model(with(vec![node("Relu", &["gone"], &["a"])], &["a"]), "no node gives its operand \"gone\"");
    home.model(with(vec![node("Relu", &[], &["a"])], &["a"]), "n_a");
    home.model(with(vec![node("Rleu", &["x"], &["a"])], &["a"]), "did you mean Relu?");
    home.model(with(vec![node("MatMul", &["x", "m"], &["a"])], &["a"]), "no node gives");
    let t = ints("m", &[3, 1], &[1, 2, 3]);
    let m = model(graph(vec![node("MatMul", &["x", "m"], &["a"])], vec![t], x(), &["a"]));
    home.model(m, "n_a");
}

#[test]
fn nesting_ends() {
    let home = Home::new();
    let flag = || value("flag", 9, &[]);
    let inputs = || [x(), vec![flag()]].concat();
    let nested = |n: usize| {
        (0..n).fold(graph(vec![node("Relu", &["x"], &["t"])], vec![], vec![], &["t"]), |g, _| {
            let other = graph(vec![], vec![], vec![], &["x"]);
            let n = node("If", &["flag"], &["t"]).put(5, body("then_branch", g)).put(5, body("else_branch", other));
            graph(vec![n], vec![], vec![], &["t"])
        })
    };
    home.model(model(nested(2000).all(11, inputs())), "nested more than");
    home.model(model(nested(40).all(11, inputs())), "nested more than");
    home.compiled_or_refused(model(nested(20).all(11, inputs())));
    let function = |name: &str, calls: &[&str]| {
        let call = |(i, c): (usize, &&str)| node(c, &["a"], &[&*format!("r{i}")]).bytes(7, "f");
        let last = format!("r{}", calls.len() - 1);
        let f = message().bytes(1, name).bytes(4, "a").bytes(5, last).all(7, calls.iter().enumerate().map(call));
        f.bytes(10, "f").put(9, message().bytes(1, "").int(2, 17)).put(9, message().bytes(1, "f").int(2, 1))
    };
    let calling = |fs: Vec<Message>| {
        let call = node("f0", &["x"], &["y"]).bytes(7, "f");
        model(graph(vec![call], vec![], x(), &["y"])).put(8, message().bytes(1, "f").int(2, 1)).all(25, fs)
    };
    home.model(calling(vec![function("f0", &["f0"])]), "deep");
    home.model(calling(vec![function("f0", &["f1"]), function("f1", &["f0"])]), "deep");
    // Each calls the next twice: 2^30 nodes.
    let names: Vec<String> = (0..31).map(|i| format!("f{i}")).collect();
    let double = |i: usize| function(&names[i], &[&*names[i + 1], &*names[i + 1]]);
    let mut all: Vec<Message> = (0..30).map(double).collect();
    let relu = node("Relu", &["a"], &["r"]);
    all.push(message().bytes(1, &names[30]).bytes(4, "a").bytes(5, "r").all(7, [relu]).bytes(10, "f"));
    home.model(calling(all), "more nodes than are allowed");
    let groups: Vec<u8> = [vec![0x0b; 100_000], vec![0x0c; 100_000]].concat();
    home.model(Message(groups), "");
    home.model(Message(vec![0xff; 1000]), "");
    home.model(Message([vec![0x3a], varint(u64::MAX)].concat()), "");
    home.model(message().put(7, Message(vec![0x0a, 0x7f])), "");
}

#[test]
fn floods_are_refused() {
    let home = Home::new();
    let name = |i: usize| format!("v{i}");
    let chain = (0..1_000_000).map(|i| node("Relu", &[&*name(i)], &[&*name(i + 1)]));
    let m = message().all(1, chain).all(11, [value("v0", 1, &[2])]).all(12, [named("v1000000")]);
    home.model(model(m), "ModelProto: ");
    let inputs = (0..1_000_000).map(|i| value(&name(i), 1, &[2]));
    home.model(model(message().all(11, inputs)), "ModelProto: ");
    home.model(model(Message([0x0a, 0].repeat(4_000_000))), "ModelProto: ");
    let attributes = Message([0x2a, 0].repeat(4_000_000));
    home.model(model(message().put(1, attributes)), "bytes are needed");
    let long = "n".repeat(20_000_000);
    home.model(model(graph(vec![node(&long, &["x"], &["y"])], vec![], x(), &["y"])), "");
}

#[test]
fn sizes_cannot_grow_without_end() {
    let home = Home::new();
    // A sum of 200 names, in a shape of eight such sizes.
    let name = |i: usize| format!("x{i}");
    let inputs: Vec<Message> = (0..200).map(|i| open_value(&name(i), &format!("s{i}"))).collect();
    let names: Vec<String> = (0..200).map(name).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut nodes = vec![node("Concat", &all, &["c"]).put(5, int("axis", 0)), node("Shape", &["c"], &["n"])];
    nodes.push(node("Concat", &["n"; 8], &["shape"]).put(5, int("axis", 0)));
    nodes.push(node("ConstantOfShape", &["shape"], &["big"]));
    nodes.push(node("Flatten", &["big"], &["y"]).put(5, int("axis", 4)));
    home.compiled_or_refused(model(graph(nodes, vec![], inputs, &["y"])));
    // Sizes whose expressions nest deeper with every node.
    let pool = |i: usize| {
        let shape = message().bytes(1, "kernel_shape").int(8, 3).int(20, 7);
        let steps = message().bytes(1, "strides").int(8, 2).int(20, 7);
        node("MaxPool", &[&*format!("v{i}")], &[&*format!("v{}", i + 1)]).put(5, shape).put(5, steps)
    };
    let t = message()
        .int(1, 1)
        .put(2, message().all(1, [message().int(1, 1), message().int(1, 1), message().bytes(2, "w")]));
    let input = message().bytes(1, "v0").put(2, message().put(1, t));
    let g = message().all(1, (0..20_000).map(pool)).all(11, [input]).all(12, [named("v20000")]);
    home.model(model(g), "deep");
}

#[test]
fn endless_loops_are_not_run_when_compiling() {
    let home = Home::new();
    let b = graph(
        vec![node("Identity", &["c"], &["c2"]), node("Add", &["v", "v"], &["v2"]), node("Identity", &["v"], &["s"])],
        vec![],
        vec![value("i", 7, &[]), value("c", 9, &[]), value("v", 7, &[1])],
        &["c2", "v2", "s"],
    );
    let looped = node("Loop", &["m", "go", "v0"], &["out", "seen"]).put(5, body("body", b));
    let go = tensor("go", 9, &[]).bytes(9, [1]);
    // Without any operator in it there is nothing but the iterations to count.
    let inputs = vec![value("i", 7, &[]), value("c", 9, &[]), value("v", 7, &[1])];
    let nothing =
        node("Loop", &["m", "go", "v0"], &["out"]).put(5, body("body", graph(vec![], vec![], inputs, &["c", "v"])));
    let constants = vec![ints("m", &[], &[i64::MAX]), tensor("go", 9, &[]).bytes(9, [1]), ints("v0", &[1], &[1])];
    home.compiled_or_refused(model(graph(vec![nothing], constants, vec![], &["out"])));
    let constants = vec![ints("m", &[], &[i64::MAX]), go, ints("v0", &[1], &[1])];
    home.compiled_or_refused(model(graph(vec![looped], constants, vec![], &["out", "seen"])));
}

#[test]
fn names_cannot_steer_the_terminal() {
    let home = Home::new();
    let evil = "a\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\nerror: fine\u{202e}\0";
    let nodes = || vec![node(evil, &["x"], &[evil])];
    let message = home.refused("m.onnx", &model(graph(nodes(), vec![], x(), &[evil])).0, &["inspect", "m.onnx"]);
    assert!(!message.contains('\u{202e}') && !message.contains('\u{9b}'), "{message:?}");
    let good = model(graph(vec![node("Relu", &[evil], &["y"])], vec![], vec![value(evil, 1, &[2])], &["y"]));
    fs::write(home.path("m.onnx"), good.0).unwrap();
    for args in [&["inspect", "m.onnx", "--html", "m.html"][..], &["run", "m.onnx"], &["inspect", "m.onnx", "--json"]] {
        let out = home.dlc(args);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        assert!(text.lines().all(|l| !l.chars().any(|c| c.is_control() || c == '\u{202e}')), "{args:?}: {text:?}");
    }
    let html = fs::read_to_string(home.path("m.html")).unwrap();
    assert!(!html.chars().any(|c| c.is_control() && c != '\n'));
}

/// CVE-2024-27319: messages of any length, about names of any length, are cut between letters and within bounds.
#[test]
fn long_messages_are_cut() {
    let home = Home::new();
    let long = |unit: &str, n: usize| unit.repeat(n);
    for n in [0, 1, 127, 128, 255, 256, 998, 999, 1000, 1001, 1023, 1024, 4095, 4096, 65_536] {
        for unit in ["n", "é", "\u{1f980}", "\u{7f}", "%s%n", "\u{0}"] {
            let name = long(unit, n);
            let t = tensor(&name, 1, &[3]).bytes(9, [0; 4]);
            home.model(model(graph(vec![node("Identity", &[&*name], &["y"])], vec![t], vec![], &["y"])), "expected");
        }
        let name = long("é\u{1b}", n);
        let told = home.refused(
            "m.onnx",
            &model(graph(vec![node(&name, &["x"], &["y"])], vec![], x(), &["y"])).0,
            &["inspect", "m.onnx"],
        );
        assert!(told.chars().count() <= 6 * 1000 + 20, "{} letters", told.chars().count());
        let bad = node("Softmax", &["x"], &["y"]).put(5, int(&long("a", n.max(1)), 1));
        home.model(model(graph(vec![bad], vec![], x(), &["y"])), "attribute");
        let size = open_value("x", &long("s", n.max(1)));
        let m = model(graph(vec![node("MatMul", &["x", "x"], &["y"])], vec![], vec![size], &[&*long("y", n.max(2))]));
        home.compiled_or_refused(m);
    }
}

/// CVE-2025-51480: a location that was read, or refused, is never written: what is made of a model has its weights in it.
#[test]
fn no_location_of_a_model_is_written() {
    let home = Home::new();
    fs::create_dir(home.path("model")).unwrap();
    fs::write(home.path("victim"), [0; 8]).unwrap();
    fs::write(home.path("model/data"), [7; 8]).unwrap();
    let before = |dir: &str| fs::read_dir(home.path(dir)).unwrap().count();
    for place in ["../victim", "data", "new", "sub/new", "../../new"] {
        fs::write(home.path("model/m.onnx"), external(&[("location", place)]).0).unwrap();
        let outer = before(".");
        for args in [
            &["compile", "model/m.onnx", "-o", "model/m.dlc"][..],
            &["compile", "model/m.onnx", "--minimize", "-o", "model/small.onnx"],
            &["inspect", "model/m.onnx", "--html", "model/m.html"],
        ] {
            let code = home.dlc(args).status.code();
            assert!(matches!(code, Some(0 | 1)), "{place} {args:?}: {code:?}");
        }
        assert_eq!(fs::read(home.path("victim")).unwrap(), [0; 8]);
        assert_eq!(fs::read(home.path("model/data")).unwrap(), [7; 8]);
        assert!(before(".") == outer && !home.path("model/new").exists() && !home.path("model/sub").exists());
    }
}

#[test]
fn text_that_is_no_graph_is_refused() {
    let home = Home::new();
    let deep = |open: &str| format!("graph g {{ input x: f32[{}n", open.repeat(100_000));
    let nested = "graph g { input x: bool[] y = If(x) {then_branch=".repeat(10_000);
    let many = format!("graph g {{{}", "(".repeat(20_000_000));
    let huge = "graph g { w = const f32[1000000000000] {1.0} }";
    let big = "graph g { input x: f32[99999999999999999999999999] }";
    for (text, what) in [
        (deep("min("), "nested deeper"),
        (deep("-"), "expected a size"),
        (nested, "nested deeper"),
        (many, "bytes are needed"),
        (huge.into(), "1 elements for shape"),
        (big.into(), "no 64-bit integer"),
        ("graph \"".into(), "no closing quote"),
    ] {
        let args = ["inspect", "m.txt", "--max-memory", "400MB"];
        let message = home.refused("m.txt", text.as_bytes(), &args);
        assert!(message.contains(what), "{message}\nexpected {what:?}");
    }
}

#[test]
fn tensors_that_lie_are_refused() {
    let home = Home::new();
    let m = model(graph(vec![node("Relu", &["x"], &["y"])], vec![], x(), &["y"]));
    fs::write(home.path("m.onnx"), m.0).unwrap();
    let npy = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': True, 'shape': {shape}}}");
        [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), &[0; 8]].concat()
    };
    for shape in
        ["(1099511627776,)", "(4294967296, 4294967296)", "((((((2,),),),),),)", "(-2,)", "(0, 281474976710655)", "(3,)"]
    {
        let message = home.refused("x.npy", &npy(shape), &["run", "m.onnx", "--input", "x=x.npy"]);
        assert!(message.contains("x.npy"), "{message}");
    }
    for t in [
        tensor("x", 1, &[1 << 60, 16]),
        tensor("x", 1, &[2]).bytes(9, [0; 7]),
        tensor("x", 8, &[2]),
        Message(vec![0xff; 99]),
    ] {
        let message = home.refused("x.pb", &t.0, &["run", "m.onnx", "--input", "x=x.pb"]);
        assert!(message.contains("x.pb"), "{message}");
    }
    for place in ["/dev/zero", "."] {
        assert!(home.fails(&["inspect", place]).contains("regular file"));
    }
}

#[test]
fn damaged_artifacts_are_refused() {
    let home = Home::new();
    let m = model(graph(vec![node("Relu", &["x"], &["y"])], vec![], x(), &["y"]));
    fs::write(home.path("m.onnx"), m.0).unwrap();
    assert!(home.dlc(&["compile", "m.onnx"]).status.success());
    let whole = fs::read(home.path("m.dlc")).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        home.refused("d.dlc", &damaged, &["run", "d.dlc"]);
        home.refused("d.dlc", &whole[..at], &["run", "d.dlc"]);
    }
}
