use super::*;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, DType, Fact, interp};

fn candidate(tile: Option<i64>, time: f64, error: f64) -> Candidate {
    Candidate { way: tile.map(|tile| Way { tile, by_rows: false }), time, error }
}

#[test]
fn the_fastest_within_the_budget_are_chosen() {
    let large = [candidate(None, 10.0, 0.0), candidate(Some(2), 5.0, 1.0), candidate(Some(4), 3.0, 8.0)];
    let small = [candidate(None, 1.0, 0.0), candidate(Some(2), 0.8, 1.0), candidate(Some(4), 2.0, 8.0)];
    let both: [&[Candidate]; 2] = [&large, &small];
    assert_eq!(choose(&both, 100.0), [2, 1]);
    assert_eq!(choose(&both, 8.5), [2, 0], "what saves the least for its error is given up first");
    assert_eq!(choose(&both, 2.0), [1, 1]);
    assert_eq!(choose(&both, 0.0), [0, 0]);
}

/// A convolution of this image with padding, a bias, and what follows.
fn network(image: [usize; 2], channels: usize, pads: [i64; 4]) -> Graph {
    let mut g = Graph::new("net");
    let shape = [2, channels as i64, image[0] as i64, image[1] as i64];
    let x = g.add_input("x", Fact::new(DType::F32, shape.map(dlc_ir::Dim::from)));
    let w = g.add_const("w", sample_floats(&[24, channels, 3, 3], 1));
    let b = g.add_const("b", sample_floats(&[24], 2));
    let y = g.apply("conv", "Conv", Attrs::new().with("pads", pads.to_vec()), &[x, w, b]).unwrap();
    let y = g.apply("relu", "Relu", Attrs::new(), &[y]).unwrap();
    g.add_output("y", y);
    g
}

/// Options that find every tile of this size cheap.
fn forced(tile: i64) -> Prices {
    // Elements that cost nothing favour large tiles, free products none.
    match tile {
        0 => Prices { elements: [1.0; 3], ..Prices::CPU },
        _ => Prices { elements: [1e30; 3], bytes: 1e30, ..Prices::CPU },
    }
}

#[test]
fn a_convolution_by_tiles_is_the_convolution() {
    for (image, channels, pads) in [([12, 8], 16, [1, 1, 1, 1]), ([7, 9], 17, [0, 1, 2, 0]), ([6, 6], 16, [0; 4])] {
        let g = network(image, channels, pads);
        let x = sample_floats(&[2, channels, image[0], image[1]], 5);
        let want = interp::run(&g, std::slice::from_ref(&x)).unwrap();
        for (tile, by_rows) in [2, 4, 6].into_iter().flat_map(|tile| [(tile, false), (tile, true)]) {
            let mut by_tiles = g.clone();
            let (id, shape, _) = choices(&g, &Options { budget: 1.0, prices: Prices::CPU }).unwrap().remove(0);
            winograd::write(&mut by_tiles, id, &shape, Way { tile, by_rows }).unwrap();
            let found = interp::run(&by_tiles, std::slice::from_ref(&x)).unwrap();
            let pairs = || want[0].iter().zip(found[0].iter()).map(|(a, b)| (a.f(), b.f()));
            let norm = pairs().map(|(a, _)| a * a).sum::<f64>().sqrt();
            let error = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt() / norm;
            assert!(error < 1e-5, "F({tile}, 3) of {image:?} differs by {error:e}");
            assert!(error > 0.0 || tile == 2, "F({tile}, 3) of {image:?} is another way to compute it");
        }
    }
}

#[test]
fn nothing_is_changed_without_a_budget_or_a_gain() {
    let g = network([28, 28], 32, [1; 4]);
    let changed = |budget: f64, prices: Prices| {
        let mut g = g.clone();
        algorithms(&mut g, &Options { budget, prices }).unwrap().changed
    };
    assert_eq!(changed(0.0, forced(4)), 0);
    assert_eq!(changed(1.0, forced(4)), 1);
    assert_eq!(changed(1.0, forced(0)), 0);
}

#[test]
fn what_tiles_cannot_compute_is_left_alone() {
    let attrs = |name: &str, v: &[i64]| Attrs::new().with(name, v.to_vec());
    let cases = [
        (attrs("strides", &[2, 2]), [16, 16, 3, 3]),
        (attrs("dilations", &[2, 2]), [16, 16, 3, 3]),
        (Attrs::new().with("group", 2i64), [16, 8, 3, 3]),
        (Attrs::new(), [16, 16, 5, 5]),
        (Attrs::new(), [8, 16, 3, 3]),
    ];
    for (attrs, w) in cases {
        let mut g = Graph::new("net");
        let x = g.add_input("x", Fact::new(DType::F32, [1, 16, 32, 32].map(dlc_ir::Dim::from)));
        let w = g.add_const("w", sample_floats(&w, 1));
        let y = g.apply("conv", "Conv", attrs, &[x, w]).unwrap();
        g.add_output("y", y);
        let options = Options { budget: 1.0, prices: forced(4) };
        assert_eq!(algorithms(&mut g, &options).unwrap().changed, 0);
    }
}
