//! The samples of one operator under other element types.

use crate::stages::{self, Imported};
use crate::{Options, Target};
use dlc_ir::{Attr, DType, Graph, OpRef, Sample, Tensor, Value, grad, interp, strings};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most elements of an integer operand that models have as a constant: axes, shapes, paddings.
const LIST: usize = 16;

/// An operator, its samples, and what was found of them.
pub struct Tried {
    op: OpRef,
    samples: Vec<Sample>,
    results: RefCell<BTreeMap<Way, bool>>,
    compiled: RefCell<BTreeMap<(Way, &'static str), bool>>,
}

/// A sample with some operands converted to a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    sample: usize,
    places: Vec<usize>,
    dtype: DType,
}

impl Tried {
    /// Nothing tried yet.
    pub fn new(op: OpRef) -> Self {
        Tried { op, samples: op.samples(), results: RefCell::default(), compiled: RefCell::default() }
    }

    /// Places of operands that a sample has; `None`, which stands for the results, where none has any.
    pub fn places(&self) -> Vec<Option<usize>> {
        let has = |place: &usize| self.samples.iter().any(|s| s.x.get(*place).is_some_and(Option::is_some));
        let most = self.samples.iter().map(|s| s.x.len()).max().unwrap_or(0);
        let places: Vec<_> = (0..most).filter(has).map(Some).collect();
        if places.is_empty() { vec![None] } else { places }
    }

    /// Whether an attribute of a sample is a graph.
    pub fn takes_graph(&self) -> bool {
        self.samples.iter().any(|s| s.attrs.iter().any(|(_, a)| matches!(a, Attr::Graph(_))))
    }

    /// The samples that have a result when the operand at a place has this type, converted alone or with all operands that
    /// have the same type; or those that have results of it.
    pub fn taken(&self, place: Option<usize>, dtype: DType) -> Vec<Way> {
        let mut out = vec![];
        for (sample, s) in self.samples.iter().enumerate() {
            let ways = match place {
                Some(place) => ways(s, place),
                None if self.gives(s, dtype) => vec![vec![]],
                None => vec![],
            };
            out.extend(ways.into_iter().map(|places| Way { sample, places, dtype }).filter(|w| self.has_result(w)));
        }
        out
    }

    fn gives(&self, s: &Sample, dtype: DType) -> bool {
        let y = self.eval(s, &refs(&s.x));
        y.is_ok_and(|y| y.iter().any(|t| t.dtype() == dtype))
    }

    fn eval(&self, s: &Sample, x: &[Option<&Tensor>]) -> dlc_ir::Result<Vec<Tensor>> {
        let ctx = dlc_ir::Ctx { name: "sample", attrs: &s.attrs, outputs: s.outputs };
        let panicked = |_| Err(dlc_ir::Error::op("a panic"));
        catch_unwind(AssertUnwindSafe(|| interp::eval(self.op.0, &ctx, x))).unwrap_or_else(panicked)
    }

    fn has_result(&self, way: &Way) -> bool {
        if let Some(known) = self.results.borrow().get(way) {
            return *known;
        }
        let found = self.operands(way).is_some_and(|x| self.eval(&self.samples[way.sample], &refs(&x)).is_ok());
        self.results.borrow_mut().insert(way.clone(), found);
        found
    }

    /// Operands of a sample, converted; `None` where one cannot be.
    fn operands(&self, way: &Way) -> Option<Vec<Option<Tensor>>> {
        let mut x = self.samples[way.sample].x.clone();
        for place in &way.places {
            let t = x[*place].as_ref()?;
            x[*place] = Some(convert(t, way.dtype)?);
        }
        Some(x)
    }

    /// Whether a graph of the sample alone compiles: with lists of integers constant, as models have them, or else with
    /// all operands constant but the first.
    pub fn compiles(&self, way: &Way, target: &'static Target) -> bool {
        let key = (way.clone(), target.name);
        if let Some(known) = self.compiled.borrow().get(&key) {
            return *known;
        }
        let found = self.operands(way).is_some_and(|x| {
            let s = &self.samples[way.sample];
            let list = |i: usize, t: &Tensor| !way.places.contains(&i) && is_list(t);
            let usual = self.graph(s, &x, &list).is_ok_and(|g| compiles(g.0, target));
            usual || self.graph(s, &x, &|i, _| i > 0).is_ok_and(|g| compiles(g.0, target))
        });
        self.compiled.borrow_mut().insert(key, found);
        found
    }

    /// A graph of one node and the values of its operands and results; operands of which `constant` holds are constants.
    fn graph(
        &self,
        s: &Sample,
        x: &[Option<Tensor>],
        constant: &dyn Fn(usize, &Tensor) -> bool,
    ) -> dlc_ir::Result<(Graph, Vec<Option<Value>>, Vec<Value>)> {
        let mut g = Graph::new("sample");
        let mut add = |i: usize, t: &Tensor| match constant(i, t) {
            true => g.add_const(&format!("x{i}"), t.clone()),
            false => g.add_input(&format!("x{i}"), t.type_fact()),
        };
        let x: Vec<Option<Value>> = x.iter().enumerate().map(|(i, t)| t.as_ref().map(|t| add(i, t))).collect();
        let node = g.add_op("node", self.op, s.attrs.clone(), &x, s.outputs)?;
        let y: Vec<Value> = (0..s.outputs as u32).map(|port| Value { node, port }).collect();
        for (i, v) in y.iter().enumerate() {
            g.add_output(&format!("y{i}"), *v);
        }
        Ok((g, x, y))
    }

    /// Whether some sample of floats can be differentiated with respect to all of them.
    pub fn has_gradient(&self) -> bool {
        self.samples.iter().any(|s| {
            let Ok((mut g, x, y)) = self.graph(s, &s.x, &|_, t| is_list(t)) else { return false };
            let smooth = |g: &Graph, v: Value| g.fact(v).dtype.is_float() && g.fact(v).form.is_dense();
            let xs: Vec<Value> = x.into_iter().flatten().filter(|v| smooth(&g, *v)).collect();
            match y.first() {
                Some(y) if smooth(&g, *y) && !xs.is_empty() => grad::gradient(&mut g, "gradient", *y, &xs).is_ok(),
                _ => false,
            }
        })
    }
}

/// The operands that are converted with the one at `place`: none, and all that have its type.
fn ways(s: &Sample, place: usize) -> Vec<Vec<usize>> {
    let of = |i: usize| s.x.get(i).and_then(Option::as_ref).map(Tensor::dtype);
    let Some(dtype) = of(place) else { return vec![] };
    let together: Vec<usize> = (0..s.x.len()).filter(|i| of(*i) == Some(dtype)).collect();
    let both: BTreeSet<Vec<usize>> = [vec![place], together].into();
    both.into_iter().collect()
}

fn is_list(t: &Tensor) -> bool {
    t.dtype().is_int() && t.rank() <= 1 && t.len() <= LIST && t.items().is_none()
}

/// The value with elements of another type; of a sequence each tensor. `None` where text is no number.
fn convert(t: &Tensor, to: DType) -> Option<Tensor> {
    if t.is_absent() {
        return Some(Tensor::absent(to, t.type_fact().form.is_sequence()));
    }
    match t.as_sequence() {
        Ok(items) => Some(Tensor::sequence(to, items.iter().map(|t| convert(t, to)).collect::<Option<_>>()?)),
        Err(_) => strings::cast(t, to).ok(),
    }
}

/// Whether a graph goes through all stages. A panic is a bug, and what it does not is not supported.
fn compiles(graph: Graph, target: &'static Target) -> bool {
    let options = Options { target, ..Options::default() };
    let mut go = |_: crate::Progress| ControlFlow::Continue(());
    let all = AssertUnwindSafe(|| {
        let graph = stages::optimize(graph, &options, &mut go)?;
        stages::emit(&Imported { graph, assumptions: vec![] }, &options, "artifact", &mut go)
    });
    catch_unwind(all).is_ok_and(|done| done.is_ok())
}

fn refs(x: &[Option<Tensor>]) -> Vec<Option<&Tensor>> {
    x.iter().map(Option::as_ref).collect()
}
