//! A compiled world: everything named, typed and indexed, shared by all of its sessions.

mod load;

use crate::expr::{Program, Selection};
use crate::generate::{EntityPlan, Generator, PoolTable, RecentStates};
use crate::schema::Schema;
use crate::spec::{Compare, DynamicsSpec, OperationKind};
use crate::text::{Language, Text};
use crate::value::{EntityId, Type, Value};
use nex_tools::ToolDeclaration;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A compiled world.
pub struct World {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) title: Text,
    pub(crate) domain: String,
    pub(crate) role: Text,
    pub(crate) currency: String,
    pub(crate) now: i64,
    pub(crate) schema: Schema,
    pub(crate) pools: PoolTable,
    /// In the order in which entities are generated.
    pub(crate) plans: Vec<EntityPlan>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) operation_by_name: HashMap<String, u16>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) dynamics: DynamicsSpec,
    pub(crate) declarations: Vec<Arc<ToolDeclaration>>,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) source: Box<str>,
    pub(crate) recent: RecentStates,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World({} v{})", self.name, self.version)
    }
}

/// One operation, compiled.
#[derive(Debug)]
pub struct Operation {
    /// Its position.
    pub index: u16,
    /// The tool's name.
    pub name: String,
    /// What it does.
    pub kind: OperationKind,
    /// The entity it is about, where there is one.
    pub entity: Option<EntityId>,
    /// The tool's description.
    pub description: String,
    /// How an instruction asks for it.
    pub goal: Option<Text>,
    /// The arguments, in order; argument `i` is local `i` of every expression here.
    pub args: Vec<Arg>,
    /// Conditions, in order.
    pub requires: Vec<Require>,
    /// Policies about it, as positions in [`World::policies`].
    pub policies: Vec<u16>,
    /// Entities that it may change.
    pub writes: BTreeSet<EntityId>,
    /// The reply's fields, in order.
    pub returns: Vec<Return>,
    /// Its dynamics, the world's filled in.
    pub dynamics: DynamicsSpec,
    /// The local that holds the record found, made or changed.
    pub(crate) record_slot: u16,
    /// The update's or delete's target among the arguments.
    pub(crate) target: Option<u16>,
    pub(crate) body: Body,
    pub(crate) effects: Vec<Effect>,
    /// The argument `cursor`, for find and list with pages.
    pub(crate) has_cursor: bool,
    pub(crate) slots: u16,
}

/// What an operation does besides its effects.
#[derive(Debug)]
pub(crate) enum Body {
    /// get.
    Show,
    /// find and list.
    Search(Search),
    Create(Creation),
    Update(Vec<Write>),
    Delete,
    Transfer(Transfer),
    Compute,
}

#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) filter: Option<Program>,
    /// Field and whether descending.
    pub(crate) sort: Option<(u16, bool)>,
    pub(crate) page_size: usize,
}

#[derive(Debug)]
pub(crate) struct Creation {
    pub(crate) entity: EntityId,
    /// Beside the stored fields.
    pub(crate) values: Vec<Origin>,
}

/// Where a new record's field comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    Given(Program),
    /// Its generator, by the field's position.
    Generated(u16),
    Empty(Value),
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) field: u16,
    pub(crate) slot: u16,
    pub(crate) how: WriteKind,
    pub(crate) value: Program,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Set,
    Add,
    Append,
    Remove,
}

#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) amount: Program,
}

/// A field of a record that an expression gives.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) record: Program,
    pub(crate) field: u16,
    pub(crate) slot: u16,
}

#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) when: Option<Program>,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    Update { record: Program, writes: Vec<Write> },
    Create { creation: Creation, slot: u16 },
    Delete { record: Program },
    ForEach { selection: Selection, body: Vec<Effect> },
}

/// One argument, compiled.
#[derive(Debug)]
pub struct Arg {
    /// Its name in the tool's schema.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// May be left out.
    pub optional: bool,
    /// Value where it is left out.
    pub default: Option<Value>,
    /// find, list: the field it is compared with, and how.
    pub matches: Option<Match>,
    /// How the task generator makes a value, where the file says.
    pub(crate) generator: Option<Generator>,
    pub(crate) pattern: Option<regex::Regex>,
    pub(crate) min: Option<Bound>,
    pub(crate) max: Option<Bound>,
}

/// A limit of an argument: of its value, or of the length of a text or list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Value(Value),
    Length(usize),
}

/// What an argument of find or list is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The field's position; `None` is the id.
    pub field: Option<u16>,
    /// How.
    pub compare: Compare,
}

/// A condition of an operation, compiled.
#[derive(Debug)]
pub struct Require {
    /// Code of the error reply.
    pub error: String,
    /// The call that makes it hold.
    pub remedy: Option<Remedy>,
    pub(crate) that: Program,
    pub(crate) message: Message,
}

/// A call that makes a condition hold.
#[derive(Debug)]
pub struct Remedy {
    /// The operation's position.
    pub operation: u16,
    /// Argument position and the expression that gives it, over the arguments of the operation
    /// that needs the remedy.
    pub(crate) args: Vec<(u16, Program)>,
}

/// A text with holes.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) pieces: Vec<MessagePiece>,
}

#[derive(Clone, Debug)]
pub(crate) enum MessagePiece {
    Text(String),
    Hole(Program),
}

/// A field of a reply.
#[derive(Debug)]
pub struct Return {
    /// Its key.
    pub name: String,
    /// The field of the operation's entity that is shown as it is, where it is one.
    pub field: Option<u16>,
    /// Its type.
    pub kind: Type,
    pub(crate) value: Program,
    /// `"name":`, ready to be written.
    pub(crate) prefix: String,
}

/// A rule, compiled.
#[derive(Debug)]
pub struct Policy {
    /// Its name.
    pub id: String,
    /// What the agent is told.
    pub text: Text,
    /// Refused, or only noted.
    pub enforce: bool,
    /// Operations it is about, with what makes a call be in order.
    pub rules: Vec<Rule>,
}

/// A policy over one operation's arguments.
#[derive(Debug)]
pub struct Rule {
    /// The operation's position.
    pub operation: u16,
    /// The call that makes it hold.
    pub remedy: Option<Remedy>,
    pub(crate) allow_if: Program,
    pub(crate) message: Message,
}

impl World {
    /// The world's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The world's version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What people call the world.
    pub fn title(&self) -> &Text {
        &self.title
    }

    /// `retail`, `healthcare` …
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Who the agent is.
    pub fn role(&self) -> &Text {
        &self.role
    }

    /// The currency that money is in.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The virtual clock at the start, in seconds since 1970-01-01T00:00:00.
    pub fn start_time(&self) -> i64 {
        self.now
    }

    /// Entities, fields and enums.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The operations, in the order of the file.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation called `name`.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operation_by_name.get(name).map(|at| &self.operations[usize::from(*at)])
    }

    /// The policies, in the order of the file.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The world's own dynamics.
    pub fn dynamics(&self) -> &DynamicsSpec {
        &self.dynamics
    }

    /// One declaration per operation, in order, with compiled schemas.
    pub fn declarations(&self) -> &[Arc<ToolDeclaration>] {
        &self.declarations
    }

    /// BLAKE3 of the file.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The file's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Role, date and policies as an agent's prompt states them.
    pub fn briefing(&self, language: Language) -> String {
        let mut text = self.role.get(language).trim().to_owned();
        let mut clock = String::new();
        crate::value::write_datetime(&mut clock, self.now);
        let (now, rules) = match language {
            Language::En => ("It is", "Rules:"),
            Language::Zh => ("现在是", "规则："),
        };
        let stop = if language == Language::En { "." } else { "。" };
        text.push_str(&format!("\n\n{now} {clock}{stop}"));
        if !self.policies.is_empty() {
            text.push_str(&format!("\n\n{rules}"));
            for policy in &self.policies {
                text.push_str("\n- ");
                text.push_str(policy.text.get(language).trim());
            }
        }
        text
    }
}
