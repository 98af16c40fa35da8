//! What can be wrong with an artifact.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an artifact cannot be read or written: what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file does not start as artifacts do.
    #[error("not an artifact: expected the first bytes {expected:02x?}, found {found:02x?}")]
    Magic {
        /// [`crate::file::MAGIC`].
        expected: [u8; 8],
        /// What is there.
        found: [u8; 8],
    },
    /// Another version of the format.
    #[error("expected format version {expected}, found {found}: compile the model again")]
    Version {
        /// [`crate::file::VERSION`].
        expected: u32,
        /// What is there.
        found: u32,
    },
    /// The file ends too early.
    #[error("{what} is cut off: expected {expected} bytes, found {found}")]
    Truncated {
        /// What is incomplete.
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Bytes are not those that were written.
    #[error("{what} is damaged: expected checksum {expected:08x}, found {found:08x}")]
    Checksum {
        /// Which part of the file.
        what: &'static str,
        /// As stored.
        expected: u32,
        /// As computed.
        found: u32,
    },
    /// A number or text that the encoding does not have.
    #[error("byte {at} of the {section}: expected {expected}, found {found}")]
    Encoding {
        /// Section in which it is.
        section: &'static str,
        /// Where in the section.
        at: usize,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A program that contradicts itself.
    #[error("{place}: expected {expected}, found {found}")]
    Program {
        /// Part of the program.
        place: String,
        /// What holds in every program.
        expected: String,
        /// What does not.
        found: String,
    },
}
