//! The targets `cpu`, `cpu-avx512-bf16`, `cpu-avx512-vnni`, `cpu-avx512`, `cpu-avx2` and `cpu-portable`: machine code.

use crate::error::Cause;
use crate::stages::Imported;
use crate::{Error, Options, Precision, Result};
use dlc_cpu::{Level, Listing};
use dlc_ir::{Attr, DType, Dim, Graph, Node};
use dlc_onnx::Assumption;
use dlc_plan::Assert;

/// For the processor the compiler runs on: what the target [`here`] gives. All six give the artifact, the plan of its
/// steps as text, all kernels as assembly, an object file, and, where Cranelift makes the code, its intermediate form.
pub fn host(model: &Imported, options: &Options, form: &str) -> Result<Vec<u8>> {
    emit(model, level(options.precision), form)
}

/// Name of the target of the widest vectors that the processor the compiler runs on has, and that the precision needs.
pub fn here(precision: Precision) -> &'static str {
    name(level(precision))
}

/// Products of bf16 numbers are asked of a processor only where there are some.
fn level(precision: Precision) -> Level {
    match precision {
        Precision::F32 => Level::host().min(Level::Avx512Vnni),
        Precision::Bf16 => Level::host(),
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Avx512Bf16 => "cpu-avx512-bf16",
        Level::Avx512Vnni => "cpu-avx512-vnni",
        Level::Avx512 => "cpu-avx512",
        Level::Avx2 => "cpu-avx2",
        Level::Portable => "cpu-portable",
    }
}

/// For x86-64 with AVX-512, VNNI and BF16.
pub fn avx512_bf16(model: &Imported, _: &Options, form: &str) -> Result<Vec<u8>> {
    emit(model, Level::Avx512Bf16, form)
}

/// For x86-64 with AVX-512 and VNNI.
pub fn avx512_vnni(model: &Imported, _: &Options, form: &str) -> Result<Vec<u8>> {
    emit(model, Level::Avx512Vnni, form)
}

/// For x86-64 with AVX-512.
pub fn avx512(model: &Imported, _: &Options, form: &str) -> Result<Vec<u8>> {
    emit(model, Level::Avx512, form)
}

/// For x86-64 with AVX2.
pub fn avx2(model: &Imported, _: &Options, form: &str) -> Result<Vec<u8>> {
    emit(model, Level::Avx2, form)
}

/// With 128-bit vectors.
pub fn portable(model: &Imported, _: &Options, form: &str) -> Result<Vec<u8>> {
    emit(model, Level::Portable, form)
}

fn emit(model: &Imported, level: Level, form: &str) -> Result<Vec<u8>> {
    compile(model, level, form).map_err(|e| Error::stage("emit", e))
}

fn compile(model: &Imported, level: Level, form: &str) -> Result<Vec<u8>, Cause> {
    if let Some(name) = strings(&model.graph) {
        return Err(
            format!("{name:?} is of strings, which --target reference computes and this target does not").into()
        );
    }
    let (graph, inputs, outputs) = dlc_passes::forms::borders(&model.graph)?;
    let mut schedule = dlc_plan::plan(&graph)?;
    let asserts = model.assumptions.iter().filter(|a| a.always).flat_map(asserts);
    if let Some(main) = schedule.blocks.first_mut() {
        main.asserts.extend(asserts);
    }
    if form == "plan" {
        return Ok(schedule.to_string().into_bytes());
    }
    let listings = matches!(form, "clif" | "asm");
    let mut compiled = dlc_cpu::program::write(&schedule, &dlc_cpu::Options { level, listings })?;
    dlc_cpu::program::set_borders(&mut compiled.artifact.program, &inputs, &outputs);
    match form {
        "clif" => Ok(listing(&compiled.listings, |l| &l.clif)),
        "asm" => Ok(listing(&compiled.listings, |l| &l.asm)),
        "obj" => Ok(dlc_cpu::object::object(&compiled.artifact)?),
        _ => {
            compiled.artifact.metadata = vec![
                ("compiler".into(), concat!("dlc ", env!("CARGO_PKG_VERSION")).into()),
                ("model".into(), model.graph.name.clone()),
                ("target".into(), name(level).into()),
            ];
            Ok(compiled.artifact.to_bytes()?.into())
        }
    }
}

/// A value of strings in the graph or a graph inside of it.
fn strings(g: &Graph) -> Option<String> {
    let of_strings = |n: &Node| n.outputs.iter().any(|f| f.dtype == DType::Str);
    let inner = |n: &Node| n.op().and_then(|(_, a)| a.iter().find_map(|(_, a)| graph(a).and_then(strings)));
    g.nodes().map(|id| g.node(id)).find_map(|n| if of_strings(n) { Some(n.name.clone()) } else { inner(n) })
}

fn graph(a: &Attr) -> Option<&Graph> {
    match a {
        Attr::Graph(g) => Some(g),
        _ => None,
    }
}

fn listing(listings: &[Listing], text: fn(&Listing) -> &str) -> Vec<u8> {
    let mut out = String::new();
    for l in listings {
        out.push_str(&format!("; {}\n{}\n", l.name, text(l).trim_end()));
    }
    out.into_bytes()
}

/// What the program checks of its inputs: pairs of which the left is at most the right.
fn asserts(a: &Assumption) -> Vec<Assert> {
    let (l, r) = (&a.left, &a.right);
    let message = a.to_string();
    let at_most =
        |left: &Dim, right: &Dim| Assert { left: left.clone(), right: right.clone(), message: message.clone() };
    match a.equal {
        true => vec![at_most(l, r), at_most(r, l)],
        false => vec![at_most(&1.into(), &(l.max_of(r) - l.min_of(r)))],
    }
}
