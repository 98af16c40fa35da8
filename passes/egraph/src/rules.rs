//! The rules, by theme. One law a line; `directed` where the right side is never worse.

mod attention;
mod constants;
mod convolution;
mod gelu;
mod moves;
mod norm;
mod pointwise;
mod softmax;

use crate::Rule;
use std::sync::LazyLock;

/// The themes, in order.
pub static THEMES: &[(&str, &[Rule])] = &[
    ("pointwise", pointwise::RULES),
    ("constants", constants::RULES),
    ("gelu", gelu::RULES),
    ("softmax", softmax::RULES),
    ("attention", attention::RULES),
    ("normalization", norm::RULES),
    ("convolution", convolution::RULES),
    ("moves", moves::RULES),
    ("moves past unary operators", moves::UNARY),
    ("moves past binary operators", moves::BINARY),
];

/// All rules.
pub static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| THEMES.iter().flat_map(|t| t.1).copied().collect());
