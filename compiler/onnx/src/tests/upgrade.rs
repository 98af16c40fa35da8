//! Old forms of operators mean what they meant.

use super::*;

/// Runs one node of an old version on tensors `a`, `b`, ..; those from `open` on are constants.
fn old(opset: i64, n: NodeProto, open: usize, x: &[Tensor]) -> Vec<Tensor> {
    let name = |i: usize| ["a", "b", "c", "d", "e"][i].to_string();
    let declared = |i: usize| {
        let sizes: Vec<String> = x[i].shape().iter().map(|d| d.to_string()).collect();
        value(&name(i), x[i].dtype(), &sizes.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let outputs: Vec<String> = n.output.iter().filter(|o| !o.is_empty()).cloned().collect();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let mut g = graph((0..open).map(declared).collect(), vec![n], &outputs);
    g.initializer = (open..x.len()).map(|i| raw(&name(i), &x[i])).collect();
    run(&model(opset, g), &x[..open])
}

fn one(opset: i64, op: &str, attrs: Vec<AttributeProto>, x: &[Tensor]) -> Tensor {
    let operands = &["a", "b", "c", "d", "e"][..x.len()];
    old(opset, node(op, operands, &["y"], attrs), x.len().min(1), x).remove(0)
}

fn f(shape: &[usize], v: &[f32]) -> Tensor {
    Tensor::f32(shape, v)
}

#[test]
fn attributes_become_operands() {
    let x = count(&[1, 4]);
    assert_eq!(one(11, "Squeeze", vec![ints("axes", &[0])], std::slice::from_ref(&x)), count(&[4]));
    assert_eq!(one(11, "Unsqueeze", vec![ints("axes", &[0, -1])], std::slice::from_ref(&x)), count(&[1, 1, 4, 1]));
    assert_eq!(
        one(11, "ReduceSum", vec![ints("axes", &[1]), int("keepdims", 0)], std::slice::from_ref(&x)),
        f(&[1], &[6.0])
    );
    assert_eq!(one(13, "ReduceMax", vec![ints("axes", &[1])], std::slice::from_ref(&x)), f(&[1, 1], &[3.0]));
    let slice = vec![ints("starts", &[1]), ints("ends", &[3]), ints("axes", &[1])];
    assert_eq!(one(9, "Slice", slice, std::slice::from_ref(&x)), f(&[1, 2], &[1.0, 2.0]));
    let pad = vec![ints("pads", &[0, 1, 0, 0]), float("value", 9.0)];
    assert_eq!(one(2, "Pad", pad, &[count(&[1, 2])]), f(&[1, 3], &[9.0, 0.0, 1.0]));
    assert_eq!(one(1, "Pad", vec![ints("paddings", &[0, 0, 0, 1])], &[count(&[1, 2])]), f(&[1, 3], &[0.0, 1.0, 0.0]));
    assert_eq!(one(1, "Reshape", vec![ints("shape", &[2, 2])], std::slice::from_ref(&x)), count(&[2, 2]));
    let clip = vec![float("min", 1.0), float("max", 2.0)];
    assert_eq!(one(6, "Clip", clip, std::slice::from_ref(&x)), f(&[1, 4], &[1.0, 1.0, 2.0, 2.0]));
    assert_eq!(one(6, "Clip", vec![float("max", 2.0)], std::slice::from_ref(&x)), f(&[1, 4], &[0.0, 1.0, 2.0, 2.0]));
    assert_eq!(one(7, "Dropout", vec![float("ratio", 0.9)], std::slice::from_ref(&x)), x);
    assert_eq!(one(1, "TopK", vec![int("k", 1)], std::slice::from_ref(&x)), f(&[1, 1], &[3.0]));
    let tile = [x, Tensor::i64(&[], &[2]), Tensor::i64(&[], &[0])];
    assert_eq!(one(1, "Tile", vec![], &tile).shape(), [2, 4]);
}

#[test]
fn splits_without_sizes_are_even() {
    let n = node("Split", &["a"], &["p", "q"], vec![int("axis", 0)]);
    assert_eq!(old(11, n, 1, &[count(&[4])])[1], f(&[2], &[2.0, 3.0]));
    let n = node("Split", &["a"], &["p", "q"], vec![int("axis", 0), ints("split", &[1, 3])]);
    assert_eq!(old(2, n, 1, &[count(&[4])])[0], f(&[1], &[0.0]));
    let n = node("Split", &["a", "b"], &["p", "q"], vec![int("axis", 0)]);
    assert_eq!(old(1, n, 1, &[count(&[4]), Tensor::i64(&[2], &[3, 1])])[1], f(&[1], &[3.0]));
}

#[test]
fn operands_were_aligned_at_an_axis() {
    let b = f(&[2], &[10.0, 20.0]);
    let attrs = vec![int("broadcast", 1), int("axis", 0)];
    let y = one(6, "Add", attrs, &[count(&[2, 3]), b.clone()]);
    assert_eq!(y, f(&[2, 3], &[10.0, 11.0, 12.0, 23.0, 24.0, 25.0]));
    let y = one(6, "Sub", vec![int("broadcast", 1)], &[count(&[3, 2]), b]);
    assert_eq!(y, f(&[3, 2], &[-10.0, -19.0, -8.0, -17.0, -6.0, -15.0]));
    let x = f(&[1, 2, 2], &[-1.0, 1.0, -1.0, 1.0]);
    assert_eq!(one(6, "PRelu", vec![], &[x, f(&[2], &[2.0, 3.0])]), f(&[1, 2, 2], &[-2.0, 1.0, -3.0, 1.0]));
}

#[test]
fn softmax_saw_a_matrix() {
    let x = Tensor::f32(&[1, 2, 2], &[0.0; 4]);
    assert_eq!(one(11, "Softmax", vec![], std::slice::from_ref(&x)), f(&[1, 2, 2], &[0.25; 4]));
    assert_eq!(one(11, "Softmax", vec![int("axis", 2)], std::slice::from_ref(&x)), f(&[1, 2, 2], &[0.5; 4]));
    assert_eq!(one(11, "Softmax", vec![int("axis", -1)], std::slice::from_ref(&x)), f(&[1, 2, 2], &[0.5; 4]));
    assert_eq!(one(13, "Softmax", vec![int("axis", 1)], &[x]), f(&[1, 2, 2], &[0.5; 4]));
    let y = one(11, "Hardmax", vec![int("axis", 0)], &[count(&[2, 2])]);
    assert_eq!(y, f(&[2, 2], &[0.0, 0.0, 0.0, 1.0]));
}

#[test]
fn upsample_is_resize() {
    let x = f(&[1, 1, 1, 2], &[1.0, 2.0]);
    let want = f(&[1, 1, 1, 4], &[1.0, 1.0, 2.0, 2.0]);
    let scales = floats("scales", &[1.0, 1.0, 1.0, 2.0]);
    assert_eq!(one(7, "Upsample", vec![scales, text("mode", "nearest")], std::slice::from_ref(&x)), want);
    let factors = vec![float("height_scale", 1.0), float("width_scale", 2.0)];
    assert_eq!(one(1, "Upsample", factors, std::slice::from_ref(&x)), want);
    let s = f(&[4], &[1.0, 1.0, 1.0, 2.0]);
    assert_eq!(one(9, "Upsample", vec![], &[x.clone(), s.clone()]), want);
    assert_eq!(one(10, "Resize", vec![], &[x.clone(), s.clone()]), want);
    let y = one(10, "Resize", vec![text("mode", "linear")], &[x.clone(), s.clone()]);
    assert_eq!(y, f(&[1, 1, 1, 4], &[1.0, 1.5, 2.0, 2.0]));
    let empty = f(&[0], &[]);
    let attrs = vec![text("coordinate_transformation_mode", "asymmetric"), text("nearest_mode", "floor")];
    assert_eq!(one(11, "Resize", attrs, &[x, empty, s]), want);
}

#[test]
fn normalizations_lose_their_training() {
    let x = f(&[1, 2, 1], &[1.0, 2.0]);
    let (one_, zero) = (f(&[2], &[1.0, 1.0]), f(&[2], &[0.0, 0.0]));
    let x5 = [x.clone(), one_.clone(), zero.clone(), zero, one_];
    let attrs = || vec![float("epsilon", 0.0), int("is_test", 1), int("spatial", 1), ints("consumed_inputs", &[0, 0])];
    assert_eq!(one(1, "BatchNormalization", attrs(), &x5), x);
    let n = node("BatchNormalization", &["a", "b", "c", "d", "e"], &["y", "", "", "", ""], vec![float("epsilon", 0.0)]);
    assert_eq!(old(9, n, 1, &x5), [x]);
}

#[test]
fn groups_had_one_scale_each() {
    let x = f(&[1, 4, 1], &[1.0, 3.0, 5.0, 9.0]);
    let attrs = vec![int("num_groups", 2), float("epsilon", 0.0)];
    let y = one(18, "GroupNormalization", attrs, &[x, f(&[2], &[1.0, 10.0]), f(&[2], &[0.0, 100.0])]);
    assert_eq!(y, f(&[1, 4, 1], &[-1.0, 1.0, 90.0, 110.0]));
}

#[test]
fn types_had_names() {
    let y = one(1, "Cast", vec![text("to", "INT64")], &[count(&[2])]);
    assert_eq!(y, Tensor::i64(&[2], &[0, 1]));
}

#[test]
fn scatter_has_a_new_name() {
    let x = [count(&[3]), Tensor::i64(&[1], &[1]), f(&[1], &[9.0])];
    assert_eq!(one(9, "Scatter", vec![int("axis", 0)], &x), f(&[3], &[0.0, 9.0, 2.0]));
}

#[test]
fn a_real_signal_may_lack_its_last_axis() {
    let rest = [Tensor::i64(&[], &[2]), f(&[4], &[1.0; 4])];
    let run = |shape: &[usize]| one(17, "STFT", vec![], &[[count(shape)].as_slice(), &rest].concat());
    assert_eq!(run(&[1, 8]), run(&[1, 8, 1]));
}

/// A node of ai.onnx.ml in version 1 on one operand of strings.
fn classical(op: &str, attribute: Vec<AttributeProto>) -> ModelProto {
    let n = NodeProto { domain: "ai.onnx.ml".into(), ..node(op, &["x"], &["y"], attribute) };
    let mut m = model(9, graph(vec![value("x", DType::Str, &["3"])], vec![n], &["y"]));
    m.opset_import.push(OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: 1 });
    m
}

#[test]
fn a_table_of_labels_was_a_list_of_strings() {
    let classes = AttributeProto {
        strings: ["a", "b"].map(|s| s.as_bytes().to_vec().into()).to_vec(),
        r#type: attribute_type::STRINGS,
        ..attr("classes_strings")
    };
    let m = classical("LabelEncoder", vec![classes, int("default_int64", 9)]);
    let y = run(&m, &[Tensor::of_strings(&[3], ["b", "?", "a"])]);
    assert_eq!(y[0].to_i64(), [1, 9, 0]);
}

#[test]
fn operators_on_trial_mean_what_they_meant() {
    let x = count(&[1, 2, 2, 2]);
    let one = |op: &str, attrs: Vec<AttributeProto>, x: &[Tensor]| one(1, op, attrs, x);
    let of = |op: &str, attrs: Vec<AttributeProto>| one(op, attrs, std::slice::from_ref(&x)).to_f32();
    assert_eq!(of("Affine", vec![float("alpha", 2.0), float("beta", 1.0)])[3], 7.0);
    assert_eq!(of("Scale", vec![float("scale", 3.0)])[2], 6.0);
    let two = || vec![float("alpha", 2.0), float("beta", 0.5)];
    assert_eq!(of("ScaledTanh", two())[2], 2.0 * 1f32.tanh());
    assert!((of("ParametricSoftplus", two())[2] - 2.0 * (1.0 + 1f32.exp()).ln()).abs() < 1e-6);
    let channels = vec![float("scale", 2.0), floats("bias", &[10.0, 20.0])];
    assert_eq!(of("ImageScaler", channels), [10.0, 12.0, 14.0, 16.0, 28.0, 30.0, 32.0, 34.0]);
    assert_eq!(of("Crop", vec![ints("border", &[1, 0, 0, 1])]), [1.0, 5.0]);
    assert_eq!(of("Crop", vec![ints("border", &[0, 1, 0, 0]), ints("scale", &[1, 1])]), [2.0, 6.0]);
    let bounds = [Tensor::i64(&[1], &[1]), Tensor::i64(&[1], &[2]), Tensor::i64(&[1], &[3])];
    let sliced = one("DynamicSlice", vec![], &[std::slice::from_ref(&x), &bounds[..]].concat());
    assert_eq!(sliced.to_f32(), [1.0, 3.0, 5.0, 7.0]);
}

#[test]
fn fills_on_trial_have_the_shape_that_is_asked_for() {
    let values = || floats("values", &[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        one(1, "GivenTensorFill", vec![values(), ints("shape", &[2, 2])], &[]),
        f(&[2, 2], &[1.0, 2.0, 3.0, 4.0])
    );
    let like = vec![values(), ints("extra_shape", &[2])];
    assert_eq!(one(1, "GivenTensorFill", like, &[count(&[2])]).shape(), [2, 2]);
    let shape = [Tensor::i64(&[1], &[4])];
    let asked = vec![values(), int("input_as_shape", 1), ints("extra_shape", &[1])];
    assert_eq!(one(1, "GivenTensorFill", asked, &shape).shape(), [4, 1]);
    let filled = vec![int("input_as_shape", 1), float("value", 2.0), int("dtype", 7)];
    assert_eq!(one(1, "ConstantFill", filled, &shape), Tensor::i64(&[4], &[2; 4]));
    assert_eq!(one(1, "ConstantFill", vec![], &[count(&[2, 1])]), f(&[2, 1], &[0.0, 0.0]));
    let lacks = node("GivenTensorFill", &[], &["y"], vec![ints("shape", &[1])]);
    assert!(error(&model(1, graph(vec![], vec![lacks], &["y"]))).contains("attribute values is missing"));
}
