//! Unique names over a model and all its subgraphs.

use std::collections::{HashMap, HashSet};

/// Names given so far.
#[derive(Debug, Default)]
pub struct Names {
    used: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Names {
    /// `base`, or `base_1`, `base_2`, .. when it is taken.
    pub fn unique(&mut self, base: &str) -> String {
        match self.used.insert(base.into()) {
            true => base.into(),
            false => self.numbered(base, 1),
        }
    }

    /// The name of a node: its own, or `Op_0`, `Op_1`, .. when it has none or the name is taken.
    pub fn node(&mut self, name: &str, op: &str) -> String {
        match !name.is_empty() && self.used.insert(name.into()) {
            true => name.into(),
            false => self.numbered(op, 0),
        }
    }

    fn numbered(&mut self, base: &str, from: usize) -> String {
        let next = self.next.entry(base.into()).or_insert(from);
        loop {
            let name = format!("{base}_{next}");
            *next += 1;
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut n = Names::default();
        assert_eq!([n.unique("x"), n.unique("x"), n.unique("x_2"), n.unique("x")], ["x", "x_1", "x_2", "x_3"]);
        assert_eq!([n.node("", "Add"), n.node("x", "Add"), n.node("y", "Add")], ["Add_0", "Add_1", "y"]);
    }
}
