//! In which order expressions that share parts are computed: whatever has all of its parts is next, so that these need not be kept.
//!
//! Demanded from their ends, the sums of a transform would all be begun before one is done, and everything it reads be kept for
//! the others.

use dlc_ir::lower::rewrite::each;
use dlc_ir::lower::{E, Expr};
use std::collections::HashMap;

/// What is computed next.
pub enum Turn {
    /// A part.
    Value(Expr),
    /// All of an expression, by its number: what it is made of has been computed.
    Root(usize),
}

/// An order of the parts of some expressions: loads as they are met, first by the expressions that need most of them, and after
/// each all that needs no other.
pub fn order(roots: &[&Expr]) -> Vec<Turn> {
    let mut o = Order::default();
    let mut by_loads: Vec<(usize, &Expr)> = roots.iter().copied().enumerate().collect();
    by_loads.sort_by_cached_key(|(_, e)| std::cmp::Reverse(loads(e)));
    for (i, e) in by_loads {
        o.visit(e);
        o.parts.get_mut(&e.address()).expect("visited").roots.push(i);
    }
    for first in std::mem::take(&mut o.first) {
        o.next(&first);
    }
    o.out
}

fn loads(e: &Expr) -> usize {
    let mut n = 0;
    each(e, &mut |e| n += usize::from(matches!(**e, E::Load { .. })));
    n
}

#[derive(Default)]
struct Order {
    parts: HashMap<usize, Part>,
    /// What needs nothing, as it was met.
    first: Vec<Expr>,
    out: Vec<Turn>,
}

#[derive(Default)]
struct Part {
    /// How many parts of it are to come.
    waits: usize,
    readers: Vec<Expr>,
    roots: Vec<usize>,
}

impl Order {
    fn visit(&mut self, e: &Expr) {
        if self.parts.contains_key(&e.address()) {
            return;
        }
        self.parts.insert(e.address(), Part::default());
        let mut needs: Vec<Expr> = vec![];
        let mut add = |c: &Expr| {
            if !needs.iter().any(|n| n.address() == c.address()) {
                needs.push(c.clone());
            }
        };
        match &**e {
            // An index is computed with its load, and a side that is not taken never.
            E::Load { .. } | E::Reduce(..) | E::Pick(..) => {}
            E::Select(c, ..) => add(c),
            _ => e.for_children(&mut add),
        }
        if needs.is_empty() {
            self.first.push(e.clone());
        }
        for n in &needs {
            self.visit(n);
            self.parts.get_mut(&n.address()).expect("visited").readers.push(e.clone());
        }
        self.parts.get_mut(&e.address()).expect("inserted above").waits = needs.len();
    }

    fn next(&mut self, e: &Expr) {
        self.out.push(Turn::Value(e.clone()));
        let part = self.parts.get_mut(&e.address()).expect("visited");
        let (roots, readers) = (std::mem::take(&mut part.roots), std::mem::take(&mut part.readers));
        self.out.extend(roots.into_iter().map(Turn::Root));
        for r in readers {
            let part = self.parts.get_mut(&r.address()).expect("visited");
            part.waits -= 1;
            if part.waits == 0 {
                self.next(&r);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::{DType, Fact};

    #[test]
    fn what_has_all_of_its_parts_is_next() {
        let x = Fact::new(DType::F32, [4.into()]);
        let x: Vec<Expr> = (0..4).map(|i| Expr::load(0, &x, vec![Expr::int(i)])).collect();
        let (sum, difference) = (x[0].add(&x[1]), x[0].sub(&x[1]));
        let last = x[2].mul(&x[3]);
        let all = sum.add(&last);
        let turns = order(&[&difference, &all]);
        let names: Vec<String> = turns
            .iter()
            .map(|t| match t {
                Turn::Root(i) => format!("root {i}"),
                Turn::Value(e) => {
                    let known = [&x[0], &x[1], &x[2], &x[3], &sum, &difference, &last, &all];
                    format!("{:?}", known.iter().position(|k| k.address() == e.address()).unwrap())
                }
            })
            .collect();
        assert_eq!(names, ["0", "1", "4", "5", "root 0", "2", "3", "6", "7", "root 1"]);
    }
}
