//! The language of the compiler: graphs of operators over facts, and what each operator means.
//!
//! * [`Tensor`], [`DType`], [`Dim`], [`Fact`]: values and what is known of them before they exist.
//! * [`Op`]: an operator, one file each in [`ops`]; `eval` is the truth all faster code is compared with.
//! * [`Graph`]: operators wired together; [`text`] prints and parses it, [`verify`] checks it, [`interp`] runs it.
//! * [`grad`]: gradients of graphs, as graphs.
//! * [`budget`]: limits on memory and work of reading and evaluating.
//! * [`lower`]: the scalar language operators are lowered to, and its interpreter.

pub mod attrs;
pub mod budget;
pub mod dim;
pub mod dtype;
pub mod error;
pub mod fact;
pub mod form;
pub mod grad;
pub mod graph;
pub mod infer;
pub mod interp;
pub mod lower;
pub mod narrow;
pub mod op;
pub mod ops;
pub mod strings;
pub mod suggest;
pub mod tensor;
pub mod text;
pub mod verify;

pub use attrs::{Attr, Attrs};
pub use dim::Dim;
pub use dtype::DType;
pub use error::{Error, Result};
pub use fact::{Fact, Known};
pub use form::Form;
pub use graph::{Graph, Node, NodeId, Value};
pub use op::{Arity, Ctx, Op, OpRef, Sample};
pub use tensor::{Num, Tensor};
