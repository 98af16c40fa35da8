//! Lists of axes that data gives.

use crate::lower::{Expr, Monoid, Ty};
use crate::{Fact, Result, bail, ensure};

/// The axes that an operand lists, among those of a tensor of some rank.
pub struct Axes<'a> {
    /// Number of the operand.
    pub slot: usize,
    /// What is known of it.
    pub list: &'a Fact,
    /// Number of axes they are among.
    pub rank: usize,
}

/// The operand, where it is a list of axes that is not known.
pub fn unknown(axes: Option<&Fact>) -> Option<&Fact> {
    axes.filter(|f| f.as_ints().is_none() && !f.is_empty())
}

/// Number of axes in the list, on which the rank of a result depends; a refusal where it is not known.
pub fn count(list: &Fact) -> Result<usize> {
    ensure!(list.rank() == 1 && list.dtype.is_int(), "operand axes is {list}, expected a vector of integers");
    match list.shape[0].as_const() {
        Some(n) => Ok(n as usize),
        None => bail!("operand axes is {list}, expected a known number of axes: the rank of the result depends on it"),
    }
}

impl Axes<'_> {
    /// Something of all axes of the list.
    fn each(&self, m: Monoid, f: impl Fn(&Expr) -> Expr) -> Expr {
        let axis = Expr::load(self.slot, self.list, vec![Expr::var(0)]).cast(Ty::I64);
        Expr::reduce(m, vec![(0, self.list.shape[0].clone())], f(&axis.wrap_index(&self.rank.into())))
    }

    /// Whether axis `i` is in the list.
    pub fn named(&self, i: usize) -> Expr {
        self.each(Monoid::Or, |axis| axis.eq(&Expr::int(i as i64)))
    }

    /// Whether the list has nothing but axes.
    pub fn exist(&self) -> Expr {
        self.each(Monoid::And, |axis| axis.within(&self.rank.into()))
    }
}

/// How many of `0, 1, ..` hold before each, and at the end.
pub fn counted(holds: &[Expr]) -> Vec<Expr> {
    let mut out = vec![Expr::int(0)];
    for h in holds {
        out.push(out[out.len() - 1].add(&h.select(&Expr::int(1), &Expr::int(0))));
    }
    out
}

/// Of `values`, the one at the position `at`; 0 where there is none.
pub fn picked(values: &[Expr], at: &Expr) -> Expr {
    let pick = |rest: Expr, (i, v): (usize, &Expr)| at.eq(&Expr::int(i as i64)).select(v, &rest);
    values.iter().enumerate().fold(Expr::int(0), pick)
}

/// The sizes, or -1 first, which is refused, where what they take for granted does not hold.
pub fn checked(holds: &Expr, mut sizes: Vec<Expr>) -> Vec<Expr> {
    if let Some(first) = sizes.first_mut() {
        *first = holds.select(first, &Expr::int(-1));
    }
    sizes
}
