//! Sequences as tensors: what is done with them at run time.

use super::Emit;
use super::items::shape_row;
use dlc_ir::{Attrs, DType, Fact, Result, Tensor, Value};

/// The tensors of a sequence, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    /// i64 `[n, row]`: the shape of each.
    pub shapes: Value,
    /// The elements of all.
    pub data: Value,
    /// Length of a row.
    pub row: usize,
    /// Whether ranks differ: a row then has -1 after the last size.
    pub open: bool,
}

/// Where one tensor is: its row, its first element and the one past its last.
struct Place {
    row: [Value; 2],
    data: [Value; 2],
}

impl Packed {
    /// The same with rows of another length.
    pub fn widened(self, e: &mut Emit, row: usize, open: bool) -> Result<Packed> {
        let shapes = match self.row {
            r if r == row => self.shapes,
            r if r > row => {
                let [from, to, axis] = [0, row as i64, 1].map(|v| e.ints(&[v]));
                e.plain("Slice", &[self.shapes, from, to, axis])?
            }
            r => {
                let n = self.count(e)?;
                let more = e.ints(&[(row - r) as i64]);
                let shape = e.concat(&[n, more], 0)?;
                let minus = e.ints(&[-1]);
                let rest = e.plain("Expand", &[minus, shape])?;
                e.concat(&[self.shapes, rest], 1)?
            }
        };
        Ok(Packed { shapes, row, open, ..self })
    }

    /// Number of tensors, as a vector of one.
    pub fn count(self, e: &mut Emit) -> Result<Value> {
        e.op("Shape", Attrs::new().with("end", 1i64), &[self.shapes])
    }

    /// Number of elements of each tensor.
    fn lengths(self, e: &mut Emit) -> Result<Value> {
        let sizes = if self.open { e.plain("Abs", &[self.shapes])? } else { self.shapes };
        let axis = e.ints(&[1]);
        e.op("ReduceProd", Attrs::new().with("keepdims", false), &[sizes, axis])
    }

    /// First element of every tensor, given how many each has.
    fn begins(e: &mut Emit, lengths: Value) -> Result<Value> {
        let axis = e.constant(Tensor::i64(&[], &[0]));
        let ends = e.plain("CumSum", &[lengths, axis])?;
        e.plain("Sub", &[ends, lengths])
    }

    /// A position as a vector of one, counted from the front. One that is not below `n` stops the program: taking it out
    /// of as many numbers then gives none where one is expected.
    fn position(e: &mut Emit, pos: Value, count: Value, n: Value) -> Result<Value> {
        let p = e.op("Cast", Attrs::new().with("to", DType::I64), &[pos])?;
        let p = e.reshape(p, &[1])?;
        let zero = e.ints(&[0]);
        let from_end = e.plain("Add", &[p, count])?;
        let negative = e.plain("Less", &[p, zero])?;
        let p = e.plain("Where", &[negative, from_end, p])?;
        let negative = e.plain("Less", &[p, zero])?;
        let p = e.plain("Where", &[negative, n, p])?;
        let one = e.ints(&[1]);
        let (all, next) = (e.range(n)?, e.plain("Add", &[p, one])?);
        let found = e.slice(all, p, next)?;
        e.reshape(found, &[1])
    }

    fn place(self, e: &mut Emit, pos: Value) -> Result<Place> {
        let n = self.count(e)?;
        let p = Packed::position(e, pos, n, n)?;
        let (zero, one) = (e.ints(&[0]), e.ints(&[1]));
        let next = e.plain("Add", &[p, one])?;
        let lengths = self.lengths(e)?;
        let before = e.slice(lengths, zero, p)?;
        let own = e.slice(lengths, p, next)?;
        let (begin, own) = (e.sum(before)?, e.sum(own)?);
        let end = e.plain("Add", &[begin, own])?;
        Ok(Place { row: [p, next], data: [begin, end] })
    }

    /// The tensor at a position; `element` is what is known of it.
    pub fn at(self, e: &mut Emit, pos: Value, element: &Fact) -> Result<Value> {
        let at = self.place(e, pos)?;
        let data = e.slice(self.data, at.data[0], at.data[1])?;
        if let Some(shape) = static_shape(element) {
            return e.reshape(data, &shape);
        }
        let row = e.slice(self.shapes, at.row[0], at.row[1])?;
        let row = e.reshape(row, &[self.row as i64])?;
        e.reshape_to(data, row)
    }

    /// With one more tensor before the one at a position, or at the end.
    pub fn insert(self, e: &mut Emit, v: Value, pos: Option<Value>) -> Result<Packed> {
        let row = shape_row(e, v, self.row, self.open)?;
        let flat = e.reshape(v, &[-1])?;
        let Some(pos) = pos else {
            let (shapes, data) = (e.concat(&[self.shapes, row], 0)?, e.concat(&[self.data, flat], 0)?);
            return Ok(Packed { shapes, data, ..self });
        };
        let (zero, one) = (e.ints(&[0]), e.ints(&[1]));
        let n = self.count(e)?;
        let limit = e.plain("Add", &[n, one])?;
        let p = Packed::position(e, pos, n, limit)?;
        let lengths = self.lengths(e)?;
        let before = e.slice(lengths, zero, p)?;
        let begin = e.sum(before)?;
        let shapes = Packed::put(e, self.shapes, [p, p], Some(row))?;
        let data = Packed::put(e, self.data, [begin, begin], Some(flat))?;
        Ok(Packed { shapes, data, ..self })
    }

    /// Without the tensor at a position, or the last.
    pub fn erase(self, e: &mut Emit, pos: Option<Value>) -> Result<Packed> {
        let pos = match pos {
            Some(pos) => pos,
            None => e.ints(&[-1]),
        };
        let at = self.place(e, pos)?;
        let shapes = Packed::put(e, self.shapes, at.row, None)?;
        let data = Packed::put(e, self.data, at.data, None)?;
        Ok(Packed { shapes, data, ..self })
    }

    /// `v` with `new` in place of what is between two positions.
    fn put(e: &mut Emit, v: Value, [from, to]: [Value; 2], new: Option<Value>) -> Result<Value> {
        let (zero, end) = (e.ints(&[0]), e.ints(&[i64::MAX]));
        let (before, after) = (e.slice(v, zero, from)?, e.slice(v, to, end)?);
        let all: Vec<Value> = [Some(before), new, Some(after)].into_iter().flatten().collect();
        e.concat(&all, 0)
    }

    /// The largest size of all tensors along each axis. Where one has another that must not, there are too few elements
    /// for it, which stops the program.
    fn common(self, e: &mut Emit) -> Result<Value> {
        let axis = e.ints(&[0]);
        e.op("ReduceMax", Attrs::new().with("keepdims", false), &[self.shapes, axis])
    }

    /// `v[from..to]` of a vector, bounds known.
    fn part(e: &mut Emit, v: Value, from: usize, to: usize) -> Result<Value> {
        let [from, to] = [from, to].map(|v| e.ints(&[v as i64]));
        e.slice(v, from, to)
    }

    /// Product of all elements, as a vector of one.
    fn product(e: &mut Emit, v: Value) -> Result<Value> {
        let p = e.op("ReduceProd", Attrs::new().with("keepdims", false), &[v])?;
        e.reshape(p, &[1])
    }

    /// All tensors along a new axis.
    pub fn stack(self, e: &mut Emit, axis: usize) -> Result<Value> {
        let (n, sizes) = (self.count(e)?, self.common(e)?);
        let shape = e.concat(&[n, sizes], 0)?;
        let y = e.reshape_to(self.data, shape)?;
        let mut perm: Vec<i64> = (1..=self.row as i64).collect();
        perm.insert(axis, 0);
        e.op("Transpose", Attrs::new().with("perm", perm), &[y])
    }

    /// All tensors one after another along an axis that they have.
    pub fn join(self, e: &mut Emit, axis: usize) -> Result<Value> {
        let sizes = self.common(e)?;
        let [from, to, one] = [axis as i64, axis as i64 + 1, 1].map(|v| e.ints(&[v]));
        let own = e.plain("Slice", &[self.shapes, from, to, one])?;
        let own = e.reshape(own, &[-1])?;
        let total = e.sum(own)?;
        let outer = Packed::part(e, sizes, 0, axis)?;
        let inner = Packed::part(e, sizes, axis + 1, self.row)?;
        let shape = e.concat(&[outer, total, inner], 0)?;
        if axis == 0 {
            return e.reshape_to(self.data, shape);
        }
        let (outer, inner) = (Packed::product(e, outer)?, Packed::product(e, inner)?);
        let whole = e.concat(&[outer, total, inner], 0)?;
        let data = e.reshape_to(self.data, whole)?;
        let data = e.reshape(data, &[-1])?;
        let lengths = self.lengths(e)?;
        let index = interleaved(e, own, lengths, [outer, total, inner])?;
        let y = e.plain("Gather", &[data, index])?;
        e.reshape_to(y, shape)
    }
}

/// For each element of a tensor `[outer, total, inner]` whose middle axis is made of parts of sizes `own`: where it is
/// when the parts, of `lengths` elements, are one after another.
pub fn interleaved(e: &mut Emit, own: Value, lengths: Value, [outer, total, inner]: [Value; 3]) -> Result<Value> {
    let axis = e.constant(Tensor::i64(&[], &[0]));
    let ends = e.plain("CumSum", &[own, axis])?;
    let j = e.range(total)?;
    let column = e.reshape(j, &[-1, 1])?;
    let past = e.plain("LessOrEqual", &[ends, column])?;
    let past = e.op("Cast", Attrs::new().with("to", DType::I64), &[past])?;
    let one = e.ints(&[1]);
    let part = e.op("ReduceSum", Attrs::new().with("keepdims", false), &[past, one])?;
    let starts = e.plain("Sub", &[ends, own])?;
    let begins = Packed::begins(e, lengths)?;
    let [start, begin, size] = [starts, begins, own].map(|v| e.plain("Gather", &[v, part]));
    let local = e.plain("Sub", &[j, start?])?;
    let o = e.range(outer)?;
    let o = e.reshape(o, &[-1, 1])?;
    let row = e.plain("Mul", &[o, size?])?;
    let row = e.plain("Add", &[row, local])?;
    let scaled = e.plain("Mul", &[row, inner])?;
    let at = e.plain("Add", &[scaled, begin?])?;
    let two = e.ints(&[2]);
    let at = e.plain("Unsqueeze", &[at, two])?;
    let k = e.range(inner)?;
    e.plain("Add", &[at, k])
}

/// The shape where it is known but for one size.
fn static_shape(f: &Fact) -> Option<Vec<i64>> {
    let sizes: Vec<i64> = f.shape.iter().map(|d| d.as_const().unwrap_or(-1)).collect();
    let unknown = sizes.iter().filter(|d| **d == -1).count();
    (unknown <= 1 && !sizes.contains(&0)).then_some(sizes)
}
