//! Options, as values.

use crate::targets::{self, Target};
use crate::{Error, Result};
use std::str::FromStr;

/// All that a compilation may be told. Nothing in it changes what the model means.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is compiled for.
    pub target: &'static Target,
    /// Symbolic sizes of the inputs that are fixed at compile time, by name.
    pub dims: Vec<(String, i64)>,
    /// Limits of saturation.
    pub limits: Limits,
    /// How the program is chosen from the e-graph.
    pub extract: Extract,
    /// Type that floating-point layers are computed in.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Self {
        let target = &targets::TARGETS[0];
        Options { target, dims: vec![], limits: Limits::default(), extract: Extract::Greedy, precision: Precision::F32 }
    }
}

/// Where saturation stops. None is a time: the same model gives the same artifact on a slow machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most terms in the e-graph of one region.
    pub nodes: usize,
    /// Most rounds of rules.
    pub iterations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { nodes: 100_000, iterations: 12 }
    }
}

/// How a program is chosen among equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extract {
    /// The cheapest, by local choices.
    Greedy,
    /// Any, by this seed: for tests, since choices must not change results.
    Random(u64),
}

impl FromStr for Extract {
    type Err = String;
    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s.split_once(':') {
            None if s == "greedy" => Ok(Extract::Greedy),
            Some(("random", seed)) => seed.parse().map(Extract::Random).map_err(|e| format!("seed {seed:?}: {e}")),
            _ => Err(format!("expected greedy or random:SEED, found {s:?}")),
        }
    }
}

/// Type that floating-point layers are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As the model says.
    #[default]
    F32,
}

impl FromStr for Precision {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        match s {
            "f32" => Ok(Precision::F32),
            _ => Err(Error::Unknown { kind: "precision", name: s.into(), expected: "f32".into() }),
        }
    }
}
