//! `DepthToSpace`: blocks of channels become blocks of pixels.
//! <https://onnx.ai/onnx/operators/onnx__DepthToSpace.html>

use super::common::movement::{counting, offset, take};
use crate::lower::{self, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(DepthToSpaceAttrs {
    /// Pixels of a block along each of its two axes.
    blocksize: i64,
    /// Order of the channels: `DCR` (block, then channel) or `CRD` (channel, then block).
    mode: String = "DCR".into(),
});

pub struct DepthToSpace;

/// The block size and whether the channel is the outer part of the operand's channels.
fn setup(c: &Ctx, rank: usize) -> Result<(i64, bool)> {
    let a = DepthToSpaceAttrs::read(c.attrs)?;
    ensure!(rank == 4, "operand input has rank {rank}, expected 4");
    ensure!((1..=1 << 15).contains(&a.blocksize), "blocksize is {}, expected a positive number", a.blocksize);
    match &a.mode[..] {
        "DCR" => Ok((a.blocksize, false)),
        "CRD" => Ok((a.blocksize, true)),
        m => bail!("mode is {m:?}, expected DCR or CRD"),
    }
}

impl Op for DepthToSpace {
    fn name(&self) -> &'static str {
        "DepthToSpace"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        DepthToSpaceAttrs::SCHEMA
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
        let (n, channels) = (&x.shape[0], &x.shape[1]);
        let square = b * b;
        ensure!(
            channels.as_const().is_none_or(|d| d % square == 0),
            "operand input has {channels} channels, expected a multiple of {square}"
        );
        let side = |a: usize| x.shape[a].clone() * Dim::from(b);
        Ok(vec![Fact::new(x.dtype, [n.clone(), channels.div(&square.into()), side(2), side(3)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        let (b, outer) = setup(c, x.rank())?;
        let b = b as usize;
        let s = x.shape();
        let channels = s[1] / (b * b);
        let strides = x.strides();
        let source = |i: &[usize]| {
            let block = (i[2] % b) * b + i[3] % b;
            let from = if outer { i[1] * b * b + block } else { block * channels + i[1] };
            offset(&strides, &[i[0], from, i[2] / b, i[3] / b])
        };
        Ok(vec![take(x, &[s[0], channels, s[2] * b, s[3] * b], source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "input")?;
        let (b, outer) = setup(c, x.rank())?;
        let (v, size) = (Expr::vars(4), Expr::int(b));
        let block = v[2].rem(&size).mul(&size).add(&v[3].rem(&size));
        let from = match outer {
            true => v[1].mul(&Expr::int(b * b)).add(&block),
            false => block.mul(&Expr::size(&y[0].shape[1])).add(&v[1]),
        };
        Ok(lower::gather(&y[0], x, vec![v[0].clone(), from, v[2].div(&size), v[3].div(&size)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = Attrs::new().with("blocksize", 2i64);
        vec![
            Sample::new(a.clone(), vec![counting(&[1, 8, 2, 3])]),
            Sample::new(a.with("mode", "CRD"), vec![counting(&[2, 12, 1, 2])]),
        ]
    }
}
