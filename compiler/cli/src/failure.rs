//! What the user is told when something fails: what was being done, and why it could not be.

use std::error::Error;
use std::fmt;

/// A failure on its way to the user. Printed as one line: `error: <doing>: <cause>: <cause of the cause>`.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub code: u8,
    chain: Vec<String>,
}

/// Result of a verb.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// The model or the data is at fault.
    pub fn data(what: impl Into<String>) -> Self {
        Failure { code: 1, chain: vec![what.into()] }
    }

    /// The command line is at fault.
    pub fn usage(what: impl Into<String>) -> Self {
        Failure { code: 2, chain: vec![what.into()] }
    }

    /// The user ended it, and there is something to say about that.
    pub fn interrupted(what: impl Into<String>) -> Self {
        Failure { code: 130, chain: vec!["interrupted".into(), what.into()] }
    }

    /// Nobody reads what is printed: no fault at all.
    pub fn closed() -> Self {
        Failure { code: 0, chain: vec![] }
    }

    fn caused(e: &(dyn Error + 'static)) -> Self {
        let mut chain = vec![e.to_string()];
        let mut cause = e.source();
        while let Some(c) = cause {
            let text = c.to_string();
            // Some errors quote their source in their own text.
            if !chain.last().is_some_and(|last| last.contains(&text)) {
                chain.push(text);
            }
            cause = c.source();
        }
        Failure { code: 1, chain }
    }
}

/// Most letters of a message, which is cut in the middle: names in a file may be as long as the file.
const LONGEST: usize = 1000;

/// One line, whatever the causes contain.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let lines = self.chain.iter().flat_map(|c| c.lines());
        let line = lines.map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(": ");
        let letters = line.chars().count();
        if letters <= LONGEST {
            return f.write_str(&line);
        }
        // What was being done is at the front, what was expected and found at the end.
        let at = |n: usize| line.char_indices().nth(n).map_or(line.len(), |(at, _)| at);
        write!(f, "{}…{}", &line[..at(LONGEST / 2)], &line[at(letters - LONGEST / 2)..])
    }
}

/// Says what was being done when something failed.
pub trait Doing<T> {
    /// `reading "x.onnx"`, say.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Error + 'static> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Failure::caused(&e)).doing(what)
    }
}

impl<T> Doing<T> for Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|mut f| {
            f.chain.insert(0, what());
            f
        })
    }
}
