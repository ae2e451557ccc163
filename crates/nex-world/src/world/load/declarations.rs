//! The tools' declarations: JSON Schemas of the operations' arguments.

use super::operations::CURSOR;
use super::{Loader, line_of};
use crate::schema::Schema;
use crate::value::Type;
use crate::world::{Arg, Bound, Operation};
use nex_tools::ToolDeclaration;
use nex_trajectory::ToolSpec;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

impl Loader<'_> {
    pub(super) fn declarations(&mut self, operations: &[Operation]) -> Vec<Arc<ToolDeclaration>> {
        let mut declarations = Vec::with_capacity(operations.len());
        for operation in operations {
            let spec = ToolSpec {
                name: operation.name.clone(),
                description: operation.description.clone(),
                input_schema: self.input_schema(operation),
            };
            match ToolDeclaration::new(spec) {
                Ok(declaration) => declarations.push(Arc::new(declaration)),
                Err(error) => {
                    let line = self.spec.operations.get(&operation.name).map_or(0, line_of);
                    self.problem(line, format!("operations.{}", operation.name), error.to_string());
                }
            }
        }
        declarations
    }

    fn input_schema(&self, operation: &Operation) -> Json {
        let mut properties = Map::new();
        for (at, arg) in operation.args.iter().enumerate() {
            let spec = &self.spec.operations[usize::from(operation.index)].value.args[at].value;
            let mut schema = type_schema(&self.schema, &arg.kind);
            let words = match (&spec.description, &arg.kind) {
                (Some(words), _) => Some(words.clone()),
                (None, kind) => default_description(&self.schema, kind, arg),
            };
            if let Some(words) = words {
                schema.insert("description".to_owned(), Json::String(words));
            }
            self.add_limits(&mut schema, arg);
            if let Some(pattern) = &spec.pattern {
                schema.insert("pattern".to_owned(), json!(format!("^(?:{})$", pattern.value)));
            }
            if let Some(default) = &arg.default {
                schema.insert("default".to_owned(), self.shown(default));
            }
            properties.insert(arg.name.clone(), Json::Object(schema));
        }
        if operation.has_cursor {
            properties.insert(
                CURSOR.to_owned(),
                json!({"type": "string", "description": "next_cursor of the previous page"}),
            );
        }
        let required: Vec<&str> =
            operation.args.iter().filter(|arg| !arg.optional).map(|arg| arg.name.as_str()).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    fn add_limits(&self, schema: &mut Map<String, Json>, arg: &Arg) {
        for (bound, is_min) in [(&arg.min, true), (&arg.max, false)] {
            let (key, value) = match (bound, &arg.kind) {
                (Some(Bound::Length(length)), Type::Str) => {
                    (if is_min { "minLength" } else { "maxLength" }, json!(length))
                }
                (Some(Bound::Length(length)), _) => {
                    (if is_min { "minItems" } else { "maxItems" }, json!(length))
                }
                (Some(Bound::Value(value)), Type::Int | Type::Decimal | Type::Money) => {
                    (if is_min { "minimum" } else { "maximum" }, self.shown(value))
                }
                _ => continue,
            };
            schema.insert(key.to_owned(), value);
        }
    }
}

fn type_schema(schema: &Schema, kind: &Type) -> Map<String, Json> {
    let value = match kind {
        Type::Bool => json!({"type": "boolean"}),
        Type::Int => json!({"type": "integer"}),
        Type::Decimal | Type::Money => json!({"type": "number"}),
        Type::Date => json!({"type": "string", "format": "date"}),
        Type::DateTime => json!({"type": "string", "format": "date-time"}),
        Type::Enum(id) => {
            let names: Vec<&str> =
                schema.enum_def(*id).values.iter().map(|entry| schema.symbol(entry.symbol)).collect();
            json!({"type": "string", "enum": names})
        }
        Type::List(item) => json!({"type": "array", "items": type_schema(schema, item)}),
        _ => json!({"type": "string"}),
    };
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

fn default_description(schema: &Schema, kind: &Type, arg: &Arg) -> Option<String> {
    Some(match kind {
        Type::Record(entity) => {
            let def = schema.entity(*entity);
            format!("Id of the {}, {} and {} digits", def.label.en, def.prefix, def.digits)
        }
        Type::Date => "Date, YYYY-MM-DD".to_owned(),
        Type::DateTime => "Date and time, YYYY-MM-DDTHH:MM:SS".to_owned(),
        Type::Money => "Amount with at most two decimals".to_owned(),
        _ if arg.matches.is_some() && arg.optional => "Optional filter".to_owned(),
        _ => return None,
    })
}
