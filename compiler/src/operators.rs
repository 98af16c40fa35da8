//! What is supported: the element types that every operator takes, found by trying.
//!
//! The samples that an operator is tested on ([`dlc_ir::Op::samples`]) are converted to other types. A type is taken by
//! the oracle if a sample with it has a result, and by a target if a graph of that sample alone compiles.

mod page;
mod tried;

pub use page::{head, page, rows, tail, types};

use crate::{Error, Result, TARGETS, Target};
use dlc_ir::dtype::DTYPES;
use dlc_ir::{DType, OpRef, ops};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use tried::Tried;

/// What is supported of one operator.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Support {
    /// Name, with the domain unless that is ai.onnx.
    pub name: String,
    /// The version of ai.onnx from which on a node of it is taken as it stands; `None` in other domains.
    pub as_it_stands_since: Option<i64>,
    /// The last versions of ai.onnx with an older form; each is read as the newest.
    pub older_forms_until: Vec<i64>,
    /// Operands in order; those that take the same types are one entry.
    pub operands: Vec<Operands>,
    /// Whether its operands may be what a graph among its attributes takes, beyond the types listed.
    pub takes_graph: bool,
    /// Whether [`dlc_ir::grad`] differentiates it.
    pub gradient: bool,
}

/// What is known of operands of one operator that take the same types.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Operands {
    /// Their places; none for an operator without operands, whose results the types are of.
    pub places: Vec<usize>,
    /// Whether the last place and all after it are meant.
    pub variadic: bool,
    /// Element types that the oracle takes, in the order of [`DTYPES`].
    pub oracle: Vec<&'static str>,
    /// Element types that each of the [`targets`] compiles, by its name.
    pub targets: BTreeMap<&'static str, Vec<&'static str>>,
}

/// The targets that are tried: one for each kind of processor, of those that there are.
pub fn targets() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().filter(|t| t.emit.is_some() && ["cpu", "cuda"].contains(&t.name))
}

/// Domain of the operators that only the compiler writes.
const OURS: &str = "dlc";

/// The operators that models have, in the order of [`ops::OPS`].
pub fn operators() -> Vec<OpRef> {
    ops::OPS.iter().map(|op| OpRef(*op)).filter(|op| op.domain() != OURS).collect()
}

/// What is supported of all [`operators`], in order; `seen` may cancel.
pub fn all(seen: &mut dyn FnMut(usize, &str) -> ControlFlow<()>) -> Result<Vec<Support>> {
    let mut out = vec![];
    for (i, op) in operators().into_iter().enumerate() {
        if seen(i, &op.full_name()).is_break() {
            return Err(Error::Cancelled);
        }
        out.push(of(op));
    }
    Ok(out)
}

/// What is supported of one operator.
pub fn of(op: OpRef) -> Support {
    let tried = Tried::new(op);
    let older = match op.domain() {
        "" => dlc_onnx::older_forms(op.name()),
        _ => vec![],
    };
    Support {
        name: op.full_name(),
        as_it_stands_since: op.domain().is_empty().then(|| older.last().map_or(1, |last| last + 1)),
        older_forms_until: older,
        operands: operands(op, &tried),
        takes_graph: tried.takes_graph(),
        gradient: tried.has_gradient(),
    }
}

fn operands(op: OpRef, tried: &Tried) -> Vec<Operands> {
    let mut out: Vec<Operands> = vec![];
    for place in tried.places() {
        let (oracle, targets) = taken(tried, place);
        match out.iter_mut().find(|o| o.oracle == oracle && o.targets == targets) {
            Some(same) => same.places.extend(place),
            None => out.push(Operands { places: place.into_iter().collect(), variadic: false, oracle, targets }),
        }
    }
    let most = out.iter().filter_map(|o| o.places.last().copied()).max();
    for o in &mut out {
        o.variadic = op.operands().max == usize::MAX && most.is_some() && o.places.last().copied() == most;
    }
    out
}

/// Types of the operand at a place, or of the results: those the oracle takes, and those each target does.
fn taken(tried: &Tried, place: Option<usize>) -> (Vec<&'static str>, BTreeMap<&'static str, Vec<&'static str>>) {
    let mut compiled: BTreeMap<_, Vec<_>> = targets().map(|t| (t.name, vec![])).collect();
    let mut oracle = vec![];
    for (dtype, name, _) in DTYPES {
        let good = tried.taken(place, *dtype);
        if good.is_empty() {
            continue;
        }
        oracle.push(*name);
        for t in targets() {
            if good.iter().any(|way| tried.compiles(way, t)) {
                compiled.entry(t.name).or_default().push(*name);
            }
        }
    }
    (oracle, compiled)
}

/// Every element type, by name.
fn all_types() -> BTreeSet<&'static str> {
    DTYPES.iter().map(|d| d.1).collect()
}

/// Names of the types that satisfy a condition.
fn types_that(is: impl Fn(DType) -> bool) -> BTreeSet<&'static str> {
    DTYPES.iter().filter(|d| is(d.0)).map(|d| d.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Support {
        of(ops::by_name(name).unwrap())
    }

    #[test]
    fn what_an_operator_takes_is_found_for_each_operand() {
        let gather = named("Gather");
        assert_eq!(gather.operands.iter().map(|o| o.places.clone()).collect::<Vec<_>>(), [vec![0], vec![1]]);
        assert_eq!(gather.operands[0].oracle.len(), DTYPES.len(), "elements that are only moved may be of any type");
        assert!(
            gather.operands[0].targets["cpu"].contains(&"f16") && !gather.operands[0].targets["cpu"].contains(&"str")
        );
        assert!(gather.operands[1].oracle.contains(&"i64") && !gather.operands[1].oracle.contains(&"f32"));
    }

    #[test]
    fn operands_of_one_type_change_together() {
        let matmul = named("MatMul");
        assert_eq!(matmul.operands.iter().map(|o| o.places.clone()).collect::<Vec<_>>(), [vec![0, 1]]);
        assert!(["f32", "f16", "f64", "bf16"].iter().all(|t| matmul.operands[0].oracle.contains(t)));
    }

    #[test]
    fn what_is_not_differentiable_has_no_gradient() {
        assert!(!named("ArgMax").gradient);
        assert!(!named("NonZero").gradient);
        assert!(named("Softmax").gradient);
    }

    #[test]
    fn old_forms_come_from_the_importer() {
        let split = named("Split");
        assert_eq!((split.as_it_stands_since, &split.older_forms_until[..]), (Some(18), &[1, 12, 17][..]));
        let abs = named("Abs");
        assert_eq!((abs.as_it_stands_since, abs.older_forms_until.len()), (Some(1), 0));
    }
}
