//! The oracle: the meaning of every operator.

use super::{Suite, check};

/// Known networks are left to the compiled executors: millions of products, one by one.
#[test]
fn oracle() {
    check(&Suite {
        name: "oracle",
        run: |g, x| dlc_ir::interp::run(g, x).map_err(|e| e.to_string()),
        kinds: &["node", "simple", "pytorch-operator", "pytorch-converted"],
        too_slow: &[],
    });
}
