//! Sliding windows: the attributes and sizes that convolutions and poolings share.

use crate::lower::Expr;
use crate::{Dim, Fact, Result, bail, ensure};

/// A window over `n` spatial axes with everything resolved to one value per axis.
#[derive(Clone, Debug)]
pub struct Window {
    /// Extent of the kernel.
    pub kernel: Vec<Dim>,
    /// Step between outputs.
    pub strides: Vec<i64>,
    /// Step between taps.
    pub dilations: Vec<i64>,
    /// Elements added before each axis.
    pub begin: Vec<Dim>,
    /// Elements added after each axis.
    pub end: Vec<Dim>,
    /// Whether a window may reach beyond the end padding, because the output's size was rounded up.
    pub overhang: bool,
}

/// Largest number among the attributes of a window, and most taps it may have.
const LARGEST: i64 = i32::MAX as i64;
const MOST_TAPS: i64 = 1 << 28;

/// Refuses numbers with which the sizes of no tensor can be reached.
fn check_numbers(what: &str, v: &[i64]) -> Result<()> {
    ensure!(v.iter().all(|n| *n <= LARGEST), "attribute {what} is {v:?}, expected numbers up to {LARGEST}");
    Ok(())
}

impl Window {
    /// Resolves the ONNX attributes for an input with these spatial sizes. Empty lists mean their defaults.
    pub fn new(
        spatial: &[Dim],
        kernel: &[Dim],
        strides: &[i64],
        dilations: &[i64],
        pads: &[i64],
        auto_pad: &str,
    ) -> Result<Self> {
        let n = spatial.len();
        let ones = |v: &[i64], what: &str| -> Result<Vec<i64>> {
            let v = if v.is_empty() { vec![1; n] } else { v.to_vec() };
            let positive = v.len() == n && v.iter().all(|s| *s > 0);
            ensure!(positive, "attribute {what} is {v:?}, expected {n} positive numbers");
            check_numbers(what, &v)?;
            Ok(v)
        };
        check_numbers("pads", pads)?;
        ensure!(kernel.len() == n, "attribute kernel_shape has {} numbers, expected {n}", kernel.len());
        let taps = kernel.iter().filter_map(Dim::as_const).fold(1i64, |p, k| p.saturating_mul(k));
        ensure!(taps <= MOST_TAPS, "attribute kernel_shape is of {taps} elements, expected at most {MOST_TAPS}");
        let (strides, dilations) = (ones(strides, "strides")?, ones(dilations, "dilations")?);
        let mut w = Window { kernel: kernel.to_vec(), strides, dilations, begin: vec![], end: vec![], overhang: false };
        for i in 0..n {
            let (b, e) = w.padding(i, &spatial[i], pads, auto_pad, n)?;
            w.begin.push(b);
            w.end.push(e);
        }
        Ok(w)
    }

    fn padding(&self, i: usize, size: &Dim, pads: &[i64], auto_pad: &str, n: usize) -> Result<(Dim, Dim)> {
        match auto_pad {
            "NOTSET" | "" if pads.is_empty() => Ok((0.into(), 0.into())),
            "NOTSET" | "" => {
                ensure!(pads.len() == 2 * n, "attribute pads is {pads:?}, expected {} numbers", 2 * n);
                ensure!(pads.iter().all(|p| *p >= 0), "attribute pads is {pads:?}, expected no negative number");
                Ok((pads[i].into(), pads[n + i].into()))
            }
            "VALID" => Ok((0.into(), 0.into())),
            "SAME_UPPER" | "SAME_LOWER" => {
                let stride = Dim::from(self.strides[i]);
                let out = size.ceil_div(&stride);
                let total = ((out - 1.into()) * stride + self.extent(i) - size.clone()).max_of(&0.into());
                let half = total.div(&2.into());
                let other = total - half.clone();
                Ok(if auto_pad == "SAME_UPPER" { (half, other) } else { (other, half) })
            }
            other => bail!("attribute auto_pad is {other:?}, expected NOTSET, SAME_UPPER, SAME_LOWER or VALID"),
        }
    }

    /// Elements from the first to the last tap of axis `i`, both included.
    pub fn extent(&self, i: usize) -> Dim {
        (self.kernel[i].clone() - 1.into()) * self.dilations[i].into() + 1.into()
    }

    /// Sizes of the output for these spatial sizes; rounded up when `ceil`, without windows that start in the end padding.
    pub fn output(&self, spatial: &[Dim], ceil: bool) -> Vec<Dim> {
        let size = |i: usize| {
            let stride = Dim::from(self.strides[i]);
            let padded = spatial[i].clone() + self.begin[i].clone();
            let span = padded.clone() + self.end[i].clone() - self.extent(i);
            match ceil {
                false => span.div(&stride) + 1.into(),
                true => (span.ceil_div(&stride) + 1.into()).min_of(&((padded - 1.into()).div(&stride) + 1.into())),
            }
        };
        (0..spatial.len()).map(size).collect()
    }

    /// Position in the padded input of tap `k` of output `o` on axis `i`.
    pub fn padded(&self, i: usize, o: &Expr, k: &Expr) -> Expr {
        o.mul(&Expr::int(self.strides[i])).add(&k.mul(&Expr::int(self.dilations[i])))
    }

    /// Position in the input; outside of it where the padding is.
    pub fn position(&self, i: usize, o: &Expr, k: &Expr) -> Expr {
        match self.begin[i].is_zero() {
            true => self.padded(i, o, k),
            false => self.padded(i, o, k).sub(&Expr::size(&self.begin[i])),
        }
    }

    /// The padding, begins then ends, if all of it is constant.
    pub fn const_pads(&self) -> Option<Vec<i64>> {
        self.begin.iter().chain(&self.end).map(Dim::as_const).collect()
    }

    /// The element of operand `slot` at (`lead`, positions), or `outside` in the padding. `at` gives for each spatial
    /// axis the output position and the tap. No guard where nothing is padded.
    pub fn guarded_load(
        &self,
        slot: usize,
        x: &Fact,
        lead: Vec<Expr>,
        at: &dyn Fn(usize) -> (Expr, Expr),
        outside: &Expr,
    ) -> Expr {
        let skip = lead.len();
        let mut index = lead;
        let mut guard: Option<Expr> = None;
        for i in 0..self.strides.len() {
            let (o, k) = at(i);
            let p = self.position(i, &o, &k);
            if self.overhang || !(self.begin[i].is_zero() && self.end[i].is_zero()) {
                let inside = p.within(&x.shape[skip + i]);
                guard = Some(guard.map_or(inside.clone(), |g| g.and(&inside)));
            }
            index.push(p);
        }
        let load = Expr::load(slot, x, index);
        match guard {
            Some(g) => g.select(&load, outside),
            None => load,
        }
    }
}
