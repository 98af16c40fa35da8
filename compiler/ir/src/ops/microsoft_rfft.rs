//! `com.microsoft.Rfft`: the first half of the Fourier transform of real numbers along the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Value, attrs, ensure};

attrs!(RfftAttrs {
    /// Whether the result is divided by a norm: must be 0.
    normalized: bool = false,
    /// Whether only the first half of the frequencies is given: must be 1.
    onesided: bool = true,
    /// Number of axes of a signal: must be 1.
    signal_ndim: i64 = 1,
});

/// See the module.
pub static MICROSOFT_RFFT: Composite = composite("Rfft", RfftAttrs::SCHEMA, Arity::exactly(1), define, samples);

/// Refuses what the operators of this name have attributes for and do not do.
pub(super) fn check(onesided: bool, normalized: bool, axes: i64) -> Result<()> {
    ensure!(onesided && !normalized, "onesided is {onesided} and normalized {normalized}, expected true and false");
    ensure!(axes == 1, "signal_ndim is {axes}, expected 1");
    Ok(())
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = RfftAttrs::read(c.attrs)?;
    check(a.onesided, a.normalized, a.signal_ndim)?;
    let axis = b.ints(&[-1]);
    let x = b.plain("Unsqueeze", &[given(x, 0, "X")?, axis])?;
    Ok(vec![b.op("DFT", Attrs::new().with("onesided", 1i64), &[x])?])
}

fn samples() -> Vec<Sample> {
    let named = Attrs::new().with("onesided", 1i64).with("normalized", 0i64).with("signal_ndim", 1i64);
    let double = Sample::new(Attrs::new(), vec![sample_floats(&[4], 2).cast(DType::F64)]);
    vec![Sample::new(named, vec![sample_floats(&[2, 3, 6], 1)]), double]
}
