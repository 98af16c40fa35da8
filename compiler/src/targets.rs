//! What can be compiled for.

use crate::stages::Imported;
use crate::{Error, Options, Precision, Result, cpu};

/// One target.
#[derive(Debug)]
pub struct Target {
    /// Name, as in `--target`.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Gives a form of the program; `None` for a target that is interpreted.
    pub emit: Option<Emit>,
    /// For a target that depends on the machine: the name of the one that it stands for on this machine.
    pub here: Option<fn(Precision) -> &'static str>,
    /// Forms that `emit` gives; `artifact` is the one that runs.
    pub forms: &'static [&'static str],
}

impl Target {
    /// Name of the target whose programs are made: its own, unless it depends on the machine.
    pub fn stands_for(&self, precision: Precision) -> &'static str {
        self.here.map_or(self.name, |here| here(precision))
    }
}

/// Generates the program of an optimized graph in one of the target's forms, as the bytes of a file.
pub type Emit = fn(&Imported, &Options, form: &str) -> Result<Vec<u8>>;

/// All targets; the first is the default.
pub static TARGETS: &[Target] = &[CPU, CPU_AVX512_BF16, CPU_AVX512_VNNI, CPU_AVX512, CPU_AVX2, CPU_PORTABLE, REFERENCE];

const CPU: Target = Target {
    name: "cpu",
    doc: "machine code for the processor the compiler runs on, the widest vectors it has that the precision needs",
    emit: Some(cpu::host),
    here: Some(cpu::here),
    forms: WIDE,
};

const CPU_AVX512_BF16: Target = Target {
    name: "cpu-avx512-bf16",
    doc: "machine code for x86-64 with AVX-512 (F, BW, DQ, VL), VNNI and BF16",
    emit: Some(cpu::avx512_bf16),
    here: None,
    forms: WIDE,
};

const CPU_AVX512_VNNI: Target = Target {
    name: "cpu-avx512-vnni",
    doc: "machine code for x86-64 with AVX-512 (F, BW, DQ, VL) and VNNI",
    emit: Some(cpu::avx512_vnni),
    here: None,
    forms: WIDE,
};

const CPU_AVX512: Target = Target {
    name: "cpu-avx512",
    doc: "machine code for x86-64 with AVX-512 (F, BW, DQ, VL)",
    emit: Some(cpu::avx512),
    here: None,
    forms: WIDE,
};

const CPU_AVX2: Target = Target {
    name: "cpu-avx2",
    doc: "machine code for x86-64 with AVX2 and FMA",
    emit: Some(cpu::avx2),
    here: None,
    forms: WIDE,
};

const CPU_PORTABLE: Target = Target {
    name: "cpu-portable",
    doc: "machine code of 128-bit vectors, through Cranelift (on x86-64, AVX2 and FMA are needed)",
    emit: Some(cpu::portable),
    here: None,
    forms: &["artifact", "text", "plan", "clif", "asm", "obj"],
};

/// Forms of code that Cranelift has no part in.
const WIDE: &[&str] = &["artifact", "text", "plan", "asm", "obj"];

const REFERENCE: Target = Target {
    name: "reference",
    doc: "the meaning of the operators, interpreted: slow, and what all else is compared with",
    emit: None,
    here: None,
    forms: &["text"],
};

/// The target of this name.
pub fn by_name(name: &str) -> Result<&'static Target> {
    TARGETS.iter().find(|t| t.name == name).ok_or_else(|| Error::Unknown {
        kind: "target",
        name: name.into(),
        expected: TARGETS.iter().map(|t| t.name).collect::<Vec<_>>().join(", "),
    })
}

/// The program of an optimized graph in a form of the target: `artifact` runs, `text` prints the graph.
pub fn emit(model: &Imported, options: &Options, form: &str) -> Result<Vec<u8>> {
    let target = options.target;
    if form == "text" {
        return Ok(dlc_ir::text::print(&model.graph).into_bytes());
    }
    let emit = target.emit.ok_or(Error::NoArtifact(target.name))?;
    if !target.forms.contains(&form) {
        let expected = target.forms.join(", ");
        return Err(Error::NoForm { target: target.name, form: form.into(), expected });
    }
    emit(model, options, form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_name() {
        for t in TARGETS {
            assert_eq!(by_name(t.name).unwrap().name, t.name);
            for precision in Precision::ALL {
                assert!(by_name(t.stands_for(precision)).unwrap().here.is_none());
            }
        }
        let clif = TARGETS.iter().filter(|t| t.forms.contains(&"clif")).map(|t| t.name);
        assert_eq!(clif.collect::<Vec<_>>(), ["cpu-portable"], "Cranelift's form is of the code that Cranelift makes");
        let e = by_name("gpu").unwrap_err().to_string();
        assert!(e.contains("\"gpu\"") && e.contains("reference"), "{e}");
    }
}
