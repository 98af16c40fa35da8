//! Sizes, facts, constants and attributes.

use super::Parser;
use crate::form::{Form, Rank};
use crate::text::lex::Token;
use crate::{Attr, Attrs, DType, Dim, Fact, Num, Result, Tensor};

impl Parser {
    /// A small non-negative integer.
    pub(super) fn index(&mut self) -> Result<usize> {
        match self.next()? {
            Token::Number(n) => match n.parse::<u32>() {
                Ok(v) => Ok(v as usize),
                Err(_) => self.fail(format!("{n:?} is no index")),
            },
            t => self.fail(format!("expected an index, found {t:?}")),
        }
    }

    /// A sum of products of names, numbers and `div`, `mod`, `min`, `max`.
    pub(super) fn dim(&mut self) -> Result<Dim> {
        self.deeper(|p| {
            let negative = p.eat('-');
            let mut sum = p.product(negative)?;
            loop {
                let negative = match () {
                    _ if p.eat('+') => false,
                    _ if p.eat('-') => true,
                    _ => return Ok(sum),
                };
                sum = sum + p.product(negative)?;
            }
        })
    }

    fn product(&mut self, negative: bool) -> Result<Dim> {
        let mut out = match self.peek() {
            Some(Token::Number(_)) => self.integer(negative)?.into(),
            _ if negative => -self.factor()?,
            _ => self.factor()?,
        };
        while self.eat('*') {
            out = out * self.factor()?;
        }
        Ok(out)
    }

    fn factor(&mut self) -> Result<Dim> {
        if let Some(Token::Number(_)) = self.peek() {
            return Ok(self.integer(false)?.into());
        }
        let f = match self.next()? {
            Token::Str(s) => return Ok(Dim::sym(&s)),
            Token::Name(n) => match n.as_str() {
                "div" => Dim::div,
                "mod" => Dim::rem,
                "min" => Dim::min_of,
                "max" => Dim::max_of,
                _ => return Ok(Dim::sym(&n)),
            },
            t => return self.fail(format!("expected a size, found {t:?}")),
        };
        self.expect('(')?;
        let a = self.dim()?;
        self.expect(',')?;
        let b = self.dim()?;
        self.expect(')')?;
        Ok(f(&a, &b))
    }

    fn integer(&mut self, negative: bool) -> Result<i64> {
        let Token::Number(n) = self.next()? else { return self.fail("expected an integer") };
        let v = n.parse::<i128>().ok().map(|v| if negative { -v } else { v });
        match v.and_then(|v| i64::try_from(v).ok()) {
            Some(v) => Ok(v),
            None => self.fail(format!("{n:?} is no 64-bit integer")),
        }
    }

    /// A type with its shape; `opt` and `seq` before it, and `[?]` or `[-]` for the shape, where it is no tensor.
    pub(super) fn fact(&mut self) -> Result<Fact> {
        let (optional, sequence) = (self.eat_word("opt"), self.eat_word("seq"));
        let name = self.name()?;
        let Some(dtype) = DType::from_name(&name) else {
            return self.fail(format!("{name:?} is no element type"));
        };
        self.expect('[')?;
        if optional || sequence {
            return self.form(dtype, optional, sequence);
        }
        let shape = self.list(']', |p| p.dim())?;
        if let Some(d) = shape.iter().find(|d| d.as_const().is_some_and(|v| v < 0)) {
            return self.fail(format!("size {d} is negative"));
        }
        let mut f = Fact::new(dtype, shape);
        f.quant = self.quant()?;
        Ok(f)
    }

    /// The shape of a sequence or optional, after its opening bracket.
    fn form(&mut self, dtype: DType, optional: bool, sequence: bool) -> Result<Fact> {
        let (mut rank, mut shape) = (Rank::Known, vec![]);
        if self.eat('?') || self.eat('-') {
            rank = if self.tokens[self.at - 1].0 == Token::Mark('?') { Rank::Open } else { Rank::Never };
            self.expect(']')?;
        } else {
            shape = self.list(']', |p| p.dim())?;
        }
        let form = match (optional, sequence) {
            (true, true) => Form::OptionalSequence(rank),
            (true, false) => Form::Optional(rank),
            _ => Form::Sequence(rank),
        };
        Ok(Fact { form, ..Fact::new(dtype, shape) })
    }

    pub(super) fn tensor(&mut self) -> Result<Tensor> {
        self.expect_word("const")?;
        let f = self.fact()?;
        let Some(shape) = f.const_shape().filter(|_| f.form.is_dense()) else {
            return self.fail(format!("a constant has shape {f}, expected constant sizes"));
        };
        match self.eat('{') {
            true if f.dtype == DType::Str => self.strings(&shape),
            true => self.elements(f.dtype, &shape),
            false => self.hex(f.dtype, &shape),
        }
    }

    fn strings(&mut self, shape: &[usize]) -> Result<Tensor> {
        let v = self.list('}', |p| match p.next()? {
            Token::Str(s) => Ok(s),
            t => p.fail(format!("expected a string, found {t:?}")),
        })?;
        if shape.iter().try_fold(1usize, |p, d| p.checked_mul(*d)) != Some(v.len()) {
            return self.fail(format!("{} strings for shape {shape:?}", v.len()));
        }
        Ok(Tensor::of_strings(shape, v))
    }

    fn elements(&mut self, dtype: DType, shape: &[usize]) -> Result<Tensor> {
        let v = self.list('}', |p| p.number(dtype))?;
        let want = shape.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
        if want != Some(v.len()) {
            return self.fail(format!("{} elements for shape {shape:?}", v.len()));
        }
        Ok(Tensor::new(dtype, shape, v))
    }

    fn number(&mut self, dtype: DType) -> Result<Num> {
        let negative = self.eat('-');
        let s = match self.next()? {
            Token::Number(n) | Token::Name(n) => n,
            t => return self.fail(format!("expected a number, found {t:?}")),
        };
        let v = match dtype {
            // Through f64 it would be rounded twice.
            DType::F32 => s.parse::<f32>().ok().map(|v| Num::F(f64::from(if negative { -v } else { v }))),
            d if d.is_float() => s.parse::<f64>().ok().map(|v| Num::F(if negative { -v } else { v })),
            _ => s.parse::<i128>().ok().map(|v| Num::I(if negative { -v } else { v })),
        };
        let fits = |v: &Num| match (v, dtype.int_range()) {
            (Num::I(v), Some((lo, hi))) => (lo..=hi).contains(v),
            (Num::F(v), _) if dtype.is_narrow() => Tensor::scalar(dtype, Num::F(*v)).at(0) == Num::F(*v),
            _ => true,
        };
        match v.filter(fits) {
            Some(v) => Ok(v),
            None => self.fail(format!("{s:?} is no {dtype}")),
        }
    }

    fn hex(&mut self, dtype: DType, shape: &[usize]) -> Result<Tensor> {
        self.expect_word("hex")?;
        if dtype == DType::Str {
            return self.fail("strings are written in quotes");
        }
        let Token::Str(s) = self.next()? else { return self.fail("expected hexadecimal bytes in quotes") };
        let digit = |c: &u8| (*c as char).to_digit(16).map(|d| d as u8);
        let pair = |c: &[u8]| Some((digit(c.first()?)? << 4) | digit(c.get(1)?)?);
        let Some(bytes) = s.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>() else {
            return self.fail("expected pairs of hexadecimal digits");
        };
        Tensor::from_bytes(dtype, shape, bytes.into()).or_else(|e| self.fail(e.to_string()))
    }

    /// `name=value, ..}`.
    pub(super) fn attrs(&mut self) -> Result<Attrs> {
        let mut out = Attrs::new();
        for (name, v) in self.list('}', |p| p.named_attr())? {
            if out.get(&name).is_some() {
                return self.fail(format!("attribute {name:?} is given twice"));
            }
            out.set(&name, v);
        }
        Ok(out)
    }

    fn named_attr(&mut self) -> Result<(String, Attr)> {
        let name = self.name()?;
        self.expect('=')?;
        Ok((name, self.attr()?))
    }

    fn attr(&mut self) -> Result<Attr> {
        if self.is_word("graph") {
            return Ok(self.graph()?.into());
        }
        if self.is_word("const") {
            return Ok(self.tensor()?.into());
        }
        if matches!(self.peek(), Some(Token::Name(n)) if n == "opt" || n == "seq" || DType::from_name(n).is_some()) {
            return Ok(self.fact()?.into());
        }
        match self.eat('[') {
            true => self.attr_list(),
            false => self.scalar(),
        }
    }

    fn attr_list(&mut self) -> Result<Attr> {
        let items = self.list(']', |p| p.scalar())?;
        let int = |a: &Attr| if let Attr::Int(v) = a { Some(*v) } else { None };
        let float = |a: &Attr| if let Attr::Float(v) = a { Some(*v) } else { None };
        let string = |a: &Attr| if let Attr::Str(v) = a { Some(v.clone()) } else { None };
        let list = match items.first() {
            None if self.eat_word("f") => Some(Attr::Floats(vec![])),
            None if self.eat_word("s") => Some(Attr::Strs(vec![])),
            Some(Attr::Float(_)) => items.iter().map(float).collect::<Option<_>>().map(Attr::Floats),
            Some(Attr::Str(_)) => items.iter().map(string).collect::<Option<_>>().map(Attr::Strs),
            _ => items.iter().map(int).collect::<Option<_>>().map(Attr::Ints),
        };
        match list {
            Some(a) => Ok(a),
            None => self.fail("elements of a list are of different kinds"),
        }
    }

    fn scalar(&mut self) -> Result<Attr> {
        if let Some(Token::Str(s)) = self.peek().cloned() {
            self.next()?;
            return Ok(Attr::Str(s));
        }
        if self.eat_word("bits") {
            return self.bits();
        }
        let negative = self.eat('-');
        match self.peek().cloned() {
            Some(Token::Number(n) | Token::Name(n)) if n.ends_with('f') => {
                self.next()?;
                match n[..n.len() - 1].parse::<f32>() {
                    Ok(v) => Ok(Attr::Float(if negative { -v } else { v })),
                    Err(_) => self.fail(format!("{n:?} is no float")),
                }
            }
            _ => Ok(Attr::Int(self.integer(negative)?)),
        }
    }

    fn bits(&mut self) -> Result<Attr> {
        self.expect('(')?;
        let (Token::Number(n) | Token::Name(n)) = self.next()? else { return self.fail("expected bits of a float") };
        self.expect(')')?;
        match u32::from_str_radix(&n, 16) {
            Ok(v) => Ok(Attr::Float(f32::from_bits(v))),
            Err(_) => self.fail(format!("{n:?} are no bits of a float")),
        }
    }
}
