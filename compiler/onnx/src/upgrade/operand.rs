//! Attributes that became operands, and attributes whose defaults or types changed.

use super::Draft;
use dlc_ir::{Attr, Attrs, Num, Result, Tensor, Value, bail, ensure};

type Done = Result<Option<Vec<Value>>>;

/// Makes an operand of an attribute that is there.
fn to_operand(d: &mut Draft, name: &'static str, slot: usize) -> Result<()> {
    if let Some(v) = d.take::<Vec<i64>>(name)? {
        let v = d.ints(name, &v);
        d.set(slot, v);
    }
    Ok(())
}

/// `axes` of reductions, Squeeze and Unsqueeze.
pub fn axes(d: &mut Draft) -> Done {
    to_operand(d, "axes", 1)?;
    Ok(None)
}

/// `p` of norms was a float.
pub fn integer_p(d: &mut Draft) -> Done {
    if let Some(p) = d.take::<f32>("p")? {
        d.attrs.set("p", p as i64);
    }
    Ok(None)
}

/// `paddings` is `pads` today.
pub fn pad_paddings(d: &mut Draft) -> Done {
    if let Some(pads) = d.attrs.remove("paddings") {
        d.attrs.set("pads", pads);
    }
    Ok(None)
}

/// `pads` and `value`.
pub fn pad_operands(d: &mut Draft) -> Done {
    to_operand(d, "pads", 1)?;
    let value = d.take::<f32>("value")?.unwrap_or(0.0);
    if value != 0.0 {
        let t = Tensor::scalar(d.dtype()?, Num::F(value as f64));
        let v = d.constant("value", t);
        d.set(2, v);
    }
    Ok(None)
}

/// The sizes as an operand, before they were an attribute, after which they were an operand again.
pub fn split_operand(d: &mut Draft) -> Done {
    let sizes = d.x.get(1).copied().flatten();
    if let Some(v) = sizes {
        let Some(t) = d.graph.constant(v) else { bail!("operand split is not constant") };
        let t = t.to_i64();
        d.attrs.set("split", t);
        d.x.truncate(1);
    }
    Ok(None)
}

/// `split`.
pub fn split_sizes(d: &mut Draft) -> Done {
    to_operand(d, "split", 1)?;
    Ok(None)
}

/// Without sizes, the parts were as many as the results.
pub fn split_evenly(d: &mut Draft) -> Done {
    if d.x.get(1).copied().flatten().is_none() && d.attrs.get("num_outputs").is_none() {
        d.attrs.set("num_outputs", d.outputs);
    }
    Ok(None)
}

/// `shape`.
pub fn reshape_shape(d: &mut Draft) -> Done {
    to_operand(d, "shape", 1)?;
    Ok(None)
}

/// `min` and `max`.
pub fn clip_bounds(d: &mut Draft) -> Done {
    for (slot, name) in [(1, "min"), (2, "max")] {
        if let Some(v) = d.take::<f32>(name)? {
            let t = Tensor::scalar(d.dtype()?, Num::F(v as f64));
            let v = d.constant(name, t);
            d.set(slot, v);
        }
    }
    Ok(None)
}

/// The constants had fewer digits.
pub fn selu_constants(d: &mut Draft) -> Done {
    for (name, v) in [("alpha", 1.6732f32), ("gamma", 1.0507)] {
        if d.attrs.get(name).is_none() {
            d.attrs.set(name, v);
        }
    }
    Ok(None)
}

/// `Tile(x, tiles, axis)` repeated one axis; today there is a number for each.
pub fn tile_axis(d: &mut Draft) -> Done {
    if d.x.len() < 3 {
        return Ok(None);
    }
    let scalar = |d: &Draft, i: usize, name: &str| match d.fact(i, name)?.constant() {
        Some(t) if t.len() == 1 => Ok(t.at(0).i() as i64),
        _ => bail!("operand {name} is not a constant of one element"),
    };
    let (tiles, axis) = (scalar(d, 1, "tiles")?, scalar(d, 2, "axis")?);
    let rank = d.fact(0, "input")?.rank();
    let mut repeats = vec![1; rank];
    repeats[dlc_ir::op::axis(axis, rank)?] = tiles;
    let v = d.ints("repeats", &repeats);
    d.x.truncate(1);
    d.set(1, v);
    Ok(None)
}

/// `starts`, `ends` and `axes`.
pub fn slice_bounds(d: &mut Draft) -> Done {
    for (slot, name) in [(1, "starts"), (2, "ends"), (3, "axes")] {
        to_operand(d, name, slot)?;
    }
    Ok(None)
}

/// `k`.
pub fn top_k(d: &mut Draft) -> Done {
    if let Some(k) = d.take::<i64>("k")? {
        let v = d.ints("k", &[k]);
        d.set(1, v);
    }
    Ok(None)
}

/// `axis`, which was 1 when not given and is -2 today.
pub fn dft_axis(d: &mut Draft) -> Done {
    let axis = d.take::<i64>("axis")?.unwrap_or(1);
    let v = d.constant("axis", Tensor::i64(&[], &[axis]));
    d.set(2, v);
    Ok(None)
}

/// A real signal may come without its last axis of size 1, as runtimes accept it.
pub fn stft_channel(d: &mut Draft) -> Done {
    if d.fact(0, "signal")?.rank() == 2 {
        let (signal, axis) = (d.operand(0, "signal")?, d.ints("axis", &[-1]));
        let signal = d.apply("channel", "Unsqueeze", Attrs::new(), &[signal, axis])?;
        d.set(0, signal);
    }
    Ok(None)
}

/// `Scatter` is `ScatterElements`.
pub fn scatter(d: &mut Draft) -> Done {
    ensure!(!matches!(d.attrs.get("reduction"), Some(Attr::Str(_))), "attribute reduction is not one of Scatter");
    d.op = "ScatterElements".into();
    Ok(None)
}
