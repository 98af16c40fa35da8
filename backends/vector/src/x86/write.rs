//! Bytes from instructions with registers: the prologue, every instruction, calls, the epilogue.

use super::Level;
use super::allocate::Allocated;
use super::asm::{Alu, Asm, KMove, Masking, Mem, Operands, R, RAX, RDX, RSP, Rm};
use super::code::{Addr, Class, Ins, STACK, Src, V, Vector};
use super::lower::PARAMETERS;
use super::ops;

/// Registers a function must leave as they were.
const CALLEE_SAVED: [R; 6] = [3, 5, 12, 13, 14, 15];
/// Where the parameters come in.
const PARAMETER_REGISTERS: [R; 6] = [7, 6, 2, 1, 8, 9];
/// A register no parameter comes in.
const R11: R = 11;

/// The function's code.
pub fn write(a: &Allocated, asm: Asm, level: Level) -> Vec<u8> {
    let calls = a.code.iter().any(|i| matches!(i, Ins::Call { .. }));
    let save = (a.frame + 63) / 64 * 64;
    let most = if calls { 64 * 52 } else { 0 };
    let mut w = Writer { a, asm, level, save };
    let used: Vec<R> = CALLEE_SAVED.into_iter().filter(|r| w.uses(*r)).collect();
    w.prologue(&used, save + most);
    for (p, i) in a.code.iter().enumerate() {
        w.ins(p, i);
    }
    w.epilogue(&used);
    w.asm.finish()
}

struct Writer<'a> {
    a: &'a Allocated,
    asm: Asm,
    level: Level,
    /// Where registers are kept during calls.
    save: i32,
}

fn stack(disp: i32) -> Mem {
    Mem { base: RSP, index: None, disp }
}

impl Writer<'_> {
    fn uses(&self, r: R) -> bool {
        let general = |v: usize| self.a.classes[v] == Class::General;
        self.a.registers.iter().enumerate().any(|(v, x)| *x == Some(r) && general(v))
    }

    /// The frame is aligned; the caller's stack pointer is its first word, the parameters follow.
    fn prologue(&mut self, used: &[R], frame: i32) {
        used.iter().for_each(|r| self.asm.push(*r));
        self.asm.mov(true, R11, Rm::Reg(RSP));
        self.asm.alu_imm(Alu::And, true, RSP, -64);
        self.asm.alu_imm(Alu::Sub, true, RSP, frame);
        self.asm.store(8, stack(0), R11);
        for (k, r) in PARAMETER_REGISTERS.into_iter().enumerate() {
            self.asm.store(8, stack(PARAMETERS + 8 * k as i32), r);
        }
    }

    fn epilogue(&mut self, used: &[R]) {
        self.asm.mov(true, RSP, Rm::Mem(stack(0)));
        used.iter().rev().for_each(|r| self.asm.pop(*r));
        self.asm.ret();
    }

    fn r(&self, v: V) -> R {
        if v == STACK {
            return RSP;
        }
        self.a.registers[v as usize].expect("every register in use has one")
    }

    fn mem(&self, a: &Addr) -> Mem {
        Mem { base: self.r(a.base), index: a.index.map(|(v, s)| (self.r(v), s)), disp: a.disp }
    }

    fn rm(&self, s: &Src) -> Rm {
        match s {
            Src::Reg(v) => Rm::Reg(self.r(*v)),
            Src::Mem(a) => Rm::Mem(self.mem(a)),
        }
    }

    fn ins(&mut self, p: usize, i: &Ins) {
        match *i {
            Ins::Vector(ref v) => self.vector(v),
            Ins::Put { .. } | Ins::Take { .. } | Ins::ShiftLanes { .. } | Ins::Blend { .. } => self.lanes(i),
            Ins::PutPart { op, src, ref to, len, unit, mask } => self.put_part(op, [src, mask], to, len, unit),
            Ins::MaskFrom { .. }
            | Ins::MaskTo { .. }
            | Ins::MaskOp { .. }
            | Ins::MaskNot { .. }
            | Ins::SpillMask { .. }
            | Ins::FillMask { .. } => self.mask(i),
            Ins::Move { dst, src } => self.copy(dst, src),
            Ins::Divide { signed, w, rem, dst, a, b } => self.divide(signed, w, rem, [dst, a, b]),
            Ins::Call { ref at, dst, a, b } => self.call(p, at, dst, a, b),
            Ins::Label(l) => self.asm.bind(l),
            Ins::Jump(l) => self.asm.jump(l),
            Ins::JumpIf(cc, l) => self.asm.jump_if(cc, l),
            Ins::Enter | Ins::Repeat => {}
            _ => self.general(i),
        }
    }

    fn vector(&mut self, v: &Vector) {
        let mask = v
            .mask
            .map_or(Masking::default(), |(k, zero)| Masking { k: self.r(k), zero: zero && v.op != ops::BLENDMPS });
        let o = Operands {
            reg: self.r(v.dst),
            second: v.second.map(|s| self.r(s)),
            rm: self.rm(&v.src),
            len: v.len,
            unit: v.unit,
            mask,
            imm: v.imm,
        };
        self.asm.vector(v.op, &o);
    }

    fn lanes(&mut self, i: &Ins) {
        let none = Masking::default();
        let plain = |reg, second, rm, len, imm| Operands { reg, second, rm, len, unit: len, mask: none, imm };
        match *i {
            Ins::Put { op, src, ref to, len, unit, imm } => {
                let rm = Rm::Mem(self.mem(to));
                self.asm.vector(op, &Operands { reg: self.r(src), second: None, rm, len, unit, mask: none, imm });
            }
            Ins::Take { op, dst, src, len, imm } => {
                self.asm.vector(op, &plain(self.r(src), None, Rm::Reg(self.r(dst)), len, imm));
            }
            Ins::ShiftLanes { op, number, dst, src, by, len } => {
                let o = plain(number, Some(self.r(dst)), Rm::Reg(self.r(src)), len, Some(by));
                self.asm.vector(op, &o);
            }
            Ins::Blend { dst, mask, a, b, len } => {
                let imm = Some(self.r(mask) << 4);
                self.asm.vector(ops::BLENDVPS, &plain(self.r(dst), Some(self.r(b)), Rm::Reg(self.r(a)), len, imm));
            }
            _ => unreachable!("not an instruction on lanes"),
        }
    }

    fn put_part(&mut self, op: super::asm::Op, [src, mask]: [V; 2], to: &Addr, len: u8, unit: u8) {
        let (reg, rm, k) = (self.r(src), Rm::Mem(self.mem(to)), self.r(mask));
        let in_vector = self.a.classes[mask as usize] == Class::Vector;
        let (second, k) = if in_vector { (Some(k), 0) } else { (None, k) };
        self.asm.vector(op, &Operands { reg, second, rm, len, unit, mask: Masking { k, zero: false }, imm: None });
    }

    fn mask(&mut self, i: &Ins) {
        match *i {
            Ins::MaskFrom { dst, src } => self.asm.kmov(KMove::FromGeneral(self.r(dst), self.r(src))),
            Ins::MaskTo { dst, src } => self.asm.kmov(KMove::ToGeneral(self.r(dst), self.r(src))),
            Ins::MaskOp { code, dst, a, b } => self.asm.kop(code, self.r(dst), self.r(a), self.r(b)),
            Ins::MaskNot { dst, src } => self.asm.knot(self.r(dst), self.r(src)),
            Ins::SpillMask { ref to, src } => self.asm.kmov(KMove::Store(self.mem(to), self.r(src))),
            Ins::FillMask { dst, ref from } => self.asm.kmov(KMove::Load(self.r(dst), self.mem(from))),
            _ => unreachable!("not an instruction on masks"),
        }
    }

    fn copy(&mut self, dst: V, src: V) {
        let (d, s) = (self.r(dst), self.r(src));
        if d == s {
            return;
        }
        match self.a.classes[dst as usize] {
            Class::General => self.asm.mov(true, d, Rm::Reg(s)),
            Class::Mask => self.asm.kmov(KMove::Copy(d, s)),
            Class::Vector => {
                let (len, mask) = (self.level.bytes(), Masking::default());
                let o = Operands { reg: d, second: None, rm: Rm::Reg(s), len, unit: len, mask, imm: None };
                self.asm.vector(ops::MOVAPS, &o);
            }
        }
    }

    fn general(&mut self, i: &Ins) {
        match *i {
            Ins::Imm { dst, v } => self.asm.mov_imm(self.r(dst), v),
            Ins::Load { size, signed, dst, ref from } => {
                let from = Rm::Mem(self.mem(from));
                self.asm.load(size as usize, signed, self.r(dst), from);
            }
            Ins::Store { size, ref to, src } => self.asm.store(size as usize, self.mem(to), self.r(src)),
            Ins::Widen { dst, src } => self.asm.load(4, true, self.r(dst), Rm::Reg(self.r(src))),
            Ins::Alu { op, w, dst, ref src } => self.asm.alu(op, w, self.r(dst), self.rm(src)),
            Ins::AluImm { op, w, dst, v } => self.asm.alu_imm(op, w, self.r(dst), v),
            Ins::Lea { dst, ref at } => self.lea(dst, at),
            Ins::Prefetch { ref at } => self.asm.prefetch(self.mem(at)),
            Ins::Mul { w, dst, src } => self.asm.imul(w, self.r(dst), Rm::Reg(self.r(src))),
            Ins::MulImm { w, dst, src, v } => self.asm.imul_imm(w, self.r(dst), Rm::Reg(self.r(src)), v),
            Ins::Shift { op, w, dst, src, by } => self.asm.shift(op, w, self.r(dst), self.r(src), self.r(by)),
            Ins::ShiftImm { op, w, dst, by } => self.asm.shift_imm(op, w, self.r(dst), by),
            Ins::Unary { number, w, dst } => self.asm.unary(number, w, self.r(dst)),
            Ins::Compare { w, a, b } => self.asm.alu(Alu::Cmp, w, self.r(a), Rm::Reg(self.r(b))),
            Ins::CompareImm { w, a, v } => self.asm.alu_imm(Alu::Cmp, w, self.r(a), v),
            Ins::Test { w, a } => self.asm.test(w, self.r(a)),
            Ins::CompareFloat { op, a, b } => {
                let (rm, mask) = (Rm::Reg(self.r(b)), Masking::default());
                let o = Operands { reg: self.r(a), second: None, rm, len: 16, unit: 16, mask, imm: None };
                self.asm.vector(op, &o);
            }
            Ins::Set { cc, dst } => self.asm.set(cc, self.r(dst)),
            Ins::Cmov { cc, w, dst, src } => self.asm.cmov(cc, w, self.r(dst), Rm::Reg(self.r(src))),
            _ => unreachable!("not a general instruction: {i:?}"),
        }
    }

    fn lea(&mut self, dst: V, at: &Addr) {
        let m = self.mem(at);
        match m {
            Mem { index: None, disp: 0, base } => self.asm.mov(true, self.r(dst), Rm::Reg(base)),
            m => self.asm.lea(self.r(dst), m),
        }
    }

    /// rax and rdx are nobody's in code that divides.
    fn divide(&mut self, signed: bool, w: bool, rem: bool, [dst, a, b]: [V; 3]) {
        self.asm.mov(w, RAX, Rm::Reg(self.r(a)));
        self.asm.divide(signed, w, self.r(b));
        self.asm.mov(w, self.r(dst), Rm::Reg(if rem { RDX } else { RAX }));
    }

    /// Registers that live across the call and are not the callee's to keep.
    fn live_across(&self, p: usize) -> Vec<(Class, R)> {
        let at = 2 * p as u32;
        let across = self.a.intervals.iter().filter(|t| t.start < at && t.end > at);
        let all = across.map(|t| (self.a.classes[t.v as usize], self.r(t.v)));
        all.filter(|(c, r)| *c != Class::General || !CALLEE_SAVED.contains(r)).collect()
    }

    fn call(&mut self, p: usize, at: &Addr, dst: V, a: V, b: V) {
        let live = self.live_across(p);
        for (k, (class, r)) in live.iter().enumerate() {
            self.keep(*class, *r, self.slot(k), true);
        }
        let (first, second) = (self.slot(50), self.slot(51));
        self.scalar(ops::MOVSD_STORE, self.r(a), first);
        self.scalar(ops::MOVSD_STORE, self.r(b), second);
        self.scalar(ops::MOVSD_LOAD, 0, first);
        self.scalar(ops::MOVSD_LOAD, 1, second);
        self.asm.zero_upper();
        self.asm.call(self.mem(at));
        self.scalar(ops::MOVSD_STORE, 0, first);
        for (k, (class, r)) in live.iter().enumerate() {
            self.keep(*class, *r, self.slot(k), false);
        }
        self.scalar(ops::MOVSD_LOAD, self.r(dst), first);
    }

    /// The k-th place of the frame where registers are kept during calls.
    fn slot(&self, k: usize) -> Mem {
        stack(self.save + 64 * k as i32)
    }

    fn scalar(&mut self, op: super::asm::Op, r: R, m: Mem) {
        let mask = Masking::default();
        self.asm.vector(op, &Operands { reg: r, second: None, rm: Rm::Mem(m), len: 16, unit: 8, mask, imm: None });
    }

    /// Stores a register or loads it again.
    fn keep(&mut self, class: Class, r: R, m: Mem, store: bool) {
        let (len, mask) = (self.level.bytes(), Masking::default());
        match (class, store) {
            (Class::General, true) => self.asm.store(8, m, r),
            (Class::General, false) => self.asm.mov(true, r, Rm::Mem(m)),
            (Class::Mask, true) => self.asm.kmov(KMove::Store(m, r)),
            (Class::Mask, false) => self.asm.kmov(KMove::Load(r, m)),
            (Class::Vector, _) => {
                let op = if store { ops::MOVUPS_STORE } else { ops::MOVUPS_LOAD };
                let o = Operands { reg: r, second: None, rm: Rm::Mem(m), len, unit: len, mask, imm: None };
                self.asm.vector(op, &o);
            }
        }
    }
}
