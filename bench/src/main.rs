//! What single kernels reach: products and convolutions through the whole compiler, one thread, GFLOP/s.
//!
//!     cargo run --release -p dlc-bench
//!
//! Every line is the median of calls over half a second. Run it with nothing else running.

use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, DType, Dim, Error, Fact, Graph, Tensor, Value};
use dlc_runtime::{Model, Options, Session};
use std::time::{Duration, Instant};

/// How long each kernel is measured.
const TIME: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:32} {:>10} {:>10}", "kernel", "us", "GFLOP/s");
    for [m, k, n] in [[128, 768, 768], [128, 768, 3072], [1, 768, 3072], [64, 384, 1536]] {
        let flops = 2 * m * k * n;
        line(&format!("product {m}x{k}x{n}"), flops, product(m, k, n)?, &[m, k])?;
    }
    for [c, size, o, kernel] in
        [[64, 56, 64, 3], [128, 28, 128, 3], [256, 14, 256, 3], [512, 7, 512, 3], [256, 14, 1024, 1]]
    {
        let flops = 2 * c * size * size * o * kernel * kernel;
        let g = convolution(c, size, o, kernel)?;
        line(&format!("conv {c}x{size}x{size} {kernel}x{kernel} to {o}"), flops, g, &[1, c, size, size])?;
    }
    Ok(())
}

fn dims(shape: &[usize]) -> impl Iterator<Item = Dim> + '_ {
    shape.iter().map(|d| Dim::from(*d))
}

fn with_input(shape: &[usize]) -> (Graph, Value) {
    let mut g = Graph::new("kernel");
    let x = g.add_input("x", Fact::new(DType::F32, dims(shape)));
    (g, x)
}

fn product(m: usize, k: usize, n: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(&[m, k]);
    let w = g.add_const("w", sample_floats(&[k, n], 2));
    let y = g.apply("y", "MatMul", Attrs::new(), &[x, w])?;
    g.add_output("y", y);
    Ok(g)
}

fn convolution(c: usize, size: usize, o: usize, kernel: usize) -> Result<Graph, Error> {
    let (mut g, x) = with_input(&[1, c, size, size]);
    let w = g.add_const("w", sample_floats(&[o, c, kernel, kernel], 2));
    let y = g.apply("y", "Conv", Attrs::new().with("pads", vec![(kernel / 2) as i64; 4]), &[x, w])?;
    g.add_output("y", y);
    Ok(g)
}

/// Measures one graph and prints its line.
fn line(name: &str, flops: usize, g: Graph, input: &[usize]) -> Result<(), Box<dyn std::error::Error>> {
    let compiled = dlc_cpu::compile(&g, &dlc_cpu::Options::default())?;
    let model = Model::from_image(compiled.artifact.to_image()?)?;
    let mut session = Session::new(&model, Options { threads: 1, max_memory: None })?;
    let x: Tensor = sample_floats(input, 1);
    let x = [dlc_runtime::Tensor::new(x.dtype().to_onnx() as u8, x.shape(), x.bytes().clone())?];
    let (mut times, start) = (vec![], Instant::now());
    while start.elapsed() < TIME || times.len() < 5 {
        let call = Instant::now();
        session.run(&x)?;
        times.push(call.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!("{name:32} {:10.1} {:10.1}", median * 1e6, flops as f64 / median / 1e9);
    Ok(())
}
