//! Text form of a graph; [`parse`] reads what [`print`](fn@print) writes.
//!
//! ```text
//! graph net {
//!   input x: f32[batch,3]
//!   w = const f32[3,2] {1.0, 0.0, 0.5, 1.0, 0.0, 2.0}
//!   "fc/MatMul" = MatMul(x, w): f32[batch,2]
//!   top = TopK("fc/MatMul", k) {axis=1}: f32[batch,1], i64[batch,1]
//!   output index = top:1
//! }
//! ```
//!
//! A node is called by its name, quoted unless plain; `:k` is its result `k`. `_` is an omitted operand.

mod lex;
mod literal;
mod parse;
mod print;

pub use parse::{attrs_of, parse};
pub use print::{print, print_short};

use crate::dim;

/// Words that mean something where a name may stand.
const WORDS: &[&str] = &["_", "graph", "input", "output", "const", "quant", "known"];

/// A name as it is written: as it is, or in quotes.
fn quoted(name: &str) -> String {
    match dim::is_plain(name) && !WORDS.contains(&name) {
        true => name.into(),
        false => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests;
