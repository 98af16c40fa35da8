//! What the names of values mean.

use dlc_ir::Value;
use std::collections::HashMap;

/// Names of one graph or function, inside those of the graph around it. A name bound to `None` is an omitted operand.
#[derive(Debug, Default)]
pub struct Env<'p> {
    parent: Option<&'p Env<'p>>,
    own: HashMap<String, Option<Value>>,
}

impl<'p> Env<'p> {
    /// Names of a graph that also sees those of `parent`.
    pub fn inside(parent: &'p Env<'p>) -> Self {
        Env { parent: Some(parent), own: HashMap::new() }
    }

    /// Gives a name its value.
    pub fn bind(&mut self, name: &str, v: Option<Value>) {
        self.own.insert(name.into(), v);
    }

    /// The value of a name, if it has one and is not omitted.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.find(name).flatten()
    }

    /// Whether the name is known.
    pub fn knows(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<Option<Value>> {
        let mut env = Some(self);
        while let Some(e) = env {
            if let Some(v) = e.own.get(name) {
                return Some(*v);
            }
            env = e.parent;
        }
        None
    }
}
