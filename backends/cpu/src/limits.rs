//! Programs that measure what a processor can do at most: what profiles compare with.

use crate::Error;
use dlc_artifact::Artifact;
use dlc_artifact::program::{Block, Buffer, Call, Expr, ExprId, Function, Home, Port, Program, Step};
use dlc_ir::lower::Bin;
use dlc_ir::{DType, Dim};
use dlc_vector::builder::Builder;
use dlc_vector::emit::Emitter;
use dlc_vector::ir::{Buf, Elem, Reg, Type};
use dlc_vector::{Kernel, Level};

/// Pieces of work of a program: enough for many threads.
const PIECES: usize = 64;
/// Chains of products that do not wait for each other: more than the latency of one times the units for them.
const CHAINS: usize = 12;
/// Rounds of all chains in a piece of work.
const ROUNDS: i64 = 4096;
/// Vectors that are read at a time.
const READS: usize = 8;

/// A program of one input `x: f32[n]` that does nothing else.
#[derive(Debug)]
pub struct Limit {
    /// The program.
    pub artifact: Artifact,
    /// Elements of its input.
    pub elements: usize,
    /// Operations on f32 of a call; a product that is added on is two.
    pub operations: u64,
    /// Bytes that a call reads.
    pub bytes: u64,
}

/// Products that are added on, in registers only.
pub fn products(level: Level) -> Result<Limit, Error> {
    let operations = (2 * CHAINS * level.lanes() * PIECES) as u64 * ROUNDS as u64;
    limit(level, 2 * level.lanes(), operations, &|b, piece| {
        let v = vector(level);
        let zero = b.index(0);
        let (x, y) = (load(b, v, zero, 0), load(b, v, zero, level.lanes()));
        let first = b.float(v, 0.0);
        let sums: Vec<Reg> = (0..CHAINS).map(|_| b.var(first)).collect();
        let (lo, hi) = (b.index(0), b.index(ROUNDS));
        b.for_(lo, hi, 1, |b, _| {
            for s in &sums {
                let next = b.fma(x, y, *s);
                b.set(*s, next);
            }
        });
        total(b, level, piece, &sums);
    })
}

/// Products of bytes that are added on, four in a lane: `operations` are those on bytes.
pub fn products_of_bytes(level: Level) -> Result<Limit, Error> {
    let operations = (8 * CHAINS * level.lanes() * PIECES) as u64 * ROUNDS as u64;
    limit(level, 2 * level.lanes(), operations, &|b, piece| {
        let v = vector(level);
        let zero = b.index(0);
        let factors = [0, level.lanes()].map(|at| load(b, v, zero, at));
        let [x, y] = factors.map(|f| b.bits(Elem::I32, f));
        let first = b.int(Type { elem: Elem::I32, ..v }, 0);
        let sums: Vec<Reg> = (0..CHAINS).map(|_| b.var(first)).collect();
        let (lo, hi) = (b.index(0), b.index(ROUNDS));
        b.for_(lo, hi, 1, |b, _| {
            for s in &sums {
                let next = b.dot(x, y, *s);
                b.set(*s, next);
            }
        });
        let floats: Vec<Reg> = sums.iter().map(|s| b.bits(Elem::F32, *s)).collect();
        total(b, level, piece, &floats);
    })
}

/// Reads so many bytes one after another.
pub fn reads(level: Level, bytes: usize) -> Result<Limit, Error> {
    let step = READS * level.lanes();
    let each = (bytes / 4 / PIECES).next_multiple_of(step).max(step);
    let elements = each * PIECES;
    limit(level, elements, elements as u64, &|b, piece| {
        let each = b.index(each as i64);
        let lo = b.mul(piece, each);
        let hi = b.add(lo, each);
        let first = b.float(vector(level), 0.0);
        let sums: Vec<Reg> = (0..READS).map(|_| b.var(first)).collect();
        b.for_(lo, hi, step as i64, |b, at| {
            for (i, s) in sums.iter().enumerate() {
                let x = load(b, vector(level), at, i * level.lanes());
                let next = b.add(*s, x);
                b.set(*s, next);
            }
        });
        total(b, level, piece, &sums);
    })
}

fn vector(level: Level) -> Type {
    Type::scalar(Elem::F32).with(level.lanes() as u8)
}

fn load(b: &mut Builder, v: Type, at: Reg, offset: usize) -> Reg {
    b.load(v, Buf::Arg(0), DType::F32, at, offset as i32)
}

/// Stores the sum of the chains as the result of a piece, so that they are needed.
fn total(b: &mut Builder, level: Level, piece: Reg, sums: &[Reg]) {
    let all = sums.iter().copied().reduce(|x, y| b.bin(Bin::Add, x, y)).unwrap_or(sums[0]);
    let lanes = b.index(level.lanes() as i64);
    let at = b.mul(piece, lanes);
    b.store(Buf::Arg(1), DType::F32, at, 0, all);
}

/// A program whose pieces of work `body` writes.
fn limit(level: Level, elements: usize, operations: u64, body: &dyn Fn(&mut Builder, Reg)) -> Result<Limit, Error> {
    let mut b = Builder::new(level, 2);
    let (begin, end) = b.range();
    b.for_(begin, end, 1, |b, piece| body(b, piece));
    let kernel = b.finish("limit", Dim::from(PIECES), 1.into(), 0.into());
    let results = PIECES * level.lanes();
    let artifact = program(level, &kernel, elements, results)?;
    Ok(Limit { artifact, elements, operations, bytes: 4 * elements as u64 })
}

/// One call of a kernel that reads the input and writes the output.
fn program(level: Level, k: &Kernel, input: usize, output: usize) -> Result<Artifact, Error> {
    let code = Emitter::new(level)?.emit(k, false)?;
    let mut p = Program { code_len: code.bytes.len() as u64, ..Default::default() };
    let len = code.bytes.len() as u64;
    p.functions.push(Function { name: k.name.clone(), offset: 0, len });
    let mut number = |v: usize| -> ExprId {
        p.exprs.push(Expr::Const(v as i64));
        p.exprs.len() as ExprId - 1
    };
    let (none, one, pieces) = (number(0), number(1), number(PIECES));
    let mut block = Block { name: k.name.clone(), ..Default::default() };
    for (buffer, (name, n)) in [("x", input), ("y", output)].into_iter().enumerate() {
        let home = if buffer == 0 { Home::Input(0) } else { Home::Arena { first: 0, last: u32::MAX } };
        block.buffers.push(Buffer { home, bytes: number(4 * n) });
        let dims = vec![number(n)];
        let port = Port { name: name.into(), dtype: DType::F32.to_onnx() as u8, dims, buffer: buffer as u32 };
        if buffer == 0 { block.inputs.push(port) } else { block.outputs.push(port) }
    }
    block.steps.push(Step::Call(Call {
        function: 0,
        buffers: vec![0, 1],
        args: vec![],
        work: pieces,
        grain: one,
        scratch: none,
        operations: none,
        node: k.name.clone(),
    }));
    p.blocks.push(block);
    Ok(Artifact { target: crate::requirements(level), program: p, code: code.bytes, ..Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_runtime::{Model, Options, Session, Tensor};

    fn run(l: &Limit, x: &[f32]) -> Vec<f32> {
        let model = Model::from_image(l.artifact.to_image().unwrap()).unwrap();
        let mut session = Session::new(&model, Options { threads: 2, max_memory: None }).unwrap();
        session.run(&[Tensor::of(&[x.len()], x).unwrap()]).unwrap()[0].to_vec().unwrap()
    }

    #[test]
    fn programs_do_all_of_their_work() {
        for level in Level::ALL.into_iter().filter(|l| *l <= Level::host()) {
            let l = products(level).unwrap();
            let x = vec![0.5; l.elements];
            // Every lane has had a quarter added, so often.
            let sum: f32 = run(&l, &x).iter().sum();
            let each = 0.25 * (ROUNDS as usize * CHAINS) as f32;
            assert_eq!(sum, each * (PIECES * level.lanes()) as f32, "{}", level.name());
            let l = reads(level, 100_000).unwrap();
            assert!(l.bytes >= 100_000);
            assert_eq!(run(&l, &vec![1.0; l.elements]).iter().sum::<f32>(), l.elements as f32, "{}", level.name());
        }
    }
}
