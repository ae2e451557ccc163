//! A tool's declaration with its schema compiled, once for all sessions.

use nex_trajectory::ToolSpec;
use serde_json::Value;
use std::sync::Arc;

/// A [`ToolSpec`] and the validator of its arguments.
pub struct ToolDeclaration {
    spec: ToolSpec,
    validator: Arc<jsonschema::Validator>,
    /// The schema lists all arguments plainly, so a name outside the list is a likely mistake
    /// even where the schema does not forbid it.
    is_plain_object: bool,
}

/// A tool's input schema is no JSON Schema.
#[derive(Debug, thiserror::Error)]
#[error("input schema of tool `{tool}` is no valid JSON Schema: {cause}")]
pub struct SchemaError {
    /// The tool.
    pub tool: String,
    /// What is wrong with it, and where.
    pub cause: String,
}

/// Keywords that may allow arguments which `properties` does not name.
const OPENING_KEYWORDS: [&str; 8] = [
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "$ref",
];

impl ToolDeclaration {
    /// Compiles the schema of `spec`.
    ///
    /// # Errors
    /// The schema is no JSON Schema, or refers outside itself.
    pub fn new(spec: ToolSpec) -> Result<Self, SchemaError> {
        let validator = jsonschema::validator_for(&spec.input_schema)
            .map_err(|e| SchemaError { tool: spec.name.clone(), cause: e.to_string() })?;
        let schema = &spec.input_schema;
        let has_names = schema.get("properties").and_then(Value::as_object).is_some_and(|p| !p.is_empty());
        let is_plain_object = has_names && OPENING_KEYWORDS.iter().all(|word| schema.get(word).is_none());
        Ok(Self { spec, validator: Arc::new(validator), is_plain_object })
    }

    /// The same tool under another name; the compiled schema is shared.
    #[must_use]
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        let spec = ToolSpec { name: name.into(), ..self.spec.clone() };
        Self { spec, validator: Arc::clone(&self.validator), is_plain_object: self.is_plain_object }
    }

    /// The tool as declared to the model.
    pub fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// The compiled schema.
    pub fn validator(&self) -> &jsonschema::Validator {
        &self.validator
    }

    /// The names of the arguments that the schema lists.
    pub fn argument_names(&self) -> impl Iterator<Item = &str> {
        let names = self.spec.input_schema.get("properties").and_then(Value::as_object);
        names.into_iter().flat_map(|names| names.keys().map(String::as_str))
    }

    /// False when the schema lists its arguments plainly and `name` is not among them.
    pub fn knows_argument(&self, name: &str) -> bool {
        !self.is_plain_object || self.spec.input_schema["properties"].get(name).is_some()
    }
}
