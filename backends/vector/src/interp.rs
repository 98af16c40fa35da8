//! Runs kernels one statement at a time: the reference of the emitters. Every access is checked.

use crate::ir::{Buf, Elem, Inst, Kernel, Node, Reg, Type};
use dlc_ir::DType;
use dlc_ir::Num;
use dlc_ir::Tensor;
use dlc_ir::lower::{Bin, Cmp, Un};

/// Runs pieces `begin..end` of a kernel. Panics, naming the access, where code would touch memory that is not its own.
pub fn run(k: &Kernel, buffers: &mut [Vec<u8>], args: &[i64], begin: i64, end: i64, scratch: &mut Vec<u8>) {
    let blank = |t: &Type| vec![Num::I(0); t.lanes as usize];
    let regs = k.regs.iter().map(blank).collect();
    Machine { k, buffers, args, begin, end, scratch, regs }.block(&k.body);
}

struct Machine<'a> {
    k: &'a Kernel,
    buffers: &'a mut [Vec<u8>],
    args: &'a [i64],
    begin: i64,
    end: i64,
    scratch: &'a mut Vec<u8>,
    regs: Vec<Vec<Num>>,
}

impl Machine<'_> {
    fn block(&mut self, nodes: &[Node]) {
        for n in nodes {
            self.node(n);
        }
    }

    fn int(&self, r: Reg) -> i64 {
        self.regs[r as usize][0].i() as i64
    }

    fn node(&mut self, n: &Node) {
        match n {
            Node::Let(r, i) => {
                let ty = self.k.regs[*r as usize];
                self.regs[*r as usize] = self.inst(ty, i).into_iter().map(|v| fit(ty.elem, v)).collect();
            }
            Node::Set(r, v) => self.regs[*r as usize] = self.regs[*v as usize].clone(),
            Node::Store { buf, mem, index, offset, value } => {
                let at = self.int(*index) + *offset as i64;
                let bytes: Vec<u8> =
                    self.regs[*value as usize].iter().flat_map(|v| Tensor::scalar(*mem, *v).bytes().to_vec()).collect();
                let (start, memory) = self.memory(*buf, at * mem.size() as i64, bytes.len());
                memory[start..start + bytes.len()].copy_from_slice(&bytes);
            }
            Node::StorePart { buf, mem, index, offset, value, count } => {
                let at = self.int(*index) + *offset as i64;
                let lanes = self.lanes(*count, self.regs[*value as usize].len());
                let part = &self.regs[*value as usize][..lanes];
                let bytes: Vec<u8> = part.iter().flat_map(|v| Tensor::scalar(*mem, *v).bytes().to_vec()).collect();
                let (start, memory) = self.memory(*buf, at * mem.size() as i64, bytes.len());
                memory[start..start + bytes.len()].copy_from_slice(&bytes);
            }
            Node::Prefetch { .. } => {}
            Node::Loop { var, lo, hi, step, body } => {
                let (mut i, hi) = (self.int(*lo), self.int(*hi));
                while i < hi {
                    self.regs[*var as usize] = vec![Num::I(i as i128)];
                    self.block(body);
                    i += step;
                }
            }
            Node::While { head, cond, body } => loop {
                self.block(head);
                if self.int(*cond) == 0 {
                    break;
                }
                self.block(body);
            },
            Node::If { cond, then, els } => {
                let taken = if self.int(*cond) != 0 { then } else { els };
                self.block(taken);
            }
        }
    }

    /// How many of a register's lanes take part.
    fn lanes(&self, count: Reg, most: usize) -> usize {
        let n = self.int(count);
        assert!((0..=most as i64).contains(&n), "kernel {}: {n} of {most} lanes", self.k.name);
        n as usize
    }

    fn memory(&mut self, buf: Buf, at: i64, len: usize) -> (usize, &mut [u8]) {
        if len == 0 {
            return (0, &mut []);
        }
        let (base, memory): (i64, &mut Vec<u8>) = match buf {
            Buf::Arg(k) => (0, &mut self.buffers[k as usize]),
            Buf::Scratch(o) => (o as i64, self.scratch),
        };
        let start = base + at;
        assert!(
            start >= 0 && start as usize + len <= memory.len(),
            "kernel {}: {buf:?} bytes {start}..+{len} of {}",
            self.k.name,
            memory.len()
        );
        (start as usize, memory)
    }

    fn inst(&mut self, ty: Type, i: &Inst) -> Vec<Num> {
        let get = |r: &Reg| self.regs[*r as usize].clone();
        let zip = |a: &Reg, b: &Reg, f: &dyn Fn(Num, Num) -> Num| -> Vec<Num> {
            get(a).into_iter().zip(get(b)).map(|(a, b)| f(a, b)).collect()
        };
        match i {
            Inst::Float(v) => vec![Num::F(*v)],
            Inst::Int(v) => vec![Num::I(*v as i128)],
            Inst::Arg(k) => vec![Num::I(self.args[*k as usize] as i128)],
            Inst::Begin => vec![Num::I(self.begin as i128)],
            Inst::End => vec![Num::I(self.end as i128)],
            Inst::Un(op, a) => get(a).into_iter().map(|a| un(*op, a, ty.elem)).collect(),
            Inst::Bin(op, a, b) => zip(a, b, &|a, b| bin(*op, a, b, ty.elem)),
            Inst::Fma(a, b, c) => {
                let f32s = ty.elem == Elem::F32;
                let p = get(a).into_iter().zip(get(b)).zip(get(c));
                p.map(|((a, b), c)| fma(a, b, c, f32s)).collect()
            }
            Inst::Scale(a, n) => zip(a, n, &|a, n| Num::F(a.f() * n.f().exp2())),
            Inst::Dot(a, b, c) => {
                let p = get(a).into_iter().zip(get(b)).zip(get(c));
                p.map(|((a, b), c)| Num::I(dot(a.i() as i32, b.i() as i32) + c.i())).collect()
            }
            Inst::Pairs(a, b, c) => {
                let p = get(a).into_iter().zip(get(b)).zip(get(c));
                p.map(|((a, b), c)| Num::F(pairs(a.i() as u32, b.i() as u32, c.f() as f32).into())).collect()
            }
            Inst::Bf16(a) => get(a).into_iter().map(|a| Num::I(bf16_bits(a.f() as f32).into())).collect(),
            Inst::Cmp(op, a, b) => zip(a, b, &|a, b| Num::from(compare(*op, a, b))),
            Inst::Select(c, a, b) => {
                let p = get(c).into_iter().zip(get(a)).zip(get(b));
                p.map(|((c, a), b)| if c.truth() { a } else { b }).collect()
            }
            Inst::Cast(a) => get(a).into_iter().map(|a| convert(ty.elem, a)).collect(),
            Inst::Bits(a) => get(a).into_iter().map(|a| bits(a, ty.elem)).collect(),
            Inst::Splat(a) => vec![get(a)[0]; ty.lanes as usize],
            Inst::Lane(a, l) => vec![get(a)[*l as usize]],
            Inst::Rotate(a, by) => {
                let mut lanes = get(a);
                lanes.rotate_left(*by as usize);
                lanes
            }
            Inst::Call(k, a, b) => vec![Num::F(call(*k, get(a)[0].f(), get(b)[0].f()))],
            Inst::Lookup { buf, mem, index } => {
                let places: Vec<i64> = get(index).iter().map(|i| i.i() as i64).collect();
                places.into_iter().flat_map(|at| self.load(*buf, *mem, at, 1, 1)).collect()
            }
            Inst::Bytes { buf, index, offset } => {
                let at = self.int(*index) + *offset as i64;
                self.load(*buf, DType::I32, at, 4 * ty.lanes as usize, ty.lanes as usize)
            }
            Inst::Load { buf, mem, index, offset, .. } => {
                let at = (self.int(*index) + *offset as i64) * mem.size() as i64;
                let len = mem.size() * ty.lanes as usize;
                self.load(*buf, *mem, at, len, ty.lanes as usize)
            }
            Inst::LoadPart { buf, mem, index, offset, count } => {
                let at = (self.int(*index) + *offset as i64) * mem.size() as i64;
                let lanes = self.lanes(*count, ty.lanes as usize);
                let mut out = self.load(*buf, *mem, at, mem.size() * lanes, lanes);
                out.resize(ty.lanes as usize, Num::I(0));
                out
            }
        }
    }

    fn load(&mut self, buf: Buf, mem: DType, at: i64, len: usize, lanes: usize) -> Vec<Num> {
        let (start, memory) = self.memory(buf, at, len);
        let bytes = memory[start..start + len].to_vec();
        Tensor::from_bytes(mem, &[lanes], bytes.into()).expect("as many bytes as lanes").iter().collect()
    }
}

fn fit(elem: Elem, v: Num) -> Num {
    match elem {
        Elem::F32 => Num::F(v.f() as f32 as f64),
        Elem::F64 => Num::F(v.f()),
        Elem::I32 => Num::I(v.i() as i32 as i128),
        Elem::I64 => Num::I(v.i() as i64 as i128),
        Elem::U64 => Num::I(v.i() as u64 as i128),
        Elem::Mask => Num::from(v.truth()),
    }
}

/// Products of the unsigned bytes of `a` and the signed ones of `b`, added up.
fn dot(a: i32, b: i32) -> i128 {
    a.to_le_bytes().into_iter().zip(b.to_le_bytes()).map(|(a, b)| a as i128 * b as i8 as i128).sum()
}

/// `c` and the products of the bf16 numbers in the halves of `a` and `b`.
fn pairs(a: u32, b: u32, c: f32) -> f32 {
    let high = |x: u32| flushed(f32::from_bits(x & 0xffff_0000));
    let sum = flushed(high(a).mul_add(high(b), flushed(c)));
    flushed(high(a << 16).mul_add(high(b << 16), sum))
}

/// A subnormal number as zero.
fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { 0f32.copysign(x) } else { x }
}

fn bf16_bits(x: f32) -> u16 {
    let bits = flushed(x).to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    if x.is_nan() { 0x7fc0 } else { (rounded >> 16) as u16 }
}

fn fma(a: Num, b: Num, c: Num, f32s: bool) -> Num {
    match (a, b, c) {
        (Num::I(a), Num::I(b), Num::I(c)) => Num::I(a * b + c),
        (a, b, c) if f32s => Num::F((a.f() as f32).mul_add(b.f() as f32, c.f() as f32) as f64),
        (a, b, c) => Num::F(a.f().mul_add(b.f(), c.f())),
    }
}

fn convert(elem: Elem, v: Num) -> Num {
    let clamp = |lo: i128, hi: i128| match v {
        Num::F(f) => Num::I((f as i128).clamp(lo, hi)),
        i => i,
    };
    match elem {
        Elem::F32 | Elem::F64 => Num::F(v.f()),
        Elem::I32 => clamp(i32::MIN as i128, i32::MAX as i128),
        Elem::I64 => clamp(i64::MIN as i128, i64::MAX as i128),
        Elem::U64 => clamp(0, u64::MAX as i128),
        Elem::Mask => Num::from(v.truth()),
    }
}

fn bits(v: Num, to: Elem) -> Num {
    match (v, to) {
        (Num::F(f), Elem::I32) => Num::I((f as f32).to_bits() as i32 as i128),
        (Num::I(i), Elem::F32) => Num::F(f32::from_bits(i as i32 as u32) as f64),
        (v, _) => v,
    }
}

fn un(op: Un, v: Num, elem: Elem) -> Num {
    match (v, op) {
        (_, Un::IsNan) => Num::from(v.f().is_nan()),
        (Num::I(v), Un::Neg) => Num::I(-v),
        (Num::I(v), Un::Abs) => Num::I(v.abs()),
        (Num::I(v), Un::Not) => {
            if elem == Elem::Mask {
                Num::from(v == 0)
            } else {
                Num::I(!v)
            }
        }
        (Num::I(v), _) => Num::I(v),
        (Num::F(v), op) => Num::F(match op {
            Un::Neg => -v,
            Un::Abs => v.abs(),
            Un::Floor => v.floor(),
            Un::Ceil => v.ceil(),
            Un::Trunc => v.trunc(),
            Un::Round => v.round_ties_even(),
            Un::Sqrt => v.sqrt(),
            op => panic!("{op:?} is not an instruction"),
        }),
    }
}

fn bin(op: Bin, a: Num, b: Num, elem: Elem) -> Num {
    let width = if elem == Elem::I32 { 32 } else { 64 };
    match (a, b) {
        (Num::I(a), Num::I(b)) => Num::I(match op {
            Bin::Add => a + b,
            Bin::Sub => a - b,
            Bin::Mul => a.wrapping_mul(b),
            Bin::Div => a.checked_div(b).unwrap_or(0),
            Bin::Rem => a.checked_rem(b).unwrap_or(0),
            Bin::Min => a.min(b),
            Bin::Max => a.max(b),
            Bin::And => a & b,
            Bin::Or => a | b,
            Bin::Xor => a ^ b,
            Bin::Shl => {
                if (0..width).contains(&b) {
                    a << b
                } else {
                    0
                }
            }
            Bin::Shr => {
                if (0..width).contains(&b) {
                    a >> b
                } else {
                    0
                }
            }
            Bin::Pow => panic!("Pow is not an instruction"),
        }),
        (a, b) => {
            let (a, b) = (a.f(), b.f());
            Num::F(match op {
                Bin::Add => a + b,
                Bin::Sub => a - b,
                Bin::Mul => a * b,
                Bin::Div => a / b,
                Bin::Min | Bin::Max if a.is_nan() || b.is_nan() => f64::NAN,
                Bin::Min => a.min(b),
                Bin::Max => a.max(b),
                op => panic!("{op:?} of floats is not an instruction"),
            })
        }
    }
}

fn compare(op: Cmp, a: Num, b: Num) -> bool {
    let order = match (a, b) {
        (Num::I(a), Num::I(b)) => Some(a.cmp(&b)),
        (a, b) => a.f().partial_cmp(&b.f()),
    };
    use std::cmp::Ordering::{Equal, Greater, Less};
    match op {
        Cmp::Eq => order == Some(Equal),
        Cmp::Ne => order != Some(Equal),
        Cmp::Lt => order == Some(Less),
        Cmp::Le => matches!(order, Some(Less | Equal)),
        Cmp::Gt => order == Some(Greater),
        Cmp::Ge => matches!(order, Some(Greater | Equal)),
    }
}

fn call(k: u32, x: f64, y: f64) -> f64 {
    match k {
        0 => libm::exp(x),
        1 => libm::log(x),
        2 => libm::sin(x),
        3 => libm::cos(x),
        4 => libm::tan(x),
        5 => libm::asin(x),
        6 => libm::acos(x),
        7 => libm::atan(x),
        8 => libm::sinh(x),
        9 => libm::cosh(x),
        10 => libm::tanh(x),
        11 => libm::asinh(x),
        12 => libm::acosh(x),
        13 => libm::atanh(x),
        14 => libm::erf(x),
        15 => libm::pow(x, y),
        16 => libm::fmod(x, y),
        k => panic!("entry {k} of the math table"),
    }
}
