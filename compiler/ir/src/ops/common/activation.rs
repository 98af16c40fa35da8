//! The activation functions of recurrent operators, by name, with their parameters.

use crate::lower::{Expr, Un};
use crate::{Result, bail};

/// A function of one number with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    kind: Kind,
    alpha: f64,
    beta: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Relu,
    Tanh,
    Sigmoid,
    Affine,
    LeakyRelu,
    ThresholdedRelu,
    ScaledTanh,
    HardSigmoid,
    Elu,
    Softsign,
    Softplus,
}

/// Name in lower case, function, default alpha and beta where it has them.
type Entry = (&'static str, Kind, Option<f64>, Option<f64>);

const KINDS: &[Entry] = &[
    ("relu", Kind::Relu, None, None),
    ("tanh", Kind::Tanh, None, None),
    ("sigmoid", Kind::Sigmoid, None, None),
    ("affine", Kind::Affine, Some(1.0), Some(0.0)),
    ("leakyrelu", Kind::LeakyRelu, Some(0.01), None),
    ("thresholdedrelu", Kind::ThresholdedRelu, Some(1.0), None),
    ("scaledtanh", Kind::ScaledTanh, Some(1.0), Some(1.0)),
    ("hardsigmoid", Kind::HardSigmoid, Some(0.2), Some(0.5)),
    ("elu", Kind::Elu, Some(1.0), None),
    ("softsign", Kind::Softsign, None, None),
    ("softplus", Kind::Softplus, None, None),
];

/// The functions of these names; `alpha` and `beta` are consumed in order by those that have such a parameter.
pub fn activations(names: &[String], alpha: &[f32], beta: &[f32]) -> Result<Vec<Activation>> {
    let (mut alpha, mut beta) = (alpha.iter(), beta.iter());
    let mut out = vec![];
    for name in names {
        let Some((_, kind, a, b)) = KINDS.iter().find(|k| k.0 == name.to_lowercase()) else {
            bail!(
                "attribute activations has {name:?}, expected one of {:?}",
                KINDS.iter().map(|k| k.0).collect::<Vec<_>>()
            );
        };
        let next = |default: &Option<f64>, given: &mut std::slice::Iter<f32>| match default {
            Some(d) => given.next().map_or(*d, |v| *v as f64),
            None => 0.0,
        };
        out.push(Activation { kind: *kind, alpha: next(a, &mut alpha), beta: next(b, &mut beta) });
    }
    Ok(out)
}

impl Activation {
    /// Meaning.
    pub fn eval(&self, x: f64) -> f64 {
        let (a, b) = (self.alpha, self.beta);
        match self.kind {
            Kind::Relu => x.max(0.0),
            Kind::Tanh => x.tanh(),
            Kind::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Kind::Affine => a * x + b,
            Kind::LeakyRelu => {
                if x >= 0.0 {
                    x
                } else {
                    a * x
                }
            }
            Kind::ThresholdedRelu => {
                if x >= a {
                    x
                } else {
                    0.0
                }
            }
            Kind::ScaledTanh => a * (b * x).tanh(),
            Kind::HardSigmoid => (a * x + b).clamp(0.0, 1.0),
            Kind::Elu if x >= 0.0 => x,
            Kind::Elu => a * x.exp_m1(),
            Kind::Softsign => x / (1.0 + x.abs()),
            Kind::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    }

    /// The same as an expression.
    pub fn expr(&self, x: &Expr) -> Expr {
        let (zero, one) = (x.like(0.0), x.like(1.0));
        let (a, b) = (x.like(self.alpha), x.like(self.beta));
        let line = || a.mul(x).add(&b);
        match self.kind {
            Kind::Relu => x.max(&zero),
            Kind::Tanh => x.un(Un::Tanh),
            Kind::Sigmoid => x.sigmoid(),
            Kind::Affine => line(),
            Kind::LeakyRelu => x.ge(&zero).select(x, &a.mul(x)),
            Kind::ThresholdedRelu => x.ge(&a).select(x, &zero),
            Kind::ScaledTanh => a.mul(&b.mul(x).un(Un::Tanh)),
            Kind::HardSigmoid => line().max(&zero).min(&one),
            Kind::Elu => x.ge(&zero).select(x, &a.mul(&x.un(Un::Exp).sub(&one))),
            Kind::Softsign => x.div(&one.add(&x.un(Un::Abs))),
            Kind::Softplus => crate::ops::softplus::softplus_expr(x),
        }
    }
}
