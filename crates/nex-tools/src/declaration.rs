//! A tool's declaration with its schema compiled, once for all sessions.

use nex_trajectory::ToolSpec;

/// A [`ToolSpec`] and the validator of its arguments.
pub struct ToolDeclaration {
    spec: ToolSpec,
    validator: jsonschema::Validator,
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

impl ToolDeclaration {
    /// Compiles the schema of `spec`.
    ///
    /// # Errors
    /// The schema is no JSON Schema, or refers outside itself.
    pub fn new(spec: ToolSpec) -> Result<Self, SchemaError> {
        let validator = jsonschema::validator_for(&spec.input_schema)
            .map_err(|e| SchemaError { tool: spec.name.clone(), cause: e.to_string() })?;
        Ok(Self { spec, validator })
    }

    /// The tool as declared to the model.
    pub fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// The compiled schema.
    pub fn validator(&self) -> &jsonschema::Validator {
        &self.validator
    }
}
