//! Conversion between element types: as a value, as a tensor's meaning, and as an expression.

use crate::lower::{self, E, Expr, Lowering, Ty};
use crate::narrow::{self, E8M0_RANGE, Format, Rounding};
use crate::tensor::cast;
use crate::{DType, Fact, Known, Num, Result, Tensor, bail, strings};

/// How ONNX `Cast` converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Type of the result.
    pub to: DType,
    /// Whether 8-bit floats saturate.
    saturate: bool,
    /// How f8e8m0 rounds.
    rounding: Rounding,
}

impl Conversion {
    /// With the attributes that `Cast` has when none are given.
    pub fn to(to: DType) -> Self {
        Conversion { to, saturate: true, rounding: Rounding::Up }
    }

    /// With these attributes.
    pub fn new(to: DType, saturate: bool, round_mode: &str) -> Result<Self> {
        let rounding = match round_mode {
            "up" => Rounding::Up,
            "down" => Rounding::Down,
            "nearest" => Rounding::Nearest,
            other => bail!("round_mode is {other:?}, expected up, down or nearest"),
        };
        Ok(Conversion { to, saturate, rounding })
    }

    /// Meaning: one element converted.
    pub fn number(&self, v: Num) -> Num {
        match self.to.is_narrow_float() {
            true => Num::F(narrow::convert(self.to, v.f() as f32, self.saturate, self.rounding)),
            false => cast(v, self.to),
        }
    }

    /// Meaning: all elements converted.
    pub fn tensor(&self, x: &Tensor) -> Tensor {
        match x.dtype() == self.to {
            true => x.clone(),
            false => Tensor::new(self.to, x.shape(), x.iter().map(|v| self.number(v))),
        }
    }

    /// The same, also to and from strings; a refusal where one is no number.
    pub fn cast(&self, x: &Tensor) -> Result<Tensor> {
        match x.dtype() == DType::Str || self.to == DType::Str {
            true => strings::cast(x, self.to),
            false => Ok(self.tensor(x)),
        }
    }

    /// The fact of `x` converted: sizes stay known through types that hold them.
    pub fn fact(&self, x: &Fact) -> Fact {
        let y = Fact::new(self.to, x.shape.clone());
        match &x.known {
            _ if x.dtype == DType::Str || self.to == DType::Str => y,
            Some(Known::Tensor(t)) if t.len() <= 1024 => Fact { known: self.tensor(t).fact().known, ..y },
            Some(Known::Dims(v)) if matches!(self.to, DType::I32 | DType::I64 | DType::F32 | DType::F64) => {
                y.with_dims(v.clone())
            }
            _ => y,
        }
    }

    /// How generated code converts `x` to `y`.
    pub fn lowering(&self, x: &Fact, y: &Fact) -> Lowering {
        match x.dtype == y.dtype {
            true => Lowering::Alias,
            false => lower::map(y, &[x], |v| self.expr(&v[0])),
        }
    }

    /// The same of one element: what a store to the type then rounds or wraps.
    pub fn expr(&self, x: &Expr) -> Expr {
        let ty = Ty::of(self.to);
        let y = x.cast(ty);
        match (self.to.int_range(), Format::of(self.to)) {
            (None, Some(f)) if self.saturate => {
                let largest: f64 = narrow::decode(self.to, f.largest).into();
                clamp(&y, -largest, largest)
            }
            (None, None) if self.to == DType::F8E8M0 => self.power(&y),
            // The type that is computed with may be wider than the element; what is narrow wraps.
            (Some((lo, hi)), _) if x.ty().is_float() && !matches!(ty, Ty::U64 | Ty::Bool) && !self.to.is_narrow() => {
                y.max(&whole(ty, lo as i64)).min(&whole(ty, hi as i64))
            }
            _ => y,
        }
    }

    /// A power of two next to `x`.
    fn power(&self, x: &Expr) -> Expr {
        let (lo, hi) = (E8M0_RANGE.0.into(), E8M0_RANGE.1.into());
        let v = clamp(x, lo, hi);
        let near = v.round_to(DType::F8E8M0);
        let next = match self.rounding {
            Rounding::Up => near.lt(&v).select(&near.mul(&near.like(2.0)), &near),
            Rounding::Down => near.gt(&v).select(&near.mul(&near.like(0.5)), &near),
            Rounding::Nearest => near,
        };
        let inside = x.ge(&x.like(lo)).and(&x.le(&x.like(hi)));
        if self.saturate { next } else { inside.select(&next, &x.like(f64::NAN)) }
    }
}

/// `x` kept within two numbers; NaN stays as it is, with its sign.
fn clamp(x: &Expr, lo: f64, hi: f64) -> Expr {
    let (lo, hi) = (x.like(lo), x.like(hi));
    x.lt(&lo).select(&lo, &x.gt(&hi).select(&hi, x))
}

/// `x` as an element of `to`, as ONNX `Cast` without attributes converts.
pub fn convert(x: &Expr, to: DType) -> Expr {
    Conversion::to(to).expr(x)
}

/// An integer or bool constant, exactly.
pub fn whole(ty: Ty, v: i64) -> Expr {
    E::Int(ty, v).into()
}
