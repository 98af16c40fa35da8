//! What can go wrong in this crate, said so that a user can act on it.

/// A refusal: which node, what was expected, what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An operator does not accept its operands or attributes.
    #[error("{0}")]
    Op(String),
    /// The same, with the node it happened at.
    #[error("node {name:?} ({op}): {what}")]
    Node {
        /// Name of the node as the model gives it.
        name: String,
        /// Name of its operator.
        op: String,
        /// Expectation and finding.
        what: String,
    },
    /// The graph itself is malformed.
    #[error("graph {graph:?}: {what}")]
    Graph {
        /// Name of the graph.
        graph: String,
        /// Expectation and finding.
        what: String,
    },
    /// Text form that does not parse.
    #[error("line {line}: {what}")]
    Text {
        /// One-based line.
        line: usize,
        /// Expectation and finding.
        what: String,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A refusal by an operator; the node is added by whoever knows it.
    pub fn op(what: impl Into<String>) -> Self {
        Error::Op(what.into())
    }

    /// Adds the node to an operator's refusal; any other error passes unchanged.
    pub fn at(self, name: &str, op: &str) -> Self {
        match self {
            Error::Op(what) => Error::Node { name: name.into(), op: op.into(), what },
            other => other,
        }
    }
}

/// `bail!("operand x has rank {r}, expected 2")` returns an operator's refusal.
#[macro_export]
macro_rules! bail {
    ($($t:tt)*) => { return Err($crate::Error::op(format!($($t)*))) };
}

/// `ensure!(cond, "...")` is `bail!` when the condition does not hold.
#[macro_export]
macro_rules! ensure {
    ($c:expr, $($t:tt)*) => { if !$c { $crate::bail!($($t)*) } };
}
