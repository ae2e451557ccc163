//! What the stages of one run know: the task, the answers so far, the blackboard; and what
//! templates and conditions make of it.

use crate::prompt::{describe, engine, json_value};
use indexmap::IndexMap;
use minijinja::value::ValueKind;
use minijinja::{Environment, Value};
use serde_json::Map;

/// Instructions that one template or condition may take; more is a runaway loop.
const FUEL: u64 = 5_000_000;

/// The instruction of a stage that has none of its own.
pub(crate) const DEFAULT_INSTRUCTION: &str =
    "{{ task }}{% if previous %}\n\nThe stage before you reported:\n{{ previous }}{% endif %}";

/// The names that all templates and conditions of a workflow may read.
pub(crate) const NAMES: [&str; 4] = ["task", "previous", "answers", "state"];

/// What a stage may see. Branches that run at the same time have their own.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) task: String,
    /// The answer of the stage before.
    pub(crate) previous: String,
    /// Whether any stage has answered.
    pub(crate) has_answer: bool,
    pub(crate) answers: IndexMap<String, String>,
    pub(crate) state: Map<String, serde_json::Value>,
    /// `item`, `index` and `round` of the constructs around.
    pub(crate) locals: IndexMap<&'static str, serde_json::Value>,
}

impl Memory {
    pub(crate) fn new(task: &str, state: &Map<String, serde_json::Value>) -> Self {
        Self {
            task: task.to_owned(),
            previous: String::new(),
            has_answer: false,
            answers: IndexMap::new(),
            state: state.clone(),
            locals: IndexMap::new(),
        }
    }

    /// Notes the answer of `stage`.
    pub(crate) fn answer(&mut self, stage: &str, answer: String) {
        self.answers.insert(stage.to_owned(), answer.clone());
        self.previous = answer;
        self.has_answer = true;
    }

    /// Writes `value` under `key`, or adds it to the list there.
    pub(crate) fn write(&mut self, key: &str, value: serde_json::Value, is_appending: bool) {
        use serde_json::Value::{Array, Null};
        let value = match (is_appending, self.state.remove(key)) {
            (false, _) => value,
            (true, before) => {
                let mut list = match before {
                    None | Some(Null) => Vec::new(),
                    Some(Array(items)) => items,
                    Some(one) => vec![one],
                };
                match value {
                    Array(items) => list.extend(items),
                    one => list.push(one),
                }
                Array(list)
            }
        };
        self.state.insert(key.to_owned(), value);
    }

    /// Takes over what `branch`, a copy of `before` that went on by itself, has added.
    pub(crate) fn merge(&mut self, branch: Memory, before: &Memory) {
        for (stage, answer) in branch.answers {
            if before.answers.get(&stage) != Some(&answer) {
                self.answers.insert(stage, answer);
            }
        }
        for (key, value) in branch.state {
            if before.state.get(&key) != Some(&value) {
                self.state.insert(key, value);
            }
        }
    }

    pub(crate) fn value(&self) -> Value {
        let answers = Value::from_pairs(
            self.answers.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))),
        );
        let state = Value::from_pairs(self.state.iter().map(|(key, value)| (key.clone(), json_value(value))));
        let own = [
            ("task", Value::from(self.task.as_str())),
            ("previous", Value::from(self.previous.as_str())),
            ("answers", answers),
            ("state", state),
        ];
        Value::from_pairs(
            own.into_iter().chain(self.locals.iter().map(|(name, value)| (*name, json_value(value)))),
        )
    }

    /// `template`, rendered.
    pub(crate) fn render(&self, engine: &Environment<'_>, template: &str) -> Result<String, String> {
        engine.render_named_str("template", template, self.value()).map_err(|e| describe(&e))
    }

    /// The value of `expression`.
    pub(crate) fn evaluate(&self, engine: &Environment<'_>, expression: &str) -> Result<Value, String> {
        let compiled = engine.compile_expression(expression).map_err(|e| describe(&e))?;
        compiled.eval(self.value()).map_err(|e| describe(&e))
    }

    /// Whether `condition` holds.
    pub(crate) fn holds(&self, engine: &Environment<'_>, condition: &str) -> Result<bool, String> {
        self.evaluate(engine, condition).map(|value| value.is_true())
    }
}

/// The engine of workflows: that of prompts, with bounded work.
pub(crate) fn workflow_engine() -> Environment<'static> {
    let mut engine = engine();
    engine.set_fuel(Some(FUEL));
    engine
}

/// A value of a template as JSON; what JSON does not know becomes its text.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => serde_json::Value::Null,
        ValueKind::Bool => value.is_true().into(),
        ValueKind::Number => match i64::try_from(value.clone()) {
            Ok(whole) => whole.into(),
            Err(_) => f64::try_from(value.clone()).map_or(serde_json::Value::Null, Into::into),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().map(|items| items.map(|item| to_json(&item)).collect()).unwrap_or_default()
        }
        ValueKind::Map => {
            let keys = value.try_iter().into_iter().flatten();
            let entries = keys.map(|key| {
                let entry = value.get_item(&key).unwrap_or_default();
                (key.to_string(), to_json(&entry))
            });
            serde_json::Value::Object(entries.collect())
        }
        _ => value.to_string().into(),
    }
}
