//! Options, as values.

use crate::targets::{self, Target};
use crate::{Error, Result};
pub use dlc_egraph::Extract;
use dlc_ir::Tensor;
use dlc_ir::budget::Limits;
use std::str::FromStr;
use std::time::Duration;

/// All that a compilation may be told. Nothing in it changes what the model means, but for roundings.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is compiled for.
    pub target: &'static Target,
    /// Symbolic sizes of the inputs that are fixed at compile time, by name.
    pub dims: Vec<(String, i64)>,
    /// Inputs whose values are known at compile time; the program has them no more.
    pub constants: Vec<(String, Tensor)>,
    /// How the e-graph is searched, and how a program is chosen from it.
    pub saturation: dlc_egraph::Options,
    /// Type of the factors of floating-point products.
    pub precision: Precision,
    /// Largest estimate of the relative error (in the L2 norm) that algorithms other than the plain sum may add to an f32
    /// result; 0 allows no other.
    pub budget: f64,
    /// Most bytes held while the model is read, folded and interpreted; mapped files are not counted.
    pub max_memory: u64,
}

impl Options {
    /// The limits that the stages run within.
    pub fn limits(&self) -> Limits {
        Limits { bytes: self.max_memory, ..Limits::NONE }
    }
}

impl Default for Options {
    fn default() -> Self {
        let target = &targets::TARGETS[0];
        let mut saturation = dlc_egraph::Options::default();
        saturation.limits.time = PATIENCE;
        Options {
            target,
            dims: vec![],
            constants: vec![],
            saturation,
            precision: Precision::F32,
            budget: BUDGET,
            max_memory: u64::MAX,
        }
    }
}

/// [`Options::budget`] unless it is given.
pub const BUDGET: f64 = 5e-5;

/// Longest search. It is refused rather than cut short: a result that depends on the speed of the machine is no result.
pub const PATIENCE: Duration = Duration::from_secs(3600);

/// `greedy`, or `random:SEED`.
pub fn extract(s: &str) -> std::result::Result<Extract, String> {
    match s.split_once(':') {
        None if s == "greedy" => Ok(Extract::Greedy),
        Some(("random", seed)) => seed.parse().map(Extract::Random).map_err(|e| format!("seed {seed:?}: {e}")),
        _ => Err(format!("expected greedy or random:SEED, found {s:?}")),
    }
}

/// Type of the factors of floating-point products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As the model says.
    #[default]
    F32,
    /// Factors of products as bf16, sums and everything else as f32.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::Bf16];

    /// Name, as in `--precision`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}

impl FromStr for Precision {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let names = Precision::ALL.map(Precision::name);
        let unknown = || Error::Unknown { kind: "precision", name: s.into(), expected: names.join(", ") };
        Precision::ALL.into_iter().find(|p| p.name() == s).ok_or_else(unknown)
    }
}
