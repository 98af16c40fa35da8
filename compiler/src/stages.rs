//! The pipeline: one list, from the file of a model to the file of its artifact.

use crate::error::Cause;
use crate::{Error, Options, Precision, Result, sizes, targets};
use dlc_egraph::Traffic;
use dlc_ir::budget::within;
use dlc_ir::{DType, Graph, verify};
use dlc_onnx::{Assumption, LoadOptions};
use dlc_passes::algorithms::Prices;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

/// A stage of the pipeline.
#[derive(Debug)]
pub struct Stage {
    /// Name, as in `--dump-after`.
    pub name: &'static str,
    /// What is true after it.
    pub doc: &'static str,
    /// What it does.
    pub work: Work,
}

/// What a stage does.
#[derive(Debug)]
pub enum Work {
    /// Reads a model.
    Import(fn(&Path, &Options) -> Result<Imported, Cause>),
    /// Rewrites a graph into one that means the same.
    Graph(fn(&mut Graph, &Options) -> Result<(), Cause>),
    /// Generates the program.
    Emit(targets::Emit),
}

/// All stages in order. After each that gives a graph the verifier runs.
pub static STAGES: &[Stage] = &[
    stage("import", "the file is a graph, with sizes that the user fixed", Work::Import(import)),
    stage("infer", "every fact follows from those of the inputs", Work::Graph(infer)),
    stage("integers", "products of dequantized tensors are products of integers", Work::Graph(integers)),
    stage("fold", "what only depends on constants and known sizes is constant", Work::Graph(fold)),
    stage("cleanup", "nothing is computed twice, or for nothing", Work::Graph(cleanup)),
    stage("dce", "every node is needed by an output", Work::Graph(dce)),
    stage("forms", "sequences and optionals are written as tensors, but for inputs and outputs", Work::Graph(forms)),
    stage("saturate", "of all ways the rules know to write it, the cheapest is taken", Work::Graph(saturate)),
    stage("simplify", "fold, cleanup and dce have nothing left to do", Work::Graph(simplify)),
    stage("algorithms", "convolutions are computed the fastest way within the error allowed", Work::Graph(algorithms)),
    stage("precision", "factors of products are rounded to the type asked for", Work::Graph(precision)),
    stage("emit", "the graph is a program of the target", Work::Emit(targets::emit)),
];

const fn stage(name: &'static str, doc: &'static str, work: Work) -> Stage {
    Stage { name, doc, work }
}

/// What a watcher of the pipeline is shown.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Position of the stage in [`STAGES`].
    pub index: usize,
    /// The stage.
    pub stage: &'static Stage,
    /// The graph it left; `None` before it has run.
    pub graph: Option<&'a Graph>,
}

/// Sees every stage begin and end; `Break` cancels the compilation.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// A model as it was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The graph.
    pub graph: Graph,
    /// What it takes for granted of the sizes of its inputs.
    pub assumptions: Vec<Assumption>,
}

/// Reads a model: the import stage.
pub fn import_model(path: &Path, options: &Options, watch: &mut Watch) -> Result<Imported> {
    let (index, stage) = (0, &STAGES[0]);
    let Work::Import(run) = stage.work else { unreachable!("the first stage imports") };
    see(watch, Progress { index, stage, graph: None })?;
    let imported = within(options.limits(), || run(path, options)).map_err(|e| Error::stage(stage.name, e))?;
    check(&imported.graph, stage)?;
    see(watch, Progress { index, stage, graph: Some(&imported.graph) })?;
    Ok(imported)
}

/// Runs the stages that rewrite the graph.
pub fn optimize(mut graph: Graph, options: &Options, watch: &mut Watch) -> Result<Graph> {
    for (index, stage) in STAGES.iter().enumerate() {
        let Work::Graph(run) = stage.work else { continue };
        see(watch, Progress { index, stage, graph: None })?;
        within(options.limits(), || run(&mut graph, options)).map_err(|e| Error::stage(stage.name, e))?;
        check(&graph, stage)?;
        see(watch, Progress { index, stage, graph: Some(&graph) })?;
    }
    Ok(graph)
}

/// Generates the program of an optimized graph in a form of the target (see [`targets::emit`]).
pub fn emit(model: &Imported, options: &Options, form: &str, watch: &mut Watch) -> Result<Vec<u8>> {
    let (index, stage) = (STAGES.len() - 1, &STAGES[STAGES.len() - 1]);
    let Work::Emit(run) = stage.work else { unreachable!("the last stage emits") };
    see(watch, Progress { index, stage, graph: None })?;
    let bytes = within(options.limits(), || run(model, options, form))?;
    see(watch, Progress { index, stage, graph: Some(&model.graph) })?;
    Ok(bytes)
}

/// The stage of this name that gives a graph.
pub fn by_name(name: &str) -> Result<&'static Stage> {
    let give_graphs = || STAGES.iter().filter(|s| !matches!(s.work, Work::Emit(_)));
    give_graphs().find(|s| s.name == name).ok_or_else(|| Error::Unknown {
        kind: "stage",
        name: name.into(),
        expected: give_graphs().map(|s| s.name).collect::<Vec<_>>().join(", "),
    })
}

fn see(watch: &mut Watch, p: Progress) -> Result<()> {
    match watch(p) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}

fn check(graph: &Graph, stage: &Stage) -> Result<()> {
    verify::verify(graph).map_err(|source| Error::Unverified { stage: stage.name, source })
}

fn import(path: &Path, options: &Options) -> Result<Imported, Cause> {
    if let Some(text) = text_form(path)? {
        if let Some((name, _)) = options.constants.first() {
            return Err(format!("input {name:?} is given a value, expected a model in ONNX for that").into());
        }
        let mut graph = dlc_ir::text::parse(&text)?;
        sizes::fix(&mut graph, &options.dims)?;
        graph.infer_all()?;
        return Ok(Imported { graph, assumptions: vec![] });
    }
    let dims = options.dims.iter().cloned().collect();
    let constants = options.constants.iter().cloned().collect();
    let model = dlc_onnx::load(path, &LoadOptions { dims, constants, ..LoadOptions::default() })?;
    Ok(Imported { graph: model.graph, assumptions: model.assumptions })
}

/// The file as text if it is a graph in text form; what only looks like one is left to the ONNX reader.
fn text_form(path: &Path) -> Result<Option<String>, Cause> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err("is not a regular file".into());
    }
    let mut head = vec![];
    File::open(path)?.take(6).read_to_end(&mut head)?;
    match head == b"graph " {
        true => {
            dlc_ir::budget::admit(meta.len())?;
            Ok(String::from_utf8(std::fs::read(path)?).ok())
        }
        false => Ok(None),
    }
}

fn infer(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    Ok(graph.infer_all()?)
}

fn integers(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    dlc_passes::integers(graph).map(drop).map_err(Cause::from)
}

fn fold(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    dlc_passes::fold(graph).map(drop).map_err(Cause::from)
}

fn cleanup(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    dlc_passes::cleanup(graph).map(drop).map_err(Cause::from)
}

fn dce(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    dlc_passes::dce(graph).map(drop).map_err(Cause::from)
}

fn forms(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    dlc_passes::forms(graph).map(drop).map_err(Cause::from)
}

fn saturate(graph: &mut Graph, options: &Options) -> Result<(), Cause> {
    search(graph, &options.saturation).map(drop)
}

/// Searches the graph by all rules, and says which were applied.
pub(crate) fn search(graph: &mut Graph, options: &dlc_egraph::Options) -> Result<dlc_egraph::Report, Cause> {
    let report = dlc_egraph::saturate(graph, &dlc_egraph::RULES, options, &Traffic::default())?;
    match report.out_of_time {
        true => Err(format!("the search took longer than {:?}", options.limits.time).into()),
        false => Ok(report),
    }
}

fn simplify(graph: &mut Graph, _: &Options) -> Result<(), Cause> {
    dlc_passes::simplify(graph).map(drop).map_err(Cause::from)
}

fn algorithms(graph: &mut Graph, options: &Options) -> Result<(), Cause> {
    if options.target.emit.is_none() {
        return Ok(());
    }
    let narrow = if options.precision == Precision::F32 { 1.0 } else { 2.0 };
    let prices = Prices { narrow, ..Prices::CPU };
    let chosen = dlc_passes::algorithms::Options { budget: options.budget, prices };
    dlc_passes::algorithms(graph, &chosen).map(drop).map_err(Cause::from)
}

fn precision(graph: &mut Graph, options: &Options) -> Result<(), Cause> {
    let to = match options.precision {
        Precision::F32 => return Ok(()),
        Precision::Bf16 => DType::BF16,
    };
    dlc_passes::precision(graph, to)?;
    dlc_passes::dce(graph).map(drop).map_err(Cause::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_a_pipeline() {
        assert!(matches!(STAGES[0].work, Work::Import(_)));
        assert!(matches!(STAGES[STAGES.len() - 1].work, Work::Emit(_)));
        let middle = &STAGES[1..STAGES.len() - 1];
        assert!(middle.iter().all(|s| matches!(s.work, Work::Graph(_))));
        let mut names: Vec<_> = STAGES.iter().map(|s| s.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), STAGES.len(), "names of stages are unique");
    }

    #[test]
    fn a_watcher_sees_every_stage_and_can_stop() {
        let mut seen = vec![];
        let g = optimize(Graph::new("empty"), &Options::default(), &mut |p| {
            seen.push((p.stage.name, p.graph.is_some()));
            ControlFlow::Continue(())
        });
        assert!(g.is_ok());
        assert_eq!(seen[..2], [("infer", false), ("infer", true)]);
        let g = optimize(Graph::new("empty"), &Options::default(), &mut |_| ControlFlow::Break(()));
        assert!(matches!(g, Err(Error::Cancelled)));
    }
}
