//! The operators, one file each. A new one is its file, its `mod` line and its entry in [`OPS`].

pub mod common;

mod add;
mod conv;
mod matmul;
mod pad;
mod relu;
mod reshape;
mod shape;

use crate::{Op, OpRef};

/// Every operator, sorted by file name.
pub static OPS: &[&dyn Op] =
    &[&add::Add, &conv::Conv, &matmul::MatMul, &pad::Pad, &relu::Relu, &reshape::Reshape, &shape::Shape];

/// The operator with this full name: `Conv`, or `com.microsoft.Gelu`.
pub fn by_name(name: &str) -> Option<OpRef> {
    let (domain, name) = name.rsplit_once('.').unwrap_or(("", name));
    find(domain, name)
}

/// The operator of an ONNX domain (`""` and `ai.onnx` are one) and type.
pub fn find(domain: &str, name: &str) -> Option<OpRef> {
    let domain = if domain == "ai.onnx" { "" } else { domain };
    OPS.iter().find(|op| op.name() == name && op.domain() == domain).map(|op| OpRef(*op))
}

#[cfg(test)]
mod tests;
