//! `QuantizeLinear`: `y = saturate(round(x / y_scale) + y_zero_point)`, where a narrow float is rounded last.
//! <https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html>

use super::cast::sample_extremes;
use super::common::convert::Conversion;
use super::common::elementwise::sample_floats;
use super::common::quantize::{Granularity, check_zero, is_quantized, rounded, saturate, saturate_expr};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(QuantizeLinearAttrs {
    /// Axis of scales along an axis or in blocks.
    axis: i64 = 1,
    /// Number of elements that share a scale along the axis; 0 is no blocks.
    block_size: i64 = 0,
    /// Type of the result; 0 is that of the zero point.
    output_dtype: i64 = 0,
    /// Float type of the division; 0 is that of the scale.
    precision: i64 = 0,
    /// Whether an 8-bit float beyond the largest number is that number, instead of an infinity or NaN.
    saturate: bool = true,
});

pub struct QuantizeLinear;

/// How the operands are read.
struct Plan {
    granularity: Granularity,
    /// To the type of the result, where that is a narrow float.
    conversion: Conversion,
    precision: DType,
}

fn dtype(code: i64, what: &str) -> Result<Option<DType>> {
    let known = || i32::try_from(code).ok().and_then(DType::from_onnx);
    match (code, known()) {
        (0, _) => Ok(None),
        (_, None) => bail!("attribute {what} is {code}, expected the number of an element type"),
        (_, known) => Ok(known),
    }
}

fn plan(c: &Ctx, x: &[Dim], scale: (&[Dim], DType), zero: Option<DType>) -> Result<Plan> {
    let a = QuantizeLinearAttrs::read(c.attrs)?;
    let out = dtype(a.output_dtype, "output_dtype")?.or(zero).unwrap_or(DType::U8);
    ensure!(is_quantized(out), "the result has type {out}, expected an integer of up to 16 bits or a narrow float");
    let precision = dtype(a.precision, "precision")?.unwrap_or(scale.1);
    let precision = if precision.is_float() && !precision.is_narrow() { precision } else { DType::F32 };
    ensure!(precision != DType::F64, "precision is f64, expected f32, f16 or bf16");
    let conversion = Conversion::new(out, a.saturate, "nearest")?;
    Ok(Plan { granularity: Granularity::of(x, scale.0, a.axis, a.block_size)?, conversion, precision })
}

impl Op for QuantizeLinear {
    fn name(&self) -> &'static str {
        "QuantizeLinear"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        QuantizeLinearAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, scale, zero) = (need(x, 0, "x")?, need(x, 1, "y_scale")?, maybe(x, 2));
        let p = plan(c, &data.shape, (&scale.shape, scale.dtype), zero.map(|z| z.dtype))?;
        ensure!(!data.dtype.is_narrow(), "x has type {}, expected a wider one than the result", data.dtype);
        check_zero(zero, scale, p.conversion.to)?;
        Ok(vec![Fact::new(p.conversion.to, data.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, scale, zero) = (need(x, 0, "x")?, need(x, 1, "y_scale")?, maybe(x, 2));
        let shape = |t: &Tensor| t.type_fact().shape;
        let p = plan(c, &shape(data), (&shape(scale), scale.dtype()), zero.map(|z| z.dtype()))?;
        let round = |v: f64| rounded(p.precision, v);
        let (to, mut out, mut i) = (p.conversion.to, vec![], 0);
        for_each_index(data.shape(), |at| {
            let s = p.granularity.position(scale.shape(), at);
            let z = zero.map_or(Num::I(0), |z| z.at(s));
            let v = round(round(data.at(i).f()) / round(scale.at(s).f()));
            out.push(match to.is_float() {
                true => p.conversion.number(Num::F(v + z.f())),
                false => saturate(v, z.i(), to),
            });
            i += 1;
        });
        Ok(vec![Tensor::new(to, data.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, scale, zero) = (need(x, 0, "x")?, need(x, 1, "y_scale")?, maybe(x, 2));
        let p = plan(c, &data.shape, (&scale.shape, scale.dtype), zero.map(|z| z.dtype))?;
        let at = Expr::vars(data.rank());
        let round = |v: Expr| if p.precision == DType::F32 { v } else { v.round_to(p.precision) };
        let float = |v: Expr| round(v.cast(Ty::F32));
        let s = Expr::load(1, scale, p.granularity.index(scale.rank(), &at));
        let v = float(Expr::load(0, data, at.clone()));
        let one = scale.constant().is_some_and(|s| s.iter().all(|s| s.f() == 1.0));
        let v = if one { v } else { round(v.div(&float(s))) };
        let z = zero.map(|z| Expr::load(2, z, p.granularity.index(z.rank(), &at)));
        let stored = match p.conversion.to.is_float() {
            true => p.conversion.expr(&z.map_or(v.clone(), |z| v.add(&z))),
            false => saturate_expr(&v, z.as_ref(), p.conversion.to),
        };
        Ok(Lowering::Comps(vec![Comp::new(&y[0], stored)]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let ints = |t: DType, shape: &[usize], v: &[f64]| Tensor::floats(t, shape, v);
        let x = |shape: &[usize]| sample_floats(shape, 5);
        let scale = |v: &[f32]| Tensor::f32(&[v.len()], v);
        let one = |v: f32| Tensor::f32(&[], &[v]);
        let blocks = Attrs::new().with("block_size", 2i64).with("axis", 1i64);
        let to = |t: DType, v: &[f64]| ints(t, &[v.len()], v);
        let extremes = || sample_extremes().cast(DType::F16);
        let through = |t: DType| Attrs::new().with("output_dtype", t).with("saturate", false);
        let i16 = Attrs::new().with("output_dtype", DType::I16).with("saturate", false);
        vec![
            Sample::new(Attrs::new(), vec![x(&[2, 9]), one(0.25)]),
            Sample::new(Attrs::new(), vec![x(&[3, 9]), one(0.03), ints(DType::U8, &[], &[128.0])]),
            Sample::new(
                Attrs::new(),
                vec![x(&[2, 3, 2]), scale(&[0.02, 0.1, 1.5]), ints(DType::I8, &[3], &[-3.0, 4.0, 0.0])],
            ),
            Sample::new(
                Attrs::new().with("axis", -1i64),
                vec![x(&[2, 2]), scale(&[0.5, 2.0]), ints(DType::U16, &[2], &[9.0, 0.0])],
            ),
            Sample::new(blocks.clone(), vec![x(&[2, 5]), Tensor::f32(&[2, 3], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])]),
            Sample::new(i16, vec![x(&[7]), scale(&[0.001])]),
            Sample::new(Attrs::new().with("precision", DType::F16), vec![x(&[9]), one(0.037)]),
            Sample::new(
                Attrs::new(),
                vec![ints(DType::I32, &[3], &[-40.0, 7.0, 900.0]), one(3.0), ints(DType::I8, &[], &[1.0])],
            ),
            Sample::new(Attrs::new(), vec![x(&[9]).cast(DType::BF16), one(0.3).cast(DType::BF16)]),
            Sample::new(Attrs::new(), vec![x(&[3, 2]), scale(&[0.1, 0.7]), to(DType::I4, &[1.0, -2.0])]),
            Sample::new(
                blocks,
                vec![x(&[1, 3]), Tensor::f32(&[1, 2], &[0.3, 0.5]), ints(DType::U2, &[1, 2], &[1.0, 0.0])],
            ),
            Sample::new(Attrs::new(), vec![sample_extremes(), one(0.7), to(DType::F8E4M3FN, &[0.0])]),
            Sample::new(through(DType::F8E5M2), vec![extremes(), one(0.7)]),
            Sample::new(through(DType::F8E4M3FNUZ), vec![extremes(), one(1.0).cast(DType::F16)]),
            Sample::new(through(DType::F4E2M1), vec![x(&[9]), one(0.5).cast(DType::F8E8M0)]),
            Sample::new(Attrs::new(), vec![x(&[9]), one(0.7), to(DType::F4E2M1, &[1.5])]),
        ]
    }
}
