//! `Split`: consecutive parts of one axis. <https://onnx.ai/onnx/operators/onnx__Split.html>

use super::common::movement::{counting, dynamic, element, ints, offset, take, vector_len};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, axis, maybe, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(SplitAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = 0,
    /// Number of equal parts, the last may be smaller; absent with operand `split`.
    num_outputs: Option<i64>,
});

pub struct Split;

/// Sizes of `n` parts that are equal but for the last ones.
fn equal(d: &Dim, n: usize) -> Vec<Dim> {
    let part = d.ceil_div(&n.into());
    let upto = |k: usize| (part.clone() * k.into()).min_of(d);
    (0..n).map(|k| upto(k + 1) - upto(k)).collect()
}

/// Sizes of the parts.
fn parts(c: &Ctx, d: &Dim, split: Option<&Fact>) -> Result<Vec<Dim>> {
    let n = c.outputs;
    let asked = SplitAttrs::read(c.attrs)?.num_outputs;
    ensure!(
        asked.is_none_or(|k| k == n as i64),
        "attribute num_outputs is {}, expected the number of results, {n}",
        asked.unwrap_or_default()
    );
    let Some(split) = split else {
        let even = d.as_const().is_none_or(|d| d % (n as i64).max(1) == 0);
        ensure!(
            asked.is_some() || even,
            "operand input has size {d}, expected a multiple of {n} (or sizes in operand split)"
        );
        return Ok(if asked.is_some() { equal(d, n) } else { vec![d.div(&n.into()); n] });
    };
    let sizes = split.as_dims().unwrap_or_else(|| (0..n).map(|k| c.fresh(k)).collect());
    ensure!(sizes.len() == n, "operand split has {} elements, expected {n}", sizes.len());
    ensure!(
        !sizes.iter().any(|s| s.as_const().is_some_and(|s| s < 0)),
        "operand split has a negative size, expected 0 or more"
    );
    let total = sizes.iter().cloned().fold(Dim::from(0), |a, b| a + b);
    if let (Some(a), Some(b)) = (total.as_const(), d.as_const()) {
        ensure!(a == b, "operand split sums to {a}, expected {b}");
    }
    Ok(sizes)
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "Split"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SplitAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn results(&self) -> Arity {
        Arity::at_least(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "input")?;
        let on = axis(SplitAttrs::read(c.attrs)?.axis, data.rank())?;
        if maybe(x, 1).is_some() {
            let n = vector_len(x, 1, "split")?;
            ensure!(n == c.outputs, "operand split has {n} elements, expected {}", c.outputs);
        }
        let sizes = parts(c, &data.shape[on], maybe(x, 1))?;
        let fixed = sizes.iter().all(|s| s.as_const().is_some());
        let (values, mut at) = (data.as_dims().filter(|_| fixed), 0);
        let part = |size: Dim| {
            let n = size.as_const().map(|v| v as usize);
            let mut y = data.type_only();
            y.shape[on] = size;
            let value = values.as_ref().zip(n).and_then(|(v, n)| v.get(at..at + n)).map(<[Dim]>::to_vec);
            at += n.unwrap_or(0);
            value.map_or(y.clone(), |v| y.with_dims(v))
        };
        Ok(sizes.into_iter().map(part).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "input")?;
        let on = axis(SplitAttrs::read(c.attrs)?.axis, data.rank())?;
        let split = maybe(x, 1).map(Tensor::fact);
        let sizes = parts(c, &data.shape()[on].into(), split.as_ref())?;
        let (strides, mut begin) = (data.strides(), 0);
        let mut out = vec![];
        for size in super::common::movement::sizes(&sizes) {
            let mut shape = data.shape().to_vec();
            shape[on] = size;
            out.push(take(data, &shape, |idx| offset(&strides, idx) + begin * strides[on])?);
            begin += size;
        }
        Ok(out)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "input")?;
        let on = axis(SplitAttrs::read(c.attrs)?.axis, data.rank())?;
        let mut begin = Dim::from(0);
        let mut comps = vec![];
        for y in y {
            let mut index = Expr::vars(y.rank());
            if !begin.is_zero() {
                index[on] = index[on].add(&Expr::size(&begin));
            }
            comps.push(Comp::new(y, Expr::load(0, data, index)));
            begin = begin + y.shape[on].clone();
        }
        let fill = Lowering::Comps(comps);
        Ok(match maybe(x, 1).filter(|s| s.as_dims().is_none()) {
            Some(s) => dynamic(c, &(0..y.len()).map(|k| element(1, s, k)).collect::<Vec<_>>(), fill),
            None => fill,
        })
    }
    fn samples(&self) -> Vec<Sample> {
        let n = |attrs: Attrs, x: Vec<Tensor>, outputs| Sample { outputs, ..Sample::new(attrs, x) };
        let on = |a: i64| Attrs::new().with("axis", a);
        vec![
            n(Attrs::new(), vec![counting(&[4, 3])], 2),
            n(on(1).with("num_outputs", 3i64), vec![counting(&[2, 7])], 3),
            n(on(0).with("num_outputs", 4i64), vec![counting(&[5, 2])], 4),
            n(on(-1), vec![counting(&[2, 6]), ints(&[1, 0, 5])], 3),
            n(Attrs::new(), vec![ints(&[4, 5, 6]), ints(&[2, 1])], 2),
        ]
    }
}
