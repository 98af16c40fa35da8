//! Products of bf16 numbers, and rounding to them (AVX-512 BF16).

use super::Lower;
use crate::ir::{Inst, Reg, Type};
use crate::x86::code::{Ins, Src, V, Vector};
use crate::x86::ops;

impl Lower<'_> {
    pub(super) fn pairs(&mut self, ty: Type, a: Reg, b: Reg, c: Reg) -> V {
        let (x, y, z) = (self.get(a), self.get(b), self.get(c));
        let dst = self.copy(z);
        self.add_pairs(ty, dst, x, y);
        dst
    }

    /// `var = pairs(a, b, var)` without a copy.
    pub(super) fn pairs_in_place(&mut self, var: Reg, i: &Inst) -> bool {
        match *i {
            Inst::Pairs(a, b, c) if c == var => {
                let (dst, x, y) = (self.get(var), self.get(a), self.get(b));
                self.add_pairs(self.ty(var), dst, x, y);
                true
            }
            _ => false,
        }
    }

    fn add_pairs(&mut self, ty: Type, dst: V, x: V, y: V) {
        let (len, op, second, src) = (self.len(ty), ops::DPBF16PS, Some(x), Src::Reg(y));
        self.push(Ins::Vector(Vector { op, dst, second, src, len, unit: len, imm: None, mask: None, adds: true }));
    }

    /// The bits of bf16 numbers, zero-extended to the lanes of what was rounded.
    pub(super) fn bf16(&mut self, ty: Type, a: Reg) -> V {
        let (len, x) = (self.len(ty), self.get(a));
        let narrow = self.narrowed(len, x);
        self.op2(ops::PMOVZXWD, len, narrow, None)
    }

    /// The bf16 numbers of a vector, side by side.
    fn narrowed(&mut self, len: u8, x: V) -> V {
        self.op2(ops::CVTNEPS2BF16, len, x, None)
    }

    /// The narrow vector of a value that was rounded, from what does not change: to be stored without widening it first.
    pub(super) fn rounded(&mut self, ty: Type, value: Reg) -> Option<V> {
        let Some((Inst::Bf16(a), _)) = self.defs[value as usize] else { return None };
        let (len, x) = (self.len(ty), self.get(a));
        self.depths[x as usize].is_some().then(|| self.narrowed(len, x))
    }
}
