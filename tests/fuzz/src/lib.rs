//! Random models, and every way to run them compared.
//!
//! * [`draw`]: choices from a seed. [`builder`]: a graph that grows node by node, with the value of every node at hand.
//! * [`menu`]: what a node can be, one file per theme.
//! * [`check`](mod@check): one graph run by the oracle, after all stages, compiled, written and read. [`stability`]:
//!   how far results may be apart.
//! * [`shrink`]: a failing graph made small. [`case`]: a graph with its inputs as text.
//! * [`ort`]: cases for another runtime to run.

pub mod builder;
pub mod case;
pub mod check;
pub mod draw;
pub mod menu;
pub mod ort;
pub mod shrink;
pub mod stability;
