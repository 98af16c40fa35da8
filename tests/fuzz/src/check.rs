//! One graph, run in every way.

use crate::stability::differs;
use dlc_compiler::{Options, stages};
use dlc_ir::lower::{self, Lowering};
use dlc_ir::{DType, Dim, Fact, Graph, Tensor, interp, text, verify};
use dlc_runtime as rt;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// What a graph is put through beside the text form and all stages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    /// Written as ONNX and read again.
    pub onnx: bool,
    /// Compiled for the processor, with one thread and with two.
    pub cpu: bool,
    /// Every node by its lowering.
    pub lowering: bool,
    /// Seed of a random choice from the e-graph; else the cheapest.
    pub random: Option<u64>,
}

impl Ways {
    /// All of them.
    pub const ALL: Ways = Ways { onnx: true, cpu: true, lowering: true, random: None };
}

type Check = Result<(), String>;

/// Says which way of running the graph differs from the oracle's, a panic included.
pub fn check(g: &Graph, inputs: &[Tensor], ways: Ways) -> Check {
    guarded("oracle", || verify::verify(g).map_err(|e| e.to_string()))?;
    let expected = guarded("oracle", || interp::run(g, inputs).map_err(|e| e.to_string()))?;
    let same = |found: Result<Vec<Tensor>, String>| match differs(g, inputs, &expected, &found?) {
        Some(e) => Err(e),
        None => Ok(()),
    };
    guarded("text", || in_text(g))?;
    if ways.lowering {
        guarded("lowering", || lowered(g, inputs))?;
    }
    if ways.onnx {
        guarded("onnx", || same(through_onnx(g, inputs)))?;
    }
    let optimized = guarded("stages", || optimize(g, ways.random))?;
    guarded("stages", || same(interp::run(&optimized, inputs).map_err(|e| e.to_string())))?;
    if ways.cpu {
        guarded("cpu without stages", || same(compiled(g, inputs)))?;
        guarded("cpu", || same(compiled(&optimized, inputs)))?;
    }
    Ok(())
}

fn in_text(g: &Graph) -> Check {
    let once = text::print(g);
    let back = text::parse(&once).map_err(|e| e.to_string())?;
    match text::print(&back) == once {
        true => Ok(()),
        false => Err("the text form does not print as it was parsed".into()),
    }
}

fn through_onnx(g: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let bytes = dlc_onnx::export(g).map_err(|e| e.to_string())?;
    let options = dlc_onnx::LoadOptions::default();
    let model = dlc_onnx::load_bytes(bytes.into(), None, &options).map_err(|e| e.to_string())?;
    interp::run(&model.graph, inputs).map_err(|e| e.to_string())
}

/// The graph after all stages, the search kept short.
pub fn optimize(g: &Graph, random: Option<u64>) -> Result<Graph, String> {
    let mut options = Options::default();
    options.saturation.limits.growth = 2;
    options.saturation.limits.rounds = 4;
    options.saturation.limits.matches = 100;
    if let Some(seed) = random {
        options.saturation.extract = dlc_compiler::Extract::Random(seed);
    }
    stages::optimize(g.clone(), &options, &mut |_| ControlFlow::Continue(())).map_err(|e| e.to_string())
}

/// Every node by its lowering, from the oracle's operands, with sizes as they are and as symbols.
fn lowered(g: &Graph, inputs: &[Tensor]) -> Check {
    let mut failed = None;
    let mut values: HashMap<dlc_ir::Value, Tensor> = HashMap::new();
    for (id, t) in g.inputs().iter().zip(inputs) {
        values.insert(dlc_ir::Value { node: *id, port: 0 }, t.clone());
    }
    let order = g.topo().map_err(|e| e.to_string())?;
    interp::run_with(g, inputs, &mut |id, y| {
        for (port, t) in y.iter().enumerate() {
            values.insert(dlc_ir::Value { node: id, port: port as u32 }, t.clone());
        }
    })
    .map_err(|e| e.to_string())?;
    let mut env = sizes(g, inputs);
    for id in order {
        let node = g.node(id);
        for (port, f) in node.outputs.iter().enumerate() {
            let t = values.get(&dlc_ir::Value { node: id, port: port as u32 });
            for (d, n) in f.shape.iter().zip(t.map_or(&[][..], |t| t.shape())) {
                if let Some(s) = d.as_sym() {
                    env.entry(s.into()).or_insert(*n as i64);
                }
            }
        }
        let Some((op, ctx)) = node.ctx() else { continue };
        let x: Vec<Option<Tensor>> = g.operands(id).iter().map(|v| v.map(|v| values[&v].clone())).collect();
        let facts = g.operand_facts(id);
        let l = op.lowering(&ctx, &facts, &node.outputs).map_err(|e| format!("{}: {e}", node.name))?;
        if matches!(l, Lowering::Control) {
            continue;
        }
        let tensors: Vec<Option<&Tensor>> = x.iter().map(Option::as_ref).collect();
        let got = lower::eval::run(&l, &tensors, &node.outputs, &mut env).map_err(|e| format!("{}: {e}", node.name))?;
        let (one, given) = single(g, id, &x)?;
        let want = interp::run(&one, &given).map_err(|e| e.to_string())?;
        failed = failed.or(differs(&one, &given, &want, &got).map(|e| format!("{}: {e}", node.name)));
    }
    failed.map_or(Ok(()), Err)
}

/// A node as a graph of its own.
fn single(g: &Graph, id: dlc_ir::NodeId, x: &[Option<Tensor>]) -> Result<(Graph, Vec<Tensor>), String> {
    let node = g.node(id);
    let (op, attrs) = node.op().ok_or("no operator")?;
    let mut one = Graph::new("node");
    let mut given = vec![];
    let mut operands = vec![];
    for (i, t) in x.iter().enumerate() {
        operands.push(t.as_ref().map(|t| match t.dtype().is_float() {
            true => {
                given.push(t.clone());
                one.add_input(&format!("x{i}"), t.type_fact())
            }
            false => one.add_const(&format!("x{i}"), t.clone()),
        }));
    }
    let n = one.add_op(&node.name, op, attrs.clone(), &operands, node.outputs.len()).map_err(|e| e.to_string())?;
    for port in 0..node.outputs.len() as u32 {
        one.add_output(&format!("y{port}"), dlc_ir::Value { node: n, port });
    }
    Ok((one, given))
}

/// Values of the symbols of the inputs' sizes.
pub fn sizes(g: &Graph, inputs: &[Tensor]) -> HashMap<String, i64> {
    let facts = g.inputs().iter().map(|id| &g.node(*id).outputs[0]);
    let one = |(f, t): (&Fact, &Tensor)| -> Vec<(Dim, i64)> {
        f.shape.iter().cloned().zip(t.shape().iter().map(|n| *n as i64)).collect()
    };
    let all = facts.zip(inputs).flat_map(one);
    all.filter_map(|(d, n)| d.as_sym().map(|s| (s.to_string(), n))).collect()
}

/// Outputs of the compiled graph; an error when the number of threads changes them.
pub fn compiled(g: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let c = dlc_cpu::compile(g, &dlc_cpu::Options::default()).map_err(|e| e.to_string())?;
    let image = c.artifact.to_image().map_err(|e| e.to_string())?;
    let model = rt::Model::from_image(image).map_err(|e| e.to_string())?;
    let give = |t: &Tensor| rt::Tensor::new(t.dtype().to_onnx() as u8, t.shape(), t.bytes().clone());
    let given: Result<Vec<rt::Tensor>, _> = inputs.iter().map(give).collect();
    let given = given.map_err(|e| e.to_string())?;
    let run = |threads: usize| -> Result<Vec<Tensor>, String> {
        let options = rt::Options { threads, ..Default::default() };
        let mut session = rt::Session::new(&model, options).map_err(|e| e.to_string())?;
        session.run(&given).map_err(|e| e.to_string())?.iter().map(take).collect()
    };
    let (one, two) = (run(1)?, run(2)?);
    match one == two {
        true => Ok(one),
        false => Err("two threads give another result than one".into()),
    }
}

fn take(t: &rt::Tensor) -> Result<Tensor, String> {
    let dtype = DType::from_onnx(t.dtype() as i32).ok_or("an output of an unknown type")?;
    Tensor::from_bytes(dtype, t.dims(), t.data().clone()).map_err(|e| e.to_string())
}

thread_local!(static GUARDED: Cell<bool> = const { Cell::new(false) });

/// A panic as a failure that says so.
pub fn guarded<T>(way: &str, f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                loud(info);
            }
        }));
    });
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    GUARDED.set(before);
    let result = result.unwrap_or_else(|p| {
        let text = p.downcast_ref::<String>().cloned().or(p.downcast_ref::<&str>().map(|s| s.to_string()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    result.map_err(|e| format!("{way}: {e}"))
}
