//! `com.microsoft.MurmurHash3`: the 32-bit hash MurmurHash3_x86_32 of the bytes of each number.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::stated::Stated;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(MurmurHash3Attrs {
    /// Whether the result has unsigned elements.
    positive: bool = true,
    /// Seed, modulo 2^32.
    seed: i64 = 0,
});

/// See the module.
pub static MICROSOFT_MURMUR_HASH3: Stated = Stated {
    graph: Composite {
        name: "MurmurHash3",
        domain: "com.microsoft",
        schema: MurmurHash3Attrs::SCHEMA,
        operands: Arity::exactly(1),
        results: Arity::exactly(1),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[],
};

fn hash(bytes: &[u8], seed: u32) -> u32 {
    let mut h = seed;
    for block in bytes.chunks_exact(4) {
        let k = u32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        let k = k.wrapping_mul(0xcc9e2d51).rotate_left(15).wrapping_mul(0x1b873593);
        h = (h ^ k).rotate_left(13).wrapping_mul(5).wrapping_add(0xe6546b64);
    }
    h ^= bytes.len() as u32;
    h = (h ^ (h >> 16)).wrapping_mul(0x85ebca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2ae35);
    h ^ (h >> 16)
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (a, x) = (MurmurHash3Attrs::read(c.attrs)?, need(x, 0, "X")?);
    let hashes = x.bytes().chunks_exact(x.dtype().size()).map(|e| hash(e, a.seed as u32));
    Ok(vec![match a.positive {
        true => Tensor::new(DType::U32, x.shape(), hashes.map(|h| Num::I(h.into()))),
        false => Tensor::new(DType::I32, x.shape(), hashes.map(|h| Num::I((h as i32).into()))),
    }])
}

/// Operations on u32 with a constant.
struct Words<'a>(&'a mut Builder);

impl Words<'_> {
    fn with(&mut self, op: &str, v: Value, c: u32) -> Result<Value> {
        let c = self.0.number(DType::U32, c.into());
        self.0.plain(op, &[v, c])
    }
    fn shifted(&mut self, v: Value, by: u32, direction: &str) -> Result<Value> {
        let by = self.0.number(DType::U32, by.into());
        self.0.op("BitShift", Attrs::new().with("direction", direction), &[v, by])
    }
    fn rotated(&mut self, v: Value, by: u32) -> Result<Value> {
        let (left, right) = (self.shifted(v, by, "LEFT")?, self.shifted(v, 32 - by, "RIGHT")?);
        self.0.plain("BitwiseOr", &[left, right])
    }
    /// `h` after one more word.
    fn mixed(&mut self, h: Value, word: Value) -> Result<Value> {
        let k = self.with("Mul", word, 0xcc9e2d51)?;
        let k = self.rotated(k, 15)?;
        let k = self.with("Mul", k, 0x1b873593)?;
        let h = self.0.plain("BitwiseXor", &[h, k])?;
        let h = self.rotated(h, 13)?;
        let h = self.with("Mul", h, 5)?;
        self.with("Add", h, 0xe6546b64)
    }
    /// `h ^ (h >> by)`.
    fn folded(&mut self, h: Value, by: u32) -> Result<Value> {
        let high = self.shifted(h, by, "RIGHT")?;
        self.0.plain("BitwiseXor", &[h, high])
    }
}

/// The words of every element, the low one first.
fn words(b: &mut Builder, x: Value) -> Result<Vec<Value>> {
    let bits = |to: DType| Attrs::new().with("to", to);
    if b.g.fact(x).dtype.size() == 4 {
        return Ok(vec![b.op("BitCast", bits(DType::U32), &[x])?]);
    }
    let (all, by) = (b.op("BitCast", bits(DType::U64), &[x])?, b.number(DType::U64, 32.0));
    let high = b.op("BitShift", Attrs::new().with("direction", "RIGHT"), &[all, by])?;
    let mask = b.number(DType::U64, u32::MAX.into());
    let low = b.plain("BitwiseAnd", &[all, mask])?;
    Ok(vec![b.cast(low, DType::U32)?, b.cast(high, DType::U32)?])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (a, x) = (MurmurHash3Attrs::read(c.attrs)?, given(x, 0, "X")?);
    let dtype = b.g.fact(x).dtype;
    let fits = dtype != DType::Str && matches!(dtype.size(), 4 | 8);
    ensure!(fits, "elements of type {dtype} are not supported, expected numbers of 4 or 8 bytes");
    let (blocks, mut h) = (words(b, x)?, b.number(DType::U32, (a.seed as u32).into()));
    let mut w = Words(b);
    for word in blocks {
        h = w.mixed(h, word)?;
    }
    h = w.with("BitwiseXor", h, dtype.size() as u32)?;
    for (by, factor) in [(16, 0x85ebca6b), (13, 0xc2b2ae35)] {
        h = w.folded(h, by)?;
        h = w.with("Mul", h, factor)?;
    }
    h = w.folded(h, 16)?;
    Ok(vec![if a.positive { h } else { b.op("BitCast", Attrs::new().with("to", DType::I32), &[h])? }])
}

fn samples() -> Vec<Sample> {
    let signed = Attrs::new().with("positive", 0i64).with("seed", 42i64);
    let s = |a: &Attrs, d: DType| Sample::new(a.clone(), vec![sample_floats(&[2, 20], 3).cast(d)]);
    let all = [DType::I32, DType::U32, DType::F32, DType::I64, DType::U64, DType::F64];
    all.iter().flat_map(|d| [s(&Attrs::new(), *d), s(&signed, *d)]).collect()
}
