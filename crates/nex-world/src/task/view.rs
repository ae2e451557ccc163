//! The operations of a world as the generator looks at them: which arguments look records up,
//! which fields a reply shows, which instruction asks for it.

use crate::spec::{Compare, OperationKind};
use crate::text::Text;
use crate::value::{EntityId, Type};

/// One operation.
#[derive(Debug)]
pub(crate) struct OpView {
    /// Its position in the world.
    pub(crate) index: u16,
    pub(crate) name: String,
    pub(crate) kind: OperationKind,
    pub(crate) entity: Option<EntityId>,
    /// Key of the rows in the reply of find and list.
    pub(crate) list: String,
    pub(crate) goal: Option<Text>,
    pub(crate) args: Vec<ArgView>,
    /// What a reply, or each row of it, shows of a record.
    pub(crate) reply: Vec<ReplyField>,
    /// For compute: names and types of the results.
    pub(crate) results: Vec<(String, Type)>,
    /// Whether a fixed filter hides records.
    pub(crate) is_filtered: bool,
}

/// One argument.
#[derive(Debug)]
pub(crate) struct ArgView {
    pub(crate) name: String,
    /// The name in holes of texts: without `_id`.
    pub(crate) hole: String,
    pub(crate) kind: Type,
    /// May be left out.
    pub(crate) optional: bool,
    /// The field that it is compared with, and how.
    pub(crate) matches: Option<(u16, Compare)>,
    /// Its value is read off another argument's record: that argument and the path of fields.
    pub(crate) path: Option<ArgPath>,
}

/// An argument and a path of fields from its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArgPath {
    pub(crate) arg: usize,
    pub(crate) fields: Vec<u16>,
}

/// One key of a reply that shows a field, perhaps of a record that the record refers to.
#[derive(Clone, Debug)]
pub(crate) struct ReplyField {
    pub(crate) key: String,
    /// Positions of fields; empty for the id.
    pub(crate) path: Vec<u16>,
    pub(crate) kind: Type,
}

impl OpView {
    /// Whether it looks records up: its reply is a list of rows with ids.
    pub(crate) fn is_lookup(&self) -> bool {
        matches!(self.kind, OperationKind::Find | OperationKind::List) && self.id_key().is_some()
    }

    /// The key that shows the record's id.
    pub(crate) fn id_key(&self) -> Option<&str> {
        self.shows(&[])
    }

    /// The key that shows the field at the end of `path`.
    pub(crate) fn shows(&self, path: &[u16]) -> Option<&str> {
        self.reply.iter().find(|field| field.path == path).map(|field| field.key.as_str())
    }

    /// Whether a goal's text has a hole for the argument.
    pub(crate) fn goal_names(&self, arg: &ArgView) -> bool {
        self.goal.as_ref().is_some_and(|goal| {
            goal.en.contains(&format!("{{{}}}", arg.hole)) || goal.en.contains(&format!("{{{}}}", arg.name))
        })
    }
}
