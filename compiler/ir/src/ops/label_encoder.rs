//! `LabelEncoder`: every element replaced by what a table says. <https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html>

use super::common::lookup::Lookup;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, bail};
use std::sync::Arc;

attrs!(LabelEncoderAttrs {
    /// Value of what is no key, with `values_tensor`.
    default_tensor: Option<Arc<Tensor>>,
    /// Value of what is no key, with `values_int64s`.
    default_int64: i64 = -1,
    /// Value of what is no key, with `values_floats`.
    default_float: f32 = -0.0,
    /// Value of what is no key, with `values_strings`.
    default_string: String = "_Unused".into(),
    /// Keys.
    keys_floats: Option<Vec<f32>>,
    /// Keys.
    keys_int64s: Option<Vec<i64>>,
    /// Keys.
    keys_strings: Option<Vec<String>>,
    /// Keys of any type.
    keys_tensor: Option<Arc<Tensor>>,
    /// Values.
    values_floats: Option<Vec<f32>>,
    /// Values.
    values_int64s: Option<Vec<i64>>,
    /// Values.
    values_strings: Option<Vec<String>>,
    /// Values of any type.
    values_tensor: Option<Arc<Tensor>>,
});

pub struct LabelEncoder;

/// The only list of four that is there.
fn list(
    what: &str,
    floats: &Option<Vec<f32>>,
    ints: &Option<Vec<i64>>,
    strings: &Option<Vec<String>>,
    tensor: &Option<Arc<Tensor>>,
) -> Result<Tensor> {
    let all = [
        floats.as_ref().filter(|v| !v.is_empty()).map(|v| Tensor::f32(&[v.len()], v)),
        ints.as_ref().filter(|v| !v.is_empty()).map(|v| Tensor::i64(&[v.len()], v)),
        strings
            .as_ref()
            .filter(|v| !v.is_empty())
            .map(|v| Tensor::of_strings(&[v.len()], v.iter().map(String::as_str))),
        tensor.as_ref().map(|t| (**t).clone()),
    ];
    let mut given = all.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(t), None) => Ok(t),
        (None, _) => bail!("attributes {what}_* are missing, expected one of them"),
        _ => bail!("attributes {what}_* are given more than once, expected one of them"),
    }
}

fn lookup(c: &Ctx) -> Result<Lookup> {
    let a = LabelEncoderAttrs::read(c.attrs)?;
    let keys = list("keys", &a.keys_floats, &a.keys_int64s, &a.keys_strings, &a.keys_tensor)?;
    let values = list("values", &a.values_floats, &a.values_int64s, &a.values_strings, &a.values_tensor)?;
    let default = match (values.dtype(), a.default_tensor) {
        (_, Some(t)) => (*t).clone(),
        (DType::Str, None) => Tensor::of_strings(&[], [a.default_string]),
        (d, None) if d.is_float() => Tensor::scalar(d, Num::F(a.default_float as f64)),
        (d, None) => Tensor::scalar(d, Num::I(a.default_int64 as i128)),
    };
    Ok(Lookup { keys, values, default })
}

impl Op for LabelEncoder {
    fn name(&self) -> &'static str {
        "LabelEncoder"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LabelEncoderAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![lookup(c)?.infer(need(x, 0, "X")?)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![lookup(c)?.eval(need(x, 0, "X")?)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        lookup(c)?.lowering(x)
    }
    fn samples(&self) -> Vec<Sample> {
        let words = |v: &[&str]| v.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let text = Tensor::of_strings(&[2, 2], ["a", "b", "?", "c"]);
        let ints = Tensor::i64(&[2, 2], &[1, 2, 9, 1]);
        let floats = Tensor::f32(&[4], &[1.0, f32::NAN, -0.0, 7.0]);
        let abc = Attrs::new().with("keys_strings", words(&["a", "b", "c"]));
        let one = Attrs::new().with("keys_int64s", vec![1i64, 2, 1]);
        let f = Attrs::new().with("keys_floats", vec![1.0f32, f32::NAN, 0.0]);
        let shorts = Tensor::floats(DType::I16, &[3], &[1.0, 2.0, 3.0]);
        let doubles = Tensor::floats(DType::F64, &[3], &[0.1, 0.2, 0.3]);
        let tensors = Attrs::new().with("keys_tensor", shorts.clone()).with("values_tensor", doubles.clone());
        let default = Tensor::floats(DType::F64, &[1], &[0.5]);
        vec![
            Sample::new(
                abc.clone().with("values_int64s", vec![0i64, 1, 2]).with("default_int64", 42i64),
                vec![text.clone()],
            ),
            Sample::new(abc.with("values_floats", vec![0.5f32, 1.0, 2.0]), vec![text]),
            Sample::new(
                one.clone().with("values_strings", words(&["x", "y", "z"])).with("default_string", "none"),
                vec![ints.clone()],
            ),
            Sample::new(one.with("values_floats", vec![0.5f32, 1.5, 2.5]).with("default_float", -1.0f32), vec![ints]),
            Sample::new(f.with("values_int64s", vec![4i64, 5, 6]), vec![floats]),
            Sample::new(tensors.with("default_tensor", default), vec![shorts]),
        ]
    }
}
