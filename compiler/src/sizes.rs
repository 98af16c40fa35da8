//! Symbolic sizes of a model's inputs: fixed at compile time, or bound by the tensors that are given.

use crate::{Error, Result};
use dlc_ir::{Dim, Fact, Graph, Tensor};
use dlc_onnx::Assumption;
use std::collections::{BTreeMap, BTreeSet};

/// Values of symbolic sizes by name.
pub type Sizes = BTreeMap<String, i64>;

/// Names of the symbolic sizes of the inputs, sorted.
pub fn symbols(facts: &[Fact]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for d in facts.iter().flat_map(|f| &f.shape) {
        d.symbols(&mut |s| {
            out.insert(s.to_string());
        });
    }
    out
}

/// Names and facts of the inputs of a graph, in order.
pub fn inputs(graph: &Graph) -> Vec<(String, Fact)> {
    graph.inputs().iter().map(|id| graph.node(*id)).map(|n| (n.name.clone(), n.outputs[0].clone())).collect()
}

/// Replaces symbolic sizes in the facts of the inputs. Facts that follow from them are left to `infer_all`.
/// A name that no input has, and a size below 0, are refused.
pub fn fix(graph: &mut Graph, dims: &[(String, i64)]) -> Result<()> {
    let facts: Vec<Fact> = inputs(graph).into_iter().map(|i| i.1).collect();
    let known = symbols(&facts);
    for (name, n) in dims {
        if !known.contains(name) {
            let expected = known.iter().cloned().collect::<Vec<_>>().join(", ");
            return Err(Error::Unknown { kind: "size of an input", name: name.clone(), expected });
        }
        if *n < 0 {
            return Err(Error::Size { input: name.clone(), what: format!("size {n}, expected 0 or more") });
        }
    }
    let value = |s: &str| dims.iter().find(|d| d.0 == s).map(|d| Dim::from(d.1));
    for id in graph.inputs().to_vec() {
        let fact = &mut graph.node_mut(id).outputs[0];
        fact.shape = fact.shape.iter().map(|d| d.substitute(&value)).collect();
    }
    Ok(())
}

/// Binds the symbols that a tensor's shape decides, and refuses a tensor that does not fit the fact.
pub fn bind(sizes: &mut Sizes, name: &str, fact: &Fact, t: &Tensor) -> Result<()> {
    if !fact.form.is_dense() || t.items().is_some() {
        return bind_form(name, fact, t);
    }
    if t.dtype() != fact.dtype {
        return Err(Error::Type { input: name.into(), found: t.dtype(), expected: fact.dtype });
    }
    let misfit = || Error::Shape { input: name.into(), found: t.shape().to_vec(), expected: fact.to_string() };
    if t.rank() != fact.rank() {
        return Err(misfit());
    }
    for (d, n) in fact.shape.iter().zip(t.shape()) {
        let n = *n as i64;
        match d.as_sym() {
            Some(s) if !sizes.contains_key(s) => {
                sizes.insert(s.into(), n);
            }
            _ => match d.eval(&|s| sizes.get(s).copied()) {
                Ok(want) if want == n => {}
                _ => return Err(misfit()),
            },
        }
    }
    Ok(())
}

/// Refuses a value that does not fit a fact of a sequence or optional. The sizes of what is in one bind nothing.
fn bind_form(name: &str, fact: &Fact, t: &Tensor) -> Result<()> {
    let found = t.clone().typed_as(fact).type_fact();
    let fits = fact.form.admits(found.form) && fact.join(&found).is_ok_and(|both| both.same_type(fact));
    match fits {
        true => Ok(()),
        false => Err(Error::Form { input: name.into(), found: found.to_string(), expected: fact.to_string() }),
    }
}

/// Refuses inputs that are not what the graph takes for granted.
pub fn check(assumptions: &[Assumption], ports: &[(String, Fact)], tensors: &[Tensor]) -> Result<()> {
    let mut sizes = Sizes::new();
    for ((name, fact), t) in ports.iter().zip(tensors) {
        bind(&mut sizes, name, fact, t)?;
    }
    let value = |d: &Dim| d.eval(&|s| sizes.get(s).copied()).ok();
    for a in assumptions.iter().filter(|a| a.always) {
        if let (Some(left), Some(right)) = (value(&a.left), value(&a.right))
            && (left == right) != a.equal
        {
            return Err(Error::Assumed { assumption: a.to_string(), left, right });
        }
    }
    Ok(())
}

/// The shape of an input whose unbound symbols are 1.
pub fn shape(sizes: &Sizes, name: &str, fact: &Fact) -> Result<Vec<usize>> {
    let size = |d: &Dim| {
        let n = d.eval(&|s| Some(sizes.get(s).copied().unwrap_or(1)))?;
        usize::try_from(n).map_err(|_| format!("size {d} is {n}, expected 0 or more"))
    };
    let sizes: Result<Vec<usize>, String> = fact.shape.iter().map(size).collect();
    let sizes = sizes.map_err(|what| Error::Size { input: name.into(), what })?;
    let bytes = sizes.iter().try_fold(fact.dtype.size(), |p, d| p.checked_mul(*d));
    match bytes {
        Some(b) if b <= MOST_BYTES => Ok(sizes),
        _ => Err(Error::Size { input: name.into(), what: format!("shape {sizes:?} is more than {MOST_BYTES} bytes") }),
    }
}

/// Inputs above this are refused: an error is better than a machine out of memory.
pub const MOST_BYTES: usize = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::DType;

    fn fact(dims: &[&str]) -> Fact {
        let dim = |s: &&str| s.parse::<i64>().map_or_else(|_| Dim::sym(s), Dim::from);
        Fact::new(DType::F32, dims.iter().map(dim))
    }

    #[test]
    fn tensors_bind_sizes_and_misfits_are_named() {
        let mut sizes = Sizes::new();
        bind(&mut sizes, "x", &fact(&["n", "3"]), &Tensor::f32(&[2, 3], &[0.0; 6])).unwrap();
        assert_eq!(sizes["n"], 2);
        assert_eq!(shape(&sizes, "y", &fact(&["n", "k"])).unwrap(), [2, 1]);
        let e = bind(&mut sizes, "y", &fact(&["n"]), &Tensor::f32(&[3], &[0.0; 3])).unwrap_err();
        assert_eq!(e.to_string(), "input \"y\" has shape [3], expected f32[n]");
        let e = bind(&mut sizes, "y", &fact(&["n"]), &Tensor::i64(&[2], &[0, 0])).unwrap_err();
        assert_eq!(e.to_string(), "input \"y\" has type i64, expected f32");
    }

    #[test]
    fn sizes_are_fixed_by_name() {
        let mut g = Graph::new("g");
        g.add_input("x", fact(&["n", "m"]));
        fix(&mut g, &[("n".into(), 4)]).unwrap();
        assert_eq!(inputs(&g)[0].1.to_string(), "f32[4,m]");
        let e = fix(&mut g, &[("k".into(), 4)]).unwrap_err().to_string();
        assert_eq!(e, "no size of an input is named \"k\", expected one of m");
        assert!(fix(&mut g, &[("m".into(), -1)]).is_err());
    }

    #[test]
    fn assumptions_are_checked() {
        let ports = [("x".to_string(), fact(&["n"]))];
        let x = [Tensor::f32(&[2], &[0.0; 2])];
        let assume = |equal, right: i64, always| Assumption {
            node: "if".into(),
            left: Dim::sym("n"),
            right: right.into(),
            equal,
            always,
        };
        assert!(check(&[assume(true, 2, true), assume(false, 1, true), assume(true, 1, false)], &ports, &x).is_ok());
        let e = check(&[assume(true, 1, true)], &ports, &x).unwrap_err().to_string();
        assert_eq!(e, "node \"if\" assumes that n == 1, found 2 and 1: fix these sizes with --dim");
        assert!(check(&[assume(false, 2, true)], &ports, &x).is_err());
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let sizes = Sizes::from([("n".into(), i64::MAX)]);
        assert!(shape(&sizes, "x", &fact(&["n"])).is_err());
        assert!(shape(&sizes, "x", &fact(&["n", "n"])).is_err());
    }
}
