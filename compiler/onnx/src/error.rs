//! What can be wrong with a file.

use std::path::PathBuf;

/// A refusal: where in the file, what was expected, what was found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not the message expected.
    #[error("not a {message}: {source}")]
    Decode {
        /// The ONNX message, e.g. `ModelProto`.
        message: &'static str,
        /// What the decoder said.
        source: prost::DecodeError,
    },
    /// The bytes would be more than is allowed when decoded.
    #[error("{message}: {what}")]
    Size {
        /// The ONNX message.
        message: &'static str,
        /// Expectation and finding.
        what: String,
    },
    /// A constant is malformed.
    #[error("tensor {name:?}: {what}")]
    Tensor {
        /// Its name.
        name: String,
        /// Expectation and finding.
        what: String,
    },
    /// A node cannot be imported.
    #[error("node {name:?} ({op}): {what}")]
    Node {
        /// Name of the node.
        name: String,
        /// Its operator.
        op: String,
        /// Expectation and finding.
        what: String,
    },
    /// The graph or model as a whole is malformed.
    #[error("graph {graph:?}: {what}")]
    Graph {
        /// Its name.
        graph: String,
        /// Expectation and finding.
        what: String,
    },
    /// Something that ONNX has and we have not.
    #[error("{what} are not supported")]
    Unsupported {
        /// What it is, in the plural.
        what: String,
    },
    /// An operator refused its operands or attributes.
    #[error(transparent)]
    Ir(#[from] dlc_ir::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A refusal of a constant.
    pub(crate) fn tensor(name: &str, what: impl Into<String>) -> Self {
        Error::Tensor { name: name.into(), what: what.into() }
    }

    /// A refusal of a graph.
    pub(crate) fn graph(graph: &str, what: impl Into<String>) -> Self {
        Error::Graph { graph: graph.into(), what: what.into() }
    }
}
