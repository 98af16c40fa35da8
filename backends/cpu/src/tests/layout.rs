//! Images with their channels last: the same numbers, whatever stands beside the convolutions.

use super::{differs, run, run_at};
use crate::Level;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, Dim, Fact, Graph, Tensor, Value, interp};
use dlc_plan::{Home, plan};

/// A graph under construction; names are numbers.
struct Net(Graph);

impl Net {
    fn weights(&mut self, shape: &[usize]) -> Value {
        let n = self.0.len();
        self.0.add_const(&format!("w{n}"), sample_floats(shape, n as u32))
    }

    fn op(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Value {
        let n = self.0.len();
        self.0.apply(&format!("{op}{n}"), op, attrs, x).unwrap()
    }

    /// A convolution with padding that keeps the size, and its bias.
    fn conv(&mut self, x: Value, shape: [usize; 4], group: i64) -> Value {
        let (w, b) = (self.weights(&shape), self.weights(&shape[..1]));
        let pads = vec![(shape[2] / 2) as i64, (shape[3] / 2) as i64];
        let attrs = Attrs::new().with("pads", [pads.clone(), pads].concat()).with("group", group);
        self.op("Conv", attrs, &[x, w, b])
    }

    fn ints(&mut self, v: &[i64]) -> Value {
        let n = self.0.len();
        self.0.add_const(&format!("i{n}"), Tensor::i64(&[v.len()], v))
    }
}

/// Convolutions of every kind with what stands between them: residuals, slopes for each channel, pooling, concatenation,
/// resizing, softmax over channels, means, a change of shape.
fn network(h: Dim, w: Dim) -> Graph {
    let mut n = Net(Graph::new("net"));
    let x = n.0.add_input("x", Fact::new(dlc_ir::DType::F32, [2.into(), 3.into(), h, w]));
    let first = n.conv(x, [16, 3, 3, 3], 1);
    let slope = n.weights(&[16, 1, 1]);
    let first = n.op("PRelu", Attrs::new(), &[first, slope]);
    let depthwise = n.conv(first, [16, 1, 3, 3], 16);
    let depthwise = n.op("Sigmoid", Attrs::new(), &[depthwise]);
    let wide = n.conv(depthwise, [37, 16, 1, 1], 1);
    let narrow = n.conv(wide, [16, 37, 3, 1], 1);
    let sum = n.op("Add", Attrs::new(), &[narrow, first]);
    let both = n.op("Concat", Attrs::new().with("axis", 1i64), &[sum, wide, depthwise]);
    let groups = n.conv(first, [18, 8, 1, 1], 2);
    let pooled =
        n.op("MaxPool", Attrs::new().with("kernel_shape", vec![2i64, 2]).with("strides", vec![2i64, 2]), &[both]);
    let scales = Tensor::f32(&[4], &[1.0, 1.0, 2.0, 2.0]);
    let scales = n.0.add_const("scales", scales);
    let resize = dlc_ir::ops::by_name("Resize").unwrap();
    let up = n.0.add_op("up", resize, Attrs::new(), &[Some(pooled), None, Some(scales)], 1).unwrap();
    let last = n.conv(Value { node: up, port: 0 }, [20, 69, 3, 3], 1);
    let heat = n.op("Softmax", Attrs::new().with("axis", 1i64), &[last]);
    let axes = n.ints(&[2, 3]);
    let mean = n.op("ReduceMean", Attrs::new().with("keepdims", 0i64), &[last, axes]);
    let flat = n.op("Flatten", Attrs::new(), &[pooled]);
    for (name, v) in [("heat", heat), ("mean", mean), ("flat", flat), ("groups", groups), ("sum", sum)] {
        n.0.add_output(name, v);
    }
    n.0
}

#[test]
fn numbers_do_not_depend_on_the_order_of_channels() {
    for (h, w) in [(8, 8), (6, 10)] {
        let x = [sample_floats(&[2, 3, h, w], 7)];
        for g in [network(h.into(), w.into()), network(Dim::sym("h"), Dim::sym("w"))] {
            let expected = interp::run(&g, &x).unwrap();
            let (one, two) = (run(&g, &x, 1).unwrap(), run(&g, &x, 2).unwrap());
            let portable = run_at(Level::Portable, &g, &x, 1).unwrap();
            for (k, want) in expected.iter().enumerate() {
                assert_eq!(one[k].bytes(), two[k].bytes(), "output {k}: two threads change the result");
                for got in [&one[k], &portable[k]] {
                    assert_eq!(differs(got, want), None, "output {k} of {h}x{w}");
                }
            }
        }
    }
}

#[test]
fn channels_are_last_where_convolutions_make_them() {
    let schedule = plan(&network(8.into(), 8.into())).unwrap();
    let shapes = |last: bool| {
        let b = schedule.blocks[0].buffers.iter().filter(|b| matches!(b.home, Home::Arena | Home::Alias(_)));
        b.filter(|b| b.shape.len() == 4 && b.shape[if last { 3 } else { 1 }] == 37.into()).count()
    };
    assert_eq!((shapes(true), shapes(false)), (2, 0), "the image of 37 channels, and its padded copy");
    let outside: Vec<&[Dim]> = schedule.blocks[0].outputs.iter().map(|p| &p.shape[..]).collect();
    assert_eq!(outside[0], [2.into(), 20.into(), 8.into(), 8.into()], "outputs are as the model says");
}
