//! Which version of its operators a model means.

use crate::proto::OperatorSetIdProto;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The newest version of ai.onnx whose operators are known.
pub const NEWEST: i64 = 28;

/// The versions of all domains a model imports.
#[derive(Clone, Debug, Default)]
pub struct Opsets(BTreeMap<String, i64>);

/// The domain without its second name: `ai.onnx` is the empty one.
pub fn plain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

impl Opsets {
    /// Versions as a model declares them; the first files declare none and mean 1.
    pub fn new(imports: &[OperatorSetIdProto]) -> Result<Self> {
        let mut all: BTreeMap<String, i64> = imports.iter().map(|o| (plain(&o.domain).into(), o.version)).collect();
        let version = *all.entry(String::new()).or_insert(1);
        match (1..=NEWEST).contains(&version) {
            true => Ok(Opsets(all)),
            false => Err(Error::graph("", format!("opset {version} of ai.onnx, expected 1 to {NEWEST}"))),
        }
    }

    /// The versions of a function: its own, and those of the model for domains it does not name.
    pub fn of_function(&self, imports: &[OperatorSetIdProto]) -> Result<Self> {
        if imports.is_empty() {
            return Ok(self.clone());
        }
        let mut all = self.0.clone();
        all.extend(Opsets::new(imports)?.0);
        Ok(Opsets(all))
    }

    /// Version of a domain; 1 where none is declared.
    pub fn version(&self, domain: &str) -> i64 {
        self.0.get(plain(domain)).copied().unwrap_or(1)
    }
}
