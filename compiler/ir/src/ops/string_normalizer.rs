//! `StringNormalizer`: a list of strings without certain words, in upper or lower case.
//! <https://onnx.ai/onnx/operators/onnx__StringNormalizer.html>

use super::common::text::check;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(StringNormalizerAttrs {
    /// `LOWER`, `UPPER` or `NONE`.
    case_change_action: String = "NONE".into(),
    /// Whether stop words are compared with their case.
    is_case_sensitive: bool = false,
    /// Whose rules of case hold, e.g. `en_US`; those of Unicode do for all but Turkish, Azeri and Lithuanian.
    locale: String = String::new(),
    /// Strings that are left out.
    stopwords: Vec<String> = vec![],
});

pub struct StringNormalizer;

fn checked(c: &Ctx) -> Result<StringNormalizerAttrs> {
    let a = StringNormalizerAttrs::read(c.attrs)?;
    let action = &a.case_change_action;
    ensure!(
        ["LOWER", "UPPER", "NONE"].contains(&action.as_str()),
        "case_change_action is {action:?}, expected LOWER, UPPER or NONE"
    );
    let language = a.locale.split(['_', '-', '.']).next().unwrap_or("").to_lowercase();
    if ["tr", "az", "lt"].contains(&language.as_str()) {
        bail!("locale is {:?}, whose rules of case are not supported", a.locale);
    }
    Ok(a)
}

/// The strings that stay, in their new case; one empty string if there is none.
fn normalize<'a>(a: &StringNormalizerAttrs, x: impl Iterator<Item = &'a str>) -> Vec<String> {
    let form = |s: &str| if a.is_case_sensitive { s.to_string() } else { s.to_lowercase() };
    let stops: Vec<String> = a.stopwords.iter().map(|s| form(s)).collect();
    let kept = x.filter(|s| !stops.contains(&form(s)));
    let mut out: Vec<String> = match a.case_change_action.as_str() {
        "LOWER" => kept.map(str::to_lowercase).collect(),
        "UPPER" => kept.map(str::to_uppercase).collect(),
        _ => kept.map(String::from).collect(),
    };
    if out.is_empty() {
        out.push(String::new());
    }
    out
}

impl Op for StringNormalizer {
    fn name(&self) -> &'static str {
        "StringNormalizer"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        StringNormalizerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = check(x, 0, "X")?;
        checked(c)?;
        let one_row = x.rank() == 1 || (x.rank() == 2 && x.shape[0].as_const().is_none_or(|n| n == 1));
        ensure!(one_row, "operand X is {x}, expected [C] or [1,C]");
        let mut shape: Vec<Dim> = vec![1.into(); x.rank()];
        shape[x.rank() - 1] = c.fresh(0);
        Ok(vec![Fact::new(DType::Str, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let kept = normalize(&checked(c)?, x.strings());
        let mut shape = vec![1; x.rank()];
        shape[x.rank() - 1] = kept.len();
        Ok(vec![Tensor::of_strings(&shape, kept)])
    }
    fn samples(&self) -> Vec<Sample> {
        let x = ["Monday", "\u{c9}t\u{e9}", "", "monday", "Stra\u{df}e"];
        let row = |a: Attrs| Sample::new(a, vec![Tensor::of_strings(&[1, 5], x)]);
        let list = |a: Attrs| Sample::new(a, vec![Tensor::of_strings(&[5], x)]);
        let stop =
            |words: &[&str]| Attrs::new().with("stopwords", words.iter().map(|w| w.to_string()).collect::<Vec<_>>());
        vec![
            list(Attrs::new()),
            list(stop(&["monday"]).with("case_change_action", "UPPER").with("locale", "en_US")),
            row(stop(&["monday"]).with("is_case_sensitive", 1i64).with("case_change_action", "LOWER")),
            row(stop(&["MONDAY", "", "\u{e9}t\u{e9}", "STRA\u{df}E"])),
        ]
    }
}
