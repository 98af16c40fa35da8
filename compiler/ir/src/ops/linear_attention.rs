//! `LinearAttention`: `S' = decay S + k (x) update`, `o = scale * q S'`, token by token.
//! <https://onnx.ai/onnx/operators/onnx__LinearAttention.html>

use super::common::elementwise::sample_floats;
use crate::lower::{Expr, Lowering, Monoid, Proc, Slot, Stmt, Ty, Un, for_, set, store};
use crate::op::{maybe, need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(LinearAttentionAttrs {
    /// Tokens that an implementation may treat at once; of no effect on the result.
    chunk_size: i64 = 64,
    /// Heads of K and V.
    kv_num_heads: i64,
    /// Heads of Q.
    q_num_heads: i64,
    /// Factor of the result; 0 is `1 / sqrt(key size)`.
    scale: f32 = 0.0,
    /// `linear`, `gated`, `delta` or `gated_delta`.
    update_rule: String = "gated_delta".into(),
});

pub struct LinearAttention;

/// Attributes and sizes.
struct Plan {
    heads: usize,
    group: usize,
    gated: bool,
    delta: bool,
    scale: f64,
    batch: Dim,
    time: Dim,
    key: Dim,
    value: Dim,
}

/// Refuses keys or values of other batches and times than the queries.
fn shaped_rows(q: &[Dim], s: &[Dim], last: &Dim) -> Result<()> {
    shaped("key or value", s, &[q[0].clone(), q[1].clone(), last.clone()])
}

/// Refuses a past state, decay or beta whose sizes do not fit.
fn check_rest(p: &Plan, x: &[Option<&Fact>]) -> Result<()> {
    let heads = Dim::from(p.heads);
    if let Some(s) = maybe(x, 3) {
        shaped("past_state", &s.shape, &[p.batch.clone(), heads.clone(), p.key.clone(), p.value.clone()])?;
    }
    for (i, what, other) in [(4, "decay", heads.clone() * p.key.clone()), (5, "beta", 1.into())] {
        let Some(f) = maybe(x, i) else { continue };
        ensure!(f.rank() == 3, "operand {what} is {f}, expected rank 3");
        let last = if f.shape[2] == heads { heads.clone() } else { other };
        shaped(what, &f.shape, &[p.batch.clone(), p.time.clone(), last])?;
    }
    Ok(())
}

fn plan(c: &Ctx, q: &[Dim], k: &[Dim], v: &[Dim]) -> Result<Plan> {
    let a = LinearAttentionAttrs::read(c.attrs)?;
    let (n, kv) = (a.q_num_heads, a.kv_num_heads);
    ensure!(kv > 0 && n > 0 && n % kv == 0, "q_num_heads is {n} and kv_num_heads {kv}, expected a multiple of it");
    for (what, s) in [("query", q), ("key", k), ("value", v)] {
        ensure!(s.len() == 3, "operand {what} has rank {}, expected 3", s.len());
    }
    let rows = |s: &[Dim], last: &Dim| shaped_rows(q, s, last);
    rows(k, &k[2])?;
    rows(v, &v[2])?;
    for (what, d, of) in [("query", &q[2], n), ("key", &k[2], kv), ("value", &v[2], kv)] {
        ensure!(
            d.as_const().is_none_or(|d| d % of == 0),
            "operand {what} has rows of {d}, expected a multiple of {of} heads"
        );
    }
    shaped("query", &q[2..], &[k[2].div(&kv.into()) * n.into()])?;
    let (gated, delta) = match a.update_rule.as_str() {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        other => bail!("update_rule is {other:?}, expected linear, gated, delta or gated_delta"),
    };
    let key = k[2].div(&kv.into());
    let size = key.as_const().or(q[2].div(&n.into()).as_const());
    let scale = if a.scale == 0.0 { size.map_or(0.0, |d| 1.0 / (d as f64).sqrt()) } else { a.scale.into() };
    let value = v[2].div(&kv.into());
    let (batch, time) = (q[0].clone(), q[1].clone());
    Ok(Plan { heads: kv as usize, group: (n / kv) as usize, gated, delta, scale, batch, time, key, value })
}

impl Op for LinearAttention {
    fn name(&self) -> &'static str {
        "LinearAttention"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LinearAttentionAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 6)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (q, k, v) = (need(x, 0, "query")?, need(x, 1, "key")?, need(x, 2, "value")?);
        let p = plan(c, &q.shape, &k.shape, &v.shape)?;
        ensure!(q.dtype.is_float(), "operand query has type {}, expected a float type", q.dtype);
        check_rest(&p, x)?;
        ensure!(!p.gated || maybe(x, 4).is_some(), "operand decay is missing, expected one for this update_rule");
        ensure!(!p.delta || maybe(x, 5).is_some(), "operand beta is missing, expected one for this update_rule");
        let y = vec![p.batch.clone(), p.time.clone(), p.value.clone() * (p.heads * p.group).into()];
        let state = vec![p.batch, p.heads.into(), p.key, p.value];
        let dtype = maybe(x, 3).map_or(q.dtype, |s| s.dtype);
        Ok([Fact::new(q.dtype, y), Fact::new(dtype, state)].into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (q, k, v) = (need(x, 0, "query")?, need(x, 1, "key")?, need(x, 2, "value")?);
        let dims = |t: &Tensor| t.type_fact().shape;
        let p = plan(c, &dims(q), &dims(k), &dims(v))?;
        let get = |d: &Dim| d.as_const().unwrap_or(0) as usize;
        let [batch, time, dk, dv] = [&p.batch, &p.time, &p.key, &p.value].map(get);
        let mut state: Vec<f64> = match maybe(x, 3) {
            Some(s) => s.to_f64(),
            None => vec![0.0; batch * p.heads * dk * dv],
        };
        let mut y = vec![0.0; batch * time * p.heads * p.group * dv];
        for (b, h) in (0..batch).flat_map(|b| (0..p.heads).map(move |h| (b, h))) {
            let from = (b * p.heads + h) * dk * dv;
            let s = &mut state[from..from + dk * dv];
            for t in 0..time {
                let row = (b * time + t) * p.heads + h;
                let key: Vec<f64> = (0..dk).map(|d| k.at(row * dk + d).f()).collect();
                for i in 0..dk * dv {
                    s[i] *= maybe(x, 4).filter(|_| p.gated).map_or(1.0, |g| gate(g, row, i / dv, dk, p.heads).exp());
                }
                for e in 0..dv {
                    let mut new = v.at(row * dv + e).f();
                    if let Some(beta) = maybe(x, 5).filter(|_| p.delta) {
                        let known: f64 = (0..dk).map(|d| s[d * dv + e] * key[d]).sum();
                        let at = if beta.shape()[2] == 1 { b * time + t } else { row };
                        new = beta.at(at).f() * (new - known);
                    }
                    (0..dk).for_each(|d| s[d * dv + e] += key[d] * new);
                }
                for (j, e) in (0..p.group).flat_map(|j| (0..dv).map(move |e| (j, e))) {
                    let head = row * p.group + j;
                    let o: f64 = (0..dk).map(|d| q.at(head * dk + d).f() * s[d * dv + e]).sum();
                    y[head * dv + e] = p.scale * o;
                }
            }
        }
        let y = Tensor::new(q.dtype(), &[batch, time, p.heads * p.group * dv], y.into_iter().map(Num::F));
        let dtype = maybe(x, 3).map_or(q.dtype(), Tensor::dtype);
        let state = Tensor::new(dtype, &[batch, p.heads, dk, dv], state.into_iter().map(Num::F));
        Ok([y, state].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (q, k, v) = (need(x, 0, "query")?, need(x, 1, "key")?, need(x, 2, "value")?);
        let plan = plan(c, &q.shape, &k.shape, &v.shape)?;
        Ok(Lowering::Proc(recurrence(&plan, x, y, [q, k, v])))
    }
    fn samples(&self) -> Vec<Sample> {
        let f = |shape: &[usize], seed: u32| {
            let t = sample_floats(shape, seed);
            Some(Tensor::new(DType::F32, shape, t.iter().map(|v| Num::F(v.f() / 8.0))))
        };
        let s = |rule: &str, scale: f32, more: Vec<Option<Tensor>>| {
            let attrs = Attrs::new().with("q_num_heads", 4i64).with("kv_num_heads", 2i64).with("update_rule", rule);
            let attrs = if scale > 0.0 { attrs.with("scale", scale).with("chunk_size", 16i64) } else { attrs };
            let mut x = vec![f(&[2, 3, 12], 1), f(&[2, 3, 6], 2), f(&[2, 3, 10], 3)];
            x.extend(more);
            Sample { attrs, x, outputs: 2 }
        };
        let (state, head, each) = (f(&[2, 2, 3, 5], 4), f(&[2, 3, 2], 5), f(&[2, 3, 6], 6));
        vec![
            s("linear", 0.0, vec![]),
            s("gated", 0.5, vec![state.clone(), head.clone()]),
            s("delta", 0.0, vec![None, None, f(&[2, 3, 1], 7)]),
            s("gated_delta", 2.0, vec![state, each, head]),
        ]
    }
}

/// Log decay of key element `d` of head row `row`: one for the head or one for each element.
fn gate(g: &Tensor, row: usize, d: usize, dk: usize, heads: usize) -> f64 {
    let one = g.shape()[2] == heads && dk != 1;
    g.at(if one { row } else { row * dk + d }).f()
}

/// Variables: 0 image and head, 1 token, 2 key element, 3 value element, 4 summed key element, 5 query head. Temporary 0
/// is the state, 1 what is added along each value element. Registers 0 and 1 are image and head.
fn recurrence(p: &Plan, x: &[Option<&Fact>], y: &[Fact], [q, k, v]: [&Fact; 3]) -> Proc {
    let wide = if q.dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let (ty, pairs) = (Ty::of(wide), p.batch.clone() * p.heads.into());
    let scratch =
        vec![(wide, vec![pairs.clone(), p.key.clone(), p.value.clone()]), (wide, vec![pairs.clone(), p.value.clone()])];
    let (b, h) = (Expr::reg(0, Ty::I64), Expr::reg(1, Ty::I64));
    let [pair, t, d, e, sum, j] = [0, 1, 2, 3, 4, 5].map(Expr::var);
    let scalar = |v: Expr| v.cast(ty);
    let at = |head: &Expr, size: &Dim, i: &Expr| vec![b.clone(), t.clone(), head.mul(&Expr::size(size)).add(i)];
    let state = |d: &Expr| Expr::load_slot(Slot::T(0), wide, &scratch[0].1, vec![pair.clone(), d.clone(), e.clone()]);
    let update = Expr::load_slot(Slot::T(1), wide, &scratch[1].1, vec![pair.clone(), e.clone()]);
    let keep =
        |slot: usize, index: Vec<Expr>, value: Expr| Stmt::Store { slot: Slot::T(slot), dtype: wide, index, value };
    let keep_state = |value: Expr| keep(0, vec![pair.clone(), d.clone(), e.clone()], value);
    let over = |body: Vec<Stmt>| for_(2, &p.key, vec![for_(3, &p.value, body)]);
    let key = |i: &Expr| scalar(Expr::load(1, k, at(&h, &p.key, i)));
    let total = |f: Expr| Expr::reduce(Monoid::Sum, vec![(4, p.key.clone())], f);
    let here = vec![b.clone(), h.clone(), d.clone(), e.clone()];
    let initial = maybe(x, 3).map_or(Expr::num(ty, 0.0), |s| scalar(Expr::load(3, s, here.clone())));
    let mut each = vec![];
    if let Some(g) = maybe(x, 4).filter(|_| p.gated) {
        let one = Expr::size(&g.shape[2]).eq(&Expr::int(p.heads as i64));
        let element = one.select(&h, &h.mul(&Expr::size(&p.key)).add(&d));
        let index = vec![b.clone(), t.clone(), within(element, &g.shape[2])];
        each.push(over(vec![keep_state(state(&d).mul(&scalar(Expr::load(4, g, index)).un(Un::Exp)))]));
    }
    let mut new = scalar(Expr::load(2, v, at(&h, &p.value, &e)));
    if let Some(beta) = maybe(x, 5).filter(|_| p.delta) {
        let one = Expr::size(&beta.shape[2]).eq(&Expr::int(1));
        let index = vec![b.clone(), t.clone(), within(one.select(&Expr::int(0), &h), &beta.shape[2])];
        let known = total(state(&sum).mul(&key(&sum)));
        new = scalar(Expr::load(5, beta, index)).mul(&new.sub(&known));
    }
    each.push(for_(3, &p.value, vec![keep(1, vec![pair.clone(), e.clone()], new)]));
    each.push(over(vec![keep_state(state(&d).add(&key(&d).mul(&update)))]));
    let head = h.mul(&Expr::int(p.group as i64)).add(&j);
    let query = scalar(Expr::load(0, q, at(&head, &p.key, &sum)));
    let out = total(query.mul(&state(&sum))).mul(&factor(p, ty));
    let group = Dim::from(p.group);
    each.push(for_(5, &group, vec![for_(3, &p.value, vec![store(0, &y[0], at(&head, &p.value, &e), out)])]));
    let heads = Expr::int(p.heads as i64);
    let mut body = vec![set(0, pair.div(&heads)), set(1, pair.rem(&heads)), over(vec![keep_state(initial)])];
    body.push(for_(1, &p.time, each));
    if let Some(f) = y.get(1) {
        body.push(over(vec![store(1, f, here, state(&d))]));
    }
    Proc { scratch: scratch.clone(), parallel: Some((0, pairs)), body }
}

/// An index that a size decides about, kept below the extent where that is only known when it runs.
fn within(index: Expr, extent: &Dim) -> Expr {
    match extent.as_const() {
        Some(_) => index,
        None => index.min(&Expr::size(&(extent.clone() - 1.into()))).max(&Expr::int(0)),
    }
}

/// Factor of the result, computed where the key size is only known when it runs.
fn factor(p: &Plan, ty: Ty) -> Expr {
    match p.scale {
        0.0 => Expr::num(ty, 1.0).div(&Expr::size(&p.key).cast(ty).un(Un::Sqrt)),
        s => Expr::num(ty, s),
    }
}
