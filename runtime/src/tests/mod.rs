//! Whole programs, written by hand, with code written by hand.

mod calls;
mod chains;
mod code;
mod control;
mod fuzz;
mod sizes;

use crate::{Model, Options, Session, Tensor};
use bytes::Bytes;
use dlc_artifact::Artifact;
use dlc_artifact::program::*;

const F32: u8 = 1;
const I64: u8 = 7;
const BOOL: u8 = 9;

/// A program being written.
#[derive(Clone, Default)]
struct Build {
    program: Program,
    code: Vec<u8>,
    constants: Vec<u8>,
}

impl Build {
    fn expr(&mut self, e: Expr) -> ExprId {
        let at = self.program.exprs.iter().position(|o| *o == e).unwrap_or(self.program.exprs.len());
        if at == self.program.exprs.len() {
            self.program.exprs.push(e);
        }
        at as ExprId
    }

    fn n(&mut self, v: i64) -> ExprId {
        self.expr(Expr::Const(v))
    }

    fn sym(&mut self, name: &str) -> ExprId {
        let at = self.program.symbols.iter().position(|s| s == name).unwrap_or_else(|| {
            self.program.symbols.push(name.into());
            self.program.symbols.len() - 1
        });
        self.expr(Expr::Sym(at as SymId))
    }

    fn add(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.expr(Expr::Add(a, b))
    }

    fn mul(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.expr(Expr::Mul(a, b))
    }

    fn times(&mut self, k: i64, b: ExprId) -> ExprId {
        let k = self.n(k);
        self.mul(k, b)
    }

    fn function(&mut self, name: &str, code: &[u8]) -> u32 {
        self.program.functions.push(Function {
            name: name.into(),
            offset: self.code.len() as u64,
            len: code.len() as u64,
        });
        self.code.extend_from_slice(code);
        self.program.functions.len() as u32 - 1
    }

    /// A step that calls `function` for `work` pieces.
    fn call(&mut self, function: u32, buffers: &[BufId], args: &[ExprId], work: ExprId) -> Step {
        let (grain, scratch) = (self.n(1), self.n(0));
        let (buffers, args) = (buffers.to_vec(), args.to_vec());
        let node = format!("node {function}");
        Step::Call(Call { function, buffers, args, work, grain, scratch, operations: work, node })
    }

    /// Bytes at the next multiple of 64 of the constants.
    fn constant(&mut self, bytes: &[u8]) -> Home {
        let at = self.constants.len().next_multiple_of(64);
        self.constants.resize(at, 0);
        self.constants.extend_from_slice(bytes);
        Home::Const(at as u64)
    }

    fn artifact(&self) -> Artifact {
        let mut program = self.program.clone();
        (program.code_len, program.const_len) = (self.code.len() as u64, self.constants.len() as u64);
        let constants = vec![(0, Bytes::from(self.constants.clone()))];
        Artifact { target: vec!["x86_64".into()], metadata: vec![], program, code: self.code.clone(), constants }
    }

    fn model(&self) -> crate::Result<Model> {
        Model::from_image(self.artifact().to_image()?)
    }

    fn session(&self, threads: usize) -> Session {
        Session::new(&self.model().unwrap(), Options { threads, max_memory: None }).unwrap()
    }

    /// The message of the error with which the model opens.
    fn refused(&self) -> String {
        self.model().unwrap_err().to_string()
    }
}

fn port(name: &str, dtype: u8, dims: &[ExprId], buffer: BufId) -> Port {
    Port { name: name.into(), dtype, dims: dims.to_vec(), buffer }
}

fn passed(dtype: u8, dims: &[ExprId], buffer: BufId) -> Passed {
    Passed { buffer, dtype, dims: dims.to_vec() }
}

fn buffer(home: Home, bytes: ExprId) -> Buffer {
    Buffer { home, bytes }
}

fn arena(first: u32, last: u32) -> Home {
    Home::Arena { first, last }
}

const END: u32 = u32::MAX;

fn floats(values: &[f32]) -> Tensor {
    Tensor::of(&[values.len()], values).unwrap()
}

fn ints(values: &[i64]) -> Tensor {
    Tensor::of(&[values.len()], values).unwrap()
}

fn error(session: &mut Session, inputs: &[Tensor]) -> String {
    session.run(inputs).unwrap_err().to_string()
}
