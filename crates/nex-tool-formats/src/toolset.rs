//! The tools that a reply may call, prepared for parsing: which types each argument may have.

use crate::json;
use nex_trajectory::{Defect, DefectKind, ToolSpec};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Schemas nested or referring deeper are taken to allow everything.
const MAX_DEPTH: u32 = 16;

/// The tools that a reply may call. Cheap to clone; an empty one knows nothing and checks nothing.
#[derive(Clone, Debug, Default)]
pub struct Toolset(Arc<HashMap<String, ToolArguments>>);

/// The arguments of one tool.
#[derive(Debug, Default)]
pub(crate) struct ToolArguments {
    types: HashMap<String, Types>,
    required: Vec<String>,
    is_closed: bool,
}

impl Toolset {
    /// Prepares `tools`. Of two with one name the first counts.
    pub fn new(tools: &[ToolSpec]) -> Self {
        let mut prepared = HashMap::with_capacity(tools.len());
        for tool in tools {
            prepared.entry(tool.name.clone()).or_insert_with(|| ToolArguments::of(&tool.input_schema));
        }
        Self(Arc::new(prepared))
    }

    /// Whether it knows no tool at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a tool called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The types that argument `argument` of `tool` may have; any, if that is not known.
    pub(crate) fn types(&self, tool: &str, argument: &str) -> Types {
        self.0.get(tool).and_then(|tool| tool.types.get(argument)).copied().unwrap_or(Types::ANY)
    }

    /// The arguments that `tool` must be given; none if it is not known.
    pub(crate) fn required(&self, tool: &str) -> &[String] {
        self.0.get(tool).map_or(&[], |tool| tool.required.as_slice())
    }

    /// The names of the tools, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What is wrong with calling `tool` with `arguments`, by its schema's outermost level.
    pub(crate) fn check(&self, tool: &str, arguments: &str, mut report: impl FnMut(Defect)) {
        if self.is_empty() {
            return;
        }
        let Some(known) = self.0.get(tool) else {
            return report(Defect::new(DefectKind::UnknownTool, format!("there is no tool `{tool}`")));
        };
        let members = if arguments.trim().is_empty() { Some(Vec::new()) } else { json::members(arguments) };
        if members.is_none() && !json::is_value(arguments) {
            let message = format!("the arguments of `{tool}` are no JSON: {}", json::error(arguments));
            report(Defect::new(DefectKind::InvalidJson, message));
        }
        let Some(members) = members else { return };
        for name in &known.required {
            if !members.iter().any(|(key, _)| key == name) {
                let message = format!("`{tool}` needs the argument `{name}`");
                report(Defect::new(DefectKind::MissingArgument, message));
            }
        }
        for (key, value) in &members {
            match known.types.get(key.as_ref()) {
                Some(types) if !types.allow(value) => {
                    let message =
                        format!("argument `{key}` of `{tool}` is {types}, not {}", Types::of(value));
                    report(Defect::new(DefectKind::WrongType, message));
                }
                None if known.is_closed => {
                    let message = format!("`{tool}` has no argument `{key}`");
                    report(Defect::new(DefectKind::UnknownArgument, message));
                }
                _ => {}
            }
        }
    }
}

impl ToolArguments {
    fn of(schema: &Value) -> Self {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        Self {
            types: properties
                .into_iter()
                .flatten()
                .map(|(name, property)| (name.clone(), Types::of_schema(property, schema, 0)))
                .collect(),
            required: required.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            is_closed: schema.get("additionalProperties") == Some(&Value::Bool(false)),
        }
    }
}

/// A set of JSON types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const STRING: Self = Self(1);
    const INTEGER: Self = Self(2);
    /// A number that is no integer.
    const FRACTION: Self = Self(4);
    const BOOLEAN: Self = Self(8);
    const NULL: Self = Self(16);
    const OBJECT: Self = Self(32);
    const ARRAY: Self = Self(64);
    pub(crate) const ANY: Self = Self(127);
    const NONE: Self = Self(0);

    /// The types that `schema`, which stands in `root`, allows.
    fn of_schema(schema: &Value, root: &Value, depth: u32) -> Self {
        let Some(object) = schema.as_object().filter(|_| depth < MAX_DEPTH) else { return Self::ANY };
        let mut types = match object.get("type") {
            Some(Value::String(name)) => Self::named(name),
            Some(Value::Array(names)) => Self::union(names.iter().filter_map(Value::as_str).map(Self::named)),
            _ => Self::ANY,
        };
        let mut narrow = |to: Self| types = Self(types.0 & to.0);
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            narrow(target.map_or(Self::ANY, |target| Self::of_schema(target, root, depth + 1)));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(options) = object.get(key).and_then(Value::as_array) {
                narrow(Self::union(options.iter().map(|option| Self::of_schema(option, root, depth + 1))));
            }
        }
        for part in object.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            narrow(Self::of_schema(part, root, depth + 1));
        }
        if let Some(options) = object.get("enum").and_then(Value::as_array) {
            narrow(Self::union(options.iter().map(|option| Self::of(&option.to_string()))));
        }
        if let Some(value) = object.get("const") {
            narrow(Self::of(&value.to_string()));
        }
        if object.get("nullable") == Some(&Value::Bool(true)) {
            types = Self(types.0 | Self::NULL.0);
        }
        // A schema that nothing satisfies says nothing about how to read its values.
        if types == Self::NONE { Self::ANY } else { types }
    }

    fn named(name: &str) -> Self {
        match name {
            "string" => Self::STRING,
            "integer" => Self::INTEGER,
            "number" => Self(Self::INTEGER.0 | Self::FRACTION.0),
            "boolean" => Self::BOOLEAN,
            "null" => Self::NULL,
            "object" => Self::OBJECT,
            "array" => Self::ARRAY,
            _ => Self::ANY,
        }
    }

    fn union(all: impl Iterator<Item = Self>) -> Self {
        Self(all.fold(0, |union, types| union | types.0))
    }

    /// The type of a JSON value. `1.0` is an integer, as JSON Schema has it.
    pub(crate) fn of(json: &str) -> Self {
        let json = json.trim_start_matches([' ', '\n', '\r', '\t']);
        match json.as_bytes().first() {
            Some(b'"') => Self::STRING,
            Some(b'{') => Self::OBJECT,
            Some(b'[') => Self::ARRAY,
            Some(b't' | b'f') => Self::BOOLEAN,
            Some(b'n') => Self::NULL,
            _ if is_integer(json) => Self::INTEGER,
            _ => Self::FRACTION,
        }
    }

    /// Whether the value `json` has one of these types.
    pub(crate) fn allow(self, json: &str) -> bool {
        self.0 & Self::of(json).0 != 0
    }

    /// Whether text is among them.
    pub(crate) fn has_string(self) -> bool {
        self.0 & Self::STRING.0 != 0
    }
}

fn is_integer(number: &str) -> bool {
    let number = number.trim_end();
    if !number.contains(['.', 'e', 'E']) {
        return true;
    }
    match number.split_once('.') {
        Some((_, fraction)) if !fraction.contains(['e', 'E']) => fraction.bytes().all(|b| b == b'0'),
        _ => number.parse::<f64>().is_ok_and(|value| value.fract() == 0.0),
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::STRING, "a string"),
            (Self::FRACTION, "a number"),
            (Self::INTEGER, "an integer"),
            (Self::BOOLEAN, "a boolean"),
            (Self::NULL, "null"),
            (Self::OBJECT, "an object"),
            (Self::ARRAY, "an array"),
        ];
        let mut separator = "";
        for (types, name) in names {
            let is_told = types == Self::INTEGER && self.0 & Self::FRACTION.0 != 0;
            if self.0 & types.0 != 0 && !is_told {
                write!(f, "{separator}{name}")?;
                separator = " or ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_follow_the_schema() {
        let root = json!({"$defs": {"size": {"type": "integer"}}});
        for (schema, expected) in [
            (json!({"type": "string"}), "a string"),
            (json!({"type": ["string", "null"]}), "a string or null"),
            (json!({"type": "number"}), "a number"),
            (json!({"anyOf": [{"type": "integer"}, {"type": "array"}]}), "an integer or an array"),
            (json!({"enum": ["a", 1]}), "a string or an integer"),
            (json!({"const": true}), "a boolean"),
            (json!({"$ref": "#/$defs/size"}), "an integer"),
            (json!({"type": "string", "nullable": true}), "a string or null"),
            (
                json!({"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}]}),
                "an integer",
            ),
        ] {
            assert_eq!(Types::of_schema(&schema, &root, 0).to_string(), expected, "{schema}");
        }
        let endless = json!({"$defs": {"a": {"$ref": "#/$defs/a"}}});
        assert_eq!(Types::of_schema(&json!({"$ref": "#/$defs/a"}), &endless, 0), Types::ANY);
        assert_eq!(Types::of_schema(&json!({}), &root, 0), Types::ANY);
    }

    #[test]
    fn numbers_are_integers_by_value() {
        let integers = ["1", "-0", "1.0", "1e3", "123456789012345678901234567890"];
        assert!(integers.iter().all(|n| Types::of(n) == Types::INTEGER));
        assert!(["1.5", "1e-3", "0.10"].iter().all(|n| Types::of(n) == Types::FRACTION));
    }

    #[test]
    fn calls_are_checked_at_the_outermost_level() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["city"],
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
        let tools =
            Toolset::new(&[ToolSpec { name: "w".into(), description: String::new(), input_schema: schema }]);
        let kinds = |tool: &str, arguments: &str| {
            let mut kinds = Vec::new();
            tools.check(tool, arguments, |defect| kinds.push(defect.kind));
            kinds
        };
        assert_eq!(kinds("w", r#"{"city": "x", "days": 2.0}"#), []);
        assert_eq!(kinds("w", ""), [DefectKind::MissingArgument]);
        assert_eq!(kinds("w", r#"{"city": 1}"#), [DefectKind::WrongType]);
        assert_eq!(kinds("w", r#"{"city": "x", "no": 1}"#), [DefectKind::UnknownArgument]);
        assert_eq!(kinds("v", "{}"), [DefectKind::UnknownTool]);
        let mut none = 0;
        Toolset::default().check("v", "{}", |_| none += 1);
        assert_eq!(none, 0);
    }
}
