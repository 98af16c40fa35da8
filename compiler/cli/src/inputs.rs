//! The tensors a model is run on.

use crate::args::Source;
use crate::failure::{Doing, Failure, Result};
use crate::files;
use crate::npy;
use crate::ui::Ui;
use dlc_compiler::{random, sizes};
use dlc_ir::{Fact, Tensor};
use std::path::{Path, PathBuf};

/// A tensor for each input, in order: those given, and `random:0` for the others, said in a note. Sizes that the given
/// tensors and `dims` leave open are 1.
pub fn resolve(
    ports: &[(String, Fact)],
    given: &[(String, Source)],
    dims: &[(String, i64)],
    ui: &Ui,
) -> Result<Vec<Tensor>> {
    refuse_unknown(ports, given)?;
    let find = |name: &str| given.iter().find(|g| g.0 == name).map(|g| &g.1);
    let mut bound: sizes::Sizes = dims.iter().cloned().collect();
    let mut tensors: Vec<Option<Tensor>> = vec![];
    for (name, fact) in ports {
        let Some(Source::File(path)) = find(name) else {
            tensors.push(None);
            continue;
        };
        let t = read_tensor(path)?;
        sizes::bind(&mut bound, name, fact, &t).doing(|| format!("taking {}", path.display()))?;
        tensors.push(Some(t));
    }
    let fill = |((name, fact), t): (&(String, Fact), Option<Tensor>)| match t {
        Some(t) => Ok(t),
        None => {
            let shape = sizes::shape(&bound, name, fact).doing(|| "making inputs".into())?;
            let seed = match find(name) {
                Some(Source::Random(seed)) => *seed,
                _ => {
                    ui.note(&format!("input {name:?} is random:0, {}{shape:?}", fact.dtype));
                    0
                }
            };
            Ok(random::random(fact.dtype, &shape, seed))
        }
    };
    ports.iter().zip(tensors).map(fill).collect()
}

fn refuse_unknown(ports: &[(String, Fact)], given: &[(String, Source)]) -> Result<()> {
    for (i, (name, _)) in given.iter().enumerate() {
        if !ports.iter().any(|p| p.0 == *name) {
            let names: Vec<_> = ports.iter().map(|p| format!("{:?}", p.0)).collect();
            return Err(Failure::usage(format!("no input is named {name:?}, expected one of {}", names.join(", "))));
        }
        if given[..i].iter().any(|g| g.0 == *name) {
            return Err(Failure::usage(format!("input {name:?} is given twice")));
        }
    }
    Ok(())
}

/// A tensor from a `.npy` or `.pb` file.
pub fn read_tensor(path: &Path) -> Result<Tensor> {
    let doing = || format!("reading {}", path.display());
    match path.extension().and_then(|e| e.to_str()) {
        Some("npy") => npy::read(&files::read(path)?).map_err(Failure::data).doing(doing),
        Some("pb") => dlc_onnx::read_tensor_pb(path).doing(doing),
        _ => Err(Failure::data("expected a .npy or .pb file")).doing(doing),
    }
}

/// The files `PREFIX_0.pb`, `PREFIX_1.pb`, .. of a folder as far as they go.
pub fn numbered(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    (0..).map(|k| dir.join(format!("{prefix}_{k}.pb"))).take_while(|p| p.is_file()).collect()
}

/// The recorded inputs of a folder, one for each input of the model that is not left out at the end.
pub fn recorded(ports: &[(String, Fact)], dir: &Path) -> Result<Vec<(String, Source)>> {
    let files = numbered(dir, "input");
    if files.is_empty() && !ports.is_empty() {
        return Err(Failure::data(format!("{} has no file input_0.pb", dir.display())));
    }
    if files.len() > ports.len() {
        let what = format!("{} has {} inputs, the model has {}", dir.display(), files.len(), ports.len());
        return Err(Failure::data(what));
    }
    Ok(ports.iter().zip(files).map(|(p, f)| (p.0.clone(), Source::File(f))).collect())
}
