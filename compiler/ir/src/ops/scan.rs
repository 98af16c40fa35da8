//! `Scan`: a graph run for each slice of its scanned operands, its state carried on.
//! <https://onnx.ai/onnx/operators/onnx__Scan.html>
//!
//! The body is closed: what it uses of the graph around it are the last operands and its last inputs.

use super::common::control::{Outer, iterate, splice, stack};
use super::common::elementwise::sample_floats;
use super::common::quantize::sample_narrow;
use crate::lower::Lowering;
use crate::op::{Strings, axis, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, Value, attrs, ensure};
use std::sync::Arc;

attrs!(ScanAttrs {
    /// From states, one slice of each scanned operand and captured values to states and scanned elements.
    body: Arc<Graph>,
    /// Number of operands at the end that the body uses unchanged.
    captured: i64 = 0,
    /// Number of operands that are scanned.
    num_scan_inputs: i64,
    /// Axis that is scanned of each such operand; empty is 0.
    scan_input_axes: Vec<i64> = vec![],
    /// 1 for each operand that is scanned backwards.
    scan_input_directions: Vec<i64> = vec![],
    /// Axis along which each result is put together; empty is 0.
    scan_output_axes: Vec<i64> = vec![],
    /// 1 for each result that is put together backwards.
    scan_output_directions: Vec<i64> = vec![],
});

pub struct Scan;

/// Numbers of states, scanned operands, captured operands and results beyond the states.
struct Counts {
    states: usize,
    scanned: usize,
    captured: usize,
    results: usize,
}

impl ScanAttrs {
    fn counts(&self, operands: usize) -> Result<Counts> {
        let (m, c) = (usize::try_from(self.num_scan_inputs), usize::try_from(self.captured));
        let (scanned, captured) = (m.unwrap_or(usize::MAX), c.unwrap_or(usize::MAX));
        let states = operands.checked_sub(scanned).and_then(|n| n.checked_sub(captured));
        let n = self.body.outputs().len();
        match states.and_then(|s| Some((s, n.checked_sub(s)?))) {
            Some((states, results)) if scanned > 0 => Ok(Counts { states, scanned, captured, results }),
            _ => crate::bail!(
                "{operands} operands and {n} results of the body do not fit, expected those of attributes num_scan_inputs {} and captured {}",
                self.num_scan_inputs,
                self.captured
            ),
        }
    }

    fn input_axis(&self, i: usize, rank: usize) -> Result<usize> {
        axis(self.scan_input_axes.get(i).copied().unwrap_or(0), rank)
    }

    fn output_axis(&self, i: usize, rank: usize) -> Result<usize> {
        axis(self.scan_output_axes.get(i).copied().unwrap_or(0), rank)
    }
}

fn backwards(directions: &[i64], i: usize) -> bool {
    directions.get(i).is_some_and(|d| *d == 1)
}

fn all<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    (0..x.len()).map(|i| need(x, i, "state")).collect()
}

/// Facts of the body's results, and the number of iterations.
fn body_facts(c: &Ctx, a: &ScanAttrs, x: &[&Fact]) -> Result<(Vec<Fact>, Dim)> {
    let n = a.counts(x.len())?;
    let mut inputs: Vec<Fact> = x[..n.states].iter().map(|f| f.type_only()).collect();
    let mut trips: Option<Dim> = None;
    for (i, f) in x[n.states..n.states + n.scanned].iter().enumerate() {
        let mut slice = f.type_only();
        let d = slice.shape.remove(a.input_axis(i, f.rank())?);
        if let (Some(a), Some(b)) = (trips.as_ref().and_then(Dim::as_const), d.as_const()) {
            ensure!(a == b, "scanned operands have {a} and {b} slices, expected as many");
        }
        trips = trips.filter(|t| t.as_const().is_some()).or(Some(d));
        inputs.push(slice);
    }
    inputs.extend(x[n.states + n.scanned..].iter().map(|f| (*f).clone()));
    Ok((iterate(c, &a.body, inputs, 0..n.states, 0)?, trips.unwrap_or_default()))
}

/// Slice `at` of `t` along `axis`.
fn slice(t: &Tensor, axis: usize, at: usize) -> Tensor {
    let mut shape = t.shape().to_vec();
    let d = shape.remove(axis);
    let inner: usize = shape[axis..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let data = (0..outer).flat_map(|o| (0..inner).map(move |i| t.at((o * d + at) * inner + i)));
    crate::strings::settled(Tensor::new(t.dtype(), &shape, data), t.table())
}

impl Op for Scan {
    fn name(&self) -> &'static str {
        "Scan"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ScanAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn results(&self) -> Arity {
        Arity::at_least(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, facts) = (ScanAttrs::read(c.attrs)?, all(x)?);
        let n = a.counts(facts.len())?;
        ensure!(
            c.outputs <= n.states + n.results,
            "body gives {} results, expected {}",
            n.states + n.results,
            c.outputs
        );
        let (mut out, trips) = body_facts(c, &a, &facts)?;
        for (k, f) in out[n.states..].iter_mut().enumerate() {
            let at = a.output_axis(k, f.rank() + 1)?;
            f.shape.insert(at, trips.clone());
            f.known = None;
        }
        out.truncate(c.outputs);
        Ok(Outer::of(x).results(c, out))
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, x) = (ScanAttrs::read(c.attrs)?, all(x)?);
        let n = a.counts(x.len())?;
        let scanned = &x[n.states..n.states + n.scanned];
        let axes: Vec<usize> =
            scanned.iter().enumerate().map(|(i, t)| a.input_axis(i, t.rank())).collect::<Result<_>>()?;
        let trips = scanned[0].shape()[axes[0]];
        let mut state: Vec<Tensor> = x[..n.states].iter().map(|t| (*t).clone()).collect();
        let mut parts: Vec<Vec<Tensor>> = vec![vec![]; n.results];
        for step in 0..trips {
            let mut inputs = std::mem::take(&mut state);
            for (i, t) in scanned.iter().enumerate() {
                let at = if backwards(&a.scan_input_directions, i) { trips - 1 - step } else { step };
                inputs.push(slice(t, axes[i], at));
            }
            inputs.extend(x[n.states + n.scanned..].iter().map(|t| (*t).clone()));
            let mut out = crate::interp::run(&a.body, &inputs)?;
            for (all, t) in parts.iter_mut().zip(out.split_off(n.states)) {
                all.push(t);
            }
            state = out;
        }
        let facts: Vec<Fact> = x.iter().map(|t| t.type_fact()).collect();
        let (facts, _) = body_facts(c, &a, &facts.iter().collect::<Vec<_>>())?;
        for (k, mut p) in parts.into_iter().enumerate() {
            if backwards(&a.scan_output_directions, k) {
                p.reverse();
            }
            let fact = &facts[n.states + k];
            state.push(stack(&p, fact, a.output_axis(k, fact.rank() + 1)?)?);
        }
        state.truncate(c.outputs);
        Ok(state)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        looped(&ScanAttrs::read(c.attrs)?, &all(x)?, y).map(Lowering::Expand)
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |x: &[usize], more: Attrs| {
            let slice = if x[0] == 4 { [3, 2] } else { [x[0], x[2]] };
            let Ok(body) = sums(&slice) else { return Sample::new(more, vec![]) };
            let state = sample_floats(&slice, 2);
            let attrs = more.with("body", body).with("num_scan_inputs", 1i64).with("captured", 1i64);
            let x = vec![state, sample_floats(x, 1), Tensor::f32(&[], &[0.5])];
            Sample { outputs: 2, ..Sample::new(attrs, x) }
        };
        let backwards = Attrs::new().with("scan_input_axes", vec![-2i64]).with("scan_input_directions", vec![1i64]);
        let backwards = backwards.with("scan_output_axes", vec![-1i64]).with("scan_output_directions", vec![1i64]);
        vec![s(&[4, 3, 2], Attrs::new()), s(&[3, 5, 2], backwards), narrow()]
    }
}

/// Narrow elements scanned backwards, given back in order, and added up as floats.
fn narrow() -> Sample {
    let x = sample_narrow(DType::I4);
    let body = || -> Result<Graph> {
        let mut g = Graph::new("body");
        let row = |d| Fact::new(d, [8.into()]);
        let (state, x) = (g.add_input("state", row(DType::F32)), g.add_input("x", row(DType::I4)));
        let wide = g.apply("wide", "Cast", Attrs::new().with("to", DType::F32), &[x])?;
        let sum = g.apply("sum", "Add", Attrs::new(), &[state, wide])?;
        g.add_output("next", sum);
        g.add_output("seen", x);
        Ok(g)
    };
    let attrs = body().map(|b| Attrs::new().with("body", b)).unwrap_or_default();
    let attrs = attrs.with("num_scan_inputs", 1i64).with("scan_input_directions", vec![1i64]);
    let attrs = attrs.with("scan_output_directions", vec![1i64]);
    Sample { outputs: 2, ..Sample::new(attrs, vec![sample_floats(&[8], 2), x]) }
}

/// `state' = state + x * factor`, giving `state'` as state and result.
fn sums(shape: &[usize]) -> Result<Graph> {
    let mut g = Graph::new("body");
    let fact = Fact::new(DType::F32, shape.iter().map(|d| Dim::from(*d)));
    let (state, x) = (g.add_input("state", fact.clone()), g.add_input("x", fact));
    let factor = g.add_input("factor", Fact::new(DType::F32, []));
    let scaled = g.apply("scaled", "Mul", Attrs::new(), &[x, factor])?;
    let sum = g.apply("sum", "Add", Attrs::new(), &[state, scaled])?;
    g.add_output("next", sum);
    g.add_output("seen", sum);
    Ok(g)
}

/// The same as a `Loop` that gathers the slices of its iteration.
fn looped(a: &ScanAttrs, x: &[&Fact], y: &[Fact]) -> Result<Graph> {
    let n = a.counts(x.len())?;
    let mut g = Graph::new("scan");
    let v: Vec<Value> = x.iter().enumerate().map(|(i, f)| g.add_input(&format!("x{i}"), f.type_only())).collect();
    let first = a.input_axis(0, x[n.states].rank())?;
    let ends = Attrs::new().with("start", first).with("end", first + 1);
    let count = g.apply("trips_1d", "Shape", ends, &[v[n.states]])?;
    let scalar = g.add_const("no_axes", Tensor::i64(&[0], &[]));
    let count = g.apply("trips", "Reshape", Attrs::new(), &[count, scalar])?;
    let go = g.add_const("go", Tensor::scalar(DType::Bool, Num::from(true)));
    let operands: Vec<Option<Value>> = [count, go].iter().chain(&v).copied().map(Some).collect();
    let attrs = Attrs::new().with("body", loop_body(a, x, &n)?).with("captured", n.scanned + n.captured);
    let op = crate::ops::by_name("Loop").map_or_else(|| crate::bail!("no operator Loop"), Ok)?;
    let node = g.add_op("loop", op, attrs, &operands, y.len())?;
    for (i, f) in y.iter().enumerate() {
        let value = Value { node, port: i as u32 };
        let result = if i < n.states { value } else { placed(a, &mut g, i - n.states, f.rank(), value)? };
        g.add_output(&format!("y{i}"), result);
    }
    Ok(g)
}

fn loop_body(a: &ScanAttrs, x: &[&Fact], n: &Counts) -> Result<Graph> {
    let mut g = Graph::new("scan_body");
    let step = g.add_input("step", Fact::new(DType::I64, []));
    let go = g.add_input("go", Fact::new(DType::Bool, []));
    let v: Vec<Value> = x.iter().enumerate().map(|(i, f)| g.add_input(&format!("x{i}"), f.type_only())).collect();
    let last = g.add_const("last", Tensor::scalar(DType::I64, Num::I(-1)));
    let back = g.apply("back", "Sub", Attrs::new(), &[last, step])?;
    let mut inputs = v.clone();
    for i in 0..n.scanned {
        let at = n.states + i;
        let index = if backwards(&a.scan_input_directions, i) { back } else { step };
        let axis = Attrs::new().with("axis", a.input_axis(i, x[at].rank())?);
        inputs[at] = g.apply(&format!("slice{i}"), "Gather", axis, &[v[at], index])?;
    }
    let results = splice(&mut g, &a.body, &inputs, "body/")?;
    g.add_output("go_on", go);
    for (i, r) in results.into_iter().enumerate() {
        g.add_output(&format!("r{i}"), r);
    }
    Ok(g)
}

/// Result `k`, put together along axis 0 in order, as the attributes ask for it.
fn placed(a: &ScanAttrs, g: &mut Graph, k: usize, rank: usize, mut v: Value) -> Result<Value> {
    if backwards(&a.scan_output_directions, k) {
        let mut constant = |name: &str, at: i64| g.add_const(&format!("{name}{k}"), Tensor::i64(&[1], &[at]));
        let range = [constant("start", -1), constant("end", i64::MIN), constant("axes", 0), constant("steps", -1)];
        v = g.apply(&format!("reversed{k}"), "Slice", Attrs::new(), &[&[v][..], &range].concat())?;
    }
    let axis = a.output_axis(k, rank)?;
    if axis > 0 {
        let mut perm: Vec<i64> = (1..rank as i64).collect();
        perm.insert(axis, 0);
        v = g.apply(&format!("placed{k}"), "Transpose", Attrs::new().with("perm", perm), &[v])?;
    }
    Ok(v)
}
