//! Tensors and attributes worth trying for a variable.

use super::Known;
use crate::rule::{Law, Test, vars};
use crate::term::{Term, takes_attrs};
use dlc_ir::{Attr, Attrs, DType, Num, OpRef, Sample, Tensor, ops};
use egg::{ENodeOrVar, Var};
use std::collections::{HashMap, HashSet};

/// Where a variable stands on the left side: operator and which of its children.
struct Place {
    op: OpRef,
    child: usize,
}

/// What may be assigned, in an order decided by a seed.
pub struct Candidates {
    places: HashMap<Var, Place>,
    numbers: HashMap<Var, Vec<f64>>,
    attrs: HashMap<Var, Attrs>,
    variable: HashSet<Var>,
    state: u64,
    dtype: DType,
}

impl Candidates {
    /// For the variables of a rule.
    pub fn new(law: &Law, seed: u64) -> Self {
        let mut c = Candidates {
            places: HashMap::new(),
            numbers: HashMap::new(),
            attrs: HashMap::new(),
            variable: HashSet::new(),
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            dtype: if seed % 5 == 4 { DType::I64 } else { DType::F32 },
        };
        let nodes = law.lhs.ast.as_ref();
        for n in nodes {
            if let ENodeOrVar::ENode(Term::Op(op, _, children)) = n {
                children.iter().enumerate().for_each(|(k, id)| c.place(&nodes[usize::from(*id)], *op, k));
            }
        }
        for v in vars(&law.lhs.ast) {
            c.conditions(v, &law.when);
        }
        c
    }

    fn place(&mut self, n: &ENodeOrVar<Term>, op: usize, child: usize) {
        if let ENodeOrVar::Var(v) = n {
            self.places.entry(*v).or_insert(Place { op: OpRef(ops::OPS[op]), child });
        }
    }

    fn conditions(&mut self, v: Var, when: &[Test]) {
        for t in when.iter().filter(|t| t.vars().contains(&v)) {
            match t.name() {
                "is" => self.numbers.entry(v).or_default().extend(t.numbers()),
                "int" | "number" => self.attribute(v, t),
                "const" if !t.expected() => {
                    self.variable.insert(v);
                }
                _ => {}
            }
        }
    }

    /// An attribute that a condition asks for.
    fn attribute(&mut self, v: Var, t: &Test) {
        if let (Some(name), Some(value)) = (t.word(), t.numbers().last()) {
            let value = if t.name() == "int" { (*value as i64).into() } else { Attr::Float(*value as f32) };
            self.attrs.entry(v).or_default().set(name, value);
        }
    }

    fn random(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % n.max(1)
    }

    fn shuffle<T>(&mut self, v: &mut [T]) {
        for i in (1..v.len()).rev() {
            let j = self.random(i + 1);
            v.swap(i, j);
        }
    }

    /// Candidates for `v`, of which `values` were evaluated before.
    pub fn of(&mut self, v: Var, values: &[Known]) -> Vec<Known> {
        let place = self.places.get(&v).map(|p| (p.op, p.child));
        let attrs = place.is_some_and(|(op, child)| child == 0 && takes_attrs(op));
        if attrs {
            let op = place.map(|p| p.0);
            let mut all: Vec<Attrs> = op.iter().flat_map(|op| op.samples()).map(|s| s.attrs).collect();
            all.push(Attrs::new());
            all.extend(self.attrs.get(&v).cloned());
            all.dedup();
            self.shuffle(&mut all);
            return all.into_iter().map(Known::attrs).collect();
        }
        let mut all = match self.numbers.get(&v).cloned() {
            Some(numbers) => self.filled(&numbers),
            None => self.tensors(place, values),
        };
        self.shuffle(&mut all);
        all.truncate(40);
        let known = if self.variable.contains(&v) { Known::variable } else { Known::tensor };
        all.into_iter().map(known).collect()
    }

    fn filled(&self, numbers: &[f64]) -> Vec<Tensor> {
        let shapes: [&[usize]; 4] = [&[], &[1], &[1, 1], &[3]];
        let one = |v: f64, s: &[usize]| {
            let n: usize = s.iter().product();
            Tensor::new(DType::F32, s, vec![Num::F(v); n]).cast(self.dtype)
        };
        numbers.iter().flat_map(|v| shapes.iter().map(move |s| one(*v, s))).collect()
    }

    /// Operands of the operator's own samples, and tensors whose shapes are like those at hand.
    fn tensors(&mut self, place: Option<(OpRef, usize)>, values: &[Known]) -> Vec<Tensor> {
        let mut out = vec![];
        if let Some((op, child)) = place {
            let operand = |s: Sample| s.x.into_iter().nth(child - takes_attrs(op) as usize).flatten();
            out.extend(op.samples().into_iter().filter_map(operand).filter(|t| t.len() <= 2000));
        }
        for t in values.iter().flat_map(|k| &k.tensors).rev().take(6) {
            for shape in like(t.shape()) {
                out.push(self.fill(t.dtype(), &shape));
            }
        }
        for shape in [&[][..], &[1], &[3], &[2, 3], &[3, 3], &[3, 4], &[2, 3, 4], &[1, 3, 2, 2]] {
            out.push(self.fill(self.dtype, shape));
        }
        for v in [&[-1][..], &[0], &[1], &[1, 2], &[6], &[3, 2], &[0, -1], &[2, 2, -1]] {
            out.push(Tensor::i64(&[v.len()], v));
        }
        out
    }

    fn fill(&mut self, dtype: DType, shape: &[usize]) -> Tensor {
        let n: usize = shape.iter().product();
        // Some tensors hold powers of two only, some are positive: conditions and roots ask for them.
        let kind = self.random(4);
        let data: Vec<f64> = (0..n)
            .map(|_| match kind {
                0 => [0.5, 2.0, 4.0, 1.0][self.random(4)],
                1 => 0.25 + self.random(32) as f64 / 8.0,
                _ => self.random(65) as f64 / 8.0 - 4.0,
            })
            .collect();
        Tensor::floats(dtype, shape, &data)
    }
}

/// Shapes that go with a shape: itself, one number per channel or column, one per row, one at all, a matrix after it.
fn like(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut out = vec![shape.to_vec(), vec![], vec![1]];
    if let Some(last) = shape.last() {
        out.extend([vec![*last], vec![1, *last], vec![*last, 3]]);
    }
    if let [first, spatial @ ..] = shape {
        out.push(vec![*first]);
        // Beside filters, and beside images of as many channels.
        let ones = vec![1; spatial.len().saturating_sub(1)];
        out.push([vec![1, *first], ones.clone()].concat());
        out.push([vec![*first], ones].concat());
    }
    if let [_, c, spatial @ ..] = shape {
        out.push([vec![1, *c], vec![1; spatial.len()]].concat());
    }
    out
}
