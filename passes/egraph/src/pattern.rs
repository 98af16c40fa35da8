//! Text of rules to patterns.
//!
//! `?x` is a variable, `_` an omitted operand, `@{axis=1}` attributes as in the text form of graphs, `[0,1]` an i64
//! vector, `2.0` a number (argument of a function), `(Op a b)` a term, `(Op:2 a)` a term with two results, `(.1 t)` a
//! result of one, `(@f a)` a function.

use crate::functions;
use crate::term::{Term, op_index, takes_attrs};
use dlc_ir::{DType, Num, Tensor, ops, text};
use egg::{ENodeOrVar, Id, PatternAst};

/// Reads a pattern; an error says what was expected.
pub fn parse(s: &str) -> Result<PatternAst<Term>, String> {
    let mut p = Parser { rest: s, out: PatternAst::default() };
    p.expr()?;
    match p.rest.trim_start() {
        "" => Ok(p.out),
        rest => Err(format!("unexpected {rest:?}")),
    }
}

/// Reads a list of conditions: `(name arg ..) ..`, each as its words.
pub fn conditions(s: &str) -> Result<Vec<Vec<&str>>, String> {
    let mut out = vec![];
    let mut rest = s.trim();
    while !rest.is_empty() {
        let body = rest.strip_prefix('(').ok_or_else(|| format!("expected '(' at {rest:?}"))?;
        let (one, after) = body.split_once(')').ok_or_else(|| format!("no ')' in {rest:?}"))?;
        out.push(one.split_whitespace().collect());
        rest = after.trim_start();
    }
    Ok(out)
}

struct Parser<'a> {
    rest: &'a str,
    out: PatternAst<Term>,
}

impl<'a> Parser<'a> {
    fn add(&mut self, t: Term) -> Id {
        self.out.add(ENodeOrVar::ENode(t))
    }

    /// The text up to and with `end`.
    fn until(&mut self, end: char) -> Result<&'a str, String> {
        let at = self.rest.find(end).ok_or_else(|| format!("no {end:?} in {:?}", self.rest))?;
        let (taken, rest) = self.rest.split_at(at + end.len_utf8());
        self.rest = rest;
        Ok(taken)
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn expr(&mut self) -> Result<Id, String> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with("@{") {
            let text = &self.until('}')?[1..];
            let attrs = text::attrs_of(text).map_err(|e| format!("{text}: {e}"))?;
            return Ok(self.add(Term::Attrs(attrs)));
        }
        if self.rest.starts_with('[') {
            let text = self.until(']')?;
            return Ok(self.add(Term::Const(vector(text)?)));
        }
        if self.rest.starts_with('(') {
            self.rest = &self.rest[1..];
            return self.term();
        }
        self.atom()
    }

    fn atom(&mut self) -> Result<Id, String> {
        let word = self.word();
        if word == "_" {
            return Ok(self.add(Term::Nil));
        }
        if word.starts_with('?') {
            let var = word.parse().map_err(|e| format!("{word}: {e}"))?;
            return Ok(self.out.add(ENodeOrVar::Var(var)));
        }
        let v: f64 = word.parse().map_err(|_| format!("{word:?} is no variable, number or term"))?;
        Ok(self.add(Term::Const(Tensor::scalar(DType::F64, Num::F(v)))))
    }

    /// A term after its opening parenthesis.
    fn term(&mut self) -> Result<Id, String> {
        let head = self.word();
        let mut children = vec![];
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix(')') {
                self.rest = rest;
                break;
            }
            if self.rest.is_empty() {
                return Err(format!("no ')' after {head}"));
            }
            children.push(self.expr()?);
        }
        let t = head_term(head, children)?;
        Ok(self.add(t))
    }
}

fn head_term(head: &str, children: Vec<Id>) -> Result<Term, String> {
    if let Some(k) = head.strip_prefix('.') {
        let k = k.parse().map_err(|_| format!("{head} is no projection"))?;
        return match children[..] {
            [c] => Ok(Term::Proj(k, c)),
            _ => Err(format!("{head} takes one term")),
        };
    }
    if let Some(name) = head.strip_prefix('@') {
        let f = functions::FUNCTIONS.iter().position(|f| f.name == name);
        return f.map(|f| Term::Fun(f, children.into())).ok_or_else(|| format!("no function {name}"));
    }
    let (name, results) = head.split_once(':').unwrap_or((head, "1"));
    let results = results.parse().map_err(|_| format!("{head}: {results} is no number of results"))?;
    let op = ops::by_name(name).ok_or_else(|| format!("no operator {name}"))?;
    let (arity, operands) = (op.operands(), children.len().checked_sub(takes_attrs(op) as usize));
    match operands {
        Some(n) if n >= arity.min && n <= arity.max => {}
        _ => return Err(format!("{name} does not take {} children", children.len())),
    }
    let index = op_index(op).ok_or_else(|| format!("{name} is not listed"))?;
    Ok(Term::Op(index, results, children.into()))
}

fn vector(text: &str) -> Result<Tensor, String> {
    let body = text[1..text.len() - 1].trim();
    let number = |s: &str| s.trim().parse::<i64>().map_err(|e| format!("{text}: {e}"));
    let v: Vec<i64> = match body {
        "" => vec![],
        body => body.split(',').map(number).collect::<Result<_, _>>()?,
    };
    Ok(Tensor::i64(&[v.len()], &v))
}
