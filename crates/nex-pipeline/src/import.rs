//! Import: files that others wrote become [`Episode`]s.
//!
//! ```text
//! file ─Blocks─▶ records ─Importer (one a format, any thread)─▶ Draft ─▶ Episode ─▶ run folder, export
//! ```
//! Records are read one at a time, whatever the size of the file. Spans of a trace stand anywhere
//! in their files: one light pass notes where, a second reads trace by trace; memory is one place a
//! span. A record that cannot be read is a [`Fault`] with file, line, key and way out; the others
//! go on. The same files give the same episodes, byte for byte, on any number of threads.
//!
//! A new format is one file here and a line in [`all`].

mod anthropic;
mod atif;
mod blocks;
mod chat;
mod detect;
mod dialect;
mod draft;
mod fault;
mod grouped;
mod input;
mod into_run;
mod json;
mod langfuse;
mod nex;
mod nexgap;
mod openai;
mod otlp;
mod reader;
mod responses;
mod sharegpt;
mod spans;
mod stream;
mod swift;
#[cfg(test)]
mod tests;
mod text;
mod thread;
mod tools;

pub use detect::{Decision, decide};
pub use fault::Fault;
pub use input::Input;
pub use into_run::{ImportOptions, ImportReport, into_run};
pub use reader::{Place, RecordReader};
pub use stream::{Batch, Batches, Inputs};

use crate::recipe::unknown_name;
use draft::Draft;
use fault::Wrong;
use json::Json;
use nex_tool_formats::ToolCallFormat;
use nex_trajectory::Episode;
use std::fmt;
use tools::ToolMemory;

/// How foreign files are read.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    importer: &'static dyn Importer,
    dialect: Option<&'static dyn ToolCallFormat>,
}

/// What an importer is, for lists and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceAbout {
    /// The name on the command line.
    pub name: &'static str,
    /// What it reads.
    pub reads: &'static str,
}

impl Source {
    /// The format called `name`: an importer, or a tool-call format whose raw text is to be read.
    /// `dialect` names the tool-call format of raw text inside other formats.
    ///
    /// # Errors
    /// There is none of that name; the message lists those there are.
    pub fn by_name(name: &str, dialect: Option<&str>) -> Result<Self, String> {
        let dialect =
            dialect.map(nex_tool_formats::by_name).transpose().map_err(|error| error.to_string())?;
        if let Some(importer) = all().iter().copied().find(|importer| importer.about().name == name) {
            return Ok(Self { importer, dialect });
        }
        match nex_tool_formats::by_name(name) {
            Ok(format) => Ok(Self { importer: &text::Text, dialect: Some(format) }),
            Err(_) => Err(unknown_name(name, &Self::names())),
        }
    }

    /// All names, in the order in which they are listed to people.
    pub fn names() -> Vec<&'static str> {
        let importers = all().iter().map(|importer| importer.about().name);
        let formats = nex_tool_formats::all().iter().map(|format| format.name());
        let formats = formats.filter(|name| !all().iter().any(|importer| importer.about().name == *name));
        ["auto"].into_iter().chain(importers).chain(formats).collect()
    }

    /// What all importers read.
    pub fn about_all() -> Vec<SourceAbout> {
        all().iter().map(|importer| importer.about()).collect()
    }

    /// The importer's name.
    pub fn name(&self) -> &'static str {
        self.importer.about().name
    }

    /// The tool-call format of raw text, where one was named.
    pub fn dialect(&self) -> Option<&'static str> {
        self.dialect.map(|format| format.name())
    }
}

/// One way to read foreign records. Pure: a record goes in, what it says comes out.
trait Importer: fmt::Debug + Sync {
    /// What it is.
    fn about(&self) -> SourceAbout;

    /// How sure it is that `record` is one of its own, and by what; none if it is not.
    fn recognise(&self, record: Json<'_>) -> Option<Sign>;

    /// Reads one record; where [`Importer::pieces`] gives pieces, a JSON list of those of a trace.
    ///
    /// # Errors
    /// It is none, or holds what the record has no place for.
    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong>;

    /// Whether records have to be collected by trace before they can be read.
    fn is_grouped(&self) -> bool {
        false
    }

    /// The pieces of traces in `record`.
    ///
    /// # Errors
    /// It is no record of this format.
    fn pieces<'a>(&self, record: Json<'a>) -> Result<Vec<Piece<'a>>, Wrong> {
        let _ = record;
        Ok(Vec::new())
    }
}

/// A part of a trace: its text stands in the record.
struct Piece<'a> {
    trace: std::borrow::Cow<'a, str>,
    json: Json<'a>,
}

/// By what a record was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sign {
    /// 100: its own mark; 50: it fits and so may others.
    strength: u32,
    because: &'static str,
}

/// A sign, where `holds`.
fn sign(holds: bool, strength: u32, because: &'static str) -> Option<Sign> {
    holds.then_some(Sign { strength, because })
}

/// What one record gives.
#[derive(Debug)]
enum Imported {
    Draft(Box<Draft>),
    /// A record of Nex itself, which has all it needs.
    Episode(Box<Episode>),
}

impl From<Draft> for Imported {
    fn from(draft: Draft) -> Self {
        Self::Draft(Box::new(draft))
    }
}

/// What an importer keeps between records. It changes how fast they are read, never what they give.
#[derive(Debug, Default)]
struct Room {
    tools: ToolMemory,
    dialect: Option<&'static dyn ToolCallFormat>,
}

/// All importers, in the order in which they are listed to people.
fn all() -> &'static [&'static dyn Importer] {
    &[
        &openai::OpenAi,
        &anthropic::Anthropic,
        &sharegpt::ShareGpt,
        &swift::Swift,
        &langfuse::Langfuse,
        &otlp::Otlp,
        &nexgap::NexGap,
        &atif::Atif,
        &text::Text,
        &nex::Nex,
    ]
}
