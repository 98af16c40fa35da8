//! Loads and stores of the first lanes of a vector, by mask registers (AVX-512) or masks in vectors (AVX2).

use super::lanes::{load_op, store_op};
use super::{Class, Key, Lower};
use crate::ir::{Buf, Reg, Type};
use crate::x86::asm::{Alu, Shift};
use crate::x86::code::{Ins, Src, V, Vector};
use crate::x86::ops;
use dlc_ir::DType;

/// The numbers 0 to 7, a byte each.
const LANES: i64 = 0x0706_0504_0302_0100;

/// Where elements are: buffer, type, index and offset.
pub(super) type Place = (Buf, DType, Reg, i32);

impl Lower<'_> {
    /// The first `count` lanes of a vector of so many bytes, as a mask.
    fn first_lanes(&mut self, count: Reg, len: u8) -> V {
        let n = self.get(count);
        self.once(Key::Lanes(n, len), &[n], |l| if l.is_512() { l.low_bits(n) } else { l.lanes_below(n, len) })
    }

    fn low_bits(&mut self, n: V) -> V {
        let (one, bits) = (self.imm(1), self.general());
        self.push(Ins::Shift { op: Shift::Left, w: true, dst: bits, src: one, by: n });
        self.push(Ins::AluImm { op: Alu::Sub, w: true, dst: bits, v: 1 });
        let dst = self.fresh(Class::Mask);
        self.push(Ins::MaskFrom { dst, src: bits });
        dst
    }

    fn lanes_below(&mut self, n: V, len: u8) -> V {
        let numbers = self.imm(LANES);
        let numbers = self.op2(ops::MOVD_TO[1], 16, numbers, None);
        let numbers = self.op2(ops::PMOVZXBD, len, numbers, None);
        let n = self.op2(ops::MOVD_TO[0], 16, n, None);
        let n = self.op2(ops::BROADCASTSS, len, n, None);
        self.op3(ops::PCMPGTD, len, n, numbers, None)
    }

    pub(super) fn load_part(&mut self, ty: Type, (buf, mem, index, offset): Place, count: Reg) -> V {
        let from = Src::Mem(self.address(buf, mem, index, offset));
        let (len, unit) = (self.len(ty), ty.lanes * mem.size() as u8);
        let (lanes, dst) = (self.first_lanes(count, len), self.vector());
        let (op, second, mask) = match self.is_512() {
            true => (load_op(mem), None, Some((lanes, true))),
            false => (ops::MASKMOVPS_LOAD, Some(lanes), None),
        };
        self.push(Ins::Vector(Vector { op, dst, second, src: from, len, unit, imm: None, mask, adds: false }));
        dst
    }

    pub(super) fn store_part(&mut self, (buf, mem, index, offset): Place, value: Reg, count: Reg) {
        let to = self.address(buf, mem, index, offset);
        let (ty, src) = (self.ty(value), self.get(value));
        let (len, unit) = (self.len(ty), ty.lanes * mem.size() as u8);
        let mask = self.first_lanes(count, len);
        let op = if self.is_512() { store_op(mem) } else { ops::MASKMOVPS_STORE };
        self.push(Ins::PutPart { op, src, to, len, unit, mask });
    }
}
