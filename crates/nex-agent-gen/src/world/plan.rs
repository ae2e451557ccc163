//! What a composed world was made of: the axes along which worlds differ.

use serde::{Deserialize, Serialize};

/// How much a world holds, from 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Complexity(u8);

impl Complexity {
    /// Two or three entities, about ten operations; calls take time, nothing else goes wrong.
    pub const SMALL: Self = Self(1);
    /// Four or five entities.
    pub const MEDIUM: Self = Self(3);
    /// Up to eight entities, some thirty operations, every kind of misbehaviour.
    pub const LARGE: Self = Self(5);

    /// A level from 1 to 5.
    pub fn new(level: u8) -> Option<Self> {
        (1..=5).contains(&level).then_some(Self(level))
    }

    /// From 1 to 5.
    pub fn level(self) -> u8 {
        self.0
    }

    /// All five, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=5).map(Self)
    }
}

impl Default for Complexity {
    fn default() -> Self {
        Self::MEDIUM
    }
}

impl From<Complexity> for u8 {
    fn from(complexity: Complexity) -> Self {
        complexity.0
    }
}

impl TryFrom<u8> for Complexity {
    type Error = ComplexityOutOfRange;

    fn try_from(level: u8) -> Result<Self, Self::Error> {
        Self::new(level).ok_or(ComplexityOutOfRange(level))
    }
}

/// A complexity that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("complexity {0} is out of range; give 1 (small) to 5 (large)")]
pub struct ComplexityOutOfRange(pub u8);

/// How the entities of a world refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The case refers to everything else.
    Star,
    /// The case leads to its party, that to a person in charge, that to a site.
    Chain,
    /// People and things belong to a site; the case hangs under its party.
    Tree,
    /// As the star, and people and things belong to sites besides.
    Mesh,
}

/// The parts that entities play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What is handled.
    Case,
    /// For whom.
    Party,
    /// By whom.
    Agent,
    /// What is allocated.
    Resource,
    /// Where.
    Site,
    /// What is used up or sold.
    Item,
    /// A quantity of an item on a case.
    Line,
    /// A demand for payment.
    Charge,
    /// Something noted against a case.
    Record,
}

/// An entity of a composed world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEntity {
    /// Its part; none in a world that no grammar composed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Its name in the world.
    pub name: String,
    /// Fields it has, the id aside.
    pub fields: usize,
    /// Entities that its fields refer to.
    pub refers_to: Vec<String>,
}

/// An operation of a composed world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedOperation {
    /// Its name in the world.
    pub name: String,
    /// What it does to what, in the grammar's terms: `advance`, `reassign_all`.
    pub family: String,
    /// The kind in the world language: `update`, `list`.
    pub kind: String,
}

/// A policy of a composed world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPolicy {
    /// Its id in the world.
    pub id: String,
    /// `verification`, `approval`, `separation_of_duties`, `deny_by_kind`, `window`, `order`, `limit`.
    pub family: String,
    /// Whether the world refuses a breach.
    pub is_enforced: bool,
}

/// What was chosen for a world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldPlan {
    /// The domain's id.
    pub domain: String,
    /// The domain's group.
    pub family: String,
    /// The level asked for.
    pub complexity: Complexity,
    /// How entities refer to each other.
    pub shape: Shape,
    /// In the order of the file.
    pub entities: Vec<PlannedEntity>,
    /// In the order of the file.
    pub operations: Vec<PlannedOperation>,
    /// In the order of the file.
    pub policies: Vec<PlannedPolicy>,
    /// Keys of the dynamics that are set.
    pub dynamics: Vec<String>,
    /// Preconditions that name the call that makes them hold.
    pub remedies: usize,
    /// Draws it took until the world passed its own check; 1 but for rare cases.
    pub attempts: u32,
}
