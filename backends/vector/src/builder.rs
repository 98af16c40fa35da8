//! Writes kernels: fresh registers, nested blocks, arguments by the size they carry.

use crate::ir::{Buf, Elem, Inst, Kernel, Node, Reg, Type};
use crate::level::Level;
use dlc_ir::lower::{Bin, Cmp, Un};
use dlc_ir::{DType, Dim};

/// A kernel under construction.
#[derive(Debug)]
pub struct Builder {
    level: Level,
    regs: Vec<Type>,
    open: Vec<Vec<Node>>,
    args: Vec<Dim>,
    buffers: u32,
    scratch: u32,
    /// How many lanes loads and stores of vectors touch; all if `None`.
    part: Option<Reg>,
}

impl Builder {
    /// An empty kernel with this many buffers.
    pub fn new(level: Level, buffers: usize) -> Self {
        Builder {
            level,
            regs: vec![],
            open: vec![vec![]],
            args: vec![],
            buffers: buffers as u32,
            scratch: 0,
            part: None,
        }
    }

    /// The level the kernel is for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Lanes of a vector.
    pub fn lanes(&self) -> usize {
        self.level.lanes()
    }

    /// The finished kernel. `scratch` is what its parts reserved besides [`Builder::scratch`].
    pub fn finish(mut self, name: &str, work: Dim, grain: Dim, scratch: Dim) -> Kernel {
        assert_eq!(self.open.len(), 1, "every block is closed");
        Kernel {
            name: name.into(),
            regs: self.regs,
            body: self.open.pop().unwrap_or_default(),
            buffers: self.buffers,
            args: self.args,
            work,
            outer: vec![],
            grain,
            scratch: scratch + Dim::from(self.scratch as usize),
        }
    }

    /// A register without a value yet.
    pub fn fresh(&mut self, ty: Type) -> Reg {
        self.regs.push(ty);
        self.regs.len() as Reg - 1
    }

    /// Type of a register.
    pub fn ty(&self, r: Reg) -> Type {
        self.regs[r as usize]
    }

    /// Appends a statement.
    pub fn push(&mut self, n: Node) {
        self.open.last_mut().expect("a block is open").push(n);
    }

    /// Defines a register.
    pub fn let_(&mut self, ty: Type, i: Inst) -> Reg {
        let r = self.fresh(ty);
        self.push(Node::Let(r, i));
        r
    }

    /// Defines a register that may change, with a first value.
    pub fn var(&mut self, first: Reg) -> Reg {
        let r = self.fresh(self.ty(first));
        self.push(Node::Set(r, first));
        r
    }

    /// Changes a register.
    pub fn set(&mut self, r: Reg, v: Reg) {
        self.push(Node::Set(r, v));
    }

    /// Runs `f` with a new block open and gives its statements.
    pub fn block(&mut self, f: impl FnOnce(&mut Self)) -> Vec<Node> {
        self.open.push(vec![]);
        f(self);
        self.open.pop().expect("the block opened above")
    }

    /// `for var in lo..hi step`.
    pub fn for_(&mut self, lo: Reg, hi: Reg, step: i64, f: impl FnOnce(&mut Self, Reg)) {
        let var = self.fresh(Type::scalar(Elem::I64));
        let body = self.block(|b| f(b, var));
        self.push(Node::Loop { var, lo, hi, step, body });
    }

    /// `if cond { then } else { els }`.
    pub fn if_(&mut self, cond: Reg, then: impl FnOnce(&mut Self), els: impl FnOnce(&mut Self)) {
        let then = self.block(then);
        let els = self.block(els);
        self.push(Node::If { cond, then, els });
    }

    /// A scalar or vector float constant.
    pub fn float(&mut self, ty: Type, v: f64) -> Reg {
        let r = self.let_(ty.with(1), Inst::Float(v));
        self.widen(r, ty.lanes)
    }

    /// An integer or mask constant.
    pub fn int(&mut self, ty: Type, v: i64) -> Reg {
        let r = self.let_(ty.with(1), Inst::Int(v));
        self.widen(r, ty.lanes)
    }

    /// An I64 constant.
    pub fn index(&mut self, v: i64) -> Reg {
        self.let_(Type::scalar(Elem::I64), Inst::Int(v))
    }

    /// A size: a constant, or an argument of the call.
    pub fn size(&mut self, d: &Dim) -> Reg {
        if let Some(v) = d.as_const() {
            return self.index(v);
        }
        let k = self.args.iter().position(|a| a == d).unwrap_or_else(|| {
            self.args.push(d.clone());
            self.args.len() - 1
        });
        self.let_(Type::scalar(Elem::I64), Inst::Arg(k as u32))
    }

    /// The range of work of the call.
    pub fn range(&mut self) -> (Reg, Reg) {
        let i64 = Type::scalar(Elem::I64);
        (self.let_(i64, Inst::Begin), self.let_(i64, Inst::End))
    }

    /// Reserves scratch memory of a constant size.
    pub fn scratch(&mut self, bytes: usize) -> Buf {
        let at = self.scratch;
        self.scratch += bytes.next_multiple_of(64) as u32;
        Buf::Scratch(at)
    }

    /// Scratch memory after everything reserved by [`Builder::scratch`] so far; its size goes to [`Builder::finish`].
    pub fn scratch_rest(&self) -> Buf {
        Buf::Scratch(self.scratch)
    }

    /// A scalar in `lanes` lanes; a vector as it is.
    pub fn widen(&mut self, r: Reg, lanes: u8) -> Reg {
        let ty = self.ty(r);
        if ty.lanes == lanes { r } else { self.let_(ty.with(lanes), Inst::Splat(r)) }
    }

    /// Both with as many lanes as the wider.
    pub fn agree(&mut self, a: Reg, b: Reg) -> (Reg, Reg) {
        let lanes = self.ty(a).lanes.max(self.ty(b).lanes);
        (self.widen(a, lanes), self.widen(b, lanes))
    }

    /// An operation on one.
    pub fn un(&mut self, op: Un, a: Reg) -> Reg {
        let ty = self.ty(a);
        let ty = if op == Un::IsNan { Type { elem: Elem::Mask, ..ty } } else { ty };
        self.let_(ty, Inst::Un(op, a))
    }

    /// An operation on two.
    pub fn bin(&mut self, op: Bin, a: Reg, b: Reg) -> Reg {
        let (a, b) = self.agree(a, b);
        self.let_(self.ty(a), Inst::Bin(op, a, b))
    }

    /// Sum.
    pub fn add(&mut self, a: Reg, b: Reg) -> Reg {
        self.bin(Bin::Add, a, b)
    }

    /// Product.
    pub fn mul(&mut self, a: Reg, b: Reg) -> Reg {
        self.bin(Bin::Mul, a, b)
    }

    /// `a * b + c` in one rounding.
    pub fn fma(&mut self, a: Reg, b: Reg, c: Reg) -> Reg {
        let (a, b) = self.agree(a, b);
        let (a, c) = self.agree(a, c);
        let b = self.widen(b, self.ty(a).lanes);
        self.let_(self.ty(a), Inst::Fma(a, b, c))
    }

    /// Products of four bytes in every lane, added on: see [`Inst::Dot`].
    pub fn dot(&mut self, a: Reg, b: Reg, c: Reg) -> Reg {
        self.let_(self.ty(c), Inst::Dot(a, b, c))
    }

    /// Products of the bf16 numbers in every lane, added on: see [`Inst::Pairs`].
    pub fn pairs(&mut self, a: Reg, b: Reg, c: Reg) -> Reg {
        self.let_(self.ty(c), Inst::Pairs(a, b, c))
    }

    /// A vector as bf16 bits: see [`Inst::Bf16`].
    pub fn bf16(&mut self, a: Reg) -> Reg {
        let lanes = self.ty(a).lanes;
        self.let_(Type { elem: Elem::I32, lanes }, Inst::Bf16(a))
    }

    /// A comparison.
    pub fn cmp(&mut self, op: Cmp, a: Reg, b: Reg) -> Reg {
        let (a, b) = self.agree(a, b);
        let lanes = self.ty(a).lanes;
        self.let_(Type { elem: Elem::Mask, lanes }, Inst::Cmp(op, a, b))
    }

    /// A lane-wise choice.
    pub fn select(&mut self, c: Reg, a: Reg, b: Reg) -> Reg {
        let (a, b) = self.agree(a, b);
        let lanes = self.ty(a).lanes.max(self.ty(c).lanes);
        let (c, a, b) = (self.widen(c, lanes), self.widen(a, lanes), self.widen(b, lanes));
        self.let_(self.ty(a), Inst::Select(c, a, b))
    }

    /// A conversion.
    pub fn cast(&mut self, elem: Elem, a: Reg) -> Reg {
        let ty = self.ty(a);
        if ty.elem == elem { a } else { self.let_(Type { elem, lanes: ty.lanes }, Inst::Cast(a)) }
    }

    /// The same bits as F32 or I32.
    pub fn bits(&mut self, elem: Elem, a: Reg) -> Reg {
        let lanes = self.ty(a).lanes;
        self.let_(Type { elem, lanes }, Inst::Bits(a))
    }

    /// One element, or as many consecutive ones as a vector has.
    pub fn load(&mut self, ty: Type, buf: Buf, mem: DType, index: Reg, offset: i32) -> Reg {
        match self.part {
            Some(count) if ty.lanes > 1 => self.let_(ty, Inst::LoadPart { buf, mem, index, offset, count }),
            _ => self.let_(ty, Inst::Load { buf, mem, index, offset, fixed: false }),
        }
    }

    /// Four bytes, or as many fours as a vector has lanes, as I32; the position counts bytes.
    pub fn bytes(&mut self, lanes: u8, buf: Buf, index: Reg, offset: i32) -> Reg {
        self.let_(Type { elem: Elem::I32, lanes }, Inst::Bytes { buf, index, offset })
    }

    /// Bytes of a table of 256, one for each lane: see [`Inst::Lookup`].
    pub fn lookup(&mut self, buf: Buf, mem: DType, index: Reg) -> Reg {
        self.let_(self.ty(index), Inst::Lookup { buf, mem, index })
    }

    /// Tells of the loads that `f` makes that the kernel never writes what they read.
    pub fn fixed<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let first = self.regs.len() as Reg;
        let out = f(self);
        for n in self.open.iter_mut().flatten() {
            if let Node::Let(r, Inst::Load { fixed, .. }) = n {
                *fixed |= *r >= first;
            }
        }
        out
    }

    /// Stores one element or a vector of them.
    pub fn store(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32, value: Reg) {
        match self.part {
            Some(count) if self.ty(value).lanes > 1 => {
                self.push(Node::StorePart { buf, mem, index, offset, value, count });
            }
            _ => self.push(Node::Store { buf, mem, index, offset, value }),
        }
    }

    /// Asks for the line of an element that will be read soon.
    pub fn prefetch(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32) {
        self.push(Node::Prefetch { buf, mem, index, offset });
    }

    /// Runs `f`, whose loads and stores of vectors touch the first `count` lanes only ([`Level::has_parts`]).
    pub fn part<T>(&mut self, count: Reg, f: impl FnOnce(&mut Self) -> T) -> T {
        let old = self.part.replace(count);
        let out = f(self);
        self.part = old;
        out
    }

    /// The lanes of some vectors (a power of two) combined into one scalar: the first half with the second, until one
    /// is left. Which lanes meet depends on their number in all, not on how many a vector has.
    pub fn across(&mut self, op: Bin, vectors: &[Reg]) -> Reg {
        let mut v = self.halved(op, vectors);
        let ty = self.ty(v).with(1);
        if self.level.has_rotate() && matches!(ty.elem, Elem::F32 | Elem::I32) {
            let mut by = self.lanes() as u8 / 2;
            while by > 0 {
                let other = self.let_(self.ty(v), Inst::Rotate(v, by));
                v = self.bin(op, v, other);
                by /= 2;
            }
            return self.let_(ty, Inst::Lane(v, 0));
        }
        let lanes: Vec<Reg> = (0..self.lanes() as u8).map(|l| self.let_(ty, Inst::Lane(v, l))).collect();
        self.halved(op, &lanes)
    }

    fn halved(&mut self, op: Bin, all: &[Reg]) -> Reg {
        match all {
            [one] => *one,
            _ => {
                let (a, b) = all.split_at(all.len() / 2);
                let half: Vec<Reg> = a.iter().zip(b).map(|(a, b)| self.bin(op, *a, *b)).collect();
                self.halved(op, &half)
            }
        }
    }
}
