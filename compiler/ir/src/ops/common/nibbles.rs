//! Numbers of 2, 4 or 8 bits, several in a byte, as a graph.

use super::builder::Builder;
use crate::{Attrs, DType, Result, Value, ensure};

/// The numbers in the bytes of `v` along its last axis, as bytes: those of the low bits first, or those of the high bits.
pub fn unpacked(b: &mut Builder, v: Value, bits: i64, low_first: bool) -> Result<Value> {
    ensure!(matches!(bits, 2 | 4 | 8), "attribute bits is {bits}, expected 2, 4 or 8");
    ensure!(b.g.fact(v).dtype == DType::U8, "an operand of packed numbers has type {}, expected u8", b.g.fact(v).dtype);
    ensure!(b.g.fact(v).rank() > 0, "an operand of packed numbers is {}, expected rank 1 or more", b.g.fact(v));
    if bits == 8 {
        return Ok(v);
    }
    let mask = b.number(DType::U8, ((1 << bits) - 1) as f64);
    let axes = b.ints(&[-1]);
    let mut shifts: Vec<i64> = (0..8 / bits).map(|i| i * bits).collect();
    if !low_first {
        shifts.reverse();
    }
    let mut parts = vec![];
    for shift in shifts {
        let by = b.number(DType::U8, shift as f64);
        let part = b.op("BitShift", Attrs::new().with("direction", "RIGHT"), &[v, by])?;
        let part = b.plain("BitwiseAnd", &[part, mask])?;
        parts.push(b.plain("Unsqueeze", &[part, axes])?);
    }
    let all = b.op("Concat", Attrs::new().with("axis", -1i64), &parts)?;
    let rank = b.g.fact(v).rank();
    let shape: Vec<i64> = vec![0; rank - 1].into_iter().chain([-1]).collect();
    b.reshape(all, &shape)
}
