//! Products of dequantized operands: `(a sa) (b sb) = (a b) (sa sb)`.

use super::{Dequantized, constant, dequantize, dequantized, put};
use dlc_ir::{Attrs, DType, Graph, NodeId, Result, Tensor, Value};

/// A bias whose scale differs from that of the sum by no more than this, relatively, has the same.
const SAME: f32 = 1e-6;
/// Most products in a sum, and largest bias: 32 bits hold both together.
const LONGEST: i64 = 1 << 15;
const ROOM: u128 = 1 << 30;

/// The parts of a product.
struct Product {
    /// First factor, one scale.
    x: Dequantized,
    /// Second factor, constant.
    w: Dequantized,
    /// Added to the columns or filters.
    bias: Option<Value>,
    /// The operator on integers.
    op: &'static str,
    /// Its attributes.
    attrs: Attrs,
    /// Whether the second factor is transposed first.
    transposed: bool,
    /// Axis of the columns or filters in the result.
    axis: i64,
}

/// Replaces a product of dequantized operands.
pub fn apply(g: &mut Graph, id: NodeId) -> Result<bool> {
    let Some(p) = product(g, id) else { return Ok(false) };
    let (name, rank) = (g.node(id).name.clone(), g.node(id).outputs[0].rank());
    let w = match p.transposed {
        true => {
            put(g, &format!("{name}.w"), "Transpose", Attrs::new().with("perm", vec![1i64, 0]), &[Some(p.w.stored)])?
        }
        false => p.w.stored,
    };
    let operands = [Some(p.x.stored), Some(w), p.x.shift(), p.w.shift()];
    let mut sums = put(g, &format!("{name}.sums"), p.op, p.attrs, &operands)?;
    let scale: Vec<f32> = p.w.scale.iter().map(|s| p.x.scale[0] * s).collect();
    let shape = |n: usize| -> Vec<usize> {
        let mut shape = vec![1; rank - p.axis as usize];
        shape[0] = n;
        shape
    };
    let whole = p.bias.and_then(|b| whole_bias(g, b, &scale));
    if let Some(b) = &whole {
        let b = constant(g, &format!("{name}.bias"), b.reshape(&shape(b.len()))?);
        sums = put(g, &format!("{name}.biased"), "Add", Attrs::new(), &[Some(sums), Some(b)])?;
    }
    let mut real = dequantize(g, &format!("{name}.real"), sums, &scale, None, p.axis)?;
    if let (Some(b), None) = (p.bias, whole) {
        let n = g.fact(b).len().as_const().unwrap_or(1);
        let to: Vec<i64> = shape(n as usize).iter().map(|d| *d as i64).collect();
        let to = constant(g, &format!("{name}.to"), Tensor::i64(&[to.len()], &to));
        let b = put(g, &format!("{name}.bias"), "Reshape", Attrs::new(), &[Some(b), Some(to)])?;
        real = put(g, &format!("{name}.biased"), "Add", Attrs::new(), &[Some(real), Some(b)])?;
    }
    g.replace(Value { node: id, port: 0 }, real);
    Ok(true)
}

fn product(g: &Graph, id: NodeId) -> Option<Product> {
    let (op, attrs) = g.node(id).op()?;
    if !op.domain().is_empty() {
        return None;
    }
    let operands = g.operands(id);
    let at = |i: usize| operands.get(i).copied().flatten();
    let (x, w) = (dequantized(g, at(0)?)?, dequantized(g, at(1)?)?);
    let rank = g.node(id).outputs[0].rank() as i64;
    let (int, attrs, transposed, columns, axis) = match op.name() {
        "Conv" => ("ConvInteger", attrs.clone(), false, 0, 1),
        "MatMul" if rank > 0 => ("MatMulInteger", Attrs::new(), false, 1, rank - 1),
        "Gemm" => {
            let plain = attrs.int("transA", 0).ok()? == 0 && is_one(attrs, "alpha") && is_one(attrs, "beta");
            let transposed = attrs.int("transB", 0).ok()? != 0;
            plain.then(|| ("MatMulInteger", Attrs::new(), transposed, 1 - i64::from(transposed), 1))?
        }
        _ => return None,
    };
    let fw = g.fact(w.stored);
    let narrow = |v: Value| matches!(g.fact(v).dtype, DType::I8 | DType::U8);
    let matrix = int != "MatMulInteger" || fw.rank() == 2;
    let along = w.is_per_tensor() || w.axis.rem_euclid((fw.rank() as i64).max(1)) == columns;
    let vector = at(2).is_none_or(|b| {
        let b = g.fact(b);
        b.rank() == 1
            && b.len().as_const().is_some_and(|n| Some(n) == fw.shape.get(columns as usize).and_then(|d| d.as_const()))
    });
    let shifted = transposed && w.shift().is_some() && !w.is_per_tensor();
    let good = x.is_per_tensor() && narrow(x.stored) && narrow(w.stored) && matrix && along && vector && !shifted;
    let filters = fw.shape.get(columns as usize)?.as_const()?;
    let known = g.constant(w.stored).is_some_and(|w| w.len() as i64 <= LONGEST * filters);
    (good && known).then_some(Product { x, w, bias: at(2), op: int, attrs, transposed, axis })
}

fn is_one(attrs: &Attrs, name: &str) -> bool {
    match attrs.get(name) {
        Some(dlc_ir::Attr::Float(v)) => *v == 1.0,
        None => true,
        _ => false,
    }
}

/// A bias as integers of the scale of the sums, if that is how it is stored.
fn whole_bias(g: &Graph, bias: Value, scale: &[f32]) -> Option<Tensor> {
    let b = dequantized(g, bias)?;
    let stored = g.constant(b.stored)?;
    let of = |s: &[f32], i: usize| s[if s.len() == 1 { 0 } else { i }];
    let n = stored.len();
    let fits = [b.scale.len(), scale.len()].iter().all(|l| *l == 1 || *l == n);
    let same = |i: usize| (of(&b.scale, i) - of(scale, i)).abs() <= SAME * of(scale, i);
    let small = stored.iter().all(|v| v.i().unsigned_abs() < ROOM);
    let whole = stored.dtype() == DType::I32 && b.shift().is_none() && small;
    (whole && fits && (0..n).all(same)).then(|| stored.clone())
}
