//! A JSON text that is looked into without being copied: text -> [`Document`] -> [`Json`] views.
//!
//! A document is one pass over the text and one flat list of nodes, which is used again for the
//! next text. Strings stay where they are; one with escapes is decoded when it is asked for. Each
//! value knows the text it was written as, so arguments can be kept to the byte.
//!
//! It accepts what RFC 8259 allows and nothing else; a test holds it against `serde_json`. It never
//! fails on what it does not look at: what a value means is for whoever asks.

mod scan;
#[cfg(test)]
mod tests;

use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may be nested.
const MAX_DEPTH: u32 = 128;

/// Why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Where, in bytes.
    pub(crate) offset_bytes: usize,
    /// What was found, and what should be there.
    pub(crate) message: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset_bytes, self.message)
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    /// Without an escape: its text is what it says.
    PlainString,
    EscapedString,
    Array,
    Object,
}

impl Kind {
    /// For messages: "a number".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::PlainString | Self::EscapedString => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// One value: where it stands, and which node comes after all that is in it.
#[derive(Clone, Copy, Debug)]
struct Node {
    start: u32,
    end: u32,
    after: u32,
    kind: Kind,
}

/// The list of nodes, kept between documents so that its memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Nodes(Vec<Node>);

/// One JSON text, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
}

impl Nodes {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// It is not one JSON value, or longer than 4 GiB.
    pub(crate) fn parse<'a>(&'a mut self, text: &'a str) -> Result<Json<'a>, JsonError> {
        self.0.clear();
        scan::document(text, &mut self.0)?;
        Ok(Json { text, nodes: &self.0, at: 0 })
    }
}

/// Whether `text` is one JSON value.
///
/// # Errors
/// Where and why it is not.
pub(crate) fn check(text: &str, nodes: &mut Nodes) -> Result<(), JsonError> {
    nodes.parse(text).map(drop)
}

impl<'a> Json<'a> {
    fn node(&self) -> Node {
        self.nodes[self.at]
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        self.node().kind
    }

    /// The text it was written as.
    pub(crate) fn raw(&self) -> &'a str {
        let node = self.node();
        &self.text[node.start as usize..node.end as usize]
    }

    /// Where its text begins in the document, in bytes.
    pub(crate) fn start(&self) -> usize {
        self.node().start as usize
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether it is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.kind() == Kind::Array
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        self.kind() == Kind::Object
    }

    /// Whether it is a string.
    pub(crate) fn is_string(&self) -> bool {
        matches!(self.kind(), Kind::PlainString | Kind::EscapedString)
    }

    /// The string, if it is one.
    pub(crate) fn as_str(&self) -> Option<Cow<'a, str>> {
        let inside = || {
            let raw = self.raw();
            &raw[1..raw.len() - 1]
        };
        match self.kind() {
            Kind::PlainString => Some(Cow::Borrowed(inside())),
            Kind::EscapedString => Some(Cow::Owned(scan::unescape(inside()))),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// The number, if it is one.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        if self.kind() != Kind::Number {
            return None;
        }
        self.raw().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The number, if it is a whole one that is not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        if self.kind() != Kind::Number {
            return None;
        }
        let whole =
            |number: f64| (number >= 0.0 && number.fract() == 0.0 && number < 1.8e19).then_some(number);
        self.raw().parse().ok().or_else(|| Some(whole(self.as_f64()?)? as u64))
    }

    /// The items of an array; none of anything else.
    pub(crate) fn items(&self) -> Items<'a> {
        let node = self.node();
        let end = if node.kind == Kind::Array { node.after as usize } else { self.at + 1 };
        Items { text: self.text, nodes: self.nodes, at: self.at + 1, end }
    }

    /// Keys and values of an object; none of anything else.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> + use<'a> {
        let mut inside = self.inside();
        std::iter::from_fn(move || {
            let key = inside.next()?;
            Some((key.as_str().unwrap_or_default(), inside.next()?))
        })
    }

    fn inside(&self) -> Items<'a> {
        let node = self.node();
        let end = if node.kind == Kind::Object { node.after as usize } else { self.at + 1 };
        Items { text: self.text, nodes: self.nodes, at: self.at + 1, end }
    }

    /// The value at `key`, if it is an object that has one; the last of several, as elsewhere.
    pub(crate) fn get(&self, key: &str) -> Option<Json<'a>> {
        let mut inside = self.inside();
        let mut found = None;
        while let (Some(name), Some(value)) = (inside.next(), inside.next()) {
            let is_it = match name.kind() {
                Kind::PlainString => {
                    let raw = name.raw();
                    &raw[1..raw.len() - 1] == key
                }
                _ => name.as_str().is_some_and(|name| name == key),
            };
            if is_it {
                found = Some(value);
            }
        }
        found
    }

    /// Like [`Json::get`], but `null` counts as absent.
    pub(crate) fn some(&self, key: &str) -> Option<Json<'a>> {
        self.get(key).filter(|value| !value.is_null())
    }

    /// The string at `key`.
    pub(crate) fn text_at(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.as_str()
    }

    /// The same value as a tree of its own. Numbers are those of `serde_json`.
    pub(crate) fn to_value(self) -> Value {
        // The scanner has accepted it; a number beyond every float is what serde_json still refuses.
        serde_json::from_str(self.raw()).unwrap_or_else(|_| Value::String(self.raw().to_owned()))
    }
}

/// The items of an array.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
    end: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        if self.at >= self.end {
            return None;
        }
        let item = Json { text: self.text, nodes: self.nodes, at: self.at };
        self.at = self.nodes[self.at].after as usize;
        Some(item)
    }
}
