//! Whole-product tests: borders, conformance, snapshots, the zoo. Everything is in the test target `all`.
