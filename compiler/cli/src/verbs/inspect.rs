//! `dlc inspect`

use crate::args::dim;
use crate::engine;
use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use crate::{files, page, subject, table};
use dlc_artifact::Image;
use dlc_artifact::program::Step;
use dlc_compiler::{Options, sizes};
use dlc_ir::graph::Kind;
use dlc_ir::{Fact, Graph, Value};
use dlc_runtime::Model;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Say what is in a model or an artifact.
#[derive(clap::Args)]
pub struct Inspect {
    /// The model (.onnx) or artifact (.dlc).
    file: PathBuf,
    /// Fix a symbolic size of the inputs.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dim)]
    dims: Vec<(String, i64)>,
    /// Also draw the graph as one self-contained HTML page.
    #[arg(long, value_name = "OUT.html")]
    html: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    name: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    symbols: Vec<String>,
    nodes: usize,
    operators: BTreeMap<String, usize>,
    weights: usize,
    weight_bytes: u64,
    /// Largest sum of the sizes of values alive at once, every symbolic size 1, weights not counted.
    peak_live_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Port {
    name: String,
    #[serde(rename = "type")]
    fact: String,
}

impl Inspect {
    pub fn run(self, ui: &Ui) -> Result<()> {
        if subject::is_artifact(&self.file)? {
            return self.artifact(ui);
        }
        let graph = subject::model(&self.file, &Options { dims: self.dims.clone(), ..Options::default() }, ui)?.graph;
        let doing = || format!("inspecting {}", self.file.display());
        let report = report(&graph).doing(doing)?;
        if let Some(out) = &self.html {
            let html = page::page(&graph, &report.summary()).doing(doing)?;
            files::write(out, html.as_bytes())?;
        }
        ui.show(&report, || report.text())
    }

    fn artifact(&self, ui: &Ui) -> Result<()> {
        if self.html.is_some() {
            return Err(Failure::usage("an artifact has no graph to draw: give --html with the model"));
        }
        let report = contents(&self.file).doing(|| format!("inspecting {}", self.file.display()))?;
        ui.show(&report, || report.text())
    }
}

fn report(g: &Graph) -> Result<Report> {
    let inputs = sizes::inputs(g);
    let facts: Vec<Fact> = inputs.iter().map(|i| i.1.clone()).collect();
    let mut operators = BTreeMap::new();
    let (mut weights, mut weight_bytes) = (0, 0);
    for id in g.nodes() {
        match &g.node(id).kind {
            Kind::Input => {}
            Kind::Const(t) => (weights, weight_bytes) = (weights + 1, weight_bytes + t.bytes().len() as u64),
            Kind::Op { op, .. } => *operators.entry(op.full_name()).or_insert(0) += 1,
        }
    }
    let port = |name: &str, fact: &Fact| Port { name: name.into(), fact: fact.to_string() };
    Ok(Report {
        name: g.name.clone(),
        inputs: inputs.iter().map(|(n, f)| port(n, f)).collect(),
        outputs: g.outputs().iter().map(|(n, v)| port(n, g.fact(*v))).collect(),
        symbols: sizes::symbols(&facts).into_iter().collect(),
        nodes: g.len(),
        operators,
        weights,
        weight_bytes,
        peak_live_bytes: peak(g).doing(|| "ordering its nodes".into())?,
    })
}

/// Runs through the graph in order and adds up what is alive; `None` when a size depends on data.
fn peak(g: &Graph) -> Result<Option<u64>, dlc_ir::Error> {
    let order = g.topo()?;
    let mut last: BTreeMap<Value, usize> = BTreeMap::new();
    for (step, id) in order.iter().enumerate() {
        last.extend(g.operands(*id).into_iter().flatten().map(|v| (v, step)));
    }
    last.extend(g.outputs().iter().map(|o| (o.1, order.len())));
    let mut ends: BTreeMap<usize, u64> = BTreeMap::new();
    let (mut live, mut most) = (0u64, 0u64);
    for (step, id) in order.iter().enumerate() {
        if matches!(g.node(*id).kind, Kind::Const(_)) {
            continue;
        }
        for port in 0..g.node(*id).outputs.len() {
            let v = Value { node: *id, port: port as u32 };
            let Some(n) = bytes(g.fact(v)) else { return Ok(None) };
            live = live.saturating_add(n);
            *ends.entry(last.get(&v).copied().unwrap_or(step)).or_insert(0) += n;
        }
        most = most.max(live);
        live -= ends.remove(&step).unwrap_or(0);
    }
    Ok(Some(most))
}

/// Bytes of a value when every symbolic size is 1.
fn bytes(f: &Fact) -> Option<u64> {
    let one = |s: &str| (!s.contains('#')).then_some(1);
    let n = u64::try_from(f.len().eval(&one).ok()?).ok()?;
    n.checked_mul(f.dtype.size() as u64)
}

impl Report {
    fn summary(&self) -> String {
        let peak = self.peak_live_bytes.map_or("depends on data".into(), table::bytes);
        let weights = table::bytes(self.weight_bytes);
        format!("{} nodes, {} weights of {weights}, peak of live values {peak}", self.nodes, self.weights)
    }

    fn text(&self) -> String {
        let ports = |kind: &str, ports: &[Port]| -> Vec<Vec<String>> {
            ports.iter().map(|p| vec![kind.into(), p.name.clone(), p.fact.clone()]).collect()
        };
        let rows = [ports("input", &self.inputs), ports("output", &self.outputs)].concat();
        let mut counts: Vec<(&String, &usize)> = self.operators.iter().collect();
        counts.sort_by_key(|c| std::cmp::Reverse(c.1));
        let counts = counts.into_iter().map(|(op, n)| vec![n.to_string(), op.clone()]);
        let symbols = match self.symbols.is_empty() {
            true => String::new(),
            false => format!("; symbolic sizes (1 where bytes are given): {}", self.symbols.join(", ")),
        };
        format!(
            "{}: {}{symbols}\n\n{}\n\n{}",
            self.name,
            self.summary(),
            table::table(&["", "name", "type"], rows),
            table::table(&[">count", "operator"], counts)
        )
    }
}

/// What an artifact holds.
#[derive(Serialize)]
struct Contents {
    file_bytes: u64,
    /// What the processor must have.
    target: Vec<String>,
    metadata: BTreeMap<String, String>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    steps: usize,
    functions: usize,
    code_bytes: u64,
    constant_bytes: u64,
    /// Bytes of the arena when every symbolic size is 1, unless a size depends on data.
    arena_bytes: Option<u64>,
    /// How often steps call each function.
    calls: BTreeMap<String, usize>,
}

fn contents(path: &Path) -> Result<Contents> {
    let doing = || "opening it".into();
    let model = Model::open(path).doing(doing)?;
    let image = Image::open(path).doing(doing)?;
    let ports = |ports: Vec<dlc_runtime::PortInfo>| -> Result<Vec<Port>> {
        ports.iter().map(|p| engine::port(p).map(|(name, fact)| Port { name, fact: fact.to_string() })).collect()
    };
    let program = &image.program;
    let ones: Vec<(&str, i64)> = program.symbols.iter().map(|s| (s.as_str(), 1)).collect();
    let mut calls = BTreeMap::new();
    let steps: Vec<&Step> = program.blocks.iter().flat_map(|b| &b.steps).collect();
    for step in &steps {
        let made = match step {
            Step::Call(call) => std::slice::from_ref(call),
            Step::Chain { calls, .. } => calls,
            _ => &[],
        };
        for call in made {
            *calls.entry(program.functions[call.function as usize].name.clone()).or_insert(0) += 1;
        }
    }
    Ok(Contents {
        file_bytes: std::fs::metadata(path).doing(doing)?.len(),
        target: image.target.clone(),
        metadata: image.metadata.iter().cloned().collect(),
        inputs: ports(model.inputs())?,
        outputs: ports(model.outputs())?,
        steps: steps.len(),
        functions: program.functions.len(),
        code_bytes: program.code_len,
        constant_bytes: program.const_len,
        arena_bytes: model.planned_bytes(&ones).ok(),
        calls,
    })
}

impl Contents {
    fn text(&self) -> String {
        let row = |a: &str, b: String| vec![a.to_string(), b];
        let mut rows = vec![
            row("file", table::bytes(self.file_bytes)),
            row("needs", self.target.join(" ")),
            row("code", format!("{} in {} functions", table::bytes(self.code_bytes), self.functions)),
            row("constants", table::bytes(self.constant_bytes)),
            row("steps", self.steps.to_string()),
            row("arena", self.arena_bytes.map_or("depends on data".into(), table::bytes)),
        ];
        rows.extend(self.inputs.iter().map(|p| row("input", format!("{} {}", p.name, p.fact))));
        rows.extend(self.outputs.iter().map(|p| row("output", format!("{} {}", p.name, p.fact))));
        rows.extend(self.metadata.iter().map(|(k, v)| row(k, v.clone())));
        let calls = self.calls.iter().map(|(f, n)| vec![n.to_string(), f.clone()]);
        format!("{}\n\n{}", table::table(&["", "artifact"], rows), table::table(&[">calls", "function"], calls))
    }
}
