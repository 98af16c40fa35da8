//! The operators, one file each. A new one is its file, its `mod` line and its entry in [`OPS`].

pub mod common;

mod add;
mod averagepool;
mod concat;
mod constant_of_shape;
mod conv;
mod dequantizelinear;
mod dynamicquantizelinear;
mod expand;
mod flatten;
mod gather;
mod lppool;
mod matmul;
mod matmulinteger;
mod maxpool;
mod pad;
mod quantizelinear;
mod range;
mod relu;
mod reshape;
mod shape;
mod size;
mod slice;
mod split;
mod squeeze;
mod tile;
mod transpose;
mod unsqueeze;

use crate::{Op, OpRef};

/// Every operator, sorted by file name.
pub static OPS: &[&dyn Op] = &[
    &add::Add,
    &averagepool::AveragePool,
    &concat::Concat,
    &constant_of_shape::ConstantOfShape,
    &conv::Conv,
    &dequantizelinear::DequantizeLinear,
    &dynamicquantizelinear::DynamicQuantizeLinear,
    &expand::Expand,
    &flatten::Flatten,
    &gather::Gather,
    &lppool::LpPool,
    &matmul::MatMul,
    &matmulinteger::MatMulInteger,
    &maxpool::MaxPool,
    &pad::Pad,
    &quantizelinear::QuantizeLinear,
    &range::Range,
    &relu::Relu,
    &reshape::Reshape,
    &shape::Shape,
    &size::Size,
    &slice::Slice,
    &split::Split,
    &squeeze::Squeeze,
    &tile::Tile,
    &transpose::Transpose,
    &unsqueeze::Unsqueeze,
];

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
