//! The world file as it is written: YAML in, plain serde types out, nothing judged yet.
//!
//! `docs/world-language.md` explains every key by example. Unknown keys are refused by serde;
//! names, types and expressions are judged by [`crate::compile`]. Values that a later error may
//! point at carry their place in the file ([`Spanned`]).

mod read;

use crate::text::{Scalar, Text};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
pub use serde_saphyr::Spanned;

/// An expression or a name, with its place in the file.
pub type Source = Spanned<String>;

/// A whole world file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldSpec {
    /// The world's name: lower case letters, digits and `_`.
    pub world: Source,
    /// Version of this world, part of every task's id.
    #[serde(default = "one")]
    pub version: u32,
    /// What the world is called by people.
    pub title: Text,
    /// `retail`, `healthcare`, `finance` … for tables and curricula.
    pub domain: String,
    /// Who the agent is in this world and what it does; heads its prompt.
    pub role: Text,
    /// The virtual clock at the start of an episode, `2026-03-16T09:00:00`.
    pub now: Source,
    /// The currency that money is in, `EUR`.
    #[serde(default = "euro")]
    pub currency: String,
    /// Lists of words that generators draw from.
    #[serde(default)]
    pub pools: IndexMap<String, Pool>,
    /// What there is.
    pub entities: IndexMap<String, Spanned<EntitySpec>>,
    /// What can be done.
    pub operations: IndexMap<String, Spanned<OperationSpec>>,
    /// What the agent must obey.
    #[serde(default)]
    pub policies: Vec<Spanned<PolicySpec>>,
    /// How the world behaves badly.
    #[serde(default)]
    pub dynamics: DynamicsSpec,
}

fn one() -> u32 {
    1
}

fn euro() -> String {
    "EUR".to_owned()
}

/// Words for a generator, in one language or two.
#[derive(Clone, Debug)]
pub struct Pool {
    /// English, or the only list.
    pub en: Vec<String>,
    /// Chinese; `en` where there is none.
    pub zh: Option<Vec<String>>,
}

/// One kind of record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitySpec {
    /// What one record is called: `order`, `订单`.
    pub label: Text,
    /// The key of lists of it in replies; the name and `s` by default.
    #[serde(default)]
    pub plural: Option<String>,
    /// How ids look.
    pub id: IdSpec,
    /// How many there are at the start; none where `rows` says it.
    #[serde(default, deserialize_with = "read::count")]
    pub count: Option<Count>,
    /// Given records: each a map from field to value; what is left out is generated.
    #[serde(default)]
    pub rows: Vec<IndexMap<String, Spanned<RowValue>>>,
    /// Ways to name one record in an instruction without its id, the most natural first.
    #[serde(default)]
    pub keys: Vec<KeySpec>,
    /// The fields, in order; `id` is there without being declared.
    pub fields: IndexMap<String, Spanned<FieldSpec>>,
}

/// How the ids of an entity look: prefix, then digits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdSpec {
    /// What ids begin with, `ORD-`.
    pub prefix: String,
    /// Digits that follow; 3 to 12.
    #[serde(default = "five")]
    pub digits: u8,
}

fn five() -> u8 {
    5
}

/// How many records there are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// For each record of this entity …
    #[serde(default)]
    pub per: Option<String>,
    /// … to which this ref field points.
    #[serde(default, rename = "as")]
    pub field: Option<String>,
}

/// A way to name a record: fields that together are meant to single it out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// Fields; a ref field is named by its own record's keys.
    pub fields: Vec<Source>,
    /// The phrase with `{field}` holes.
    pub text: Text,
}

/// A value written in a `rows` entry.
#[derive(Clone, Debug)]
pub enum RowValue {
    /// A scalar, as written; the field's type reads it.
    One(Text),
    /// A list of scalars.
    Many(Vec<Text>),
    /// `null`.
    Null,
}

/// Types of fields and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeName {
    /// Text.
    String,
    /// Whole number, 64 bits.
    Int,
    /// Exact number with up to four decimals.
    Decimal,
    /// Exact amount in hundredths of the world's currency.
    Money,
    /// True or false.
    Bool,
    /// `2026-03-16`.
    Date,
    /// `2026-03-16T09:00:00`.
    Datetime,
    /// One of `values`.
    Enum,
    /// The id of a record of `of`.
    Ref,
    /// A list of `item`.
    List,
}

/// One field of an entity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: TypeName,
    /// What people call the field; its name with spaces by default.
    #[serde(default)]
    pub label: Option<Text>,
    /// For `ref` (and lists of refs): the entity.
    #[serde(default)]
    pub of: Option<Source>,
    /// For `list`: the type of the items.
    #[serde(default)]
    pub item: Option<TypeName>,
    /// For `enum`: the values with their weights.
    #[serde(default)]
    pub values: EnumValues,
    /// May be null.
    #[serde(default)]
    pub optional: bool,
    /// No two records share a value.
    #[serde(default)]
    pub unique: bool,
    /// Never shown in replies unless `returns` names it.
    #[serde(default)]
    pub hidden: bool,
    /// How values are made.
    #[serde(default, rename = "gen")]
    pub generator: Option<Spanned<GenSpec>>,
    /// Not stored: computed from this expression whenever it is read.
    #[serde(default)]
    pub derived: Option<Source>,
}

/// The values of an enum.
#[derive(Clone, Debug, Default)]
pub struct EnumValues(pub IndexMap<String, EnumValue>);

/// One value of an enum.
#[derive(Clone, Debug)]
pub struct EnumValue {
    /// How often it is drawn, against the others.
    pub weight: f64,
    /// How instructions say it; the value with spaces by default.
    pub label: Option<Text>,
}

/// How a value is made. All keys are optional; which make sense depends on the type.
#[derive(Clone, Debug, Default)]
pub struct GenSpec(pub GenKeys);

/// The keys of a generator.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenKeys {
    /// `person_name`, `company`, `email`, `phone`, `city`, `address`, `sentence`.
    #[serde(default)]
    pub kind: Option<Source>,
    /// For `email`: the field that holds the name. For `template` none.
    #[serde(default)]
    pub from: Option<Source>,
    /// Draw from this pool.
    #[serde(default)]
    pub pool: Option<Source>,
    /// Text with `{field}`, `{~pool}`, `{#3}` (digits) and `{^2}` (capital letters).
    #[serde(default)]
    pub template: Option<Text>,
    /// An expression over earlier fields (for arguments: over earlier arguments and state).
    #[serde(default)]
    pub value: Option<Source>,
    /// Least number, amount or date (`-30d`, `2h`, `2026-01-01`), or an expression.
    #[serde(default)]
    pub min: Option<Spanned<Scalar>>,
    /// Greatest, likewise.
    #[serde(default)]
    pub max: Option<Spanned<Scalar>>,
    /// Grid of numbers and amounts: `step: 5`.
    #[serde(default)]
    pub step: Option<Spanned<Scalar>>,
    /// Dates count from this field instead of from the clock.
    #[serde(default)]
    pub after: Option<Source>,
    /// For numbers: 0 is uniform; greater values prefer small ones. For refs: some targets are
    /// drawn much more often than others.
    #[serde(default)]
    pub skew: f64,
    /// For refs: only records for which this holds; the candidate is `it`.
    #[serde(default, rename = "where")]
    pub filter: Option<Source>,
    /// For enums: weights in place of the declared ones.
    #[serde(default)]
    pub weights: IndexMap<String, f64>,
    /// Share of nulls in an optional field, 0 to 1.
    #[serde(default)]
    pub null_rate: Option<f64>,
    /// Null unless this holds.
    #[serde(default)]
    pub when: Option<Source>,
    /// The first case whose `when` holds is used in place of this generator.
    #[serde(default)]
    pub cases: Vec<Spanned<GenSpec>>,
}

/// What an operation does; see the language's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Records by natural keys; none is an error.
    Find,
    /// One record by id.
    Get,
    /// Records by optional filters, sorted, paged.
    List,
    /// A new record.
    Create,
    /// Changes of one record.
    Update,
    /// One record less.
    Delete,
    /// An amount moves from one record to another.
    Transfer,
    /// Values computed from records.
    Compute,
}

impl OperationKind {
    /// Whether it may change state.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete | Self::Transfer)
    }
}

/// One operation: a tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationSpec {
    /// What it does.
    pub kind: OperationKind,
    /// The entity it is about; needed by all but `compute` and `transfer`.
    #[serde(default)]
    pub entity: Option<Source>,
    /// The tool's description.
    pub description: String,
    /// How an instruction asks for it: "cancel {order} because {reason}"; for `compute` and `get`
    /// the thing asked for: "the total of {order}".
    #[serde(default)]
    pub goal: Option<Text>,
    /// The arguments, in order.
    #[serde(default)]
    pub args: IndexMap<String, Spanned<ArgSpec>>,
    /// Conditions, checked in order before anything changes.
    #[serde(default)]
    pub require: Vec<Spanned<RequireSpec>>,
    /// find, list: a fixed filter; the record is `it`.
    #[serde(default, rename = "where")]
    pub filter: Option<Source>,
    /// find, list: the field to sort by, `-field` for descending; by id otherwise.
    #[serde(default)]
    pub sort: Option<Source>,
    /// find, list: records in one reply; more come with the `cursor` argument.
    #[serde(default)]
    pub page_size: Option<u32>,
    /// update, delete: the ref argument that names the record; the first that fits by default.
    #[serde(default)]
    pub target: Option<Source>,
    /// create, update: field to expression.
    #[serde(default)]
    pub set: IndexMap<String, Source>,
    /// update: field to expression that is added.
    #[serde(default)]
    pub add: IndexMap<String, Source>,
    /// update: list field to expression that is appended.
    #[serde(default)]
    pub append: IndexMap<String, Source>,
    /// update: list field to expression that is removed from it.
    #[serde(default)]
    pub remove: IndexMap<String, Source>,
    /// transfer: field that loses the amount, `source.balance`.
    #[serde(default)]
    pub from: Option<Source>,
    /// transfer: field that gains it, `destination.balance`.
    #[serde(default)]
    pub to: Option<Source>,
    /// transfer: the amount.
    #[serde(default)]
    pub amount: Option<Source>,
    /// compute: name to expression.
    #[serde(default)]
    pub results: IndexMap<String, Source>,
    /// Further effects, in order, after the main one.
    #[serde(default)]
    pub effects: Vec<Spanned<EffectSpec>>,
    /// What the reply shows; all visible fields by default.
    #[serde(default)]
    pub returns: Vec<Spanned<ReturnSpec>>,
    /// Dynamics of this operation in place of the world's.
    #[serde(default)]
    pub dynamics: Option<DynamicsSpec>,
}

/// How an argument of find and list is compared with its field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// Equal; text without regard to case and surrounding space.
    #[default]
    Eq,
    /// The text contains it, without regard to case.
    Contains,
    /// The list holds it.
    Has,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
}

/// One argument of an operation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: TypeName,
    /// What the tool's schema says about it.
    #[serde(default)]
    pub description: Option<String>,
    /// For `ref`: the entity.
    #[serde(default)]
    pub of: Option<Source>,
    /// For `list`: the type of the items.
    #[serde(default)]
    pub item: Option<TypeName>,
    /// For `enum`: the values, or …
    #[serde(default)]
    pub values: EnumValues,
    /// … `entity.field`, whose values (or, for text, whose kind) it takes.
    #[serde(default)]
    pub like: Option<Source>,
    /// May be left out.
    #[serde(default)]
    pub optional: bool,
    /// Value where it is left out.
    #[serde(default)]
    pub default: Option<Spanned<Scalar>>,
    /// Regular expression that text must match whole.
    #[serde(default)]
    pub pattern: Option<Source>,
    /// Least number, amount, date, or length of text or list.
    #[serde(default)]
    pub min: Option<Spanned<Scalar>>,
    /// Greatest.
    #[serde(default)]
    pub max: Option<Spanned<Scalar>>,
    /// find, list: the field of the entity that it is compared with.
    #[serde(default, rename = "match")]
    pub matches: Option<Source>,
    /// find, list: how.
    #[serde(default)]
    pub compare: Compare,
    /// How the task generator makes a value.
    #[serde(default, rename = "gen")]
    pub generator: Option<Spanned<GenSpec>>,
}

/// A condition of an operation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequireSpec {
    /// Must hold.
    pub that: Source,
    /// Code of the error reply otherwise.
    pub error: Source,
    /// Its message, with `{path}` holes.
    pub message: Source,
    /// The call that makes it hold, where there is one.
    #[serde(default)]
    pub remedy: Option<RemedySpec>,
}

/// A call that makes a condition hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemedySpec {
    /// The operation.
    pub call: Source,
    /// Its arguments, as expressions over this operation's arguments; those left out are made
    /// by their own generators.
    #[serde(default, rename = "with")]
    pub args: IndexMap<String, Source>,
}

/// One effect: exactly one of `update`, `create`, `delete`, `for_each`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectSpec {
    /// Only if this holds.
    #[serde(default)]
    pub when: Option<Source>,
    /// An expression that gives the record to change.
    #[serde(default)]
    pub update: Option<Source>,
    /// The entity of a new record.
    #[serde(default)]
    pub create: Option<Source>,
    /// An expression that gives the record to delete.
    #[serde(default)]
    pub delete: Option<Source>,
    /// `entity where condition`: `do` is run for each, the record is `it` or the name in `as`.
    #[serde(default)]
    pub for_each: Option<Source>,
    /// Name of the new record or of the record of the loop.
    #[serde(default, rename = "as")]
    pub name: Option<Source>,
    /// update, create: field to expression.
    #[serde(default)]
    pub set: IndexMap<String, Source>,
    /// update: added.
    #[serde(default)]
    pub add: IndexMap<String, Source>,
    /// update: appended to a list.
    #[serde(default)]
    pub append: IndexMap<String, Source>,
    /// update: removed from a list.
    #[serde(default)]
    pub remove: IndexMap<String, Source>,
    /// for_each: the effects.
    #[serde(default, rename = "do")]
    pub body: Vec<Spanned<EffectSpec>>,
}

/// One item of a reply: a path over the record (`customer.name` is shown as `customer_name`, a
/// ref field `customer` as `customer_id`), or `name: expression`.
#[derive(Clone, Debug)]
pub struct ReturnSpec {
    /// The key in the reply, where it is given.
    pub name: Option<String>,
    /// The path or expression.
    pub value: String,
}

/// A rule that the agent must obey.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Its name.
    pub id: Source,
    /// What the agent is told.
    pub text: Text,
    /// The operations that it is about.
    pub operations: Vec<Source>,
    /// A call is in order if this holds before it, over arguments, state and earlier calls.
    pub allow_if: Source,
    /// The world refuses a call that breaks it; otherwise the call is done and noted: a trap.
    #[serde(default)]
    pub enforce: bool,
    /// Message of the refusal; the text otherwise.
    #[serde(default)]
    pub message: Option<Source>,
    /// The call that makes it hold, where there is one.
    #[serde(default)]
    pub remedy: Option<RemedySpec>,
}

/// How the world, or one operation, behaves badly. What is left out is as in the world's
/// dynamics, or off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynamicsSpec {
    /// Virtual latency of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<LatencySpec>,
    /// Chance that a call fails with `unavailable` and changes nothing; a retry may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transient_fault: Option<f64>,
    /// Chance, drawn once an episode and operation, that the operation is down throughout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<f64>,
    /// Calls that are served in a window of virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitSpec>,
    /// Chance that a list is cut to a few records, with `has_more` and a cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate: Option<f64>,
    /// Chance that a reply carries fields that nobody needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbose: Option<f64>,
    /// Chance that a read shows the state before the last write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_read: Option<f64>,
}

/// Latency: log-normal around the typical value, cut at the worst.
///
/// Without `spread` and `least` the median is `typical` and σ is 0.5. With them a latency is
/// `least + (typical - least) · exp(spread · z)`, z standard normal, at most `worst`; it is rounded
/// to the whole milliseconds of the world's clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencySpec {
    /// The median.
    pub typical: Millis,
    /// The maximum.
    pub worst: Millis,
    /// The standard deviation of the logarithm of what is above `least`; above 0, at most 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// No call is faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Millis>,
}

impl LatencySpec {
    /// Around `typical`, at most `worst`, in milliseconds.
    pub fn new(typical: u32, worst: u32) -> Self {
        let ms = |ms: u32| Millis::from_micros(u64::from(ms) * 1000);
        Self { typical: ms(typical), worst: ms(worst), spread: None, least: None }
    }
}

/// Milliseconds to three places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(u64);

impl Millis {
    /// The greatest: 49 days.
    const MAX_MICROS: u64 = u32::MAX as u64 * 1000;

    /// So many microseconds, at most 49 days.
    pub fn from_micros(micros: u64) -> Self {
        Self(micros.min(Self::MAX_MICROS))
    }

    /// In microseconds.
    pub fn micros(self) -> u64 {
        self.0
    }

    /// In milliseconds.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl Serialize for Millis {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            out.serialize_u64(self.0 / 1000)
        } else {
            out.serialize_f64(self.as_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let ms = f64::deserialize(input)?;
        let micros = (ms * 1000.0).round();
        if !(0.0..=Self::MAX_MICROS as f64).contains(&micros) {
            return Err(serde::de::Error::custom("milliseconds are a number from 0 to 4294967295"));
        }
        Ok(Self(micros as u64))
    }
}

/// So many calls in so many seconds of virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSpec {
    /// Calls.
    pub calls: u32,
    /// Seconds.
    pub window_s: u32,
}
