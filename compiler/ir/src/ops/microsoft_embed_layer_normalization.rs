//! `com.microsoft.EmbedLayerNormalization`: the sum of word, position and segment embeddings, and its
//! LayerNormalization over the last axis. Results are it, the number of unmasked words of each line, and the sum.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::elementwise::sample_floats;
use super::common::expansion::{Expansion, wide};
use super::common::layer_norm::Norm;
use super::common::normalize::{Center, tensor};
use super::common::unary::check_type;
use crate::lower::Lowering;
use crate::op::{maybe, need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(EmbedNormAttrs {
    /// Added to the variance.
    epsilon: f32 = 1e-12,
    /// 0 where the second result is the number of unmasked words.
    mask_index_type: i64 = 0,
});

pub struct EmbedLayerNormalization;

const NAMES: [&str; 9] = [
    "input_ids",
    "segment_ids",
    "word_embedding",
    "position_embedding",
    "segment_embedding",
    "gamma",
    "beta",
    "mask",
    "position_ids",
];

/// A row of a table of embeddings.
fn row<'a>(table: &'a [f64], shape: &[usize], id: i64, name: &str) -> Result<&'a [f64]> {
    match usize::try_from(id) {
        Ok(id) if id < shape[0] => Ok(&table[id * shape[1]..(id + 1) * shape[1]]),
        _ => bail!("operand {name} has an id {id}, expected one of 0..{}", shape[0]),
    }
}

/// The position of word `i` of the flattened ids, in lines of `length` words.
fn position(ids: Option<&Tensor>, i: usize, length: usize) -> i64 {
    match ids {
        None => (i % length) as i64,
        Some(t) => t.at(i % t.len()).i() as i64,
    }
}

/// The embeddings of every word, summed.
fn embed(x: &[Option<&Tensor>]) -> Result<Vec<f64>> {
    let (ids, words, places) = (need(x, 0, NAMES[0])?, need(x, 2, NAMES[2])?, need(x, 3, NAMES[3])?);
    let (word_rows, place_rows) = (words.to_f64(), places.to_f64());
    let segments = maybe(x, 1).zip(maybe(x, 4)).map(|(ids, t)| (ids, t, t.to_f64()));
    let mut out = vec![];
    for i in 0..ids.len() {
        let word = row(&word_rows, words.shape(), ids.at(i).i() as i64, NAMES[0])?;
        let place = position(maybe(x, 8), i, ids.shape()[1]);
        let place = row(&place_rows, places.shape(), place, NAMES[8])?;
        let mut sum: Vec<f64> = word.iter().zip(place).map(|(a, b)| a + b).collect();
        if let Some((ids, t, rows)) = &segments {
            let segment = row(rows, t.shape(), ids.at(i).i() as i64, NAMES[1])?;
            sum.iter_mut().zip(segment).for_each(|(a, b)| *a += b);
        }
        out.extend(sum);
    }
    Ok(out)
}

/// How many words of each line are unmasked; 0 without a mask.
fn unmasked(ids: &Tensor, mask: Option<&Tensor>) -> Tensor {
    let count = |line: usize| match mask {
        None => Num::I(0),
        Some(m) => Num::I((0..ids.shape()[1]).map(|i| m.at(line * ids.shape()[1] + i).i()).sum()),
    };
    Tensor::new(DType::I32, &ids.shape()[..1], (0..ids.shape()[0]).map(count))
}

fn expand_sum(e: &mut Expansion, work: DType) -> Result<Value> {
    let (ids, words, places) = (e.x(0)?, e.x(2)?, e.x(3)?);
    let places = match e.operand(8) {
        Some(positions) => e.op("Gather", &[places, positions])?,
        None => {
            let length = e.with("Shape", Attrs::new().with("start", 1i64), &[ids])?;
            let (from, axes) = (e.ints(&[0]), e.ints(&[0]));
            e.op("Slice", &[places, from, length, axes])?
        }
    };
    let words = e.op("Gather", &[words, ids])?;
    let (words, places) = (e.cast(words, work)?, e.cast(places, work)?);
    let sum = e.op("Add", &[words, places])?;
    match (e.operand(1), e.operand(4)) {
        (Some(ids), Some(table)) => {
            let segments = e.op("Gather", &[table, ids])?;
            let segments = e.cast(segments, work)?;
            e.op("Add", &[sum, segments])
        }
        _ => Ok(sum),
    }
}

fn expand_unmasked(e: &mut Expansion) -> Result<Value> {
    let mask = match e.operand(7) {
        Some(mask) => mask,
        None => {
            let ids = e.x(0)?;
            e.op("Sub", &[ids, ids])?
        }
    };
    let axes = e.ints(&[1]);
    let sum = e.with("ReduceSum", Attrs::new().with("keepdims", 0i64), &[mask, axes])?;
    e.cast(sum, DType::I32)
}

impl Op for EmbedLayerNormalization {
    fn name(&self) -> &'static str {
        "EmbedLayerNormalization"
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        EmbedNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(7, 9)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        EmbedNormAttrs::read(c.attrs)?;
        let (ids, words) = (need(x, 0, NAMES[0])?, need(x, 2, NAMES[2])?);
        for i in [0, 1, 7, 8] {
            if let Some(f) = maybe(x, i) {
                check_type(DType::is_int, f.dtype)?;
                ensure!(f.rank() == 2, "operand {} is {f}, expected rank 2", NAMES[i]);
            }
        }
        for i in [2, 3, 4] {
            if let Some(f) = maybe(x, i) {
                check_type(DType::is_float, f.dtype)?;
                ensure!(f.rank() == 2, "operand {} is {f}, expected rank 2", NAMES[i]);
            }
        }
        ensure!(
            maybe(x, 1).is_some() == maybe(x, 4).is_some(),
            "one of the operands segment_ids and segment_embedding is missing, expected both or none"
        );
        let (places, row) = (need(x, 3, NAMES[3])?, &words.shape[1]);
        shaped(NAMES[3], &places.shape, &[places.shape[0].clone(), row.clone()])?;
        if let (Some(segments), Some(table)) = (maybe(x, 1), maybe(x, 4)) {
            shaped(NAMES[1], &segments.shape, &ids.shape)?;
            shaped(NAMES[4], &table.shape, &[table.shape[0].clone(), row.clone()])?;
        }
        maybe(x, 7).map_or(Ok(()), |mask| shaped(NAMES[7], &mask.shape, &ids.shape))?;
        if let Some(at) = maybe(x, 8) {
            let lines = if at.shape[0].is_one() { 1.into() } else { ids.shape[0].clone() };
            shaped(NAMES[8], &at.shape, &[lines, ids.shape[1].clone()])?;
        }
        let mut y = Fact::new(words.dtype, ids.shape.iter().chain(&words.shape[1..]).cloned());
        let norm = Norm::new(Center::Mean, 0.0, -1, 3)?;
        y.shape = norm.infer(&y, need(x, 5, NAMES[5])?, Some(need(x, 6, NAMES[6])?))?;
        let count = Fact::new(DType::I32, ids.shape[..1].to_vec());
        Ok([y.clone(), count, y].into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let epsilon = EmbedNormAttrs::read(c.attrs)?.epsilon;
        let (ids, words) = (need(x, 0, NAMES[0])?, need(x, 2, NAMES[2])?);
        let shape = [ids.shape(), &words.shape()[1..]].concat();
        let sum = embed(x)?;
        let norm = Norm::new(Center::Mean, epsilon, -1, 3)?;
        let (y, _) = norm.eval(&sum, &shape, need(x, 5, NAMES[5])?, maybe(x, 6));
        let y = tensor(words.dtype(), &shape, y);
        let out = [y, unmasked(ids, maybe(x, 7)), tensor(words.dtype(), &shape, sum)];
        Ok(out.into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let epsilon = EmbedNormAttrs::read(c.attrs)?.epsilon;
        let mut e = Expansion::of(x);
        let sum = expand_sum(&mut e, wide(y[0].dtype))?;
        let (gamma, beta) = (e.x(5)?, e.operand(6));
        let [v, ..] = Norm::new(Center::Mean, epsilon, -1, 3)?.expand(&mut e, sum, gamma, beta)?;
        let mut out = vec![e.cast(v, y[0].dtype)?];
        if y.len() > 1 {
            out.push(expand_unmasked(&mut e)?);
        }
        if y.len() > 2 {
            out.push(e.cast(sum, y[0].dtype)?);
        }
        Ok(e.done(&out))
    }
    fn samples(&self) -> Vec<Sample> {
        let ids = |v: &[f64]| Some(Tensor::floats(DType::I32, &[2, 3], v));
        let table = |n: usize, seed| Some(sample_floats(&[n, 5], seed));
        let line = |seed| Some(sample_floats(&[5], seed));
        let words = || ids(&[0.0, 3.0, 6.0, 2.0, 2.0, 1.0]);
        let bare = vec![words(), None, table(7, 1), table(4, 2), None, line(4), line(5)];
        let mut full = bare.clone();
        full[1] = ids(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        full[4] = table(2, 3);
        full.extend([ids(&[1.0, 1.0, 0.0, 1.0, 1.0, 1.0]), ids(&[3.0, 1.0, 0.0, 0.0, 1.0, 2.0])]);
        let attrs = Attrs::new().with("epsilon", 0.25f32).with("mask_index_type", 0i64);
        vec![
            Sample { attrs: Attrs::new(), x: bare.clone(), outputs: 1 },
            Sample { attrs, x: full, outputs: 3 },
            Sample { attrs: Attrs::new(), x: bare, outputs: 2 },
        ]
    }
}
