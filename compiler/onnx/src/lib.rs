//! ONNX files as graphs, and graphs as ONNX files.
//!
//! Files are mapped, not read: weights of the graph are slices of the mapped file. Operators of every version of
//! ai.onnx are brought to their newest form, which is what [`dlc_ir`] has. What reading takes in memory is counted against
//! [`dlc_ir::budget`] before it is taken.

mod beside;
mod census;
mod dims;
mod error;
mod export;
mod external;
mod file;
mod import;
mod minimize;
mod names;
mod packed;
mod proto;
mod support;
mod tensor;
#[cfg(test)]
mod tests;
mod upgrade;
mod value;

pub use error::{Error, Result};
pub use export::export;
pub use import::Assumption;
pub use minimize::{Same, minimize};
pub use support::{NEWEST_OPSET, REFUSED, WRITTEN_OUT, older_forms};

use bytes::Bytes;
use dlc_ir::{Form, Graph, Tensor};
use external::External;
use prost::Message;
use std::collections::BTreeMap;
use std::path::Path;

/// How a model is read.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Sizes of named dimensions of the inputs, put in before anything is inferred.
    pub dims: BTreeMap<String, i64>,
    /// Values of inputs that are known at compile time; they are inputs no more.
    pub constants: BTreeMap<String, Tensor>,
    /// Most nodes, values and constants of the file, and most nodes with those of expanded functions and of branches that
    /// are tried; more are refused.
    pub nodes: usize,
}

impl Default for LoadOptions {
    fn default() -> Self {
        LoadOptions { dims: BTreeMap::new(), constants: BTreeMap::new(), nodes: 1 << 18 }
    }
}

/// A model.
#[derive(Clone, Debug)]
pub struct Model {
    /// The graph, with every operator in its newest form.
    pub graph: Graph,
    /// Version of ai.onnx that the file is written in.
    pub opset: i64,
    /// Name and version of the program that wrote it.
    pub producer: String,
    /// Version of the file format.
    pub ir_version: i64,
    /// Free-form properties, in the order of the file.
    pub metadata: Vec<(String, String)>,
    /// What the graph takes for granted of the sizes of its inputs.
    pub assumptions: Vec<Assumption>,
}

/// Reads a model; constants in files of their own are looked for beside it.
pub fn load(path: &Path, opts: &LoadOptions) -> Result<Model> {
    load_bytes(file::map(path)?, Some(path.parent().unwrap_or(Path::new("."))), opts)
}

/// Reads a model from memory; `folder` is where constants in files of their own are, if anywhere.
pub fn load_bytes(bytes: Bytes, folder: Option<&Path>, opts: &LoadOptions) -> Result<Model> {
    census::check("ModelProto", census::Kind::Model, &bytes, opts.nodes)?;
    let m = decode::<proto::ModelProto>("ModelProto", bytes)?;
    let folder = folder.map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
    let (graph, assumptions) = import::import(&m, folder, opts)?;
    let producer = format!("{} {}", m.producer_name, m.producer_version).trim().to_string();
    let metadata = m.metadata_props.into_iter().map(|e| (e.key, e.value)).collect();
    let opset = import::Opsets::new(&m.opset_import)?.version("");
    Ok(Model { graph, opset, producer, ir_version: m.ir_version, metadata, assumptions })
}

/// Names of the inputs that a model declares and gives no value, in order.
pub fn input_names(path: &Path) -> Result<Vec<String>> {
    let bytes = file::map(path)?;
    census::check("ModelProto", census::Kind::Model, &bytes, LoadOptions::default().nodes)?;
    let m = decode::<proto::ModelProto>("ModelProto", bytes)?;
    Ok(m.graph.as_ref().map(import::open_inputs).unwrap_or_default())
}

/// Names and forms of the inputs that a model declares and gives no value, and of its outputs, in order.
pub fn ports(path: &Path) -> Result<(Vec<Port>, Vec<Port>)> {
    let m = decode::<proto::ModelProto>("ModelProto", file::map(path)?)?;
    let g = m.graph.unwrap_or_default();
    let open = import::open_inputs(&g);
    let port = |v: &proto::ValueInfoProto| (v.name.clone(), dims::form(v));
    Ok((g.input.iter().filter(|v| open.contains(&v.name)).map(port).collect(), g.output.iter().map(port).collect()))
}

/// Name and form of an input or output.
pub type Port = (String, Form);

/// Reads a file that holds a value of this form: a `TensorProto`, `SequenceProto` or `OptionalProto`. Where no tensor is
/// in it, files do not say of which type, and it is f32.
pub fn read_value_pb(path: &Path, form: Form) -> Result<Tensor> {
    value::read(file::map(path)?, form)
}

/// The bytes of such a file.
pub fn value_to_bytes(t: &Tensor, form: Form) -> Vec<u8> {
    value::write(t, form)
}

/// Reads a file that holds one `TensorProto`, e.g. an input of a test.
pub fn read_tensor_pb(path: &Path) -> Result<Tensor> {
    tensor_from_bytes(file::map(path)?)
}

/// The tensor of a serialized `TensorProto`.
pub fn tensor_from_bytes(bytes: Bytes) -> Result<Tensor> {
    census::check("TensorProto", census::Kind::Tensor, &bytes, usize::MAX)?;
    let t = decode::<proto::TensorProto>("TensorProto", bytes)?;
    tensor::read(&t, &mut External::default())
}

fn decode<M: Message + Default>(message: &'static str, bytes: Bytes) -> Result<M> {
    M::decode(bytes).map_err(|source| Error::Decode { message, source })
}
