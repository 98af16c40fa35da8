//! Sizes as expressions of the program.

use dlc_artifact::program::{Expr, ExprId, Program, SymId};
use dlc_ir::Dim;
use dlc_ir::dim::Atom;
use std::collections::HashMap;

/// Interns expressions and symbols of a program.
#[derive(Debug, Default)]
pub struct Sizes {
    exprs: HashMap<Expr, ExprId>,
    symbols: HashMap<String, SymId>,
}

impl Sizes {
    /// The symbol of this name.
    pub fn symbol(&mut self, p: &mut Program, name: &str) -> SymId {
        if let Some(id) = self.symbols.get(name) {
            return *id;
        }
        p.symbols.push(name.into());
        let id = p.symbols.len() as SymId - 1;
        self.symbols.insert(name.into(), id);
        id
    }

    /// An expression.
    pub fn expr(&mut self, p: &mut Program, e: Expr) -> ExprId {
        if let Some(id) = self.exprs.get(&e) {
            return *id;
        }
        p.exprs.push(e);
        let id = p.exprs.len() as ExprId - 1;
        self.exprs.insert(e, id);
        id
    }

    /// A constant.
    pub fn constant(&mut self, p: &mut Program, v: i64) -> ExprId {
        self.expr(p, Expr::Const(v))
    }

    /// A size.
    pub fn size(&mut self, p: &mut Program, d: &Dim) -> ExprId {
        let mut sum: Option<ExprId> = None;
        for (atoms, c) in d.terms() {
            let mut term = (c != 1 || atoms.is_empty()).then(|| self.constant(p, c));
            for a in atoms {
                let a = self.atom(p, a);
                term = Some(match term {
                    Some(t) => self.expr(p, Expr::Mul(t, a)),
                    None => a,
                });
            }
            let term = term.expect("a term has a factor");
            sum = Some(match sum {
                Some(s) => self.expr(p, Expr::Add(s, term)),
                None => term,
            });
        }
        sum.unwrap_or_else(|| self.constant(p, 0))
    }

    fn atom(&mut self, p: &mut Program, a: &Atom) -> ExprId {
        let mut both = |s: &mut Self, a: &Dim, b: &Dim| (s.size(p, a), s.size(p, b));
        let e = match a {
            Atom::Sym(name) => Expr::Sym(self.symbol(p, name)),
            Atom::Div(a, b) => {
                let (a, b) = both(self, a, b);
                Expr::Div(a, b)
            }
            Atom::Mod(a, b) => {
                let (a, b) = both(self, a, b);
                Expr::Mod(a, b)
            }
            Atom::Min(a, b) => {
                let (a, b) = both(self, a, b);
                Expr::Min(a, b)
            }
            Atom::Max(a, b) => {
                let (a, b) = both(self, a, b);
                Expr::Max(a, b)
            }
        };
        self.expr(p, e)
    }
}
