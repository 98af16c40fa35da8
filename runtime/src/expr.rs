//! Arithmetic of sizes.

use dlc_artifact::program::{Expr, ExprId, Program};
use std::fmt::Write;

/// In place of a value: not known, or not a number (overflow, division by zero or less).
pub(crate) const NONE: i64 = i64::MIN;

/// Value of an expression, given those of earlier ones and of the symbols.
pub(crate) fn eval(expr: Expr, values: &[i64], symbols: &[i64]) -> i64 {
    let of = |a: ExprId, b: ExprId, f: fn(i64, i64) -> Option<i64>| {
        let (a, b) = (values[a as usize], values[b as usize]);
        if a == NONE || b == NONE { NONE } else { f(a, b).unwrap_or(NONE) }
    };
    match expr {
        Expr::Const(v) => v,
        Expr::Sym(s) => symbols[s as usize],
        Expr::Add(a, b) => of(a, b, i64::checked_add),
        Expr::Sub(a, b) => of(a, b, i64::checked_sub),
        Expr::Mul(a, b) => of(a, b, i64::checked_mul),
        Expr::Div(a, b) => of(a, b, |a, b| (b > 0).then(|| a.div_euclid(b))),
        Expr::Mod(a, b) => of(a, b, |a, b| (b > 0).then(|| a.rem_euclid(b))),
        Expr::Min(a, b) => of(a, b, |a, b| Some(a.min(b))),
        Expr::Max(a, b) => of(a, b, |a, b| Some(a.max(b))),
    }
}

/// The expression as text; a long or deep one is cut off.
pub(crate) fn text(program: &Program, id: ExprId) -> String {
    let mut text = Text { program, out: String::new(), depth: 0 };
    text.put(id, 0);
    text.out
}

/// Longest text of an expression: shared parts are written again, so that the whole could be enormous.
const LONGEST: usize = 120;
/// Deepest part of an expression that is written.
const DEEPEST: usize = 30;

struct Text<'a> {
    program: &'a Program,
    out: String,
    depth: usize,
}

impl Text<'_> {
    /// Appends an expression; `outer` is the strength with which the surroundings hold it.
    fn put(&mut self, id: ExprId, outer: u8) {
        if self.out.len() > LONGEST || self.depth > DEEPEST {
            return self.out.push_str("..");
        }
        self.depth += 1;
        match self.program.exprs[id as usize] {
            Expr::Const(v) => drop(write!(self.out, "{v}")),
            Expr::Sym(s) => self.out.push_str(&self.program.symbols[s as usize]),
            Expr::Add(a, b) => self.infix((1, outer), a, " + ", b),
            Expr::Sub(a, b) => self.infix((1, outer), a, " - ", b),
            Expr::Mul(a, b) => self.infix((3, outer), a, "*", b),
            Expr::Div(a, b) => self.infix((3, outer), a, " / ", b),
            Expr::Mod(a, b) => self.infix((3, outer), a, " % ", b),
            Expr::Min(a, b) => self.call("min(", a, b),
            Expr::Max(a, b) => self.call("max(", a, b),
        }
        self.depth -= 1;
    }

    fn infix(&mut self, (strength, outer): (u8, u8), a: ExprId, sign: &str, b: ExprId) {
        let held = strength < outer;
        self.out.push_str(if held { "(" } else { "" });
        self.put(a, strength);
        self.out.push_str(sign);
        self.put(b, strength + 1);
        self.out.push_str(if held { ")" } else { "" });
    }

    fn call(&mut self, name: &str, a: ExprId, b: ExprId) {
        self.out.push_str(name);
        self.put(a, 0);
        self.out.push_str(", ");
        self.put(b, 0);
        self.out.push(')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Expr::*;

    fn program(exprs: Vec<Expr>) -> Program {
        Program { symbols: vec!["n".into(), "m".into()], exprs, ..Program::default() }
    }

    fn value(exprs: &[Expr], symbols: &[i64]) -> i64 {
        let mut values = vec![];
        exprs.iter().for_each(|e| values.push(eval(*e, &values, symbols)));
        values[values.len() - 1]
    }

    #[test]
    fn arithmetic_is_floored_and_checked() {
        let of = |f: fn(ExprId, ExprId) -> Expr, a, b| value(&[Const(a), Const(b), f(0, 1)], &[]);
        assert_eq!((of(Div, -7, 2), of(Mod, -7, 2), of(Div, 7, 0), of(Mod, 7, -1)), (-4, 1, NONE, NONE));
        assert_eq!((of(Min, -7, 2), of(Max, -7, 2), of(Sub, 3, 5), of(Mul, 3, 5)), (-7, 2, -2, 15));
        assert_eq!((of(Add, i64::MAX, 1), of(Mul, i64::MAX, 2), of(Sub, NONE, 0)), (NONE, NONE, NONE));
        assert_eq!(value(&[Sym(0), Const(2), Mul(0, 1)], &[NONE]), NONE);
    }

    #[test]
    fn text_has_the_parentheses_it_needs() {
        let p =
            program(vec![Sym(0), Sym(1), Add(0, 1), Mul(2, 2), Sub(3, 2), Const(2), Div(4, 5), Min(6, 0), Mod(5, 6)]);
        assert_eq!(text(&p, 4), "(n + m)*(n + m) - (n + m)");
        assert_eq!(text(&p, 7), "min(((n + m)*(n + m) - (n + m)) / 2, n)");
        assert_eq!(text(&p, 8), "2 % (((n + m)*(n + m) - (n + m)) / 2)");
    }

    #[test]
    fn enormous_text_is_cut_off() {
        let mut exprs = vec![Sym(0)];
        (0..60).for_each(|k| exprs.push(Add(k, k)));
        let p = program(exprs);
        assert!(text(&p, 60).len() < 400);
        let mut exprs = vec![Sym(0)];
        (0..300_000).for_each(|k| exprs.push(Add(k, 0)));
        assert!(text(&program(exprs), 300_000).len() < 400);
    }
}
