//! Convolutions of 3x3 by every algorithm that the compiler knows: time, error, and whether its pick is within 5 % of the best.
//!
//! A line is a chain of equal layers, so that changes of layout at the borders weigh little. Errors are against the sum of
//! the first layer in f64, relative in the L2 norm.

use super::{convolution, median};
use dlc_ir::{Attrs, DType, Dim, Fact, Graph, Tensor};
use dlc_passes::algorithms::{self, Prices};
use dlc_runtime::{Model, Options, Session};

/// Layers of a chain.
const LAYERS: usize = 4;
/// Channels and size of the images.
const CASES: [[usize; 2]; 14] = [
    [16, 112],
    [32, 112],
    [64, 56],
    [64, 112],
    [64, 224],
    [96, 35],
    [128, 28],
    [128, 56],
    [192, 14],
    [256, 14],
    [256, 28],
    [384, 13],
    [512, 7],
    [512, 14],
];

/// Prints the table.
pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    println!("us a layer, relative error        {:>18}{:>18}{:>18}{:>18}  pick", "sum", "F(2,3)", "F(4,3)", "F(6,3)");
    let mut near = 0;
    for [channels, size] in CASES {
        let g = chain(channels, size)?;
        let x = uniform(&[1, channels, size, size], 1);
        let mut times = vec![];
        let mut text = String::new();
        for tile in [None, Some(2), Some(4), Some(6)] {
            let mut g = g.clone();
            if let Some(tile) = tile {
                algorithms::by_tiles(&mut g, tile, &Prices::CPU)?;
            }
            let time = median(program(&g)?, &x)? / LAYERS as f64;
            times.push((tile, time));
            text += &format!("{:9.0} {:.1e} ", time * 1e6, error(channels, tile)?);
        }
        let options = algorithms::Options { budget: 1.0, prices: Prices::CPU };
        let pick = algorithms::picks(&g, &options)?[0].1;
        let best = times.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
        let picked = times.iter().find(|t| t.0 == pick).map_or(f64::INFINITY, |t| t.1);
        near += usize::from(picked <= 1.05 * best);
        let name = format!("{channels}x{size}x{size}");
        let pick = pick.map_or("sum".into(), |t| format!("F({t},3)"));
        println!("{name:33} {text} {pick}, {:.0} % over the best", 100.0 * (picked / best - 1.0));
    }
    println!("the pick is within 5 % of the best for {near} of {}", CASES.len());
    Ok(())
}

/// The program of a graph.
fn program(g: &Graph) -> Result<Model, Box<dyn std::error::Error>> {
    Ok(Model::from_image(dlc_cpu::compile(g, &dlc_cpu::Options::default())?.artifact.to_image()?)?)
}

/// The numbers that a graph gives.
fn first_output(g: &Graph, x: &Tensor) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
    let model = program(g)?;
    let mut session = Session::new(&model, Options { threads: 1, max_memory: None })?;
    let x = [dlc_runtime::Tensor::new(x.dtype().to_onnx() as u8, x.shape(), x.bytes().clone())?];
    let y = session.run(&x)?;
    Ok(y[0].data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// Layers of `channels` filters on images of this size, each with an activation that keeps numbers near 1.
fn chain(channels: usize, size: usize) -> Result<Graph, dlc_ir::Error> {
    let mut g = Graph::new("chain");
    let shape = [1, channels, size, size].map(Dim::from);
    let mut x = g.add_input("x", Fact::new(DType::F32, shape));
    for i in 0..LAYERS {
        let w = g.add_const(&format!("w{i}"), uniform(&[channels, channels, 3, 3], i as u32 + 2));
        let attrs = Attrs::new().with("pads", vec![1i64; 4]);
        x = g.apply(&format!("conv{i}"), "Conv", attrs, &[x, w])?;
        x = g.apply(&format!("relu{i}"), "Relu", Attrs::new(), &[x])?;
    }
    // The image itself would leave in another order of its axes.
    let axes = g.add_const("axes", Tensor::i64(&[2], &[2, 3]));
    let mean = g.apply("mean", "ReduceMean", Attrs::new(), &[x, axes])?;
    g.add_output("y", mean);
    Ok(g)
}

/// Numbers in -1..1, over the root of the channels: what filters of trained networks are like.
fn uniform(shape: &[usize], seed: u32) -> Tensor {
    let scale = 1.0 / (shape[1] as f64).sqrt();
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0) * scale
    };
    let n = shape.iter().product();
    Tensor::floats(DType::F32, shape, &(0..n).map(|_| next()).collect::<Vec<_>>())
}

/// Relative error of one layer on a small image against the sum in f64.
fn error(channels: usize, tile: Option<i64>) -> Result<f64, Box<dyn std::error::Error>> {
    const SIZE: usize = 12;
    let mut g = convolution(channels, SIZE, channels, 3)?;
    let w = uniform(&[channels, channels, 3, 3], 2);
    let id = g.nodes().find(|id| g.node(*id).name == "w").ok_or("the filters have a name")?;
    g.make_const(id, w.clone());
    if let Some(tile) = tile {
        algorithms::by_tiles(&mut g, tile, &Prices::CPU)?;
    }
    let x = uniform(&[1, channels, SIZE, SIZE], 1);
    let found = first_output(&g, &x)?;
    let (x, w) = (x.to_f64(), w.to_f64());
    let (mut wrong, mut all) = (0.0, 0.0);
    for (i, y) in found.iter().enumerate() {
        let (o, r, q) = (i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE);
        let mut sum = 0.0;
        for (c, t) in (0..channels).flat_map(|c| (0..9).map(move |t| (c, t))) {
            let (down, across) = (r + t / 3, q + t % 3);
            if (1..=SIZE).contains(&down) && (1..=SIZE).contains(&across) {
                sum += x[(c * SIZE + down - 1) * SIZE + across - 1] * w[(o * channels + c) * 9 + t];
            }
        }
        wrong += (f64::from(*y) - sum).powi(2);
        all += sum * sum;
    }
    Ok((wrong / all).sqrt())
}
