//! Writing an artifact: the same one always gives the same bytes, and a reader never sees half of it.

use crate::file::{HEADER, MAGIC, PAGE, PREFIX, SLACK, Section, VERSION};
use crate::wire::encode;
use crate::{Error, Image, Program, Result, verify};
use bytes::Bytes;
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

/// An artifact to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Artifact {
    /// What the processor must have: an architecture (`x86_64`), then features (`avx2`).
    pub target: Vec<String>,
    /// What the compiler tells about itself and the model: names and texts.
    pub metadata: Vec<(String, String)>,
    /// The program; its `code_len` is that of `code`, its `const_len` reaches the end of the last chunk.
    pub program: Program,
    /// Machine code.
    pub code: Vec<u8>,
    /// Constants: offset and bytes, in ascending order, apart from each other. Bytes between them are zero.
    pub constants: Vec<(u64, Bytes)>,
}

impl Artifact {
    /// The contents of its file.
    pub fn to_bytes(&self) -> Result<Bytes> {
        let mut out = Cursor::new(vec![]);
        put(self, self.constants.iter().cloned(), &mut out, Path::new("memory"))?;
        Ok(out.into_inner().into())
    }

    /// What a reader of its file gets.
    pub fn to_image(&self) -> Result<Image> {
        Image::from_bytes(self.to_bytes()?)
    }
}

/// Writes an artifact to `path`: first whole to a new file in the same folder, which then takes the name.
pub fn write(artifact: &Artifact, path: impl AsRef<Path>) -> Result<()> {
    write_chunks(artifact, artifact.constants.iter().cloned(), path)
}

/// As [`write()`], with constants that are made while they are written instead of those of `artifact`.
pub fn write_chunks(
    artifact: &Artifact,
    constants: impl IntoIterator<Item = (u64, Bytes)>,
    path: impl AsRef<Path>,
) -> Result<()> {
    let path = path.as_ref();
    let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    readable(&mut builder);
    let file = builder.prefix(".dlc-").tempfile_in(folder).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    put(artifact, constants, &mut out, path)?;
    let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Temporary files are private by default; artifacts are as readable as other files.
fn readable(builder: &mut tempfile::Builder<'_, '_>) {
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    #[cfg(not(unix))]
    let _ = builder;
}

fn put(
    artifact: &Artifact,
    constants: impl IntoIterator<Item = (u64, Bytes)>,
    out: &mut (impl Write + Seek),
    path: &Path,
) -> Result<()> {
    verify(&artifact.program)?;
    same_length("code", artifact.program.code_len, artifact.code.len() as u64)?;
    let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
    let mut out = Counted { out, at: 0 };
    out.zeros_to(HEADER as u64).map_err(failed)?;
    let metadata = (artifact.target.clone(), artifact.metadata.clone());
    let sections = [
        out.section(1, [encode(&artifact.program).as_slice()]).map_err(failed)?,
        out.section(1, [encode(&metadata).as_slice()]).map_err(failed)?,
        out.section(PAGE, [artifact.code.as_slice()]).map_err(failed)?,
        out.constants(constants, artifact.program.const_len, failed)?,
    ];
    out.zeros_to(out.at + SLACK).map_err(failed)?;
    out.header(&sections).map_err(failed)
}

fn same_length(what: &str, expected: u64, found: u64) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let bytes = |n| format!("{n} bytes");
    Err(Error::Program { place: what.into(), expected: bytes(expected), found: bytes(found) })
}

/// An output that knows how far it is.
struct Counted<'a, W> {
    out: &'a mut W,
    at: u64,
}

impl<W: Write + Seek> Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Zeros up to offset `end`, through `each` piece by piece.
    fn fill(&mut self, end: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        while self.at < end {
            let zeros = &[0; PAGE as usize][..(end - self.at).min(PAGE) as usize];
            each(zeros);
            self.write(zeros)?;
        }
        Ok(())
    }

    fn zeros_to(&mut self, end: u64) -> io::Result<()> {
        self.fill(end, |_| ())
    }

    fn section<'b>(&mut self, align: u64, parts: impl IntoIterator<Item = &'b [u8]>) -> io::Result<Section> {
        self.zeros_to(self.at.next_multiple_of(align))?;
        let offset = self.at;
        let mut crc = crc32fast::Hasher::new();
        for part in parts {
            crc.update(part);
            self.write(part)?;
        }
        Ok(Section { offset, len: self.at - offset, crc: crc.finalize() })
    }

    fn constants(
        &mut self,
        chunks: impl IntoIterator<Item = (u64, Bytes)>,
        len: u64,
        failed: impl Fn(io::Error) -> Error,
    ) -> Result<Section> {
        self.zeros_to(self.at.next_multiple_of(PAGE)).map_err(&failed)?;
        let offset = self.at;
        let mut crc = crc32fast::Hasher::new();
        for (at, bytes) in chunks {
            let (from, to) = (self.at - offset, at.saturating_add(bytes.len() as u64));
            if at < from || to > len {
                let (expected, found) = (format!("bytes within {from}..{len}"), format!("{at}..{to}"));
                return Err(Error::Program { place: "a chunk of constants".into(), expected, found });
            }
            self.fill(offset + at, |zeros| crc.update(zeros)).map_err(&failed)?;
            crc.update(&bytes);
            self.write(&bytes).map_err(&failed)?;
        }
        self.fill(offset + len, |zeros| crc.update(zeros)).map_err(&failed)?;
        Ok(Section { offset, len, crc: crc.finalize() })
    }

    /// The header, over the zeros left for it.
    fn header(&mut self, sections: &[Section; 4]) -> io::Result<()> {
        let table: Vec<u8> = sections.iter().flat_map(|s| s.to_bytes()).collect();
        let mut header = Vec::with_capacity(PREFIX);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(crc32fast::hash(&table).to_le_bytes());
        header.extend(table);
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()
    }
}
