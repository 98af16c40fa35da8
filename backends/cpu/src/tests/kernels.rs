//! Every kernel family at odd sizes: the kernel interpreter, the machine code and the scalar language agree.

use super::{differs, give, take};
use crate::select::select;
use dlc_artifact::program as out;
use dlc_ir::lower::{self, Bin, Comp, Contract, Expr, Lowering, Monoid, Proc, SUM, Stmt, Ty, Un, eval};
use dlc_ir::{DType, Dim, Fact, Tensor};
use dlc_plan::Body;
use dlc_runtime as rt;
use dlc_vector::emit::Emitter;
use dlc_vector::{Kernel, Level, interp};
use std::collections::HashMap;

/// Sizes by name.
pub(super) type Env = HashMap<String, i64>;

fn floats(shape: &[usize], seed: u32) -> Tensor {
    dlc_ir::ops::common::elementwise::sample_floats(shape, seed)
}

fn at(d: &Dim, env: &Env) -> i64 {
    d.eval(&|s| env.get(s).copied()).unwrap()
}

/// A program of one call.
fn program(level: Level, k: &Kernel, env: &Env, x: &[Tensor], y: &Tensor) -> dlc_artifact::Artifact {
    let mut emitter = Emitter::new(level).unwrap();
    let code = emitter.emit(k, false).unwrap();
    let mut p = out::Program { code_len: code.bytes.len() as u64, ..Default::default() };
    p.functions.push(out::Function { name: k.name.clone(), offset: 0, len: code.bytes.len() as u64 });
    let mut constant = |v: i64| {
        p.exprs.push(out::Expr::Const(v));
        p.exprs.len() as u32 - 1
    };
    let mut block = out::Block { name: "kernel".into(), ..Default::default() };
    for (i, t) in x.iter().chain([y]).enumerate() {
        let last = i == x.len();
        let home = if last { out::Home::Arena { first: 0, last: u32::MAX } } else { out::Home::Input(i as u32) };
        block.buffers.push(out::Buffer { home, bytes: constant(t.bytes().len() as i64) });
        let dims = t.shape().iter().map(|d| constant(*d as i64)).collect();
        let port = out::Port { name: format!("t{i}"), dtype: t.dtype().to_onnx() as u8, dims, buffer: i as u32 };
        if last { block.outputs.push(port) } else { block.inputs.push(port) }
    }
    let step = out::Step::Call(out::Call {
        function: 0,
        buffers: (0..=x.len() as u32).collect(),
        args: k.args.iter().map(|d| constant(at(d, env))).collect(),
        work: constant(at(&k.work, env)),
        grain: constant(at(&k.grain, env)),
        scratch: constant(at(&k.scratch, env)),
        operations: constant(0),
        node: k.name.clone(),
    });
    block.steps.push(step);
    p.blocks.push(block);
    dlc_artifact::Artifact { target: crate::requirements(level), program: p, code: code.bytes, ..Default::default() }
}

/// What the machine code gives.
pub(super) fn machine(level: Level, k: &Kernel, env: &Env, x: &[Tensor], y: &Tensor) -> Tensor {
    let image = program(level, k, env, x, y).to_image().unwrap();
    let model = rt::Model::from_image(image).unwrap();
    let mut session = rt::Session::new(&model, rt::Options::default()).unwrap();
    take(&session.run(&x.iter().map(give).collect::<Vec<_>>()).unwrap()[0])
}

/// What the kernel interpreter gives, in two calls that share the work.
pub(super) fn interpreted(k: &Kernel, env: &Env, x: &[Tensor], y: &Tensor) -> Tensor {
    let mut buffers: Vec<Vec<u8>> = x.iter().map(|t| t.bytes().to_vec()).collect();
    buffers.push(vec![0xff; y.bytes().len()]);
    let args: Vec<i64> = k.args.iter().map(|d| at(d, env)).collect();
    let (work, mut scratch) = (at(&k.work, env), vec![0xff; at(&k.scratch, env) as usize]);
    interp::run(k, &mut buffers, &args, 0, work / 2, &mut scratch);
    interp::run(k, &mut buffers, &args, work / 2, work, &mut scratch);
    Tensor::from_bytes(y.dtype(), y.shape(), buffers.pop().unwrap().into()).unwrap()
}

/// Checks one region on operands that fit it.
fn check(name: &str, body: &Body, l: &Lowering, x: &[Tensor], y: &Fact, env: &Env) {
    let given: Vec<Option<&Tensor>> = x.iter().map(Some).collect();
    let want = eval::run(l, &given, std::slice::from_ref(y), &mut env.clone()).unwrap().remove(0);
    for level in levels() {
        let name = format!("{name}, {}", level.name());
        let k = select(level, &name, body, x.len(), 1, &|_| None).kernel;
        let a = interpreted(&k, env, x, &want);
        let b = machine(level, &k, env, x, &want);
        assert_eq!(a.bytes(), b.bytes(), "{name}: the interpreter and the machine disagree\n{}", k.text());
        assert_eq!(differs(&b, &want), None, "{name}");
    }
}

/// The levels this processor has.
pub(super) fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|l| *l <= Level::host())
}

pub(super) fn sizes(symbolic: bool, dims: &[(&str, i64)]) -> (Vec<Dim>, Env) {
    let env: Env = dims.iter().map(|(n, v)| (n.to_string(), *v)).collect();
    (dims.iter().map(|(n, v)| if symbolic { Dim::sym(n) } else { (*v).into() }).collect(), env)
}

#[test]
fn products_of_odd_sizes() {
    for symbolic in [false, true] {
        let sizes_of = [
            (1, 7, 13),
            (3, 2, 12),
            (4, 16, 24),
            (5, 9, 11),
            (9, 33, 37),
            (130, 3, 25),
            (15, 300, 33),
            (1, 256, 9),
            (3, 5, 16),
            (16, 70, 40),
        ];
        for (m, k, n) in sizes_of {
            let (d, env) = sizes(symbolic, &[("m", m), ("k", k), ("n", n)]);
            let (a, b) = (floats(&[m as usize, k as usize], 1), floats(&[k as usize, n as usize], 2));
            let fact = |r: usize, c: usize| Fact::new(DType::F32, [d[r].clone(), d[c].clone()]);
            let (fa, fb, y) = (fact(0, 1), fact(1, 2), fact(0, 2));
            let c = dlc_ir::ops::common::contract::matmul(&fa, &fb, &y).unwrap();
            let epilogue = Expr::reg(SUM, Ty::F32);
            let body = Body::Contract { contract: c.clone(), epilogue, dtype: DType::F32 };
            check(&format!("product {m}x{k}x{n}"), &body, &Lowering::Contract(c), &[a, b], &y, &env);
        }
    }
}

#[test]
fn products_of_integers_and_halves() {
    for (dtype, acc, to) in [(DType::I8, Ty::I32, DType::I32), (DType::F16, Ty::F32, DType::F16)] {
        let (a, b) = (floats(&[6, 5], 1).cast(dtype), floats(&[5, 15], 2).cast(dtype));
        let y = Fact::new(to, [6.into(), 15.into()]);
        let mut c: Contract = dlc_ir::ops::common::contract::matmul(&a.type_fact(), &b.type_fact(), &y).unwrap();
        c.acc = acc;
        let body = Body::Contract { contract: c.clone(), epilogue: Expr::reg(SUM, acc), dtype: to };
        check(&format!("product {dtype}"), &body, &Lowering::Contract(c), &[a, b], &y, &Env::new());
    }
}

#[test]
fn maps_moves_and_reductions() {
    for symbolic in [false, true] {
        for (r, c) in [(1, 1), (3, 5), (2, 16), (7, 33)] {
            let (d, env) = sizes(symbolic, &[("r", r), ("c", c)]);
            let x = floats(&[r as usize, c as usize], 3);
            let fx = Fact::new(DType::F32, d.clone());
            let here = Expr::load(0, &fx, Expr::vars(2));
            let swapped = Expr::load(0, &fx, vec![Expr::var(1), Expr::var(0)]);
            let summed = Expr::load(0, &fx, vec![Expr::var(0), Expr::var(1)]);
            let cases = [
                ("map", d.clone(), here.un(Un::Tanh).add(&here.un(Un::Exp))),
                ("sigmoid", d.clone(), here.sigmoid()),
                ("erf", d.clone(), here.un(Un::Erf).mul(&here)),
                ("transpose", vec![d[1].clone(), d[0].clone()], swapped),
                ("row sum", vec![d[0].clone()], Expr::reduce(Monoid::Sum, vec![(1, d[1].clone())], summed.clone())),
                ("largest", vec![], Expr::reduce(Monoid::Max, vec![(0, d[0].clone()), (1, d[1].clone())], summed)),
            ];
            for (name, shape, expr) in cases {
                let y = Fact::new(DType::F32, shape);
                let comp = Comp::new(&y, expr);
                let l = Lowering::Comps(vec![comp.clone()]);
                check(&format!("{name} {r}x{c}"), &Body::Comp(comp), &l, std::slice::from_ref(&x), &y, &env);
            }
        }
    }
}

/// Largest errors, as `dlc_vector::math` states them: in units of the last place of the exact result.
const ULPS: [(Un, f64); 4] = [(Un::Exp, 2.0), (Un::Log, 2.0), (Un::Tanh, 3.0), (Un::Erf, 3.0)];

/// Numbers from all of f32, and closer together where results are neither 0 nor saturated.
fn all_over() -> Tensor {
    let near = (-40_000..=40_000).map(|i| i as f32 * 0.0027);
    let special = [0.0, -0.0, 88.72, 88.73, -87.4, -103.9, -104.1, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let x: Vec<f32> = (0..=u32::MAX).step_by(120_011).map(f32::from_bits).chain(near).chain(special).collect();
    Tensor::f32(&[x.len()], &x)
}

/// Error of a result in units of the last place.
fn ulps(got: f32, want: f64) -> f64 {
    if got == want as f32 || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    let last = (want.abs() as f32).max(f32::MIN_POSITIVE).to_bits() & 0x7f80_0000;
    (got as f64 - want).abs() / (f32::from_bits(last) as f64 * 2f64.powi(-23))
}

#[test]
fn elementary_functions_are_as_close_as_stated_and_alike_at_all_levels() {
    let x = all_over();
    let fx = x.type_fact();
    let values = x.to_f32();
    for (op, most) in ULPS {
        let v = Expr::load(0, &fx, Expr::vars(1));
        let v = if op == Un::Log { v.un(Un::Abs) } else { v };
        let comp = Comp::new(&fx, v.un(op));
        let at = |level| machine(level, &nest(level, &comp), &Env::new(), std::slice::from_ref(&x), &x).to_f32();
        let portable = at(Level::Portable);
        let exact = |x: f64| match op {
            Un::Exp => x.exp(),
            Un::Log => x.abs().ln(),
            Un::Tanh => x.tanh(),
            _ => libm_erf(x),
        };
        for level in levels() {
            let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
            assert!(at(level).iter().zip(&portable).all(same), "{op:?} is the same at every level");
        }
        let errors = values.iter().zip(&portable).map(|(x, y)| (ulps(*y, exact(*x as f64)), x, y));
        let (worst, x, y) = errors.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        assert!(worst <= most, "{op:?}({x}) is {y}: {worst} units of the last place, expected at most {most}");
    }
}

fn libm_erf(x: f64) -> f64 {
    let f = Fact::new(DType::F64, []);
    let e = Expr::load(0, &f, vec![]).un(Un::Erf);
    let t = Tensor::floats(DType::F64, &[], &[x]);
    eval::comp(&Comp::new(&f, e), &[Some(&t)], &HashMap::new()).unwrap().at(0).f()
}

fn nest(level: Level, c: &Comp) -> Kernel {
    select(level, "map", &Body::Comp(c.clone()), 1, 1, &|_| None).kernel
}

#[test]
fn procedures_with_loops_conditions_and_variables() {
    let x = floats(&[9], 5);
    let (fx, y) = (x.type_fact(), Fact::new(DType::F32, [9.into()]));
    let (i, sum) = (Expr::var(0), Expr::reg(0, Ty::F32));
    let v = Expr::load(0, &fx, vec![i.clone()]);
    let grow = lower::set(0, sum.add(&v));
    let skip =
        Stmt::If { cond: v.gt(&v.like(0.0)), then: vec![grow], els: vec![lower::set(0, sum.mul(&sum.like(0.5)))] };
    let halve =
        Stmt::While { cond: sum.gt(&sum.like(3.0)), body: vec![lower::set(0, sum.bin(Bin::Sub, &sum.like(1.0)))] };
    let body = vec![
        lower::set(0, Expr::num(Ty::F32, 0.0)),
        lower::for_(0, &9.into(), vec![skip, halve, lower::store(0, &y, vec![i], sum)]),
    ];
    let p = Proc { scratch: vec![], parallel: None, body };
    let region = Body::Proc { body: p.clone(), shapes: vec![y.shape.clone()] };
    check("running", &region, &Lowering::Proc(p), &[x], &y, &Env::new());
}

/// A convolution with a kernel of 3x3 over this many columns, its filters constant, at a level.
fn filtered(level: Level, w: i64, symbolic: bool) -> Tensor {
    let (d, env) = sizes(symbolic, &[("w", w)]);
    let (x, f) = (floats(&[2, 8, 3, w as usize + 2], 1), floats(&[19, 8, 3, 3], 2));
    let fx = Fact::new(DType::F32, [2.into(), 8.into(), 3.into(), d[0].clone() + 2.into()]);
    let y = Fact::new(DType::F32, [2.into(), 19.into(), 1.into(), d[0].clone()]);
    let attrs = dlc_ir::Attrs::new();
    let ctx = dlc_ir::Ctx { name: "conv", attrs: &attrs, outputs: 1 };
    let conv = dlc_ir::ops::by_name("Conv").unwrap();
    let l = conv.lowering(&ctx, &[Some(&fx), Some(&f.type_fact())], std::slice::from_ref(&y)).unwrap();
    let Lowering::Contract(c) = &l else { panic!("a convolution without padding is a contraction") };
    // The residual tells positions of the result apart.
    let here: Vec<Expr> = (0..c.batch.len() + c.m.len() + c.n.len()).map(|v| Expr::var(v as u32)).collect();
    let shape: Vec<Dim> = c.batch.iter().chain(&c.m).chain(&c.n).cloned().collect();
    let residual = Tensor::f32(&[2, 19, w as usize], floats(&[2 * 19 * w as usize], 3).to_f32().as_slice());
    let epilogue = Expr::reg(SUM, Ty::F32).add(&Expr::load(2, &Fact::new(DType::F32, shape), here));
    let body = Body::Contract { contract: c.clone(), epilogue, dtype: DType::F32 };
    let choice = select(level, "conv", &body, 3, 1, &|i| (i == 1).then(|| f.clone()));
    assert_eq!(choice.packed.is_some(), !symbolic && w < level.lanes() as i64, "filters are packed for few columns");
    let given = [Some(&x), Some(&f)];
    let plain = eval::run(&l, &given, std::slice::from_ref(&y), &mut env.clone()).unwrap().remove(0);
    let panels = choice.packed.map(|(_, b)| Tensor::from_bytes(DType::F32, &[b.len() / 4], b).unwrap());
    let want: Vec<f32> = plain.to_f32().iter().zip(residual.to_f32()).map(|(a, b)| a + b).collect();
    let want = Tensor::f32(plain.shape(), &want);
    let x = [x, panels.unwrap_or(f), residual];
    let (a, b) = (interpreted(&choice.kernel, &env, &x, &want), machine(level, &choice.kernel, &env, &x, &want));
    assert_eq!(a.bytes(), b.bytes(), "{w} columns, {}: the interpreter and the machine disagree", level.name());
    assert_eq!(differs(&b, &want), None, "{w} columns, {}", level.name());
    b
}

#[test]
fn sums_of_products_have_one_order_at_all_levels_and_for_all_sizes() {
    for w in [1, 2, 7, 12, 35] {
        let want = filtered(Level::Portable, w, true);
        for (level, symbolic) in levels().flat_map(|l| [(l, false), (l, true)]) {
            let got = filtered(level, w, symbolic);
            assert_eq!(got.bytes(), want.bytes(), "{w} columns, {}, symbolic: {symbolic}", level.name());
        }
    }
}

#[test]
fn sums_of_rows_have_one_order_at_all_levels() {
    for n in [16usize, 40, 333] {
        let x = floats(&[3, n], 4);
        let load = Expr::load(0, &x.type_fact(), vec![Expr::var(0), Expr::var(1)]);
        let y = Fact::new(DType::F32, [3.into()]);
        let c = Comp::new(&y, Expr::reduce(Monoid::Sum, vec![(1, n.into())], load.mul(&load)));
        let blank = Tensor::f32(&[3], &[0.0; 3]);
        let sums = |l| machine(l, &nest(l, &c), &Env::new(), std::slice::from_ref(&x), &blank);
        assert!(levels().all(|l| sums(l).bytes() == sums(Level::Portable).bytes()), "{n} elements");
    }
}

/// Rows of an image that end in a panel which is not full: repeated columns must not pass for adjacent ones.
#[test]
fn convolutions_of_images_smaller_than_a_panel() {
    for symbolic in [false, true] {
        for (h, w) in [(2, 3), (1, 7), (3, 3), (4, 2), (2, 13)] {
            let (d, env) = sizes(symbolic, &[("h", h), ("w", w)]);
            let (x, f) = (floats(&[2, 3, h as usize + 2, w as usize + 2], 1), floats(&[7, 3, 3, 3], 2));
            let padded = |i: usize| d[i].clone() + 2.into();
            let fx = Fact::new(DType::F32, [2.into(), 3.into(), padded(0), padded(1)]);
            let y = Fact::new(DType::F32, [2.into(), 7.into(), d[0].clone(), d[1].clone()]);
            let conv = dlc_ir::ops::by_name("Conv").unwrap();
            let attrs = dlc_ir::Attrs::new();
            let ctx = dlc_ir::Ctx { name: "conv", attrs: &attrs, outputs: 1 };
            let l = conv.lowering(&ctx, &[Some(&fx), Some(&f.type_fact())], std::slice::from_ref(&y)).unwrap();
            let Lowering::Contract(c) = &l else { panic!("a convolution without padding is a contraction") };
            let body = Body::Contract { contract: c.clone(), epilogue: Expr::reg(SUM, Ty::F32), dtype: DType::F32 };
            check(&format!("convolution {h}x{w}"), &body, &l, &[x, f], &y, &env);
        }
    }
}

/// One operand, loaded and stored element by element: in lanes, and from the end, one at a time.
fn moved(level: Level, x: &Tensor, to: DType, backwards: bool) -> [Tensor; 2] {
    let (fx, y) = (x.type_fact(), Fact::new(to, x.type_fact().shape));
    let i = Expr::var(0);
    let i = if backwards { Expr::int(x.len() as i64 - 1).bin(Bin::Sub, &i) } else { i };
    let k = nest(level, &Comp::new(&y, Expr::load(0, &fx, vec![i])));
    let blank = Tensor::new(to, x.shape(), vec![dlc_ir::Num::I(0); x.len()]);
    let x = std::slice::from_ref(x);
    [interpreted(&k, &Env::new(), x, &blank), machine(level, &k, &Env::new(), x, &blank)]
}

fn reversed(t: &Tensor) -> Tensor {
    Tensor::new(t.dtype(), t.shape(), (0..t.len()).rev().map(|i| t.at(i)))
}

#[test]
fn narrow_elements_are_those_of_the_oracle_bit_for_bit() {
    let special = [f32::NAN, f32::INFINITY, 0.0, 1e-45, 448.0, 464.0, 464.1, 240.0, 248.0, 61440.0, 5.0, 0.25, 1.7e38];
    let near = (0..512).flat_map(|i| [0.03125f32, 1.0 / 1024.0].map(|s| s * (i as f32 + 0.5)));
    let all = (0..=u32::MAX).step_by(999_983).map(f32::from_bits).chain(near).chain(special);
    let values: Vec<f32> = all.flat_map(|v| [v, -v, v.next_up()]).collect();
    let values = Tensor::f32(&[values.len()], &values);
    let whole = Tensor::new(DType::I32, &[77], (-38..39).map(dlc_ir::Num::I));
    for (dtype, ..) in dlc_ir::dtype::DTYPES.iter().filter(|d| d.0.is_narrow()) {
        let codes = dlc_ir::ops::common::quantize::sample_narrow(*dtype);
        let codes = codes.reshape(&[codes.len()]).unwrap();
        let (x, wide) = if dtype.is_float() { (&values, DType::F32) } else { (&whole, DType::I32) };
        let stored = Tensor::new(*dtype, x.shape(), x.iter());
        let loaded = Tensor::new(wide, codes.shape(), codes.iter());
        for (level, backwards) in levels().flat_map(|l| [(l, false), (l, true)]) {
            let turn = |t: &Tensor| if backwards { reversed(t) } else { t.clone() };
            for got in moved(level, x, *dtype, backwards) {
                let wrong = got.bytes().iter().zip(turn(&stored).bytes()).position(|(a, b)| a != b);
                assert_eq!(wrong.map(|i| turn(x).at(i)), None, "{dtype}");
            }
            for got in moved(level, &codes, wide, backwards) {
                let same = |(a, b): (dlc_ir::Num, dlc_ir::Num)| a == b || (a.f().is_nan() && b.f().is_nan());
                assert!(got.iter().zip(turn(&loaded).iter()).all(same), "{dtype}: {got:?}");
            }
        }
    }
}

/// An image with its channels last, a window over it, and what becomes of its sums or largest elements.
struct Image {
    height: i64,
    width: i64,
    kernel: i64,
    stride: i64,
    pad: i64,
    dilation: i64,
}

impl Image {
    /// Elements of the result along an axis.
    fn out(&self, n: i64) -> i64 {
        (n + 2 * self.pad - self.dilation * (self.kernel - 1) - 1) / self.stride + 1
    }

    /// The element at (row, column, channel): variables 0, 1, 2; taps are variables 3 and 4.
    fn expr(&self, x: &Fact, w: &Fact, monoid: Monoid) -> Expr {
        let v = Expr::var;
        let at = |o: u32, k: u32| {
            let tap = v(k).mul(&Expr::int(self.dilation));
            v(o).mul(&Expr::int(self.stride)).add(&tap).sub(&Expr::int(self.pad))
        };
        let (row, column) = (at(0, 3), at(1, 4));
        let inside = row.within(&x.shape[0]).and(&column.within(&x.shape[1]));
        let load = Expr::load(0, x, vec![row, column, v(2)]);
        let taps = vec![(3, self.kernel.into()), (4, self.kernel.into())];
        let factor = Expr::load(1, w, vec![v(3), v(4), v(2)]);
        if monoid == Monoid::Max {
            return Expr::reduce(monoid, taps, inside.select(&load, &load.like(f64::NEG_INFINITY)));
        }
        let read = if self.pad == 0 { load } else { inside.select(&load, &load.like(0.0)) };
        let bias = Expr::load(1, w, vec![Expr::int(0), Expr::int(0), v(2)]);
        Expr::reduce(monoid, taps, read.mul(&factor)).add(&bias).sigmoid()
    }
}

#[test]
fn windows_over_neighbours() {
    let images = [
        [5, 7, 5, 3, 1, 1, 1],
        [9, 20, 24, 3, 2, 1, 1],
        [4, 33, 16, 5, 1, 2, 1],
        [6, 3, 17, 3, 2, 0, 1],
        [3, 40, 4, 7, 1, 3, 1],
        [7, 9, 3, 3, 1, 2, 2],
        [2, 1, 33, 3, 1, 1, 1],
    ];
    for [height, width, channels, kernel, stride, pad, dilation] in images {
        let image = Image { height, width, kernel, stride, pad, dilation };
        let shape = |v: &[i64]| v.iter().map(|n| *n as usize).collect::<Vec<_>>();
        let x = floats(&shape(&[height, width, channels]), 1);
        let w = floats(&shape(&[kernel, kernel, channels]), 2);
        for (monoid, symbolic) in [(Monoid::Sum, false), (Monoid::Max, false), (Monoid::Sum, true)] {
            let (d, env) = sizes(symbolic, &[("h", height), ("w", width), ("c", channels)]);
            let (fx, fw) =
                (Fact::new(DType::F32, d.clone()), Fact::new(DType::F32, [kernel, kernel, channels].map(Dim::from)));
            let out =
                |n: i64, d: &Dim| if symbolic { d.clone() + (image.out(n) - n).into() } else { image.out(n).into() };
            let y = Fact::new(DType::F32, [out(image.height, &d[0]), out(image.width, &d[1]), d[2].clone()]);
            let comp = Comp::new(&y, image.expr(&fx, &fw, monoid));
            let (l, body) = (Lowering::Comps(vec![comp.clone()]), Body::Comp(comp));
            let name = format!("window {height}x{width}x{channels}, {kernel} by {stride}, {monoid:?}, {symbolic}");
            let x = [x.clone(), w.clone()];
            check(&name, &body, &l, &x, &y, &env);
            let given = [Some(&x[0]), Some(&x[1])];
            let blank = eval::run(&l, &given, std::slice::from_ref(&y), &mut env.clone()).unwrap().remove(0);
            let at = |level| machine(level, &select(level, "window", &body, 2, 1, &|_| None).kernel, &env, &x, &blank);
            assert!(levels().all(|l| at(l).bytes() == at(Level::Portable).bytes()), "{name}: the same at every level");
        }
    }
}
