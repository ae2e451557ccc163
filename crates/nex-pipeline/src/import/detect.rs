//! Which format a file is, by its first records; never by its name.

use super::blocks::Blocks;
use super::json::Nodes;
use super::stream::Inputs;
use super::{Importer, Source, all, dialect};
use crate::PipelineError;

/// Records that are looked at.
const RECORDS: usize = 20;
/// Bytes that are looked at first, and at most where the first record is longer.
const HEAD_BYTES: usize = 1 << 18;
const MAX_HEAD_BYTES: usize = 1 << 26;
/// Two formats whose signs differ by less are both candidates.
const MARGIN: u32 = 5;

/// What a file was taken for.
#[derive(Clone, Debug)]
pub struct Decision {
    /// How it is read.
    pub source: Source,
    /// By what it was recognised.
    pub because: String,
}

/// Decides how `inputs` are read, by the first records of the first of them. `text_format` is the
/// tool-call format of raw text, where one was named.
///
/// # Errors
/// It cannot be told; the message lists the candidates. Or the file cannot be read.
pub fn decide(inputs: &mut Inputs, text_format: Option<&str>) -> Result<Decision, PipelineError> {
    let named = text_format.map(nex_tool_formats::by_name).transpose();
    let name = inputs.first.name().to_owned();
    let named = named.map_err(|error| PipelineError::file(&name, error))?;
    let records = first_records(inputs)?;
    let fail = |cause: String| Err(PipelineError::file(&name, cause));
    if records.is_empty() {
        let names = names();
        return fail(format!("no JSON record at its start; name its format with --from, one of {names}"));
    }
    let mut signs = signs(&records);
    signs.sort_by_key(|(_, strength, _)| std::cmp::Reverse(*strength));
    let Some((best, strength, because)) = signs.first().copied() else {
        let keys = keys_of(&records[0]);
        let names = names();
        return fail(format!(
            "its first record ({keys}) is of no format known here; name one with --from: {names}"
        ));
    };
    let rivals: Vec<&str> = signs
        .iter()
        .take_while(|(_, other, _)| other + MARGIN > strength)
        .map(|(importer, ..)| importer.about().name)
        .collect();
    if rivals.len() > 1 {
        return fail(format!("it may be any of {}: say which with --from", rivals.join(", ")));
    }
    if best.about().name == "text" && named.is_none() {
        let candidates = text_formats(&records);
        let which = match candidates.as_slice() {
            [] => format!("one of {}", names()),
            some => format!("it may be {}", some.join(" or ")),
        };
        let or = match records[0].contains("\"messages\"") {
            true => ", or --from openai to take the replies as they are",
            false => "",
        };
        return fail(format!("{because}: say with --from in which tool-call format ({which}){or}"));
    }
    let source = Source { importer: best, dialect: named };
    Ok(Decision { source, because: because.to_owned() })
}

/// The names that `--from` takes, besides `auto`.
fn names() -> String {
    let names: Vec<&str> = Source::names().into_iter().filter(|name| *name != "auto").collect();
    names.join(", ")
}

/// Importers with the mean strength of their signs, and the sign of the first record that has one.
fn signs(records: &[String]) -> Vec<(&'static dyn Importer, u32, &'static str)> {
    let mut signs = Vec::new();
    let mut nodes = Nodes::default();
    for importer in all() {
        let (mut sum, mut because) = (0, None);
        for record in records {
            let Ok(json) = nodes.parse(record) else { continue };
            if let Some(sign) = importer.recognise(json) {
                sum += sign.strength;
                because = because.or(Some(sign.because));
            }
        }
        if let Some(because) = because {
            signs.push((*importer, sum / records.len() as u32, because));
        }
    }
    signs
}

/// The first whole JSON records.
fn first_records(inputs: &mut Inputs) -> Result<Vec<String>, PipelineError> {
    let mut wanted = HEAD_BYTES;
    loop {
        let head = inputs.first.head(wanted)?;
        let is_all = head.len() < wanted;
        let mut records = Vec::new();
        let mut nodes = Nodes::default();
        'blocks: for block in Blocks::new(head, "") {
            let block = block?;
            for place in &block.records {
                let Ok(text) = std::str::from_utf8(&block.bytes[place.start..place.end]) else { continue };
                // The last one may be cut off by the end of what was read.
                if nodes.parse(text).is_ok_and(|json| json.is_object()) {
                    records.push(text.to_owned());
                }
                if records.len() == RECORDS {
                    break 'blocks;
                }
            }
        }
        if !records.is_empty() || is_all || wanted >= MAX_HEAD_BYTES {
            return Ok(records);
        }
        wanted *= 8;
    }
}

/// For messages: the record's keys.
fn keys_of(record: &str) -> String {
    let mut nodes = Nodes::default();
    let Ok(json) = nodes.parse(record) else { return String::new() };
    let keys: Vec<String> = json.entries().take(8).map(|(key, _)| format!("`{key}`")).collect();
    if keys.is_empty() { "an empty object".to_owned() } else { format!("keys {}", keys.join(", ")) }
}

/// The tool-call formats that the first records may be raw text of.
fn text_formats(records: &[String]) -> Vec<&'static str> {
    let mut nodes = Nodes::default();
    let mut found = Vec::new();
    for record in records {
        let Ok(json) = nodes.parse(record) else { continue };
        if let Some(text) = json.text_at("text") {
            let reads = nex_tool_formats::all().iter().filter(|format| {
                dialect::read_conversation(&text, **format, None).is_ok_and(|read| read.messages.len() > 1)
            });
            found.extend(reads.map(|format| format.name()));
        }
        for message in json.some("messages").into_iter().flat_map(|messages| messages.items()) {
            found.extend(message.text_at("content").and_then(|text| Some(dialect::guess(&text)?.0)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
