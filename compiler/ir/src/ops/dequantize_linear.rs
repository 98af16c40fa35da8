//! `DequantizeLinear`: `y = (x - x_zero_point) * x_scale`.
//! <https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html>

use super::common::quantize::{Granularity, check_zero, is_quantized, rounded, sample_ints, sample_narrow};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(DequantizeLinearAttrs {
    /// Axis of scales along an axis or in blocks.
    axis: i64 = 1,
    /// Number of elements that share a scale along the axis; 0 is no blocks.
    block_size: i64 = 0,
    /// Type of the result; 0 is that of the scale.
    output_dtype: i64 = 0,
});

pub struct DequantizeLinear;

fn plan(c: &Ctx, x: &[Dim], scale: (&[Dim], DType)) -> Result<(Granularity, DType)> {
    let a = DequantizeLinearAttrs::read(c.attrs)?;
    let out = match (a.output_dtype, i32::try_from(a.output_dtype).ok().and_then(DType::from_onnx)) {
        (0, _) => scale.1,
        (_, Some(t)) => t,
        (code, None) => bail!("attribute output_dtype is {code}, expected the number of an element type"),
    };
    ensure!(
        scale.1.is_float() && out.is_float() && !out.is_narrow(),
        "operand scale has type {} and the result {out}, expected floats, the result of 16 bits or more",
        scale.1
    );
    Ok((Granularity::of(x, scale.0, a.axis, a.block_size)?, out))
}

impl Op for DequantizeLinear {
    fn name(&self) -> &'static str {
        "DequantizeLinear"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        DequantizeLinearAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, scale, zero) = (need(x, 0, "x")?, need(x, 1, "x_scale")?, maybe(x, 2));
        let (_, out) = plan(c, &data.shape, (&scale.shape, scale.dtype))?;
        let quantized = is_quantized(data.dtype) || data.dtype == DType::I32;
        ensure!(quantized, "x has type {}, expected i32, an integer of up to 16 bits or a narrow float", data.dtype);
        check_zero(zero, scale, data.dtype)?;
        Ok(vec![Fact::new(out, data.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, scale, zero) = (need(x, 0, "x")?, need(x, 1, "x_scale")?, maybe(x, 2));
        let shape = |t: &Tensor| t.type_fact().shape;
        let (granularity, dtype) = plan(c, &shape(data), (&shape(scale), scale.dtype()))?;
        let (mut out, mut i) = (vec![], 0);
        for_each_index(data.shape(), |at| {
            let s = granularity.position(scale.shape(), at);
            let v = data.at(i).f() - zero.map_or(0.0, |z| z.at(s).f());
            out.push(Num::F(rounded(DType::F32, v) * scale.at(s).f()));
            i += 1;
        });
        Ok(vec![Tensor::new(dtype, data.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, scale, zero) = (need(x, 0, "x")?, need(x, 1, "x_scale")?, maybe(x, 2));
        let (granularity, dtype) = plan(c, &data.shape, (&scale.shape, scale.dtype))?;
        let at = Expr::vars(data.rank());
        let mut v = Expr::load(0, data, at.clone());
        if let Some(z) = zero {
            v = v.sub(&Expr::load(2, z, granularity.index(z.rank(), &at)));
        }
        let s = Expr::load(1, scale, granularity.index(scale.rank(), &at));
        let ty = Ty::of(dtype);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v.cast(ty).mul(&s.cast(ty)))]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let x = |t: DType, shape: &[usize]| sample_ints(t, shape, 3);
        let zeros = |t: DType, v: &[f64]| Tensor::floats(t, &[v.len()], v);
        let scale = |v: &[f32]| Tensor::f32(&[v.len()], v);
        let one = |v: f32| Tensor::f32(&[], &[v]);
        let blocks = Attrs::new().with("block_size", 3i64).with("axis", 0i64);
        vec![
            Sample::new(Attrs::new(), vec![x(DType::U8, &[2, 9]), one(0.25), Tensor::floats(DType::U8, &[], &[128.0])]),
            Sample::new(Attrs::new(), vec![x(DType::I8, &[2, 9]), scale(&[0.5])]),
            Sample::new(
                Attrs::new(),
                vec![x(DType::I8, &[2, 3, 2]), scale(&[0.1, 0.2, 3.0]), zeros(DType::I8, &[1.0, -2.0, 0.0])],
            ),
            Sample::new(Attrs::new().with("axis", -1i64), vec![x(DType::U16, &[2, 2]), scale(&[0.5, 2.0])]),
            Sample::new(blocks.clone(), vec![x(DType::I16, &[4, 2]), Tensor::f32(&[2, 2], &[0.1, 0.2, 0.3, 0.4])]),
            Sample::new(Attrs::new(), vec![x(DType::I32, &[3, 7]), one(0.01)]),
            Sample::new(Attrs::new().with("output_dtype", DType::F16), vec![x(DType::I8, &[2, 9]), one(0.01)]),
            Sample::new(Attrs::new(), vec![x(DType::I8, &[2, 9]), one(0.01).cast(DType::BF16)]),
            Sample::new(
                Attrs::new(),
                vec![x(DType::I4, &[2, 3]), scale(&[0.1, 0.2, 3.0]), zeros(DType::I4, &[1.0, -2.0, 0.0])],
            ),
            Sample::new(blocks, vec![x(DType::U2, &[4, 1]), Tensor::f32(&[2, 1], &[0.1, 0.2])]),
            Sample::new(Attrs::new(), vec![sample_narrow(DType::F8E4M3FN), one(0.3), zeros(DType::F8E4M3FN, &[0.0])]),
            Sample::new(Attrs::new(), vec![sample_narrow(DType::F8E5M2), one(2.0).cast(DType::F16)]),
            Sample::new(
                Attrs::new().with("output_dtype", DType::F32),
                vec![sample_narrow(DType::F4E2M1), one(4.0).cast(DType::F8E8M0)],
            ),
        ]
    }
}
