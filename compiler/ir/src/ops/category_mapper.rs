//! `CategoryMapper`: strings to the integers of their categories, or back.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_CategoryMapper.html>

use super::common::lookup::Lookup;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(CategoryMapperAttrs {
    /// The integers.
    cats_int64s: Vec<i64> = vec![],
    /// The strings, one for each integer.
    cats_strings: Vec<String> = vec![],
    /// What a string becomes that is no category.
    default_int64: i64 = -1,
    /// What an integer becomes that is no category.
    default_string: String = "_Unused".into(),
});

pub struct CategoryMapper;

/// The table for an operand of this type.
fn lookup(c: &Ctx, x: DType) -> Result<Lookup> {
    let a = CategoryMapperAttrs::read(c.attrs)?;
    let ints = Tensor::i64(&[a.cats_int64s.len()], &a.cats_int64s);
    let strings = Tensor::of_strings(&[a.cats_strings.len()], a.cats_strings);
    ensure!(matches!(x, DType::Str | DType::I64), "operand X is of {x}, expected str or i64");
    Ok(match x {
        DType::Str => {
            Lookup { keys: strings, values: ints, default: Tensor::scalar(DType::I64, Num::I(a.default_int64 as i128)) }
        }
        _ => Lookup { keys: ints, values: strings, default: Tensor::of_strings(&[], [a.default_string]) },
    })
}

impl Op for CategoryMapper {
    fn name(&self) -> &'static str {
        "CategoryMapper"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CategoryMapperAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        Ok(vec![lookup(c, x.dtype)?.infer(x)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        Ok(vec![lookup(c, x.dtype())?.eval(x)])
    }
    fn samples(&self) -> Vec<Sample> {
        let names = vec!["a".to_string(), "b".to_string()];
        let a = Attrs::new().with("cats_int64s", vec![7i64, 3]).with("cats_strings", names);
        let text = Tensor::of_strings(&[2, 2], ["a", "b", "c", "a"]);
        vec![
            Sample::new(a.clone().with("default_int64", 9i64), vec![text]),
            Sample::new(a.with("default_string", "none"), vec![Tensor::i64(&[3], &[3, 7, 1])]),
        ]
    }
}
