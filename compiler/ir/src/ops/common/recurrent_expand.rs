//! LSTM, GRU and RNN as one product for all steps of the input and what is left for each step, `dlc.Recurrence`.

use super::expansion::{Expansion, wide};
use super::recurrent::Recurrent;
use crate::lower::Lowering;
use crate::{Attrs, Ctx, DType, Fact, Result, Tensor, Value, bail};

/// Units whose weights lie side by side, where their number is a multiple: a line of memory.
const BLOCK: i64 = 16;
/// Operands B and sequence_lens.
const BIAS: usize = 3;
const LENGTHS: usize = 4;

impl Recurrent<'_> {
    /// The graph for operands X, W, R, B and the rest.
    pub fn expand(&self, c: &Ctx, name: &str, x: &[Option<&Fact>]) -> Result<Lowering> {
        let mut e = Expansion::of(x);
        let dtype = e.fact(e.x(0)?).dtype;
        let mut operands = vec![];
        for i in 0..8 {
            operands.push(match e.operand(i) {
                Some(v) if i != LENGTHS => Some(e.cast(v, wide(dtype))?),
                v => v,
            });
        }
        let [Some(input), Some(w), Some(r)] = operands[..3] else { bail!("operands X, W and R are required") };
        let shape = e.sizes(&[(input, 0, 2), (w, 0, 2)])?;
        let flat = |e: &mut Expansion, v: Value| e.with("Flatten", Attrs::new().with("axis", 2i64), &[v]);
        let (input, w) = (flat(&mut e, input)?, flat(&mut e, w)?);
        let w = e.with("Transpose", Attrs::new().with("perm", vec![1i64, 0]), &[w])?;
        let mut gates = e.op("MatMul", &[input, w])?;
        let mut left = None;
        if let Some(b) = operands[BIAS] {
            let (early, late) = self.biases(&mut e, b)?;
            gates = e.op("Add", &[gates, early])?;
            left = late;
        }
        let gates = e.reshape(gates, shape)?;
        let r = self.blocks(&mut e, r)?;
        let mut all = vec![Some(gates), Some(r), left];
        all.extend(&operands[LENGTHS..]);
        all.truncate(1 + all.iter().rposition(Option::is_some).unwrap_or(0));
        let y = e.many("dlc.Recurrence", c.attrs.clone().with("cell", name), &all, c.outputs)?;
        let y = y.into_iter().map(|v| e.cast(v, dtype)).collect::<Result<Vec<_>>>()?;
        Ok(e.done(&y))
    }

    fn sizes(&self) -> (i64, i64, i64) {
        (self.directions() as i64, self.cell.gates() as i64, self.hidden.as_const().unwrap_or(-1))
    }

    /// What is added to all products of the input, [rows of all directions], and what is left for the last gate's product with the
    /// hidden state, [direction, unit].
    fn biases(&self, e: &mut Expansion, b: Value) -> Result<(Value, Option<Value>)> {
        let (n, gates, units) = self.sizes();
        let to = e.ints(&[n, 2, gates, units]);
        let b = e.reshape(b, to)?;
        let dtype = e.fact(b).dtype;
        let (mut early, mut late) = (b, None);
        if self.cell.scales_last() {
            let mut now = vec![1.0; 2 * gates as usize];
            now[2 * gates as usize - 1] = 0.0;
            let now = e.constant(Tensor::floats(dtype, &[2, gates as usize, 1], &now));
            early = e.op("Mul", &[b, now])?;
            let recurrent = e.scalar(DType::I64, 1.0);
            let of_state = e.with("Gather", Attrs::new().with("axis", 1i64), &[b, recurrent])?;
            let last = e.scalar(DType::I64, (gates - 1) as f64);
            late = Some(e.with("Gather", Attrs::new().with("axis", 1i64), &[of_state, last])?);
        }
        let sum = e.reduce("ReduceSum", early, &[1])?;
        let to = e.ints(&[if units < 0 { -1 } else { n * gates * units }]);
        Ok((e.reshape(sum, to)?, late))
    }

    /// The weights of the hidden state as they are read: for each block of units and each other unit those of all gates.
    fn blocks(&self, e: &mut Expansion, r: Value) -> Result<Value> {
        let (n, gates, units) = self.sizes();
        if units < 0 {
            let r = e.with("Transpose", Attrs::new().with("perm", vec![0i64, 2, 1]), &[r])?;
            let to = e.ints(&[0, 0, gates, -1]);
            let r = e.op("Reshape", &[r, to])?;
            let axis = e.ints(&[1]);
            return e.op("Unsqueeze", &[r, axis]);
        }
        let width = if units % BLOCK == 0 { BLOCK } else { units };
        let to = e.ints(&[n, gates, units / width, width, units]);
        let r = e.reshape(r, to)?;
        e.with("Transpose", Attrs::new().with("perm", vec![0i64, 2, 4, 1, 3]), &[r])
    }
}
