//! `AveragePool`: mean of the elements under a window. <https://onnx.ai/onnx/operators/onnx__AveragePool.html>

use super::common::elementwise::sample_floats;
use super::common::pool::{Patch, Pool, PoolAttrs};
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(AveragePoolAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Whether the size of the result is rounded up.
    ceil_mode: bool = false,
    /// Whether padding counts as elements that are 0.
    count_include_pad: bool = false,
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Extent of the kernel.
    kernel_shape: Vec<i64>,
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

pub struct AveragePool;

fn pool(c: &Ctx, x: &[Dim]) -> Result<(Pool, bool)> {
    let a = AveragePoolAttrs::read(c.attrs)?;
    let (kernel, strides, dilations) = (&a.kernel_shape, &a.strides, &a.dilations);
    let shared = PoolAttrs { kernel, strides, dilations, pads: &a.pads, auto_pad: &a.auto_pad, ceil: a.ceil_mode };
    Ok((Pool::new(&shared, x)?, a.count_include_pad))
}

impl Op for AveragePool {
    fn name(&self) -> &'static str {
        "AveragePool"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        AveragePoolAttrs::SCHEMA
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
        let (pool, padded) = pool(c, &x.type_fact().shape)?;
        let mean = |p: &Patch| {
            let count = if padded { p.padded } else { p.values.len() };
            Num::F(p.values.iter().map(|v| v.f()).sum::<f64>() / count.max(1) as f64)
        };
        Ok(vec![pool.eval(x, x.dtype(), mean)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let (pool, padded) = pool(c, &x.shape)?;
        let ty = Ty::of(x.dtype);
        let sum = pool.reduce(Monoid::Sum, x, &Expr::num(ty, 0.0), Expr::clone);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], sum.div(&pool.count(x, padded).cast(ty)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let kernel = |k: &[i64]| Attrs::new().with("kernel_shape", k);
        let s = |a: Attrs, x: &[usize]| Sample::new(a, vec![sample_floats(x, 1)]);
        let ceil = kernel(&[3, 2]).with("strides", vec![2i64, 3]).with("ceil_mode", true);
        let dilated = kernel(&[2, 3]).with("dilations", vec![3i64, 2]).with("pads", vec![2i64, 1, 1, 3]);
        let same = kernel(&[3, 2]).with("strides", vec![2i64, 2]);
        vec![
            s(kernel(&[2, 2]), &[1, 2, 4, 5]),
            s(kernel(&[3, 3]).with("pads", vec![1i64; 4]), &[2, 1, 4, 5]),
            s(kernel(&[3, 3]).with("pads", vec![1i64; 4]).with("count_include_pad", true), &[1, 2, 4, 5]),
            s(ceil.clone(), &[1, 2, 6, 6]),
            s(ceil.with("pads", vec![1i64, 0, 0, 1]).with("count_include_pad", true), &[1, 1, 6, 5]),
            s(dilated, &[1, 1, 5, 6]),
            s(same.clone().with("auto_pad", "SAME_UPPER"), &[1, 1, 5, 6]),
            s(same.with("auto_pad", "SAME_LOWER").with("count_include_pad", true), &[1, 1, 6, 5]),
            Sample::new(kernel(&[2]), vec![sample_floats(&[1, 2, 5], 4).cast(DType::F16)]),
        ]
    }
}
