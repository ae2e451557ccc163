//! Arguments as bare text, as formats with a tag an argument write them: strings as they are, all
//! else as JSON. The schema tells which is which.
//!
//! Where the schema allows text and other types alike (or is not known), a text that would be read
//! as another JSON value has no way to be written, and is refused.

use crate::json;
use crate::toolset::{Toolset, Types};
use std::borrow::Cow;

const BLANKS: [char; 4] = [' ', '\n', '\r', '\t'];

/// Builds the arguments of one call out of bare values, in order.
#[derive(Debug, Default)]
pub(crate) struct ArgumentsBuilder {
    json: String,
}

impl ArgumentsBuilder {
    /// Adds argument `key` with the text `raw`, which may have `types`.
    pub(crate) fn push_raw(&mut self, key: &str, raw: &str, types: Types) {
        self.key(key);
        match as_json(raw, types) {
            Some(json) => self.json.push_str(json),
            None => json::push_string(&mut self.json, raw),
        }
    }

    /// Adds argument `key` with the JSON value `json`, which must be one.
    pub(crate) fn push_json(&mut self, key: &str, json: &str) {
        self.key(key);
        self.json.push_str(json);
    }

    /// Adds argument `key` that is the text `text`.
    pub(crate) fn push_text(&mut self, key: &str, text: &str) {
        self.key(key);
        json::push_string(&mut self.json, text);
    }

    fn key(&mut self, key: &str) {
        self.json.push_str(if self.json.is_empty() { "{" } else { ", " });
        json::push_string(&mut self.json, key);
        self.json.push_str(": ");
    }

    /// The arguments object as JSON text, spaced as Python does.
    pub(crate) fn finish(mut self) -> String {
        self.json.push_str(if self.json.is_empty() { "{}" } else { "}" });
        self.json
    }
}

/// The JSON value that `raw` is read as where `types` are allowed; none if it is text.
fn as_json(raw: &str, types: Types) -> Option<&str> {
    if types == Types::STRING {
        return None;
    }
    let trimmed = raw.trim_matches(BLANKS);
    // Some templates write Python's words, so models do.
    if !types.has_string() {
        let json = match trimmed {
            "True" => "true",
            "False" => "false",
            "None" => "null",
            _ => "",
        };
        if !json.is_empty() && types.allow(json) {
            return Some(json);
        }
    }
    if !matches!(trimmed.as_bytes().first()?, b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9')
        || !json::is_value(trimmed)
    {
        return None;
    }
    // A value of a wrong type is kept as what it is, unless it could be meant as text.
    (types.allow(trimmed) || !types.has_string()).then_some(trimmed)
}

/// How the value `json` is written as bare text where `types` are allowed, and whether it is text
/// (which cannot be escaped) or JSON.
///
/// # Errors
/// It would not be read back as the same value.
pub(crate) fn to_raw(json: &str, types: Types) -> Result<(Cow<'_, str>, IsText), String> {
    if json.starts_with('"') {
        let text = json::unescape(json).ok_or("holds half of a surrogate pair, which no text can")?;
        return match as_json(&text, types) {
            None => Ok((text, IsText(true))),
            Some(_) => Err(format!(
                "is the text `{}`, which would be read as another JSON value: its schema does not say that it is a string",
                shorten(&text)
            )),
        };
    }
    match as_json(json, types) {
        Some(_) => Ok((Cow::Borrowed(json), IsText(false))),
        None => Err(format!("is `{}`, which would be read as text: its schema says string", shorten(json))),
    }
}

/// The value is text, which has no escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IsText(pub(crate) bool);

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(24).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// An argument's key and its bare text.
pub(crate) type RawArgument<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Every argument of `call` as bare text, in order: key and text.
/// `closers` are the tags that end a value: JSON is escaped to be free of them, text is refused.
///
/// # Errors
/// An argument would not come back equal; the reason is for a person.
pub(crate) fn raw_arguments<'a>(
    call: &'a nex_trajectory::ToolCall,
    tools: &Toolset,
    closers: &[&str],
) -> Result<Vec<RawArgument<'a>>, String> {
    let text = call.arguments.as_text();
    let members = if text.trim_matches(BLANKS).is_empty() {
        Vec::new()
    } else {
        json::members(text).ok_or_else(|| format!("arguments of `{}` are not a JSON object", call.name))?
    };
    let mut raw: Vec<RawArgument<'a>> = Vec::with_capacity(members.len());
    for (key, value) in members {
        let fail = |why: String| format!("argument `{key}` of `{}` {why}", call.name);
        if raw.iter().any(|(known, _)| *known == key) {
            return Err(fail("stands twice".to_owned()));
        }
        let (value, IsText(is_text)) = to_raw(value, tools.types(&call.name, &key)).map_err(fail)?;
        let value = if is_text {
            if let Some(tag) = closers.iter().find(|tag| value.contains(**tag)) {
                let why = format!("holds `{}`, which the format cannot escape", tag.trim());
                return Err(format!("argument `{key}` of `{}` {why}", call.name));
            }
            value
        } else {
            match value {
                Cow::Borrowed(value) => json::escape_tags(value, closers),
                Cow::Owned(value) => Cow::Owned(json::escape_tags(&value, closers).into_owned()),
            }
        };
        raw.push((key, value));
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nex_trajectory::ToolSpec;
    use proptest::prelude::*;
    use serde_json::json;

    fn types(schema: serde_json::Value) -> Types {
        let input_schema = json!({"properties": {"k": schema}});
        Toolset::new(&[ToolSpec { name: "f".into(), description: String::new(), input_schema }])
            .types("f", "k")
    }

    #[test]
    fn the_schema_decides_what_a_bare_value_is() {
        for (schema, raw, json) in [
            (json!({"type": "string"}), "null", r#""null""#),
            (json!({"type": "string"}), "007", r#""007""#),
            (json!({"type": "string"}), " x\n", r#"" x\n""#),
            (json!({"type": "integer"}), "9007199254740993", "9007199254740993"),
            (json!({"type": "number"}), "1.0", "1.0"),
            (json!({"type": "integer"}), "five", r#""five""#),
            (json!({"type": "integer"}), "007", r#""007""#),
            (json!({"type": "object"}), "{\"a\": 1}", "{\"a\": 1}"),
            (json!({"type": "boolean"}), "True", "true"),
            (json!({"type": ["integer", "null"]}), "None", "null"),
            (json!({"type": "integer"}), "None", r#""None""#),
            (json!({"type": ["string", "null"]}), "None", r#""None""#),
            (json!({"type": ["string", "null"]}), "null", "null"),
            (json!({"type": ["string", "null"]}), "5", r#""5""#),
            (json!({}), "5", "5"),
            (json!({}), "\"quoted\"", r#""\"quoted\"""#),
            (json!({}), "True", r#""True""#),
        ] {
            let mut arguments = ArgumentsBuilder::default();
            arguments.push_raw("k", raw, types(schema.clone()));
            assert_eq!(arguments.finish(), format!("{{\"k\": {json}}}"), "{schema} {raw}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_is_written_is_read_back(
            json in prop_oneof![
                Just("null".to_owned()), Just("1.0".to_owned()), Just("-7".to_owned()), Just("[1, {\"a\": \"<b>\"}]".to_owned()),
                "(null|true|007|-1.5e3|[a-z ]{0,4}|\\{\\}|\n x |\")".prop_map(|text| serde_json::to_string(&text).unwrap()),
            ],
            schema in prop::sample::select(vec![
                json!({"type": "string"}), json!({"type": "integer"}), json!({"type": ["string", "null"]}), json!({"type": "array"}),
                json!({}), json!({"type": ["number", "string"]}), json!({"type": "boolean"}),
            ]),
        ) {
            let types = types(schema);
            if let Ok((raw, _)) = to_raw(&json, types) {
                let mut arguments = ArgumentsBuilder::default();
                arguments.push_raw("k", &raw, types);
                let expected = format!("{{\"k\": {json}}}");
                prop_assert!(json::same_value(&arguments.finish(), &expected));
            }
        }
    }
}
