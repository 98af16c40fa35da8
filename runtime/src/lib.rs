//! Runs artifacts: everything a server links.
//!
//! A [`Model`] is an artifact that was checked and whose code is mapped; sessions share it. A [`Session`] runs it, one
//! run at a time, in memory that it keeps from run to run. The artifact brings all its code: there is no compiler here
//! and nothing that knows operators.
//!
//! ```no_run
//! # fn main() -> dlc_runtime::Result<()> {
//! use dlc_runtime::{Model, Options, Session, Tensor};
//! let model = Model::open("model.dlc")?;
//! let mut session = Session::new(&model, Options { threads: 4, max_memory: None })?;
//! let outputs = session.run(&[Tensor::of(&[1, 3], &[0.5f32, 1.0, -2.0])?])?;
//! println!("{:?}", outputs[0].to_vec::<f32>());
//! # Ok(())
//! # }
//! ```
//!
//! Artifacts are trusted as programs are: everything in the file is checked for damage and contradiction, but machine
//! code that was written to do harm will do it.

mod arena;
mod chain;
mod code;
mod control;
mod error;
mod execute;
mod expr;
mod frame;
mod math;
mod model;
mod plan;
mod pool;
mod processor;
mod schedule;
mod session;
mod tensor;
mod uses;
mod value;

pub use error::{Error, Result};
pub use model::{Model, PortInfo};
pub use session::{Options, Session, Stats, Trace};
pub use tensor::{Element, Tensor};
pub use value::{Form, Value};
#[cfg(all(test, target_arch = "x86_64", unix))]
mod tests;
