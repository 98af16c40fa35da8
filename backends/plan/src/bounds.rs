//! The conditions on sizes under which every access stays inside its tensor.

use crate::{Assert, Body};
use dlc_ir::Dim;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::{E, Expr};
use std::collections::{BTreeMap, BTreeSet};

/// What must hold for a step, and cannot be shown now, about accesses that no condition guards.
pub fn asserts(body: &Body, node: &str) -> Vec<Assert> {
    let mut c = Collector { node, ranges: BTreeMap::new(), found: BTreeSet::new(), out: vec![] };
    match body {
        Body::Comp(comp) => {
            c.bind(0, &comp.shape);
            c.visit(&comp.expr);
        }
        Body::Contract { contract: k, epilogue, .. } => {
            let mut first = 0;
            for axes in [&k.batch, &k.m, &k.n, &k.k] {
                c.bind(first, axes);
                first += axes.len() as u32;
            }
            for e in [&k.a, &k.b, epilogue] {
                c.visit(e);
            }
            c.summed(k);
        }
        Body::Proc { .. } => {}
    }
    c.out
}

struct Collector<'a> {
    node: &'a str,
    ranges: BTreeMap<u32, Dim>,
    found: BTreeSet<(Dim, Dim)>,
    out: Vec<Assert>,
}

impl Collector<'_> {
    fn bind(&mut self, first: u32, dims: &[Dim]) {
        for (i, d) in dims.iter().enumerate() {
            self.ranges.insert(first + i as u32, d.clone());
        }
    }

    fn visit(&mut self, e: &Expr) {
        match &**e {
            E::Load { index, shape, .. } => {
                for (i, d) in index.iter().zip(shape.iter()) {
                    self.check(i, d);
                    self.visit(i);
                }
            }
            E::Select(c, ..) => self.visit(c),
            E::Reduce(_, vars, body) => {
                self.ranges.extend(vars.iter().cloned());
                self.visit(body);
            }
            _ => e.for_children(&mut |c| self.visit(c)),
        }
    }

    /// The largest value of a linear index with non-negative steps is below the extent.
    fn check(&mut self, index: &Expr, extent: &Dim) {
        let l = Linear::of(index);
        if !l.other.is_empty() {
            return;
        }
        let mut top = l.constant.clone();
        for (v, c) in &l.vars {
            let Some(n) = self.ranges.get(v) else { return };
            if c.at_least(0) || c.as_const().is_none() {
                top = top + c.clone() * (n.clone() - 1.into());
            }
        }
        let need =
            |left: Dim, right: Dim| if (right.clone() - left.clone()).at_least(0) { None } else { Some((left, right)) };
        if let Some((l, r)) = need(top, extent.clone() - 1.into()) {
            self.add(l, r, extent);
        }
    }

    /// Both factors have all of the summed axes. Constant sizes were compared by inference; where they differ here, the
    /// factor is a part of a larger tensor.
    fn summed(&mut self, k: &dlc_ir::lower::Contract) {
        let first = (k.batch.len() + k.m.len() + k.n.len()) as u32;
        let mut found = vec![];
        for e in [&k.a, &k.b] {
            if let E::Load { index, shape, .. } = &**e {
                for (i, d) in index.iter().zip(shape.iter()) {
                    if let E::Var(v) = &**i
                        && *v >= first
                    {
                        found.push((d.clone(), k.k[(*v - first) as usize].clone()));
                    }
                }
            }
        }
        for (d, n) in found {
            let constant = d.as_const().is_some() && n.as_const().is_some();
            if d != n && !constant && !(n.clone() - d.clone()).at_least(0) {
                self.add(d.clone(), n, &d);
            }
        }
    }

    fn add(&mut self, left: Dim, right: Dim, extent: &Dim) {
        if self.found.insert((left.clone(), right.clone())) {
            let message =
                format!("node {:?}: an axis of size {extent} does not fit: expected {left} <= {right}", self.node);
            self.out.push(Assert { left, right, message });
        }
    }
}
