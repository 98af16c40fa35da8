//! Kernels as x86-64 machine code: 256-bit vectors (AVX2, FMA) or 512-bit ones (AVX-512), without relocations.
//!
//! [`lower`] writes machine instructions over virtual registers, moving what loops do not change out of them; [`live`]
//! removes what nothing reads; [`allocate`] gives registers; [`write`] encodes by [`asm`].

mod allocate;
pub mod asm;
mod code;
mod live;
mod lower;
mod ops;
mod write;

pub(crate) use crate::level::Level;

use crate::ir::Kernel;

/// The function of a kernel: position-independent code, the entry is its first byte.
pub fn emit(k: &Kernel, level: Level) -> Vec<u8> {
    let lower::Lowered { mut code, classes, labels } = lower::lower(k, level);
    live::remove_dead(&mut code, &classes);
    let allocated = allocate::allocate(code, classes, level);
    write::write(&allocated, labels, level)
}

/// Disassembly of code, one instruction a line with its offset.
pub fn listing(code: &[u8]) -> String {
    use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};
    let mut out = String::new();
    let mut formatter = IntelFormatter::new();
    for i in &mut Decoder::new(64, code, DecoderOptions::NONE) {
        out.push_str(&format!("{:6x}  ", i.ip()));
        formatter.format(&i, &mut out);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests;
