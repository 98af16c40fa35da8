//! Blocks of steps from graphs: regions in order, control flow as blocks of their own.

use crate::expand::{expand, lowering};
use crate::region::{self, Region};
use crate::{Block, Body, BufId, Buffer, Home, Port, Schedule, Step, bounds, copies, layout, share};
use dlc_ir::graph::Kind;
use dlc_ir::lower::{Expr, Lowering, Proc, SUM};
use dlc_ir::{Attr, DType, Error, Fact, Graph, NodeId, Result, Tensor, Value};
use std::collections::{BTreeMap, HashMap};

/// The schedule of a graph.
pub fn plan(g: &Graph) -> Result<Schedule> {
    let mut s = Schedule::default();
    block(&mut s, g.clone())?;
    Ok(s)
}

/// Plans a graph as the next block and gives its number.
fn block(s: &mut Schedule, mut g: Graph) -> Result<usize> {
    let at = s.blocks.len();
    s.blocks.push(Block::default());
    check_forms(&g)?;
    expand(&mut g)?;
    copies::copy(&mut g)?;
    let mut p = Planner {
        g: &g,
        b: Block { name: g.name.clone(), ..Default::default() },
        s,
        known: HashMap::new(),
        lazy: BTreeMap::new(),
    };
    p.inputs();
    for id in g.topo()? {
        p.node(id)?;
    }
    p.outputs()?;
    let mut b = p.b;
    layout::arrange(&mut b);
    share::share(&mut b);
    s.blocks[at] = b;
    Ok(at)
}

/// Refuses what is no tensor: sequences and optionals are to be written out before.
fn check_forms(g: &Graph) -> Result<()> {
    for node in g.nodes().map(|id| g.node(id)) {
        if let Some(f) = node.outputs.iter().find(|f| !f.form.is_dense()) {
            return Err(Error::op(format!("it gives {f}, expected a tensor")).at(&node.name, &node.op_name()));
        }
    }
    Ok(())
}

struct Planner<'a> {
    g: &'a Graph,
    b: Block,
    s: &'a mut Schedule,
    /// Buffers of values that are computed.
    known: HashMap<Value, BufId>,
    /// Values that are not: their only consumer may take them in.
    lazy: BTreeMap<Value, Region>,
}

impl Planner<'_> {
    fn buffer(&mut self, home: Home, dtype: DType, shape: &[dlc_ir::Dim]) -> BufId {
        self.b.buffers.push(Buffer { home, dtype, shape: shape.to_vec(), live: (0, 0) });
        self.b.buffers.len() - 1
    }

    fn result(&mut self, f: &Fact) -> BufId {
        self.buffer(Home::Arena, f.dtype, &f.shape)
    }

    fn inputs(&mut self) {
        for (i, id) in self.g.inputs().iter().enumerate() {
            let node = self.g.node(*id);
            let fact = &node.outputs[0];
            let buffer = self.buffer(Home::Input(i), fact.dtype, &fact.shape);
            self.known.insert(Value { node: *id, port: 0 }, buffer);
            self.b.inputs.push(Port { name: node.name.clone(), buffer, shape: fact.shape.clone() });
        }
    }

    fn outputs(&mut self) -> Result<()> {
        for (name, v) in self.g.outputs().to_vec() {
            let buffer = self.materialize(v)?;
            let shape = self.g.fact(v).shape.clone();
            self.b.outputs.push(Port { name, buffer, shape });
        }
        Ok(())
    }

    fn node(&mut self, id: NodeId) -> Result<()> {
        let node = self.g.node(id);
        match &node.kind {
            Kind::Input | Kind::Const(_) => Ok(()),
            Kind::Op { .. } => {
                let Some(l) = lowering(self.g, id)? else { return Ok(()) };
                self.lower(id, &l)
            }
        }
    }

    fn lower(&mut self, id: NodeId, l: &Lowering) -> Result<()> {
        let node = self.g.node(id);
        match l {
            Lowering::Alias => self.alias(id),
            Lowering::Comps(comps) => {
                for (port, c) in comps.iter().enumerate() {
                    let v = Value { node: id, port: port as u32 };
                    if self.g.users(v).is_empty() && !self.g.is_output(v) {
                        continue;
                    }
                    let fact = Fact::new(c.dtype, c.shape.clone());
                    self.region(v, Body::Comp(c.clone()), fact)?;
                }
                Ok(())
            }
            Lowering::Contract(c) => {
                self.b.asserts.extend(bounds::sums(c, &node.name));
                let epilogue = Expr::reg(SUM, c.acc).cast(dlc_ir::lower::Ty::of(c.dtype));
                let body = Body::Contract { contract: c.clone(), epilogue, dtype: c.dtype };
                self.region(Value { node: id, port: 0 }, body, node.outputs[0].clone())
            }
            Lowering::Proc(p) => self.procedure(id, p),
            Lowering::Dynamic { count, symbols, fill } => {
                let sizes = Fact::new(DType::I64, [symbols.len().into()]);
                let buffer = self.call(id, count, &[sizes])?[0];
                for (index, symbol) in symbols.iter().enumerate() {
                    let node = node.name.clone();
                    self.b.steps.push(Step::Bind { symbol: symbol.clone(), buffer, index, node });
                }
                self.lower(id, fill)
            }
            Lowering::Control => self.control(id),
            Lowering::Expand(_) => Err(self.refuse(id, "an expansion is left after expanding")),
        }
    }

    fn refuse(&self, id: NodeId, what: &str) -> Error {
        let node = self.g.node(id);
        Error::op(what).at(&node.name, &node.op_name())
    }

    /// Operands as a lowering's slots number them.
    fn slots(&self, id: NodeId) -> Vec<Option<Value>> {
        self.g.operands(id)
    }

    fn alias(&mut self, id: NodeId) -> Result<()> {
        let Some(Some(x)) = self.slots(id).first().copied() else {
            return Err(self.refuse(id, "operand 0 is missing"));
        };
        let of = self.materialize(x)?;
        let f = self.g.node(id).outputs[0].clone();
        self.b.asserts.extend(bounds::same_length(self.g.fact(x), &f, &self.g.node(id).name));
        let buffer = self.buffer(Home::Alias(of), f.dtype, &f.shape);
        self.known.insert(Value { node: id, port: 0 }, buffer);
        Ok(())
    }

    /// A region for a value: consumers it has alone are taken in, and it waits if its own consumer is alone.
    fn region(&mut self, v: Value, body: Body, fact: Fact) -> Result<()> {
        let slots = self.slots(v.node);
        let filler = slots.iter().flatten().next().copied().unwrap_or(v);
        let operands: Vec<Value> = slots.iter().map(|o| o.unwrap_or(filler)).collect();
        let r = Region { body, operands, fact, nodes: vec![self.g.node(v.node).name.clone()] };
        // Slots that read one value become one operand, so that taking it in leaves no other reader.
        let (body, operands) = compact(&r);
        let waits = self.has_one_reader(v);
        let r = self.fused(Region { body, operands, ..r }, waits);
        if waits {
            self.lazy.insert(v, r);
            return Ok(());
        }
        self.emit(v, r).map(|_| ())
    }

    /// The region with what waits for it: all that pays is taken in first, so that an epilogue brings its other operands
    /// along; or, where that is no epilogue, one after another. What makes elements wider does not join the contraction
    /// before it as long as it waits itself: a reader that keeps them narrow may take both.
    fn fused(&mut self, r: Region, waits: bool) -> Region {
        let (mut whole, mut taken, mut slot) = (r.clone(), vec![], 0);
        while slot < whole.operands.len() {
            let x = whole.operands[slot];
            if let Some(inner) = self.lazy.get(&x)
                && region::pays(&whole, slot, inner)
            {
                let inner = inner.clone();
                region::inline(&mut whole, slot, &inner);
                taken.push(x);
            }
            slot += 1;
        }
        let joined = (0..whole.operands.len()).find_map(|slot| {
            let x = whole.operands[slot];
            let inner = self.lazy.get(&x).filter(|i| !(waits && i.fact.dtype.size() < whole.fact.dtype.size()))?;
            Some((x, region::absorb(&whole, slot, inner)?))
        });
        if let Some((x, joined)) = joined {
            taken.iter().chain([&x]).for_each(|x| drop(self.lazy.remove(x)));
            return joined;
        }
        self.fused_in_order(r, waits)
    }

    fn fused_in_order(&mut self, mut r: Region, waits: bool) -> Region {
        for slot in 0..r.operands.len() {
            let x = r.operands[slot];
            let Some(inner) = self.lazy.get(&x) else { continue };
            let widens = waits && inner.fact.dtype.size() < r.fact.dtype.size();
            if region::pays(&r, slot, inner) {
                let inner = self.lazy.remove(&x).expect("found above");
                region::inline(&mut r, slot, &inner);
            } else if let Some(joined) = region::absorb(&r, slot, inner).filter(|_| !widens) {
                self.lazy.remove(&x);
                return joined;
            }
        }
        r
    }

    /// Whether one node with one result alone reads the value: whoever takes it in then is the only one to need it.
    fn has_one_reader(&self, v: Value) -> bool {
        let users = self.g.users(v);
        let Some(first) = users.first() else { return false };
        let alone = users.iter().all(|u| u.0 == first.0) && self.g.node(first.0).outputs.len() == 1;
        alone && !self.g.is_output(v)
    }

    /// The buffer of a value, computed now if it is not yet.
    fn materialize(&mut self, v: Value) -> Result<BufId> {
        if let Some(b) = self.known.get(&v) {
            return Ok(*b);
        }
        if let Some(r) = self.lazy.remove(&v) {
            let r = self.fused(r, false);
            return self.emit(v, r);
        }
        match &self.g.node(v.node).kind {
            Kind::Const(t) => {
                let shape: Vec<dlc_ir::Dim> = t.shape().iter().map(|d| (*d).into()).collect();
                let b = self.buffer(Home::Const(t.clone()), t.dtype(), &shape);
                self.known.insert(v, b);
                Ok(b)
            }
            _ => Err(self.refuse(v.node, "is read before it is computed")),
        }
    }

    /// Makes a region a step; operands it does not read any more are left out.
    fn emit(&mut self, v: Value, r: Region) -> Result<BufId> {
        let (body, used) = compact(&r);
        let operands = used.iter().map(|x| self.materialize(*x)).collect::<Result<Vec<_>>>()?;
        let buffer = self.buffer(Home::Arena, r.fact.dtype, &self.g.fact(v).shape.clone());
        self.known.insert(v, buffer);
        let node = r.nodes.join("+");
        self.b.asserts.extend(bounds::asserts(&body, &node));
        self.b.steps.push(Step::Compute { body, operands, results: vec![buffer], scratch: vec![], node });
        Ok(buffer)
    }

    fn procedure(&mut self, id: NodeId, p: &Proc) -> Result<()> {
        let facts = self.g.node(id).outputs.clone();
        let results = self.call(id, p, &facts)?;
        for (port, b) in results.into_iter().enumerate() {
            self.known.insert(Value { node: id, port: port as u32 }, b);
        }
        Ok(())
    }

    fn call(&mut self, id: NodeId, p: &Proc, facts: &[Fact]) -> Result<Vec<BufId>> {
        let slots = self.slots(id);
        let mut operands = vec![];
        for x in &slots {
            // An omitted operand is never read; any buffer keeps the numbering.
            operands.push(match x {
                Some(x) => self.materialize(*x)?,
                None => usize::MAX,
            });
        }
        let filler = operands.iter().copied().find(|b| *b != usize::MAX);
        let filler = match filler {
            Some(b) => b,
            None => self.buffer(Home::Const(Tensor::f32(&[0], &[])), DType::F32, &[0.into()]),
        };
        operands.iter_mut().filter(|b| **b == usize::MAX).for_each(|b| *b = filler);
        let results: Vec<BufId> = facts.iter().map(|f| self.result(f)).collect();
        let scratch = p.scratch.iter().map(|(d, s)| self.buffer(Home::Arena, *d, s)).collect();
        let body = Body::Proc { body: p.clone(), shapes: facts.iter().map(|f| f.shape.clone()).collect() };
        let node = self.g.node(id).name.clone();
        self.b.asserts.extend(bounds::asserts(&body, &node));
        self.b.steps.push(Step::Compute { body, operands, results: results.clone(), scratch, node });
        Ok(results)
    }

    fn control(&mut self, id: NodeId) -> Result<()> {
        let op = self.g.node(id).op_name();
        match &op[..] {
            "If" => self.branch(id),
            "Loop" => self.repeat(id),
            _ => Err(self.refuse(id, "control flow of this kind has no code generation")),
        }
    }

    fn subgraph(&self, id: NodeId, attr: &str) -> Result<Graph> {
        match self.g.node(id).op().and_then(|(_, a)| a.get(attr)) {
            Some(Attr::Graph(g)) => Ok((**g).clone()),
            _ => Err(self.refuse(id, &format!("attribute {attr} is missing"))),
        }
    }

    fn port(&mut self, v: Value) -> Result<Port> {
        let buffer = self.materialize(v)?;
        Ok(Port { name: self.g.node(v.node).name.clone(), buffer, shape: self.g.fact(v).shape.clone() })
    }

    fn result_ports(&mut self, id: NodeId) -> Vec<Port> {
        let facts = self.g.node(id).outputs.clone();
        let name = self.g.node(id).name.clone();
        let mut out = vec![];
        for (port, f) in facts.iter().enumerate() {
            let buffer = self.result(f);
            self.known.insert(Value { node: id, port: port as u32 }, buffer);
            out.push(Port { name: name.clone(), buffer, shape: f.shape.clone() });
        }
        out
    }

    fn present(&self, id: NodeId, from: usize) -> Result<Vec<Value>> {
        let slots = self.slots(id);
        slots[from.min(slots.len())..]
            .iter()
            .map(|v| v.ok_or_else(|| self.refuse(id, "an operand is missing")))
            .collect()
    }

    fn nested(&mut self, mut g: Graph, facts: Vec<Fact>, outputs: usize) -> Result<usize> {
        for (input, fact) in g.inputs().to_vec().into_iter().zip(facts) {
            g.node_mut(input).outputs[0] = fact;
        }
        let keep = g.outputs()[..outputs.min(g.outputs().len())].to_vec();
        g.set_outputs(keep);
        g.infer_all()?;
        block(self.s, g)
    }

    fn branch(&mut self, id: NodeId) -> Result<()> {
        let cond = match self.slots(id).first() {
            Some(Some(c)) => self.materialize(*c)?,
            _ => return Err(self.refuse(id, "operand cond is missing")),
        };
        let captured = self.present(id, 1)?;
        let inputs = captured.iter().map(|v| self.port(*v)).collect::<Result<Vec<_>>>()?;
        let facts: Vec<Fact> = captured.iter().map(|v| self.g.fact(*v).clone()).collect();
        let n = self.g.node(id).outputs.len();
        let mut blocks = [0; 2];
        for (b, attr) in blocks.iter_mut().zip(["then_branch", "else_branch"]) {
            let g = self.subgraph(id, attr)?;
            *b = self.nested(g, facts.clone(), n)?;
        }
        let outputs = self.result_ports(id);
        let node = self.g.node(id).name.clone();
        self.b.steps.push(Step::If { cond, blocks, inputs, outputs, node });
        Ok(())
    }

    fn repeat(&mut self, id: NodeId) -> Result<()> {
        let slots = self.slots(id);
        let (_, attrs) = self.g.node(id).op().ok_or_else(|| self.refuse(id, "is no operator"))?;
        let captures = attrs.int("captured", 0)? as usize;
        let values = self.present(id, 2)?;
        let (carried, captured) = values.split_at(values.len().saturating_sub(captures));
        let mut optional = |i: usize| slots.get(i).copied().flatten().map(|v| self.materialize(v)).transpose();
        let (trips, cond) = (optional(0)?, optional(1)?);
        let results = self.g.node(id).outputs.clone();
        let mut facts = vec![Fact::new(DType::I64, []), Fact::new(DType::Bool, [])];
        for (k, v) in carried.iter().enumerate() {
            facts.push(self.carried_fact(id, k, *v, results.get(k)));
        }
        facts.extend(captured.iter().map(|v| self.g.fact(*v).clone()));
        let g = self.subgraph(id, "body")?;
        let n = g.outputs().len();
        let body = self.nested(g, facts, n)?;
        let carried = carried.iter().map(|v| self.port(*v)).collect::<Result<Vec<_>>>()?;
        let captured = captured.iter().map(|v| self.port(*v)).collect::<Result<Vec<_>>>()?;
        let outputs = self.result_ports(id);
        let node = self.g.node(id).name.clone();
        self.b.steps.push(Step::Loop { trips, cond, body, carried, captured, outputs, node });
        Ok(())
    }

    /// A carried value inside the body: a size that the loop changes is bound anew in every iteration.
    fn carried_fact(&self, id: NodeId, k: usize, v: Value, result: Option<&Fact>) -> Fact {
        let mut f = self.g.fact(v).type_only();
        for (axis, d) in f.shape.iter_mut().enumerate() {
            if result.is_none_or(|r| r.shape[axis] != *d) {
                *d = dlc_ir::Dim::sym(&format!("{}#carried{k}.{axis}", self.g.node(id).name));
            }
        }
        f
    }
}

/// A region's body with only the operands it reads, and those.
fn compact(r: &Region) -> (Body, Vec<Value>) {
    let mut used: Vec<Value> = vec![];
    let mut put = |e: &Expr| {
        dlc_ir::lower::rewrite::rewrite(e, &mut |e| match &**e {
            dlc_ir::lower::E::Load { slot: dlc_ir::lower::Slot::X(i), dtype, shape, index } => {
                let v = r.operands[*i];
                let at = used.iter().position(|u| *u == v).unwrap_or_else(|| {
                    used.push(v);
                    used.len() - 1
                });
                Some(Expr::load_slot(dlc_ir::lower::Slot::X(at), *dtype, shape, index.clone()))
            }
            _ => None,
        })
    };
    let body = match &r.body {
        Body::Comp(c) => Body::Comp(dlc_ir::lower::Comp { expr: put(&c.expr), ..c.clone() }),
        Body::Contract { contract, epilogue, dtype } => {
            let (a, b) = (put(&contract.a), put(&contract.b));
            let contract = dlc_ir::lower::Contract { a, b, ..contract.clone() };
            Body::Contract { contract, epilogue: put(epilogue), dtype: *dtype }
        }
        Body::Proc { .. } => r.body.clone(),
    };
    (body, used)
}
