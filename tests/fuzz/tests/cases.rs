//! Cases that once differed, and a fixed number of random ones.

use dlc_fuzz::check::{Ways, check};
use dlc_fuzz::{case, menu};
use std::path::Path;

#[test]
fn what_once_differed_does_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut failed = vec![];
    for entry in std::fs::read_dir(folder).expect("cases are kept").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "txt") {
            let text = std::fs::read_to_string(&path).expect("cases are text");
            let (g, x) = case::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            for random in [None, Some(1), Some(2)] {
                failed.extend(
                    check(&g, &x, Ways { random, ..Ways::ALL }).err().map(|e| format!("{}: {e}", path.display())),
                );
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn random_graphs_mean_the_same_in_every_way() {
    let run = |seed: u64| {
        let (g, x) = menu::graph(seed);
        let every = |n: u64| seed.is_multiple_of(n);
        let ways = Ways { onnx: true, cpu: every(5), lowering: every(5), random: every(2).then_some(seed) };
        check(&g, &x, ways).err().map(|e| format!("seed {seed}: {e}"))
    };
    let failed: Vec<String> = (0..150).filter_map(run).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn random_operators_mean_the_same_in_every_way() {
    let run = |seed: u64| {
        let (name, g, x) = menu::operator(seed);
        check(&g, &x, Ways::ALL).err().map(|e| format!("{name}, seed {seed}: {e}"))
    };
    let failed: Vec<String> = (0..100).filter_map(run).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_seed_is_always_the_same_model() {
    for seed in 0..20 {
        let text = |c: (dlc_ir::Graph, Vec<dlc_ir::Tensor>)| case::print(&c.0, &c.1);
        assert_eq!(text(menu::graph(seed)), text(menu::graph(seed)));
        let (g, x) = menu::graph(seed);
        let (h, y) = case::parse(&case::print(&g, &x)).unwrap();
        assert_eq!((dlc_ir::text::print(&g), x), (dlc_ir::text::print(&h), y));
    }
}
