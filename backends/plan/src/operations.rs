//! How many arithmetic operations a region makes: what a profile divides by its time.

use crate::Body;
use dlc_ir::Dim;
use dlc_ir::dim::product;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::{E, Expr, Monoid, Stmt, Ty};
use std::collections::HashMap;

/// Operations on elements: sums, products, comparisons that choose, functions, each one; a product that is added on is
/// two. Arithmetic of indices, conversions and conditions are not counted, nor is a loop whose count only the data knows.
pub fn operations(body: &Body) -> Dim {
    match body {
        Body::Comp(c) => product(&c.shape) * of_expr(&c.expr),
        Body::Contract { contract: c, epilogue, .. } => {
            let results = product(c.batch.iter().chain(&c.m).chain(&c.n));
            results.clone() * product(&c.k) * 2.into() + results * of_expr(epilogue)
        }
        Body::Proc { body, .. } => {
            let once = of_block(&body.body);
            body.parallel.iter().fold(once, |n, (_, extent)| n * extent.clone())
        }
    }
}

fn of_block(body: &[Stmt]) -> Dim {
    body.iter().map(of_stmt).fold(0.into(), |a, b| a + b)
}

fn of_stmt(s: &Stmt) -> Dim {
    match s {
        Stmt::For { lo, hi, body, .. } => match Linear::of(lo).as_size().zip(Linear::of(hi).as_size()) {
            Some((lo, hi)) => (hi - lo).max_of(&0.into()) * of_block(body),
            None => 0.into(),
        },
        Stmt::While { .. } => 0.into(),
        Stmt::If { then, els, .. } => of_block(then).max_of(&of_block(els)),
        Stmt::Set { value, .. } | Stmt::Store { value, .. } => of_expr(value),
    }
}

/// Of one element; what an expression shares is made once.
fn of_expr(e: &Expr) -> Dim {
    fn go(e: &Expr, seen: &mut HashMap<usize, Expr>) -> Dim {
        if seen.insert(e.address(), e.clone()).is_some() {
            return 0.into();
        }
        match &**e {
            // What decides a place is arithmetic of indices, but for what is looked up in a table.
            E::Load { index, .. } => match &index[..] {
                [i] if matches!(&**i, E::Cast(Ty::I64, x) if x.ty() == Ty::I32) => go(i, seen),
                _ => 0.into(),
            },
            E::Un(_, a) => go(a, seen) + 1.into(),
            E::Bin(_, a, b) => go(a, seen) + go(b, seen) + 1.into(),
            E::Select(_, a, b) => go(a, seen) + go(b, seen),
            // All picks are taken, each for its part of the elements, and share what they have in common.
            E::Pick(_, of) => {
                let all = of.iter().map(|e| go(e, seen)).fold(Dim::from(0), |a, b| a + b);
                all.ceil_div(&of.len().into())
            }
            E::Reduce(m, vars, body) => {
                let step = if matches!(m, Monoid::And | Monoid::Or) { 0 } else { 1 };
                product(vars.iter().map(|v| &v.1)) * (go(body, seen) + step.into())
            }
            _ => {
                let mut sum: Dim = 0.into();
                e.for_children(&mut |c| sum = sum.clone() + go(c, seen));
                sum
            }
        }
    }
    go(e, &mut HashMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Step, plan};
    use dlc_ir::text;

    fn count(body: &str) -> Vec<String> {
        let g = text::parse(&format!("graph g {{ {body} }}")).unwrap();
        let all = plan(&g).unwrap();
        let one = |s: &Step| match s {
            Step::Compute { body, .. } => Some(operations(body).to_string()),
            _ => None,
        };
        all.blocks[0].steps.iter().filter_map(one).collect()
    }

    #[test]
    fn elements_are_counted_and_indices_are_not() {
        assert_eq!(count("input x: f32[2,3] y = Relu(x) z = Add(y, x) output z = z"), ["12"]);
        assert_eq!(count("input x: f32[2,3] y = Transpose(x) {perm=[1,0]} output y = y"), ["0"]);
        assert_eq!(count("input x: f32[n,4] input w: f32[4,5] y = MatMul(x, w) output y = y"), ["40*n"]);
        let sums = "input x: f32[2,3] a = const i64[1] {1} y = ReduceSum(x, a) {keepdims=0} output y = y";
        assert_eq!(count(sums), ["6"]);
    }
}
