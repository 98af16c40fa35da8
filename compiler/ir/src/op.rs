//! What an operator is. One implementation of [`Op`] is the whole definition.

use crate::attrs::Field;
use crate::lower::Lowering;
use crate::{Attrs, DType, Dim, Fact, Result, Tensor, bail, ensure};
use std::fmt;
use std::ops::Deref;

/// How many operands or results an operator takes; those beyond `min` may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// Smallest number.
    pub min: usize,
    /// Largest number; `usize::MAX` for variadic.
    pub max: usize,
}

impl Arity {
    /// Exactly `n`.
    pub const fn exactly(n: usize) -> Self {
        Arity { min: n, max: n }
    }
    /// From `min` to `max`.
    pub const fn range(min: usize, max: usize) -> Self {
        Arity { min, max }
    }
    /// `min` or more.
    pub const fn at_least(min: usize) -> Self {
        Arity { min, max: usize::MAX }
    }
}

/// The node an operator is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'a> {
    /// Name of the node, unique in the model; fresh symbols are derived from it.
    pub name: &'a str,
    /// Attributes, already checked against the schema.
    pub attrs: &'a Attrs,
    /// Number of results the node has.
    pub outputs: usize,
}

impl Ctx<'_> {
    /// A symbol for a size that only the data decides; `k` tells several of one node apart.
    pub fn fresh(&self, k: usize) -> crate::Dim {
        crate::Dim::sym(&self.fresh_name(k))
    }

    /// Name of the symbol [`Ctx::fresh`] gives.
    pub fn fresh_name(&self, k: usize) -> String {
        format!("{}#{k}", self.name)
    }
}

/// What an operator does with operands of type `str`.
#[derive(Clone, Copy)]
pub enum Strings {
    /// Takes none and gives none.
    Refused,
    /// Moves, repeats, picks or compares elements of the operands for whose index this holds, whatever they are: it
    /// is given numbers into one sorted table, in which 0 is the empty string.
    Moved(fn(usize) -> bool),
    /// Reads them itself.
    Read,
}

/// Operands and attributes worth trying in tests.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Attributes.
    pub attrs: Attrs,
    /// Operands; `None` is an omitted optional one.
    pub x: Vec<Option<Tensor>>,
    /// Number of results asked for.
    pub outputs: usize,
}

impl Sample {
    /// A sample with all operands present and one result.
    pub fn new(attrs: Attrs, x: Vec<Tensor>) -> Self {
        Sample { attrs, x: x.into_iter().map(Some).collect(), outputs: 1 }
    }

    /// Whether an operand or result of `op` is of strings, which only the oracle computes.
    pub fn is_text(&self, op: &dyn Op) -> bool {
        let facts: Vec<Option<Fact>> = self.x.iter().map(|t| t.as_ref().map(Tensor::fact)).collect();
        let x: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
        let y = infer(op, &Ctx { name: "sample", attrs: &self.attrs, outputs: self.outputs }, &x).unwrap_or_default();
        x.into_iter().flatten().chain(&y).any(|f| f.dtype == DType::Str)
    }
}

/// An operator of the graph language.
///
/// Operands come as `&[Option<..>]` padded with `None` to at least `operands().min`; an optional operand that was
/// omitted is `None`. Facts given to `infer` carry values where they are known ([`crate::Known`]).
pub trait Op: Sync + Send {
    /// ONNX operator name, e.g. `Conv`.
    fn name(&self) -> &'static str;
    /// ONNX domain; `""` is ai.onnx.
    fn domain(&self) -> &'static str {
        ""
    }
    /// The attributes it reads; any other is refused by name at import.
    fn schema(&self) -> &'static [Field] {
        &[]
    }
    /// Number of operands.
    fn operands(&self) -> Arity;
    /// Number of results.
    fn results(&self) -> Arity {
        Arity::exactly(1)
    }
    /// Whether operands may be sequences or optionals; where not, they are refused before `infer` and `eval` see them.
    fn takes_forms(&self) -> bool {
        false
    }
    /// Operands whose sizes must be constants, because the rank of the result or a loop count follows from them.
    fn constant_sizes(&self) -> &'static [usize] {
        &[]
    }
    /// What it does with strings.
    fn strings(&self) -> Strings {
        Strings::Refused
    }
    /// Type, symbolic shape and, for shape arithmetic, value of every result.
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>>;
    /// The meaning. Written to be read, not to be fast: plain loops, f64 accumulation.
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>>;
    /// How generated code computes it; `y` are the facts `infer` gave.
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let _ = (c, x, y);
        bail!("operator {} has no lowering yet", self.name())
    }
    /// Whether operands and results may be of types that are only stored, moved and converted
    /// ([`crate::DType::is_narrow`]). [`infer`] refuses them where not.
    fn takes_narrow(&self) -> bool {
        false
    }
    /// Samples for the generic tests: typed operands, every attribute used at least once.
    fn samples(&self) -> Vec<Sample>;
}

/// A registered operator; equal when the same entry of [`crate::ops::OPS`].
#[derive(Clone, Copy)]
pub struct OpRef(pub &'static dyn Op);

impl OpRef {
    /// `Conv` or `com.microsoft.Gelu`: the name with its domain unless that is ai.onnx.
    pub fn full_name(&self) -> String {
        match self.domain() {
            "" => self.name().to_string(),
            d => format!("{d}.{}", self.name()),
        }
    }
}

impl Deref for OpRef {
    type Target = dyn Op;
    fn deref(&self) -> &Self::Target {
        self.0
    }
}
impl PartialEq for OpRef {
    fn eq(&self, other: &Self) -> bool {
        (self.name(), self.domain()) == (other.name(), other.domain())
    }
}
impl Eq for OpRef {}
impl fmt::Debug for OpRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.full_name())
    }
}

/// `op.infer` for operands of forms, and operands and results of types, that the operator takes.
pub fn infer(op: &dyn Op, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
    let wide = |f: &Fact, what: String| -> Result<()> {
        let ok = op.takes_narrow() || !f.dtype.is_narrow();
        crate::ensure!(
            ok,
            "{what} has elements of type {}, expected a type to compute with: only conversions and moves take this one",
            f.dtype
        );
        Ok(())
    };
    crate::form::check(op, x)?;
    for (i, f) in x.iter().enumerate() {
        f.map_or(Ok(()), |f| wide(f, format!("operand {i}")))?;
    }
    let y = crate::strings::infer(op, c, x)?;
    y.iter().enumerate().try_for_each(|(i, f)| wide(f, format!("result {i}")))?;
    Ok(y)
}

/// The operand at `i`, or a refusal naming it.
pub fn need<'a, T: ?Sized>(x: &[Option<&'a T>], i: usize, name: &str) -> Result<&'a T> {
    match x.get(i) {
        Some(Some(v)) => Ok(v),
        _ => bail!("operand {i} ({name}) is missing, expected a value: it is required"),
    }
}

/// Refuses an operand or part `what` of another rank than `shape`, or of another size where both are known.
pub fn shaped(what: &str, found: &[Dim], shape: &[Dim]) -> Result<()> {
    let fits = |(a, b): (&Dim, &Dim)| a.as_const().zip(b.as_const()).is_none_or(|(a, b)| a == b);
    let text = |s: &[Dim]| s.iter().map(Dim::to_string).collect::<Vec<_>>().join(",");
    let ok = found.len() == shape.len() && found.iter().zip(shape).all(fits);
    ensure!(ok, "operand {what} has shape [{}], expected [{}]", text(found), text(shape));
    Ok(())
}

/// Refuses operand `what` if it is known not to have one element.
pub fn single(what: &str, found: &Fact) -> Result<()> {
    ensure!(found.len().as_const().is_none_or(|n| n == 1), "operand {what} is {found}, expected one element");
    Ok(())
}

/// The operand at `i`, if it is there.
pub fn maybe<'a, T: ?Sized>(x: &[Option<&'a T>], i: usize) -> Option<&'a T> {
    x.get(i).copied().flatten()
}

/// An axis in `-rank..rank` as `0..rank`, or a refusal.
pub fn axis(axis: i64, rank: usize) -> Result<usize> {
    let a = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(a) {
        Ok(a) if a < rank => Ok(a),
        _ => bail!("axis is {axis}, expected a number in -{rank}..{rank}, the rank being {rank}"),
    }
}
