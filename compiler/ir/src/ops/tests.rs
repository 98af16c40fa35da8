//! What every operator must satisfy, tested over the whole list: `infer` is the fact of `eval`, also with symbolic
//! sizes; `lowering` is `eval`, also with symbolic sizes; every attribute of the schema is used by a sample.

mod refusals;

use crate::lower::{self, Lowering};
use crate::{DType, Dim, Fact, Op, OpRef, Sample, Tensor};
use std::collections::HashMap;

fn each(mut f: impl FnMut(&dyn Op, usize, &Sample)) {
    for op in super::OPS {
        let samples = op.samples();
        assert!(!samples.is_empty(), "{} has no samples", op.name());
        for (i, s) in samples.iter().enumerate() {
            f(*op, i, s);
        }
    }
}

fn ctx(s: &Sample) -> crate::Ctx<'_> {
    crate::Ctx { name: "sample", attrs: &s.attrs, outputs: s.outputs }
}

fn tensors(s: &Sample) -> Vec<Option<&Tensor>> {
    s.x.iter().map(Option::as_ref).collect()
}

fn refs(f: &[Option<Fact>]) -> Vec<Option<&Fact>> {
    f.iter().map(Option::as_ref).collect()
}

/// Whether a model gives such an operand as a constant: small ones of integers.
fn constant(t: &Tensor) -> bool {
    t.dtype().int_range().is_some() && t.rank() <= 1 && t.len() <= 16
}

/// Facts of the operands as a model gives them: small integer operands are constants, others are not.
fn facts(s: &Sample) -> Vec<Option<Fact>> {
    s.x.iter().map(|t| t.as_ref().map(|t| if constant(t) { t.fact() } else { t.type_fact() })).collect()
}

/// The same with every size above 1 of an operand that is not constant replaced by a symbol: equal sizes by one.
fn symbolic(op: &dyn Op, s: &Sample) -> (Vec<Option<Fact>>, HashMap<String, i64>) {
    let mut env = HashMap::new();
    let mut out = facts(s);
    let free = |(i, _): &(usize, &mut Option<Fact>)| !op.constant_sizes().contains(i);
    let free = out.iter_mut().enumerate().filter(free);
    for f in free.filter_map(|(_, f)| f.as_mut()).filter(|f| f.known.is_none() && f.form.is_dense()) {
        for d in &mut f.shape {
            let v = d.as_const().unwrap();
            if v > 1 {
                env.insert(format!("s{v}"), v);
                *d = Dim::sym(&format!("s{v}"));
            }
        }
    }
    (out, env)
}

/// What may be known of the operands: as a model gives them, the same with symbolic sizes, the first with symbolic
/// sizes and all others constant, and everything.
fn variants(op: &dyn Op, s: &Sample) -> Vec<(Vec<Option<Fact>>, HashMap<String, i64>)> {
    let all = s.x.iter().map(|t| t.as_ref().map(Tensor::fact)).collect();
    let (mut first, env) = symbolic(op, s);
    first.truncate(1);
    first.extend(s.x.iter().skip(1).map(|t| t.as_ref().map(Tensor::fact)));
    vec![(facts(s), HashMap::new()), symbolic(op, s), (first, env), (all, HashMap::new())]
}

/// Nothing known but types and shapes; only for operators that accept it.
fn unknown(op: &dyn Op, s: &Sample) -> Option<Vec<Option<Fact>>> {
    let f: Vec<Option<Fact>> = s.x.iter().map(|t| t.as_ref().map(Tensor::type_fact)).collect();
    op.infer(&ctx(s), &refs(&f)).is_ok().then_some(f)
}

fn result(op: &dyn Op, i: usize, s: &Sample) -> Vec<Tensor> {
    crate::interp::eval(op, &ctx(s), &tensors(s)).unwrap_or_else(|e| panic!("{} sample {i}: {e}", op.name()))
}

fn same_shape(what: &str, y: &Fact, t: &Tensor, env: &HashMap<String, i64>) {
    assert_eq!(y.dtype, t.dtype(), "{what}: type");
    if !y.form.is_dense() {
        let both = y.join(&t.type_fact()).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!((both.form, both.rank()), (y.form, y.rank()), "{what}: form");
        let sizes = |f: &Fact| f.shape.iter().map(Dim::as_const).collect::<Vec<_>>();
        return assert_eq!(sizes(&both), sizes(y), "{what}: sizes of the tensors");
    }
    assert!(t.items().is_none(), "{what}: form");
    if y.shape.iter().any(has_fresh) {
        assert_eq!(y.rank(), t.rank(), "{what}: rank");
        return;
    }
    let shape: Vec<i64> = y.shape.iter().map(|d| d.eval(&|s| env.get(s).copied()).unwrap()).collect();
    assert_eq!(shape, t.shape().iter().map(|d| *d as i64).collect::<Vec<_>>(), "{what}: shape");
}

fn has_fresh(d: &Dim) -> bool {
    let mut fresh = false;
    d.symbols(&mut |s| fresh |= s.contains('#'));
    fresh
}

fn known_value(what: &str, y: &Fact, t: &Tensor, env: &HashMap<String, i64>) {
    if let Some(c) = y.constant() {
        close(what, c, t);
    } else if let Some(dims) = y.as_dims().filter(|d| !d.iter().any(has_fresh)) {
        let v: Vec<i64> = dims.iter().map(|d| d.eval(&|s| env.get(s).copied()).unwrap()).collect();
        assert_eq!(v, t.to_i64(), "{what}: known value");
    }
}

fn close(what: &str, a: &Tensor, b: &Tensor) {
    if let (Ok(a), Ok(b)) = (a.as_sequence(), b.as_sequence()) {
        assert_eq!(a.len(), b.len(), "{what}");
        return a.iter().zip(b).for_each(|(a, b)| close(what, a, b));
    }
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{what}");
    let tolerance = match a.dtype() {
        DType::F64 => 1e-9,
        DType::F32 => 2e-6,
        DType::F16 => 2e-3,
        DType::BF16 => 2e-2,
        _ => 0.0,
    };
    let (a, b) = &crate::strings::pair(a, b);
    let largest = b.iter().map(|v| v.f().abs()).filter(|v| v.is_finite()).fold(1.0, f64::max);
    for (i, (a, b)) in a.iter().zip(b.iter()).enumerate() {
        let (a, b) = (a.f(), b.f());
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * largest;
        assert!(same, "{what}: element {i} is {a}, expected {b}");
    }
}

#[test]
fn names_are_unique() {
    let mut seen = std::collections::HashSet::new();
    for op in super::OPS {
        assert!(seen.insert((op.domain(), op.name())), "{} is listed twice", op.name());
        assert_eq!(super::by_name(&OpRef(*op).full_name()), Some(OpRef(*op)));
    }
}

#[test]
fn narrow_elements_are_not_computed_with() {
    let mut g = crate::Graph::new("g");
    let x = g.add_input("x", Fact::new(DType::F8E4M3FN, [2.into()]));
    let e = g.apply("sum", "Add", Default::default(), &[x, x]).unwrap_err().to_string();
    assert!(e.contains("\"sum\" (Add)") && e.contains("operand 0 has elements of type f8e4m3fn"), "{e}");
    let to = crate::Attrs::new().with("dtype", DType::U4);
    let x = g.add_input("m", Fact::new(DType::F32, [2.into(), 2.into()]));
    let e = g.apply("eye", "EyeLike", to, &[x]).unwrap_err().to_string();
    assert!(e.contains("result 0 has elements of type u4"), "{e}");
}

#[test]
fn every_attribute_is_used_by_a_sample() {
    for op in super::OPS {
        let samples = op.samples();
        for f in op.schema() {
            let used = samples.iter().any(|s| s.attrs.get(f.name).is_some());
            assert!(used, "{}: no sample gives attribute {}", op.name(), f.name);
        }
    }
}

#[test]
fn infer_is_the_fact_of_eval() {
    each(|op, i, s| {
        let what = format!("{} sample {i}", op.name());
        let y = result(op, i, s);
        for (f, env) in variants(op, s) {
            let inferred = op.infer(&ctx(s), &refs(&f)).unwrap_or_else(|e| panic!("{what}: {e} for {f:?}"));
            assert_eq!(inferred.len(), y.len(), "{what}: number of results");
            for (f, t) in inferred.iter().zip(&y) {
                same_shape(&what, f, t, &env);
                known_value(&what, f, t, &env);
            }
        }
    });
}

#[test]
fn lowering_is_eval() {
    let mut missing = std::collections::BTreeSet::new();
    each(|op, i, s| {
        let y = result(op, i, s);
        // Of strings there is no scalar form: they are written out as bytes before anything is lowered.
        if s.is_text(op) {
            return;
        }
        let unknown = unknown(op, s).map(|f| (f, HashMap::new()));
        for (f, mut env) in variants(op, s).into_iter().chain(unknown) {
            let what = format!("{} sample {i} sizes {env:?}", op.name());
            let inferred = op.infer(&ctx(s), &refs(&f)).unwrap();
            let Ok(l) = op.lowering(&ctx(s), &refs(&f), &inferred) else {
                missing.insert(op.name());
                continue;
            };
            if matches!(l, Lowering::Control) {
                continue;
            }
            let got = lower::eval::run(&l, &tensors(s), &inferred, &mut env).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(got.len(), y.len(), "{what}: number of results");
            for (a, b) in got.iter().zip(&y) {
                close(&what, a, b);
            }
        }
    });
    let expected: std::collections::BTreeSet<&str> = NOT_LOWERED.iter().copied().collect();
    assert_eq!(missing, expected, "operators without lowering are listed");
}

/// Operators on what is no tensor: a pass writes them as operators on tensors.
const NOT_LOWERED: &[&str] = &[
    "ConcatFromSequence",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "Pack",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SplitToSequence",
    "Unpack",
];

/// The sample with every element of its integer operands replaced; those that must be constant are left.
fn with_integers(op: &dyn Op, s: &Sample, value: i128) -> Vec<Option<Tensor>> {
    let hostile = |(i, t): (usize, &Tensor)| match t.dtype().is_int() && !op.constant_sizes().contains(&i) {
        true => Tensor::new(t.dtype(), t.shape(), std::iter::repeat_n(crate::Num::I(value), t.len())),
        false => t.clone(),
    };
    s.x.iter().enumerate().map(|(i, t)| t.as_ref().map(|t| hostile((i, t)))).collect()
}

#[test]
fn no_index_of_data_leads_outside() {
    each(|op, i, s| {
        let Some(f) = unknown(op, s) else { return };
        let inferred = op.infer(&ctx(s), &refs(&f)).unwrap();
        let l = op.lowering(&ctx(s), &refs(&f), &inferred);
        // Where data decides sizes, the sizes are checked when they are bound.
        let Ok(l @ (Lowering::Comps(_) | Lowering::Contract(_) | Lowering::Proc(_))) = l else { return };
        for value in [-1, -100, 100, i64::MIN as i128, i64::MAX as i128] {
            let x = with_integers(op, s, value);
            let x: Vec<_> = x.iter().map(Option::as_ref).collect();
            if let Err(e) = lower::eval::run(&l, &x, &inferred, &mut HashMap::new()) {
                assert!(!e.to_string().contains("outside of shape"), "{} sample {i} with {value}: {e}", op.name());
            }
        }
    });
}
