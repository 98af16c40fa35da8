//! `TfIdfVectorizer`: how often each n-gram of a pool occurs in a row, weighted. The items of an n-gram may be some
//! items apart, all equally far. <https://onnx.ai/onnx/operators/onnx__TfIdfVectorizer.html>

use super::common::expansion::Expansion;
use super::common::movement::ints;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(TfIdfVectorizerAttrs {
    /// Longest n-gram that is counted.
    max_gram_length: i64,
    /// Most items between two neighbours of an n-gram.
    max_skip_count: i64,
    /// Shortest n-gram that is counted.
    min_gram_length: i64,
    /// `TF` counts, `IDF` gives the weight of what occurs, `TFIDF` multiplies both.
    mode: String,
    /// Where in the pool the n-grams of 1, 2, .. items start.
    ngram_counts: Vec<i64>,
    /// Column of the result for each n-gram of the pool.
    ngram_indexes: Vec<i64>,
    /// The n-grams' items one after another, of integers.
    pool_int64s: Vec<i64> = vec![],
    /// The n-grams' items one after another, of strings.
    pool_strings: Vec<String> = vec![],
    /// Weight of each n-gram, in the order of the columns; 1 where absent.
    weights: Vec<f32> = vec![],
});

pub struct TfIdfVectorizer;

/// The n-grams of one length.
struct Grams {
    /// Items of each, in the pool.
    length: usize,
    /// Where each starts in the pool.
    starts: Vec<usize>,
    /// Their columns in the result.
    columns: Vec<usize>,
}

/// What the attributes say, checked.
struct Pool {
    a: TfIdfVectorizerAttrs,
    grams: Vec<Grams>,
    width: usize,
}

impl Pool {
    fn read(c: &Ctx) -> Result<Self> {
        let a = TfIdfVectorizerAttrs::read(c.attrs)?;
        ensure!(["TF", "IDF", "TFIDF"].contains(&a.mode.as_str()), "mode is {:?}, expected TF, IDF or TFIDF", a.mode);
        let (lo, hi) = (a.min_gram_length, a.max_gram_length);
        ensure!(
            lo >= 1 && hi >= lo,
            "attributes min_gram_length and max_gram_length are {lo} and {hi}, expected 1 or more"
        );
        ensure!(a.max_skip_count >= 0, "max_skip_count is {}, expected 0 or more", a.max_skip_count);
        ensure!(
            a.pool_int64s.is_empty() != a.pool_strings.is_empty(),
            "attributes pool_int64s and pool_strings are both given or both missing, expected one of them"
        );
        let total = a.pool_int64s.len().max(a.pool_strings.len());
        let columns: Option<Vec<usize>> = a.ngram_indexes.iter().map(|i| usize::try_from(*i).ok()).collect();
        let Some(columns) = columns.filter(|c| c.iter().all(|i| *i < 1 << 31)) else {
            bail!("attribute ngram_indexes is {:?}, expected numbers of columns, from 0 on", a.ngram_indexes)
        };
        let width = columns.iter().max().map_or(0, |m| m + 1);
        ensure!(width > 0, "attribute ngram_indexes is empty, expected a column for each n-gram");
        let weights = a.weights.len();
        ensure!(
            weights == 0 || weights >= width,
            "there are {weights} weights, expected one for each of {width} columns"
        );
        let grams = grams(&a, total, &columns)?;
        Ok(Pool { a, grams, width })
    }

    /// Element type of the pool.
    fn dtype(&self) -> DType {
        if self.a.pool_int64s.is_empty() { DType::Str } else { DType::I64 }
    }

    /// What a column counted `n` times is worth.
    fn value(&self, column: usize, n: f64) -> f64 {
        let w = self.a.weights.get(column).map_or(1.0, |w| *w as f64);
        match self.a.mode.as_str() {
            "TF" => n,
            "IDF" => {
                if n > 0.0 {
                    w
                } else {
                    0.0
                }
            }
            _ => n * w,
        }
    }

    /// Adds to `counts` what row `b` of `n` items has; `same(i, k)` is whether item i of the operand is item k of the
    /// pool.
    fn count(&self, b: usize, n: usize, same: &dyn Fn(usize, usize) -> bool, counts: &mut [f64]) {
        for g in &self.grams {
            let skips = if g.length == 1 { 0 } else { self.a.max_skip_count as usize };
            for (start, column) in g.starts.iter().zip(&g.columns) {
                for step in 1..=(skips + 1).min(n) {
                    let span = (g.length - 1) * step;
                    let at = |i: usize| (0..g.length).all(|j| same(b * n + i + j * step, start + j));
                    counts[*column] += (0..n.saturating_sub(span)).filter(|i| at(*i)).count() as f64;
                }
            }
        }
    }
}

/// The n-grams that are counted, by length.
fn grams(a: &TfIdfVectorizerAttrs, total: usize, columns: &[usize]) -> Result<Vec<Grams>> {
    let (mut out, mut first) = (vec![], 0);
    for (k, from) in a.ngram_counts.iter().enumerate() {
        let (length, to) = (k + 1, a.ngram_counts.get(k + 1).copied().unwrap_or(total as i64));
        let fits = *from >= 0 && to >= *from && to <= total as i64 && (to - from) % length as i64 == 0;
        ensure!(
            fits,
            "attribute ngram_counts is {:?}, expected numbers that divide a pool of {total} items",
            a.ngram_counts
        );
        let starts: Vec<usize> = (*from as usize..to as usize).step_by(length).collect();
        let n = starts.len();
        let Some(columns) = columns.get(first..first + n) else {
            bail!("ngram_indexes has {} numbers, expected one for each n-gram", columns.len())
        };
        first += n;
        if n > 0 && (a.min_gram_length..=a.max_gram_length).contains(&(length as i64)) {
            out.push(Grams { length, starts, columns: columns.to_vec() });
        }
    }
    Ok(out)
}

impl Op for TfIdfVectorizer {
    fn name(&self) -> &'static str {
        "TfIdfVectorizer"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TfIdfVectorizerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, p) = (need(x, 0, "X")?, Pool::read(c)?);
        let fits = match p.dtype() {
            DType::Str => x.dtype == DType::Str,
            _ => matches!(x.dtype, DType::I32 | DType::I64),
        };
        ensure!(fits && (1..=2).contains(&x.rank()), "operand X is {x}, expected [C] or [N,C] of the pool's type");
        let rows = x.shape[..x.rank() - 1].iter().cloned();
        Ok(vec![Fact::new(DType::F32, rows.chain([Dim::from(p.width)]))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, p) = (need(x, 0, "X")?, Pool::read(c)?);
        let n = x.shape()[x.rank() - 1];
        let rows: usize = x.shape()[..x.rank() - 1].iter().product();
        let same = |i: usize, k: usize| match p.dtype() {
            DType::Str => x.string(i) == p.a.pool_strings[k],
            _ => x.at(i).i() == p.a.pool_int64s[k] as i128,
        };
        let mut data = vec![];
        for b in 0..rows {
            let mut counts = vec![0.0; p.width];
            p.count(b, n, &same, &mut counts);
            data.extend(counts.iter().enumerate().map(|(k, n)| Num::F(p.value(k, *n))));
        }
        let mut shape = x.shape().to_vec();
        shape[x.rank() - 1] = p.width;
        Ok(vec![Tensor::new(DType::F32, &shape, data)])
    }
    /// The n-grams of each length counted, put into their columns by a product with 0 and 1, and weighted.
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let p = Pool::read(c)?;
        ensure!(p.dtype() != DType::Str, "a pool of strings has no scalar form");
        let mut e = Expansion::of(x);
        let (rank, mut total) = (y[0].rank(), None);
        let mut items = e.x(0)?;
        items = e.cast(items, DType::I64)?;
        if rank == 1 {
            let first = e.ints(&[0]);
            items = e.op("Unsqueeze", &[items, first])?;
        }
        for g in &p.grams {
            let pool: Vec<i64> = g.starts.iter().flat_map(|s| &p.a.pool_int64s[*s..s + g.length]).copied().collect();
            let pool = e.constant(Tensor::i64(&[g.starts.len(), g.length], &pool));
            let skips = if g.length == 1 { 0 } else { p.a.max_skip_count };
            let mut counts = e.with("dlc.CountGrams", Attrs::new().with("max_skip_count", skips), &[items, pool])?;
            if g.columns != (0..p.width).collect::<Vec<_>>() {
                let cell = |(k, j): (usize, usize)| Num::from(g.columns[k] == j);
                let cells = (0..g.columns.len()).flat_map(|k| (0..p.width).map(move |j| (k, j)));
                let place = Tensor::new(DType::F32, &[g.columns.len(), p.width], cells.map(cell));
                let place = e.constant(place);
                counts = e.op("MatMul", &[counts, place])?;
            }
            total = Some(match total {
                None => counts,
                Some(t) => e.op("Add", &[t, counts])?,
            });
        }
        let Some(mut v) = total else { bail!("no n-gram of the pool is counted") };
        let weights: Vec<f32> = (0..p.width).map(|k| p.value(k, 1.0) as f32).collect();
        let (weights, zero) = (e.constant(Tensor::f32(&[p.width], &weights)), e.scalar(DType::F32, 0.0));
        v = match p.a.mode.as_str() {
            "IDF" => {
                let occurs = e.op("Greater", &[v, zero])?;
                e.op("Where", &[occurs, weights, zero])?
            }
            _ => e.op("Mul", &[v, weights])?,
        };
        if rank == 1 {
            let first = e.ints(&[0]);
            v = e.op("Squeeze", &[v, first])?;
        }
        Ok(e.done(&[v]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |min: i64, max: i64, skip: i64, mode: &str| {
            Attrs::new()
                .with("min_gram_length", min)
                .with("max_gram_length", max)
                .with("max_skip_count", skip)
                .with("mode", mode)
                .with("ngram_counts", vec![0i64, 4])
                .with("ngram_indexes", vec![0i64, 1, 2, 3, 5, 4, 6])
        };
        let pool = |a: Attrs| a.with("pool_int64s", vec![2i64, 3, 5, 4, 5, 6, 7, 8, 6, 7]);
        let words = ["2", "3", "5", "4", "5", "6", "7", "8", "6", "7"].map(String::from).to_vec();
        let weights: Vec<f32> = (1..8).map(|k| k as f32 / 2.0).collect();
        let x = Tensor::i64(&[2, 6], &[1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8]);
        let s = |a: Attrs, x: &Tensor| Sample::new(a, vec![x.clone()]);
        let text = Tensor::of_strings(&[6], ["8", "6", "7", "5", "6", "8"]);
        vec![
            s(pool(a(1, 1, 3, "TF")), &x),
            s(pool(a(2, 2, 5, "TF")), &x.cast(DType::I32)),
            s(pool(a(1, 2, 1, "TFIDF")).with("weights", weights.clone()), &x),
            s(pool(a(1, 2, 0, "IDF")).with("weights", weights), &x),
            s(pool(a(1, 2, 5, "IDF")), &ints(&[5, 6, 7, 8, 6, 7])),
            s(a(1, 2, 1, "TF").with("pool_strings", words), &text),
        ]
    }
}
