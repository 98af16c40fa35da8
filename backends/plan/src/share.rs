//! Lifetimes of buffers, and results written over operands that die.

use crate::region::has;
use crate::{Block, Body, BufId, Home, Step};
use dlc_ir::dim::product;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::{E, Expr, Slot, Ty};
use dlc_ir::{DType, Dim};

/// Decides which results take the place of an operand, then sets every buffer's lifetime.
pub fn share(b: &mut Block) {
    in_place(b);
    lifetimes(b);
}

/// The buffer whose bytes these are.
pub fn root(b: &Block, mut id: BufId) -> BufId {
    while let Home::Alias(of) = b.buffers[id].home {
        id = of;
    }
    id
}

/// Buffers a step reads and writes.
pub fn touched(s: &Step) -> Vec<BufId> {
    match s {
        Step::Compute { operands, results, scratch, .. } => [&operands[..], results, scratch].concat(),
        Step::Bind { buffer, .. } => vec![*buffer],
        Step::If { cond, inputs, outputs, .. } => {
            let ports = inputs.iter().chain(outputs).map(|p| p.buffer);
            std::iter::once(*cond).chain(ports).collect()
        }
        Step::Loop { trips, cond, carried, captured, outputs, .. } => {
            let ports = carried.iter().chain(captured).chain(outputs).map(|p| p.buffer);
            trips.iter().chain(cond).copied().chain(ports).collect()
        }
    }
}

/// Last step that touches each root; outputs are never done.
fn last_uses(b: &Block) -> Vec<usize> {
    let mut last = vec![0; b.buffers.len()];
    for (at, s) in b.steps.iter().enumerate() {
        for id in touched(s) {
            let r = root(b, id);
            last[r] = last[r].max(at);
        }
    }
    for p in &b.outputs {
        let r = root(b, p.buffer);
        last[r] = usize::MAX;
    }
    last
}

fn in_place(b: &mut Block) {
    for at in 0..b.steps.len() {
        let Step::Compute { body, operands, results, .. } = &b.steps[at] else { continue };
        let [result] = results[..] else { continue };
        let last = last_uses_from(b, at);
        let pick = operands.iter().enumerate().find(|(slot, id)| {
            let r = root(b, **id);
            let dies = matches!(b.buffers[r].home, Home::Arena) && !last.contains(&r) && r != root(b, result);
            dies && once(b, operands, r) && same_bytes(b, **id, result) && in_order(body, *slot)
        });
        if let Some((_, id)) = pick {
            b.buffers[result].home = Home::Alias(*id);
        }
    }
}

/// Roots used after step `at`, or by outputs.
fn last_uses_from(b: &Block, at: usize) -> std::collections::HashSet<BufId> {
    let later = b.steps[at + 1..].iter().flat_map(touched);
    later.chain(b.outputs.iter().map(|p| p.buffer)).map(|id| root(b, id)).collect()
}

fn once(b: &Block, operands: &[BufId], r: BufId) -> bool {
    operands.iter().filter(|o| root(b, **o) == r).count() == 1
}

fn same_bytes(b: &Block, x: BufId, y: BufId) -> bool {
    let size = |id: BufId| product(&b.buffers[id].shape) * Dim::from(b.buffers[id].dtype.size());
    b.buffers[x].dtype.size() == b.buffers[y].dtype.size() && size(x) == size(y) && size(root(b, x)) == size(y)
}

/// Whether every element of operand `slot` is read only for the result element at the same position.
fn in_order(body: &Body, slot: usize) -> bool {
    let (axes, exprs): (Vec<Dim>, Vec<&Expr>) = match body {
        Body::Comp(c) if sums_integers(&c.expr) => return false,
        Body::Comp(c) => (c.shape.clone(), vec![&c.expr]),
        Body::Contract { contract: c, epilogue, .. } => {
            // Integer sums are exact, so that a backend may compute and store one twice.
            if c.acc == Ty::I32 || reads(&c.a, slot) || reads(&c.b, slot) {
                return false;
            }
            (c.batch.iter().chain(&c.m).chain(&c.n).cloned().collect(), vec![epilogue])
        }
        Body::Proc { .. } => return false,
    };
    let index: Vec<Expr> = Expr::vars(axes.len());
    let here = Linear::address(&index, &axes);
    let ones = |l: Linear| drop_ones(l, &axes);
    let here = ones(here);
    exprs.iter().all(|e| all_loads(e, slot, &|index, shape, _| ones(Linear::address(index, shape)) == here))
}

fn sums_integers(e: &Expr) -> bool {
    has(e, &|e| matches!(e, E::Reduce(_, _, x) if x.ty() == Ty::I32))
}

fn drop_ones(mut l: Linear, axes: &[Dim]) -> Linear {
    l.vars.retain(|v, _| !axes.get(*v as usize).is_some_and(Dim::is_one));
    l
}

fn reads(e: &Expr, slot: usize) -> bool {
    !all_loads(e, slot, &|_, _, _| false)
}

fn all_loads(e: &Expr, slot: usize, ok: &dyn Fn(&[Expr], &[Dim], DType) -> bool) -> bool {
    let wrong = |e: &E| match e {
        E::Load { slot: Slot::X(s), index, shape, dtype } => *s == slot && !ok(index, shape, *dtype),
        E::Reduce(_, _, x) => has(x, &|e| matches!(e, E::Load { slot: Slot::X(s), .. } if *s == slot)),
        _ => false,
    };
    !has(e, &wrong)
}

fn lifetimes(b: &mut Block) {
    let last = last_uses(b);
    let mut first = vec![usize::MAX; b.buffers.len()];
    for (at, s) in b.steps.iter().enumerate() {
        for id in touched(s) {
            let r = root(b, id);
            first[r] = first[r].min(at);
        }
    }
    for (id, buf) in b.buffers.iter_mut().enumerate() {
        buf.live = (first[id].min(last[id]), last[id]);
    }
}
