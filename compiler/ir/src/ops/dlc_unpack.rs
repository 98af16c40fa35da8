//! `dlc.Unpack`: a sequence or optional as tensors: whether it is there (of an optional), the shape of every tensor in
//! it as a row of i64, and the elements of all, one after another. Ours; what programs compute with instead.

use super::common::sequence::{dense, samples};
use crate::attrs::{Field, read};
use crate::form::{Form, Rank, WIDEST};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, ensure};
use std::sync::Arc;

/// The type whose tensors these are; also of `dlc.Pack`.
pub const SCHEMA: &[Field] = &[Field {
    name: "type",
    kind: "type",
    doc: "What it is; of an open rank, rows have 8 sizes and -1 after the last.",
    required: true,
}];

pub struct Unpack;

/// The facts of the tensors that a value of type `f` is written as; two sizes only the data decides.
pub fn parts(c: &Ctx, f: &Fact) -> Vec<Fact> {
    let shapes = Fact::new(DType::I64, [c.fresh(0), f.row().into()]);
    let there = f.form.is_optional().then(|| Fact::new(DType::Bool, []));
    there.into_iter().chain([shapes, Fact::new(f.dtype, [c.fresh(1)])]).collect()
}

/// The sizes of a tensor as a row of `width` numbers.
fn row(t: &Tensor, width: usize, open: bool) -> Result<Vec<i64>> {
    let fits = if open { t.rank() <= width } else { t.rank() == width };
    ensure!(fits, "a tensor has rank {}, expected {}{width}", t.rank(), if open { "at most " } else { "" });
    let mut row: Vec<i64> = t.shape().iter().map(|d| *d as i64).collect();
    row.resize(width, -1);
    Ok(row)
}

/// The type in the attributes.
pub fn declared(c: &Ctx) -> Result<Arc<Fact>> {
    let f: Arc<Fact> = read(c.attrs, "type", None)?;
    ensure!(!f.form.is_dense(), "attribute type is {f}, expected a sequence or an optional");
    Ok(f)
}

impl Op for Unpack {
    fn name(&self) -> &'static str {
        "Unpack"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [Field] {
        SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, f) = (need(x, 0, "input")?, declared(c)?);
        ensure!(f.dtype == x.dtype && f.form.admits(x.form), "operand 0 is {x}, expected {f}");
        let y = parts(c, &f);
        ensure!(y.len() == c.outputs, "the node has {} results, expected {}", c.outputs, y.len());
        Ok(y)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, f) = (need(x, 0, "input")?, declared(c)?);
        let (alone, open) = (std::slice::from_ref(x), f.form.rank() != Rank::Known);
        let items = if x.is_absent() { &[] } else { x.as_sequence().unwrap_or(alone) };
        let mut shapes = vec![];
        for t in items {
            shapes.extend(row(t, f.row(), open)?);
        }
        let shapes = Tensor::i64(&[items.len(), f.row()], &shapes);
        let n = items.iter().map(Tensor::len).sum();
        let data = Tensor::new(f.dtype, &[n], items.iter().flat_map(Tensor::iter));
        let there = f.form.is_optional().then(|| Tensor::scalar(DType::Bool, Num::from(!x.is_absent())));
        Ok(there.into_iter().chain([shapes, data]).collect())
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |x: Tensor, f: Fact, outputs| Sample { outputs, ..Sample::new(Attrs::new().with("type", f), vec![x]) };
        let [a, b] = [samples().remove(0), samples().remove(1)];
        let open = Fact { form: Form::Sequence(Rank::Open), ..Fact::new(DType::F32, []) };
        let none = Tensor::absent(DType::F32, false);
        vec![
            of(a.clone(), a.type_fact(), 2),
            of(b.clone(), open, 2),
            of(b.clone(), b.type_fact().optional(), 3),
            of(none, Fact::new(DType::F32, [WIDEST.into()]).optional(), 3),
        ]
    }
}

/// Refuses operands that are no parts of a value of type `f`.
pub fn check_parts(f: &Fact, x: &[&Fact]) -> Result<()> {
    let optional = f.form.is_optional() as usize;
    ensure!(x.len() == 2 + optional, "the node has {} operands, expected {}", x.len(), 2 + optional);
    for f in x {
        dense(f, "parts")?;
    }
    let (shapes, data) = (x[optional], x[optional + 1]);
    let row = shapes.rank() == 2 && shapes.shape[1].as_const().is_none_or(|w| w == f.row() as i64);
    ensure!(shapes.dtype == DType::I64 && row, "operand shapes is {shapes}, expected i64 rows of {}", f.row());
    ensure!(data.dtype == f.dtype && data.rank() == 1, "operand data is {data}, expected a list of {}", f.dtype);
    Ok(())
}
