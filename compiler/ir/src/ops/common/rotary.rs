//! Rotary position embedding: pairs of elements turned by an angle that grows with the position.

use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::{maybe, need, shaped, single};
use crate::tensor::for_each_index;
use crate::{Dim, Fact, Num, Result, Tensor, bail, ensure};

/// The attributes, and which operand is what; operand 0 is X.
#[derive(Clone, Copy, Debug)]
pub struct Rotary {
    /// Heads of X where it comes with three axes; 0 follows from the cache.
    pub heads: i64,
    /// Whether a pair is two neighbours, instead of an element of each half.
    pub interleaved: bool,
    /// Elements of a head that are turned; 0 is all.
    pub dim: i64,
    /// Operands cosines, sines and positions.
    pub slots: [usize; 3],
}

/// Sizes of a head and of its turned part.
struct Head {
    size: Dim,
    turned: Dim,
}

impl Rotary {
    fn head(&self, x: &[Dim], cos: &[Dim]) -> Result<Head> {
        let cached = cos.last().map_or(0.into(), |d| d.clone() * 2.into());
        let size = match (x, self.heads) {
            ([_, _, _, d], _) => d.clone(),
            ([_, _, hidden], h) if h > 0 => hidden.div(&h.into()),
            ([_, _, _], 0) if self.dim == 0 => cached,
            ([_, _, _], h) => bail!("num_heads is {h}, expected a positive number"),
            _ => bail!("operand X has rank {}, expected 3 or 4", x.len()),
        };
        let turned = if self.dim > 0 { self.dim.into() } else { size.clone() };
        Ok(Head { size, turned })
    }

    /// Refuses operands of sizes that do not fit each other.
    fn check_sizes(&self, x: &[Option<&Fact>], head: &Head) -> Result<()> {
        let (data, cos, sin) =
            (need(x, 0, "X")?, need(x, self.slots[0], "cos_cache")?, need(x, self.slots[1], "sin_cache")?);
        let (batch, sequence) = (&data.shape[0], &data.shape[data.rank() - 2]);
        shaped("sin_cache", &sin.shape, &cos.shape)?;
        match maybe(x, self.slots[2]) {
            Some(p) if p.rank() < 2 => single("position_ids", p)?,
            Some(p) => shaped("position_ids", &p.shape, &[batch.clone(), sequence.clone()])?,
            None => shaped("cos_cache", &cos.shape[..2], &[batch.clone(), sequence.clone()])?,
        }
        if let (3, Some(row), Some(d)) = (data.rank(), data.shape[2].as_const(), head.size.as_const()) {
            ensure!(d > 0 && row % d == 0, "operand X has rows of {row} elements, expected a multiple of a head's {d}");
        }
        Ok(())
    }

    /// Fact of the result.
    pub fn infer(&self, x: &[Option<&Fact>]) -> Result<Fact> {
        let (data, cos, sin) =
            (need(x, 0, "X")?, need(x, self.slots[0], "cos_cache")?, need(x, self.slots[1], "sin_cache")?);
        let head = self.head(&data.shape, &cos.shape)?;
        ensure!(data.dtype.is_float(), "operand X has type {}, expected a float type", data.dtype);
        let rank = if maybe(x, self.slots[2]).is_some() { 2 } else { 3 };
        for (what, f) in [("cos_cache", cos), ("sin_cache", sin)] {
            ensure!(f.rank() == rank, "operand {what} has rank {}, expected {rank}", f.rank());
            if let (Some(have), Some(turned)) = (f.shape[rank - 1].as_const(), head.turned.as_const()) {
                ensure!(
                    turned % 2 == 0 && have == turned / 2,
                    "operand {what} has {have} columns, expected half of {turned}"
                );
            }
        }
        self.check_sizes(x, &head)?;
        if let (Some(t), Some(d)) = (head.turned.as_const(), head.size.as_const()) {
            ensure!(0 < t && t <= d, "operand X has heads of {d} elements, expected at least the {t} that are turned");
        }
        Ok(data.type_only())
    }

    /// Meaning.
    pub fn eval(&self, x: &[Option<&Tensor>]) -> Result<Tensor> {
        let (data, cos, sin) =
            (need(x, 0, "X")?, need(x, self.slots[0], "cos_cache")?, need(x, self.slots[1], "sin_cache")?);
        let head = self.head(&data.type_fact().shape, &cos.type_fact().shape)?;
        let get = |d: &Dim| d.as_const().unwrap_or(0) as usize;
        let (size, turned) = (get(&head.size), get(&head.turned));
        let sequence = data.shape()[data.rank() - 2];
        let (mut out, mut at, half) = (vec![], 0, turned / 2);
        let mut failed = None;
        for_each_index(data.shape(), |i| {
            let (b, s, d) = if i.len() == 4 { (i[0], i[2], i[3]) } else { (i[0], i[1], i[2] % size.max(1)) };
            let v = data.at(at).f();
            let row = match maybe(x, self.slots[2]) {
                Some(p) if p.rank() < 2 => p.at(0).i() + s as i128,
                Some(p) => p.at(b * sequence + s).i(),
                None => (b * sequence + s) as i128,
            };
            let rows = (cos.len() / half.max(1)) as i128;
            if row < 0 || row >= rows {
                failed = Some(row);
            } else if d < turned {
                let (j, second) = if self.interleaved { (d / 2, d % 2 == 1) } else { (d % half, d >= half) };
                let step = if self.interleaved { 1 } else { half };
                let other = data.at(if second { at - step } else { at + step }).f();
                let (c, s) = (cos.at(row as usize * half + j).f(), sin.at(row as usize * half + j).f());
                out.push(Num::F(if second { s * other + c * v } else { c * v - s * other }));
            } else {
                out.push(Num::F(v));
            }
            at += 1;
        });
        match failed {
            Some(row) => bail!("operand position_ids has {row}, expected a row of the cache"),
            None => Ok(Tensor::new(data.dtype(), data.shape(), out)),
        }
    }

    /// One expression per element.
    pub fn lowering(&self, x: &[Option<&Fact>], y: &Fact) -> Result<Lowering> {
        let (data, cos, sin) =
            (need(x, 0, "X")?, need(x, self.slots[0], "cos_cache")?, need(x, self.slots[1], "sin_cache")?);
        let head = self.head(&data.shape, &cos.shape)?;
        let (at, int) = (Expr::vars(data.rank()), Expr::int);
        let last = at[data.rank() - 1].clone();
        let (s, d) = match data.rank() {
            4 => (at[2].clone(), last.clone()),
            _ => (at[1].clone(), last.rem(&Expr::size(&head.size))),
        };
        let half = Expr::size(&head.turned.div(&2.into()));
        let (j, second, step) = match self.interleaved {
            // Elements after the turned part read some column, and do not use it.
            true if head.turned != head.size => {
                let within = d.rem(&Expr::size(&head.turned));
                (within.div(&int(2)), d.rem(&int(2)).eq(&int(1)), int(1))
            }
            true => (d.div(&int(2)), d.rem(&int(2)).eq(&int(1)), int(1)),
            false => (d.rem(&half), d.ge(&half), half),
        };
        let element = |i: Expr| Expr::load(0, data, [&at[..at.len() - 1], &[i]].concat());
        let row = self.row(x, &at[0], &s, &cos.shape[0]);
        let cached = |slot: usize, f: &Fact| {
            Expr::load(slot, f, [&row[..], std::slice::from_ref(&j)].concat()).cast(Ty::of(data.dtype))
        };
        let v = element(last.clone());
        let mut partner = second.select(&last.sub(&step), &last.add(&step));
        let width = &data.shape[data.rank() - 1];
        if width.as_const().is_none() {
            // A width that is no multiple of the heads' would lead past the end.
            partner = partner.max(&int(0)).min(&Expr::size(&(width.clone() - 1.into())));
        }
        let other = element(partner);
        let (c, s) = (cached(self.slots[0], cos), cached(self.slots[1], sin));
        let turned = c.mul(&v).add(&second.select(&s, &s.un(Un::Neg)).mul(&other));
        let value = d.lt(&Expr::size(&head.turned)).select(&turned, &v);
        Ok(Lowering::Comps(vec![Comp::new(y, value)]))
    }

    /// Index into the cache but for its last axis.
    fn row(&self, x: &[Option<&Fact>], b: &Expr, s: &Expr, rows: &Dim) -> Vec<Expr> {
        let Some(p) = maybe(x, self.slots[2]) else { return vec![b.clone(), s.clone()] };
        let slot = self.slots[2];
        let row = match p.rank() {
            1 => Expr::load(slot, p, vec![Expr::int(0)]).cast(Ty::I64).add(s),
            0 => Expr::load(slot, p, vec![]).cast(Ty::I64).add(s),
            _ => Expr::load(slot, p, vec![b.clone(), s.clone()]).cast(Ty::I64),
        };
        vec![row.max(&Expr::int(0)).min(&Expr::size(&(rows.clone() - 1.into())))]
    }
}
