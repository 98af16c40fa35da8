//! The encoder against an independent decoder.

use super::asm::{Asm, Masking, Mem, Op, Operands, Rm};
use super::ops;
use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};

/// A generator of small numbers, the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    fn mem(&mut self) -> Mem {
        let disp = [0, 4, 64, -64, 124, 128, 4096, -5000][self.below(8) as usize];
        let index = (self.below(2) == 1).then(|| {
            let r = self.below(15) as u8;
            (if r >= 4 { r + 1 } else { r }, 1u8 << self.below(4))
        });
        Mem { base: self.below(16) as u8, index, disp }
    }
}

fn decode(bytes: &[u8]) -> Instruction {
    let mut d = Decoder::new(64, bytes, DecoderOptions::NONE);
    let i = d.decode();
    assert!(!i.is_invalid(), "{bytes:02x?}");
    assert_eq!(i.len(), bytes.len(), "{bytes:02x?} is {i:?}");
    i
}

fn check_mem(i: &Instruction, m: Mem) {
    assert_eq!(i.memory_base().number(), m.base as usize, "{i}");
    match m.index {
        None => assert_eq!(i.memory_index(), Register::None, "{i}"),
        Some((r, scale)) => {
            assert_eq!((i.memory_index().number(), i.memory_index_scale()), (r as usize, scale as u32), "{i}");
        }
    }
    assert_eq!(i.memory_displacement64() as i64, m.disp as i64, "{i}");
}

/// Instructions `dst, second, rm`, packed: name, instruction.
const THREE: &[(&str, Op)] = &[
    ("vaddps", ops::ADDPS),
    ("vsubps", ops::SUBPS),
    ("vmulps", ops::MULPS),
    ("vdivps", ops::DIVPS),
    ("vminps", ops::MINPS),
    ("vmaxps", ops::MAXPS),
    ("vfmadd231ps", ops::FMADD231PS),
    ("vfmadd213ps", ops::FMADD213PS),
    ("vpaddd", ops::PADDD),
    ("vpsubd", ops::PSUBD),
    ("vpmulld", ops::PMULLD),
    ("vpminsd", ops::PMINSD),
    ("vpmaxsd", ops::PMAXSD),
    ("vpand", ops::PAND),
    ("vpor", ops::POR),
    ("vpxor", ops::PXOR),
    ("vpsllvd", ops::PSLLVD),
    ("vpmaddwd", ops::PMADDWD),
    ("vpdpbusd", ops::PDPBUSD),
    ("vdpbf16ps", ops::DPBF16PS),
    ("vpermi2d", ops::PERMI2D),
    ("vpsrlvd", ops::PSRLVD),
    ("vpsravd", ops::PSRAVD),
];

/// Instructions `dst, rm`, packed.
const TWO: &[(&str, Op)] = &[
    ("vsqrtps", ops::SQRTPS),
    ("vcvtdq2ps", ops::CVTDQ2PS),
    ("vcvttps2dq", ops::CVTTPS2DQ),
    ("vpabsd", ops::PABSD),
    ("vmovups", ops::MOVUPS_LOAD),
    ("vmovaps", ops::MOVAPS),
];

/// Encodes at a length, decodes, and compares all operands.
fn round_trip(name: &str, op: Op, three: bool, len: u8, n: &mut Numbers) {
    let registers = if len == 64 { 32 } else { 16 + 16 * n.below(2) };
    let [reg, second, r] = [(); 3].map(|_| n.below(registers) as u8);
    let m = n.mem();
    let rm = if n.below(2) == 1 { Rm::Mem(m) } else { Rm::Reg(r) };
    let second = three.then_some(second);
    let mut a = Asm::default();
    let o = Operands { reg, second, rm, len, unit: len, mask: Masking::default(), imm: None };
    a.vector(op, &o);
    let i = decode(&a.finish());
    // The EVEX forms of the logical operations carry the lane's size in their names.
    let mnemonic = format!("{:?}", i.mnemonic()).to_lowercase();
    let logical = ["vpand", "vpor", "vpxor"].contains(&name);
    assert!(mnemonic == name || logical && mnemonic == format!("{name}d"), "{name}: {i}");
    assert_eq!(i.op0_register().number(), reg as usize, "{i}");
    assert_eq!(i.op0_register().size(), len as usize, "{i}");
    if let Some(s) = second {
        assert_eq!(i.op1_register().number(), s as usize, "{i}");
    }
    let last = i.op_count() - 1;
    match rm {
        Rm::Reg(r) => assert_eq!(i.op_register(last).number(), r as usize, "{i}"),
        _ => {
            assert_eq!(i.op_kind(last), OpKind::Memory, "{i}");
            check_mem(&i, m);
        }
    }
}

#[test]
fn vector_instructions_decode_to_what_was_meant() {
    let mut n = Numbers(1);
    for len in [16, 32, 64] {
        for _ in 0..200 {
            THREE.iter().for_each(|(name, op)| round_trip(name, *op, true, len, &mut n));
            TWO.iter().for_each(|(name, op)| round_trip(name, *op, false, len, &mut n));
        }
    }
}

#[test]
fn broadcasts_count_single_elements() {
    let mut n = Numbers(2);
    for _ in 0..200 {
        let m = n.mem();
        let mut a = Asm::default();
        let mask = Masking::default();
        let o = Operands { reg: 9, second: Some(17), rm: Rm::Broadcast(m), len: 64, unit: 64, mask, imm: None };
        a.vector(ops::FMADD231PS, &o);
        let i = decode(&a.finish());
        assert!(i.is_broadcast(), "{i}");
        check_mem(&i, m);
    }
}

#[test]
fn general_instructions_decode_to_what_was_meant() {
    let mut n = Numbers(3);
    for _ in 0..500 {
        let (dst, src, m) = (n.below(16) as u8, n.below(16) as u8, n.mem());
        for (size, signed) in [(1, true), (1, false), (2, true), (2, false), (4, true), (4, false), (8, false)] {
            let mut a = Asm::default();
            a.load(size, signed, dst, Rm::Mem(m));
            let i = decode(&a.finish());
            assert_eq!((i.op0_register().number(), i.memory_size().size()), (dst as usize, size), "{i}");
            check_mem(&i, m);
            let mut a = Asm::default();
            a.store(size, m, src);
            let i = decode(&a.finish());
            assert_eq!(
                (i.op1_register().full_register().number(), i.op1_register().size()),
                (src as usize, size),
                "{i}"
            );
            check_mem(&i, m);
        }
        let v = [0, -1, 1 << 31, i64::MAX, i64::MIN, 77, -(1 << 31), 1 << 40][n.below(8) as usize];
        let mut a = Asm::default();
        a.mov_imm(dst, v);
        let i = decode(&a.finish());
        assert_eq!((i.op0_register().number(), i.immediate(1) as i64), (dst as usize, v), "{i}");
        let mut a = Asm::default();
        a.lea(dst, m);
        check_mem(&decode(&a.finish()), m);
        let mut a = Asm::default();
        a.prefetch(m);
        let i = decode(&a.finish());
        assert_eq!(i.mnemonic(), iced_x86::Mnemonic::Prefetcht0, "{i}");
        check_mem(&i, m);
    }
}
