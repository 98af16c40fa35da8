//! What is not as an operator wants it is refused by a line that helps, or accepted and then computed as inferred: every
//! sample of every operator is broken in many ways, one at a time.

use super::{constant, ctx, same_shape};
use crate::budget::{Limits, within};
use crate::graph::Graph;
use crate::{Attr, DType, Op, OpRef, Sample, Tensor, Value};
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most bytes that a broken sample may take, and most work: a size may have become large.
const LIMITS: Limits = Limits { bytes: 1 << 24, work: 1 << 18 };

/// The tensor with elements of another type: the same numbers as far as it has them.
fn retyped(t: &Tensor, to: DType) -> Tensor {
    match to {
        DType::Str => Tensor::of_strings(t.shape(), t.iter().map(|_| "a")),
        _ => Tensor::new(to, t.shape(), t.iter().map(|v| crate::tensor::cast(v, to))),
    }
}

/// The tensor with another shape, its elements repeated in order.
fn resized(t: &Tensor, shape: &[usize]) -> Tensor {
    let n = shape.iter().product();
    if t.dtype() == DType::Str {
        return Tensor::of_strings(shape, (0..n).map(|i| if t.is_empty() { "a" } else { t.string(i % t.len()) }));
    }
    let at = |i: usize| if t.is_empty() { crate::Num::I(0) } else { t.at(i % t.len()) };
    Tensor::new(t.dtype(), shape, (0..n).map(at))
}

/// One operand in other ways: of other types, ranks and sizes, of other values, and no tensor.
fn broken_operand(t: &Tensor) -> Vec<(String, Option<Tensor>)> {
    let mut out = vec![("missing".to_string(), None)];
    if t.items().is_some() {
        out.push(("a tensor".into(), Some(Tensor::f32(&[2], &[1.0, 2.0]))));
        return out;
    }
    for to in [DType::F32, DType::F64, DType::F16, DType::I64, DType::U8, DType::Bool, DType::Str, DType::U4] {
        out.push((format!("of type {to}"), Some(retyped(t, to))));
    }
    let mut shapes = vec![vec![], vec![0], [&[1], t.shape()].concat(), [t.shape(), &[2]].concat()];
    shapes.extend(t.rank().checked_sub(1).map(|last| t.shape()[..last].to_vec()));
    for axis in 0..t.rank() {
        for n in [0, t.shape()[axis] + 1] {
            let mut shape = t.shape().to_vec();
            shape[axis] = n;
            shapes.push(shape);
        }
    }
    out.extend(shapes.into_iter().map(|s| (format!("of shape {s:?}"), Some(resized(t, &s)))));
    if t.dtype().is_int() {
        let all = |v: i128| {
            Tensor::new(t.dtype(), t.shape(), vec![crate::tensor::cast(crate::Num::I(v), t.dtype()); t.len()])
        };
        out.extend([-1, 1000, i64::MIN as i128, i64::MAX as i128].map(|v| (format!("of {v}"), Some(all(v)))));
    }
    out.push(("a sequence".into(), Some(Tensor::sequence(t.dtype(), vec![t.clone()]))));
    out
}

/// Values of every kind, ordinary and not.
fn values() -> Vec<Attr> {
    vec![
        Attr::Int(i64::MIN),
        Attr::Int(-1),
        Attr::Int(0),
        Attr::Int(99),
        Attr::Int(i64::MAX),
        Attr::Float(f32::NAN),
        Attr::Float(-1.5),
        Attr::Str("no such".into()),
        Attr::Ints(vec![]),
        Attr::Ints(vec![-1, 0]),
        Attr::Ints(vec![i64::MAX, i64::MIN, 7]),
        Attr::Floats(vec![]),
        Attr::Floats(vec![0.0, f32::INFINITY]),
        Attr::Strs(vec!["no such".into(); 2]),
        Tensor::f32(&[2], &[0.5, -1.0]).into(),
        Graph::new("nothing").into(),
        Attr::Type(crate::Fact::new(DType::F32, [2.into()]).into()),
    ]
}

/// A sample in which one thing is changed, and which.
struct Broken {
    what: String,
    s: Sample,
}

fn with(s: &Sample, what: String, change: impl FnOnce(&mut Sample)) -> Broken {
    let mut s = s.clone();
    change(&mut s);
    Broken { what, s }
}

/// The sample in every way that it is broken.
fn broken(op: &dyn Op, s: &Sample) -> Vec<Broken> {
    let mut out = vec![];
    for (i, t) in s.x.iter().enumerate() {
        let Some(t) = t else { continue };
        let ways = broken_operand(t);
        out.extend(ways.into_iter().map(|(w, t)| with(s, format!("operand {i} {w}"), |s| s.x[i] = t)));
    }
    out.push(with(s, "one operand less".into(), |s| drop(s.x.pop())));
    out.push(with(s, "one operand more".into(), |s| s.x.push(Some(Tensor::f32(&[], &[1.0])))));
    out.push(with(s, "one result more".into(), |s| s.outputs += 1));
    out.push(with(s, "an unknown attribute".into(), |s| s.attrs.set("auto_magic", 1i64)));
    for f in op.schema() {
        let given = s.attrs.get(f.name).cloned();
        let near = match &given {
            Some(Attr::Ints(v)) => vec![Attr::Ints([&v[..], &[1]].concat()), Attr::Ints(vec![1 << 40; v.len()])],
            Some(Attr::Floats(v)) => vec![Attr::Floats([&v[..], &[1.0]].concat())],
            Some(Attr::Strs(v)) => vec![Attr::Strs([&v[..], &["a".into()]].concat())],
            _ => vec![],
        };
        for v in values().into_iter().chain(near) {
            out.push(with(s, format!("attribute {} = {v}", f.name), |s| s.attrs.set(f.name, v)));
        }
        out.push(with(s, format!("attribute {} missing", f.name), |s| drop(s.attrs.remove(f.name))));
    }
    out
}

/// The node in a graph whose inputs and constants are its operands; the facts of its results.
fn build(op: OpRef, s: &Sample) -> crate::Result<Vec<crate::Fact>> {
    let mut g = Graph::new("g");
    let mut operand = |(i, t): (usize, &Option<Tensor>)| -> Option<Value> {
        let t = t.as_ref()?;
        Some(match constant(t) {
            true => g.add_const(&format!("x{i}"), t.clone()),
            false => g.add_input(&format!("x{i}"), t.type_fact()),
        })
    };
    let x: Vec<Option<Value>> = s.x.iter().enumerate().map(&mut operand).collect();
    let id = g.add_op("sample", op, s.attrs.clone(), &x, s.outputs)?;
    Ok(g.node(id).outputs.clone())
}

/// What is wrong with how the operator meets this, if anything is.
fn fault(op: OpRef, s: &Sample, names: &BTreeSet<String>) -> Option<String> {
    let met = catch_unwind(AssertUnwindSafe(|| {
        let inferred = match build(op, s) {
            Ok(y) => y,
            Err(e) => return unclear(op, &e.to_string(), names),
        };
        let x: Vec<Option<&Tensor>> = s.x.iter().map(Option::as_ref).collect();
        match within(LIMITS, || crate::interp::eval(op.0, &ctx(s), &x)) {
            Err(e) => unclear(op, &e.at("sample", &op.full_name()).to_string(), names),
            Ok(y) if y.len() != inferred.len() => Some(format!("{} results for {}", y.len(), inferred.len())),
            Ok(y) => {
                inferred.iter().zip(&y).for_each(|(f, t)| same_shape("a result", f, t, &HashMap::new()));
                None
            }
        }
    }));
    met.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
        Some(format!("PANIC {}", said.unwrap_or_default()))
    })
}

/// The refusal, unless it is one line that says where, what about which operand or attribute, what was expected, and what
/// was found. A node inside of a graph that the operator runs may be the place, too.
fn unclear(op: OpRef, message: &str, names: &BTreeSet<String>) -> Option<String> {
    let rest = message.strip_prefix("node \"").and_then(|m| m.split_once("): "));
    let Some((place, what)) = rest else { return Some(format!("no node: {message}")) };
    let runs = op.schema().iter().any(|f| f.kind == "graph");
    let word = |w: &str| what.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == w);
    let about = SUBJECTS.iter().any(|s| word(s)) || names.iter().any(|n| word(n));
    let found = FINDINGS.iter().any(|w| word(w)) || what.contains(|c: char| c.is_ascii_digit());
    match () {
        _ if !runs && place != format!("sample\" ({}", op.full_name()) => Some(format!("another node: {message}")),
        _ if what.contains('\n') => Some(format!("more than a line: {message}")),
        _ if !["expected", "did you mean"].iter().any(|e| what.contains(e)) => {
            Some(format!("no expectation: {message}"))
        }
        _ if !about => Some(format!("no subject: {message}")),
        _ if !found => Some(format!("no finding: {message}")),
        _ => None,
    }
}

/// What a refusal may be about, besides the operator's own names.
const SUBJECTS: &[&str] =
    &["operand", "operands", "attribute", "attributes", "result", "results", "bytes", "axis", "axes"];

/// Words that tell what was found.
const FINDINGS: &[&str] = &["found", "is", "are", "has", "have", "missing"];

/// Names of the operator's attributes and of the operands that it misses by name.
fn names(op: OpRef) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = op.schema().iter().map(|f| f.name.to_string()).collect();
    for s in op.samples() {
        for i in 0..s.x.len() {
            let mut s = s.clone();
            s.x[i] = None;
            let Ok(Err(e)) = catch_unwind(AssertUnwindSafe(|| build(op, &s))) else { continue };
            let e = e.to_string();
            let name = e.split_once(&format!("operand {i} (")).and_then(|(_, rest)| rest.split_once(')'));
            names.extend(name.map(|(name, _)| name.to_string()));
        }
    }
    names
}

#[test]
fn what_is_wrong_is_refused_by_a_line_that_helps() {
    let mut faults = BTreeSet::new();
    let mut tried = 0;
    for op in super::super::OPS {
        let op = OpRef(*op);
        let names = names(op);
        for (i, s) in op.samples().iter().enumerate() {
            for b in broken(op.0, s) {
                tried += 1;
                let said = fault(op, &b.s, &names);
                faults.extend(said.map(|f| format!("{} sample {i} with {}: {f}", op.full_name(), b.what)));
            }
        }
    }
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
}
