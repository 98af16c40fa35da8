//! `LpPool`: `(sum |x|^p)^(1/p)` of the elements under a window. <https://onnx.ai/onnx/operators/onnx__LpPool.html>

use super::common::elementwise::sample_floats;
use super::common::pool::{Patch, Pool, PoolAttrs};
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty, Un};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(LpPoolAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Whether the size of the result is rounded up.
    ceil_mode: bool = false,
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Extent of the kernel.
    kernel_shape: Vec<i64>,
    /// Exponent of the norm.
    p: i64 = 2,
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

pub struct LpPool;

fn pool(c: &Ctx, x: &[Dim]) -> Result<(Pool, f64)> {
    let a = LpPoolAttrs::read(c.attrs)?;
    ensure!(a.p > 0, "p is {}, expected a positive number", a.p);
    let (kernel, strides, dilations) = (&a.kernel_shape, &a.strides, &a.dilations);
    let shared = PoolAttrs { kernel, strides, dilations, pads: &a.pads, auto_pad: &a.auto_pad, ceil: a.ceil_mode };
    Ok((Pool::new(&shared, x)?, a.p as f64))
}

impl Op for LpPool {
    fn name(&self) -> &'static str {
        "LpPool"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LpPoolAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        ensure!(x.dtype.is_float(), "operand X has type {}, expected a float type", x.dtype);
        Ok(vec![Fact::new(x.dtype, pool(c, &x.shape)?.0.shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let (pool, p) = pool(c, &x.type_fact().shape)?;
        let norm = |e: &Patch| Num::F(e.values.iter().map(|v| v.f().abs().powf(p)).sum::<f64>().powf(1.0 / p));
        Ok(vec![pool.eval(x, x.dtype(), norm)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let (pool, p) = pool(c, &x.shape)?;
        let sum = |f: &dyn Fn(&Expr) -> Expr| pool.reduce(Monoid::Sum, x, &Expr::num(Ty::of(x.dtype), 0.0), f);
        let norm = match p as i64 {
            1 => sum(&|v| v.un(Un::Abs)),
            2 => sum(&|v| v.mul(v)).un(Un::Sqrt),
            _ => {
                let s = sum(&|v| v.un(Un::Abs).pow(&v.like(p)));
                s.pow(&s.like(1.0 / p))
            }
        };
        Ok(Lowering::Comps(vec![Comp::new(&y[0], norm)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let kernel = |k: &[i64]| Attrs::new().with("kernel_shape", k);
        let s = |a: Attrs, x: &[usize]| Sample::new(a, vec![sample_floats(x, 1)]);
        let ceil = kernel(&[3, 2]).with("strides", vec![2i64, 3]).with("ceil_mode", true);
        vec![
            s(kernel(&[2, 2]), &[1, 2, 4, 5]),
            s(kernel(&[3, 3]).with("pads", vec![1i64; 4]).with("p", 1i64), &[1, 2, 4, 5]),
            s(ceil.with("p", 3i64), &[1, 1, 6, 6]),
            s(kernel(&[2]).with("dilations", vec![2i64]).with("auto_pad", "SAME_LOWER"), &[1, 1, 5]),
        ]
    }
}
