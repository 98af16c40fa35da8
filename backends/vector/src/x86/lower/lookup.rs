//! Bytes of a table of 256 by lanes: the words they are in are permuted in registers (AVX-512) or gathered (AVX2).

use super::{Key, Lower};
use crate::ir::{Buf, Elem, Reg, Type};
use crate::x86::asm::Op;
use crate::x86::code::{Addr, Ins, Src, V, Vector};
use crate::x86::ops;
use dlc_ir::DType;

/// Words of a table, and how many two registers have.
const WORDS: u8 = 64;

impl Lower<'_> {
    pub(super) fn lookup(&mut self, ty: Type, buf: Buf, mem: DType, index: Reg) -> V {
        let (x, len) = (self.get(index), self.len(ty));
        let word = self.shift_lanes_by(ops::PSHIFTD_IMM, RIGHT, x, 2, len);
        let words = if self.is_512() { self.permuted(buf, word) } else { self.gathered(buf, word, len) };
        let three = self.pattern_lanes(3, len);
        let byte = self.op3(ops::PAND, len, x, three, None);
        let bits = self.shift_lanes_by(ops::PSHIFTD_IMM, LEFT, byte, 3, len);
        let low = self.op3(ops::PSRLVD, len, words, bits, None);
        if mem.is_signed() {
            let high = self.shift_lanes_by(ops::PSHIFTD_IMM, LEFT, low, 24, len);
            return self.shift_lanes_by(ops::PSHIFTD_IMM, RIGHT_SIGNED, high, 24, len);
        }
        let byte = self.pattern_lanes(0xff, len);
        self.op3(ops::PAND, len, low, byte, None)
    }

    fn shift_lanes_by(&mut self, op: Op, number: u8, src: V, by: u8, len: u8) -> V {
        let dst = self.vector();
        self.push(Ins::ShiftLanes { op, number, dst, src, by, len });
        dst
    }

    /// Words 0 to 63 of the table at these places: those of both halves, of which one is taken.
    fn permuted(&mut self, buf: Buf, word: V) -> V {
        let parts: Vec<V> = (0..WORDS / 16).map(|k| self.table_part(buf, k as i32 * 64)).collect();
        let half = |l: &mut Self, pair: &[V]| {
            let dst = l.copy(word);
            let (op, src) = (ops::PERMI2D, Src::Reg(pair[1]));
            let v =
                Vector { op, dst, second: Some(pair[0]), src, len: 64, unit: 64, imm: None, mask: None, adds: true };
            l.push(Ins::Vector(v));
            dst
        };
        let (low, high) = (half(self, &parts[..2]), half(self, &parts[2..]));
        let bit = self.pattern_lanes(i64::from(WORDS / 2), 64);
        let upper = self.op3_mask(ops::PTESTMD, 64, word, bit, None);
        self.choose(64, upper, high, low)
    }

    fn table_part(&mut self, buf: Buf, disp: i32) -> V {
        let ty = Type { elem: Elem::I32, lanes: 16 };
        let key = Key::Inst { tag: format!("table {buf:?} {disp}"), regs: [V::MAX; 3], ty };
        self.once(key, &[], |l| {
            let (base, extra) = l.buffer(buf);
            let from = Addr { base, index: None, disp: disp + extra as i32 };
            l.load_vector(ops::MOVUPS_LOAD, from, 64, 64)
        })
    }

    fn gathered(&mut self, buf: Buf, word: V, len: u8) -> V {
        let (base, extra) = self.buffer(buf);
        let zero = self.op3(ops::PXOR, len, word, word, None);
        let all = self.op3(ops::PCMPEQD, len, zero, zero, None);
        let (dst, from) = (self.copy(zero), Addr { base, index: Some((word, 4)), disp: extra as i32 });
        let (op, src) = (ops::PGATHERDD, Src::Mem(from));
        // The mask is cleared by it: nobody else reads that register.
        let v = Vector { op, dst, second: Some(all), src, len, unit: 4, imm: None, mask: None, adds: true };
        self.push(Ins::Vector(v));
        dst
    }
}

/// Numbers of the shifts among their encodings.
const RIGHT: u8 = 2;
const RIGHT_SIGNED: u8 = 4;
const LEFT: u8 = 6;
