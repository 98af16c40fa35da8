//! One test binary.

mod architecture;
mod conformance;
mod cpu;
mod export;
mod sequences;
mod snapshots;
mod zoo_import;
