//! `MelWeightMatrix`: triangles that add up frequencies into bands of equal width on the mel scale.
//! <https://onnx.ai/onnx/operators/onnx__MelWeightMatrix.html>

use super::common::movement::{dynamic, scalar, sizes};
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::tensor::{cast, for_each_index};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};
use std::f64::consts::LN_10;

attrs!(MelWeightMatrixAttrs {
    /// Type of the result.
    output_datatype: DType = DType::F32,
});

pub struct MelWeightMatrix;

const NAMES: [&str; 5] = ["num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz", "upper_edge_hertz"];

/// Mels of a frequency: `2595 log10(1 + f / 700)`.
fn mels(hertz: f64) -> f64 {
    2595.0 * (hertz / 700.0 + 1.0).ln() / LN_10
}

/// Weight of frequency `j` in the triangle that rises from `l` to `c` and falls to `h`.
fn weight(j: i64, l: i64, c: i64, h: i64) -> f64 {
    match j {
        _ if j >= c && j < h => (h - j) as f64 / (h - c) as f64,
        _ if j == c && l == c => 1.0,
        _ if j >= l && j <= c && l != c => (j - l) as f64 / (c - l) as f64,
        _ => 0.0,
    }
}

fn shape(bins: Dim, length: &Dim) -> Vec<Dim> {
    vec![length.div(&2.into()) + 1.into(), bins]
}

impl Op for MelWeightMatrix {
    fn name(&self) -> &'static str {
        "MelWeightMatrix"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MelWeightMatrixAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(5)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        for (i, name) in NAMES.iter().enumerate() {
            let f = need(x, i, name)?;
            ensure!(f.len().is_one() && f.dtype.is_int() == (i < 3), "operand {name} is {f}, expected one number");
        }
        let size = |i: usize| need(x, i, NAMES[i]).map(|f| f.as_dims().map_or_else(|| c.fresh(i), |v| v[0].clone()));
        let (bins, length) = (size(0)?, size(1)?);
        for d in [&bins, &length] {
            ensure!(
                d.as_const().is_none_or(|d| d >= 0),
                "operand num_mel_bins or dft_length gives {d} bins, expected no negative number"
            );
        }
        Ok(vec![Fact::new(MelWeightMatrixAttrs::read(c.attrs)?.output_datatype, shape(bins, &length))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let dtype = MelWeightMatrixAttrs::read(c.attrs)?.output_datatype;
        let at = |i: usize| need(x, i, NAMES[i]).map(|t| t.at(0).f());
        let (bins, length, rate) = (at(0)?, at(1)?, at(2)?);
        ensure!(rate.is_normal() && rate.is_sign_positive(), "sample_rate is {rate}, expected a positive number");
        let (low, high) = (mels(at(3)?), mels(at(4)?));
        let edge = |i: usize| {
            let mel = i as f64 * ((high - low) / (bins + 2.0)) + low;
            let hertz = 700.0 * ((mel / 2595.0 * LN_10).exp() - 1.0);
            ((length + 1.0) * hertz / rate).floor() as i64
        };
        let shape = sizes(&shape((bins as i64).into(), &(length as i64).into()));
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let w = weight(idx[0] as i64, edge(idx[1]), edge(idx[1] + 1), edge(idx[1] + 2));
            out.push(cast(Num::F(w), dtype));
        });
        Ok(vec![Tensor::new(dtype, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let f = |v: f64| Expr::num(Ty::F64, v);
        let number =
            |i: usize| need(x, i, NAMES[i]).map(|t| Expr::load(i, t, vec![Expr::int(0); t.rank()]).cast(Ty::F64));
        let mels = |e: Expr| f(2595.0).mul(&e.div(&f(700.0)).add(&f(1.0)).un(Un::Log)).div(&f(LN_10));
        let (bins, length, rate) = (number(0)?, number(1)?, number(2)?);
        let (low, high) = (mels(number(3)?), mels(number(4)?));
        let edge = |k: i64| {
            let i = Expr::var(1).add(&Expr::int(k)).cast(Ty::F64);
            let mel = i.mul(&high.sub(&low).div(&bins.add(&f(2.0)))).add(&low);
            let hertz = f(700.0).mul(&mel.div(&f(2595.0)).mul(&f(LN_10)).un(Un::Exp).sub(&f(1.0)));
            length.add(&f(1.0)).mul(&hertz).div(&rate).un(Un::Floor)
        };
        let (j, l, m, h) = (Expr::var(0).cast(Ty::F64), edge(0), edge(1), edge(2));
        let fall = j.ge(&m).and(&j.lt(&h));
        let peak = j.eq(&m).and(&l.eq(&m));
        let rise = j.ge(&l).and(&j.le(&m)).and(&l.ne(&m));
        let rising = rise.select(&j.sub(&l).div(&m.sub(&l)), &f(0.0));
        let value = fall.select(&h.sub(&j).div(&h.sub(&m)), &peak.select(&f(1.0), &rising));
        let fill = Lowering::Comps(vec![Comp::new(&y[0], value.cast(Ty::of(y[0].dtype)))]);
        let (bins, length) = (need(x, 0, NAMES[0])?, need(x, 1, NAMES[1])?);
        let known = bins.as_dims().is_some() && length.as_dims().is_some();
        let size = |i: usize, f: &Fact| scalar(i, f).max(&Expr::int(0));
        Ok(if known { fill } else { dynamic(c, &[size(0, bins), size(1, length)], fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |a: Attrs, ints: [i64; 3], edges: [f32; 2]| {
            let ints = ints.iter().map(|v| Tensor::i64(&[], &[*v]));
            Sample::new(a, ints.chain(edges.iter().map(|v| Tensor::f32(&[], &[*v]))).collect())
        };
        vec![
            of(Attrs::new(), [4, 16, 8192], [0.0, 4096.0]),
            of(Attrs::new().with("output_datatype", DType::F64), [3, 21, 1000], [20.0, 450.0]),
        ]
    }
}
