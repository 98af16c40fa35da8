//! Products of bytes that are added up in lanes: one instruction where there is VNNI, else products of 16 bits, which
//! are exact, too.

use super::{Key, Lower};
use crate::ir::{Inst, Reg, Type};
use crate::x86::code::{Ins, Src, V, Vector};
use crate::x86::{Level, ops};

impl Lower<'_> {
    pub(super) fn dot(&mut self, ty: Type, a: Reg, b: Reg, c: Reg) -> V {
        let (x, y, z) = (self.get(a), self.get(b), self.get(c));
        let dst = self.copy(z);
        self.add_dot(ty, dst, x, y);
        dst
    }

    /// `var = dot(a, b, var)` without a copy.
    pub(super) fn dot_in_place(&mut self, var: Reg, i: &Inst) -> bool {
        match *i {
            Inst::Dot(a, b, c) if c == var && a != var && b != var => {
                let (dst, x, y) = (self.get(var), self.get(a), self.get(b));
                self.add_dot(self.ty(var), dst, x, y);
                true
            }
            _ => false,
        }
    }

    fn add_dot(&mut self, ty: Type, dst: V, x: V, y: V) {
        let len = self.len(ty);
        let add = |op, second, src, adds| {
            let src = Src::Reg(src);
            Ins::Vector(Vector { op, dst, second: Some(second), src, len, unit: len, imm: None, mask: None, adds })
        };
        if self.level >= Level::Avx512Vnni {
            return self.push(add(ops::PDPBUSD, x, y, true));
        }
        for odd in [false, true] {
            let (p, q) = (self.half_bytes(len, x, odd, false), self.half_bytes(len, y, odd, true));
            let pairs = self.op3(ops::PMADDWD, len, p, q, None);
            self.push(add(ops::PADDD, dst, pairs, false));
        }
    }

    /// The bytes at odd or at even places, each in 16 bits.
    fn half_bytes(&mut self, len: u8, x: V, odd: bool, signed: bool) -> V {
        let tag = format!("bytes {len} {odd} {signed}");
        let ty = Type { elem: crate::ir::Elem::I32, lanes: len / 4 };
        let key = Key::Inst { tag, regs: [x, V::MAX, V::MAX], ty };
        self.once(key, &[x], |l| match (odd, signed) {
            (true, true) => l.shift_words(RIGHT_SIGNED, x, len),
            (true, false) => l.shift_words(RIGHT, x, len),
            (false, true) => {
                let up = l.shift_words(LEFT, x, len);
                l.shift_words(RIGHT_SIGNED, up, len)
            }
            (false, false) => {
                let low = l.pattern_lanes(0x00ff_00ff, len);
                l.op3(ops::PAND, len, x, low, None)
            }
        })
    }

    /// 16-bit lanes shifted by a byte.
    fn shift_words(&mut self, number: u8, src: V, len: u8) -> V {
        let dst = self.vector();
        self.push(Ins::ShiftLanes { op: ops::PSHIFTW_IMM, number, dst, src, by: 8, len });
        dst
    }
}

/// Numbers of the shifts among their encodings.
const RIGHT: u8 = 2;
const RIGHT_SIGNED: u8 = 4;
const LEFT: u8 = 6;
