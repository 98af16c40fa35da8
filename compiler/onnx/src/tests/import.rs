//! Inputs, constants, order and names.

use super::*;
use dlc_ir::Dim;

fn relu(name: &str, x: &str, y: &str) -> NodeProto {
    NodeProto { name: name.into(), ..node("Relu", &[x], &[y], vec![]) }
}

#[test]
fn nodes_may_come_in_any_order() {
    let g = graph(
        vec![value("x", DType::F32, &["2"])],
        vec![relu("", "b", "c"), node("Neg", &["x"], &["b"], vec![])],
        &["c"],
    );
    assert_eq!(run(&model(13, g), &[Tensor::f32(&[2], &[1.0, -3.0])]), [Tensor::f32(&[2], &[0.0, 3.0])]);
}

#[test]
fn malformed_graphs_are_refused_by_name() {
    let x = || vec![value("x", DType::F32, &["2"])];
    let refused = |nodes, what: &str| {
        let e = error(&model(13, graph(x(), nodes, &["y"])));
        assert!(e.contains(what), "{e}");
    };
    refused(vec![relu("r", "y", "z"), relu("s", "z", "y")], "\"r\" (Relu) waits for itself");
    refused(vec![relu("r", "nothing", "y")], "node \"r\" (Relu): no node gives its operand \"nothing\"");
    refused(vec![relu("r", "x", "y"), relu("s", "x", "y")], "two nodes give the value \"y\"");
    refused(vec![relu("r", "x", "z")], "no node gives the output \"y\"");
    refused(
        vec![node("Magic", &["x"], &["y"], vec![])],
        "operator Magic of domain ai.onnx (opset 13) is not supported",
    );
    refused(vec![node("Relu", &["x"], &["y"], vec![int("boost", 1)])], "\"boost\"");
    let typed = ValueInfoProto { name: "x".into(), r#type: None };
    assert!(error(&model(13, graph(vec![typed], vec![], &["x"]))).contains("input has no type"));
    assert!(error(&model(99, graph(vec![], vec![], &[]))).contains("opset 99 of ai.onnx"));
}

#[test]
fn nodes_get_unique_names() {
    let g = graph(
        vec![value("x", DType::F32, &["2"])],
        vec![relu("r", "x", "a"), relu("r", "a", "b"), relu("", "b", "c"), relu("x", "c", "d")],
        &["d"],
    );
    let g = load(&model(13, g)).unwrap().graph;
    let names: Vec<&str> = g.nodes().map(|n| g.node(n).name.as_str()).collect();
    assert_eq!(names, ["x", "r", "Relu_0", "Relu_1", "Relu_2"]);
}

#[test]
fn sizes_are_numbers_names_or_expressions() {
    let x = value("x", DType::F32, &["batch", "past + 1", "?", "0", "7"]);
    let m = model(13, graph(vec![x], vec![relu("", "x", "y")], &["y"]));
    let shape = |opts: &LoadOptions| {
        let g = load_bytes(m.encode_to_vec().into(), None, opts).unwrap().graph;
        g.fact(g.outputs()[0].1).shape.iter().map(Dim::to_string).collect::<Vec<_>>()
    };
    assert_eq!(shape(&LoadOptions::default()), ["batch", "past + 1", "x_2", "x_3", "7"]);
    let dims = [("past".to_string(), 4), ("x_2".to_string(), 9)].into();
    assert_eq!(shape(&LoadOptions { dims, ..Default::default() }), ["batch", "5", "9", "x_3", "7"]);
    let dims = [("bach".to_string(), 4)].into();
    let e = load_bytes(m.encode_to_vec().into(), None, &LoadOptions { dims, ..Default::default() }).unwrap_err();
    assert!(e.to_string().contains("\"bach\"") && e.to_string().contains("\"batch\""), "{e}");
}

#[test]
fn initializers_share_the_bytes_of_the_file() {
    let mut g = graph(vec![value("x", DType::F32, &["2"]), value("w", DType::F32, &["2"])], vec![], &["y"]);
    g.node.push(node("Add", &["x", "w"], &["y"], vec![]));
    g.initializer.push(raw("w", &Tensor::f32(&[2], &[10.0, 20.0])));
    let file = bytes::Bytes::from(model(13, g).encode_to_vec());
    let g = load_bytes(file.clone(), None, &LoadOptions::default()).unwrap().graph;
    assert_eq!(g.inputs().len(), 1);
    let w = g.nodes().find(|n| g.node(*n).name == "w").unwrap();
    let w = g.constant(dlc_ir::Value { node: w, port: 0 }).unwrap();
    assert!(file.as_ptr_range().contains(&w.bytes().as_ptr()));
}

#[test]
fn inputs_can_be_given_values() {
    let x = vec![value("x", DType::F32, &["n"]), value("to", DType::I64, &["2"])];
    let m = model(13, graph(x, vec![node("Reshape", &["x", "to"], &["y"], vec![])], &["y"]));
    let with = |name: &str, t| {
        let constants = [(name.to_string(), t)].into();
        load_bytes(m.encode_to_vec().into(), None, &LoadOptions { constants, ..Default::default() })
    };
    let g = with("to", Tensor::i64(&[2], &[2, -1])).unwrap().graph;
    assert_eq!((g.inputs().len(), g.fact(g.outputs()[0].1).to_string()), (1, "f32[2,div(n,2)]".into()));
    assert!(with("two", Tensor::i64(&[2], &[2, -1])).unwrap_err().to_string().contains("\"two\" is no input"));
    assert!(with("to", count(&[2])).unwrap_err().to_string().contains("expected i64[2]"));
}

#[test]
fn constants_come_in_all_forms() {
    let sparse = SparseTensorProto {
        values: Some(raw("", &Tensor::f32(&[2], &[5.0, 7.0]))),
        indices: Some(raw("", &Tensor::i64(&[2, 2], &[0, 1, 1, 0]))),
        dims: vec![2, 2],
    };
    let sparse =
        AttributeProto { sparse_tensor: Some(sparse), r#type: attribute_type::SPARSE_TENSOR, ..attr("sparse_value") };
    let dense = AttributeProto { t: Some(raw("", &count(&[1]))), r#type: attribute_type::TENSOR, ..attr("value") };
    let forms = [
        (dense, count(&[1])),
        (sparse, Tensor::f32(&[2, 2], &[0.0, 5.0, 7.0, 0.0])),
        (float("value_float", 2.5), Tensor::f32(&[], &[2.5])),
        (floats("value_floats", &[1.0, 2.0]), Tensor::f32(&[2], &[1.0, 2.0])),
        (int("value_int", 3), Tensor::i64(&[], &[3])),
        (ints("value_ints", &[3, 4]), Tensor::i64(&[2], &[3, 4])),
    ];
    for (a, want) in forms {
        let g = graph(vec![], vec![node("Constant", &[], &["c"], vec![a])], &["c"]);
        assert_eq!(run(&model(13, g), &[]), [want]);
    }
    let none = graph(vec![], vec![node("Constant", &[], &["c"], vec![])], &["c"]);
    assert!(error(&model(13, none)).contains("exactly one attribute"));
}

#[test]
fn typed_fields_are_read_for_every_type() {
    let base = |dtype: DType| TensorProto { dims: vec![2], data_type: dtype.to_onnx(), ..Default::default() };
    let two = |dtype: DType| Tensor::floats(dtype, &[2], if dtype.is_narrow() { &[1.0, 0.0] } else { &[1.0, 3.0] });
    for (dtype, ..) in dlc_ir::dtype::DTYPES.iter().filter(|d| d.0 != DType::Str) {
        let mut t = base(*dtype);
        let bits = |t: &Tensor| t.bytes().chunks(2).map(|b| i32::from(u16::from_le_bytes([b[0], b[1]]))).collect();
        match dtype {
            DType::F32 => t.float_data = vec![1.0, 3.0],
            DType::F64 => t.double_data = vec![1.0, 3.0],
            DType::I64 => t.int64_data = vec![1, 3],
            DType::U64 | DType::U32 => t.uint64_data = vec![1, 3],
            DType::F16 | DType::BF16 => t.int32_data = bits(&two(*dtype)),
            d if d.is_narrow() => t.int32_data = crate::packed::pack(&two(*d)).iter().map(|b| i32::from(*b)).collect(),
            _ => t.int32_data = vec![1, 3],
        }
        assert_eq!(crate::tensor_from_bytes(t.encode_to_vec().into()).unwrap(), two(*dtype), "{dtype}");
    }
}

#[test]
fn a_result_in_the_middle_may_be_unnamed() {
    let g = graph(
        vec![value("x", DType::F32, &["4"])],
        vec![node("Split", &["x"], &["a", "", "c"], vec![ints("split", &[1, 1, 2])])],
        &["c", "a"],
    );
    assert_eq!(run(&model(11, g), &[count(&[4])]), [Tensor::f32(&[2], &[2.0, 3.0]), Tensor::f32(&[1], &[0.0])]);
}
