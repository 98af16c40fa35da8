//! What can be wrong when a model is opened or run.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model cannot be opened or run: what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file.
    #[error(transparent)]
    Artifact(#[from] dlc_artifact::Error),
    /// The code is for another processor.
    #[error("the code needs `{feature}`, which {why}: compile the model for this processor")]
    Processor {
        /// What it needs.
        feature: String,
        /// Why that is not there.
        why: &'static str,
    },
    /// A program that contradicts itself in what is known when.
    #[error("{place}: expected {expected}, found {found}")]
    Program {
        /// Part of the program.
        place: String,
        /// What holds in every program.
        expected: String,
        /// What does not.
        found: String,
    },
    /// A tensor whose bytes do not fit its shape.
    #[error("a tensor of type {dtype} and shape {dims:?}: expected {expected}, found {found} bytes")]
    Tensor {
        /// Element type (ONNX number).
        dtype: u8,
        /// Shape.
        dims: Vec<usize>,
        /// How many bytes it has.
        expected: String,
        /// How many were given.
        found: usize,
    },
    /// Another number of inputs.
    #[error("expected {expected} inputs, found {found}")]
    InputCount {
        /// As the model has.
        expected: usize,
        /// As were given.
        found: usize,
    },
    /// An input of another type or rank.
    #[error("input `{input}`: expected {what} {expected}, found {found}")]
    Input {
        /// Which input.
        input: String,
        /// Type or rank.
        what: &'static str,
        /// As the model says.
        expected: usize,
        /// As given.
        found: usize,
    },
    /// An input or output of another form, or that holds other tensors.
    #[error("`{port}`: expected {expected}, found {found}")]
    Form {
        /// Which input or output.
        port: String,
        /// As the model says.
        expected: String,
        /// As given.
        found: String,
    },
    /// An input of another size.
    #[error("input `{input}`, axis {axis}: expected {expr}{value}, found {found}")]
    Size {
        /// Which input.
        input: String,
        /// Which axis.
        axis: usize,
        /// Its size, as an expression.
        expr: String,
        /// What the expression is worth, or why it is worth nothing.
        value: String,
        /// As given.
        found: i64,
    },
    /// A size that cannot be computed, or that is negative.
    #[error("{place}: expected a size, found {expr}{value}{symbols}")]
    NoSize {
        /// Whose size.
        place: String,
        /// The expression.
        expr: String,
        /// Its value, or why it has none.
        value: String,
        /// Values of the symbols.
        symbols: String,
    },
    /// Sizes for which the code was not made.
    #[error("{message} (expected {left} = {left_value} to be at most {right} = {right_value})")]
    Assert {
        /// As the compiler says.
        message: String,
        /// Smaller side.
        left: String,
        /// Its value.
        left_value: i64,
        /// Larger side.
        right: String,
        /// Its value.
        right_value: i64,
    },
    /// A value computed in the model that does not fit where it is used.
    #[error("node `{node}`: expected {expected}, found {found}")]
    Node {
        /// Which node.
        node: String,
        /// What fits.
        expected: String,
        /// What was computed.
        found: String,
    },
    /// More memory than allowed.
    #[error("expected to stay within {limit} bytes of memory, found a need for {needed} more than the {used} in use")]
    Memory {
        /// [`crate::Options::max_memory`].
        limit: u64,
        /// Bytes to allocate.
        needed: u64,
        /// Bytes allocated.
        used: u64,
    },
    /// A size without a name, or a name without a size.
    #[error("symbol `{symbol}`: expected {expected}, found {found}")]
    Symbol {
        /// Which.
        symbol: String,
        /// What is needed.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// The operating system refused.
    #[error("{action}: {source}")]
    System {
        /// What was being done.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}
