//! Scaled dot product attention: what it computes, and as a graph of matrix products and softmax.

use crate::op::{maybe, shaped};
use crate::{DType, Dim, Fact, Num, Result, Tensor, bail, ensure};

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
    pub(super) flat: bool,
}

/// Axes (batch, heads, sequence, size) of an operand with three or four axes.
fn axes(what: &str, s: &[Dim], heads: Option<i64>) -> Result<[Dim; 4]> {
    match (s, heads) {
        ([b, h, n, d], _) => Ok([b.clone(), h.clone(), n.clone(), d.clone()]),
        ([b, n, hidden], Some(h)) if h > 0 => {
            let fits = hidden.as_const().is_none_or(|d| d % h == 0);
            ensure!(fits, "operand {what} has {hidden} elements, expected a multiple of {h} heads");
            Ok([b.clone(), h.into(), n.clone(), hidden.div(&h.into())])
        }
        ([_, _, _], _) => bail!("operand {what} has rank 3, expected the numbers of heads as attributes"),
        _ => bail!("operand {what} has rank {}, expected 3 or 4", s.len()),
    }
}

impl Spec {
    /// Sizes for operands of these shapes.
    pub fn sizes(&self, q: &[Dim], k: &[Dim], v: &[Dim], past: Option<&[Dim]>) -> Result<Sizes> {
        let [batch, heads, queries, size] = axes("Q", q, self.heads[0])?;
        let key = axes("K", k, self.heads[1])?;
        let [_, kv_heads, keys, _] = key.clone();
        shaped(
            "K, as batch, heads, keys and elements,",
            &key,
            &[batch.clone(), kv_heads.clone(), keys.clone(), size.clone()],
        )?;
        let of_value = axes("V", v, self.heads[1])?;
        let value = of_value[3].clone();
        let expected = [batch.clone(), kv_heads.clone(), keys.clone(), value.clone()];
        shaped("V, as batch, heads, keys and elements,", &of_value, &expected)?;
        if let (Some(a), Some(b)) = (heads.as_const(), kv_heads.as_const()) {
            ensure!(b > 0 && a % b == 0, "operand Q has {a} heads, expected a multiple of the {b} of K");
        }
        let past = match past {
            Some(p @ [_, _, n, _]) => {
                shaped("past_key", p, &[batch.clone(), kv_heads.clone(), n.clone(), size.clone()])?;
                n.clone()
            }
            Some(s) => bail!("operand past_key has rank {}, expected 4", s.len()),
            None => 0.into(),
        };
        let flat = q.len() == 3;
        Ok(Sizes { batch, heads, kv_heads, queries, keys: keys + past.clone(), past, size, value, flat })
    }

    /// Refuses a mask, a past value or a count of keys whose sizes do not fit.
    pub fn check_rest(&self, s: &Sizes, x: &[Option<&Fact>]) -> Result<()> {
        if let Some(m) = maybe(x, 3) {
            let all = [&s.batch, &s.heads, &s.queries, &s.keys];
            let wanted = &all[4 - m.rank().min(4)..];
            let last = m.rank().saturating_sub(1);
            for (i, (d, want)) in m.shape.iter().zip(wanted).enumerate() {
                let (Some(a), Some(b)) = (d.as_const(), want.as_const()) else { continue };
                let fits = a == 1 || a == b || (i == last && 0 < a && a < b);
                ensure!(fits, "operand attn_mask is {m}, expected 1 or {b} along axis {i}");
            }
        }
        if let Some(p) = maybe(x, 5) {
            shaped("past_value", &p.shape, &[&s.batch, &s.kv_heads, &s.past, &s.value].map(Dim::clone))?;
        }
        maybe(x, 6).map_or(Ok(()), |n| shaped("nonpad_kv_seqlen", &n.shape, std::slice::from_ref(&s.batch)))
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
            let offset = valid.filter(|_| maybe(x, 4).is_none()).map_or(old as i64, |l| l.saturating_sub(n as i64));
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
            && left.is_none_or(|l| j >= p.saturating_sub(l))
            && right.is_none_or(|r| j <= p.saturating_add(r))
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
