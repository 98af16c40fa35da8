//! What single kernels reach: products and convolutions through the whole compiler, one thread: GFLOP/s, and of bytes
//! GOP/s, with how much that is of what the processor can do at most.
//!
//!     cargo run --release -p dlc-bench
//!     cargo run --release -p dlc-bench -- algorithms    # convolutions by every algorithm, and what the compiler picks
//!     cargo run --release -p dlc-bench -- spectra       # of these, those by spectra
//!
//! Every line is the median of calls over half a second. Run it with nothing else running.

mod algorithms;

use dlc_cpu::Level;
use dlc_cpu::limits::Limit;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::ops::common::quantize::sample_ints;
use dlc_ir::{Attrs, DType, Dim, Error, Fact, Graph, Tensor, Value};
use dlc_runtime::{Model, Options, Session};
use std::time::{Duration, Instant};

/// Convolutions of single channels in a row.
const DEEP: usize = 8;
/// How long each kernel is measured.
const TIME: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        None => kernels(),
        Some("algorithms") => algorithms::run(),
        Some("spectra") => algorithms::spectra(),
        Some(other) => Err(format!("{other:?}: expected algorithms or spectra, or nothing for all kernels").into()),
    }
}

fn kernels() -> Result<(), Box<dyn std::error::Error>> {
    let peak = peak(dlc_cpu::limits::products)?;
    println!("{:32} {:>10} {:>10} {:>6}", "kernel", "us", "GFLOP/s", "peak");
    for [m, k, n] in [[128, 768, 768], [128, 768, 3072], [1, 768, 3072], [64, 384, 1536]] {
        let flops = 2 * m * k * n;
        line(&format!("product {m}x{k}x{n}"), flops, product(m, k, n)?, sample_floats(&[m, k], 1), peak)?;
    }
    for [c, size, o, kernel] in
        [[64, 56, 64, 3], [128, 28, 128, 3], [256, 14, 256, 3], [512, 7, 512, 3], [256, 14, 1024, 1]]
    {
        let flops = 2 * c * size * size * o * kernel * kernel;
        let g = convolution(c, size, o, kernel)?;
        line(
            &format!("conv {c}x{size}x{size} {kernel}x{kernel} to {o}"),
            flops,
            g,
            sample_floats(&[1, c, size, size], 1),
            peak,
        )?;
    }
    for [c, size, kernel] in [[144, 56, 3], [384, 14, 3], [240, 14, 5], [96, 56, 7]] {
        let flops = 2 * c * size * size * (c + DEEP * kernel * kernel);
        let g = depthwise(c, size, kernel)?;
        line(
            &format!("{DEEP} depthwise {c}x{size}x{size} {kernel}x{kernel}"),
            flops,
            g,
            sample_floats(&[1, c, size, size], 1),
            peak,
        )?;
    }
    // One operation an element.
    for name in ["Exp", "Sigmoid", "Tanh", "Gelu", "Softmax"] {
        line(&format!("{name} 1536x128"), 1536 * 128, function(name)?, sample_floats(&[1536, 128], 1), peak)?;
    }
    of_bytes()
}

/// Kernels of bytes, their results quantized again.
fn of_bytes() -> Result<(), Box<dyn std::error::Error>> {
    let peak = peak(dlc_cpu::limits::products_of_bytes)?;
    println!("{:32} {:>10} {:>10} {:>6}", "kernel of bytes", "us", "GOP/s", "peak");
    let image = |c: usize, size: usize| sample_ints(DType::U8, &[1, c, size, size], 1);
    for [m, k, n] in [[128, 256, 256], [128, 768, 768], [128, 768, 3072], [1, 768, 3072]] {
        let (g, x) = (product_of_bytes(m, k, n)?, sample_ints(DType::U8, &[m, k], 1));
        line(&format!("product {m}x{k}x{n}"), 2 * m * k * n, g, x, peak)?;
    }
    for [c, size, o, kernel] in [
        [64, 56, 64, 3],
        [128, 28, 128, 3],
        [256, 14, 256, 3],
        [512, 7, 512, 3],
        [64, 56, 64, 1],
        [64, 56, 256, 1],
        [256, 56, 64, 1],
        [256, 14, 1024, 1],
        [1024, 14, 256, 1],
        [144, 28, 24, 1],
    ] {
        let operations = 2 * c * size * size * o * kernel * kernel;
        let g = convolution_of_bytes([c, size, o, kernel], 1)?;
        line(&format!("conv {c}x{size}x{size} {kernel}x{kernel} to {o}"), operations, g, image(c, size), peak)?;
    }
    for [c, size, kernel] in [[144, 56, 3], [384, 14, 3], [240, 14, 5]] {
        let g = convolution_of_bytes([c, size, c, kernel], c)?;
        let operations = 2 * c * size * size * kernel * kernel;
        line(&format!("depthwise {c}x{size}x{size} {kernel}x{kernel}"), operations, g, image(c, size), peak)?;
    }
    Ok(())
}

/// Operations a second, at most.
fn peak(limit: fn(Level) -> Result<Limit, dlc_cpu::Error>) -> Result<f64, Box<dyn std::error::Error>> {
    let limit = limit(Level::host())?;
    let x = sample_floats(&[limit.elements], 1);
    Ok(limit.operations as f64 / median(Model::from_image(limit.artifact.to_image()?)?, &x)?)
}

fn dims(shape: &[usize]) -> impl Iterator<Item = Dim> + '_ {
    shape.iter().map(|d| Dim::from(*d))
}

fn with_input(dtype: DType, shape: &[usize]) -> (Graph, Value) {
    let mut g = Graph::new("kernel");
    let x = g.add_input("x", Fact::new(dtype, dims(shape)));
    (g, x)
}

/// Sums with a scale for each column, as bytes.
fn quantized(mut g: Graph, sums: Value, columns: usize, axis: i64) -> Result<Graph, Error> {
    let scale = g.add_const("scale", Tensor::f32(&[columns], &vec![1e-3; columns]));
    let y = g.apply("real", "DequantizeLinear", Attrs::new().with("axis", axis), &[sums, scale])?;
    let (one, zero) = (g.add_const("one", Tensor::f32(&[], &[1.0])), g.add_const("zero", byte(3.0)));
    let y = g.apply("quantized", "QuantizeLinear", Attrs::new(), &[y, one, zero])?;
    g.add_output("y", y);
    Ok(g)
}

fn byte(v: f64) -> Tensor {
    Tensor::floats(DType::U8, &[], &[v])
}

fn product_of_bytes(m: usize, k: usize, n: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(DType::U8, &[m, k]);
    let (w, zero) = (g.add_const("w", sample_ints(DType::I8, &[k, n], 2)), g.add_const("x_zero", byte(128.0)));
    let sums = g.apply("sums", "MatMulInteger", Attrs::new(), &[x, w, zero])?;
    quantized(g, sums, n, 1)
}

fn convolution_of_bytes([c, size, o, kernel]: [usize; 4], group: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(DType::U8, &[1, c, size, size]);
    let w = g.add_const("w", sample_ints(DType::I8, &[o, c / group, kernel, kernel], 2));
    let zero = g.add_const("x_zero", byte(128.0));
    // The image comes from a pooling, so that its channels are last as they are between convolutions.
    let ones = Attrs::new().with("kernel_shape", vec![1i64; 2]);
    let x = g.apply("before", "MaxPool", ones, &[x])?;
    let attrs = Attrs::new().with("pads", vec![(kernel / 2) as i64; 4]).with("group", group as i64);
    let sums = g.apply("sums", "ConvInteger", attrs, &[x, w, zero])?;
    quantized(g, sums, o, 1)
}

fn product(m: usize, k: usize, n: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(DType::F32, &[m, k]);
    let w = g.add_const("w", sample_floats(&[k, n], 2));
    let y = g.apply("y", "MatMul", Attrs::new(), &[x, w])?;
    g.add_output("y", y);
    Ok(g)
}

fn convolution(c: usize, size: usize, o: usize, kernel: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(DType::F32, &[1, c, size, size]);
    let w = g.add_const("w", sample_floats(&[o, c, kernel, kernel], 2));
    let y = g.apply("y", "Conv", Attrs::new().with("pads", vec![(kernel / 2) as i64; 4]), &[x, w])?;
    g.add_output("y", y);
    Ok(g)
}

/// A product that puts channels last, and convolutions of single channels after it.
fn depthwise(c: usize, size: usize, kernel: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(DType::F32, &[1, c, size, size]);
    let w = g.add_const("w", sample_floats(&[c, c, 1, 1], 2));
    let mut y = g.apply("first", "Conv", Attrs::new(), &[x, w])?;
    let w = g.add_const("filters", sample_floats(&[c, 1, kernel, kernel], 3));
    for k in 0..DEEP {
        let attrs = Attrs::new().with("pads", vec![(kernel / 2) as i64; 4]).with("group", c as i64);
        y = g.apply(&format!("depthwise{k}"), "Conv", attrs, &[y, w])?;
    }
    g.add_output("y", y);
    Ok(g)
}

fn function(name: &str) -> Result<Graph, Error> {
    let (mut g, x) = with_input(DType::F32, &[1536, 128]);
    let y = g.apply("y", name, Attrs::new(), &[x])?;
    g.add_output("y", y);
    Ok(g)
}

/// Measures one graph and prints its line.
fn line(name: &str, operations: usize, g: Graph, x: Tensor, peak: f64) -> Result<(), Box<dyn std::error::Error>> {
    let compiled = dlc_cpu::compile(&g, &dlc_cpu::Options::default())?;
    let median = median(Model::from_image(compiled.artifact.to_image()?)?, &x)?;
    let rate = operations as f64 / median;
    println!("{name:32} {:10.1} {:10.1} {:5.0}%", median * 1e6, rate / 1e9, 100.0 * rate / peak);
    Ok(())
}

/// Seconds that a call takes.
fn median(model: Model, x: &Tensor) -> Result<f64, Box<dyn std::error::Error>> {
    let mut session = Session::new(&model, Options { threads: 1, max_memory: None })?;
    let x = [dlc_runtime::Tensor::new(x.dtype().to_onnx() as u8, x.shape(), x.bytes().clone())?];
    let (mut times, start) = (vec![], Instant::now());
    while start.elapsed() < TIME || times.len() < 5 {
        let call = Instant::now();
        session.run(&x)?;
        times.push(call.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
