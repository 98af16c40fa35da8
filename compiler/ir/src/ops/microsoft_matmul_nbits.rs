//! `com.microsoft.MatMulNBits`: `A B^T` with B stored in 2, 4 or 8 bits, a scale and zero point for each block.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::contract::sum_type;
use super::common::elementwise::sample_floats;
use super::common::quantize::sample_ints;
use crate::lower::{Bin, Contract, Expr, Lowering, Ty};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(MatMulNBitsAttrs {
    /// Rows of the product's second factor.
    K: i64,
    /// Columns of the product.
    N: i64,
    /// Least accuracy that A may be quantized to; of no effect on the meaning.
    accuracy_level: i64 = 0,
    /// Bits of an element of B.
    bits: i64 = 4,
    /// Elements along K that share a scale.
    block_size: i64,
    /// Whether B has a layout of its own; not supported.
    weight_prepacked: i64 = 0,
});

pub struct MatMulNBits;

/// Largest size whose products fit in 64 bits.
const LARGEST: i64 = 1 << 28;

impl MatMulNBitsAttrs {
    fn per_byte(&self) -> i64 {
        8 / self.bits
    }

    fn blocks(&self) -> i64 {
        (self.K + self.block_size - 1) / self.block_size
    }

    fn blob(&self) -> i64 {
        self.block_size / self.per_byte()
    }
}

fn read(c: &Ctx) -> Result<MatMulNBitsAttrs> {
    let a = MatMulNBitsAttrs::read(c.attrs)?;
    ensure!(matches!(a.bits, 2 | 4 | 8), "attribute bits is {}, expected 2, 4 or 8", a.bits);
    let size = |v: i64| 0 < v && v <= LARGEST;
    ensure!(size(a.K) && size(a.N), "operand K is {} and N {}, expected numbers from 1 to {LARGEST}", a.K, a.N);
    let even = size(a.block_size) && a.block_size % a.per_byte() == 0;
    ensure!(even, "block_size is {}, expected a multiple of {}", a.block_size, a.per_byte());
    ensure!(a.weight_prepacked == 0, "weight_prepacked is {}, expected 0", a.weight_prepacked);
    Ok(a)
}

fn elements(f: &Fact, want: i64, what: &str) -> Result<()> {
    let n = f.len();
    ensure!(n.as_const().is_none_or(|n| n == want), "operand {what} is {f}, expected {want} elements");
    Ok(())
}

impl Op for MatMulNBits {
    fn name(&self) -> &'static str {
        "MatMulNBits"
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MatMulNBitsAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 6)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, left, b, scales) = (read(c)?, need(x, 0, "A")?, need(x, 1, "B")?, need(x, 2, "scales")?);
        ensure!(
            left.rank() > 0 && left.dtype.is_float(),
            "operand A is {left}, expected floats with an axis of {}",
            a.K
        );
        let last = &left.shape[left.rank() - 1];
        ensure!(last.as_const().is_none_or(|k| k == a.K), "operand A has {last} columns, expected {}", a.K);
        ensure!(b.dtype == DType::U8, "operand B has type {}, expected u8", b.dtype);
        elements(b, a.N * a.blocks() * a.blob(), "B")?;
        elements(scales, a.N * a.blocks(), "scales")?;
        if let Some(z) = maybe(x, 3) {
            let packed = a.N * ((a.blocks() * a.bits + 7) / 8);
            ensure!(
                z.dtype == DType::U8 || z.dtype == left.dtype,
                "operand zero_points has type {}, expected u8 or {}",
                z.dtype,
                left.dtype
            );
            elements(z, if z.dtype == DType::U8 { packed } else { a.N * a.blocks() }, "zero_points")?;
        }
        if let Some(g) = maybe(x, 4) {
            ensure!(!g.dtype.is_float(), "operand g_idx has type {}, expected i32", g.dtype);
            ensure!(
                g.rank() == 1 && g.shape[0].as_const().is_none_or(|n| n >= a.K),
                "operand g_idx is {g}, expected {} rows",
                a.K
            );
        }
        maybe(x, 5).map_or(Ok(()), |f| elements(f, a.N, "bias"))?;
        let mut shape = left.shape.clone();
        shape[left.rank() - 1] = a.N.into();
        Ok(vec![Fact::new(left.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, left, b, scales) = (read(c)?, need(x, 0, "A")?, need(x, 1, "B")?, need(x, 2, "scales")?);
        let (n, k, blocks, size) = (a.N as usize, a.K as usize, a.blocks() as usize, a.block_size as usize);
        let per = a.per_byte() as usize;
        let packed = |t: &Tensor, row: usize, i: usize| {
            let shift = i % per * a.bits as usize;
            ((t.at(row + i / per).i() >> shift) & ((1 << a.bits) - 1)) as f64
        };
        let zero = |j: usize, block: usize| match maybe(x, 3) {
            Some(z) if z.dtype() == DType::U8 => packed(z, j * blocks.div_ceil(per), block),
            Some(z) => z.at(j * blocks + block).f(),
            None => (1 << (a.bits - 1)) as f64,
        };
        let weight = |j: usize, p: usize| {
            let q = packed(b, (j * blocks + p / size) * a.blob() as usize, p % size);
            // The scale of a row is that of its block, or of the block it is told.
            let block = maybe(x, 4).map_or((p / size) as i128, |g| g.at(p).i()).clamp(0, blocks as i128 - 1) as usize;
            (q - zero(j, block)) * scales.at(j * blocks + block).f()
        };
        let columns: Vec<f64> = (0..n).flat_map(|j| (0..k).map(move |p| (j, p))).map(|(j, p)| weight(j, p)).collect();
        let rows = left.len() / k;
        let sum = |i: usize, j: usize| (0..k).map(|p| left.at(i * k + p).f() * columns[j * k + p]).sum::<f64>();
        let y = (0..rows).flat_map(|i| (0..n).map(move |j| (i, j)));
        let y = y.map(|(i, j)| Num::F(sum(i, j) + maybe(x, 5).map_or(0.0, |b| b.at(j).f())));
        let shape = [&left.shape()[..left.rank() - 1], &[n]].concat();
        Ok(vec![Tensor::new(left.dtype(), &shape, y.collect::<Vec<_>>())])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        match maybe(x, 5) {
            Some(_) => expand(c, x).map(Lowering::Expand),
            None => contract(&read(c)?, x, &y[0]).map(Lowering::Contract),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |bits: i64, size: i64, more: Vec<Option<Tensor>>| {
            let attrs = Attrs::new().with("K", 20i64).with("N", 3i64).with("bits", bits).with("block_size", size);
            let attrs = attrs.with("accuracy_level", 0i64).with("weight_prepacked", 0i64);
            let blocks = (20 + size - 1) / size;
            let b = sample_ints(DType::U8, &[3, blocks as usize, (size * bits / 8) as usize], 3);
            let mut x =
                vec![Some(sample_floats(&[2, 2, 20], 1)), Some(b), Some(sample_floats(&[3, blocks as usize], 2))];
            x.extend(more);
            Sample { attrs, x, outputs: 1 }
        };
        let blocks = Some(Tensor::new(DType::I32, &[20], (0..20).map(|i| Num::I(i % 2))));
        vec![
            s(4, 16, vec![]),
            s(4, 16, vec![Some(sample_ints(DType::U8, &[3, 1], 4)), None, Some(sample_floats(&[3], 5))]),
            s(8, 16, vec![Some(sample_ints(DType::U8, &[3, 2], 4))]),
            s(2, 16, vec![Some(sample_floats(&[3, 2], 6))]),
            s(4, 16, vec![Some(sample_ints(DType::U8, &[3, 1], 4)), blocks]),
        ]
    }
}

/// Element `i` of a packed row that starts at byte `row` of all bytes of operand `slot`, as I32.
fn unpacked(a: &MatMulNBitsAttrs, slot: usize, f: &Fact, lead: Vec<Expr>, i: &Expr) -> Expr {
    let per = Expr::int(a.per_byte());
    let byte = Expr::load(slot, f, [lead, vec![i.div(&per)]].concat());
    let shift = i.rem(&per).mul(&Expr::int(a.bits)).cast(Ty::I32);
    byte.bin(Bin::Shr, &shift).and(&byte.like(((1 << a.bits) - 1) as f64))
}

/// An index into operand `f` whose elements in order are `rows` of `columns`.
fn matrix(f: &Fact, row: &Expr, column: &Expr, columns: i64) -> Vec<Expr> {
    match f.rank() {
        2 => vec![row.clone(), column.clone()],
        _ => vec![row.mul(&Expr::int(columns)).add(column)],
    }
}

fn contract(a: &MatMulNBitsAttrs, x: &[Option<&Fact>], y: &Fact) -> Result<Contract> {
    let (left, b, scales) = (need(x, 0, "A")?, need(x, 1, "B")?, need(x, 2, "scales")?);
    ensure!(b.rank() == 3 && scales.rank() <= 2, "operand B is {b} and scales {scales}, expected rank 3 and at most 2");
    let rows = left.rank() - 1;
    let (j, p) = (Expr::var(rows as u32), Expr::var(rows as u32 + 1));
    let size = Expr::int(a.block_size);
    let (stored, inner) = (p.div(&size), p.rem(&size));
    let block = match maybe(x, 4) {
        Some(g) => {
            let told = Expr::load(4, g, vec![p.clone()]).cast(Ty::I64);
            told.max(&Expr::int(0)).min(&Expr::int(a.blocks() - 1))
        }
        None => stored.clone(),
    };
    let float = sum_type(left.dtype);
    let q = unpacked(a, 1, b, vec![j.clone(), stored], &inner).cast(float);
    let bytes = (a.blocks() * a.bits + 7) / 8;
    let zero = match maybe(x, 3) {
        Some(z) if z.dtype == DType::U8 && z.rank() == 2 => unpacked(a, 3, z, vec![j.clone()], &block).cast(float),
        Some(z) if z.dtype == DType::U8 => {
            let at = j.mul(&Expr::int(bytes * a.per_byte())).add(&block);
            unpacked(a, 3, z, vec![], &at).cast(float)
        }
        Some(z) => Expr::load(3, z, matrix(z, &j, &block, a.blocks())).cast(float),
        None => Expr::num(float, (1 << (a.bits - 1)) as f64),
    };
    let scale = Expr::load(2, scales, matrix(scales, &j, &block, a.blocks())).cast(float);
    let index: Vec<Expr> = Expr::vars(rows).into_iter().chain([p]).collect();
    Ok(Contract {
        batch: vec![],
        m: left.shape[..rows].to_vec(),
        n: vec![Dim::from(a.N)],
        k: vec![Dim::from(a.K)],
        a: Expr::load(0, left, index),
        b: q.sub(&zero).mul(&scale),
        acc: float,
        dtype: y.dtype,
    })
}

/// The bias as an operator of its own.
fn expand(c: &Ctx, x: &[Option<&Fact>]) -> Result<Graph> {
    let mut b = Builder::new("matmul_nbits");
    let mut v = b.inputs(x);
    let bias = v.pop().flatten();
    while v.last().is_some_and(Option::is_none) {
        v.pop();
    }
    let mut y = b.optional("com.microsoft.MatMulNBits", c.attrs.clone(), &v)?;
    if let Some(bias) = bias {
        y = b.plain("Add", &[y, bias])?;
    }
    b.g.add_output("y", y);
    Ok(b.g)
}
