//! `Attention`: `softmax(scale * Q K^T + mask) V`, head by head. <https://onnx.ai/onnx/operators/onnx__Attention.html>

use super::common::attention::{OPERANDS, Spec};
use super::common::elementwise::sample_floats;
use crate::lower::Lowering;
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(AttentionAttrs {
    /// Whether a query sees no key after its own position.
    is_causal: bool = false,
    /// Heads of K and V where they come with three axes.
    kv_num_heads: Option<i64>,
    /// Keys a query sees before its own position; -1 is all.
    left_window_size: i64 = -1,
    /// Heads of Q where it comes with three axes.
    q_num_heads: Option<i64>,
    /// Result 3 is the products: 0 scaled, 1 bounded, 2 masked, 3 after softmax.
    qk_matmul_output_mode: i64 = 0,
    /// Keys a query sees after its own position; -1 is all.
    right_window_size: i64 = -1,
    /// Factor of the products; absent is `1 / sqrt(head size)`.
    scale: Option<f32>,
    /// Bound of the products; 0 is none.
    softcap: f32 = 0.0,
    /// Type the softmax is computed in.
    softmax_precision: Option<DType>,
});

pub struct Attention;

fn spec(c: &Ctx) -> Result<Spec> {
    let a = AttentionAttrs::read(c.attrs)?;
    let window = |n: i64| (n >= 0).then_some(n);
    Ok(Spec {
        causal: a.is_causal,
        window: [window(a.left_window_size), window(a.right_window_size)],
        scale: a.scale.map(f64::from),
        softcap: a.softcap.into(),
        precision: a.softmax_precision,
        heads: [a.q_num_heads, a.kv_num_heads],
        mode: a.qk_matmul_output_mode,
    })
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        "Attention"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        AttentionAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, OPERANDS)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (q, k, v) = (need(x, 0, "Q")?, need(x, 1, "K")?, need(x, 2, "V")?);
        let spec = spec(c)?;
        ensure!(q.dtype.is_float() && q.dtype == k.dtype, "operand Q is {q} and K {k}, expected floats of one type");
        ensure!(v.dtype == q.dtype, "operand V has type {}, expected {}", v.dtype, q.dtype);
        ensure!((0..=3).contains(&spec.mode), "qk_matmul_output_mode is {}, expected 0 to 3", spec.mode);
        ensure!(
            maybe(x, 4).is_some() == maybe(x, 5).is_some(),
            "one of the operands past_key and past_value is missing, expected both or none"
        );
        let sizes = spec.sizes(&q.shape, &k.shape, &v.shape, maybe(x, 4).map(|p| &p.shape[..]))?;
        if let Some(m) = maybe(x, 3) {
            ensure!(
                m.rank() <= 4 && (m.dtype == DType::Bool || m.dtype == q.dtype),
                "operand attn_mask is {m}, expected bool or {} of rank 4 or less",
                q.dtype
            );
        }
        spec.check_rest(&sizes, x)?;
        let types = [q.dtype, k.dtype, v.dtype, q.dtype];
        let facts = spec.shapes(&sizes).into_iter().zip(types).map(|(s, t)| Fact::new(t, s));
        Ok(facts.take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(spec(c)?.eval(x)?.into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        spec(c)?.expand(x, y.len()).map(Lowering::Expand)
    }
    fn samples(&self) -> Vec<Sample> {
        let a = Attrs::new;
        let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
        let s = |attrs: Attrs, x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs, x, outputs };
        let four = || vec![f(&[2, 3, 4, 5], 1), f(&[2, 3, 6, 5], 2), f(&[2, 3, 6, 7], 3)];
        let flat = |a: Attrs| a.with("q_num_heads", 4i64).with("kv_num_heads", 2i64);
        let three = || vec![f(&[2, 3, 12], 1), f(&[2, 5, 6], 2), f(&[2, 5, 4], 3)];
        let with = |mut x: Vec<Option<Tensor>>, more: Vec<Option<Tensor>>| {
            x.extend(more);
            x
        };
        let bools = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            Some(Tensor::new(DType::Bool, shape, (0..n).map(|i| Num::from(i % 3 != 1 && i / 6 != 2))))
        };
        let past = || vec![None, f(&[2, 2, 4, 3], 4), f(&[2, 2, 4, 2], 5)];
        let counts = Some(Tensor::i64(&[2], &[3, 6]));
        let halves = four().into_iter().map(|t| t.map(|t| small(&t).cast(DType::F16))).collect();
        vec![
            s(a(), four(), 1),
            s(a().with("is_causal", 1i64).with("scale", 0.1f32), four(), 4),
            s(a().with("qk_matmul_output_mode", 2i64), with(four(), vec![f(&[4, 6], 6)]), 4),
            s(a().with("qk_matmul_output_mode", 3i64), with(four(), vec![bools(&[2, 1, 4, 6])]), 4),
            s(a().with("softcap", 2.0f32).with("qk_matmul_output_mode", 1i64), with(four(), vec![f(&[1, 4, 4], 6)]), 4),
            s(flat(a()), three(), 1),
            s(flat(a().with("is_causal", 1i64)), with(three(), past()), 3),
            s(a().with("is_causal", 1i64), with(four(), vec![None, None, None, counts]), 1),
            s(a().with("left_window_size", 1i64).with("right_window_size", 2i64), four(), 1),
            s(a().with("softmax_precision", DType::F32), halves, 1),
        ]
    }
}

fn small(t: &Tensor) -> Tensor {
    Tensor::new(DType::F32, t.shape(), t.iter().map(|v| Num::F(v.f() / 8.0)))
}
