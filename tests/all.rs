//! One test binary.

mod architecture;
mod conformance;
mod zoo_import;
