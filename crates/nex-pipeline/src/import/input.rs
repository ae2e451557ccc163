//! Where records come from: a file, a compressed file, or standard input.
//!
//! Compression is told by the first bytes, not by the name. What has to be read twice and cannot
//! be (a pipe, a compressed file) is copied to a nameless temporary file first.

use crate::PipelineError;
use std::fs::File;
use std::io::{self, Chain, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A source of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, plain or compressed by gzip or zstd.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// The bytes of an input, decompressed.
pub(crate) struct Opened {
    name: String,
    head: Vec<u8>,
    rest: Box<dyn Read + Send>,
    /// The file itself, where its bytes are those of the input.
    plain: Option<File>,
    path: Option<PathBuf>,
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

impl Input {
    /// The input that `argument` of the command line names: `-` is standard input.
    pub fn from_argument(argument: &Path) -> Self {
        if argument == Path::new("-") { Self::Stdin } else { Self::File(argument.to_owned()) }
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "<stdin>".to_owned(),
        }
    }

    /// Its size in bytes as it lies on disk, if that is known.
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
            Self::Stdin => None,
        }
    }

    pub(crate) fn open(&self) -> Result<Opened, PipelineError> {
        let name = self.name();
        let fail = |cause: io::Error| PipelineError::file(&name, cause);
        let (raw, file): (Box<dyn Read + Send>, _) = match self {
            Self::Stdin => (Box::new(io::stdin()), None),
            Self::File(path) => {
                let file = File::open(path).map_err(fail)?;
                if file.metadata().map_err(fail)?.is_dir() {
                    let cause = "a folder without a run.json: name the files in it, or a run folder";
                    return Err(PipelineError::file(&name, cause));
                }
                (Box::new(file.try_clone().map_err(fail)?), Some(file))
            }
        };
        let (magic, raw) = peek(raw, 4).map_err(fail)?;
        let raw = Cursor::new(magic.clone()).chain(raw);
        let mut opened = Opened {
            name: name.clone(),
            head: Vec::new(),
            rest: Box::new(io::empty()),
            plain: None,
            path: None,
        };
        if magic.starts_with(GZIP) {
            opened.rest = Box::new(flate2::read::MultiGzDecoder::new(raw));
        } else if magic.starts_with(ZSTD) {
            opened.rest = Box::new(zstd::Decoder::new(raw).map_err(fail)?);
        } else {
            opened.rest = Box::new(raw);
            opened.path = match self {
                Self::File(path) if path.is_file() => Some(path.clone()),
                _ => None,
            };
            opened.plain = file.filter(|_| opened.path.is_some());
        }
        Ok(opened)
    }
}

/// Up to `count` bytes from the start, and the rest.
fn peek<R: Read>(mut reader: R, count: usize) -> io::Result<(Vec<u8>, R)> {
    let mut head = Vec::with_capacity(count);
    reader.by_ref().take(count as u64).read_to_end(&mut head)?;
    Ok((head, reader))
}

impl Opened {
    /// Its name in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// At least `count` bytes from the start, or all there are, which are read again later.
    pub(crate) fn head(&mut self, count: usize) -> Result<&[u8], PipelineError> {
        let missing = count.saturating_sub(self.head.len()) as u64;
        let read = self.rest.by_ref().take(missing).read_to_end(&mut self.head);
        read.map_err(|cause| PipelineError::file(&self.name, cause))?;
        Ok(&self.head)
    }

    /// All its bytes, from the start.
    pub(crate) fn into_reader(self) -> Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>> {
        Cursor::new(self.head).chain(self.rest)
    }

    /// Where its bytes lie as they are, if they do.
    pub(crate) fn plain_path(&self) -> Option<PathBuf> {
        self.path.clone()
    }

    /// A file with its bytes, from the start: itself, or a nameless copy.
    pub(crate) fn into_file(self) -> Result<File, PipelineError> {
        let name = self.name.clone();
        let fail = |cause: io::Error| PipelineError::file(&name, cause);
        if let Some(mut file) = self.plain {
            file.seek(SeekFrom::Start(0)).map_err(fail)?;
            return Ok(file);
        }
        let mut copy = tempfile::tempfile().map_err(fail)?;
        let mut reader = Cursor::new(self.head).chain(self.rest);
        io::copy(&mut reader, &mut copy).map_err(fail)?;
        copy.seek(SeekFrom::Start(0)).map_err(fail)?;
        Ok(copy)
    }
}
