//! Cases for another runtime: one line of JSON each, with the model, the inputs, and how far each output may be apart.

use crate::stability::{bounds, unit};
use dlc_ir::verify::subgraphs;
use dlc_ir::{Graph, Tensor, interp};
use serde_json::{Value, json};
use std::fmt::Write;

/// The line of a case; `None` where the oracle or the export refuses it.
pub fn line(seed: u64, name: &str, g: &Graph, inputs: &[Tensor]) -> Option<String> {
    let expected = interp::run(g, inputs).ok()?;
    let model = dlc_onnx::export(g).ok()?;
    let names = g.inputs().iter().map(|id| g.node(*id).name.clone());
    let given: Vec<Value> = names.zip(inputs).map(|(n, t)| tensor(&n, t, None)).collect();
    let apart = bounds(g, inputs, &expected);
    let outputs = g.outputs().iter().zip(&expected).zip(apart);
    let outputs: Vec<Value> = outputs.map(|(((n, _), t), b)| tensor(n, t, Some(b))).collect();
    let ops = operators(g);
    let case =
        json!({ "seed": seed, "name": name, "ops": ops, "model": hex(&model), "inputs": given, "outputs": outputs });
    Some(case.to_string())
}

/// Names of the operators, those of bodies before the operator that has them.
fn operators(g: &Graph) -> Vec<String> {
    let own = |n: &dlc_ir::Node| n.op().map(|_| n.op_name());
    let all = g.nodes().map(|id| g.node(id));
    all.flat_map(|n| subgraphs(n).flat_map(operators).chain(own(n)).collect::<Vec<_>>()).collect()
}

/// A tensor; with bounds for each element, where -1 is "undecided".
fn tensor(name: &str, t: &Tensor, bounds: Option<Vec<f64>>) -> Value {
    let mut out = json!({
        "name": name, "type": t.dtype().to_onnx(), "shape": t.shape(), "data": hex(t.bytes()),
    });
    if let Some(b) = bounds {
        let own = |(b, v): (f64, f64)| if b.is_finite() { b + 4.0 * unit(t.dtype()) * v.abs() } else { -1.0 };
        out["bounds"] = b.into_iter().zip(t.to_f64()).map(own).collect();
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}
