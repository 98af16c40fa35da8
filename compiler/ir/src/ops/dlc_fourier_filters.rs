//! `dlc.FourierFilters`: the complex numbers `f[k,q,c,o] = sum over i,j of w[o,c,i,j] exp(2 pi i (i q / rows + j k / columns)) / (2 rows
//! columns)` as matrices of real ones. Ours: the filters of a convolution for convolutions by spectra: see [`fourier`].
//!
//! Operand: w[o, c, h, w]. Result: f32[columns/2 + 1, rows, 2, c, 2, o]: what the real and the imaginary part of an image add to
//! the real and the imaginary part of the result.
//!
//! [`fourier`]: super::common::fourier

use super::common::elementwise::sample_floats;
use super::common::fourier::Spectrum;
use super::common::spectrum::turned_expr;
use super::dlc_fourier_filter::{FilterAttrs, check};
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, bail};

pub struct FourierFilters;

impl Op for FourierFilters {
    fn name(&self) -> &'static str {
        "FourierFilters"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        FilterAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, w) = (FilterAttrs::read(c.attrs)?, need(x, 0, "W")?);
        check(&a, w)?;
        let two = Dim::from(2);
        let (half, rows) = (Dim::from(a.columns / 2 + 1), Dim::from(a.rows));
        Ok(vec![Fact::new(DType::F32, [half, rows, two.clone(), w.shape[1].clone(), two, w.shape[0].clone()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, w) = (FilterAttrs::read(c.attrs)?, need(x, 0, "W")?);
        let [filters, channels, h, width] = w.shape()[..] else { bail!("operand W has rank {}, expected 4", w.rank()) };
        let (s, data) = (Spectrum::new([h, width], [a.rows as usize, a.columns as usize]), w.to_f64());
        let (half, rows) = (a.columns as usize / 2 + 1, a.rows as usize);
        let mut out = vec![0.0; half * rows * 4 * channels * filters];
        for (i, taps) in data.chunks(h * width).enumerate() {
            let (o, c) = (i / channels, i % channels);
            s.each(taps, &mut |k, q, (re, im)| {
                let mut put = |from: usize, to: usize, v: f64| {
                    out[((((k * rows + q) * 2 + from) * channels + c) * 2 + to) * filters + o] = v;
                };
                put(0, 0, re);
                put(0, 1, im);
                put(1, 0, -im);
                put(1, 1, re);
            });
        }
        Ok(vec![Tensor::floats(DType::F32, &[half, rows, 2, channels, 2, filters], &out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, w) = (FilterAttrs::read(c.attrs)?, need(x, 0, "W")?);
        let (v, [i, j]) = (Expr::vars(6), [Expr::var(6), Expr::var(7)]);
        let tap = Expr::load(0, w, vec![v[5].clone(), v[3].clone(), i.clone(), j.clone()]).cast(Ty::F64);
        let zero = Expr::num(Ty::F64, 0.0);
        let z = turned_expr((tap, zero.clone()), &v[1], &i, &Dim::from(a.rows), 1.0);
        let (re, im) = turned_expr(z, &v[0], &j, &Dim::from(a.columns), 1.0);
        let crossed = v[4].eq(&Expr::int(0)).select(&zero.sub(&im), &im);
        let part = v[2].eq(&v[4]).select(&re, &crossed);
        let sum = Expr::reduce(Monoid::Sum, vec![(6, w.shape[2].clone()), (7, w.shape[3].clone())], part);
        let scale = Expr::num(Ty::F64, 1.0 / (2 * a.rows * a.columns) as f64);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], sum.mul(&scale).cast(Ty::F32))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |rows: i64, columns: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("rows", rows).with("columns", columns);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![s(5, 6, &[2, 3, 3, 5]), s(1, 4, &[2, 1, 1, 3])]
    }
}
