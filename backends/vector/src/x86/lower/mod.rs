//! From kernels to machine instructions over virtual registers.
//!
//! Code is written into frames: the function, and one for every loop body and branch that is open. A pure operation is
//! written into the outermost frame that has its operands, and once: loop-invariant code motion and value numbering
//! are the same step. Integer sums are kept as linear forms, so that addresses share what they have in common.

mod address;
mod control;
mod convert;
mod dot;
mod lanes;
mod lookup;
mod pairs;
mod part;
mod scalar;

use super::Level;
use super::asm::{Asm, Label};
use super::code::{Class, Ins, V};
use crate::ir::{Buf, Elem, Inst, Kernel, Reg, Type};
use address::Form;
use std::collections::HashMap;

/// The code of a kernel before registers are allocated.
#[derive(Debug)]
pub struct Lowered {
    /// Instructions in order.
    pub code: Vec<Ins>,
    /// Class of every virtual register.
    pub classes: Vec<Class>,
    /// Labels in use.
    pub labels: Asm,
}

/// Where the prologue leaves the six parameters of the function: bytes from the stack pointer.
pub const PARAMETERS: i32 = 8;

/// Lowers a kernel.
pub fn lower(k: &Kernel, level: Level) -> Lowered {
    let mut l = Lower {
        k,
        level,
        labels: Asm::default(),
        classes: vec![],
        depths: vec![],
        forms: HashMap::new(),
        values: vec![None; k.regs.len()],
        defs: vec![None; k.regs.len()],
        changing: vec![false; k.regs.len()],
        uses: vec![0; k.regs.len()],
        frames: vec![Frame::default()],
        at: 0,
        stores: 0,
    };
    l.survey(&k.body);
    l.block(&k.body);
    let frame = l.frames.pop().expect("the function's frame");
    Lowered { code: frame.code, classes: l.classes, labels: l.labels }
}

/// An operation with its operands, to find it again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Inst { tag: String, regs: [V; 3], ty: Type },
    Form(Form),
    Parameter(i32),
    Buffer(Buf),
    Sum(V, V),
    Lanes(V, u8),
    Pattern(i64, u8),
    Scaled(V, i64),
}

#[derive(Debug, Default)]
struct Frame {
    code: Vec<Ins>,
    memo: HashMap<Key, V>,
}

struct Lower<'a> {
    k: &'a Kernel,
    level: Level,
    labels: Asm,
    classes: Vec<Class>,
    /// The frame a register was defined in; variables belong to the innermost that is open.
    depths: Vec<Option<usize>>,
    forms: HashMap<V, Form>,
    values: Vec<Option<V>>,
    /// What registers that are set once are set to, and how many stores came before.
    defs: Vec<Option<(Inst, u32)>>,
    changing: Vec<bool>,
    /// How often registers are read.
    uses: Vec<u32>,
    frames: Vec<Frame>,
    /// The frame that is written to.
    at: usize,
    stores: u32,
}

impl Lower<'_> {
    fn top(&self) -> usize {
        self.frames.len() - 1
    }

    fn fresh(&mut self, class: Class) -> V {
        self.classes.push(class);
        self.depths.push(Some(self.at));
        self.classes.len() as V - 1
    }

    fn general(&mut self) -> V {
        self.fresh(Class::General)
    }

    fn vector(&mut self) -> V {
        self.fresh(Class::Vector)
    }

    fn push(&mut self, i: Ins) {
        self.frames[self.at].code.push(i);
    }

    fn label(&mut self) -> Label {
        self.labels.label()
    }

    fn ty(&self, r: Reg) -> Type {
        self.k.regs[r as usize]
    }

    fn get(&self, r: Reg) -> V {
        self.values[r as usize].expect("a register is defined before it is used")
    }

    /// Frame a value is known in.
    fn depth(&self, v: V) -> usize {
        self.depths[v as usize].unwrap_or(self.top())
    }

    /// Runs `f` writing to the outermost frame in which all of `operands` are known.
    fn hoisted<T>(&mut self, operands: &[V], f: impl FnOnce(&mut Self) -> T) -> T {
        let depth = operands.iter().map(|v| self.depth(*v)).max().unwrap_or(0);
        let old = std::mem::replace(&mut self.at, depth);
        let out = f(self);
        self.at = old;
        out
    }

    /// The value made for this key before, or a new one made by `f` in the outermost frame possible.
    fn once(&mut self, key: Key, operands: &[V], f: impl FnOnce(&mut Self) -> V) -> V {
        // What depends on a variable may be another value next time.
        if operands.iter().any(|v| self.depths[*v as usize].is_none()) {
            return self.hoisted(operands, f);
        }
        if let Some(v) = self.frames.iter().find_map(|f| f.memo.get(&key)) {
            return *v;
        }
        let depth = operands.iter().map(|v| self.depth(*v)).max().unwrap_or(0);
        let v = self.hoisted(operands, f);
        self.frames[depth].memo.insert(key, v);
        v
    }

    fn mov(&mut self, dst: V, src: V) {
        self.push(Ins::Move { dst, src });
    }

    fn copy(&mut self, src: V) -> V {
        let dst = self.fresh(self.classes[src as usize]);
        self.mov(dst, src);
        dst
    }

    fn imm(&mut self, v: i64) -> V {
        let dst = self.general();
        self.push(Ins::Imm { dst, v });
        dst
    }

    /// Which registers a type lives in.
    fn class(&self, ty: Type) -> Class {
        match (ty.elem, ty.lanes) {
            (Elem::Mask, 1) | (Elem::I32 | Elem::I64 | Elem::U64, 1) => Class::General,
            (Elem::Mask, _) if self.level >= Level::Avx512 => Class::Mask,
            _ => Class::Vector,
        }
    }

    /// Bytes of a vector register of this type.
    fn len(&self, ty: Type) -> u8 {
        (ty.lanes * 4).max(16)
    }

    /// `r = i`.
    fn define(&mut self, r: Reg, i: &Inst) {
        let ty = self.ty(r);
        let v = match i {
            // What the kernel never writes is read once.
            Inst::Load { buf, mem, index, offset: 0, fixed: true } if self.constant_int(*index) == Some(0) => {
                let key = Key::Inst { tag: format!("load {buf:?} {mem}"), regs: [V::MAX; 3], ty };
                self.once(key, &[], |l| l.inst(ty, i))
            }
            Inst::Load { .. } | Inst::LoadPart { .. } | Inst::Bytes { .. } | Inst::Call(..) => {
                self.at = self.top();
                self.inst(ty, i)
            }
            _ => {
                let regs = operands(i);
                let values: Vec<V> = regs.iter().map(|r| self.get(*r)).collect();
                let mut key = [V::MAX; 3];
                key[..values.len()].copy_from_slice(&values);
                let key = Key::Inst { tag: tag(i), regs: key, ty };
                self.at = self.top();
                self.once(key, &values, |l| l.inst(ty, i))
            }
        };
        self.at = self.top();
        // What is the variable itself now must not change with it.
        let v = if self.depths[v as usize].is_none() { self.copy(v) } else { v };
        if self.changing[r as usize] {
            let var = self.variable(r);
            self.mov(var, v);
            return;
        }
        self.values[r as usize] = Some(v);
        self.defs[r as usize] = Some((*i, self.stores));
    }

    /// The virtual register of a register that changes.
    fn variable(&mut self, r: Reg) -> V {
        if let Some(v) = self.values[r as usize] {
            return v;
        }
        let v = self.fresh(self.class(self.ty(r)));
        self.depths[v as usize] = None;
        self.values[r as usize] = Some(v);
        v
    }

    fn inst(&mut self, ty: Type, i: &Inst) -> V {
        match *i {
            Inst::Float(v) => self.float(ty, v),
            Inst::Int(v) => self.int(ty, v),
            Inst::Arg(k) => self.argument(k),
            Inst::Begin => self.parameter(2),
            Inst::End => self.parameter(3),
            Inst::Un(op, a) if ty.lanes > 1 => self.un_lanes(op, a),
            Inst::Un(op, a) => self.un(op, a),
            Inst::Bin(op, a, b) if ty.lanes > 1 => self.bin_lanes(ty, op, a, b),
            Inst::Bin(op, a, b) => self.bin(ty, op, a, b),
            Inst::Fma(a, b, c) => self.fma(ty, a, b, c),
            Inst::Scale(a, n) => self.scale(ty, a, n),
            Inst::Dot(a, b, c) => self.dot(ty, a, b, c),
            Inst::Pairs(a, b, c) => self.pairs(ty, a, b, c),
            Inst::Bf16(a) => self.bf16(ty, a),
            Inst::Cmp(op, a, b) if ty.lanes > 1 => self.cmp_lanes(op, a, b),
            Inst::Cmp(op, a, b) => self.cmp(op, a, b),
            Inst::Select(c, a, b) if ty.lanes > 1 => self.select_lanes(ty, c, a, b),
            Inst::Select(c, a, b) => self.select(ty, c, a, b),
            Inst::Cast(a) if ty.lanes > 1 => self.cast_lanes(ty, a),
            Inst::Cast(a) => self.cast(ty, a),
            Inst::Bits(a) => self.bits(ty, a),
            Inst::Splat(a) => self.splat(ty, a),
            Inst::Lane(a, n) => self.lane(a, n),
            Inst::Rotate(a, by) => self.rotate(ty, a, by),
            Inst::Load { buf, mem, index, offset, .. } => self.load(ty, buf, mem, index, offset),
            Inst::LoadPart { buf, mem, index, offset, count } => self.load_part(ty, (buf, mem, index, offset), count),
            Inst::Lookup { buf, mem, index } => self.lookup(ty, buf, mem, index),
            Inst::Bytes { buf, index, offset } => self.bytes(ty, buf, index, offset),
            Inst::Call(k, a, b) => self.call(k, a, b),
        }
    }

    /// The constant integer a register holds in every lane.
    fn constant_int(&self, r: Reg) -> Option<i64> {
        match self.defs[r as usize]?.0 {
            Inst::Int(v) => Some(v),
            Inst::Splat(a) => self.constant_int(a),
            _ => None,
        }
    }

    /// Whether a register holds a float constant in every lane.
    fn is_constant(&self, r: Reg) -> bool {
        match self.defs[r as usize] {
            Some((Inst::Float(_) | Inst::Int(_), _)) => true,
            Some((Inst::Splat(a), _)) => self.is_constant(a),
            _ => false,
        }
    }
}

pub(super) fn operands(i: &Inst) -> Vec<Reg> {
    match *i {
        Inst::Un(_, a) | Inst::Cast(a) | Inst::Bits(a) | Inst::Bf16(a) => vec![a],
        Inst::Splat(a) | Inst::Lane(a, _) | Inst::Rotate(a, _) => vec![a],
        Inst::Lookup { index, .. } => vec![index],
        Inst::Bin(_, a, b) | Inst::Cmp(_, a, b) | Inst::Scale(a, b) | Inst::Call(_, a, b) => vec![a, b],
        Inst::Fma(a, b, c) | Inst::Dot(a, b, c) | Inst::Pairs(a, b, c) | Inst::Select(a, b, c) => vec![a, b, c],
        Inst::Load { index, .. } | Inst::Bytes { index, .. } => vec![index],
        Inst::LoadPart { index, count, .. } => vec![index, count],
        Inst::Float(_) | Inst::Int(_) | Inst::Arg(_) | Inst::Begin | Inst::End => vec![],
    }
}

/// What tells operations with equal operands apart.
fn tag(i: &Inst) -> String {
    match i {
        Inst::Float(v) => format!("float {:x}", v.to_bits()),
        Inst::Int(v) => format!("int {v}"),
        Inst::Arg(k) => format!("arg {k}"),
        Inst::Un(op, _) => format!("{op:?}"),
        Inst::Bin(op, ..) => format!("{op:?}"),
        Inst::Cmp(op, ..) => format!("cmp {op:?}"),
        Inst::Lane(_, n) => format!("lane {n}"),
        Inst::Rotate(_, n) => format!("rotate {n}"),
        Inst::Fma(..) => "fma".into(),
        Inst::Scale(..) => "scale".into(),
        Inst::Dot(..) => "dot".into(),
        Inst::Pairs(..) => "pairs".into(),
        Inst::Bf16(_) => "bf16".into(),
        Inst::Select(..) => "select".into(),
        Inst::Cast(_) => "cast".into(),
        Inst::Bits(_) => "bits".into(),
        Inst::Splat(_) => "splat".into(),
        Inst::Lookup { buf, mem, .. } => format!("lookup {buf:?} {mem}"),
        Inst::Begin => "begin".into(),
        Inst::End => "end".into(),
        Inst::Load { .. } | Inst::LoadPart { .. } | Inst::Bytes { .. } | Inst::Call(..) => {
            unreachable!("loads and calls are not shared")
        }
    }
}
