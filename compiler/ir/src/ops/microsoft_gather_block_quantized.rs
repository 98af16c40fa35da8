//! `com.microsoft.GatherBlockQuantized`: rows of a table that is quantized in blocks, as floats.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::nibbles::unpacked;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::op::axis;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(GatherBlockQuantizedAttrs {
    /// Bits of an element where the data are bytes.
    bits: i64 = 4,
    /// Elements that share a scale.
    block_size: i64 = 128,
    /// Axis the indices choose from.
    gather_axis: i64 = 0,
    /// Axis of the blocks.
    quantize_axis: i64 = 1,
});

/// See the module.
pub static MICROSOFT_GATHER_BLOCK_QUANTIZED: Composite =
    composite("GatherBlockQuantized", GatherBlockQuantizedAttrs::SCHEMA, Arity::range(3, 4), define, samples);

/// The blocks of `v` along `on`, each repeated for the elements of `q` that share it.
pub(super) fn spread(b: &mut Builder, v: Value, q: Value, on: usize, block: i64) -> Result<Value> {
    let n = b.length(q, on as i64)?;
    let (i, block) = (b.range(n)?, b.number(DType::I64, block as f64));
    let index = b.plain("Div", &[i, block])?;
    b.op("Gather", Attrs::new().with("axis", on as i64), &[v, index])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = GatherBlockQuantizedAttrs::read(c.attrs)?;
    let (data, indices, scales) = (given(x, 0, "data")?, given(x, 1, "indices")?, given(x, 2, "scales")?);
    let (rank, bytes) = (b.g.fact(data).rank(), b.g.fact(data).dtype == DType::U8);
    let (on, along) = (axis(a.gather_axis, rank)?, axis(a.quantize_axis, rank)?);
    ensure!(on != along, "gather_axis and quantize_axis are both {on}, expected two axes");
    ensure!(a.block_size > 0, "block_size is {}, expected a positive number", a.block_size);
    ensure!(!bytes || along == rank - 1, "quantize_axis is {along}, expected the last of {rank} where data are bytes");
    let gather = |b: &mut Builder, v: Value| b.op("Gather", Attrs::new().with("axis", on as i64), &[v, indices]);
    let unpack = |b: &mut Builder, v: Value| if bytes { unpacked(b, v, a.bits, true) } else { Ok(v) };
    let (chosen, scale) = (gather(b, data)?, gather(b, scales)?);
    let q = unpack(b, chosen)?;
    let moved = if along > on { along + b.g.fact(indices).rank() - 1 } else { along };
    let dtype = b.g.fact(scale).dtype;
    let scale = spread(b, scale, q, moved, a.block_size)?;
    let v = b.cast(q, dtype)?;
    let zero = match optional(x, 3) {
        Some(z) => {
            let z = gather(b, z)?;
            let z = unpack(b, z)?;
            let z = spread(b, z, q, moved, a.block_size)?;
            b.cast(z, dtype)?
        }
        None => b.number(dtype, if bytes { (1 << (a.bits - 1)) as f64 } else { 0.0 }),
    };
    let v = b.plain("Sub", &[v, zero])?;
    Ok(vec![b.plain("Mul", &[v, scale])?])
}

fn samples() -> Vec<Sample> {
    let bytes = |shape: &[usize], seed: i64| Some(sample_ints(DType::U8, shape, seed));
    let f = |shape: &[usize]| Some(sample_floats(shape, 2));
    let with = |bits: i64| Attrs::new().with("bits", bits).with("block_size", 16i64).with("quantize_axis", -1i64);
    let rows = || Some(Tensor::i64(&[2, 2], &[3, 0, 1, 3]));
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>| Sample { attrs, x, outputs: 1 };
    vec![
        s(with(4), vec![bytes(&[4, 20], 3), rows(), f(&[4, 3])]),
        s(with(4), vec![bytes(&[4, 16], 3), rows(), f(&[4, 2]), bytes(&[4, 1], 5)]),
        s(with(8).with("gather_axis", 0i64), vec![bytes(&[4, 32], 3), rows(), f(&[4, 2]), bytes(&[4, 2], 5)]),
    ]
}
