//! `com.microsoft.QEmbedLayerNormalization`: `com.microsoft.EmbedLayerNormalization` of quantized tables.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QEmbedLayerNormalizationAttrs {
    /// Added to the variance.
    epsilon: f32 = 1e-12,
});

/// See the module.
pub static MICROSOFT_QEMBED_LAYER_NORMALIZATION: Composite = Composite {
    name: "QEmbedLayerNormalization",
    domain: "com.microsoft",
    schema: QEmbedLayerNormalizationAttrs::SCHEMA,
    operands: Arity::exactly(18),
    results: Arity::range(1, 2),
    define,
    samples,
};

/// Operands that are quantized, with their scales and zero points.
const TABLES: [(usize, usize, usize); 5] = [(2, 8, 13), (3, 9, 14), (4, 10, 15), (5, 11, 16), (6, 12, 17)];
const MASK: usize = 7;

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    QEmbedLayerNormalizationAttrs::read(c.attrs)?;
    let mut operands = vec![Some(given(x, 0, "input_ids")?), optional(x, 1)];
    for (table, scale, zero) in TABLES {
        operands.push(match optional(x, table) {
            Some(q) => {
                let quantized = [Some(q), Some(given(x, scale, "scale")?), optional(x, zero)];
                Some(b.optional("DequantizeLinear", Attrs::new(), &quantized)?)
            }
            None => None,
        });
    }
    operands.push(optional(x, MASK));
    b.results("com.microsoft.EmbedLayerNormalization", c.attrs.clone(), &operands, c.outputs)
}

fn samples() -> Vec<Sample> {
    let ids = |v: &[f64]| Some(Tensor::floats(DType::I32, &[2, 3], v));
    let table = |shape: &[usize], seed: i64| Some(sample_ints(DType::U8, shape, seed));
    let words = vec![ids(&[0.0, 4.0, 2.0, 1.0, 3.0, 0.0]), ids(&[0.0, 1.0, 1.0, 0.0, 0.0, 1.0])];
    let tables = vec![table(&[5, 4], 1), table(&[3, 4], 2), table(&[2, 4], 3), table(&[4], 4), table(&[4], 5)];
    let mask = vec![ids(&[1.0, 1.0, 0.0, 1.0, 1.0, 1.0])];
    let scales = [0.1f32, 0.2, 0.3, 0.01, 0.02].map(|v| Some(Tensor::f32(&[], &[v]))).to_vec();
    let zeros = [3.0, 5.0, 7.0, 9.0, 11.0].map(|v| Some(Tensor::floats(DType::U8, &[], &[v]))).to_vec();
    let x = [words, tables, mask, scales, zeros].concat();
    vec![Sample { attrs: Attrs::new().with("epsilon", 0.01f32), x, outputs: 2 }]
}
