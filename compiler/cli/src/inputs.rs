//! The tensors a model is run on.

use crate::args::Source;
use crate::failure::{Doing, Failure, Result};
use crate::files;
use crate::npy;
use crate::ui::Ui;
use dlc_compiler::{random, sizes};
use dlc_ir::suggest::did_you_mean;
use dlc_ir::{Fact, Form, Tensor, budget};
use std::path::Path;

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
        let t = read_value(path, fact)?;
        sizes::bind(&mut bound, name, fact, &t).doing(|| format!("taking {}", path.display()))?;
        tensors.push(Some(t));
    }
    let fill = |((name, fact), t): (&(String, Fact), Option<Tensor>)| match t {
        Some(t) => Ok(t),
        None if !fact.form.is_dense() => Err(Failure::usage(format!(
            "input {name:?} is {fact}, expected a file that holds one (--input {name}=FILE.pb)"
        ))),
        None => {
            let shape = sizes::shape(&bound, name, fact).doing(|| "making inputs".into())?;
            let seed = match find(name) {
                Some(Source::Random(seed)) => *seed,
                _ => {
                    ui.note(&format!("input {name:?} is random:0, {}{shape:?}", fact.dtype));
                    0
                }
            };
            let bytes = shape.iter().fold(fact.dtype.size(), |p, d| p.saturating_mul(*d));
            budget::admit(bytes as u64).doing(|| format!("making input {name:?}, {}{shape:?}", fact.dtype))?;
            Ok(random::random(fact.dtype, &shape, seed))
        }
    };
    ports.iter().zip(tensors).map(fill).collect()
}

fn refuse_unknown(ports: &[(String, Fact)], given: &[(String, Source)]) -> Result<()> {
    for (i, (name, _)) in given.iter().enumerate() {
        if !ports.iter().any(|p| p.0 == *name) {
            let names: Vec<_> = ports.iter().map(|p| format!("{:?}", p.0)).collect();
            let near = did_you_mean(name, ports.iter().map(|p| &*p.0));
            let expected = if names.is_empty() { "none".into() } else { format!("one of {}", names.join(", ")) };
            return Err(Failure::usage(format!("no input is named {name:?}, expected {expected}{near}")));
        }
        if given[..i].iter().any(|g| g.0 == *name) {
            return Err(Failure::usage(format!("input {name:?} is given twice")));
        }
    }
    Ok(())
}

/// A value of the form of `fact`: a sequence or optional from a `.pb` file, a tensor also from a `.npy` file.
fn read_value(path: &Path, fact: &Fact) -> Result<Tensor> {
    let is_pb = path.extension().is_some_and(|e| e == "pb");
    let doing = || format!("reading {}", path.display());
    if fact.form.is_dense() || (fact.form.is_optional() && !is_pb) {
        return npy::retype(read_tensor(path)?, fact.dtype).map_err(Failure::data).doing(doing);
    }
    if !is_pb {
        return Err(Failure::data("expected a .pb file")).doing(doing);
    }
    Ok(dlc_onnx::read_value_pb(path, fact.form).doing(doing)?.typed_as(fact))
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

/// The recorded inputs `input_K.pb` of a folder, where K counts the inputs of the file of the model; those that are
/// constants of the graph, and those without a file, are left out.
pub fn recorded(model: &Path, ports: &[(String, Fact)], dir: &Path) -> Result<Vec<(String, Source)>> {
    let mut names: Vec<String> = ports.iter().map(|p| p.0.clone()).collect();
    if model.extension().is_some_and(|e| e == "onnx") {
        names = dlc_onnx::input_names(model).doing(|| format!("reading {}", model.display()))?;
    }
    let file = |(k, name): (usize, String)| (name, dir.join(format!("input_{k}.pb")));
    let found: Vec<(String, Source)> = names
        .into_iter()
        .enumerate()
        .map(file)
        .filter(|(name, file)| file.is_file() && ports.iter().any(|p| p.0 == *name))
        .map(|(name, file)| (name, Source::File(file)))
        .collect();
    match found.is_empty() && !ports.is_empty() {
        true if !dir.is_dir() => {
            Err(Failure::data(format!("{} is no folder, expected one with input_K.pb", dir.display())))
        }
        true => Err(Failure::data(format!("{} has no input_K.pb for an input of the model", dir.display()))),
        false => Ok(found),
    }
}

/// The recorded outputs `output_K.pb` of a folder, for each of the `n` outputs of a model; one without a file is not
/// checked. Where the model is no ONNX file they are tensors.
pub fn recorded_outputs(model: &Path, dir: &Path, n: usize) -> Result<Vec<Option<Tensor>>> {
    let mut forms = vec![Form::Dense; n];
    if model.extension().is_some_and(|e| e == "onnx") {
        let ports = dlc_onnx::ports(model).doing(|| format!("reading {}", model.display()))?.1;
        forms.iter_mut().zip(ports).for_each(|(form, port)| *form = port.1);
    }
    let file = |k: usize| dir.join(format!("output_{k}.pb"));
    let read =
        |k: usize| dlc_onnx::read_value_pb(&file(k), forms[k]).doing(|| format!("reading {}", file(k).display()));
    let found = (0..n).map(|k| if file(k).is_file() { read(k).map(Some) } else { Ok(None) });
    let found: Vec<Option<Tensor>> = found.collect::<Result<_>>()?;
    match found.iter().all(Option::is_none) {
        true => Err(Failure::data(format!("{} has no output_K.pb for an output of the model", dir.display()))),
        false => Ok(found),
    }
}
