//! Procedures that go along every line of an operand, one axis after all others.

use crate::lower::{Expr, Proc, Stmt, for_};
use crate::{Dim, Fact};

/// Runs `body` for each line of a tensor of this shape along `axis`. The variables `0..rank` are the axes'; `body`
/// gets a function from the position along the line to the index of its element.
pub fn for_each_line(shape: &[Dim], axis: usize, body: impl FnOnce(&dyn Fn(&Expr) -> Vec<Expr>) -> Vec<Stmt>) -> Proc {
    let at = |p: &Expr| -> Vec<Expr> {
        (0..shape.len()).map(|a| if a == axis { p.clone() } else { Expr::var(a as u32) }).collect()
    };
    let mut body = body(&at);
    let outer: Vec<usize> = (0..shape.len()).filter(|a| *a != axis).collect();
    for a in outer.iter().skip(1).rev() {
        body = vec![for_(*a as u32, &shape[*a], body)];
    }
    Proc { parallel: outer.first().map(|a| (*a as u32, shape[*a].clone())), body, ..Proc::default() }
}

/// The first free variable, for the position along a line.
pub fn position(x: &Fact) -> u32 {
    x.rank() as u32
}
