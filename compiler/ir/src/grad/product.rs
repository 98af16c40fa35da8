//! Products of matrices.

use super::{Rule, Step, Tape};
use crate::{Attrs, Result, Value};

type Parts = Result<Vec<Option<Value>>>;

/// Operators and their rules, by name.
pub const RULES: &[(&str, Rule)] = &[("Gemm", gemm), ("MatMul", matmul)];

/// The last two axes swapped.
fn transposed(t: &mut Tape, v: Value) -> Result<Value> {
    let rank = t.g.fact(v).rank() as i64;
    let mut perm: Vec<i64> = (0..rank).collect();
    perm.swap(rank as usize - 2, rank as usize - 1);
    t.op("Transpose", Attrs::new().with("perm", perm), &[v])
}

/// A new axis of size 1 where a vector stands for a matrix.
fn as_matrix(t: &mut Tape, v: Value, vector: bool, axis: i64) -> Result<Value> {
    if !vector {
        return Ok(v);
    }
    let axis = t.ints(&[axis]);
    t.plain("Unsqueeze", &[v, axis])
}

/// `Y = A B`: `dA = dY B'` and `dB = A' dY`; a vector is a row on the left, a column on the right.
fn matmul(t: &mut Tape, s: &Step) -> Parts {
    let (a, b) = (s.operand(0)?, s.operand(1)?);
    let (row, column) = (t.g.fact(a).rank() == 1, t.g.fact(b).rank() == 1);
    let (left, right) = (as_matrix(t, a, row, 0)?, as_matrix(t, b, column, 1)?);
    let dy = as_matrix(t, s.dy, column, -1)?;
    let dy = as_matrix(t, dy, row, -2)?;
    let (to, from) = (transposed(t, right)?, transposed(t, left)?);
    let (da, db) = (t.plain("MatMul", &[dy, to])?, t.plain("MatMul", &[from, dy])?);
    let (da, db) = (t.unbroadcast(da, left)?, t.unbroadcast(db, right)?);
    Ok(vec![Some(t.shaped(da, a)?), Some(t.shaped(db, b)?)])
}

/// `Y = alpha A B + beta C`, `A` and `B` transposed when asked to.
fn gemm(t: &mut Tape, s: &Step) -> Parts {
    let (a, b) = (s.operand(0)?, s.operand(1)?);
    let factor = |name, s: &Step| crate::attrs::read::<f32>(s.attrs, name, Some(1.0));
    let (alpha, beta) = (factor("alpha", s)? as f64, factor("beta", s)? as f64);
    let (swap_a, swap_b) = (s.attrs.int("transA", 0)? != 0, s.attrs.int("transB", 0)? != 0);
    let dy = t.scaled(s.dy, alpha)?;
    let product = |t: &mut Tape, x: Value, tx: bool, y: Value, ty: bool| {
        let x = if tx { transposed(t, x)? } else { x };
        let y = if ty { transposed(t, y)? } else { y };
        t.plain("MatMul", &[x, y])
    };
    let da = match swap_a {
        false => product(t, dy, false, b, !swap_b)?,
        true => product(t, b, swap_b, dy, true)?,
    };
    let db = match swap_b {
        false => product(t, a, !swap_a, dy, false)?,
        true => product(t, dy, true, a, swap_a)?,
    };
    let mut out = vec![Some(da), Some(db)];
    if let Some(c) = s.x.get(2).copied().flatten() {
        let dc = t.scaled(s.dy, beta)?;
        out.push(Some(t.unbroadcast(dc, c)?));
    }
    Ok(out)
}
