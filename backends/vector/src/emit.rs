//! Kernels as machine code through Cranelift: 128-bit vectors, position-independent, without relocations.

use crate::ir::{Buf, Elem, Inst, Kernel, Node, Reg, Type};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F32X4, F64, I8, I8X16, I16X8, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, MemFlagsData, Signature, UserFuncName, Value};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use dlc_ir::DType;
use dlc_ir::lower::{Bin, Cmp, Un};

/// Why a kernel could not be emitted: our bug or a platform without code generation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The code generator does not know the platform.
    #[error("no code generation for this platform: {0}")]
    Platform(String),
    /// The code generator refused the kernel.
    #[error("kernel {kernel}: {what}")]
    Kernel {
        /// Name of the kernel.
        kernel: String,
        /// What it said.
        what: String,
    },
}

/// Turns kernels into functions of one instruction-set level.
pub struct Emitter {
    isa: OwnedTargetIsa,
    frontend: FunctionBuilderContext,
}

/// Machine code of one kernel and, when asked for, how it came about.
#[derive(Debug, Default)]
pub struct Code {
    /// Position-independent code; the entry is the first byte.
    pub bytes: Vec<u8>,
    /// Cranelift's intermediate form.
    pub clif: String,
    /// Disassembly.
    pub asm: String,
}

/// The features x86-64 code relies on: the level of 2013 (x86-64-v3), as `std::is_x86_feature_detected!` names them.
pub static X86_FEATURES: &[&str] =
    &["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "bmi1", "bmi2", "lzcnt"];

impl Emitter {
    /// An emitter for the platform the compiler runs on.
    pub fn new() -> Result<Self, Error> {
        let platform = |e: &dyn std::fmt::Display| Error::Platform(e.to_string());
        let mut flags = settings::builder();
        for (k, v) in [
            ("opt_level", "speed"),
            ("is_pic", "true"),
            ("enable_probestack", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("unwind_info", "false"),
        ] {
            flags.set(k, v).map_err(|e| platform(&e))?;
        }
        let triple = target_lexicon::Triple::host();
        let mut isa = cranelift_codegen::isa::lookup(triple.clone()).map_err(|e| platform(&e))?;
        if triple.architecture == target_lexicon::Architecture::X86_64 {
            for f in X86_FEATURES {
                let name = format!("has_{}", f.replace('.', ""));
                isa.enable(&name).map_err(|e| platform(&e))?;
            }
        }
        let isa = isa.finish(settings::Flags::new(flags)).map_err(|e| platform(&e))?;
        Ok(Emitter { isa, frontend: FunctionBuilderContext::new() })
    }

    /// The function of a kernel. `explain` also gives its text forms.
    pub fn emit(&mut self, k: &Kernel, explain: bool) -> Result<Code, Error> {
        let mut ctx = Context::for_function(clif::Function::with_name_signature(UserFuncName::user(0, 0), signature()));
        let builder = FunctionBuilder::new(&mut ctx.func, &mut self.frontend);
        Function::new(builder, k).write(self.isa.frontend_config());
        let clif = if explain { ctx.func.display().to_string() } else { String::new() };
        ctx.set_disasm(explain);
        let fail = |what: String| Error::Kernel { kernel: k.name.clone(), what };
        let code = ctx.compile(&*self.isa, &mut ControlPlane::default()).map_err(|e| fail(format!("{:?}", e.inner)))?;
        if !code.buffer.relocs().is_empty() {
            return Err(fail(format!("code has {} relocations, expected none", code.buffer.relocs().len())));
        }
        let asm = code.vcode.clone().unwrap_or_default();
        Ok(Code { bytes: code.code_buffer().to_vec(), clif, asm })
    }
}

/// `fn(buffers, args, begin, end, scratch, math)`.
fn signature() -> Signature {
    let mut s = Signature::new(CallConv::SystemV);
    s.params.extend([AbiParam::new(I64); 6]);
    s
}

/// What the caller passes never changes: loads of it may be moved out of loops.
fn constant() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// Memory accesses never trap (the program's plan says so) but may be unaligned. What nothing writes may be read late:
/// Cranelift then loads a factor right before its products, where it otherwise keeps all of them in registers.
fn flags(fixed: bool) -> MemFlagsData {
    let flags = MemFlagsData::new().with_notrap();
    if fixed { flags.with_readonly().with_can_move() } else { flags }
}

struct Function<'a> {
    b: FunctionBuilder<'a>,
    k: &'a Kernel,
    values: Vec<Option<Value>>,
    variables: Vec<Option<Variable>>,
    defs: Vec<Option<Inst>>,
    params: Vec<Value>,
    buffers: Vec<Value>,
}

fn clif_type(t: Type) -> clif::Type {
    match (t.elem, t.lanes) {
        (Elem::F32, 1) => F32,
        (Elem::F32, _) => F32X4,
        (Elem::F64, _) => F64,
        (Elem::I32, 1) => I32,
        (Elem::I32, _) => I32X4,
        (Elem::I64 | Elem::U64, _) => I64,
        (Elem::Mask, 1) => I8,
        (Elem::Mask, _) => I32X4,
    }
}

impl<'a> Function<'a> {
    fn new(b: FunctionBuilder<'a>, k: &'a Kernel) -> Self {
        let n = k.regs.len();
        let (values, variables, defs) = (vec![None; n], vec![None; n], vec![None; n]);
        Function { b, k, values, variables, defs, params: vec![], buffers: vec![] }
    }

    fn write(mut self, config: cranelift_codegen::isa::TargetFrontendConfig) {
        let entry = self.b.create_block();
        self.b.append_block_params_for_function_params(entry);
        self.b.switch_to_block(entry);
        self.params = self.b.block_params(entry).to_vec();
        for i in 0..self.k.buffers {
            let p = self.b.ins().load(I64, constant(), self.params[0], 8 * i as i32);
            self.buffers.push(p);
        }
        let k = self.k;
        self.mutable(&k.body);
        self.block(&k.body);
        self.b.ins().return_(&[]);
        self.b.seal_all_blocks();
        self.b.finalize(config);
    }

    /// Registers that are set become variables.
    fn mutable(&mut self, nodes: &[Node]) {
        for n in nodes {
            match n {
                Node::Set(r, _) if self.variables[*r as usize].is_none() => {
                    let v = self.b.declare_var(clif_type(self.k.regs[*r as usize]));
                    self.variables[*r as usize] = Some(v);
                }
                Node::Loop { body, .. } => self.mutable(body),
                Node::While { head, body, .. } => {
                    self.mutable(head);
                    self.mutable(body);
                }
                Node::If { then, els, .. } => {
                    self.mutable(then);
                    self.mutable(els);
                }
                _ => {}
            }
        }
    }

    fn get(&mut self, r: Reg) -> Value {
        match self.variables[r as usize] {
            Some(v) => self.b.use_var(v),
            None => self.values[r as usize].expect("a register is defined before it is used"),
        }
    }

    fn ty(&self, r: Reg) -> Type {
        self.k.regs[r as usize]
    }

    fn block(&mut self, nodes: &[Node]) {
        for n in nodes {
            self.node(n);
        }
    }

    fn node(&mut self, n: &Node) {
        match n {
            Node::Let(r, i) => {
                let v = self.inst(self.ty(*r), i);
                self.values[*r as usize] = Some(v);
                self.defs[*r as usize] = Some(*i);
            }
            Node::Set(r, v) => {
                let v = self.get(*v);
                let var = self.variables[*r as usize].expect("set registers are variables");
                self.b.def_var(var, v);
            }
            Node::Store { buf, mem, index, offset, value } => self.store(*buf, *mem, *index, *offset, *value),
            Node::Loop { var, lo, hi, step, body } => self.for_loop(*var, *lo, *hi, *step, body),
            Node::While { head, cond, body } => self.while_loop(head, *cond, body),
            Node::If { cond, then, els } => self.branch(*cond, then, els),
        }
    }

    /// A test before the first iteration and one after each.
    fn for_loop(&mut self, var: Reg, lo: Reg, hi: Reg, step: i64, body: &[Node]) {
        let (lo, hi) = (self.get(lo), self.get(hi));
        let (inner, exit) = (self.b.create_block(), self.b.create_block());
        let i = self.b.append_block_param(inner, I64);
        let enter = self.b.ins().icmp(IntCC::SignedLessThan, lo, hi);
        self.b.ins().brif(enter, inner, &[lo.into()], exit, &[]);
        self.b.switch_to_block(inner);
        self.values[var as usize] = Some(i);
        self.block(body);
        let next = self.b.ins().iadd_imm_s(i, step);
        let again = self.b.ins().icmp(IntCC::SignedLessThan, next, hi);
        self.b.ins().brif(again, inner, &[next.into()], exit, &[]);
        self.b.switch_to_block(exit);
    }

    fn while_loop(&mut self, head: &[Node], cond: Reg, body: &[Node]) {
        let [test, inner, exit] = [(); 3].map(|_| self.b.create_block());
        self.b.ins().jump(test, &[]);
        self.b.switch_to_block(test);
        self.block(head);
        let c = self.get(cond);
        self.b.ins().brif(c, inner, &[], exit, &[]);
        self.b.switch_to_block(inner);
        self.block(body);
        self.b.ins().jump(test, &[]);
        self.b.switch_to_block(exit);
    }

    fn branch(&mut self, cond: Reg, then: &[Node], els: &[Node]) {
        let [yes, no, exit] = [(); 3].map(|_| self.b.create_block());
        let c = self.get(cond);
        self.b.ins().brif(c, yes, &[], no, &[]);
        for (block, body) in [(yes, then), (no, els)] {
            self.b.switch_to_block(block);
            self.block(body);
            self.b.ins().jump(exit, &[]);
        }
        self.b.switch_to_block(exit);
    }

    fn inst(&mut self, ty: Type, i: &Inst) -> Value {
        match *i {
            Inst::Float(v) => match ty.elem {
                Elem::F64 => self.b.ins().f64const(v),
                _ => self.b.ins().f32const(v as f32),
            },
            Inst::Int(v) => self.int(ty, v),
            Inst::Arg(k) => self.b.ins().load(I64, constant(), self.params[1], 8 * k as i32),
            Inst::Begin => self.params[2],
            Inst::End => self.params[3],
            Inst::Un(op, a) => self.un(op, a),
            Inst::Bin(op, a, b) => self.bin(ty, op, a, b),
            Inst::Fma(a, b, c) => {
                let (a, b, c) = (self.get(a), self.get(b), self.get(c));
                match ty.elem {
                    Elem::F32 | Elem::F64 => self.b.ins().fma(a, b, c),
                    _ => {
                        let p = self.b.ins().imul(a, b);
                        self.b.ins().iadd(p, c)
                    }
                }
            }
            Inst::Cmp(op, a, b) => self.cmp(op, a, b),
            Inst::Select(c, a, b) => self.select(ty, c, a, b),
            Inst::Cast(a) => self.cast(ty, a),
            Inst::Bits(a) => {
                let v = self.get(a);
                let flags = MemFlagsData::new().with_endianness(clif::Endianness::Little);
                self.b.ins().bitcast(clif_type(ty), flags, v)
            }
            Inst::Splat(a) => self.splat(ty, a),
            Inst::Lane(a, l) => self.lane(a, l),
            Inst::Insert(v, x, l) => {
                let (v, x) = (self.get(v), self.get(x));
                self.b.ins().insertlane(v, x, l)
            }
            Inst::Load { buf, mem, index, offset, fixed } => self.load(ty, buf, mem, index, offset, flags(fixed)),
            Inst::Call(k, a, b) => self.call(k, a, b),
        }
    }

    fn int(&mut self, ty: Type, v: i64) -> Value {
        let t = clif_type(ty.with(1));
        let v = match ty.elem {
            Elem::Mask => v & 1,
            Elem::I32 => v as i32 as u32 as i64,
            _ => v,
        };
        self.b.ins().iconst(t, v)
    }

    fn un(&mut self, op: Un, a: Reg) -> Value {
        let (ty, v) = (self.ty(a), self.get(a));
        let float = matches!(ty.elem, Elem::F32 | Elem::F64);
        match (op, float) {
            (Un::Neg, true) => self.b.ins().fneg(v),
            (Un::Neg, false) => self.b.ins().ineg(v),
            (Un::Abs, true) => self.b.ins().fabs(v),
            (Un::Abs, false) if ty.elem == Elem::U64 => v,
            (Un::Abs, false) => self.b.ins().iabs(v),
            (Un::Not, _) if ty.elem == Elem::Mask && ty.lanes == 1 => {
                let one = self.b.ins().iconst(I8, 1);
                self.b.ins().bxor(v, one)
            }
            (Un::Not, _) => self.b.ins().bnot(v),
            (Un::Floor, true) => self.b.ins().floor(v),
            (Un::Ceil, true) => self.b.ins().ceil(v),
            (Un::Trunc, true) => self.b.ins().trunc(v),
            (Un::Round, true) => self.b.ins().nearest(v),
            (Un::Sqrt, true) => self.b.ins().sqrt(v),
            (Un::IsNan, true) => self.b.ins().fcmp(FloatCC::Unordered, v, v),
            (Un::IsNan, false) => self.b.ins().iconst(I8, 0),
            _ => v,
        }
    }

    /// The constant a register holds in every lane.
    fn constant(&self, r: Reg) -> Option<Inst> {
        match self.defs[r as usize] {
            Some(Inst::Splat(a)) => self.constant(a),
            Some(i @ (Inst::Float(_) | Inst::Int(_))) => Some(i),
            _ => None,
        }
    }

    fn bin(&mut self, ty: Type, op: Bin, x: Reg, y: Reg) -> Value {
        let (a, b) = (self.get(x), self.get(y));
        if matches!(ty.elem, Elem::F32 | Elem::F64) {
            return self.float_bin(ty, op, (x, a), (y, b));
        }
        let unsigned = ty.elem == Elem::U64;
        match op {
            Bin::Add => self.b.ins().iadd(a, b),
            Bin::Sub => self.b.ins().isub(a, b),
            Bin::Mul => self.b.ins().imul(a, b),
            Bin::And => self.b.ins().band(a, b),
            Bin::Or => self.b.ins().bor(a, b),
            Bin::Xor => self.b.ins().bxor(a, b),
            Bin::Min if unsigned => self.b.ins().umin(a, b),
            Bin::Max if unsigned => self.b.ins().umax(a, b),
            Bin::Min => self.b.ins().smin(a, b),
            Bin::Max => self.b.ins().smax(a, b),
            Bin::Shl | Bin::Shr => self.shift(ty, op, a, y),
            Bin::Div | Bin::Rem => self.divide(ty, op, a, b),
            Bin::Pow => unreachable!("powers are calls"),
        }
    }

    fn float_bin(&mut self, ty: Type, op: Bin, (x, a): (Reg, Value), (y, b): (Reg, Value)) -> Value {
        match op {
            Bin::Add => self.b.ins().fadd(a, b),
            Bin::Sub => self.b.ins().fsub(a, b),
            Bin::Mul => self.b.ins().fmul(a, b),
            Bin::Div => self.b.ins().fdiv(a, b),
            // With one constant (not NaN), a comparison propagates the NaN of the other.
            Bin::Min | Bin::Max => match (self.constant(x).is_some(), self.constant(y).is_some()) {
                (_, true) => self.min_max(ty, op, a, b),
                (true, _) => self.min_max(ty, op, b, a),
                _ if op == Bin::Min => self.b.ins().fmin(a, b),
                _ => self.b.ins().fmax(a, b),
            },
            _ => unreachable!("{op:?} of floats is a call"),
        }
    }

    fn min_max(&mut self, ty: Type, op: Bin, v: Value, c: Value) -> Value {
        let cc = if op == Bin::Min { FloatCC::GreaterThan } else { FloatCC::LessThan };
        let beyond = self.b.ins().fcmp(cc, v, c);
        self.choose(ty, beyond, c, v)
    }

    fn choose(&mut self, ty: Type, c: Value, a: Value, b: Value) -> Value {
        if ty.lanes == 1 {
            return self.b.ins().select(c, a, b);
        }
        let flags = MemFlagsData::new().with_endianness(clif::Endianness::Little);
        let t = clif_type(ty);
        let c = if t == I32X4 { c } else { self.b.ins().bitcast(t, flags, c) };
        self.b.ins().bitselect(c, a, b)
    }

    /// Shifts by the width or more give 0.
    fn shift(&mut self, ty: Type, op: Bin, a: Value, by: Reg) -> Value {
        let width: i64 = if ty.elem == Elem::I32 { 32 } else { 64 };
        let constant = match self.constant(by) {
            Some(Inst::Int(v)) => Some(v),
            _ => None,
        };
        let amount = match constant {
            Some(v) => self.b.ins().iconst(I32, v & (width - 1)),
            None => self.get(by),
        };
        let shifted = match op {
            Bin::Shl => self.b.ins().ishl(a, amount),
            _ if ty.elem == Elem::U64 => self.b.ins().ushr(a, amount),
            _ => self.b.ins().sshr(a, amount),
        };
        match constant {
            Some(v) if (0..width).contains(&v) => shifted,
            _ => {
                let zero = self.int(ty, 0);
                let limit = self.int(ty, width);
                let amount = self.get(by);
                let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, amount, limit);
                self.b.ins().select(inside, shifted, zero)
            }
        }
    }

    /// Integer division that never traps: by zero gives 0, by -1 negates.
    fn divide(&mut self, ty: Type, op: Bin, a: Value, b: Value) -> Value {
        let t = clif_type(ty);
        let zero = self.b.ins().iconst(t, 0);
        let one = self.b.ins().iconst(t, 1);
        let by_zero = self.b.ins().icmp(IntCC::Equal, b, zero);
        let safe = self.b.ins().select(by_zero, one, b);
        if ty.elem == Elem::U64 {
            let q = if op == Bin::Div { self.b.ins().udiv(a, safe) } else { self.b.ins().urem(a, safe) };
            return self.b.ins().select(by_zero, zero, q);
        }
        let minus = self.int(ty, -1);
        let by_minus = self.b.ins().icmp(IntCC::Equal, b, minus);
        let safe = self.b.ins().select(by_minus, one, safe);
        let (q, negated) = match op {
            Bin::Div => (self.b.ins().sdiv(a, safe), self.b.ins().ineg(a)),
            _ => (self.b.ins().srem(a, safe), zero),
        };
        let q = self.b.ins().select(by_minus, negated, q);
        self.b.ins().select(by_zero, zero, q)
    }

    fn cmp(&mut self, op: Cmp, x: Reg, y: Reg) -> Value {
        let (ty, a, b) = (self.ty(x), self.get(x), self.get(y));
        if matches!(ty.elem, Elem::F32 | Elem::F64) {
            let cc = match op {
                Cmp::Eq => FloatCC::Equal,
                Cmp::Ne => FloatCC::NotEqual,
                Cmp::Lt => FloatCC::LessThan,
                Cmp::Le => FloatCC::LessThanOrEqual,
                Cmp::Gt => FloatCC::GreaterThan,
                Cmp::Ge => FloatCC::GreaterThanOrEqual,
            };
            return self.b.ins().fcmp(cc, a, b);
        }
        let signed = ty.elem != Elem::U64 && !(ty.elem == Elem::Mask && ty.lanes == 1);
        let cc = match (op, signed) {
            (Cmp::Eq, _) => IntCC::Equal,
            (Cmp::Ne, _) => IntCC::NotEqual,
            (Cmp::Lt, true) => IntCC::SignedLessThan,
            (Cmp::Le, true) => IntCC::SignedLessThanOrEqual,
            (Cmp::Gt, true) => IntCC::SignedGreaterThan,
            (Cmp::Ge, true) => IntCC::SignedGreaterThanOrEqual,
            (Cmp::Lt, false) => IntCC::UnsignedLessThan,
            (Cmp::Le, false) => IntCC::UnsignedLessThanOrEqual,
            (Cmp::Gt, false) => IntCC::UnsignedGreaterThan,
            (Cmp::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
        };
        self.b.ins().icmp(cc, a, b)
    }

    fn select(&mut self, ty: Type, c: Reg, a: Reg, b: Reg) -> Value {
        let (c, a, b) = (self.get(c), self.get(a), self.get(b));
        self.choose(ty, c, a, b)
    }

    fn cast(&mut self, ty: Type, r: Reg) -> Value {
        let (from, v, t) = (self.ty(r), self.get(r), clif_type(ty));
        let float = |e: Elem| matches!(e, Elem::F32 | Elem::F64);
        match (from.elem, ty.elem) {
            (a, b) if a == b => v,
            (Elem::F32, Elem::F64) => self.b.ins().fpromote(F64, v),
            (Elem::F64, Elem::F32) => self.b.ins().fdemote(F32, v),
            (Elem::Mask, _) => self.mask_as(from, ty, v),
            (a, Elem::Mask) if float(a) => {
                let zero = self.zero(from);
                self.b.ins().fcmp(FloatCC::NotEqual, v, zero)
            }
            (_, Elem::Mask) => {
                let zero = self.zero(from);
                self.b.ins().icmp(IntCC::NotEqual, v, zero)
            }
            (a, Elem::U64) if float(a) => self.b.ins().fcvt_to_uint_sat(I64, v),
            (a, _) if float(a) && !float(ty.elem) => self.b.ins().fcvt_to_sint_sat(t, v),
            (Elem::U64, b) if float(b) => self.b.ins().fcvt_from_uint(t, v),
            (_, b) if float(b) => self.b.ins().fcvt_from_sint(t, v),
            (Elem::I32, _) => self.b.ins().sextend(I64, v),
            (_, Elem::I32) => self.b.ins().ireduce(I32, v),
            _ => v,
        }
    }

    fn zero(&mut self, ty: Type) -> Value {
        let scalar = match ty.elem {
            Elem::F32 => self.b.ins().f32const(0.0),
            Elem::F64 => self.b.ins().f64const(0.0),
            _ => self.b.ins().iconst(clif_type(ty.with(1)), 0),
        };
        if ty.lanes == 1 { scalar } else { self.b.ins().splat(clif_type(ty), scalar) }
    }

    fn mask_as(&mut self, from: Type, ty: Type, v: Value) -> Value {
        let int = if from.lanes == 1 {
            let wide = if matches!(ty.elem, Elem::I64 | Elem::U64) { I64 } else { I32 };
            self.b.ins().uextend(wide, v)
        } else {
            let one = self.b.ins().iconst(I32, 1);
            let ones = self.b.ins().splat(I32X4, one);
            self.b.ins().band(v, ones)
        };
        match ty.elem {
            Elem::F32 | Elem::F64 => self.b.ins().fcvt_from_sint(clif_type(ty), int),
            _ => int,
        }
    }

    fn splat(&mut self, ty: Type, r: Reg) -> Value {
        let v = self.get(r);
        if ty.elem == Elem::Mask {
            let wide = self.b.ins().uextend(I32, v);
            let all = self.b.ins().ineg(wide);
            return self.b.ins().splat(I32X4, all);
        }
        self.b.ins().splat(clif_type(ty), v)
    }

    fn lane(&mut self, r: Reg, l: u8) -> Value {
        let v = self.get(r);
        let x = self.b.ins().extractlane(v, l);
        match self.ty(r).elem {
            Elem::Mask => {
                let zero = self.b.ins().iconst(I32, 0);
                self.b.ins().icmp(IntCC::NotEqual, x, zero)
            }
            _ => x,
        }
    }

    /// Address of an element, and what is left to add to it.
    fn address(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32) -> (Value, i32) {
        let (base, extra) = match buf {
            Buf::Arg(k) => (self.buffers[k as usize], 0),
            Buf::Scratch(o) => (self.params[4], o as i32),
        };
        // The last term of a sum is the innermost variable: what comes before it is added to the base outside of its loop.
        let terms = match self.defs[index as usize] {
            Some(Inst::Bin(Bin::Add, x, y)) => vec![x, y],
            _ => vec![index],
        };
        let shift = self.b.ins().iconst(I64, mem.size().trailing_zeros() as i64);
        let mut p = base;
        for t in terms {
            let t = self.get(t);
            let bytes = self.b.ins().ishl(t, shift);
            p = self.b.ins().iadd(p, bytes);
        }
        (p, offset * mem.size() as i32 + extra)
    }

    fn load(&mut self, ty: Type, buf: Buf, mem: DType, index: Reg, offset: i32, flags: MemFlagsData) -> Value {
        let (p, o) = self.address(buf, mem, index, offset);
        if ty.lanes > 1 {
            return self.load_lanes(ty, mem, p, o, flags);
        }
        let wide = clif_type(ty);
        match mem {
            DType::I8 => self.b.ins().sload8(wide, flags, p, o),
            DType::U8 | DType::Bool => self.b.ins().uload8(wide, flags, p, o),
            DType::I16 => self.b.ins().sload16(wide, flags, p, o),
            DType::U16 => self.b.ins().uload16(wide, flags, p, o),
            DType::U32 => self.b.ins().uload32(flags, p, o),
            _ => self.b.ins().load(wide, flags, p, o),
        }
    }

    fn load_lanes(&mut self, ty: Type, mem: DType, p: Value, o: i32, flags: MemFlagsData) -> Value {
        let little = MemFlagsData::new().with_endianness(clif::Endianness::Little);
        let signed = mem.is_signed();
        match mem.size() {
            1 => {
                let x = self.b.ins().load(I32, flags, p, o);
                let x = self.b.ins().scalar_to_vector(I32X4, x);
                let x = self.b.ins().bitcast(I8X16, little, x);
                let x = if signed { self.b.ins().swiden_low(x) } else { self.b.ins().uwiden_low(x) };
                if signed { self.b.ins().swiden_low(x) } else { self.b.ins().uwiden_low(x) }
            }
            2 => {
                let x = self.b.ins().load(I64, flags, p, o);
                let x = self.b.ins().scalar_to_vector(I64X2, x);
                let x = self.b.ins().bitcast(I16X8, little, x);
                if signed { self.b.ins().swiden_low(x) } else { self.b.ins().uwiden_low(x) }
            }
            _ => self.b.ins().load(clif_type(ty), flags, p, o),
        }
    }

    fn store(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32, value: Reg) {
        let (p, o) = self.address(buf, mem, index, offset);
        let (ty, v) = (self.ty(value), self.get(value));
        if ty.lanes == 1 {
            return self.store_one(ty, mem, v, p, o);
        }
        if mem.size() == 4 {
            self.b.ins().store(flags(false), v, p, o);
            return;
        }
        for l in 0..ty.lanes {
            let x = self.b.ins().extractlane(v, l);
            self.store_one(ty.with(1), mem, x, p, o + l as i32 * mem.size() as i32);
        }
    }

    fn store_one(&mut self, ty: Type, mem: DType, v: Value, p: Value, o: i32) {
        let wide = clif_type(ty).bytes() as usize > mem.size();
        match (mem.size(), wide) {
            (1, true) => self.b.ins().istore8(flags(false), v, p, o),
            (2, true) => self.b.ins().istore16(flags(false), v, p, o),
            (4, true) => self.b.ins().istore32(flags(false), v, p, o),
            _ => self.b.ins().store(flags(false), v, p, o),
        };
    }

    fn call(&mut self, k: u32, a: Reg, b: Reg) -> Value {
        let mut sig = Signature::new(CallConv::SystemV);
        sig.params.extend([AbiParam::new(F64); 2]);
        sig.returns.push(AbiParam::new(F64));
        let sig = self.b.import_signature(sig);
        let (a, b) = (self.get(a), self.get(b));
        let f = self.b.ins().load(I64, constant(), self.params[5], 8 * k as i32);
        let call = self.b.ins().call_indirect(sig, f, &[a, b]);
        self.b.inst_results(call)[0]
    }
}
