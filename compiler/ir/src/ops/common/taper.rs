//! The windows that taper a signal: sums of cosines of one period.

use super::movement::{dynamic, scalar};
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::{Attrs, Ctx, DType, Dim, Fact, Num, Result, Sample, Tensor, attrs, ensure};
use std::f64::consts::TAU;

attrs!(TaperAttrs {
    /// Type of the result.
    output_datatype: DType = DType::F32,
    /// The window of a periodic signal (true), or a symmetric one.
    periodic: bool = true,
});

/// Element `n` of a window is `sum over k of coefficients[k] * cos(2 pi k n / N)`, where `N` is the size, or one less
/// when symmetric.
#[derive(Clone, Copy, Debug)]
pub struct Taper(pub &'static [f64]);

fn size(x: &Fact) -> Result<Option<Dim>> {
    ensure!(x.len().as_const() == Some(1), "operand size is {x}, expected one element");
    let size = x.as_dims().map(|v| v[0].clone());
    ensure!(
        size.as_ref().and_then(Dim::as_const).is_none_or(|n| n >= 0),
        "operand size is negative, expected 0 or more"
    );
    Ok(size)
}

impl Taper {
    /// The fact of the window.
    pub fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let n = size(need(x, 0, "size")?)?.unwrap_or_else(|| c.fresh(0));
        Ok(vec![Fact::new(TaperAttrs::read(c.attrs)?.output_datatype, [n])])
    }

    /// The meaning.
    pub fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = TaperAttrs::read(c.attrs)?;
        let n = need(x, 0, "size")?.at(0).i().max(0) as usize;
        let period = if a.periodic { n } else { n.max(1) - 1 } as f64;
        let element = |i: usize| {
            let angle = TAU * i as f64 / period.max(1.0);
            let v: f64 = self.0.iter().enumerate().map(|(k, c)| c * (k as f64 * angle).cos()).sum();
            crate::tensor::cast(Num::F(v), a.output_datatype)
        };
        Ok(vec![Tensor::new(a.output_datatype, &[n], (0..n).map(element))])
    }

    /// The lowering.
    pub fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let f = |v: f64| Expr::num(Ty::F64, v);
        let n = Expr::size(&y[0].shape[0]);
        let period = if TaperAttrs::read(c.attrs)?.periodic { n } else { n.sub(&Expr::int(1)) };
        let angle = f(TAU).mul(&Expr::var(0).cast(Ty::F64)).div(&period.max(&Expr::int(1)).cast(Ty::F64));
        let term = |k: usize, c: f64| f(c).mul(&f(k as f64).mul(&angle).un(Un::Cos));
        let rest = self.0.iter().enumerate().skip(1);
        let sum = rest.fold(f(self.0[0]), |sum, (k, c)| sum.add(&term(k, *c)));
        let fill = Lowering::Comps(vec![Comp::new(&y[0], sum.cast(Ty::of(y[0].dtype)))]);
        let x = need(x, 0, "size")?;
        let count = scalar(0, x).max(&Expr::int(0));
        Ok(if size(x)?.is_some() { fill } else { dynamic(c, &[count], fill) })
    }

    /// Samples.
    pub fn samples(&self) -> Vec<Sample> {
        let of = |a: Attrs, n: i64| Sample::new(a, vec![Tensor::i64(&[], &[n])]);
        let symmetric = Attrs::new().with("periodic", 0i64);
        vec![
            of(Attrs::new(), 10),
            of(symmetric.clone().with("output_datatype", DType::F64), 7),
            of(symmetric, 1),
            of(Attrs::new().with("output_datatype", DType::F16), 5),
        ]
    }
}
