//! Reductions over windows (depthwise convolutions, pools, small products): neighbouring results are computed together, so
//! that an element that several of them read is loaded once.
//!
//! Lanes are along the last axis, the neighbours along the one before it. The innermost variable of the reduction is written
//! out for all neighbours of a tile; the others are loops that leave out what lies in a padding. Where the neighbours' axis
//! has a known size, which of their elements lie in a padding is known too, and no code is made for those.

use crate::builder::Builder;
use crate::contraction::has_only_vector_math;
use crate::ir::{Buf, Kernel, Reg, Type};
use crate::level::Level;
use crate::nest::{WORK_PER_THREAD, constant, decompose};
use crate::scalar::{Place, Scalar, elem, has_parts, is_wide, neutral, store_at, whole_lanes};
use dlc_ir::dim::product;
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::{collapse_reduce, cost, index_expr, rewrite, substitute};
use dlc_ir::lower::{Bin, Cmp, Comp, E, Expr, Monoid, SUM, Slot, Ty};
use dlc_ir::{DType, Dim, Num};

/// Values of a variable that are written out at most.
const MOST_TAPS: i64 = 32;
/// Different tiles along the neighbours' axis at most.
const MOST_RUNS: usize = 6;
/// Registers of shared elements are numbered from here on.
const SHARED: u32 = 1 << 30;

/// A reduction of neighbours.
pub struct Window {
    /// Variables before the neighbours' one: pieces of work.
    lead: Vec<(u32, Dim)>,
    neighbours: (u32, Dim),
    lanes: (u32, Dim),
    monoid: Monoid,
    /// Reduced variables that are loops.
    outer: Vec<(u32, Dim)>,
    /// The one that is written out, and its extent.
    tap: Option<(u32, i64)>,
    /// What is combined, within all limits.
    body: Expr,
    /// The element from `Reg(SUM)`.
    epilogue: Expr,
    /// Limits of the outer variables: which, and where.
    limits: Vec<(usize, Limit)>,
    /// Limits of neighbours and taps.
    edges: Vec<Limit>,
    runs: Vec<Run>,
    dtype: DType,
}

/// A form that is to be at least 0, or below it.
#[derive(Clone)]
struct Limit {
    form: Linear,
    least: bool,
}

/// Tiles of one kind, one after another.
struct Run {
    start: i64,
    /// Neighbours in one.
    size: usize,
    /// How many tiles; `None`: as many as there are, and single neighbours after them.
    tiles: Option<i64>,
    /// Which taps of each neighbour are inside.
    inside: Vec<Vec<bool>>,
}

/// Neighbours in a tile: their sums, what they read and one factor are to be in registers.
fn most(level: Level) -> i64 {
    if level >= Level::Avx512 { 8 } else { 4 }
}

/// The window in an expression over these variables, if there is one.
pub fn find(level: Level, vars: &[(u32, Dim)], e: &Expr, dtype: DType) -> Option<Window> {
    let [lead @ .., neighbours, lanes] = vars else { return None };
    let reduce = the_reduction(e, lanes.0).filter(|_| !lead.is_empty())?;
    let E::Reduce(monoid, reduced, body) = &*reduce else { return None };
    let (mut outer, body) = collapse_reduce(reduced, body);
    let tap = outer.pop_if(|v| v.1.as_const().is_some_and(|n| n <= MOST_TAPS));
    let mut w = Window {
        lead: lead.to_vec(),
        neighbours: neighbours.clone(),
        lanes: lanes.clone(),
        monoid: *monoid,
        outer,
        tap: tap.and_then(|(v, d)| Some((v, d.as_const()?))),
        body: body.clone(),
        epilogue: rewrite(e, &mut |e| (*e == reduce).then(|| Expr::reg(SUM, reduce.ty()))),
        limits: vec![],
        edges: vec![],
        runs: vec![],
        dtype,
    };
    w.body = w.within_limits(&body)?;
    w.runs = w.runs(most(level))?;
    let parts = has_parts(level, &w.epilogue, dtype) && has_parts(level, &w.body, dtype);
    let least = if parts { 2 } else { level.lanes() as i64 };
    let enough = lanes.1.as_const().is_none_or(|n| n >= least);
    let epilogue = is_wide(&w.epilogue, lanes.0) && has_only_vector_math(&w.epilogue);
    (enough && is_wide(&w.body, lanes.0) && epilogue).then_some(w)
}

/// The only reduction of elements that differ along `var`.
fn the_reduction(e: &Expr, var: u32) -> Option<Expr> {
    fn go(e: &Expr, var: u32, found: &mut Vec<Expr>) {
        match &**e {
            E::Reduce(..) if mentions(e, var) => {
                if !found.contains(e) {
                    found.push(e.clone());
                }
            }
            _ => e.for_children(&mut |c| go(c, var, found)),
        }
    }
    let mut found = vec![];
    go(e, var, &mut found);
    found.pop().filter(|_| found.is_empty())
}

impl Window {
    /// The body where all limits hold, and these noted; `None` where there are others, or what lies outside changes a result.
    fn within_limits(&mut self, body: &Expr) -> Option<Expr> {
        let mut ok = true;
        let mut given = |w: &mut Window, holds: bool| {
            rewrite(body, &mut |e| match &**e {
                E::Cmp(op, x, bound) if x.ty() == Ty::I64 => {
                    ok &= matches!(op, Cmp::Ge | Cmp::Lt) && (!holds || w.note(x, bound, *op == Cmp::Ge));
                    Some(Expr::bool(holds))
                }
                E::Bin(Bin::And, a, b) => match (constant(a), constant(b)) {
                    (Some(true), _) => Some(b.clone()),
                    (_, Some(true)) => Some(a.clone()),
                    (Some(false), _) | (_, Some(false)) => Some(Expr::bool(false)),
                    _ => None,
                },
                E::Select(c, a, b) => constant(c).map(|c| if c { a.clone() } else { b.clone() }),
                _ => None,
            })
        };
        let (inside, outside) = (given(self, true), given(self, false));
        let limited = !self.limits.is_empty() || !self.edges.is_empty();
        (ok && (!limited || is_neutral(&outside, self.monoid))).then_some(inside)
    }

    /// Notes that `x >= bound` or `x < bound` has to hold; false if that is no limit of one variable.
    fn note(&mut self, x: &Expr, bound: &Expr, least: bool) -> bool {
        let form = Linear::of(x).plus(Linear::of(bound), &(-1).into());
        let of = |v: u32| form.vars.contains_key(&v);
        let lead = |v: &u32| self.lead.iter().any(|l| l.0 == *v);
        let edge = |v: &u32| *v == self.neighbours.0 || self.tap.is_some_and(|t| t.0 == *v);
        if !form.other.is_empty() || of(self.lanes.0) {
            return false;
        }
        if form.vars.keys().all(edge) {
            let known = form.constant.as_const().is_some() && form.vars.values().all(|c| c.as_const().is_some());
            self.edges.push(Limit { form, least });
            return known;
        }
        let Some(which) = self.outer.iter().position(|o| of(o.0)) else { return false };
        let var = self.outer[which].0;
        let rising = form.vars[&var].as_const().is_some_and(|c| c > 0);
        let alone = form.vars.keys().all(|v| *v == var || lead(v));
        self.limits.push((which, Limit { form, least }));
        rising && alone
    }

    /// How the neighbours' axis is cut into tiles.
    fn runs(&self, most: i64) -> Option<Vec<Run>> {
        let Some(n) = self.neighbours.1.as_const() else {
            let run = |size: i64| Run { start: 0, size: size as usize, tiles: None, inside: self.inside(0, size) };
            return self.edges.is_empty().then(|| vec![run(most), run(1)]);
        };
        let tiles = ((n + most - 1) / most).max(1);
        let size = (n + tiles - 1) / tiles;
        let mut out: Vec<Run> = vec![];
        for start in (0..n).step_by(size.max(1) as usize) {
            let inside = self.inside(start, size.min(n - start));
            match out.last_mut() {
                Some(run) if run.inside == inside => run.tiles = run.tiles.map(|t| t + 1),
                _ => out.push(Run { start, size: inside.len(), tiles: Some(1), inside }),
            }
        }
        (out.len() <= MOST_RUNS).then_some(out)
    }

    /// Which taps of the neighbours from `start` on are inside.
    fn inside(&self, start: i64, size: i64) -> Vec<Vec<bool>> {
        let holds = |l: &Limit, at: i64, tap: i64| {
            let step = |v: u32| l.form.vars.get(&v).and_then(Dim::as_const).unwrap_or(0);
            let sum = l.form.constant.as_const().unwrap_or(0)
                + at * step(self.neighbours.0)
                + self.tap.map_or(0, |t| tap * step(t.0));
            (sum >= 0) == l.least
        };
        let taps = |at: i64| (0..self.taps()).map(|t| self.edges.iter().all(|l| holds(l, at, t))).collect();
        (start..start + size).map(taps).collect()
    }

    fn taps(&self) -> i64 {
        self.tap.map_or(1, |t| t.1)
    }

    /// The kernel. Slots are the buffers `place` says, the result is `Slot::Y(0)`.
    pub fn kernel(&self, level: Level, name: &str, c: &Comp, place: &Place, buffers: usize) -> Kernel {
        let mut b = Builder::new(level, buffers);
        let mut s = Scalar::new(place, false);
        let (begin, end) = b.range();
        b.for_(begin, end, 1, |b, row| {
            decompose(b, &mut s, &self.lead, row);
            s.scope(None, |s| self.row(b, s, place(Slot::Y(0)), row));
        });
        let piece = cost(&c.expr) * self.neighbours.1.clone() * self.lanes.1.clone();
        let grain = Dim::from(WORK_PER_THREAD).div(&piece.max_of(&1.into())).max_of(&1.into());
        b.finish(name, product(self.lead.iter().map(|v| &v.1)), grain, 0.into())
    }

    fn row(&self, b: &mut Builder, s: &mut Scalar, buf: Buf, row: Reg) {
        let n = b.size(&self.neighbours.1);
        let first = b.mul(row, n);
        let ranges = self.ranges(b, s);
        let mut from = b.index(0);
        for run in &self.runs {
            let step = run.size as i64;
            let to = match run.tiles {
                Some(tiles) => {
                    from = b.index(run.start);
                    b.index(run.start + tiles * step)
                }
                None => {
                    let left = b.bin(Bin::Sub, n, from);
                    let step = b.index(step);
                    let odd = b.bin(Bin::Rem, left, step);
                    b.bin(Bin::Sub, n, odd)
                }
            };
            let tile = |b: &mut Builder, s: &mut Scalar, x: Reg| {
                let t = Tile { window: self, run, ranges: &ranges, buf, x, first };
                s.scope(None, |s| t.write(b, s));
            };
            if run.tiles == Some(1) {
                tile(b, s, from)
            } else {
                b.for_(from, to, step, |b, x| tile(b, s, x))
            }
            from = to;
        }
    }

    /// First and last (exclusive) values of the outer variables.
    fn ranges(&self, b: &mut Builder, s: &mut Scalar) -> Vec<(Reg, Reg)> {
        let zero = b.index(0);
        let mut out: Vec<(Reg, Reg)> = self.outer.iter().map(|v| (zero, b.size(&v.1))).collect();
        for (which, l) in &self.limits {
            let mut rest = l.form.clone();
            let step = rest.vars.remove(&self.outer[*which].0).and_then(|c| c.as_const()).unwrap_or(1);
            // The least value that makes the form 0 or more.
            let (r, offset) = s.address(b, &Linear::default().plus(rest, &(-1).into()));
            let offset = b.index(offset as i64 + step - 1);
            let r = b.add(r, offset);
            let r = b.bin(Bin::Max, r, zero);
            let step = b.index(step);
            let r = b.bin(Bin::Div, r, step);
            let (lo, hi) = out[*which];
            out[*which] = if l.least { (b.bin(Bin::Max, lo, r), hi) } else { (lo, b.bin(Bin::Min, hi, r)) };
        }
        out
    }

    /// The body at a neighbour and a tap, every load with one index that tells it from others.
    fn body_at(&self, neighbour: usize, tap: i64) -> Expr {
        let e = substitute(&self.body, &|v| match v {
            v if v == self.neighbours.0 => Some(Expr::var(v).add(&Expr::int(neighbour as i64))),
            v if self.tap.is_some_and(|t| t.0 == v) => Some(Expr::int(tap)),
            _ => None,
        });
        rewrite(&e, &mut |e| match &**e {
            E::Load { slot, dtype, shape, index } => {
                let total = product(shape.iter());
                let at = index_expr(&Linear::address(index, shape));
                Some(Expr::load_slot(*slot, *dtype, &[total], vec![at]))
            }
            _ => None,
        })
    }
}

/// Whether combining with an expression changes nothing. A padding of zeros is left out of sums of products.
fn is_neutral(e: &Expr, m: Monoid) -> bool {
    match &**e {
        E::Float(ty, v) => dlc_ir::lower::eval::neutral(m, *ty) == Num::F(*v),
        E::Int(ty, v) => dlc_ir::lower::eval::neutral(m, *ty) == Num::I(*v as i128),
        E::Cast(_, a) => is_neutral(a, m),
        E::Bin(Bin::Mul, a, b) => m == Monoid::Sum && (is_neutral(a, m) || is_neutral(b, m)),
        E::Bin(Bin::Max, a, b) => m == Monoid::Max && is_neutral(a, m) && is_neutral(b, m),
        _ => false,
    }
}

/// A tile under construction.
struct Tile<'a> {
    window: &'a Window,
    run: &'a Run,
    ranges: &'a [(Reg, Reg)],
    buf: Buf,
    /// The first neighbour.
    x: Reg,
    /// Number of the row's first neighbour among all.
    first: Reg,
}

impl Tile<'_> {
    fn write(&self, b: &mut Builder, s: &mut Scalar) {
        let (v, extent) = &self.window.lanes;
        let (zero, n) = (b.index(0), b.size(extent));
        s.bind(self.window.neighbours.0, self.x);
        let main = whole_lanes(b, zero, n);
        b.for_(zero, main, b.lanes() as i64, |b, i| self.block(b, s, i, Some(*v)));
        if extent.as_const().is_some_and(|n| n % b.lanes() as i64 == 0) {
            return;
        }
        let parts = |e: &Expr| has_parts(b.level(), e, self.window.dtype);
        if !(parts(&self.window.body) && parts(&self.window.epilogue)) {
            return b.for_(main, n, 1, |b, i| self.block(b, s, i, None));
        }
        let count = b.bin(Bin::Sub, n, main);
        let left = b.cmp(Cmp::Lt, main, n);
        b.if_(left, |b| b.part(count, |b| self.block(b, s, main, Some(*v))), |_| {});
    }

    /// One vector (or one element) of every neighbour.
    fn block(&self, b: &mut Builder, s: &mut Scalar, i: Reg, wide: Option<u32>) {
        let w = self.window;
        s.bind(w.lanes.0, i);
        let lanes = if wide.is_some() { b.lanes() as u8 } else { 1 };
        s.scope(wide, |s| {
            s.sequential(|s| {
                let first = neutral(b, w.monoid, Type { elem: elem(w.body.ty()), lanes });
                let sums: Vec<Reg> = (0..self.run.size).map(|_| b.var(first)).collect();
                self.combine(b, s, &w.outer, wide, &sums);
                for e in still(&w.epilogue, w.neighbours.0) {
                    s.eval(b, &e);
                }
                for (k, sum) in sums.iter().enumerate() {
                    let k = b.index(k as i64);
                    let x = b.add(self.x, k);
                    s.bind(w.neighbours.0, x);
                    s.bind_reg(SUM, *sum);
                    s.scope(wide, |s| self.store(b, s, x, i, lanes));
                }
                s.bind(w.neighbours.0, self.x);
            });
        });
    }

    fn store(&self, b: &mut Builder, s: &mut Scalar, x: Reg, i: Reg, lanes: u8) {
        let value = s.eval(b, &self.window.epilogue);
        let value = b.widen(value, lanes);
        let n = b.size(&self.window.lanes.1);
        let at = b.add(self.first, x);
        let at = b.mul(at, n);
        let at = b.add(at, i);
        store_at(b, self.buf, self.window.dtype, at, 0, value);
    }

    /// The loops over outer variables, and in them all taps of all neighbours.
    fn combine(&self, b: &mut Builder, s: &mut Scalar, outer: &[(u32, Dim)], wide: Option<u32>, sums: &[Reg]) {
        if let Some(((v, _), rest)) = outer.split_first() {
            let (lo, hi) = self.ranges[self.ranges.len() - outer.len()];
            return b.for_(lo, hi, 1, |b, k| {
                s.bind(*v, k);
                s.scope(wide, |s| self.combine(b, s, rest, wide, sums));
            });
        }
        let op = dlc_ir::lower::eval::step(self.window.monoid);
        let mut shared = vec![];
        for tap in 0..self.window.taps() {
            let inside = |k: &usize| self.run.inside[*k][tap as usize];
            for k in (0..sums.len()).filter(inside) {
                let e = share(b, s, &self.window.body_at(k, tap), &mut shared);
                let x = s.eval(b, &e);
                let next = b.bin(op, sums[k], x);
                b.set(sums[k], next);
            }
        }
    }
}

/// The expression with what depends on one load each in registers, those of `shared` where they are the same.
fn share(b: &mut Builder, s: &mut Scalar, e: &Expr, shared: &mut Vec<Expr>) -> Expr {
    match loads(e).len() {
        0 => e.clone(),
        1 => {
            let k = shared.iter().position(|x| x == e).unwrap_or_else(|| {
                let r = s.eval(b, e);
                s.bind_reg(SHARED + shared.len() as u32, r);
                shared.push(e.clone());
                shared.len() - 1
            });
            Expr::reg(SHARED + k as u32, e.ty())
        }
        _ => e.map_children(&mut |c| share(b, s, c, shared)),
    }
}

/// The different loads in an expression.
fn loads(e: &Expr) -> Vec<Expr> {
    fn go(e: &Expr, out: &mut Vec<Expr>) {
        match &**e {
            E::Load { .. } => {
                if !out.contains(e) {
                    out.push(e.clone());
                }
            }
            _ => e.for_children(&mut |c| go(c, out)),
        }
    }
    let mut out = vec![];
    go(e, &mut out);
    out
}

/// The loads that do not depend on a variable.
fn still(e: &Expr, var: u32) -> Vec<Expr> {
    loads(e).into_iter().filter(|l| !mentions(l, var)).collect()
}
