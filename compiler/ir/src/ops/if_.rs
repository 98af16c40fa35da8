//! `If`: the results of one of two graphs. <https://onnx.ai/onnx/operators/onnx__If.html>
//!
//! The graphs are closed: what they use of the graph around them are operands after the condition, inputs of both.

use super::common::control::{Outer, infer, join};
use super::common::elementwise::sample_floats;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, ensure};
use std::sync::Arc;

attrs!(IfAttrs {
    /// What is computed when the condition is false.
    else_branch: Arc<Graph>,
    /// What is computed when the condition is true.
    then_branch: Arc<Graph>,
});

pub struct If;

/// The operands that the branches use.
fn captured<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    (1..x.len()).map(|i| need(x, i, "captured")).collect()
}

impl Op for If {
    fn name(&self) -> &'static str {
        "If"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        IfAttrs::SCHEMA
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn results(&self) -> Arity {
        Arity::at_least(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = IfAttrs::read(c.attrs)?;
        let cond = need(x, 0, "cond")?;
        let one = cond.len().as_const().is_none_or(|n| n == 1);
        ensure!(cond.dtype == DType::Bool && cond.form.is_dense() && one, "cond is {cond}, expected one bool");
        let inputs: Vec<Fact> = captured(x)?.into_iter().cloned().collect();
        let facts = match cond.constant().map(|t| t.at(0).truth()) {
            Some(true) => infer(&a.then_branch, &inputs)?,
            Some(false) => infer(&a.else_branch, &inputs)?,
            None => {
                let (then, els) = (infer(&a.then_branch, &inputs)?, infer(&a.else_branch, &inputs)?);
                ensure!(then.len() == els.len(), "the branches give {} and {} results", then.len(), els.len());
                then.iter().zip(&els).map(|(a, b)| join(c, a, b)).collect::<Result<_>>()?
            }
        };
        ensure!(facts.len() >= c.outputs, "the branches give {} results, expected {}", facts.len(), c.outputs);
        Ok(Outer::of(x).results(c, facts.into_iter().take(c.outputs).collect()))
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = IfAttrs::read(c.attrs)?;
        let cond = need(x, 0, "cond")?;
        ensure!(cond.len() == 1, "cond has {} elements, expected 1", cond.len());
        let branch = if cond.at(0).truth() { a.then_branch } else { a.else_branch };
        let inputs: Vec<Tensor> = captured(x)?.into_iter().cloned().collect();
        let mut y = crate::interp::run(&branch, &inputs)?;
        y.truncate(c.outputs);
        Ok(y)
    }
    fn lowering(&self, _: &Ctx, _: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Control)
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |cond: bool, other: &[&str]| {
            let branch = |names: &[&str]| -> Result<Graph> {
                let mut g = Graph::new("branch");
                let x = g.add_input("x", Fact::new(DType::F32, [2.into(), 3.into()]));
                let v = names.iter().try_fold(x, |v, n| g.apply(&n.to_lowercase(), n, Attrs::new(), &[v]))?;
                g.add_output("y", v);
                Ok(g)
            };
            let (then, els) = (branch(&["Relu", "Neg"]), branch(other));
            let attrs = Attrs::new();
            let attrs = match (then, els) {
                (Ok(t), Ok(e)) => attrs.with("then_branch", t).with("else_branch", e),
                _ => attrs,
            };
            Sample::new(attrs, vec![Tensor::scalar(DType::Bool, Num::from(cond)), sample_floats(&[2, 3], 1)])
        };
        vec![s(true, &["Abs"]), s(false, &["Abs"]), s(true, &["Transpose"]), s(false, &["Transpose"])]
    }
}
