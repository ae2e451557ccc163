//! Dialogue worlds: an agent, a user and a world that both of them act on.
//!
//! A world is declared in YAML like the others, but some of its operations are the user's own: their
//! phone, their app. The agent looks up and changes what is its to change, and speaks to the user by
//! the tool `message_user`, whose reply are the user's words; the user, simulated by rules, knows facts
//! that nobody else does, tells some of them wrongly at first, does on request what only they can do,
//! and loses patience. A task is judged by the state that both sides leave, by the closing words and
//! by the rules of the desk.
//!
//! Invariants: a task and its user are pure functions of (world, seed, dials, language); the plan's
//! run is worth 1 and doing nothing, or claiming it, 0, proven for each task when it is made.

mod acts;
mod cards;
mod domain;
mod draw;
mod phrases;
mod records;
mod script;
mod session;
mod telecom;
#[cfg(test)]
mod tests;
mod travel;
mod user;
mod verify;

pub use session::{DialogueEvent, DialogueSession};
pub use user::{Hands, RuleUser, UserReply, UserSimulator};

use crate::error::WorldError;
use crate::task::{Briefing, Dials, Task};
use crate::text::Language;
use crate::world::World;
use domain::{DOMAINS, Domain};
use nex_tools::ToolDeclaration;
use nex_trajectory::run::WorldShape;
use session::Stage;
use std::sync::Arc;

/// Why there is no task or no session.
#[derive(Debug, thiserror::Error)]
pub enum DialogueError {
    /// No draw gave a task.
    #[error(
        "world `{world}` gave no task for seed {seed} with dials {dials:?} (last reason: {reason}); lower one of the dials or take another seed"
    )]
    Unreachable {
        /// The world.
        world: &'static str,
        /// The seed.
        seed: u64,
        /// What was asked for.
        dials: Box<Dials>,
        /// Why the last draw failed.
        reason: String,
    },
    /// The task is of another world, or of a language that this one does not speak.
    #[error(
        "the task `{task}` is of world `{found}` in language `{language}`; this is `{world}` in `en` and `zh`"
    )]
    OtherWorld {
        /// The task.
        task: String,
        /// Its world.
        found: String,
        /// Its language.
        language: String,
        /// This world.
        world: &'static str,
    },
}

/// A dialogue world.
#[derive(Clone)]
pub struct DialogueWorld {
    domain: &'static Domain,
    world: Arc<World>,
}

impl std::fmt::Debug for DialogueWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DialogueWorld").field(&self.domain.name).finish()
    }
}

/// The names of the dialogue worlds, in a fixed order.
pub fn dialogue_worlds() -> [&'static str; 3] {
    DOMAINS.each_ref().map(|domain| domain.name)
}

impl DialogueWorld {
    /// The world called `name`, if there is one.
    ///
    /// # Errors
    /// None in a tested build; a broken file would be a [`WorldError`].
    pub fn open(name: &str) -> Result<Option<Self>, WorldError> {
        let Some(domain) = Domain::named(name) else { return Ok(None) };
        Ok(Some(Self { domain, world: domain.world()? }))
    }

    /// Its name, as in tasks.
    pub fn name(&self) -> &'static str {
        self.domain.name
    }

    /// The declared world of both sides.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The names of its families of tasks.
    pub fn families(&self) -> impl Iterator<Item = &'static str> {
        self.domain.families.iter().map(|family| family.name)
    }

    /// The agent's tools, as declared: its operations and `message_user`.
    pub fn agent_tools(&self) -> impl Iterator<Item = &Arc<ToolDeclaration>> {
        let of_agent = self.world.declarations().iter();
        of_agent
            .filter(|declaration| !self.domain.of_user.contains(&declaration.spec().name.as_str()))
            .chain([session::message_tool()])
    }

    /// Role and rules in `language`.
    pub fn briefing(&self, language: Language) -> Briefing {
        draw::briefing(&self.world, language)
    }

    /// A task: a pure function of the arguments.
    ///
    /// # Errors
    /// [`DialogueError::Unreachable`] where no draw gives a task for these dials.
    pub fn generate_task(&self, seed: u64, dials: &Dials, language: Language) -> Result<Task, DialogueError> {
        draw::story(&self.world, self.domain, seed, dials, language).map(|story| story.task)
    }

    /// Opens a conversation on `task`, its user simulated by rules.
    ///
    /// # Errors
    /// The task is of another world.
    pub fn open_session(&self, task: &Task) -> Result<DialogueSession, DialogueError> {
        let story = self.story_of(task)?;
        let language = task.record.language.parse::<Language>().unwrap_or_default();
        let world = draw::session(&self.world, task.state.seed, language).map_err(|reason| {
            DialogueError::Unreachable {
                world: self.name(),
                seed: task.state.seed,
                dials: Box::new(task.dials.clone()),
                reason,
            }
        })?;
        Ok(DialogueSession::new(
            self.domain,
            task,
            Stage::new(world, RuleUser::new(story.persona)),
            story.terms,
        ))
    }

    /// Entities and operations, for a report.
    pub fn shape(&self) -> WorldShape {
        self.world.shape()
    }
}
