//! Values that are no single tensor: sequences and optionals.
//!
//! An optional that is there is its content: every operator that takes an optional takes what it may hold. Only one
//! that is not there is a value of its own.

use crate::{Ctx, DType, Dim, Fact, Result, Tensor, bail, ensure};
use std::fmt;
use std::sync::Arc;

/// What a value is made of. Type and shape of its fact are those of the tensors in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// One tensor.
    #[default]
    Dense,
    /// A list of tensors of one element type.
    Sequence(Rank),
    /// One tensor or none.
    Optional(Rank),
    /// A list of tensors or none.
    OptionalSequence(Rank),
}

/// What is known of the rank of the tensors in a value that is not dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// It is that of the fact's shape, whose sizes hold for every tensor or are [`VARIES`].
    Known,
    /// Nothing; the fact's shape is empty.
    Open,
    /// There is no tensor in it; the fact's shape is empty.
    Never,
}

/// A size that may differ from one tensor of a value to another.
pub const VARIES: &str = "*";

/// Largest rank of tensors in a value whose rank is open, once it is written as tensors.
pub const WIDEST: usize = 8;

/// What a value that is no tensor holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Items {
    /// The tensors of a sequence.
    Sequence(Vec<Tensor>),
    /// An optional tensor that is not there.
    NoTensor,
    /// An optional sequence that is not there.
    NoSequence,
}

impl Form {
    /// Whether it is one tensor.
    pub fn is_dense(self) -> bool {
        self == Form::Dense
    }

    /// Whether it is a sequence, or may be.
    pub fn is_sequence(self) -> bool {
        matches!(self, Form::Sequence(_) | Form::OptionalSequence(_))
    }

    /// Whether it may be missing.
    pub fn is_optional(self) -> bool {
        matches!(self, Form::Optional(_) | Form::OptionalSequence(_))
    }

    /// What is known of the rank; of a tensor all.
    pub fn rank(self) -> Rank {
        match self {
            Form::Dense => Rank::Known,
            Form::Sequence(r) | Form::Optional(r) | Form::OptionalSequence(r) => r,
        }
    }

    /// The form with these properties.
    fn of(sequence: bool, optional: bool, rank: Rank) -> Form {
        match (sequence, optional) {
            (false, false) => Form::Dense,
            (true, false) => Form::Sequence(rank),
            (false, true) => Form::Optional(rank),
            (true, true) => Form::OptionalSequence(rank),
        }
    }

    /// Whether a value of form `other` is one of this form, whatever the ranks.
    pub fn admits(self, other: Form) -> bool {
        self.is_sequence() == other.is_sequence() && (self.is_optional() || !other.is_optional())
    }
}

/// A size as it is known of many tensors.
fn common(a: &Dim, b: &Dim) -> Dim {
    if a == b { a.clone() } else { Dim::sym(VARIES) }
}

impl Fact {
    /// A sequence of tensors of type and shape `element`; `None` where there is none.
    pub fn sequence(dtype: DType, element: Option<&Fact>) -> Fact {
        match element {
            Some(e) => Fact { form: Form::Sequence(e.form.rank()), ..Fact::new(dtype, e.shape.iter().cloned()) },
            None => Fact { form: Form::Sequence(Rank::Never), ..Fact::new(dtype, []) },
        }
    }

    /// An optional of what this is.
    pub fn optional(&self) -> Fact {
        Fact { form: Form::of(self.form.is_sequence(), true, self.form.rank()), ..self.type_only() }
    }

    /// What an optional of this form holds when it is there; any other form is left. Sizes that vary are new symbols.
    pub fn content(&self, c: &Ctx) -> Result<Fact> {
        match self.form {
            Form::Optional(_) => self.element(c),
            Form::OptionalSequence(r) => Ok(Fact { form: Form::Sequence(r), ..self.clone() }),
            _ => Ok(self.clone()),
        }
    }

    /// One of the tensors in it. Sizes that vary are symbols of the node.
    pub fn element(&self, c: &Ctx) -> Result<Fact> {
        match self.form.rank() {
            Rank::Known => {
                let varies = |(k, d): (usize, &Dim)| if d.as_sym() == Some(VARIES) { c.fresh(k) } else { d.clone() };
                Ok(Fact::new(self.dtype, self.shape.iter().enumerate().map(varies)))
            }
            Rank::Open => bail!("the rank of the tensors in a value {self} is not known"),
            Rank::Never => bail!("no tensor is in a value {self}"),
        }
    }

    /// Length of the row that says the shape of a tensor in it, once it is written as tensors: the rank or, where that is
    /// not known, the largest.
    pub fn row(&self) -> usize {
        if self.form.rank() == Rank::Known { self.rank() } else { WIDEST }
    }

    /// The same with no size but constants.
    pub fn varying(mut self) -> Fact {
        for d in self.shape.iter_mut().filter(|d| d.as_const().is_none()) {
            *d = Dim::sym(VARIES);
        }
        self
    }

    /// What holds for a value that is either of two, at least one of which is not dense; of the tensors in them, for
    /// all.
    pub fn join(&self, other: &Fact) -> Result<Fact> {
        let (a, b) = (self.form, other.form);
        let alike = self.dtype == other.dtype && a.is_sequence() == b.is_sequence();
        ensure!(alike, "a value is {self} or {other}, expected one kind");
        let optional = a.is_optional() || b.is_optional();
        let (rank, shape) = join_shapes(self, other);
        Ok(Fact { form: Form::of(a.is_sequence(), optional, rank), ..Fact::new(self.dtype, shape) })
    }

    /// The sequence with one more tensor in it.
    pub fn including(&self, element: &Fact) -> Result<Fact> {
        ensure!(self.dtype == element.dtype, "a tensor {element} in {self}, expected one element type");
        self.join(&Fact::sequence(element.dtype, Some(element)))
    }
}

fn join_shapes(a: &Fact, b: &Fact) -> (Rank, Vec<Dim>) {
    match (a.form.rank(), b.form.rank()) {
        (Rank::Never, r) => (r, b.shape.clone()),
        (r, Rank::Never) => (r, a.shape.clone()),
        (Rank::Known, Rank::Known) if a.rank() == b.rank() => {
            (Rank::Known, a.shape.iter().zip(&b.shape).map(|(a, b)| common(a, b)).collect())
        }
        _ => (Rank::Open, vec![]),
    }
}

impl Tensor {
    /// A sequence. Its tensors have element type `dtype`.
    pub fn sequence(dtype: DType, items: Vec<Tensor>) -> Tensor {
        Tensor::holding(dtype, Items::Sequence(items))
    }

    /// An optional that is not there.
    pub fn absent(dtype: DType, sequence: bool) -> Tensor {
        Tensor::holding(dtype, if sequence { Items::NoSequence } else { Items::NoTensor })
    }

    /// The tensors, if it is a sequence.
    pub fn as_sequence(&self) -> Result<&[Tensor]> {
        match self.items() {
            Some(Items::Sequence(v)) => Ok(v),
            _ => bail!("a value is {}, expected a sequence", self.type_fact()),
        }
    }

    /// Whether it is an optional that is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self.items(), Some(Items::NoTensor | Items::NoSequence))
    }

    /// What is known of a value that is not dense.
    pub(crate) fn items_fact(&self, items: &Items) -> Fact {
        let dtype = self.dtype();
        let empty = Fact::sequence(dtype, None);
        match items {
            Items::Sequence(v) => v.iter().fold(empty.clone(), |f, t| f.including(&t.type_fact()).unwrap_or(f)),
            Items::NoTensor => Fact { form: Form::Optional(Rank::Never), ..empty },
            Items::NoSequence => empty.optional(),
        }
    }

    /// The value as one of an input with fact `f`: where nothing is in it, files do not say of which type.
    pub fn typed_as(self, f: &Fact) -> Tensor {
        match self.items() {
            Some(Items::Sequence(v)) if v.is_empty() => Tensor::sequence(f.dtype, vec![]),
            Some(Items::NoTensor | Items::NoSequence) => Tensor::absent(f.dtype, f.form.is_sequence()),
            _ => self,
        }
    }
}

/// Refuses operands that are no tensors, where the operator takes nothing else.
pub fn check(op: &dyn crate::Op, x: &[Option<&Fact>]) -> Result<()> {
    match x.iter().enumerate().find_map(|(i, f)| f.filter(|f| !f.form.is_dense()).map(|f| (i, f))) {
        Some((i, f)) if !op.takes_forms() => bail!("operand {i} is {f}, expected a tensor"),
        _ => Ok(()),
    }
}

/// Prints what stands before the type: `seq `, `opt `, `opt seq ` or nothing.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.is_optional() { "opt " } else { "" })?;
        f.write_str(if self.is_sequence() { "seq " } else { "" })
    }
}

/// What a value holds, shared.
pub(crate) type Shared = Option<Arc<Items>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_many_is_what_holds_for_all() {
        let t = |shape: &[usize]| Tensor::new(DType::F32, shape, vec![crate::Num::F(0.0); shape.iter().product()]);
        let of = |v: Vec<Tensor>| Tensor::sequence(DType::F32, v).fact();
        assert_eq!(of(vec![]).to_string(), "seq f32[-]");
        assert_eq!(of(vec![t(&[2, 3]), t(&[2, 3])]).to_string(), "seq f32[2,3]");
        assert_eq!(of(vec![t(&[2, 3]), t(&[2, 4])]).to_string(), "seq f32[2,\"*\"]");
        assert_eq!(of(vec![t(&[2, 3]), t(&[6])]).to_string(), "seq f32[?]");
        assert_eq!(of(vec![t(&[2])]).optional().to_string(), "opt seq f32[2]");
        assert!(of(vec![]).join(&t(&[2]).type_fact()).is_err());
        assert_eq!(Tensor::absent(DType::I64, false).fact().to_string(), "opt i64[-]");
    }

    #[test]
    fn operators_on_tensors_refuse_the_rest() {
        let f = Tensor::sequence(DType::F32, vec![]).fact();
        let op = crate::ops::by_name("Relu").unwrap();
        assert_eq!(check(op.0, &[Some(&f)]).unwrap_err().to_string(), "operand 0 is seq f32[-], expected a tensor");
    }
}
