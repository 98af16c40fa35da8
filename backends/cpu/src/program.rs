//! The program around the functions: buffers, steps, constants, conditions.

use crate::chain::{self, Outer};
use crate::select::select;
use crate::sizes::Sizes;
use crate::{Compiled, Error, Options};
use bytes::Bytes;
use dlc_artifact::program::{self as out, ExprId, Program};
use dlc_ir::dim::product;
use dlc_ir::form::{Form, Rank};
use dlc_ir::{DType, Dim, Fact, Tensor};
use dlc_plan::{Block, Body, BufId, Home, Port, Schedule, Step};
use dlc_vector::Kernel;
use dlc_vector::emit::Emitter;
use std::collections::HashMap;

/// Constants start at multiples of this many bytes.
const ALIGN: u64 = 64;

/// Text forms of one kernel.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Name of the function.
    pub name: String,
    /// Kernel language.
    pub kernel: String,
    /// Cranelift's intermediate form.
    pub clif: String,
    /// Disassembly.
    pub asm: String,
}

/// The artifact of a schedule.
pub fn write(schedule: &Schedule, options: &Options) -> Result<Compiled, Error> {
    let mut w = Writer {
        out: Compiled::default(),
        program: Program::default(),
        sizes: Sizes::default(),
        emitter: Emitter::new(options.level)?,
        functions: HashMap::new(),
        constants: HashMap::new(),
        options: *options,
        const_len: 0,
    };
    for block in &schedule.blocks {
        let b = w.block(block)?;
        w.program.blocks.push(b);
    }
    w.program.code_len = w.out.artifact.code.len() as u64;
    w.program.const_len = w.const_len;
    w.out.artifact.program = w.program;
    w.out.artifact.target = crate::requirements(options.level);
    Ok(w.out)
}

/// Says of which inputs and outputs of a model, with these names and types, those of the program are parts. A program of
/// tensors only is left as it is.
pub fn set_borders(program: &mut Program, inputs: &[(String, Fact)], outputs: &[(String, Fact)]) {
    if inputs.iter().chain(outputs).all(|p| p.1.form.is_dense()) {
        return;
    }
    program.inputs = inputs.iter().map(border).collect();
    program.outputs = outputs.iter().map(border).collect();
}

fn border((name, f): &(String, Fact)) -> out::Border {
    let form = match f.form {
        Form::Dense => out::TENSOR,
        Form::Sequence(_) => out::SEQUENCE,
        Form::Optional(_) => out::OPTIONAL,
        Form::OptionalSequence(_) => out::OPTIONAL_SEQUENCE,
    };
    let ranked = f.form.rank() == Rank::Known && !f.form.is_dense();
    let dims = ranked.then(|| f.shape.iter().map(|d| d.as_const().unwrap_or(-1)).collect());
    out::Border { name: name.clone(), form, dtype: f.dtype.to_onnx() as u8, dims }
}

struct Writer {
    out: Compiled,
    program: Program,
    sizes: Sizes,
    emitter: Emitter,
    /// Functions by their code in the kernel language.
    functions: HashMap<String, u32>,
    /// Offsets of constants by what they are.
    constants: HashMap<Bytes, u64>,
    options: Options,
    const_len: u64,
}

impl Writer {
    fn size(&mut self, d: &Dim) -> ExprId {
        self.sizes.size(&mut self.program, d)
    }

    fn block(&mut self, b: &Block) -> Result<out::Block, Error> {
        let mut block = out::Block { name: b.name.clone(), ..Default::default() };
        let (needed, outer) = self.steps(b, &mut block)?;
        let chains = chain::find(b, &outer);
        let at = self.chain(&mut block, &chains);
        let own: Vec<BufId> = chains.iter().flat_map(|c| c.own.iter().copied()).collect();
        // Buffers of packed constants were appended while steps were written; the schedule's come first.
        let extra = std::mem::take(&mut block.buffers);
        for (id, buffer) in b.buffers.iter().enumerate() {
            let bytes = self.size(&(product(&buffer.shape) * Dim::from(buffer.dtype.size())));
            let home = match &buffer.home {
                Home::Input(k) => out::Home::Input(*k as u32),
                Home::Alias(of) => out::Home::Alias(*of as u32),
                Home::Arena if own.contains(&id) => out::Home::Thread,
                Home::Arena => arena(buffer.live, &at),
                Home::Const(t) if needed[id] => out::Home::Const(self.constant(t.bytes())),
                Home::Const(_) => {
                    let bytes = self.sizes.constant(&mut self.program, 0);
                    block.buffers.push(out::Buffer { home: out::Home::Const(0), bytes });
                    continue;
                }
            };
            block.buffers.push(out::Buffer { home, bytes });
        }
        block.buffers.extend(extra);
        block.inputs = b.inputs.iter().map(|p| self.port(b, p)).collect();
        block.outputs = b.outputs.iter().map(|p| self.port(b, p)).collect();
        for a in &b.asserts {
            if let (Some(l), Some(r)) = (a.left.as_const(), a.right.as_const())
                && l > r
            {
                return Err(Error::Size(a.message.clone()));
            }
            let (left, right) = (self.size(&a.left), self.size(&a.right));
            block.asserts.push(out::Assert { left, right, message: a.message.clone() });
        }
        Ok(block)
    }

    /// Writes the steps; tells which buffers they and the outputs use, and how the steps' work is gone through.
    fn steps(&mut self, b: &Block, block: &mut out::Block) -> Result<(Vec<bool>, Vec<Outer>), Error> {
        let (mut needed, mut outer) = (vec![false; b.buffers.len()], vec![]);
        for p in &b.outputs {
            mark(b, &mut needed, p.buffer);
        }
        for s in &b.steps {
            let (step, loops) = match s {
                Step::Compute { body, operands, results, scratch, node } => {
                    let made = self.compute(b, block, body, [operands, results, scratch], node, &mut needed)?;
                    (out::Step::Call(made.0), made.1)
                }
                _ => (self.other(b, s, &mut needed), vec![]),
            };
            block.steps.push(step);
            outer.push(loops);
        }
        Ok((needed, outer))
    }

    /// Makes the calls of each chain one step; tells the number of the step that each has become.
    fn chain(&mut self, block: &mut out::Block, chains: &[chain::Chain]) -> Vec<u32> {
        let mut at = vec![];
        for (i, step) in std::mem::take(&mut block.steps).into_iter().enumerate() {
            let of = chains.iter().find(|c| c.steps.contains(&i));
            match (of, step) {
                (Some(c), out::Step::Call(call)) if c.steps.start < i => {
                    if let Some(out::Step::Chain { calls, .. }) = block.steps.last_mut() {
                        calls.push(call);
                    }
                }
                (Some(c), out::Step::Call(call)) => {
                    let pieces = self.size(&c.pieces);
                    block.steps.push(out::Step::Chain { calls: vec![call], pieces });
                }
                (_, other) => block.steps.push(other),
            }
            at.push(block.steps.len() as u32 - 1);
        }
        at
    }

    /// A step that is no computation.
    fn other(&mut self, b: &Block, s: &Step, needed: &mut [bool]) -> out::Step {
        match s {
            Step::Compute { .. } => unreachable!("computations are calls"),
            Step::Bind { symbol, buffer, index, node } => {
                mark(b, needed, *buffer);
                let symbol = self.sizes.symbol(&mut self.program, symbol);
                out::Step::Bind { symbol, buffer: *buffer as u32, index: *index as u32, node: node.clone() }
            }
            Step::If { cond, blocks, inputs, outputs, node } => {
                mark(b, needed, *cond);
                let (inputs, outputs) = (self.passed(b, inputs, needed), self.passed(b, outputs, needed));
                let (then, els) = (blocks[0] as u32, blocks[1] as u32);
                out::Step::If { cond: *cond as u32, then, els, inputs, outputs, node: node.clone() }
            }
            Step::Loop { trips, cond, body, carried, captured, outputs, node } => {
                for id in trips.iter().chain(cond) {
                    mark(b, needed, *id);
                }
                let id = |b: &Option<BufId>| b.map(|b| b as u32);
                out::Step::Loop {
                    trips: id(trips),
                    cond: id(cond),
                    body: *body as u32,
                    carried: self.passed(b, carried, needed),
                    captured: self.passed(b, captured, needed),
                    outputs: self.passed(b, outputs, needed),
                    node: node.clone(),
                }
            }
        }
    }

    fn compute(
        &mut self,
        b: &Block,
        block: &mut out::Block,
        body: &Body,
        [operands, results, scratch]: [&Vec<BufId>; 3],
        node: &str,
        needed: &mut [bool],
    ) -> Result<(out::Call, Outer), Error> {
        let constant = |i: usize| constant_of(b, operands[i]);
        let name = function_name(body);
        let choice = select(self.options.level, &name, body, operands.len(), results.len(), &constant);
        let mut buffers: Vec<u32> = vec![];
        for (i, id) in operands.iter().enumerate() {
            match &choice.packed {
                Some((k, bytes)) if *k == i => {
                    let at = self.constant(bytes);
                    let len = self.sizes.constant(&mut self.program, bytes.len() as i64);
                    buffers.push((b.buffers.len() + block.buffers.len()) as u32);
                    block.buffers.push(out::Buffer { home: out::Home::Const(at), bytes: len });
                }
                _ => {
                    mark(b, needed, *id);
                    buffers.push(*id as u32);
                }
            }
        }
        buffers.extend(results.iter().chain(scratch).map(|id| *id as u32));
        let function = self.function(&choice.kernel)?;
        let k = &choice.kernel;
        let args = k.args.iter().map(|d| self.size(d)).collect();
        let (work, grain, scratch) = (self.size(&k.work), self.size(&k.grain), self.size(&k.scratch));
        let operations = self.size(&dlc_plan::operations(body));
        let call = out::Call { function, buffers, args, work, grain, scratch, operations, node: node.into() };
        Ok((call, choice.kernel.outer))
    }

    /// The function of a kernel; kernels with the same code are one.
    fn function(&mut self, k: &Kernel) -> Result<u32, Error> {
        let text = k.text();
        if let Some(id) = self.functions.get(&text) {
            return Ok(*id);
        }
        let code = self.emitter.emit(k, self.options.listings)?;
        let all = &mut self.out.artifact.code;
        all.resize(all.len().next_multiple_of(64), 0);
        let id = self.program.functions.len() as u32;
        let (offset, len) = (all.len() as u64, code.bytes.len() as u64);
        let name = format!("{}_{id}", k.name);
        all.extend(&code.bytes);
        self.program.functions.push(out::Function { name: name.clone(), offset, len });
        if self.options.listings {
            self.out.listings.push(Listing { name, kernel: text.clone(), clif: code.clif, asm: code.asm });
        }
        self.functions.insert(text, id);
        Ok(id)
    }

    /// Offset of some constant bytes; equal ones are stored once.
    fn constant(&mut self, bytes: &Bytes) -> u64 {
        if let Some(at) = self.constants.get(bytes) {
            return *at;
        }
        // No bytes are anywhere, also where there are no constants at all.
        let at = if bytes.is_empty() { 0 } else { self.const_len.next_multiple_of(ALIGN) };
        if !bytes.is_empty() {
            self.out.artifact.constants.push((at, bytes.clone()));
            self.const_len = at + bytes.len() as u64;
        }
        self.constants.insert(bytes.clone(), at);
        at
    }

    fn port(&mut self, b: &Block, p: &Port) -> out::Port {
        let dims = p.shape.iter().map(|d| self.size(d)).collect();
        out::Port { name: p.name.clone(), dtype: code(b, p.buffer), dims, buffer: p.buffer as u32 }
    }

    fn passed(&mut self, b: &Block, ports: &[Port], needed: &mut [bool]) -> Vec<out::Passed> {
        let mut out = vec![];
        for p in ports {
            mark(b, needed, p.buffer);
            let dims = p.shape.iter().map(|d| self.size(d)).collect();
            out.push(out::Passed { buffer: p.buffer as u32, dtype: code(b, p.buffer), dims });
        }
        out
    }
}

/// Memory of the arena for a lifetime in steps of the schedule; `at` says what these have become.
fn arena((first, last): (usize, usize), at: &[u32]) -> out::Home {
    let step = |s: usize| at.get(s).copied().or_else(|| u32::try_from(s).ok()).unwrap_or(u32::MAX);
    out::Home::Arena { first: step(first.min(last)).min(step(last)), last: step(last) }
}

fn code(b: &Block, id: BufId) -> u8 {
    b.buffers[id].dtype.to_onnx() as u8
}

/// A buffer is used, and so is the one whose bytes it has.
fn mark(b: &Block, needed: &mut [bool], mut id: BufId) {
    loop {
        needed[id] = true;
        match b.buffers[id].home {
            Home::Alias(of) => id = of,
            _ => return,
        }
    }
}

/// The constant a buffer holds, under the buffer's own shape.
fn constant_of(b: &Block, id: BufId) -> Option<Tensor> {
    let buffer = &b.buffers[id];
    let mut at = id;
    while let Home::Alias(of) = b.buffers[at].home {
        at = of;
    }
    let Home::Const(t) = &b.buffers[at].home else { return None };
    let shape: Option<Vec<usize>> = buffer.shape.iter().map(|d| d.as_const().map(|v| v as usize)).collect();
    t.reshape(&shape?).ok().filter(|t| t.dtype() == buffer.dtype)
}

/// Family, type and, for contractions, what they are of.
fn function_name(body: &Body) -> String {
    let family = match body {
        Body::Comp(_) => "map",
        Body::Contract { .. } => "contract",
        Body::Proc { .. } => "loops",
    };
    let dtype = match body {
        Body::Comp(c) => c.dtype,
        Body::Contract { dtype, .. } => *dtype,
        Body::Proc { .. } => DType::F32,
    };
    format!("{family}_{dtype}")
}
