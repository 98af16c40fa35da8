//! Overlap of boxes, in f32 as detection models define their thresholds.

use crate::lower::{Expr, Ty};

/// Corners `(y1, x1, y2, x2)` with the smaller first, of a box given as two opposite corners or as
/// `(x center, y center, width, height)`.
pub fn corners(b: [f32; 4], center: bool) -> [f32; 4] {
    match center {
        true => {
            let (w, h) = (b[2] / 2.0, b[3] / 2.0);
            [b[1] - h, b[0] - w, b[1] + h, b[0] + w]
        }
        false => [b[0].min(b[2]), b[1].min(b[3]), b[0].max(b[2]), b[1].max(b[3])],
    }
}

/// Whether the intersection is more than `threshold` of the union; never for a box without area.
pub fn overlap(a: [f32; 4], b: [f32; 4], threshold: f32) -> bool {
    let area = |c: [f32; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    let side = |k: usize| (a[k + 2].min(b[k + 2]) - a[k].max(b[k])).max(0.0);
    let both = side(0) * side(1);
    area(a) > 0.0 && area(b) > 0.0 && both / (area(a) + area(b) - both) > threshold
}

/// [`corners`] as expressions (F32).
pub fn corners_expr(b: [Expr; 4], center: bool) -> [Expr; 4] {
    let half = |e: &Expr| e.div(&Expr::num(Ty::F32, 2.0));
    match center {
        true => {
            let (w, h) = (half(&b[2]), half(&b[3]));
            [b[1].sub(&h), b[0].sub(&w), b[1].add(&h), b[0].add(&w)]
        }
        false => [b[0].min(&b[2]), b[1].min(&b[3]), b[0].max(&b[2]), b[1].max(&b[3])],
    }
}

/// [`overlap`] as an expression.
pub fn overlap_expr(a: &[Expr; 4], b: &[Expr; 4], threshold: &Expr) -> Expr {
    let zero = Expr::num(Ty::F32, 0.0);
    let area = |c: &[Expr; 4]| c[2].sub(&c[0]).mul(&c[3].sub(&c[1]));
    let side = |k: usize| a[k + 2].min(&b[k + 2]).sub(&a[k].max(&b[k])).max(&zero);
    let both = side(0).mul(&side(1));
    let union = area(a).add(&area(b)).sub(&both);
    area(a).gt(&zero).and(&area(b).gt(&zero)).and(&both.div(&union).gt(threshold))
}
