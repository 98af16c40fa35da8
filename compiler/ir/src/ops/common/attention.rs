//! Scaled dot product attention: what it computes, and as a graph of matrix products and softmax.

use super::builder::Builder;
use crate::op::maybe;
use crate::{Attrs, DType, Dim, Fact, Graph, Num, Result, Tensor, Value, bail, ensure};
use std::ops::{Deref, DerefMut};

/// The attributes of an attention.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Whether a query sees no key after its own position.
    pub causal: bool,
    /// Keys a query sees before and after its own position; `None` is all.
    pub window: [Option<i64>; 2],
    /// Factor of the products; `None` is `1 / sqrt(head size)`.
    pub scale: Option<f64>,
    /// Bound of the products; 0 is none.
    pub softcap: f64,
    /// Type the softmax is computed in; `None` is that of Q.
    pub precision: Option<DType>,
    /// Heads of Q, K and V where they come with three axes.
    pub heads: [Option<i64>; 2],
    /// What result 3 shows.
    pub mode: i64,
}

/// Operands by position: Q, K, V, mask, past key, past value, number of keys.
pub const OPERANDS: usize = 7;

/// Sizes of an attention.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Images.
    pub batch: Dim,
    /// Heads of Q.
    pub heads: Dim,
    /// Heads of K and V.
    pub kv_heads: Dim,
    /// Queries.
    pub queries: Dim,
    /// Keys, past ones included.
    pub keys: Dim,
    /// Past keys.
    pub past: Dim,
    /// Elements of a query and a key.
    pub size: Dim,
    /// Elements of a value.
    pub value: Dim,
    flat: bool,
}

/// Axes (batch, heads, sequence, size) of an operand with three or four axes.
fn axes(what: &str, s: &[Dim], heads: Option<i64>) -> Result<[Dim; 4]> {
    match (s, heads) {
        ([b, h, n, d], _) => Ok([b.clone(), h.clone(), n.clone(), d.clone()]),
        ([b, n, hidden], Some(h)) if h > 0 => {
            let fits = hidden.as_const().is_none_or(|d| d % h == 0);
            ensure!(fits, "{what} has {hidden} elements, expected a multiple of {h} heads");
            Ok([b.clone(), h.into(), n.clone(), hidden.div(&h.into())])
        }
        ([_, _, _], _) => bail!("{what} has rank 3, expected the numbers of heads as attributes"),
        _ => bail!("{what} has rank {}, expected 3 or 4", s.len()),
    }
}

impl Spec {
    /// Sizes for operands of these shapes.
    pub fn sizes(&self, q: &[Dim], k: &[Dim], v: &[Dim], past: Option<&[Dim]>) -> Result<Sizes> {
        let [batch, heads, queries, size] = axes("Q", q, self.heads[0])?;
        let [_, kv_heads, keys, k_size] = axes("K", k, self.heads[1])?;
        let value = axes("V", v, self.heads[1])?[3].clone();
        if let (Some(a), Some(b)) = (size.as_const(), k_size.as_const()) {
            ensure!(a == b, "heads of Q have {a} elements and those of K {b}, expected as many");
        }
        if let (Some(a), Some(b)) = (heads.as_const(), kv_heads.as_const()) {
            ensure!(b > 0 && a % b == 0, "{a} heads of Q are no multiple of {b} heads of K");
        }
        let past = match past {
            Some([_, _, n, _]) => n.clone(),
            Some(s) => bail!("past_key has rank {}, expected 4", s.len()),
            None => 0.into(),
        };
        let flat = q.len() == 3;
        Ok(Sizes { batch, heads, kv_heads, queries, keys: keys + past.clone(), past, size, value, flat })
    }

    /// Shapes of Y, present key, present value and the products.
    pub fn shapes(&self, s: &Sizes) -> [Vec<Dim>; 4] {
        let own = |d: &[&Dim]| d.iter().map(|d| (*d).clone()).collect::<Vec<Dim>>();
        let y = match s.flat {
            true => vec![s.batch.clone(), s.queries.clone(), s.heads.clone() * s.value.clone()],
            false => own(&[&s.batch, &s.heads, &s.queries, &s.value]),
        };
        [
            y,
            own(&[&s.batch, &s.kv_heads, &s.keys, &s.size]),
            own(&[&s.batch, &s.kv_heads, &s.keys, &s.value]),
            own(&[&s.batch, &s.heads, &s.queries, &s.keys]),
        ]
    }

    /// Meaning: Y, present key, present value and the products of `mode`.
    pub fn eval(&self, x: &[Option<&Tensor>]) -> Result<[Tensor; 4]> {
        let (q, k, v) = (crate::op::need(x, 0, "Q")?, crate::op::need(x, 1, "K")?, crate::op::need(x, 2, "V")?);
        let dims = |t: &Tensor| t.type_fact().shape;
        let past = maybe(x, 4).map(dims);
        let s = self.sizes(&dims(q), &dims(k), &dims(v), past.as_deref())?;
        let get = |d: &Dim| d.as_const().unwrap_or(0) as usize;
        let [batch, heads, kv, n, keys, old, size, width] =
            [&s.batch, &s.heads, &s.kv_heads, &s.queries, &s.keys, &s.past, &s.size, &s.value].map(get);
        let key = joined(maybe(x, 4), k, [batch, kv, old, keys, size]);
        let value = joined(maybe(x, 5), v, [batch, kv, old, keys, width]);
        let query = joined(None, q, [batch, heads, 0, n, size]);
        let scale = self.scale.unwrap_or(1.0 / (size as f64).sqrt());
        let (mut y, mut seen) = (vec![0.0; batch * heads * n * width], vec![0.0; batch * heads * n * keys]);
        for row in 0..batch * heads * n {
            let (b, h, i) = (row / n / heads, row / n % heads, row % n);
            let shared = b * kv + h / (heads / kv.max(1)).max(1);
            let at = |j: usize| (shared * keys + j) * size;
            let product = |j: usize| (0..size).map(|d| query[row * size + d] * key[at(j) + d]).sum::<f64>() * scale;
            let raw: Vec<f64> = (0..keys).map(product).collect();
            let capped: Vec<f64> = raw.iter().map(|v| self.capped(*v)).collect();
            let valid = maybe(x, 6).map(|t| t.at(b).i() as i64);
            let offset = valid.filter(|_| maybe(x, 4).is_none()).map_or(old as i64, |l| l - n as i64);
            let biased: Vec<f64> = (0..keys)
                .map(|j| match self.visible(i as i64 + offset, j as i64, valid) {
                    true => capped[j] + maybe(x, 3).map_or(0.0, |m| bias(m, [b, h, i, j])),
                    false => f64::NEG_INFINITY,
                })
                .collect();
            let p = softmax(&biased);
            let shown = [&raw, &capped, &biased, &p][self.mode.clamp(0, 3) as usize];
            seen[row * keys..(row + 1) * keys].copy_from_slice(shown);
            for d in 0..width {
                let part = |j: usize| if p[j] == 0.0 { 0.0 } else { p[j] * value[(shared * keys + j) * width + d] };
                let to = if s.flat { ((b * n + i) * heads + h) * width + d } else { row * width + d };
                y[to] = (0..keys).map(part).sum();
            }
        }
        let shapes = self.shapes(&s).map(|s| s.iter().map(get).collect::<Vec<_>>());
        let tensor =
            |t: &Tensor, shape: &[usize], v: Vec<f64>| Tensor::new(t.dtype(), shape, v.into_iter().map(Num::F));
        Ok([
            tensor(q, &shapes[0], y),
            tensor(k, &shapes[1], key),
            tensor(v, &shapes[2], value),
            tensor(q, &shapes[3], seen),
        ])
    }

    fn capped(&self, v: f64) -> f64 {
        if self.softcap > 0.0 { self.softcap * (v / self.softcap).tanh() } else { v }
    }

    /// Whether the query at position `p` sees key `j`.
    fn visible(&self, p: i64, j: i64, valid: Option<i64>) -> bool {
        let [left, right] = self.window;
        valid.is_none_or(|n| j < n)
            && (!self.causal || j <= p)
            && left.is_none_or(|l| j >= p - l)
            && right.is_none_or(|r| j <= p + r)
    }
}

/// Elements in order (batch, heads, sequence, size), past ones before; `t` has them so or as (batch, sequence, hidden).
fn joined(past: Option<&Tensor>, t: &Tensor, [batch, heads, old, n, size]: [usize; 5]) -> Vec<f64> {
    let mut out = Vec::with_capacity(batch * heads * n * size);
    let new = n - old;
    crate::tensor::for_each_index(&[batch, heads, n, size], |at| {
        let [b, h, i, d] = [at[0], at[1], at[2], at[3]];
        out.push(match past {
            Some(p) if i < old => p.at(((b * heads + h) * old + i) * size + d).f(),
            _ if t.rank() == 3 => t.at(((b * new + i - old) * heads + h) * size + d).f(),
            _ => t.at(((b * heads + h) * new + i - old) * size + d).f(),
        });
    });
    out
}

/// What a mask adds to a product: broadcast, and minus infinity where a bool is false or beyond the mask's last key.
fn bias(mask: &Tensor, at: [usize; 4]) -> f64 {
    let shape = mask.shape();
    let skip = 4 - shape.len();
    if shape.last().is_some_and(|d| *d > 1 && at[3] >= *d) {
        return f64::NEG_INFINITY;
    }
    let v = mask.at(crate::infer::broadcast_index(shape, &at[skip..]));
    match mask.dtype() {
        DType::Bool if v.truth() => 0.0,
        DType::Bool => f64::NEG_INFINITY,
        _ => v.f(),
    }
}

/// Softmax; a row without any visible key is zero.
fn softmax(v: &[f64]) -> Vec<f64> {
    let max = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return vec![0.0; v.len()];
    }
    let e: Vec<f64> = v.iter().map(|v| (v - max).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

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
        let mut scale = self.scale(q)?;
        let mut k = self.transpose(k, &[0, 1, 3, 2])?;
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
