//! Whole-product tests: borders, conformance, snapshots, the zoo. Everything is in the test target `all`.
//!
//! This library is what they share with other crates' tests: the folder of fetched things and what is in it.

pub mod cache;
pub mod zoo;
