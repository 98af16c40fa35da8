//! The zoo through the importer, and small ones of it through the oracle.

use dlc_compiler::stages::Imported;
use dlc_ir::{Graph, Tensor};
use dlc_tests::zoo::{self, Compare};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Models that the oracle runs in seconds.
const SMALL: &[&str] = &["dtln-1-lstm", "mnist-8", "silero-vad-v6"];

fn graph(id: &str) -> Graph {
    let m = dlc_onnx::load(&zoo::model(id), &Default::default()).unwrap_or_else(|e| panic!("{id}: {e}"));
    assert_eq!(m.opset, zoo::entry(id).opset, "{id}: opset");
    m.graph
}

/// Inputs and expected outputs of a model.
pub fn data(id: &str) -> (Vec<Tensor>, Vec<Tensor>) {
    read(zoo::data(id))
}

fn read((x, y): (Vec<PathBuf>, Vec<PathBuf>)) -> (Vec<Tensor>, Vec<Tensor>) {
    let one = |p: &PathBuf| dlc_onnx::read_tensor_pb(p).unwrap_or_else(|e| panic!("{e}"));
    (x.iter().map(one).collect(), y.iter().map(one).collect())
}

fn imported(id: &str) -> Imported {
    let loaded = dlc_onnx::load(&zoo::model(id), &Default::default()).unwrap_or_else(|e| panic!("{id}: {e}"));
    Imported { graph: loaded.graph, assumptions: loaded.assumptions }
}

/// Says how results differ from those expected by more than the model's measure.
pub fn compare(id: &str, got: &[Tensor], want: &[Tensor]) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{id}: {} results, expected {}", got.len(), want.len()));
    }
    for (k, (g, w)) in got.iter().zip(want).enumerate() {
        if (g.dtype(), g.shape()) != (w.dtype(), w.shape()) {
            return Err(format!("{id}: result {k} is {g:?}, expected {w:?}"));
        }
        let (g, w) = (g.to_f64(), w.to_f64());
        let apart = match zoo::entry(id).compare {
            Compare::Values => {
                beyond(&g, &w).map(|(i, limit)| format!("element {i} is {}, expected {} within {limit}", g[i], w[i]))
            }
            Compare::Correlation => {
                let r = correlation(&g, &w);
                (r < 0.998).then(|| format!("correlation is {r}, expected 0.998 or more"))
            }
        };
        if let Some(what) = apart {
            return Err(format!("{id}: result {k}: {what}"));
        }
    }
    Ok(())
}

/// The first element that is further off than 1e-3 of the largest value plus 1e-5, and that limit.
pub fn beyond(got: &[f64], want: &[f64]) -> Option<(usize, f64)> {
    let limit = 1e-3 * want.iter().fold(0.0, |m: f64, v| m.max(v.abs())) + 1e-5;
    let far = |(g, w): (&f64, &f64)| (g - w).abs() > limit || g.is_nan() != w.is_nan();
    got.iter().zip(want).position(far).map(|i| (i, limit))
}

pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[test]
fn every_model_is_imported_and_verified() {
    for e in zoo::entries() {
        let g = graph(e.id);
        dlc_ir::verify::verify(&g).unwrap_or_else(|err| panic!("{}: {err}", e.id));
    }
}

#[test]
fn small_models_agree_with_another_runtime() {
    for id in SMALL {
        let (x, want) = data(id);
        let got = dlc_ir::interp::run(&graph(id), &x).unwrap_or_else(|e| panic!("{id}: {e}"));
        compare(id, &got, &want).unwrap();
    }
}

#[test]
fn every_model_agrees_with_another_runtime_on_the_cpu() {
    let mut wrong = vec![];
    for e in zoo::entries() {
        let model = imported(e.id);
        let (x, want) = data(e.id);
        let t = std::time::Instant::now();
        let result = crate::cpu::run_model(model, &x).and_then(|got| compare(e.id, &got, &want));
        eprintln!("{} {:?}", e.id, t.elapsed());
        wrong.extend(result.err().map(|what| format!("{}: {what}", e.id)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_artifact_serves_other_sizes() {
    let mut models: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, recipe) in zoo::sizes() {
        models.entry(id).or_default().push(recipe);
    }
    for (id, recipes) in models {
        let program = crate::cpu::Program::compile(imported(id)).unwrap();
        for recipe in recipes {
            let (x, want) = read(zoo::data_of(id, recipe));
            let one = program.run(&x, 1).unwrap_or_else(|e| panic!("{id} {recipe}: {e}"));
            let two = program.run(&x, 2).unwrap_or_else(|e| panic!("{id} {recipe}: {e}"));
            assert!(one.iter().zip(&two).all(|(a, b)| a.bytes() == b.bytes()), "{id} {recipe}: threads change bits");
            compare(id, &one, &want).unwrap_or_else(|e| panic!("{id} {recipe}: {e}"));
        }
    }
}

#[test]
fn damaged_models_are_refused_without_a_panic() {
    for e in zoo::entries() {
        let whole = std::fs::read(zoo::model(e.id)).unwrap();
        let n = whole.len();
        for cut in [0, 1, 7, 64, n / 3, n / 2, n - 4096.min(n), n - 1] {
            let short = dlc_onnx::load_bytes(whole[..cut].to_vec().into(), None, &Default::default());
            assert!(short.is_err(), "{}: the first {cut} of {n} bytes are taken for a model", e.id);
        }
        let mut seed = 1u64;
        for _ in 0..24 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let mut bad = whole.clone();
            let at = (seed >> 20) as usize % if seed & 1 == 0 { n } else { n.min(4096) };
            bad[at] ^= 1 << (seed >> 61);
            // A flipped bit of a weight or a name is another model; what is refused is refused by an error.
            let _ = dlc_onnx::load_bytes(bad.into(), None, &Default::default());
        }
    }
}
