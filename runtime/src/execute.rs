//! Runs the steps of a block.

use crate::arena::Memory;
use crate::code::{Arguments, Claims, Kernel, SharedCall, call};
use crate::frame::{Frame, Value};
use crate::model::Loaded;
use crate::plan::{plan, room};
use crate::session::State;
use crate::{Error, Result, Tensor, Trace};
use dlc_artifact::program::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Chunks that each thread gets of a call, so that a late one leaves its share to others.
pub(crate) const CHUNKS: i64 = 4;

/// A run of a model.
pub(crate) struct Run<'a, 't> {
    pub(crate) model: &'a Loaded,
    pub(crate) state: &'a mut State,
    trace: Option<&'t mut dyn FnMut(Trace<'_>)>,
    /// When the run began.
    began: Instant,
    /// Bytes of arenas of inner blocks now.
    inner: u64,
    /// Arguments of the call being made.
    pointers: Vec<*mut u8>,
    integers: Vec<i64>,
}

impl<'a, 't> Run<'a, 't> {
    pub(crate) fn new(model: &'a Loaded, state: &'a mut State, trace: Option<&'t mut dyn FnMut(Trace<'_>)>) -> Self {
        Run { model, state, trace, began: Instant::now(), inner: 0, pointers: vec![], integers: vec![] }
    }

    /// Runs a block on `inputs`, with the symbols that the surroundings know. Its results are in the memory of the frame,
    /// to be given back ([`Run::leave`]) when they have been copied.
    pub(crate) fn block(
        &mut self,
        id: BlockId,
        symbols: Vec<i64>,
        inputs: Vec<Value>,
    ) -> Result<(Vec<Value>, Frame<'a>)> {
        let mut frame = Frame::new(self.model, id, symbols, inputs)?;
        self.advance(&mut frame, 0)?;
        for (i, step) in frame.block.steps.iter().enumerate() {
            self.step(&mut frame, i as u32, step)?;
        }
        let outputs = frame.block.outputs.iter().map(|p| frame.tensor(p.buffer, p.dtype, &p.dims));
        Ok((outputs.collect::<Result<_>>()?, frame))
    }

    /// Gives the memory of a block back.
    pub(crate) fn leave(&mut self, frame: Frame<'_>) {
        let Frame { memories, inputs, placed, id, .. } = frame;
        if id != 0 {
            self.inner -= placed;
        }
        let given = inputs.into_iter().map(|v| v.span.into_memory());
        let own = memories.into_iter();
        // Inputs first: of what both name, only the last is free.
        given.chain(own).for_each(|m| self.state.arena.give(m));
    }

    pub(crate) fn output(&self, value: &Value) -> Result<Tensor> {
        self.state.output(value)
    }

    fn step(&mut self, frame: &mut Frame<'a>, i: u32, step: &'a Step) -> Result<()> {
        match step {
            Step::Call(c) if self.trace.is_some() => self.timed_call(frame, i as usize, c),
            Step::Call(c) => self.call(frame, c),
            Step::Chain { calls, pieces } => self.chain(frame, i as usize, calls, *pieces),
            Step::Bind { symbol, buffer, index, node } => {
                let value = frame.span(*buffer)?.i64(*index as usize);
                let found = || value.map_or("no such element".into(), |v| v.to_string());
                let size = value.filter(|v| *v >= 0).ok_or_else(|| wrong(node, "a size of 0 or more", found()))?;
                frame.bind(*symbol, size, node)?;
                self.advance(frame, i + 1)
            }
            Step::If { .. } => self.branch(frame, i, step),
            Step::Loop { .. } => self.repeat(frame, i, step),
        }
    }

    /// Evaluates, checks and places all that is known at `time`.
    pub(crate) fn advance(&mut self, frame: &mut Frame<'a>, time: u32) -> Result<()> {
        let schedule = frame.schedule;
        while let Some(stage) = schedule.stages.get(frame.stage).filter(|s| s.time <= time) {
            frame.evaluate(&stage.exprs);
            if stage.time == 0 {
                frame.check_inputs()?;
            }
            stage.asserts.iter().try_for_each(|k| frame.check_assert(&frame.block.asserts[*k]))?;
            self.place(frame)?;
            frame.stage += 1;
        }
        Ok(())
    }

    /// Gives the buffers of the frame's next stage their places.
    fn place(&mut self, frame: &mut Frame<'a>) -> Result<()> {
        let stage = &frame.schedule.stages[frame.stage];
        let name = |b: BufId| format!("block {} (`{}`), buffer {b}", frame.id, frame.block.name);
        let size = |b: &BufId| frame.size(frame.block.buffers[*b as usize].bytes, || name(*b));
        let sizes = stage.buffers.iter().map(size).collect::<Result<Vec<_>>>()?;
        let placed = stage.buffers.iter().zip(&sizes).filter(|(b, _)| is_arena(frame, **b));
        let rooms: Vec<u64> = placed.map(|(b, n)| room(frame.size_of(*b), *n as u64)).collect();
        let plans = &mut self.state.plans[frame.id][frame.stage];
        let plan = plans.get(&rooms, || plan(frame.block, stage, &rooms));
        let arena = frame.memories.len();
        if !stage.arena.is_empty() {
            frame.memories.push(self.state.arena.take(plan.arena)?);
            self.count(frame, plan.arena);
        }
        let mut offsets = plan.offsets.iter();
        for (&b, &bytes) in stage.buffers.iter().zip(&sizes) {
            match frame.block.buffers[b as usize].home {
                Home::Arena { .. } => frame.put(b, arena, offsets.next().map_or(0, |o| *o as usize), bytes)?,
                Home::Const(at) => frame.put(b, 0, at as usize, bytes)?,
                Home::Alias(of) => frame.put_alias(b, of, bytes)?,
                Home::Input(k) => frame.put_input(b, k as usize, bytes)?,
                Home::Thread => frame.put_thread(b, bytes),
            }
        }
        Ok(())
    }

    fn count(&mut self, frame: &mut Frame<'_>, bytes: u64) {
        frame.placed += bytes;
        let stats = &mut self.state.stats;
        if frame.id == 0 {
            stats.arena_bytes = frame.placed;
        } else {
            self.inner += bytes;
            stats.inner_bytes = stats.inner_bytes.max(self.inner);
        }
    }

    fn timed_call(&mut self, frame: &Frame<'_>, i: usize, c: &Call) -> Result<()> {
        let start = Instant::now();
        self.call(frame, c)?;
        let nanoseconds = nanoseconds(start.elapsed());
        self.tell(frame, i, c, nanoseconds_between(self.began, start), nanoseconds);
        Ok(())
    }

    /// Tells of a call that took so long.
    pub(crate) fn tell(&mut self, frame: &Frame<'_>, step: usize, c: &Call, start: u64, nanoseconds: u64) {
        let Some(trace) = &mut self.trace else { return };
        let mut distinct = c.buffers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        trace(Trace {
            node: &c.node,
            function: &self.model.program.functions[c.function as usize].name,
            step,
            block: &frame.block.name,
            start,
            nanoseconds,
            operations: frame.value(c.operations, || format!("node `{}`", c.node)).map_or(0, |n| n.max(0) as u64),
            bytes: distinct.iter().map(|b| frame.spots[*b as usize].bytes as u64).sum(),
        });
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        nanoseconds(self.began.elapsed())
    }

    fn call(&mut self, frame: &Frame<'_>, c: &Call) -> Result<()> {
        let place = || format!("node `{}`", c.node);
        let work = frame.size(c.work, place)? as i64;
        let (grain, scratch) = (frame.value(c.grain, place)?.max(1), frame.size(c.scratch, place)?);
        if work == 0 {
            return Ok(());
        }
        self.pointers.clear();
        self.pointers.extend(c.buffers.iter().map(|b| frame.spots[*b as usize].address));
        self.integers.clear();
        for &e in &c.args {
            self.integers.push(frame.value(e, place)?);
        }
        self.reserve_scratch(scratch as u64)?;
        self.split(self.model.kernel(c.function)?, work, grain);
        Ok(())
    }

    /// Calls the kernel for all of the work: here, or in chunks that threads claim.
    fn split(&mut self, kernel: Kernel, work: i64, grain: i64) {
        let threads = (self.state.pool.threads() as i64).min(work / grain).max(1);
        if threads == 1 {
            let with = Arguments { buffers: &self.pointers, args: &self.integers };
            return call(&self.model.code, kernel, &with, 0..work, &self.state.scratch[0]);
        }
        let shared = SharedCall {
            code: self.model.code.clone(),
            kernel,
            buffers: self.pointers.clone(),
            args: self.integers.clone(),
            claims: Claims::new(work, grain.max((work - 1) / (threads * CHUNKS) + 1), threads),
            scratch: self.state.scratch.clone(),
        };
        self.state.pool.run(&Arc::new(shared), threads as usize);
    }

    /// Gives each thread at least `bytes` bytes.
    pub(crate) fn reserve_scratch(&mut self, bytes: u64) -> Result<()> {
        let State { scratch, arena, pool, .. } = &mut *self.state;
        let enough = |m: &Arc<Memory>| m.len() as u64 >= bytes;
        if scratch.len() == pool.threads() && scratch.iter().all(enough) {
            return Ok(());
        }
        scratch.drain(..).for_each(|m| arena.give(m));
        // Kept only if all threads get theirs: a thread's number is the index of its memory.
        *scratch = (0..pool.threads()).map(|_| arena.take(bytes)).collect::<Result<_>>()?;
        Ok(())
    }
}

fn nanoseconds(t: Duration) -> u64 {
    u64::try_from(t.as_nanos()).unwrap_or(u64::MAX)
}

fn nanoseconds_between(from: Instant, to: Instant) -> u64 {
    nanoseconds(to.saturating_duration_since(from))
}

fn is_arena(frame: &Frame<'_>, buffer: BufId) -> bool {
    matches!(frame.block.buffers[buffer as usize].home, Home::Arena { .. })
}

pub(crate) fn wrong(node: &str, expected: impl ToString, found: impl ToString) -> Error {
    Error::Node { node: node.into(), expected: expected.to_string(), found: found.to_string() }
}
