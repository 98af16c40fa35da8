//! What becomes of the scores of classifiers and regressors: `post_transform`.
//! Formulas: <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html> and, where that is silent,
//! ONNX Runtime's `ml_common.h` (`SOFTMAX_ZERO`, `PROBIT`).

use super::expansion::Expansion;
use crate::{Attrs, DType, Result, Value, bail};

/// A transformation of a row of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// As they are.
    None,
    /// `exp(x) / sum(exp(x))`.
    Softmax,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// Softmax in which scores of 0 stay 0.
    SoftmaxZero,
    /// The quantile function of the normal distribution.
    Probit,
}

/// All of them, in the order of their numbers in `TreeEnsemble`.
pub const POSTS: [(Post, &str); 5] = [
    (Post::None, "NONE"),
    (Post::Softmax, "SOFTMAX"),
    (Post::Logistic, "LOGISTIC"),
    (Post::SoftmaxZero, "SOFTMAX_ZERO"),
    (Post::Probit, "PROBIT"),
];

/// Scores closer to 0 than this are 0 for `SOFTMAX_ZERO`.
const ZERO: f64 = 1e-7;

/// The constant of Winitzki's approximation of the inverse error function.
const A: f64 = 0.147;

impl Post {
    /// The one of this name.
    pub fn named(name: &str) -> Result<Self> {
        match POSTS.iter().find(|p| p.1 == name) {
            Some((p, _)) => Ok(*p),
            None => bail!("post_transform is {name:?}, expected NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT"),
        }
    }

    /// One row transformed.
    pub fn row(self, x: &[f64]) -> Vec<f64> {
        let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let share = |e: Vec<f64>| -> Vec<f64> {
            let sum: f64 = e.iter().sum();
            e.iter().map(|v| if sum == 0.0 { *v } else { v / sum }).collect()
        };
        match self {
            Post::None => x.to_vec(),
            Post::Logistic => x.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect(),
            Post::Softmax => share(x.iter().map(|v| (v - max).exp()).collect()),
            Post::SoftmaxZero => {
                share(x.iter().map(|v| if v.abs() > ZERO { (v - max).exp() } else { v * (-max).exp() }).collect())
            }
            Post::Probit => x.iter().map(|v| 2f64.sqrt() * inverse_erf(2.0 * v - 1.0)).collect(),
        }
    }

    /// The same of every row of an f32 matrix.
    pub fn apply(self, e: &mut Expansion, x: Value) -> Result<Value> {
        match self {
            Post::None => Ok(x),
            Post::Logistic => e.op("Sigmoid", &[x]),
            Post::Softmax => e.with("Softmax", Attrs::new().with("axis", -1i64), &[x]),
            Post::SoftmaxZero => softmax_zero(e, x),
            Post::Probit => probit(e, x),
        }
    }
}

fn inverse_erf(x: f64) -> f64 {
    let w = (1.0 - x) * (1.0 + x);
    if w == 0.0 {
        return 0.0;
    }
    let log = w.ln();
    let v = 2.0 / (std::f64::consts::PI * A) + 0.5 * log;
    let root = ((v * v - log / A).sqrt() - v).sqrt();
    if x < 0.0 { -root } else { root }
}

fn softmax_zero(e: &mut Expansion, x: Value) -> Result<Value> {
    let max = e.reduce("ReduceMax", x, &[-1])?;
    let (below, away, zero) = (e.op("Sub", &[x, max])?, e.op("Abs", &[x])?, e.scalar(DType::F32, ZERO));
    let (shifted, down) = (e.op("Exp", &[below])?, e.op("Neg", &[max])?);
    let down = e.op("Exp", &[down])?;
    let (small, large) = (e.op("Mul", &[x, down])?, e.op("Greater", &[away, zero])?);
    let parts = e.op("Where", &[large, shifted, small])?;
    let sum = e.reduce("ReduceSum", parts, &[-1])?;
    let (none, one) = (e.scalar(DType::F32, 0.0), e.scalar(DType::F32, 1.0));
    let empty = e.op("Equal", &[sum, none])?;
    let sum = e.op("Where", &[empty, one, sum])?;
    e.op("Div", &[parts, sum])
}

fn probit(e: &mut Expansion, x: Value) -> Result<Value> {
    let mut number = |v: f64| e.scalar(DType::F32, v);
    let (zero, one, two, half) = (number(0.0), number(1.0), number(2.0), number(0.5));
    let (a, shift, scale) = (number(A), number(2.0 / (std::f64::consts::PI * A)), number(2f64.sqrt()));
    let twice = e.op("Mul", &[x, two])?;
    let z = e.op("Sub", &[twice, one])?;
    let (down, up) = (e.op("Sub", &[one, z])?, e.op("Add", &[one, z])?);
    let w = e.op("Mul", &[down, up])?;
    let log = e.op("Log", &[w])?;
    let (part, rest) = (e.op("Mul", &[log, half])?, e.op("Div", &[log, a])?);
    let v = e.op("Add", &[part, shift])?;
    let square = e.op("Mul", &[v, v])?;
    let inner = e.op("Sub", &[square, rest])?;
    let root = e.op("Sqrt", &[inner])?;
    let inner = e.op("Sub", &[root, v])?;
    let root = e.op("Sqrt", &[inner])?;
    let sign = e.op("Sign", &[z])?;
    let scaled = e.op("Mul", &[root, scale])?;
    let y = e.op("Mul", &[scaled, sign])?;
    let edge = e.op("Equal", &[w, zero])?;
    e.op("Where", &[edge, zero, y])
}
