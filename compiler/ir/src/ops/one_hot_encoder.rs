//! `OneHotEncoder`: along a new last axis, 1 at the category of the element and 0 elsewhere.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_OneHotEncoder.html>

use super::common::expansion::Expansion;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(OneHotEncoderAttrs {
    /// The categories; floats are truncated before they are compared.
    cats_int64s: Vec<i64> = vec![],
    /// The categories of strings.
    cats_strings: Vec<String> = vec![],
    /// Whether an element of no category gives zeros; otherwise it is refused.
    zeros: bool = true,
});

pub struct OneHotEncoder;

/// Number of categories, after checking that they are of the operand's kind.
fn categories(a: &OneHotEncoderAttrs, x: DType) -> Result<usize> {
    let (ints, strings) = (a.cats_int64s.len(), a.cats_strings.len());
    let n = if x == DType::Str { strings } else { ints };
    ensure!(
        n > 0 && (ints == 0 || strings == 0),
        "attributes give {ints} integers and {strings} strings as categories, expected those of operand X, which is {x}"
    );
    Ok(n)
}

impl Op for OneHotEncoder {
    fn name(&self) -> &'static str {
        "OneHotEncoder"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        OneHotEncoderAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, a) = (need(x, 0, "X")?, OneHotEncoderAttrs::read(c.attrs)?);
        let n = categories(&a, x.dtype)?;
        Ok(vec![Fact::new(DType::F32, x.shape.iter().cloned().chain([Dim::from(n)]))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, a) = (need(x, 0, "X")?, OneHotEncoderAttrs::read(c.attrs)?);
        let n = categories(&a, x.dtype())?;
        let is = |i: usize, k: usize| match x.dtype() {
            DType::Str => x.string(i) == a.cats_strings[k],
            _ => x.at(i).i() == a.cats_int64s[k] as i128,
        };
        let mut out = vec![];
        for i in 0..x.len() {
            if !a.zeros && !(0..n).any(|k| is(i, k)) {
                bail!("element {i} of operand X is of no category, expected one of them: attribute zeros is 0");
            }
            out.extend((0..n).map(|k| Num::from(is(i, k))));
        }
        let shape: Vec<usize> = x.shape().iter().copied().chain([n]).collect();
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let a = OneHotEncoderAttrs::read(c.attrs)?;
        ensure!(a.zeros, "zeros = 0, which refuses data, is not supported on this target");
        let mut e = Expansion::of(x);
        let (v, last) = (e.x(0)?, e.ints(&[-1]));
        let v = e.cast(v, DType::I64)?;
        let v = e.op("Unsqueeze", &[v, last])?;
        let all = e.ints(&a.cats_int64s);
        let same = e.op("Equal", &[v, all])?;
        let y = e.cast(same, DType::F32)?;
        Ok(e.done(&[y]))
    }
    fn samples(&self) -> Vec<Sample> {
        let ints = Attrs::new().with("cats_int64s", vec![3i64, 1, 2]);
        let text = Attrs::new().with("cats_strings", vec!["a".to_string(), "b".to_string()]);
        vec![
            Sample::new(ints.clone(), vec![Tensor::i64(&[2, 2], &[1, 2, 9, 3])]),
            Sample::new(ints.with("zeros", 1i64), vec![Tensor::f32(&[3], &[1.0, 2.5, -3.0])]),
            Sample::new(text.with("zeros", 0i64), vec![Tensor::of_strings(&[2], ["b", "a"])]),
        ]
    }
}
