//! What the rules make of small networks, as text; and that it never depends on what is chosen.

use dlc_egraph::{Extract, Options, RULES, Traffic, saturate};
use dlc_ir::{Graph, Tensor, interp, text, verify};
use dlc_models::{MODELS, find, inputs};

/// The graph as the pipeline has it after its search.
fn optimized(name: &str, options: &Options) -> Graph {
    let mut g = (find(name).unwrap().build)(7);
    dlc_passes::simplify(&mut g).unwrap();
    saturate(&mut g, &RULES, options, &Traffic::default()).unwrap();
    verify::verify(&g).unwrap();
    dlc_passes::simplify(&mut g).unwrap();
    verify::verify(&g).unwrap();
    g
}

fn snapshot(name: &str) {
    insta::assert_snapshot!(name, text::print_short(&optimized(name, &Options::default())));
}

#[test]
fn a_transformer_block_is_put_together_again() {
    snapshot("encoder");
}

#[test]
fn batch_norms_are_in_the_weights() {
    snapshot("tiny_resnet");
    snapshot("tiny_mobilenet");
}

#[test]
fn simple_networks_stay_as_they_are() {
    snapshot("lenet");
    snapshot("gate");
    snapshot("tagger");
    snapshot("mlp");
    snapshot("int8_mlp");
}

#[test]
fn sizes_from_shapes_stay_symbolic() {
    snapshot("pyramid");
    snapshot("decoder");
}

#[test]
fn schedules_fuse_and_reuse_memory() {
    for m in MODELS {
        let schedule = dlc_plan::plan(&optimized(m.name, &Options::default())).unwrap();
        insta::assert_snapshot!(format!("{}_plan", m.name), schedule.to_string());
    }
}

/// Largest difference, relative to the largest element.
fn difference(a: &[Tensor], b: &[Tensor]) -> f64 {
    let one = |(a, b): (&Tensor, &Tensor)| {
        assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
        let largest = b.iter().map(|v| v.f().abs()).fold(1e-6, f64::max);
        a.iter().zip(b.iter()).map(|(a, b)| (a.f() - b.f()).abs() / largest).fold(0.0, f64::max)
    };
    a.iter().zip(b).map(one).fold(0.0, f64::max)
}

#[test]
fn any_extraction_gives_the_same_results() {
    for m in MODELS {
        let g = (m.build)(7);
        let x = inputs(&g, 1, &|s| if s == "batch" { 2 } else { 3 }).unwrap();
        let want = interp::run(&g, &x).unwrap();
        let random = (1..4).map(Extract::Random);
        for extract in random.chain([Extract::Greedy]) {
            let got = interp::run(&optimized(m.name, &Options { extract, ..Options::default() }), &x).unwrap();
            let d = difference(&got, &want);
            assert!(d < 1e-4, "{} with {extract:?} differs by {d}", m.name);
        }
    }
}

#[test]
fn the_same_graph_gives_the_same_text() {
    for m in MODELS {
        let text = || text::print(&optimized(m.name, &Options::default()));
        assert_eq!(text(), text(), "{}", m.name);
    }
}

#[test]
fn every_snapshot_is_of_a_network() {
    let mut want: Vec<String> = MODELS.iter().flat_map(|m| [m.name.to_string(), format!("{}_plan", m.name)]).collect();
    want.sort();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let file = |f: std::io::Result<std::fs::DirEntry>| f.unwrap().file_name().into_string().unwrap();
    let mut have: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| file(f).trim_start_matches("all__snapshots__").trim_end_matches(".snap").to_string())
        .collect();
    have.sort();
    assert_eq!(have, want, "a snapshot that no test writes, or a network without one");
}
