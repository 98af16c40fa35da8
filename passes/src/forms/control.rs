//! Bodies of control flow: what is no tensor is passed as tensors.

use super::{Rep, Writer, parts};
use dlc_ir::{Attr, Attrs, DType, Dim, Fact, Graph, NodeId, Result, Value, bail};
use std::sync::Arc;

/// The types that what crosses the border of a body has on both sides.
struct Border {
    inputs: Vec<Fact>,
    outputs: Vec<Fact>,
}

/// What holds for all of these values; of tensors the first.
fn common<'f>(all: impl IntoIterator<Item = &'f Fact>) -> Result<Fact> {
    let all: Vec<&Fact> = all.into_iter().collect();
    let Some((first, rest)) = all.split_first() else { bail!("a value of a body has no type") };
    if all.iter().all(|f| f.form.is_dense()) {
        return Ok((*first).clone());
    }
    rest.iter().try_fold((*first).clone(), |a, b| match a.form.is_dense() && b.form.is_dense() {
        true => Ok(a),
        false => a.join(b),
    })
}

fn output_fact(g: &Graph, k: usize) -> Result<&Fact> {
    match g.outputs().get(k) {
        Some((_, v)) => Ok(g.fact(*v)),
        None => bail!("graph {:?} has no output {k}", g.name),
    }
}

fn input_fact(g: &Graph, k: usize) -> Result<&Fact> {
    match g.inputs().get(k) {
        Some(id) => Ok(&g.node(*id).outputs[0]),
        None => bail!("graph {:?} has no input {k}", g.name),
    }
}

fn body(attrs: &Attrs, name: &str) -> Result<Arc<Graph>> {
    match attrs.get(name) {
        Some(Attr::Graph(g)) => Ok(g.clone()),
        _ => bail!("attribute {name} is missing, expected a graph: it is required"),
    }
}

impl Writer<'_> {
    /// `If`, `Loop` or `Scan`, with bodies written anew.
    pub fn control(&mut self, id: NodeId) -> Result<Vec<Rep>> {
        let node = self.old.node(id);
        let Some((op, attrs)) = node.op() else { bail!("it is no operator") };
        match op.name() {
            "If" => self.branch(id, attrs),
            "Loop" => self.repeat(id, attrs),
            _ => self.scan(id, attrs),
        }
    }

    fn operand_fact(&self, id: NodeId, k: usize) -> Result<&Fact> {
        match self.old.operand_facts(id).get(k) {
            Some(Some(f)) => Ok(f),
            _ => bail!("operand {k} is missing"),
        }
    }

    /// Operands from `from` on, as values of these types.
    fn passed(&mut self, id: NodeId, from: usize, facts: &[Fact]) -> Result<Vec<Option<Value>>> {
        let mut out = vec![];
        for (v, f) in self.old.operands(id)[from..].iter().zip(facts) {
            let Some(v) = v else { bail!("an operand is missing") };
            out.extend(self.rep(*v).parts(&mut self.e, f)?.into_iter().map(Some));
        }
        Ok(out)
    }

    /// The node with other attributes and operands; its results are of types `facts`.
    fn node(&mut self, id: NodeId, attrs: Attrs, x: &[Option<Value>], facts: &[Fact]) -> Result<Vec<Rep>> {
        let node = self.old.node(id);
        let Some((op, _)) = node.op() else { bail!("it is no operator") };
        let n = facts.iter().map(parts).sum();
        let new = self.e.g.add_op(&node.name, op, attrs, x, n)?;
        let (mut out, mut port) = (vec![], 0);
        for f in facts {
            let values: Vec<Value> = (port..port + parts(f) as u32).map(|port| Value { node: new, port }).collect();
            port += values.len() as u32;
            out.push(if f.form.is_dense() { Rep::Tensor(values[0]) } else { Rep::of_parts(&values, f) });
        }
        Ok(out)
    }

    fn branch(&mut self, id: NodeId, attrs: &Attrs) -> Result<Vec<Rep>> {
        let (then, els) = (body(attrs, "then_branch")?, body(attrs, "else_branch")?);
        let node = self.old.node(id);
        let n = self.old.operands(id).len();
        let inputs: Vec<Fact> = (1..n).map(|k| self.operand_fact(id, k).cloned()).collect::<Result<_>>()?;
        let all = |(k, f)| common([f, output_fact(&then, k)?, output_fact(&els, k)?]);
        let outputs: Vec<Fact> = node.outputs.iter().enumerate().map(all).collect::<Result<_>>()?;
        let Some(Some(cond)) = self.old.operands(id).first().copied() else { bail!("operand cond is missing") };
        let mut x = vec![Some(self.rep(cond).tensor()?)];
        x.extend(self.passed(id, 1, &inputs)?);
        let border = Border { inputs, outputs };
        let (then, els) = (self.body(&then, &border)?, self.body(&els, &border)?);
        let attrs = attrs.clone().with("then_branch", then).with("else_branch", els);
        self.node(id, attrs, &x, &border.outputs)
    }

    fn repeat(&mut self, id: NodeId, attrs: &Attrs) -> Result<Vec<Rep>> {
        let (g, node) = (body(attrs, "body")?, self.old.node(id));
        let operands = self.old.operands(id);
        let captured = usize::try_from(attrs.int("captured", 0)?).unwrap_or(0);
        let Some(states) = operands.len().checked_sub(2 + captured) else { bail!("captured is {captured}") };
        let (mut inputs, mut outputs) = (vec![], vec![output_fact(&g, 0)?.clone()]);
        for k in 0..states {
            let sides = [self.operand_fact(id, 2 + k)?, input_fact(&g, 2 + k)?, output_fact(&g, 1 + k)?];
            let f = common(sides.into_iter().chain(node.outputs.get(k)))?;
            let (input, output) = if f.form.is_dense() { (sides[1].clone(), sides[2].clone()) } else { (f.clone(), f) };
            inputs.push(input);
            outputs.push(output);
        }
        for k in 2 + states..operands.len() {
            inputs.push(self.operand_fact(id, k)?.clone());
        }
        for k in outputs.len()..g.outputs().len() {
            outputs.push(output_fact(&g, k)?.clone());
        }
        let mut x = vec![];
        for v in &operands[..2] {
            x.push(v.map(|v| self.rep(v).tensor()).transpose()?);
        }
        x.extend(self.passed(id, 2, &inputs)?);
        let results: Vec<Fact> = outputs[1..].iter().take(node.outputs.len()).cloned().collect();
        let captured: usize = inputs[states..].iter().map(parts).sum();
        let own = [Fact::new(DType::I64, []), Fact::new(DType::Bool, [])];
        let border = Border { inputs: own.into_iter().chain(inputs).collect(), outputs };
        let g = self.body(&g, &border)?;
        let attrs = attrs.clone().with("body", g).with("captured", captured);
        self.node(id, attrs, &x, &results)
    }

    /// Only the body of a `Scan` may hold what is no tensor.
    fn scan(&mut self, id: NodeId, attrs: &Attrs) -> Result<Vec<Rep>> {
        let g = body(attrs, "body")?;
        let inputs = (0..g.inputs().len()).map(|k| input_fact(&g, k).cloned()).collect::<Result<_>>()?;
        let outputs = (0..g.outputs().len()).map(|k| output_fact(&g, k).cloned()).collect::<Result<_>>()?;
        let g = self.body(&g, &Border { inputs, outputs })?;
        let facts: Vec<Fact> =
            (0..self.old.operands(id).len()).map(|k| self.operand_fact(id, k).cloned()).collect::<Result<_>>()?;
        let x = self.passed(id, 0, &facts)?;
        self.node(id, attrs.clone().with("body", g), &x, &self.old.node(id).outputs)
    }

    /// A body whose inputs and outputs are passed as values of these types.
    fn body(&mut self, g: &Graph, border: &Border) -> Result<Graph> {
        let mut w = Writer::new(g);
        for (id, f) in g.inputs().iter().zip(&border.inputs) {
            let (node, v) = (g.node(*id), Value { node: *id, port: 0 });
            let rep = match f.form.is_dense() {
                true => Rep::Tensor(w.e.g.add_input(&node.name, node.outputs[0].clone())),
                false => w.body_input(&node.name, f),
            };
            w.reps.insert(v, rep);
        }
        w.nodes()?;
        let mut outputs = vec![];
        for ((name, v), f) in g.outputs().iter().zip(&border.outputs) {
            w.e.at(name);
            let values = w.rep(*v).parts(&mut w.e, f)?;
            let one = values.len() == 1;
            let name = |k: usize| if one { name.clone() } else { format!("{name}.{k}") };
            outputs.extend(values.into_iter().enumerate().map(|(k, v)| (name(k), v)));
        }
        let mut new = w.e.g;
        new.set_outputs(outputs);
        Ok(new)
    }

    fn body_input(&mut self, name: &str, f: &Fact) -> Rep {
        self.e.at(name);
        let size = |what: &str| Dim::sym(&format!("{name}#{what}"));
        let shapes = Fact::new(DType::I64, [size("count"), f.row().into()]);
        let mut facts = vec![("shapes", shapes), ("data", Fact::new(f.dtype, [size("elements")]))];
        if f.form.is_optional() {
            facts.insert(0, ("there", Fact::new(DType::Bool, [])));
        }
        let mut values = vec![];
        for (what, fact) in facts {
            let name = self.e.name(what);
            values.push(self.e.g.add_input(&name, fact));
        }
        Rep::of_parts(&values, f)
    }
}
