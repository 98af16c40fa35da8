//! Meaning of resampling one axis: which elements a position of the result is made of.
//! Formulas: <https://onnx.ai/onnx/operators/onnx__Resize.html>

use crate::{Result, bail, ensure};

/// How positions between elements are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mode {
    Nearest,
    Linear,
    Cubic,
}

/// Where the elements of the result lie among those of the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfCropAndResize,
}

/// What a position exactly between two elements takes, and in which direction others are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

/// Everything that is the same for all axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// How positions between elements are filled.
    pub mode: Mode,
    /// Where the elements of the result lie.
    pub coordinates: Coordinates,
    /// Rounding of [`Mode::Nearest`].
    pub nearest: Nearest,
    /// Whether the kernel is stretched when the result is smaller.
    pub antialias: bool,
    /// Whether elements outside of the axis weigh nothing, instead of repeating the edge.
    pub exclude_outside: bool,
    /// Coefficient of [`Mode::Cubic`].
    pub a: f64,
}

/// The entry of a table with this ONNX name.
pub fn named<T: Copy>(what: &str, name: &str, table: &[(&str, T)]) -> Result<T> {
    match table.iter().find(|t| t.0 == name) {
        Some(t) => Ok(t.1),
        None => {
            let names: Vec<&str> = table.iter().map(|t| t.0).collect();
            bail!("attribute {what} is {name:?}, expected one of {}", names.join(", "))
        }
    }
}

/// ONNX names of [`Mode`].
pub const MODES: &[(&str, Mode)] = &[("nearest", Mode::Nearest), ("linear", Mode::Linear), ("cubic", Mode::Cubic)];

/// ONNX names of [`Coordinates`].
pub const COORDINATES: &[(&str, Coordinates)] = &[
    ("half_pixel", Coordinates::HalfPixel),
    ("half_pixel_symmetric", Coordinates::HalfPixelSymmetric),
    ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
    ("align_corners", Coordinates::AlignCorners),
    ("asymmetric", Coordinates::Asymmetric),
    ("tf_crop_and_resize", Coordinates::TfCropAndResize),
];

/// ONNX names of [`Nearest`].
pub const NEARESTS: &[(&str, Nearest)] = &[
    ("round_prefer_floor", Nearest::RoundPreferFloor),
    ("round_prefer_ceil", Nearest::RoundPreferCeil),
    ("floor", Nearest::Floor),
    ("ceil", Nearest::Ceil),
];

/// One axis. Positions are multiplied by `num / den`, the inverse of the scale.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Extent of the operand.
    pub input: usize,
    /// Extent of the result.
    pub output: usize,
    /// See above.
    pub num: f64,
    /// See above.
    pub den: f64,
    /// Extent of the result before it was rounded.
    pub real: f64,
    /// Start and end of the crop, as parts of the axis.
    pub roi: (f64, f64),
}

/// The elements and weights that make one element; extrapolated ones have none.
pub type Taps = Vec<(usize, f64)>;

impl Axis {
    /// Position in the operand of position `x` of the result.
    fn source(&self, c: Coordinates, x: f64) -> f64 {
        let half_pixel = (x + 0.5) * self.num / self.den - 0.5;
        let (input, last) = (self.input as f64, self.input as f64 - 1.0);
        let (from, to) = self.roi;
        match c {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => input / 2.0 * (1.0 - self.output as f64 / self.real) + half_pixel,
            Coordinates::PytorchHalfPixel if self.real == 1.0 => -0.5,
            Coordinates::PytorchHalfPixel => half_pixel,
            Coordinates::AlignCorners if self.real == 1.0 => 0.0,
            Coordinates::AlignCorners => x * last / (self.real - 1.0),
            Coordinates::Asymmetric => x * self.num / self.den,
            Coordinates::TfCropAndResize if self.real == 1.0 => (from + to) * last / 2.0,
            Coordinates::TfCropAndResize => from * last + x * (to - from) * last / (self.real - 1.0),
        }
    }

    /// For every position of the result what it is made of.
    pub fn taps(&self, s: &Sampling) -> Result<Vec<Taps>> {
        ensure!(
            self.input > 0 || self.output == 0,
            "operand X has an axis of size 0, expected elements to make {} of",
            self.output
        );
        Ok((0..self.output).map(|x| self.tap(s, self.source(s.coordinates, x as f64))).collect())
    }

    fn tap(&self, s: &Sampling, at: f64) -> Taps {
        let last = self.input as i64 - 1;
        if s.coordinates == Coordinates::TfCropAndResize && !(0.0..=last as f64).contains(&at) {
            return vec![];
        }
        let inside = |i: i64| i.clamp(0, last) as usize;
        if s.mode == Mode::Nearest {
            return vec![(inside(round(s.nearest, at)), 1.0)];
        }
        let (reach, squeeze) = self.kernel(s);
        let first = at.floor() as i64 - reach + 1;
        let mut taps = vec![];
        let mut total = 0.0;
        for i in (first..first + 2 * reach).filter(|i| !s.exclude_outside || (0..=last).contains(i)) {
            let w = weight(s, (i as f64 - at) * squeeze);
            total += w;
            taps.push((inside(i), w));
        }
        taps.into_iter().map(|(i, w)| (i, w / total)).collect()
    }

    /// Taps on each side, and what distances are multiplied by.
    fn kernel(&self, s: &Sampling) -> (i64, f64) {
        let radius = if s.mode == Mode::Linear { 1.0 } else { 2.0 };
        match s.antialias && self.den < self.num {
            true => ((radius * self.num / self.den).ceil() as i64, self.den / self.num),
            false => (radius as i64, 1.0),
        }
    }
}

fn round(n: Nearest, at: f64) -> i64 {
    match n {
        Nearest::RoundPreferFloor => (at - 0.5).ceil() as i64,
        Nearest::RoundPreferCeil => (at + 0.5).floor() as i64,
        Nearest::Floor => at.floor() as i64,
        Nearest::Ceil => at.ceil() as i64,
    }
}

/// Weight of an element at this distance: a triangle, or the cubic of R. Keys, "Cubic convolution interpolation for
/// digital image processing", 1981.
pub fn weight(s: &Sampling, distance: f64) -> f64 {
    let (d, a) = (distance.abs(), s.a);
    match s.mode {
        Mode::Linear => (1.0 - d).max(0.0),
        _ if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
        _ if d < 2.0 => ((d - 5.0) * d + 8.0) * d * a - 4.0 * a,
        _ => 0.0,
    }
}
