//! What steps and expressions refer to.

use dlc_artifact::program::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a step needs before it runs.
pub(crate) struct Uses {
    /// Expressions it takes values of.
    pub(crate) exprs: Vec<ExprId>,
    /// Buffers it reads or writes.
    pub(crate) buffers: Vec<BufId>,
}

/// See [`Uses`].
pub(crate) fn uses(step: &Step) -> Uses {
    let passed = |all: &mut dyn Iterator<Item = &Passed>, more: &[BufId]| {
        let (mut exprs, mut buffers) = (vec![], more.to_vec());
        all.for_each(|p| {
            exprs.extend(&p.dims);
            buffers.push(p.buffer);
        });
        Uses { exprs, buffers }
    };
    match step {
        Step::Call(call) => called(call),
        Step::Chain { calls, pieces } => {
            let mut all = Uses { exprs: vec![*pieces], buffers: vec![] };
            for one in calls.iter().map(called) {
                all.exprs.extend(one.exprs);
                all.buffers.extend(one.buffers);
            }
            all
        }
        Step::Bind { buffer, .. } => Uses { exprs: vec![], buffers: vec![*buffer] },
        Step::If { cond, inputs, .. } => passed(&mut inputs.iter(), &[*cond]),
        Step::Loop { trips, cond, carried, captured, .. } => {
            let flags: Vec<BufId> = trips.iter().chain(cond).copied().collect();
            passed(&mut carried.iter().chain(captured), &flags)
        }
    }
}

fn called(c: &Call) -> Uses {
    let exprs = c.args.iter().chain([&c.work, &c.grain, &c.scratch, &c.operations]).copied().collect();
    Uses { exprs, buffers: c.buffers.clone() }
}

/// What a step gives besides what its buffers hold.
pub(crate) fn results(step: &Step) -> &[Passed] {
    match step {
        Step::If { outputs, .. } | Step::Loop { outputs, .. } => outputs,
        _ => &[],
    }
}

/// Blocks that a step runs.
pub(crate) fn inner(step: &Step) -> Vec<BlockId> {
    match step {
        Step::If { then, els, .. } => vec![*then, *els],
        Step::Loop { body, .. } => vec![*body],
        _ => vec![],
    }
}

/// Name of a step, for errors.
pub(crate) fn node(step: &Step) -> &str {
    match step {
        Step::Call(call) => &call.node,
        Step::Chain { calls, .. } => calls.first().map_or("", |c| &c.node),
        Step::Bind { node, .. } | Step::If { node, .. } | Step::Loop { node, .. } => node,
    }
}

/// Operands of an expression.
pub(crate) fn operands(expr: Expr) -> [Option<ExprId>; 2] {
    use Expr::*;
    match expr {
        Const(_) | Sym(_) => [None, None],
        Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) | Mod(a, b) | Min(a, b) | Max(a, b) => [Some(a), Some(b)],
    }
}

/// The expressions that `roots` are made of, and these, ascending (so operands come first).
pub(crate) fn closure(program: &Program, roots: &[ExprId]) -> Vec<ExprId> {
    let mut all = BTreeSet::new();
    let mut open = roots.to_vec();
    while let Some(e) = open.pop() {
        if all.insert(e) {
            open.extend(operands(program.exprs[e as usize]).into_iter().flatten());
        }
    }
    all.into_iter().collect()
}

/// Symbols among the expressions.
pub(crate) fn symbols(program: &Program, exprs: &[ExprId]) -> Vec<SymId> {
    let one = |e: &ExprId| match program.exprs[*e as usize] {
        Expr::Sym(s) => Some(s),
        _ => None,
    };
    let mut all: Vec<SymId> = exprs.iter().filter_map(one).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether the last of `exprs` (a closure) is `a * symbol + b` with `a` and `b` free of the symbol.
pub(crate) fn affine(program: &Program, exprs: &[ExprId], symbol: SymId) -> bool {
    let mut degrees = BTreeMap::<ExprId, Option<u8>>::new();
    for &e in exprs {
        let of = |e| degrees.get(&e).copied().flatten();
        let degree = match program.exprs[e as usize] {
            Expr::Sym(s) => Some((s == symbol).into()),
            Expr::Add(a, b) | Expr::Sub(a, b) => of(a).zip(of(b)).map(|(a, b)| a.max(b)),
            Expr::Mul(a, b) => of(a).zip(of(b)).map(|(a, b)| a + b).filter(|d| *d <= 1),
            other => operands(other).into_iter().flatten().all(|e| of(e) == Some(0)).then_some(0),
        };
        degrees.insert(e, degree);
    }
    exprs.last().and_then(|e| degrees[e]) == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Expr::*;

    #[test]
    fn affine_expressions_are_told_from_others() {
        let exprs = vec![Sym(0), Sym(1), Const(3), Mul(2, 0), Add(3, 1), Mul(1, 4), Sub(5, 0), Mul(0, 4), Div(0, 2)];
        let p = Program { symbols: vec!["n".into(), "m".into()], exprs, ..Program::default() };
        let of = |e| affine(&p, &closure(&p, &[e]), 0);
        assert_eq!([0, 3, 4, 5, 6].map(of), [true; 5]);
        assert_eq!([1, 2, 7, 8].map(of), [false; 4]);
        assert_eq!((closure(&p, &[4, 3]), symbols(&p, &[0, 1, 2, 0])), (vec![0, 1, 2, 3, 4], vec![0, 1]));
    }
}
