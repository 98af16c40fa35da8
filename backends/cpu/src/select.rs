//! Which kernel computes a region.

use crate::pack;
use bytes::Bytes;
use dlc_ir::Tensor;
use dlc_ir::lower::rewrite::rewrite;
use dlc_ir::lower::{Comp, Contract, E, Expr, SUM, Slot};
use dlc_plan::Body;
use dlc_vector::contraction::{self, Job};
use dlc_vector::ir::Buf;
use dlc_vector::{Kernel, Level, nest, procedure};

/// A kernel and the operand it wants in another form.
pub struct Choice {
    /// The kernel; its buffers are operands, results, temporaries in order.
    pub kernel: Kernel,
    /// Operand replaced by these bytes.
    pub packed: Option<(usize, Bytes)>,
}

/// The kernel of a region with this many operands and results. `constant` gives the operands that are constants.
pub fn select(
    level: Level,
    name: &str,
    body: &Body,
    x: usize,
    y: usize,
    constant: &dyn Fn(usize) -> Option<Tensor>,
) -> Choice {
    let place = move |s: Slot| {
        Buf::Arg(match s {
            Slot::X(i) => i,
            Slot::Y(i) => x + i,
            Slot::T(i) => x + y + i,
        } as u32)
    };
    match body {
        Body::Comp(c) => Choice { kernel: nest::kernel(level, name, c, &place, x + y), packed: None },
        Body::Contract { contract, epilogue, dtype } => {
            let packed = packed(level, contract, epilogue, constant);
            if !contraction::is_tiled(level, contract, packed.is_some()) {
                let c = untiled(contract, epilogue, *dtype);
                return Choice { kernel: nest::kernel(level, name, &c, &place, x + y), packed: None };
            }
            let slot = packed.as_ref().map(|p| Slot::X(p.0));
            let job = Job { contract: contract.clone(), epilogue: epilogue.clone(), dtype: *dtype, packed: slot };
            Choice { kernel: contraction::kernel(level, name, &job, &place, x + y), packed }
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

/// The second factor in panels, if it is a constant that nothing else of the region reads.
fn packed(
    level: Level,
    c: &Contract,
    epilogue: &Expr,
    constant: &dyn Fn(usize) -> Option<Tensor>,
) -> Option<(usize, Bytes)> {
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
fn untiled(c: &Contract, epilogue: &Expr, dtype: dlc_ir::DType) -> Comp {
    let sum = c.to_comp();
    let expr = rewrite(epilogue, &mut |e| matches!(**e, E::Reg(SUM, _)).then(|| sum.expr.clone()));
    Comp { dtype, shape: sum.shape, expr }
}
