//! OTLP's attributes: `{"key", "value": {"stringValue": …}}`, and the values as plain JSON.

use crate::import::json::Json;
use serde_json::{Map, Value};

/// The attributes of a span or an event.
pub(super) struct Attributes<'a>(Option<Json<'a>>);

impl<'a> Attributes<'a> {
    pub(super) fn of(owner: Json<'a>) -> Self {
        Self(owner.some("attributes"))
    }

    /// All of them, by key.
    pub(super) fn entries(&self) -> impl Iterator<Item = (String, Json<'a>)> + use<'a> {
        let items = self.0.into_iter().flat_map(|list| list.items());
        items.filter_map(|item| Some((item.text_at("key")?.into_owned(), item.some("value")?)))
    }

    pub(super) fn get(&self, key: &str) -> Option<Json<'a>> {
        let mut items = self.0?.items();
        items.find(|item| item.text_at("key").is_some_and(|name| name == key))?.some("value")
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        let text = self.get(key)?.text_at("stringValue")?;
        (!text.is_empty()).then(|| text.into_owned())
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        // 64-bit whole numbers are strings in protobuf's JSON.
        let whole = value.some("intValue").and_then(|int| match int.as_str() {
            Some(text) => text.parse().ok(),
            None => int.as_u64(),
        });
        whole.or_else(|| value.some("doubleValue")?.as_u64())
    }

    pub(super) fn list(&self, key: &str) -> Option<Vec<String>> {
        let values = self.get(key)?.some("arrayValue")?.some("values")?;
        Some(values.items().filter_map(|value| Some(value.text_at("stringValue")?.into_owned())).collect())
    }

    /// The value as JSON text: a string holds it already, a structure is written as such.
    pub(super) fn json(&self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        match value.text_at("stringValue") {
            Some(text) => Some(text.into_owned()),
            None => Some(plain(value).to_string()),
        }
    }
}

/// A value without its wrapping.
pub(super) fn plain(value: Json<'_>) -> Value {
    let Some((kind, inner)) = value.entries().next() else { return Value::Null };
    match &*kind {
        "intValue" => match inner.as_str() {
            Some(text) => text.parse::<i64>().map_or_else(|_| Value::from(text.into_owned()), Value::from),
            None => inner.to_value(),
        },
        "arrayValue" => inner
            .some("values")
            .into_iter()
            .flat_map(|list| list.items())
            .map(plain)
            .collect::<Vec<_>>()
            .into(),
        "kvlistValue" => {
            let entries = inner.some("values").into_iter().flat_map(|list| list.items());
            let entries =
                entries.filter_map(|e| Some((e.text_at("key")?.into_owned(), plain(e.some("value")?))));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        _ => inner.to_value(),
    }
}
