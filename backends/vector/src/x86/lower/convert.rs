//! Conversions: floats to integers saturate, NaN becomes 0.

use super::Lower;
use super::scalar::is_float;
use crate::ir::{Elem, Inst, Reg, Type};
use crate::x86::asm::{Alu, Cc, Op, Shift};
use crate::x86::code::{Class, Ins, Src, V, Vector};
use crate::x86::{Level, ops};
use dlc_ir::lower::Bin;

impl Lower<'_> {
    pub(super) fn cast(&mut self, ty: Type, a: Reg) -> V {
        let (from, to, x) = (self.ty(a).elem, ty.elem, self.get(a));
        match (from, to) {
            (a, b) if a == b => x,
            (Elem::F32, Elem::F64) => self.op3(ops::CVTSS2SD, 16, x, x, None),
            (Elem::F64, Elem::F32) => self.op3(ops::CVTSD2SS, 16, x, x, None),
            (a, Elem::Mask) => self.truth(a, x),
            (Elem::Mask, b) if is_float(b) => self.float_of(b, true, x),
            (Elem::Mask, _) => x,
            (Elem::U64, b) if is_float(b) => self.float_of_unsigned(b, x),
            (a, b) if is_float(b) => self.float_of(b, a == Elem::I64, x),
            (a, Elem::U64) if is_float(a) => self.unsigned_of(a, x),
            (a, b) if is_float(a) => self.int_of(a, b == Elem::I64, x),
            (Elem::I32, _) => {
                let dst = self.general();
                self.push(Ins::Widen { dst, src: x });
                dst
            }
            (_, Elem::I32) => x,
            _ => x,
        }
    }

    /// Whether a value is not 0.
    fn truth(&mut self, from: Elem, x: V) -> V {
        if !is_float(from) {
            self.push(Ins::Test { w: from != Elem::I32, a: x });
            return self.flag(Cc::Ne);
        }
        let zero = self.op3(ops::PXOR, 16, x, x, None);
        self.compare_floats(from, x, zero);
        let dst = self.flag(Cc::Ne);
        self.compare_floats(from, x, zero);
        let nan = self.flag(Cc::Parity);
        self.push(Ins::Alu { op: Alu::Or, w: false, dst, src: Src::Reg(nan) });
        dst
    }

    /// A float from a signed integer. The other lanes come from a cleared register, so that nothing is waited for.
    fn float_of(&mut self, to: Elem, w: bool, x: V) -> V {
        let op = if to == Elem::F64 { ops::CVTSI2SD } else { ops::CVTSI2SS }[usize::from(w)];
        let r = self.imm(0);
        let blank = self.op2(ops::MOVD_TO[0], 16, r, None);
        self.op3(op, 16, blank, x, None)
    }

    /// Of a number with the highest bit set, half is converted (its lowest bits joined, so that rounding sees them) and doubled.
    fn float_of_unsigned(&mut self, to: Elem, x: V) -> V {
        let plain = self.float_of(to, true, x);
        let half = self.copy(x);
        self.push(Ins::ShiftImm { op: Shift::Right, w: true, dst: half, by: 1 });
        let low = self.copy(x);
        self.push(Ins::AluImm { op: Alu::And, w: true, dst: low, v: 1 });
        self.push(Ins::Alu { op: Alu::Or, w: true, dst: half, src: Src::Reg(low) });
        let h = self.float_of(to, true, half);
        let doubled = self.op3(if to == Elem::F64 { ops::ADDSD } else { ops::ADDSS }, 16, h, h, None);
        let dst = self.copy(plain);
        let end = self.label();
        self.push(Ins::Test { w: true, a: x });
        self.push(Ins::JumpIf(Cc::NoSign, end));
        self.mov(dst, doubled);
        self.push(Ins::Label(end));
        dst
    }

    fn truncated(&mut self, from: Elem, w: bool, x: V) -> V {
        let op = if from == Elem::F64 { ops::CVTTSD2SI } else { ops::CVTTSS2SI }[usize::from(w)];
        let (dst, src) = (self.general(), Src::Reg(x));
        self.push(Ins::Vector(Vector {
            op,
            dst,
            second: None,
            src,
            len: 16,
            unit: 16,
            imm: None,
            mask: None,
            adds: false,
        }));
        dst
    }

    /// A float constant of a kind.
    fn number(&mut self, elem: Elem, v: f64) -> V {
        self.float(Type::scalar(elem), v)
    }

    /// A saturated signed integer. The instruction gives the smallest integer for everything outside.
    fn int_of(&mut self, from: Elem, w: bool, x: V) -> V {
        let dst = self.truncated(from, w, x);
        let limit = self.number(from, if w { 2f64.powi(63) } else { 2f64.powi(31) });
        let most = self.imm(if w { i64::MAX } else { i32::MAX as i64 });
        self.compare_floats(from, x, limit);
        self.push(Ins::Cmov { cc: Cc::AboveEq, w: true, dst, src: most });
        let zero = self.imm(0);
        self.compare_floats(from, x, x);
        self.push(Ins::Cmov { cc: Cc::Parity, w: true, dst, src: zero });
        dst
    }

    /// A saturated unsigned integer.
    fn unsigned_of(&mut self, from: Elem, x: V) -> V {
        let half = self.number(from, 2f64.powi(63));
        let less = self.op3(if from == Elem::F64 { ops::SUBSD } else { ops::SUBSS }, 16, x, half, None);
        let dst = self.truncated(from, true, x);
        let high = self.truncated(from, true, less);
        let top = self.imm(i64::MIN);
        self.push(Ins::Alu { op: Alu::Xor, w: true, dst: high, src: Src::Reg(top) });
        self.compare_floats(from, x, half);
        self.push(Ins::Cmov { cc: Cc::AboveEq, w: true, dst, src: high });
        let (limit, most, zero) = (self.number(from, 2f64.powi(64)), self.imm(-1), self.imm(0));
        self.compare_floats(from, x, limit);
        self.push(Ins::Cmov { cc: Cc::AboveEq, w: true, dst, src: most });
        // Below 0, and NaN: "below or equal" holds for the unordered, too.
        let nothing = self.number(from, 0.0);
        self.compare_floats(from, x, nothing);
        self.push(Ins::Cmov { cc: Cc::BelowEq, w: true, dst, src: zero });
        self.compare_floats(from, x, x);
        self.push(Ins::Cmov { cc: Cc::Parity, w: true, dst, src: zero });
        dst
    }

    pub(super) fn cast_lanes(&mut self, ty: Type, a: Reg) -> V {
        let (from, to, x, len) = (self.ty(a).elem, ty.elem, self.get(a), self.len(ty));
        match (from, to) {
            (a, b) if a == b => x,
            (Elem::I32, Elem::F32) => self.op2(ops::CVTDQ2PS, len, x, None),
            (Elem::F32, Elem::I32) => self.ints_of(len, x, self.is_below(a, 2f64.powi(31))),
            (Elem::F32, Elem::Mask) => {
                let zero = self.op3(ops::PXOR, len, x, x, None);
                self.compare_ps(4, len, x, zero)
            }
            (_, Elem::Mask) => self.truths(len, x),
            (Elem::Mask, b) => {
                let one = if b == Elem::F32 { 0x3f80_0000 } else { 1 };
                let one = self.pattern_lanes(one, len);
                self.kept(len, x, one)
            }
            (a, b) => unreachable!("lanes of {a:?} as {b:?}"),
        }
    }

    /// Lanes of `x` where the mask holds, else 0.
    fn kept(&mut self, len: u8, mask: V, x: V) -> V {
        if self.level < Level::Avx512 {
            return self.op3(ops::PAND, len, mask, x, None);
        }
        let (dst, src, mask) = (self.vector(), Src::Reg(x), Some((mask, true)));
        let v = Vector { op: ops::MOVAPS, dst, second: None, src, len, unit: len, imm: None, mask, adds: false };
        self.push(Ins::Vector(v));
        dst
    }

    fn truths(&mut self, len: u8, x: V) -> V {
        if self.level >= Level::Avx512 {
            let (dst, src) = (self.fresh(Class::Mask), Src::Reg(x));
            let op = ops::PTESTMD;
            let v = Vector { op, dst, second: Some(x), src, len, unit: len, imm: None, mask: None, adds: false };
            self.push(Ins::Vector(v));
            return dst;
        }
        let zero = self.op3(ops::PXOR, len, x, x, None);
        let none = self.op3(ops::PCMPEQD, len, x, zero, None);
        let ones = self.pattern_lanes(-1, len);
        self.op3(ops::PXOR, len, none, ones, None)
    }

    /// Saturated integers; those of small numbers need no look at the upper end.
    fn ints_of(&mut self, len: u8, x: V, small: bool) -> V {
        let number = self.compare_ps(7, len, x, x);
        if small && self.level >= Level::Avx512 {
            let (dst, src, mask) = (self.vector(), Src::Reg(x), Some((number, true)));
            let op = ops::CVTTPS2DQ;
            self.push(Ins::Vector(Vector { op, dst, second: None, src, len, unit: len, imm: None, mask, adds: false }));
            return dst;
        }
        let t = self.op2(ops::CVTTPS2DQ, len, x, None);
        if small {
            return self.kept(len, number, t);
        }
        let (limit, most) = (self.pattern_lanes(0x4f00_0000, len), self.pattern_lanes(0x7fff_ffff, len));
        let over = self.compare_ps(0x1d, len, x, limit);
        let t = self.choose(len, over, most, t);
        self.kept(len, number, t)
    }

    /// Whether lanes are known to be less than a number, or no number.
    fn is_below(&self, r: Reg, limit: f64) -> bool {
        let less = |r: &Reg| self.constant_float(*r).is_some_and(|c| c < limit);
        match self.defs[r as usize] {
            Some((Inst::Bin(Bin::Min, a, b), _)) => less(&a) || less(&b),
            Some((Inst::Bin(Bin::Max, a, b), _)) if less(&b) => self.is_below(a, limit),
            _ => false,
        }
    }

    /// The float constant that a register holds in every lane.
    fn constant_float(&self, r: Reg) -> Option<f64> {
        match self.defs[r as usize]?.0 {
            Inst::Float(v) => Some(v),
            Inst::Splat(a) => self.constant_float(a),
            _ => None,
        }
    }

    /// The same bits as F32 or I32.
    pub(super) fn bits(&mut self, ty: Type, a: Reg) -> V {
        let (from, x) = (self.ty(a), self.get(a));
        if ty.lanes > 1 || from.elem == ty.elem {
            return x;
        }
        if ty.elem == Elem::F32 {
            return self.op2(ops::MOVD_TO[0], 16, x, None);
        }
        let dst = self.general();
        let op: Op = ops::MOVD_FROM[0];
        self.push(Ins::Take { op, dst, src: x, len: 16, imm: None });
        dst
    }
}
