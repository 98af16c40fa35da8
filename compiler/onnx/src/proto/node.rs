//! `NodeProto`: one application of an operator or function.

use super::AttributeProto;

#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeProto {
    /// Names of values; an empty one is an omitted operand.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of values; an empty one is a result nobody reads.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(string, tag = "7")]
    pub domain: String,
    #[prost(string, tag = "8")]
    pub overload: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
}
