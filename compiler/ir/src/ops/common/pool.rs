//! Pooling: what is done with the elements under a window.

use super::window::Window;
use crate::lower::{Expr, Monoid};
use crate::tensor::for_each_index;
use crate::{DType, Dim, Fact, Num, Result, Tensor, ensure};

/// The attributes that all poolings share.
#[derive(Clone, Debug)]
pub struct PoolAttrs<'a> {
    /// Extent of the kernel.
    pub kernel: &'a [i64],
    /// Step between outputs; empty is 1.
    pub strides: &'a [i64],
    /// Step between taps; empty is 1.
    pub dilations: &'a [i64],
    /// Begins, then ends; empty is 0.
    pub pads: &'a [i64],
    /// How padding is chosen.
    pub auto_pad: &'a str,
    /// Whether explicit padding rounds the size of the output up.
    pub ceil: bool,
}

/// A pooling of one input shape.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The window.
    pub win: Window,
    /// Shape of the result.
    pub shape: Vec<Dim>,
}

/// The elements under one window that are in the input.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// Elements in row-major order of the taps.
    pub values: Vec<Num>,
    /// Their positions along the spatial axes.
    pub at: Vec<Vec<usize>>,
    /// Image and channel as one number.
    pub plane: usize,
    /// Number of taps in the padded input.
    pub padded: usize,
}

impl Pool {
    /// Resolves the attributes for an input of shape `[N, C, spatial..]`.
    pub fn new(a: &PoolAttrs, x: &[Dim]) -> Result<Self> {
        ensure!(x.len() >= 3, "operand X has rank {}, expected 3 or more", x.len());
        ensure!(a.kernel.iter().all(|k| *k > 0), "kernel_shape is {:?}, expected positive numbers", a.kernel);
        let kernel: Vec<Dim> = a.kernel.iter().map(|k| Dim::from(*k)).collect();
        let mut win = Window::new(&x[2..], &kernel, a.strides, a.dilations, a.pads, a.auto_pad)?;
        let ceil = a.ceil && matches!(a.auto_pad, "NOTSET" | "");
        let out = win.output(&x[2..], ceil);
        if let Some(d) = out.iter().filter_map(Dim::as_const).find(|d| *d < 0) {
            crate::bail!(
                "a result has an axis of size {d}, expected 0 or more: the kernel is larger than the padded operand"
            );
        }
        win.overhang = ceil && !(0..out.len()).all(|i| fits(&win, i, &x[2 + i], &out[i]));
        Ok(Pool { win, shape: x[..2].iter().cloned().chain(out).collect() })
    }

    fn rank(&self) -> usize {
        self.win.strides.len()
    }

    /// Number of the variable of tap axis `i`.
    pub fn tap(&self, i: usize) -> u32 {
        (2 + self.rank() + i) as u32
    }

    /// Variables and extents of the taps.
    pub fn taps(&self) -> Vec<(u32, Dim)> {
        self.win.kernel.iter().enumerate().map(|(i, k)| (self.tap(i), k.clone())).collect()
    }

    /// The element under the tap variables at output variables `0..`, or `outside`.
    pub fn element(&self, x: &Fact, outside: &Expr) -> Expr {
        let at = |i: usize| (Expr::var(2 + i as u32), Expr::var(self.tap(i)));
        self.win.guarded_load(0, x, vec![Expr::var(0), Expr::var(1)], &at, outside)
    }

    /// `f` of the element, combined over the window; taps outside count as `outside`.
    pub fn reduce(&self, m: Monoid, x: &Fact, outside: &Expr, f: impl Fn(&Expr) -> Expr) -> Expr {
        Expr::reduce(m, self.taps(), f(&self.element(x, outside)))
    }

    /// Number of taps that are in the input (I64), or in the padded input when `padded`; at least 1.
    pub fn count(&self, x: &Fact, padded: bool) -> Expr {
        let axes = (0..self.rank()).map(|i| self.count_axis(i, &x.shape[2 + i], padded));
        axes.fold(Expr::int(1), |p, n| p.mul(&n)).max(&Expr::int(1))
    }

    fn count_axis(&self, i: usize, size: &Dim, padded: bool) -> Expr {
        let w = &self.win;
        let exact = !w.overhang && (padded || (w.begin[i].is_zero() && w.end[i].is_zero()));
        if exact {
            return Expr::size(&w.kernel[i]);
        }
        let (before, after) = if padded { (w.begin[i].clone(), w.end[i].clone()) } else { (0.into(), 0.into()) };
        let start = w.position(i, &Expr::var(2 + i as u32), &Expr::int(0));
        let first_at = |edge: Dim| {
            let step = w.dilations[i];
            Expr::size(&edge).sub(&start).add(&Expr::int(step - 1)).floor_div(&Expr::int(step))
        };
        let first = first_at(-before).max(&Expr::int(0));
        let end = first_at(size.clone() + after).min(&Expr::size(&w.kernel[i]));
        end.sub(&first).max(&Expr::int(0))
    }

    /// Meaning of a pooling: `f` of the elements under each window.
    pub fn eval(&self, x: &Tensor, dtype: DType, f: impl Fn(&Patch) -> Num) -> Tensor {
        let shape: Vec<usize> = self.shape.iter().map(constant).collect();
        let mut out = vec![];
        for_each_index(&shape, |o| out.push(f(&self.patch(x, o))));
        Tensor::new(dtype, &shape, out)
    }

    fn patch(&self, x: &Tensor, o: &[usize]) -> Patch {
        let (w, size) = (&self.win, &x.shape()[2..]);
        let kernel: Vec<usize> = w.kernel.iter().map(constant).collect();
        let mut p = Patch { plane: o[0] * x.shape()[1] + o[1], ..Patch::default() };
        for_each_index(&kernel, |t| {
            let place = |i: usize| (o[2 + i] * w.strides[i] as usize + t[i] * w.dilations[i] as usize) as i64;
            let at: Vec<i64> = (0..t.len()).map(|i| place(i) - constant(&w.begin[i]) as i64).collect();
            let within = |i: usize, end: usize| at[i] < (size[i] + end) as i64;
            p.padded += (0..t.len()).all(|i| within(i, constant(&w.end[i]))) as usize;
            if (0..t.len()).all(|i| at[i] >= 0 && within(i, 0)) {
                let at: Vec<usize> = at.iter().map(|a| *a as usize).collect();
                p.values.push(x.at(at.iter().zip(size).fold(p.plane, |s, (a, d)| s * d + a)));
                p.at.push(at);
            }
        });
        p
    }
}

fn constant(d: &Dim) -> usize {
    d.as_const().unwrap_or(0) as usize
}

/// Whether it can be shown that no window reaches beyond the padding of axis `i`.
fn fits(w: &Window, i: usize, size: &Dim, out: &Dim) -> bool {
    let reach = (out.clone() - 1.into()) * w.strides[i].into() + w.extent(i);
    (size.clone() + w.begin[i].clone() + w.end[i].clone() - reach).at_least(0)
}
