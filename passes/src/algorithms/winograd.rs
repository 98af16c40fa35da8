//! Convolutions of 3x3 as Winograd's minimal filtering: tiles transformed, one product for each point, transformed back.

use super::writer::Writer;
use dlc_ir::ops::common::winograd::TAPS;
use dlc_ir::ops::conv::{ConvAttrs, window};
use dlc_ir::{Attrs, DType, Graph, NodeId, Result};

/// Channels and filters below which vectors are not filled.
const LEAST: i64 = 16;

/// A way to compute a convolution by tiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Way {
    /// Results of a tile along each axis.
    pub tile: i64,
    /// Each row of tiles goes through all steps before the next does.
    pub by_rows: bool,
}

/// A convolution that tiles can compute.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Images; what is not known is taken to be 1.
    pub images: i64,
    /// Channels of the operand.
    pub channels: i64,
    /// Channels of the result.
    pub filters: i64,
    /// Rows of the result.
    pub height: i64,
    /// Columns of the result.
    pub width: i64,
    /// Rows and columns of padding before.
    begin: [i64; 2],
    /// Rows and columns of the operand.
    size: [i64; 2],
}

/// Tiles along an axis of this size.
pub(super) fn tiles(size: i64, tile: i64) -> i64 {
    (size + tile - 1) / tile
}

/// The convolution of a node, if it is of 3x3 constant f32 filters with steps of 1, over images of known size.
pub(super) fn shape(g: &Graph, id: NodeId) -> Option<Shape> {
    let (op, attrs) = g.node(id).op()?;
    if (op.name(), op.domain()) != ("Conv", "") {
        return None;
    }
    let a = ConvAttrs::read(attrs).ok()?;
    let operands = g.operands(id);
    let (x, w) = (g.fact(operands[0]?), g.constant(operands[1]?)?);
    let y = &g.node(id).outputs[0];
    let win = window(&a, &x.shape, &w.fact().shape).ok()?;
    let pads = win.const_pads()?;
    let plain = win.strides.iter().chain(&win.dilations).all(|n| *n == 1) && a.group == 1;
    if w.rank() != 4 || w.shape()[2..] != [TAPS; 2] || !plain || w.dtype() != DType::F32 {
        return None;
    }
    let size = |d: &dlc_ir::Dim| d.as_const();
    let out = Shape {
        images: size(&x.shape[0]).unwrap_or(1),
        channels: w.shape()[1] as i64,
        filters: w.shape()[0] as i64,
        height: size(&y.shape[2])?,
        width: size(&y.shape[3])?,
        begin: [pads[0], pads[1]],
        size: [size(&x.shape[2])?, size(&x.shape[3])?],
    };
    let enough = out.channels >= LEAST && out.filters >= LEAST && out.images > 0 && out.height > 0 && out.width > 0;
    enough.then_some(out)
}

/// Writes the convolution by tiles in the place of the node.
///
/// By rows of tiles, one row goes through all three steps before the next does, and what is between them stays near.
pub(super) fn write(g: &mut Graph, id: NodeId, s: &Shape, way: Way) -> Result<bool> {
    let tile = way.tile;
    let mut w = Writer { name: g.node(id).name.clone(), g };
    let operands = w.g.operands(id);
    let (Some(x), Some(filters)) = (operands[0], operands[1]) else { return Ok(false) };
    let attrs = Attrs::new().with("tile", tile);
    let by_rows = i64::from(way.by_rows);
    let (down, across) = (tiles(s.height, tile), tiles(s.width, tile));
    let ends: Vec<i64> =
        [(down, 0), (across, 1)].iter().map(|(n, a)| n * tile + 2 - s.size[*a] - s.begin[*a]).collect();
    let x = w.padded(x, s.begin, [ends[0], ends[1]])?;
    let points = (tile + 2) * (tile + 2);
    let v = w.op("tiles", "dlc.WinogradInput", attrs.clone().with("by_rows", by_rows), &[x])?;
    let (rows, squares) = match way.by_rows {
        true => (vec![-1, points, across, s.channels], vec![-1, down, points, across, s.filters]),
        false => (vec![points, -1, s.channels], vec![points, -1, down, across, s.filters]),
    };
    let v = w.reshaped("rows", v, &rows)?;
    let u = w.filters("dlc.WinogradFilter", filters, attrs.clone())?;
    let m = w.op("products", "MatMul", Attrs::new(), &[v, u])?;
    let m = w.reshaped("squares", m, &squares)?;
    let attrs = attrs.with("height", s.height).with("width", s.width).with("by_rows", by_rows);
    let y = w.op("image", "dlc.WinogradOutput", attrs, &[m])?;
    w.finish(id, y, operands.get(2).copied().flatten(), s.filters)?;
    Ok(true)
}
