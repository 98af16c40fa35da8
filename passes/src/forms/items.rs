//! What stands for a value.

use super::{Emit, Packed};
use dlc_ir::form::Rank;
use dlc_ir::{Attrs, Fact, Result, Tensor, Value, bail, ensure};

/// What stands for a value of the graph that is written anew.
#[derive(Clone, Debug)]
pub enum Rep {
    /// A tensor.
    Tensor(Value),
    /// The tensors in a sequence or optional, and whether it is there.
    Items(There, Items),
}

/// Whether an optional is there.
#[derive(Clone, Copy, Debug)]
pub enum There {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// One bool says so.
    Maybe(Value),
}

/// The tensors in a sequence, or in an optional that is there.
#[derive(Clone, Debug)]
pub enum Items {
    /// A known list.
    List(Vec<Value>),
    /// As tensors.
    Packed(Packed),
}

impl Rep {
    /// What `dlc.Unpack` gives of a value of type `f`.
    pub fn of_parts(values: &[Value], f: &Fact) -> Rep {
        let there = if f.form.is_optional() { There::Maybe(values[0]) } else { There::Yes };
        let [shapes, data] = [values[values.len() - 2], values[values.len() - 1]];
        let open = f.form.rank() != Rank::Known;
        Rep::Items(there, Items::Packed(Packed { shapes, data, row: f.row(), open }))
    }

    /// The tensor, if it is one.
    pub fn tensor(&self) -> Result<Value> {
        match self {
            Rep::Tensor(v) => Ok(*v),
            Rep::Items(_, Items::List(v)) if v.len() == 1 => Ok(v[0]),
            Rep::Items(..) => bail!("a value is no tensor"),
        }
    }

    /// The tensors in it; of a tensor itself.
    pub fn items(&self) -> Items {
        match self {
            Rep::Tensor(v) => Items::List(vec![*v]),
            Rep::Items(_, items) => items.clone(),
        }
    }

    /// Whether it is there; of what is no optional always.
    pub fn there(&self) -> There {
        match self {
            Rep::Tensor(_) => There::Yes,
            Rep::Items(there, _) => *there,
        }
    }

    /// The tensors that a value of type `f` is passed on as.
    pub fn parts(&self, e: &mut Emit, f: &Fact) -> Result<Vec<Value>> {
        if f.form.is_dense() {
            return Ok(vec![self.tensor()?]);
        }
        let mut out = vec![];
        if f.form.is_optional() {
            out.push(self.there().value(e));
        }
        let p = self.items().packed(e, f)?;
        out.extend([p.shapes, p.data]);
        Ok(out)
    }
}

impl There {
    /// As one bool.
    pub fn value(self, e: &mut Emit) -> Value {
        match self {
            There::Yes => e.truth(true),
            There::No => e.truth(false),
            There::Maybe(v) => v,
        }
    }
}

impl Items {
    /// As tensors, with rows as a value of type `f` has them.
    pub fn packed(&self, e: &mut Emit, f: &Fact) -> Result<Packed> {
        let (row, open) = (f.row(), f.form.rank() != Rank::Known);
        match self {
            Items::Packed(p) => p.widened(e, row, open),
            Items::List(v) => pack(e, v, f, row, open),
        }
    }
}

fn pack(e: &mut Emit, items: &[Value], f: &Fact, row: usize, open: bool) -> Result<Packed> {
    let (mut shapes, mut data) = (vec![], vec![]);
    for v in items {
        shapes.push(shape_row(e, *v, row, open)?);
        data.push(e.reshape(*v, &[-1])?);
    }
    let none = items.is_empty();
    let shapes = if none { e.constant(Tensor::i64(&[0, row], &[])) } else { e.concat(&shapes, 0)? };
    let data = if none { e.constant(Tensor::new(f.dtype, &[0], [])) } else { e.concat(&data, 0)? };
    Ok(Packed { shapes, data, row, open })
}

/// The shape of a tensor as a matrix of one row.
pub fn shape_row(e: &mut Emit, v: Value, row: usize, open: bool) -> Result<Value> {
    let rank = e.g.fact(v).rank();
    ensure!(rank == row || (open && rank < row), "a tensor of rank {rank}, expected {row}");
    let mut sizes = e.op("Shape", Attrs::new(), &[v])?;
    if rank < row {
        let rest = e.ints(&vec![-1; row - rank]);
        sizes = e.concat(&[sizes, rest], 0)?;
    }
    e.reshape(sizes, &[1, row as i64])
}
