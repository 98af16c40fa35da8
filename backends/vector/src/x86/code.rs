//! Machine instructions over virtual registers: what [`super::lower`] makes, [`super::allocate`] gives registers to and
//! [`super::write`] turns into bytes.

use super::asm::{Alu, Cc, Label, Len, Op, Shift};

/// A virtual register.
pub type V = u32;

/// The stack pointer as a base of addresses; never allocated.
pub const STACK: V = V::MAX;

/// Which registers a virtual one can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    General,
    Vector,
    Mask,
}

/// `[base + index * scale + disp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Addr {
    pub base: V,
    pub index: Option<(V, u8)>,
    pub disp: i32,
}

/// A source operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Src {
    Reg(V),
    Mem(Addr),
}

/// A vector instruction.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Vector {
    pub op: Op,
    pub dst: V,
    pub second: Option<V>,
    pub src: Src,
    pub len: Len,
    /// Bytes of memory `src` is, where it is memory.
    pub unit: u8,
    pub imm: Option<u8>,
    /// Mask, and whether lanes that are off become 0.
    pub mask: Option<(V, bool)>,
    /// Whether `dst` is also read.
    pub adds: bool,
}

/// An instruction. `w`: 64 bits wide, else 32.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Ins {
    Vector(Vector),
    /// Writes a vector register to memory.
    Put {
        op: Op,
        src: V,
        to: Addr,
        len: Len,
        unit: u8,
        imm: Option<u8>,
    },
    /// Writes the lanes of `mask` (a mask register, or under VEX a vector) to memory.
    PutPart {
        op: Op,
        src: V,
        to: Addr,
        len: Len,
        unit: u8,
        mask: V,
    },
    /// Writes a part of a vector register to a general or vector register in ModRM.rm.
    Take {
        op: Op,
        dst: V,
        src: V,
        len: Len,
        imm: Option<u8>,
    },
    /// Lanes shifted by a constant; `number` is the operation.
    ShiftLanes {
        op: Op,
        number: u8,
        dst: V,
        src: V,
        by: u8,
        len: Len,
    },
    /// Lanes of `a` where `mask` (all bits of a lane) is set, else of `b`. VEX only.
    Blend {
        dst: V,
        mask: V,
        a: V,
        b: V,
        len: Len,
    },
    /// A move within a class.
    Move {
        dst: V,
        src: V,
    },
    Imm {
        dst: V,
        v: i64,
    },
    Load {
        size: u8,
        signed: bool,
        dst: V,
        from: Addr,
    },
    Store {
        size: u8,
        to: Addr,
        src: V,
    },
    Widen {
        dst: V,
        src: V,
    },
    Alu {
        op: Alu,
        w: bool,
        dst: V,
        src: Src,
    },
    AluImm {
        op: Alu,
        w: bool,
        dst: V,
        v: i32,
    },
    Lea {
        dst: V,
        at: Addr,
    },
    /// Brings a line near.
    Prefetch {
        at: Addr,
    },
    Mul {
        w: bool,
        dst: V,
        src: V,
    },
    MulImm {
        w: bool,
        dst: V,
        src: V,
        v: i32,
    },
    Shift {
        op: Shift,
        w: bool,
        dst: V,
        src: V,
        by: V,
    },
    ShiftImm {
        op: Shift,
        w: bool,
        dst: V,
        by: u8,
    },
    /// 2 complements, 3 negates.
    Unary {
        number: u8,
        w: bool,
        dst: V,
    },
    Divide {
        signed: bool,
        w: bool,
        rem: bool,
        dst: V,
        a: V,
        b: V,
    },
    /// Sets flags.
    Compare {
        w: bool,
        a: V,
        b: V,
    },
    CompareImm {
        w: bool,
        a: V,
        v: i32,
    },
    Test {
        w: bool,
        a: V,
    },
    CompareFloat {
        op: Op,
        a: V,
        b: V,
    },
    /// 0 or 1 from flags.
    Set {
        cc: Cc,
        dst: V,
    },
    Cmov {
        cc: Cc,
        w: bool,
        dst: V,
        src: V,
    },
    MaskFrom {
        dst: V,
        src: V,
    },
    MaskTo {
        dst: V,
        src: V,
    },
    MaskOp {
        code: u8,
        dst: V,
        a: V,
        b: V,
    },
    MaskNot {
        dst: V,
        src: V,
    },
    SpillMask {
        to: Addr,
        src: V,
    },
    FillMask {
        dst: V,
        from: Addr,
    },
    Label(Label),
    Jump(Label),
    JumpIf(Cc, Label),
    /// First instruction of a loop body; ended by the matching `Repeat`.
    Enter,
    /// Past the last instruction of a loop.
    Repeat,
    /// `dst = f(a, b)` for the function whose address is at `at`.
    Call {
        at: Addr,
        dst: V,
        a: V,
        b: V,
    },
}

/// What an instruction does with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads it.
    Use,
    /// Writes it, after all reads.
    Def,
    /// Writes it while operands are still to be read.
    Early,
    /// Reads and writes it.
    Both,
}

impl Addr {
    /// The address in a register.
    pub fn at(base: V) -> Addr {
        Addr { base, index: None, disp: 0 }
    }

    fn each(&mut self, f: &mut dyn FnMut(&mut V, Role)) {
        if self.base != STACK {
            f(&mut self.base, Role::Use);
        }
        if let Some((i, _)) = &mut self.index {
            f(i, Role::Use);
        }
    }
}

impl Src {
    fn each(&mut self, f: &mut dyn FnMut(&mut V, Role)) {
        match self {
            Src::Reg(v) => f(v, Role::Use),
            Src::Mem(a) => a.each(f),
        }
    }
}

impl Ins {
    /// Calls `f` with every register, reads before writes.
    pub fn each(&mut self, f: &mut dyn FnMut(&mut V, Role)) {
        use Role::{Both, Def, Early, Use};
        match self {
            Ins::Vector(v) => v.each(f),
            Ins::Put { src, to, .. } => {
                f(src, Use);
                to.each(f);
            }
            Ins::PutPart { src, to, mask, .. } => {
                f(src, Use);
                f(mask, Use);
                to.each(f);
            }
            Ins::Store { to, src, .. } | Ins::SpillMask { to, src } => {
                f(src, Use);
                to.each(f);
            }
            Ins::Load { dst, from, .. } | Ins::Lea { dst, at: from } | Ins::FillMask { dst, from } => {
                from.each(f);
                f(dst, Def);
            }
            Ins::Prefetch { at } => at.each(f),
            Ins::Take { dst, src, .. }
            | Ins::ShiftLanes { dst, src, .. }
            | Ins::Move { dst, src }
            | Ins::Widen { dst, src }
            | Ins::MulImm { dst, src, .. }
            | Ins::MaskFrom { dst, src }
            | Ins::MaskTo { dst, src }
            | Ins::MaskNot { dst, src } => {
                f(src, Use);
                f(dst, Def);
            }
            Ins::Blend { dst, mask, a, b, .. } => {
                [mask, a, b].into_iter().for_each(|v| f(v, Use));
                f(dst, Def);
            }
            Ins::MaskOp { dst, a, b, .. } | Ins::Shift { dst, src: a, by: b, .. } => {
                f(a, Use);
                f(b, Use);
                f(dst, Def);
            }
            Ins::Divide { dst, a, b, .. } => {
                f(a, Use);
                f(b, Use);
                f(dst, Early);
            }
            Ins::Alu { dst, src, .. } => {
                src.each(f);
                f(dst, Both);
            }
            Ins::Mul { dst, src, .. } | Ins::Cmov { dst, src, .. } => {
                f(src, Use);
                f(dst, Both);
            }
            Ins::AluImm { dst, .. } | Ins::ShiftImm { dst, .. } | Ins::Unary { dst, .. } => f(dst, Both),
            Ins::Imm { dst, .. } | Ins::Set { dst, .. } => f(dst, Def),
            Ins::Compare { a, b, .. } | Ins::CompareFloat { a, b, .. } => {
                f(a, Use);
                f(b, Use);
            }
            Ins::CompareImm { a, .. } | Ins::Test { a, .. } => f(a, Use),
            Ins::Call { at, dst, a, b } => {
                at.each(f);
                f(a, Use);
                f(b, Use);
                f(dst, Early);
            }
            Ins::Label(_) | Ins::Jump(_) | Ins::JumpIf(..) | Ins::Enter | Ins::Repeat => {}
        }
    }

    /// Whether it does nothing but define its result, so that it can go when nobody reads that.
    pub fn is_pure(&self) -> bool {
        matches!(
            self,
            Ins::Vector(_)
                | Ins::Take { .. }
                | Ins::ShiftLanes { .. }
                | Ins::Blend { .. }
                | Ins::Move { .. }
                | Ins::Imm { .. }
                | Ins::Load { .. }
                | Ins::Widen { .. }
                | Ins::Alu { .. }
                | Ins::AluImm { .. }
                | Ins::Lea { .. }
                | Ins::Mul { .. }
                | Ins::MulImm { .. }
                | Ins::Shift { .. }
                | Ins::ShiftImm { .. }
                | Ins::Unary { .. }
                | Ins::Divide { .. }
                | Ins::Set { .. }
                | Ins::Cmov { .. }
                | Ins::MaskFrom { .. }
                | Ins::MaskTo { .. }
                | Ins::MaskOp { .. }
                | Ins::MaskNot { .. }
                | Ins::Call { .. }
        )
    }
}

impl Vector {
    fn each(&mut self, f: &mut dyn FnMut(&mut V, Role)) {
        if let Some(s) = &mut self.second {
            f(s, Role::Use);
        }
        self.src.each(f);
        let mut keeps = self.adds;
        if let Some((k, zero)) = &mut self.mask {
            f(k, Role::Use);
            // A blend writes every lane; other merging forms keep lanes of the destination.
            keeps |= !*zero && self.op != super::ops::BLENDMPS;
        }
        f(&mut self.dst, if keeps { Role::Both } else { Role::Def });
    }
}
