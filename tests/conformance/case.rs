//! One test: a model and sets of inputs and expected outputs.

use dlc_ir::{DType, Form, Graph, Tensor};
use dlc_onnx::{LoadOptions, Port};
use std::fs;
use std::path::{Path, PathBuf};

/// A test on disk.
#[derive(Clone, Debug)]
pub struct Case {
    /// `kind/name`; of node tests the name alone.
    pub name: String,
    folder: PathBuf,
}

/// Tests whose expected numbers are drawn from the state that NumPy's global generator happened to be in: no seed gives
/// them, ONNX leaves them out of the run of its own reference implementation.
const DRAWN: &[&str] = &[
    "test_bernoulli",
    "test_bernoulli_double",
    "test_bernoulli_double_expanded",
    "test_bernoulli_expanded",
    "test_bernoulli_seed",
    "test_bernoulli_seed_expanded",
];

/// All tests of a kind, by name.
pub fn cases(root: &Path, kind: &str) -> Vec<Case> {
    let folder = root.join(kind);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut out: Vec<Case> = entries
        .map(|e| e.expect("the cache is readable").path())
        .filter(|p| p.join("model.onnx").is_file())
        .map(|p| Case { name: name(kind, &p), folder: p })
        .collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

fn name(kind: &str, path: &Path) -> String {
    let name = path.file_name().expect("a folder has a name").to_string_lossy();
    if kind == "node" { name.into_owned() } else { format!("{kind}/{name}") }
}

impl Case {
    /// Whether only type and shape of its results say something.
    pub fn is_drawn(&self) -> bool {
        DRAWN.contains(&&*self.name)
    }

    /// The model.
    pub fn graph(&self) -> Result<Graph, String> {
        self.load(&LoadOptions::default())
    }

    /// The model with those of its inputs as constants that are a list of integers, and the other inputs. Many node
    /// tests give as an input what is a constant in every real model: axes, a shape, paddings.
    pub fn specialized(&self, inputs: &[Tensor]) -> Result<(Graph, Vec<Tensor>), String> {
        let names = dlc_onnx::input_names(&self.folder.join("model.onnx")).map_err(|e| e.to_string())?;
        let list = |t: &Tensor| t.items().is_none() && t.rank() <= 1 && matches!(t.dtype(), DType::I64 | DType::I32);
        let (known, open): (Vec<_>, Vec<_>) = names.into_iter().zip(inputs.iter().cloned()).partition(|(_, t)| list(t));
        let opts = LoadOptions { constants: known.into_iter().collect(), ..Default::default() };
        Ok((self.load(&opts)?, open.into_iter().map(|o| o.1).collect()))
    }

    fn load(&self, opts: &LoadOptions) -> Result<Graph, String> {
        let model = dlc_onnx::load(&self.folder.join("model.onnx"), opts);
        Ok(model.map_err(|e| e.to_string())?.graph)
    }

    /// Inputs and expected outputs of every data set.
    pub fn data(&self) -> Result<Vec<(Vec<Tensor>, Vec<Tensor>)>, String> {
        let (inputs, outputs) = dlc_onnx::ports(&self.folder.join("model.onnx")).map_err(|e| e.to_string())?;
        let sets = (0..).map(|k| self.folder.join(format!("test_data_set_{k}"))).take_while(|p| p.is_dir());
        sets.map(|p| Ok((read_all(&p, "input", &inputs)?, read_all(&p, "output", &outputs)?))).collect()
    }
}

fn read_all(folder: &Path, prefix: &str, ports: &[Port]) -> Result<Vec<Tensor>, String> {
    let files = (0..).map(|i| (i, folder.join(format!("{prefix}_{i}.pb")))).take_while(|f| f.1.is_file());
    let form = |i: usize| ports.get(i).map_or(Form::Dense, |p| p.1);
    files.map(|(i, p)| dlc_onnx::read_value_pb(&p, form(i)).map_err(|e| e.to_string())).collect()
}
