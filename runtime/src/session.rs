//! A session: a model with memory and threads to run it.

use crate::arena::{Arena, Budget, Memory, Span};
use crate::execute::Run;
use crate::expr::NONE;
use crate::frame::Value;
use crate::plan::Plans;
use crate::pool::Pool;
use crate::tensor::{ALIGN, AlignedVec};
use crate::value::Value as Given;
use crate::{Error, Model, PortInfo, Result, Tensor};
use dlc_artifact::program::{Border, TENSOR};
use std::sync::Arc;

/// How a session runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Threads that share the work, the one that calls [`Session::run`] included; 0 is one for each processor.
    pub threads: usize,
    /// Most bytes of memory that the session may have at a time: arenas, copies of inputs, outputs while they are made.
    /// Constants are not counted. A run that needs more fails. `None` is no limit.
    pub max_memory: Option<u64>,
}

/// What the latest run needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of the model's arena.
    pub arena_bytes: u64,
    /// Most bytes of arenas of inner blocks (of If and Loop) at a time.
    pub inner_bytes: u64,
    /// Bytes of memory that the session keeps.
    pub held_bytes: u64,
}

/// One step of a run.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// Nodes of the model that the step computes.
    pub node: &'a str,
    /// Function that was called.
    pub function: &'a str,
    /// Index of the step in its block.
    pub step: usize,
    /// Name of the block: that of the model, or of a body of an If or Loop.
    pub block: &'a str,
    /// When it began, in nanoseconds from the first step of the run.
    pub start: u64,
    /// How long it took.
    pub nanoseconds: u64,
    /// Arithmetic operations on elements; 0 where they are not known.
    pub operations: u64,
    /// Bytes of the buffers it reads or writes, each counted once.
    pub bytes: u64,
}

/// A model with memory and threads, which it keeps from run to run.
pub struct Session {
    model: Model,
    pub(crate) state: State,
}

/// What a session keeps.
pub(crate) struct State {
    pub(crate) arena: Arena,
    pub(crate) pool: Pool,
    /// Memory of each thread.
    pub(crate) scratch: Vec<Arc<Memory>>,
    /// By block and stage.
    pub(crate) plans: Vec<Vec<Plans>>,
    pub(crate) stats: Stats,
}

impl Session {
    /// A session of `model`.
    pub fn new(model: &Model, options: Options) -> Result<Self> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
            n => n,
        };
        let stages = |b: &crate::schedule::BlockSchedule| b.stages.iter().map(|_| Plans::default()).collect();
        let state = State {
            arena: Arena::new(Budget::new(options.max_memory)),
            pool: Pool::new(threads)?,
            scratch: vec![],
            plans: model.loaded.schedule.iter().map(stages).collect(),
            stats: Stats::default(),
        };
        Ok(Session { model: model.clone(), state })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What the latest run needed.
    pub fn stats(&self) -> Stats {
        Stats { held_bytes: self.state.arena.budget().used(), ..self.state.stats }
    }

    /// Runs the model on its inputs, in the order of [`Model::inputs`]; gives its outputs, in that of [`Model::outputs`].
    /// Of a model whose inputs and outputs are tensors.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        if self.has_forms() {
            let inputs: Vec<Given> = inputs.iter().cloned().map(Given::Tensor).collect();
            let ports = self.model.outputs();
            let tensor = |(v, p): (Given, &PortInfo)| v.unpack(&tensor_border(p)).map(|mut t| t.remove(0));
            return self.run_values(&inputs)?.into_iter().zip(&ports).map(tensor).collect();
        }
        self.run_traced(inputs, None)
    }

    /// The same of a model whose inputs and outputs may be sequences and optionals.
    pub fn run_values(&mut self, inputs: &[Given]) -> Result<Vec<Given>> {
        self.values(inputs, None)
    }

    /// As [`Session::run_values`], telling `each` of every call of a function, in the order of the calls.
    pub fn run_values_profiled(&mut self, inputs: &[Given], each: &mut dyn FnMut(Trace<'_>)) -> Result<Vec<Given>> {
        self.values(inputs, Some(each))
    }

    fn values(&mut self, inputs: &[Given], trace: Option<&mut dyn FnMut(Trace<'_>)>) -> Result<Vec<Given>> {
        let loaded = self.model.loaded.clone();
        let (wanted, given) = (borders(&loaded.program.inputs, &self.model.inputs()), &loaded.program.outputs);
        let given = borders(given, &self.model.outputs());
        if wanted.len() != inputs.len() {
            return Err(Error::InputCount { expected: wanted.len(), found: inputs.len() });
        }
        let flat = inputs.iter().zip(&wanted).map(|(v, b)| v.unpack(b)).collect::<Result<Vec<_>>>()?;
        let mut flat = self.run_traced(&flat.concat(), trace)?;
        given.iter().map(|b| Given::pack(b, &flat.drain(..b.parts()).collect::<Vec<_>>())).collect()
    }

    fn has_forms(&self) -> bool {
        let program = &self.model.loaded.program;
        !(program.inputs.is_empty() && program.outputs.is_empty())
    }

    /// As [`Session::run`], telling `each` how long every call of a function took, in the order of the calls.
    pub fn run_profiled(&mut self, inputs: &[Tensor], each: &mut dyn FnMut(Trace<'_>)) -> Result<Vec<Tensor>> {
        self.run_traced(inputs, Some(each))
    }

    fn run_traced(&mut self, inputs: &[Tensor], trace: Option<&mut dyn FnMut(Trace<'_>)>) -> Result<Vec<Tensor>> {
        self.state.stats = Stats::default();
        let values = inputs.iter().map(|t| self.state.input(t)).collect::<Result<Vec<_>>>()?;
        let symbols = vec![NONE; self.model.loaded.program.symbols.len()];
        let mut run = Run::new(&self.model.loaded, &mut self.state, trace);
        let (results, frame) = run.block(0, symbols, values)?;
        let outputs = results.iter().map(|v| run.output(v)).collect();
        drop(results);
        run.leave(frame);
        outputs
    }
}

/// What the inputs or outputs are made of, also where all are tensors.
fn borders(own: &[Border], ports: &[PortInfo]) -> Vec<Border> {
    if own.is_empty() { ports.iter().map(tensor_border).collect() } else { own.to_vec() }
}

/// A border that one tensor crosses.
fn tensor_border(p: &PortInfo) -> Border {
    Border { name: p.name.clone(), form: TENSOR, dtype: p.dtype, dims: None }
}

impl State {
    /// An input where code can read it.
    fn input(&mut self, tensor: &Tensor) -> Result<Value> {
        let data = tensor.data();
        let dims = tensor.dims().iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect();
        let memory = if (data.as_ptr() as usize).is_multiple_of(ALIGN) {
            Arc::new(Memory::of(data.clone()))
        } else {
            self.arena.take(data.len() as u64)?
        };
        let span = Span::new(memory, 0, data.len()).ok_or_else(|| crate::tensor::out_of_memory("copy an input"))?;
        if span.address().cast_const() != data.as_ptr() {
            span.fill(data);
        }
        Ok(Value { dtype: tensor.dtype(), dims, span })
    }

    /// An output with memory of its own.
    pub(crate) fn output(&self, value: &Value) -> Result<Tensor> {
        let _room = self.arena.budget().reserve(value.span.len() as u64)?;
        let mut out = AlignedVec::with_len(value.span.len())?;
        value.span.append_to(&mut out.bytes);
        let dims: Vec<usize> = value.dims.iter().map(|d| *d as usize).collect();
        Tensor::new(value.dtype, &dims, out.into_bytes())
    }
}
