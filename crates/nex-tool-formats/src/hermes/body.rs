//! The body of one call: `{"name": …, "arguments": …}`.

use nex_trajectory::{Arguments, DefectKind};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::fmt;

/// A call as far as its body could be read.
#[derive(Debug, PartialEq)]
pub(super) struct Body {
    pub(super) name: String,
    pub(super) arguments: Arguments,
    /// What is wrong in it although it can be called.
    pub(super) flaws: Vec<Flaw>,
}

/// What is wrong, and where in the body.
#[derive(Debug, PartialEq)]
pub(super) struct Flaw {
    pub(super) kind: DefectKind,
    pub(super) offset_bytes: usize,
    pub(super) message: String,
}

/// Reads `body`, the text between the tags.
pub(super) fn read(body: &str) -> Result<Body, Flaw> {
    let trimmed = body.trim();
    let start = body.len() - body.trim_start().len();
    let malformed = |message: String| Flaw { kind: DefectKind::MalformedCall, offset_bytes: start, message };
    let Entries(entries) = serde_json::from_str(trimmed).map_err(|error| {
        let kind = match error.classify() {
            Category::Data => DefectKind::MalformedCall,
            Category::Syntax | Category::Eof | Category::Io => DefectKind::InvalidJson,
        };
        Flaw { kind, offset_bytes: start + offset_of(trimmed, &error), message: error.to_string() }
    })?;

    let (mut name, mut arguments, mut flaws) = (None, None, Vec::new());
    for (key, value) in entries {
        let slot = match key.as_str() {
            "name" => &mut name,
            "arguments" => &mut arguments,
            _ => {
                flaws.push(malformed(format!("key `{key}` has no meaning in a call")));
                continue;
            }
        };
        if slot.replace(value).is_some() {
            return Err(malformed(format!("key `{key}` stands twice")));
        }
    }
    let name = name.ok_or_else(|| malformed("the call has no `name`".to_owned()))?;
    let name: String = serde_json::from_str(name.get())
        .map_err(|_| malformed(format!("`name` is no text: {}", name.get())))?;
    let arguments = match arguments {
        Some(raw) if raw.get().starts_with('{') => raw.get(),
        Some(raw) => {
            flaws.push(malformed("`arguments` is not an object".to_owned()));
            raw.get()
        }
        None => {
            flaws.push(malformed("the call has no `arguments`; without any it is {}".to_owned()));
            ""
        }
    };
    Ok(Body { name, arguments: Arguments::from_text(arguments), flaws })
}

/// Where `error` is, in bytes.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (line_start + error.column().saturating_sub(1)).min(text.len())
}

/// An object's entries with their exact text.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `name` and `arguments`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}
