//! A block while it runs: what its symbols, sizes and buffers are.

use crate::arena::{Memory, Span};
use crate::expr::{NONE, eval, text};
use crate::model::Loaded;
use crate::schedule::{Binding, BlockSchedule};
use crate::tensor::element_size;
use crate::{Error, Result};
use dlc_artifact::program::*;
use std::sync::Arc;

/// A tensor within a run.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) dtype: DTypeCode,
    pub(crate) dims: Vec<i64>,
    pub(crate) span: Span,
}

/// Where a buffer is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// Address of its first byte.
    pub(crate) address: *mut u8,
    /// Index into [`Frame::memories`].
    memory: usize,
    /// Offset in the memory.
    at: usize,
    pub(crate) bytes: usize,
}

/// A block while it runs.
pub(crate) struct Frame<'a> {
    pub(crate) model: &'a Loaded,
    pub(crate) block: &'a Block,
    pub(crate) schedule: &'a BlockSchedule,
    pub(crate) id: usize,
    /// Values of the symbols.
    pub(crate) symbols: Vec<i64>,
    /// Values of the expressions.
    values: Vec<i64>,
    pub(crate) inputs: Vec<Value>,
    pub(crate) spots: Vec<Spot>,
    /// What the buffers are in; those after the inputs' are the block's own.
    pub(crate) memories: Vec<Arc<Memory>>,
    /// Next of the stages.
    pub(crate) stage: usize,
    /// Bytes of arenas.
    pub(crate) placed: u64,
}

impl<'a> Frame<'a> {
    /// A frame whose symbols are bound from `inputs`, besides those that the surroundings know.
    pub(crate) fn new(model: &'a Loaded, id: BlockId, symbols: Vec<i64>, inputs: Vec<Value>) -> Result<Self> {
        let id = id as usize;
        let block = &model.program.blocks[id];
        let nowhere = Spot { address: std::ptr::null_mut(), memory: 0, at: 0, bytes: 0 };
        let mut frame = Frame {
            model,
            block,
            schedule: &model.schedule[id],
            id,
            symbols,
            values: vec![NONE; model.program.exprs.len()],
            inputs,
            spots: vec![nowhere; block.buffers.len()],
            memories: vec![model.constants.clone()],
            stage: 0,
            placed: 0,
        };
        frame.check_types()?;
        let schedule = frame.schedule;
        schedule.bindings.iter().try_for_each(|b| frame.bind_axis(b))?;
        Ok(frame)
    }

    fn check_types(&self) -> Result<()> {
        let (expected, found) = (self.block.inputs.len(), self.inputs.len());
        if expected != found {
            return Err(Error::InputCount { expected, found });
        }
        for (port, value) in self.block.inputs.iter().zip(&self.inputs) {
            let wrong = |what, expected, found| Error::Input { input: port.name.clone(), what, expected, found };
            if port.dtype != value.dtype {
                return Err(wrong("element type", port.dtype.into(), value.dtype.into()));
            }
            if port.dims.len() != value.dims.len() {
                return Err(wrong("rank", port.dims.len(), value.dims.len()));
            }
        }
        Ok(())
    }

    fn bind_axis(&mut self, binding: &Binding) -> Result<()> {
        let found = self.inputs[binding.port].dims[binding.axis];
        self.symbols[binding.symbol as usize] = match binding.exprs[..] {
            [] => found,
            [.., size] => self.solve(binding, size, found)?,
        };
        Ok(())
    }

    /// The symbol's value that makes its axis as large as found.
    fn solve(&mut self, binding: &Binding, size: ExprId, found: i64) -> Result<i64> {
        let mut at = |value: i64| {
            self.symbols[binding.symbol as usize] = value;
            self.evaluate(&binding.exprs);
            (self.values[size as usize] != NONE).then(|| self.values[size as usize])
        };
        let (zero, one) = (at(0), at(1));
        let solved = zero.zip(one).and_then(|(zero, one)| {
            let (slope, rest) = (one.checked_sub(zero)?, found.checked_sub(zero)?);
            let exact = slope != 0 && rest.checked_rem(slope)? == 0;
            exact.then(|| rest.checked_div(slope))?.filter(|v| *v >= 0)
        });
        let symbol = &self.model.program.symbols[binding.symbol as usize];
        solved.ok_or_else(|| self.wrong_size(binding.port, binding.axis, format!(", which no `{symbol}` makes true")))
    }

    fn wrong_size(&self, port: usize, axis: usize, value: String) -> Error {
        let Port { name, dims, .. } = &self.block.inputs[port];
        let (expr, found) = (text(&self.model.program, dims[axis]), self.inputs[port].dims[axis]);
        Error::Size { input: name.clone(), axis, expr, value, found }
    }

    pub(crate) fn evaluate(&mut self, exprs: &[ExprId]) {
        for &e in exprs {
            self.values[e as usize] = eval(self.model.program.exprs[e as usize], &self.values, &self.symbols);
        }
    }

    /// Checks the sizes of the inputs, once they can be computed.
    pub(crate) fn check_inputs(&self) -> Result<()> {
        for (p, port) in self.block.inputs.iter().enumerate() {
            for (axis, &e) in port.dims.iter().enumerate() {
                let expected = self.values[e as usize];
                if expected == self.inputs[p].dims[axis] {
                    continue;
                }
                let lone = matches!(self.model.program.exprs[e as usize], Expr::Const(_));
                let value = match expected {
                    NONE => ", which has no value".into(),
                    _ if lone => String::new(),
                    v => format!(" = {v}"),
                };
                return Err(self.wrong_size(p, axis, value));
            }
        }
        Ok(())
    }

    pub(crate) fn check_assert(&self, assert: &Assert) -> Result<()> {
        let place = || format!("assertion \"{}\"", assert.message);
        let (left_value, right_value) = (self.value(assert.left, place)?, self.value(assert.right, place)?);
        if left_value <= right_value {
            return Ok(());
        }
        let text = |e| text(&self.model.program, e);
        let (left, right) = (text(assert.left), text(assert.right));
        Err(Error::Assert { message: assert.message.clone(), left, left_value, right, right_value })
    }

    /// Value of an expression; `place` says where it is used.
    pub(crate) fn value(&self, e: ExprId, place: impl FnOnce() -> String) -> Result<i64> {
        match self.values[e as usize] {
            NONE => Err(self.no_size(e, place())),
            value => Ok(value),
        }
    }

    /// Value of an expression that is a size.
    pub(crate) fn size(&self, e: ExprId, place: impl FnOnce() -> String) -> Result<usize> {
        let value = self.values[e as usize];
        usize::try_from(value).map_err(|_| self.no_size(e, place()))
    }

    /// The expression that is the size of a buffer.
    pub(crate) fn size_of(&self, buffer: BufId) -> Expr {
        self.model.program.exprs[self.block.buffers[buffer as usize].bytes as usize]
    }

    #[cold]
    fn no_size(&self, e: ExprId, place: String) -> Error {
        let value = match self.values[e as usize] {
            NONE => ", which has no value (too large, or divided by zero)".into(),
            v => format!(" = {v}"),
        };
        let program = &self.model.program;
        let bound = program.symbols.iter().zip(&self.symbols).filter(|(_, v)| **v != NONE).take(8);
        let symbols: String = bound.map(|(name, v)| format!(", {name} = {v}")).collect();
        Error::NoSize { place, expr: text(program, e), value, symbols }
    }

    /// The memory `memory` at `at` becomes the place of a buffer of `bytes` bytes.
    pub(crate) fn put(&mut self, buffer: BufId, memory: usize, at: usize, bytes: usize) -> Result<()> {
        let len = self.memories[memory].len();
        if at.checked_add(bytes).is_none_or(|end| end > len) {
            return Err(self.too_small(buffer, len.saturating_sub(at), bytes));
        }
        let address = self.memories[memory].address(at);
        self.spots[buffer as usize] = Spot { address, memory, at, bytes };
        Ok(())
    }

    fn too_small(&self, buffer: BufId, expected: usize, found: usize) -> Error {
        Error::Program {
            place: format!("block {} (`{}`), buffer {buffer}", self.id, self.block.name),
            expected: format!("at most {expected} bytes, where it is"),
            found: format!("{found} bytes"),
        }
    }

    /// A buffer in the memory of threads: it has no place here.
    pub(crate) fn put_thread(&mut self, buffer: BufId, bytes: usize) {
        self.spots[buffer as usize] = Spot { address: std::ptr::null_mut(), memory: 0, at: 0, bytes };
    }

    /// A view of another buffer.
    pub(crate) fn put_alias(&mut self, buffer: BufId, of: BufId, bytes: usize) -> Result<()> {
        let spot = self.spots[of as usize];
        if bytes > spot.bytes {
            return Err(self.too_small(buffer, spot.bytes, bytes));
        }
        self.spots[buffer as usize] = Spot { bytes, ..spot };
        Ok(())
    }

    /// Input `k`, where its bytes are.
    pub(crate) fn put_input(&mut self, buffer: BufId, k: usize, bytes: usize) -> Result<()> {
        let span = &self.inputs[k].span;
        if bytes > span.len() {
            return Err(self.too_small(buffer, span.len(), bytes));
        }
        let (memory, at) = (span.memory(), span.offset());
        self.memories.push(memory);
        self.put(buffer, self.memories.len() - 1, at, bytes)
    }

    /// Gives a symbol its value; one that has a value must have this one.
    pub(crate) fn bind(&mut self, symbol: SymId, value: i64, node: &str) -> Result<()> {
        let old = std::mem::replace(&mut self.symbols[symbol as usize], value);
        if old == NONE || old == value {
            return Ok(());
        }
        let expected = format!("{} = {old}", self.model.program.symbols[symbol as usize]);
        Err(Error::Node { node: node.into(), expected, found: value.to_string() })
    }

    /// The bytes of a buffer.
    pub(crate) fn span(&self, buffer: BufId) -> Result<Span> {
        let spot = self.spots[buffer as usize];
        let span = Span::new(self.memories[spot.memory].clone(), spot.at, spot.bytes);
        span.ok_or_else(|| self.too_small(buffer, 0, spot.bytes))
    }

    /// A buffer as a tensor.
    pub(crate) fn tensor(&self, buffer: BufId, dtype: DTypeCode, dims: &[ExprId]) -> Result<Value> {
        let place = || format!("block {} (`{}`), buffer {buffer}", self.id, self.block.name);
        let dims = dims.iter().map(|e| self.size(*e, place).map(|v| v as i64)).collect::<Result<Vec<_>>>()?;
        let bytes = tensor_bytes(dtype, &dims);
        let span = bytes.and_then(|n| self.span(buffer).ok()?.part(0, n));
        let span =
            span.ok_or_else(|| self.too_small(buffer, self.spots[buffer as usize].bytes, bytes.unwrap_or(usize::MAX)))?;
        Ok(Value { dtype, dims, span })
    }
}

/// Bytes of a tensor, if there can be one.
pub(crate) fn tensor_bytes(dtype: DTypeCode, dims: &[i64]) -> Option<usize> {
    let size = element_size(dtype)?;
    dims.iter().try_fold(size, |n, d| n.checked_mul(usize::try_from(*d).ok()?))
}
