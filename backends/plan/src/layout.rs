//! The order of axes in memory. Images are kept with their channels last where convolutions make them: every pixel then is a
//! row of a product, read where it is, and channels are lanes. What a graph says of axes is not touched: only addresses are
//! written anew, so that any operator reads and writes either order, and no step is there to change it.

use crate::{Block, Body, BufId, Buffer, Home, Step, region};
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::{each, rewrite, substitute};
use dlc_ir::lower::{Bin, Comp, Contract, E, Expr, SUM, Slot};
use dlc_ir::tensor::for_each_index;
use dlc_ir::{Dim, Tensor};
use std::collections::BTreeMap;

/// Filters below which a convolution keeps positions in lanes.
const FILTERS: i64 = 16;
/// Channels below which an image of floats stays as it is: to move a row of it is a copy, to collect its pixels is not.
const CHANNELS: i64 = 4;

/// Channels below which lanes are better along positions.
const LANES: i64 = 8;

/// Puts channels last in what convolutions read and write, as far as all that touch it can.
pub fn arrange(b: &mut Block) {
    let (moves, mut copies) = (movable(b), BTreeMap::new());
    let steps = std::mem::take(&mut b.steps);
    b.steps = steps.into_iter().flat_map(|s| with_copies(&mut b.buffers, &moves, &mut copies, s)).collect();
    let parts = components(b, &movable(b));
    let mut wanted = vec![false; b.buffers.len()];
    for part in b.steps.iter().flat_map(wants).filter_map(|id| parts[id]) {
        parts.iter().zip(&mut wanted).filter(|(p, _)| **p == Some(part)).for_each(|(_, w)| *w = true);
    }
    if wanted.contains(&true) {
        rewrite_steps(b, &wanted);
        for (buffer, _) in b.buffers.iter_mut().zip(&wanted).filter(|(_, w)| **w) {
            buffer.shape = channels_last(&buffer.shape);
        }
    }
}

/// A step with copies, in an order of their own, of what it takes apart by picks or puts together by them and cannot be moved,
/// and of what is read along with that. What is read is copied once.
fn with_copies(
    buffers: &mut Vec<Buffer>,
    movable: &[bool],
    copies: &mut BTreeMap<BufId, BufId>,
    mut s: Step,
) -> Vec<Step> {
    if !has_picks(&s) {
        return vec![s];
    }
    let wanted = wants(&s);
    let Step::Compute { body, operands, results, node, .. } = &mut s else {
        unreachable!("only a step that computes picks")
    };
    let put = wanted.contains(&results[0]);
    let beside = |id: BufId| put && buffers[id].shape == buffers[results[0]].shape;
    let free = |id: BufId| matches!(buffers[id].home, Home::Arena | Home::Input(_) | Home::Alias(_));
    let many = |id: BufId| buffers[id].shape.get(1).and_then(Dim::as_const).is_some_and(|n| n >= CHANNELS);
    let copied = |id: BufId| !movable[id] && free(id) && many(id) && (wanted.contains(&id) || beside(id));
    let whole = |slot: usize, id: BufId| loads_as(body, slot, &buffers[id].shape);
    let read: Vec<usize> =
        (0..operands.len()).filter(|slot| copied(operands[*slot]) && whole(*slot, operands[*slot])).collect();
    let written = copied(results[0]);
    let (mut before, mut after) = (vec![], vec![]);
    for slot in read {
        let id = operands[slot];
        operands[slot] = *copies.entry(id).or_insert_with(|| {
            let to = another(buffers, id);
            before.push(moved(buffers, id, to, node));
            to
        });
    }
    if written {
        let id = results[0];
        results[0] = another(buffers, id);
        after.push(moved(buffers, results[0], id, node));
    }
    before.into_iter().chain([s]).chain(after).collect()
}

/// A buffer like another.
fn another(buffers: &mut Vec<Buffer>, of: BufId) -> BufId {
    buffers.push(Buffer { home: Home::Arena, live: (0, 0), ..buffers[of].clone() });
    buffers.len() - 1
}

/// The step that copies a buffer.
fn moved(buffers: &[Buffer], from: BufId, to: BufId, node: &str) -> Step {
    let (dtype, shape) = (buffers[from].dtype, buffers[from].shape.clone());
    let expr = Expr::load_slot(Slot::X(0), dtype, &shape, Expr::vars(shape.len()));
    let body = Body::Comp(Comp { dtype, shape, expr });
    Step::Compute { body, operands: vec![from], results: vec![to], scratch: vec![], node: node.into() }
}

fn has_picks(s: &Step) -> bool {
    match s {
        Step::Compute { body: Body::Comp(c), .. } => region::has(&c.expr, &|e| matches!(e, E::Pick(..))),
        _ => false,
    }
}

/// The buffers of a step that are better with channels last: the result of a convolution; and what is taken apart by picks
/// or put together by them, with the channels in lanes.
fn wants(s: &Step) -> Vec<BufId> {
    let Step::Compute { body, operands, results, .. } = s else { return vec![] };
    match body {
        Body::Contract { contract, .. } if is_image(contract) => vec![results[0]],
        Body::Comp(c) if region::has(&c.expr, &|e| matches!(e, E::Pick(..))) => {
            let last = c.shape.len() as u32 - 1;
            let taken = |slot: &usize| channels_in_lanes(&c.expr, *slot, |rank, axis| rank >= 3 && axis == 1, last);
            let read = (0..operands.len()).filter(taken).map(|slot| operands[slot]);
            let put = |slot: usize| channels_in_lanes(&c.expr, slot, |rank, axis| axis + 1 == rank, 1);
            let written = c.shape.len() >= 3 && (0..operands.len()).any(put);
            read.chain(written.then_some(results[0])).collect()
        }
        _ => vec![],
    }
}

/// Whether there are loads of a slot, and all step with this variable along the axis that is asked for.
fn channels_in_lanes(e: &Expr, slot: usize, wanted: impl Fn(usize, usize) -> bool + Copy, var: u32) -> bool {
    let mut found = None;
    let test = |index: &[Expr]| (0..index.len()).any(|a| wanted(index.len(), a) && steps_with(&index[a], var));
    each(e, &mut |e| match &**e {
        E::Load { slot: Slot::X(s), index, .. } if *s == slot => found = Some(found.unwrap_or(true) && test(index)),
        _ => {}
    });
    found == Some(true)
}

/// Whether an index is this variable, that and what does not depend on it, or the place of it in groups.
fn steps_with(index: &Expr, var: u32) -> bool {
    match &**index {
        E::Bin(Bin::Rem, v, n) => matches!((&**v, &**n), (E::Var(v), E::Int(..)) if *v == var),
        _ => Linear::of(index).step(var).is_some_and(|s| s.is_one()),
    }
}

/// `(N, C, D1, ..)` as `(N, D1, .., C)`.
fn channels_last<T: Clone>(axes: &[T]) -> Vec<T> {
    let mut out = axes.to_vec();
    out[1..].rotate_left(1);
    out
}

/// A convolution of one group with constant filters, of which there are enough: batch (image, 1), m filters, n positions, k
/// (channel, taps).
fn is_image(c: &Contract) -> bool {
    let filters = c.m.first().and_then(Dim::as_const).is_some_and(|n| n >= FILTERS);
    let load = matches!(&*c.a, E::Load { slot: Slot::X(_), shape, .. } if shape.len() == c.n.len() + 2);
    let axes = c.batch.len() == 2 && c.m.len() == 1 && !c.n.is_empty() && c.k.len() == c.n.len() + 1;
    axes && c.batch[1].is_one() && filters && load && !mentions(&c.a, 0)
}

/// A convolution with one filter for each channel: batch (image, channel), m one, n positions.
pub(crate) fn is_depthwise(c: &Contract) -> bool {
    c.batch.len() == 2 && c.m.len() == 1 && c.m[0].is_one() && !c.n.is_empty() && !c.batch[1].is_one()
}

/// Buffers of three axes or more that only steps touch whose addresses can be written anew.
fn movable(b: &Block) -> Vec<bool> {
    let many = |d: &Dim| d.as_const().is_none_or(|n| n >= CHANNELS);
    let own = |x: &Buffer| {
        let enough = !x.dtype.is_float() || x.shape.get(1).is_some_and(many);
        matches!(x.home, Home::Arena) && x.shape.len() >= 3 && enough
    };
    let mut out: Vec<bool> = b.buffers.iter().map(own).collect();
    for x in &b.buffers {
        if let Home::Alias(of) = x.home {
            out[of] = false;
        }
    }
    b.inputs.iter().chain(&b.outputs).for_each(|p| out[p.buffer] = false);
    for s in &b.steps {
        fixed(b, s).into_iter().for_each(|id| out[id] = false);
    }
    let before: Vec<BufId> = (0..out.len()).filter(|id| out[*id] && is_before_images(b, &out, *id)).collect();
    before.into_iter().for_each(|id| out[id] = false);
    out
}

/// Whether a buffer of few channels is computed element by element from what keeps its order, and is only moved then: its
/// positions stay in lanes, and the step that moves it puts channels last.
fn is_before_images(b: &Block, movable: &[bool], id: BufId) -> bool {
    let few = b.buffers[id].shape[1].as_const().is_some_and(|n| n < LANES);
    let here = |c: &Comp, e: &Expr| match &**e {
        E::Load { shape, index, .. } => {
            shape.len() < 3 || (shape[..] == c.shape[..] && index[..] == Expr::vars(c.shape.len())[..])
        }
        _ => true,
    };
    let written = |s: &Step| match s {
        Step::Compute { body: Body::Comp(c), operands, results, .. } if results[..] == [id] => {
            let fixed = operands.iter().all(|o| !movable[*o]);
            fixed && c.shape == b.buffers[id].shape && all(&c.expr, &|e| here(c, e))
        }
        _ => false,
    };
    let moved = |s: &Step| match s {
        Step::Compute { body: Body::Comp(_), .. } => true,
        Step::Compute { operands, .. } => !operands.contains(&id),
        _ => true,
    };
    few && b.steps.iter().any(written) && b.steps.iter().all(moved)
}

fn all(e: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
    let mut good = test(e);
    e.for_children(&mut |c| good = good && all(c, test));
    good
}

/// Buffers of a step whose order it needs as it is.
fn fixed(b: &Block, s: &Step) -> Vec<BufId> {
    match s {
        Step::Compute { body, operands, results, .. } => {
            let shape = |id: BufId| &b.buffers[id].shape[..];
            let other = |(slot, id): (usize, &BufId)| (!loads_as(body, slot, shape(*id))).then_some(*id);
            let mut out: Vec<BufId> = operands.iter().enumerate().filter_map(other).collect();
            let result = match body {
                Body::Comp(c) => c.shape == shape(results[0]),
                Body::Contract { contract: c, .. } => {
                    let axes: Vec<Dim> = match is_image(c) {
                        true => c.batch[..1].iter().chain(&c.m).chain(&c.n).cloned().collect(),
                        false => c.batch.iter().chain(&c.n).cloned().collect(),
                    };
                    (is_image(c) || is_depthwise(c)) && axes == shape(results[0])
                }
                Body::Proc { .. } => false,
            };
            if !result {
                out.extend(results);
            }
            if matches!(body, Body::Proc { .. }) {
                out.extend(operands);
            }
            out
        }
        Step::Bind { buffer, .. } => vec![*buffer],
        Step::If { cond, inputs, outputs, .. } => {
            inputs.iter().chain(outputs).map(|p| p.buffer).chain([*cond]).collect()
        }
        Step::Loop { trips, cond, carried, captured, outputs, .. } => {
            let ports = carried.iter().chain(captured).chain(outputs).map(|p| p.buffer);
            ports.chain(trips.iter().chain(cond).copied()).collect()
        }
    }
}

fn exprs(body: &Body) -> Vec<&Expr> {
    match body {
        Body::Comp(c) => vec![&c.expr],
        Body::Contract { contract: c, epilogue, .. } => vec![&c.a, &c.b, epilogue],
        Body::Proc { .. } => vec![],
    }
}

/// Whether every load of an operand sees it under this shape.
fn loads_as(body: &Body, slot: usize, shape: &[Dim]) -> bool {
    let mut all = true;
    for e in exprs(body) {
        each(e, &mut |e| match &**e {
            E::Load { slot: Slot::X(s), shape: seen, .. } if *s == slot => all &= seen[..] == *shape,
            _ => {}
        });
    }
    all
}

/// The component of each buffer that may be moved: buffers of one rank that a step reads and writes are in one.
fn components(b: &Block, movable: &[bool]) -> Vec<Option<BufId>> {
    let mut parts: Vec<Option<BufId>> = movable.iter().enumerate().map(|(id, m)| m.then_some(id)).collect();
    let rank = |id: BufId| b.buffers[id].shape.len();
    for s in &b.steps {
        let Step::Compute { operands, results, .. } = s else { continue };
        let result = results[0];
        for id in operands.iter().filter(|id| rank(**id) == rank(result)) {
            if let (Some(x), Some(y)) = (parts[*id], parts[result])
                && x != y
            {
                parts.iter_mut().filter(|p| **p == Some(x)).for_each(|p| *p = Some(y));
            }
        }
    }
    parts
}

fn rewrite_steps(b: &mut Block, wanted: &[bool]) {
    let mut steps = std::mem::take(&mut b.steps);
    for s in &mut steps {
        let Step::Compute { body, operands, results, .. } = s else { continue };
        let moved: Vec<bool> = operands.iter().map(|id| wanted[*id]).collect();
        if moved.contains(&true) {
            *body = with_exprs(body, &|e| read_moved(e, &moved));
        }
        if results.len() == 1 && wanted[results[0]] {
            *body = written_last(body);
            last_in_constants(b, body, operands);
        }
    }
    b.steps = steps;
}

fn with_exprs(body: &Body, f: &dyn Fn(&Expr) -> Expr) -> Body {
    match body {
        Body::Comp(c) => Body::Comp(Comp { expr: f(&c.expr), ..c.clone() }),
        Body::Contract { contract: c, epilogue, dtype } => {
            let contract = Contract { a: f(&c.a), b: f(&c.b), ..c.clone() };
            Body::Contract { contract, epilogue: f(epilogue), dtype: *dtype }
        }
        Body::Proc { .. } => body.clone(),
    }
}

/// Loads of operands with channels last.
fn read_moved(e: &Expr, moved: &[bool]) -> Expr {
    rewrite(e, &mut |e| match &**e {
        E::Load { slot: Slot::X(i), dtype, shape, index } if moved[*i] => {
            Some(Expr::load_slot(Slot::X(*i), *dtype, &channels_last(shape), channels_last(index)))
        }
        _ => None,
    })
}

/// The same results in the order of a buffer with channels last.
fn written_last(body: &Body) -> Body {
    match body {
        Body::Comp(c) => Body::Comp(comp_last(c)),
        Body::Contract { contract: c, epilogue, dtype } if is_image(c) => {
            let (contract, epilogue) = pixels_by_filters(c, epilogue);
            Body::Contract { contract, epilogue, dtype: *dtype }
        }
        Body::Contract { contract: c, epilogue, dtype } => {
            // (image, channel, one, positions): the axis of one filter goes, and its variable with it.
            let sum = c.to_comp();
            let rank = c.n.len() + 2;
            let number = |v: u32| match v as usize {
                2 => Some(Expr::int(0)),
                v if v > 2 && v <= rank => Some(Expr::var(v as u32 - 1)),
                _ => None,
            };
            let expr = rewrite(epilogue, &mut |e| matches!(**e, E::Reg(SUM, _)).then(|| sum.expr.clone()));
            let shape = c.batch.iter().chain(&c.n).cloned().collect();
            Body::Comp(comp_last(&Comp { dtype: *dtype, shape, expr: substitute(&expr, &number) }))
        }
        Body::Proc { .. } => body.clone(),
    }
}

fn comp_last(c: &Comp) -> Comp {
    let rank = c.shape.len() as u32;
    let number = |v: u32| match v {
        1 => Some(Expr::var(rank - 1)),
        v if v > 1 && v < rank => Some(Expr::var(v - 1)),
        _ => None,
    };
    Comp { dtype: c.dtype, shape: channels_last(&c.shape), expr: substitute(&c.expr, &number) }
}

/// A convolution as a product of pixels by filters: m (image, positions), n filters, k (taps, channel).
fn pixels_by_filters(c: &Contract, epilogue: &Expr) -> (Contract, Expr) {
    let n = c.n.len() as u32;
    let number = |v: u32| match v {
        0 => Expr::var(0),
        1 => Expr::int(0),
        2 => Expr::var(n + 1),
        v if v < n + 3 => Expr::var(v - 2),
        v if v == n + 3 => Expr::var(2 * n + 2),
        v => Expr::var(v - 2),
    };
    let to = |e: &Expr| substitute(e, &|v| (v <= 2 * n + 3).then(|| number(v)));
    let mut k = c.k.clone();
    k.rotate_left(1);
    let m = c.batch[..1].iter().chain(&c.n).cloned().collect();
    let contract = Contract { batch: vec![], m, n: c.m.clone(), k, a: to(&c.b), b: to(&c.a), ..c.clone() };
    (contract, to(epilogue))
}

/// Constants that a comprehension with channels last reads along another axis get that axis last, too.
fn last_in_constants(b: &mut Block, body: &mut Body, operands: &mut [BufId]) {
    let Body::Comp(c) = body else { return };
    let channel = c.shape.len() as u32 - 1;
    for slot in 0..operands.len() {
        let Home::Const(t) = &b.buffers[operands[slot]].home else { continue };
        let Some(axis) = axis_of(&c.expr, slot, channel, t.shape()) else { continue };
        let (t, rank) = (moved_last(t, axis), t.rank());
        let shape: Vec<Dim> = t.shape().iter().map(|d| (*d).into()).collect();
        b.buffers.push(Buffer { home: Home::Const(t), shape, ..b.buffers[operands[slot]].clone() });
        operands[slot] = b.buffers.len() - 1;
        let last = |v: &[Expr]| [&v[..axis], &v[axis + 1..rank], &v[axis..=axis]].concat();
        let sizes = |v: &[Dim]| [&v[..axis], &v[axis + 1..rank], &v[axis..=axis]].concat();
        c.expr = rewrite(&c.expr, &mut |e| match &**e {
            E::Load { slot: Slot::X(i), dtype, shape, index } if *i == slot => {
                Some(Expr::load_slot(Slot::X(slot), *dtype, &sizes(shape), last(index)))
            }
            _ => None,
        });
    }
}

/// The axis along which all loads of a constant step with a variable, where another is after it.
fn axis_of(e: &Expr, slot: usize, var: u32, shape: &[usize]) -> Option<usize> {
    let mut found: Vec<Option<usize>> = vec![];
    each(e, &mut |e| {
        if let E::Load { slot: Slot::X(s), shape: seen, index, .. } = &**e
            && *s == slot
        {
            let same =
                seen.len() == shape.len() && seen.iter().zip(shape).all(|(d, n)| d.as_const() == Some(*n as i64));
            let axes: Vec<usize> = (0..index.len()).filter(|a| mentions(&index[*a], var)).collect();
            let plain = |a: usize| Linear::of(&index[a]).step(var).is_some_and(|s| s.is_one());
            found.push(match axes[..] {
                [a] if same && plain(a) => Some(a),
                _ => None,
            });
        }
    });
    let first = (*found.first()?)?;
    let behind: usize = shape[first + 1..].iter().product();
    (behind > 1 && found.iter().all(|f| *f == Some(first))).then_some(first)
}

/// The tensor with an axis moved behind the others.
fn moved_last(t: &Tensor, axis: usize) -> Tensor {
    let (mut shape, mut strides) = (t.shape().to_vec(), t.strides());
    let (n, step) = (shape.remove(axis), strides.remove(axis));
    shape.push(n);
    strides.push(step);
    let size = t.dtype().size();
    let mut out = Vec::with_capacity(t.bytes().len());
    for_each_index(&shape, |i| {
        let at: usize = i.iter().zip(&strides).map(|(i, s)| i * s).sum();
        out.extend_from_slice(&t.bytes()[at * size..(at + 1) * size]);
    });
    Tensor::from_bytes(t.dtype(), &shape, out.into()).unwrap_or_else(|_| t.clone())
}
