//! `dlc.Interleave`: elements of `s` neighbouring channels' groups become neighbours in space: `y[n,o,p] = x[n, phase * O + o,
//! (p + begin) / stride]`, the phase being the remainders of `p + begin` by the strides, row-major. Ours: what is left of a
//! transposed convolution when each of its phases is an ordinary one.
//!
//! Operand: x T[n, groups * phases * O, d...]. Result: T[n, groups * O, d * stride - begin - end...].

use super::common::movement::{counting, offset, take};
use crate::lower::{self, Expr, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(InterleaveAttrs {
    /// Elements left out at the begin of each spatial axis.
    begins: Vec<i64>,
    /// Elements left out at the end of each spatial axis.
    ends: Vec<i64>,
    /// Number of blocked channel groups.
    group: i64 = 1,
    /// Phases along each spatial axis.
    strides: Vec<i64>,
});

pub struct Interleave;

/// The attributes, and how many phases there are.
fn setup(c: &Ctx, rank: usize) -> Result<(InterleaveAttrs, i64)> {
    let a = InterleaveAttrs::read(c.attrs)?;
    let n = rank.saturating_sub(2);
    let each = [(&a.begins, "begins", 0), (&a.ends, "ends", 0), (&a.strides, "strides", 1)];
    for (v, name, least) in each {
        let ok = n > 0 && v.len() == n && v.iter().all(|v| *v >= least);
        ensure!(ok, "attribute {name} is {v:?}, expected {n} numbers from {least}");
    }
    let phases = a.strides.iter().try_fold(1i64, |p, s| p.checked_mul(*s)).filter(|_| a.group > 0);
    ensure!(
        phases.is_some(),
        "attributes strides and group are {:?} and {}, expected smaller ones",
        a.strides,
        a.group
    );
    Ok((a, phases.unwrap_or(1)))
}

impl Op for Interleave {
    fn name(&self) -> &'static str {
        "Interleave"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        InterleaveAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "x")?;
        let (a, phases) = setup(c, x.rank())?;
        let channels = &x.shape[1];
        let fits = channels.as_const().is_none_or(|d| phases.checked_mul(a.group).is_some_and(|n| d % n == 0));
        ensure!(
            fits,
            "operand x has {channels} channels, expected a multiple of {phases} phases in {} groups",
            a.group
        );
        let mut shape = vec![x.shape[0].clone(), channels.div(&phases.into())];
        for (i, d) in x.shape[2..].iter().enumerate() {
            let out = d.clone() * a.strides[i].into() - a.begins[i].into() - a.ends[i].into();
            ensure!(
                out.as_const().is_none_or(|n| n >= 0),
                "axis {} has size {d}, expected more than is left out",
                2 + i
            );
            shape.push(out);
        }
        Ok(vec![Fact::new(x.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "x")?;
        let (a, phases) = setup(c, x.rank())?;
        let (shape, strides) = (x.shape(), x.strides());
        let per = shape[1] / phases as usize / a.group as usize;
        let mut to = vec![shape[0], per * a.group as usize];
        to.extend((2..shape.len()).map(|i| {
            let (s, left) = (a.strides[i - 2] as usize, (a.begins[i - 2] + a.ends[i - 2]) as usize);
            (shape[i] * s).saturating_sub(left)
        }));
        let source = |at: &[usize]| {
            let (mut phase, mut from) = (0, vec![at[0], 0]);
            for (i, p) in at[2..].iter().enumerate() {
                let (p, s) = (p + a.begins[i] as usize, a.strides[i] as usize);
                phase = phase * s + p % s;
                from.push(p / s);
            }
            from[1] = (at[1] / per * phases as usize + phase) * per + at[1] % per;
            offset(&strides, &from)
        };
        Ok(vec![take(x, &to, source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "x")?;
        let (a, phases) = setup(c, x.rank())?;
        let (v, per) = (Expr::vars(x.rank()), y[0].shape[1].div(&a.group.into()));
        let (mut phase, mut from) = (Expr::int(0), vec![v[0].clone(), v[1].clone()]);
        for (i, p) in v[2..].iter().enumerate() {
            let (p, s) = (p.add(&Expr::int(a.begins[i])), Expr::int(a.strides[i]));
            phase = phase.mul(&s).add(&p.rem(&s));
            from.push(p.div(&s));
        }
        let per = Expr::size(&per);
        from[1] = match a.group {
            1 => phase.mul(&per).add(&v[1]),
            _ => v[1].div(&per).mul(&Expr::int(phases)).add(&phase).mul(&per).add(&v[1].rem(&per)),
        };
        Ok(lower::gather(&y[0], x, from))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |begins: &[i64], ends: &[i64], strides: &[i64]| {
            Attrs::new().with("begins", begins).with("ends", ends).with("strides", strides)
        };
        vec![
            Sample::new(a(&[0], &[0], &[2]), vec![counting(&[2, 6, 4])]),
            Sample::new(a(&[1, 0], &[1, 2], &[2, 3]), vec![counting(&[1, 12, 2, 3])]),
            Sample::new(a(&[1], &[0], &[3]).with("group", 2i64), vec![counting(&[1, 12, 3])]),
        ]
    }
}
