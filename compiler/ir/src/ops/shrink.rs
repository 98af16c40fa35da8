//! `Shrink`: `x + bias` below `-lambd`, `x - bias` above `lambd`, else 0.
//! <https://onnx.ai/onnx/operators/onnx__Shrink.html>

use super::common::unary::{Unary, is_number, number};
use crate::lower::{Ty, Un};
use crate::{Attrs, attrs};

attrs!(ShrinkAttrs {
    /// Added towards 0.
    bias: f32 = 0.0,
    /// Half width of the interval that becomes 0.
    lambd: f32 = 0.5,
});

pub static SHRINK: Unary = Unary {
    schema: ShrinkAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("lambd", 1.5f32).with("bias", 1.5f32)],
    ..Unary::new(
        "Shrink",
        is_number,
        |a| {
            let a = ShrinkAttrs::read(a)?;
            let (l, b) = (a.lambd as f64, a.bias as f64);
            let f = move |v: f64| {
                if v < -l {
                    v + b
                } else if v > l {
                    v - b
                } else {
                    0.0
                }
            };
            number(f, move |v| f(v as f64) as i128)
        },
        |a, x| {
            let a = ShrinkAttrs::read(a)?;
            let wide = if x.ty().is_float() { x.clone() } else { x.cast(Ty::F64) };
            let (l, b) = (wide.like(a.lambd as f64), wide.like(a.bias as f64));
            let above = wide.gt(&l).select(&wide.sub(&b), &wide.like(0.0));
            Ok(wide.lt(&l.un(Un::Neg)).select(&wide.add(&b), &above).cast(x.ty()))
        },
    )
};
