//! `com.microsoft.MatMulBnb4`: `A B^T` with B stored as 4-bit codes of a table of floats, a largest magnitude for each
//! block.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::nibbles::unpacked;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(MatMulBnb4Attrs {
    /// Rows of the product's second factor.
    K: i64,
    /// Columns of the product.
    N: i64,
    /// Elements that share a magnitude.
    block_size: i64,
    /// 0 is FP4, 1 is NF4.
    quant_type: i64,
    /// Of no effect.
    training_mode: i64 = 0,
    /// Whether B is stored with its columns as rows; only 1.
    transB: i64 = 1,
});

/// See the module.
pub static MICROSOFT_MATMUL_BNB4: Composite =
    composite("MatMulBnb4", MatMulBnb4Attrs::SCHEMA, Arity::exactly(3), define, samples);

/// Values of the codes: sign, two bits of exponent, one of mantissa, scaled to 1.
const FP4: [f32; 16] = [
    0.0,
    0.005208333,
    0.6666667,
    1.0,
    0.33333334,
    0.5,
    0.16666667,
    0.25,
    0.0,
    -0.005208333,
    -0.6666667,
    -1.0,
    -0.33333334,
    -0.5,
    -0.16666667,
    -0.25,
];

/// Values of the codes: quantiles of the normal distribution, scaled to 1 (Dettmers et al., QLoRA, appendix E).
const NF4: [f32; 16] = [
    -1.0,
    -0.6961928,
    -0.52507305,
    -0.3949175,
    -0.28444138,
    -0.18477343,
    -0.091050036,
    0.0,
    0.0795803,
    0.1609302,
    0.2461123,
    0.33791524,
    0.44070983,
    0.562617,
    0.72295684,
    1.0,
];

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MatMulBnb4Attrs::read(c.attrs)?;
    let (left, packed, largest) = (given(x, 0, "A")?, given(x, 1, "B")?, given(x, 2, "absmax")?);
    ensure!(a.transB == 1, "transB is {}, expected 1", a.transB);
    let size = |v: i64| 0 < v && v < 1 << 31;
    ensure!(
        size(a.K) && size(a.N) && size(a.block_size),
        "attributes K, N and block_size are {}, {} and {}, expected numbers from 1 to 2^31 - 1",
        a.K,
        a.N,
        a.block_size
    );
    let table = match a.quant_type {
        0 => FP4,
        1 => NF4,
        other => bail!("quant_type is {other}, expected 0 or 1"),
    };
    let (n, dtype) = (a.K * a.N, b.g.fact(left).dtype);
    let codes = b.reshape(packed, &[-1])?;
    let codes = unpacked(b, codes, 4, false)?;
    let codes = b.cast(codes, DType::I32)?;
    let name = "codes";
    let table = b.g.add_const(name, Tensor::f32(&[16], &table).cast(dtype));
    let values = b.op("Gather", Attrs::new().with("axis", 0i64), &[table, codes])?;
    let blocks = (n + a.block_size - 1) / a.block_size;
    let (from, to) = (b.ints(&[0]), b.ints(&[n]));
    let column = b.reshape(largest, &[-1, 1])?;
    let shape = b.ints(&[blocks, a.block_size]);
    let scale = b.plain("Expand", &[column, shape])?;
    let scale = b.reshape(scale, &[-1])?;
    let (values, scale) = (b.plain("Slice", &[values, from, to])?, b.plain("Slice", &[scale, from, to])?);
    let weights = b.plain("Mul", &[values, scale])?;
    let weights = b.reshape(weights, &[a.N, a.K])?;
    let weights = b.transpose(weights, &[1, 0])?;
    Ok(vec![b.plain("MatMul", &[left, weights])?])
}

fn samples() -> Vec<Sample> {
    let s = |kind: i64, n: i64| {
        let attrs = Attrs::new().with("K", 20i64).with("N", n).with("block_size", 16i64).with("quant_type", kind);
        let elements = (20 * n) as usize;
        let blocks = elements.div_ceil(16);
        let b = sample_ints(DType::U8, &[elements.div_ceil(2)], 3);
        let attrs = attrs.with("training_mode", 0i64).with("transB", 1i64);
        Sample::new(attrs, vec![sample_floats(&[2, 2, 20], 1), b, sample_floats(&[blocks], 2)])
    };
    vec![s(0, 3), s(1, 4)]
}
