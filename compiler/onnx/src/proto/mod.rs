//! The messages of an ONNX file, by the field numbers of the ONNX specification. One file per message; a message that
//! only exists inside another is in that one's file. Fields that mean nothing to a compiler (documentation, training,
//! device placement) are not listed and skipped by the decoder without a copy.
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>

mod attribute;
mod entry;
mod function;
mod graph;
mod model;
mod node;
mod opset;
mod sequence;
mod shape;
mod sparse_tensor;
mod tensor;
mod types;
mod value_info;

pub use attribute::{AttributeProto, attribute_type};
pub use entry::StringStringEntryProto;
pub use function::FunctionProto;
pub use graph::GraphProto;
pub use model::ModelProto;
pub use node::NodeProto;
pub use opset::OperatorSetIdProto;
pub use sequence::{OptionalProto, SequenceProto, element_kind};
pub use shape::{Dimension, DimensionValue, TensorShapeProto};
pub use sparse_tensor::SparseTensorProto;
pub use tensor::TensorProto;
pub use types::{ElementType, TensorType, TypeProto, TypeValue};
pub use value_info::ValueInfoProto;

#[cfg(test)]
pub use types::MapType;
