//! Subgraphs.

use super::*;

fn condition(m: &str) -> Vec<NodeProto> {
    vec![
        node("ReduceSum", &["x"], &["sum"], vec![int("keepdims", 0)]),
        node("Constant", &[], &[m], vec![float("value_float", 0.0)]),
        node("Greater", &["sum", m], &["cond"], vec![]),
    ]
}

fn branches(then: GraphProto, els: GraphProto) -> NodeProto {
    let attrs = vec![graph_attr("then_branch", then), graph_attr("else_branch", els)];
    node("If", &["cond"], &["y"], attrs)
}

#[test]
fn captured_values_become_operands_of_both_branches() {
    let mut nodes = condition("zero");
    nodes.push(node("Neg", &["x"], &["n"], vec![]));
    let then = graph(vec![], vec![node("Relu", &["n"], &["t"], vec![])], &["t"]);
    let els = graph(vec![], vec![node("Add", &["x", "zero"], &["e"], vec![])], &["e"]);
    nodes.push(branches(then, els));
    let m = model(13, graph(vec![value("x", DType::F32, &["n"])], nodes, &["y"]));
    let g = load(&m).unwrap().graph;
    let id = g.nodes().find(|n| g.node(*n).op_name() == "If").unwrap();
    let names =
        |id: dlc_ir::NodeId| g.operands(id).iter().map(|v| g.node(v.unwrap().node).name.clone()).collect::<Vec<_>>();
    assert_eq!(names(id), ["Greater_0", "Neg_0", "x"]);
    for sign in [1.0, -1.0] {
        let x = Tensor::f32(&[2], &[sign, sign]);
        let want = if sign > 0.0 { Tensor::f32(&[2], &[0.0, 0.0]) } else { x.clone() };
        assert_eq!(run(&m, &[x]), [want]);
    }
}

#[test]
fn a_known_condition_leaves_one_branch() {
    let yes = AttributeProto {
        t: Some(raw("", &Tensor::floats(DType::Bool, &[], &[1.0]))),
        r#type: attribute_type::TENSOR,
        ..attr("value")
    };
    let then = graph(vec![], vec![node("Relu", &["x"], &["t"], vec![])], &["t"]);
    let els = graph(vec![], vec![node("Magic", &["x"], &["e"], vec![])], &["e"]);
    let nodes = vec![node("Constant", &[], &["cond"], vec![yes]), branches(then, els)];
    let m = model(13, graph(vec![value("x", DType::F32, &["2"])], nodes, &["y"]));
    assert_eq!(run(&m, &[Tensor::f32(&[2], &[-1.0, 2.0])]), [Tensor::f32(&[2], &[0.0, 2.0])]);
}

/// `if size == 1 { squeeze } else { x }` before an operator that only takes one of the ranks.
#[test]
fn sizes_that_decide_a_rank_are_assumed() {
    let then = graph(vec![], vec![node("Squeeze", &["x", "axis"], &["t"], vec![])], &["t"]);
    let els = graph(vec![], vec![node("Identity", &["x"], &["e"], vec![])], &["e"]);
    let nodes = vec![
        node("Constant", &[], &["axis"], vec![ints("value_ints", &[2])]),
        node("Shape", &["x"], &["shape"], vec![]),
        node("Gather", &["shape", "axis"], &["size"], vec![]),
        node("Constant", &[], &["one"], vec![ints("value_ints", &[1])]),
        node("Equal", &["size", "one"], &["cond"], vec![]),
        NodeProto { name: "decide".into(), ..branches(then, els) },
        node("Transpose", &["y"], &["z"], vec![ints("perm", &[1, 0])]),
    ];
    let mut m = model(13, graph(vec![value("x", DType::F32, &["a", "b", "c"])], nodes, &["z"]));
    let loaded = load(&m).unwrap();
    let said: Vec<String> = loaded.assumptions.iter().map(|a| a.to_string()).collect();
    assert_eq!(said, ["node \"decide\" assumes that c == 1"]);
    assert!(loaded.assumptions[0].always);
    m.graph.as_mut().unwrap().node[6].attribute = vec![ints("perm", &[0, 2, 1])];
    let said: Vec<String> = load(&m).unwrap().assumptions.iter().map(|a| a.to_string()).collect();
    assert_eq!(said, ["node \"decide\" assumes that c != 1"]);
}

#[test]
fn a_squeeze_without_axes_assumes_what_fits() {
    let nodes = |perm: &[i64]| {
        vec![
            NodeProto { name: "drop".into(), ..node("Squeeze", &["x"], &["s"], vec![]) },
            node("Transpose", &["s"], &["y"], vec![ints("perm", perm)]),
        ]
    };
    let said = |perm: &[i64]| -> Vec<String> {
        let m = model(13, graph(vec![value("x", DType::F32, &["n", "1", "m + 2"])], nodes(perm), &["y"]));
        load(&m).unwrap().assumptions.iter().map(|a| a.to_string()).collect()
    };
    assert_eq!(said(&[1, 0]), ["node \"drop\" assumes that n != 1"]);
    assert_eq!(said(&[0]), ["node \"drop\" assumes that n == 1"]);
}

#[test]
fn a_squeeze_without_axes_gives_what_is_declared() {
    let squeeze = NodeProto { name: "drop".into(), ..node("Squeeze", &["x"], &["y"], vec![]) };
    let said = |declared: &[&str]| -> Vec<String> {
        let mut m = model(13, graph(vec![value("x", DType::F32, &["n", "1"])], vec![squeeze.clone()], &["y"]));
        m.graph.as_mut().unwrap().output = vec![value("y", DType::F32, declared)];
        load(&m).unwrap().assumptions.iter().map(|a| a.to_string()).collect()
    };
    assert_eq!(said(&[]), ["node \"drop\" assumes that n == 1"]);
    assert_eq!(said(&["n"]), ["node \"drop\" assumes that n != 1"]);
    assert_eq!(said(&["a", "b", "c"]), ["node \"drop\" assumes that n != 1"], "no choice gives that rank");
}

/// A vector that gets longer by `x` in every iteration.
#[test]
fn sizes_that_a_loop_changes_become_symbols() {
    let body = graph(
        vec![value("i", DType::I64, &[]), value("go", DType::Bool, &[]), value("acc", DType::F32, &["?"])],
        vec![node("Concat", &["acc", "x"], &["next"], vec![int("axis", 0)])],
        &["go", "next"],
    );
    let nodes = vec![
        node("Constant", &[], &["trips"], vec![int("value_int", 3)]),
        node("Loop", &["trips", "", "x"], &["y"], vec![graph_attr("body", body)]),
    ];
    let m = model(13, graph(vec![value("x", DType::F32, &["2"])], nodes, &["y"]));
    let g = load(&m).unwrap().graph;
    let id = g.nodes().find(|n| g.node(*n).op_name() == "Loop").unwrap();
    let (_, attrs) = g.node(id).op().unwrap();
    assert_eq!(attrs.int("captured", 0), Ok(1));
    let x = Tensor::f32(&[2], &[1.0, 2.0]);
    assert_eq!(run(&m, &[x])[0].shape(), [8]);
}

#[test]
fn scan_slices_follow_their_axes() {
    let body = graph(
        vec![value("s", DType::F32, &["?"]), value("e", DType::F32, &["?"])],
        vec![node("Add", &["s", "e"], &["next"], vec![]), node("Mul", &["next", "k"], &["out"], vec![])],
        &["next", "out"],
    );
    let attrs = vec![graph_attr("body", body), int("num_scan_inputs", 1), ints("scan_input_axes", &[1])];
    let nodes = vec![
        node("Constant", &[], &["k"], vec![float("value_float", 2.0)]),
        node("Scan", &["start", "x"], &["last", "all"], attrs),
    ];
    let inputs = vec![value("start", DType::F32, &["2"]), value("x", DType::F32, &["2", "n"])];
    let m = model(13, graph(inputs, nodes, &["last", "all"]));
    let y = run(&m, &[Tensor::f32(&[2], &[0.0, 0.0]), count(&[2, 3])]);
    assert_eq!(y[0], Tensor::f32(&[2], &[3.0, 12.0]));
    assert_eq!(y[1], Tensor::f32(&[3, 2], &[0.0, 6.0, 2.0, 14.0, 6.0, 24.0]));
}
