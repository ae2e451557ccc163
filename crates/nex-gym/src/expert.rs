//! The expert: a [`ChatModel`] that follows a task's oracle plan through the same loop and the same
//! tools as any other model.
//!
//! In: a task with its plan, the pattern of the agents, dials. Out: replies. It reads every
//! looked-up value out of the tool results in the transcript that it is shown; agents tell each
//! other what they found in words, as they must. It never claims to be an LLM: its provider is
//! `expert`. What it was made to do wrong stands in the episode's notes.

mod cast;
mod coordinator;
mod desk;
mod dials;
mod facts;
mod player;
mod reply;
mod script;
mod slips;
mod wording;

pub use dials::ExpertDials;

use crate::{Casting, Driver, DriverNotes, DriverTime, EpisodeModel, Pattern};
use async_trait::async_trait;
use cast::Cast;
use coordinator::Coordinator;
use desk::{Desk, Order};
use dials::{Form, Mistake};
use indexmap::IndexMap;
use nex_agent::RunnableSpec;
use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError};
use nex_trajectory::{Arguments, CallId, ContentBlock, Message, ModelIdentity, Role, ToolCall};
use nex_world::task::Task;
use parking_lot::Mutex;
use player::{Ending, Player};
use script::{Script, names};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use wording::Words;

/// Plays all agents by the expert.
#[derive(Clone, Debug, Default)]
pub struct Expert {
    dials: ExpertDials,
}

impl Expert {
    /// The expert with `dials`.
    pub fn new(dials: ExpertDials) -> Self {
        Self { dials }
    }
}

impl Driver for Expert {
    fn name(&self) -> &str {
        "expert"
    }

    fn time(&self) -> DriverTime {
        DriverTime::Virtual
    }

    fn cast(&self, casting: &Casting<'_>) -> EpisodeModel {
        let task = casting.task.clone();
        let model = match (casting.pattern, casting.framework) {
            (Pattern::Framework, Some(framework)) => {
                ExpertModel::for_framework(task, framework, self.dials, casting.seed)
            }
            (pattern, _) => ExpertModel::new(task, pattern, self.dials, casting.seed),
        };
        let model = Arc::new(model);
        EpisodeModel { model: model.clone(), notes: Some(model) }
    }
}

/// The expert in one episode.
pub struct ExpertModel {
    production: Arc<Production>,
    dials: ExpertDials,
    /// By conversation, which outlasts one run of a sub-agent.
    roles: Mutex<HashMap<String, RolePlay>>,
}

/// What all agents of one episode share: the plan and the mistakes, but no looked-up value.
pub(crate) struct Production {
    pub(crate) task: Arc<Task>,
    pub(crate) script: Script,
    pub(crate) words: Words,
    /// What the agents of a framework are there for; empty for the built-in ones.
    cast: Cast,
    mistakes: Mutex<Vec<Mistake>>,
    orders: Mutex<Vec<(String, usize)>>,
    assignments: Mutex<Vec<Order>>,
    /// By step: whether it is over, well or badly.
    done: Mutex<Vec<bool>>,
}

/// One agent of the episode.
enum RolePlay {
    Coordinator(Coordinator),
    Player(Player),
    Desk(Box<Desk>),
}

/// What an agent says next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Utterance {
    pub(crate) text: String,
    /// Id, tool, arguments as JSON text.
    pub(crate) calls: Vec<(String, String, String)>,
}

impl Utterance {
    pub(crate) fn text(text: String) -> Self {
        Self { text, calls: Vec::new() }
    }
}

impl ExpertModel {
    /// The expert for one episode of `task` by agents put together as `pattern`, which is one of the
    /// built-in ones; in any other framework everyone works alone.
    pub fn new(task: Arc<Task>, pattern: Pattern, dials: ExpertDials, seed: u64) -> Self {
        let pattern = match pattern {
            // Without its files nobody knows who does what.
            Pattern::Framework => Pattern::Single,
            builtin => builtin,
        };
        Self::with(task, pattern, Cast::default(), dials, seed)
    }

    /// The expert for one episode of `task` by the agents of `framework`.
    pub fn for_framework(task: Arc<Task>, framework: &RunnableSpec, dials: ExpertDials, seed: u64) -> Self {
        Self::with(task, Pattern::Framework, Cast::of(framework), dials, seed)
    }

    fn with(task: Arc<Task>, pattern: Pattern, cast: Cast, dials: ExpertDials, seed: u64) -> Self {
        let mistakes = if dials.is_flawless() { Vec::new() } else { dials.draw(&task, seed) };
        let production = Production {
            script: Script::new(&task.plan, pattern),
            words: Words::of(&task.record.language),
            cast,
            done: Mutex::new(vec![false; task.plan.steps.len()]),
            assignments: Mutex::default(),
            task,
            mistakes: Mutex::new(mistakes),
            orders: Mutex::default(),
        };
        Self { production: Arc::new(production), dials, roles: Mutex::default() }
    }

    fn utter(&self, request: &ChatRequest<'_>) -> Utterance {
        let mut roles = self.roles.lock();
        let messages = request.transcript.messages();
        let role = roles
            .entry(conversation(request.session).to_owned())
            .or_insert_with(|| RolePlay::of(request, &self.production));
        match role {
            RolePlay::Coordinator(coordinator) => {
                coordinator.read(messages);
                coordinator.speak()
            }
            RolePlay::Player(player) => {
                let production = &self.production;
                player.read(messages, |text| production.ordered(text));
                player.speak()
            }
            RolePlay::Desk(desk) => {
                desk.read(messages);
                desk.speak()
            }
        }
    }
}

#[async_trait]
impl ChatModel for ExpertModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "expert".to_owned(), model: "oracle-plan".to_owned() }
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let Utterance { text, calls } = self.utter(request);
        let mut content = Vec::with_capacity(1 + calls.len());
        if !text.is_empty() {
            content.push(ContentBlock::Text { text });
        }
        content.extend(calls.into_iter().map(|(id, name, arguments)| {
            ContentBlock::ToolCall(ToolCall { id: CallId(id), name, arguments: Arguments(arguments) })
        }));
        Ok(ChatReply::new(Message { role: Role::Assistant, content }, self.identity()))
    }
}

impl DriverNotes for ExpertModel {
    fn notes(&self) -> IndexMap<String, Value> {
        let mut notes = IndexMap::new();
        if !self.dials.is_flawless() {
            let mistakes = self.production.mistakes.lock();
            notes.insert("expert".to_owned(), json!({"dials": self.dials, "mistakes": &*mistakes}));
        }
        notes
    }
}

impl Production {
    /// The mistake that is due at `step` if its form fits; from now on it counts as played.
    pub(crate) fn play(&self, step: usize, fits: impl Fn(&Form) -> bool) -> Option<Mistake> {
        let mut mistakes = self.mistakes.lock();
        let mistake = mistakes
            .iter_mut()
            .find(|mistake| mistake.step == step && !mistake.was_played && fits(&mistake.form))?;
        mistake.was_played = true;
        Some(mistake.clone())
    }

    /// The mistake of `step`, played or not.
    pub(crate) fn mistake_at(&self, step: usize) -> Option<Mistake> {
        self.mistakes.lock().iter().find(|mistake| mistake.step == step).cloned()
    }

    /// Whether a value that `step` replies is to be made up.
    pub(crate) fn is_made_up_at(&self, step: usize) -> bool {
        let is_made_up = |mistake: &Mistake| {
            mistake.step == step && !mistake.was_played && matches!(mistake.form, Form::MadeUpAnswer { .. })
        };
        self.mistakes.lock().iter().any(is_made_up)
    }

    /// Whether anything went wrong on purpose so far.
    pub(crate) fn has_played(&self) -> bool {
        self.mistakes.lock().iter().any(|mistake| mistake.was_played)
    }

    /// Remembers that `step` is over.
    pub(crate) fn note_done(&self, step: usize) {
        self.done.lock()[step] = true;
    }

    /// Whether `step` is over.
    pub(crate) fn is_done(&self, step: usize) -> bool {
        self.done.lock()[step]
    }

    /// Remembers what an agent was told to do.
    pub(crate) fn note_assignment(&self, order: Order) {
        self.assignments.lock().push(order);
    }

    /// What `text` tells its reader to do.
    pub(crate) fn orders_in(&self, text: &str) -> Vec<Order> {
        let given = self.assignments.lock();
        // The same words may be said again; the latest count.
        let mut found: Vec<Order> = Vec::new();
        for order in given.iter().rev().filter(|order| text.contains(&order.text)) {
            if found.iter().all(|other| other.text != order.text) {
                found.push(order.clone());
            }
        }
        found
    }

    /// Remembers that the coordinator ordered job `job` by `message`.
    pub(crate) fn note_order(&self, message: &str, job: usize) {
        self.orders.lock().push((message.to_owned(), job));
    }

    /// The job that `message` orders.
    fn ordered(&self, message: &str) -> Option<usize> {
        self.orders.lock().iter().rev().find(|(text, _)| text == message).map(|(_, job)| *job)
    }
}

impl RolePlay {
    fn of(request: &ChatRequest<'_>, production: &Arc<Production>) -> Self {
        let agent = request.agent;
        if production.cast.len() > 0 {
            let tools = request.tools.specs().iter().map(|tool| tool.name.clone()).collect();
            let part = production.cast.get(agent);
            return Self::Desk(Box::new(Desk::new(production.clone(), agent, part, tools)));
        }
        let jobs = &production.script.jobs;
        let player = |ending| Player::new(production.clone(), ending);
        match agent {
            names::COORDINATOR => Self::Coordinator(Coordinator::new(production.clone())),
            // Their jobs come with their orders.
            names::RESEARCHER | names::OPERATOR => Self::Player(player(Ending::Report)),
            _ => {
                let stage = jobs.iter().position(|job| job.agent == agent);
                let is_last = stage.is_none_or(|stage| stage + 1 == jobs.len());
                let mut player = player(if is_last { Ending::Answer } else { Ending::Report });
                player.take_on(stage.unwrap_or(0));
                Self::Player(player)
            }
        }
    }
}

/// The conversation of a session: `ep/researcher-1.2` goes on with `ep/researcher-1`.
fn conversation(session: &str) -> &str {
    match session.rsplit_once('.') {
        Some((conversation, part)) if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            conversation
        }
        _ => session,
    }
}
