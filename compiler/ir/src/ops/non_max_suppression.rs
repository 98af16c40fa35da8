//! `NonMaxSuppression`: the best boxes of every class that do not overlap a better one.
//! <https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html>

use super::common::boxes::{corners, corners_expr, overlap, overlap_expr};
use super::common::movement::unify;
use super::common::order::{Lane, above, compare};
use crate::lower::{Expr, Lowering, Proc, Slot, Stmt, Ty, for_, if_, set, store};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(NonMaxSuppressionAttrs {
    /// Boxes are (x center, y center, width, height) instead of two corners (y1, x1, y2, x2).
    center_point_box: bool = false,
});

pub struct NonMaxSuppression;

impl Op for NonMaxSuppression {
    fn name(&self) -> &'static str {
        "NonMaxSuppression"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        NonMaxSuppressionAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 5)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (boxes, scores) = (need(x, 0, "boxes")?, need(x, 1, "scores")?);
        for f in [boxes, scores] {
            ensure!(
                f.rank() == 3 && f.dtype == DType::F32,
                "operands are {boxes} and {scores}, expected f32 of rank 3"
            );
        }
        unify(&boxes.shape[0], &scores.shape[0])?;
        unify(&boxes.shape[1], &scores.shape[2])?;
        unify(&boxes.shape[2], &4.into())?;
        for (i, name) in [(2, "max_output_boxes_per_class"), (3, "iou_threshold"), (4, "score_threshold")] {
            let typed = |f: &Fact| if i > 2 { f.dtype == DType::F32 } else { f.dtype.is_int() };
            let one = maybe(x, i).is_none_or(|f| f.len().is_one() && typed(f));
            ensure!(one, "operand {name} is {:?}, expected one number", maybe(x, i).map(Fact::to_string));
        }
        Ok(vec![Fact::new(DType::I64, [c.fresh(0), 3.into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (boxes, scores) = (need(x, 0, "boxes")?, need(x, 1, "scores")?);
        let center = NonMaxSuppressionAttrs::read(c.attrs)?.center_point_box;
        let most = maybe(x, 2).map_or(0, |t| t.at(0).i());
        let iou = maybe(x, 3).map_or(0.0, |t| t.at(0).f() as f32);
        let least = maybe(x, 4).map(|t| t.at(0).f());
        let n = boxes.shape()[1];
        let corner =
            |b: usize, i: usize| corners([0, 1, 2, 3].map(|k| boxes.at((b * n + i) * 4 + k).f() as f32), center);
        let mut out = vec![];
        for b in 0..scores.shape()[0] {
            for class in 0..scores.shape()[1] {
                let score = |i: &usize| scores.at((b * scores.shape()[1] + class) * n + i);
                let mut order: Vec<usize> = (0..n).filter(|i| least.is_none_or(|s| score(i).f() > s)).collect();
                order.sort_by(|i, j| compare(score(j), score(i)));
                let mut kept: Vec<usize> = vec![];
                for i in order {
                    let free = !kept.iter().any(|k| overlap(corner(b, i), corner(b, *k), iou));
                    if free && (kept.len() as i128) < most {
                        kept.push(i);
                    }
                }
                out.extend(kept.iter().flat_map(|i| [b as i64, class as i64, *i as i64]));
            }
        }
        Ok(vec![Tensor::i64(&[out.len() / 3, 3], &out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let center = NonMaxSuppressionAttrs::read(c.attrs)?.center_point_box;
        let size = Fact::new(DType::I64, [1.into()]);
        let mut count = select(x, center, vec![])?;
        count.body.push(store(0, &size, vec![Expr::int(0)], reg(TOTAL)));
        let put = |(k, v): (usize, Expr)| store(0, &y[0], vec![reg(TOTAL), Expr::int(k as i64)], v);
        let row = [Expr::var(0), Expr::var(1), reg(BEST)];
        let fill = select(x, center, row.into_iter().enumerate().map(put).collect())?;
        Ok(Lowering::Dynamic { count, symbols: vec![c.fresh_name(0)], fill: Box::new(Lowering::Proc(fill)) })
    }
    fn samples(&self) -> Vec<Sample> {
        samples()
    }
}

/// Registers: rows found, of this class, sorted position, candidate box, whether it overlaps no better one.
const TOTAL: u32 = 0;
const KEPT: u32 = 1;
const NEXT: u32 = 2;
const BEST: u32 = 3;
const FREE: u32 = 4;

fn reg(r: u32) -> Expr {
    Expr::reg(r, Ty::I64)
}

/// Operand `i`, one number, where it is given.
fn number(x: &[Option<&Fact>], i: usize) -> Option<Expr> {
    maybe(x, i).map(|f| Expr::load(i, f, vec![Expr::int(0); f.rank()]))
}

/// Clears [`FREE`] when the candidate overlaps a box that was kept. Variable 4.
fn check(x: &[Option<&Fact>], boxes: &Fact, center: bool) -> Stmt {
    let corner = |i: &Expr| {
        corners_expr([0, 1, 2, 3].map(|k| Expr::load(0, boxes, vec![Expr::var(0), i.clone(), Expr::int(k)])), center)
    };
    let list = std::slice::from_ref(&boxes.shape[1]);
    let kept = Expr::load_slot(Slot::T(2), DType::I64, list, vec![Expr::var(4)]);
    let iou = number(x, 3).unwrap_or(Expr::num(Ty::F32, 0.0));
    let clash = overlap_expr(&corner(&reg(BEST)), &corner(&kept), &iou);
    let body = vec![if_(clash, vec![set(FREE, Expr::int(0))])];
    Stmt::For { var: 4, lo: Expr::int(0), hi: reg(KEPT), body }
}

/// The whole search; `found` is done for every box that stays. Variables: batch 0, class 1.
fn select(x: &[Option<&Fact>], center: bool, found: Vec<Stmt>) -> Result<Proc> {
    let (boxes, scores) = (need(x, 0, "boxes")?, need(x, 1, "scores")?);
    let (zero, one, n) = (Expr::int(0), Expr::int(1), boxes.shape[1].clone());
    let score = |i: &Expr| Expr::load(1, scores, vec![Expr::var(0), Expr::var(1), i.clone()]);
    let lane = Lane { slot: 0, lanes: 1.into(), n: n.clone(), row: zero.clone() };
    let mut keep = found;
    keep.push(Stmt::Store { slot: Slot::T(2), dtype: DType::I64, index: vec![reg(KEPT)], value: reg(BEST) });
    keep.extend([set(KEPT, reg(KEPT).add(&one)), set(TOTAL, reg(TOTAL).add(&one))]);
    let good = number(x, 4).map_or(one.clone(), |s| score(&reg(BEST)).gt(&s).cast(Ty::I64));
    let most = number(x, 2).map_or(zero.clone(), |e| e.cast(Ty::I64));
    let walk = Stmt::While {
        cond: reg(NEXT).lt(&Expr::size(&n)).and(&reg(KEPT).lt(&most)),
        body: vec![
            set(BEST, lane.load(&reg(NEXT))),
            set(NEXT, reg(NEXT).add(&one)),
            set(FREE, good),
            if_(reg(FREE).eq(&one), vec![check(x, boxes, center)]),
            if_(reg(FREE).eq(&one), keep),
        ],
    };
    let mut body = lane.sort(2, 8, &|i, j| above(&score(i), &score(j)));
    body.extend([set(KEPT, zero.clone()), set(NEXT, zero.clone()), walk]);
    let all = for_(0, &scores.shape[0], vec![for_(1, &scores.shape[1], body)]);
    let scratch = lane.scratch().into_iter().chain([(DType::I64, vec![n])]).collect();
    Ok(Proc { scratch, parallel: None, body: vec![set(TOTAL, zero), all] })
}

fn samples() -> Vec<Sample> {
    let boxes =
        Tensor::f32(&[1, 4, 4], &[0.0, 0.0, 1.0, 1.0, 1.0, 1.1, 0.0, 0.1, 0.0, 10.0, 1.0, 11.0, 0.0, 10.1, 1.0, 11.1]);
    let scores = Tensor::f32(&[1, 2, 4], &[0.9, 0.75, 0.6, 0.95, 0.1, 0.9, 0.9, 0.2]);
    let number = |v: f32| Tensor::f32(&[1], &[v]);
    let center = Attrs::new().with("center_point_box", 1i64);
    vec![
        Sample::new(
            Attrs::new(),
            vec![boxes.clone(), scores.clone(), Tensor::i64(&[1], &[3]), number(0.5), number(0.15)],
        ),
        Sample::new(Attrs::new(), vec![boxes.clone(), scores.clone(), Tensor::i64(&[], &[1])]),
        Sample::new(Attrs::new(), vec![boxes.clone(), scores.clone()]),
        Sample::new(center, vec![boxes, scores, Tensor::i64(&[1], &[4]), number(0.1)]),
    ]
}
