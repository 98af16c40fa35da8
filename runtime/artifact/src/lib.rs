//! One file: sections, checksums, and the program they hold.
//!
//! A file is a header with a table of [`file::SECTIONS`], then the sections, each with a CRC-32 of its own. Reading
//! checks everything that can be checked without running the program: a [`Program`] that [`Image::open`] returns has
//! every index in range, so whoever executes it looks at sizes only.

pub mod error;
pub mod file;
pub mod place;
pub mod program;
mod verify;
mod wire;
#[cfg(feature = "write")]
pub mod write;

pub use error::{Error, Result};
pub use file::Image;
pub use place::{Interval, Plan, place};
pub use program::Program;
pub use verify::verify;
#[cfg(feature = "write")]
pub use write::{Artifact, write, write_chunks};

#[cfg(test)]
mod tests;
