//! What a failure looks like, so that two can be told apart.

use serde::{Deserialize, Serialize};

/// Kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The model is refused.
    Import,
    /// A stage fails.
    Compile,
    /// The oracle gives no result.
    Reference,
    /// The compiled program gives no result.
    Run,
    /// The compiled program, or the graph after a stage, gives another result than the oracle.
    Wrong,
    /// The compiler or the program ends by a panic or a signal.
    Crash,
    /// The compiler or the program goes on for longer than it may.
    Endless,
}

/// What two failures have in common when they are the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// Its kind.
    pub kind: Kind,
    /// The stage that fails or changes a result, and its rule.
    pub stage: Option<String>,
    /// The operator that a message names.
    pub operator: Option<String>,
    /// The message without names and numbers.
    pub gist: String,
}

impl Symptom {
    /// A failure with this message.
    pub fn new(kind: Kind, stage: Option<&str>, message: &str) -> Symptom {
        Symptom { kind, stage: stage.map(String::from), operator: operator(message), gist: gist(message) }
    }
}

impl std::fmt::Display for Symptom {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Import => "the model is refused",
            Kind::Compile => "it does not compile",
            Kind::Reference => "the reference gives no result",
            Kind::Run => "the program gives no result",
            Kind::Wrong => "a result is wrong",
            Kind::Crash => "it crashes",
            Kind::Endless => "it does not end in time",
        };
        f.write_str(kind)?;
        self.stage.iter().try_for_each(|s| write!(f, ", {s}"))?;
        self.operator.iter().try_for_each(|op| write!(f, ", at {op}"))
    }
}

/// `Conv` in `node "layer1/conv" (Conv): ..`: the operator of the last node a message names.
fn operator(message: &str) -> Option<String> {
    let after = message.rsplit_once("node \"")?.1;
    let op = after.split_once("\" (")?.1;
    Some(op.split_once(')')?.0.to_string())
}

/// A message without what is quoted, in brackets or a number.
fn gist(message: &str) -> String {
    let (mut out, mut depth, mut quoted) = (String::new(), 0usize, false);
    for c in message.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 || c.is_ascii_digit() || c == '-' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_cause_look_alike() {
        let of = |m| Symptom::new(Kind::Compile, Some("emit"), m);
        let a = of("node \"layer1/conv\" (Conv): x has shape f32[1,64,56,56], expected 32 channels");
        let b = of("node \"conv\" (Conv): x has shape f32[1,2,n], expected 1 channels");
        assert_eq!(a, b);
        assert_eq!(a.operator.as_deref(), Some("Conv"));
        assert_ne!(a, of("node \"conv\" (Conv): attribute pads is missing"));
        assert_ne!(a, Symptom { kind: Kind::Run, ..a.clone() });
    }
}
