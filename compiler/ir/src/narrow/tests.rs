use super::*;
use crate::{Num, Tensor};

const TYPES: [DType; 6] =
    [DType::F8E4M3FN, DType::F8E4M3FNUZ, DType::F8E5M2, DType::F8E5M2FNUZ, DType::F4E2M1, DType::F8E8M0];

/// Every code of a type.
fn codes(dtype: DType) -> impl Iterator<Item = u8> {
    (0..1u16 << dtype.bits()).map(|c| c as u8)
}

/// Numbers at least 0 of a type with their codes, ascending.
fn numbers(dtype: DType) -> Vec<(u8, f64)> {
    let all = codes(dtype).map(|c| (c, f64::from(decode(dtype, c))));
    let mut out: Vec<(u8, f64)> = all.filter(|(_, v)| v.is_finite() && !v.is_sign_negative()).collect();
    out.sort_by(|a, b| a.1.total_cmp(&b.1));
    out
}

/// The meaning of [`encode`] by search: the nearest number, of two the one with the even code, where one more number
/// is thought to follow the largest; NaN where that is the nearest, but for what a type has instead.
fn search(dtype: DType, all: &[(u8, f64)], v: f32) -> f64 {
    let (largest, before) = (all[all.len() - 1], all[all.len() - 2]);
    let step = if dtype == DType::F8E8M0 { largest.1 } else { largest.1 - before.1 };
    let beyond = (largest.0.wrapping_add(1), largest.1 + step);
    // Further out, the distances to two numbers are one in f64.
    let a = f64::from(v.abs()).min(beyond.1);
    let mut best = all[0];
    for n in all.iter().copied().chain([beyond]) {
        let (old, new) = ((best.1 - a).abs(), (n.1 - a).abs());
        let later = if dtype == DType::F8E8M0 { true } else { n.0 % 2 == 0 };
        if new < old || (new == old && later) {
            best = n;
        }
    }
    let sign = if v.is_sign_negative() { -1.0 } else { 1.0 };
    match dtype {
        DType::F8E8M0 if v.is_nan() || v <= 0.0 || v.is_infinite() => f64::NAN,
        DType::F4E2M1 if v.is_nan() => 0.0,
        DType::F4E2M1 => sign * best.1.min(largest.1),
        _ if v.is_nan() => f64::NAN,
        DType::F8E5M2 if best == beyond || v.is_infinite() => sign * f64::INFINITY,
        _ if best == beyond || v.is_infinite() => f64::NAN,
        _ => sign * best.1,
    }
}

/// The numbers of a type, the middles between them, the neighbors of both, and floats of all sizes.
fn values(dtype: DType) -> Vec<f32> {
    let all: Vec<f32> = numbers(dtype).iter().map(|n| n.1 as f32).collect();
    let middles = all.windows(2).map(|w| w[0] + (w[1] - w[0]) / 2.0);
    let last = all[all.len() - 1];
    let beyond = [1.03125, 1.0625, 1.125, 1.25, 1.5].map(|f| last * f);
    let near = all.iter().copied().chain(middles).chain(beyond);
    let near = near.flat_map(|v| [v.next_down(), v, v.next_up()]);
    let any = (0..=u32::MAX).step_by(499_979).map(f32::from_bits);
    let special = [f32::INFINITY, f32::NAN, 0.0, f32::MAX, f32::from_bits(1)];
    near.chain(any).chain(special).flat_map(|v| [v, -v]).collect()
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

#[test]
fn numbers_are_those_of_the_tables() {
    let table: [(DType, &[(u8, f64)]); 6] = [
        (DType::F8E4M3FN, &[(0x01, 0.001953125), (0x08, 0.015625), (0x38, 1.0), (0x7e, 448.0), (0xc1, -2.25)]),
        (DType::F8E4M3FNUZ, &[(0x01, 0.0009765625), (0x08, 0.0078125), (0x40, 1.0), (0x7f, 240.0), (0xff, -240.0)]),
        (DType::F8E5M2, &[(0x01, 1.52587890625e-5), (0x3c, 1.0), (0x7b, 57344.0), (0x7c, f64::INFINITY)]),
        (DType::F8E5M2FNUZ, &[(0x01, 7.62939453125e-6), (0x40, 1.0), (0x7f, 57344.0), (0xbc, -0.5)]),
        (DType::F4E2M1, &[(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0), (5, 3.0), (6, 4.0), (7, 6.0), (15, -6.0)]),
        (
            DType::F8E8M0,
            &[(0, 5.877471754111438e-39), (1, 1.1754943508222875e-38), (127, 1.0), (254, 1.7014118346046923e38)],
        ),
    ];
    for (dtype, row) in table {
        for (code, v) in row {
            assert_eq!(f64::from(decode(dtype, *code)), *v, "{dtype} {code:#04x}");
        }
    }
    let nans = |d| codes(d).filter(|c| decode(d, *c).is_nan()).collect::<Vec<_>>();
    let want: [&[u8]; 6] = [&[0x7f, 0xff], &[0x80], &[0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff], &[0x80], &[], &[0xff]];
    assert_eq!(TYPES.map(nans), want.map(<[u8]>::to_vec));
}

#[test]
fn every_code_survives() {
    for dtype in TYPES {
        for c in codes(dtype) {
            let v = decode(dtype, c);
            let payload = dtype == DType::F8E5M2 && v.is_nan();
            assert_eq!(encode(dtype, v), if payload { c & 0x80 | 0x7e } else { c }, "{dtype} {c:#04x} is {v}");
        }
    }
}

#[test]
fn the_nearest_number_is_taken() {
    for dtype in TYPES {
        let all = numbers(dtype);
        for v in values(dtype) {
            let (got, want) = (f64::from(decode(dtype, encode(dtype, v))), search(dtype, &all, v));
            assert!(same(got, want), "{v:e} as {dtype} is {got}, expected {want}");
        }
    }
}

#[test]
fn conversions_saturate_if_asked() {
    for dtype in TYPES.into_iter().filter(|d| *d != DType::F8E8M0) {
        let all = numbers(dtype);
        let largest = all[all.len() - 1].1;
        for v in values(dtype) {
            let near = search(dtype, &all, v);
            let beyond = !v.is_nan() && !near.is_finite();
            let want = if beyond { largest.copysign(v.into()) } else { near };
            let got = convert(dtype, v, true, Rounding::Up);
            assert!(same(got, want), "{v:e} as {dtype} is {got}, expected {want}");
            assert!(same(convert(dtype, v, false, Rounding::Up), near), "{v:e} as {dtype}");
        }
    }
}

#[test]
fn powers_of_two_are_taken_in_each_direction() {
    let (lo, hi) = E8M0_RANGE;
    let all: Vec<f64> = numbers(DType::F8E8M0).into_iter().map(|n| n.1).collect();
    for v in values(DType::F8E8M0).into_iter().filter(|v| (lo..=hi).contains(v)) {
        let exact = f64::from(v);
        let below = all.iter().copied().filter(|n| *n <= exact).fold(0.0, f64::max);
        let above = all.iter().copied().filter(|n| *n >= exact).fold(f64::MAX, f64::min);
        let near = if exact - below < above - exact { below } else { above };
        for (r, want) in [(Rounding::Up, above), (Rounding::Down, below), (Rounding::Nearest, near)] {
            assert_eq!(convert(DType::F8E8M0, v, true, r), want, "{v:e} {r:?}");
            assert_eq!(convert(DType::F8E8M0, v, false, r), want, "{v:e} {r:?}");
        }
    }
    let (least, most) = (f64::from(lo), f64::from(hi));
    for (v, want) in [(0.0, least), (lo / 2.0, least), (-1.0, least), (f32::MAX, most), (f32::INFINITY, most)] {
        assert_eq!(convert(DType::F8E8M0, v, true, Rounding::Up), want, "{v:e}");
        assert!(convert(DType::F8E8M0, v, false, Rounding::Nearest).is_nan(), "{v:e}");
    }
    assert!(convert(DType::F8E8M0, f32::NAN, true, Rounding::Up).is_nan());
}

#[test]
fn tensors_hold_codes() {
    let t = Tensor::new(DType::F8E4M3FN, &[3], [1.0, 500.0, -0.5].map(Num::F));
    assert_eq!(t.bytes()[..], [0x38, 0x7f, 0xb0]);
    let t = Tensor::f32(&[3], &[1.0, 500.0, f32::NEG_INFINITY]);
    assert_eq!(t.cast(DType::F8E4M3FN).to_f64(), [1.0, 448.0, -448.0]);
    assert_eq!(t.cast(DType::F4E2M1).bytes()[..], [2, 7, 15]);
}
