//! `SVMClassifier`: the class with the most votes of pairs of classes, and the scores or probabilities of all.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_SVMClassifier.html>
//!
//! Decision of classes i < j (`C.-C. Chang, C.-J. Lin: LIBSVM`, section 7): the sum over the support vectors of i with
//! row j - 1 of the coefficients, and over those of j with row i, of coefficient * kernel, and rho; above 0 is a vote
//! for i. With `prob_a` and `prob_b` the decision d becomes the probability `1 / (1 + exp(a * d + b))` of i against j,
//! and the probabilities of the classes are those of section 8 there (T.-F. Wu et al. 2004, second approach).
//! Where the definition is silent it is as in ONNX Runtime: two classes without probabilities have scores `-d` and `d`,
//! which only `LOGISTIC` transforms, but `1 - d` for `-d` with `SOFTMAX` and `SOFTMAX_ZERO`.

use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::kernel::Kernel;
use super::common::labels::{Labels, largest};
use super::common::scores::Post;
use super::common::trees::{matrix, natural, rows};
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(SvmClassifierAttrs {
    /// Labels of the classes.
    classlabels_ints: Vec<i64> = vec![],
    /// Labels of the classes.
    classlabels_strings: Vec<String> = vec![],
    /// A row less than classes, a column for each support vector.
    coefficients: Vec<f32>,
    /// gamma, coef0 and degree.
    kernel_params: Vec<f32> = vec![],
    /// `LINEAR`, `POLY`, `RBF` or `SIGMOID`.
    kernel_type: String = "LINEAR".into(),
    /// Transformation of the scores.
    post_transform: String = "NONE".into(),
    /// One for each pair of classes.
    prob_a: Vec<f32> = vec![],
    /// One for each pair of classes.
    prob_b: Vec<f32> = vec![],
    /// One for each pair of classes.
    rho: Vec<f32>,
    /// The support vectors, those of the first class first.
    support_vectors: Vec<f32> = vec![],
    /// Number of support vectors of each class.
    vectors_per_class: Vec<i64> = vec![],
});

pub struct SvmClassifier;

/// Probabilities of a pair are kept this far from 0 and 1, as in LIBSVM.
const EDGE: f64 = 1e-7;

struct Machine {
    a: SvmClassifierAttrs,
    kernel: Kernel,
    labels: Labels,
    post: Post,
    /// Where the support vectors of each class begin, and the end.
    starts: Vec<usize>,
}

impl Machine {
    fn read(c: &Ctx) -> Result<Self> {
        let mut a = SvmClassifierAttrs::read(c.attrs)?;
        let (labels, post) =
            (Labels::of(&a.classlabels_ints, &a.classlabels_strings)?, Post::named(&a.post_transform)?);
        let (n, mut starts) = (labels.count(), vec![0]);
        for v in &a.vectors_per_class {
            starts.push(starts[starts.len() - 1] + natural(*v, "vectors_per_class")?);
        }
        let (count, given) = (starts[starts.len() - 1], a.vectors_per_class.len());
        ensure!(
            n > 1 && given == n,
            "attribute vectors_per_class has {given} numbers for {n} classes, expected two classes or more"
        );
        let kernel = Kernel::read(&a.kernel_type, &a.kernel_params, std::mem::take(&mut a.support_vectors), count)?;
        let (found, pairs) = (a.coefficients.len(), n * (n - 1) / 2);
        ensure!(found == (n - 1) * count, "there are {found} coefficients, expected {}", (n - 1) * count);
        let lists = [("rho", a.rho.len()), ("prob_a", a.prob_a.len()), ("prob_b", a.prob_b.len())];
        for (what, found) in lists {
            let absent = what != "rho" && a.prob_a.is_empty() && a.prob_b.is_empty();
            ensure!(absent || found == pairs, "attribute {what} has {found} numbers, expected {pairs}");
        }
        let plain = n == 2 && a.prob_a.is_empty();
        ensure!(!plain || post != Post::Probit, "PROBIT of two classes without probabilities is not supported");
        Ok(Machine { a, kernel, labels, post, starts })
    }

    fn check(&self, x: &Fact) -> Result<()> {
        let fits = matrix(x)?.is_none_or(|f| f == self.kernel.features as i64) && x.dtype != DType::Bool;
        ensure!(fits, "operand X is {x}, expected numbers of {} features", self.kernel.features);
        Ok(())
    }

    /// The pairs of classes, in the order of the decisions.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let n = self.labels.count();
        (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect()
    }

    /// Number of scores.
    fn scores(&self) -> usize {
        if self.a.prob_a.is_empty() { self.pairs().len().max(2) } else { self.labels.count() }
    }

    /// Coefficient of support vector `v` in the decision of a pair.
    fn coefficient(&self, (i, j): (usize, usize), v: usize) -> f64 {
        let of = |class: usize| (self.starts[class]..self.starts[class + 1]).contains(&v);
        let row = if of(i) { j - 1 } else { i };
        if of(i) || of(j) { self.a.coefficients[row * self.kernel.count + v] as f64 } else { 0.0 }
    }

    /// Decisions of all pairs for a row.
    fn decisions(&self, x: &[f64]) -> Vec<f64> {
        let k = self.kernel.row(x);
        let one = |(p, rho): ((usize, usize), &f32)| {
            k.iter().enumerate().map(|(v, k)| self.coefficient(p, v) * k).sum::<f64>() + *rho as f64
        };
        self.pairs().into_iter().zip(&self.a.rho).map(one).collect()
    }

    /// Probabilities of the classes from the decisions.
    fn probabilities(&self, decisions: &[f64]) -> Vec<f64> {
        let n = self.labels.count();
        let mut r = vec![vec![0.0; n]; n];
        for (k, (i, j)) in self.pairs().into_iter().enumerate() {
            let p = 1.0 / (1.0 + (self.a.prob_a[k] as f64 * decisions[k] + self.a.prob_b[k] as f64).exp());
            r[i][j] = p.clamp(EDGE, 1.0 - EDGE);
            r[j][i] = 1.0 - r[i][j];
        }
        coupled(&r)
    }

    /// The class of a row and its scores.
    fn row(&self, x: &[f64]) -> (usize, Vec<f64>) {
        let d = self.decisions(x);
        let mut votes = vec![0.0; self.labels.count()];
        for ((i, j), d) in self.pairs().into_iter().zip(&d) {
            votes[if *d > 0.0 { i } else { j }] += 1.0;
        }
        let scores = match (d.len(), self.post) {
            _ if !self.a.prob_a.is_empty() => self.post.row(&self.probabilities(&d)),
            (1, Post::None) => vec![-d[0], d[0]],
            (1, Post::Logistic) => self.post.row(&[-d[0], d[0]]),
            (1, _) => vec![1.0 - d[0], d[0]],
            _ => self.post.row(&d),
        };
        (largest(&votes), scores)
    }

    /// Class and scores of every row in a graph, of a machine without probabilities.
    fn apply(&self, e: &mut Expansion, x: Value) -> Result<[Value; 2]> {
        let (pairs, count, n) = (self.pairs(), self.kernel.count, self.labels.count());
        let kernel = self.kernel.apply(e, x)?;
        let own: Vec<f32> =
            (0..count).flat_map(|v| pairs.iter().map(move |p| self.coefficient(*p, v) as f32)).collect();
        let (own, rho) = (
            e.constant(Tensor::f32(&[count, pairs.len()], &own)),
            e.constant(Tensor::f32(&[pairs.len()], &self.a.rho)),
        );
        let d = e.op("MatMul", &[kernel, own])?;
        let d = e.op("Add", &[d, rho])?;
        let zero = e.scalar(DType::F32, 0.0);
        let won = e.op("Greater", &[d, zero])?;
        // A vote for i is 1 for i; against it, 1 for j: votes = lost + won * (i - j).
        let entry = |f: &dyn Fn((usize, usize), usize) -> f32| -> Vec<f32> {
            pairs.iter().flat_map(|p| (0..n).map(|k| f(*p, k)).collect::<Vec<_>>()).collect()
        };
        let change = entry(&|(i, j), k| f32::from(u8::from(k == i)) - f32::from(u8::from(k == j)));
        let lost: Vec<f32> = (0..n).map(|k| pairs.iter().filter(|p| p.1 == k).count() as f32).collect();
        let (change, lost) =
            (e.constant(Tensor::f32(&[pairs.len(), n], &change)), e.constant(Tensor::f32(&[n], &lost)));
        let won = e.cast(won, DType::F32)?;
        let votes = e.op("MatMul", &[won, change])?;
        let votes = e.op("Add", &[votes, lost])?;
        let class = e.with("ArgMax", Attrs::new().with("axis", 1i64).with("keepdims", 0i64), &[votes])?;
        if pairs.len() > 1 {
            return Ok([class, self.post.apply(e, d)?]);
        }
        let one = e.scalar(DType::F32, 1.0);
        let plain = matches!(self.post, Post::None | Post::Logistic);
        let other = if plain { e.op("Neg", &[d])? } else { e.op("Sub", &[one, d])? };
        let scores = e.with("Concat", Attrs::new().with("axis", 1i64), &[other, d])?;
        Ok([class, if self.post == Post::Logistic { self.post.apply(e, scores)? } else { scores }])
    }
}

/// Probabilities of classes from those of pairs: the fixed point of Wu et al. (2004), by LIBSVM's iteration.
fn coupled(r: &[Vec<f64>]) -> Vec<f64> {
    let n = r.len();
    let mut q = vec![vec![0.0; n]; n];
    for t in 0..n {
        for j in (0..n).filter(|j| *j != t) {
            q[t][t] += r[j][t] * r[j][t];
            q[t][j] = -r[j][t] * r[t][j];
        }
    }
    let mut p = vec![1.0 / n as f64; n];
    for _ in 0..n.max(100) {
        let mut qp: Vec<f64> = q.iter().map(|row| row.iter().zip(&p).map(|(a, b)| a * b).sum()).collect();
        let mut pqp: f64 = p.iter().zip(&qp).map(|(a, b)| a * b).sum();
        if qp.iter().all(|v| (v - pqp).abs() < 0.005 / n as f64) {
            break;
        }
        for t in 0..n {
            let step = (pqp - qp[t]) / q[t][t];
            p[t] += step;
            pqp = (pqp + step * (step * q[t][t] + 2.0 * qp[t])) / ((1.0 + step) * (1.0 + step));
            for j in 0..n {
                qp[j] = (qp[j] + step * q[t][j]) / (1.0 + step);
                p[j] /= 1.0 + step;
            }
        }
    }
    p
}

impl Op for SvmClassifier {
    fn name(&self) -> &'static str {
        "SVMClassifier"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SvmClassifierAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| false)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, m) = (need(x, 0, "X")?, Machine::read(c)?);
        m.check(x)?;
        let mut y = m.labels.infer(&x.shape[0], m.scores());
        y.truncate(c.outputs);
        Ok(y)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, m) = (need(x, 0, "X")?, Machine::read(c)?);
        m.check(&x.type_fact())?;
        let all = x.to_f64();
        let (classes, scores): (Vec<usize>, Vec<Vec<f64>>) = all.chunks(m.kernel.features).map(|r| m.row(r)).unzip();
        let mut y = vec![m.labels.pick(&classes), rows(DType::F32, scores, m.scores())];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let m = Machine::read(c)?;
        ensure!(m.a.prob_a.is_empty(), "probabilities (prob_a) are computed by --target reference only");
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = e.cast(v, DType::F32)?;
        let [class, scores] = m.apply(&mut e, v)?;
        let label = m.labels.gather(&mut e, class)?;
        Ok(e.done(&[label, scores][..c.outputs]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = sample_floats(&[4, 2], 1);
        let vectors = vec![0.5f32, 0.125, -0.25, 0.25, 0.375, -0.5, 1.0, 1.0];
        let base =
            |kernel: &str| Attrs::new().with("kernel_type", kernel).with("kernel_params", vec![0.25f32, 0.5, 3.0]);
        let two = |kernel: &str| {
            base(kernel)
                .with("classlabels_ints", vec![10i64, 20])
                .with("support_vectors", vectors[..6].to_vec())
                .with("vectors_per_class", vec![1i64, 2])
                .with("coefficients", vec![0.5f32, -0.25, -0.375])
                .with("rho", vec![0.125f32])
        };
        let three = |kernel: &str| {
            base(kernel)
                .with("classlabels_ints", vec![10i64, 20, 30])
                .with("support_vectors", vectors.clone())
                .with("vectors_per_class", vec![1i64, 2, 1])
                .with("coefficients", vec![0.5f32, -0.25, -0.375, 0.125, 0.25, 0.5, -0.625, 0.75])
                .with("rho", vec![0.125f32, 0.25, -0.125])
        };
        let names = vec!["no".to_string(), "yes".to_string(), "?".to_string()];
        let mut text = three("LINEAR").with("classlabels_strings", names);
        text.remove("classlabels_ints");
        let text = text.with("prob_a", vec![-1.5f32, -1.0, -0.5]).with("prob_b", vec![0.25f32, 0.125, 0.0]);
        let s = |a: Attrs| Sample { outputs: 2, ..Sample::new(a, vec![x.clone()]) };
        vec![
            s(two("RBF")),
            s(two("LINEAR").with("post_transform", "LOGISTIC")),
            s(two("SIGMOID").with("post_transform", "SOFTMAX")),
            s(three("POLY")),
            s(three("RBF").with("post_transform", "SOFTMAX")),
            s(text),
        ]
    }
}
