//! `DynamicQuantizeLinear`: `scale = (max(x,0) - min(x,0)) / 255`, `zero = round(-min / scale)`, `y = round(x / scale) + zero`.
//! <https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html>

use super::common::elementwise::sample_floats;
use super::common::quantize::{rounded, saturate};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Graph, Num, Op, Result, Sample, Tensor, Value, ensure};

pub struct DynamicQuantizeLinear;

impl Op for DynamicQuantizeLinear {
    fn name(&self) -> &'static str {
        "DynamicQuantizeLinear"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "x")?;
        ensure!(x.dtype == DType::F32, "x has type {}, expected f32", x.dtype);
        Ok(vec![Fact::new(DType::U8, x.shape.clone()), Fact::new(DType::F32, []), Fact::new(DType::U8, [])])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "x")?;
        let f32 = |v: f64| rounded(DType::F32, v);
        let v = x.to_f64();
        let (lo, hi) = v.iter().fold((0.0f64, 0.0f64), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        let scale = if hi == lo { 1.0 } else { f32(f32(hi - lo) / 255.0) };
        let zero = saturate(f32(-lo / scale), 0, DType::U8);
        let y = v.iter().map(|v| saturate(f32(v / scale), zero.i(), DType::U8));
        Ok(vec![
            Tensor::new(DType::U8, x.shape(), y),
            Tensor::scalar(DType::F32, Num::F(scale)),
            Tensor::scalar(DType::U8, zero),
        ])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "x")?;
        let mut g = Graph::new("dynamic_quantize_linear");
        let v = g.add_input("x", x.type_only());
        let (zero, one) = (g.add_const("zero", Tensor::f32(&[], &[0.0])), g.add_const("one", Tensor::f32(&[], &[1.0])));
        let lo = extreme(&mut g, v, x.rank(), "ReduceMin")?;
        let hi = extreme(&mut g, v, x.rank(), "ReduceMax")?;
        let (lo, hi) =
            (g.apply("lo", "Min", Attrs::new(), &[lo, zero])?, g.apply("hi", "Max", Attrs::new(), &[hi, zero])?);
        let range = g.apply("range", "Sub", Attrs::new(), &[hi, lo])?;
        let steps = g.add_const("steps", Tensor::f32(&[], &[255.0]));
        let step = g.apply("step", "Div", Attrs::new(), &[range, steps])?;
        let none = g.apply("none", "Equal", Attrs::new(), &[range, zero])?;
        let scale = g.apply("scale", "Where", Attrs::new(), &[none, one, step])?;
        let depth = g.apply("depth", "Neg", Attrs::new(), &[lo])?;
        let point = g.apply("point", "QuantizeLinear", Attrs::new(), &[depth, scale])?;
        let y = g.apply("quantized", "QuantizeLinear", Attrs::new(), &[v, scale, point])?;
        for (name, v) in [("y", y), ("y_scale", scale), ("y_zero_point", point)] {
            g.add_output(name, v);
        }
        Ok(Lowering::Expand(g))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |x: Tensor| Sample { outputs: 3, ..Sample::new(Attrs::new(), vec![x]) };
        vec![
            s(sample_floats(&[3, 5], 1)),
            s(Tensor::f32(&[2, 1, 3], &[0.5, 2.0, 3.5, 1.0, 0.25, 2.75])),
            s(Tensor::f32(&[4], &[-0.5, -2.0, -3.5, -1.0])),
            s(Tensor::f32(&[2], &[0.0, 0.0])),
        ]
    }
}

/// The extreme element, of rows first: rows are many pieces of work.
fn extreme(g: &mut Graph, v: Value, rank: usize, op: &str) -> Result<Value> {
    let plain = || Attrs::new().with("keepdims", 0i64);
    let rows = match rank {
        0 | 1 => v,
        _ => {
            let last = g.add_const(&format!("{op}.last"), Tensor::i64(&[1], &[-1]));
            g.apply(&format!("{op}.rows"), op, plain(), &[v, last])?
        }
    };
    g.apply(op, op, plain(), &[rows])
}
