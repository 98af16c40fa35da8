//! Products of bytes at odd sizes: the kernel interpreter, the machine code of every level and the oracle agree to the bit.

use super::kernels::{Env, interpreted, levels, machine, sizes};
use super::{run, run_at};
use crate::select::select;
use dlc_ir::lower::{Expr, Lowering, SUM, Ty, eval};
use dlc_ir::ops::common::quantize::sample_ints;
use dlc_ir::{Attrs, Ctx, DType, Dim, Fact, Graph, Tensor, interp};
use dlc_plan::Body;
use dlc_vector::Level;

/// `A - zero` by constant `B`: `m` may be symbolic.
fn product(level: Level, [m, k, n]: [i64; 3], [a, b]: [DType; 2], zero: bool, symbolic: bool) {
    let name = format!("{m}x{k}x{n} {a} by {b}, {}", level.name());
    let (d, env) = sizes(symbolic, &[("m", m)]);
    let (x, w) = (sample_ints(a, &[m as usize, k as usize], 3), sample_ints(b, &[k as usize, n as usize], 7));
    let z = Tensor::floats(a, &[], &[if a == DType::U8 { 131.0 } else { -7.0 }]);
    let wz =
        Tensor::floats(b, &[], &[if b == DType::U8 { if k % 2 == 0 { 128.0 } else { 117.0 } } else { (n % 3) as f64 }]);
    let (fx, fw) = (Fact::new(a, [d[0].clone(), k.into()]), w.type_fact());
    let y = Fact::new(DType::I32, [d[0].clone(), n.into()]);
    let attrs = Attrs::new();
    let ctx = Ctx { name: "product", attrs: &attrs, outputs: 1 };
    let op = dlc_ir::ops::by_name("MatMulInteger").unwrap();
    let (fz, fwz) = (z.type_fact(), wz.type_fact());
    let facts = [Some(&fx), Some(&fw), zero.then_some(&fz), Some(&fwz)];
    let l = op.lowering(&ctx, &facts, std::slice::from_ref(&y)).unwrap();
    let Lowering::Contract(c) = &l else { panic!("a product is a contraction") };
    let here = [Expr::var(0), Expr::var(1)];
    let bias = sample_ints(DType::I32, &[n as usize], 11);
    let column = Expr::load(4, &bias.type_fact(), vec![here[1].clone()]);
    let epilogue = Expr::reg(SUM, Ty::I32).add(&column);
    let body = Body::Contract { contract: c.clone(), epilogue, dtype: DType::I32 };
    let constant =
        |i: usize| [(1, w.clone()), (3, wz.clone()), (4, bias.clone())].into_iter().find(|c| c.0 == i).map(|c| c.1);
    let choice = select(level, "product", &body, 5, 1, &constant);
    let Some((1, panels)) = choice.packed else { panic!("{name}: the second factor is packed") };
    let kernel = choice.kernel.text();
    assert!(kernel.contains("Dot("), "{name}: of bytes\n{kernel}");
    let plain = eval::run(&l, &[Some(&x), Some(&w), zero.then_some(&z), Some(&wz)], &[y], &mut env.clone()).unwrap();
    let sum = |(i, v): (usize, dlc_ir::Num)| dlc_ir::Num::I((v.i() + bias.at(i % n as usize).i()) as i32 as i128);
    let want = Tensor::new(DType::I32, plain[0].shape(), plain[0].iter().enumerate().map(sum));
    let packed = Tensor::from_bytes(DType::U8, &[panels.len()], panels).unwrap();
    let given = [x, packed, z, wz, bias.clone()];
    let env: &Env = &env;
    let (a, b) = (interpreted(&choice.kernel, env, &given, &want), machine(level, &choice.kernel, env, &given, &want));
    assert_eq!(a.bytes(), want.bytes(), "{name}: the interpreter");
    assert_eq!(b.bytes(), want.bytes(), "{name}: the machine");
}

#[test]
fn products_of_bytes_are_exact() {
    let types = [(DType::U8, DType::I8), (DType::I8, DType::I8), (DType::U8, DType::U8)];
    for level in levels() {
        let shapes = [[1, 7, 16], [5, 4, 17], [3, 33, 40], [29, 64, 48], [131, 2, 32], [15, 130, 33], [7, 9, 100]];
        for (i, mkn) in shapes.into_iter().enumerate() {
            let (a, b) = types[i % 3];
            product(level, mkn, [a, b], i % 2 == 0, i % 2 == 1);
            product(level, mkn, [types[(i + 1) % 3].0, types[(i + 1) % 3].1], i % 2 == 1, i % 4 == 0);
        }
    }
}

/// Bytes of a tensor as a constant.
fn ints(g: &mut Graph, name: &str, dtype: DType, shape: &[usize], v: &[f64]) -> dlc_ir::Value {
    g.add_const(name, Tensor::floats(dtype, shape, v))
}

/// Two convolutions of a quantized image with padding, the first read by a residual and a depthwise one.
fn network(dtype: DType, h: Dim, w: Dim) -> Graph {
    let (mut g, a) = (Graph::new("net"), Attrs::new);
    let x = g.add_input("x", Fact::new(dtype, [2.into(), 5.into(), h, w]));
    let zero = ints(&mut g, "zero", dtype, &[], &[if dtype == DType::U8 { 130.0 } else { 4.0 }]);
    let padded = |group: i64| a().with("pads", vec![1i64; 4]).with("group", group);
    let scale = |g: &mut Graph, name: &str, v: f32| g.add_const(name, Tensor::f32(&[], &[v]));
    let filters = |g: &mut Graph, name: &str, shape: &[usize]| g.add_const(name, sample_ints(DType::I8, shape, 5));
    let (small, out) = (scale(&mut g, "small", 0.0004), scale(&mut g, "out", 0.03));
    let step = |g: &mut Graph, name: &str, x, w: dlc_ir::Value, group: i64| {
        let none = None;
        let conv = dlc_ir::ops::by_name("ConvInteger").unwrap();
        let sums =
            g.add_op(&format!("{name} sums"), conv, padded(group), &[Some(x), Some(w), Some(zero), none], 1).unwrap();
        let sums = dlc_ir::Value { node: sums, port: 0 };
        g.apply(&format!("{name} real"), "DequantizeLinear", a(), &[sums, small]).unwrap()
    };
    let wide = filters(&mut g, "wide", &[37, 5, 3, 3]);
    let first = step(&mut g, "first", x, wide, 1);
    let first = g.apply("q1", "QuantizeLinear", a(), &[first, out, zero]).unwrap();
    let each = filters(&mut g, "each", &[37, 1, 3, 3]);
    let depthwise = step(&mut g, "depthwise", first, each, 37);
    let depthwise = g.apply("q2", "QuantizeLinear", a(), &[depthwise, out, zero]).unwrap();
    let last = filters(&mut g, "last", &[37, 37, 3, 3]);
    let last = step(&mut g, "last", depthwise, last, 1);
    let back = g.apply("back", "DequantizeLinear", a(), &[first, out, zero]).unwrap();
    let sum = g.apply("sum", "Add", a(), &[last, back]).unwrap();
    let y = g.apply("q3", "QuantizeLinear", a(), &[sum, out, zero]).unwrap();
    g.add_output("y", y);
    g
}

#[test]
fn networks_of_bytes_give_the_same_integers_at_all_levels() {
    for (dtype, symbolic) in [(DType::U8, false), (DType::I8, true)] {
        let size = |name: &str, v: i64| if symbolic { Dim::sym(name) } else { v.into() };
        let g = network(dtype, size("h", 7), size("w", 6));
        let x = [sample_ints(dtype, &[2, 5, 7, 6], 1)];
        let want = interp::run(&g, &x).unwrap();
        for level in levels() {
            let got = run_at(level, &g, &x, 2).unwrap();
            assert_eq!(got[0].bytes(), want[0].bytes(), "{dtype}, {}", level.name());
        }
        assert_eq!(run(&g, &x, 1).unwrap()[0].bytes(), want[0].bytes());
    }
}

#[test]
fn tables_are_read_the_same_at_all_levels() {
    for (dtype, to, n) in [(DType::U8, DType::U8, 301), (DType::I8, DType::U8, 48), (DType::U8, DType::I8, 19)] {
        let (mut g, table) = (Graph::new("table"), sample_ints(to, &[256], 9));
        let x = g.add_input("x", Fact::new(dtype, [n.into()]));
        let table = g.add_const("table", table);
        let op = dlc_ir::ops::find("dlc", "Table").unwrap();
        let y = g.add_op("y", op, Attrs::new(), &[Some(x), Some(table)], 1).unwrap();
        g.add_output("y", dlc_ir::Value { node: y, port: 0 });
        let x = [sample_ints(dtype, &[n], 1)];
        let want = interp::run(&g, &x).unwrap();
        for level in levels() {
            assert_eq!(run_at(level, &g, &x, 2).unwrap()[0].bytes(), want[0].bytes(), "{dtype}, {}", level.name());
        }
    }
}

/// Depthwise convolutions of every kind of window, and that they are what is computed.
#[test]
fn convolutions_of_single_channels_are_exact() {
    let cases = [
        ([3usize, 3], 1i64, 1i64, 37usize),
        ([5, 5], 2, 1, 16),
        ([3, 1], 1, 1, 20),
        ([2, 7], 1, 1, 33),
        ([3, 3], 1, 2, 18),
    ];
    for (i, (kernel, stride, dilation, channels)) in cases.into_iter().enumerate() {
        let dtype = if i % 2 == 0 { DType::U8 } else { DType::I8 };
        let a = Attrs::new;
        let mut g = Graph::new("depthwise");
        let x = g.add_input("x", Fact::new(dtype, [1.into(), 3.into(), 11.into(), 13.into()]));
        let zero = ints(&mut g, "zero", dtype, &[], &[9.0]);
        let (step, one) =
            (g.add_const("step", Tensor::f32(&[], &[0.02])), g.add_const("one", Tensor::f32(&[], &[1.0])));
        let first = g.add_const("first", sample_ints(DType::I8, &[channels, 3, 1, 1], 5));
        let wide = g.apply("wide", "ConvInteger", a(), &[x, first, zero]).unwrap();
        let wide = g.apply("real", "DequantizeLinear", a(), &[wide, step]).unwrap();
        let wide = g.apply("stored", "QuantizeLinear", a(), &[wide, one, zero]).unwrap();
        let filters = g.add_const("filters", sample_ints(DType::I8, &[channels, 1, kernel[0], kernel[1]], 2));
        let attrs =
            a().with("group", channels as i64).with("strides", vec![stride; 2]).with("dilations", vec![dilation; 2]);
        let sums =
            g.apply("sums", "ConvInteger", attrs.with("pads", vec![1i64, 2, 1, 0]), &[wide, filters, zero]).unwrap();
        g.add_output("y", sums);
        let real = g.apply("real2", "DequantizeLinear", a(), &[sums, step]).unwrap();
        let stored = g.apply("stored2", "QuantizeLinear", a(), &[real, one, zero]).unwrap();
        let last = g.add_const("last", sample_ints(DType::I8, &[16, channels, 1, 1], 6));
        let last = g.apply("after", "ConvInteger", a(), &[stored, last, zero]).unwrap();
        g.set_outputs(vec![("y".into(), last)]);
        let x = [sample_ints(dtype, &[1, 3, 11, 13], 1)];
        let want = interp::run(&g, &x).unwrap();
        for level in levels() {
            let options = crate::Options { level, listings: true };
            let listings = crate::compile(&g, &options).unwrap().listings;
            let dots = listings.iter().filter(|l| l.kernel.contains("Dot(")).count();
            assert_eq!(dots, 1, "{kernel:?}, {}: the kernel is one of bytes", level.name());
            assert_eq!(run_at(level, &g, &x, 2).unwrap()[0].bytes(), want[0].bytes(), "{kernel:?}, {}", level.name());
        }
    }
}
