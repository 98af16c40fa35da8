//! A model: an artifact ready to run.

use crate::arena::Memory;
use crate::code::{Code, Kernel};
use crate::expr::{NONE, eval, text};
use crate::plan::{plan, room};
use crate::processor;
use crate::schedule::{BlockSchedule, schedule};
use crate::tensor::{ALIGN, AlignedVec};
use crate::{Error, Form, Result};
use bytes::Bytes;
use dlc_artifact::Image;
use dlc_artifact::program::{Block, Border, Port, Program};
use std::path::Path;
use std::sync::Arc;

/// An artifact whose code is mapped. Clones share it; sessions keep it alive.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) loaded: Arc<Loaded>,
}

/// What a model consists of.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) schedule: Vec<BlockSchedule>,
    pub(crate) code: Arc<Code>,
    pub(crate) constants: Arc<Memory>,
    metadata: Vec<(String, String)>,
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// Its name.
    pub name: String,
    /// Element type (ONNX number).
    pub dtype: u8,
    /// Sizes: numbers, symbols or expressions of symbols; of the tensors in a sequence or optional numbers, and `*` for
    /// one that varies.
    pub dims: Vec<String>,
    /// Whether it is a tensor.
    pub form: Form,
    /// Whether all ranks are that of `dims`; otherwise `dims` is empty and says nothing.
    pub ranked: bool,
}

impl Model {
    /// Opens the artifact at `path`, which must not be changed in place while the model lives.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Model::from_image(Image::open(path)?)
    }

    /// The model in `file`, the contents of an artifact.
    pub fn from_bytes(file: Bytes) -> Result<Self> {
        Model::from_image(Image::from_bytes(file)?)
    }

    /// Prepares an artifact that was read. Nothing is executable before everything is checked.
    pub fn from_image(image: Image) -> Result<Self> {
        processor::check(&image.target)?;
        let schedule = schedule(&image.program)?;
        let constants = Arc::new(Memory::of(aligned(image.constants)?));
        let code = Arc::new(Code::new(&image.code)?);
        let loaded = Loaded { program: image.program, schedule, code, constants, metadata: image.metadata };
        Ok(Model { loaded: Arc::new(loaded) })
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> Vec<PortInfo> {
        self.ports(&self.main().inputs, &self.loaded.program.inputs)
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> Vec<PortInfo> {
        self.ports(&self.main().outputs, &self.loaded.program.outputs)
    }

    /// What the compiler tells about itself and the model: names and texts.
    pub fn metadata(&self) -> &[(String, String)] {
        &self.loaded.metadata
    }

    /// Bytes of the model's arena (not those of inner blocks) when its symbols have the values `dims`: what
    /// [`Stats::arena_bytes`](crate::Stats::arena_bytes) says after a run with these.
    pub fn planned_bytes(&self, dims: &[(&str, i64)]) -> Result<u64> {
        let program = &self.loaded.program;
        let mut symbols = vec![NONE; program.symbols.len()];
        for (name, value) in dims {
            let wrong = |expected, found| Error::Symbol { symbol: (*name).into(), expected, found };
            let at = program.symbols.iter().position(|s| s == name);
            let at = at.ok_or_else(|| wrong("a symbol of the model", "none of this name".into()))?;
            symbols[at] = Some(*value).filter(|v| *v >= 0).ok_or_else(|| wrong("0 or more", value.to_string()))?;
        }
        let mut values = vec![NONE; program.exprs.len()];
        let mut sum = 0u64;
        for stage in &self.loaded.schedule[0].stages {
            if let Some(&s) = stage.symbols.iter().find(|s| symbols[**s as usize] == NONE) {
                let symbol = program.symbols[s as usize].clone();
                return Err(Error::Symbol { symbol, expected: "a value", found: "none".into() });
            }
            for &e in &stage.exprs {
                values[e as usize] = eval(program.exprs[e as usize], &values, &symbols);
            }
            let rooms = stage.arena.iter().map(|b| self.planned_room(*b, &values)).collect::<Result<Vec<_>>>()?;
            sum = sum.saturating_add(plan(self.main(), stage, &rooms).arena);
        }
        Ok(sum)
    }

    fn planned_room(&self, buffer: u32, values: &[i64]) -> Result<u64> {
        let e = self.main().buffers[buffer as usize].bytes;
        let value = values[e as usize];
        let bytes = u64::try_from(value).map_err(|_| Error::NoSize {
            place: format!("buffer {buffer}"),
            expr: text(&self.loaded.program, e),
            value: if value == NONE { ", which has no value".into() } else { format!(" = {value}") },
            symbols: String::new(),
        })?;
        Ok(room(self.loaded.program.exprs[e as usize], bytes))
    }

    fn main(&self) -> &Block {
        &self.loaded.program.blocks[0]
    }

    fn ports(&self, ports: &[Port], borders: &[Border]) -> Vec<PortInfo> {
        let mut ports = ports.iter();
        if borders.is_empty() {
            return ports.map(|p| self.tensor_port(p)).collect();
        }
        let mut out = vec![];
        for b in borders {
            let own: Vec<&Port> = ports.by_ref().take(b.parts()).collect();
            out.push(match (Form::of(b), own[..].first()) {
                (Form::Tensor, Some(p)) => self.tensor_port(p),
                (form, _) => {
                    let size = |d: &i64| if *d < 0 { "*".into() } else { d.to_string() };
                    let dims = b.dims.iter().flatten().map(size).collect();
                    PortInfo { name: b.name.clone(), dtype: b.dtype, dims, form, ranked: b.dims.is_some() }
                }
            });
        }
        out
    }

    fn tensor_port(&self, p: &Port) -> PortInfo {
        let dims = p.dims.iter().map(|e| text(&self.loaded.program, *e)).collect();
        PortInfo { name: p.name.clone(), dtype: p.dtype, dims, form: Form::Tensor, ranked: true }
    }
}

impl Loaded {
    /// A function by its number; [`Image`] has checked that it is in the code.
    pub(crate) fn kernel(&self, function: u32) -> Result<Kernel> {
        let f = &self.program.functions[function as usize];
        self.code.kernel(f).ok_or_else(|| Error::Program {
            place: format!("function `{}`", f.name),
            expected: "code within its section".into(),
            found: format!("{} bytes at {}", f.len, f.offset),
        })
    }
}

/// The bytes, copied unless they are aligned as code expects.
fn aligned(bytes: Bytes) -> Result<Bytes> {
    if bytes.is_empty() || (bytes.as_ptr() as usize).is_multiple_of(ALIGN) {
        return Ok(bytes);
    }
    let mut copy = AlignedVec::with_len(bytes.len() + ALIGN)?;
    copy.bytes.extend_from_slice(&bytes);
    let start = copy.bytes.len();
    copy.bytes.resize(start + ALIGN, 0);
    Ok(copy.into_bytes().slice(..bytes.len()))
}
