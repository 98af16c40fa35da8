//! How far two correct computations of a graph may be apart.
//!
//! Every way to run a graph rounds after each operation, and sums in an order of its own. Both are errors relative to
//! what goes into an operation: a computed sum of n terms is the exact sum of terms changed by at most n roundings each
//! (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 4.2). So the graph is run again with every float that
//! is read changed by a random relative error of [`ROUNDINGS`] units in the last place of its type; how far the results
//! move is how far they may be apart, and what moves by a whole step (a rounding, a comparison, a place in a sorted
//! list) is not decided by the model. What an operator computes on the way is changed likewise, through its lowering: its
//! operands alone may not show that numbers of opposite sign cancel.

use crate::draw::Draw;
use dlc_ir::graph::Kind;
use dlc_ir::lower::{self, Lowering, Ty};
use dlc_ir::{Ctx, DType, Fact, Graph, NodeId, Num, Op, Result, Tensor, Value, interp};
use std::collections::HashMap;

/// Roundings that one operation may make to what it reads.
const ROUNDINGS: f64 = 64.0;
/// Units in the last place by which one step on the way of an operation may be off: functions are not correctly rounded.
const STEP: f64 = 4.0;
/// How much further apart results may be than the runs that were tried: the largest of 24 draws of an error is above a
/// quarter of its bound but for less than one case in a million million.
const MARGIN: f64 = 4.0;
/// Runs that are tried.
const RUNS: u64 = 24;

/// The smallest normal number of what a float type is computed in: nearer to 0, numbers may lose their digits, or all of
/// themselves (the sigmoid of -91 is 2e-40, and 0 where exp(91) is too large for an f32).
fn smallest(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::MIN_POSITIVE,
        _ => f32::MIN_POSITIVE as f64,
    }
}

/// `v` with a relative error of at most `relative`, and one of at most the smallest normal number when it is that small
/// itself.
fn moved(v: f64, relative: f64, dtype: DType, draw: &mut Draw) -> f64 {
    let mut error = || draw.range(-64, 64) as f64 / 64.0;
    match v != 0.0 && v.abs() < smallest(dtype) {
        true => v + smallest(dtype) * error(),
        false => v + v * relative * error(),
    }
}

/// Relative distance of two neighbouring numbers of a float type, halved.
pub fn unit(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 2f64.powi(-53),
        DType::F16 => 2f64.powi(-11),
        DType::BF16 => 2f64.powi(-8),
        // f64 accumulation ends as f32; f64 models compute some functions through f32 tables nowhere.
        _ => 2f64.powi(-24),
    }
}

/// Results of the graph with every float that is read changed a little.
pub fn perturbed(g: &Graph, inputs: &[Tensor], seed: u64) -> Result<Vec<Tensor>> {
    let mut draw = Draw::new(seed);
    let inputs = inputs.iter().map(|t| change(t, &mut draw)).collect();
    walk(g, inputs, &mut draw)
}

/// Results of the graph with every float that it computes changed a little.
fn walk(g: &Graph, inputs: Vec<Tensor>, draw: &mut Draw) -> Result<Vec<Tensor>> {
    let first = |node: &NodeId| Value { node: *node, port: 0 };
    let mut values: HashMap<Value, Tensor> = g.inputs().iter().map(first).zip(inputs).collect();
    for id in g.topo()? {
        match &g.node(id).kind {
            Kind::Input => {}
            Kind::Const(t) => drop(values.insert(first(&id), t.clone())),
            Kind::Op { op, .. } => {
                let x: Vec<Option<&Tensor>> = g.operands(id).iter().map(|v| v.and_then(|v| values.get(&v))).collect();
                for (port, t) in node(g, id, op.0, &x, draw)?.into_iter().enumerate() {
                    values.insert(Value { node: id, port: port as u32 }, t);
                }
            }
        }
    }
    Ok(g.outputs().iter().map(|(_, v)| values[v].clone()).collect())
}

/// Results of a node, changed by the roundings of what it computes on the way, and by one of their own.
fn node(g: &Graph, id: NodeId, op: &dyn Op, x: &[Option<&Tensor>], draw: &mut Draw) -> Result<Vec<Tensor>> {
    let Some((_, c)) = g.node(id).ctx() else { return Ok(vec![]) };
    let mut y = interp::eval(op, &c, x)?;
    let known = |v: Option<&Fact>| v.is_some_and(|f| f.constant().is_some());
    let operands = g.operand_facts(id);
    let fact = |(i, t): (usize, &Option<&Tensor>)| {
        t.map(|t| if known(operands.get(i).copied().flatten()) { t.fact() } else { t.type_fact() })
    };
    let facts: Vec<Option<Fact>> = x.iter().enumerate().map(fact).collect();
    if let Ok((exact, moved)) = inside(op, &c, x, &facts.iter().map(Option::as_ref).collect::<Vec<_>>(), draw) {
        y = y.iter().zip(exact.iter().zip(&moved)).map(|(y, (e, m))| shifted(y, e, m)).collect();
    }
    Ok(y.iter().map(|t| change(t, draw)).collect())
}

/// Results by the operator's lowering, without and with roundings on the way.
fn inside(
    op: &dyn Op,
    c: &Ctx,
    x: &[Option<&Tensor>],
    facts: &[Option<&Fact>],
    draw: &mut Draw,
) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let outputs = op.infer(c, facts)?;
    let l = op.lowering(c, facts, &outputs)?;
    if let Lowering::Expand(parts) = &l {
        let given: Vec<Tensor> = x.iter().flatten().map(|t| (*t).clone()).collect();
        return Ok((interp::run(parts, &given)?, walk(parts, given, draw)?));
    }
    let exact = lower::eval::run(&l, x, &outputs, &mut HashMap::new())?;
    let mut rounded = |ty: Ty, v: f64| {
        let dtype = if ty == Ty::F64 { DType::F64 } else { DType::F32 };
        moved(v, unit(dtype) * STEP, dtype, draw)
    };
    Ok((exact, lower::eval::run_rounded(&l, x, &outputs, &mut HashMap::new(), &mut rounded)?))
}

/// `y + (moved - exact)`: a result moved as far as its parts moved it.
fn shifted(y: &Tensor, exact: &Tensor, moved: &Tensor) -> Tensor {
    if exact.shape() != moved.shape() || y.shape() != exact.shape() || exact.bytes() == moved.bytes() {
        return y.clone();
    }
    let one = |((y, e), m): ((Num, Num), Num)| match (y, e, m) {
        (Num::I(y), Num::I(e), Num::I(m)) => Num::I(y + m - e),
        _ if e.f() == m.f() || (e.f().is_nan() && m.f().is_nan()) => y,
        _ => Num::F(y.f() + m.f() - e.f()),
    };
    Tensor::new(y.dtype(), y.shape(), y.iter().zip(exact.iter()).zip(moved.iter()).map(one))
}

/// Every float changed relative to itself.
fn change(t: &Tensor, draw: &mut Draw) -> Tensor {
    if !t.dtype().is_float() {
        return t.clone();
    }
    let u = unit(t.dtype()) * ROUNDINGS;
    let mut one = |v: Num| Num::F(moved(v.f(), u, t.dtype(), draw));
    Tensor::new(t.dtype(), t.shape(), t.iter().map(&mut one))
}

/// How far each element of each output may be from the oracle's; infinite where the model does not decide it.
pub fn bounds(g: &Graph, inputs: &[Tensor], expected: &[Tensor]) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = expected.iter().map(|t| vec![0.0; t.len()]).collect();
    for seed in 0..RUNS {
        let Ok(y) = perturbed(g, inputs, seed) else {
            return expected.iter().map(|t| vec![f64::INFINITY; t.len()]).collect();
        };
        for ((bound, e), y) in out.iter_mut().zip(expected).zip(&y) {
            if e.shape() != y.shape() {
                bound.fill(f64::INFINITY);
                continue;
            }
            for ((b, e), y) in bound.iter_mut().zip(e.iter()).zip(y.iter()) {
                let d = (e.f() - y.f()).abs() * MARGIN;
                *b = match e {
                    Num::I(_) if d > 0.0 => f64::INFINITY,
                    _ if d.is_nan() => f64::INFINITY,
                    _ => b.max(d),
                };
            }
        }
    }
    out
}

/// The first element that is further from the oracle's than rounding explains. Bounds are computed only when something
/// is further than a few roundings of itself.
pub fn differs(g: &Graph, inputs: &[Tensor], expected: &[Tensor], found: &[Tensor]) -> Option<String> {
    if expected.len() != found.len() {
        return Some(format!("{} outputs, expected {}", found.len(), expected.len()));
    }
    for (k, (e, f)) in expected.iter().zip(found).enumerate() {
        if e.dtype() != f.dtype() {
            return Some(format!("output {k} is {}, expected {}", f.dtype(), e.dtype()));
        }
    }
    let same = |e: &Tensor, f: &Tensor| {
        e.bytes() == f.bytes() || e.iter().zip(f.iter()).all(|(a, b)| close(a, b, 4.0 * unit(e.dtype())))
    };
    if expected.iter().zip(found).all(|(e, f)| e.shape() == f.shape() && same(e, f)) {
        return None;
    }
    let bounds = bounds(g, inputs, expected);
    expected.iter().zip(found).zip(&bounds).enumerate().find_map(|(k, ((e, f), bound))| {
        if e.shape() != f.shape() {
            let undecided = bound.iter().any(|b| b.is_infinite());
            let what = format!("output {k} has shape {:?}, expected {:?}", f.shape(), e.shape());
            return (!undecided).then_some(what);
        }
        let beyond = |(((_, a), b), bound): &(((usize, Num), Num), &f64)| {
            let (a, b) = (a.f(), b.f());
            !(a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= **bound + 4.0 * unit(e.dtype()) * a.abs())
                && bound.is_finite()
        };
        let mut all = e.iter().enumerate().zip(f.iter()).zip(bound);
        all.find(beyond).map(|(((i, a), b), bound)| {
            format!("output {k} element {i} is {}, expected {} within {bound:e}", b.f(), a.f())
        })
    })
}

fn close(a: Num, b: Num, relative: f64) -> bool {
    match (a, b) {
        (Num::I(a), Num::I(b)) => a == b,
        (a, b) => {
            let (a, b) = (a.f(), b.f());
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= relative * a.abs()
        }
    }
}
