//! A graph as an ONNX file.

mod attribute;
mod graph;
mod opset;

pub(crate) use attribute::tensor as tensor_message;
pub(crate) use graph::type_message;

use crate::Result;
use crate::proto::{ModelProto, OperatorSetIdProto};
use dlc_ir::Graph;
use prost::Message;

/// Version of the file format: the first that has all we write.
const IR_VERSION: i64 = 10;

/// The bytes of an ONNX model that means what `g` means. Captured operands of `If`, `Loop` and `Scan` become names of
/// the graph around. Fails only for a graph with a cycle.
pub fn export(g: &Graph) -> Result<Vec<u8>> {
    let mut domains = opset::Versions::default();
    let graph = graph::Writer::new(&mut domains).top(g)?;
    let opset_import = domains.iter().map(|(domain, version)| OperatorSetIdProto { domain, version }).collect();
    let model = ModelProto {
        ir_version: IR_VERSION,
        opset_import,
        producer_name: "dlc".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        ..Default::default()
    };
    Ok(model.encode_to_vec())
}
