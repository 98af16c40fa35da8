//! Flags that several verbs share.

use crate::failure::Failure;
use crate::inputs::read_tensor;
use clap::Args;
use dlc_compiler::options::{BUDGET, extract};
use dlc_compiler::{Extract, Options, Precision, Target, targets};
use std::path::PathBuf;
use std::str::FromStr;

/// How to compile.
#[derive(Args, Clone, Debug)]
pub struct CompileArgs {
    /// What to compile for; `dlc targets` lists them.
    #[arg(long, default_value = targets::TARGETS[0].name, value_parser = target)]
    pub target: &'static Target,
    /// Fix a symbolic size of the inputs.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dim)]
    pub dims: Vec<(String, i64)>,
    /// Give an input its value now; the program does not have it as an input any more.
    #[arg(long = "const", value_name = "NAME=FILE", value_parser = constant)]
    pub constants: Vec<(String, PathBuf)>,
    /// How a program is chosen among equal ones: greedy, or random:SEED.
    #[arg(long, default_value = "greedy", value_parser = extract)]
    pub extract: Extract,
    /// Type of the factors of floating-point products: f32, or bf16, whose sums stay f32.
    #[arg(long, default_value = "f32", value_parser = precision)]
    pub precision: Precision,
    /// Largest relative error (estimated, L2) that faster algorithms may add to a result.
    #[arg(long, value_name = "ERROR", default_value_t = BUDGET, value_parser = budget)]
    pub budget: f64,
    /// Every sum as the model has it: no algorithm that rounds otherwise.
    #[arg(long, conflicts_with = "budget")]
    pub exact: bool,
}

impl CompileArgs {
    /// As options of the compiler; reads the constants.
    pub fn options(&self) -> Result<Options, Failure> {
        let constant = |(name, file): &(String, PathBuf)| read_tensor(file).map(|t| (name.clone(), t));
        let mut options = Options {
            target: self.target,
            dims: self.dims.clone(),
            constants: self.constants.iter().map(constant).collect::<Result<_, Failure>>()?,
            precision: self.precision,
            budget: if self.exact { 0.0 } else { self.budget },
            ..Options::default()
        };
        options.saturation.extract = self.extract;
        Ok(options)
    }
}

fn target(name: &str) -> Result<&'static Target, String> {
    targets::by_name(name).map_err(|e| e.to_string())
}

fn budget(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(v) if (0.0..=1.0).contains(&v) => Ok(v),
        _ => Err("expected a number from 0 to 1".into()),
    }
}

fn precision(name: &str) -> Result<Precision, String> {
    Precision::from_str(name).map_err(|e| e.to_string())
}

/// `batch=4`
pub fn dim(text: &str) -> Result<(String, i64), String> {
    let (name, n) = text.rsplit_once('=').ok_or("expected NAME=N")?;
    match n.parse::<i64>() {
        Ok(n) if n >= 0 => Ok((name.into(), n)),
        _ => Err(format!("size {n:?}: expected a whole number, 0 or more")),
    }
}

/// `mask=mask.npy`
fn constant(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
    Ok((name.into(), file.into()))
}

/// What to run a model on.
#[derive(Args, Clone, Debug)]
pub struct InputArgs {
    /// An input: a .npy file, an ONNX tensor (.pb), or random:SEED. Inputs not given are random:0.
    #[arg(long = "input", value_name = "NAME=FILE|random:SEED", value_parser = input)]
    pub inputs: Vec<(String, Source)>,
}

/// Where an input comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A `.npy` or `.pb` file.
    File(PathBuf),
    /// Random by this seed.
    Random(u64),
}

/// `x=image.npy`; the name ends at the first `=`.
fn input(text: &str) -> Result<(String, Source), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=FILE or NAME=random:SEED")?;
    let source = match value.strip_prefix("random:") {
        Some(seed) => Source::Random(seed.parse().map_err(|e| format!("seed {seed:?}: {e}"))?),
        None => Source::File(value.into()),
    };
    Ok((name.into(), source))
}

/// A positive number of threads.
pub fn threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if (1..=1024).contains(&n) => Ok(n),
        _ => Err("expected a number from 1 to 1024".into()),
    }
}

/// A time in seconds, or a tolerance: 0 or more, and finite.
pub fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(v) if v.is_finite() && v >= 0.0 => Ok(v),
        _ => Err("expected a number, 0 or more".into()),
    }
}
