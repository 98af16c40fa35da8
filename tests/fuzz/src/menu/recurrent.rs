//! Recurrences.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Num, Tensor};

pub fn recurrent(b: &mut Builder) -> Option<()> {
    let (op, gates) = b.draw.pick(&[("LSTM", 4usize), ("GRU", 3), ("RNN", 1)]);
    let [time, batch, input, hidden] = [4, 3, 4, 3].map(|n| b.draw.range(1, n) as usize);
    let direction = b.draw.pick(&["forward", "reverse", "bidirectional"]);
    let n = if direction == "bidirectional" { 2 } else { 1 };
    let first = b.draw.chance(25);
    let x = if first { [batch, time, input] } else { [time, batch, input] };
    let last = if first { [batch, n, hidden] } else { [n, batch, hidden] };
    let mut operands = vec![
        Some(b.exactly(DType::F32, &x)),
        Some(b.exactly(DType::F32, &[n, gates * hidden, input])),
        Some(b.exactly(DType::F32, &[n, gates * hidden, hidden])),
    ];
    operands.push(b.draw.chance(60).then(|| b.exactly(DType::F32, &[n, 2 * gates * hidden])));
    let lens: Vec<Num> = (0..batch).map(|_| Num::I(b.draw.range(0, time as i64) as i128)).collect();
    let lens = Tensor::new(DType::I32, &[batch], lens);
    operands.push(b.draw.chance(30).then(|| b.input(lens)));
    operands.push(b.draw.chance(40).then(|| b.exactly(DType::F32, &last)));
    if op == "LSTM" {
        operands.push(b.draw.chance(40).then(|| b.exactly(DType::F32, &last)));
        operands.push(b.draw.chance(30).then(|| b.exactly(DType::F32, &[n, 3 * hidden])));
    }
    let mut attrs = Attrs::new().with("hidden_size", hidden).with("direction", direction);
    attrs = if first { attrs.with("layout", 1i64) } else { attrs };
    attrs = if op == "GRU" && b.draw.chance(50) { attrs.with("linear_before_reset", 1i64) } else { attrs };
    attrs = if op == "LSTM" && b.draw.chance(20) { attrs.with("input_forget", 1i64) } else { attrs };
    attrs = if b.draw.chance(20) { attrs.with("clip", 1.5f32) } else { attrs };
    let outputs = b.draw.range(1, if op == "LSTM" { 3 } else { 2 }) as usize;
    b.op(op, attrs, &operands, outputs).map(drop)
}
