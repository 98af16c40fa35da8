//! Which kernel computes a region.

use crate::pack;
use bytes::Bytes;
use dlc_ir::lower::rewrite::rewrite;
use dlc_ir::lower::{Comp, Contract, E, Expr, SUM, Slot};
use dlc_ir::{DType, Tensor};
use dlc_plan::Body;
use dlc_vector::contraction::{self, Job, dot, pairs};
use dlc_vector::ir::Buf;
use dlc_vector::{Kernel, Level, depthwise, nest, procedure, unrolled};

/// A kernel and the operand it wants in another form.
pub struct Choice {
    /// The kernel; its buffers are operands, results, temporaries in order.
    pub kernel: Kernel,
    /// Operand replaced by these bytes.
    pub packed: Packed,
}

/// An operand and its bytes in panels.
type Packed = Option<(usize, Bytes)>;
/// The operands that are constants.
pub type Constants<'a> = dyn Fn(usize) -> Option<Tensor> + 'a;

/// The kernel of a region with this many operands and results. `constant` gives the operands that are constants.
pub fn select(level: Level, name: &str, body: &Body, x: usize, y: usize, constant: &Constants) -> Choice {
    let place = move |s: Slot| {
        Buf::Arg(match s {
            Slot::X(i) => i,
            Slot::Y(i) => x + i,
            Slot::T(i) => x + y + i,
        } as u32)
    };
    match body {
        Body::Comp(c) if let Some((d, packed)) = filters(level, c, constant) => Choice {
            kernel: depthwise::kernel(level, &name.replace("map", "bytes"), c, &d, &place, x + y),
            packed: Some(packed),
        },
        Body::Comp(c) => {
            let kernel = match unrolled::of(c) {
                Some(u) => u.kernel(level, name, &place, x + y),
                None => nest::kernel(level, name, c, &place, x + y),
            };
            Choice { kernel, packed: None }
        }
        Body::Contract { contract, epilogue, dtype } => {
            let tiled = of_bytes(level, contract, epilogue, *dtype, constant)
                .or_else(|| of_pairs(level, contract, epilogue, *dtype, constant))
                .or_else(|| tiled(level, contract, epilogue, *dtype, constant));
            let Some((job, packed)) = tiled.or_else(|| exchanged(level, contract, epilogue, *dtype, constant)) else {
                let c = untiled(contract, epilogue, *dtype);
                return Choice { kernel: nest::kernel(level, name, &c, &place, x + y), packed: None };
            };
            let name = if job.bytes { name.replace("contract", "bytes") } else { name.into() };
            Choice { kernel: contraction::kernel(level, &name, &job, &place, x + y), packed }
        }
        Body::Proc { body, shapes } => {
            let shape = |s: Slot| match s {
                Slot::Y(i) => shapes[i].clone(),
                Slot::T(i) => body.scratch[i].1.clone(),
                Slot::X(_) => vec![],
            };
            let n = x + y + body.scratch.len();
            Choice { kernel: procedure::kernel(level, name, body, &place, &shape, n), packed: None }
        }
    }
}

/// A convolution of bytes by channels, and its filters packed.
fn filters(level: Level, c: &Comp, constant: &Constants) -> Option<(depthwise::Depthwise, (usize, Bytes))> {
    let d = depthwise::depthwise(level, c)?;
    let E::Load { slot: Slot::X(i), .. } = &*d.w else { return None };
    let packed = pack::filters(c, &d, &constant(*i)?).filter(|_| !d.reads(*i))?;
    let i = *i;
    Some((d, (i, packed)))
}

/// The product of bytes, and the operand that is packed for it.
fn of_bytes(level: Level, c: &Contract, epilogue: &Expr, dtype: DType, constant: &Constants) -> Option<(Job, Packed)> {
    let d = dot::bytes(level, c)?;
    let E::Load { slot: Slot::X(i), .. } = &*d.b else { return None };
    let moved = match d.b_zero.as_deref() {
        None => d.moved() == 0,
        Some(E::Load { slot: Slot::X(z), .. }) => {
            constant(*z).is_some_and(|z| z.iter().all(|z| z.i() == d.moved().into()))
        }
        Some(_) => false,
    };
    let job = Job {
        contract: c.clone(),
        epilogue: epilogue.clone(),
        dtype,
        packed: Some(Slot::X(*i)),
        bytes: true,
        pairs: false,
        row_sums: !moved,
        transposed: false,
    };
    let axes = contraction::Axes::of(c);
    let one = d.b_zero.as_ref().is_none_or(|z| !dlc_ir::lower::rewrite::depends(z, &axes.n));
    if !(moved || one) || !dot::is_wide(level, &job) || [&c.a, epilogue].into_iter().any(|e| reads(e, *i)) {
        return None;
    }
    let panels = pack::fours(level, c, &d, &constant(*i)?)?;
    Some((job, Some((*i, panels))))
}

/// The product of bf16 numbers, and the operand that is packed for it, if that is constant.
fn of_pairs(level: Level, c: &Contract, epilogue: &Expr, dtype: DType, constant: &Constants) -> Option<(Job, Packed)> {
    let p = pairs::pairs(level, c)?;
    let E::Load { slot: Slot::X(i), .. } = &*p.b else { return None };
    let alone = ![&c.a, epilogue].into_iter().any(|e| reads(e, *i));
    let panels = constant(*i).filter(|_| alone).and_then(|t| pack::twos(level, c, &p, &t));
    let tiled = contraction::is_tiled(level, c, panels.is_some()) && (panels.is_some() || pairs::is_packed(c, &p));
    let packed = panels.map(|p| (*i, p));
    let job = Job {
        contract: c.clone(),
        epilogue: epilogue.clone(),
        dtype,
        packed: packed.as_ref().map(|p| Slot::X(p.0)),
        bytes: false,
        pairs: true,
        row_sums: false,
        transposed: false,
    };
    tiled.then_some((job, packed))
}

/// The product by tiles, and the operand that is packed for them.
fn tiled(level: Level, c: &Contract, epilogue: &Expr, dtype: DType, constant: &Constants) -> Option<(Job, Packed)> {
    let packed = packed(level, c, epilogue, constant);
    let slot = packed.as_ref().map(|p| Slot::X(p.0));
    let job = || Job {
        contract: c.clone(),
        epilogue: epilogue.clone(),
        dtype,
        packed: slot,
        bytes: false,
        pairs: false,
        row_sums: false,
        transposed: false,
    };
    contraction::is_tiled(level, c, packed.is_some()).then(|| (job(), packed))
}

/// The same with the factors' roles exchanged, for few columns and a first factor that is constant: a convolution of few
/// positions. Its sums are those that a tile of the same columns gives.
fn exchanged(level: Level, c: &Contract, epilogue: &Expr, dtype: DType, constant: &Constants) -> Option<(Job, Packed)> {
    let (c, epilogue) = contraction::exchanged(c, epilogue);
    let (job, packed) = tiled(level, &c, &epilogue, dtype, constant)?;
    packed.is_some().then_some((Job { transposed: true, ..job }, packed))
}

/// The second factor in panels, if it is a constant that nothing else of the region reads.
fn packed(level: Level, c: &Contract, epilogue: &Expr, constant: &Constants) -> Packed {
    let i = pack::operand(c)?;
    let t = constant(i).filter(|t| pack::is_packable(t.dtype()))?;
    let (_, rest) = contraction::panel_part(c);
    if [&c.a, &rest, epilogue].into_iter().any(|e| reads(e, i)) {
        return None;
    }
    Some((i, pack::panels(level, c, &t)?))
}

fn reads(e: &Expr, slot: usize) -> bool {
    let mut found = matches!(&**e, E::Load { slot: Slot::X(s), .. } if *s == slot);
    e.for_children(&mut |c| found = found || reads(c, slot));
    found
}

/// A contraction with its epilogue as a plain expression over (batch, m, n).
fn untiled(c: &Contract, epilogue: &Expr, dtype: DType) -> Comp {
    let sum = c.to_comp();
    let expr = rewrite(epilogue, &mut |e| matches!(**e, E::Reg(SUM, _)).then(|| sum.expr.clone()));
    Comp { dtype, shape: sum.shape, expr }
}
