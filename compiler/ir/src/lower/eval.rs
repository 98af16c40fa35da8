//! Interpreter of the scalar language: the reference of every code generator.

use super::{Bin, Cmp, Comp, E, Expr, Lowering, Monoid, Proc, Slot, Stmt, Ty, Un};
use crate::tensor::{cast, for_each_index};
use crate::{DType, Dim, Error, Fact, Num, Result, Tensor, bail};
use std::collections::HashMap;

/// Results of a lowering for these operands. `env` gives the symbols; those a `Dynamic` binds are added to it.
pub fn run(l: &Lowering, x: &[Option<&Tensor>], y: &[Fact], env: &mut HashMap<String, i64>) -> Result<Vec<Tensor>> {
    match l {
        Lowering::Alias => {
            let x = crate::op::need(x, 0, "x")?;
            Ok(vec![Tensor::from_bytes(y[0].dtype, &shape(&y[0].shape, env)?, x.bytes().clone())?])
        }
        Lowering::Comps(comps) => comps.iter().map(|c| comp(c, x, env)).collect(),
        Lowering::Contract(c) => {
            let t = comp(&c.to_comp(), x, env)?;
            Ok(vec![t.reshape(&shape(&y[0].shape, env)?)?])
        }
        Lowering::Proc(p) => Machine::new(x, env).procedure(p, y),
        Lowering::Expand(g) => {
            let inputs: Vec<Tensor> = x.iter().flatten().map(|t| (*t).clone()).collect();
            crate::interp::run(g, &inputs)
        }
        Lowering::Dynamic { count, symbols, fill } => {
            bind(count, symbols, x, env)?;
            run(fill, x, y, env)
        }
        Lowering::Control => bail!("control flow has no scalar form"),
    }
}

/// A model of what rounding does to the result of an operation of this type.
pub type Rounding<'a> = &'a mut dyn FnMut(Ty, f64) -> f64;

/// [`run`] with every float that is computed on the way passed through `rounding`: how far results then move is how far
/// computations in other orders may be apart (Parker, Monte Carlo Arithmetic, 1997). A graph of simpler operators is
/// not rounded here.
pub fn run_rounded(
    l: &Lowering,
    x: &[Option<&Tensor>],
    y: &[Fact],
    env: &mut HashMap<String, i64>,
    rounding: Rounding,
) -> Result<Vec<Tensor>> {
    match l {
        Lowering::Comps(comps) => comps.iter().map(|c| Machine::new(x, env).rounded(&mut *rounding).comp(c)).collect(),
        Lowering::Contract(c) => {
            let t = Machine::new(x, env).rounded(rounding).comp(&c.to_comp())?;
            Ok(vec![t.reshape(&shape(&y[0].shape, env)?)?])
        }
        Lowering::Proc(p) => Machine::new(x, env).rounded(rounding).procedure(p, y),
        Lowering::Dynamic { count, symbols, fill } => {
            bind(count, symbols, x, env)?;
            run_rounded(fill, x, y, env, rounding)
        }
        Lowering::Alias | Lowering::Expand(_) | Lowering::Control => run(l, x, y, env),
    }
}

/// Runs what counts sizes, and binds them to their symbols.
fn bind(count: &Proc, symbols: &[String], x: &[Option<&Tensor>], env: &mut HashMap<String, i64>) -> Result<()> {
    let sizes = Fact::new(DType::I64, [symbols.len().into()]);
    let sizes = Machine::new(x, env).procedure(count, &[sizes])?.remove(0).to_i64();
    env.extend(symbols.iter().cloned().zip(sizes));
    Ok(())
}

/// A shape under an assignment of the symbols.
pub fn shape(dims: &[Dim], env: &HashMap<String, i64>) -> Result<Vec<usize>> {
    dims.iter().map(|d| Ok(size(d, env)? as usize)).collect()
}

fn size(d: &Dim, env: &HashMap<String, i64>) -> Result<i64> {
    d.eval(&|s| env.get(s).copied()).map_err(Error::op)
}

/// The tensor a comprehension describes.
pub fn comp(c: &Comp, x: &[Option<&Tensor>], env: &HashMap<String, i64>) -> Result<Tensor> {
    Machine::new(x, env).comp(c)
}

/// A tensor under construction: an element is `None` until it is written.
struct Cells {
    dtype: DType,
    shape: Vec<usize>,
    data: Vec<Option<Num>>,
}

impl Cells {
    fn finish(self) -> Result<Tensor> {
        let data: Option<Vec<Num>> = self.data.into_iter().collect();
        match data {
            Some(data) => Ok(Tensor::new(self.dtype, &self.shape, data)),
            None => Err(Error::op("the procedure left an element of a result unwritten")),
        }
    }
}

struct Machine<'a> {
    x: &'a [Option<&'a Tensor>],
    y: Vec<Cells>,
    t: Vec<Cells>,
    vars: HashMap<u32, i64>,
    regs: HashMap<u32, Num>,
    env: &'a HashMap<String, i64>,
    rounding: Option<Rounding<'a>>,
}

impl<'a> Machine<'a> {
    fn new(x: &'a [Option<&'a Tensor>], env: &'a HashMap<String, i64>) -> Self {
        Machine { x, y: vec![], t: vec![], vars: HashMap::new(), regs: HashMap::new(), env, rounding: None }
    }

    fn rounded(mut self, rounding: Rounding<'a>) -> Self {
        self.rounding = Some(rounding);
        self
    }

    fn comp(mut self, c: &Comp) -> Result<Tensor> {
        let shape = shape(&c.shape, self.env)?;
        let mut data = vec![];
        let mut failed = None;
        for_each_index(&shape, |idx| {
            for (v, i) in idx.iter().enumerate() {
                self.vars.insert(v as u32, *i as i64);
            }
            match self.eval(&c.expr) {
                Ok(v) => data.push(v),
                Err(e) => failed = Some(e),
            }
        });
        match failed {
            Some(e) => Err(e),
            None => Ok(Tensor::new(c.dtype, &shape, data)),
        }
    }

    fn procedure(mut self, p: &Proc, y: &[Fact]) -> Result<Vec<Tensor>> {
        let blank = |dtype: DType, dims: &[Dim]| -> Result<Cells> {
            let shape = shape(dims, self.env)?;
            let n = shape.iter().product();
            Ok(Cells { dtype, shape, data: vec![None; n] })
        };
        self.y = y.iter().map(|f| blank(f.dtype, &f.shape)).collect::<Result<_>>()?;
        self.t = p.scratch.iter().map(|(d, s)| blank(*d, s)).collect::<Result<_>>()?;
        match &p.parallel {
            Some((var, n)) => {
                for i in 0..size(n, self.env)? {
                    self.vars.insert(*var, i);
                    self.block(&p.body)?;
                }
            }
            None => self.block(&p.body)?,
        }
        self.y.into_iter().map(Cells::finish).collect()
    }

    /// What a register of this type holds of a computed value.
    fn round(&mut self, ty: Ty, v: Num) -> Num {
        match &mut self.rounding {
            Some(f) if ty.is_float() => Num::F(f(ty, v.f())),
            _ => fit(ty, v),
        }
    }

    fn block(&mut self, body: &[Stmt]) -> Result<()> {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    fn stmt(&mut self, s: &Stmt) -> Result<()> {
        match s {
            Stmt::For { var, lo, hi, body } => {
                for i in self.int(lo)?..self.int(hi)? {
                    self.vars.insert(*var, i);
                    self.block(body)?;
                }
            }
            Stmt::While { cond, body } => {
                while self.eval(cond)?.truth() {
                    self.block(body)?;
                }
            }
            Stmt::If { cond, then, els } => {
                let taken = if self.eval(cond)?.truth() { then } else { els };
                self.block(taken)?;
            }
            Stmt::Set { reg, value } => {
                let v = self.eval(value)?;
                self.regs.insert(*reg, v);
            }
            Stmt::Store { slot, dtype, index, value } => {
                let v = Tensor::scalar(*dtype, self.eval(value)?).at(0);
                let index = self.indices(index)?;
                let cells = match slot {
                    Slot::Y(i) => &mut self.y[*i],
                    Slot::T(i) => &mut self.t[*i],
                    Slot::X(_) => bail!("a procedure stores into an operand"),
                };
                let at = linear(&cells.shape, &index)?;
                cells.data[at] = Some(v);
            }
        }
        Ok(())
    }

    fn int(&mut self, e: &Expr) -> Result<i64> {
        Ok(self.eval(e)?.i() as i64)
    }

    fn indices(&mut self, index: &[Expr]) -> Result<Vec<i64>> {
        index.iter().map(|e| self.int(e)).collect()
    }

    fn eval(&mut self, e: &Expr) -> Result<Num> {
        Ok(match &**e {
            E::Float(ty, v) => fit(*ty, Num::F(*v)),
            E::Int(_, v) => Num::I(*v as i128),
            E::Size(d) => Num::I(size(d, self.env)? as i128),
            E::Var(v) => match self.vars.get(v) {
                Some(i) => Num::I(*i as i128),
                None => bail!("variable {v} is not bound"),
            },
            E::Reg(r, _) => match self.regs.get(r) {
                Some(v) => *v,
                None => bail!("register {r} is read before it is set"),
            },
            E::Load { slot, index, .. } => {
                let index = self.indices(index)?;
                self.load(*slot, &index)?
            }
            E::Un(op, a) => {
                let v = un(*op, self.eval(a)?, a.ty());
                if op.is_exact() { fit(e.ty(), v) } else { self.round(e.ty(), v) }
            }
            E::Bin(op, a, b) => {
                let v = bin(*op, self.eval(a)?, self.eval(b)?);
                if op.is_exact() { fit(e.ty(), v) } else { self.round(e.ty(), v) }
            }
            E::Cmp(op, a, b) => Num::from(compare(*op, self.eval(a)?, self.eval(b)?)),
            E::Select(c, a, b) => match self.eval(c)?.truth() {
                true => self.eval(a)?,
                false => self.eval(b)?,
            },
            E::Pick(i, of) => {
                let i = self.eval(i)?.i();
                match usize::try_from(i).ok().and_then(|i| of.get(i)) {
                    Some(e) => self.eval(e)?,
                    None => bail!("a pick of number {i} among {}", of.len()),
                }
            }
            E::Cast(ty, a) => convert(*ty, self.eval(a)?),
            E::Round(dtype, a) => Tensor::scalar(*dtype, cast_bool(*dtype, self.eval(a)?)).at(0),
            E::Reduce(m, vars, body) => self.reduce(*m, vars, body)?,
        })
    }

    fn load(&mut self, slot: Slot, index: &[i64]) -> Result<Num> {
        let cells = match slot {
            Slot::X(i) => {
                let t = crate::op::need(self.x, i, "of an expression")?;
                return Ok(t.at(linear(t.shape(), index)?));
            }
            Slot::Y(i) => &self.y[i],
            Slot::T(i) => &self.t[i],
        };
        match cells.data[linear(&cells.shape, index)?] {
            Some(v) => Ok(v),
            None => bail!("element {index:?} of {slot:?} is read before it is written"),
        }
    }

    fn reduce(&mut self, m: Monoid, vars: &[(u32, Dim)], body: &Expr) -> Result<Num> {
        let ty = body.ty();
        let extents: Vec<usize> = vars.iter().map(|(_, d)| Ok(size(d, self.env)? as usize)).collect::<Result<_>>()?;
        let mut acc = neutral(m, ty);
        let mut failed = None;
        for_each_index(&extents, |idx| {
            for ((v, _), i) in vars.iter().zip(idx) {
                self.vars.insert(*v, *i as i64);
            }
            match self.eval(body) {
                // Sums of f32 are kept in f64, as the operators' meaning does.
                Ok(v) if ty.is_float() => {
                    let v = if step(m).is_exact() { v } else { self.round(ty, v) };
                    acc = bin(step(m), acc, v);
                }
                Ok(v) => acc = fit(ty, bin(step(m), acc, v)),
                Err(e) => failed = Some(e),
            }
        });
        match failed {
            Some(e) => Err(e),
            None => Ok(fit(ty, acc)),
        }
    }
}

fn linear(shape: &[usize], index: &[i64]) -> Result<usize> {
    let mut at = 0;
    for (d, i) in shape.iter().zip(index) {
        if *i < 0 || *i >= *d as i64 {
            bail!("index {index:?} is outside of shape {shape:?}");
        }
        at = at * d + *i as usize;
    }
    Ok(at)
}

/// The operation a reduction repeats.
pub fn step(m: Monoid) -> Bin {
    match m {
        Monoid::Sum => Bin::Add,
        Monoid::Prod => Bin::Mul,
        Monoid::Min => Bin::Min,
        Monoid::Max => Bin::Max,
        Monoid::And => Bin::And,
        Monoid::Or => Bin::Or,
    }
}

/// What an empty reduction gives.
pub fn neutral(m: Monoid, ty: Ty) -> Num {
    let (lo, hi) = match ty {
        Ty::I32 => (i32::MIN as i128, i32::MAX as i128),
        Ty::I64 => (i64::MIN as i128, i64::MAX as i128),
        Ty::U64 => (0, u64::MAX as i128),
        _ => (0, 1),
    };
    match (m, ty.is_float()) {
        (Monoid::Sum, true) => Num::F(0.0),
        (Monoid::Prod, true) => Num::F(1.0),
        (Monoid::Min, true) => Num::F(f64::INFINITY),
        (Monoid::Max, true) => Num::F(f64::NEG_INFINITY),
        (Monoid::Sum | Monoid::Or, _) => Num::I(0),
        (Monoid::Prod, _) => Num::I(1),
        (Monoid::Min, _) => Num::I(hi),
        (Monoid::Max, _) => Num::I(lo),
        (Monoid::And, _) => Num::I(if ty == Ty::Bool { 1 } else { -1 }),
    }
}

/// Rounds or wraps a value to what a register of this type holds.
fn fit(ty: Ty, v: Num) -> Num {
    match ty {
        Ty::F32 => Num::F(v.f() as f32 as f64),
        Ty::F64 => Num::F(v.f()),
        Ty::I32 => Num::I(v.i() as i32 as i128),
        Ty::I64 => Num::I(v.i() as i64 as i128),
        Ty::U64 => Num::I(v.i() as u64 as i128),
        Ty::Bool => Num::from(v.truth()),
    }
}

fn convert(ty: Ty, v: Num) -> Num {
    let to = match ty {
        Ty::F32 => DType::F32,
        Ty::F64 => DType::F64,
        Ty::I32 => DType::I32,
        Ty::I64 => DType::I64,
        Ty::U64 => DType::U64,
        Ty::Bool => DType::Bool,
    };
    fit(ty, cast(v, to))
}

fn cast_bool(dtype: DType, v: Num) -> Num {
    if dtype == DType::Bool { Num::from(v.truth()) } else { v }
}

fn un(op: Un, a: Num, ty: Ty) -> Num {
    if let Num::I(v) = a {
        return match op {
            Un::Neg => Num::I(-v),
            Un::Abs => Num::I(v.abs()),
            Un::Not if ty == Ty::Bool => Num::I((v == 0) as i128),
            Un::Not => Num::I(!v),
            Un::IsNan => Num::I(0),
            _ => Num::I(v),
        };
    }
    let v = a.f();
    Num::F(match op {
        Un::Neg => -v,
        Un::Abs => v.abs(),
        Un::Floor => v.floor(),
        Un::Ceil => v.ceil(),
        Un::Trunc => v.trunc(),
        Un::Round => v.round_ties_even(),
        Un::Sqrt => v.sqrt(),
        Un::Exp => v.exp(),
        Un::Log => v.ln(),
        Un::Sin => v.sin(),
        Un::Cos => v.cos(),
        Un::Tan => v.tan(),
        Un::Asin => v.asin(),
        Un::Acos => v.acos(),
        Un::Atan => v.atan(),
        Un::Sinh => v.sinh(),
        Un::Cosh => v.cosh(),
        Un::Tanh => v.tanh(),
        Un::Asinh => v.asinh(),
        Un::Acosh => v.acosh(),
        Un::Atanh => v.atanh(),
        Un::Erf => libm::erf(v),
        Un::Not => v,
        Un::IsNan => return Num::from(v.is_nan()),
    })
}

fn bin(op: Bin, a: Num, b: Num) -> Num {
    match (a, b) {
        (Num::I(a), Num::I(b)) => Num::I(match op {
            Bin::Add => a + b,
            Bin::Sub => a - b,
            Bin::Mul => a.wrapping_mul(b),
            Bin::Div => a.checked_div(b).unwrap_or(0),
            Bin::Rem => a.checked_rem(b).unwrap_or(0),
            Bin::Min => a.min(b),
            Bin::Max => a.max(b),
            Bin::Pow => (a as f64).powf(b as f64) as i128,
            Bin::And => a & b,
            Bin::Or => a | b,
            Bin::Xor => a ^ b,
            Bin::Shl => {
                if (0..64).contains(&b) {
                    a << b
                } else {
                    0
                }
            }
            Bin::Shr => {
                if (0..64).contains(&b) {
                    a >> b
                } else {
                    0
                }
            }
        }),
        (a, b) => {
            let (a, b) = (a.f(), b.f());
            Num::F(match op {
                Bin::Add => a + b,
                Bin::Sub => a - b,
                Bin::Mul => a * b,
                Bin::Div => a / b,
                Bin::Rem => a % b,
                Bin::Min if a.is_nan() || b.is_nan() => f64::NAN,
                Bin::Max if a.is_nan() || b.is_nan() => f64::NAN,
                Bin::Min => a.min(b),
                Bin::Max => a.max(b),
                Bin::Pow => a.powf(b),
                _ => f64::NAN,
            })
        }
    }
}

fn compare(op: Cmp, a: Num, b: Num) -> bool {
    let order = match (a, b) {
        (Num::I(a), Num::I(b)) => Some(a.cmp(&b)),
        (a, b) => a.f().partial_cmp(&b.f()),
    };
    use std::cmp::Ordering::*;
    match op {
        Cmp::Eq => order == Some(Equal),
        Cmp::Ne => order != Some(Equal),
        Cmp::Lt => order == Some(Less),
        Cmp::Le => matches!(order, Some(Less | Equal)),
        Cmp::Gt => order == Some(Greater),
        Cmp::Ge => matches!(order, Some(Greater | Equal)),
    }
}
