use super::*;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, DType, Fact, interp};

fn candidate(tile: Option<i64>, time: f64, error: f64) -> Candidate {
    Candidate { way: tile.map_or(Way::Sum, Way::Winograd), time, error }
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
            let id = g.nodes().find(|id| g.node(*id).name == "conv").unwrap();
            let shape = winograd::shape(&g, id).unwrap();
            winograd::write(&mut by_tiles, id, &shape, winograd::Way { tile, by_rows }).unwrap();
            let found = interp::run(&by_tiles, std::slice::from_ref(&x)).unwrap();
            let error = difference(&want[0], &found[0]);
            assert!(error < 1e-5, "F({tile}, 3) of {image:?} differs by {error:e}");
            assert!(error > 0.0 || tile == 2, "F({tile}, 3) of {image:?} is another way to compute it");
        }
    }
}

/// The relative difference of two results in the L2 norm.
fn difference(a: &dlc_ir::Tensor, b: &dlc_ir::Tensor) -> f64 {
    let pairs = || a.iter().zip(b.iter()).map(|(a, b)| (a.f(), b.f()));
    let norm = pairs().map(|(a, _)| a * a).sum::<f64>();
    (pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / norm).sqrt()
}

/// A convolution with one filter for each channel, a bias, and what follows.
fn single_channels(image: [usize; 2], channels: usize, taps: [usize; 2], pads: [i64; 4]) -> Graph {
    let mut g = Graph::new("net");
    let shape = [2, channels as i64, image[0] as i64, image[1] as i64];
    let x = g.add_input("x", Fact::new(DType::F32, shape.map(dlc_ir::Dim::from)));
    let w = g.add_const("w", sample_floats(&[channels, 1, taps[0], taps[1]], 1));
    let b = g.add_const("b", sample_floats(&[channels], 2));
    let attrs = Attrs::new().with("pads", pads.to_vec()).with("group", channels as i64);
    let y = g.apply("conv", "Conv", attrs, &[x, w, b]).unwrap();
    let y = g.apply("relu", "Relu", Attrs::new(), &[y]).unwrap();
    g.add_output("y", y);
    g
}

#[test]
fn a_convolution_by_spectra_is_the_convolution() {
    let cases = [
        ([9, 10], 17, [7, 7], [3, 3, 3, 3], [[12, 16], [8, 8], [16, 16]]),
        ([6, 13], 16, [1, 9], [0, 4, 0, 4], [[1, 20], [2, 16], [6, 10]]),
        ([13, 5], 32, [6, 3], [5, 0, 2, 1], [[20, 6], [8, 6], [10, 4]]),
    ];
    for (image, channels, taps, pads, sizes) in cases {
        let g = single_channels(image, channels, taps, pads);
        let x = sample_floats(&[2, channels, image[0], image[1]], 5);
        let want = interp::run(&g, std::slice::from_ref(&x)).unwrap();
        for size in sizes {
            let mut by_spectra = g.clone();
            assert_eq!(
                super::all(&mut by_spectra, Way::Fourier(size), &Prices::CPU).unwrap().changed,
                1,
                "{image:?} by {size:?}"
            );
            let found = interp::run(&by_spectra, std::slice::from_ref(&x)).unwrap();
            let error = difference(&want[0], &found[0]);
            assert!(error < 1e-6, "spectra of {size:?} of {image:?} differ by {error:e}");
        }
    }
}

#[test]
fn a_convolution_over_all_channels_by_spectra_is_the_convolution() {
    let mut g = Graph::new("net");
    let x = g.add_input("x", Fact::new(DType::F32, [2, 17, 7, 9].map(dlc_ir::Dim::from)));
    let (w, b) = (g.add_const("w", sample_floats(&[32, 17, 5, 5], 1)), g.add_const("b", sample_floats(&[32], 2)));
    let y = g.apply("conv", "Conv", Attrs::new().with("pads", vec![2i64, 1, 2, 3]), &[x, w, b]).unwrap();
    g.add_output("y", y);
    let x = sample_floats(&[2, 17, 7, 9], 5);
    let want = interp::run(&g, std::slice::from_ref(&x)).unwrap();
    for size in [[8, 8], [10, 12], [12, 6]] {
        let mut by_spectra = g.clone();
        assert_eq!(super::all(&mut by_spectra, Way::Fourier(size), &Prices::CPU).unwrap().changed, 1, "{size:?}");
        let found = interp::run(&by_spectra, std::slice::from_ref(&x)).unwrap();
        let error = difference(&want[0], &found[0]);
        assert!(error < 1e-6, "spectra of {size:?} differ by {error:e}");
    }
}

#[test]
fn spectra_are_for_large_filters() {
    let pick = |taps: usize, budget: f64| {
        let g = single_channels([28, 28], 128, [taps; 2], [(taps / 2) as i64; 4]);
        picks(&g, &Options { budget, prices: Prices::CPU }).unwrap()[0].1
    };
    assert_eq!(pick(3, 1.0), Way::Sum);
    assert_eq!(pick(5, 1.0), Way::Sum);
    assert_eq!(pick(31, 1.0), Way::Fourier([48, 48]));
    assert_eq!(pick(31, 0.0), Way::Sum, "the sum alone has no error");
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
fn what_neither_tiles_nor_spectra_compute_is_left_alone() {
    let attrs = |name: &str, v: &[i64]| Attrs::new().with(name, v.to_vec());
    let cases = [
        (attrs("strides", &[2, 2]), [16, 16, 3, 3]),
        (attrs("dilations", &[2, 2]), [16, 16, 3, 3]),
        (Attrs::new().with("group", 2i64), [16, 8, 3, 3]),
        (attrs("strides", &[1, 2]), [16, 16, 5, 5]),
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
