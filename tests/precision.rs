//! `--precision bf16`: compiled code against the oracle of the rounded graph, and what rounding does to trained models.

use crate::cpu::Program;
use crate::zoo_import::{data, imported};
use dlc_compiler::stages::{self, Imported};
use dlc_compiler::{Difference, Options, Precision};
use dlc_ir::{Tensor, interp};
use dlc_models::{MODELS, inputs};
use dlc_tests::zoo;
use std::ops::ControlFlow;

/// How far code may be from the oracle, in the relative L2 norm: a sum in another order may round to the neighbour, and what
/// it goes into may, too.
const ORDER: f64 = 3e-3;
/// How far a trained model in bf16 may be from itself in f32.
const ROUNDING: f64 = 5e-2;
/// Trained models of products of floats.
const TRAINED: &[&str] =
    &["espcn-float", "minilm-l6-fp32", "mobilenetv2-7", "nudenet-yolov8n", "open-nsfw-resnet50", "u2netp"];

fn options() -> Options {
    Options { precision: Precision::Bf16, ..Options::default() }
}

/// The model after all stages of graphs.
fn optimized(model: Imported) -> Imported {
    let name = model.graph.name.clone();
    let graph = stages::optimize(model.graph, &options(), &mut |_| ControlFlow::Continue(()));
    Imported { graph: graph.unwrap_or_else(|e| panic!("{name}: {e}")), ..model }
}

fn distance(name: &str, found: &[Tensor], want: &[Tensor]) -> f64 {
    assert_eq!(found.len(), want.len(), "{name}: results");
    let far = |(f, w)| Difference::of(w, f).unwrap_or_else(|e| panic!("{name}: {e}")).rel_l2;
    found.iter().zip(want).map(far).fold(0.0, f64::max)
}

#[test]
fn code_is_the_meaning_of_the_rounded_graph() {
    for m in MODELS {
        let graph = (m.build)(7);
        let x = inputs(&graph, 3, &|_| 5).expect("sizes are names");
        let model = optimized(Imported { graph, assumptions: vec![] });
        let want = interp::run(&model.graph, &x).unwrap();
        let program = Program::emit(&model, &options()).unwrap();
        let [one, two] = [1, 2].map(|threads| program.run(&x, threads).unwrap());
        assert!(one.iter().zip(&two).all(|(a, b)| a.bytes() == b.bytes()), "{}: threads change bits", m.name);
        let far = distance(m.name, &one, &want);
        eprintln!("{}: {far:.1e} from the oracle", m.name);
        assert!(far <= ORDER, "{}: {far} from the oracle", m.name);
    }
}

#[test]
fn trained_models_are_near_their_results_in_f32() {
    let chosen = zoo::chosen();
    for id in TRAINED.iter().filter(|id| chosen.iter().any(|e| e.id == **id)) {
        let (x, want) = data(id);
        let program = Program::emit(&optimized(imported(id)), &options()).unwrap();
        let far = distance(id, &program.run(&x, 2).unwrap(), &want);
        eprintln!("{id}: {far:.1e} from f32");
        assert!(far <= ROUNDING, "{id}: {far} from f32");
    }
}
