//! The borders of the house, checked from the Cargo.toml files and the source lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each outside library and the crates that may use it. What is not listed here may not be used at all.
const HOMES: &[(&str, &[&str])] = &[
    ("bytes", &["dlc-ir", "dlc-onnx", "dlc-artifact", "dlc-runtime", "dlc-cpu", "dlc"]),
    ("clap", &["dlc", "dlc-fuzz"]),
    ("clap_complete", &["dlc"]),
    ("comfy-table", &["dlc"]),
    ("cranelift-codegen", &["dlc-vector", "dlc-cpu"]),
    ("cranelift-frontend", &["dlc-vector"]),
    ("cranelift-module", &["dlc-cpu"]),
    ("cranelift-object", &["dlc-cpu"]),
    ("crc32fast", &["dlc-artifact"]),
    ("ctrlc", &["dlc"]),
    ("egg", &["dlc-egraph"]),
    ("half", &["dlc-ir", "dlc-onnx", "dlc-runtime"]),
    ("iced-x86", &["dlc-vector"]),
    ("indicatif", &["dlc", "dlc-fuzz"]),
    ("insta", &[]),
    ("libm", &["dlc-ir", "dlc-vector", "dlc-runtime"]),
    ("memmap2", &["dlc-onnx", "dlc-artifact", "dlc-runtime"]),
    ("npyz", &["dlc"]),
    ("onnx-protobuf", &["dlc-onnx"]),
    ("petgraph", &["dlc-ir"]),
    ("prost", &["dlc-onnx"]),
    ("protobuf", &["dlc-onnx"]),
    ("rand", &["dlc-compiler", "dlc-models"]),
    ("regex", &["dlc-ir"]),
    ("rustix", &["dlc-onnx"]),
    ("serde", &["dlc-compiler", "dlc-bench", "dlc"]),
    ("serde_json", &["dlc-bench", "dlc", "dlc-tests", "dlc-fuzz"]),
    ("sha2", &["dlc-models"]),
    ("smallvec", &["dlc-ir"]),
    ("target-lexicon", &["dlc-vector", "dlc-cpu"]),
    ("tempfile", &["dlc-artifact", "dlc"]),
    (
        "thiserror",
        &[
            "dlc-ir",
            "dlc-onnx",
            "dlc-compiler",
            "dlc-passes",
            "dlc-egraph",
            "dlc-plan",
            "dlc-vector",
            "dlc-cpu",
            "dlc-artifact",
            "dlc-runtime",
            "dlc-models",
        ],
    ),
];

/// Libraries that any crate may use in its tests.
const FOR_TESTS: &[&str] = &["insta", "rand", "serde_json", "tempfile"];

/// What a crate must not reach, however many crates are between: (crate, forbidden).
const BORDERS: &[(&str, &[&str])] = &[
    ("dlc-artifact", COMPILER),
    ("dlc-runtime", COMPILER),
    ("dlc-passes", BACKENDS),
    ("dlc-egraph", BACKENDS),
    ("dlc-plan", PASSES),
    ("dlc-vector", PASSES),
    ("dlc-cpu", PASSES),
    ("dlc-ir", &["dlc-onnx", "dlc-compiler", "dlc-passes", "dlc-egraph", "dlc-plan", "dlc-artifact"]),
    ("dlc-onnx", &["dlc-compiler", "dlc-passes", "dlc-egraph", "dlc-plan", "dlc-artifact"]),
];
const BACKENDS: &[&str] = &["dlc-plan", "dlc-vector", "dlc-cpu", "dlc-artifact", "dlc-compiler", "dlc-onnx"];
const PASSES: &[&str] = &["dlc-passes", "dlc-egraph", "egg", "dlc-compiler", "dlc-onnx"];
const COMPILER: &[&str] = &[
    "dlc-ir",
    "dlc-onnx",
    "dlc-compiler",
    "dlc-passes",
    "dlc-egraph",
    "dlc-plan",
    "dlc-vector",
    "dlc-cpu",
    "egg",
    "petgraph",
    "prost",
    "onnx-protobuf",
    "protobuf",
    "cranelift-codegen",
    "cranelift-frontend",
    "cranelift-module",
    "cranelift-object",
    "clap",
];

/// Libraries that one file alone may name.
const ONE_FILE: &[(&str, &str)] = &[("petgraph", "compiler/ir/src/graph.rs")];

/// Where unsafe code may be: where code is mapped and called, in the arena, and where files are mapped.
const UNSAFE: &[&str] = &["runtime/src/", "runtime/artifact/src/", "compiler/onnx/src/file.rs"];

/// What a library may not do: print, or look at flags and environment. Only the command line does.
const CLI_ONLY: &[&str] = &[
    "println!",
    "eprintln!",
    "print!(",
    "eprint!(",
    "dbg!(",
    "env::var",
    "env::args",
    "env::set_",
    "env::current_",
    "process::exit",
];

/// Crates that are programs.
const PROGRAMS: &[&str] = &["dlc", "dlc-bench", "dlc-fuzz"];

#[derive(Debug)]
struct Package {
    name: String,
    folder: PathBuf,
    /// Dependencies that end up in the library, and those that only its tests have.
    normal: BTreeSet<String>,
    dev: BTreeSet<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}

/// Names on the left of `=` in a section of a Cargo.toml.
fn keys(toml: &str, section: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut out = BTreeSet::new();
    for line in toml.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == format!("[{section}]");
        } else if let (true, Some((key, _))) = (inside && !line.starts_with('#'), line.split_once('=')) {
            out.insert(key.trim().trim_end_matches(".workspace").to_string());
        }
    }
    out
}

fn packages() -> Vec<Package> {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a Cargo.toml");
    let members = workspace.split_once("members = [").and_then(|m| m.1.split_once(']')).expect("members are listed").0;
    let folders = members.split(',').map(|m| m.trim().trim_matches('"')).filter(|m| !m.is_empty());
    folders.map(|f| package(&root().join(f))).collect()
}

fn package(folder: &Path) -> Package {
    let toml = fs::read_to_string(folder.join("Cargo.toml")).expect("every member has a Cargo.toml");
    let name = toml.lines().find_map(|l| l.strip_prefix("name = ")).expect("every package has a name");
    let dev = keys(&toml, "dev-dependencies");
    let normal = &keys(&toml, "dependencies") | &keys(&toml, "build-dependencies");
    Package { name: name.trim_matches('"').into(), folder: folder.into(), normal, dev }
}

/// All that a package reaches by normal dependencies within the workspace, outside libraries included.
fn reach(all: &BTreeMap<String, &Package>, name: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut todo = vec![name.to_string()];
    while let Some(next) = todo.pop() {
        for d in all.get(&next).map(|p| &p.normal).into_iter().flatten() {
            if out.insert(d.clone()) {
                todo.push(d.clone());
            }
        }
    }
    out
}

/// Rust files of a package's library or binary: path from the root, and text without its unit tests.
fn sources(p: &Package) -> Vec<(String, String)> {
    let mut out = vec![];
    let mut todo = vec![p.folder.join("src")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !is_test(&path) {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_string();
                let from_root = path.strip_prefix(root()).expect("members are below the root");
                out.push((from_root.to_string_lossy().replace('\\', "/"), body));
            }
        }
    }
    out.sort();
    out
}

fn is_test(path: &Path) -> bool {
    path.components().any(|c| c.as_os_str() == "tests") || path.file_stem().is_some_and(|s| s == "tests")
}

/// Lines of code that contain a word, comments left out.
fn lines_with<'a>(text: &'a str, word: &str) -> Vec<(usize, &'a str)> {
    let code = |l: &str| l.split("//").next().unwrap_or_default().contains(word);
    text.lines().enumerate().filter(|(_, l)| code(l)).map(|(n, l)| (n + 1, l.trim())).collect()
}

#[test]
fn every_outside_library_has_a_home() {
    let toml = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let known: BTreeSet<String> = keys(&toml, "workspace.dependencies");
    let homes: BTreeSet<String> = HOMES.iter().map(|h| h.0.to_string()).collect();
    let outside: BTreeSet<String> = known.into_iter().filter(|d| !d.starts_with("dlc-")).collect();
    assert_eq!(outside, homes, "libraries of the workspace (left) and their homes (right)");
    for p in packages() {
        let in_tests = p.dev.iter().filter(|d| !FOR_TESTS.contains(&d.as_str()));
        for d in p.normal.iter().chain(in_tests).filter(|d| !d.starts_with("dlc-")) {
            let home = HOMES.iter().find(|h| h.0 == *d);
            assert!(
                home.is_some_and(|h| h.1.contains(&p.name.as_str())),
                "{} uses {d}, which is not at home there",
                p.name
            );
        }
    }
}

#[test]
fn borders_are_kept() {
    let all = packages();
    let by_name: BTreeMap<String, &Package> = all.iter().map(|p| (p.name.clone(), p)).collect();
    for (name, forbidden) in BORDERS {
        assert!(by_name.contains_key(*name), "no package {name}");
        let reached = reach(&by_name, name);
        let wrong: Vec<_> = forbidden.iter().filter(|f| reached.contains(**f)).collect();
        assert!(wrong.is_empty(), "{name} reaches {wrong:?}");
    }
}

#[test]
fn sources_name_only_what_is_at_home() {
    for p in packages() {
        let allowed: BTreeSet<&String> = p.normal.union(&p.dev).collect();
        for (path, text) in sources(&p) {
            for (library, _) in HOMES.iter().filter(|h| !allowed.contains(&h.0.to_string())) {
                let word = format!("{}::", library.replace('-', "_"));
                let wrong = lines_with(&text, &word);
                let wrong: Vec<_> = wrong.iter().filter(|l| starts_word(l.1, &word)).collect();
                assert!(wrong.is_empty(), "{path} names {library}: {wrong:?}");
            }
            for (library, home) in ONE_FILE {
                let wrong = lines_with(&text, &format!("{library}::"));
                assert!(path == *home || wrong.is_empty(), "{path} names {library}, at home in {home}: {wrong:?}");
            }
        }
    }
}

/// Whether `word` begins a path in the line: what is before it is neither a name nor a path.
fn starts_word(line: &str, word: &str) -> bool {
    let before = line.find(word).and_then(|i| line[..i].chars().next_back());
    before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
}

#[test]
fn only_the_command_line_prints_and_reads_flags() {
    for p in packages().iter().filter(|p| !PROGRAMS.contains(&&*p.name)) {
        for (path, text) in sources(p) {
            for word in CLI_ONLY {
                let wrong = lines_with(&text, word);
                assert!(wrong.is_empty(), "{path} has {word}: {wrong:?}");
            }
        }
    }
}

#[test]
fn unsafe_code_is_where_it_is_argued_for() {
    for p in packages() {
        for (path, text) in sources(&p) {
            let wrong: Vec<_> =
                ["unsafe {", "unsafe impl", "unsafe fn"].iter().flat_map(|w| lines_with(&text, w)).collect();
            assert!(
                wrong.is_empty() || UNSAFE.iter().any(|u| path.starts_with(u)),
                "{path} has unsafe code: {wrong:?}"
            );
        }
    }
}

#[test]
fn a_server_does_not_contain_the_compiler() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let tree = ["tree", "--offline", "-p", "dlc-runtime", "-e", "normal", "--prefix", "none"];
    let out = std::process::Command::new(cargo).args(tree).current_dir(root()).output().expect("cargo runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let names: BTreeSet<&str> = text.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert!(names.contains("dlc-runtime") && names.contains("dlc-artifact"), "{text}");
    let wrong: Vec<_> = COMPILER.iter().filter(|c| names.contains(**c)).collect();
    assert!(wrong.is_empty(), "dlc-runtime links {wrong:?}");
}

/// Most bytes of a program that does nothing but run an artifact.
const SMALL: u64 = 1 << 20;

#[test]
fn a_server_is_small() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let target = root().join("target/small");
    let build = ["build", "--offline", "--release", "-p", "dlc-runtime", "--example", "run", "--target-dir"];
    let out = std::process::Command::new(cargo).args(build).arg(&target).current_dir(root()).output();
    let out = out.expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let program = target.join("release/examples").join(format!("run{}", std::env::consts::EXE_SUFFIX));
    let size = fs::metadata(&program).expect("the program was built").len();
    println!("a program that runs artifacts: {} KiB", size / 1024);
    assert!(size < SMALL, "{} bytes", size);
}
