//! `RegexFullMatch`: whether all of a string matches a pattern in the syntax of RE2.
//! <https://onnx.ai/onnx/operators/onnx__RegexFullMatch.html>

use super::common::text::check;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, bail};
use regex::Regex;

attrs!(RegexFullMatchAttrs {
    /// The pattern, <https://github.com/google/re2/wiki/Syntax>.
    pattern: String = String::new(),
});

pub struct RegexFullMatch;

/// The pattern in the syntax of the library: classes like `\d` are those of ASCII, and a class has no operators.
fn translated(pattern: &str) -> String {
    let (mut out, mut in_class) = (String::new(), false);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, in_class) {
            ('\\', _) => out.push_str(&escape(chars.next(), in_class)),
            ('[', false) => {
                in_class = true;
                out.push('[');
                if let Some(c) = chars.next_if_eq(&'^') {
                    out.push(c);
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ('[', true) if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ('[' | '&' | '~', true) => out.extend(['\\', c]),
            (c, _) => {
                in_class &= c != ']';
                out.push(c);
            }
        }
    }
    out
}

/// What follows a backslash.
fn escape(c: Option<char>, in_class: bool) -> String {
    let Some(c) = c else { return "\\".into() };
    match c {
        'd' => "[0-9]".into(),
        'D' => "[^0-9]".into(),
        'w' => "[0-9A-Za-z_]".into(),
        'W' => "[^0-9A-Za-z_]".into(),
        's' => "[\\t\\n\\f\\r ]".into(),
        'S' => "[^\\t\\n\\f\\r ]".into(),
        'b' | 'B' if !in_class => format!("(?-u:\\{c})"),
        c => format!("\\{c}"),
    }
}

fn regex(c: &Ctx) -> Result<Regex> {
    let pattern = RegexFullMatchAttrs::read(c.attrs)?.pattern;
    match Regex::new(&format!("\\A(?:{})\\z", translated(&pattern))) {
        Ok(r) => Ok(r),
        Err(e) => {
            let why = e.to_string();
            bail!("pattern {pattern:?} is refused: {}", why.lines().last().unwrap_or("").trim_start_matches("error: "))
        }
    }
}

impl Op for RegexFullMatch {
    fn name(&self) -> &'static str {
        "RegexFullMatch"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RegexFullMatchAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        regex(c)?;
        Ok(vec![Fact::new(DType::Bool, check(x, 0, "X")?.shape.iter().cloned())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, r) = (need(x, 0, "X")?, regex(c)?);
        Ok(vec![Tensor::new(DType::Bool, x.shape(), x.strings().map(|s| Num::from(r.is_match(s))))])
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |p: &str, x: &[&str]| {
            Sample::new(Attrs::new().with("pattern", p), vec![Tensor::of_strings(&[x.len()], x.iter().copied())])
        };
        vec![
            s(r"www\.[\w.-]+\.\bcom\b", &["www.google.com", "www.facebook.com", "www.bbc.co.uk", ""]),
            s(r"(\W|^)[\w.\-]{0,25}@(yahoo|gmail)\.com(\W|$)", &["account@gmail.com", "account@hotmail.com"]),
            s("a|ab", &["a", "ab", "abc", "xa"]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, x: &str) -> bool {
        let attrs = Attrs::new().with("pattern", pattern);
        regex(&Ctx { name: "", attrs: &attrs, outputs: 1 }).unwrap().is_match(x)
    }

    #[test]
    fn the_syntax_is_that_of_re2() {
        assert!(matches(r"\d+", "42") && !matches(r"\d+", "\u{664}\u{662}"));
        assert!(matches(r"[\d[&]+", "4[&2") && matches("[]a]", "]") && matches("[^]a]", "b"));
        assert!(matches("[[:alpha:]~]+", "ab~") && matches(".", "\u{1f600}"));
        assert!(!matches("a", "ba") && matches("(?i)A", "a") && !matches("a.", "a\n"));
    }

    #[test]
    fn a_bad_pattern_is_refused_by_name() {
        let attrs = Attrs::new().with("pattern", "a(");
        let e = regex(&Ctx { name: "", attrs: &attrs, outputs: 1 }).unwrap_err();
        assert_eq!(e.to_string(), "pattern \"a(\" is refused: unclosed group");
    }
}
