//! One test binary.

mod architecture;
mod conformance;
mod cpu;
mod export;
mod zoo_import;
