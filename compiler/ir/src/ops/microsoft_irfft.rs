//! `com.microsoft.Irfft`: real numbers from the first half of their Fourier transform; the inverse of
//! `com.microsoft.Rfft`. <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use super::microsoft_rfft::check;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Value, attrs};

attrs!(IrfftAttrs {
    /// Whether the result is divided by a norm more: must be 0.
    normalized: bool = false,
    /// Whether only the first half of the frequencies is given: must be 1.
    onesided: bool = true,
    /// Number of axes of a signal: must be 1.
    signal_ndim: i64 = 1,
});

/// See the module.
pub static MICROSOFT_IRFFT: Composite = composite("Irfft", IrfftAttrs::SCHEMA, Arity::exactly(1), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = IrfftAttrs::read(c.attrs)?;
    check(a.onesided, a.normalized, a.signal_ndim)?;
    let attrs = Attrs::new().with("onesided", 1i64).with("inverse", 1i64);
    let (y, axis) = (b.op("DFT", attrs, &[given(x, 0, "X")?])?, b.ints(&[-1]));
    Ok(vec![b.plain("Squeeze", &[y, axis])?])
}

fn samples() -> Vec<Sample> {
    let named = Attrs::new().with("onesided", 1i64).with("normalized", 0i64).with("signal_ndim", 1i64);
    let double = Sample::new(Attrs::new(), vec![sample_floats(&[3, 2], 2).cast(DType::F64)]);
    vec![Sample::new(named, vec![sample_floats(&[2, 3, 4, 2], 1)]), double]
}
