//! The `dlc` binary as its users meet it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A small network with a symbolic batch, in text form.
const NET: &str = r#"graph net {
  input x: f32[batch,3]
  input mask: bool[batch,2]
  w = const f32[3,2] {1.0, 0.0, 0.5, 1.0, 0.0, 2.0}
  zero = const f32[] {0.0}
  "fc/MatMul" = MatMul(x, w): f32[batch,2]
  act = Relu("fc/MatMul"): f32[batch,2]
  kept = Where(mask, act, zero): f32[batch,2]
  rows = Shape(x): i64[2]
  output y = kept
  output sizes = rows
}
"#;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        home.put("net.txt", NET.as_bytes());
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn dlc(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dlc")).args(args).current_dir(self.0.path()).output().unwrap()
    }

    /// The standard output of a call that succeeds.
    fn done(&self, args: &[&str]) -> String {
        let out = self.dlc(args);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.done(&[args, &["--json"]].concat())).unwrap()
    }

    /// The message of a call that fails with this code; never a panic, and one line unless clap wrote it.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let out = self.dlc(args);
        let message = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(code), "{args:?}: {message}");
        assert!(message.contains("error:") && !message.contains("panicked"), "{args:?}: {message}");
        let ours = message.lines().filter(|l| !l.starts_with("note:")).count();
        assert!(ours == 1 || message.contains("--help"), "{args:?}: {message}");
        message
    }
}

fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn help_and_completions_are_there() {
    let home = Home::new();
    for verb in [
        "compile",
        "run",
        "inspect",
        "verify",
        "bench",
        "bisect",
        "models",
        "operators",
        "targets",
        "doctor",
        "completions",
    ] {
        assert!(home.done(&[verb, "--help"]).contains("Usage: dlc"), "{verb}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.done(&["completions", shell]).contains("dlc"));
    }
    assert!(home.done(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
    assert!(home.json(&["targets"])[0]["name"].is_string());
    assert!(home.json(&["doctor"]).as_array().is_some_and(|a| a.len() > 4));
}

#[test]
fn a_run_writes_arrays_and_their_list() {
    let home = Home::new();
    let report = home.json(&["run", "net.txt", "--target", "reference", "--dim", "batch=4", "-o", "out"]);
    assert_eq!(files(&home.path("out")), ["output_0.npy", "output_1.npy", "outputs.json"]);
    let list: serde_json::Value = serde_json::from_slice(&fs::read(home.path("out/outputs.json")).unwrap()).unwrap();
    assert_eq!(list, report["outputs"]);
    assert_eq!(list[0], serde_json::json!({"name": "y", "dtype": "f32", "shape": [4, 2], "file": "output_0.npy"}));
    assert_eq!(list[1]["name"], "sizes");
    // What was written is read back, and sizes follow from it.
    let out = home.dlc(&["run", "net.txt", "--input", "mask=out/output_1.npy"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("has type i64, expected bool"));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let home = Home::new();
    for (dir, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        let x = format!("x=random:{seed}");
        home.done(&["run", "net.txt", "--dim", "batch=64", "--input", &x, "--input", "mask=random:1", "-o", dir]);
    }
    let y = |dir: &str| fs::read(home.path(dir).join("output_0.npy")).unwrap();
    assert_eq!(y("a"), y("b"));
    assert_ne!(y("a"), y("c"));
}

#[test]
fn an_input_may_be_given_its_value_when_compiling() {
    let home = Home::new();
    home.done(&["models", "mlp", "-o", "mlp.onnx"]);
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 784)}";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend([0; 784 * 4]);
    home.put("x.npy", &file);
    home.done(&["run", "mlp.onnx", "--input", "x=x.npy", "-o", "input"]);
    home.done(&["compile", "mlp.onnx", "--const", "x=x.npy"]);
    assert_eq!(home.json(&["inspect", "mlp.dlc"])["inputs"], serde_json::json!([]));
    home.done(&["run", "mlp.dlc", "-o", "const"]);
    let y = |dir: &str| fs::read(home.path(dir).join("output_0.npy")).unwrap();
    assert_eq!(y("input").len(), y("const").len());
    home.fails(2, &["run", "mlp.dlc", "--const", "x=x.npy"]);
    home.fails(2, &["run", "mlp.dlc", "--dim", "batch=2"]);
    home.done(&["compile", "mlp.onnx"]);
    let report = home.json(&["run", "mlp.dlc", "--dim", "batch=2"]);
    assert_eq!(report["outputs"][0]["shape"], serde_json::json!([2, 10]));
    home.fails(1, &["compile", "mlp.onnx", "--const", "z=x.npy"]);
    assert!(home.fails(1, &["compile", "net.txt", "--const", "x=x.npy"]).contains("ONNX"));
    home.fails(2, &["compile", "mlp.onnx", "--const", "x"]);
}

#[test]
fn inputs_not_given_are_named() {
    let home = Home::new();
    let out = home.dlc(&["run", "net.txt", "--input", "x=random:3"]);
    let notes = String::from_utf8(out.stderr).unwrap();
    assert_eq!(notes, "note: input \"mask\" is random:0, bool[1, 2]\n");
}

#[test]
fn inspect_counts_and_draws() {
    let home = Home::new();
    let report = home.json(&["inspect", "net.txt", "--html", "net.html"]);
    assert_eq!(report["operators"], serde_json::json!({"MatMul": 1, "Relu": 1, "Where": 1, "Shape": 1}));
    assert_eq!((&report["weight_bytes"], &report["symbols"]), (&28.into(), &serde_json::json!(["batch"])));
    let html = fs::read_to_string(home.path("net.html")).unwrap();
    assert!(html.contains("<svg") && html.contains("fc/MatMul") && !html.contains("http"));
}

#[test]
fn stages_can_be_dumped_and_the_graph_written() {
    let home = Home::new();
    assert!(home.done(&["compile", "net.txt", "--dump-after", "import"]).contains("Relu(\"fc/MatMul\")"));
    home.done(&["compile", "net.txt", "--emit", "text", "-o", "again.txt"]);
    assert!(home.done(&["inspect", "again.txt"]).contains("MatMul"));
    for (form, end) in [("plan", "plan"), ("clif", "clif"), ("asm", "s"), ("obj", "o")] {
        let target = if form == "clif" { "cpu-portable" } else { "cpu" };
        home.done(&["compile", "net.txt", "--emit", form, "--target", target]);
        assert!(fs::metadata(home.path("net").with_extension(end)).unwrap().len() > 100, "{form}");
    }
    assert!(home.fails(2, &["compile", "net.txt", "--dump-after", "lunch"]).contains("\"lunch\""));
}

#[test]
fn what_depends_on_the_machine_says_what_it_is() {
    let home = Home::new();
    let targets = home.json(&["targets"]);
    let here = targets[0]["here"].as_str().unwrap();
    assert!(targets[1]["here"].is_null());
    let report = home.json(&["compile", "net.txt", "-o", "a.dlc"]);
    assert_eq!(report["target"], here);
    home.done(&["compile", "net.txt", "--target", here, "-o", "b.dlc"]);
    assert_eq!(fs::read(home.path("a.dlc")).unwrap(), fs::read(home.path("b.dlc")).unwrap());
    assert_eq!(home.json(&["inspect", "a.dlc"])["metadata"]["target"], here);
}

#[test]
fn verify_and_bisect_agree_with_the_oracle() {
    let home = Home::new();
    assert_eq!(home.json(&["verify", "net.txt", "--dim", "batch=3"])["good"], true);
    let rows = home.json(&["verify", "net.txt", "--per-layer"])["rows"].as_array().unwrap().len();
    assert_eq!(rows, 4);
    assert!(home.json(&["bisect", "net.txt"])["changed_by"].is_null());
}

#[test]
fn every_seeded_network_runs_and_verifies() {
    let home = Home::new();
    for row in home.json(&["models"]).as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        home.done(&["models", name, "-o", "model.onnx"]);
        assert_eq!(home.json(&["verify", "model.onnx", "--per-layer"])["good"], true, "{name}");
        home.done(&["compile", "model.onnx"]);
        assert_eq!(home.json(&["verify", "model.onnx", "model.dlc", "--threads", "2"])["good"], true, "{name}");
        home.done(&["inspect", "model.dlc"]);
        home.done(&["compile", "model.onnx", "-o", "again.dlc"]);
        let bytes = |file: &str| fs::read(home.path(file)).unwrap();
        assert!(bytes("model.dlc") == bytes("again.dlc"), "{name}: the same model gives the same bytes");
    }
    for name in ["gate", "mlp"] {
        home.done(&["models", name, "-o", "model.txt"]);
        home.done(&["models", name, "-o", "model.onnx"]);
        assert_eq!(home.json(&["verify", "model.txt", "--extract", "random:5"])["good"], true, "{name}");
        assert!(home.json(&["bisect", "model.onnx"])["changed_by"].is_null(), "{name}");
    }
    home.fails(2, &["models", "alexnet"]);
}

#[test]
fn bench_reports_every_call() {
    let home = Home::new();
    let flags = ["--warmup", "0", "--secs", "0", "--calls", "7", "--save-output", "y.npy"];
    let report = home.json(&[&["bench", "net.txt"][..], &flags].concat());
    assert_eq!(report["times"].as_array().unwrap().len(), 5);
    for key in ["load_s", "first_s", "base_mib", "peak_mib", "cores"] {
        assert!(report[key].is_number(), "{key}");
    }
    assert!(home.path("y.npy").is_file());
}

#[test]
fn profiles_show_every_step_and_the_limits_of_the_machine() {
    let home = Home::new();
    let flags = ["--calls", "3", "--dim", "batch=2", "--trace", "trace.json"];
    let report = home.json(&[&["profile", "net.txt"][..], &flags].concat());
    let rows = report["rows"].as_array().unwrap();
    let share: f64 = rows.iter().map(|r| r["share"].as_f64().unwrap()).sum();
    assert!((share - 1.0).abs() < 1e-9, "{share}");
    let product = rows.iter().find(|r| r["node"].as_str().unwrap().contains("fc/MatMul")).unwrap();
    assert!(product["operations"].as_u64().unwrap() >= 2 * 2 * 3 * 2, "{product}");
    assert!(report["limits"]["operations_per_second"].as_f64().unwrap() > 1e8);
    let trace: serde_json::Value = serde_json::from_slice(&fs::read(home.path("trace.json")).unwrap()).unwrap();
    assert_eq!(trace["traceEvents"].as_array().unwrap().len(), rows.len());
    assert!(home.done(&["profile", "net.txt", "--calls", "1", "--top", "1"]).contains("--top 0 shows all"));
    assert!(home.fails(2, &["profile", "net.txt", "--target", "reference"]).contains("profile a compiled target"));
}

#[test]
fn operators_are_listed_with_their_types() {
    let home = Home::new();
    let report = home.json(&["operators", "Add", "com.microsoft.Gelu"]);
    assert_eq!(report[0]["older_forms_until"], serde_json::json!([6]));
    assert_eq!(report[1]["as_it_stands_since"], serde_json::Value::Null);
    assert!(report[0]["operands"][0]["targets"]["cpu"].as_array().unwrap().contains(&"i64".into()));
    assert!(home.done(&["operators", "Relu"]).contains("refused: ai.onnx.ml.ZipMap"));
    assert!(home.fails(2, &["operators", "Telu"]).contains("\"Telu\""));
}

#[test]
fn wrong_flags_are_usage() {
    let home = Home::new();
    for args in [
        &["frobnicate"][..],
        &["run"],
        &["run", "net.txt", "--threads", "0"],
        &["run", "net.txt", "--dim", "batch"],
        &["run", "net.txt", "--dim", "batch=-1"],
        &["run", "net.txt", "--input", "x"],
        &["run", "net.txt", "--input", "x=random:many"],
        &["run", "net.txt", "--input", "nobody=random:1"],
        &["run", "net.txt", "--input", "x=random:1", "--input", "x=random:2"],
        &["run", "net.txt", "--target", "toaster"],
        &["compile", "net.txt", "--target", "reference"],
        &["compile", "net.txt", "--data", "here"],
        &["compile", "net.txt", "--precision", "f7"],
        &["compile", "net.txt", "--extract", "random"],
        &["bench", "net.txt", "--secs", "inf"],
        &["verify", "net.txt", "--tolerance", "-1"],
    ] {
        home.fails(2, args);
    }
}

/// What a message says of a mistake, in that order.
fn says(message: &str, parts: &[&str]) {
    let mut rest = message;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{message}\nexpected {part:?}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_mistake_is_named_with_what_was_expected_and_probably_meant() {
    let home = Home::new();
    home.done(&["run", "net.txt", "-o", "out"]);
    home.done(&["compile", "net.txt", "-o", "net.dlc"]);
    let f64s = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }";
    home.put("f64.npy", &[&b"\x93NUMPY\x01\x00"[..], &(f64s.len() as u16).to_le_bytes(), f64s, &[0; 24]].concat());
    let usage: &[(&[&str], &[&str])] = &[
        (&["compile", "net.txt", "--target", "cpuu"], &["\"cpuu\"", "expected one of cpu, ", "did you mean cpu?"]),
        (&["compile", "net.txt", "--precision", "f23"], &["\"f23\"", "expected one of f32, bf16"]),
        (&["compile", "net.txt", "--extract", "gredy"], &["expected greedy or random:SEED", "\"gredy\""]),
        (&["compile", "net.txt", "--emit", "asmm"], &["'asmm'", "possible values: text"]),
        (
            &["compile", "net.txt", "--dump-after", "flod"],
            &["\"flod\"", "expected one of import", "did you mean fold?"],
        ),
        (&["compile", "net.txt", "--outptu", "x"], &["'--outptu'", "--output"]),
        (&["compil", "net.txt"], &["'compil'", "'compile'"]),
        (
            &["run", "net.txt", "--input", "maks=out/output_0.npy"],
            &["\"maks\"", "expected one of", "did you mean mask?"],
        ),
        (&["run", "net.dlc", "--dim", "bacth=2"], &["\"bacth\"", "expected one of batch", "did you mean batch?"]),
        (&["run", "net.txt", "--max-memory", "3XB"], &["'3XB'", "expected a number of bytes"]),
        (&["models", "tiny_resnt"], &["\"tiny_resnt\"", "expected one of", "did you mean tiny_resnet?"]),
        (&["operators", "Rleu"], &["\"Rleu\"", "expected one that", "did you mean Relu?"]),
    ];
    for (args, parts) in usage {
        says(&home.fails(2, args), parts);
    }
    let data: &[(&[&str], &[&str])] = &[
        (&["run", "net.txt", "--dim", "bacth=2"], &["\"bacth\"", "expected", "batch", "did you mean batch?"]),
        (&["run", "net.txt", "--input", "x=f64.npy"], &["f64.npy", "\"x\"", "f64", "expected", "f32"]),
        (
            &["run", "net.txt", "--input", "x=out/output_0.npy"],
            &["output_0.npy", "\"x\" has shape [1, 2], expected f32["],
        ),
        (&["run", "net.txt", "--input", "x=out/outputs.json"], &["outputs.json", "expected a .npy or .pb file"]),
        (&["run", "net.txt", "--input", "x=gone.npy"], &["gone.npy", "No such file"]),
        (&["verify", "net.txt", "--data", "nowhere"], &["nowhere is no folder, expected"]),
        (&["compile", "gone.onnx"], &["gone.onnx", "No such file"]),
        (&["compile", "out"], &["out", "is not a regular file"]),
        (&["compile", "f64.npy"], &["f64.npy"]),
    ];
    for (args, parts) in data {
        says(&home.fails(1, args), parts);
    }
}

#[test]
fn wrong_data_is_named() {
    let home = Home::new();
    home.put("cut.txt", &NET.as_bytes()[..200]);
    home.put("empty", b"");
    home.put("zeros", &[0; 4096]);
    home.put("noise.onnx", &(0..4096u32).map(|i| (i.wrapping_mul(2654435761) >> 13) as u8).collect::<Vec<_>>());
    home.put("noise.npy", b"\x93NUMPY\x01\x00\xff\xff{");
    home.put("noise.pb", &[0xff; 64]);
    home.put("fake.dlc", b"\x89dlc\r\n\x1a\n but nothing else is as it should be");
    fs::create_dir(home.path("folder")).unwrap();
    for file in ["cut.txt", "empty", "zeros", "noise.onnx", "fake.dlc", "folder", "missing", "noise.npy"] {
        for verb in ["run", "inspect", "verify", "bisect", "bench"] {
            assert!(home.fails(1, &[verb, file]).contains(file), "{verb} {file}");
        }
        home.fails(1, &["compile", file, "--emit", "text", "-o", "never"]);
        assert!(!home.path("never").exists());
    }
    for input in ["noise.npy", "noise.pb", "empty", "folder", "missing.npy"] {
        let x = format!("x={input}");
        assert!(home.fails(1, &["run", "net.txt", "--input", &x]).contains(input));
    }
    for huge in ["9223372036854775807", "99999999999"] {
        assert!(home.fails(1, &["run", "net.txt", "--dim", &format!("batch={huge}")]).contains("\"x\""));
    }
    home.fails(1, &["verify", "net.txt", "--data", "missing"]);
    home.fails(1, &["run", "net.txt", "-o", "empty"]);
    home.fails(1, &["compile", "net.txt", "--emit", "text", "-o", "folder"]);
    home.fails(1, &["compile", "net.txt", "--emit", "text", "-o", "no/such/folder/x"]);
}

#[test]
fn nothing_partial_is_left_and_closed_pipes_are_quiet() {
    let home = Home::new();
    home.done(&["compile", "net.txt", "--emit", "text", "-o", "out.txt"]);
    assert_eq!(files(home.0.path()), ["net.txt", "out.txt"]);
    assert_eq!(home.fails(1, &["run", "net.txt", "-o", "out.txt"]).lines().count(), 3);
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_one_message() {
    let home = Home::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .args(["bench", "net.txt", "--input", "x=random:0", "--input", "mask=random:0", "--warmup", "1000"])
        .current_dir(home.0.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success() && child.wait().unwrap().code() == Some(130));
    let out = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), "error: interrupted\n");
}

/// Sizes that only agree by chance: rows of `a` and `b` are multiplied.
fn mismatched() -> dlc_ir::Graph {
    use dlc_ir::{Attrs, DType, Dim, Fact, Graph};
    let mut g = Graph::new("mismatched");
    let rows = |n: &str| Fact::new(DType::F32, [Dim::sym(n), 3.into()]);
    let (a, b) = (g.add_input("a", rows("n")), g.add_input("b", rows("m")));
    let mut last = vec![a, b];
    for i in 0..6 {
        for v in &mut last {
            *v = g.apply(&format!("t{i}_{}", v.node.index()), "Tanh", Attrs::new(), &[*v]).unwrap();
        }
    }
    let product = g.apply("product", "Mul", Attrs::new(), &last).unwrap();
    let y = g.apply("y", "Exp", Attrs::new(), &[product]).unwrap();
    g.add_output("y", y);
    g.add_output("z", last[0]);
    g
}

#[test]
fn a_refused_model_is_made_small() {
    let home = Home::new();
    home.done(&["models", "tiny_resnet", "-o", "net.onnx"]);
    let mut bytes = fs::read(home.path("net.onnx")).unwrap();
    // The fifth operator is none that exists.
    let places: Vec<usize> = bytes.windows(6).enumerate().filter(|w| w.1 == b"\x22\x04Relu").map(|w| w.0).collect();
    bytes[places[4] + 2] = b'T';
    home.put("net.onnx", &bytes);
    let report = home.json(&["compile", "net.onnx", "--minimize"]);
    assert_eq!((&report["failure"]["kind"], &report["failure"]["operator"]), (&"import".into(), &"Telu".into()));
    assert!(report["bytes"].as_u64().unwrap() < 300 && bytes.len() > 10_000, "{report}");
    assert!(home.fails(1, &["inspect", "net.small.onnx"]).contains("operator Telu of domain ai.onnx"));
    assert_eq!(files(home.0.path()), ["net.onnx", "net.small.onnx", "net.txt"]);
}

#[test]
fn sizes_that_do_not_fit_are_made_small() {
    let home = Home::new();
    home.put("net.onnx", &dlc_onnx::export(&mismatched()).unwrap());
    fs::create_dir(home.path("data")).unwrap();
    for (k, rows) in [(0, 2), (1, 5)] {
        let t = dlc_ir::Tensor::f32(&[rows, 3], &vec![0.5; rows * 3]);
        home.put(&format!("data/input_{k}.pb"), &dlc_onnx::value_to_bytes(&t, dlc_ir::Form::Dense));
    }
    assert!(home.fails(1, &["compile", "net.onnx", "--minimize"]).contains("its results are those of the reference"));
    let report = home.json(&["compile", "net.onnx", "--minimize", "--data", "data", "-o", "small.onnx"]);
    assert_eq!((&report["failure"]["kind"], &report["failure"]["operator"]), (&"reference".into(), &"Mul".into()));
    assert_eq!(home.json(&["inspect", "small.onnx"])["operators"], serde_json::json!({"Mul": 1}));
    let said = home.fails(1, &["verify", "small.onnx", "--data", report["data"].as_str().unwrap()]);
    assert!(said.contains("(Mul)"), "{said}");
}

/// A loop without end, after some operators and before others.
fn endless() -> dlc_ir::Graph {
    use dlc_ir::{Attrs, DType, Fact, Graph, Num, Tensor, Value, ops};
    let mut body = Graph::new("body");
    let scalar = |d| Fact::new(d, []);
    let (_, cond) = (body.add_input("i", scalar(DType::I64)), body.add_input("cond", scalar(DType::Bool)));
    let v = body.add_input("v", Fact::new(DType::F32, [2.into()]));
    let go = body.apply("go", "Identity", Attrs::new(), &[cond]).unwrap();
    let one = body.apply("one", "Tanh", Attrs::new(), &[v]).unwrap();
    let two = body.apply("two", "Sin", Attrs::new(), &[one]).unwrap();
    body.add_output("go", go);
    body.add_output("next", two);
    let mut g = Graph::new("endless");
    let x = g.add_input("x", Fact::new(DType::F32, [2.into()]));
    let a = g.apply("a", "Exp", Attrs::new(), &[x]).unwrap();
    let cond = g.add_const("yes", Tensor::scalar(DType::Bool, Num::I(1)));
    let op = ops::by_name("Loop").unwrap();
    let node = g.add_op("again", op, Attrs::new().with("body", body), &[None, Some(cond), Some(a)], 1).unwrap();
    let y = g.apply("y", "Cos", Attrs::new(), &[Value { node, port: 0 }]).unwrap();
    g.add_output("y", y);
    g
}

#[test]
fn a_model_that_does_not_end_is_made_small() {
    let home = Home::new();
    home.put("net.onnx", &dlc_onnx::export(&endless()).unwrap());
    let report = home.json(&["compile", "net.onnx", "--minimize", "--timeout", "2"]);
    assert_eq!(report["failure"]["kind"], "endless", "{report}");
    assert_eq!(report["complete"], true);
    assert_eq!(home.json(&["inspect", "net.small.onnx"])["operators"], serde_json::json!({"Loop": 1}));
    let text = home.done(&["compile", "net.small.onnx", "--dump-after", "import"]);
    assert!(!text.contains("Tanh") && !text.contains("Sin"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_search_leaves_the_smallest_so_far() {
    let home = Home::new();
    home.put("net.onnx", &dlc_onnx::export(&endless()).unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .args(["compile", "net.onnx", "--minimize", "--timeout", "2"])
        .current_dir(home.0.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(3500));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(said.contains("error: interrupted: net.small.onnx is the smallest found so far"), "{said}");
    let left = files(home.0.path());
    assert!(left.contains(&"net.small.onnx".into()) && left.iter().all(|f| f.starts_with("net.")), "{left:?}");
}

/// CVE-2025-51480: what is written goes where it was asked for, not through links and not where a model says.
#[cfg(unix)]
#[test]
fn nothing_is_written_through_links() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    home.put("victim", b"precious");
    fs::create_dir(home.path("outside")).unwrap();
    let kept = || assert_eq!(fs::read(home.path("victim")).unwrap(), b"precious");
    for (link, args) in [
        ("net.dlc", &["compile", "net.txt"][..]),
        ("asked.dlc", &["compile", "net.txt", "-o", "asked.dlc"]),
        ("net.s", &["compile", "net.txt", "--emit", "asm"]),
        ("mlp.onnx", &["models", "mlp", "-o", "mlp.onnx"]),
        ("net.html", &["inspect", "net.txt", "--html", "net.html"]),
        ("dangling.dlc", &["compile", "net.txt", "-o", "dangling.dlc"]),
    ] {
        symlink(if link == "dangling.dlc" { "outside/new" } else { "victim" }, home.path(link)).unwrap();
        home.done(args);
        assert!(!home.path(link).is_symlink() && home.path(link).is_file(), "{link} is the file now");
        kept();
    }
    home.put("bad.onnx", &dlc_onnx::export(&mismatched()).unwrap());
    fs::create_dir(home.path("data")).unwrap();
    for (k, rows) in [(0, 2), (1, 5)] {
        let t = dlc_ir::Tensor::f32(&[rows, 3], &vec![0.5; rows * 3]);
        home.put(&format!("data/input_{k}.pb"), &dlc_onnx::value_to_bytes(&t, dlc_ir::Form::Dense));
    }
    symlink("victim", home.path("bad.small.onnx")).unwrap();
    symlink("outside", home.path("bad.small.data")).unwrap();
    let said = home.fails(1, &["compile", "bad.onnx", "--minimize", "--data", "data"]);
    says(&said, &["bad.small.data", "is a symbolic link, expected"]);
    kept();
    assert!(files(&home.path("outside")).is_empty(), "{:?}", files(&home.path("outside")));
}
