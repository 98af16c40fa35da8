//! Text to graph.

mod expr;

use super::lex::{Token, lex};
use crate::fact::Quant;
use crate::suggest::did_you_mean;
use crate::{Attrs, Error, Fact, Graph, Known, OpRef, Result, Tensor, Value, ops};
use std::collections::HashMap;
use std::sync::Arc;

/// Reads a graph; every operator is inferred, and a fact that is written must be the one inferred.
pub fn parse(s: &str) -> Result<Graph> {
    let mut p = Parser { tokens: lex(s)?, at: 0, depth: 0 };
    let g = p.graph()?;
    match p.peek() {
        None => Ok(g),
        Some(t) => p.fail(format!("{t:?} after the end of the graph")),
    }
}

/// Attributes alone, `{name=value, ..}`.
pub fn attrs_of(s: &str) -> Result<Attrs> {
    let mut p = Parser { tokens: lex(s)?, at: 0, depth: 0 };
    p.expect('{')?;
    let attrs = p.attrs()?;
    match p.peek() {
        None => Ok(attrs),
        Some(t) => p.fail(format!("{t:?} after the attributes")),
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

/// Blocks, expressions and subgraphs nested deeper are refused: the parser recurses.
const DEEPEST: usize = 100;

impl Parser {
    fn fail<T>(&self, what: impl Into<String>) -> Result<T> {
        let at = self.at.saturating_sub(1).min(self.tokens.len().saturating_sub(1));
        let line = self.tokens.get(at).map_or(1, |t| t.1);
        Err(Error::Text { line, what: what.into() })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.0)
    }

    fn next(&mut self) -> Result<Token> {
        match self.tokens.get(self.at) {
            Some(t) => {
                self.at += 1;
                Ok(t.0.clone())
            }
            None => self.fail("unexpected end"),
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(c));
        self.at += found as usize;
        found
    }

    fn expect(&mut self, c: char) -> Result<()> {
        match self.eat(c) {
            true => Ok(()),
            false => self.fail(format!("expected {c:?}, found {:?}", self.peek())),
        }
    }

    fn is_word(&self, w: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(n)) if n == w)
    }

    fn eat_word(&mut self, w: &str) -> bool {
        let found = self.is_word(w);
        self.at += found as usize;
        found
    }

    fn expect_word(&mut self, w: &str) -> Result<()> {
        match self.eat_word(w) {
            true => Ok(()),
            false => self.fail(format!("expected {w:?}, found {:?}", self.peek())),
        }
    }

    fn name(&mut self) -> Result<String> {
        match self.next()? {
            Token::Name(n) | Token::Str(n) => Ok(n),
            t => self.fail(format!("expected a name, found {t:?}")),
        }
    }

    /// `item, item, ..` up to the closing mark.
    fn list<T>(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut out = vec![];
        while !self.eat(close) {
            if !out.is_empty() {
                self.expect(',')?;
            }
            out.push(item(self)?);
        }
        Ok(out)
    }

    /// Runs `f` one level deeper, up to a limit.
    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return self.fail(format!("nested deeper than {DEEPEST} levels"));
        }
        self.depth += 1;
        let out = f(self);
        self.depth -= 1;
        out
    }

    fn graph(&mut self) -> Result<Graph> {
        self.deeper(|p| {
            p.expect_word("graph")?;
            let mut g = Graph::new(&p.name()?);
            let mut names = HashMap::new();
            p.expect('{')?;
            while !p.eat('}') {
                p.statement(&mut g, &mut names)?;
            }
            Ok(g)
        })
    }

    fn statement(&mut self, g: &mut Graph, names: &mut HashMap<String, Value>) -> Result<()> {
        if self.eat_word("output") {
            let name = self.name()?;
            self.expect('=')?;
            let v = self.value(g, names)?;
            g.add_output(&name, v);
            return Ok(());
        }
        let is_input = self.eat_word("input");
        let name = self.name()?;
        if names.contains_key(&name) {
            return self.fail(format!("two nodes are named {name:?}"));
        }
        self.expect(if is_input { ':' } else { '=' })?;
        let v = match () {
            _ if is_input => g.add_input(&name, self.input_fact()?),
            _ if self.is_word("const") => self.constant(g, &name)?,
            _ => self.operator(g, &name, names)?,
        };
        names.insert(name, v);
        Ok(())
    }

    fn input_fact(&mut self) -> Result<Fact> {
        let mut f = self.fact()?;
        if !self.eat_word("known") {
            return Ok(f);
        }
        if self.eat('[') {
            let d = self.list(']', |p| p.dim())?;
            f.known = Some(Known::Dims(d));
            return Ok(f);
        }
        let t = self.tensor()?;
        if !t.type_fact().same_type(&f) {
            return self.fail(format!("the known value is {}, expected {f}", t.type_fact()));
        }
        f.known = Some(Known::Tensor(Arc::new(t)));
        Ok(f)
    }

    fn constant(&mut self, g: &mut Graph, name: &str) -> Result<Value> {
        let t = self.tensor()?;
        let v = g.add_const(name, t);
        g.node_mut(v.node).outputs[0].quant = self.quant()?;
        Ok(v)
    }

    fn operator(&mut self, g: &mut Graph, name: &str, names: &HashMap<String, Value>) -> Result<Value> {
        let op = self.op()?;
        self.expect('(')?;
        let x = self.list(')', |p| match p.eat_word("_") {
            true => Ok(None),
            false => p.value(g, names).map(Some),
        })?;
        let attrs = match self.eat('{') {
            true => self.attrs()?,
            false => Attrs::new(),
        };
        let facts = self.facts()?;
        let n = facts.len().max(1);
        let node = match g.add_op(name, op, attrs, &x, n) {
            Ok(node) => node,
            Err(e) => return self.fail(e.to_string()),
        };
        for (k, f) in facts.into_iter().enumerate() {
            let have = &mut g.node_mut(node).outputs[k];
            if !f.same_type(have) {
                return self.fail(format!("result {k} of {name:?} is written {f}, but infer gives {have}"));
            }
            have.quant = f.quant;
        }
        Ok(Value { node, port: 0 })
    }

    fn op(&mut self) -> Result<OpRef> {
        let name = self.name()?;
        match ops::by_name(&name) {
            Some(op) => Ok(op),
            None => {
                self.fail(format!("no operator {name:?}{}", did_you_mean(&name, ops::OPS.iter().map(|op| op.name()))))
            }
        }
    }

    fn facts(&mut self) -> Result<Vec<Fact>> {
        let mut out = vec![];
        while self.eat(if out.is_empty() { ':' } else { ',' }) {
            out.push(self.fact()?);
        }
        Ok(out)
    }

    fn value(&mut self, g: &Graph, names: &HashMap<String, Value>) -> Result<Value> {
        let name = self.name()?;
        let Some(v) = names.get(&name).copied() else {
            return self.fail(format!("no value {name:?} above"));
        };
        let port = match self.eat(':') {
            true => self.index()?,
            false => 0,
        };
        match port < g.node(v.node).outputs.len() {
            true => Ok(Value { port: port as u32, ..v }),
            false => self.fail(format!("node {name:?} has no result {port}")),
        }
    }

    fn quant(&mut self) -> Result<Option<Quant>> {
        if !self.eat_word("quant") {
            return Ok(None);
        }
        self.expect('(')?;
        let axis = match self.eat_word("_") {
            true => None,
            false => Some(self.index()?),
        };
        let tensor = |p: &mut Self| -> Result<Arc<Tensor>> {
            p.expect(',')?;
            Ok(Arc::new(p.tensor()?))
        };
        let (scale, zero) = (tensor(self)?, tensor(self)?);
        self.expect(')')?;
        Ok(Some(Quant { scale, zero, axis }))
    }
}
