//! The vector-kernel language: what kernels are generated in, interpreted in, and emitted from.
//!
//! * [`ir`]: registers with lanes, loads and stores, loops, conditions. [`builder`] writes it.
//! * [`scalar`], [`nest`], [`window`], [`unrolled`], [`procedure`], [`sweep`], [`contraction`], [`depthwise`]: the generators, from the scalar
//!   language of `dlc_ir::lower`.
//! * [`interp`]: the reference. [`emit`]: machine code through Cranelift, 128-bit vectors.

pub mod builder;
pub mod contraction;
pub mod depthwise;
pub mod emit;
pub mod interp;
pub mod ir;
pub mod level;
pub mod math;
pub mod narrow;
pub mod nest;
mod order;
pub mod procedure;
pub mod scalar;
pub mod sweep;
mod transposed;
pub mod unrolled;
pub mod window;
pub mod x86;

pub use builder::Builder;
pub use ir::Kernel;
pub use level::Level;
