//! The file: a header with a table of sections, and how it is read.

use crate::wire::decode;
use crate::{Error, Program, Result, verify};
use bytes::Bytes;
use std::path::Path;

/// First bytes of every artifact.
pub const MAGIC: [u8; 8] = *b"\x89dlc\r\n\x1a\n";
/// Version of the format; an artifact of another version is refused.
pub const VERSION: u32 = 4;
/// Code and constants start at multiples of this.
pub const PAGE: u64 = 4096;
/// Bytes after the constants, and after an arena, that code may read but not use: one vector.
pub const SLACK: u64 = 64;
/// The sections, in the order of the table and of the file.
pub static SECTIONS: &[&str] = &["program", "metadata", "code", "constants"];

/// Bytes before the table: magic, version, checksum of the table.
pub(crate) const PREFIX: usize = 16;
/// Bytes of a table entry: offset, length, checksum, zero.
pub(crate) const ENTRY: usize = 24;
/// Bytes of the header.
pub(crate) const HEADER: usize = PREFIX + 4 * ENTRY;

/// What an artifact needs and tells, besides its program.
pub(crate) type Metadata = (Vec<String>, Vec<(String, String)>);

/// A line of the table.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Section {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) crc: u32,
}

impl Section {
    #[cfg(feature = "write")]
    pub(crate) fn to_bytes(self) -> [u8; ENTRY] {
        let mut out = [0; ENTRY];
        out[..8].copy_from_slice(&self.offset.to_le_bytes());
        out[8..16].copy_from_slice(&self.len.to_le_bytes());
        out[16..20].copy_from_slice(&self.crc.to_le_bytes());
        out
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Section { offset: u64_at(bytes, 0), len: u64_at(bytes, 8), crc: u32_at(bytes, 16) }
    }

    /// Its bytes, if they are in the file and as they were written.
    fn cut(self, what: &'static str, file: &Bytes) -> Result<Bytes> {
        let end = self.offset.saturating_add(self.len);
        let found = file.len() as u64;
        if end > found {
            return Err(Error::Truncated { what, expected: end, found });
        }
        let bytes = file.slice(self.offset as usize..end as usize);
        checksum(what, self.crc, &bytes)?;
        Ok(bytes)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn checksum(what: &'static str, expected: u32, bytes: &[u8]) -> Result<()> {
    match crc32fast::hash(bytes) {
        found if found == expected => Ok(()),
        found => Err(Error::Checksum { what, expected, found }),
    }
}

/// An artifact that was read: its program is verified ([`crate::verify`]), its sections are as they were written.
#[derive(Clone, Debug)]
pub struct Image {
    /// What the processor must have: an architecture (`x86_64`), then features (`avx2`).
    pub target: Vec<String>,
    /// What the compiler tells about itself and the model: names and texts.
    pub metadata: Vec<(String, String)>,
    /// The program.
    pub program: Program,
    /// Machine code, [`Program::code_len`] bytes.
    pub code: Bytes,
    /// Constants, [`Program::const_len`] bytes; [`SLACK`] more bytes of the file follow them.
    pub constants: Bytes,
}

impl Image {
    /// Maps and checks the file at `path`. It must not be changed in place while the image or anything cut from its
    /// bytes lives; [`crate::write`] replaces files and never changes them.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |action| move |source| Error::Io { action, path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed("open"))?;
        let len = file.metadata().map_err(failed("read"))?.len();
        if len < HEADER as u64 {
            return Err(Error::Truncated { what: "the header", expected: HEADER as u64, found: len });
        }
        // SAFETY: the map is only read, and artifacts are replaced as a whole, never changed in place (see above).
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(failed("map"))?;
        Image::from_bytes(Bytes::from_owner(map))
    }

    /// Checks `file`, the contents of an artifact.
    pub fn from_bytes(file: Bytes) -> Result<Self> {
        let sections = table(&file)?;
        let cut = |k: usize| sections[k].cut(SECTIONS[k], &file);
        let (target, metadata): Metadata = decode(SECTIONS[1], &cut(1)?)?;
        let program: Program = decode(SECTIONS[0], &cut(0)?)?;
        let image = Image { target, metadata, program, code: cut(2)?, constants: cut(3)? };
        let end = sections[3].offset + sections[3].len + SLACK;
        if end > file.len() as u64 {
            return Err(Error::Truncated { what: "the file", expected: end, found: file.len() as u64 });
        }
        image.lengths()?;
        gaps(&sections, &file)?;
        verify(&image.program)?;
        Ok(image)
    }

    fn lengths(&self) -> Result<()> {
        let expected = (self.program.code_len, self.program.const_len);
        let found = (self.code.len() as u64, self.constants.len() as u64);
        if expected == found {
            return Ok(());
        }
        let text = |(code, constants)| format!("{code} bytes of code and {constants} of constants");
        Err(Error::Program { place: "the program".into(), expected: text(expected), found: text(found) })
    }
}

/// Every byte belongs to the header or a section, or is zero: nothing is left that no checksum covers.
fn gaps(sections: &[Section; 4], file: &[u8]) -> Result<()> {
    let mut at = HEADER as u64;
    let ends = sections.iter().map(|s| (s.offset, s.offset + s.len)).chain([(file.len() as u64, file.len() as u64)]);
    for (offset, end) in ends {
        let gap = if at <= offset { &file[at as usize..offset as usize] } else { return Err(unordered(at, offset)) };
        if let Some(k) = gap.iter().position(|b| *b != 0) {
            let place = format!("byte {} of the file, between sections", at + k as u64);
            return Err(Error::Program { place, expected: "0".into(), found: gap[k].to_string() });
        }
        at = end;
    }
    Ok(())
}

fn unordered(at: u64, found: u64) -> Error {
    Error::Program {
        place: "a section".into(),
        expected: format!("{at} or more as its begin"),
        found: found.to_string(),
    }
}

/// The table of sections, checked but for what it points to.
fn table(file: &[u8]) -> Result<[Section; 4]> {
    let whole = |found: usize| Error::Truncated { what: "the header", expected: HEADER as u64, found: found as u64 };
    let header = file.get(..HEADER).ok_or_else(|| whole(file.len()))?;
    if header[..8] != MAGIC {
        let mut found = [0; 8];
        found.copy_from_slice(&header[..8]);
        return Err(Error::Magic { expected: MAGIC, found });
    }
    match u32_at(header, 8) {
        VERSION => {}
        found => return Err(Error::Version { expected: VERSION, found }),
    }
    checksum("the header", u32_at(header, 12), &header[PREFIX..])?;
    let entry = |k| Section::from_bytes(&header[PREFIX + ENTRY * k..][..ENTRY]);
    Ok([entry(0), entry(1), entry(2), entry(3)])
}
