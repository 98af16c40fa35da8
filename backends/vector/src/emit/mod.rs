//! Kernels as machine code: position-independent, without relocations. The portable level goes through Cranelift with
//! 128-bit vectors; the others are [`crate::x86`].

mod arithmetic;
mod memory;

use crate::ir::{Elem, Inst, Kernel, Node, Reg, Type};
use crate::level::Level;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F32, F32X4, F64, I8, I32, I32X4, I64};
use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, MemFlagsData, Signature, UserFuncName, Value};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};

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
    level: Level,
    isa: OwnedTargetIsa,
    frontend: FunctionBuilderContext,
}

/// Machine code of one kernel and, when asked for, how it came about.
#[derive(Debug, Default)]
pub struct Code {
    /// Position-independent code; the entry is the first byte.
    pub bytes: Vec<u8>,
    /// Cranelift's intermediate form; empty for levels that do without.
    pub clif: String,
    /// Disassembly.
    pub asm: String,
}

impl Emitter {
    /// An emitter of this level for the platform the compiler runs on.
    pub fn new(level: Level) -> Result<Self, Error> {
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
            for f in Level::Portable.x86_features() {
                let name = format!("has_{}", f.replace('.', ""));
                isa.enable(&name).map_err(|e| platform(&e))?;
            }
        }
        let isa = isa.finish(settings::Flags::new(flags)).map_err(|e| platform(&e))?;
        Ok(Emitter { level, isa, frontend: FunctionBuilderContext::new() })
    }

    /// The function of a kernel. `explain` also gives its text forms.
    pub fn emit(&mut self, k: &Kernel, explain: bool) -> Result<Code, Error> {
        if self.level != Level::Portable {
            let bytes = crate::x86::emit(k, self.level);
            let asm = if explain { crate::x86::listing(&bytes) } else { String::new() };
            return Ok(Code { bytes, clif: String::new(), asm });
        }
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

/// Why some statements never come here: see [`Level::has_parts`] and what follows it there.
const ABSENT: &str = "generators do not write this for the portable level";

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
            Node::StorePart { .. } => unreachable!("{ABSENT}"),
            Node::Prefetch { .. } => {}
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
            Inst::Dot(a, b, c) => self.dot(a, b, c),
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
            Inst::Load { buf, mem, index, offset, fixed } => self.load(ty, buf, mem, index, offset, flags(fixed)),
            Inst::LoadPart { .. } | Inst::Scale(..) | Inst::Rotate(..) | Inst::Pairs(..) | Inst::Bf16(_) => {
                unreachable!("{ABSENT}")
            }
            Inst::Lookup { buf, mem, index } => self.lookup(buf, mem, index),
            Inst::Bytes { buf, index, offset } => self.bytes(ty, buf, index, offset),
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

    fn select(&mut self, ty: Type, c: Reg, a: Reg, b: Reg) -> Value {
        let (c, a, b) = (self.get(c), self.get(a), self.get(b));
        self.choose(ty, c, a, b)
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
