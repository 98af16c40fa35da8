//! Operations on single values.

use super::Lower;
use crate::ir::{Elem, Inst, Reg, Type};
use crate::x86::asm::{Alu, Cc, Op, Shift};
use crate::x86::code::{Ins, Src, V, Vector};
use crate::x86::{Level, ops};
use dlc_ir::lower::{Bin, Cmp, Un};

/// Whether a scalar of this element lives in a vector register.
pub(super) fn is_float(e: Elem) -> bool {
    matches!(e, Elem::F32 | Elem::F64)
}

/// Whether an integer operation is 64 bits wide.
fn wide(e: Elem) -> bool {
    matches!(e, Elem::I64 | Elem::U64)
}

impl Lower<'_> {
    /// A vector instruction on registers: `dst = second op src`.
    pub(super) fn op3(&mut self, op: Op, len: u8, second: V, src: V, imm: Option<u8>) -> V {
        let dst = self.vector();
        let src = Src::Reg(src);
        self.push(Ins::Vector(Vector {
            op,
            dst,
            second: Some(second),
            src,
            len,
            unit: len,
            imm,
            mask: None,
            adds: false,
        }));
        dst
    }

    /// A vector instruction of one operand.
    pub(super) fn op2(&mut self, op: Op, len: u8, src: V, imm: Option<u8>) -> V {
        let dst = self.vector();
        let src = Src::Reg(src);
        self.push(Ins::Vector(Vector { op, dst, second: None, src, len, unit: len, imm, mask: None, adds: false }));
        dst
    }

    /// A float constant in the lowest lane.
    pub(super) fn float(&mut self, ty: Type, v: f64) -> V {
        let f64s = ty.elem == Elem::F64;
        let bits = if f64s { v.to_bits() as i64 } else { (v as f32).to_bits() as i64 };
        let r = self.imm(bits);
        self.op2(ops::MOVD_TO[usize::from(f64s)], 16, r, None)
    }

    pub(super) fn int(&mut self, ty: Type, v: i64) -> V {
        let v = match ty.elem {
            Elem::Mask => v & 1,
            Elem::I32 => v as i32 as i64,
            _ => v,
        };
        let r = self.imm(v);
        self.note_constant(r, v);
        r
    }

    /// A float whose bits are `bits` everywhere, for masks of signs.
    fn pattern(&mut self, elem: Elem, bits: i64) -> V {
        let r = self.imm(bits);
        self.op2(ops::MOVD_TO[usize::from(elem == Elem::F64)], 16, r, None)
    }

    pub(super) fn un(&mut self, op: Un, a: Reg) -> V {
        let elem = self.ty(a).elem;
        let x = self.get(a);
        if is_float(elem) { self.un_float(op, elem, x) } else { self.un_int(op, elem, x) }
    }

    fn un_float(&mut self, op: Un, elem: Elem, x: V) -> V {
        let f64s = elem == Elem::F64;
        let sign = if f64s { i64::MIN } else { 0x8000_0000 };
        match op {
            Un::Neg => {
                let s = self.pattern(elem, sign);
                self.op3(ops::PXOR, 16, x, s, None)
            }
            Un::Abs => {
                let s = self.pattern(elem, if f64s { i64::MAX } else { 0x7fff_ffff });
                self.op3(ops::PAND, 16, x, s, None)
            }
            Un::Floor | Un::Ceil | Un::Trunc | Un::Round => {
                let op = match (self.level, f64s) {
                    (Level::Avx2, false) => (self.round_mode(op), ops::ROUNDSS),
                    (Level::Avx2, true) => (self.round_mode(op), ops::ROUNDSD),
                    (_, false) => (self.round_mode(op), ops::RNDSCALESS),
                    (_, true) => (self.round_mode(op), ops::RNDSCALESD),
                };
                self.op3(op.1, 16, x, x, Some(op.0))
            }
            Un::Sqrt => self.op3(if f64s { ops::SQRTSD } else { ops::SQRTSS }, 16, x, x, None),
            Un::IsNan => {
                self.compare_floats(elem, x, x);
                self.flag(Cc::Parity)
            }
            _ => x,
        }
    }

    /// Rounding control, with inexact results not signalled.
    pub(super) fn round_mode(&self, op: Un) -> u8 {
        8 | match op {
            Un::Floor => 1,
            Un::Ceil => 2,
            Un::Trunc => 3,
            _ => 0,
        }
    }

    fn un_int(&mut self, op: Un, elem: Elem, x: V) -> V {
        let w = wide(elem);
        match op {
            Un::Neg | Un::Not if elem != Elem::Mask => {
                let dst = self.copy(x);
                self.push(Ins::Unary { number: if op == Un::Neg { 3 } else { 2 }, w, dst });
                dst
            }
            Un::Not => {
                let dst = self.copy(x);
                self.push(Ins::AluImm { op: Alu::Xor, w: false, dst, v: 1 });
                dst
            }
            Un::Abs if elem != Elem::U64 => {
                let dst = self.copy(x);
                self.push(Ins::Unary { number: 3, w, dst });
                self.push(Ins::Cmov { cc: Cc::Sign, w, dst, src: x });
                dst
            }
            Un::IsNan => self.imm(0),
            _ => x,
        }
    }

    /// 0 or 1 from the flags of the instruction before.
    pub(super) fn flag(&mut self, cc: Cc) -> V {
        let dst = self.general();
        self.push(Ins::Set { cc, dst });
        dst
    }

    pub(super) fn compare_floats(&mut self, elem: Elem, a: V, b: V) {
        let op = if elem == Elem::F64 { ops::UCOMISD } else { ops::UCOMISS };
        self.push(Ins::CompareFloat { op, a, b });
    }

    pub(super) fn bin(&mut self, ty: Type, op: Bin, a: Reg, b: Reg) -> V {
        if is_float(ty.elem) {
            return self.bin_float(ty.elem, op, a, b);
        }
        let w = wide(ty.elem);
        match op {
            Bin::Add if w => self.add_or_sub(Alu::Add, a, b),
            Bin::Sub if w => self.add_or_sub(Alu::Sub, a, b),
            Bin::Add => self.alu(Alu::Add, w, a, b),
            Bin::Sub => self.alu(Alu::Sub, w, a, b),
            Bin::And => self.alu(Alu::And, w, a, b),
            Bin::Or => self.alu(Alu::Or, w, a, b),
            Bin::Xor => self.alu(Alu::Xor, w, a, b),
            Bin::Mul => self.mul(w, a, b),
            Bin::Min | Bin::Max => self.min_max_int(ty.elem, op, a, b),
            Bin::Shl | Bin::Shr => self.shift(ty.elem, op, a, b),
            Bin::Div | Bin::Rem => self.divide(ty.elem, op, a, b),
            Bin::Pow => unreachable!("powers are calls"),
        }
    }

    fn alu(&mut self, op: Alu, w: bool, a: Reg, b: Reg) -> V {
        let dst = self.copy(self.get(a));
        match self.constant_int(b).and_then(|c| i32::try_from(c).ok()) {
            Some(v) => self.push(Ins::AluImm { op, w, dst, v }),
            None => {
                let src = Src::Reg(self.get(b));
                self.push(Ins::Alu { op, w, dst, src });
            }
        }
        dst
    }

    fn mul(&mut self, w: bool, a: Reg, b: Reg) -> V {
        for (x, c) in [(a, b), (b, a)] {
            if let Some(c) = self.constant_int(c).filter(|_| w) {
                let x = self.get(x);
                let dst = self.times(x, c);
                self.note_scaled(dst, x, c);
                return dst;
            }
        }
        let dst = self.copy(self.get(a));
        let src = self.get(b);
        self.push(Ins::Mul { w, dst, src });
        dst
    }

    fn min_max_int(&mut self, elem: Elem, op: Bin, a: Reg, b: Reg) -> V {
        let (x, y, w) = (self.get(a), self.get(b), wide(elem));
        let dst = self.copy(x);
        self.push(Ins::Compare { w, a: y, b: x });
        let unsigned = matches!(elem, Elem::U64 | Elem::Mask);
        let cc = match (op, unsigned) {
            (Bin::Min, false) => Cc::Less,
            (Bin::Min, true) => Cc::Below,
            (_, false) => Cc::Greater,
            (_, true) => Cc::Above,
        };
        self.push(Ins::Cmov { cc, w, dst, src: y });
        dst
    }

    /// Shifts by the width or more give 0.
    fn shift(&mut self, elem: Elem, op: Bin, a: Reg, b: Reg) -> V {
        let (x, w) = (self.get(a), wide(elem));
        let width = if w { 64 } else { 32 };
        let kind = match (op, elem) {
            (Bin::Shl, _) => Shift::Left,
            (_, Elem::U64) => Shift::Right,
            _ => Shift::Arithmetic,
        };
        if let Some(by) = self.constant_int(b) {
            if !(0..width).contains(&by) {
                return self.imm(0);
            }
            let dst = self.copy(x);
            self.push(Ins::ShiftImm { op: kind, w, dst, by: by as u8 });
            if w && kind == Shift::Left && by < 62 {
                self.note_scaled(dst, x, 1 << by);
            }
            return dst;
        }
        let (by, zero, dst) = (self.get(b), self.imm(0), self.general());
        self.push(Ins::Shift { op: kind, w, dst, src: x, by });
        self.push(Ins::CompareImm { w, a: by, v: width as i32 });
        self.push(Ins::Cmov { cc: Cc::AboveEq, w: true, dst, src: zero });
        dst
    }

    /// Integer division that never traps: by zero gives 0, by -1 negates.
    fn divide(&mut self, elem: Elem, op: Bin, a: Reg, b: Reg) -> V {
        let (x, y, w) = (self.get(a), self.get(b), wide(elem));
        let (signed, rem) = (elem != Elem::U64, op == Bin::Rem);
        if let Some(c) = self.constant_int(b).filter(|c| *c > 0) {
            return self.divide_by(elem, rem, x, y, c);
        }
        let one = self.imm(1);
        let safe = self.copy(y);
        self.push(Ins::Test { w, a: y });
        self.push(Ins::Cmov { cc: Cc::Eq, w: true, dst: safe, src: one });
        if signed {
            self.push(Ins::CompareImm { w, a: y, v: -1 });
            self.push(Ins::Cmov { cc: Cc::Eq, w: true, dst: safe, src: one });
        }
        let dst = self.general();
        self.push(Ins::Divide { signed, w, rem, dst, a: x, b: safe });
        let zero = self.imm(0);
        if signed && !rem {
            let minus = self.copy(x);
            self.push(Ins::Unary { number: 3, w, dst: minus });
            self.push(Ins::CompareImm { w, a: y, v: -1 });
            self.push(Ins::Cmov { cc: Cc::Eq, w: true, dst, src: minus });
        }
        self.push(Ins::Test { w, a: y });
        self.push(Ins::Cmov { cc: Cc::Eq, w: true, dst, src: zero });
        dst
    }

    /// By a positive constant: nothing to guard. A power of two of a signed number rounds towards zero.
    fn divide_by(&mut self, elem: Elem, rem: bool, x: V, y: V, c: i64) -> V {
        let w = wide(elem);
        if c == 1 {
            return if rem { self.imm(0) } else { x };
        }
        let small = c.count_ones() == 1 && c < 1 << 30;
        if !small {
            let dst = self.general();
            self.push(Ins::Divide { signed: elem != Elem::U64, w, rem, dst, a: x, b: y });
            return dst;
        }
        let by = c.trailing_zeros() as u8;
        let width = if w { 64 } else { 32 };
        // x + (x < 0 ? c - 1 : 0) is shifted for the quotient; what the shift loses is the remainder.
        let biased = self.copy(x);
        if elem != Elem::U64 {
            self.push(Ins::ShiftImm { op: Shift::Arithmetic, w, dst: biased, by: width - 1 });
            self.push(Ins::ShiftImm { op: Shift::Right, w, dst: biased, by: width - by });
            self.push(Ins::Alu { op: Alu::Add, w, dst: biased, src: Src::Reg(x) });
        }
        if !rem {
            let kind = if elem == Elem::U64 { Shift::Right } else { Shift::Arithmetic };
            self.push(Ins::ShiftImm { op: kind, w, dst: biased, by });
            return biased;
        }
        self.push(Ins::AluImm { op: Alu::And, w, dst: biased, v: -(c as i32) });
        let dst = self.copy(x);
        self.push(Ins::Alu { op: Alu::Sub, w, dst, src: Src::Reg(biased) });
        dst
    }

    fn bin_float(&mut self, elem: Elem, op: Bin, a: Reg, b: Reg) -> V {
        let f64s = elem == Elem::F64;
        let pick = |s: Op, d: Op| if f64s { d } else { s };
        let (x, y) = (self.get(a), self.get(b));
        let (min, max) = (pick(ops::MINSS, ops::MINSD), pick(ops::MAXSS, ops::MAXSD));
        let o = match op {
            Bin::Add => pick(ops::ADDSS, ops::ADDSD),
            Bin::Sub => pick(ops::SUBSS, ops::SUBSD),
            Bin::Mul => pick(ops::MULSS, ops::MULSD),
            Bin::Div => pick(ops::DIVSS, ops::DIVSD),
            Bin::Min | Bin::Max => {
                let o = if op == Bin::Min { min } else { max };
                return match (self.is_constant(a), self.is_constant(b)) {
                    // The second operand is given when one is NaN, or both are equal.
                    (_, true) => self.op3(o, 16, y, x, None),
                    (true, _) => self.op3(o, 16, x, y, None),
                    _ => self.min_max_float(elem, op, o, x, y),
                };
            }
            _ => unreachable!("{op:?} of floats is a call"),
        };
        self.op3(o, 16, x, y, None)
    }

    /// NaN when one is; -0 is below +0.
    fn min_max_float(&mut self, elem: Elem, op: Bin, o: Op, x: V, y: V) -> V {
        let (p, q) = (self.op3(o, 16, x, y, None), self.op3(o, 16, y, x, None));
        let m = self.op3(if op == Bin::Min { ops::POR } else { ops::PAND }, 16, p, q, None);
        let add = if elem == Elem::F64 { ops::ADDSD } else { ops::ADDSS };
        let nan = self.op3(add, 16, x, y, None);
        let dst = self.copy(m);
        let end = self.label();
        self.compare_floats(elem, x, y);
        self.push(Ins::JumpIf(Cc::NoParity, end));
        self.mov(dst, nan);
        self.push(Ins::Label(end));
        dst
    }

    pub(super) fn fma(&mut self, ty: Type, a: Reg, b: Reg, c: Reg) -> V {
        let (x, y, z) = (self.get(a), self.get(b), self.get(c));
        if ty.elem == Elem::F32 && ty.lanes > 1 && self.is_constant(c) {
            // The constant stays: a polynomial has one instruction a step.
            let (x, y) = if self.uses[a as usize] == 1 { (x, y) } else { (y, x) };
            return self.times_plus(self.len(ty), x, y, z);
        }
        if is_float(ty.elem) {
            let dst = self.copy(z);
            self.fused(ty, dst, x, y);
            return dst;
        }
        if ty.lanes > 1 {
            let len = self.len(ty);
            let p = self.op3(ops::PMULLD, len, x, y, None);
            return self.op3(ops::PADDD, len, p, z, None);
        }
        let w = wide(ty.elem);
        let dst = self.copy(x);
        self.push(Ins::Mul { w, dst, src: y });
        self.push(Ins::Alu { op: Alu::Add, w, dst, src: Src::Reg(z) });
        dst
    }

    /// `x * y + z` of lanes in the register of `x`, or a copy of it.
    fn times_plus(&mut self, len: u8, x: V, y: V, z: V) -> V {
        let (dst, op, src) = (self.copy(x), ops::FMADD213PS, Src::Reg(z));
        let (second, unit) = (Some(if x == y { dst } else { y }), len);
        self.push(Ins::Vector(Vector { op, dst, second, src, len, unit, imm: None, mask: None, adds: true }));
        dst
    }

    /// `a * 2^n`.
    pub(super) fn scale(&mut self, ty: Type, a: Reg, n: Reg) -> V {
        let (x, n) = (self.get(a), self.get(n));
        let op = if ty.lanes > 1 { ops::SCALEFPS } else { ops::SCALEFSS };
        self.op3(op, self.len(ty), x, n, None)
    }

    /// `dst += x * y` in one rounding.
    fn fused(&mut self, ty: Type, dst: V, x: V, y: V) {
        let op = match (ty.elem, ty.lanes) {
            (Elem::F64, _) => ops::FMADD231SD,
            (_, 1) => ops::FMADD231SS,
            _ => ops::FMADD231PS,
        };
        let len = self.len(ty);
        let src = Src::Reg(y);
        self.push(Ins::Vector(Vector {
            op,
            dst,
            second: Some(x),
            src,
            len,
            unit: len,
            imm: None,
            mask: None,
            adds: true,
        }));
    }

    /// `var = i` where `i` adds to `var`: without a copy. False when there is no such form.
    pub(super) fn add_in_place(&mut self, var: Reg, i: &Inst) -> bool {
        self.at = self.top();
        let ty = self.ty(var);
        match *i {
            Inst::Fma(a, b, c) if c == var && a != var && b != var && is_float(ty.elem) => {
                let (dst, x, y) = (self.get(var), self.get(a), self.get(b));
                self.fused(ty, dst, x, y);
                true
            }
            Inst::Bin(Bin::Add, a, b) if a == var && b != var && is_float(ty.elem) => {
                let (dst, y, len) = (self.get(var), self.get(b), self.len(ty));
                let op = match (ty.elem, ty.lanes) {
                    (Elem::F64, _) => ops::ADDSD,
                    (_, 1) => ops::ADDSS,
                    _ => ops::ADDPS,
                };
                let src = Src::Reg(y);
                let v = Vector { op, dst, second: Some(dst), src, len, unit: len, imm: None, mask: None, adds: false };
                self.push(Ins::Vector(v));
                true
            }
            _ => false,
        }
    }

    pub(super) fn cmp(&mut self, op: Cmp, a: Reg, b: Reg) -> V {
        let (elem, x, y) = (self.ty(a).elem, self.get(a), self.get(b));
        if is_float(elem) {
            return self.cmp_floats(elem, op, x, y);
        }
        self.push(Ins::Compare { w: wide(elem), a: x, b: y });
        let unsigned = matches!(elem, Elem::U64 | Elem::Mask);
        self.flag(match (op, unsigned) {
            (Cmp::Eq, _) => Cc::Eq,
            (Cmp::Ne, _) => Cc::Ne,
            (Cmp::Lt, false) => Cc::Less,
            (Cmp::Le, false) => Cc::LessEq,
            (Cmp::Gt, false) => Cc::Greater,
            (Cmp::Ge, false) => Cc::GreaterEq,
            (Cmp::Lt, true) => Cc::Below,
            (Cmp::Le, true) => Cc::BelowEq,
            (Cmp::Gt, true) => Cc::Above,
            (Cmp::Ge, true) => Cc::AboveEq,
        })
    }

    /// Unordered operands set carry, zero and parity: "above" and "above or equal" are false for them.
    fn cmp_floats(&mut self, elem: Elem, op: Cmp, x: V, y: V) -> V {
        let (cc, a, b) = match op {
            Cmp::Gt => (Cc::Above, x, y),
            Cmp::Ge => (Cc::AboveEq, x, y),
            Cmp::Lt => (Cc::Above, y, x),
            Cmp::Le => (Cc::AboveEq, y, x),
            Cmp::Eq | Cmp::Ne => {
                let (cc, parity, join) = match op {
                    Cmp::Eq => (Cc::Eq, Cc::NoParity, Alu::And),
                    _ => (Cc::Ne, Cc::Parity, Alu::Or),
                };
                self.compare_floats(elem, x, y);
                let dst = self.flag(cc);
                self.compare_floats(elem, x, y);
                let p = self.flag(parity);
                self.push(Ins::Alu { op: join, w: false, dst, src: Src::Reg(p) });
                return dst;
            }
        };
        self.compare_floats(elem, a, b);
        self.flag(cc)
    }

    pub(super) fn select(&mut self, ty: Type, c: Reg, a: Reg, b: Reg) -> V {
        let (c, x, y) = (self.get(c), self.get(a), self.get(b));
        let dst = self.copy(y);
        if is_float(ty.elem) {
            let end = self.label();
            self.push(Ins::Test { w: false, a: c });
            self.push(Ins::JumpIf(Cc::Eq, end));
            self.mov(dst, x);
            self.push(Ins::Label(end));
        } else {
            self.push(Ins::Test { w: false, a: c });
            self.push(Ins::Cmov { cc: Cc::Ne, w: true, dst, src: x });
        }
        dst
    }
}
