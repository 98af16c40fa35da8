//! When two results are the same.

use dlc_ir::form::Items;
use dlc_ir::{DType, Num, Tensor};

/// Says how `got` differs from `want` in type or shape.
pub fn compare_types(got: &Tensor, want: &Tensor) -> Result<(), String> {
    let show = |t: &Tensor| format!("{}{:?}", t.dtype(), t.shape());
    match (got.dtype(), got.shape()) == (want.dtype(), want.shape()) {
        true => Ok(()),
        false => Err(format!("result is {}, expected {}", show(got), show(want))),
    }
}

/// Says how `got` differs from `want`: type, shape, or the first element beyond tolerance.
pub fn compare(got: &Tensor, want: &Tensor) -> Result<(), String> {
    match (got.items(), want.items()) {
        (None, None) => {}
        (Some(Items::Sequence(g)), Some(Items::Sequence(w))) if g.len() == w.len() => {
            let mut pairs = g.iter().zip(w).enumerate();
            return pairs.try_for_each(|(i, (g, w))| compare(g, w).map_err(|e| format!("tensor {i}: {e}")));
        }
        (Some(Items::NoTensor), Some(Items::NoTensor)) | (Some(Items::NoSequence), Some(Items::NoSequence)) => {
            return Ok(());
        }
        _ => return Err(format!("result is {got:?}, expected {want:?}")),
    }
    compare_types(got, want)?;
    if want.dtype() == DType::Str {
        return strings(got, want);
    }
    let (relative, absolute) = tolerance(want.dtype());
    match got.iter().zip(want.iter()).enumerate().find(|(_, (g, w))| !same(*g, *w, relative, absolute)) {
        Some((i, (g, w))) => Err(format!("element {i} is {}, expected {}", g.f(), w.f())),
        None => Ok(()),
    }
}

fn strings(got: &Tensor, want: &Tensor) -> Result<(), String> {
    match got.strings().zip(want.strings()).enumerate().find(|(_, (g, w))| g != w) {
        Some((i, (g, w))) => Err(format!("element {i} is {g:?}, expected {w:?}")),
        None => Ok(()),
    }
}

fn tolerance(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::F32 | DType::F64 => (1e-3, 1e-5),
        DType::F16 | DType::BF16 => (1e-2, 1e-2),
        _ => (0.0, 0.0),
    }
}

fn same(got: Num, want: Num, relative: f64, absolute: f64) -> bool {
    if let (Num::I(g), Num::I(w)) = (got, want) {
        return g == w;
    }
    let (g, w) = (got.f(), want.f());
    g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= absolute + relative * w.abs()
}

#[test]
fn tolerance_is_relative_and_absolute() {
    let t = |v: f32| Tensor::f32(&[1], &[v]);
    assert!(compare(&t(1000.5), &t(1000.0)).is_ok());
    assert!(compare(&t(1.01), &t(1.0)).is_err());
    assert!(compare(&t(f32::NAN), &t(f32::NAN)).is_ok());
    assert!(compare(&t(f32::INFINITY), &t(1.0)).is_err());
}
