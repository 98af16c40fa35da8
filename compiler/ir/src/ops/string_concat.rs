//! `StringConcat`: the strings of two tensors, one after the other, with broadcasting.
//! <https://onnx.ai/onnx/operators/onnx__StringConcat.html>

use super::common::text::check;
use crate::infer::{broadcast_facts, broadcast_index};
use crate::op::{Strings, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor};

pub struct StringConcat;

impl Op for StringConcat {
    fn name(&self) -> &'static str {
        "StringConcat"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, b) = (check(x, 0, "X")?, check(x, 1, "Y")?);
        Ok(vec![Fact::new(DType::Str, broadcast_facts(&[a, b])?)])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, b) = (need(x, 0, "X")?, need(x, 1, "Y")?);
        let shape = broadcast_facts(&[&a.type_fact(), &b.type_fact()])?;
        let shape = super::common::movement::sizes(&shape);
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let [a, b] = [a, b].map(|t| t.string(broadcast_index(t.shape(), idx)));
            out.push(format!("{a}{b}"));
        });
        Ok(vec![Tensor::of_strings(&shape, out)])
    }
    fn samples(&self) -> Vec<Sample> {
        let words = Tensor::of_strings(&[2, 2], ["abc", "", "\u{e9}t\u{e9}", "x"]);
        let tails = Tensor::of_strings(&[2], [".com", ""]);
        vec![
            Sample::new(Attrs::new(), vec![words.clone(), tails]),
            Sample::new(Attrs::new(), vec![words.clone(), words]),
            Sample::new(Attrs::new(), vec![Tensor::of_strings(&[], ["a"]), Tensor::of_strings(&[], ["b"])]),
        ]
    }
}
