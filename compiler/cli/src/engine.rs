//! What runs a model: the oracle, or a compiled program.

use crate::failure::{Doing, Failure, Result};
use dlc_compiler::sizes;
use dlc_compiler::stages::Imported;
use dlc_ir::form::{Items, Rank};
use dlc_ir::{DType, Dim, Fact, Form, Tensor, budget, interp};
use dlc_runtime::{Model, Options, PortInfo, Session, Trace, Value};
use std::path::Path;

/// A model ready to run.
pub enum Engine {
    /// A graph that is interpreted, and what it is called on.
    Oracle(Box<Imported>, Vec<Tensor>),
    /// A compiled program, and what it is called on.
    Program(Box<Session>, Vec<Value>),
}

impl Engine {
    /// Interprets a graph.
    pub fn oracle(model: Imported) -> Engine {
        Engine::Oracle(Box::new(model), vec![])
    }

    /// Opens an artifact.
    pub fn open(path: &Path, threads: usize) -> Result<Engine> {
        let doing = || format!("loading {}", path.display());
        Engine::session(&Model::open(path).doing(doing)?, threads).doing(doing)
    }

    /// Loads the bytes of an artifact.
    pub fn load(bytes: Vec<u8>, threads: usize) -> Result<Engine> {
        let doing = || "loading the compiled program".into();
        Engine::session(&Model::from_bytes(bytes.into()).doing(doing)?, threads)
    }

    fn session(model: &Model, threads: usize) -> Result<Engine> {
        let session = Session::new(model, Options { threads, max_memory: Some(budget::limits().bytes) });
        Ok(Engine::Program(Box::new(session.doing(|| format!("starting {threads} threads"))?), vec![]))
    }

    /// Name for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Oracle(..) => "reference",
            Engine::Program(..) => "program",
        }
    }

    /// Names and facts of the inputs, in order. A size that is an expression is a symbol of that name.
    pub fn inputs(&self) -> Result<Vec<(String, Fact)>> {
        match self {
            Engine::Oracle(m, _) => Ok(sizes::inputs(&m.graph)),
            Engine::Program(s, _) => s.model().inputs().iter().map(port).collect(),
        }
    }

    /// Names of the outputs, in order.
    pub fn outputs(&self) -> Vec<String> {
        match self {
            Engine::Oracle(m, _) => m.graph.outputs().iter().map(|o| o.0.clone()).collect(),
            Engine::Program(s, _) => s.model().outputs().into_iter().map(|p| p.name).collect(),
        }
    }

    /// Bytes of the arena of the last call, for what is compiled.
    pub fn arena_bytes(&self) -> Option<u64> {
        match self {
            Engine::Oracle(..) => None,
            Engine::Program(s, _) => Some(s.stats().arena_bytes),
        }
    }

    /// Results for these inputs, in order.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        self.bind(inputs)?;
        self.call()
    }

    /// Says what [`Engine::call`] is called on. What can be done once is done here.
    pub fn bind(&mut self, inputs: &[Tensor]) -> Result<()> {
        match self {
            Engine::Oracle(m, x) => {
                let ports = sizes::inputs(&m.graph);
                sizes::check(&m.assumptions, &ports, inputs).doing(|| "taking inputs".into())?;
                *x = inputs.to_vec();
            }
            Engine::Program(_, x) => *x = inputs.iter().map(to_value).collect::<Result<_>>()?,
        }
        Ok(())
    }

    /// Calls a compiled program, telling `each` of every step; refuses what is interpreted.
    pub fn profile(&mut self, each: &mut dyn FnMut(Trace<'_>)) -> Result<()> {
        match self {
            Engine::Oracle(..) => {
                let what = "the reference is interpreted and has no steps: profile a compiled target";
                Err(Failure::usage(what))
            }
            Engine::Program(s, x) => s.run_values_profiled(x, each).map(drop).doing(|| "running the program".into()),
        }
    }

    /// Results for the inputs bound, in order.
    pub fn call(&mut self) -> Result<Vec<Tensor>> {
        match self {
            Engine::Oracle(m, x) => interp::run(&m.graph, x).doing(|| "running the reference".into()),
            Engine::Program(s, x) => {
                let y = s.run_values(x).doing(|| "running the program".into())?;
                y.iter().zip(s.model().outputs()).map(|(v, p)| from_value(v, &p)).collect()
            }
        }
    }
}

/// The fact of an input or output of a compiled program.
pub fn port(p: &PortInfo) -> Result<(String, Fact)> {
    let dim = |d: &String| d.parse::<i64>().map_or_else(|_| Dim::sym(d), Dim::from);
    let rank = if p.ranked { Rank::Known } else { Rank::Open };
    let form = match p.form {
        dlc_runtime::Form::Tensor => Form::Dense,
        dlc_runtime::Form::Sequence => Form::Sequence(rank),
        dlc_runtime::Form::Optional => Form::Optional(rank),
        dlc_runtime::Form::OptionalSequence => Form::OptionalSequence(rank),
    };
    Ok((p.name.clone(), Fact { form, ..Fact::new(dtype(p.dtype)?, p.dims.iter().map(dim)) }))
}

fn dtype(code: u8) -> Result<DType> {
    DType::from_onnx(code.into()).ok_or_else(|| Failure::data(format!("element type {code} is unknown")))
}

fn to_value(t: &Tensor) -> Result<Value> {
    Ok(match t.items() {
        None => Value::Tensor(to_runtime(t)?),
        Some(Items::Sequence(v)) => Value::Sequence(v.iter().map(to_runtime).collect::<Result<_>>()?),
        Some(_) => Value::Absent,
    })
}

fn from_value(v: &Value, p: &PortInfo) -> Result<Tensor> {
    Ok(match v {
        Value::Tensor(t) => from_runtime(t)?,
        Value::Sequence(v) => Tensor::sequence(dtype(p.dtype)?, v.iter().map(from_runtime).collect::<Result<_>>()?),
        Value::Absent => Tensor::absent(dtype(p.dtype)?, p.form == dlc_runtime::Form::OptionalSequence),
    })
}

/// The tensor in memory that is aligned as programs expect.
fn to_runtime(t: &Tensor) -> Result<dlc_runtime::Tensor> {
    let doing = || "passing inputs".into();
    let aligned = dlc_runtime::Tensor::of::<u8>(&[t.bytes().len()], t.bytes()).doing(doing)?;
    let dtype = t.dtype().to_onnx() as u8;
    dlc_runtime::Tensor::new(dtype, t.shape(), aligned.data().clone()).doing(doing)
}

fn from_runtime(t: &dlc_runtime::Tensor) -> Result<Tensor> {
    Tensor::from_bytes(dtype(t.dtype())?, t.dims(), t.data().clone()).doing(|| "taking outputs".into())
}
