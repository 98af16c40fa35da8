//! `QLinearConv`: a convolution of quantized operands, bias added in 32 bits, and the result quantized again.
//! <https://onnx.ai/onnx/operators/onnx__QLinearConv.html>

use super::common::quantize::{requantize, sample_ints};
use super::conv::{self, ConvAttrs};
use super::conv_integer::{check, sums};
use crate::lower::Lowering;
use crate::op::{maybe, need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Op, Result, Sample, Tensor, Value, ensure};

pub struct QLinearConv;

/// Names of the operands, in order.
const NAMES: [&str; 9] =
    ["x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point", "B"];

fn all<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    NAMES[..8].iter().enumerate().map(|(i, name)| need(x, i, name)).collect()
}

impl Op for QLinearConv {
    fn name(&self) -> &'static str {
        "QLinearConv"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConvAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(8, 9)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let v = all(x)?;
        let shape = conv::result_shape(&ConvAttrs::read(c.attrs)?, &v[0].shape, &v[3].shape)?;
        check(v[0], v[3], Some(v[2]), Some(v[5]))?;
        let one = |i: usize| v[i].len().as_const().is_none_or(|n| n == 1);
        ensure!(
            one(1) && one(6) && one(7),
            "operands x_scale, y_scale and y_zero_point have several elements or none, expected one each"
        );
        let filters = |n: Dim| n.is_one() || n.as_const().is_none() || n == shape[1] || shape[1].as_const().is_none();
        ensure!(filters(v[4].len()), "operand w_scale is {}, expected 1 or {} elements", v[4], shape[1]);
        ensure!(
            [1, 4, 6].iter().all(|i| v[*i].dtype == DType::F32),
            "a scale has another type, expected operands x_scale, w_scale and y_scale of f32"
        );
        ensure!(
            v[7].dtype.is_int() && v[7].dtype.size() == 1,
            "operand y_zero_point has type {}, expected i8 or u8",
            v[7].dtype
        );
        if let Some(b) = maybe(x, 8) {
            ensure!(b.dtype == DType::I32 && b.rank() == 1, "operand B is {b}, expected i32[{}]", shape[1]);
            shaped("B", &b.shape, &shape[1..2])?;
        }
        Ok(vec![Fact::new(v[7].dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let v = all(x)?;
        let acc = sums(&ConvAttrs::read(c.attrs)?, v[0], v[3], Some(v[2]), Some(v[5]), maybe(x, 8))?;
        let (zero, filters) = (v[7].at(0).i(), acc.shape()[1]);
        let plane: usize = acc.shape()[2..].iter().product();
        let quantized = acc.iter().enumerate().map(|(i, s)| {
            let filter = if v[4].len() == 1 { 0 } else { i / plane % filters };
            requantize(s.i(), [v[1].at(0).f(), v[4].at(filter).f(), v[6].at(0).f()], zero, v[7].dtype())
        });
        Ok(vec![Tensor::new(v[7].dtype(), acc.shape(), quantized)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let facts = all(x)?;
        let mut g = Graph::new("qlinear_conv");
        let v: Vec<Value> = NAMES.iter().zip(&facts).map(|(name, f)| g.add_input(name, f.type_only())).collect();
        let mut acc = g.apply("sums", "ConvInteger", c.attrs.clone(), &[v[0], v[3], v[2], v[5]])?;
        if let Some(b) = maybe(x, 8) {
            let b = g.add_input("B", b.type_only());
            let to: Vec<i64> = [-1].into_iter().chain(vec![1; y[0].rank() - 2]).collect();
            let to = g.add_const("bias_shape", Tensor::i64(&[to.len()], &to));
            let b = g.apply("bias", "Reshape", Attrs::new(), &[b, to])?;
            acc = g.apply("biased", "Add", Attrs::new(), &[acc, b])?;
        }
        let product = g.apply("product_scale", "Mul", Attrs::new(), &[v[1], v[4]])?;
        let scale = g.apply("scale", "Div", Attrs::new(), &[product, v[6]])?;
        let real = g.apply("real", "DequantizeLinear", Attrs::new().with("axis", 1i64), &[acc, scale])?;
        let one = g.add_const("one", Tensor::f32(&[], &[1.0]));
        let y = g.apply("quantized", "QuantizeLinear", Attrs::new(), &[real, one, v[7]])?;
        g.add_output("y", y);
        Ok(Lowering::Expand(g))
    }
    fn samples(&self) -> Vec<Sample> {
        let (i, u) = (DType::I8, DType::U8);
        let ints = |d: DType, shape: &[usize]| sample_ints(d, shape, 5);
        let real = |v: &[f32]| Tensor::f32(&[v.len()], v);
        let one = |v: f32| Tensor::f32(&[], &[v]);
        let bias = Tensor::floats(DType::I32, &[3], &[100.0, -2000.0, 30.0]);
        let a = Attrs::new;
        let grouped = a().with("group", 2i64).with("dilations", vec![2i64, 1]).with("strides", vec![1i64, 2]);
        let first = vec![
            ints(u, &[1, 2, 5, 4]),
            one(0.02),
            ints(u, &[]),
            ints(u, &[3, 2, 3, 3]),
            one(0.05),
            ints(u, &[]),
            one(1.3),
            ints(u, &[]),
        ];
        let padded = vec![
            ints(u, &[2, 2, 5, 4]),
            one(0.02),
            ints(u, &[]),
            ints(i, &[3, 2, 3, 3]),
            real(&[0.1, 0.2, 0.3]),
            ints(i, &[3]),
            one(2.5),
            ints(u, &[]),
            bias,
        ];
        let last = vec![
            ints(i, &[1, 4, 5, 6]),
            real(&[0.03]),
            ints(i, &[1]),
            ints(i, &[6, 2, 2, 2]),
            real(&[0.04]),
            ints(i, &[1]),
            real(&[0.7]),
            ints(i, &[1]),
        ];
        vec![
            Sample::new(a().with("auto_pad", "VALID"), first),
            Sample::new(a().with("pads", vec![1i64; 4]), padded),
            Sample::new(grouped.with("kernel_shape", vec![2i64, 2]), last),
        ]
    }
}
