//! `TopK`: the largest or smallest `K` elements along an axis, and where they are.
//! <https://onnx.ai/onnx/operators/onnx__TopK.html>
//!
//! Where order is not asked for, the elements come as the heap of the `K` best stands after it has seen the axis from
//! first to last: element `i` is no better than elements `2 i + 1` and `2 i + 2`. ONNX leaves that order open; this is what
//! ONNX Runtime gives for `K` that are small against the axis, so that networks that pass it on (lists of detections)
//! give the same lists.

use super::common::elementwise::sample_floats;
use super::common::movement::{dynamic, ints, scalar};
use super::common::order::{Lane, above, compare};
use crate::lower::{Expr, Lowering, Proc, Stmt, Ty, Un, for_, set, store};
use crate::op::{axis, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, dim, ensure};

attrs!(TopKAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = -1,
    /// The largest elements (true) or the smallest.
    largest: bool = true,
    /// Whether they must come in order, the best first; otherwise as a heap.
    sorted: bool = true,
});

pub struct TopK;

/// The attributes, and the axis from the first on.
fn setup(c: &Ctx, rank: usize) -> Result<(usize, TopKAttrs)> {
    let a = TopKAttrs::read(c.attrs)?;
    Ok((axis(a.axis, rank)?, a))
}

/// Positions of the best `k` of `n` elements as a heap with the worst on top; `before` is a strict total order.
fn heap(n: usize, k: usize, before: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut heap = vec![0; k];
    let sift = |heap: &mut [usize], mut at: usize, new: usize| {
        let worse = |heap: &[usize], c: usize| if c + 1 < k && before(heap[c], heap[c + 1]) { c + 1 } else { c };
        while 2 * at + 1 < k {
            let child = worse(heap, 2 * at + 1);
            if !before(new, heap[child]) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = new;
    };
    for i in 0..n {
        if i < k {
            sift(&mut heap, k - 1 - i, i);
        } else if k > 0 && before(i, heap[0]) {
            sift(&mut heap, 0, i);
        }
    }
    heap
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "TopK"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TopKAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn results(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, k) = (need(x, 0, "X")?, need(x, 1, "K")?);
        let (on, _) = setup(c, data.rank())?;
        ensure!(k.len().as_const() == Some(1), "operand K is {k}, expected one element");
        let k = k.as_dims().map_or_else(|| c.fresh(0), |v| v[0].clone());
        let d = &data.shape[on];
        let fits = k.as_const().is_none_or(|k| k >= 0 && d.as_const().is_none_or(|d| k <= d));
        ensure!(fits, "operand K is {k}, expected 0..={d}");
        let mut shape = data.shape.clone();
        shape[on] = k;
        Ok(vec![Fact::new(data.dtype, shape.clone()), Fact::new(DType::I64, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, k) = (need(x, 0, "X")?, need(x, 1, "K")?.at(0).i());
        let (on, a) = setup(c, data.rank())?;
        let mut shape = data.shape().to_vec();
        let (n, strides) = (shape[on], data.strides());
        shape[on] = k as usize;
        let (mut values, mut indices) = (vec![], vec![]);
        for_each_index(&shape, |idx| {
            let base: usize = strides.iter().zip(idx).map(|(s, i)| s * i).sum::<usize>() - idx[on] * strides[on];
            let lane: Vec<Num> = (0..n).map(|i| data.at(base + i * strides[on])).collect();
            let order =
                |i: usize, j: usize| if a.largest { compare(lane[j], lane[i]) } else { compare(lane[i], lane[j]) };
            let mut best = match a.sorted {
                true => (0..n).collect(),
                false => heap(n, k as usize, |i, j| order(i, j).then(i.cmp(&j)).is_lt()),
            };
            if a.sorted {
                best.sort_by(|i, j| order(*i, *j));
            }
            values.push(lane[best[idx[on]]]);
            indices.push(best[idx[on]] as i64);
        });
        Ok(vec![Tensor::new(data.dtype(), &shape, values), Tensor::i64(&shape, &indices)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, k) = (need(x, 0, "X")?, need(x, 1, "K")?);
        let (on, a) = setup(c, data.rank())?;
        let fill = Lowering::Proc(select(data, on, &a, y));
        let count = scalar(1, k).max(&Expr::int(0)).min(&Expr::size(&data.shape[on]));
        Ok(if k.as_dims().is_some() { fill } else { dynamic(c, &[count], fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let top = |a: Attrs, x: Tensor, k: i64| Sample { outputs: 2, ..Sample::new(a, vec![x, ints(&[k])]) };
        let ties = Tensor::i64(&[7], &[3, 1, 3, 2, 1, 3, 0]);
        vec![
            top(Attrs::new(), sample_floats(&[3, 5], 1), 3),
            top(Attrs::new().with("axis", 1i64).with("largest", 0i64), sample_floats(&[2, 4, 3], 2), 2),
            top(Attrs::new().with("sorted", 0i64), ties.clone(), 5),
            top(Attrs::new().with("sorted", 0i64), sample_floats(&[2, 11], 4), 4),
            top(
                Attrs::new().with("sorted", 0i64).with("axis", 0i64).with("largest", 0i64),
                sample_floats(&[9, 2], 5),
                6,
            ),
            top(Attrs::new().with("sorted", 0i64), Tensor::f32(&[4], &[f32::NAN, 1.0, f32::NAN, -0.0]), 3),
            top(Attrs::new().with("sorted", 0i64), sample_floats(&[3], 6), 0),
            top(Attrs::new().with("largest", 0i64), ties, 7),
            top(Attrs::new(), Tensor::f32(&[4], &[1.0, f32::NAN, -0.0, 0.0]), 4),
            top(Attrs::new().with("axis", 0i64), sample_floats(&[2, 2], 3).cast(DType::F16), 0),
        ]
    }
}

/// Index of the element of lane `lane` at position `i` of axis `on`.
fn lane_index(shape: &[Dim], on: usize, lane: &Expr, i: &Expr) -> Vec<Expr> {
    let mut rest = lane.clone();
    let mut index = vec![i.clone(); shape.len()];
    for a in (0..shape.len()).rev().filter(|a| *a != on) {
        let d = Expr::size(&shape[a]);
        index[a] = rest.rem(&d);
        rest = rest.div(&d);
    }
    index
}

/// Puts the best of every lane first, then keeps them.
fn select(data: &Fact, on: usize, a: &TopKAttrs, y: &[Fact]) -> Proc {
    let lanes = dim::product(data.shape.iter().enumerate().filter(|(a, _)| *a != on).map(|(_, d)| d));
    let lane = Lane { slot: 0, lanes: lanes.clone(), n: data.shape[on].clone(), row: Expr::var(0) };
    let at = |i: &Expr| Expr::load(0, data, lane_index(&data.shape, on, &lane.row, i));
    let before = |i: &Expr, j: &Expr| if a.largest { above(&at(i), &at(j)) } else { above(&at(j), &at(i)) };
    let strictly = |i: &Expr, j: &Expr| before(i, j).or(&before(j, i).un(Un::Not).and(&i.lt(j)));
    let mut body = match a.sorted {
        true => lane.sort(1, 0, &before),
        false => vec![collect(&lane, &Expr::size(&y[0].shape[on]), &strictly)],
    };
    let i = Expr::var(3);
    let to = lane_index(&data.shape, on, &lane.row, &i);
    let (from, zero) = (lane.load(&i), Expr::int(0));
    let value = at(&from);
    let keep = Stmt::If {
        cond: i.lt(&Expr::size(&lane.n)),
        then: vec![store(0, &y[0], to.clone(), value.clone()), store(1, &y[1], to.clone(), from)],
        els: vec![store(0, &y[0], to.clone(), value.like(0.0)), store(1, &y[1], to, zero)],
    };
    body.push(for_(3, &y[0].shape[on], vec![keep]));
    Proc { scratch: lane.scratch().to_vec(), parallel: Some((0, lanes)), body }
}

/// Makes the lane's first `k` positions the heap of its best elements, as [`heap`] does.
fn collect(lane: &Lane, k: &Expr, before: &dyn Fn(&Expr, &Expr) -> Expr) -> Stmt {
    let (i, k) = (Expr::var(1), k.min(&Expr::size(&lane.n)));
    let [at, child, zero, one] = [Expr::reg(0, Ty::I64), Expr::reg(1, Ty::I64), Expr::int(0), Expr::int(1)];
    let next = child.add(&one);
    let below = || set(1, at.add(&at).add(&one));
    let worse = Stmt::If {
        cond: next.lt(&k),
        then: vec![Stmt::If {
            cond: before(&lane.load(&child), &lane.load(&next)),
            then: vec![set(1, next.clone())],
            els: vec![],
        }],
        els: vec![],
    };
    let sink = Stmt::If {
        cond: before(&i, &lane.load(&child)),
        then: vec![lane.put(&at, lane.load(&child)), set(0, child.clone()), below()],
        els: vec![set(1, k.clone())],
    };
    let sift = |from: Expr| {
        vec![
            set(0, from),
            below(),
            Stmt::While { cond: child.lt(&k), body: vec![worse.clone(), sink.clone()] },
            lane.put(&at, i.clone()),
        ]
    };
    let replace = Stmt::If { cond: before(&i, &lane.load(&zero)), then: sift(zero.clone()), els: vec![] };
    let filled = Stmt::If { cond: zero.lt(&k), then: vec![replace], els: vec![] };
    for_(1, &lane.n, vec![Stmt::If { cond: i.lt(&k), then: sift(k.sub(&one).sub(&i)), els: vec![filled] }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heap_has_the_best_elements_and_the_worst_of_them_on_top() {
        let x = [5, 1, 4, 1, 5, 9, 2, 6];
        let best = heap(x.len(), 3, |i, j| (x[j], i) < (x[i], j));
        assert_eq!(best.iter().map(|i| x[*i]).collect::<Vec<_>>(), [5, 9, 6]);
        assert_eq!(heap(3, 0, |i, j| i < j), [0usize; 0]);
    }
}
