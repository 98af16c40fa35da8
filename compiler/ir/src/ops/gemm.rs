//! `Gemm`: `Y = alpha * A' * B' + beta * C`, where `'` transposes when asked to.
//! <https://onnx.ai/onnx/operators/onnx__Gemm.html>

use super::common::contract::{dot, sum_type};
use super::common::elementwise::sample_floats;
use super::common::quantize::sample_ints;
use crate::infer::{broadcast, broadcast_index, same_dtype};
use crate::lower::{Contract, Expr, Lowering};
use crate::op::{maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(GemmAttrs {
    /// Factor of the product.
    alpha: f32 = 1.0,
    /// Factor of C.
    beta: f32 = 1.0,
    /// Whether A is transposed.
    transA: bool = false,
    /// Whether B is transposed.
    transB: bool = false,
});

pub struct Gemm;

/// Sizes m, k, n.
fn sizes(a: &GemmAttrs, x: &[Dim], y: &[Dim]) -> Result<[Dim; 3]> {
    ensure!(x.len() == 2 && y.len() == 2, "operand A has rank {} and B rank {}, expected 2", x.len(), y.len());
    let order = |s: &[Dim], swap: bool| if swap { (s[1].clone(), s[0].clone()) } else { (s[0].clone(), s[1].clone()) };
    let ((m, ka), (kb, n)) = (order(x, a.transA), order(y, a.transB));
    match (ka.as_const(), kb.as_const()) {
        (Some(p), Some(q)) if p != q => bail!("A' has {p} columns and B' has {q} rows, expected as many"),
        (Some(_), _) => Ok([m, ka, n]),
        _ => Ok([m, kb, n]),
    }
}

fn whole(a: &GemmAttrs, dtype: DType) -> Result<()> {
    let ok = dtype.is_float() || (a.alpha.fract() == 0.0 && a.beta.fract() == 0.0);
    ensure!(ok, "alpha is {} and beta {}, expected whole numbers for {dtype}", a.alpha, a.beta);
    Ok(())
}

impl Op for Gemm {
    fn name(&self) -> &'static str {
        "Gemm"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GemmAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = GemmAttrs::read(c.attrs)?;
        let (x0, x1) = (need(x, 0, "A")?, need(x, 1, "B")?);
        same_dtype(&x.iter().flatten().copied().collect::<Vec<_>>())?;
        whole(&a, x0.dtype)?;
        let [m, _, n] = sizes(&a, &x0.shape, &x1.shape)?;
        let y = vec![m, n];
        if let Some(c) = maybe(x, 2) {
            ensure!(c.rank() <= 2, "operand C has rank {}, expected 2 or less", c.rank());
            let all = broadcast(&[&y, &c.shape])?;
            let same = all.iter().zip(&y).all(|(a, b)| a.as_const().is_none() || b.as_const().is_none() || a == b);
            ensure!(same, "operand C is {c}, expected to broadcast to [{},{}]", y[0], y[1]);
        }
        Ok(vec![Fact::new(x0.dtype, y)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = GemmAttrs::read(c.attrs)?;
        let (x0, x1, bias) = (need(x, 0, "A")?, need(x, 1, "B")?, maybe(x, 2));
        let [m, k, n] =
            sizes(&a, &x0.type_fact().shape, &x1.type_fact().shape)?.map(|d| d.as_const().unwrap_or(0) as usize);
        let at = |i: usize, p: usize| x0.at(if a.transA { p * m + i } else { i * k + p });
        let bt = |p: usize, j: usize| x1.at(if a.transB { j * k + p } else { p * n + j });
        let mut out = vec![];
        for_each_index(&[m, n], |y| {
            let sum = dot(x0.dtype(), (0..k).map(|p| (at(y[0], p), bt(p, y[1]))));
            let c = bias.map_or(Num::I(0), |c| c.at(broadcast_index(c.shape(), y)));
            out.push(match (sum, c) {
                (Num::I(s), c) => Num::I(a.alpha as i128 * s + a.beta as i128 * c.i()),
                (s, c) => Num::F(a.alpha as f64 * s.f() + a.beta as f64 * c.f()),
            });
        });
        Ok(vec![Tensor::new(x0.dtype(), &[m, n], out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = GemmAttrs::read(c.attrs)?;
        let (x0, x1, bias) = (need(x, 0, "A")?, need(x, 1, "B")?, maybe(x, 2));
        match bias.is_some() || a.alpha != 1.0 {
            true => expand(&a, x0, x1, bias).map(Lowering::Expand),
            false => contract(&a, x0, x1, &y[0]).map(Lowering::Contract),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |a: Attrs, x: &[&[usize]]| {
            Sample::new(a, x.iter().enumerate().map(|(i, s)| sample_floats(s, i as u32)).collect())
        };
        let none = Attrs::new;
        let i32 = |shape: &[usize]| sample_ints(DType::I8, shape, 1).cast(DType::I32);
        vec![
            s(none(), &[&[2, 3], &[3, 4]]),
            s(none().with("transA", true), &[&[3, 2], &[3, 4], &[4]]),
            s(none().with("transB", true), &[&[2, 3], &[5, 3], &[1, 5]]),
            s(none().with("transB", true).with("transA", true), &[&[3, 7], &[5, 3]]),
            s(none().with("alpha", 0.5f32).with("beta", -0.25f32), &[&[2, 3], &[3, 4], &[2, 4]]),
            s(none().with("alpha", 2.0f32), &[&[2, 3], &[3, 4], &[2, 1]]),
            s(none().with("beta", 3.0f32), &[&[2, 3], &[3, 4], &[]]),
            Sample::new(none().with("alpha", 3.0f32), vec![i32(&[2, 5]), i32(&[5, 3]), i32(&[3])]),
        ]
    }
}

fn contract(a: &GemmAttrs, x0: &Fact, x1: &Fact, y: &Fact) -> Result<Contract> {
    let [m, k, n] = sizes(a, &x0.shape, &x1.shape)?;
    let (i, j, p) = (Expr::var(0), Expr::var(1), Expr::var(2));
    let pair = |first: &Expr, second: &Expr, swap: bool| {
        if swap { vec![second.clone(), first.clone()] } else { vec![first.clone(), second.clone()] }
    };
    Ok(Contract {
        batch: vec![],
        m: vec![m],
        n: vec![n],
        k: vec![k],
        a: Expr::load(0, x0, pair(&i, &p, a.transA)),
        b: Expr::load(1, x1, pair(&p, &j, a.transB)),
        acc: sum_type(y.dtype),
        dtype: y.dtype,
    })
}

/// Product, factors and C as operators of their own.
fn expand(a: &GemmAttrs, x0: &Fact, x1: &Fact, bias: Option<&Fact>) -> Result<Graph> {
    let mut g = Graph::new("gemm");
    let (av, bv) = (g.add_input("a", x0.type_only()), g.add_input("b", x1.type_only()));
    let attrs = Attrs::new().with("transA", a.transA).with("transB", a.transB);
    let mut y = g.apply("product", "Gemm", attrs, &[av, bv])?;
    let scale = |g: &mut Graph, name: &str, by: f32, v| {
        if by == 1.0 {
            return Ok(v);
        }
        let by = g.add_const(name, Tensor::floats(x0.dtype, &[], &[by as f64]));
        g.apply(&format!("{name}_scaled"), "Mul", Attrs::new(), &[v, by])
    };
    y = scale(&mut g, "alpha", a.alpha, y)?;
    if let Some(c) = bias {
        let c = g.add_input("c", c.type_only());
        let c = scale(&mut g, "beta", a.beta, c)?;
        y = g.apply("sum", "Add", Attrs::new(), &[y, c])?;
    }
    g.add_output("y", y);
    Ok(g)
}
