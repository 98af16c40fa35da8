//! Products of numbers of 16 bits: the factors of convolutions and matrix products are rounded to nearest even, their sums
//! stay f32.
//!
//! The graph says so with what there is: a factor is a `Cast` to the narrow type, stored, and a `Cast` back to f32 that
//! whoever reads it makes for itself, so that the oracle computes what the code does but for the order of sums. What a
//! product reads is stored rounded, for all its readers; what only moves or compares elements ([`MOVES`]) does so with what
//! is stored. Everything else, and every sum, is f32: softmax, normalization, reductions. Attention is written out. Of
//! Winograd's filtering the products of F(2,3) are rounded; those of larger tiles stay f32.

use crate::{Report, subgraph};
use dlc_ir::graph::Kind;
use dlc_ir::lower::Lowering;
use dlc_ir::ops::conv::{ConvAttrs, window};
use dlc_ir::{Attrs, DType, Dim, Graph, NodeId, Result, Tensor, Value};
use std::collections::BTreeMap;

/// Channels, summed elements, columns and filters below which a product is left as it is: it fills no vectors.
const LEAST: usize = 16;

/// Operators whose results are elements of their operands, of which so many (from the first on) are moved.
const MOVES: &[(&str, usize)] = &[
    ("Concat", usize::MAX),
    ("Flatten", 1),
    ("Identity", 1),
    ("MaxPool", 1),
    ("Reshape", 1),
    ("Slice", 1),
    ("Squeeze", 1),
    ("Transpose", 1),
    ("Unsqueeze", 1),
];

/// Rounds the factors of products to `to`, bodies of control flow included. What is no longer needed is left to
/// [`dce`](crate::dce()).
pub fn precision(g: &mut Graph, to: DType) -> Result<Report> {
    let mut report = subgraph::each(g, |body| precision(body, to))?;
    for id in g.topo()? {
        write_out(g, id)?;
    }
    let found: Vec<NodeId> = g.topo()?.into_iter().filter(|id| product(g, *id).is_some()).collect();
    let mut rounded = Rounded { g, to, stored: BTreeMap::new() };
    for id in &found {
        rounded.product(*id)?;
    }
    rounded.readers(&found)?;
    report.changed += found.len();
    Ok(report)
}

/// Replaces an attention by its products and its softmax.
fn write_out(g: &mut Graph, id: NodeId) -> Result<()> {
    let node = g.node(id);
    let Some((op, ctx)) = node.ctx().filter(|(op, _)| (op.name(), op.domain()) == ("Attention", "")) else {
        return Ok(());
    };
    let Lowering::Expand(inner) = op.lowering(&ctx, &g.operand_facts(id), &node.outputs)? else { return Ok(()) };
    let (name, operands) = (node.name.clone(), g.operands(id));
    let mut map: BTreeMap<Value, Value> = BTreeMap::new();
    let inputs = inner.inputs().iter().map(|node| Value { node: *node, port: 0 });
    map.extend(inputs.zip(operands.into_iter().flatten()));
    for n in inner.topo()? {
        let part = inner.node(n);
        let fresh = g.fresh_name(&format!("{name}.{}", part.name));
        match &part.kind {
            Kind::Input => {}
            Kind::Const(t) => drop(map.insert(Value { node: n, port: 0 }, g.add_const(&fresh, t.clone()))),
            Kind::Op { op, attrs } => {
                let x: Vec<Option<Value>> = inner.operands(n).iter().map(|v| v.map(|v| map[&v])).collect();
                let node = g.add_op(&fresh, *op, attrs.clone(), &x, part.outputs.len())?;
                map.extend((0..part.outputs.len() as u32).map(|port| (Value { node: n, port }, Value { node, port })));
            }
        }
    }
    for (port, (_, v)) in inner.outputs().iter().enumerate() {
        g.replace(Value { node: id, port: port as u32 }, map[v]);
    }
    g.remove(id);
    Ok(())
}

/// The padding, as `Pad` has it (begins of all axes, then ends), of a product of f32 factors that fills vectors.
fn product(g: &Graph, id: NodeId) -> Option<Vec<i64>> {
    let (op, attrs) = g.node(id).op()?;
    if !op.domain().is_empty() {
        return None;
    }
    let operands = g.operands(id);
    let (x, w) = ((*operands.first()?)?, (*operands.get(1)?)?);
    let (fx, fw) = (g.fact(x), g.fact(w));
    if fx.dtype != DType::F32 || fw.dtype != DType::F32 || g.constant(x).is_some() {
        return None;
    }
    let Some(w) = g.constant(w) else {
        return (op.name() == "MatMul" && fills_vectors(&fx.shape, &fw.shape)).then(Vec::new);
    };
    let large = |axes: &[usize]| axes.iter().all(|a| w.shape().get(*a).is_some_and(|n| *n >= LEAST));
    match op.name() {
        "Conv" => {
            let a = ConvAttrs::read(attrs).ok()?;
            let pads = window(&a, &fx.shape, &w.fact().shape).ok()?.const_pads()?;
            let (begin, end) = pads.split_at(pads.len() / 2);
            (a.group == 1 && large(&[0, 1])).then(|| [&[0, 0], begin, &[0, 0], end].concat())
        }
        "MatMul" if w.rank() == 3 => (of_small_tiles(g, x) && large(&[1, 2])).then(Vec::new),
        "MatMul" => (w.rank() == 2 && fx.rank() >= 2 && large(&[0, 1])).then(Vec::new),
        "Gemm" => (attrs.int("transA", 0).ok()? == 0 && large(&[0, 1])).then(Vec::new),
        _ => None,
    }
}

/// Whether a product of two computed factors of these shapes sums and gives enough elements.
fn fills_vectors(x: &[Dim], w: &[Dim]) -> bool {
    let ([.., m, k], [.., n]) = (x, w) else { return false };
    let few = |d: &Dim| d.as_const().is_some_and(|n| n < LEAST as i64);
    w.len() > 1 && k.as_const().is_some() && !few(k) && !few(n) && !m.is_one()
}

/// Whether a factor is the transformed tiles of F(2,3), whose elements are sums of four: larger tiles would enlarge errors.
fn of_small_tiles(g: &Graph, mut v: Value) -> bool {
    while let Some((op, attrs)) = g.node(v.node).op() {
        match (op.name(), g.operands(v.node).first().copied().flatten()) {
            ("Reshape", Some(x)) => v = x,
            ("WinogradInput", _) => return attrs.int("tile", 0).is_ok_and(|tile| tile == 2),
            _ => return false,
        }
    }
    false
}

struct Rounded<'a> {
    g: &'a mut Graph,
    to: DType,
    /// What is stored in the place of a value.
    stored: BTreeMap<Value, Value>,
}

impl Rounded<'_> {
    fn put(&mut self, base: &str, op: &str, attrs: Attrs, x: &[Option<Value>]) -> Result<Value> {
        let op = dlc_ir::ops::by_name(op).map_or_else(|| dlc_ir::bail!("no operator {op:?}"), Ok)?;
        let name = self.g.fresh_name(base);
        Ok(Value { node: self.g.add_op(&name, op, attrs, x, 1)?, port: 0 })
    }

    fn name(&self, v: Value) -> String {
        self.g.node(v.node).name.clone()
    }

    fn cast(&mut self, base: &str, v: Value, to: DType) -> Result<Value> {
        self.put(base, "Cast", Attrs::new().with("to", to), &[Some(v)])
    }

    /// The value rounded, as it is stored.
    fn stored(&mut self, v: Value) -> Result<Value> {
        if let Some(s) = self.stored.get(&v) {
            return Ok(*s);
        }
        let name = format!("{}.{}", self.name(v), self.to);
        let s = match self.moved(v) {
            Some(n) => {
                let mut operands = self.g.operands(v.node);
                for x in operands.iter_mut().take(n) {
                    *x = x.map(|x| self.stored(x)).transpose()?;
                }
                let (op, attrs) = self.g.node(v.node).op().map(|(op, a)| (op.name(), a.clone())).unwrap_or_default();
                self.put(&name, op, attrs, &operands)?
            }
            None => self.cast(&name, v, self.to)?,
        };
        self.stored.insert(v, s);
        Ok(s)
    }

    /// How many operands a value is made of, if by moving or comparing elements.
    fn moved(&self, v: Value) -> Option<usize> {
        let node = self.g.node(v.node);
        let (op, _) = node.op().filter(|(op, _)| op.domain().is_empty() && node.outputs.len() == 1)?;
        let n = MOVES.iter().find(|m| m.0 == op.name())?.1;
        let operands = self.g.operands(v.node);
        let computed = |v: &Option<Value>| v.is_some_and(|v| self.g.constant(v).is_none());
        operands.iter().take(n).all(computed).then_some(n)
    }

    /// Gives a product its rounded factors, padded before they are widened.
    fn product(&mut self, id: NodeId) -> Result<()> {
        let Some(pads) = product(self.g, id) else { return Ok(()) };
        let (name, operands) = (self.g.node(id).name.clone(), self.g.operands(id));
        let (Some(x), Some(w)) = (operands[0], operands[1]) else { return Ok(()) };
        let mut stored = self.stored(x)?;
        if pads.iter().any(|p| *p != 0) {
            let at = self.g.fresh_name(&format!("{name}.pads"));
            let at = self.g.add_const(&at, Tensor::i64(&[pads.len()], &pads));
            stored = self.put(&format!("{name}.padded"), "Pad", Attrs::new(), &[Some(stored), Some(at)])?;
        }
        let x = self.cast(&format!("{name}.x"), stored, DType::F32)?;
        let w = self.second(w)?;
        let w = self.cast(&format!("{name}.w"), w, DType::F32)?;
        self.g.set_operand(id, 0, Some(x));
        self.g.set_operand(id, 1, Some(w));
        self.without_pads(id);
        Ok(())
    }

    /// The second factor rounded, once for all products by it.
    fn second(&mut self, w: Value) -> Result<Value> {
        if let Some(s) = self.stored.get(&w) {
            return Ok(*s);
        }
        let Some(t) = self.g.constant(w).map(|t| t.cast(self.to)) else { return self.stored(w) };
        let name = self.g.fresh_name(&format!("{}.{}", self.name(w), self.to));
        let s = self.g.add_const(&name, t);
        self.stored.insert(w, s);
        Ok(s)
    }

    fn without_pads(&mut self, id: NodeId) {
        if let Kind::Op { op, attrs } = &mut self.g.node_mut(id).kind
            && op.name() == "Conv"
        {
            attrs.set("auto_pad", "NOTSET");
            attrs.set("pads", Vec::<i64>::new());
        }
    }

    /// Lets all other readers of what is stored rounded read that, too; results of the graph are not rounded.
    fn readers(&mut self, products: &[NodeId]) -> Result<()> {
        let computed = |v: &Value| self.g.constant(*v).is_none();
        let pairs: Vec<(Value, Value)> = self.stored.iter().filter(|p| computed(p.0)).map(|(v, s)| (*v, *s)).collect();
        for (v, s) in pairs {
            let mut readers: Vec<NodeId> = self.g.users(v).into_iter().map(|u| u.0).collect();
            readers.dedup();
            let own = |id: &NodeId| *id == s.node || products.contains(id);
            let moved = |id: &NodeId| self.stored.contains_key(&Value { node: *id, port: 0 });
            readers.retain(|id| !own(id) && !moved(id));
            for reader in readers {
                let base = format!("{}.{}", self.g.node(reader).name, self.name(v));
                let wide = self.cast(&base, s, DType::F32)?;
                for (user, slot) in self.g.users(v).into_iter().filter(|u| u.0 == reader) {
                    self.g.set_operand(user, slot, Some(wide));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
