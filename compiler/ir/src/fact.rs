//! What is known about a tensor before it exists.

use crate::form::{Form, Rank};
use crate::{DType, Dim, Tensor};
use std::fmt;
use std::sync::Arc;

/// A value known at compile time: all of it, or, for small integer tensors, symbolically.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// A constant.
    Tensor(Arc<Tensor>),
    /// Elements of an integer tensor of rank 0 or 1 as expressions over the sizes, e.g. the result of `Shape`; or of
    /// an f32 or f64 tensor such integers were converted to.
    Dims(Vec<Dim>),
}

/// How elements are stored. Only row-major exists so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// Row-major without gaps.
    #[default]
    Plain,
}

/// Affine quantization: `real = scale * (stored - zero)`, per tensor or along `axis`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quant {
    /// One scale, or one per slice of `axis`.
    pub scale: Arc<Tensor>,
    /// As many zero points as scales.
    pub zero: Arc<Tensor>,
    /// Axis of a per-channel quantization.
    pub axis: Option<usize>,
}

/// Type, symbolic shape, layout, quantization and, where known, the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Element type.
    pub dtype: DType,
    /// Extent of each axis.
    pub shape: Vec<Dim>,
    /// Order of the elements in memory.
    pub layout: Layout,
    /// Meaning of quantized elements, where recorded.
    pub quant: Option<Quant>,
    /// The value, where known.
    pub known: Option<Known>,
    /// Whether it is one tensor; else type and shape are those of the tensors in it.
    pub form: Form,
}

impl Fact {
    /// A tensor of which only type and shape are known.
    pub fn new(dtype: DType, shape: impl IntoIterator<Item = Dim>) -> Self {
        Fact {
            dtype,
            shape: shape.into_iter().collect(),
            layout: Layout::Plain,
            quant: None,
            known: None,
            form: Form::Dense,
        }
    }

    /// An i64 vector whose elements are known expressions.
    pub fn dims(values: Vec<Dim>) -> Self {
        Fact::new(DType::I64, [values.len().into()]).with_dims(values)
    }

    /// The same fact with elements known as expressions; all-constant expressions become a constant tensor.
    pub fn with_dims(mut self, values: Vec<Dim>) -> Self {
        let shape: Option<Vec<usize>> = self.shape.iter().map(|d| d.as_const().map(|v| v as usize)).collect();
        let consts: Option<Vec<i64>> = values.iter().map(Dim::as_const).collect();
        self.known = match (shape, consts) {
            (Some(s), Some(c)) => Some(Known::Tensor(Arc::new(Tensor::i64(&s, &c).cast(self.dtype)))),
            _ => Some(Known::Dims(values)),
        };
        self
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn len(&self) -> Dim {
        crate::dim::product(&self.shape)
    }

    /// Number of elements where all sizes are known; `u64::MAX` where it is larger than that.
    pub fn elements(&self) -> Option<u64> {
        let size = |d: &Dim| d.as_const().map(|d| u64::try_from(d).unwrap_or(0));
        let sizes: Vec<u64> = self.shape.iter().map(size).collect::<Option<_>>()?;
        let product = sizes.iter().fold(1, |n: u64, d| n.saturating_mul(*d));
        Some(if sizes.contains(&0) { 0 } else { product })
    }

    /// Whether it is known to have no element.
    pub fn is_empty(&self) -> bool {
        self.shape.iter().any(Dim::is_zero)
    }

    /// The constant, if it is one.
    pub fn constant(&self) -> Option<&Tensor> {
        match &self.known {
            Some(Known::Tensor(t)) => Some(t),
            _ => None,
        }
    }

    /// Elements of an integer tensor of rank 0 or 1 as expressions, if known. At most 1,024 elements.
    pub fn as_dims(&self) -> Option<Vec<Dim>> {
        match self.known.as_ref()? {
            Known::Dims(d) if self.dtype.int_range().is_some() => Some(d.clone()),
            Known::Tensor(t) if t.dtype().int_range().is_some() && t.rank() <= 1 && t.len() <= 1024 => {
                Some(t.to_i64().into_iter().map(Dim::from).collect())
            }
            _ => None,
        }
    }

    /// The same for floats that are known to be whole numbers, e.g. sizes converted to f32.
    pub fn as_whole(&self) -> Option<Vec<Dim>> {
        match self.known.as_ref()? {
            Known::Dims(d) => Some(d.clone()),
            Known::Tensor(t) if t.dtype().is_float() && t.rank() <= 1 && t.len() <= 1024 => {
                let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 1e15).then_some((v as i64).into());
                t.to_f64().into_iter().map(whole).collect()
            }
            Known::Tensor(_) => self.as_dims(),
        }
    }

    /// Elements of a constant integer tensor.
    pub fn as_ints(&self) -> Option<Vec<i64>> {
        self.constant().filter(|t| t.dtype().int_range().is_some()).map(|t| t.to_i64())
    }

    /// The shape, if all of it is constant.
    pub fn const_shape(&self) -> Option<Vec<usize>> {
        self.shape.iter().map(|d| d.as_const().and_then(|v| usize::try_from(v).ok())).collect()
    }

    /// The same type and shape without the value.
    pub fn type_only(&self) -> Fact {
        Fact { known: None, ..self.clone() }
    }

    /// Whether type, shape, layout and form are the same, whatever is known of the value.
    pub fn same_type(&self, other: &Fact) -> bool {
        let form = self.form == other.form;
        self.dtype == other.dtype && self.shape == other.shape && self.layout == other.layout && form
    }
}

/// Prints e.g. `f32[batch,3,224,224]`; before it `seq` and `opt` where it is no tensor, with `[?]` for an open rank and
/// `[-]` where no tensor is in it.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(|d| d.to_string()).collect();
        let dims = match self.form.rank() {
            Rank::Known => dims.join(","),
            Rank::Open => "?".into(),
            Rank::Never => "-".into(),
        };
        write!(f, "{}{}[{dims}]", self.form, self.dtype)
    }
}
