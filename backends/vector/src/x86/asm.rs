//! Bytes of x86-64 instructions: legacy, VEX and EVEX forms, labels.
//!
//! Encodings follow the Intel 64 Software Developer's Manual, volume 2, chapter 2 (instruction format) and the opcode
//! tables of the single instructions.

/// Number of a register: 0..16 general, 0..32 vector, 0..8 mask.
pub type R = u8;

/// A memory operand: `[base + index * scale + disp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// General register.
    pub base: R,
    /// General register (not 4, the stack pointer) and 1, 2, 4 or 8.
    pub index: Option<(R, u8)>,
    /// Bytes.
    pub disp: i32,
}

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A register.
    Reg(R),
    /// Memory.
    Mem(Mem),
    /// One 32-bit element of memory for all lanes (EVEX only).
    Broadcast(Mem),
}

/// A vector instruction with VEX or EVEX encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Opcode map: 1 is 0F, 2 is 0F 38, 3 is 0F 3A.
    pub map: u8,
    /// Implied prefix: 0 none, 1 is 66, 2 is F3, 3 is F2.
    pub prefix: u8,
    /// Opcode.
    pub code: u8,
    /// The W bit under VEX and under EVEX.
    pub w: (bool, bool),
    /// Which encodings exist.
    pub forms: Forms,
}

/// Encodings an instruction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Forms {
    Both,
    Vex,
    Evex,
}

/// Vector length in bytes: 16, 32 or 64. Scalars are 16.
pub type Len = u8;

/// How an EVEX instruction treats lanes of a mask that are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Masking {
    /// Mask register; 0 is none.
    pub k: R,
    /// They become 0; else they keep what was there.
    pub zero: bool,
}

/// Operands of a vector instruction.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// The register in ModRM.reg: the destination, or what is stored.
    pub reg: R,
    /// The register in vvvv; `None` where there is none.
    pub second: Option<R>,
    /// The operand in ModRM.rm.
    pub rm: Rm,
    /// Vector length.
    pub len: Len,
    /// Bytes of memory it reads or writes: the unit of a short EVEX displacement.
    pub unit: u8,
    /// Masked lanes.
    pub mask: Masking,
    /// Trailing byte.
    pub imm: Option<u8>,
}

/// Conditions of jumps, moves and sets, by their code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Cc {
    Overflow = 0,
    Below = 2,
    AboveEq = 3,
    Eq = 4,
    Ne = 5,
    BelowEq = 6,
    Above = 7,
    Sign = 8,
    NoSign = 9,
    Parity = 10,
    NoParity = 11,

    Less = 12,
    GreaterEq = 13,
    LessEq = 14,
    Greater = 15,
}

/// The eight operations of one encoding group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Alu {
    Add = 0,
    Or = 1,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

/// Shifts by a constant, by their number in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Shift {
    Left = 4,
    Right = 5,
    Arithmetic = 7,
}

/// A place in the code.
pub type Label = u32;

/// Code under construction.
#[derive(Debug, Default)]
pub struct Asm {
    /// What is written so far.
    pub bytes: Vec<u8>,
    labels: Vec<Option<usize>>,
    fixups: Vec<(usize, Label)>,
}

/// Stack pointer.
pub const RSP: R = 4;
/// Also the dividend and the quotient.
pub const RAX: R = 0;
/// Also the remainder.
pub const RDX: R = 2;

impl Asm {
    /// A label without a place yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        self.labels.len() as Label - 1
    }

    /// Places a label here.
    pub fn bind(&mut self, l: Label) {
        self.labels[l as usize] = Some(self.bytes.len());
    }

    /// The code with all jumps resolved.
    pub fn finish(mut self) -> Vec<u8> {
        for (at, l) in &self.fixups {
            let target = self.labels[*l as usize].expect("every label is placed");
            let rel = target as i64 - (*at as i64 + 4);
            self.bytes[*at..at + 4].copy_from_slice(&(rel as i32).to_le_bytes());
        }
        self.bytes
    }

    fn put(&mut self, b: &[u8]) {
        self.bytes.extend_from_slice(b);
    }

    /// ModRM, SIB and displacement. `unit`: a short displacement counts these; 0 forbids short ones.
    fn modrm(&mut self, reg: R, rm: Rm, unit: u8) {
        let reg = (reg & 7) << 3;
        let m = match rm {
            Rm::Reg(r) => return self.put(&[0xc0 | reg | (r & 7)]),
            Rm::Mem(m) | Rm::Broadcast(m) => m,
        };
        let short =
            (unit > 0 && m.disp % unit as i32 == 0).then(|| m.disp / unit as i32).and_then(|d| i8::try_from(d).ok());
        // The base with low bits 101 cannot do without a displacement.
        let mode = match short {
            Some(0) if m.base & 7 != 5 => 0u8,
            Some(_) => 1,
            None => 2,
        };
        match m.index {
            None if m.base & 7 != 4 => self.put(&[mode << 6 | reg | (m.base & 7)]),
            index => {
                let (i, scale) = index.unwrap_or((4, 1));
                let sib = (scale.trailing_zeros() as u8) << 6 | (i & 7) << 3 | (m.base & 7);
                self.put(&[mode << 6 | reg | 4, sib]);
            }
        }
        match (mode, short) {
            (1, Some(d)) => self.put(&[d as u8]),
            (2, _) => self.put(&m.disp.to_le_bytes()),
            _ => {}
        }
    }

    /// High bits of (reg, index, base or rm register).
    fn high(reg: R, rm: Rm) -> (u8, u8, u8) {
        let bit = |r: R| (r >> 3) & 1;
        match rm {
            Rm::Reg(r) => (bit(reg), (r >> 4) & 1, bit(r)),
            Rm::Mem(m) | Rm::Broadcast(m) => (bit(reg), m.index.map_or(0, |i| bit(i.0)), bit(m.base)),
        }
    }

    /// A vector instruction, by the shortest encoding that can say it.
    pub fn vector(&mut self, op: Op, o: &Operands) {
        let far = |r: R| r >= 16;
        let rm_far = matches!(o.rm, Rm::Reg(r) if far(r));
        let wide = o.len == 64 || far(o.reg) || o.second.is_some_and(far) || rm_far;
        let evex = op.forms == Forms::Evex || wide || o.mask.k != 0 || matches!(o.rm, Rm::Broadcast(_));
        if evex {
            debug_assert!(op.forms != Forms::Vex, "{op:?} has no EVEX form for {o:?}");
            self.evex(op, o);
        } else {
            self.vex(op, o);
        }
        if let Some(imm) = o.imm {
            self.put(&[imm]);
        }
    }

    fn vex(&mut self, op: Op, o: &Operands) {
        let (r, x, b) = Self::high(o.reg, o.rm);
        let v = (!o.second.unwrap_or(0) & 15) << 3;
        let tail = v | u8::from(o.len == 32) << 2 | op.prefix;
        if x == 0 && b == 0 && op.map == 1 && !op.w.0 {
            self.put(&[0xc5, (r ^ 1) << 7 | tail, op.code]);
        } else {
            let head = (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | op.map;
            self.put(&[0xc4, head, u8::from(op.w.0) << 7 | tail, op.code]);
        }
        self.modrm(o.reg, o.rm, 1);
    }

    fn evex(&mut self, op: Op, o: &Operands) {
        let (r, x, b) = Self::high(o.reg, o.rm);
        let second = o.second.unwrap_or(0);
        let p0 = (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | (((o.reg >> 4) & 1) ^ 1) << 4 | op.map;
        let p1 = u8::from(op.w.1) << 7 | (!second & 15) << 3 | 4 | op.prefix;
        let (length, bcast) = (o.len.trailing_zeros() as u8 - 4, matches!(o.rm, Rm::Broadcast(_)));
        let zero = u8::from(o.mask.zero) << 7;
        let p2 = zero | length << 5 | u8::from(bcast) << 4 | (((second >> 4) & 1) ^ 1) << 3 | o.mask.k;
        self.put(&[0x62, p0, p1, p2, op.code]);
        self.modrm(o.reg, o.rm, if bcast { 4 } else { o.unit });
    }

    /// A legacy instruction `prefix? REX opcode ModRM`. `byte`: the register operands are bytes (spl.. need a REX).
    fn legacy(&mut self, prefix: Option<u8>, w: bool, opcode: &[u8], reg: R, rm: Rm, byte: bool) {
        if let Some(p) = prefix {
            self.put(&[p]);
        }
        let (r, x, b) = Self::high(reg, rm);
        let x = if matches!(rm, Rm::Reg(_)) { 0 } else { x };
        let rex = 0x40 | u8::from(w) << 3 | r << 2 | x << 1 | b;
        let low = |v: R| byte && (4..8).contains(&v);
        if rex != 0x40 || low(reg) || matches!(rm, Rm::Reg(v) if low(v)) {
            self.put(&[rex]);
        }
        self.put(opcode);
        self.modrm(reg, rm, 1);
    }

    /// `dst = src`.
    pub fn mov(&mut self, w: bool, dst: R, src: Rm) {
        self.legacy(None, w, &[0x8b], dst, src, false);
    }

    /// `dst = value`, by the shortest form. Does not touch flags.
    pub fn mov_imm(&mut self, dst: R, v: i64) {
        if let Ok(v) = u32::try_from(v) {
            if dst >= 8 {
                self.put(&[0x41]);
            }
            self.put(&[0xb8 | (dst & 7)]);
            self.put(&v.to_le_bytes());
        } else if let Ok(v) = i32::try_from(v) {
            self.legacy(None, true, &[0xc7], 0, Rm::Reg(dst), false);
            self.put(&v.to_le_bytes());
        } else {
            self.put(&[0x48 | (dst >> 3), 0xb8 | (dst & 7)]);
            self.put(&v.to_le_bytes());
        }
    }

    /// Stores the low `size` bytes of `src`.
    pub fn store(&mut self, size: usize, to: Mem, src: R) {
        let to = Rm::Mem(to);
        match size {
            1 => self.legacy(None, false, &[0x88], src, to, true),
            2 => self.legacy(Some(0x66), false, &[0x89], src, to, false),
            4 => self.legacy(None, false, &[0x89], src, to, false),
            _ => self.legacy(None, true, &[0x89], src, to, false),
        }
    }

    /// Brings the line of an address to all caches.
    pub fn prefetch(&mut self, at: Mem) {
        self.legacy(None, false, &[0x0f, 0x18], 1, Rm::Mem(at), false);
    }

    /// Loads `size` bytes into 64 bits, sign- or zero-extended.
    pub fn load(&mut self, size: usize, signed: bool, dst: R, from: Rm) {
        match (size, signed) {
            (1, true) => self.legacy(None, true, &[0x0f, 0xbe], dst, from, true),
            (1, false) => self.legacy(None, false, &[0x0f, 0xb6], dst, from, true),
            (2, true) => self.legacy(None, true, &[0x0f, 0xbf], dst, from, false),
            (2, false) => self.legacy(None, false, &[0x0f, 0xb7], dst, from, false),
            (4, true) => self.legacy(None, true, &[0x63], dst, from, false),
            (4, false) => self.mov(false, dst, from),
            _ => self.mov(true, dst, from),
        }
    }

    /// `dst op= src`, or the comparison of both.
    pub fn alu(&mut self, op: Alu, w: bool, dst: R, src: Rm) {
        self.legacy(None, w, &[(op as u8) << 3 | 3], dst, src, false);
    }

    /// `dst op= value`.
    pub fn alu_imm(&mut self, op: Alu, w: bool, dst: R, v: i32) {
        if let Ok(v) = i8::try_from(v) {
            self.legacy(None, w, &[0x83], op as u8, Rm::Reg(dst), false);
            self.put(&[v as u8]);
        } else {
            self.legacy(None, w, &[0x81], op as u8, Rm::Reg(dst), false);
            self.put(&v.to_le_bytes());
        }
    }

    /// `dst = address`.
    pub fn lea(&mut self, dst: R, m: Mem) {
        self.legacy(None, true, &[0x8d], dst, Rm::Mem(m), false);
    }

    /// `dst *= src`.
    pub fn imul(&mut self, w: bool, dst: R, src: Rm) {
        self.legacy(None, w, &[0x0f, 0xaf], dst, src, false);
    }

    /// `dst = src * v`.
    pub fn imul_imm(&mut self, w: bool, dst: R, src: Rm, v: i32) {
        self.legacy(None, w, &[0x69], dst, src, false);
        self.put(&v.to_le_bytes());
    }

    /// `dst` shifted by a constant.
    pub fn shift_imm(&mut self, op: Shift, w: bool, dst: R, by: u8) {
        self.legacy(None, w, &[0xc1], op as u8, Rm::Reg(dst), false);
        self.put(&[by]);
    }

    /// `dst = src` shifted by the low bits of `by` (BMI2); flags stay.
    pub fn shift(&mut self, op: Shift, w: bool, dst: R, src: R, by: R) {
        let prefix = match op {
            Shift::Left => 1,
            Shift::Right => 3,
            Shift::Arithmetic => 2,
        };
        let op = Op { map: 2, prefix, code: 0xf7, w: (w, w), forms: Forms::Vex };
        let o = Operands {
            reg: dst,
            second: Some(by),
            rm: Rm::Reg(src),
            len: 16,
            unit: 1,
            mask: Masking::default(),
            imm: None,
        };
        self.vector(op, &o);
    }

    /// `-dst` (3) or `!dst` (2).
    pub fn unary(&mut self, number: u8, w: bool, dst: R) {
        self.legacy(None, w, &[0xf7], number, Rm::Reg(dst), false);
    }

    /// rdx:rax divided by `by`, after extending rax into rdx.
    pub fn divide(&mut self, signed: bool, w: bool, by: R) {
        if signed {
            if w {
                self.put(&[0x48]);
            }
            self.put(&[0x99]);
        } else {
            self.alu(Alu::Xor, false, RDX, Rm::Reg(RDX));
        }
        self.legacy(None, w, &[0xf7], if signed { 7 } else { 6 }, Rm::Reg(by), false);
    }

    /// Flags of `a & a`.
    pub fn test(&mut self, w: bool, a: R) {
        self.legacy(None, w, &[0x85], a, Rm::Reg(a), false);
    }

    /// `dst = cc as 0 or 1` in all bits.
    pub fn set(&mut self, cc: Cc, dst: R) {
        self.legacy(None, false, &[0x0f, 0x90 | cc as u8], 0, Rm::Reg(dst), true);
        self.load(1, false, dst, Rm::Reg(dst));
    }

    /// `if cc { dst = src }`.
    pub fn cmov(&mut self, cc: Cc, w: bool, dst: R, src: Rm) {
        self.legacy(None, w, &[0x0f, 0x40 | cc as u8], dst, src, false);
    }

    /// Jumps when `cc` holds.
    pub fn jump_if(&mut self, cc: Cc, to: Label) {
        self.put(&[0x0f, 0x80 | cc as u8]);
        self.target(to);
    }

    /// Jumps.
    pub fn jump(&mut self, to: Label) {
        self.put(&[0xe9]);
        self.target(to);
    }

    fn target(&mut self, to: Label) {
        self.fixups.push((self.bytes.len(), to));
        self.put(&[0; 4]);
    }

    /// Calls the function whose address is in memory.
    pub fn call(&mut self, at: Mem) {
        self.legacy(None, false, &[0xff], 2, Rm::Mem(at), false);
    }

    /// Pushes a register.
    pub fn push(&mut self, r: R) {
        if r >= 8 {
            self.put(&[0x41]);
        }
        self.put(&[0x50 | (r & 7)]);
    }

    /// Pops a register.
    pub fn pop(&mut self, r: R) {
        if r >= 8 {
            self.put(&[0x41]);
        }
        self.put(&[0x58 | (r & 7)]);
    }

    /// Returns; `vzeroupper` first, so that code with short registers after it is not slowed.
    pub fn ret(&mut self) {
        self.zero_upper();
        self.put(&[0xc3]);
    }

    /// Clears the upper halves of the vector registers 0..16.
    pub fn zero_upper(&mut self) {
        self.put(&[0xc5, 0xf8, 0x77]);
    }

    /// Moves between mask and general registers (32 bits), or loads and stores 64 bits of a mask.
    pub fn kmov(&mut self, to: KMove) {
        let (reg, rm, op) = match to {
            KMove::FromGeneral(k, r) => {
                (k, Rm::Reg(r), Op { map: 1, prefix: 3, code: 0x92, w: (false, false), forms: Forms::Vex })
            }
            KMove::ToGeneral(r, k) => {
                (r, Rm::Reg(k), Op { map: 1, prefix: 3, code: 0x93, w: (false, false), forms: Forms::Vex })
            }
            KMove::Copy(d, s) => {
                (d, Rm::Reg(s), Op { map: 1, prefix: 0, code: 0x90, w: (true, true), forms: Forms::Vex })
            }
            KMove::Load(k, m) => {
                (k, Rm::Mem(m), Op { map: 1, prefix: 0, code: 0x90, w: (true, true), forms: Forms::Vex })
            }
            KMove::Store(m, k) => {
                (k, Rm::Mem(m), Op { map: 1, prefix: 0, code: 0x91, w: (true, true), forms: Forms::Vex })
            }
        };
        let none = Masking::default();
        self.vector(op, &Operands { reg, second: None, rm, len: 16, unit: 1, mask: none, imm: None });
    }

    /// `dst = !src` on 16 lanes of mask.
    pub fn knot(&mut self, dst: R, src: R) {
        let op = Op { map: 1, prefix: 0, code: 0x44, w: (false, false), forms: Forms::Vex };
        let mask = Masking::default();
        self.vector(op, &Operands { reg: dst, second: None, rm: Rm::Reg(src), len: 16, unit: 1, mask, imm: None });
    }

    /// `dst = a op b` on 16 lanes of mask: `0x41` and, `0x42` and-not (`!a & b`), `0x45` or, `0x46` xnor, `0x47` xor.
    pub fn kop(&mut self, code: u8, dst: R, a: R, b: R) {
        let op = Op { map: 1, prefix: 0, code, w: (false, false), forms: Forms::Vex };
        // These are the VEX.L1 forms.
        let none = Masking::default();
        self.vector(
            op,
            &Operands { reg: dst, second: Some(a), rm: Rm::Reg(b), len: 32, unit: 1, mask: none, imm: None },
        );
    }
}

/// A move from or to a mask register.
#[derive(Clone, Copy, Debug)]
pub enum KMove {
    /// Mask from general register.
    FromGeneral(R, R),
    /// General register from mask.
    ToGeneral(R, R),
    /// Mask from mask.
    Copy(R, R),
    /// Mask from memory.
    Load(R, Mem),
    /// Memory from mask.
    Store(Mem, R),
}
