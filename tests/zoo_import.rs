//! The zoo through the importer and compiled code, and small ones of it through the oracle.

use crate::cpu::Program;
use crate::measure::{Distance, Measure};
use dlc_compiler::stages::Imported;
use dlc_ir::{Graph, Tensor};
use dlc_tests::zoo;
use std::path::PathBuf;
use std::time::Instant;

/// Models that the oracle runs in seconds.
const SMALL: &[&str] = &["chars2vec-loop", "dtln-1-lstm", "espcn-float", "mnist-8", "silero-vad-v6", "yolo-nms-graph"];

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

/// A model of the zoo, read.
pub fn imported(id: &str) -> Imported {
    let loaded = dlc_onnx::load(&zoo::model(id), &Default::default()).unwrap_or_else(|e| panic!("{id}: {e}"));
    Imported { graph: loaded.graph, assumptions: loaded.assumptions }
}

/// How far results are from those expected, or that it is more than the model's measure.
fn judge(id: &str, got: &[Tensor], want: &[Tensor]) -> Result<Distance, String> {
    Measure::parse(zoo::entry(id).measure).judge(got, want)
}

/// The first element that is further off than 1e-3 of the largest value plus 1e-5, and that limit.
pub fn beyond(got: &[f64], want: &[f64]) -> Option<(usize, f64)> {
    let limit = 1e-3 * want.iter().fold(0.0, |m: f64, v| m.max(v.abs())) + 1e-5;
    let far = |(g, w): (&f64, &f64)| (g - w).abs() > limit || g.is_nan() != w.is_nan();
    got.iter().zip(want).position(far).map(|i| (i, limit))
}

#[test]
fn every_model_is_imported_and_verified() {
    for e in zoo::chosen() {
        let g = graph(e.id);
        dlc_ir::verify::verify(&g).unwrap_or_else(|err| panic!("{}: {err}", e.id));
    }
}

#[test]
fn small_models_agree_with_another_runtime() {
    for id in SMALL {
        let (x, want) = data(id);
        let got = dlc_ir::interp::run(&graph(id), &x).unwrap_or_else(|e| panic!("{id}: {e}"));
        judge(id, &got, &want).unwrap_or_else(|e| panic!("{id}: {e}"));
    }
}

/// At the recorded sizes, and by the same artifact at other sizes where those are dynamic.
#[test]
fn every_model_agrees_with_another_runtime_on_the_cpu() {
    let mut wrong = vec![];
    for e in zoo::chosen() {
        let start = Instant::now();
        let program = match Program::compile(imported(e.id)) {
            Ok(p) => p,
            Err(what) => {
                wrong.push(format!("{}: {what}", e.id));
                continue;
            }
        };
        eprintln!("{:20} compiled in {:.1?}", e.id, start.elapsed());
        wrong.extend(agrees(e.id, "recorded", &program, data(e.id)));
        for (_, recipe) in zoo::sizes().into_iter().filter(|s| s.0 == e.id) {
            wrong.extend(agrees(e.id, recipe, &program, read(zoo::data_of(e.id, recipe))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs a program on one thread and on two; what is wrong.
fn agrees(id: &str, sizes: &str, program: &Program, (x, want): (Vec<Tensor>, Vec<Tensor>)) -> Option<String> {
    let start = Instant::now();
    let run = |threads| program.run(&x, threads);
    let judged = run(2).and_then(|two| {
        let time = start.elapsed();
        let same = run(1)?.iter().zip(&two).all(|(a, b)| a.bytes() == b.bytes());
        let distance = judge(id, &two, &want)?;
        same.then_some((distance, time)).ok_or_else(|| "threads change bits".to_string())
    });
    match judged {
        Ok((distance, time)) => {
            eprintln!("{id:20} {distance} in {time:.1?}, {sizes}");
            None
        }
        Err(what) => Some(format!("{id} {sizes}: {what}")),
    }
}

#[test]
fn damaged_models_are_refused_without_a_panic() {
    for e in zoo::chosen() {
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
