//! From a model to an artifact: the list of stages, the targets, and the options.
//!
//! * [`STAGES`] is the pipeline, in order; [`stages::optimize`] runs its graph-to-graph part and verifies after each.
//! * [`TARGETS`] is what can be compiled for.
//! * [`Options`] are values; nothing here reads flags or environment, prints, or stores a file.
//! * [`random`], [`sizes`] and [`compare`] are what checking a compilation needs: inputs, shapes, differences.
//! * [`minimize`](mod@minimize) makes a failing model small.
//! * [`limits`] has programs that measure what the host can do at most.
//! * [`operators`] is what is supported, found by trying.

pub mod bisect;
pub mod compare;
mod cpu;
pub mod error;
pub mod limits;
pub mod minimize;
pub mod operators;
pub mod options;
pub mod random;
pub mod sizes;
pub mod stages;
pub mod targets;

pub use compare::Difference;
pub use error::{Error, Result};
pub use options::{Extract, Options, Precision};
pub use stages::{Progress, STAGES, Stage};
pub use targets::{TARGETS, Target};
