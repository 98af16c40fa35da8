//! Constants and attributes as text.

use crate::{Attr, DType, Num, Tensor};
use std::fmt::Write;

/// How much of a constant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Every byte.
    Full,
    /// Of a large one, a hash.
    Short,
}

impl Detail {
    /// Constants of more elements are not written element by element.
    fn readable(self) -> usize {
        match self {
            Detail::Full => 16,
            Detail::Short => 6,
        }
    }
}

/// A constant: `const f32[2] {0.5, 1.0}`, `const f32[64] hex "..."`, or in short `const f32[64] #1a2b3c4d`.
pub fn tensor(t: &Tensor, detail: Detail) -> String {
    let head = format!("const {}", t.type_fact());
    if t.dtype() == DType::Str {
        return strings(&head, t, detail);
    }
    if t.len() <= detail.readable() && exact(t) {
        let values: Vec<String> = t.iter().map(|v| number(t.dtype(), v)).collect();
        return format!("{head} {{{}}}", values.join(", "));
    }
    match detail {
        Detail::Short => format!("{head} #{:08x}", hash(t.bytes())),
        Detail::Full => format!("{head} hex \"{}\"", hex(t.bytes())),
    }
}

/// Strings are always readable: `const str[2] {"a", "b"}`; in short, many are a hash.
fn strings(head: &str, t: &Tensor, detail: Detail) -> String {
    let all: Vec<String> = t.strings().map(|s| format!("{s:?}")).collect();
    match detail {
        Detail::Short if t.len() > detail.readable() => format!("{head} #{:08x}", hash(all.join(",").as_bytes())),
        _ => format!("{head} {{{}}}", all.join(", ")),
    }
}

/// Whether the readable form gives back the same bytes: not so for NaN and for bools other than 0 and 1.
fn exact(t: &Tensor) -> bool {
    t.iter().all(|v| !v.f().is_nan()) && (t.dtype() != DType::Bool || t.bytes().iter().all(|b| *b <= 1))
}

fn number(dtype: DType, v: Num) -> String {
    match v {
        Num::I(v) => v.to_string(),
        Num::F(v) if dtype == DType::F32 => format!("{:?}", v as f32),
        Num::F(v) => format!("{v:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for b in bytes {
        let _ = write!(out, "{b:02x}");
    }
    out
}

/// FNV-1a over the bytes: for people to see that two constants differ.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |h, b| (h ^ *b as u32).wrapping_mul(0x0100_0193))
}

/// An attribute other than a graph. Empty lists name their kind: `[]`, `[]f`, `[]s`.
pub fn attr(a: &Attr, detail: Detail) -> String {
    match a {
        Attr::Float(v) => float(*v),
        Attr::Floats(v) if v.is_empty() => "[]f".into(),
        Attr::Floats(v) => format!("[{}]", v.iter().map(|v| float(*v)).collect::<Vec<_>>().join(",")),
        Attr::Strs(v) if v.is_empty() => "[]s".into(),
        Attr::Tensor(t) => tensor(t, detail),
        other => other.to_string(),
    }
}

/// `0.5f`; NaN by its bits, `bits(7fc00000)`.
fn float(v: f32) -> String {
    match v.is_nan() {
        true => format!("bits({:08x})", v.to_bits()),
        false => format!("{v:?}f"),
    }
}
