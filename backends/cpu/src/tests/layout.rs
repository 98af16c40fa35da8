//! Images with their channels last: the same numbers, whatever stands beside the convolutions.

use super::{differs, run, run_at};
use crate::Level;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, Ctx, Dim, Fact, Graph, Tensor, Value, interp};
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

/// A convolution of 3x3 by tiles of an image that another makes, then a residual and an activation.
fn by_tiles(tile: i64, [h, w]: [i64; 2], filters: usize) -> Graph {
    let mut n = Net(Graph::new("tiles"));
    let (down, across) = ((h + tile - 1) / tile, (w + tile - 1) / tile);
    let x = n.0.add_input("x", Fact::new(dlc_ir::DType::F32, [2, 3, h, w].map(Dim::from)));
    let (first, residual) = (n.conv(x, [19, 3, 3, 3], 1), n.conv(x, [filters, 3, 1, 1], 1));
    let pads = n.ints(&[0, 0, 1, 1, 0, 0, down * tile + 1 - h, across * tile + 1 - w]);
    let padded = n.op("Pad", Attrs::new(), &[first, pads]);
    let attrs = Attrs::new().with("tile", tile);
    let v = n.op("dlc.WinogradInput", attrs.clone(), &[padded]);
    let points = (tile + 2) * (tile + 2);
    let (rows, squares) = (n.ints(&[points, -1, 19]), n.ints(&[points, -1, down, across, filters as i64]));
    let v = n.op("Reshape", Attrs::new(), &[v, rows]);
    let filter = dlc_ir::ops::by_name("dlc.WinogradFilter").unwrap();
    let c = Ctx { name: "filters", attrs: &attrs, outputs: 1 };
    let u = interp::eval(filter.0, &c, &[Some(&sample_floats(&[filters, 19, 3, 3], 3))]).unwrap();
    let u = n.0.add_const("filters", u[0].clone());
    let m = n.op("MatMul", Attrs::new(), &[v, u]);
    let m = n.op("Reshape", Attrs::new(), &[m, squares]);
    let y = n.op("dlc.WinogradOutput", attrs.with("height", h).with("width", w), &[m]);
    let bias = n.weights(&[filters, 1, 1]);
    let y = n.op("Add", Attrs::new(), &[y, bias]);
    let y = n.op("Add", Attrs::new(), &[y, residual]);
    let y = n.op("Relu", Attrs::new(), &[y]);
    n.0.add_output("y", y);
    n.0
}

#[test]
fn tiles_are_the_same_numbers_at_every_level() {
    for (tile, size, filters) in [(2, [5, 4], 16), (4, [8, 8], 32), (4, [7, 10], 21), (6, [6, 7], 16)] {
        let g = by_tiles(tile, size, filters);
        let x = [sample_floats(&[2, 3, size[0] as usize, size[1] as usize], 7)];
        let expected = interp::run(&g, &x).unwrap();
        let (one, two) = (run(&g, &x, 1).unwrap(), run(&g, &x, 2).unwrap());
        assert_eq!(one[0].bytes(), two[0].bytes(), "two threads change the result");
        assert_eq!(differs(&one[0], &expected[0]), None, "F({tile}, 3) of {size:?}");
        for level in [Level::Avx2, Level::Portable] {
            assert_eq!(run_at(level, &g, &x, 1).unwrap()[0].bytes(), one[0].bytes(), "{level:?}, F({tile}, 3)");
        }
    }
}

/// A convolution by spectra of an image that another makes or that is an input, then a residual and an activation: one tile
/// with what is around it, and tiles that overlap.
fn by_spectra(channels: usize, [h, w]: [i64; 2], input: bool) -> Graph {
    let mut n = Net(Graph::new("spectra"));
    let (c, taps) = (channels as i64, 5);
    let x = n.0.add_input("x", Fact::new(dlc_ir::DType::F32, [2, c, h, w].map(Dim::from)));
    let image = if input { x } else { n.conv(x, [channels, channels, 1, 1], 1) };
    let across = (w + 3) / 4;
    let pads = n.ints(&[0, 0, 0, 2, 0, 0, 0, across * 4 + taps - 1 - w - 2]);
    let padded = n.op("Pad", Attrs::new(), &[image, pads]);
    let v = n.op("dlc.FourierRows", Attrs::new().with("size", 8i64).with("step", 4i64), &[padded]);
    let v = n.op("dlc.FourierColumns", Attrs::new().with("size", 12i64).with("step", h), &[v]);
    let attrs = Attrs::new().with("rows", 12i64).with("columns", 8i64);
    let filter = dlc_ir::ops::by_name("dlc.FourierFilter").unwrap();
    let context = Ctx { name: "filters", attrs: &attrs, outputs: 1 };
    let f = interp::eval(filter.0, &context, &[Some(&sample_floats(&[channels, 1, 5, 5], 3))]).unwrap();
    let f = n.0.add_const("filters", f[0].clone());
    let m = n.op("dlc.FourierProduct", Attrs::new().with("begin", 2i64).with("rows", h), &[v, f]);
    let attrs = Attrs::new().with("step", 4i64).with("height", h).with("width", w);
    let y = n.op("dlc.FourierImage", attrs, &[m]);
    let bias = n.weights(&[channels, 1, 1]);
    let y = n.op("Add", Attrs::new(), &[y, bias]);
    let y = n.op("Add", Attrs::new(), &[y, x]);
    let y = n.op("Relu", Attrs::new(), &[y]);
    n.0.add_output("y", y);
    n.0
}

#[test]
fn spectra_are_the_same_numbers_at_every_level() {
    for (channels, size, input) in [(16, [9, 8], true), (32, [7, 10], false), (19, [6, 7], true)] {
        let g = by_spectra(channels, size, input);
        let x = [sample_floats(&[2, channels, size[0] as usize, size[1] as usize], 7)];
        let expected = interp::run(&g, &x).unwrap();
        let (one, two) = (run(&g, &x, 1).unwrap(), run(&g, &x, 2).unwrap());
        assert_eq!(one[0].bytes(), two[0].bytes(), "two threads change the result");
        assert_eq!(differs(&one[0], &expected[0]), None, "{channels} channels of {size:?}");
        for level in [Level::Avx2, Level::Portable] {
            assert_eq!(run_at(level, &g, &x, 1).unwrap()[0].bytes(), one[0].bytes(), "{level:?}, {channels} channels");
        }
    }
}

#[test]
fn axes_change_places_in_squares() {
    for (a, b) in [(16, 16), (17, 33), (40, 16), (15, 20), (64, 100)] {
        let mut n = Net(Graph::new("turned"));
        let x = n.0.add_input("x", Fact::new(dlc_ir::DType::F32, [3, a, b].map(Dim::from)));
        let y = n.op("Transpose", Attrs::new().with("perm", vec![0i64, 2, 1]), &[x]);
        n.0.add_output("y", y);
        let x = [sample_floats(&[3, a, b], 7)];
        let expected = interp::run(&n.0, &x).unwrap();
        for threads in [1, 2] {
            assert_eq!(run(&n.0, &x, threads).unwrap()[0].bytes(), expected[0].bytes(), "{a} by {b}");
        }
    }
}

#[test]
fn rows_a_multiple_of_4_kib_apart_are_rows_like_others() {
    let mut n = Net(Graph::new("far"));
    let x = n.0.add_input("x", Fact::new(dlc_ir::DType::F32, [1, 3, 9, 7].map(Dim::from)));
    let wide = n.conv(x, [1024, 3, 1, 1], 1);
    let near = n.conv(wide, [80, 1024, 1, 1], 1);
    let w = n.weights(&[72, 1024, 1, 1]);
    let strided = n.op("Conv", Attrs::new().with("strides", vec![2i64, 2]), &[wide, w]);
    let half = n.conv(x, [512, 3, 1, 1], 1);
    let w = n.weights(&[65, 512, 3, 3]);
    let taps = n.op("Conv", Attrs::new().with("strides", vec![2i64, 2]), &[half, w]);
    for (name, v) in [("near", near), ("strided", strided), ("taps", taps)] {
        n.0.add_output(name, v);
    }
    let x = [sample_floats(&[1, 3, 9, 7], 7)];
    let expected = interp::run(&n.0, &x).unwrap();
    let (one, two) = (run(&n.0, &x, 1).unwrap(), run(&n.0, &x, 2).unwrap());
    let portable = run_at(Level::Portable, &n.0, &x, 1).unwrap();
    for (k, want) in expected.iter().enumerate() {
        assert_eq!(one[k].bytes(), two[k].bytes(), "output {k}: two threads change the result");
        assert_eq!(one[k].bytes(), portable[k].bytes(), "output {k}: the level changes the result");
        assert_eq!(differs(&one[k], want), None, "output {k}");
    }
}

#[test]
fn what_follows_tiles_is_computed_with_them() {
    let schedule = plan(&by_tiles(4, [8, 8], 32)).unwrap();
    // Both convolutions with the padded copies of their operands; tiles, products, the image with all that follows, and its copy
    // in the order of the output.
    let steps = schedule.blocks[0].steps.len();
    assert_eq!(steps, 8, "{schedule}");
    let mut shapes = schedule.blocks[0].buffers.iter().map(|b| &b.shape[..]);
    assert!(
        shapes.any(|s| *s == [2, 10, 10, 19].map(Dim::from)),
        "the image that is taken apart has its channels last"
    );
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
