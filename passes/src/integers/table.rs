//! A chain of element-wise operators from one tensor of bytes to another is a table.

use super::{constant, operator};
use dlc_ir::graph::Kind;
use dlc_ir::{Attrs, DType, Graph, NodeId, Num, Result, Tensor, Value, interp};
use std::collections::HashMap;

/// Operators that give an element from one element of every operand.
const ELEMENT_WISE: &[&str] = &[
    "Abs",
    "Add",
    "Celu",
    "Clip",
    "Cos",
    "DequantizeLinear",
    "Div",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Log",
    "Max",
    "Min",
    "Mish",
    "Mul",
    "Neg",
    "Pow",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "Selu",
    "Sigmoid",
    "Sin",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
];
/// Those that are as quick as a table.
const QUICK: &[&str] = &["Add", "Clip", "DequantizeLinear", "Max", "Min", "Mul", "QuantizeLinear", "Relu", "Sub"];

/// Values that others are element-wise functions of: the nearest first.
pub type Sources = HashMap<Value, Vec<Value>>;

/// Replaces chains whose last node nothing element-wise of the same source reads.
pub fn apply(g: &mut Graph) -> Result<usize> {
    let (order, mut sources, mut n) = (g.topo()?, Sources::new(), 0);
    for id in &order {
        let y = Value { node: *id, port: 0 };
        let found = sources_of(g, y, &sources);
        sources.insert(y, found);
    }
    for id in order.into_iter().rev() {
        n += usize::from(replace(g, id, &sources)?);
    }
    Ok(n)
}

fn is_byte(g: &Graph, v: Value) -> bool {
    matches!(g.fact(v).dtype, DType::I8 | DType::U8)
}

fn is_scalar(g: &Graph, v: Value) -> bool {
    g.constant(v).is_some_and(|t| t.len() == 1)
}

/// Of which bytes of its own shape a value is an element-wise function.
fn sources_of(g: &Graph, y: Value, known: &Sources) -> Vec<Value> {
    let mut out: Vec<Value> = if is_byte(g, y) && g.constant(y).is_none() { vec![y] } else { vec![] };
    if !ELEMENT_WISE.contains(&operator(g, y)) || g.node(y.node).outputs.len() != 1 {
        return out;
    }
    let operands: Vec<Value> = g.operands(y.node).into_iter().flatten().collect();
    let lists: Vec<&Vec<Value>> = operands.iter().filter(|v| !is_scalar(g, **v)).filter_map(|v| known.get(v)).collect();
    let varying = operands.iter().filter(|v| !is_scalar(g, **v)).count();
    if varying == 0 || lists.len() != varying {
        return out;
    }
    let same = |v: &&Value| g.fact(**v).shape == g.fact(y).shape && lists.iter().all(|l| l.contains(v));
    out.extend(lists[0].iter().filter(same).copied());
    out
}

fn replace(g: &mut Graph, id: NodeId, sources: &Sources) -> Result<bool> {
    let y = Value { node: id, port: 0 };
    let read = !g.users(y).is_empty() || g.is_output(y);
    if operator(g, y) != "QuantizeLinear" || !is_byte(g, y) || !read {
        return Ok(false);
    }
    let Some(source) = sources.get(&y).and_then(|s| s.iter().rfind(|v| **v != y)).copied() else { return Ok(false) };
    let mut inner = Graph::new("table");
    let codes = codes(g.fact(source).dtype);
    let x = inner.add_input("x", codes.type_fact());
    let mut copied = HashMap::from([(source, x)]);
    let slow = copy(g, y, &mut inner, &mut copied)?;
    if !slow {
        return Ok(false);
    }
    inner.add_output("y", copied[&y]);
    let table = interp::run(&inner, &[codes])?.remove(0);
    let name = g.node(id).name.clone();
    let table = constant(g, &format!("{name}.table"), table);
    let op = dlc_ir::ops::find("dlc", "Table").map_or_else(|| dlc_ir::bail!("no operator dlc.Table"), Ok)?;
    let name = g.fresh_name(&name);
    let node = g.add_op(&name, op, Attrs::new(), &[Some(source), Some(table)], 1)?;
    g.replace(y, Value { node, port: 0 });
    Ok(true)
}

/// Every value of a type of bytes, the lowest first.
fn codes(dtype: DType) -> Tensor {
    let lowest = if dtype == DType::I8 { -128 } else { 0 };
    Tensor::new(dtype, &[256], (lowest..lowest + 256).map(Num::I))
}

/// Copies what a value is computed by; whether a part of it is not quick.
fn copy(g: &Graph, v: Value, to: &mut Graph, done: &mut HashMap<Value, Value>) -> Result<bool> {
    if done.contains_key(&v) {
        return Ok(false);
    }
    let node = g.node(v.node);
    let (new, slow) = match &node.kind {
        Kind::Op { op, attrs } => {
            let (mut x, mut slow) = (vec![], !QUICK.contains(&op.name()));
            for operand in g.operands(v.node) {
                if let Some(o) = operand {
                    slow |= copy(g, o, to, done)?;
                }
                x.push(operand.map(|o| done[&o]));
            }
            (Value { node: to.add_op(&node.name, *op, attrs.clone(), &x, 1)?, port: 0 }, slow)
        }
        Kind::Const(t) => (to.add_const(&node.name, t.reshape(&[])?), false),
        Kind::Input => dlc_ir::bail!("{:?} is no function of bytes", node.name),
    };
    done.insert(v, new);
    Ok(slow)
}
