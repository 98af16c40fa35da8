//! `com.microsoft.Inverse`: the inverse of each square matrix of a stack.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! Gauss-Jordan with the largest pivot of each column, in f64; a matrix without inverse gives infinities or NaN.

use super::common::elementwise::sample_floats;
use super::common::normalize::tensor;
use super::common::unary::check_type;
use crate::lower::{Expr, Lowering, Proc, Slot, Stmt, Ty, Un, for_, if_, set, store};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, ensure};

/// See the module.
pub struct Inverse;

fn inverse(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    let mut y: Vec<f64> = (0..n * n).map(|at| f64::from(at / n == at % n)).collect();
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs())).unwrap_or(k);
        let p = a[pivot * n + k];
        for m in [&mut a, &mut y] {
            for j in 0..n {
                m.swap(k * n + j, pivot * n + j);
                m[k * n + j] /= p;
            }
        }
        for i in (0..n).filter(|i| *i != k) {
            let f = a[i * n + k];
            for m in [&mut a, &mut y] {
                for j in 0..n {
                    m[i * n + j] -= f * m[k * n + j];
                }
            }
        }
    }
    y
}

/// The matrix and, to its right, what becomes its inverse: scratch 0, f64.
struct Pair {
    n: Dim,
    shape: [Dim; 2],
}

impl Pair {
    fn at(&self, i: &Expr, j: &Expr) -> Expr {
        Expr::load_slot(Slot::T(0), DType::F64, &self.shape, vec![i.clone(), j.clone()])
    }
    fn put(&self, i: &Expr, j: &Expr, value: Expr) -> Stmt {
        Stmt::Store { slot: Slot::T(0), dtype: DType::F64, index: vec![i.clone(), j.clone()], value }
    }
    /// `body` for each column of both.
    fn row(&self, var: u32, body: Vec<Stmt>) -> Stmt {
        for_(var, &self.shape[1], body)
    }
    /// Makes column `k` that of the unit. Register 0 is the row of the pivot, 1 a factor, 2 an element being exchanged.
    fn eliminate(&self, k: u32) -> Vec<Stmt> {
        let (vk, vi, vj) = (Expr::var(k), Expr::var(k + 1), Expr::var(k + 2));
        let (row, factor, hold) = (Expr::reg(0, Ty::I64), Expr::reg(1, Ty::F64), Expr::reg(2, Ty::F64));
        let larger = self.at(&vi, &vk).un(Un::Abs).gt(&self.at(&row, &vk).un(Un::Abs));
        let find = for_(k + 1, &self.n, vec![if_(vi.gt(&vk).and(&larger), vec![set(0, vi.clone())])]);
        let exchange = vec![
            set(2, self.at(&vk, &vj)),
            self.put(&vk, &vj, self.at(&row, &vj).div(&factor)),
            if_(row.ne(&vk), vec![self.put(&row, &vj, hold)]),
        ];
        let subtract = self.put(&vi, &vj, self.at(&vi, &vj).sub(&factor.mul(&self.at(&vk, &vj))));
        let other = vec![set(1, self.at(&vi, &vk)), self.row(k + 2, vec![subtract])];
        vec![
            set(0, vk.clone()),
            find,
            set(1, self.at(&row, &vk)),
            self.row(k + 2, exchange),
            for_(k + 1, &self.n, vec![if_(vi.ne(&vk), other)]),
        ]
    }
}

impl Op for Inverse {
    fn name(&self) -> &'static str {
        "Inverse"
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        ensure!(x.rank() >= 2, "X is {x}, expected rank 2 or more");
        let (m, n) = (&x.shape[x.rank() - 2], &x.shape[x.rank() - 1]);
        let differ = m.as_const().zip(n.as_const()).is_some_and(|(m, n)| m != n);
        ensure!(!differ, "X is {x}, expected square matrices");
        Ok(vec![x.type_only()])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let n = x.shape()[x.rank() - 1];
        let y = x.to_f64().chunks((n * n).max(1)).flat_map(|m| inverse(m.to_vec(), n)).collect();
        Ok(vec![tensor(x.dtype(), x.shape(), y)])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let (stack, n) = (x.rank() - 2, &x.shape[x.rank() - 1]);
        let m = Pair { n: n.clone(), shape: [n.clone(), n.clone() * 2.into()] };
        let k = x.rank() as u32;
        let (i, j) = (Expr::var(k), Expr::var(k + 1));
        let at: Vec<Expr> = Expr::vars(stack).into_iter().chain([i.clone(), j.clone()]).collect();
        let right = j.add(&Expr::size(n));
        let unit = i.eq(&j).select(&Expr::num(Ty::F64, 1.0), &Expr::num(Ty::F64, 0.0));
        let copy = vec![m.put(&i, &j, Expr::load(0, x, at.clone()).cast(Ty::F64)), m.put(&i, &right, unit)];
        let result = store(0, &y[0], at, m.at(&i, &right).cast(Ty::of(x.dtype)));
        let all = |body: Vec<Stmt>| for_(k, n, vec![for_(k + 1, n, body)]);
        let mut body = vec![all(copy), for_(k, n, m.eliminate(k)), all(vec![result])];
        for a in (0..stack).rev() {
            body = vec![for_(a as u32, &x.shape[a], body)];
        }
        Ok(Lowering::Proc(Proc { scratch: vec![(DType::F64, m.shape.to_vec())], parallel: None, body }))
    }
    fn samples(&self) -> Vec<Sample> {
        let swapped = Tensor::f32(&[3, 3], &[0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 4.0, -3.0, 7.0]);
        let small = Tensor::f32(&[2, 2], &[1.5, 2.0, -1.0, 0.5]).cast(DType::F16);
        let one = Tensor::f32(&[3, 1, 1], &[2.0, -4.0, 0.5]).cast(DType::F64);
        let x = [swapped, small, sample_floats(&[2, 3, 4, 4], 1), one];
        x.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).collect()
    }
}
