//! Scalar expressions as kernel code, one element at a time or a vector of them along one variable.

use crate::builder::Builder;
use crate::ir::{Buf, Elem, Reg, Type};
use crate::level::Level;
use crate::{math, narrow};
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::guards;
use dlc_ir::lower::{Bin, Cmp, E, Expr, Monoid, Slot, Ty};
use dlc_ir::{DType, Dim};
use std::collections::{BTreeMap, HashMap};

/// Where a slot's elements are.
pub type Place = dyn Fn(Slot) -> Buf;

/// Generates the code of expressions.
pub struct Scalar<'a> {
    place: &'a Place,
    vars: BTreeMap<u32, Reg>,
    regs: BTreeMap<u32, Reg>,
    /// The variable that counts lanes, if any.
    wide: Option<u32>,
    /// Registers of shared expressions, by scope; valid while the scope is open.
    memo: Vec<HashMap<usize, (Expr, Reg)>>,
    /// Whether memory read by expressions may change between statements.
    mutable: bool,
    /// Whether reductions may have partial results in lanes.
    partial: bool,
}

/// Register type of a scalar type.
pub fn elem(ty: Ty) -> Elem {
    match ty {
        Ty::F32 => Elem::F32,
        Ty::F64 => Elem::F64,
        Ty::I32 => Elem::I32,
        Ty::I64 => Elem::I64,
        Ty::U64 => Elem::U64,
        Ty::Bool => Elem::Mask,
    }
}

/// Whether the elements for consecutive values of `var` can be computed in lanes: 32-bit types, loads that step by 0 or
/// 1 element, nothing that calls out, no index used as a value.
pub fn is_wide(e: &Expr, var: u32) -> bool {
    go_wide(e, var, &mut HashMap::new()).1
}

/// Whether an expression mentions the variable, and whether it is wide, with what is known of the parts that were met.
fn go_wide(e: &Expr, var: u32, known: &mut HashMap<usize, (bool, bool)>) -> (bool, bool) {
    if let Some(both) = known.get(&e.address()) {
        return *both;
    }
    let mut mentioned = matches!(**e, E::Load { .. } | E::Var(_)) && mentions(e, var);
    if !matches!(**e, E::Load { .. }) {
        e.for_children(&mut |c| mentioned |= go_wide(c, var, known).0);
    }
    let wide = match mentioned {
        true => is_wide_in(e, var, &mut |c| go_wide(c, var, known).1),
        false => matches!(e.ty(), Ty::F32 | Ty::I32 | Ty::Bool),
    };
    known.insert(e.address(), (mentioned, wide));
    (mentioned, wide)
}

/// The same of one that mentions the variable, where `child` says it of parts.
fn is_wide_in(e: &Expr, var: u32, child: &mut dyn FnMut(&Expr) -> bool) -> bool {
    let lanes = matches!(e.ty(), Ty::F32 | Ty::I32 | Ty::Bool);
    match &**e {
        e @ E::Load { .. } if table_index(e).is_some() => table_index(e).is_some_and(child),
        E::Load { dtype, shape, index, .. } => {
            let step = Linear::address(index, shape).step(var).and_then(|s| s.as_const());
            step == Some(1) && lanes && !matches!(dtype, DType::U32)
        }
        E::Un(op, a) => lanes && (math::is_vector(*op)) && child(a),
        E::Bin(op, a, b) => {
            let scalar_only =
                matches!(op, Bin::Pow | Bin::Rem | Bin::Shl | Bin::Shr) || (*op == Bin::Div && a.ty() == Ty::I32);
            lanes && !scalar_only && child(a) && child(b)
        }
        E::Cmp(_, a, b) => matches!(a.ty(), Ty::F32 | Ty::I32) && child(a) && child(b),
        E::Select(c, a, b) => {
            // Lanes compute both arms.
            let loads = |arm: &Expr| mentions(c, var) && guards(c, arm);
            lanes && !loads(a) && !loads(b) && child(c) && child(a) && child(b)
        }
        E::Pick(i, of) => lanes && !mentions(i, var) && of.iter().all(child),
        E::Cast(ty, a) => {
            let from = a.ty();
            let ok = |t: Ty| matches!(t, Ty::F32 | Ty::I32 | Ty::Bool);
            ok(*ty) && ok(from) && child(a)
        }
        E::Round(_, a) => lanes && child(a),
        E::Reduce(_, _, a) => lanes && child(a),
        E::Reg(..) => lanes,
        E::Var(_) | E::Size(_) | E::Int(..) | E::Float(..) => false,
    }
}

/// Whether a part of a vector of an expression's elements can be loaded, and stored as `to`.
pub fn has_parts(level: Level, e: &Expr, to: DType) -> bool {
    let here = match &**e {
        E::Load { dtype, .. } => level.has_parts(memory(*dtype).size()),
        _ => true,
    };
    let mut all = here && level.has_parts(memory(to).size());
    e.for_children(&mut |c| all = all && has_parts(level, c, to));
    all
}

/// The index, as I32, of a load from a table of 256 bytes.
pub fn table_index(e: &E) -> Option<&Expr> {
    let E::Load { slot: Slot::X(_), dtype: DType::I8 | DType::U8, shape, index } = e else { return None };
    let ([n], [index]) = (&shape[..], &index[..]) else { return None };
    match &**index {
        E::Cast(Ty::I64, i) if i.ty() == Ty::I32 && n.as_const() == Some(256) => Some(i),
        _ => None,
    }
}

fn has_load(e: &Expr) -> bool {
    let mut found = matches!(**e, E::Load { .. });
    e.for_children(&mut |c| found |= has_load(c));
    found
}

impl<'a> Scalar<'a> {
    /// A generator that finds slots by `place`. `mutable`: stores may happen between expressions (procedures).
    pub fn new(place: &'a Place, mutable: bool) -> Self {
        Scalar {
            place,
            vars: BTreeMap::new(),
            regs: BTreeMap::new(),
            wide: None,
            memo: vec![HashMap::new()],
            mutable,
            partial: true,
        }
    }

    /// Where a slot's elements are.
    pub fn place(&self, slot: Slot) -> Buf {
        (self.place)(slot)
    }

    /// Gives a variable its value (I64).
    pub fn bind(&mut self, var: u32, value: Reg) {
        self.vars.insert(var, value);
    }

    /// Value of a variable.
    pub fn var(&self, var: u32) -> Reg {
        self.vars[&var]
    }

    /// Gives a register of the scalar language its register.
    pub fn bind_reg(&mut self, reg: u32, value: Reg) {
        self.regs.insert(reg, value);
    }

    /// Register of a register of the scalar language, if it has one.
    pub fn reg(&self, reg: u32) -> Option<Reg> {
        self.regs.get(&reg).copied()
    }

    /// Runs `f` in a scope of its own, lanes counting `wide`.
    pub fn scope<T>(&mut self, wide: Option<u32>, f: impl FnOnce(&mut Self) -> T) -> T {
        let old = std::mem::replace(&mut self.wide, wide);
        self.memo.push(HashMap::new());
        let out = f(self);
        self.memo.pop();
        self.wide = old;
        out
    }

    /// Runs `f`, during which no memory changes that expressions read again.
    pub fn unchanging<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let old = std::mem::replace(&mut self.mutable, false);
        let out = f(self);
        self.mutable = old;
        out
    }

    /// Tells the value of an expression, for as long as the innermost scope is open.
    pub fn know(&mut self, e: &Expr, r: Reg) {
        self.memo.last_mut().expect("a scope is open").insert(e.address(), (e.clone(), r));
    }

    /// Runs `f`, whose reductions go from the first element to the last.
    pub fn sequential<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let old = std::mem::replace(&mut self.partial, false);
        let out = f(self);
        self.partial = old;
        out
    }

    fn lanes(&self, b: &Builder) -> u8 {
        if self.wide.is_some() { b.lanes() as u8 } else { 1 }
    }

    /// The value of an expression; scalar when it does not depend on the lane variable.
    pub fn eval(&mut self, b: &mut Builder, e: &Expr) -> Reg {
        let known = self.memo.iter().rev().find_map(|m| m.get(&e.address()));
        if let Some((_, r)) = known {
            return *r;
        }
        let r = self.compute(b, e);
        if !self.mutable {
            self.know(e, r);
        }
        r
    }

    fn compute(&mut self, b: &mut Builder, e: &Expr) -> Reg {
        let ty = Type::scalar(elem(e.ty()));
        match &**e {
            E::Float(_, v) => b.float(ty, *v),
            E::Int(_, v) => b.int(ty, *v),
            E::Size(d) => b.size(d),
            E::Var(v) => self.vars[v],
            E::Reg(r, _) => self.regs[r],
            e @ E::Load { slot, dtype, .. } if self.wide.is_some() && table_index(e).is_some() => {
                let index = table_index(e).map(|i| self.eval(b, i)).expect("it has one");
                match b.ty(index).lanes {
                    1 => {
                        let index = b.cast(Elem::I64, index);
                        load_at(b, (self.place)(*slot), *dtype, index, 0, 1)
                    }
                    _ => b.lookup((self.place)(*slot), *dtype, index),
                }
            }
            E::Load { slot, dtype, shape, index } => self.load(b, *slot, *dtype, shape, index),
            E::Un(op, a) => {
                let a = self.eval(b, a);
                math::un(b, *op, a)
            }
            E::Bin(op, x, y) => self.bin(b, *op, x, y),
            E::Cmp(op, x, y) => {
                let (x, y) = (self.eval(b, x), self.eval(b, y));
                b.cmp(*op, x, y)
            }
            E::Select(c, x, y) => self.select(b, c, x, y),
            E::Pick(i, of) => {
                let one = chosen(i, of);
                self.eval(b, &one)
            }
            E::Cast(ty, a) => {
                let a = self.eval(b, a);
                b.cast(elem(*ty), a)
            }
            E::Round(dtype, a) => {
                let a = self.eval(b, a);
                round(b, *dtype, a)
            }
            E::Reduce(m, vars, body) => self.reduce(b, *m, vars, body),
        }
    }

    fn bin(&mut self, b: &mut Builder, op: Bin, x: &Expr, y: &Expr) -> Reg {
        // a * b + c in one rounding would make results depend on what is fused with what: not done here.
        let float = x.ty().is_float();
        let (x, y) = (self.eval(b, x), self.eval(b, y));
        match op {
            Bin::Pow if float => math::pow(b, x, y),
            Bin::Rem if float => math::fmod(b, x, y),
            Bin::Pow => {
                let elem = b.ty(x).elem;
                let (x, y) = (b.cast(Elem::F64, x), b.cast(Elem::F64, y));
                let r = math::pow(b, x, y);
                b.cast(elem, r)
            }
            _ => b.bin(op, x, y),
        }
    }

    fn select(&mut self, b: &mut Builder, c: &Expr, x: &Expr, y: &Expr) -> Reg {
        let cond = self.eval(b, c);
        let simple = |e: &Expr| !has_load(e) && !matches!(**e, E::Reduce(..));
        if b.ty(cond).lanes > 1 || (simple(x) && simple(y)) {
            let (x, y) = (self.eval(b, x), self.eval(b, y));
            return b.select(cond, x, y);
        }
        let lanes = match self.wide {
            Some(v) if mentions(x, v) || mentions(y, v) || has_reg(x) || has_reg(y) => self.lanes(b),
            _ => 1,
        };
        let ty = Type { elem: elem(x.ty()), lanes };
        let zero = if ty.elem == Elem::F32 || ty.elem == Elem::F64 { b.float(ty, 0.0) } else { b.int(ty, 0) };
        let out = b.var(zero);
        let wide = self.wide;
        let then = b.block(|b| self.branch(b, wide, x, lanes, out));
        let els = b.block(|b| self.branch(b, wide, y, lanes, out));
        b.push(crate::ir::Node::If { cond, then, els });
        out
    }

    fn branch(&mut self, b: &mut Builder, wide: Option<u32>, e: &Expr, lanes: u8, out: Reg) {
        self.scope(wide, |s| {
            let v = s.eval(b, e);
            let v = b.widen(v, lanes);
            b.set(out, v);
        });
    }

    fn load(&mut self, b: &mut Builder, slot: Slot, dtype: DType, shape: &[Dim], index: &[Expr]) -> Reg {
        let address = Linear::address(index, shape);
        let wide = self.wide.is_some_and(|v| address.step(v).is_none_or(|s| !s.is_zero()));
        let (index, offset) = self.address(b, &address);
        let lanes = if wide { self.lanes(b) } else { 1 };
        let one = !self.mutable && matches!(slot, Slot::X(_)) && shape.iter().all(Dim::is_one);
        let place = (self.place)(slot);
        let load = |b: &mut Builder| load_at(b, place, dtype, index, offset, lanes);
        if one { b.fixed(load) } else { load(b) }
    }

    /// An address as a register and a constant offset.
    pub fn address(&mut self, b: &mut Builder, a: &Linear) -> (Reg, i32) {
        let mut sum: Option<Reg> = None;
        let mut add = |b: &mut Builder, r: Reg| sum = Some(sum.map_or(r, |s| b.add(s, r)));
        let constant = a.constant.as_const().and_then(|c| i32::try_from(c).ok()).filter(|c| c.unsigned_abs() < 1 << 24);
        if constant.is_none() {
            let c = b.size(&a.constant);
            add(b, c);
        }
        for (v, c) in &a.vars {
            let term = scaled(b, self.vars[v], c);
            add(b, term);
        }
        for (e, c) in &a.other {
            let wide = self.wide.take();
            let r = self.eval(b, e);
            self.wide = wide;
            let term = scaled(b, r, c);
            add(b, term);
        }
        let index = sum.unwrap_or_else(|| b.index(0));
        (index, constant.unwrap_or(0))
    }

    fn reduce(&mut self, b: &mut Builder, m: Monoid, vars: &[(u32, Dim)], body: &Expr) -> Reg {
        let (vars, body) = dlc_ir::lower::rewrite::collapse_reduce(vars, body);
        let ty = Type::scalar(elem(body.ty()));
        let along = (self.wide.is_none() && self.partial).then(|| vars.last()).flatten();
        let along = along.filter(|(v, d)| is_wide(&body, *v) && mentions(&body, *v) && d.as_const() != Some(1));
        let lanes = match self.wide {
            Some(v) if mentions(&body, v) => b.lanes() as u8,
            _ => 1,
        };
        let op = dlc_ir::lower::eval::step(m);
        let first = neutral(b, m, ty.with(lanes));
        let acc = b.var(first);
        match along {
            None => self.loops(b, &vars, &mut |s, b| {
                let v = s.eval(b, &body);
                let r = b.bin(op, acc, v);
                b.set(acc, r);
            }),
            Some((v, d)) => {
                let outer = &vars[..vars.len() - 1];
                let first = neutral(b, m, ty.with(b.lanes() as u8));
                let parts: Vec<Reg> = (0..vectors(b, d)).map(|_| b.var(first)).collect();
                self.loops(b, outer, &mut |s, b| s.reduce_along(b, op, *v, d, &body, &parts, acc));
                let total = b.across(op, &parts);
                let r = b.bin(op, acc, total);
                b.set(acc, r);
            }
        }
        acc
    }

    /// Whole groups of elements go to the lanes of `parts` in turn, those that are left to `acc`.
    fn reduce_along(&mut self, b: &mut Builder, op: Bin, v: u32, d: &Dim, body: &Expr, parts: &[Reg], acc: Reg) {
        let (zero, n) = (b.index(0), b.size(d));
        let (group, lanes) = (parts.len() as i64 * b.lanes() as i64, b.lanes() as i64);
        let main = whole_groups(b, zero, n, group);
        b.for_(zero, main, group, |b, i| {
            for (j, part) in parts.iter().enumerate() {
                let at = b.index(j as i64 * lanes);
                let at = if j == 0 { i } else { b.add(i, at) };
                self.bind(v, at);
                self.scope(Some(v), |s| {
                    let x = s.eval(b, body);
                    let r = b.bin(op, *part, x);
                    b.set(*part, r);
                });
            }
        });
        b.for_(main, n, 1, |b, i| {
            self.bind(v, i);
            self.scope(None, |s| {
                let x = s.eval(b, body);
                let r = b.bin(op, acc, x);
                b.set(acc, r);
            });
        });
    }

    /// Nested loops over variables; small constant ones are written out.
    fn loops(&mut self, b: &mut Builder, vars: &[(u32, Dim)], f: &mut dyn FnMut(&mut Self, &mut Builder)) {
        let Some(((v, d), rest)) = vars.split_first() else {
            let wide = self.wide;
            return self.scope(wide, |s| f(s, b));
        };
        let unroll = vars.iter().try_fold(1i64, |p, (_, d)| Some(p * d.as_const()?)).filter(|n| *n <= 16);
        if let (Some(n), Some(_)) = (d.as_const(), unroll) {
            for i in 0..n {
                let r = b.index(i);
                self.bind(*v, r);
                let wide = self.wide;
                self.scope(wide, |s| s.loops(b, rest, f));
            }
            return;
        }
        let (zero, n) = (b.index(0), b.size(d));
        b.for_(zero, n, 1, |b, i| {
            self.bind(*v, i);
            let wide = self.wide;
            self.scope(wide, |s| s.loops(b, rest, f));
        });
    }
}

/// A pick by a number that is not known: choices, one after the other.
fn chosen(i: &Expr, of: &[Expr]) -> Expr {
    let (last, rest) = of.split_last().expect("a pick is of one or more");
    let all = rest.iter().enumerate().rev();
    all.fold(last.clone(), |other, (n, e)| i.eq(&Expr::int(n as i64)).select(e, &other))
}

fn has_reg(e: &Expr) -> bool {
    let mut found = matches!(**e, E::Reg(..));
    e.for_children(&mut |c| found |= has_reg(c));
    found
}

fn scaled(b: &mut Builder, r: Reg, c: &Dim) -> Reg {
    if c.is_one() {
        return r;
    }
    let c = b.size(c);
    b.mul(r, c)
}

/// Partial results of a reduction along elements that lie side by side: as many at every level, so that all levels and
/// all sizes of vectors combine the same elements in the same order.
const PARTS: usize = 16;

/// Vectors of partial results of a reduction over `d` elements; one where there are fewer than [`PARTS`].
fn vectors(b: &Builder, d: &Dim) -> usize {
    let few = d.as_const().is_some_and(|d| d < PARTS as i64);
    if few { 1 } else { (PARTS / b.lanes()).max(1) }
}

/// `lo` plus the largest multiple of the lanes that keeps below `hi`.
pub fn whole_lanes(b: &mut Builder, lo: Reg, hi: Reg) -> Reg {
    whole_groups(b, lo, hi, b.lanes() as i64)
}

/// The same of a power of two.
pub fn whole_groups(b: &mut Builder, lo: Reg, hi: Reg, size: i64) -> Reg {
    let n = b.bin(Bin::Sub, hi, lo);
    let mask = b.index(!(size - 1));
    let n = b.bin(Bin::And, n, mask);
    b.add(lo, n)
}

/// What an empty reduction gives.
pub fn neutral(b: &mut Builder, m: Monoid, ty: Type) -> Reg {
    let scalar = match ty.elem {
        Elem::F32 => Ty::F32,
        Elem::F64 => Ty::F64,
        Elem::I32 => Ty::I32,
        Elem::I64 => Ty::I64,
        Elem::U64 => Ty::U64,
        Elem::Mask => Ty::Bool,
    };
    match dlc_ir::lower::eval::neutral(m, scalar) {
        dlc_ir::Num::F(v) => b.float(ty, v),
        dlc_ir::Num::I(v) => b.int(ty, v as i64),
    }
}

/// Rounds a value to what `dtype` can hold; the register type stays.
fn round(b: &mut Builder, dtype: DType, a: Reg) -> Reg {
    let ty = b.ty(a);
    match (dtype, ty.elem) {
        (DType::F16, Elem::F32) => {
            let h = math::to_f16(b, a);
            math::from_f16(b, h)
        }
        (DType::BF16, Elem::F32) => {
            let h = to_bf16(b, a);
            math::from_bf16(b, h)
        }
        (d, Elem::F32) if d.is_narrow_float() => {
            let code = narrow::to_code(b, d, a);
            narrow::from_code(b, d, code)
        }
        (DType::F32, Elem::F64) => {
            let f = b.cast(Elem::F32, a);
            b.cast(Elem::F64, f)
        }
        (_, Elem::F32 | Elem::F64 | Elem::Mask) => a,
        _ => wrap(b, dtype, a),
    }
}

/// F32 as bf16 bits: by one instruction, where there is one, which takes subnormal numbers for zeros.
fn to_bf16(b: &mut Builder, x: Reg) -> Reg {
    if !b.level().has_pairs() {
        return math::to_bf16(b, x);
    }
    if b.ty(x).lanes > 1 {
        return b.bf16(x);
    }
    let (bits, rounded) = (b.bits(Elem::I32, x), math::to_bf16(b, x));
    let ty = b.ty(bits);
    let [low, sign, normal] = [0x7fff_ffff, 0x8000, 0x0080_0000].map(|v| b.int(ty, v));
    let magnitude = b.bin(Bin::And, bits, low);
    let small = b.cmp(Cmp::Lt, magnitude, normal);
    let zero = b.bin(Bin::And, rounded, sign);
    b.select(small, zero, rounded)
}

/// The expression that is rounded when it is stored, of one that was rounded to that type before.
pub fn unrounded(e: &Expr, to: DType) -> &Expr {
    match &**e {
        E::Round(d, a) if *d == to && matches!(to, DType::F16 | DType::BF16) => a,
        _ => e,
    }
}

/// Elements of 16 bits that are moved, or zeros, as integers of as many bits: they need no conversion.
pub fn moved_bits(e: &Expr, dtype: DType) -> Option<Expr> {
    match &**e {
        E::Load { slot, dtype: d, shape, index } if *d == dtype => {
            Some(Expr::load_slot(*slot, DType::U16, shape, index.clone()))
        }
        E::Float(_, v) if v.to_bits() == 0 => Some(Expr::num(Ty::I32, 0.0)),
        E::Select(c, a, b) => Some(c.select(&moved_bits(a, dtype)?, &moved_bits(b, dtype)?)),
        E::Round(d, a) if *d == dtype => moved_bits(a, dtype),
        _ => None,
    }
}

/// Sign- or zero-extends the low bits of an integer.
fn wrap(b: &mut Builder, dtype: DType, a: Reg) -> Reg {
    let ty = b.ty(a);
    let width = if ty.elem == Elem::I32 { 32 } else { 64 };
    let bits = dtype.bits() as i64;
    if bits >= width || dtype == DType::Bool {
        return a;
    }
    if !dtype.is_signed() {
        let mask = b.int(ty, (1i64 << bits) - 1);
        return b.bin(Bin::And, a, mask);
    }
    let by = b.int(ty, width - bits);
    let up = b.bin(Bin::Shl, a, by);
    b.bin(Bin::Shr, up, by)
}

/// Loads elements as the type they are computed in.
pub fn load_at(b: &mut Builder, buf: Buf, dtype: DType, index: Reg, offset: i32, lanes: u8) -> Reg {
    let ty = Type { elem: elem(Ty::of(dtype)), lanes };
    let half = Type { elem: Elem::I32, lanes };
    match dtype {
        DType::F16 => {
            let h = b.load(half, buf, DType::U16, index, offset);
            math::from_f16(b, h)
        }
        DType::BF16 => {
            let h = b.load(half, buf, DType::U16, index, offset);
            math::from_bf16(b, h)
        }
        DType::Bool => {
            let v = b.load(half, buf, DType::U8, index, offset);
            let zero = b.int(half, 0);
            b.cmp(Cmp::Ne, v, zero)
        }
        d if d.is_narrow_float() => {
            let code = b.load(half, buf, DType::U8, index, offset);
            narrow::from_code(b, d, code)
        }
        _ => b.load(ty, buf, memory(dtype), index, offset),
    }
}

/// Stores elements, rounded or wrapped to `dtype`.
pub fn store_at(b: &mut Builder, buf: Buf, dtype: DType, index: Reg, offset: i32, value: Reg) {
    let ty = b.ty(value);
    let want = elem(Ty::of(dtype));
    let value = if ty.elem == want { value } else { b.cast(want, value) };
    match dtype {
        DType::F16 => {
            let h = math::to_f16(b, value);
            b.store(buf, DType::U16, index, offset, h);
        }
        DType::BF16 => {
            let h = to_bf16(b, value);
            b.store(buf, DType::U16, index, offset, h);
        }
        DType::Bool => {
            let int = Type { elem: Elem::I32, lanes: ty.lanes };
            let (one, zero) = (b.int(int, 1), b.int(int, 0));
            let v = b.select(value, one, zero);
            b.store(buf, DType::U8, index, offset, v);
        }
        d if d.is_narrow_float() => {
            let code = narrow::to_code(b, d, value);
            b.store(buf, DType::U8, index, offset, code);
        }
        DType::I4 | DType::U4 | DType::I2 | DType::U2 => {
            let v = wrap(b, dtype, value);
            b.store(buf, memory(dtype), index, offset, v);
        }
        _ => b.store(buf, dtype, index, offset, value),
    }
}

/// The type as which elements lie in memory: integers of fewer than 8 bits have a byte of their own.
pub fn memory(dtype: DType) -> DType {
    match dtype {
        DType::I4 | DType::I2 => DType::I8,
        DType::U4 | DType::U2 => DType::U8,
        d => d,
    }
}
