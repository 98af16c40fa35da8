//! Scaled dot product attention as a graph of matrix products and softmax.

use super::attention::{Sizes, Spec};
use super::builder::Builder;
use crate::op::maybe;
use crate::{Attrs, DType, Fact, Graph, Result, Value, bail};
use std::ops::{Deref, DerefMut};

/// K or V with a head for every head of Q, all with four axes.
pub fn repeated(b: &mut Builder, v: Value, q: Value) -> Result<Value> {
    let (heads, kv) = (b.g.fact(q).shape[1].clone(), b.g.fact(v).shape[1].clone());
    if heads == kv || kv.is_one() {
        return Ok(v);
    }
    let index = match (heads.as_const(), kv.as_const()) {
        (Some(heads), Some(kv)) => b.ints(&(0..heads).map(|h| h * kv / heads).collect::<Vec<_>>()),
        _ => {
            let (heads, kv) = (b.length(q, 1)?, b.length(v, 1)?);
            let all = b.range(heads)?;
            let scaled = b.plain("Mul", &[all, kv])?;
            b.plain("Div", &[scaled, heads])?
        }
    };
    b.op("Gather", Attrs::new().with("axis", 1i64), &[v, index])
}

/// `1 / sqrt(size)` of the last of four axes, as `dtype`.
pub fn default_scale(b: &mut Builder, q: Value, dtype: DType) -> Result<Value> {
    if let Some(d) = b.g.fact(q).shape[3].as_const() {
        return Ok(b.number(dtype, 1.0 / (d as f64).sqrt()));
    }
    let d = b.length(q, 3)?;
    let d = b.cast(d, dtype)?;
    let root = b.plain("Sqrt", &[d])?;
    b.plain("Reciprocal", &[root])
}

/// The graph of an attention under construction.
struct Build<'a> {
    b: Builder,
    spec: &'a Spec,
    sizes: Sizes,
    dtype: DType,
}

impl Deref for Build<'_> {
    type Target = Builder;
    fn deref(&self) -> &Builder {
        &self.b
    }
}
impl DerefMut for Build<'_> {
    fn deref_mut(&mut self) -> &mut Builder {
        &mut self.b
    }
}

impl Spec {
    /// The same as a graph of matrix products and softmax, with this many results.
    pub fn expand(&self, x: &[Option<&Fact>], outputs: usize) -> Result<Graph> {
        let (q, k, v) = (crate::op::need(x, 0, "Q")?, crate::op::need(x, 1, "K")?, crate::op::need(x, 2, "V")?);
        let sizes = self.sizes(&q.shape, &k.shape, &v.shape, maybe(x, 4).map(|p| &p.shape[..]))?;
        let mut b = Build { b: Builder::new("attention"), spec: self, sizes, dtype: q.dtype };
        let names = ["q", "k", "v", "mask", "past_key", "past_value", "key_count"];
        let inputs: Vec<Option<Value>> =
            names.iter().enumerate().map(|(i, name)| maybe(x, i).map(|f| b.g.add_input(name, f.type_only()))).collect();
        let results = b.build(&inputs)?;
        for (name, v) in ["y", "present_key", "present_value", "products"].iter().zip(results).take(outputs) {
            b.g.add_output(name, v);
        }
        Ok(b.b.g)
    }
}

impl Build<'_> {
    /// Four axes (batch, heads, sequence, size).
    fn split(&mut self, v: Value, heads: Option<i64>) -> Result<Value> {
        match (self.g.fact(v).rank(), heads) {
            (3, Some(h)) => {
                let v = self.reshape(v, &[0, 0, h, -1])?;
                self.transpose(v, &[0, 2, 1, 3])
            }
            _ => Ok(v),
        }
    }

    fn joined(&mut self, past: Option<Value>, v: Value) -> Result<Value> {
        let v = self.split(v, self.spec.heads[1])?;
        match past {
            Some(p) => self.op("Concat", Attrs::new().with("axis", 2i64), &[p, v]),
            None => Ok(v),
        }
    }

    fn scale(&mut self, q: Value) -> Result<Value> {
        match self.spec.scale {
            Some(s) => Ok(self.b.number(self.dtype, s)),
            None => default_scale(&mut self.b, q, self.dtype),
        }
    }

    fn build(&mut self, x: &[Option<Value>]) -> Result<[Value; 4]> {
        let (Some(q), Some(k), Some(v)) = (x[0], x[1], x[2]) else { bail!("Q, K and V are required") };
        let q = self.split(q, self.spec.heads[0])?;
        let (key, value) = (self.joined(x[4], k)?, self.joined(x[5], v)?);
        let (k_all, v_all) = (repeated(self, key, q)?, repeated(self, value, q)?);
        let raw = self.products(q, k_all)?;
        let capped = self.cap(raw)?;
        let (biased, guarded) = self.biased(capped, q, key, x)?;
        let p = self.probabilities(biased, guarded)?;
        let mut y = self.plain("MatMul", &[p, v_all])?;
        if self.sizes.flat {
            y = self.transpose(y, &[0, 2, 1, 3])?;
            y = self.reshape(y, &[0, 0, -1])?;
        }
        Ok([y, key, value, [raw, capped, biased, p][self.spec.mode.clamp(0, 3) as usize]])
    }

    /// Scaled products of queries and keys; both are scaled by the root where the type has a small range.
    fn products(&mut self, q: Value, k: Value) -> Result<Value> {
        let mut k = self.transpose(k, &[0, 1, 3, 2])?;
        if self.spec.scale == Some(1.0) {
            return self.plain("MatMul", &[q, k]);
        }
        let mut scale = self.scale(q)?;
        if self.dtype.size() == 2 {
            scale = self.plain("Sqrt", &[scale])?;
            k = self.plain("Mul", &[k, scale])?;
        }
        let q = self.plain("Mul", &[q, scale])?;
        self.plain("MatMul", &[q, k])
    }

    fn cap(&mut self, v: Value) -> Result<Value> {
        if self.spec.softcap <= 0.0 {
            return Ok(v);
        }
        let c = self.b.number(self.dtype, self.spec.softcap);
        let v = self.plain("Div", &[v, c])?;
        let v = self.plain("Tanh", &[v])?;
        self.plain("Mul", &[v, c])
    }

    /// The products with masks applied, and whether a row may have no visible key.
    fn biased(&mut self, mut v: Value, q: Value, key: Value, x: &[Option<Value>]) -> Result<(Value, bool)> {
        let mut allowed = self.visible(q, key, x)?;
        if let Some(mask) = x[3] {
            let mask = self.padded(mask, key)?;
            if self.g.fact(mask).dtype == DType::Bool {
                allowed = self.both(allowed, Some(mask))?;
            } else {
                v = self.plain("Add", &[v, mask])?;
            }
        }
        if let Some(allowed) = allowed {
            let never = self.b.number(self.dtype, f64::NEG_INFINITY);
            v = self.plain("Where", &[allowed, v, never])?;
        }
        let windowed = self.spec.window.iter().any(Option::is_some);
        Ok((v, x[3].is_some() || x[6].is_some() || windowed))
    }

    fn both(&mut self, a: Option<Value>, b: Option<Value>) -> Result<Option<Value>> {
        match (a, b) {
            (Some(a), Some(b)) => self.plain("And", &[a, b]).map(Some),
            (a, b) => Ok(a.or(b)),
        }
    }

    /// Which keys each query sees by position: broadcasts to (batch, 1, queries, keys).
    fn visible(&mut self, q: Value, key: Value, x: &[Option<Value>]) -> Result<Option<Value>> {
        let [left, right] = self.spec.window;
        if !self.spec.causal && left.is_none() && right.is_none() && x[6].is_none() {
            return Ok(None);
        }
        let (queries, keys) = (self.length(q, 2)?, self.length(key, 2)?);
        let j = self.range(keys)?;
        let mut allowed = None;
        let mut offset = x[4].map(|p| self.length(p, 2)).transpose()?;
        if let Some(n) = x[6] {
            let n = self.reshape(n, &[-1, 1, 1, 1])?;
            allowed = Some(self.plain("Less", &[j, n])?);
            if offset.is_none() {
                offset = Some(self.plain("Sub", &[n, queries])?);
            }
        }
        let i = self.range(queries)?;
        let mut p = self.reshape(i, &[-1, 1])?;
        if let Some(o) = offset {
            p = self.plain("Add", &[p, o])?;
        }
        let causal = self.spec.causal.then_some(0);
        for (compare, by) in [("LessOrEqual", causal), ("LessOrEqual", right), ("GreaterOrEqual", left.map(|l| -l))] {
            if let Some(by) = by {
                let by = self.number(DType::I64, by as f64);
                let bound = self.plain("Add", &[p, by])?;
                let seen = self.plain(compare, &[j, bound])?;
                allowed = self.both(allowed, Some(seen))?;
            }
        }
        Ok(allowed)
    }

    /// The mask with all keys: missing ones are not seen.
    fn padded(&mut self, mask: Value, key: Value) -> Result<Value> {
        let fact = self.g.fact(mask);
        let (rank, dtype) = (fact.rank(), fact.dtype);
        match fact.shape.last() {
            Some(d) if !d.is_one() && *d != self.sizes.keys => {}
            _ => return Ok(mask),
        }
        let (have, want) = (self.length(mask, rank as i64 - 1)?, self.length(key, 2)?);
        let more = self.plain("Sub", &[want, have])?;
        let more = self.reshape(more, &[1])?;
        let none = self.ints(&vec![0; 2 * rank - 1]);
        let pads = self.op("Concat", Attrs::new().with("axis", 0i64), &[none, more])?;
        let fill = self.number(dtype, if dtype == DType::Bool { 0.0 } else { f64::NEG_INFINITY });
        self.plain("Pad", &[mask, pads, fill])
    }

    fn probabilities(&mut self, v: Value, guarded: bool) -> Result<Value> {
        let to = self.spec.precision.filter(|p| *p != self.dtype);
        let cast = |b: &mut Self, v: Value, to: Option<DType>| match to {
            Some(to) => b.op("Cast", Attrs::new().with("to", to), &[v]),
            None => Ok(v),
        };
        let wide = cast(self, v, to)?;
        let p = self.op("Softmax", Attrs::new().with("axis", -1i64), &[wide])?;
        let mut p = cast(self, p, to.map(|_| self.dtype))?;
        if guarded {
            let last = self.ints(&[-1]);
            let max = self.plain("ReduceMax", &[v, last])?;
            let never = self.b.number(self.dtype, f64::NEG_INFINITY);
            let empty = self.plain("Equal", &[max, never])?;
            let zero = self.b.number(self.dtype, 0.0);
            p = self.plain("Where", &[empty, zero, p])?;
        }
        Ok(p)
    }
}
