//! Transposed convolutions as ordinary ones. With stride `s`, the results at `s q + r` only have to do with the taps `r`, `r + s`,
//! ..: these are a convolution of stride 1, its filter reversed. All phases `r` together are one convolution with `s` times
//! as many filters, whose results `dlc.Interleave` puts side by side (Shi et al., "Is the deconvolution layer the same as a
//! convolutional layer?", 2016).

use super::expansion::Expansion;
use crate::lower::Lowering;
use crate::{Attrs, Dim, Fact, Result, Value, dim::product};

/// A transposed convolution with one number for each spatial axis.
pub struct Transposed {
    /// Shape of the operand: image, channel, spatial axes.
    pub x: Vec<Dim>,
    /// Channels, filters of a group, taps of each axis.
    pub w: Vec<i64>,
    /// Number of blocked channel groups.
    pub group: i64,
    /// Steps.
    pub strides: Vec<i64>,
    /// Elements taken off at the begin of each axis.
    pub begin: Vec<i64>,
    /// Sizes of the result.
    pub out: Vec<Dim>,
}

/// One axis of the convolution.
struct Axis {
    /// Taps of a phase.
    taps: i64,
    /// Zeros before and after.
    pads: [i64; 2],
    /// Results left out before and after.
    left_out: [i64; 2],
}

impl Transposed {
    /// The convolution for operands X, W and B; `None` where it has to know more, or more is asked for than it gives.
    pub fn expand(&self, x: &[Option<&Fact>]) -> Result<Option<Lowering>> {
        let Some(axes) = (0..self.strides.len()).map(|i| self.axis(i)).collect::<Option<Vec<Axis>>>() else {
            return Ok(None);
        };
        let mut e = Expansion::of(x);
        let (data, w) = (e.x(0)?, e.x(1)?);
        let mut operands = vec![data, self.filters(&mut e, w, &axes)?];
        if let Some(b) = e.operand(2) {
            operands.push(self.bias(&mut e, b)?);
        }
        let pads: Vec<i64> = [0, 1].iter().flat_map(|k| axes.iter().map(|a| a.pads[*k])).collect();
        let mut y = e.with("Conv", Attrs::new().with("group", self.group).with("pads", pads), &operands)?;
        let side = |k: usize| axes.iter().map(|a| a.left_out[k]).collect::<Vec<i64>>();
        if self.phases() > 1 || axes.iter().any(|a| a.left_out != [0, 0]) {
            let attrs = Attrs::new().with("begins", side(0)).with("ends", side(1)).with("group", self.group);
            y = e.with("dlc.Interleave", attrs.with("strides", self.strides.clone()), &[y])?;
        }
        Ok(Some(e.done(&[y])))
    }

    fn phases(&self) -> i64 {
        self.strides.iter().product()
    }

    fn axis(&self, i: usize) -> Option<Axis> {
        let (s, begin) = (self.strides[i], self.begin[i]);
        let taps = (self.w[2 + i] + s - 1) / s;
        let whole = (self.x[2 + i].clone() + (taps - 1).into()) * s.into();
        let end = (whole - begin.into() - self.out[i].clone()).as_const()?;
        let side = |n: i64| {
            let spared = (n / s).min(taps - 1);
            (n >= 0 && taps > 0).then_some((taps - 1 - spared, n - spared * s))
        };
        let ((first, before), (last, after)) = (side(begin)?, side(end)?);
        Some(Axis { taps, pads: [first, last], left_out: [before, after] })
    }

    /// Filters `[groups * phases * filters of a group, channels of a group, taps]` from `[channels, filters of a group, taps]`.
    fn filters(&self, e: &mut Expansion, w: Value, axes: &[Axis]) -> Result<Value> {
        let n = axes.len();
        let (per_group, filters) = (self.w[0] / self.group, self.w[1]);
        let added: Vec<i64> = (0..n).map(|i| axes[i].taps * self.strides[i] - self.w[2 + i]).collect();
        let mut w = w;
        if added.iter().any(|a| *a > 0) {
            let pads = e.ints(&[&vec![0; n + 4][..], &added].concat());
            w = e.op("Pad", &[w, pads])?;
        }
        let mut split = vec![self.group, per_group, filters];
        (0..n).for_each(|i| split.extend([axes[i].taps, self.strides[i]]));
        let split = e.ints(&split);
        let w = e.reshape(w, split)?;
        let axis = |i: usize, k: usize| (3 + 2 * i + k) as i64;
        let mut perm = vec![0];
        perm.extend((0..n).map(|i| axis(i, 1)));
        perm.extend([2, 1]);
        perm.extend((0..n).map(|i| axis(i, 0)));
        let mut w = e.with("Transpose", Attrs::new().with("perm", perm), &[w])?;
        for (i, a) in axes.iter().enumerate().filter(|(_, a)| a.taps > 1) {
            let reversed = [-1, -1 - a.taps, (3 + n + i) as i64, -1].map(|v| e.ints(&[v]));
            w = e.op("Slice", &[w, reversed[0], reversed[1], reversed[2], reversed[3]])?;
        }
        let mut to = vec![self.group * self.phases() * filters, per_group];
        to.extend(axes.iter().map(|a| a.taps));
        let to = e.ints(&to);
        e.reshape(w, to)
    }

    /// The bias of every filter of every phase.
    fn bias(&self, e: &mut Expansion, b: Value) -> Result<Value> {
        let (group, phases, filters) = (self.group, self.phases(), self.w[1]);
        let apart = e.ints(&[group, 1, filters]);
        let b = e.reshape(b, apart)?;
        let all = e.ints(&[group, phases, filters]);
        let b = e.op("Expand", &[b, all])?;
        let flat = e.ints(&[group * phases * filters]);
        e.reshape(b, flat)
    }

    /// Whether there is anything to compute with.
    pub fn is_empty(&self) -> bool {
        product(&self.x).is_zero() || self.w.contains(&0)
    }
}
