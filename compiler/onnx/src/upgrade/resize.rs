//! `Upsample`, the first `Resize`, and the sampling operators.

use super::Draft;
use dlc_ir::{Attr, Result, Tensor, Value, bail, ensure};

type Done = Result<Option<Vec<Value>>>;

/// `height_scale` and `width_scale` of an image.
pub fn upsample_factors(d: &mut Draft) -> Done {
    if let (Some(h), Some(w)) = (d.take::<f32>("height_scale")?, d.take::<f32>("width_scale")?) {
        d.attrs.set("scales", vec![1.0, 1.0, h, w]);
    }
    if d.attrs.get("mode") == Some(&Attr::Str("bilinear".into())) {
        d.attrs.set("mode", "linear");
    }
    Ok(None)
}

/// `scales`.
pub fn upsample_attribute(d: &mut Draft) -> Done {
    if let Some(scales) = d.take::<Vec<f32>>("scales")? {
        let v = d.constant("scales", Tensor::f32(&[scales.len()], &scales));
        d.set(1, v);
    }
    Ok(None)
}

/// Pixels were points at integer coordinates, the nearest was the one before, and there was no region.
pub fn asymmetric(d: &mut Draft) -> Done {
    let scales = d.operand(1, "scales")?;
    d.x.truncate(1);
    d.set(2, scales);
    d.attrs.set("coordinate_transformation_mode", "asymmetric");
    d.attrs.set("nearest_mode", "floor");
    d.op = "Resize".into();
    Ok(None)
}

/// `Upsample` under a version that has it no more: it means what it meant last.
pub fn upsample(d: &mut Draft) -> Done {
    asymmetric(d)
}

/// An empty `roi`, `scales` or `sizes` is an omitted one.
pub fn empty_operands(d: &mut Draft) -> Done {
    for i in 1..d.x.len() {
        if d.x[i].is_some_and(|v| d.graph.fact(v).is_empty()) {
            d.x[i] = None;
        }
    }
    while d.x.last() == Some(&None) {
        d.x.pop();
    }
    ensure!(d.x.len() > 2, "neither scales nor sizes are given");
    Ok(None)
}

/// Regions were not shifted by half a pixel.
pub fn roi_unshifted(d: &mut Draft) -> Done {
    if d.attrs.get("coordinate_transformation_mode").is_none() {
        d.attrs.set("coordinate_transformation_mode", "output_half_pixel");
    }
    Ok(None)
}

/// Names of the interpolations.
pub fn grid_mode(d: &mut Draft) -> Done {
    let mode = match d.take::<String>("mode")?.as_deref() {
        None | Some("bilinear") => "linear",
        Some("bicubic") => "cubic",
        Some("nearest") => "nearest",
        Some(other) => bail!("attribute mode is {other:?}, expected bilinear, nearest or bicubic"),
    };
    d.attrs.set("mode", mode);
    Ok(None)
}
