//! Operations on registers: arithmetic that never traps, comparisons, conversions.

use super::{Function, clif_type};
use crate::ir::{Elem, Inst, Reg, Type};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I8, I8X16, I32, I32X4, I64};
use cranelift_codegen::ir::{self as clif, InstBuilder, MemFlagsData, Value};
use dlc_ir::lower::{Bin, Cmp, Un};

impl Function<'_> {
    pub(super) fn un(&mut self, op: Un, a: Reg) -> Value {
        let (ty, v) = (self.ty(a), self.get(a));
        let float = matches!(ty.elem, Elem::F32 | Elem::F64);
        match (op, float) {
            (Un::Neg, true) => self.b.ins().fneg(v),
            (Un::Neg, false) => self.b.ins().ineg(v),
            (Un::Abs, true) => self.b.ins().fabs(v),
            (Un::Abs, false) if ty.elem == Elem::U64 => v,
            (Un::Abs, false) => self.b.ins().iabs(v),
            (Un::Not, _) if ty.elem == Elem::Mask && ty.lanes == 1 => {
                let one = self.b.ins().iconst(I8, 1);
                self.b.ins().bxor(v, one)
            }
            (Un::Not, _) => self.b.ins().bnot(v),
            (Un::Floor, true) => self.b.ins().floor(v),
            (Un::Ceil, true) => self.b.ins().ceil(v),
            (Un::Trunc, true) => self.b.ins().trunc(v),
            (Un::Round, true) => self.b.ins().nearest(v),
            (Un::Sqrt, true) => self.b.ins().sqrt(v),
            (Un::IsNan, true) => self.b.ins().fcmp(FloatCC::Unordered, v, v),
            (Un::IsNan, false) => self.b.ins().iconst(I8, 0),
            _ => v,
        }
    }

    /// The constant a register holds in every lane.
    fn constant(&self, r: Reg) -> Option<Inst> {
        match self.defs[r as usize] {
            Some(Inst::Splat(a)) => self.constant(a),
            Some(i @ (Inst::Float(_) | Inst::Int(_))) => Some(i),
            _ => None,
        }
    }

    pub(super) fn bin(&mut self, ty: Type, op: Bin, x: Reg, y: Reg) -> Value {
        let (a, b) = (self.get(x), self.get(y));
        if matches!(ty.elem, Elem::F32 | Elem::F64) {
            return self.float_bin(ty, op, (x, a), (y, b));
        }
        let unsigned = ty.elem == Elem::U64;
        match op {
            Bin::Add => self.b.ins().iadd(a, b),
            Bin::Sub => self.b.ins().isub(a, b),
            Bin::Mul => self.b.ins().imul(a, b),
            Bin::And => self.b.ins().band(a, b),
            Bin::Or => self.b.ins().bor(a, b),
            Bin::Xor => self.b.ins().bxor(a, b),
            Bin::Min if unsigned => self.b.ins().umin(a, b),
            Bin::Max if unsigned => self.b.ins().umax(a, b),
            Bin::Min => self.b.ins().smin(a, b),
            Bin::Max => self.b.ins().smax(a, b),
            Bin::Shl | Bin::Shr => self.shift(ty, op, a, y),
            Bin::Div | Bin::Rem => self.divide(ty, op, a, b),
            Bin::Pow => unreachable!("powers are calls"),
        }
    }

    fn float_bin(&mut self, ty: Type, op: Bin, (x, a): (Reg, Value), (y, b): (Reg, Value)) -> Value {
        match op {
            Bin::Add => self.b.ins().fadd(a, b),
            Bin::Sub => self.b.ins().fsub(a, b),
            Bin::Mul => self.b.ins().fmul(a, b),
            Bin::Div => self.b.ins().fdiv(a, b),
            // With one constant (not NaN), a comparison propagates the NaN of the other.
            Bin::Min | Bin::Max => match (self.constant(x).is_some(), self.constant(y).is_some()) {
                (_, true) => self.min_max(ty, op, a, b),
                (true, _) => self.min_max(ty, op, b, a),
                _ if op == Bin::Min => self.b.ins().fmin(a, b),
                _ => self.b.ins().fmax(a, b),
            },
            _ => unreachable!("{op:?} of floats is a call"),
        }
    }

    fn min_max(&mut self, ty: Type, op: Bin, v: Value, c: Value) -> Value {
        let cc = if op == Bin::Min { FloatCC::GreaterThan } else { FloatCC::LessThan };
        let beyond = self.b.ins().fcmp(cc, v, c);
        self.choose(ty, beyond, c, v)
    }

    pub(super) fn choose(&mut self, ty: Type, c: Value, a: Value, b: Value) -> Value {
        if ty.lanes == 1 {
            return self.b.ins().select(c, a, b);
        }
        let flags = MemFlagsData::new().with_endianness(clif::Endianness::Little);
        let t = clif_type(ty);
        let c = if t == I32X4 { c } else { self.b.ins().bitcast(t, flags, c) };
        self.b.ins().bitselect(c, a, b)
    }

    /// Products of bytes, those of four neighbours added to a lane. Neighbours are first added in pairs: x86-64 has one
    /// instruction for products of 16 bits and their sums.
    pub(super) fn dot(&mut self, a: Reg, b: Reg, c: Reg) -> Value {
        let (a, b, c) = (self.get(a), self.get(b), self.get(c));
        let little = MemFlagsData::new().with_endianness(clif::Endianness::Little);
        let (a, b) = (self.b.ins().bitcast(I8X16, little, a), self.b.ins().bitcast(I8X16, little, b));
        let (x, y) = (self.b.ins().uwiden_low(a), self.b.ins().swiden_low(b));
        let low = self.pairs(x, y);
        let (x, y) = (self.b.ins().uwiden_high(a), self.b.ins().swiden_high(b));
        let high = self.pairs(x, y);
        let sums = self.b.ins().iadd_pairwise(low, high);
        self.b.ins().iadd(sums, c)
    }

    /// Sums of neighbouring products of 16-bit lanes.
    fn pairs(&mut self, x: Value, y: Value) -> Value {
        let product = |f: &mut Self, high: bool| {
            let wide = |f: &mut Self, v| if high { f.b.ins().swiden_high(v) } else { f.b.ins().swiden_low(v) };
            let (x, y) = (wide(f, x), wide(f, y));
            f.b.ins().imul(x, y)
        };
        let (low, high) = (product(self, false), product(self, true));
        self.b.ins().iadd_pairwise(low, high)
    }

    /// Shifts by the width or more give 0.
    fn shift(&mut self, ty: Type, op: Bin, a: Value, by: Reg) -> Value {
        let width: i64 = if ty.elem == Elem::I32 { 32 } else { 64 };
        let constant = match self.constant(by) {
            Some(Inst::Int(v)) => Some(v),
            _ => None,
        };
        let amount = match constant {
            Some(v) => self.b.ins().iconst(I32, v & (width - 1)),
            None => self.get(by),
        };
        let shifted = match op {
            Bin::Shl => self.b.ins().ishl(a, amount),
            _ if ty.elem == Elem::U64 => self.b.ins().ushr(a, amount),
            _ => self.b.ins().sshr(a, amount),
        };
        match constant {
            Some(v) if (0..width).contains(&v) => shifted,
            _ => {
                let zero = self.int(ty, 0);
                let limit = self.int(ty, width);
                let amount = self.get(by);
                let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, amount, limit);
                self.b.ins().select(inside, shifted, zero)
            }
        }
    }

    /// Integer division that never traps: by zero gives 0, by -1 negates.
    fn divide(&mut self, ty: Type, op: Bin, a: Value, b: Value) -> Value {
        let t = clif_type(ty);
        let zero = self.b.ins().iconst(t, 0);
        let one = self.b.ins().iconst(t, 1);
        let by_zero = self.b.ins().icmp(IntCC::Equal, b, zero);
        let safe = self.b.ins().select(by_zero, one, b);
        if ty.elem == Elem::U64 {
            let q = if op == Bin::Div { self.b.ins().udiv(a, safe) } else { self.b.ins().urem(a, safe) };
            return self.b.ins().select(by_zero, zero, q);
        }
        let minus = self.int(ty, -1);
        let by_minus = self.b.ins().icmp(IntCC::Equal, b, minus);
        let safe = self.b.ins().select(by_minus, one, safe);
        let (q, negated) = match op {
            Bin::Div => (self.b.ins().sdiv(a, safe), self.b.ins().ineg(a)),
            _ => (self.b.ins().srem(a, safe), zero),
        };
        let q = self.b.ins().select(by_minus, negated, q);
        self.b.ins().select(by_zero, zero, q)
    }

    pub(super) fn cmp(&mut self, op: Cmp, x: Reg, y: Reg) -> Value {
        let (ty, a, b) = (self.ty(x), self.get(x), self.get(y));
        if matches!(ty.elem, Elem::F32 | Elem::F64) {
            let cc = match op {
                Cmp::Eq => FloatCC::Equal,
                Cmp::Ne => FloatCC::NotEqual,
                Cmp::Lt => FloatCC::LessThan,
                Cmp::Le => FloatCC::LessThanOrEqual,
                Cmp::Gt => FloatCC::GreaterThan,
                Cmp::Ge => FloatCC::GreaterThanOrEqual,
            };
            return self.b.ins().fcmp(cc, a, b);
        }
        let signed = ty.elem != Elem::U64 && !(ty.elem == Elem::Mask && ty.lanes == 1);
        let cc = match (op, signed) {
            (Cmp::Eq, _) => IntCC::Equal,
            (Cmp::Ne, _) => IntCC::NotEqual,
            (Cmp::Lt, true) => IntCC::SignedLessThan,
            (Cmp::Le, true) => IntCC::SignedLessThanOrEqual,
            (Cmp::Gt, true) => IntCC::SignedGreaterThan,
            (Cmp::Ge, true) => IntCC::SignedGreaterThanOrEqual,
            (Cmp::Lt, false) => IntCC::UnsignedLessThan,
            (Cmp::Le, false) => IntCC::UnsignedLessThanOrEqual,
            (Cmp::Gt, false) => IntCC::UnsignedGreaterThan,
            (Cmp::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
        };
        self.b.ins().icmp(cc, a, b)
    }

    pub(super) fn cast(&mut self, ty: Type, r: Reg) -> Value {
        let (from, v, t) = (self.ty(r), self.get(r), clif_type(ty));
        let float = |e: Elem| matches!(e, Elem::F32 | Elem::F64);
        match (from.elem, ty.elem) {
            (a, b) if a == b => v,
            (Elem::F32, Elem::F64) => self.b.ins().fpromote(F64, v),
            (Elem::F64, Elem::F32) => self.b.ins().fdemote(F32, v),
            (Elem::Mask, _) => self.mask_as(from, ty, v),
            (a, Elem::Mask) if float(a) => {
                let zero = self.zero(from);
                self.b.ins().fcmp(FloatCC::NotEqual, v, zero)
            }
            (_, Elem::Mask) => {
                let zero = self.zero(from);
                self.b.ins().icmp(IntCC::NotEqual, v, zero)
            }
            (a, Elem::U64) if float(a) => self.b.ins().fcvt_to_uint_sat(I64, v),
            (a, _) if float(a) && !float(ty.elem) => self.b.ins().fcvt_to_sint_sat(t, v),
            (Elem::U64, b) if float(b) => self.b.ins().fcvt_from_uint(t, v),
            (_, b) if float(b) => self.b.ins().fcvt_from_sint(t, v),
            (Elem::I32, _) => self.b.ins().sextend(I64, v),
            (_, Elem::I32) => self.b.ins().ireduce(I32, v),
            _ => v,
        }
    }

    fn zero(&mut self, ty: Type) -> Value {
        let scalar = match ty.elem {
            Elem::F32 => self.b.ins().f32const(0.0),
            Elem::F64 => self.b.ins().f64const(0.0),
            _ => self.b.ins().iconst(clif_type(ty.with(1)), 0),
        };
        if ty.lanes == 1 { scalar } else { self.b.ins().splat(clif_type(ty), scalar) }
    }

    fn mask_as(&mut self, from: Type, ty: Type, v: Value) -> Value {
        let int = if from.lanes == 1 {
            let wide = if matches!(ty.elem, Elem::I64 | Elem::U64) { I64 } else { I32 };
            self.b.ins().uextend(wide, v)
        } else {
            let one = self.b.ins().iconst(I32, 1);
            let ones = self.b.ins().splat(I32X4, one);
            self.b.ins().band(v, ones)
        };
        match ty.elem {
            Elem::F32 | Elem::F64 => self.b.ins().fcvt_from_sint(clif_type(ty), int),
            _ => int,
        }
    }
}
