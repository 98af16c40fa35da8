//! Small networks of known kinds with seeded weights, and (in `zoo.tsv`) a list of trained ones to fetch.

mod decoder;
mod encoder;
mod gate;
mod int8_mlp;
mod lenet;
mod mlp;
mod mobilenet;
pub mod net;
mod pyramid;
pub mod random;
mod resnet;
mod tagger;

use dlc_ir::{DType, Graph, Num, Tensor};

/// A network that can be built.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Name of the network.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Builds it; the weights depend on nothing but the seed.
    pub build: fn(u64) -> Graph,
}

/// Every network.
pub static MODELS: &[Model] = &[
    model("decoder", "attention with a cache of keys and values; any batch, length and past", decoder::build),
    model("encoder", "transformer encoder block of primitive operators; any batch and length", encoder::build),
    model("gate", "a branch (If) that the data decides", gate::build),
    model("int8_mlp", "perceptron with dynamic INT8 quantization", int8_mlp::build),
    model("lenet", "LeNet-5 for 28x28 images", lenet::build),
    model("mlp", "perceptron for 28x28 images", mlp::build),
    model("pyramid", "two scales of an encoder-decoder for images of any size", pyramid::build),
    model("tagger", "embedding, bidirectional LSTM and a class for each word", tagger::build),
    model("tiny_mobilenet", "two inverted residuals of MobileNetV2", mobilenet::build),
    model("tiny_resnet", "two residual blocks with batch normalization", resnet::build),
];

const fn model(name: &'static str, doc: &'static str, build: fn(u64) -> Graph) -> Model {
    Model { name, doc, build }
}

/// The network with this name.
pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|m| m.name == name)
}

/// Seeded inputs for a graph: floats in `[-1, 1)`, integers in `0..100`. Symbolic sizes that are nothing but a name
/// are what `size` gives for it. `None` when a size is another expression or the result is no size.
pub fn inputs(g: &Graph, seed: u64, size: &dyn Fn(&str) -> i64) -> Option<Vec<Tensor>> {
    let mut random = random::SplitMix64::new(seed);
    let mut out = vec![];
    for id in g.inputs() {
        let fact = &g.node(*id).outputs[0];
        let sizes = fact.shape.iter().map(|d| d.eval(&|s| Some(size(s))).ok().and_then(|v| usize::try_from(v).ok()));
        let shape: Vec<usize> = sizes.collect::<Option<_>>()?;
        let mut next = |d: DType| if d.is_float() { Num::F(random.unit()) } else { Num::I(random.below(100) as i128) };
        let data: Vec<Num> = (0..shape.iter().product()).map(|_| next(fact.dtype)).collect();
        out.push(Tensor::new(fact.dtype, &shape, data));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(m: &Model, batch: i64, length: i64) -> Vec<Tensor> {
        let g = (m.build)(7);
        let x = inputs(&g, 1, &|s| if s == "batch" { batch } else { length }).unwrap();
        dlc_ir::interp::run(&g, &x).unwrap_or_else(|e| panic!("{}: {e}", m.name))
    }

    #[test]
    fn every_network_is_verified_and_runs() {
        for m in MODELS {
            dlc_ir::verify::verify(&(m.build)(7)).unwrap_or_else(|e| panic!("{}: {e}", m.name));
            let y = run(m, 2, 3);
            assert!(y.iter().all(|t| t.to_f64().iter().all(|v| v.is_finite())), "{}: {y:?}", m.name);
        }
    }

    #[test]
    fn weights_depend_on_the_seed_alone() {
        for m in MODELS {
            assert_eq!((m.build)(3), (m.build)(3), "{}", m.name);
            assert_ne!((m.build)(3), (m.build)(4), "{}", m.name);
        }
    }

    #[test]
    fn names_are_sorted_and_found() {
        assert!(MODELS.windows(2).all(|w| w[0].name < w[1].name));
        assert!(MODELS.iter().all(|m| find(m.name).is_some_and(|f| f.name == m.name)));
    }
}
