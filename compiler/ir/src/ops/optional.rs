//! `Optional`: an optional of the operand, or one that is not there.
//! <https://onnx.ai/onnx/operators/onnx__Optional.html>

use super::common::elementwise::sample_floats;
use super::common::sequence::samples;
use crate::attrs::{Field, read};
use crate::form::{Form, Rank};
use crate::op::{Strings, maybe};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, bail, ensure};
use std::sync::Arc;

/// What it may hold, where it holds nothing.
fn declared(c: &Ctx) -> Result<Arc<Fact>> {
    match read::<Option<Arc<Fact>>>(c.attrs, "type", Some(None))? {
        Some(f) => Ok(f),
        None => bail!("neither an operand nor attribute type is given, expected one of them"),
    }
}

pub struct Optional;

impl Op for Optional {
    fn name(&self) -> &'static str {
        "Optional"
    }
    fn schema(&self) -> &'static [Field] {
        &[Field { name: "type", kind: "type", doc: "What it may hold, where it holds nothing.", required: false }]
    }
    fn operands(&self) -> Arity {
        Arity::range(0, 1)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        if let Some(f) = maybe(x, 0) {
            ensure!(!f.form.is_optional(), "operand 0 is {f}, expected a tensor or a sequence");
            return Ok(vec![f.optional()]);
        }
        let of = declared(c)?;
        let form =
            if of.form.is_sequence() { Form::OptionalSequence(Rank::Never) } else { Form::Optional(Rank::Never) };
        Ok(vec![Fact { form, ..Fact::new(of.dtype, []) }])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        match maybe(x, 0) {
            Some(t) => Ok(vec![t.clone()]),
            None => declared(c).map(|f| vec![Tensor::absent(f.dtype, f.form.is_sequence())]),
        }
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let f = Fact::new(DType::I64, [2.into()]);
        let typed = [f.clone(), Fact::sequence(DType::F32, Some(&f))]
            .map(|f| Sample::new(Attrs::new().with("type", f), vec![]));
        let x = [sample_floats(&[2, 3], 1), samples().remove(0)].map(|x| Sample::new(Attrs::new(), vec![x]));
        x.into_iter().chain(typed).collect()
    }
}
