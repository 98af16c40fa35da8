//! Conversion between element types as an expression.

use crate::DType;
use crate::lower::{E, Expr, Ty};

/// `x` as an element of `to`, as ONNX `Cast` converts: floats truncate and saturate, integers wrap, bool is `!= 0`.
pub fn convert(x: &Expr, to: DType) -> Expr {
    let ty = Ty::of(to);
    let y = x.cast(ty);
    match to.int_range() {
        // The type that is computed with may be wider than the element.
        Some((lo, hi)) if x.ty().is_float() && !matches!(ty, Ty::U64 | Ty::Bool) => {
            y.max(&whole(ty, lo as i64)).min(&whole(ty, hi as i64))
        }
        _ => y,
    }
}

/// An integer or bool constant, exactly.
pub fn whole(ty: Ty, v: i64) -> Expr {
    E::Int(ty, v).into()
}
