//! `dlc.Trees`: every row of a matrix walks down all trees of an ensemble, and the weights of the leaves that it comes
//! to are aggregated. Ours: what tree ensembles are computed by.
//!
//! Operands: X T[rows, features], roots i64[trees]; of every node its feature, mode (as `TreeEnsemble` numbers them,
//! 6 is a leaf), split T, node for yes, node for no (of a leaf the first and the end of its weights), whether NaN is
//! yes; of every weight its target and the weight T. Result: T[rows, targets]; 0 where no leaf has the target.

use super::common::movement::clamped;
use super::common::trees::{AGGREGATES, Aggregate, MODES, Mode, Node, Trees, matrix, natural, rows};
use crate::lower::{Expr, Lowering, Proc, Slot, Stmt, Ty, for_, set, store};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(TreesAttrs {
    /// Number of targets.
    targets: i64,
    /// 0 average, 1 sum, 2 minimum, 3 maximum.
    aggregate: i64 = 1,
});

pub struct DlcTrees;

fn aggregate(a: &TreesAttrs) -> Result<Aggregate> {
    match usize::try_from(a.aggregate).ok().and_then(|k| AGGREGATES.get(k)) {
        Some((how, _)) => Ok(*how),
        None => bail!("aggregate is {}, expected 0 to 3", a.aggregate),
    }
}

/// The trees as far as constants tell: where walks lead and whether they end follows from integers alone.
fn structure(c: &Ctx, x: &[Option<&Fact>]) -> Result<Trees> {
    let mut all: Vec<Option<Tensor>> = vec![None];
    for i in 1..10 {
        let f = need(x, i, "nodes")?;
        let n = f.len().as_const().and_then(|n| usize::try_from(n).ok());
        all.push(match (f.constant(), n) {
            (Some(t), _) => Some(t.clone()),
            (None, Some(n)) if matches!(i, 4 | 9) => Some(Tensor::floats(f.dtype, &[n], &vec![0.0; n])),
            _ => bail!("operand {i} is {f}, expected a constant"),
        });
    }
    trees(c, &all.iter().map(Option::as_ref).collect::<Vec<_>>())
}

/// The trees of these operands.
fn trees(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Trees> {
    let a = TreesAttrs::read(c.attrs)?;
    let ints =
        |i: usize| need(x, i, "nodes")?.to_i64().into_iter().map(|v| natural(v, "a node")).collect::<Result<Vec<_>>>();
    let (features, modes, yes, no, missing) = (ints(2)?, ints(3)?, ints(5)?, ints(6)?, ints(7)?);
    let splits = need(x, 4, "splits")?.to_f64();
    let mode = |m: usize| MODES.get(m).map_or(Mode::Leaf, |m| m.0);
    let node = |i: usize| Node {
        feature: features[i],
        mode: mode(modes[i]),
        split: splits[i],
        yes: yes[i],
        no: no[i],
        missing: missing[i] != 0,
    };
    Ok(Trees {
        roots: ints(1)?,
        nodes: (0..features.len()).map(node).collect(),
        weights: ints(8)?.into_iter().zip(need(x, 9, "weights")?.to_f64()).collect(),
        targets: natural(a.targets, "targets")?,
        aggregate: aggregate(&a)?,
    })
}

impl Op for DlcTrees {
    fn name(&self) -> &'static str {
        "Trees"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TreesAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(10)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[1, 2, 3, 4, 5, 6, 7, 8, 9]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (m, a) = (need(x, 0, "X")?, TreesAttrs::read(c.attrs)?);
        aggregate(&a)?;
        let features = matrix(m)?;
        ensure!(m.dtype.is_float(), "operand X is {m}, expected floats");
        for i in 1..10 {
            let f = need(x, i, "nodes")?;
            let (of, want) = if matches!(i, 4 | 9) { ("splits and weights", m.dtype) } else { ("nodes", DType::I64) };
            ensure!(f.rank() == 1 && f.dtype == want, "operand {i} is {f}, expected a vector of {want} for {of}");
            let as_many = if i < 8 { 2 } else { 8 };
            ensure!(
                i == 1 || need(x, as_many, "nodes")?.shape == f.shape,
                "operand {i} is {f}, expected as many as others"
            );
        }
        structure(c, x)?.check(features)?;
        Ok(vec![Fact::new(m.dtype, [m.shape[0].clone(), Dim::from(a.targets)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (m, t) = (need(x, 0, "X")?, trees(c, x)?);
        t.check(Some(m.shape()[1] as i64))?;
        Ok(vec![rows(m.dtype(), t.eval(m), t.targets)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let asked = |n: &&Node| n.mode != Mode::Leaf;
        let last = structure(c, x)?.nodes.iter().filter(asked).map(|n| n.feature as i64).max();
        let w = Walk { x: (0..10).map(|i| need(x, i, "nodes")).collect::<Result<_>>()?, y: &y[0], last };
        let how = aggregate(&TreesAttrs::read(c.attrs)?)?;
        let given = (DType::Bool, y[0].shape.clone());
        let rows = Some((0, y[0].shape[0].clone()));
        Ok(Lowering::Proc(Proc { scratch: vec![given], parallel: rows, body: w.row(how) }))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::f32(&[4, 2], &[0.5, 1.0, 2.0, -1.0, f32::NAN, 3.0, 1.0, f32::NAN]);
        let i = |v: &[i64]| Tensor::i64(&[v.len()], v);
        let f = |v: &[f32]| Tensor::f32(&[v.len()], v);
        let s = |how: i64, modes: [i64; 7]| {
            let x = vec![
                x.clone(),
                i(&[0, 4]),
                i(&[0, 1, 0, 0, 1, 0, 0]),
                i(&modes),
                f(&[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
                i(&[1, 2, 0, 2, 5, 2, 5]),
                i(&[2, 3, 2, 3, 6, 5, 5]),
                i(&[1, 0, 0, 0, 1, 0, 0]),
                i(&[0, 1, 2, 0, 0]),
                f(&[0.5, -1.5, 2.0, 4.0, -8.0]),
            ];
            Sample::new(Attrs::new().with("targets", 3i64).with("aggregate", how), x)
        };
        vec![
            s(1, [0, 1, 6, 6, 2, 6, 6]),
            s(0, [3, 4, 6, 6, 5, 6, 6]),
            s(2, [2, 3, 6, 6, 4, 6, 6]),
            s(3, [5, 0, 6, 6, 0, 6, 6]),
        ]
    }
}

/// Registers: the node a walk is at, what its feature is, the answer.
const AT: u32 = 16;
const FEATURE: u32 = 17;
const YES: u32 = 18;

/// The procedure: variables 0 row, 1 target, 2 tree, 3 weight.
struct Walk<'a> {
    x: Vec<&'a Fact>,
    y: &'a Fact,
    /// The largest feature that a node asks for.
    last: Option<i64>,
}

impl Walk<'_> {
    fn load(&self, i: usize, at: &Expr) -> Expr {
        Expr::load(i, self.x[i], vec![at.clone()])
    }

    fn given(&self, target: &Expr) -> Expr {
        Expr::load_slot(Slot::T(0), DType::Bool, &self.y.shape, vec![Expr::var(0), target.clone()])
    }

    fn give(&self, target: &Expr, v: bool) -> Stmt {
        let index = vec![Expr::var(0), target.clone()];
        Stmt::Store { slot: Slot::T(0), dtype: DType::Bool, index, value: Expr::bool(v) }
    }

    fn row(&self, how: Aggregate) -> Vec<Stmt> {
        let (row, target) = (Expr::var(0), Expr::var(1));
        let zero = Expr::num(Ty::of(self.y.dtype), 0.0);
        let clear = vec![store(0, self.y, vec![row.clone(), target.clone()], zero.clone()), self.give(&target, false)];
        let mut body = vec![for_(1, &self.y.shape[1], clear)];
        if let Some(last) = self.last {
            // Read once in the open, so that a matrix without this feature is refused.
            body.push(set(FEATURE, Expr::load(0, self.x[0], vec![row.clone(), Expr::int(last)])));
        }
        let (root, end) = (self.load(1, &Expr::var(2)), Expr::reg(AT, Ty::I64));
        let leaf = vec![Stmt::For { var: 3, lo: self.load(5, &end), hi: self.load(6, &end), body: self.weigh(how) }];
        let walk = [set(AT, root)].into_iter().chain(self.step()).chain(leaf).collect();
        body.push(for_(2, &self.x[1].shape[0], walk));
        if how == Aggregate::Average {
            let old = Expr::load_slot(Slot::Y(0), self.y.dtype, &self.y.shape, vec![row.clone(), target.clone()]);
            let n = Expr::size(&self.x[1].shape[0]).cast(old.ty());
            body.push(for_(1, &self.y.shape[1], vec![store(0, self.y, vec![row, target], old.div(&n))]));
        }
        body
    }

    /// From node to node until a leaf.
    fn step(&self) -> Vec<Stmt> {
        let at = Expr::reg(AT, Ty::I64);
        let mode = self.load(3, &at);
        let v = Expr::load(0, self.x[0], vec![Expr::var(0), clamped(&self.load(2, &at), &self.x[0].shape[1])]);
        let (x, s) = (Expr::reg(FEATURE, v.ty()), self.load(4, &at));
        let tests = [x.le(&s), x.lt(&s), x.ge(&s), x.gt(&s), x.eq(&s), x.ne(&s)];
        let is = |k: usize| mode.eq(&Expr::int(k as i64));
        let answer = (0..6).rev().fold(Expr::bool(false), |rest, k| is(k).select(&tests[k], &rest));
        let missing = x.ne(&x).and(&self.load(7, &at).ne(&Expr::int(0)));
        let answer = answer.or(&missing);
        let next = Expr::reg(YES, Ty::Bool).select(&self.load(5, &at), &self.load(6, &at));
        vec![Stmt::While {
            cond: mode.lt(&Expr::int(Mode::Leaf as i64)),
            body: vec![set(FEATURE, v), set(YES, answer), set(AT, next)],
        }]
    }

    /// One weight added to its target.
    fn weigh(&self, how: Aggregate) -> Vec<Stmt> {
        let (target, w) = (self.load(8, &Expr::var(3)), self.load(9, &Expr::var(3)));
        let index = vec![Expr::var(0), target.clone()];
        let old = Expr::load_slot(Slot::Y(0), self.y.dtype, &self.y.shape, index.clone());
        let new = match how {
            Aggregate::Min => old.min(&w),
            Aggregate::Max => old.max(&w),
            _ => old.add(&w),
        };
        let value = self.given(&target).select(&new, &w);
        vec![store(0, self.y, index, value), self.give(&target, true)]
    }
}
