//! A comprehension whose elements are picked by some of its indices: all elements of a block of those indices are computed
//! together, so that they share what they have in common. A transform of tiles is one, whose results are sums of the
//! same loads with other coefficients.
//!
//! An index that picks as it is is written out whole; one that picks by its remainder is cut into blocks of the divisor.
//! Blocks are the pieces of work; the last axis is in lanes, in groups where a part of its index counts groups of lanes.

use crate::builder::Builder;
use crate::ir::{Buf, Kernel, Reg};
use crate::level::Level;
use crate::nest::{WORK_PER_THREAD, decompose};
use crate::order::{Turn, order};
use crate::scalar::{Place, Scalar, is_wide, store_at, unrounded, whole_lanes};
use dlc_ir::Dim;
use dlc_ir::dim::product;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::{cost, each, rewrite, substitute};
use dlc_ir::lower::{Bin, Cmp, Comp, E, Expr, Slot};

/// Most elements of a block that are written out.
const MOST: i64 = 256;
/// Lanes of the widest vectors.
const WIDEST: i64 = 16;

/// How an axis is gone through.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Axis {
    /// One value after the other.
    Loop,
    /// All values written out.
    Whole(i64),
    /// Blocks of so many values, which are written out.
    Blocks(i64),
}

impl Axis {
    /// Values that are written out.
    fn values(self) -> i64 {
        match self {
            Axis::Loop => 1,
            Axis::Whole(n) | Axis::Blocks(n) => n,
        }
    }
}

/// A comprehension and what becomes of its axes, the last left out.
pub struct Unrolled<'a> {
    comp: &'a Comp,
    axes: Vec<Axis>,
    /// Elements of a group of the last axis.
    group: Option<i64>,
}

/// The comprehension by blocks, if it picks by indices and the blocks are small.
pub fn of(c: &Comp) -> Option<Unrolled<'_>> {
    let mut axes = vec![Axis::Loop; c.shape.len().checked_sub(1)?];
    let mut ok = true;
    picks(&c.expr, &mut |i| ok = ok && set_axis(&mut axes, &c.shape, i));
    let size = axes.iter().map(|a| a.values()).try_fold(1i64, |p, n| p.checked_mul(n))?;
    let any = axes.iter().any(|a| *a != Axis::Loop);
    let group = groups(c);
    let ok = ok && any && size <= MOST && only_blocks(&c.expr, &axes);
    ok.then_some(Unrolled { comp: c, axes, group })
}

/// Calls `f` with the numbers of all picks.
fn picks(e: &Expr, f: &mut dyn FnMut(&Expr)) {
    each(e, &mut |e| {
        if let E::Pick(i, _) = &**e {
            f(i);
        }
    });
}

/// Elements of a group of the last axis, if groups and elements within them are told apart, and whole vectors make up a group.
fn groups(c: &Comp) -> Option<i64> {
    let last = c.shape.len() as u32 - 1;
    let mut found = vec![];
    each(&c.expr, &mut |e| {
        if let E::Bin(Bin::Rem | Bin::Div, v, n) = &**e
            && let (E::Var(v), E::Int(_, n)) = (&**v, &**n)
            && *v == last
        {
            found.push(*n);
        }
    });
    let n = *found.first()?;
    let even = n > 0 && n % WIDEST == 0 && c.shape.last()?.as_const()? % n == 0;
    (even && found.iter().all(|m| *m == n)).then_some(n)
}

/// Notes what a pick by this number makes of an axis; false if it is by something else.
fn set_axis(axes: &mut [Axis], shape: &[Dim], i: &Expr) -> bool {
    let (v, wanted) = match &**i {
        E::Var(v) => (*v, shape.get(*v as usize).and_then(Dim::as_const).map(Axis::Whole)),
        E::Bin(Bin::Rem, v, n) => match (&**v, &**n) {
            (E::Var(v), E::Int(_, n)) => (*v, Some(Axis::Blocks(*n))),
            _ => return false,
        },
        _ => return false,
    };
    let (Some(axis), Some(wanted)) = (axes.get_mut(v as usize), wanted) else { return false };
    let fits = *axis == Axis::Loop || *axis == wanted;
    *axis = wanted;
    fits
}

/// Whether no reduction is in it, and no index of blocks is divided by anything else.
fn only_blocks(e: &Expr, axes: &[Axis]) -> bool {
    let other = |v: &Expr, n: &Expr| match (&**v, &**n) {
        (E::Var(v), E::Int(_, n)) => {
            axes.get(*v as usize).is_some_and(|a| matches!(a, Axis::Blocks(size) if size != n))
        }
        _ => false,
    };
    let mut ok = true;
    each(e, &mut |e| match &**e {
        E::Bin(Bin::Rem | Bin::Div, v, n) => ok = ok && !other(v, n),
        E::Reduce(..) => ok = false,
        _ => {}
    });
    ok
}

/// One element of a block: its expression and its index.
struct Element {
    expr: Expr,
    index: Vec<Expr>,
}

impl Unrolled<'_> {
    /// The kernel. Slots are the buffers `place` says, the result is `Slot::Y(0)`.
    pub fn kernel(&self, level: Level, name: &str, place: &Place, buffers: usize) -> Kernel {
        let mut b = Builder::new(level, buffers);
        let mut s = Scalar::new(place, false);
        let mut loops: Vec<(u32, Dim)> = (0..self.axes.len()).filter_map(|a| self.steps(a)).collect();
        let count = self.group.map(|n| self.comp.shape[self.axes.len()].div(&n.into()));
        if let Some(count) = &count {
            loops.insert(loops.len().min(1), (GROUP, count.clone()));
        }
        let (ones, loops): (Vec<_>, Vec<_>) = loops.into_iter().partition(|l| l.1.is_one());
        let (begin, end) = b.range();
        let groups = self.elements();
        b.for_(begin, end, 1, |b, piece| {
            let zero = b.index(0);
            ones.iter().for_each(|l| s.bind(l.0, zero));
            decompose(b, &mut s, &loops, piece);
            self.block(b, &mut s, &groups, place(Slot::Y(0)));
        });
        let one = self.last() * Dim::from(self.axes.iter().map(|a| a.values()).product::<i64>());
        let per_piece = one * cost(&self.comp.expr).div(&8.into()).max_of(&1.into());
        let grain = Dim::from(WORK_PER_THREAD).div(&per_piece.max_of(&1.into())).max_of(&1.into());
        let mut kernel = b.finish(name, product(loops.iter().map(|l| &l.1)), grain, 0.into());
        kernel.outer = (0..self.axes.len()).filter_map(|a| self.index(a).zip(self.steps(a).map(|s| s.1))).collect();
        if let (Some(n), Some(count)) = (self.group, count) {
            let group = Expr::var(self.axes.len() as u32).div(&Expr::int(n));
            kernel.outer.insert(kernel.outer.len().min(1), (group, count));
        }
        kernel
    }

    /// Number of the step of the loop over an axis, as an expression of the axes.
    fn index(&self, a: usize) -> Option<Expr> {
        let v = Expr::var(a as u32);
        match self.axes[a] {
            Axis::Loop => Some(v),
            Axis::Blocks(n) => Some(v.div(&Expr::int(n))),
            Axis::Whole(_) => None,
        }
    }

    /// The loop over an axis: over its values, or its blocks.
    fn steps(&self, a: usize) -> Option<(u32, Dim)> {
        match self.axes[a] {
            Axis::Loop => Some((a as u32, self.comp.shape[a].clone())),
            Axis::Blocks(n) => Some((BLOCK + a as u32, self.comp.shape[a].ceil_div(&n.into()))),
            Axis::Whole(_) => None,
        }
    }

    /// Elements along the last axis, of one group.
    fn last(&self) -> Dim {
        self.group.map_or_else(|| self.comp.shape[self.axes.len()].clone(), Dim::from)
    }

    /// The variable in lanes.
    fn lane(&self) -> u32 {
        if self.group.is_some() { LANE } else { self.axes.len() as u32 }
    }

    /// The index along the last axis.
    fn last_index(&self) -> Expr {
        match self.group {
            Some(n) => Expr::var(GROUP).mul(&Expr::int(n)).add(&Expr::var(LANE)),
            None => Expr::var(self.lane()),
        }
    }

    /// The expression with the numbers of blocks and groups as variables of their own.
    fn by_blocks(&self) -> Expr {
        let last = self.axes.len() as u32;
        let grouped = |v: &Expr| self.group.is_some() && matches!(**v, E::Var(v) if v == last);
        let e = rewrite(&self.comp.expr, &mut |e| match &**e {
            E::Bin(Bin::Div, v, _) if grouped(v) => Some(Expr::var(GROUP)),
            E::Bin(Bin::Rem, v, _) if grouped(v) => Some(Expr::var(LANE)),
            E::Bin(Bin::Div, v, _) => match **v {
                E::Var(v) if matches!(self.axes.get(v as usize), Some(Axis::Blocks(_))) => Some(Expr::var(BLOCK + v)),
                _ => None,
            },
            _ => None,
        });
        if self.group.is_none() { e } else { substitute(&e, &|v| (v == last).then(|| self.last_index())) }
    }

    /// The elements of a block. Those of a group share what they can: groups are by the first axis that is written out, if
    /// another is, too.
    fn elements(&self) -> Vec<Vec<Element>> {
        let index = (0..self.axes.len()).map(|v| Expr::var(v as u32)).chain([self.last_index()]).collect();
        let mut groups = vec![vec![Element { expr: self.by_blocks(), index }]];
        let written: Vec<usize> = (0..self.axes.len()).filter(|a| self.axes[*a] != Axis::Loop).collect();
        for (i, a) in written.iter().copied().enumerate() {
            let values = 0..self.axes[a].values();
            let spread = |e: &Element| values.clone().map(|n| self.at(e, a, n)).collect::<Vec<_>>();
            groups = match i {
                0 if written.len() > 1 => spread(&groups[0][0]).into_iter().map(|e| vec![e]).collect(),
                _ => groups.iter().map(|g| g.iter().flat_map(spread).collect()).collect(),
            };
        }
        groups
    }

    /// An element where the index along an axis has value `n`, or is number `n` of its block.
    fn at(&self, e: &Element, a: usize, n: i64) -> Element {
        let value = match self.axes[a] {
            Axis::Blocks(size) => block_start(a, size).add(&Expr::int(n)),
            _ => Expr::int(n),
        };
        let is_var = |x: &Expr| matches!(**x, E::Var(v) if v as usize == a);
        let chosen = |of: &[Expr], i: i64| of.get(i as usize).cloned();
        // What picks by the index first: the index itself is part of it.
        let picked = rewrite(&e.expr, &mut |e| match &**e {
            E::Bin(Bin::Rem, v, _) if is_var(v) => Some(Expr::int(n)),
            E::Pick(i, of) if is_var(i) => chosen(of, n),
            E::Pick(i, of) => match **i {
                E::Int(_, i) => chosen(of, i),
                _ => None,
            },
            _ => None,
        });
        let put = |e: &Expr| rewrite(e, &mut |e| is_var(e).then(|| value.clone()));
        Element { expr: put(&picked), index: e.index.iter().map(put).collect() }
    }

    /// A block: without conditions where all of it is inside.
    fn block(&self, b: &mut Builder, s: &mut Scalar, groups: &[Vec<Element>], to: Buf) {
        let open = (0..self.axes.len()).filter_map(|a| match self.axes[a] {
            Axis::Blocks(n) => {
                let cut = self.comp.shape[a].as_const().is_none_or(|d| d % n != 0);
                cut.then(|| (a, block_start(a, n).add(&Expr::int(n - 1))))
            }
            _ => None,
        });
        let limits: Vec<(usize, Expr)> = open.collect();
        if limits.is_empty() {
            return self.lanes(b, s, groups, &[], to);
        }
        let inside = self.inside(b, s, limits.iter().map(|(a, last)| (*a, last)));
        let axes: Vec<usize> = limits.iter().map(|l| l.0).collect();
        let then = b.block(|b| self.lanes(b, s, groups, &[], to));
        let els = b.block(|b| self.lanes(b, s, groups, &axes, to));
        b.push(crate::ir::Node::If { cond: inside, then, els });
    }

    /// Whether indices along some axes are below the axes' sizes.
    fn inside<'e>(&self, b: &mut Builder, s: &mut Scalar, at: impl Iterator<Item = (usize, &'e Expr)>) -> Reg {
        let mut all: Option<Reg> = None;
        for (a, i) in at {
            let (i, size) = (s.scope(None, |s| s.eval(b, i)), b.size(&self.comp.shape[a]));
            let below = b.cmp(Cmp::Lt, i, size);
            all = Some(all.map_or(below, |all| b.bin(Bin::And, all, below)));
        }
        all.expect("a condition")
    }

    /// All elements of a block along the last axis; those beyond the end of `axes` are left out.
    fn lanes(&self, b: &mut Builder, s: &mut Scalar, groups: &[Vec<Element>], axes: &[usize], to: Buf) {
        let (last, size) = (self.lane(), self.last());
        let (zero, n) = (b.index(0), b.size(&size));
        let whole = size.as_const().is_some_and(|n| n % b.lanes() as i64 == 0);
        let wide = groups.iter().flatten().all(|e| is_wide(&e.expr, last));
        let main = if wide { whole_lanes(b, zero, n) } else { zero };
        if wide {
            b.for_(zero, main, b.lanes() as i64, |b, i| {
                s.bind(last, i);
                groups.iter().for_each(|g| self.group(b, s, g, axes, Some(last), to));
            });
        }
        if !(wide && whole) {
            b.for_(main, n, 1, |b, i| {
                s.bind(last, i);
                groups.iter().for_each(|g| self.group(b, s, g, axes, None, to));
            });
        }
    }

    fn group(&self, b: &mut Builder, s: &mut Scalar, g: &[Element], axes: &[usize], wide: Option<u32>, to: Buf) {
        s.scope(wide, |s| {
            if axes.is_empty() {
                let roots: Vec<&Expr> = g.iter().map(|e| &e.expr).collect();
                return order(&roots).into_iter().for_each(|turn| match turn {
                    Turn::Value(e) => {
                        s.eval(b, &e);
                    }
                    Turn::Root(i) => self.element(b, s, &g[i], wide, to),
                });
            }
            for e in g {
                let cond = self.inside(b, s, axes.iter().map(|a| (*a, &e.index[*a])));
                let then = b.block(|b| s.scope(wide, |s| self.element(b, s, e, wide, to)));
                b.push(crate::ir::Node::If { cond, then, els: vec![] });
            }
        });
    }

    fn element(&self, b: &mut Builder, s: &mut Scalar, e: &Element, wide: Option<u32>, to: Buf) {
        let x = s.eval(b, unrounded(&e.expr, self.comp.dtype));
        let x = b.widen(x, if wide.is_some() { b.lanes() as u8 } else { 1 });
        let (at, offset) = s.address(b, &Linear::address(&e.index, &self.comp.shape));
        store_at(b, to, self.comp.dtype, at, offset, x);
    }
}

/// The variable that counts the blocks of axis `a` is this and `a`.
const BLOCK: u32 = 1 << 24;

/// The variables that count groups of the last axis, and elements in a group.
const GROUP: u32 = 1 << 25;
const LANE: u32 = GROUP + 1;

/// The first index of a block.
fn block_start(a: usize, size: i64) -> Expr {
    Expr::var(BLOCK + a as u32).mul(&Expr::int(size))
}
