//! `dlc.FourierBack`: `r[n,g,t,s,k,o] = sum over q of y[k,q,n,t,s,g*lanes + l] exp(2 pi i (o - begin) q / size)` of complex numbers.
//! Ours: spectra transformed back along columns, for convolutions by spectra: see [`fourier`].
//!
//! Operand: y[k, size, n, t, s, 2, c], as [`super::dlc_fourier_sums`] gives it. Result: f32[n, c/lanes, t, s, k, 2 * rows, lanes].

use super::common::elementwise::sample_floats;
use super::common::fourier::{self, Complex, Writer};
use super::common::spectrum::turned;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(BackAttrs {
    /// Rows of results that are before the first element of a tile.
    begin: i64 = 0,
    /// Rows of results of a tile.
    rows: i64 = 1,
});

pub struct FourierBack;

impl Op for FourierBack {
    fn name(&self) -> &'static str {
        "FourierBack"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        BackAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x) = (BackAttrs::read(c.attrs)?, need(x, 0, "Y")?);
        let complex = x.rank() == 7 && x.shape[5].as_const() == Some(2);
        ensure!(x.dtype == DType::F32 && complex, "operand Y is {x}, expected f32[k,q,n,t,s,2,c]");
        let size = x.shape[1].as_const().unwrap_or(0);
        let inside = (0..size).contains(&a.begin) && a.rows > 0 && a.rows <= size;
        ensure!(inside, "begin is {} and rows {}, expected numbers within a tile of {size}", a.begin, a.rows);
        let [groups, lanes] = fourier::groups(&x.shape[6])?;
        let [k, _, n, t, s, ..] = &x.shape[..] else { unreachable!("seven axes") };
        let shape = [n.clone(), groups, t.clone(), s.clone(), k.clone(), (2 * a.rows).into(), lanes];
        Ok(vec![Fact::new(DType::F32, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = BackAttrs::read(c.attrs)?;
        let shape = self.infer(c, &[Some(&need(x, 0, "Y")?.type_fact())])?[0].const_shape().unwrap_or_default();
        let x = need(x, 0, "Y")?;
        let (size, lanes, strides, data) = (x.shape()[1], shape[6], x.strides(), x.to_f64());
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let index = [y[4], 0, y[0], y[2], y[3], 0, y[1] * lanes + y[6]];
            let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            let place = y[5] / 2 + size - a.begin as usize;
            let term = |q: usize| {
                let at = at + q * strides[1];
                turned((data[at], data[at + strides[5]]), place, q, size, 1.0)
            };
            out.push(Num::F((0..size).map(term).map(|z| if y[5] % 2 == 0 { z.0 } else { z.1 }).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x) = (BackAttrs::read(c.attrs)?, need(x, 0, "Y")?);
        let (v, size) = (Expr::vars(7), x.shape[1].as_const().unwrap_or(0));
        let one = y[0].shape[1].is_one();
        let channel = if one { v[6].clone() } else { v[1].mul(&Expr::size(&y[0].shape[6])).add(&v[6]) };
        let part = |q: i64, p: i64| {
            let index = [&v[4], &Expr::int(q), &v[0], &v[2], &v[3], &Expr::int(p), &channel].map(Expr::clone);
            Expr::load(0, x, index.to_vec())
        };
        let mut w = Writer::new(true);
        let z = w.transform(&(0..size).map(|q| Complex::new(part(q, 0), part(q, 1))).collect::<Vec<_>>());
        let kept = (0..a.rows).map(|o| &z[((o + size - a.begin) % size) as usize]);
        let all = kept.flat_map(|z| w.exprs(z)).collect();
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v[5].pick(all))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |begin: i64, rows: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("begin", begin).with("rows", rows);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![s(2, 4, &[2, 6, 1, 1, 2, 2, 3]), s(0, 8, &[1, 8, 2, 1, 1, 2, 32])]
    }
}
