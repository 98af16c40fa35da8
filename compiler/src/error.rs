//! What can go wrong between a model and its artifact.

use std::error::Error as StdError;

/// Any cause, from the crate it happened in.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Those that exist, or that there are none.
fn some(expected: &str) -> String {
    if expected.is_empty() { "none: there are none".into() } else { format!("one of {expected}") }
}

/// The one that was probably meant.
fn near(name: &str, expected: &str) -> String {
    dlc_ir::suggest::did_you_mean(name, expected.split(", "))
}

/// A refusal. The cause is a source of its own: print the chain.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A stage failed.
    #[error("stage {stage}")]
    Stage {
        /// Name of the stage.
        stage: &'static str,
        /// What it says.
        source: Cause,
    },
    /// The graph that a stage left is not well formed: a bug of ours.
    #[error("stage {stage} left a graph that does not verify")]
    Unverified {
        /// Name of the stage.
        stage: &'static str,
        /// What the verifier says.
        source: dlc_ir::Error,
    },
    /// A name that is not in one of our tables.
    #[error("no {kind} is named {name:?}, expected {}{}", some(expected), near(name, expected))]
    Unknown {
        /// Kind of thing, e.g. `target`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Those that exist.
        expected: String,
    },
    /// The target has no artifacts.
    #[error("target {0} is interpreted and has no artifact: `dlc run --target {0} MODEL` runs it")]
    NoArtifact(&'static str),
    /// The target has no such form.
    #[error("target {target} has no form {form:?}, expected {expected}")]
    NoForm {
        /// Name of the target.
        target: &'static str,
        /// Form asked for.
        form: String,
        /// Forms it has.
        expected: String,
    },
    /// A size of an input that is not what the model says.
    #[error("input {input:?} has shape {found:?}, expected {expected}")]
    Shape {
        /// Name of the input.
        input: String,
        /// Shape given.
        found: Vec<usize>,
        /// Shape of the model, with what was bound before.
        expected: String,
    },
    /// An input of another element type.
    #[error("input {input:?} has type {found}, expected {expected}")]
    Type {
        /// Name of the input.
        input: String,
        /// Type given.
        found: dlc_ir::DType,
        /// Type of the model.
        expected: dlc_ir::DType,
    },
    /// An input of another form, or one that holds other tensors.
    #[error("input {input:?} is {found}, expected {expected}")]
    Form {
        /// Name of the input.
        input: String,
        /// What is given.
        found: String,
        /// What the model says.
        expected: String,
    },
    /// A size that cannot be had: negative, too large, or of unbound symbols.
    #[error("input {input:?}: {what}")]
    Size {
        /// Name of the input.
        input: String,
        /// Expectation and finding.
        what: String,
    },
    /// Inputs that the graph was not made for.
    #[error("{assumption}, found {left} and {right}: fix these sizes with --dim")]
    Assumed {
        /// Node and relation.
        assumption: String,
        /// The first size.
        left: i64,
        /// The second.
        right: i64,
    },
    /// Whoever watched the progress said stop.
    #[error("cancelled")]
    Cancelled,
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The failure of a stage.
    pub fn stage(stage: &'static str, source: impl Into<Cause>) -> Self {
        Error::Stage { stage, source: source.into() }
    }
}
