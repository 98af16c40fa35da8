//! Operations on registers of several lanes.

use super::{Key, Lower};
use crate::ir::{Elem, Inst, Reg, Type};
use crate::x86::asm::Op;
use crate::x86::code::{Addr, Ins, Src, V, Vector};
use crate::x86::{Level, ops};
use dlc_ir::DType;
use dlc_ir::lower::{Bin, Cmp, Un};

/// Predicates of float comparisons: ordered and quiet; "not equal" is true of NaN.
const UNORDERED: u8 = 3;
const NOT_EQUAL: u8 = 4;

impl Lower<'_> {
    pub(super) fn is_512(&self) -> bool {
        self.level >= Level::Avx512
    }

    /// A 32-bit pattern in all lanes.
    pub(super) fn pattern_lanes(&mut self, bits: i64, len: u8) -> V {
        self.once(Key::Pattern(bits, len), &[], |l| {
            let r = l.imm(bits & 0xffff_ffff);
            let x = l.op2(ops::MOVD_TO[0], 16, r, None);
            l.op2(ops::BROADCASTSS, len, x, None)
        })
    }

    pub(super) fn un_lanes(&mut self, op: Un, a: Reg) -> V {
        let (ty, x) = (self.ty(a), self.get(a));
        let len = self.len(ty);
        match (ty.elem, op) {
            (Elem::F32, Un::Neg) => {
                let s = self.pattern_lanes(0x8000_0000, len);
                self.op3(ops::PXOR, len, x, s, None)
            }
            (Elem::F32, Un::Abs) => {
                let s = self.pattern_lanes(0x7fff_ffff, len);
                self.op3(ops::PAND, len, x, s, None)
            }
            (Elem::F32, Un::Floor | Un::Ceil | Un::Trunc | Un::Round) => {
                let mode = self.round_mode(op);
                self.op2(if self.is_512() { ops::RNDSCALEPS } else { ops::ROUNDPS }, len, x, Some(mode))
            }
            (Elem::F32, Un::Sqrt) => self.op2(ops::SQRTPS, len, x, None),
            (Elem::F32, Un::IsNan) => self.compare_ps(UNORDERED, len, x, x),
            (_, Un::IsNan) => {
                let zero = self.op3(ops::PXOR, len, x, x, None);
                self.compare_ps(UNORDERED, len, zero, zero)
            }
            (Elem::I32, Un::Neg) => {
                let zero = self.op3(ops::PXOR, len, x, x, None);
                self.op3(ops::PSUBD, len, zero, x, None)
            }
            (Elem::I32, Un::Abs) => self.op2(ops::PABSD, len, x, None),
            (Elem::I32, Un::Not) => self.complement(len, x),
            (Elem::Mask, Un::Not) if self.is_512() => self.mask_not(x),
            (Elem::Mask, Un::Not) => self.complement(len, x),
            _ => x,
        }
    }

    fn complement(&mut self, len: u8, x: V) -> V {
        let ones = self.pattern_lanes(-1, len);
        self.op3(ops::PXOR, len, x, ones, None)
    }

    fn mask(&mut self) -> V {
        self.fresh(super::Class::Mask)
    }

    fn mask_not(&mut self, src: V) -> V {
        let dst = self.mask();
        self.push(Ins::MaskNot { dst, src });
        dst
    }

    /// A vector instruction that gives a mask register.
    pub(super) fn op3_mask(&mut self, op: Op, len: u8, second: V, src: V, imm: Option<u8>) -> V {
        let dst = self.mask();
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

    pub(super) fn compare_ps(&mut self, predicate: u8, len: u8, x: V, y: V) -> V {
        if self.is_512() {
            self.op3_mask(ops::CMPPS_K, len, x, y, Some(predicate))
        } else {
            self.op3(ops::CMPPS, len, x, y, Some(predicate))
        }
    }

    pub(super) fn cmp_lanes(&mut self, op: Cmp, a: Reg, b: Reg) -> V {
        let (ty, x, y) = (self.ty(a), self.get(a), self.get(b));
        let len = self.len(ty);
        if ty.elem == Elem::F32 {
            let predicate = match op {
                Cmp::Eq => 0,
                Cmp::Ne => NOT_EQUAL,
                Cmp::Lt => 0x11,
                Cmp::Le => 0x12,
                Cmp::Gt => 0x1e,
                Cmp::Ge => 0x1d,
            };
            return self.compare_ps(predicate, len, x, y);
        }
        assert_eq!(ty.elem, Elem::I32, "lanes of masks are not compared");
        if self.is_512() {
            let predicate = match op {
                Cmp::Eq => 0,
                Cmp::Lt => 1,
                Cmp::Le => 2,
                Cmp::Ne => 4,
                Cmp::Ge => 5,
                Cmp::Gt => 6,
            };
            return self.op3_mask(ops::PCMPD, len, x, y, Some(predicate));
        }
        let (op, x, y, flip) = match op {
            Cmp::Eq => (ops::PCMPEQD, x, y, false),
            Cmp::Ne => (ops::PCMPEQD, x, y, true),
            Cmp::Gt => (ops::PCMPGTD, x, y, false),
            Cmp::Le => (ops::PCMPGTD, x, y, true),
            Cmp::Lt => (ops::PCMPGTD, y, x, false),
            Cmp::Ge => (ops::PCMPGTD, y, x, true),
        };
        let m = self.op3(op, len, x, y, None);
        if flip { self.complement(len, m) } else { m }
    }

    pub(super) fn select_lanes(&mut self, ty: Type, c: Reg, a: Reg, b: Reg) -> V {
        let (c, x, y, len) = (self.get(c), self.get(a), self.get(b), self.len(ty));
        if ty.elem == Elem::Mask {
            return self.select_masks(len, c, x, y);
        }
        self.choose(len, c, x, y)
    }

    /// Lanes of `x` where `c` holds, else of `y`.
    pub(super) fn choose(&mut self, len: u8, c: V, x: V, y: V) -> V {
        let dst = self.vector();
        if self.is_512() {
            let (src, mask) = (Src::Reg(x), Some((c, false)));
            let v =
                Vector { op: ops::BLENDMPS, dst, second: Some(y), src, len, unit: len, imm: None, mask, adds: false };
            self.push(Ins::Vector(v));
        } else {
            self.push(Ins::Blend { dst, mask: c, a: x, b: y, len });
        }
        dst
    }

    fn select_masks(&mut self, len: u8, c: V, x: V, y: V) -> V {
        if !self.is_512() {
            return self.choose(len, c, x, y);
        }
        let [p, q, dst] = [(); 3].map(|_| self.mask());
        self.push(Ins::MaskOp { code: 0x41, dst: p, a: c, b: x });
        self.push(Ins::MaskOp { code: 0x42, dst: q, a: c, b: y });
        self.push(Ins::MaskOp { code: 0x45, dst, a: p, b: q });
        dst
    }

    pub(super) fn bin_lanes(&mut self, ty: Type, op: Bin, a: Reg, b: Reg) -> V {
        let (x, y, len) = (self.get(a), self.get(b), self.len(ty));
        match ty.elem {
            Elem::Mask => self.bin_masks(op, len, x, y),
            Elem::F32 => self.bin_floats(op, len, (a, x), (b, y)),
            _ => self.bin_ints(op, len, x, y, b),
        }
    }

    fn bin_masks(&mut self, op: Bin, len: u8, x: V, y: V) -> V {
        let (code, o) = match op {
            Bin::And | Bin::Min | Bin::Mul => (0x41, ops::PAND),
            Bin::Or | Bin::Max | Bin::Add => (0x45, ops::POR),
            _ => (0x47, ops::PXOR),
        };
        if !self.is_512() {
            return self.op3(o, len, x, y, None);
        }
        let dst = self.mask();
        self.push(Ins::MaskOp { code, dst, a: x, b: y });
        dst
    }

    fn bin_floats(&mut self, op: Bin, len: u8, (a, x): (Reg, V), (b, y): (Reg, V)) -> V {
        let o = match op {
            Bin::Add => ops::ADDPS,
            Bin::Sub => ops::SUBPS,
            Bin::Mul => ops::MULPS,
            Bin::Div => ops::DIVPS,
            Bin::Min | Bin::Max => {
                let o = if op == Bin::Min { ops::MINPS } else { ops::MAXPS };
                return match (self.is_constant(a), self.is_constant(b)) {
                    (_, true) => self.op3(o, len, y, x, None),
                    (true, _) => self.op3(o, len, x, y, None),
                    _ => self.min_max_lanes(op, o, len, x, y),
                };
            }
            _ => unreachable!("{op:?} of floats is a call"),
        };
        self.op3(o, len, x, y, None)
    }

    pub(super) fn rotate(&mut self, ty: Type, a: Reg, by: u8) -> V {
        let x = self.get(a);
        self.op3(ops::ALIGND, self.len(ty), x, x, Some(by))
    }

    /// NaN when one is; -0 is below +0.
    fn min_max_lanes(&mut self, op: Bin, o: Op, len: u8, x: V, y: V) -> V {
        if self.is_512() {
            let dst = self.op3(ops::RANGEPS, len, x, y, Some(if op == Bin::Min { 4 } else { 5 }));
            let c = self.compare_ps(UNORDERED, len, x, y);
            let (second, src, mask) = (Some(x), Src::Reg(y), Some((c, false)));
            let op = ops::ADDPS;
            self.push(Ins::Vector(Vector { op, dst, second, src, len, unit: len, imm: None, mask, adds: false }));
            return dst;
        }
        let (p, q) = (self.op3(o, len, x, y, None), self.op3(o, len, y, x, None));
        let m = self.op3(if op == Bin::Min { ops::POR } else { ops::PAND }, len, p, q, None);
        let nan = self.op3(ops::ADDPS, len, x, y, None);
        let c = self.compare_ps(UNORDERED, len, x, y);
        self.choose(len, c, nan, m)
    }

    fn bin_ints(&mut self, op: Bin, len: u8, x: V, y: V, b: Reg) -> V {
        let o = match op {
            Bin::Add => ops::PADDD,
            Bin::Sub => ops::PSUBD,
            Bin::Mul => ops::PMULLD,
            Bin::And => ops::PAND,
            Bin::Or => ops::POR,
            Bin::Xor => ops::PXOR,
            Bin::Min => ops::PMINSD,
            Bin::Max => ops::PMAXSD,
            Bin::Shl | Bin::Shr => return self.shift_lanes(op, len, x, y, b),
            _ => unreachable!("{op:?} is not done in lanes"),
        };
        self.op3(o, len, x, y, None)
    }

    /// Shifts by the width or more give 0.
    fn shift_lanes(&mut self, op: Bin, len: u8, x: V, y: V, b: Reg) -> V {
        if let Some(by) = self.constant_int(b) {
            if !(0..32).contains(&by) {
                return self.op3(ops::PXOR, len, x, x, None);
            }
            let dst = self.vector();
            let number = if op == Bin::Shl { 6 } else { 4 };
            self.push(Ins::ShiftLanes { op: ops::PSHIFTD_IMM, number, dst, src: x, by: by as u8, len });
            return dst;
        }
        if op == Bin::Shl {
            return self.op3(ops::PSLLVD, len, x, y, None);
        }
        let shifted = self.op3(ops::PSRAVD, len, x, y, None);
        let (low, zero) = (self.pattern_lanes(31, len), self.op3(ops::PXOR, len, x, x, None));
        // An amount that is no less than itself cut to five bits, and no more, is one of 0..32.
        let cut = self.op3(ops::PAND, len, y, low, None);
        let inside = if self.is_512() {
            self.op3_mask(ops::PCMPD, len, cut, y, Some(0))
        } else {
            self.op3(ops::PCMPEQD, len, cut, y, None)
        };
        self.choose(len, inside, shifted, zero)
    }

    pub(super) fn splat(&mut self, ty: Type, a: Reg) -> V {
        let len = self.len(ty);
        match ty.elem {
            Elem::F32 => self.splat_float(a, len),
            Elem::Mask => {
                let x = self.get(a);
                let all = self.copy(x);
                self.push(Ins::Unary { number: 3, w: false, dst: all });
                if self.is_512() {
                    let dst = self.mask();
                    self.push(Ins::MaskFrom { dst, src: all });
                    return dst;
                }
                let x = self.op2(ops::MOVD_TO[0], 16, all, None);
                self.op2(ops::BROADCASTSS, len, x, None)
            }
            _ => self.splat_int(a, len),
        }
    }

    fn splat_int(&mut self, a: Reg, len: u8) -> V {
        let at = |l: &Self, stores| stores == l.stores && l.at == l.top();
        let from = match self.defs[a as usize] {
            Some((Inst::Bytes { buf, index, offset }, n)) if at(self, n) => Some((buf, DType::U8, index, offset)),
            Some((Inst::Load { buf, mem: DType::I32, index, offset, .. }, n)) if at(self, n) => {
                Some((buf, DType::I32, index, offset))
            }
            _ => None,
        };
        if let Some((buf, mem, index, offset)) = from {
            let from = self.address(buf, mem, index, offset);
            return self.load_vector(ops::BROADCASTD, from, len, 4);
        }
        let x = self.get(a);
        let x = self.op2(ops::MOVD_TO[0], 16, x, None);
        self.op2(ops::BROADCASTD, len, x, None)
    }

    /// One element of memory goes to all lanes without a stop in between, if nothing was written since its load.
    fn splat_float(&mut self, a: Reg, len: u8) -> V {
        if let Some((Inst::Load { buf, mem: DType::F32, index, offset, .. }, at)) = self.defs[a as usize]
            && at == self.stores
            && self.at == self.top()
        {
            let from = self.address(buf, DType::F32, index, offset);
            return self.load_vector(ops::BROADCASTSS, from, len, 4);
        }
        let x = self.get(a);
        self.op2(ops::BROADCASTSS, len, x, None)
    }

    pub(super) fn lane(&mut self, a: Reg, n: u8) -> V {
        let (ty, x) = (self.ty(a), self.get(a));
        if ty.elem == Elem::Mask && self.is_512() {
            let dst = self.general();
            self.push(Ins::MaskTo { dst, src: x });
            self.push(Ins::ShiftImm { op: crate::x86::asm::Shift::Right, w: false, dst, by: n });
            self.push(Ins::AluImm { op: crate::x86::asm::Alu::And, w: false, dst, v: 1 });
            return dst;
        }
        let part = self.quarter(x, self.len(ty), n / 4);
        let one = if n.is_multiple_of(4) { part } else { self.op2(ops::PERMILPS, 16, part, Some(n % 4)) };
        if ty.elem == Elem::F32 {
            return one;
        }
        let dst = self.general();
        self.push(Ins::Take { op: ops::MOVD_FROM[0], dst, src: one, len: 16, imm: None });
        if ty.elem == Elem::Mask {
            self.push(Ins::AluImm { op: crate::x86::asm::Alu::And, w: false, dst, v: 1 });
        }
        dst
    }

    /// The `q`-th 128 bits of a register.
    fn quarter(&mut self, src: V, len: u8, q: u8) -> V {
        if q == 0 {
            return src;
        }
        let dst = self.vector();
        let op = if len == 64 || self.is_512() { ops::EXTRACT32X4 } else { ops::EXTRACT128 };
        self.push(Ins::Take { op, dst, src, len, imm: Some(q) });
        dst
    }

    /// A vector instruction on memory.
    pub(super) fn load_vector(&mut self, op: Op, from: Addr, len: u8, unit: u8) -> V {
        let dst = self.vector();
        let src = Src::Mem(from);
        self.push(Ins::Vector(Vector { op, dst, second: None, src, len, unit, imm: None, mask: None, adds: false }));
        dst
    }

    pub(super) fn load_lanes(&mut self, ty: Type, mem: DType, from: Addr) -> V {
        let len = self.len(ty);
        self.load_vector(load_op(mem), from, len, ty.lanes * mem.size() as u8)
    }

    pub(super) fn store_lanes(&mut self, ty: Type, mem: DType, to: Addr, src: V) {
        let (len, unit) = (self.len(ty), ty.lanes * mem.size() as u8);
        let op = store_op(mem);
        if mem.size() == 4 || self.is_512() {
            return self.push(Ins::Put { op, src, to, len, unit, imm: None });
        }
        let (op, step) = if mem.size() == 1 { (ops::PEXTRB, 4) } else { (ops::PEXTRW, 2) };
        for q in 0..ty.lanes / 4 {
            let part = self.quarter(src, len, q);
            for l in 0..4 {
                let mut to = to;
                to.disp += ((q * 4 + l) as usize * mem.size()) as i32;
                self.push(Ins::Put { op, src: part, to, len: 16, unit: mem.size() as u8, imm: Some(l * step) });
            }
        }
    }
}

/// The instruction that loads a vector and widens its elements to 32 bits.
pub(super) fn load_op(mem: DType) -> Op {
    match (mem.size(), mem.is_signed()) {
        (1, true) => ops::PMOVSXBD,
        (1, false) => ops::PMOVZXBD,
        (2, true) => ops::PMOVSXWD,
        (2, false) => ops::PMOVZXWD,
        _ => ops::MOVUPS_LOAD,
    }
}

/// The instruction that stores a vector narrowed from 32 bits; the narrowing ones are AVX-512's.
pub(super) fn store_op(mem: DType) -> Op {
    match mem.size() {
        1 => ops::PMOVDB,
        2 => ops::PMOVDW,
        _ => ops::MOVUPS_STORE,
    }
}
