//! The oracle plan: which operations to call, and where each argument's value comes from.
//!
//! A plan holds no looked-up value, only the way to it: a pointer into the reply of an earlier
//! step, a row chosen among a reply's rows, a sum over them. Whoever follows it reads replies as
//! an agent must. Paged replies are followed to their end first ([`Paging`]), so a source always
//! sees whole lists.

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
