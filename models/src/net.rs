//! A network in the making.

use crate::random::SplitMix64;
use dlc_ir::{Attrs, DType, Dim, Fact, Graph, Num, Tensor, Value, ops};

/// A graph, its random numbers, and how many nodes of it have been named.
pub struct Net {
    graph: Graph,
    random: SplitMix64,
    nodes: usize,
}

impl Net {
    /// An empty network.
    pub fn new(name: &str, seed: u64) -> Self {
        Net { graph: Graph::new(name), random: SplitMix64::new(seed), nodes: 0 }
    }

    /// An input; names are symbolic sizes, numbers are numbers.
    pub fn input(&mut self, name: &str, dtype: DType, shape: &[&str]) -> Value {
        let size = |s: &&str| s.parse::<i64>().map_or_else(|_| Dim::sym(s), Dim::from);
        self.graph.add_input(name, Fact::new(dtype, shape.iter().map(size)))
    }

    /// An f32 constant, uniform with the variance 2 / fan-in (He et al. 2015); fan-in is the product of all sizes but `out`.
    pub fn weight(&mut self, name: &str, shape: &[usize], out: usize) -> Value {
        let fan_in = shape.iter().product::<usize>() / shape[out].max(1);
        self.spread(name, shape, 0.0, (6.0 / fan_in.max(1) as f64).sqrt())
    }

    /// An f32 constant, uniform in `middle` plus or minus `spread`.
    pub fn spread(&mut self, name: &str, shape: &[usize], middle: f64, spread: f64) -> Value {
        let data: Vec<f32> =
            (0..shape.iter().product()).map(|_| (middle + spread * self.random.unit()) as f32).collect();
        self.constant(name, Tensor::f32(shape, &data))
    }

    /// An i8 constant, uniform over the type but -128.
    pub fn weight_i8(&mut self, name: &str, shape: &[usize]) -> Value {
        let mut next = || Num::I(self.random.below(255) as i128 - 127);
        let data: Vec<Num> = (0..shape.iter().product()).map(|_| next()).collect();
        self.constant(name, Tensor::new(DType::I8, shape, data))
    }

    /// A constant.
    pub fn constant(&mut self, name: &str, t: Tensor) -> Value {
        self.graph.add_const(name, t)
    }

    /// An f32 number.
    pub fn number(&mut self, name: &str, v: f32) -> Value {
        self.constant(name, Tensor::f32(&[], &[v]))
    }

    /// An i64 list.
    pub fn list(&mut self, name: &str, v: &[i64]) -> Value {
        self.constant(name, Tensor::i64(&[v.len()], v))
    }

    /// An operator with one result.
    pub fn op(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Value {
        self.results(op, attrs, x.iter().copied().map(Some).collect(), 1)[0]
    }

    /// An operator without attributes and with one result.
    pub fn plain(&mut self, op: &str, x: &[Value]) -> Value {
        self.op(op, Attrs::new(), x)
    }

    /// An operator with `n` results. Panics if it refuses its operands: the networks here are fixed and tested.
    pub fn results(&mut self, op: &str, attrs: Attrs, x: Vec<Option<Value>>, n: usize) -> Vec<Value> {
        let name = format!("{op}_{}", self.nodes);
        self.nodes += 1;
        let found = ops::by_name(op).unwrap_or_else(|| panic!("no operator {op}"));
        let node = self.graph.add_op(&name, found, attrs, &x, n).unwrap_or_else(|e| panic!("{e}"));
        (0..n as u32).map(|port| Value { node, port }).collect()
    }

    /// `x * w + b` with `w` of shape `[in, out]`.
    pub fn dense(&mut self, name: &str, x: Value, inputs: usize, outputs: usize) -> Value {
        let w = self.weight(&format!("{name}.weight"), &[inputs, outputs], 1);
        let b = self.spread(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        let y = self.plain("MatMul", &[x, w]);
        self.plain("Add", &[y, b])
    }

    /// A square convolution with bias; `groups` divides both numbers of channels.
    pub fn conv(&mut self, name: &str, x: Value, c: Conv) -> Value {
        let w = self.weight(&format!("{name}.weight"), &[c.outputs, c.inputs / c.groups, c.size, c.size], 0);
        let b = self.spread(&format!("{name}.bias"), &[c.outputs], 0.0, 0.1);
        let attrs = Attrs::new()
            .with("kernel_shape", vec![c.size as i64; 2])
            .with("pads", vec![(c.size / 2) as i64; 4])
            .with("strides", vec![c.stride as i64; 2])
            .with("group", c.groups);
        self.op("Conv", attrs, &[x, w, b])
    }

    /// Batch normalization with statistics as if trained.
    pub fn batch_norm(&mut self, name: &str, x: Value, channels: usize) -> Value {
        let scale = self.spread(&format!("{name}.scale"), &[channels], 1.0, 0.2);
        let bias = self.spread(&format!("{name}.bias"), &[channels], 0.0, 0.2);
        let mean = self.spread(&format!("{name}.mean"), &[channels], 0.0, 0.2);
        let variance = self.spread(&format!("{name}.var"), &[channels], 1.0, 0.5);
        self.plain("BatchNormalization", &[x, scale, bias, mean, variance])
    }

    /// The finished graph.
    pub fn finish(mut self, outputs: &[(&str, Value)]) -> Graph {
        for (name, v) in outputs {
            self.graph.add_output(name, *v);
        }
        self.graph
    }
}

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Channels of the operand.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
    /// Extent of the window; it is padded to keep the size of the image.
    pub size: usize,
    /// Step of the window.
    pub stride: usize,
    /// Groups of channels.
    pub groups: usize,
}

impl Conv {
    /// A dense convolution with step 1.
    pub fn new(inputs: usize, outputs: usize, size: usize) -> Self {
        Conv { inputs, outputs, size, stride: 1, groups: 1 }
    }

    /// With another step.
    pub fn stride(self, stride: usize) -> Self {
        Conv { stride, ..self }
    }

    /// One channel at a time.
    pub fn depthwise(self) -> Self {
        Conv { groups: self.inputs, ..self }
    }
}
