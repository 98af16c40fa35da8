//! `SparseTensorProto`: the elements that are not zero, and where they are.

use super::TensorProto;

#[derive(Clone, PartialEq, prost::Message)]
pub struct SparseTensorProto {
    /// NNZ elements; its name is that of the whole.
    #[prost(message, optional, tag = "1")]
    pub values: Option<TensorProto>,
    /// int64, `[NNZ]` row-major positions or `[NNZ, rank]` indices.
    #[prost(message, optional, tag = "2")]
    pub indices: Option<TensorProto>,
    #[prost(int64, repeated, packed = "false", tag = "3")]
    pub dims: Vec<i64>,
}
