//! A comprehension as loops: axes merged where addresses allow, the last one in lanes.

use crate::builder::Builder;
use crate::ir::{Buf, Kernel, LANES, Reg};
use crate::scalar::{Place, Scalar, is_wide, store_at, whole_lanes};
use dlc_ir::Dim;
use dlc_ir::dim::product;
use dlc_ir::lower::rewrite::{cost, flatten};
use dlc_ir::lower::{Bin, Comp, Expr, Slot};

/// Scalar operations below which a thread of its own does not pay.
const WORK_PER_THREAD: i64 = 32_768;

/// The kernel of one result. Slots are the buffers `place` says, the result is `Slot::Y(0)`.
pub fn kernel(name: &str, c: &Comp, place: &Place, buffers: usize) -> Kernel {
    let (vars, expr) = flatten(c);
    let mut b = Builder::new(buffers);
    let mut s = Scalar::new(place, false);
    let target = Target { buf: place(Slot::Y(0)), comp: c };
    let cost = cost(&expr);
    let split = if vars.len() >= 3 && small(&vars[vars.len() - 1].1) { 2 } else { 1 };
    let lead = vars.len().saturating_sub(split);
    let (lead, inner) = vars.split_at(lead);
    let (begin, end) = b.range();
    let per_piece = if vars.len() <= 1 { cost.clone() } else { cost * product(inner.iter().map(|v| &v.1)) };
    let work = match vars.len() {
        0 => 1.into(),
        1 => vars[0].1.clone(),
        _ => product(lead.iter().map(|v| &v.1)),
    };
    if vars.len() <= 1 {
        rows(&mut b, &mut s, &target, &expr, vars.first(), begin, end, None);
    } else {
        b.for_(begin, end, 1, |b, row| {
            decompose(b, &mut s, lead, row);
            inner_loops(b, &mut s, &target, &expr, inner, row);
        });
    }
    let grain = Dim::from(WORK_PER_THREAD).div(&per_piece.max_of(&1.into())).max_of(&1.into());
    b.finish(name, work, grain, 0.into())
}

struct Target<'a> {
    buf: Buf,
    comp: &'a Comp,
}

fn small(d: &Dim) -> bool {
    d.as_const().is_some_and(|d| d < 32)
}

/// Gives each variable its part of a row-major number.
pub fn decompose(b: &mut Builder, s: &mut Scalar, vars: &[(u32, Dim)], number: Reg) {
    let mut rest = number;
    for (i, (v, d)) in vars.iter().enumerate().rev() {
        if i == 0 {
            s.bind(*v, rest);
            break;
        }
        let d = b.size(d);
        let part = b.bin(Bin::Rem, rest, d);
        s.bind(*v, part);
        rest = b.bin(Bin::Div, rest, d);
    }
}

fn inner_loops(b: &mut Builder, s: &mut Scalar, t: &Target, e: &Expr, inner: &[(u32, Dim)], row: Reg) {
    let (v, d) = &inner[0];
    let (zero, n) = (b.index(0), b.size(d));
    let base = b.mul(row, n);
    match inner.len() {
        1 => rows(b, s, t, e, Some(&(*v, d.clone())), zero, n, Some(base)),
        _ => b.for_(zero, n, 1, |b, i| {
            s.bind(*v, i);
            let row = b.add(base, i);
            s.scope(None, |s| inner_loops(b, s, t, e, &inner[1..], row));
        }),
    }
}

/// Elements `lo..hi` of the last axis, in lanes where that is possible.
fn rows(
    b: &mut Builder,
    s: &mut Scalar,
    t: &Target,
    e: &Expr,
    var: Option<&(u32, Dim)>,
    lo: Reg,
    hi: Reg,
    base: Option<Reg>,
) {
    let Some((v, d)) = var else {
        let x = s.eval(b, e);
        let zero = b.index(0);
        return store_at(b, t.buf, t.comp.dtype, zero, 0, x);
    };
    let at = |b: &mut Builder, i: Reg| base.map_or(i, |base| b.add(base, i));
    let wide = is_wide(e, *v) && d.as_const().is_none_or(|d| d >= LANES as i64);
    let main = if wide { whole_lanes(b, lo, hi) } else { lo };
    if wide {
        b.for_(lo, main, LANES as i64, |b, i| {
            s.bind(*v, i);
            let at = at(b, i);
            s.scope(Some(*v), |s| {
                let x = s.eval(b, e);
                let x = b.widen(x, LANES as u8);
                store_at(b, t.buf, t.comp.dtype, at, 0, x);
            });
        });
    }
    if wide && d.as_const().is_some_and(|d| base.is_some() && d % LANES as i64 == 0) {
        return;
    }
    b.for_(main, hi, 1, |b, i| {
        s.bind(*v, i);
        let at = at(b, i);
        s.scope(None, |s| {
            let x = s.eval(b, e);
            store_at(b, t.buf, t.comp.dtype, at, 0, x);
        });
    });
}
