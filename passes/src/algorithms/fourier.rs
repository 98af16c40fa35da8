//! Convolutions as products of spectra: tiles of the image transformed, multiplied with the transforms of the filters, transformed
//! back. Filters for single channels are multiplied element by element, others as matrices, one for each frequency.
//!
//! A tile wraps around: along an axis where the image and the zeros before it fit into one, these zeros are what is behind it.
//! Otherwise tiles of the padded image overlap by the filter, and of each the results that wrap around are left out.

use super::writer::Writer;
use dlc_ir::ops::conv::{ConvAttrs, window};
use dlc_ir::{Attrs, DType, Dim, Graph, NodeId, Result};

/// Channels below which vectors are not filled.
const LEAST: i64 = 16;
/// Lengths of transforms worth trying: products of small numbers; along rows, even ones.
pub(super) const SIZES: [i64; 15] = [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 32, 40, 48, 64];

/// A convolution that spectra can compute: sizes are of rows and columns.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Images; what is not known is taken to be 1.
    pub images: i64,
    /// Channels of the operand.
    pub channels: i64,
    /// Channels of the result.
    pub filters: i64,
    /// Whether each filter is for a channel of its own.
    pub single: bool,
    /// Taps of the filters.
    pub taps: [i64; 2],
    /// Sizes of the result.
    pub results: [i64; 2],
    /// Sizes of the operand.
    pub size: [i64; 2],
    /// Padding before.
    begin: [i64; 2],
}

/// The tiles along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    /// Elements of one.
    pub size: i64,
    /// How many.
    pub count: i64,
    /// Results of one.
    pub results: i64,
    /// Zeros before and behind the image.
    pads: [i64; 2],
    /// Results before the first element of a tile.
    begin: i64,
}

impl Shape {
    /// The tiles of this size, if the filter fits.
    pub fn tiles(&self, size: [i64; 2]) -> Option<[Tiles; 2]> {
        let even = size[1] % 2 == 0;
        even.then_some([self.along(0, size[0])?, self.along(1, size[1])?])
    }

    /// Taps that are inside of the image, of all results along an axis.
    pub fn inside(&self, axis: usize) -> i64 {
        let (n, begin, taps) = (self.size[axis], self.begin[axis], self.taps[axis]);
        let of = |first: i64| (first + taps).min(n) - first.max(0);
        (0..self.results[axis]).map(|i| of(i - begin).max(0)).sum()
    }

    /// The tiles along an axis.
    pub fn along(&self, axis: usize, size: i64) -> Option<Tiles> {
        let (taps, results) = (self.taps[axis], self.results[axis]);
        let (n, begin) = (self.size[axis], self.begin[axis]);
        if n + begin <= size && results + taps - 1 - begin <= size {
            return Some(Tiles { size, count: 1, results, pads: [0; 2], begin });
        }
        let each = size - taps + 1;
        let count = (results + each.max(1) - 1) / each.max(1);
        let end = count * each + taps - 1 - n - begin;
        (each > 0).then_some(Tiles { size, count, results: each, pads: [begin, end], begin: 0 })
    }
}

/// The convolution of a node, if it has constant f32 filters, for single channels or all, with steps of 1, over images of known size.
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
    let plain = win.strides.iter().chain(&win.dilations).all(|n| *n == 1);
    let [filters, channels, height, width] = w.shape()[..] else { return None };
    let single = channels == 1 && a.group == filters as i64;
    if !plain || w.dtype() != DType::F32 || (a.group != 1 && !single) {
        return None;
    }
    let sizes = |d: &[Dim]| Some([d[2].as_const()?, d[3].as_const()?]);
    let out = Shape {
        images: x.shape[0].as_const().unwrap_or(1),
        channels: (if single { filters } else { channels }) as i64,
        filters: filters as i64,
        single,
        taps: [height as i64, width as i64],
        results: sizes(&y.shape)?,
        size: sizes(&x.shape)?,
        begin: [pads[0], pads[1]],
    };
    let inside = (0..2).all(|i| (0..out.taps[i]).contains(&out.begin[i]) && out.results[i] > 0);
    let enough = out.channels >= LEAST && out.filters >= LEAST;
    (inside && enough && out.images > 0).then_some(out)
}

/// Writes the convolution by spectra in the place of the node.
pub(super) fn write(g: &mut Graph, id: NodeId, s: &Shape, [down, across]: &[Tiles; 2]) -> Result<bool> {
    let mut w = Writer { name: g.node(id).name.clone(), g };
    let operands = w.g.operands(id);
    let (Some(x), Some(filters)) = (operands[0], operands[1]) else { return Ok(false) };
    let x = w.padded(x, [down.pads[0], across.pads[0]], [down.pads[1], across.pads[1]])?;
    let tile = |t: &Tiles| Attrs::new().with("size", t.size).with("step", t.results);
    let rows = w.op("rows", "dlc.FourierRows", tile(across), &[x])?;
    let spectra = w.op("spectra", "dlc.FourierColumns", tile(down), &[rows])?;
    let sizes = Attrs::new().with("rows", down.size).with("columns", across.size);
    let attrs = Attrs::new().with("begin", down.begin).with("rows", down.results);
    let products = if s.single {
        let f = w.filters("dlc.FourierFilter", filters, sizes)?;
        w.op("products", "dlc.FourierProduct", attrs, &[spectra, f])?
    } else {
        let f = w.filters("dlc.FourierFilters", filters, sizes)?;
        let sums = w.op("sums", "dlc.FourierSums", Attrs::new(), &[spectra, f])?;
        w.op("back", "dlc.FourierBack", attrs, &[sums])?
    };
    let attrs = Attrs::new().with("begin", across.begin).with("step", across.results);
    let attrs = attrs.with("height", s.results[0]).with("width", s.results[1]);
    let y = w.op("image", "dlc.FourierImage", attrs, &[products])?;
    w.finish(id, y, operands.get(2).copied().flatten(), s.filters)?;
    Ok(true)
}
