//! Products of bf16 numbers: the kernel interpreter and the machine agree to the bit, and with the oracle.

use super::kernels::{Env, interpreted, machine, sizes};
use super::{differs, run_at};
use crate::select::select;
use dlc_ir::lower::{Contract, Expr, Lowering, SUM, Ty, eval};
use dlc_ir::ops::common::contract::matmul;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, DType, Dim, Fact, Graph, Num, Tensor, Value, interp};
use dlc_plan::Body;
use dlc_vector::builder::Builder;
use dlc_vector::ir::{Buf, Elem, Type};
use dlc_vector::{Kernel, Level};

const LEVEL: Level = Level::Avx512Bf16;

/// What the interpreter gives, and that the machine, if this is one, gives the same bits.
fn both(name: &str, k: &Kernel, env: &Env, x: &[Tensor], y: &Tensor) -> Tensor {
    let a = interpreted(k, env, x, y);
    if LEVEL <= Level::host() {
        let b = machine(LEVEL, k, env, x, y);
        let same = |(a, b): (Num, Num)| a.f().to_bits() == b.f().to_bits() || (a.f().is_nan() && b.f().is_nan());
        let wrong = a.iter().zip(b.iter()).position(|p| !same(p));
        let found = wrong.map(|i| (i, b.at(i), a.at(i)));
        assert_eq!(found, None, "{name}: element, the machine's, the interpreter's\n{}", k.text());
    }
    a
}

/// Bit patterns of all kinds: those of `sample` numbers, and any.
fn patterns(n: usize, seed: u64) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 32) as u32
    };
    let near = |x: u32| x & 0x83ff_ffff | 0x3c00_0000;
    (0..n).map(|i| if i % 3 == 0 { next() } else { near(next()) }).collect()
}

/// `c + a * b` of lanes of pairs, and its bf16 bits.
fn instructions(to: DType) -> Kernel {
    let mut b = Builder::new(LEVEL, 4);
    let (begin, end) = b.range();
    let v = Type { elem: Elem::F32, lanes: LEVEL.lanes() as u8 };
    b.for_(begin, end, 1, |b, piece| {
        let by = b.index(LEVEL.lanes() as i64);
        let at = b.mul(piece, by);
        let four = b.index(4);
        let bytes = b.mul(at, four);
        let [x, y] = [0, 1].map(|i| b.bytes(v.lanes, Buf::Arg(i), bytes, 0));
        let c = b.load(v, Buf::Arg(2), DType::F32, at, 0);
        let sum = b.pairs(x, y, c);
        match to {
            DType::F32 => b.store(Buf::Arg(3), to, at, 0, sum),
            _ => {
                let bits = b.bf16(sum);
                b.store(Buf::Arg(3), DType::U16, at, 0, bits);
            }
        }
    });
    b.finish("pairs", 64.into(), 1.into(), 0.into())
}

#[test]
fn instructions_are_what_they_mean() {
    let n = 64 * LEVEL.lanes();
    let words = |seed| {
        let bytes: Vec<u8> = patterns(n, seed).iter().flat_map(|w| w.to_le_bytes()).collect();
        Tensor::from_bytes(DType::F32, &[n], bytes.into()).unwrap()
    };
    for seed in 0..20 {
        let x = [words(3 * seed + 1), words(3 * seed + 2), words(3 * seed + 3)];
        for to in [DType::F32, DType::BF16] {
            both(&format!("{to}"), &instructions(to), &Env::new(), &x, &Tensor::floats(to, &[n], &vec![0.0; n]));
        }
    }
}

/// A product by a constant, a bias and what follows, stored as `to`.
fn product([m, k, n]: [i64; 3], to: DType, symbolic: bool) {
    let name = format!("{m}x{k}x{n} {to}");
    let (d, env) = sizes(symbolic, &[("m", m)]);
    let floats = |shape: &[i64], seed| sample_floats(&shape.iter().map(|n| *n as usize).collect::<Vec<_>>(), seed);
    let (x, w, bias) = (floats(&[m, k], 1).cast(DType::BF16), floats(&[k, n], 2).cast(DType::BF16), floats(&[n], 3));
    let fx = Fact::new(DType::BF16, [d[0].clone(), k.into()]);
    let y = Fact::new(DType::F32, [d[0].clone(), n.into()]);
    let c = Contract { acc: Ty::F32, ..matmul(&fx, &w.type_fact(), &y).unwrap() };
    let sum = Expr::reg(SUM, Ty::F32).add(&Expr::load(2, &bias.type_fact(), vec![Expr::var(1)]));
    let relu = sum.bin(dlc_ir::lower::Bin::Max, &sum.like(0.0));
    let epilogue = if to == DType::F32 { relu } else { relu.round_to(to) };
    let body = Body::Contract { contract: c.clone(), epilogue, dtype: to };
    let constant = |i: usize| [(1, w.clone()), (2, bias.clone())].into_iter().find(|c| c.0 == i).map(|c| c.1);
    let choice = select(LEVEL, "product", &body, 3, 1, &constant);
    let Some((1, panels)) = choice.packed else { panic!("{name}: the second factor is packed") };
    assert!(choice.kernel.text().contains("Pairs("), "{name}: of pairs\n{}", choice.kernel.text());
    let plain = eval::run(&Lowering::Contract(c), &[Some(&x), Some(&w)], &[y], &mut env.clone()).unwrap();
    let sums = plain[0].iter().enumerate().map(|(i, v)| Num::F((v.f() + bias.at(i % n as usize).f()).max(0.0)));
    let want = Tensor::new(to, plain[0].shape(), sums);
    let packed = Tensor::from_bytes(DType::U8, &[panels.len()], panels).unwrap();
    let got = both(&name, &choice.kernel, &env, &[x, packed, bias.clone()], &want);
    assert_eq!(differs(&got, &want), None, "{name}");
}

#[test]
fn products_of_odd_sizes() {
    let shapes = [[1, 7, 16], [5, 4, 17], [3, 33, 40], [29, 64, 48], [131, 2, 32], [15, 131, 33], [7, 9, 100]];
    for (i, mkn) in shapes.into_iter().enumerate() {
        for to in [DType::F32, DType::BF16] {
            product(mkn, to, i % 2 == 0);
        }
    }
}

/// Three products of two computed factors; the second has its columns or its summed elements side by side.
fn computed([m, k, n]: [i64; 3], columns: bool, symbolic: bool) {
    let name = format!("{m}x{k}x{n}, columns side by side: {columns}");
    let (d, env) = sizes(symbolic, &[("m", m), ("n", n)]);
    let halves = |shape: [i64; 3], seed| sample_floats(&shape.map(|n| n as usize), seed).cast(DType::BF16);
    let x = halves([3, m, k], 1);
    let w = if columns { halves([3, k, n], 2) } else { halves([3, n, k], 2) };
    let fact = |dtype, a: Dim, b: Dim| Fact::new(dtype, [3.into(), a, b]);
    let (fx, fw) = (fact(DType::BF16, d[0].clone(), k.into()), fact(DType::BF16, k.into(), d[1].clone()));
    let y = fact(DType::F32, d[0].clone(), d[1].clone());
    let mut c = Contract { acc: Ty::F32, ..matmul(&fx, &fw, &y).unwrap() };
    if !columns {
        let at = vec![Expr::var(0), Expr::var(2), Expr::var(3)];
        c.b = Expr::load(1, &fact(DType::BF16, d[1].clone(), k.into()), at);
    }
    let body = Body::Contract { contract: c.clone(), epilogue: Expr::reg(SUM, Ty::F32), dtype: DType::F32 };
    let choice = select(LEVEL, "computed", &body, 2, 1, &|_| None);
    let (kernel, l) = (choice.kernel, Lowering::Contract(c));
    assert!(choice.packed.is_none() && kernel.text().contains("Pairs("), "{name}: of pairs\n{}", kernel.text());
    let want = eval::run(&l, &[Some(&x), Some(&w)], &[y], &mut env.clone()).unwrap().remove(0);
    assert_eq!(differs(&both(&name, &kernel, &env, &[x, w], &want), &want), None, "{name}");
}

#[test]
fn products_of_two_computed_factors() {
    for (i, mkn) in [[1, 8, 16], [5, 64, 17], [20, 6, 40], [15, 34, 33], [33, 18, 100]].into_iter().enumerate() {
        for columns in [false, true] {
            computed(mkn, columns, i % 2 == 0);
        }
        let [m, k, n] = mkn;
        computed([m + 1, k + 1, n], true, i % 2 == 1);
    }
}

/// The value rounded and made wide again.
fn rounded(g: &mut Graph, v: Value) -> Value {
    let to = |to: DType| Attrs::new().with("to", to);
    let name = g.fresh_name("narrow");
    let narrow = g.apply(&name, "Cast", to(DType::BF16), &[v]).unwrap();
    let name = g.fresh_name("wide");
    g.apply(&name, "Cast", to(DType::F32), &[narrow]).unwrap()
}

/// Convolutions with padding before they are widened, of an even and of an odd number of channels, a residual, and a
/// product of what is left of each image.
fn network(h: Dim, w: Dim) -> Graph {
    let (mut g, a) = (Graph::new("net"), Attrs::new);
    let x = g.add_input("x", Fact::new(DType::F32, [2.into(), 3.into(), h, w]));
    let first = g.add_const("first", sample_floats(&[37, 3, 1, 1], 1));
    let first = g.apply("first conv", "Conv", a(), &[x, first]).unwrap();
    let first = g.apply("relu", "Relu", a(), &[first]).unwrap();
    let pads = g.add_const("pads", Tensor::i64(&[8], &[0, 0, 1, 1, 0, 0, 1, 1]));
    let conv = |g: &mut Graph, name: &str, x: Value, shape: &[usize], stride: i64| {
        let narrow = g.apply(&format!("{name} narrow"), "Cast", a().with("to", DType::BF16), &[x]).unwrap();
        let padded = g.apply(&format!("{name} padded"), "Pad", a(), &[narrow, pads]).unwrap();
        let x = g.apply(&format!("{name} wide"), "Cast", a().with("to", DType::F32), &[padded]).unwrap();
        let w = g.add_const(&format!("{name} w"), sample_floats(shape, 2).cast(DType::BF16));
        let w = g.apply(&format!("{name} wide w"), "Cast", a().with("to", DType::F32), &[w]).unwrap();
        g.apply(name, "Conv", a().with("strides", vec![stride; 2]), &[x, w]).unwrap()
    };
    let second = conv(&mut g, "second", first, &[37, 37, 3, 3], 1);
    let back = rounded(&mut g, first);
    let sum = g.apply("sum", "Add", a(), &[second, back]).unwrap();
    let third = conv(&mut g, "third", sum, &[32, 37, 3, 3], 2);
    let third = rounded(&mut g, third);
    let mean = g.apply("mean", "GlobalAveragePool", a(), &[third]).unwrap();
    let flat = g.apply("flat", "Flatten", a(), &[mean]).unwrap();
    let flat = rounded(&mut g, flat);
    let w = g.add_const("w", sample_floats(&[32, 50], 3).cast(DType::BF16));
    let w = g.apply("wide w", "Cast", a().with("to", DType::F32), &[w]).unwrap();
    let y = g.apply("y", "MatMul", a(), &[flat, w]).unwrap();
    g.add_output("y", y);
    g
}

#[test]
fn networks_are_their_meaning_at_all_levels() {
    for symbolic in [false, true] {
        let size = |name: &str, v: i64| if symbolic { Dim::sym(name) } else { v.into() };
        let g = network(size("h", 9), size("w", 8));
        let x = [sample_floats(&[2, 3, 9, 8], 7)];
        let want = interp::run(&g, &x).unwrap();
        // A sum in another order may round to the neighbour, which is 2^-8 away.
        let close = |got: &Tensor| {
            let (d, n) = got
                .iter()
                .zip(want[0].iter())
                .fold((0.0, 0.0), |(d, n), (a, b)| (d + (a.f() - b.f()).powi(2), n + b.f().powi(2)));
            (d / n).sqrt()
        };
        for level in super::kernels::levels() {
            let listings = crate::compile(&g, &crate::Options { level, listings: true }).unwrap().listings;
            let of_pairs = listings.iter().filter(|l| l.kernel.contains("Pairs(")).count();
            assert_eq!(of_pairs, if level.has_pairs() { 3 } else { 0 }, "{}: products of pairs", level.name());
            let [one, two] = [1, 2].map(|threads| run_at(level, &g, &x, threads).unwrap());
            assert_eq!(one[0].bytes(), two[0].bytes(), "{}", level.name());
            let off = close(&one[0]);
            assert!(off < 2e-3, "{}: {off} from the oracle", level.name());
        }
    }
}
