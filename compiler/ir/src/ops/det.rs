//! `Det`: determinant of each square matrix of a stack. <https://onnx.ai/onnx/operators/onnx__Det.html>
//!
//! Both forms eliminate below the largest pivot of each column, in f64.

use super::common::elementwise::sample_floats;
use super::common::normalize::tensor;
use super::common::unary::check_type;
use crate::lower::{Expr, Lowering, Proc, Slot, Stmt, Ty, Un, for_, if_, set, store};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Det;

fn determinant(mut a: Vec<f64>, n: usize) -> f64 {
    let mut det = 1.0;
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs())).unwrap_or(k);
        if pivot != k {
            (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
            det = -det;
        }
        det *= a[k * n + k];
        if a[k * n + k] == 0.0 {
            return det;
        }
        for i in k + 1..n {
            let f = a[i * n + k] / a[k * n + k];
            (k..n).for_each(|j| a[i * n + j] -= f * a[k * n + j]);
        }
    }
    det
}

/// A matrix being eliminated: scratch 0, f64.
struct Matrix {
    shape: [Dim; 2],
}

impl Matrix {
    fn at(&self, i: &Expr, j: &Expr) -> Expr {
        Expr::load_slot(Slot::T(0), DType::F64, &self.shape, vec![i.clone(), j.clone()])
    }
    fn put(&self, i: &Expr, j: &Expr, value: Expr) -> Stmt {
        Stmt::Store { slot: Slot::T(0), dtype: DType::F64, index: vec![i.clone(), j.clone()], value }
    }
    fn from(&self, var: u32, lo: &Expr, body: Vec<Stmt>) -> Stmt {
        Stmt::For { var, lo: lo.clone(), hi: Expr::size(&self.shape[0]), body }
    }
}

/// Register 0 is the determinant, 1 the row of the pivot, 2 a factor or an element being exchanged.
fn eliminate(m: &Matrix, k: u32) -> Vec<Stmt> {
    let (vk, vi, vj) = (Expr::var(k), Expr::var(k + 1), Expr::var(k + 2));
    let (det, row, hold) = (Expr::reg(0, Ty::F64), Expr::reg(1, Ty::I64), Expr::reg(2, Ty::F64));
    let next = vk.add(&Expr::int(1));
    let larger = m.at(&vi, &vk).un(Un::Abs).gt(&m.at(&row, &vk).un(Un::Abs));
    let exchange = vec![set(2, m.at(&vk, &vj)), m.put(&vk, &vj, m.at(&row, &vj)), m.put(&row, &vj, hold.clone())];
    let swap = vec![set(0, det.un(Un::Neg)), for_(k + 2, &m.shape[0], exchange)];
    let subtract = m.put(&vi, &vj, m.at(&vi, &vj).sub(&hold.mul(&m.at(&vk, &vj))));
    let below = vec![set(2, m.at(&vi, &vk).div(&m.at(&vk, &vk))), m.from(k + 2, &vk, vec![subtract])];
    vec![
        set(1, vk.clone()),
        m.from(k + 1, &next, vec![if_(larger, vec![set(1, vi.clone())])]),
        if_(row.ne(&vk), swap),
        set(0, det.mul(&m.at(&vk, &vk))),
        if_(m.at(&vk, &vk).ne(&Expr::num(Ty::F64, 0.0)), vec![m.from(k + 1, &next, below)]),
    ]
}

impl Op for Det {
    fn name(&self) -> &'static str {
        "Det"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        ensure!(x.rank() >= 2, "operand X is {x}, expected rank 2 or more");
        let (m, n) = (&x.shape[x.rank() - 2], &x.shape[x.rank() - 1]);
        let differ = m.as_const().zip(n.as_const()).is_some_and(|(m, n)| m != n);
        ensure!(!differ, "operand X is {x}, expected square matrices");
        Ok(vec![Fact::new(x.dtype, x.shape[..x.rank() - 2].to_vec())])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let (stack, v) = (&x.shape()[..x.rank() - 2], x.to_f64());
        let n = x.shape()[x.rank() - 1];
        let count: usize = stack.iter().product();
        let y = (0..count).map(|i| determinant(v[i * n * n..(i + 1) * n * n].to_vec(), n)).collect();
        Ok(vec![tensor(x.dtype(), stack, y)])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let (stack, n) = (y[0].rank(), &x.shape[y[0].rank()]);
        let m = Matrix { shape: [n.clone(), n.clone()] };
        let k = x.rank() as u32;
        let (i, j) = (Expr::var(k), Expr::var(k + 1));
        let mut from = Expr::vars(stack);
        from.extend([i.clone(), j.clone()]);
        let copy = m.put(&i, &j, Expr::load(0, x, from).cast(Ty::F64));
        let mut body = vec![for_(k, n, vec![for_(k + 1, n, vec![copy])]), set(0, Expr::num(Ty::F64, 1.0))];
        body.push(for_(k, n, eliminate(&m, k)));
        body.push(store(0, &y[0], Expr::vars(stack), Expr::reg(0, Ty::F64).cast(Ty::of(x.dtype))));
        for a in (0..stack).rev() {
            body = vec![for_(a as u32, &x.shape[a], body)];
        }
        Ok(Lowering::Proc(Proc { scratch: vec![(DType::F64, m.shape.to_vec())], parallel: None, body }))
    }
    fn samples(&self) -> Vec<Sample> {
        let swapped = Tensor::f32(&[3, 3], &[0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 4.0, -3.0, 8.0]);
        let singular = Tensor::f32(&[2, 2], &[1.0, 2.0, 2.0, 4.0]);
        let small = Tensor::f32(&[2, 2], &[1.5, 2.0, -1.0, 0.5]).cast(DType::F16);
        let x =
            [swapped, singular, small, sample_floats(&[2, 3, 4, 4], 1), sample_floats(&[5, 1, 1], 1).cast(DType::F64)];
        x.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).collect()
    }
}
