//! The CPU target from graph to results: every stage of the compiler, the artifact, and the runtime.

use dlc_compiler::stages::{self, Imported};
use dlc_compiler::{Options, Target};
use dlc_ir::form::Items;
use dlc_ir::{DType, Graph, Tensor};
use dlc_runtime::{Form, Model, PortInfo, Session, Value};
use std::ops::ControlFlow;

/// Threads of a session.
const THREADS: usize = 2;

/// Compiles a graph, opens the artifact and runs it once.
pub fn run(g: &Graph, x: &[Tensor]) -> Result<Vec<Tensor>, String> {
    run_model(Imported { graph: g.clone(), assumptions: vec![] }, x)
}

/// The same of a model, whose assumptions the program checks.
pub fn run_model(model: Imported, x: &[Tensor]) -> Result<Vec<Tensor>, String> {
    Program::compile(model)?.run(x, THREADS)
}

/// A compiled model.
pub struct Program(Model);

impl Program {
    /// Runs every stage and opens the artifact.
    pub fn compile(model: Imported) -> Result<Self, String> {
        Ok(Self::compile_for(model, &[Options::default().target])?.remove(0))
    }

    /// The same for each of some targets that have artifacts.
    pub fn compile_for(mut model: Imported, targets: &[&'static Target]) -> Result<Vec<Self>, String> {
        let (options, mut watch) = (Options::default(), |_: dlc_compiler::Progress| ControlFlow::Continue(()));
        model.graph = stages::optimize(model.graph, &options, &mut watch).map_err(|e| chain(&e))?;
        targets.iter().map(|target| Self::emit(&model, &Options { target, ..options.clone() })).collect()
    }

    /// Opens the artifact of a model after all stages of graphs.
    pub fn emit(model: &Imported, options: &Options) -> Result<Self, String> {
        let mut watch = |_: dlc_compiler::Progress| ControlFlow::Continue(());
        let artifact = stages::emit(model, options, "artifact", &mut watch).map_err(|e| chain(&e))?;
        Model::from_bytes(artifact.into()).map(Program).map_err(|e| e.to_string())
    }

    /// One run with a session of its own, on this many threads.
    pub fn run(&self, x: &[Tensor], threads: usize) -> Result<Vec<Tensor>, String> {
        self.session(threads)?.run(x)
    }

    /// A session on this many threads, for one run after another.
    pub fn session(&self, threads: usize) -> Result<Running, String> {
        let options = dlc_runtime::Options { threads, max_memory: None };
        let session = Session::new(&self.0, options).map_err(|e| e.to_string())?;
        Ok(Running { model: self.0.clone(), session })
    }
}

/// A session of a compiled model.
pub struct Running {
    model: Model,
    session: Session,
}

impl Running {
    /// One run.
    pub fn run(&mut self, x: &[Tensor]) -> Result<Vec<Tensor>, String> {
        let x: Vec<_> = x.iter().map(to_value).collect::<Result<_, _>>()?;
        let y = self.session.run_values(&x).map_err(|e| e.to_string())?;
        y.iter().zip(self.model.outputs()).map(|(v, p)| from_value(v, &p)).collect()
    }
}

fn to_value(t: &Tensor) -> Result<Value, String> {
    Ok(match t.items() {
        None => Value::Tensor(to_runtime(t)?),
        Some(Items::Sequence(v)) => Value::Sequence(v.iter().map(to_runtime).collect::<Result<_, _>>()?),
        Some(_) => Value::Absent,
    })
}

fn from_value(v: &Value, port: &PortInfo) -> Result<Tensor, String> {
    let dtype = DType::from_onnx(port.dtype.into()).ok_or_else(|| format!("type {}", port.dtype))?;
    Ok(match v {
        Value::Tensor(t) => from_runtime(t)?,
        Value::Sequence(v) => Tensor::sequence(dtype, v.iter().map(from_runtime).collect::<Result<_, _>>()?),
        Value::Absent => Tensor::absent(dtype, port.form == Form::OptionalSequence),
    })
}

fn to_runtime(t: &Tensor) -> Result<dlc_runtime::Tensor, String> {
    let dtype = u8::try_from(t.dtype().to_onnx()).map_err(|e| e.to_string())?;
    dlc_runtime::Tensor::new(dtype, t.shape(), t.bytes().clone()).map_err(|e| e.to_string())
}

fn from_runtime(t: &dlc_runtime::Tensor) -> Result<Tensor, String> {
    let dtype = DType::from_onnx(t.dtype().into()).ok_or_else(|| format!("type {}", t.dtype()))?;
    Tensor::from_bytes(dtype, t.dims(), t.data().clone()).map_err(|e| e.to_string())
}

/// An error and its causes in one line.
fn chain(e: &dyn std::error::Error) -> String {
    match e.source() {
        Some(source) if !e.to_string().contains(&source.to_string()) => format!("{e}: {}", chain(source)),
        _ => e.to_string(),
    }
}
