//! `QLinearMatMul`: a product of quantized matrices, quantized again.
//! <https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html>

use super::common::quantize::{requantize, sample_ints};
use super::matmul_integer::{MatMulInteger, column};
use crate::infer::broadcast_index;
use crate::lower::Lowering;
use crate::op::{need, shaped};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Op, Result, Sample, Tensor, Value, ensure};

pub struct QLinearMatMul;

/// Names of the operands, in order.
const NAMES: [&str; 8] = ["a", "a_scale", "a_zero_point", "b", "b_scale", "b_zero_point", "y_scale", "y_zero_point"];

fn all<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    NAMES.iter().enumerate().map(|(i, name)| need(x, i, name)).collect()
}

impl Op for QLinearMatMul {
    fn name(&self) -> &'static str {
        "QLinearMatMul"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(8)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let v = all(x)?;
        let y = MatMulInteger.infer(c, &[Some(v[0]), Some(v[3]), Some(v[2]), Some(v[5])])?;
        let single = |i: usize| v[i].len().as_const().is_none_or(|n| n == 1);
        ensure!(
            single(6) && single(7),
            "operands y_scale and y_zero_point have several elements or none, expected one each"
        );
        for (i, name) in [(1, NAMES[1]), (4, NAMES[4])] {
            if !v[i].len().is_one() {
                shaped(name, &v[i].shape, &v[i + 1].shape)?;
            }
        }
        let vectors = v[0].rank() == 1 || v[3].rank() == 1;
        ensure!(
            !vectors || (single(1) && single(4)),
            "operands a_scale and b_scale have several elements, expected one for a vector"
        );
        ensure!(
            [1, 4, 6].iter().all(|i| v[*i].dtype.is_float()),
            "a scale has another type, expected operands a_scale, b_scale and y_scale of floats"
        );
        ensure!(
            v[7].dtype.is_int() && v[7].dtype.size() == 1,
            "operand y_zero_point has type {}, expected i8 or u8",
            v[7].dtype
        );
        Ok(vec![Fact::new(v[7].dtype, y[0].shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let v = all(x)?;
        let acc = MatMulInteger.eval(c, &[Some(v[0]), Some(v[3]), Some(v[2]), Some(v[5])])?.remove(0);
        let rows = column(v[1].shape(), v[0].rank());
        let scale = |t: &Tensor, shape: &[usize], at: &[usize]| {
            t.at(if t.len() == 1 { 0 } else { broadcast_index(shape, at) }).f()
        };
        let (zero, mut out, mut i) = (v[7].at(0).i(), vec![], 0);
        for_each_index(acc.shape(), |at| {
            let scales = [scale(v[1], &rows, at), scale(v[4], v[4].shape(), at), v[6].at(0).f()];
            out.push(requantize(acc.at(i).i(), scales, zero, v[7].dtype()));
            i += 1;
        });
        Ok(vec![Tensor::new(v[7].dtype(), acc.shape(), out)])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let facts = all(x)?;
        let mut g = Graph::new("qlinear_matmul");
        let v: Vec<Value> = NAMES.iter().zip(&facts).map(|(name, f)| g.add_input(name, f.type_only())).collect();
        let acc = g.apply("sums", "MatMulInteger", Attrs::new(), &[v[0], v[3], v[2], v[5]])?;
        let acc = g.apply("sums_f32", "Cast", Attrs::new().with("to", DType::F32), &[acc])?;
        let mut scales = vec![];
        for (i, name) in [(1, "a_scale_f32"), (4, "b_scale_f32"), (6, "y_scale_f32")] {
            let shape: Vec<Dim> =
                if i == 1 { column(&facts[1].shape, facts[0].rank()) } else { facts[i].shape.clone() };
            let s = g.apply(name, "Cast", Attrs::new().with("to", DType::F32), &[v[i]])?;
            scales.push(fitted(&mut g, name, s, &facts[i].shape, &shape, y[0].rank())?);
        }
        let product = g.apply("product_scale", "Mul", Attrs::new(), &scales[..2])?;
        let scale = g.apply("scale", "Div", Attrs::new(), &[product, scales[2]])?;
        let real = g.apply("real", "Mul", Attrs::new(), &[acc, scale])?;
        let one = g.add_const("one", Tensor::f32(&[], &[1.0]));
        let y = g.apply("quantized", "QuantizeLinear", Attrs::new(), &[real, one, v[7]])?;
        g.add_output("y", y);
        Ok(Lowering::Expand(g))
    }
    fn samples(&self) -> Vec<Sample> {
        let (i, u) = (DType::I8, DType::U8);
        let ints = |d: DType, shape: &[usize]| sample_ints(d, shape, 5);
        let real = |shape: &[usize], v: &[f32]| Tensor::f32(shape, v);
        let s = |x: [Tensor; 8]| Sample::new(Attrs::new(), x.to_vec());
        let one = |v: f32| Tensor::f32(&[], &[v]);
        let (rows, columns) = (real(&[3], &[0.1, 0.02, 0.3]), real(&[2], &[0.2, 0.05]));
        let (tall, wide) = (real(&[2, 3, 1], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), real(&[2, 1, 2], &[0.1, 0.2, 0.3, 0.4]));
        let (a, b, z) = (ints(u, &[3, 4]), ints(i, &[4, 2]), ints(u, &[]));
        vec![
            s([a.clone(), one(0.02), z.clone(), ints(u, &[4, 2]), one(0.05), z.clone(), one(1.1), z.clone()]),
            s([a, rows, ints(u, &[3]), b, columns, ints(i, &[2]), one(0.9), z]),
            s([
                ints(i, &[2, 3, 4]),
                tall,
                ints(i, &[2, 3, 1]),
                ints(i, &[2, 4, 2]),
                wide,
                ints(i, &[2, 1, 2]),
                one(3.0),
                ints(i, &[1]),
            ]),
            s([
                ints(i, &[4]),
                real(&[1], &[0.1]),
                ints(i, &[1]),
                ints(i, &[4, 2]),
                one(0.2),
                ints(i, &[]),
                real(&[1], &[2.0]),
                ints(i, &[1]),
            ]),
        ]
    }
}

/// A scale of shape `from` under shape `to`; a single one without axes where the result has fewer.
fn fitted(g: &mut Graph, name: &str, v: Value, from: &[Dim], to: &[Dim], rank: usize) -> Result<Value> {
    let to: Vec<i64> = match to.len() > rank {
        true => vec![],
        false if from.len() == to.len() => return Ok(v),
        false => [vec![-1], vec![1; to.len() - 1]].concat(),
    };
    let shape = g.add_const(&format!("{name}_shape"), Tensor::i64(&[to.len()], &to));
    g.apply(&format!("{name}_fitted"), "Reshape", Attrs::new(), &[v, shape])
}
