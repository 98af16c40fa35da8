//! Steps that run piece by piece: for each index of their first axes one after the other, so that what one writes is in the
//! nearest cache when the next reads it, and takes the memory of a few pieces only.

use dlc_ir::Dim;
use dlc_ir::dim::product;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::each;
use dlc_ir::lower::{E, Expr, Slot};
use dlc_plan::share::{root, touched};
use dlc_plan::{Block, Body, BufId, Home, Step};
use std::ops::Range;

/// The outermost loops of a kernel: see `dlc_vector::Kernel::outer`.
pub type Outer = Vec<(Expr, Dim)>;

/// Fewest pieces of a chain: threads are to share them.
const LEAST: i64 = 8;
/// Most steps of a chain.
const MOST: usize = 16;
/// Most bytes of one piece of what is between the steps, where they are known: most of a second-level cache.
const BYTES: i64 = 1408 * 1024;

/// Some steps after each other.
#[derive(Debug, PartialEq)]
pub struct Chain {
    /// Which.
    pub steps: Range<usize>,
    /// How many pieces they are cut into.
    pub pieces: Dim,
    /// Buffers that nothing outside of the chain touches, and of which each piece has a part of its own.
    pub own: Vec<BufId>,
}

/// The chains of a block, whose steps' kernels have these loops.
pub fn find(b: &Block, outer: &[Outer]) -> Vec<Chain> {
    let (mut out, mut at) = (vec![], 0);
    while at < b.steps.len() {
        let numbers = (1..=outer[at].len()).rev().map(|n| product(outer[at][..n].iter().map(|o| &o.1)));
        let chains = numbers.filter(|n| n.at_least(LEAST)).filter_map(|n| chain(b, outer, at, &n));
        match chains.max_by_key(|c| c.steps.len()) {
            Some(c) => {
                at = c.steps.end;
                out.push(c);
            }
            None => at += 1,
        }
    }
    out
}

/// The longest chain from a step on of so many pieces.
fn chain(b: &Block, outer: &[Outer], start: usize, pieces: &Dim) -> Option<Chain> {
    let mut links = vec![Link::of(b, start, outer, pieces)?];
    while links.len() < MOST
        && let Some(next) = Link::of(b, start + links.len(), outer, pieces)
    {
        let follows = links.iter().any(|l| l.writes(next.operands()));
        links.push(next);
        if !follows || !are_apart(&links) {
            links.pop();
            break;
        }
    }
    if links.len() == 1 {
        return None;
    }
    let steps = start..start + links.len();
    let own = own(b, &links, &steps);
    let parts = own.iter().map(|id| bytes(b, *id).div(pieces)).fold(Dim::from(0), |a, n| a + n);
    let near = parts.as_const().is_none_or(|n| n <= BYTES);
    (!own.is_empty() && near).then(|| Chain { steps, pieces: pieces.clone(), own })
}

/// A step of a chain.
struct Link<'a> {
    body: &'a Body,
    /// Roots of its operands and of its result.
    operands: Vec<BufId>,
    result: BufId,
    /// The number of the piece that an element of the result belongs to.
    piece: Linear,
    /// Extents of the result's axes.
    axes: Vec<Dim>,
    pieces: Dim,
}

impl<'a> Link<'a> {
    fn of(b: &'a Block, at: usize, outer: &[Outer], pieces: &Dim) -> Option<Link<'a>> {
        let Step::Compute { body, operands, results, scratch, .. } = b.steps.get(at)? else { return None };
        let outer = &outer[at];
        let n = (1..=outer.len()).rev().find(|n| product(outer[..*n].iter().map(|o| &o.1)) == *pieces)?;
        let (index, extents): (Vec<Expr>, Vec<Dim>) = outer[..n].iter().cloned().unzip();
        let axes = match body {
            Body::Comp(c) => c.shape.clone(),
            Body::Contract { contract: c, .. } => c.batch.iter().chain(&c.m).chain(&c.n).cloned().collect(),
            Body::Proc { .. } => return None,
        };
        let [result] = results[..] else { return None };
        let piece = without_ones(Linear::address(&index, &extents), &axes);
        let operands = operands.iter().map(|o| root(b, *o)).collect();
        scratch.is_empty().then(|| Link {
            body,
            operands,
            result: root(b, result),
            piece,
            axes,
            pieces: pieces.clone(),
        })
    }

    fn operands(&self) -> &[BufId] {
        &self.operands
    }

    fn writes(&self, any: &[BufId]) -> bool {
        any.contains(&self.result)
    }

    /// Whether an element at an index of a tensor is in the part of the piece.
    fn is_inside(&self, index: &[Expr], shape: &[Dim]) -> bool {
        let Some(n) = (1..=shape.len()).find(|n| product(&shape[..*n]) == self.pieces) else { return false };
        without_ones(Linear::address(&index[..n], &shape[..n]), &self.axes) == self.piece
    }

    /// Whether each piece writes its own part of the result.
    fn writes_inside(&self) -> bool {
        self.is_inside(&Expr::vars(self.axes.len()), &self.axes)
    }

    /// Whether each piece reads its own part of a buffer only.
    fn reads_inside(&self, of: BufId) -> bool {
        let mut slots = (0..self.operands.len()).filter(|s| self.operands[*s] == of);
        slots.all(|slot| match self.body {
            Body::Comp(c) => self.loads_inside(&c.expr, slot),
            Body::Contract { contract: c, epilogue, .. } => {
                [&c.a, &c.b, epilogue].into_iter().all(|e| self.loads_inside(e, slot))
            }
            Body::Proc { .. } => false,
        })
    }

    fn loads_inside(&self, e: &Expr, slot: usize) -> bool {
        let mut all = true;
        each(e, &mut |e| {
            if let E::Load { slot: Slot::X(s), index, shape, .. } = &**e {
                all = all && (*s != slot || self.is_inside(index, shape));
            }
        });
        all
    }
}

/// Whether what a link writes is read and written by others in the same pieces only.
fn are_apart(links: &[Link<'_>]) -> bool {
    links.iter().enumerate().all(|(i, w)| {
        let others = links.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, l)| l);
        let mut used = others.filter(|l| l.operands.contains(&w.result) || l.result == w.result).peekable();
        let alone = used.peek().is_none();
        alone
            || w.writes_inside()
                && used.all(|l| l.reads_inside(w.result) && (l.result != w.result || l.writes_inside()))
    })
}

/// The buffers of the arena that the chain writes and reads and nothing else touches.
fn own(b: &Block, links: &[Link<'_>], steps: &Range<usize>) -> Vec<BufId> {
    let mut out: Vec<BufId> = links.iter().map(|l| l.result).collect();
    out.sort_unstable();
    out.dedup();
    let outside = b.steps.iter().enumerate().filter(|(i, _)| !steps.contains(i)).flat_map(|(_, s)| touched(s));
    let outside: std::collections::HashSet<BufId> =
        outside.chain(b.outputs.iter().map(|p| p.buffer)).map(|id| root(b, id)).collect();
    out.retain(|id| {
        let whole = |l: &Link<'_>| l.result != *id || l.writes_inside();
        let written_first = links.iter().find(|l| l.operands.contains(id) || l.result == *id);
        let starts = written_first.is_some_and(|l| l.result == *id && !l.operands.contains(id));
        let same = (0..b.buffers.len()).filter(|v| root(b, *v) == *id).all(|v| bytes(b, v) == bytes(b, *id));
        b.buffers[*id].home == Home::Arena
            && !outside.contains(id)
            && starts
            && same
            && links.iter().all(|l| whole(l) && l.reads_inside(*id))
    });
    out
}

fn bytes(b: &Block, id: BufId) -> Dim {
    product(&b.buffers[id].shape) * Dim::from(b.buffers[id].dtype.size())
}

/// The number without what is always 0: indices along axes of one element.
fn without_ones(mut l: Linear, axes: &[Dim]) -> Linear {
    l.vars.retain(|v, _| !axes.get(*v as usize).is_some_and(Dim::is_one));
    l
}
