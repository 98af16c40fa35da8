//! `StringSplit`: every string cut into parts along a new last axis, and how many there are of each.
//! <https://onnx.ai/onnx/operators/onnx__StringSplit.html>

use super::common::text::check;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(StringSplitAttrs {
    /// What is between two parts; empty or absent is any run of white space, of which there is none at the ends.
    delimiter: String = String::new(),
    /// Most cuts of one string; absent is no limit.
    maxsplit: Option<i64>,
});

pub struct StringSplit;

/// The parts of a string; what is left after the last cut is one of them.
fn parts<'a>(s: &'a str, a: &StringSplitAttrs) -> Vec<&'a str> {
    let cuts = a.maxsplit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    if !a.delimiter.is_empty() {
        return s.splitn(cuts.saturating_add(1), &a.delimiter).collect();
    }
    let (mut out, mut rest) = (vec![], s.trim_start());
    while !rest.is_empty() {
        let end = if out.len() < cuts { rest.find(char::is_whitespace) } else { None };
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        out.push(part);
        rest = after.trim_start();
    }
    out
}

impl Op for StringSplit {
    fn name(&self) -> &'static str {
        "StringSplit"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        StringSplitAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, a) = (check(x, 0, "X")?, StringSplitAttrs::read(c.attrs)?);
        ensure!(a.maxsplit.is_none_or(|n| n >= 0), "maxsplit is {:?}, expected 0 or more", a.maxsplit);
        let shape = x.shape.iter().cloned().chain([c.fresh(0)]);
        let mut y = vec![Fact::new(DType::Str, shape), Fact::new(DType::I64, x.shape.iter().cloned())];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, a) = (need(x, 0, "X")?, StringSplitAttrs::read(c.attrs)?);
        let all: Vec<Vec<&str>> = x.strings().map(|s| parts(s, &a)).collect();
        let most = all.iter().map(Vec::len).max().unwrap_or(0);
        let counts: Vec<i64> = all.iter().map(|p| p.len() as i64).collect();
        let shape: Vec<usize> = x.shape().iter().copied().chain([most]).collect();
        let padded = all.into_iter().flat_map(|p| p.into_iter().chain(std::iter::repeat("")).take(most));
        let mut y = vec![Tensor::of_strings(&shape, padded), Tensor::i64(x.shape(), &counts)];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::of_strings(&[2, 2], ["a.com", " b  c. d", "", "a..b.c"]);
        let s = |a: Attrs, outputs| Sample { outputs, ..Sample::new(a, vec![x.clone()]) };
        vec![
            s(Attrs::new(), 2),
            s(Attrs::new().with("delimiter", "."), 2),
            s(Attrs::new().with("delimiter", ".").with("maxsplit", 1i64), 2),
            s(Attrs::new().with("delimiter", "").with("maxsplit", 1i64), 1),
            s(Attrs::new().with("maxsplit", 0i64), 2),
        ]
    }
}
