//! One test binary.

mod architecture;
mod conformance;
mod cpu;
mod decided;
mod end_to_end;
mod export;
mod measure;
mod operators;
mod precision;
mod sequences;
mod snapshots;
mod zoo_import;
