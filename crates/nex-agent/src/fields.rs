//! Reading a YAML map key by key, with a place and a way out for whatever is wrong.

use crate::nearest::did_you_mean;
use crate::yaml::{Yaml, YamlNode};
use crate::{Diagnostic, Severity};
use serde_json::{Map, Value};
use std::path::Path;

/// One map being read. What is not asked for is reported by [`Fields::finish`].
pub(crate) struct Fields<'a, 'f> {
    pub(crate) at: (u64, u64),
    what: &'a str,
    file: &'a Path,
    entries: Vec<(&'a crate::yaml::Key, &'a Yaml)>,
    known: Vec<&'static str>,
    found: &'f mut Vec<Diagnostic>,
}

impl<'a, 'f> Fields<'a, 'f> {
    /// The fields of `value`, which is `what` in messages; none, and a diagnostic, where it is no
    /// map.
    pub(crate) fn of(
        value: &'a Yaml,
        what: &'a str,
        file: &'a Path,
        found: &'f mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let YamlNode::Map(entries) = &value.node else {
            let message = format!("{what} must be a map of keys, it is {}", value.kind());
            found.push(Diagnostic::error(file, Some(value.at), message));
            return None;
        };
        let entries = entries.iter().map(|(key, value)| (key, value)).collect();
        Some(Self { at: value.at, what, file, entries, known: Vec::new(), found })
    }

    /// The file that is read.
    pub(crate) fn file(&self) -> &'a Path {
        self.file
    }

    /// Where diagnostics go.
    pub(crate) fn found(&mut self) -> &mut Vec<Diagnostic> {
        self.found
    }

    /// The value of `key`; a null counts as absent.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Yaml> {
        self.known.push(key);
        let place = self.entries.iter().position(|(k, _)| k.name == key)?;
        let (_, value) = self.entries.swap_remove(place);
        (value.node != YamlNode::Null).then_some(value)
    }

    /// Notes `message` about `at`.
    pub(crate) fn error(&mut self, at: (u64, u64), message: impl Into<String>) {
        self.found.push(Diagnostic::error(self.file, Some(at), message));
    }

    /// Notes `message` about `at` as a warning.
    pub(crate) fn warn(&mut self, at: (u64, u64), message: impl Into<String>) {
        self.found.push(Diagnostic::warning(self.file, Some(at), message));
    }

    /// Text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        match &value.node {
            YamlNode::Text(text) => Some(text.clone()),
            YamlNode::Number(_) | YamlNode::Bool(_) => {
                let message = format!("`{key}` must be text, it is {}; put it in quotes", value.kind());
                self.error(value.at, message);
                None
            }
            _ => self.mismatch(key, "text", value),
        }
    }

    /// Text that must be there.
    pub(crate) fn required_text(&mut self, key: &'static str) -> Option<String> {
        let is_there = self.entries.iter().any(|(k, v)| k.name == key && v.node != YamlNode::Null);
        let text = self.text(key);
        if !is_there {
            let message = format!("{} lacks `{key}`", self.what);
            self.error(self.at, message);
        }
        text
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        match &value.node {
            YamlNode::Bool(yes) => Some(*yes),
            YamlNode::Text(text) if value.is_substituted && (text == "true" || text == "false") => {
                Some(text == "true")
            }
            YamlNode::Text(text) => {
                let meant = match text.to_lowercase().as_str() {
                    "yes" | "y" | "on" => "; in YAML 1.2 that is text: write true",
                    "no" | "n" | "off" => "; in YAML 1.2 that is text: write false",
                    _ => "",
                };
                let message = format!("`{key}` must be true or false, it is the text `{text}`{meant}");
                self.error(value.at, message);
                None
            }
            _ => self.mismatch(key, "true or false", value),
        }
    }

    /// A number.
    pub(crate) fn float(&mut self, key: &'static str) -> Option<f64> {
        let value = self.take(key)?;
        let number = match &value.node {
            YamlNode::Number(number) => number.as_f64(),
            YamlNode::Text(text) if value.is_substituted => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => Some(number),
            None => self.mismatch(key, "a number", value),
        }
    }

    /// A number of seconds, 0 or more.
    pub(crate) fn seconds(&mut self, key: &'static str) -> Option<f64> {
        let place = self.place_of(key);
        let seconds = self.float(key)?;
        if (0.0..=1e9).contains(&seconds) {
            return Some(seconds);
        }
        self.error(place, format!("`{key}` must be between 0 and 1000000000 seconds, it is {seconds}"));
        None
    }

    /// A whole number from `min` to `max`.
    pub(crate) fn whole(&mut self, key: &'static str, min: u64, max: u64) -> Option<u64> {
        let value = self.take(key)?;
        let number = match &value.node {
            YamlNode::Number(number) => number.as_u64(),
            YamlNode::Text(text) if value.is_substituted => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                let written = value.to_json();
                self.error(
                    value.at,
                    format!("`{key}` must be a whole number from {min} to {max}, it is {written}"),
                );
                None
            }
        }
    }

    /// A whole number that fits 32 bits.
    pub(crate) fn count(&mut self, key: &'static str, min: u32) -> Option<u32> {
        self.whole(key, u64::from(min), u64::from(u32::MAX)).and_then(|number| u32::try_from(number).ok())
    }

    /// A list.
    pub(crate) fn list(&mut self, key: &'static str) -> &'a [Yaml] {
        let Some(value) = self.take(key) else { return &[] };
        match &value.node {
            YamlNode::List(items) => items,
            _ => {
                self.mismatch::<()>(key, "a list", value);
                &[]
            }
        }
    }

    /// A list of texts; one text alone counts as a list of it.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let items = match &value.node {
            YamlNode::List(items) => items.as_slice(),
            YamlNode::Text(_) => std::slice::from_ref(value),
            _ => {
                self.mismatch::<()>(key, "a list of texts", value);
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match &item.node {
                YamlNode::Text(text) => texts.push(text.clone()),
                YamlNode::Number(number) => texts.push(number.to_string()),
                _ => {
                    let message = format!("an item of `{key}` must be text, it is {}", item.kind());
                    self.error(item.at, message);
                }
            }
        }
        texts
    }

    /// A map of JSON values.
    pub(crate) fn json_map(&mut self, key: &'static str) -> Option<Map<String, Value>> {
        let value = self.take(key)?;
        match value.to_json() {
            Value::Object(map) => Some(map),
            _ => self.mismatch(key, "a map", value),
        }
    }

    /// A map of texts.
    pub(crate) fn text_map(&mut self, key: &'static str) -> indexmap::IndexMap<String, String> {
        let place = self.place_of(key);
        let map = self.json_map(key).unwrap_or_default();
        let mut texts = indexmap::IndexMap::with_capacity(map.len());
        for (name, value) in map {
            match value {
                Value::String(text) => _ = texts.insert(name, text),
                Value::Number(number) => _ = texts.insert(name, number.to_string()),
                _ => self.error(place, format!("`{key}.{name}` must be text")),
            }
        }
        texts
    }

    /// Takes `keys` out, each with a diagnostic of `severity` that it has no effect.
    pub(crate) fn unsupported(&mut self, keys: &[&'static str], severity: Severity, consequence: &str) {
        for key in keys {
            let place = self.place_of(key);
            if self.take(key).is_some() {
                let message =
                    format!("`{key}` is a known NexAU key that is not supported yet: {consequence}");
                self.found.push(Diagnostic {
                    severity,
                    file: self.file.to_owned(),
                    at: Some(place),
                    message,
                });
            }
        }
    }

    /// Takes out all keys that were not asked for.
    pub(crate) fn rest(&mut self) -> Map<String, Value> {
        self.entries.sort_by_key(|(key, _)| key.at);
        self.entries.drain(..).map(|(key, value)| (key.name.clone(), value.to_json())).collect()
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(mut self) {
        self.entries.sort_by_key(|(key, _)| key.at);
        for (key, _) in std::mem::take(&mut self.entries) {
            let hint = match did_you_mean(&key.name, self.known.iter().copied()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; known keys: {}", self.known.join(", ")),
            };
            let message = format!("unknown key `{}` in {}{hint}", key.name, self.what);
            self.error(key.at, message);
        }
    }

    fn place_of(&self, key: &str) -> (u64, u64) {
        self.entries.iter().find(|(k, _)| k.name == key).map_or(self.at, |(_, value)| value.at)
    }

    fn mismatch<T>(&mut self, key: &str, expected: &str, value: &Yaml) -> Option<T> {
        let message = format!("`{key}` must be {expected}, it is {}", value.kind());
        self.error(value.at, message);
        None
    }
}
