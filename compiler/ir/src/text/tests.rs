use super::{parse, print, print_short};
use crate::fact::Quant;
use crate::{Attr, Attrs, DType, Dim, Error, Fact, Graph, Known, OpRef, Sample, Tensor};
use std::sync::Arc;

/// A sample as a graph: floats are inputs, integers are constants, as models have them.
fn one_node(op: OpRef, s: &Sample) -> Graph {
    let mut g = Graph::new("sample");
    let mut x = vec![];
    for (i, t) in s.x.iter().enumerate() {
        x.push(t.as_ref().map(|t| match t.dtype().is_float() || t.items().is_some() {
            true => g.add_input(&format!("x{i}"), t.type_fact()),
            false => g.add_const(&format!("const/{i}"), t.clone()),
        }));
    }
    let node = g.add_op("node/0", op, s.attrs.clone(), &x, s.outputs).unwrap();
    for port in 0..s.outputs as u32 {
        g.add_output(&format!("y{port}"), crate::Value { node, port });
    }
    g
}

fn samples(mut f: impl FnMut(&Graph)) {
    for op in crate::ops::OPS {
        for s in op.samples() {
            f(&one_node(OpRef(*op), &s));
        }
    }
}

fn round_trip(g: &Graph) {
    let text = print(g);
    let back = parse(&text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    assert_eq!(print(&back), text);
}

#[test]
fn every_sample_of_every_operator_round_trips() {
    samples(round_trip);
}

#[test]
fn a_graph_reads_as_it_is_documented() {
    let mut g = Graph::new("net");
    let x = g.add_input("x", Fact::new(DType::F32, [Dim::sym("batch"), 3.into()]));
    let w = g.add_const("w", Tensor::f32(&[3, 1], &[1.0, -0.5, 1e-9]));
    let y = g.apply("fc/MatMul", "MatMul", Attrs::new(), &[x, w]).unwrap();
    g.add_output("y", y);
    let want = "graph net {\n  input x: f32[batch,3]\n  w = const f32[3,1] {1.0, -0.5, 1e-9}\n  \
                \"fc/MatMul\" = MatMul(x, w): f32[batch,1]\n  output y = \"fc/MatMul\"\n}\n";
    assert_eq!(print(&g), want);
    round_trip(&g);
}

#[test]
fn node_numbers_do_not_matter() {
    let build = |flip: bool| {
        let mut g = Graph::new("g");
        let x = g.add_input("x", Fact::new(DType::F32, [2.into()]));
        let names = if flip { ["b", "a"] } else { ["a", "b"] };
        let mut v: Vec<_> = names.iter().map(|n| (*n, g.add_const(n, Tensor::f32(&[2], &[1.0, 2.0])))).collect();
        v.sort();
        let y = g.apply("y", "Add", Attrs::new(), &[v[0].1, v[1].1]).unwrap();
        let z = g.apply("z", "Add", Attrs::new(), &[x, y]).unwrap();
        g.add_output("z", z);
        g
    };
    assert_eq!(build(true), build(false));
}

#[test]
fn constants_of_every_type_keep_their_bytes() {
    let mut g = Graph::new("");
    let types = crate::dtype::DTYPES.iter().filter(|d| d.0 != DType::Str);
    for (i, (dtype, ..)) in types.enumerate() {
        for n in [0usize, 3, 40] {
            let bytes = (0..n * dtype.size()).map(|k| (k * 89 + 7 * i) as u8);
            let t = match dtype.bits() {
                8.. => Tensor::from_bytes(*dtype, &[n], bytes.collect::<Vec<_>>().into()).unwrap(),
                _ => Tensor::new(*dtype, &[n], bytes.map(|b| crate::Num::I((b % 8).into()))),
            };
            g.add_const(&format!("{dtype}/{n}"), t);
        }
    }
    let odd = [f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE, 0.1, 16777216.0];
    g.add_const("odd", Tensor::f32(&[6], &odd));
    g.add_const("nan", Tensor::f32(&[], &[f32::from_bits(0xffc0_0001)]));
    g.add_const("narrow", Tensor::floats(DType::F8E5M2, &[4], &[-0.0, 1.25, 57344.0, f64::INFINITY]));
    g.add_const("words", Tensor::of_strings(&[2, 2], ["", "a \"b\"", "\u{e9}\n\u{7f}", "a"]));
    g.add_const("no words", Tensor::of_strings(&[0], [] as [&str; 0]));
    g.add_const("extreme", Tensor::i64(&[2], &[i64::MIN, i64::MAX]));
    round_trip(&g);
    assert!(print_short(&g).contains("const f32[40] #"), "{}", print_short(&g));
}

#[test]
fn sizes_inputs_and_quantization_round_trip() {
    let (n, h) = (Dim::sym("n"), Dim::sym("old len#0"));
    let d = n.clone() * h.clone() * 3.into() - h.div(&2.into()).min_of(&n.rem(&4.into())) + h.max_of(&n) - 7.into();
    let mut g = Graph::new("graph");
    g.add_input("output", Fact::new(DType::F32, [d.clone(), n.clone(), 0.into()]));
    g.add_input("sizes", Fact::dims(vec![d, n]));
    g.add_input("fixed", Tensor::f32(&[1], &[0.5]).fact());
    let mut f = Fact::new(DType::I8, [2.into()]);
    let (scale, zero) = (Tensor::f32(&[2], &[0.5, 0.25]), Tensor::floats(DType::I8, &[2], &[0.0, 3.0]));
    f.quant = Some(Quant { scale: Arc::new(scale), zero: Arc::new(zero), axis: Some(0) });
    let q = g.add_input("q", f);
    let y = g.apply("_", "Relu", Attrs::new(), &[q]).unwrap();
    g.add_output("output", y);
    round_trip(&g);
    let back = parse(&print(&g)).unwrap();
    let facts = |g: &Graph| g.inputs().iter().map(|i| g.node(*i).outputs[0].clone()).collect::<Vec<_>>();
    assert_eq!(facts(&back), facts(&g));
    assert!(matches!(facts(&back)[1].known, Some(Known::Dims(_))));
}

#[test]
fn attributes_of_every_kind_round_trip() {
    let mut inner = Graph::new("body\n\"1\"");
    let x = inner.add_input("x", Fact::new(DType::F32, []));
    inner.add_output("x", x);
    let attrs: Vec<Attr> = vec![
        i64::MIN.into(),
        (-0.0f32).into(),
        1e-38f32.into(),
        f32::NEG_INFINITY.into(),
        f32::from_bits(0x7fc0_0001).into(),
        "a \\ \"quote\"\t\u{1f600}\u{7f}".into(),
        Attr::Ints(vec![]),
        Attr::Ints(vec![-1, 2]),
        Attr::Floats(vec![]),
        Attr::Floats(vec![0.1, f32::NAN]),
        Attr::Strs(vec![]),
        Attr::Strs(vec!["relu".into(), String::new()]),
        Tensor::f32(&[2], &[1.0, 2.0]).into(),
        inner.into(),
        Fact::new(DType::I64, [Dim::sym("n"), 3.into()]).into(),
        Fact::sequence(DType::F32, Some(&Fact::new(DType::F32, [Dim::sym(crate::form::VARIES)]))).into(),
        Fact::sequence(DType::F32, None).optional().into(),
    ];
    for a in attrs {
        let text = format!("{{name={}}}", written(&a));
        let back = super::attrs_of(&text).unwrap_or_else(|e| panic!("{e} in {text}"));
        assert_eq!(back.get("name"), Some(&a), "{text}");
    }
}

fn written(a: &Attr) -> String {
    match a {
        Attr::Graph(g) => print(g),
        a => super::literal::attr(a, super::literal::Detail::Full),
    }
}

#[test]
fn malformed_text_is_refused_and_never_panics() {
    samples(|g| {
        let text = print(g);
        let text = text.trim_end();
        let step = 1 + text.len() / 24;
        for at in (0..text.len()).step_by(step).filter(|at| text.is_char_boundary(*at)) {
            assert!(parse(&text[..at]).is_err(), "{}", &text[..at]);
            for byte in [b"09-"[at % 3], b"\"}_f"[at % 4]] {
                let mut changed = text.to_string().into_bytes();
                changed[at] = byte;
                if let Ok(s) = String::from_utf8(changed) {
                    let _ = parse(&s);
                }
            }
        }
    });
}

#[test]
fn refusals_name_the_line() {
    let line = |s: &str| match parse(s) {
        Err(Error::Text { line, what }) => format!("{line}: {what}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(line("graph g {\n  y = Relu(x)\n}"), "2: no value \"x\" above");
    assert_eq!(line("graph g {\n  input x: f32[2]\n  y = Add(x, x): f32[3]\n}"), {
        "3: result 0 of \"y\" is written f32[3], but infer gives f32[2]"
    });
    assert!(line("graph g {\n  input x: f32[-2]\n}").starts_with("2: size -2"));
    assert_eq!(line("graph g {\n  c = const f4e2m1[1] {2.5}\n}"), "2: \"2.5\" is no f4e2m1");
    assert_eq!(line("graph g {\n  c = const i4[1] {8}\n}"), "2: \"8\" is no i4");
    let deep = format!("graph g {{ input x: f32[{}1]}}", "div(".repeat(5000));
    assert!(line(&deep).contains("nested deeper"));
    let extreme = "graph g { input x: f32[div(-9223372036854775808,-1),mod(n,0),div(-9223372036854775808*n,-1)] }";
    let _ = parse(extreme);
}
