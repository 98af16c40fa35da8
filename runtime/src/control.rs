//! If and Loop: blocks run by a step.

use crate::arena::{Memory, Span};
use crate::execute::{Run, wrong};
use crate::expr::NONE;
use crate::frame::{Frame, Value, tensor_bytes};
use crate::{Error, Result};
use dlc_artifact::program::*;
use std::sync::Arc;

const I64: DTypeCode = 7;
const BOOL: DTypeCode = 9;

impl<'a> Run<'a, '_> {
    /// Runs one of the blocks of an If.
    pub(crate) fn branch(&mut self, frame: &mut Frame<'a>, i: u32, step: &'a Step) -> Result<()> {
        let Step::If { cond, then, els, inputs, outputs, node } = step else { return Ok(()) };
        let chosen = if flag(frame, *cond, node)? { *then } else { *els };
        let arguments = arguments(frame, inputs)?;
        let (results, inner) = self.block(chosen, frame.symbols.clone(), arguments)?;
        self.deliver(frame, i, outputs, &results, node)?;
        drop(results);
        self.leave(inner);
        Ok(())
    }

    /// Repeats the block of a Loop.
    pub(crate) fn repeat(&mut self, frame: &mut Frame<'a>, i: u32, step: &'a Step) -> Result<()> {
        let Step::Loop { trips, cond, body, carried, captured, outputs, node } = step else { return Ok(()) };
        let trips = trips.map(|b| number(frame, b, node)).transpose()?.unwrap_or(i64::MAX);
        let mut going = cond.map(|b| flag(frame, b, node)).transpose()?.unwrap_or(true);
        let captured = arguments(frame, captured)?;
        let mut values = arguments(frame, carried)?;
        let mut stacks: Vec<Stack> = outputs[carried.len()..].iter().map(|o| Stack::new(o.dtype)).collect();
        let mut iteration = 0;
        while going && iteration < trips {
            let mut inputs = vec![self.scalar(I64, &iteration.to_le_bytes())?, self.scalar(BOOL, &[1])?];
            inputs.extend(values.iter().chain(&captured).cloned());
            let (results, inner) = self.block(*body, frame.symbols.clone(), inputs)?;
            going = results[0].span.bool().ok_or_else(|| wrong(node, "a condition", "nothing"))?;
            let (next, scanned) = results[1..].split_at(values.len());
            let next = next.iter().map(|v| self.keep(v)).collect::<Result<Vec<_>>>()?;
            stacks.iter_mut().zip(scanned).try_for_each(|(s, v)| s.push(self, v, node))?;
            drop(results);
            self.leave(inner);
            self.release(std::mem::replace(&mut values, next));
            iteration += 1;
        }
        for (stack, output) in stacks.into_iter().zip(&outputs[carried.len()..]) {
            values.push(stack.into_value(self, iteration, output.dims.len())?);
        }
        self.deliver(frame, i, outputs, &values, node)?;
        self.release(values);
        Ok(())
    }

    /// Binds and checks the sizes of results, and copies them to the buffers that wait for them.
    fn deliver(&mut self, frame: &mut Frame<'a>, i: u32, to: &[Passed], from: &[Value], node: &str) -> Result<()> {
        let schedule = frame.schedule;
        for &(_, output, axis, symbol) in schedule.results.iter().filter(|r| r.0 == i) {
            let found = from[output].dims[axis];
            frame.bind(symbol, if found == NONE { 0 } else { found }, node)?;
        }
        self.advance(frame, i + 1)?;
        for (k, (to, from)) in to.iter().zip(from).enumerate() {
            let target = frame.tensor(to.buffer, to.dtype, &to.dims)?;
            if target.dims.iter().zip(&from.dims).any(|(t, f)| *f != NONE && t != f) {
                let (expected, found) = (format!("output {k} of shape {:?}", target.dims), format!("{:?}", from.dims));
                return Err(wrong(node, expected, found));
            }
            from.span.copy_to(&target.span);
        }
        Ok(())
    }

    /// A scalar in memory of its own.
    fn scalar(&mut self, dtype: DTypeCode, bytes: &[u8]) -> Result<Value> {
        let span = self.room(bytes.len())?;
        span.fill(bytes);
        Ok(Value { dtype, dims: vec![], span })
    }

    /// The value in memory of its own, which outlives the block that made it.
    fn keep(&mut self, value: &Value) -> Result<Value> {
        let span = self.room(value.span.len())?;
        value.span.copy_to(&span);
        Ok(Value { span, ..value.clone() })
    }

    fn room(&mut self, bytes: usize) -> Result<Span> {
        span(self.state.arena.take(bytes as u64)?, bytes)
    }

    fn release(&mut self, values: Vec<Value>) {
        values.into_iter().for_each(|v| self.state.arena.give(v.span.into_memory()));
    }
}

fn span(memory: Arc<Memory>, bytes: usize) -> Result<Span> {
    Span::new(memory, 0, bytes).ok_or_else(|| crate::tensor::out_of_memory("allocate memory"))
}

fn arguments(frame: &Frame<'_>, passed: &[Passed]) -> Result<Vec<Value>> {
    passed.iter().map(|p| frame.tensor(p.buffer, p.dtype, &p.dims)).collect()
}

fn flag(frame: &Frame<'_>, buffer: BufId, node: &str) -> Result<bool> {
    frame.span(buffer)?.bool().ok_or_else(|| wrong(node, "a condition", "a buffer of no bytes"))
}

fn number(frame: &Frame<'_>, buffer: BufId, node: &str) -> Result<i64> {
    frame.span(buffer)?.i64(0).ok_or_else(|| wrong(node, "a number of iterations", "a buffer of less than 8 bytes"))
}

/// Values of a scanned output, one after another.
struct Stack {
    dtype: DTypeCode,
    /// Shape of each, once there is one.
    dims: Option<Vec<i64>>,
    memory: Option<Arc<Memory>>,
    len: usize,
}

impl Stack {
    fn new(dtype: DTypeCode) -> Self {
        Stack { dtype, dims: None, memory: None, len: 0 }
    }

    fn push(&mut self, run: &mut Run<'_, '_>, value: &Value, node: &str) -> Result<()> {
        let dims = self.dims.get_or_insert_with(|| value.dims.clone());
        if *dims != value.dims {
            let expected = format!("scanned values of one shape, {dims:?}");
            return Err(wrong(node, expected, format!("{:?}", value.dims)));
        }
        let end = self.len.saturating_add(value.span.len());
        self.grow(run, end)?;
        let room = self.memory.clone().and_then(|m| Span::new(m, self.len, value.span.len()));
        value.span.copy_to(&room.ok_or_else(too_long)?);
        self.len = end;
        Ok(())
    }

    /// Makes room for `end` bytes, and for as many more when it must move.
    fn grow(&mut self, run: &mut Run<'_, '_>, end: usize) -> Result<()> {
        if self.memory.as_ref().is_some_and(|m| m.len() >= end) {
            return Ok(());
        }
        let wanted = if self.memory.is_some() { end.saturating_mul(2) } else { end };
        let new = run.state.arena.take(wanted as u64)?;
        if let Some(old) = self.memory.replace(new.clone()) {
            span(old.clone(), self.len)?.copy_to(&span(new, self.len)?);
            run.state.arena.give(old);
        }
        Ok(())
    }

    /// The stack of `iterations` values as a tensor of rank `rank`. Without any, all sizes but the first are [`NONE`].
    fn into_value(mut self, run: &mut Run<'_, '_>, iterations: i64, rank: usize) -> Result<Value> {
        self.grow(run, 0)?;
        let each = self.dims.unwrap_or_else(|| vec![NONE; rank.saturating_sub(1)]);
        let dims: Vec<i64> = std::iter::once(iterations).chain(each).collect();
        let bytes = if iterations == 0 { Some(0) } else { tensor_bytes(self.dtype, &dims) };
        let bytes = bytes.filter(|n| *n == self.len).ok_or_else(too_long)?;
        Ok(Value { dtype: self.dtype, dims, span: span(self.memory.ok_or_else(too_long)?, bytes)? })
    }
}

fn too_long() -> Error {
    crate::tensor::out_of_memory("stack the values of a loop")
}
