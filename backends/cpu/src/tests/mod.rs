//! Generated code against the oracle, over the samples of every operator.

mod bytes;
mod chains;
mod kernels;
mod layout;
mod pairs;
mod recurrences;

use crate::Level;
use dlc_ir::{DType, Dim, Fact, Graph, OpRef, Sample, Tensor, interp, ops::OPS};
use dlc_runtime as rt;
use std::collections::{BTreeMap, BTreeSet};

/// A graph of one node, its operands inputs, but for small integer vectors, which are constants.
fn graph(op: OpRef, s: &Sample, symbolic: bool) -> Result<(Graph, Vec<Tensor>), String> {
    let mut g = Graph::new("sample");
    let (mut x, mut inputs) = (vec![], vec![]);
    for (i, t) in s.x.iter().enumerate() {
        let Some(t) = t else {
            x.push(None);
            continue;
        };
        if t.items().is_some() {
            x.push(Some(g.add_input(&format!("x{i}"), t.type_fact())));
            inputs.push(t.clone());
            continue;
        }
        let constant = !t.dtype().is_float() && t.rank() <= 1 && t.len() <= 16;
        if constant {
            x.push(Some(g.add_const(&format!("c{i}"), t.clone())));
            continue;
        }
        let dim = |d: &usize| if symbolic && *d > 1 { Dim::sym(&format!("s{d}")) } else { Dim::from(*d) };
        x.push(Some(g.add_input(&format!("x{i}"), Fact::new(t.dtype(), t.shape().iter().map(dim)))));
        inputs.push(t.clone());
    }
    let n = g.add_op("node", op, s.attrs.clone(), &x, s.outputs).map_err(|e| e.to_string())?;
    for port in 0..s.outputs as u32 {
        g.add_output(&format!("y{port}"), dlc_ir::Value { node: n, port });
    }
    Ok((g, inputs))
}

fn give(t: &Tensor) -> rt::Tensor {
    rt::Tensor::new(t.dtype().to_onnx() as u8, t.shape(), t.bytes().clone()).unwrap()
}

fn take(t: &rt::Tensor) -> Tensor {
    let dtype = DType::from_onnx(t.dtype() as i32).unwrap();
    Tensor::from_bytes(dtype, t.dims(), t.data().clone()).unwrap()
}

/// Outputs of the graph compiled for this processor.
pub fn run(g: &Graph, inputs: &[Tensor], threads: usize) -> Result<Vec<Tensor>, String> {
    run_at(Level::host(), g, inputs, threads)
}

/// Outputs of the graph compiled for a level.
fn run_at(level: Level, g: &Graph, inputs: &[Tensor], threads: usize) -> Result<Vec<Tensor>, String> {
    let c = crate::compile(g, &crate::Options { level, listings: false }).map_err(|e| e.to_string())?;
    let image = c.artifact.to_image().map_err(|e| e.to_string())?;
    let model = rt::Model::from_image(image).map_err(|e| e.to_string())?;
    let options = rt::Options { threads, ..Default::default() };
    let mut session = rt::Session::new(&model, options).map_err(|e| e.to_string())?;
    let inputs: Vec<rt::Tensor> = inputs.iter().map(give).collect();
    let y = session.run(&inputs).map_err(|e| e.to_string())?;
    Ok(y.iter().map(take).collect())
}

fn differs(a: &Tensor, b: &Tensor) -> Option<String> {
    if (a.dtype(), a.shape()) != (b.dtype(), b.shape()) {
        return Some(format!("{}{:?}, expected {}{:?}", a.dtype(), a.shape(), b.dtype(), b.shape()));
    }
    let tolerance = match a.dtype() {
        DType::F64 => 1e-9,
        DType::F32 => 1e-5,
        DType::F16 => 4e-3,
        DType::BF16 => 3e-2,
        _ => 0.0,
    };
    let largest = b.iter().map(|v| v.f().abs()).filter(|v| v.is_finite()).fold(1.0, f64::max);
    a.iter().zip(b.iter()).enumerate().find_map(|(i, (a, b))| {
        let (a, b) = (a.f(), b.f());
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * largest;
        (!same).then(|| format!("element {i} is {a}, expected {b}"))
    })
}

/// Whether a value is a sequence or an optional.
fn has_forms(g: &Graph) -> bool {
    g.nodes().any(|id| g.node(id).outputs.iter().any(|f| !f.form.is_dense()))
}

/// What goes wrong with a sample of sequences or optionals. Stages before this crate write them as tensors, and the samples are
/// run through these in the whole-product tests; here they are refused in one line.
fn refused(g: &Graph) -> Option<String> {
    match crate::compile(g, &crate::Options::default()) {
        Err(e) if e.to_string().ends_with("expected a tensor") => None,
        Err(e) => Some(e.to_string()),
        Ok(_) => Some("compiled, expected a refusal of what is no tensor".into()),
    }
}

/// What goes wrong with one sample, if anything.
fn check(op: OpRef, s: &Sample, symbolic: bool) -> Option<String> {
    let (g, inputs) = match graph(op, s, symbolic) {
        Ok(g) => g,
        // Some operators want a size as a constant; that they say so is tested with them.
        Err(_) if symbolic => return None,
        Err(e) => return Some(e),
    };
    if has_forms(&g) {
        return refused(&g);
    }
    let expected = match interp::run(&g, &inputs) {
        Ok(y) => y,
        Err(e) => return Some(e.to_string()),
    };
    let one = match run(&g, &inputs, 1) {
        Ok(y) => y,
        Err(e) => return Some(e),
    };
    let two = run(&g, &inputs, 2).unwrap();
    assert!(one.iter().zip(&two).all(|(a, b)| a.bytes() == b.bytes()), "{op:?}: two threads change the result");
    let narrow = run_at(Level::Portable, &g, &inputs, 1).unwrap();
    let wrong = |y: &[Tensor]| y.iter().zip(&expected).find_map(|(a, b)| differs(a, b));
    wrong(&one).or_else(|| wrong(&narrow).map(|e| format!("{e}, in 128-bit vectors")))
}

#[test]
fn code_is_the_meaning_of_every_operator() {
    let mut failed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for op in OPS {
        for (i, s) in op.samples().iter().enumerate().filter(|(_, s)| !s.is_text(*op)) {
            for symbolic in [false, true] {
                if let Some(e) = check(OpRef(*op), s, symbolic) {
                    let kind = if symbolic { "symbolic" } else { "constant" };
                    failed.entry(OpRef(*op).full_name()).or_default().insert(format!("sample {i} {kind} sizes: {e}"));
                }
            }
        }
    }
    let text: Vec<String> = failed
        .iter()
        .map(|(op, e)| format!("{op}\n  {}", e.iter().cloned().collect::<Vec<_>>().join("\n  ")))
        .collect();
    assert!(failed.is_empty(), "{} operators:\n{}", failed.len(), text.join("\n"));
}

#[test]
fn a_shape_that_does_not_fit_is_refused() {
    let text = "graph g { input x: f32[n,2] input s: i64[2] y = Reshape(x, s) output y = y }";
    let g = dlc_ir::text::parse(text).unwrap();
    let x = |n: usize| Tensor::f32(&[n, 2], &vec![1.0; n * 2]);
    for (n, shape) in [(3, [2, 3]), (3, [-1, 6]), (3, [0, -1]), (3, [0, 0]), (0, [0, 7]), (0, [3, 0]), (0, [-1, 4])] {
        let given = [x(n), Tensor::i64(&[2], &shape)];
        match interp::run(&g, &given) {
            Ok(expected) => assert_eq!(run(&g, &given, 1), Ok(expected), "{n}, {shape:?}"),
            Err(e) => assert!(run(&g, &given, 1).is_err(), "{n}, {shape:?}: {e}"),
        }
    }
    for (n, shape) in [(3, [1, 4]), (3, [2, 4]), (3, [-1, 4]), (3, [-1, -1]), (3, [-2, -3]), (3, [0, 1]), (0, [1, 1])] {
        let given = [x(n), Tensor::i64(&[2], &shape)];
        assert!(interp::run(&g, &given).is_err(), "{n}, {shape:?}");
        let e = run(&g, &given, 1).unwrap_err();
        assert!(e.contains("node"), "{n}, {shape:?}: {e}");
    }
}
