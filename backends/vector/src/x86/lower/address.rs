//! Integer sums as linear forms, and addresses made of them.

use super::{Key, Lower, PARAMETERS};
use crate::ir::{Buf, Elem, Reg, Type};
use crate::x86::asm::{Alu, Shift};
use crate::x86::code::{Addr, Ins, STACK, Src, V};
use crate::x86::ops;
use dlc_ir::DType;
use std::collections::BTreeMap;

/// `constant + sum of register * factor`, wrapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Form {
    terms: BTreeMap<V, i64>,
    constant: i64,
}

/// More terms than this are one value, not a form.
const MOST_TERMS: usize = 8;

impl Form {
    fn add(&mut self, other: &Form, factor: i64) {
        self.constant = self.constant.wrapping_add(other.constant.wrapping_mul(factor));
        for (v, c) in &other.terms {
            let sum = self.terms.entry(*v).or_insert(0);
            *sum = sum.wrapping_add(c.wrapping_mul(factor));
        }
        self.terms.retain(|_, c| *c != 0);
    }
}

impl Lower<'_> {
    /// The form of a value: itself, unless more is known.
    pub(super) fn form(&self, v: V) -> Form {
        match self.forms.get(&v) {
            Some(f) => f.clone(),
            None => Form { terms: [(v, 1)].into(), constant: 0 },
        }
    }

    /// Remembers that `v` is `a * fa + b * fb`, when that is worth it.
    pub(super) fn note_sum(&mut self, v: V, a: V, fa: i64, b: V, fb: i64) {
        let mut f = Form::default();
        f.add(&self.form(a), fa);
        f.add(&self.form(b), fb);
        self.note(v, f, &[a, b]);
    }

    /// Remembers that `v` is `a * factor`.
    pub(super) fn note_scaled(&mut self, v: V, a: V, factor: i64) {
        let mut f = Form::default();
        f.add(&self.form(a), factor);
        self.note(v, f, &[a]);
    }

    /// Remembers a constant.
    pub(super) fn note_constant(&mut self, v: V, c: i64) {
        self.forms.insert(v, Form { terms: BTreeMap::new(), constant: c });
    }

    fn note(&mut self, v: V, f: Form, from: &[V]) {
        // A form of variables would change with them.
        let fixed = from.iter().all(|v| self.depths[*v as usize].is_some());
        if fixed && f.terms.len() <= MOST_TERMS {
            self.forms.insert(v, f);
        }
    }

    /// Parameter `k` of the function.
    pub(super) fn parameter(&mut self, k: i32) -> V {
        self.once(Key::Parameter(k), &[], |l| {
            let dst = l.general();
            let from = Addr { base: STACK, index: None, disp: PARAMETERS + 8 * k };
            l.push(Ins::Load { size: 8, signed: false, dst, from });
            dst
        })
    }

    /// Integer argument `k` of the call.
    pub(super) fn argument(&mut self, k: u32) -> V {
        let args = self.parameter(1);
        let dst = self.general();
        let from = Addr { base: args, index: None, disp: 8 * k as i32 };
        self.push(Ins::Load { size: 8, signed: false, dst, from });
        dst
    }

    pub(super) fn buffer(&mut self, buf: Buf) -> (V, i64) {
        match buf {
            Buf::Scratch(o) => (self.parameter(4), o as i64),
            Buf::Arg(k) => {
                let table = self.parameter(0);
                let v = self.once(Key::Buffer(buf), &[table], |l| {
                    let dst = l.general();
                    let from = Addr { base: table, index: None, disp: 8 * k as i32 };
                    l.push(Ins::Load { size: 8, signed: false, dst, from });
                    dst
                });
                (v, 0)
            }
        }
    }

    /// `v * factor` for an address.
    fn scaled(&mut self, v: V, factor: i64) -> V {
        if factor == 1 {
            return v;
        }
        self.once(Key::Scaled(v, factor), &[v], |l| l.times(v, factor))
    }

    /// `v * factor`, written here.
    pub(super) fn times(&mut self, v: V, factor: i64) -> V {
        let dst = self.general();
        if factor > 0 && factor.count_ones() == 1 {
            self.mov(dst, v);
            let by = factor.trailing_zeros() as u8;
            self.push(Ins::ShiftImm { op: Shift::Left, w: true, dst, by });
        } else if let Ok(f) = i32::try_from(factor) {
            self.push(Ins::MulImm { w: true, dst, src: v, v: f });
        } else {
            let f = self.imm(factor);
            self.mov(dst, v);
            self.push(Ins::Mul { w: true, dst, src: f });
        }
        dst
    }

    /// `a + b` for an address.
    fn sum(&mut self, a: V, b: V) -> V {
        self.once(Key::Sum(a, b), &[a, b], |l| {
            let dst = l.general();
            l.push(Ins::Lea { dst, at: Addr { base: a, index: Some((b, 1)), disp: 0 } });
            dst
        })
    }

    /// Address of element `index + offset` of a buffer of `mem`. What changes least is added first, so that loops
    /// share it; the innermost term becomes the index where its factor allows.
    pub(super) fn address(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32) -> Addr {
        let size = mem.size() as i64;
        let (mut base, extra) = self.buffer(buf);
        let mut f = Form { terms: BTreeMap::new(), constant: extra + offset as i64 * size };
        let index = self.get(index);
        f.add(&self.form(index), size);
        let mut terms: Vec<(V, i64)> = f.terms.iter().map(|(v, c)| (*v, *c)).collect();
        terms.sort_by_key(|(v, _)| (self.depth(*v), *v));
        let last = terms.pop_if(|(_, c)| matches!(c, 1 | 2 | 4 | 8));
        for (v, c) in terms {
            let t = self.scaled(v, c);
            base = self.sum(base, t);
        }
        let disp = i32::try_from(f.constant).unwrap_or_else(|_| {
            let c =
                self.once(Key::Form(Form { terms: BTreeMap::new(), constant: f.constant }), &[], |l| l.imm(f.constant));
            base = self.sum(base, c);
            0
        });
        Addr { base, index: last.map(|(v, c)| (v, c as u8)), disp }
    }

    pub(super) fn load(&mut self, ty: Type, buf: Buf, mem: DType, index: Reg, offset: i32) -> V {
        let from = self.address(buf, mem, index, offset);
        if ty.lanes > 1 {
            return self.load_lanes(ty, mem, from);
        }
        match (ty.elem, mem.size()) {
            (Elem::F32, _) => self.load_vector(ops::MOVSS_LOAD, from, 16, 4),
            (Elem::F64, _) => self.load_vector(ops::MOVSD_LOAD, from, 16, 8),
            (_, size) => {
                let dst = self.general();
                self.push(Ins::Load { size: size as u8, signed: mem.is_signed(), dst, from });
                dst
            }
        }
    }

    /// Four bytes for each lane.
    pub(super) fn bytes(&mut self, ty: Type, buf: Buf, index: Reg, offset: i32) -> V {
        let from = self.address(buf, DType::U8, index, offset);
        if ty.lanes > 1 {
            let len = ty.lanes * 4;
            return self.load_vector(ops::MOVUPS_LOAD, from, len, len);
        }
        let dst = self.general();
        self.push(Ins::Load { size: 4, signed: true, dst, from });
        dst
    }

    pub(super) fn store(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32, value: Reg) {
        let to = self.address(buf, mem, index, offset);
        let (ty, src) = (self.ty(value), self.get(value));
        if ty.lanes > 1 {
            if let Some(src) = (mem.size() == 2).then(|| self.rounded(ty, value)).flatten() {
                let len = self.len(ty) / 2;
                return self.push(Ins::Put { op: ops::MOVUPS_STORE, src, to, len, unit: len, imm: None });
            }
            return self.store_lanes(ty, mem, to, src);
        }
        let (op, unit) = match ty.elem {
            Elem::F32 => (ops::MOVSS_STORE, 4),
            Elem::F64 => (ops::MOVSD_STORE, 8),
            _ => return self.push(Ins::Store { size: mem.size() as u8, to, src }),
        };
        self.push(Ins::Put { op, src, to, len: 16, unit, imm: None });
    }

    /// `a + b` or `a - b` of 64-bit integers.
    pub(super) fn add_or_sub(&mut self, op: Alu, a: Reg, b: Reg) -> V {
        let (x, y) = (self.get(a), self.get(b));
        let small = self.constant_int(b).and_then(|c| i32::try_from(c).ok());
        let dst = self.general();
        match (op, small) {
            (Alu::Add, Some(c)) => self.push(Ins::Lea { dst, at: Addr { base: x, index: None, disp: c } }),
            (Alu::Add, None) => self.push(Ins::Lea { dst, at: Addr { base: x, index: Some((y, 1)), disp: 0 } }),
            (_, Some(c)) => {
                self.mov(dst, x);
                self.push(Ins::AluImm { op, w: true, dst, v: c });
            }
            _ => {
                self.mov(dst, x);
                self.push(Ins::Alu { op, w: true, dst, src: Src::Reg(y) });
            }
        }
        self.note_sum(dst, x, 1, y, if op == Alu::Add { 1 } else { -1 });
        dst
    }
}
