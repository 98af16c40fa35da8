//! The CPU target.

use super::{Suite, check};

#[test]
fn cpu() {
    check(&Suite {
        name: "cpu",
        run: crate::cpu::run,
        kinds: &["node", "simple", "pytorch-operator", "pytorch-converted", "light"],
        too_slow: &[],
    });
}
