//! The functions and constants of an artifact as an object file of the platform, for tools that read those.

use crate::Error;
use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_module::{DataDescription, Linkage, Module, ModuleError, default_libcall_names};
use cranelift_object::{ObjectBuilder, ObjectModule};
use dlc_artifact::Artifact;
use std::sync::Arc;

/// An object file: every function under its name with the ABI of [`dlc_artifact::program::KernelFn`], and the constants
/// section as `dlc_constants`.
pub fn object(a: &Artifact) -> Result<Vec<u8>, Error> {
    let builder = ObjectBuilder::new(isa()?, "dlc", default_libcall_names()).map_err(failed)?;
    let mut module = ObjectModule::new(builder);
    let signature = signature(&module);
    for f in &a.program.functions {
        let code = usize::try_from(f.offset).ok().zip(usize::try_from(f.offset + f.len).ok());
        let code = code.and_then(|(from, to)| a.code.get(from..to));
        let code = code.ok_or_else(|| Error::Size(format!("function {}: is not in the code", f.name)))?;
        let id = module.declare_function(&f.name, Linkage::Export, &signature).map_err(failed)?;
        module.define_function_bytes(id, 16, code, &[]).map_err(failed)?;
    }
    let id = module.declare_data("dlc_constants", Linkage::Export, false, false).map_err(failed)?;
    let mut data = DataDescription::new();
    data.set_align(64);
    data.define(constants(a).into_boxed_slice());
    module.define_data(id, &data).map_err(failed)?;
    module.finish().emit().map_err(|e| Error::Size(format!("object file: {e}")))
}

fn failed(e: ModuleError) -> Error {
    Error::Size(format!("object file: {e}"))
}

fn isa() -> Result<Arc<dyn TargetIsa>, Error> {
    let wrong = |e: &dyn std::fmt::Display| Error::Size(format!("object file: {e}"));
    let mut flags = settings::builder();
    flags.set("is_pic", "true").map_err(|e| wrong(&e))?;
    let isa = cranelift_codegen::isa::lookup(target_lexicon::Triple::host()).map_err(|e| wrong(&e))?;
    isa.finish(settings::Flags::new(flags)).map_err(|e| wrong(&e))
}

/// Pointers and two integers: buffers, arguments, begin, end, scratch, mathematical functions.
fn signature(module: &ObjectModule) -> Signature {
    let mut s = module.make_signature();
    s.params = vec![AbiParam::new(types::I64); 6];
    s
}

fn constants(a: &Artifact) -> Vec<u8> {
    let mut out = vec![];
    for (offset, bytes) in &a.constants {
        out.resize(*offset as usize, 0);
        out.extend_from_slice(bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::{Attrs, DType, Fact, Graph};

    #[test]
    fn functions_are_symbols() {
        let mut g = Graph::new("g");
        let x = g.add_input("x", Fact::new(DType::F32, [8.into()]));
        let y = g.apply("y", "Exp", Attrs::new(), &[x]).unwrap();
        g.add_output("y", y);
        let artifact = crate::compile(&g, &Default::default()).unwrap().artifact;
        let o = object(&artifact).unwrap();
        assert_eq!(o, object(&artifact).unwrap(), "the same bytes every time");
        let has = |name: &str| o.windows(name.len()).any(|w| w == name.as_bytes());
        assert!(has("dlc_constants") && artifact.program.functions.iter().all(|f| has(&f.name)));
    }
}
