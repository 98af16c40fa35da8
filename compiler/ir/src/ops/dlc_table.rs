//! `dlc.Table`: `y = table[x]`, of bytes, the lowest first: what any function of one byte is. Ours; compilers write it.

use super::common::quantize::sample_ints;
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Table;

/// Values a byte can have.
pub const ENTRIES: usize = 256;

fn is_byte(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::U8)
}

/// The lowest value.
fn lowest(dtype: DType) -> i64 {
    if dtype == DType::I8 { -128 } else { 0 }
}

impl Op for Table {
    fn name(&self) -> &'static str {
        "Table"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, table) = (need(x, 0, "x")?, need(x, 1, "table")?);
        ensure!(is_byte(x.dtype), "operand x has type {}, expected i8 or u8", x.dtype);
        let all = |d: &Dim| d.as_const().is_none_or(|n| n == ENTRIES as i64);
        let fits = is_byte(table.dtype) && table.rank() == 1 && all(&table.shape[0]);
        ensure!(fits, "operand table is {table}, expected i8[256] or u8[256]");
        Ok(vec![Fact::new(table.dtype, x.shape.clone())])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, table) = (need(x, 0, "x")?, need(x, 1, "table")?);
        ensure!(table.len() == ENTRIES, "operand table has {} elements, expected {ENTRIES}", table.len());
        let entry = |v: crate::Num| table.at((v.i() - lowest(x.dtype()) as i128) as usize);
        Ok(vec![Tensor::new(table.dtype(), x.shape(), x.iter().map(entry))])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, table) = (need(x, 0, "x")?, need(x, 1, "table")?);
        let v = Expr::load(0, x, Expr::vars(x.rank()));
        let from = Expr::num(Ty::I32, lowest(x.dtype) as f64);
        let v = if x.dtype == DType::I8 { v.sub(&from) } else { v };
        let at = v.cast(Ty::I64);
        let last = Expr::size(&(table.shape[0].clone() - 1.into()));
        let at = if table.shape[0].as_const().is_some() { at } else { at.min(&last).max(&Expr::int(0)) };
        Ok(Lowering::Comps(vec![Comp::new(&y[0], Expr::load(1, table, vec![at]))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |x: DType, shape: &[usize], y: DType| {
            Sample::new(Attrs::new(), vec![sample_ints(x, shape, 3), sample_ints(y, &[ENTRIES], 8)])
        };
        vec![s(DType::U8, &[3, 41], DType::U8), s(DType::I8, &[70], DType::U8), s(DType::U8, &[2, 3, 17], DType::I8)]
    }
}
