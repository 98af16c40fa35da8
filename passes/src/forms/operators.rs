//! The operators on sequences and optionals.

use super::packed::interleaved;
use super::{Items, Packed, Rep, There, Writer};
use dlc_ir::op::axis;
use dlc_ir::{Attrs, Fact, NodeId, Result, Tensor, Value, bail, ensure};

/// Longest list that is kept as one.
const LONGEST: i64 = 1024;

/// A node that is written.
struct At<'g> {
    id: NodeId,
    attrs: &'g Attrs,
    x: Vec<Option<Value>>,
    y: &'g Fact,
}

impl Writer<'_> {
    /// What stands for the result of an operator that takes or gives what is no tensor.
    pub fn form_operator(&mut self, id: NodeId) -> Result<Rep> {
        let node = self.old.node(id);
        let Some((op, attrs)) = node.op() else { bail!("it is no operator") };
        let at = At { id, attrs, x: self.old.operands(id), y: &node.outputs[0] };
        match op.full_name().as_str() {
            "Identity" => Ok(self.first(&at)?),
            "SequenceEmpty" => Ok(Rep::Items(There::Yes, Items::List(vec![]))),
            "SequenceConstruct" => {
                let items = at.x.iter().flatten().map(|v| self.rep(*v).tensor()).collect::<Result<_>>()?;
                Ok(Rep::Items(There::Yes, Items::List(items)))
            }
            "SequenceAt" => self.sequence_at(&at),
            "SequenceInsert" => self.sequence_insert(&at),
            "SequenceErase" => self.sequence_erase(&at),
            "SequenceLength" => self.sequence_length(&at),
            "ConcatFromSequence" => self.concat_from_sequence(&at),
            "SplitToSequence" => self.split_to_sequence(&at),
            "Optional" => Ok(match at.x.first() {
                Some(Some(v)) => Rep::Items(There::Yes, self.rep(*v).items()),
                _ => Rep::Items(There::No, Items::List(vec![])),
            }),
            "OptionalHasElement" => {
                let there = self.first(&at)?.there();
                Ok(Rep::Tensor(there.value(&mut self.e)))
            }
            "OptionalGetElement" => self.optional_get_element(&at),
            other => bail!("{other} is not written as an operator on tensors"),
        }
    }

    /// What stands for operand 0.
    fn first(&self, at: &At) -> Result<Rep> {
        match at.x.first() {
            Some(Some(v)) => Ok(self.rep(*v)),
            _ => bail!("operand 0 is missing"),
        }
    }

    /// The tensor that stands for operand `i`, if it is there.
    fn tensor(&self, at: &At, i: usize) -> Result<Option<Value>> {
        at.x.get(i).copied().flatten().map(|v| self.rep(v).tensor()).transpose()
    }

    /// Operand `i` as a position in a list of `n`, where it is known; `default` where it is not given.
    fn known_position(&self, at: &At, i: usize, n: usize, default: usize) -> Result<Option<usize>> {
        let Some(v) = self.tensor(at, i)? else { return Ok(Some(default)) };
        let Some(p) = self.e.known(v).and_then(|v| v.first().copied()) else { return Ok(None) };
        let at = if p < 0 { p + n as i64 } else { p };
        match usize::try_from(at) {
            Ok(k) if k <= default.max(n.saturating_sub(1)) && k <= n => Ok(Some(k)),
            _ => bail!("operand position is {p}, expected one of a sequence of {n}"),
        }
    }

    /// The sequence as tensors, with rows as operand 0 has them.
    fn packed(&mut self, at: &At) -> Result<Packed> {
        let items = self.first(at)?.items();
        let fact = self.old.operand_facts(at.id)[0].cloned();
        items.packed(&mut self.e, &fact.unwrap_or_else(|| at.y.clone()))
    }

    fn sequence_at(&mut self, at: &At) -> Result<Rep> {
        if let Items::List(v) = self.first(at)?.items()
            && let Some(k) = self.known_position(at, 1, v.len(), 0)?
        {
            ensure!(k < v.len(), "operand position is {k}, expected one of a sequence of {}", v.len());
            return Ok(Rep::Tensor(v[k]));
        }
        let Some(pos) = self.tensor(at, 1)? else { bail!("operand 1 (position) is missing") };
        let p = self.packed(at)?;
        Ok(Rep::Tensor(p.at(&mut self.e, pos, at.y)?))
    }

    fn sequence_insert(&mut self, at: &At) -> Result<Rep> {
        let items = self.first(at)?.items();
        let Some(v) = self.tensor(at, 1)? else { bail!("operand 1 (tensor) is missing") };
        if let Items::List(list) = &items
            && let Some(k) = self.known_position(at, 2, list.len(), list.len())?
        {
            let mut list = list.clone();
            list.insert(k, v);
            return Ok(Rep::Items(There::Yes, Items::List(list)));
        }
        let pos = self.tensor(at, 2)?;
        let p = items.packed(&mut self.e, at.y)?.insert(&mut self.e, v, pos)?;
        Ok(Rep::Items(There::Yes, Items::Packed(p)))
    }

    fn sequence_erase(&mut self, at: &At) -> Result<Rep> {
        if let Items::List(mut list) = self.first(at)?.items()
            && let Some(k) = self.known_position(at, 1, list.len(), list.len().saturating_sub(1))?
        {
            ensure!(k < list.len(), "operand position is {k}, expected one of a sequence of {}", list.len());
            list.remove(k);
            return Ok(Rep::Items(There::Yes, Items::List(list)));
        }
        let pos = self.tensor(at, 1)?;
        let p = self.packed(at)?.erase(&mut self.e, pos)?;
        Ok(Rep::Items(There::Yes, Items::Packed(p)))
    }

    fn sequence_length(&mut self, at: &At) -> Result<Rep> {
        Ok(Rep::Tensor(match self.first(at)?.items() {
            Items::List(v) => self.e.constant(Tensor::i64(&[], &[v.len() as i64])),
            Items::Packed(p) => {
                let n = p.count(&mut self.e)?;
                self.e.reshape(n, &[])?
            }
        }))
    }

    fn concat_from_sequence(&mut self, at: &At) -> Result<Rep> {
        let on = axis(dlc_ir::attrs::read(at.attrs, "axis", None)?, at.y.rank())?;
        let new_axis = at.attrs.int("new_axis", 0)? != 0;
        let items = self.first(at)?.items();
        if let Items::List(v) = &items {
            ensure!(!v.is_empty(), "the sequence is empty, expected a tensor");
            let mut all = v.clone();
            if new_axis {
                let axes = self.e.ints(&[on as i64]);
                for v in &mut all {
                    *v = self.e.plain("Unsqueeze", &[*v, axes])?;
                }
            }
            return Ok(Rep::Tensor(self.e.concat(&all, on as i64)?));
        }
        let p = self.packed(at)?;
        Ok(Rep::Tensor(if new_axis { p.stack(&mut self.e, on)? } else { p.join(&mut self.e, on)? }))
    }

    fn optional_get_element(&mut self, at: &At) -> Result<Rep> {
        let rep = self.first(at)?;
        let sequence = self.old.operand_facts(at.id)[0].is_some_and(|f| f.form.is_sequence());
        match (rep.items(), sequence) {
            (_, false) if matches!(rep, Rep::Tensor(_)) => Ok(rep),
            (items, true) => Ok(Rep::Items(There::Yes, items)),
            (Items::List(v), false) if v.len() == 1 => Ok(Rep::Tensor(v[0])),
            (Items::List(_), false) => bail!("the optional holds nothing"),
            (Items::Packed(_), false) => {
                let first = self.e.ints(&[0]);
                let p = self.packed(at)?;
                Ok(Rep::Tensor(p.at(&mut self.e, first, at.y)?))
            }
        }
    }

    fn split_to_sequence(&mut self, at: &At) -> Result<Rep> {
        let (Some(x), split) = (self.tensor(at, 0)?, self.tensor(at, 1)?) else {
            bail!("operand 0 (input) is missing")
        };
        let on = axis(at.attrs.int("axis", 0)?, self.e.g.fact(x).rank())?;
        let keep = split.is_some() || at.attrs.int("keepdims", 1)? != 0;
        match self.known_sizes(x, on, split)? {
            Some(sizes) => self.split_known(x, on, &sizes, keep),
            None => self.split_unknown(x, on, split, keep),
        }
    }

    /// Sizes of the parts, where they are known.
    fn known_sizes(&self, x: Value, on: usize, split: Option<Value>) -> Result<Option<Vec<i64>>> {
        let d = self.e.g.fact(x).shape[on].as_const();
        let (rank, given) = (split.map(|s| self.e.g.fact(s).rank()), split.map(|s| self.e.known(s)));
        let sizes = match (rank, given, d) {
            (None, _, Some(d)) if d <= LONGEST => vec![1; d as usize],
            (Some(0), Some(Some(s)), Some(d)) if s[0] > 0 && d / s[0] < LONGEST => {
                (0..(d + s[0] - 1) / s[0]).map(|k| s[0].min(d - k * s[0])).collect()
            }
            (Some(1), Some(Some(s)), _) if s.len() as i64 <= LONGEST => s,
            _ => return Ok(None),
        };
        Ok(Some(sizes))
    }

    fn split_known(&mut self, x: Value, on: usize, sizes: &[i64], keep: bool) -> Result<Rep> {
        let mut items = vec![];
        if !sizes.is_empty() {
            let (split, attrs) = (self.e.ints(sizes), Attrs::new().with("axis", on));
            items = self.e.results("Split", attrs, &[Some(x), Some(split)], sizes.len())?;
        }
        if !keep {
            let axes = self.e.ints(&[on as i64]);
            for v in &mut items {
                *v = self.e.plain("Squeeze", &[*v, axes])?;
            }
        }
        Ok(Rep::Items(There::Yes, Items::List(items)))
    }

    /// Sizes of the parts as data: ones, parts of one size but for the last, or those given.
    fn sizes(&mut self, extent: Value, split: Option<Value>) -> Result<Value> {
        let e = &mut self.e;
        let one = e.ints(&[1]);
        let Some(split) = split else { return e.plain("Expand", &[one, extent]) };
        let scalar = e.g.fact(split).rank() == 0;
        let split = e.op("Cast", Attrs::new().with("to", dlc_ir::DType::I64), &[split])?;
        if !scalar {
            return Ok(split);
        }
        let size = e.reshape(split, &[1])?;
        let up = e.plain("Add", &[extent, size])?;
        let up = e.plain("Sub", &[up, one])?;
        let n = e.plain("Div", &[up, size])?;
        let k = e.range(n)?;
        let before = e.plain("Mul", &[k, size])?;
        let left = e.plain("Sub", &[extent, before])?;
        e.plain("Min", &[left, size])
    }

    fn split_unknown(&mut self, x: Value, on: usize, split: Option<Value>, keep: bool) -> Result<Rep> {
        let rank = self.e.g.fact(x).rank();
        let of = |from: usize, to: usize| Attrs::new().with("start", from).with("end", to);
        let [outer, extent, inner] = [of(0, on), of(on, on + 1), of(on + 1, rank)].map(|a| self.e.op("Shape", a, &[x]));
        let (outer, extent, inner) = (outer?, extent?, inner?);
        let sizes = self.sizes(extent, split)?;
        let e = &mut self.e;
        let n = e.op("Shape", Attrs::new(), &[sizes])?;
        let mut columns = vec![];
        for axis in 0..rank {
            if axis == on && !keep {
                continue;
            }
            columns.push(match axis == on {
                true => e.reshape(sizes, &[-1, 1])?,
                false => {
                    let size = e.op("Shape", of(axis, axis + 1), &[x])?;
                    let column = e.plain("Expand", &[size, n])?;
                    e.reshape(column, &[-1, 1])?
                }
            });
        }
        let shapes = match columns.is_empty() {
            false => e.concat(&columns, 1)?,
            true => {
                let none = e.ints(&[0]);
                let (shape, empty) = (e.concat(&[n, none], 0)?, e.ints(&[0]));
                e.plain("Expand", &[empty, shape])?
            }
        };
        let total = e.sum(sizes)?;
        let total = if split.is_some() { e.same(total, extent)? } else { extent };
        let [outer, inner] = [outer, inner].map(|v| {
            let p = e.op("ReduceProd", Attrs::new().with("keepdims", false), &[v])?;
            e.reshape(p, &[1])
        });
        let (outer, inner) = (outer?, inner?);
        let whole = e.concat(&[outer, total, inner], 0)?;
        let flat = e.reshape_to(x, whole)?;
        let mut data = e.reshape(flat, &[-1])?;
        if on > 0 {
            let each = e.plain("Mul", &[outer, inner])?;
            let lengths = e.plain("Mul", &[sizes, each])?;
            let index = interleaved(e, sizes, lengths, [outer, total, inner])?;
            let index = e.reshape(index, &[-1])?;
            data = e.op("ScatterElements", Attrs::new().with("axis", 0i64), &[data, index, data])?;
        }
        let row = rank - !keep as usize;
        Ok(Rep::Items(There::Yes, Items::Packed(Packed { shapes, data, row, open: false })))
    }
}
