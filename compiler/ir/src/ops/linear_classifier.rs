//! `LinearClassifier`: the class with the largest of scores `X * coefficients^T + intercepts`, and the scores,
//! transformed. <https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html>
//!
//! Of two classes the scores may be one, s: that of class 1, whose label is given above 0. The definition is silent
//! about class 0; as in ONNX Runtime its score is `1 - s`, and only `LOGISTIC` transforms both, from `-s` and `s`.

use super::common::affine::{Affine, some};
use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::labels::{Labels, largest};
use super::common::scores::Post;
use super::common::trees::rows;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(LinearClassifierAttrs {
    /// Labels of the classes.
    classlabels_ints: Vec<i64> = vec![],
    /// Labels of the classes.
    classlabels_strings: Vec<String> = vec![],
    /// One row for each score.
    coefficients: Vec<f32>,
    /// One for each score.
    intercepts: Vec<f32> = vec![],
    /// Whether there are several classes of which each is told from all others; has no effect.
    multi_class: i64 = 0,
    /// Transformation of the scores.
    post_transform: String = "NONE".into(),
});

pub struct LinearClassifier;

struct Model {
    affine: Affine,
    labels: Labels,
    post: Post,
}

impl Model {
    /// There are as many scores as intercepts or, without any, as classes.
    fn read(c: &Ctx) -> Result<Self> {
        let a = LinearClassifierAttrs::read(c.attrs)?;
        let labels = Labels::of(&a.classlabels_ints, &a.classlabels_strings)?;
        let coefficients = some(a.coefficients, "coefficients")?;
        let scores = match a.intercepts.len() {
            0 => labels.count(),
            n => n,
        };
        let fits = labels.count() > 1 && (scores == labels.count() || (scores == 1 && labels.count() == 2));
        ensure!(
            fits,
            "attribute coefficients gives {scores} scores, expected one for each of {} classes",
            labels.count()
        );
        let post = Post::named(&a.post_transform)?;
        ensure!(scores > 1 || post != Post::Probit, "PROBIT of two classes with one score is not supported");
        Ok(Model { affine: Affine { coefficients, intercepts: a.intercepts, scores }, labels, post })
    }

    /// The class of a row and its scores, transformed.
    fn row(&self, r: &[f64]) -> (usize, Vec<f64>) {
        match self.single() {
            false => (largest(r), self.post.row(r)),
            true if self.post == Post::Logistic => (usize::from(r[0] > 0.0), self.post.row(&[-r[0], r[0]])),
            true => (usize::from(r[0] > 0.0), vec![1.0 - r[0], r[0]]),
        }
    }

    /// The same of all rows in a graph, where one score tells two classes apart.
    fn pair(&self, e: &mut Expansion, s: Value) -> Result<[Value; 2]> {
        let (zero, one, axis) = (e.scalar(DType::F32, 0.0), e.scalar(DType::F32, 1.0), e.ints(&[1]));
        let above = e.op("Greater", &[s, zero])?;
        let above = e.op("Squeeze", &[above, axis])?;
        let class = e.cast(above, DType::I64)?;
        let logistic = self.post == Post::Logistic;
        let other = if logistic { e.op("Neg", &[s])? } else { e.op("Sub", &[one, s])? };
        let scores = e.with("Concat", Attrs::new().with("axis", 1i64), &[other, s])?;
        Ok([class, if logistic { self.post.apply(e, scores)? } else { scores }])
    }

    /// Whether one score tells two classes apart.
    fn single(&self) -> bool {
        self.affine.scores == 1
    }
}

impl Op for LinearClassifier {
    fn name(&self) -> &'static str {
        "LinearClassifier"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LinearClassifierAttrs::SCHEMA
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
        let x = need(x, 0, "X")?;
        let m = Model::read(c)?;
        m.affine.features(x)?;
        let mut y = m.labels.infer(&x.shape[0], m.labels.count());
        y.truncate(c.outputs);
        Ok(y)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let m = Model::read(c)?;
        let (classes, scores): (Vec<usize>, Vec<Vec<f64>>) = m.affine.eval(x)?.iter().map(|r| m.row(r)).unzip();
        let mut y = vec![m.labels.pick(&classes), rows(DType::F32, scores, m.labels.count())];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let m = Model::read(c)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let scores = m.affine.apply(&mut e, v)?;
        let [classes, scores] = match m.single() {
            true => m.pair(&mut e, scores)?,
            false => {
                let best = Attrs::new().with("axis", 1i64).with("keepdims", 0i64);
                [e.with("ArgMax", best, &[scores])?, m.post.apply(&mut e, scores)?]
            }
        };
        let label = m.labels.gather(&mut e, classes)?;
        Ok(e.done(&[label, scores][..c.outputs]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = sample_floats(&[4, 3], 1);
        let c = vec![0.5f32, -1.0, 0.25, 2.0, 1.0, -0.5, -1.0, 0.5, 0.125];
        let ints = |n: i64| Attrs::new().with("classlabels_ints", (0..n).map(|k| 10 * k).collect::<Vec<i64>>());
        let three = ints(3).with("coefficients", c.clone()).with("multi_class", 1i64);
        let one = ints(2).with("coefficients", c[..3].to_vec()).with("intercepts", vec![-0.5f32]);
        let names = vec!["no".to_string(), "yes".to_string()];
        let text = Attrs::new().with("classlabels_strings", names).with("coefficients", c[..6].to_vec());
        let own = vec![0.5f32, -0.25, 1.0];
        let s = |a: Attrs| Sample { outputs: 2, ..Sample::new(a, vec![x.clone()]) };
        vec![
            s(three.clone().with("intercepts", own).with("post_transform", "SOFTMAX")),
            s(three.with("post_transform", "LOGISTIC")),
            s(one.clone()),
            s(one.with("intercepts", vec![0.25f32]).with("post_transform", "LOGISTIC")),
            s(text),
        ]
    }
}
