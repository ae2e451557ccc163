//! The oracle plan: which operations to call, and where each argument's value comes from.
//!
//! A plan holds no looked-up value, only the way to it: a pointer into the reply of an earlier
//! step, a row chosen among a reply's rows, a sum over them. Whoever follows it reads replies as
//! an agent must. Paged replies are followed to their end first ([`Paging`]), so a source always
//! sees whole lists.

use super::exact::Exact;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Error codes that a retry of the same call may heal.
pub const TRANSIENT_CODES: [&str; 2] = ["unavailable", "rate_limited"];

/// Steps in an order in which they can be called, and the answer they lead to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OraclePlan {
    /// The steps; a step depends on earlier ones only.
    pub steps: Vec<PlanStep>,
    /// What to say at the end.
    pub answer: AnswerPlan,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    /// The operation, which is the tool's name.
    pub operation: String,
    /// Argument to the source of its value, in the order of the declaration.
    pub arguments: IndexMap<String, ValueSource>,
    /// Why this call comes now: a short sentence in the task's language.
    pub reason: String,
    /// Steps that must have been answered before: those that arguments read from, and those that
    /// make this call's preconditions hold. Steps that do not depend on each other may be called
    /// in parallel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<usize>,
    /// Whether it may change the world's state.
    pub is_write: bool,
    /// How its pages are followed, if its reply is a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// Whether the call is meant to fail: the code of the error. Such a step is what an agent
    /// that knows no better would try first (an operation that is down); the steps after it take
    /// the other way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails_with: Option<String>,
}

/// How the pages of a list are followed: while `has_more` is true, the call is repeated with the
/// reply's `next_cursor` as the argument `cursor`, and the rows are put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// Key of the list in the reply.
    pub list: String,
    /// Key of the cursor in the reply.
    pub next: String,
    /// The argument that takes it.
    pub argument: String,
}

impl Paging {
    /// The rule for a reply whose rows stand under `list`.
    pub fn of(list: impl Into<String>) -> Self {
        Self { list: list.into(), next: "next_cursor".to_owned(), argument: "cursor".to_owned() }
    }

    /// The cursor of the page after this reply, if there is one.
    pub fn next_cursor<'a>(&self, reply: &'a Value) -> Option<&'a Value> {
        if reply.get("has_more") != Some(&Value::Bool(true)) {
            return None;
        }
        reply.get(&self.next).filter(|cursor| !cursor.is_null())
    }

    /// Appends the rows of `page` to those of `whole`; what `page` says of further pages replaces
    /// what `whole` said.
    pub fn append(&self, whole: &mut Value, mut page: Value) {
        let rows = match page.get_mut(&self.list) {
            Some(Value::Array(rows)) => std::mem::take(rows),
            _ => Vec::new(),
        };
        let Some(object) = whole.as_object_mut() else { return };
        if let Some(Value::Array(all)) = object.get_mut(&self.list) {
            all.extend(rows);
            let count = all.len();
            if object.contains_key("count") {
                object.insert("count".to_owned(), count.into());
            }
        }
        let has_more = page.get("has_more").cloned().unwrap_or(Value::Bool(false));
        object.insert("has_more".to_owned(), has_more);
        match page.get(&self.next) {
            Some(cursor) => object.insert(self.next.clone(), cursor.clone()),
            None => object.shift_remove(&self.next),
        };
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ValueSource {
    /// Given: it stands in the instruction, follows from it, or is a constant of the operation.
    Literal {
        /// The value.
        value: Value,
    },
    /// Read out of the reply of an earlier step.
    Reply {
        /// Index of the step.
        step: usize,
        /// JSON pointer, `/customer_id`.
        pointer: String,
    },
    /// A field of one row of an earlier reply.
    Pick(Pick),
    /// A number computed over the rows of an earlier reply.
    Aggregate(Aggregate),
    /// A number computed from two others.
    Arithmetic {
        /// What is done.
        operator: Operator,
        /// Left operand.
        left: Box<ValueSource>,
        /// Right operand.
        right: Box<ValueSource>,
    },
    /// A text put together from other values: a line in a stated form, a path in a folder.
    Text {
        /// The text with `{slot}` holes.
        template: String,
        /// What fills the holes.
        slots: IndexMap<String, ValueSource>,
    },
    /// What stands between two marks in another text, without white space around it: a number in a
    /// sentence, a field in a mail.
    Between {
        /// What the value is called.
        name: String,
        /// The text.
        of: Box<ValueSource>,
        /// It begins after the first of these.
        after: String,
        /// It ends before the next of these; without it, at the end of the text.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        before: String,
        /// Whether it is a number and no text.
        #[serde(default)]
        is_number: bool,
    },
}

/// One row among those of a list, by tests, then by order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Index of the step whose reply holds the list.
    pub step: usize,
    /// JSON pointer to the list, `/orders`.
    pub list: String,
    /// Rows for which all of these hold.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<RowTest>,
    /// How they are sorted; without it, exactly one row must be left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<RowOrder>,
    /// The field of the row that is the value.
    pub field: String,
}

/// A number over the rows of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Index of the step whose reply holds the list.
    pub step: usize,
    /// JSON pointer to the list.
    pub list: String,
    /// Rows for which all of these hold.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<RowTest>,
    /// What is computed.
    pub fold: Fold,
    /// The field it is computed from; none for `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A test of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowTest {
    /// Field of the row.
    pub field: String,
    /// How it is compared.
    pub compare: Comparison,
    /// With what.
    pub value: Box<ValueSource>,
}

/// Comparisons of a row's field with a value. Numbers compare as exact numbers, text by its
/// characters, which puts ISO dates in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// The field's text contains the value, or its list holds it.
    Contains,
}

/// Sorts rows and takes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOrder {
    /// The field to sort by.
    pub by: String,
    /// Greatest first.
    #[serde(default)]
    pub descending: bool,
    /// Which one, from 0.
    #[serde(default)]
    pub rank: usize,
}

/// What is computed over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// How many rows.
    Count,
    /// Sum of the field; 0 over no rows.
    Sum,
    /// Least.
    Min,
    /// Greatest.
    Max,
}

/// Arithmetic on exact numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// `left + right`.
    Add,
    /// `left - right`.
    Subtract,
    /// `left * right`.
    Multiply,
}

/// What to say at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerPlan {
    /// Text in the task's language with `{slot}` holes.
    pub template: String,
    /// What fills the holes.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub slots: IndexMap<String, ValueSource>,
    /// How values are said where that is not as they stand in the reply: slot, then value (as
    /// text) to words; for enum codes.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub wording: IndexMap<String, IndexMap<String, String>>,
}

/// Why a value could not be read out of the replies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The step was not answered, or with an error.
    #[error("step {step} has no reply to read from")]
    NoReply {
        /// The step.
        step: usize,
    },
    /// The reply is not shaped as expected.
    #[error("the reply of step {step} has nothing at `{pointer}`")]
    NotThere {
        /// The step.
        step: usize,
        /// Where.
        pointer: String,
    },
    /// No row passes the tests.
    #[error("no row of `{list}` in the reply of step {step} fits ({rows} rows)")]
    NoRow {
        /// The step.
        step: usize,
        /// The list.
        list: String,
        /// Rows that were there.
        rows: usize,
    },
    /// More than one row passes the tests and no order chooses.
    #[error("{fitting} rows of `{list}` in the reply of step {step} fit, one is needed")]
    ManyRows {
        /// The step.
        step: usize,
        /// The list.
        list: String,
        /// Rows that fit.
        fitting: usize,
    },
    /// A value is no number, or too large to compute with.
    #[error("`{value}` is not a number to compute with")]
    NotANumber {
        /// The value.
        value: String,
    },
}

/// The value of `source`, given the replies so far: `replies[i]` is the parsed reply of step `i`
/// with all its pages, none where it is not there or is an error.
pub fn resolve(source: &ValueSource, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    match source {
        ValueSource::Literal { value } => Ok(value.clone()),
        ValueSource::Reply { step, pointer } => at(replies, *step, pointer).cloned(),
        ValueSource::Pick(pick) => pick_row(pick, replies),
        ValueSource::Aggregate(aggregate) => fold_rows(aggregate, replies),
        ValueSource::Arithmetic { operator, left, right } => {
            let left = number(&resolve(left, replies)?)?;
            let right = number(&resolve(right, replies)?)?;
            let result = match operator {
                Operator::Add => left.add(right),
                Operator::Subtract => left.subtract(right),
                Operator::Multiply => left.multiply(right),
            };
            result.map(Exact::to_value).ok_or(ResolveError::NotANumber { value: "overflow".to_owned() })
        }
        ValueSource::Text { template, slots } => {
            let values = slots
                .iter()
                .map(|(slot, source)| Ok((slot.as_str(), plain_text(&resolve(source, replies)?))))
                .collect::<Result<Vec<_>, ResolveError>>()?;
            Ok(Value::String(fill(template, &values)))
        }
        ValueSource::Between { name, of, after, before, is_number } => {
            let text = plain_text(&resolve(of, replies)?);
            let found = between(&text, after, before).ok_or_else(|| ResolveError::NotThere {
                step: of.steps().first().copied().unwrap_or_default(),
                pointer: format!("{name} after `{after}`"),
            })?;
            if !*is_number {
                return Ok(found.into());
            }
            let number = Exact::parse(found);
            number.map(Exact::to_value).ok_or_else(|| ResolveError::NotANumber { value: found.to_owned() })
        }
    }
}

/// `template` with its holes filled in one pass, so that a value cannot open a new hole.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, hole) = rest.split_at(open);
        text.push_str(before);
        let filled = hole.find('}').and_then(|close| {
            let (_, value) = values.iter().find(|(slot, _)| *slot == &hole[1..close])?;
            Some((value, close))
        });
        match filled {
            Some((value, close)) => {
                text.push_str(value);
                rest = &hole[close + 1..];
            }
            None => {
                text.push('{');
                rest = &hole[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn between<'a>(text: &'a str, after: &str, before: &str) -> Option<&'a str> {
    let start = text.find(after)? + after.len();
    let rest = &text[start..];
    let end = if before.is_empty() { rest.len() } else { rest.find(before)? };
    Some(rest[..end].trim())
}

/// The arguments of `step` as one JSON object; an argument whose value is null is left out.
pub fn resolve_arguments(step: &PlanStep, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    let mut object = serde_json::Map::new();
    for (name, source) in &step.arguments {
        let value = resolve(source, replies)?;
        if !value.is_null() {
            object.insert(name.clone(), value);
        }
    }
    Ok(Value::Object(object))
}

/// The answer's text.
pub fn render_answer(answer: &AnswerPlan, replies: &[Option<Value>]) -> Result<String, ResolveError> {
    let mut text = answer.template.clone();
    for (slot, source) in &answer.slots {
        let value = resolve(source, replies)?;
        let plain = plain_text(&value);
        let words = answer.wording.get(slot).and_then(|words| words.get(&plain)).cloned().unwrap_or(plain);
        text = text.replace(&format!("{{{slot}}}"), &words);
    }
    Ok(text)
}

impl ValueSource {
    /// A given value.
    pub fn literal(value: impl Into<Value>) -> Self {
        Self::Literal { value: value.into() }
    }

    /// The steps it reads from, each once, in order.
    pub fn steps(&self) -> Vec<usize> {
        let mut steps = Vec::new();
        self.visit_steps(&mut |step| {
            if !steps.contains(&step) {
                steps.push(step);
            }
        });
        steps.sort_unstable();
        steps
    }

    fn visit_steps(&self, visit: &mut impl FnMut(usize)) {
        let tests = match self {
            Self::Literal { .. } => return,
            Self::Reply { step, .. } => return visit(*step),
            Self::Arithmetic { left, right, .. } => {
                left.visit_steps(visit);
                return right.visit_steps(visit);
            }
            Self::Between { of, .. } => return of.visit_steps(visit),
            Self::Text { slots, .. } => {
                // Gathered, as the tests below.
                for nested in slots.values().flat_map(Self::steps) {
                    visit(nested);
                }
                return;
            }
            Self::Pick(pick) => {
                visit(pick.step);
                &pick.tests
            }
            Self::Aggregate(aggregate) => {
                visit(aggregate.step);
                &aggregate.tests
            }
        };
        // Boxed closures would be needed to recurse generically, so nested steps are gathered.
        for nested in tests.iter().flat_map(|test| test.value.steps()) {
            visit(nested);
        }
    }
}

fn at<'a>(replies: &'a [Option<Value>], step: usize, pointer: &str) -> Result<&'a Value, ResolveError> {
    let reply = replies.get(step).and_then(Option::as_ref).ok_or(ResolveError::NoReply { step })?;
    reply.pointer(pointer).ok_or_else(|| ResolveError::NotThere { step, pointer: pointer.to_owned() })
}

fn rows<'a>(
    replies: &'a [Option<Value>],
    step: usize,
    list: &str,
    tests: &[RowTest],
) -> Result<(Vec<&'a Value>, usize), ResolveError> {
    let all = at(replies, step, list)?
        .as_array()
        .ok_or_else(|| ResolveError::NotThere { step, pointer: list.to_owned() })?;
    let wanted: Vec<Value> =
        tests.iter().map(|test| resolve(&test.value, replies)).collect::<Result<_, _>>()?;
    let fits = |row: &&Value| {
        tests
            .iter()
            .zip(&wanted)
            .all(|(test, wanted)| holds(row.get(&test.field).unwrap_or(&Value::Null), test.compare, wanted))
    };
    Ok((all.iter().filter(fits).collect(), all.len()))
}

fn pick_row(pick: &Pick, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    let (mut fitting, total) = rows(replies, pick.step, &pick.list, &pick.tests)?;
    let none = || ResolveError::NoRow { step: pick.step, list: pick.list.clone(), rows: total };
    let rank = match &pick.order {
        None if fitting.len() > 1 => {
            return Err(ResolveError::ManyRows {
                step: pick.step,
                list: pick.list.clone(),
                fitting: fitting.len(),
            });
        }
        None => 0,
        Some(order) => {
            fitting.retain(|row| row.get(&order.by).is_some_and(|value| !value.is_null()));
            fitting.sort_by(|a, b| {
                let ascending = compare(&a[&order.by], &b[&order.by]);
                if order.descending { ascending.reverse() } else { ascending }
            });
            order.rank
        }
    };
    let row = fitting.get(rank).ok_or_else(none)?;
    row.get(&pick.field).cloned().ok_or_else(|| ResolveError::NotThere {
        step: pick.step,
        pointer: format!("{}/*/{}", pick.list, pick.field),
    })
}

fn fold_rows(aggregate: &Aggregate, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    let (fitting, total) = rows(replies, aggregate.step, &aggregate.list, &aggregate.tests)?;
    if aggregate.fold == Fold::Count {
        return Ok(fitting.len().into());
    }
    let field = aggregate.field.as_deref().unwrap_or_default();
    let values: Vec<&Value> =
        fitting.iter().filter_map(|row| row.get(field)).filter(|v| !v.is_null()).collect();
    let none = || ResolveError::NoRow { step: aggregate.step, list: aggregate.list.clone(), rows: total };
    match aggregate.fold {
        Fold::Count => Ok(fitting.len().into()),
        Fold::Sum => {
            let mut sum = Exact::ZERO;
            for value in values {
                sum = sum
                    .add(number(value)?)
                    .ok_or(ResolveError::NotANumber { value: "overflow".to_owned() })?;
            }
            Ok(sum.to_value())
        }
        Fold::Min => values.into_iter().min_by(|a, b| compare(a, b)).cloned().ok_or_else(none),
        Fold::Max => values.into_iter().max_by(|a, b| compare(a, b)).cloned().ok_or_else(none),
    }
}

fn number(value: &Value) -> Result<Exact, ResolveError> {
    Exact::of(value).ok_or_else(|| ResolveError::NotANumber { value: plain_text(value) })
}

/// Whether `field compare wanted` holds.
pub(crate) fn holds(field: &Value, comparison: Comparison, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Greater, Less};
    match comparison {
        Comparison::Eq => same(field, wanted),
        Comparison::Ne => !same(field, wanted),
        Comparison::Contains => match field {
            Value::Array(items) => items.iter().any(|item| same(item, wanted)),
            _ => plain_text(field).to_lowercase().contains(&plain_text(wanted).to_lowercase()),
        },
        _ if field.is_null() || wanted.is_null() => false,
        Comparison::Lt => compare(field, wanted) == Less,
        Comparison::Le => compare(field, wanted) != Greater,
        Comparison::Gt => compare(field, wanted) == Greater,
        Comparison::Ge => compare(field, wanted) != Less,
    }
}

/// Equality of JSON values that does not tell `12.50` from `12.5`.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => Exact::of(a) == Exact::of(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => Exact::of(a).cmp(&Exact::of(b)),
        _ => plain_text(a).cmp(&plain_text(b)),
    }
}

/// A value as it is said in text: strings without quotes.
pub(crate) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
