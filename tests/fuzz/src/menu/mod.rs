//! What a node can be: generators that draw operands, attributes and shapes. One file per theme.

mod control;
mod elementwise;
mod norm;
mod pick;
mod product;
mod quantize;
mod recurrent;
mod reduce;
mod resample;
mod sample;
mod shape;
mod window;

use crate::builder::Builder;
use dlc_ir::{Graph, Tensor};

/// Adds one node, or a few that belong together; `None` when the draw does not fit.
pub type Dish = fn(&mut Builder) -> Option<()>;

/// How often a generator is drawn in graphs, its name, and the generator.
pub const MENU: &[(usize, &str, Dish)] = &[
    (14, "unary", elementwise::unary),
    (16, "binary", elementwise::binary),
    (4, "integers", elementwise::integers),
    (4, "compare", elementwise::compare),
    (4, "where", elementwise::choose),
    (3, "clip", elementwise::clip),
    (4, "cast", elementwise::cast),
    (4, "motif", elementwise::motif),
    (8, "reduce", reduce::reduce),
    (3, "cumulative", reduce::cumulative),
    (3, "arg", reduce::arg),
    (7, "transpose", shape::transpose),
    (7, "reshape", shape::reshape),
    (3, "reshape_by_shape", shape::reshape_by_shape),
    (4, "axes", shape::axes),
    (4, "expand", shape::expand),
    (5, "concat", shape::concat),
    (4, "split", shape::split),
    (6, "slice", shape::slice),
    (4, "pad", shape::pad),
    (3, "space", shape::space),
    (7, "matmul", product::matmul),
    (4, "gemm", product::gemm),
    (3, "einsum", product::einsum),
    (2, "attention", product::attention),
    (6, "conv", window::conv),
    (3, "conv_transpose", window::conv_transpose),
    (5, "pool", window::pool),
    (2, "global_pool", window::global_pool),
    (4, "softmax", norm::softmax),
    (4, "layer_norm", norm::layer_norm),
    (4, "batch_norm", norm::batch_norm),
    (2, "lrn", norm::lrn),
    (5, "gather", pick::gather),
    (3, "scatter", pick::scatter),
    (3, "top_k", pick::top_k),
    (2, "one_hot", pick::one_hot),
    (3, "quantize", quantize::there_and_back),
    (2, "qlinear", quantize::qlinear),
    (1, "lstm", recurrent::recurrent),
    (2, "resize", resample::resize),
    (1, "grid_sample", resample::grid_sample),
    (1, "dft", resample::dft),
    (2, "if", control::branch),
    (1, "loop", control::repeat),
    (3, "sample", sample::sample),
];

/// A random graph of a few nodes.
pub fn graph(seed: u64) -> (Graph, Vec<Tensor>) {
    let mut b = Builder::new(seed, false);
    let total: usize = MENU.iter().map(|m| m.0).sum();
    let wanted = 2 + b.draw.below(10);
    let mut left = 40;
    while b.graph.nodes().filter(|id| b.graph.node(*id).op().is_some()).count() < wanted && left > 0 {
        left -= 1;
        let mut at = b.draw.below(total);
        let dish = MENU.iter().find(|m| {
            let here = at < m.0;
            at = at.wrapping_sub(m.0);
            here
        });
        if let Some(dish) = dish {
            let _ = (dish.2)(&mut b);
        }
    }
    b.finish()
}

/// A random case of one generator, and its name.
pub fn operator(seed: u64) -> (&'static str, Graph, Vec<Tensor>) {
    let (_, name, dish) = MENU[(seed % MENU.len() as u64) as usize];
    for again in 0..20 {
        let mut b = Builder::new(seed.wrapping_add(again << 40), true);
        if dish(&mut b).is_some() {
            let (g, x) = b.finish();
            return (name, g, x);
        }
    }
    (name, Graph::new("empty"), vec![])
}
