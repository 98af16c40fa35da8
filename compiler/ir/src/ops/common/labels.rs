//! The labels that classifiers give: integers or strings.

use super::expansion::Expansion;
use crate::{DType, Dim, Fact, Result, Tensor, Value, bail};

/// One label for each class.
pub struct Labels(pub Tensor);

impl Labels {
    /// Those of the list that is there.
    pub fn of(ints: &[i64], strings: &[String]) -> Result<Self> {
        match (ints.is_empty(), strings.is_empty()) {
            (false, true) => Ok(Labels(Tensor::i64(&[ints.len()], ints))),
            (true, false) => Ok(Labels(Tensor::of_strings(&[strings.len()], strings.iter().map(String::as_str)))),
            (true, true) => bail!("attributes of class labels are missing, expected integers or strings"),
            _ => bail!("attributes are given for class labels as integers and as strings, expected one of them"),
        }
    }

    /// Number of classes.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Facts of the labels of `rows` and of their scores.
    pub fn infer(&self, rows: &Dim, scores: usize) -> Vec<Fact> {
        vec![Fact::new(self.0.dtype(), [rows.clone()]), Fact::new(DType::F32, [rows.clone(), scores.into()])]
    }

    /// The labels of classes with these numbers.
    pub fn pick(&self, classes: &[usize]) -> Tensor {
        match self.0.dtype() {
            DType::Str => Tensor::of_strings(&[classes.len()], classes.iter().map(|c| self.0.string(*c))),
            d => Tensor::new(d, &[classes.len()], classes.iter().map(|c| self.0.at(*c))),
        }
    }

    /// The same in a graph.
    pub fn gather(&self, e: &mut Expansion, classes: Value) -> Result<Value> {
        let all = e.constant(self.0.clone());
        e.op("Gather", &[all, classes])
    }
}

/// The first class with the largest score.
pub fn largest(scores: &[f64]) -> usize {
    (1..scores.len()).fold(0, |best, i| if scores[i] > scores[best] { i } else { best })
}
