//! The text form of a graph.

use crate::Graph;

/// Prints a graph.
pub fn print(g: &Graph) -> String {
    format!("{}", g.name)
}
