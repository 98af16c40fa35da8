//! `SpaceToDepth`: blocks of pixels become blocks of channels. <https://onnx.ai/onnx/operators/onnx__SpaceToDepth.html>

use super::common::movement::{counting, offset, take};
use crate::lower::{self, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(SpaceToDepthAttrs {
    /// Pixels of a block along each of its two axes.
    blocksize: i64,
    /// Order of the result's channels: `DCR` (block, then channel) or `CRD` (channel, then block).
    mode: String = "DCR".into(),
});

pub struct SpaceToDepth;

/// The block size and whether the channel is the outer part of the result's channels.
fn setup(c: &Ctx, rank: usize) -> Result<(i64, bool)> {
    let a = SpaceToDepthAttrs::read(c.attrs)?;
    ensure!(rank == 4, "operand input has rank {rank}, expected 4");
    ensure!((1..=1 << 15).contains(&a.blocksize), "blocksize is {}, expected a positive number", a.blocksize);
    match &a.mode[..] {
        "DCR" => Ok((a.blocksize, false)),
        "CRD" => Ok((a.blocksize, true)),
        m => bail!("mode is {m:?}, expected DCR or CRD"),
    }
}

impl Op for SpaceToDepth {
    fn name(&self) -> &'static str {
        "SpaceToDepth"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SpaceToDepthAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "input")?;
        let (b, _) = setup(c, x.rank())?;
        for d in &x.shape[2..] {
            ensure!(d.as_const().is_none_or(|d| d % b == 0), "operand input is {x}, expected multiples of {b}");
        }
        let (n, channels) = (x.shape[0].clone(), x.shape[1].clone() * Dim::from(b * b));
        Ok(vec![Fact::new(x.dtype, [n, channels, x.shape[2].div(&b.into()), x.shape[3].div(&b.into())])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        let (b, outer) = setup(c, x.rank())?;
        let (b, s, strides) = (b as usize, x.shape(), x.strides());
        let source = |i: &[usize]| {
            let (channel, block) = if outer { (i[1] / (b * b), i[1] % (b * b)) } else { (i[1] % s[1], i[1] / s[1]) };
            offset(&strides, &[i[0], channel, i[2] * b + block / b, i[3] * b + block % b])
        };
        Ok(vec![take(x, &[s[0], s[1] * b * b, s[2] / b, s[3] / b], source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "input")?;
        let (b, outer) = setup(c, x.rank())?;
        let (v, size) = (Expr::vars(4), Expr::int(b));
        let inner = if outer { Expr::int(b * b) } else { Expr::size(&x.shape[1]) };
        let (high, low) = (v[1].div(&inner), v[1].rem(&inner));
        let (channel, block) = if outer { (high, low) } else { (low, high) };
        let row = v[2].mul(&size).add(&block.div(&size));
        let column = v[3].mul(&size).add(&block.rem(&size));
        Ok(lower::gather(&y[0], x, vec![v[0].clone(), channel, row, column]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = Attrs::new().with("blocksize", 2i64);
        vec![
            Sample::new(a.clone(), vec![counting(&[1, 3, 4, 2])]),
            Sample::new(a.with("mode", "CRD"), vec![counting(&[2, 2, 2, 6])]),
        ]
    }
}
