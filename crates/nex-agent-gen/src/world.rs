//! The world composer: a domain, a level and a seed become a new world in the world language.
//!
//! [`domains`] are archetypes kept as text; a grammar over them ([`compose`]) chooses entities, how
//! they refer to each other, operations, policies and dynamics, and writes the world's YAML with a
//! [`WorldPlan`] that says what was chosen. [`closest_domains`] finds domains for a sentence.
//! Pure: the same request and seed give the same bytes. Invariant: what [`compose`] gives has
//! passed [`check_world`].

mod cast;
mod check;
mod compose;
mod deeds;
mod deeds_on_cases;
mod deeds_on_parties;
mod deeds_on_records;
mod deeds_on_resources;
mod domain;
mod entities;
mod operations;
mod plan;
mod policies;
mod retrieve;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

pub use check::{CheckError, WorldCheck, check_world};
pub use compose::{ComposeError, ComposedWorld, WorldRequest, compose};
pub use domain::{Amount, Asset, Case, Choice, Deed, Domain, Goods, Party, Place, Rule, Topics, domains};
pub use plan::{
    Complexity, ComplexityOutOfRange, PlannedEntity, PlannedOperation, PlannedPolicy, Role, Shape, WorldPlan,
};
pub use retrieve::closest_domains;
