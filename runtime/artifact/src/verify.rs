//! What holds in every program that may run: all indices are in range and nothing refers to itself.

use crate::program::*;
use crate::{Error, Result};

/// Checks that every index of the program is in range, that expressions and aliases refer to earlier ones, that blocks
/// refer to later ones with fitting inputs and outputs, and that functions and constants are within their sections.
pub fn verify(program: &Program) -> Result<()> {
    let check = Check { program };
    check.require(!program.blocks.is_empty(), || "the program", "a block", "none")?;
    check.exprs()?;
    check.functions()?;
    check.borders("inputs", &program.inputs, &program.blocks[0].inputs)?;
    check.borders("outputs", &program.outputs, &program.blocks[0].outputs)?;
    (0..program.blocks.len()).try_for_each(|id| Body { check: &check, id, block: &program.blocks[id] }.all())
}

const BOOL: DTypeCode = 9;
const I64: DTypeCode = 7;

struct Check<'a> {
    program: &'a Program,
}

impl Check<'_> {
    fn require<P: ToString>(
        &self,
        holds: bool,
        place: impl FnOnce() -> P,
        expected: impl ToString,
        found: impl ToString,
    ) -> Result<()> {
        if holds {
            return Ok(());
        }
        Err(Error::Program { place: place().to_string(), expected: expected.to_string(), found: found.to_string() })
    }

    fn below<P: ToString>(&self, place: impl FnOnce() -> P, what: &str, index: u32, count: usize) -> Result<()> {
        if (index as usize) < count {
            return Ok(());
        }
        self.require(false, place, format!("{what} below {count}"), index)
    }

    fn exprs(&self) -> Result<()> {
        let symbols = self.program.symbols.len();
        for (id, expr) in self.program.exprs.iter().enumerate() {
            let place = || format!("expression {id}");
            if let Expr::Sym(s) = *expr {
                self.below(place, "a symbol", s, symbols)?;
            }
            for operand in operands(*expr).into_iter().flatten() {
                self.below(place, "an expression", operand, id)?;
            }
        }
        Ok(())
    }

    /// Inputs or outputs of the model and those of block 0 that they are passed as.
    fn borders(&self, what: &str, borders: &[Border], ports: &[Port]) -> Result<()> {
        if borders.is_empty() {
            return Ok(());
        }
        let forms = borders.iter().all(|b| b.form <= OPTIONAL_SEQUENCE);
        self.require(forms, || what, "forms up to 3", borders.iter().map(|b| b.form).max().unwrap_or(0))?;
        let count: usize = borders.iter().map(Border::parts).sum();
        self.require(count == ports.len(), || what, count, ports.len())?;
        let mut at = 0;
        for b in borders {
            let own = &ports[at..at + b.parts()];
            at += own.len();
            let found: Vec<(u8, usize)> = own.iter().map(|p| (p.dtype, p.dims.len())).collect();
            let parts = [(BOOL, 0), (I64, 2), (b.dtype, 1)];
            let expected = &parts[parts.len() - own.len()..];
            let place = || format!("{what}, `{}`", b.name);
            self.require(b.form == TENSOR || found == expected, place, format!("{expected:?}"), format!("{found:?}"))?;
        }
        Ok(())
    }

    fn functions(&self) -> Result<()> {
        for f in &self.program.functions {
            let end = f.offset.checked_add(f.len);
            let inside = f.len > 0 && end.is_some_and(|e| e <= self.program.code_len);
            let expected = || format!("code within {} bytes", self.program.code_len);
            let found = || format!("{} bytes at {}", f.len, f.offset);
            self.require(inside, || format!("function `{}`", f.name), expected(), found())?;
        }
        Ok(())
    }
}

/// Operands of an expression.
pub fn operands(expr: Expr) -> [Option<ExprId>; 2] {
    use Expr::*;
    match expr {
        Const(_) | Sym(_) => [None, None],
        Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) | Mod(a, b) | Min(a, b) | Max(a, b) => [Some(a), Some(b)],
    }
}

struct Body<'a> {
    check: &'a Check<'a>,
    id: usize,
    block: &'a Block,
}

impl Body<'_> {
    fn place(&self, part: &str) -> String {
        format!("block {} (`{}`), {part}", self.id, self.block.name)
    }

    fn all(&self) -> Result<()> {
        (0..self.block.buffers.len()).try_for_each(|b| self.home(b))?;
        self.block.inputs.iter().enumerate().try_for_each(|(k, p)| self.input(k, p))?;
        self.block.outputs.iter().try_for_each(|p| self.shaped("output", p.buffer, &p.dims))?;
        (0..self.block.steps.len()).try_for_each(|s| self.step(s))?;
        self.block.asserts.iter().try_for_each(|a| self.exprs("an assertion", &[a.left, a.right]))
    }

    fn exprs(&self, part: &str, ids: &[ExprId]) -> Result<()> {
        let count = self.check.program.exprs.len();
        ids.iter().try_for_each(|&e| self.check.below(|| self.place(part), "an expression", e, count))
    }

    fn buffers(&self, part: &str, ids: &[BufId]) -> Result<()> {
        let count = self.block.buffers.len();
        ids.iter().try_for_each(|&b| self.check.below(|| self.place(part), "a buffer", b, count))
    }

    fn shaped(&self, part: &str, buffer: BufId, dims: &[ExprId]) -> Result<()> {
        self.buffers(part, &[buffer])?;
        self.exprs(part, dims)
    }

    fn input(&self, k: usize, port: &Port) -> Result<()> {
        self.shaped("input", port.buffer, &port.dims)?;
        let home = self.block.buffers[port.buffer as usize].home;
        let given = home == Home::Input(k as u32);
        self.check.require(
            given,
            || self.place(&format!("input {k}")),
            "a buffer given by the caller",
            format!("{home:?}"),
        )
    }

    fn home(&self, id: usize) -> Result<()> {
        let Buffer { home, bytes } = self.block.buffers[id];
        let place = || self.place(&format!("buffer {id}"));
        self.exprs("a buffer", &[bytes])?;
        match home {
            Home::Input(k) => self.check.below(place, "an input", k, self.block.inputs.len()),
            Home::Alias(of) => self.check.below(place, "a buffer", of, id),
            Home::Arena { first, last } => {
                self.check.require(first <= last, place, "a first step before the last", format!("{first} and {last}"))
            }
            Home::Const(at) => self.constant(place, at, bytes),
            Home::Thread => Ok(()),
        }
    }

    /// A constant of a size known now is within the section; others are checked when their size is.
    fn constant(&self, place: impl FnOnce() -> String, at: u64, bytes: ExprId) -> Result<()> {
        let section = self.check.program.const_len;
        let len = match self.check.program.exprs[bytes as usize] {
            Expr::Const(n) => u64::try_from(n).ok(),
            _ => Some(0),
        };
        let inside = len.and_then(|n| at.checked_add(n)).is_some_and(|end| end <= section);
        self.check.require(inside, place, format!("constants within {section} bytes"), format!("{len:?} bytes at {at}"))
    }

    fn step(&self, index: usize) -> Result<()> {
        let part = format!("step {index}");
        let place = || self.place(&part);
        match &self.block.steps[index] {
            Step::Call(call) => self.call(&part, call),
            Step::Chain { calls, pieces } => {
                self.check.require(!calls.is_empty(), place, "a call", "none")?;
                self.exprs(&part, &[*pieces])?;
                calls.iter().try_for_each(|c| self.call(&part, c))
            }
            Step::Bind { symbol, buffer, .. } => {
                self.check.below(place, "a symbol", *symbol, self.check.program.symbols.len())?;
                self.buffers(&part, &[*buffer])
            }
            Step::If { cond, then, els, inputs, outputs, .. } => {
                self.buffers(&part, &[*cond])?;
                self.passed(&part, inputs.iter().chain(outputs))?;
                [then, els].into_iter().try_for_each(|b| {
                    let inner = self.inner(&part, *b, inputs.len(), outputs.len())?;
                    self.fit(&part, inputs, &inner.inputs, 0)?;
                    self.fit(&part, outputs, &inner.outputs, 0)
                })
            }
            Step::Loop { trips, cond, body, carried, captured, outputs, .. } => {
                self.buffers(&part, trips.as_slice())?;
                self.buffers(&part, cond.as_slice())?;
                self.passed(&part, carried.iter().chain(captured).chain(outputs))?;
                self.looped(&part, *body, carried, captured, outputs)
            }
        }
    }

    fn call(&self, part: &str, c: &Call) -> Result<()> {
        self.check.below(|| self.place(part), "a function", c.function, self.check.program.functions.len())?;
        self.buffers(part, &c.buffers)?;
        self.exprs(part, &[c.args.as_slice(), &[c.work, c.grain, c.scratch, c.operations]].concat())
    }

    fn looped(&self, part: &str, body: BlockId, carried: &[Passed], captured: &[Passed], out: &[Passed]) -> Result<()> {
        let enough = out.len() >= carried.len();
        self.check.require(enough, || self.place(part), "an output for each carried value", out.len())?;
        let inner = self.inner(part, body, 2 + carried.len() + captured.len(), 1 + out.len())?;
        let (n, inputs, outputs) = (carried.len(), &inner.inputs[2..], &inner.outputs[1..]);
        self.fit(part, carried, &inputs[..n], 0)?;
        self.fit(part, captured, &inputs[n..], 0)?;
        self.fit(part, carried, &outputs[..n], 0)?;
        self.fit(part, &out[..n], &outputs[..n], 0)?;
        self.fit(part, &out[n..], &outputs[n..], 1)
    }

    /// Element types agree, and ranks, where the outer one is more by `axes`.
    fn fit(&self, part: &str, outer: &[Passed], inner: &[Port], axes: usize) -> Result<()> {
        outer.iter().zip(inner).try_for_each(|(o, i)| {
            let (expected, found) = ((i.dtype, i.dims.len() + axes), (o.dtype, o.dims.len()));
            let text = |(dtype, rank)| format!("type {dtype} of rank {rank}");
            let place = || self.place(&format!("{part}, `{}`", i.name));
            self.check.require(expected == found, place, text(expected), text(found))
        })
    }

    fn passed<'p>(&self, part: &str, mut all: impl Iterator<Item = &'p Passed>) -> Result<()> {
        all.try_for_each(|p| self.shaped(part, p.buffer, &p.dims))
    }

    /// A block that a step of this one runs: a later one, with `inputs` inputs and `outputs` outputs.
    fn inner(&self, part: &str, id: BlockId, inputs: usize, outputs: usize) -> Result<&Block> {
        let blocks = &self.check.program.blocks;
        let place = || self.place(part);
        self.check.below(place, "a block", id, blocks.len())?;
        self.check.require(id as usize > self.id, place, format!("a block after {}", self.id), id)?;
        let found = (blocks[id as usize].inputs.len(), blocks[id as usize].outputs.len());
        let expected = format!("a block with {inputs} inputs and {outputs} outputs");
        self.check.require(found == (inputs, outputs), place, expected, format!("{} and {}", found.0, found.1))?;
        Ok(&blocks[id as usize])
    }
}
