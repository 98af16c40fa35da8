//! Constant factors laid out in panels at compile time.

use bytes::Bytes;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::depends;
use dlc_ir::lower::{Comp, Contract, E, Expr, Slot};
use dlc_ir::{DType, Tensor};
use dlc_vector::Level;
use dlc_vector::contraction::dot::{Bytes as Dots, first_columns};
use dlc_vector::contraction::pairs::Pairs;
use dlc_vector::contraction::{Axes, count, panel_dtype, panel_part};
use dlc_vector::depthwise::Depthwise;

/// The operand whose elements panels hold, if the second factor is no more than a load of one.
pub fn operand(c: &Contract) -> Option<usize> {
    match &*panel_part(c).0 {
        E::Load { slot: Slot::X(i), .. } => Some(*i),
        _ => None,
    }
}

/// Panels `[batches][panels][k][columns]` of a constant, a batch for each index of the batch axes that it depends on; columns
/// beyond the last are zero. `None` when sizes are not
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
    let batch = steps(&batches(&part, &axes), &address)?;
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

/// Panels `[batches][panel][sums of the columns][fours][columns][4]` of constant bytes: see
/// [`dlc_vector::contraction::dot`].
pub fn fours(level: Level, c: &Contract, d: &Dots, t: &Tensor) -> Option<Bytes> {
    let axes = Axes::of(c);
    let E::Load { index, shape, .. } = &*d.b else { return None };
    let address = Linear::address(index, shape);
    if !address.other.is_empty() {
        return None;
    }
    let batch = steps(&batches(&d.b, &axes), &address)?;
    let (k, n) = (positions(&steps(&axes.k, &address)?), positions(&steps(&axes.n, &address)?));
    let base = address.constant.as_const()?;
    let mut out = vec![];
    for b in positions(&batch) {
        for panel in 0..n.len().div_ceil(level.columns()) {
            let element = |row: i64, column: i64| {
                let at = usize::try_from(base + b + row + column).ok()?;
                Some(i64::try_from((at < t.len()).then(|| t.at(at))?.i()).ok()? - d.moved())
            };
            out.extend(panel_of_fours(level, d, &k, &n, panel, &element)?);
        }
    }
    Some(out.into())
}

/// Panels `[batches][panel][pairs of the sum][columns][2]` of constant bf16 numbers; columns beyond the last are zero: see
/// [`dlc_vector::contraction::pairs`].
pub fn twos(level: Level, c: &Contract, p: &Pairs, t: &Tensor) -> Option<Bytes> {
    let axes = Axes::of(c);
    let E::Load { index, shape, .. } = &*p.b else { return None };
    let address = Linear::address(index, shape);
    if !address.other.is_empty() || t.dtype() != DType::BF16 {
        return None;
    }
    let batch = steps(&batches(&p.b, &axes), &address)?;
    let (k, n) = (positions(&steps(&axes.k, &address)?), positions(&steps(&axes.n, &address)?));
    let (base, batch) = (address.constant.as_const()?, positions(&batch));
    let (width, panel) = (level.columns(), usize::try_from(p.panel(level)).ok()?);
    let run = usize::try_from(p.run()).ok()?;
    let mut out = vec![0u8; batch.len() * n.len().div_ceil(width) * panel];
    for (b, panels) in batch.iter().zip(out.chunks_mut(n.len().div_ceil(width) * panel)) {
        for (columns, panel) in n.chunks(width).zip(panels.chunks_mut(panel)) {
            for (i, row) in k.iter().enumerate() {
                let (word, half) = (i / run * run.div_ceil(2) + i % run / 2, i % run % 2);
                for (j, column) in columns.iter().enumerate() {
                    let from = 2 * usize::try_from(base + b + row + column).ok()?;
                    let to = 4 * (word * width + j) + 2 * half;
                    panel[to..to + 2].copy_from_slice(t.bytes().get(from..from + 2)?);
                }
            }
        }
    }
    Some(out.into())
}

/// Filters of single channels, `[sums of the channels][rows][words][channels][4]`: see [`dlc_vector::depthwise`].
pub fn filters(c: &Comp, d: &Depthwise, t: &Tensor) -> Option<Bytes> {
    let E::Load { index, shape, .. } = &*d.w else { return None };
    let address = Linear::address(index, shape);
    let channel = c.shape.len() as u32 - 1;
    let (n, step) = (c.shape[channel as usize].as_const()?, address.step(channel)?.as_const()?);
    let axes: Vec<(u32, dlc_ir::Dim)> = d.rows.iter().map(|(v, n)| (*v, (*n).into())).collect();
    let (rows, tap) = (positions(&steps(&axes, &address)?), address.step(d.taps.0)?.as_const()?);
    let base = address.constant.as_const()?;
    let others = address.vars.keys().all(|v| *v == channel || *v == d.taps.0 || d.rows.iter().any(|r| r.0 == *v));
    let width = usize::try_from(n).ok()?;
    let mut out = vec![0u8; width * 4 * (1 + usize::try_from(d.height() * d.words()).ok()?)];
    for c in 0..width {
        let mut sum = 0i32;
        for (r, row) in rows.iter().enumerate() {
            for k in 0..d.taps.1 as usize {
                let at = usize::try_from(base + c as i64 * step + row + k as i64 * tap).ok()?;
                let v = (at < t.len()).then(|| t.at(at))?.i() as i8;
                let word = 1 + r * d.words() as usize + k / 4;
                out[(word * width + c) * 4 + k % 4] = v as u8;
                sum += i32::from(v);
            }
        }
        out[4 * c..4 * c + 4].copy_from_slice(&sum.to_le_bytes());
    }
    (others && address.other.is_empty() && t.dtype() == DType::I8).then(|| out.into())
}

/// One panel; `element` is that at the positions of a row and a column.
fn panel_of_fours(
    level: Level,
    d: &Dots,
    k: &[i64],
    n: &[i64],
    panel: usize,
    element: &dyn Fn(i64, i64) -> Option<i64>,
) -> Option<Vec<u8>> {
    let (width, run) = (level.columns() * 4, usize::try_from(d.run()).ok()?);
    let mut out = vec![0u8; usize::try_from(d.panel(level)).ok()?];
    let starts = first_columns(level, n.len(), panel);
    let columns = starts.iter().flat_map(|s| &n[*s..*s + level.lanes()]);
    for (j, column) in columns.enumerate() {
        let mut sum = 0i32;
        for (i, row) in k.iter().enumerate() {
            let (word, byte) = (i / run * run.div_ceil(4) + i % run / 4, i % run % 4);
            let v = element(*row, *column)?;
            out[width * (1 + word) + 4 * j + byte] = v as i8 as u8;
            sum = sum.wrapping_add(v as i32);
        }
        out[4 * j..4 * j + 4].copy_from_slice(&sum.to_le_bytes());
    }
    Some(out)
}

/// The batch axes that a factor depends on.
fn batches(e: &Expr, axes: &Axes) -> Vec<(u32, dlc_ir::Dim)> {
    axes.batch.iter().filter(|a| depends(e, std::slice::from_ref(a))).cloned().collect()
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
