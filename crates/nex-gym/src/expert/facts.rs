//! Facts: values that pass from one agent to another, as lines of text.
//!
//! `- customer_id (find_customer): CUS-00012`. Whoever needs a value that another agent read gets
//! it by such a line in a message, and reads it back from there: nothing passes beside the
//! transcripts.

use nex_world::task::Aggregate;
use nex_world::task::{OraclePlan, Pick, ValueSource};
use serde_json::Value;
use std::collections::HashMap;

/// A source of a value, comparable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SourceKey(String);

impl SourceKey {
    pub(crate) fn of(source: &ValueSource) -> Self {
        Self(serde_json::to_string(source).expect("a source has text keys only"))
    }
}

/// Values by their source.
pub(crate) type Values = HashMap<SourceKey, Value>;

/// The facts of a plan that may pass between agents, each with its label.
#[derive(Clone, Debug, Default)]
pub(crate) struct FactTable {
    facts: Vec<Fact>,
}

/// One value that may pass between agents.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) source: ValueSource,
    pub(crate) key: SourceKey,
    pub(crate) label: String,
    /// The step from whose reply it is read.
    pub(crate) step: usize,
}

impl FactTable {
    /// The number of the fact with `source`, added if need be.
    pub(crate) fn number_of(&mut self, source: &ValueSource, plan: &OraclePlan) -> usize {
        let key = SourceKey::of(source);
        if let Some(known) = self.facts.iter().position(|fact| fact.key == key) {
            return known;
        }
        let step = base_step(source).unwrap_or_default();
        let plain = format!("{} ({})", word_for(source), plan.steps[step].operation);
        let twins = self.facts.iter().filter(|fact| fact.label.starts_with(&plain)).count();
        let label = match twins {
            0 => plain,
            _ => format!("{plain} #{}", twins + 1),
        };
        self.facts.push(Fact { source: source.clone(), key, label, step });
        self.facts.len() - 1
    }

    /// All values that a step or the answer of `plan` is made of.
    pub(crate) fn of_plan(plan: &OraclePlan) -> Self {
        let mut table = Self::default();
        let arguments = plan.steps.iter().flat_map(|step| step.arguments.values());
        for source in arguments.chain(plan.answer.slots.values()) {
            table.add_all(source, plan);
        }
        table
    }

    fn add_all(&mut self, source: &ValueSource, plan: &OraclePlan) {
        match source {
            ValueSource::Literal { .. } => return,
            ValueSource::Text { slots, .. } => {
                return slots.values().for_each(|slot| self.add_all(slot, plan));
            }
            _ => {}
        }
        if base_step(source).is_some() {
            self.number_of(source, plan);
        }
        match source {
            ValueSource::Arithmetic { left, right, .. } => {
                self.add_all(left, plan);
                self.add_all(right, plan);
            }
            ValueSource::Pick(Pick { tests, .. }) | ValueSource::Aggregate(Aggregate { tests, .. }) => {
                tests.iter().for_each(|test| self.add_all(&test.value, plan));
            }
            ValueSource::Between { of, .. } => self.add_all(of, plan),
            ValueSource::Literal { .. } | ValueSource::Text { .. } | ValueSource::Reply { .. } => {}
        }
    }

    /// The number of the fact with `source`.
    pub(crate) fn find(&self, source: &ValueSource) -> Option<usize> {
        let key = SourceKey::of(source);
        self.facts.iter().position(|fact| fact.key == key)
    }

    pub(crate) fn get(&self, number: usize) -> &Fact {
        &self.facts[number]
    }

    /// Reads the facts that stand in `text` into `values`; the numbers of those found.
    pub(crate) fn read(&self, text: &str, values: &mut Values) -> Vec<usize> {
        let mut found = Vec::new();
        for line in text.lines() {
            let Some(line) = line.strip_prefix("- ") else { continue };
            for (number, fact) in self.facts.iter().enumerate() {
                let Some(value) =
                    line.strip_prefix(fact.label.as_str()).and_then(|rest| rest.strip_prefix(": "))
                else {
                    continue;
                };
                values.insert(fact.key.clone(), read_value(value));
                found.push(number);
            }
        }
        found
    }

    /// The line that states fact `number`.
    pub(crate) fn line(&self, number: usize, value: &Value) -> String {
        format!("- {}: {}", self.facts[number].label, write_value(value))
    }
}

/// A value as people write it: strings bare where they cannot be taken for something else.
pub(crate) fn write_value(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn read_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.contains(['\n', '\r'])
        && serde_json::from_str::<Value>(text).is_err()
}

/// The step whose reply `source` is read from in the first place.
pub(crate) fn base_step(source: &ValueSource) -> Option<usize> {
    match source {
        ValueSource::Literal { .. } => None,
        ValueSource::Reply { step, .. } => Some(*step),
        ValueSource::Pick(Pick { step, .. }) | ValueSource::Aggregate(Aggregate { step, .. }) => Some(*step),
        ValueSource::Arithmetic { left, right, .. } => base_step(left).or_else(|| base_step(right)),
        ValueSource::Between { of, .. } => base_step(of),
        ValueSource::Text { slots, .. } => slots.values().find_map(base_step),
    }
}

/// What the value is called.
fn word_for(source: &ValueSource) -> String {
    let last = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
    match source {
        ValueSource::Literal { .. } => "value".to_owned(),
        ValueSource::Reply { pointer, .. } => last(pointer),
        ValueSource::Pick(pick) => pick.field.clone(),
        ValueSource::Aggregate(aggregate) => {
            let fold = serde_json::to_value(aggregate.fold).ok();
            let fold = fold.as_ref().and_then(Value::as_str).unwrap_or("value").to_owned();
            match &aggregate.field {
                Some(field) => format!("{fold} of {field}"),
                None => format!("{fold} of {}", last(&aggregate.list)),
            }
        }
        ValueSource::Arithmetic { .. } => "result".to_owned(),
        ValueSource::Between { name, .. } => name.clone(),
        ValueSource::Text { .. } => "text".to_owned(),
    }
}

/// `source` with the parts whose values are known put in as such.
pub(crate) fn substitute(source: &ValueSource, values: &Values) -> ValueSource {
    if matches!(source, ValueSource::Literal { .. }) || values.is_empty() {
        return source.clone();
    }
    if let Some(value) = values.get(&SourceKey::of(source)) {
        return ValueSource::Literal { value: value.clone() };
    }
    let mut source = source.clone();
    match &mut source {
        ValueSource::Literal { .. } | ValueSource::Reply { .. } => {}
        ValueSource::Pick(Pick { tests, .. }) | ValueSource::Aggregate(Aggregate { tests, .. }) => {
            for test in tests {
                *test.value = substitute(&test.value, values);
            }
        }
        ValueSource::Arithmetic { left, right, .. } => {
            **left = substitute(left, values);
            **right = substitute(right, values);
        }
        ValueSource::Between { of, .. } => **of = substitute(of, values),
        ValueSource::Text { slots, .. } => {
            for slot in slots.values_mut() {
                *slot = substitute(slot, values);
            }
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_read_back_as_they_were_written() {
        let table = [
            json!("CUS-00012"),
            json!("007"),
            json!(7),
            json!("true"),
            json!(true),
            json!(12.5),
            json!(""),
            json!(" a "),
            json!("two\nlines"),
            json!("\"quoted\""),
            json!(["a", 1]),
            json!(null),
            json!("王芳"),
        ];
        for value in table {
            assert_eq!(read_value(&write_value(&value)), value, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in "\\PC{0,20}") {
            let value = Value::String(text);
            prop_assert_eq!(read_value(&write_value(&value)), value);
        }
    }
}
