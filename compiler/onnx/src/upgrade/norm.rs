//! Normalizations and `Dropout`.

use super::Draft;
use dlc_ir::{Attrs, Result, Value, bail, ensure};

type Done = Result<Option<Vec<Value>>>;

/// `is_test`: training graphs are refused.
pub fn inference_only(d: &mut Draft) -> Done {
    ensure!(d.take::<i64>("is_test")?.unwrap_or(0) != 0 || d.outputs <= 1, "a training graph is not supported");
    Ok(None)
}

/// `spatial`: one mean for each channel, or for each element.
pub fn spatial(d: &mut Draft) -> Done {
    ensure!(d.take::<i64>("spatial")?.unwrap_or(1) == 1, "attribute spatial is 0, expected 1");
    Ok(None)
}

/// Results after the first were for training; who reads them is told that they are not there.
pub fn one_result(d: &mut Draft) -> Done {
    d.outputs = 1;
    Ok(None)
}

/// `ratio` only matters in training.
pub fn dropout_ratio(d: &mut Draft) -> Done {
    d.attrs.remove("ratio");
    Ok(None)
}

/// Scale and bias had one element for each group; today they have one for each channel.
pub fn scale_of_groups(d: &mut Draft) -> Done {
    let Some(channels) = d.fact(0, "X")?.shape.get(1).and_then(|c| c.as_const()) else {
        bail!("operand X has no constant number of channels");
    };
    let groups = d.attrs.int("num_groups", 1)?;
    ensure!(groups > 0 && channels % groups == 0, "{channels} channels do not divide into {groups} groups");
    for (slot, what) in [(1, "scale"), (2, "bias")] {
        let v = d.operand(slot, what)?;
        let column = d.ints("column", &[groups, 1]);
        let table = d.ints("table", &[groups, channels / groups]);
        let row = d.ints("row", &[channels]);
        let v = d.apply(&format!("{what}_column"), "Reshape", Attrs::new(), &[v, column])?;
        let v = d.apply(&format!("{what}_table"), "Expand", Attrs::new(), &[v, table])?;
        let v = d.apply(&format!("{what}_channels"), "Reshape", Attrs::new(), &[v, row])?;
        d.set(slot, v);
    }
    Ok(None)
}
