//! What episodes became, between the threads that prepare and the one that writes.

use super::atropos::Member;
use nex_tool_formats::{Rendered, Span, write_json_string};
use nex_trajectory::Episode;
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows of one target, ready to be written in the order in which they were added.
#[derive(Debug, Default)]
pub struct Prepared {
    /// JSON documents, each ended by a line feed.
    pub(super) lines: Vec<u8>,
    /// One line a line: where it comes from.
    pub(super) ids: Vec<u8>,
    /// Keys of the lines that stand once a key, with the ends of these lines.
    pub(super) once: Vec<(String, usize)>,
    /// Members of groups, for the target that writes whole groups.
    pub(super) members: Vec<Member>,
    /// Whole episodes, for the target that keeps them so.
    pub(super) episodes: Vec<Episode>,
    /// What was read, taken and left out.
    pub(super) report: ExportReport,
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Episodes that were read.
    pub episodes: u64,
    /// Samples, or rows, that were written.
    pub samples: u64,
    /// Samples left out, by reason.
    pub skipped: BTreeMap<String, u64>,
}

impl ExportReport {
    /// Adds `other` and empties it.
    pub fn take(&mut self, other: &mut Self) {
        self.episodes += std::mem::take(&mut other.episodes);
        self.samples += std::mem::take(&mut other.samples);
        for (reason, count) in std::mem::take(&mut other.skipped) {
            *self.skipped.entry(reason).or_default() += count;
        }
    }
}

impl Prepared {
    /// What was read, taken and left out so far.
    pub fn report(&self) -> &ExportReport {
        &self.report
    }

    /// The JSON documents that wait to be written, each ended by a line feed.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Bytes that wait to be written, without whole episodes.
    pub fn waiting_bytes(&self) -> usize {
        self.lines.len() + self.ids.len()
    }

    /// Adds `row` as a line.
    pub(super) fn line(&mut self, row: &impl Serialize) -> Result<(), String> {
        append_line(&mut self.lines, row)
    }

    /// Adds a line with the members of `source`, `"text"` and `"spans"`. These two are by far the
    /// longest, so they are written without the detours of a serialiser.
    pub(super) fn text_line(&mut self, source: &impl Serialize, rendered: &Rendered) -> Result<(), String> {
        let Rendered { text, spans } = rendered;
        let start = self.lines.len();
        if let Err(error) = serde_json::to_writer(&mut self.lines, source) {
            self.lines.truncate(start);
            return Err(format!("it is no JSON: {error}"));
        }
        // In place of the closing brace.
        self.lines.pop();
        self.lines.reserve(text.len() + text.len() / 16 + spans.len() * 72);
        let mut write = |part: &str| self.lines.extend_from_slice(part.as_bytes());
        write(",\"text\":");
        write_json_string(text, &mut write);
        write(",\"spans\":[");
        let mut number = itoa::Buffer::new();
        for (index, Span { start, end, kind, is_trainable }) in spans.iter().enumerate() {
            write(if index == 0 { "{\"start\":" } else { ",{\"start\":" });
            write(number.format(*start));
            write(",\"end\":");
            write(number.format(*end));
            write(",\"kind\":\"");
            write(kind.as_str());
            write(if *is_trainable { "\",\"is_trainable\":true}" } else { "\",\"is_trainable\":false}" });
        }
        write("]}\n");
        Ok(())
    }

    /// Adds `row` as a line, unless one with this key was written before; the sink counts it.
    pub(super) fn once_line(&mut self, key: &str, row: &impl Serialize) -> Result<(), String> {
        self.line(row)?;
        self.once.push((key.to_owned(), self.lines.len()));
        Ok(())
    }

    /// Adds the origin of the line last added.
    pub(super) fn id_line(&mut self, source: &impl Serialize) -> Result<(), String> {
        append_line(&mut self.ids, source)
    }

    /// Adds the file name of the line last added.
    pub(super) fn name_line(&mut self, name: &str) {
        self.ids.extend_from_slice(name.as_bytes());
        self.ids.push(b'\n');
    }

    /// Counts a sample that was written, or left out for a reason.
    pub(super) fn count(&mut self, taken: Result<(), String>) {
        match taken {
            Ok(()) => self.report.samples += 1,
            Err(reason) => *self.report.skipped.entry(reason).or_default() += 1,
        }
    }
}

/// Either the whole line or nothing.
fn append_line(out: &mut Vec<u8>, row: &impl Serialize) -> Result<(), String> {
    let start = out.len();
    match serde_json::to_writer(&mut *out, row) {
        Ok(()) => {
            out.push(b'\n');
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(format!("it is no JSON: {error}"))
        }
    }
}
