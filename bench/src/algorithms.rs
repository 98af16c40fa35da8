//! Convolutions by every algorithm that the compiler knows: time, error, and whether its pick is within 5 % of the best.
//!
//! A line is a chain of equal layers, less what stands at its borders. Errors are against the sum of
//! the first layer in f64, relative in the L2 norm.

use super::median;
use dlc_ir::{Attrs, DType, Dim, Fact, Graph, Tensor};
use dlc_passes::algorithms::{self, Prices, Way};
use dlc_runtime::{Model, Options, Session};

/// Layers of a chain, and channels before it.
const LAYERS: usize = 4;
const HEAD: usize = 8;
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

/// Convolutions with one filter for each channel: channels, size of the images, taps along each axis.
const SINGLE: [[usize; 3]; 14] = [
    [96, 56, 5],
    [96, 56, 7],
    [192, 28, 7],
    [384, 14, 7],
    [768, 7, 7],
    [96, 56, 9],
    [96, 56, 11],
    [128, 28, 11],
    [128, 28, 13],
    [128, 56, 13],
    [256, 14, 13],
    [128, 56, 21],
    [128, 28, 31],
    [128, 56, 31],
];
/// Convolutions over all channels: channels, size of the images, taps along each axis.
const LARGE: [[usize; 3]; 6] = [[32, 56, 5], [64, 28, 5], [128, 28, 5], [96, 14, 5], [64, 56, 7], [64, 28, 9]];
/// Sizes of the tiles of spectra that are compared.
const TILES: [i64; 7] = [8, 12, 16, 24, 32, 48, 64];

/// Prints both tables.
pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    println!("us a layer, relative error        {:>18}{:>18}{:>18}{:>18}  pick", "sum", "F(2,3)", "F(4,3)", "F(6,3)");
    let ways = [Way::Sum, Way::Winograd(2), Way::Winograd(4), Way::Winograd(6)];
    let mut near = 0;
    for [channels, size] in CASES {
        let name = format!("{channels}x{size}x{size}");
        let layer = Layer { channels, size, taps: 3, single: false };
        near += usize::from(line(&name, &layer, &ways)?);
    }
    println!("the pick is within 5 % of the best for {near} of {}", CASES.len());
    spectra()
}

/// Prints the tables of convolutions by spectra.
pub fn spectra() -> Result<(), Box<dyn std::error::Error>> {
    let names = TILES.map(|n| format!("{:>18}", format!("{n}x{n}"))).concat();
    for (what, cases) in [("single channels", &SINGLE[..]), ("all channels", &LARGE)] {
        println!("{:33} {:>18}{names}  pick", format!("{what}, spectra of tiles"), "sum");
        let mut near = 0;
        for [channels, size, taps] in cases.iter().copied() {
            let name = format!("{channels}x{size}x{size} {taps}x{taps}");
            let layer = Layer { channels, size, taps, single: what == "single channels" };
            let ways: Vec<Way> = [Way::Sum].into_iter().chain(TILES.map(|n| Way::Fourier([n, n]))).collect();
            near += usize::from(line(&name, &layer, &ways)?);
        }
        println!("the pick is within 5 % of the best for {near} of {}", cases.len());
    }
    Ok(())
}

/// Prints one layer by every way; whether the pick is within 5 % of the best.
fn line(name: &str, layer: &Layer, ways: &[Way]) -> Result<bool, Box<dyn std::error::Error>> {
    let g = chain(layer, LAYERS)?;
    let x = uniform(&[1, HEAD, layer.size, layer.size], 1);
    let before = median(program(&chain(layer, 0)?)?, &x)?;
    let options = algorithms::Options { budget: 1.0, prices: Prices::CPU };
    let pick = algorithms::picks(&g, &options)?.last().map_or(Way::Sum, |p| p.1);
    let others = (!ways.contains(&pick)).then_some(pick);
    let (mut times, mut text) = (vec![], String::new());
    for way in ways.iter().copied().chain(others) {
        let mut g = g.clone();
        if algorithms::all(&mut g, way, &Prices::CPU)?.changed == 0 && way != Way::Sum {
            text += &format!("{:18}", "");
            continue;
        }
        let time = (median(program(&g)?, &x)? - before) / LAYERS as f64;
        times.push((way, time));
        if ways.contains(&way) {
            text += &format!("{:9.0} {:.1e} ", time * 1e6, error(layer, way)?);
        }
    }
    let best = times.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
    let picked = times.iter().find(|t| t.0 == pick).map_or(f64::INFINITY, |t| t.1);
    let over = 100.0 * (picked / best - 1.0);
    println!("{name:33} {text} {pick}: {:.0}, {over:.0} % over the best", picked * 1e6);
    Ok(picked <= 1.05 * best)
}

/// What all layers of a chain are.
struct Layer {
    channels: usize,
    size: usize,
    taps: usize,
    /// One filter for each channel.
    single: bool,
}

impl Layer {
    /// Shape of the filters.
    fn filters(&self) -> [usize; 4] {
        [self.channels, if self.single { 1 } else { self.channels }, self.taps, self.taps]
    }

    fn attrs(&self) -> Attrs {
        let attrs = Attrs::new().with("pads", vec![(self.taps / 2) as i64; 4]);
        attrs.with("group", if self.single { self.channels as i64 } else { 1 })
    }
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

/// A convolution of 1x1, which leaves its channels where those of a network are, and so many layers, each with an activation that
/// keeps numbers near 1.
fn chain(layer: &Layer, layers: usize) -> Result<Graph, dlc_ir::Error> {
    let mut g = Graph::new("chain");
    let x = g.add_input("x", Fact::new(DType::F32, [1, HEAD, layer.size, layer.size].map(Dim::from)));
    let w = g.add_const("head", uniform(&[layer.channels, HEAD, 1, 1], 1));
    let mut x = g.apply("head_conv", "Conv", Attrs::new(), &[x, w])?;
    for i in 0..layers {
        let w = g.add_const(&format!("w{i}"), uniform(&layer.filters(), i as u32 + 2));
        x = g.apply(&format!("conv{i}"), "Conv", layer.attrs(), &[x, w])?;
        x = g.apply(&format!("relu{i}"), "Relu", Attrs::new(), &[x])?;
    }
    // The image itself would leave in another order of its axes.
    let axes = g.add_const("axes", Tensor::i64(&[2], &[2, 3]));
    let mean = g.apply("mean", "ReduceMean", Attrs::new(), &[x, axes])?;
    g.add_output("y", mean);
    Ok(g)
}

/// Numbers in -1..1, over the root of the channels or taps: what filters of trained networks are like.
fn uniform(shape: &[usize], seed: u32) -> Tensor {
    let terms: usize = if shape[1] == 1 { shape[2..].iter().product() } else { shape[1] };
    let scale = 1.0 / (terms as f64).sqrt();
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0) * scale
    };
    let n = shape.iter().product();
    Tensor::floats(DType::F32, shape, &(0..n).map(|_| next()).collect::<Vec<_>>())
}

/// Relative error of one layer on an image against the sum in f64.
fn error(layer: &Layer, way: Way) -> Result<f64, Box<dyn std::error::Error>> {
    let size = if layer.single { layer.size.min(28) } else { 12 };
    let (filters, channels) = (layer.filters(), layer.channels);
    let (x, w) = (uniform(&[1, channels, size, size], 1), uniform(&filters, 2));
    let mut g = Graph::new("layer");
    let input = g.add_input("x", Fact::new(DType::F32, [1, channels, size, size].map(Dim::from)));
    let weights = g.add_const("w", w.clone());
    let y = g.apply("conv", "Conv", layer.attrs(), &[input, weights])?;
    g.add_output("y", y);
    algorithms::all(&mut g, way, &Prices::CPU)?;
    let found = first_output(&g, &x)?;
    let (x, w) = (x.to_f64(), w.to_f64());
    let (mut wrong, mut all) = (0.0, 0.0);
    let (taps, per) = (layer.taps, filters[1]);
    let reach = size + taps / 2;
    for (i, y) in found.iter().enumerate() {
        let (o, r, q) = (i / (size * size), i / size % size, i % size);
        let mut sum = 0.0;
        for (c, t) in (0..per).flat_map(|c| (0..taps * taps).map(move |t| (c, t))) {
            let (down, across) = (r + t / taps, q + t % taps);
            if (taps / 2..reach).contains(&down) && (taps / 2..reach).contains(&across) {
                let image = if layer.single { o } else { c };
                let at = (image * size + down - taps / 2) * size + across - taps / 2;
                sum += x[at] * w[(o * per + c) * taps * taps + t];
            }
        }
        wrong += (f64::from(*y) - sum).powi(2);
        all += sum * sum;
    }
    Ok((wrong / all).sqrt())
}
