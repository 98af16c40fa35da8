//! The vector instructions in use. Names are the manual's, without the leading `v`.

use super::asm::Forms::{Both, Evex, Vex};
use super::asm::{Forms, Op};

const fn op(map: u8, prefix: u8, code: u8, w: (bool, bool), forms: Forms) -> Op {
    Op { map, prefix, code, w, forms }
}
/// W is 0 in both forms.
const fn w0(map: u8, prefix: u8, code: u8) -> Op {
    op(map, prefix, code, (false, false), Both)
}
/// W is 0 under VEX, 1 under EVEX: operations on f64.
const fn w01(map: u8, prefix: u8, code: u8) -> Op {
    op(map, prefix, code, (false, true), Both)
}
const fn evex(map: u8, prefix: u8, code: u8, w: bool) -> Op {
    op(map, prefix, code, (w, w), Evex)
}
const fn vex(map: u8, prefix: u8, code: u8, w: bool) -> Op {
    op(map, prefix, code, (w, w), Vex)
}

// F32 lanes.
pub(crate) const ADDPS: Op = w0(1, 0, 0x58);
pub(crate) const MULPS: Op = w0(1, 0, 0x59);
pub(crate) const SUBPS: Op = w0(1, 0, 0x5c);
pub(crate) const MINPS: Op = w0(1, 0, 0x5d);
pub(crate) const DIVPS: Op = w0(1, 0, 0x5e);
pub(crate) const MAXPS: Op = w0(1, 0, 0x5f);
pub(crate) const SQRTPS: Op = w0(1, 0, 0x51);
pub(crate) const FMADD231PS: Op = w0(2, 1, 0xb8);
/// `dst = dst * second + rm`.
pub(crate) const FMADD213PS: Op = w0(2, 1, 0xa8);
/// Times a power of two.
pub(crate) const SCALEFPS: Op = evex(2, 1, 0x2c, false);
pub(crate) const SCALEFSS: Op = evex(2, 1, 0x2d, false);
pub(crate) const CVTDQ2PS: Op = w0(1, 0, 0x5b);
pub(crate) const CVTTPS2DQ: Op = w0(1, 2, 0x5b);
pub(crate) const ROUNDPS: Op = vex(3, 1, 0x08, false);
pub(crate) const RNDSCALEPS: Op = evex(3, 1, 0x08, false);
pub(crate) const CMPPS: Op = w0(1, 0, 0xc2);
// F32 and F64 scalars.
pub(crate) const ADDSS: Op = w0(1, 2, 0x58);
pub(crate) const MULSS: Op = w0(1, 2, 0x59);
pub(crate) const SUBSS: Op = w0(1, 2, 0x5c);
pub(crate) const MINSS: Op = w0(1, 2, 0x5d);
pub(crate) const DIVSS: Op = w0(1, 2, 0x5e);
pub(crate) const MAXSS: Op = w0(1, 2, 0x5f);
pub(crate) const SQRTSS: Op = w0(1, 2, 0x51);
pub(crate) const FMADD231SS: Op = w0(2, 1, 0xb9);
pub(crate) const ROUNDSS: Op = vex(3, 1, 0x0a, false);
pub(crate) const RNDSCALESS: Op = evex(3, 1, 0x0a, false);
pub(crate) const ADDSD: Op = w01(1, 3, 0x58);
pub(crate) const MULSD: Op = w01(1, 3, 0x59);
pub(crate) const SUBSD: Op = w01(1, 3, 0x5c);
pub(crate) const MINSD: Op = w01(1, 3, 0x5d);
pub(crate) const DIVSD: Op = w01(1, 3, 0x5e);
pub(crate) const MAXSD: Op = w01(1, 3, 0x5f);
pub(crate) const SQRTSD: Op = w01(1, 3, 0x51);
pub(crate) const FMADD231SD: Op = op(2, 1, 0xb9, (true, true), Both);
pub(crate) const ROUNDSD: Op = vex(3, 1, 0x0b, false);
pub(crate) const RNDSCALESD: Op = evex(3, 1, 0x0b, true);
pub(crate) const UCOMISS: Op = w0(1, 0, 0x2e);
pub(crate) const UCOMISD: Op = w01(1, 1, 0x2e);
pub(crate) const CVTSS2SD: Op = w0(1, 2, 0x5a);
pub(crate) const CVTSD2SS: Op = w01(1, 3, 0x5a);
/// General register to float; W is the width of the integer.
pub(crate) const CVTSI2SS: [Op; 2] = [w0(1, 2, 0x2a), op(1, 2, 0x2a, (true, true), Both)];
pub(crate) const CVTSI2SD: [Op; 2] = [w0(1, 3, 0x2a), op(1, 3, 0x2a, (true, true), Both)];
pub(crate) const CVTTSS2SI: [Op; 2] = [w0(1, 2, 0x2c), op(1, 2, 0x2c, (true, true), Both)];
pub(crate) const CVTTSD2SI: [Op; 2] = [w0(1, 3, 0x2c), op(1, 3, 0x2c, (true, true), Both)];
// Moves.
pub(crate) const MOVUPS_LOAD: Op = w0(1, 0, 0x10);
pub(crate) const MOVUPS_STORE: Op = w0(1, 0, 0x11);
pub(crate) const MOVAPS: Op = w0(1, 0, 0x28);
pub(crate) const MOVSS_LOAD: Op = w0(1, 2, 0x10);
pub(crate) const MOVSS_STORE: Op = w0(1, 2, 0x11);
pub(crate) const MOVSD_LOAD: Op = w01(1, 3, 0x10);
pub(crate) const MOVSD_STORE: Op = w01(1, 3, 0x11);
/// Vector from general register: 32 and 64 bits.
pub(crate) const MOVD_TO: [Op; 2] = [w0(1, 1, 0x6e), op(1, 1, 0x6e, (true, true), Both)];
/// General register (in rm) from vector (in reg).
pub(crate) const MOVD_FROM: [Op; 2] = [w0(1, 1, 0x7e), op(1, 1, 0x7e, (true, true), Both)];
pub(crate) const BROADCASTSS: Op = w0(2, 1, 0x18);
pub(crate) const EXTRACT128: Op = vex(3, 1, 0x19, false);
pub(crate) const EXTRACT32X4: Op = evex(3, 1, 0x19, false);
pub(crate) const PERMILPS: Op = w0(3, 1, 0x04);
/// The lanes of two registers one after another, from a lane of the second on.
pub(crate) const ALIGND: Op = evex(3, 1, 0x03, false);
/// The larger (5) or smaller (4) of two numbers, the other one of a number and NaN; -0 is below +0.
pub(crate) const RANGEPS: Op = evex(3, 1, 0x50, false);
// Widening loads and narrowing stores.
pub(crate) const PMOVSXBD: Op = w0(2, 1, 0x21);
pub(crate) const PMOVSXWD: Op = w0(2, 1, 0x23);
pub(crate) const PMOVZXBD: Op = w0(2, 1, 0x31);
pub(crate) const PMOVZXWD: Op = w0(2, 1, 0x33);
pub(crate) const PMOVDB: Op = evex(2, 2, 0x31, false);
pub(crate) const PMOVDW: Op = evex(2, 2, 0x33, false);
// I32 lanes.
pub(crate) const BROADCASTD: Op = w0(2, 1, 0x58);
pub(crate) const PDPBUSD: Op = evex(2, 1, 0x50, false);
/// Products of bf16 numbers, two for each f32 lane.
pub(crate) const DPBF16PS: Op = evex(2, 2, 0x52, false);
/// F32 lanes as bf16 lanes of half the length.
pub(crate) const CVTNEPS2BF16: Op = evex(2, 2, 0x72, false);
pub(crate) const PERMI2D: Op = evex(2, 1, 0x76, false);
pub(crate) const PGATHERDD: Op = vex(2, 1, 0x90, false);
pub(crate) const PSRLVD: Op = w0(2, 1, 0x45);
/// Products of 16-bit lanes, neighbours added up.
pub(crate) const PMADDWD: Op = w0(1, 1, 0xf5);
/// Shifts of 16-bit lanes by a constant: numbers as for 32 bits.
pub(crate) const PSHIFTW_IMM: Op = w0(1, 1, 0x71);
pub(crate) const PADDD: Op = w0(1, 1, 0xfe);
pub(crate) const PSUBD: Op = w0(1, 1, 0xfa);
pub(crate) const PMULLD: Op = w0(2, 1, 0x40);
pub(crate) const PMINSD: Op = w0(2, 1, 0x39);
pub(crate) const PMAXSD: Op = w0(2, 1, 0x3d);
pub(crate) const PABSD: Op = w0(2, 1, 0x1e);
pub(crate) const PAND: Op = w0(1, 1, 0xdb);
pub(crate) const POR: Op = w0(1, 1, 0xeb);
pub(crate) const PXOR: Op = w0(1, 1, 0xef);
pub(crate) const PCMPEQD: Op = vex(1, 1, 0x76, false);
pub(crate) const PCMPGTD: Op = vex(1, 1, 0x66, false);
pub(crate) const PSLLVD: Op = w0(2, 1, 0x47);
pub(crate) const PSRAVD: Op = w0(2, 1, 0x46);
/// Shifts by a constant: the number of the operation is in ModRM.reg, the destination in vvvv.
pub(crate) const PSHIFTD_IMM: Op = w0(1, 1, 0x72);
pub(crate) const BLENDVPS: Op = vex(3, 1, 0x4a, false);
pub(crate) const BLENDMPS: Op = evex(2, 1, 0x65, false);
pub(crate) const PCMPD: Op = evex(3, 1, 0x1f, false);
pub(crate) const CMPPS_K: Op = evex(1, 0, 0xc2, false);
pub(crate) const PTESTMD: Op = evex(2, 1, 0x27, false);
/// Loads and stores of the lanes whose sign bit is set in the vector in vvvv.
pub(crate) const MASKMOVPS_LOAD: Op = vex(2, 1, 0x2c, false);
pub(crate) const MASKMOVPS_STORE: Op = vex(2, 1, 0x2e, false);
/// One byte or word of a vector register to memory.
pub(crate) const PEXTRB: Op = w0(3, 1, 0x14);
pub(crate) const PEXTRW: Op = w0(3, 1, 0x15);
