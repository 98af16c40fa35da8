//! Tests a rule by the meaning of its operators: both sides are evaluated on small tensors of every type-checking kind.

mod candidates;

use crate::analysis::{Data, Info, infer};
use crate::functions::FUNCTIONS;
use crate::rule::{Law, Rule, Test};
use crate::term::{Term, takes_attrs};
use candidates::Candidates;
use dlc_ir::{Attrs, Ctx, DType, OpRef, Tensor, interp, ops};
use egg::{ENodeOrVar, PatternAst, Var};
use std::collections::HashMap;

/// Cases that are enough for one rule.
const ENOUGH: usize = 24;
/// Random starts of the search for cases.
const STARTS: u64 = 400;
/// Terms evaluated from one start.
const STEPS: usize = 250;

/// What a part of a pattern is in one case.
#[derive(Clone, Debug)]
pub struct Known {
    data: Data,
    tensors: Vec<Tensor>,
}

impl Known {
    /// A tensor of which rules may know the value.
    pub fn tensor(t: Tensor) -> Self {
        Known { data: Data::constant(t.clone()), tensors: vec![t] }
    }
    /// A tensor of which rules know type and shape.
    pub fn variable(t: Tensor) -> Self {
        Known { data: Data::Tensor(Info { fact: t.type_fact(), constant: false }), tensors: vec![t] }
    }
    /// Attributes.
    pub fn attrs(a: Attrs) -> Self {
        Known { data: Data::Attrs(a), tensors: vec![] }
    }
}

/// Number of cases in which both sides agree. An error shows a case in which they do not, or says that there is none:
/// then the left side never type-checks, or the conditions never hold, and the rule is dead.
pub fn check(rule: &Rule) -> Result<usize, String> {
    let law = rule.compile()?;
    let mut cases = 0;
    for start in 0..STARTS {
        let candidates = Candidates::new(&law, start);
        let mut c = Case { law: &law, candidates, values: vec![], env: HashMap::new(), left: STEPS, cases: 0 };
        c.search().map_err(|e| format!("rule {}: {e}", rule.name))?;
        cases += c.cases;
        if cases >= ENOUGH {
            return Ok(cases);
        }
    }
    match cases {
        0 => Err(format!("rule {}: the left side never type-checks under its conditions", rule.name)),
        n => Ok(n),
    }
}

struct Case<'a> {
    law: &'a Law,
    candidates: Candidates,
    values: Vec<Known>,
    env: HashMap<Var, Known>,
    left: usize,
    cases: usize,
}

impl Case<'_> {
    /// Assigns the variables in the order in which the left side mentions them, operands before operators.
    fn search(&mut self) -> Result<(), String> {
        let at = self.values.len();
        let Some(node) = self.law.lhs.ast.as_ref().get(at).cloned() else { return self.compare() };
        match node {
            ENodeOrVar::Var(v) if self.env.contains_key(&v) => self.go_on(self.env[&v].clone()),
            ENodeOrVar::Var(v) => self.assign(v),
            ENodeOrVar::ENode(t) => {
                self.left = self.left.saturating_sub(1);
                match eval(&t, &self.values) {
                    Some(k) => self.go_on(k),
                    None => Ok(()),
                }
            }
        }
    }

    fn go_on(&mut self, k: Known) -> Result<(), String> {
        self.values.push(k);
        let out = self.search();
        self.values.pop();
        out
    }

    fn assign(&mut self, v: Var) -> Result<(), String> {
        for k in self.candidates.of(v, &self.values) {
            if self.left == 0 || self.cases >= 2 {
                break;
            }
            self.env.insert(v, k.clone());
            if self.possible(v) {
                self.go_on(k)?;
            }
            self.env.remove(&v);
        }
        Ok(())
    }

    /// Whether the conditions on `v` hold, as far as their variables are assigned.
    fn possible(&self, v: Var) -> bool {
        let assigned = |t: &&Test| t.vars().contains(&v) && t.vars().iter().all(|v| self.env.contains_key(v));
        self.law.when.iter().filter(assigned).all(|t| t.holds(&|v| &self.env[&v].data))
    }

    /// Both sides in a case where the left one type-checks.
    fn compare(&mut self) -> Result<(), String> {
        let Some(right) = eval_pattern(&self.law.rhs, &self.env) else { return Ok(()) };
        let left = &self.values[self.values.len() - 1];
        if !left.data.agrees(&right.data) {
            let type_of = |k: &Known| k.data.fact().map_or(format!("{:?}", k.data), |f| f.to_string());
            return Err(format!("types differ: {} and {} for {}", type_of(left), type_of(&right), self.show()));
        }
        for (a, b) in left.tensors.iter().zip(&right.tensors) {
            if let Some(i) = difference(a, b) {
                return Err(format!("element {i} differs: {a:?} and {b:?} for {}", self.show()));
            }
        }
        self.cases += 1;
        Ok(())
    }

    fn show(&self) -> String {
        let mut all: Vec<String> =
            self.env.iter().map(|(v, k)| format!("{v} = {:?} {:?}", k.tensors, k.data.attrs())).collect();
        all.sort();
        all.join(", ")
    }
}

/// The first element that is not equal up to rounding. Where the left side is not finite anything is.
pub(crate) fn difference(a: &Tensor, b: &Tensor) -> Option<usize> {
    let largest = a.iter().map(|v| v.f().abs()).filter(|v| v.is_finite()).fold(1e-3, f64::max);
    let tolerance = match a.dtype() {
        DType::F32 | DType::F64 => 1e-4 * largest,
        DType::F16 => 1e-2 * largest,
        DType::BF16 => 8e-2 * largest,
        _ => 0.0,
    };
    a.iter().zip(b.iter()).position(|(a, b)| {
        let (a, b) = (a.f(), b.f());
        a.is_finite() && !(a == b || (a - b).abs() <= tolerance)
    })
}

fn eval_pattern(p: &PatternAst<Term>, env: &HashMap<Var, Known>) -> Option<Known> {
    let mut values: Vec<Known> = vec![];
    for n in p {
        let k = match n {
            ENodeOrVar::Var(v) => env[v].clone(),
            ENodeOrVar::ENode(t) => eval(t, &values)?,
        };
        values.push(k);
    }
    values.pop()
}

/// Value of a term whose children are `values`; none where it does not type-check.
fn eval(t: &Term, values: &[Known]) -> Option<Known> {
    let child = |id: &egg::Id| &values[usize::from(*id)];
    match t {
        Term::Attrs(a) => Some(Known::attrs(a.clone())),
        Term::Const(t) => Some(Known::tensor(t.clone())),
        Term::Nil => Some(Known { data: Data::Nil, tensors: vec![] }),
        Term::Leaf(_) => None,
        Term::Proj(k, c) => {
            let t = child(c).tensors.get(*k as usize)?.clone();
            let Data::Tuple(infos) = &child(c).data else { return None };
            Some(Known { data: Data::Tensor(infos[*k as usize].clone()), tensors: vec![t] })
        }
        Term::Fun(f, c) => {
            let args: Vec<&Data> = c.iter().map(|c| &child(c).data).collect();
            let data = (FUNCTIONS[*f].value)(&args)?;
            let tensors = data.fact().and_then(|f| f.constant()).cloned().into_iter().collect();
            Some(Known { data, tensors })
        }
        Term::Op(op, results, c) => {
            let children: Vec<&Known> = c.iter().map(child).collect();
            eval_op(OpRef(ops::OPS[*op]), *results, &children)
        }
    }
}

fn eval_op(op: OpRef, results: usize, children: &[&Known]) -> Option<Known> {
    let data = infer(op, results, &children.iter().map(|k| &k.data).collect::<Vec<_>>());
    if matches!(data, Data::IllTyped(_)) {
        return None;
    }
    let attrs = children.first().and_then(|k| k.data.attrs()).cloned().unwrap_or_else(Attrs::new);
    let x: Vec<Option<&Tensor>> = children[takes_attrs(op) as usize..].iter().map(|k| k.tensors.first()).collect();
    let tensors = interp::eval(op.0, &Ctx { name: "check", attrs: &attrs, outputs: results }, &x).ok()?;
    Some(Known { data, tensors })
}
