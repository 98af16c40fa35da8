//! One file: sections, checksums, and the program they hold.

pub mod program;

