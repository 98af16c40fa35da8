//! Constant factors laid out in panels at compile time.

use bytes::Bytes;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::depends;
use dlc_ir::lower::{Contract, E, Slot};
use dlc_ir::{DType, Tensor};
use dlc_vector::Level;
use dlc_vector::contraction::{Axes, count, panel_dtype, panel_part};

/// The operand whose elements panels hold, if the second factor is no more than a load of one.
pub fn operand(c: &Contract) -> Option<usize> {
    match &*panel_part(c).0 {
        E::Load { slot: Slot::X(i), .. } => Some(*i),
        _ => None,
    }
}

/// Panels `[batch or 1][panels][k][columns]` of a constant; columns beyond the last are zero. `None` when sizes are not
/// known or the address is not linear.
pub fn panels(level: Level, c: &Contract, t: &Tensor) -> Option<Bytes> {
    let width = level.columns();
    let axes = Axes::of(c);
    let (part, _) = panel_part(c);
    let E::Load { index, shape, dtype, .. } = &*part else { return None };
    let address = Linear::address(index, shape);
    if !address.other.is_empty() {
        return None;
    }
    let batch = if depends(&part, &axes.batch) { steps(&axes.batch, &address)? } else { vec![] };
    let (k, n) = (steps(&axes.k, &address)?, steps(&axes.n, &address)?);
    let base = address.constant.as_const()?;
    let to = panel_dtype(&part);
    let columns = usize::try_from(count(&axes.n).as_const()?).ok()?;
    let source = if to == *dtype { t.clone() } else { t.cast(to) };
    let size = to.size();
    let (rows, columns_at) = (positions(&k), positions(&n));
    let batches = positions(&batch);
    let mut out = vec![0u8; batches.len() * columns.div_ceil(width) * rows.len() * width * size];
    let mut at = 0;
    for b in &batches {
        for first in (0..columns).step_by(width) {
            let some = &columns_at[first..columns.min(first + width)];
            for r in &rows {
                for (j, c) in some.iter().enumerate() {
                    let from = usize::try_from(base + b + r + c).ok()? * size;
                    let to = (at + j) * size;
                    out[to..to + size].copy_from_slice(source.bytes().get(from..from + size)?);
                }
                at += width;
            }
        }
    }
    Some(out.into())
}

/// Extent and step of each axis, constants.
fn steps(axes: &[(u32, dlc_ir::Dim)], l: &Linear) -> Option<Vec<(i64, i64)>> {
    axes.iter().map(|(v, d)| Some((d.as_const()?, l.step(*v)?.as_const()?))).collect()
}

/// Address of every index of these axes, row-major.
fn positions(axes: &[(i64, i64)]) -> Vec<i64> {
    axes.iter().fold(vec![0], |all, (n, step)| all.iter().flat_map(|a| (0..*n).map(move |i| a + i * step)).collect())
}

/// Whether elements of this type can be packed as they are.
pub fn is_packable(dtype: DType) -> bool {
    !matches!(dtype, DType::F64 | DType::I64 | DType::U64 | DType::U32 | DType::Bool)
}
