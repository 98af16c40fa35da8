//! One test binary.

mod architecture;
mod conformance;
mod export;
mod zoo_import;
