//! A task in the making: a session in which the plan's calls are made as they are planned.
//!
//! Every step is really called, so whatever a draft holds has worked. A draft is cheap to clone;
//! an attempt works on a clone and replaces the draft where it succeeded.

use super::ground::{Ground, field_of};
use super::plan::{Paging, Pick, PlanStep, ValueSource};
use super::prose::Ask;
use super::resolve::{resolve, resolve_arguments};
use super::view::OpView;
use super::{Check, Fact};
use crate::expr::Env;
use crate::history::CallHistory;
use crate::session::WorldSession;
use crate::value::{RecordId, Value};
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::collections::HashMap;

/// Pages that are followed before a list counts as endless.
const MAX_PAGES: usize = 50;

/// Why a way was not taken. Drafts reject many ways; only the last reason is ever shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reject(pub(crate) &'static str);

/// What a record is known by.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Where its id was read.
    pub(crate) id: ValueSource,
    /// The row that showed it, with the operation that made the row.
    pub(crate) row: Option<(u16, Pick)>,
    /// How the instruction calls it; none where the instruction does not speak of it.
    pub(crate) phrase: Option<String>,
}

/// A task in the making.
#[derive(Clone)]
pub(crate) struct Draft<'g> {
    pub(crate) ground: &'g Ground<'g>,
    pub(crate) session: WorldSession,
    pub(crate) steps: Vec<PlanStep>,
    /// Arguments as they were called, beside `steps`.
    pub(crate) resolved: Vec<Json>,
    pub(crate) replies: Vec<Option<Json>>,
    pub(crate) known: HashMap<RecordId, Known>,
    /// Records that the instruction speaks of, in order.
    pub(crate) mentioned: Vec<RecordId>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) facts: Vec<(Fact, Option<ValueSource>)>,
    pub(crate) answer: Vec<String>,
    pub(crate) slots: IndexMap<String, ValueSource>,
    pub(crate) wording: IndexMap<String, IndexMap<String, String>>,
    pub(crate) checks: Vec<Check>,
    /// Steps that it may have.
    pub(crate) budget: usize,
    /// Successful calls so far, for rules that ask about them.
    history: CallHistory,
    /// Whether a step found its operation down.
    pub(crate) has_vain_call: bool,
    /// Requests that policies made harder or forbade.
    pub(crate) traps: u8,
    /// Descriptions that several records would fit but for an attribute.
    pub(crate) ambiguous: u8,
}

impl<'g> Draft<'g> {
    pub(crate) fn new(ground: &'g Ground<'g>, budget: usize) -> Self {
        Self {
            ground,
            session: ground.start.clone(),
            steps: Vec::new(),
            resolved: Vec::new(),
            replies: Vec::new(),
            known: HashMap::new(),
            mentioned: Vec::new(),
            asks: Vec::new(),
            facts: Vec::new(),
            answer: Vec::new(),
            slots: IndexMap::new(),
            wording: IndexMap::new(),
            checks: Vec::new(),
            budget,
            history: CallHistory::default(),
            has_vain_call: false,
            traps: 0,
            ambiguous: 0,
        }
    }

    /// Adds a step and calls it; a read that was made before, with no write since, is not made
    /// again. Gives the step's index.
    pub(crate) fn call(
        &mut self,
        op: &OpView,
        arguments: IndexMap<String, ValueSource>,
        reason: String,
        after: &[usize],
    ) -> Result<usize, Reject> {
        let step = self.step(op, arguments, reason, after);
        let arguments =
            resolve_arguments(&step, &self.replies).map_err(|_| Reject("an argument cannot be read"))?;
        if !step.is_write
            && let Some(earlier) = self.earlier(&op.name, &arguments)
        {
            return Ok(earlier);
        }
        if self.steps.len() >= self.budget {
            return Err(Reject("too many calls"));
        }
        if self.ground.down.contains(&op.name) {
            return Err(Reject("the operation is down"));
        }
        let reply = call_whole(&mut self.session, &op.name, &arguments, step.paging.as_ref())
            .map_err(|_| Reject("a call was refused"))?;
        let values = self.ground.typed(op, &arguments);
        self.history.push(op.index, values.into());
        self.steps.push(step);
        self.resolved.push(arguments);
        self.replies.push(Some(reply));
        Ok(self.steps.len() - 1)
    }

    /// Adds a step that finds the operation down, before the same thing is done another way.
    pub(crate) fn call_in_vain(
        &mut self,
        op: &OpView,
        arguments: IndexMap<String, ValueSource>,
        reason: String,
    ) -> Result<usize, Reject> {
        if self.steps.len() + 1 >= self.budget {
            return Err(Reject("too many calls"));
        }
        let mut step = self.step(op, arguments, reason, &[]);
        step.fails_with = Some("service_down".to_owned());
        step.paging = None;
        let arguments =
            resolve_arguments(&step, &self.replies).map_err(|_| Reject("an argument cannot be read"))?;
        self.has_vain_call = true;
        self.steps.push(step);
        self.resolved.push(arguments);
        self.replies.push(None);
        Ok(self.steps.len() - 1)
    }

    fn step(
        &self,
        op: &OpView,
        arguments: IndexMap<String, ValueSource>,
        reason: String,
        after: &[usize],
    ) -> PlanStep {
        let mut depends_on: Vec<usize> = arguments.values().flat_map(ValueSource::steps).collect();
        depends_on.extend(after);
        depends_on.sort_unstable();
        depends_on.dedup();
        PlanStep {
            operation: op.name.clone(),
            arguments,
            reason,
            depends_on,
            is_write: op.kind.is_write(),
            paging: op.is_lookup().then(|| Paging::of(op.list.clone())),
            fails_with: None,
        }
    }

    /// The same read, if no write came after it.
    fn earlier(&self, operation: &str, arguments: &Json) -> Option<usize> {
        let since = self.steps.iter().rposition(|step| step.is_write).map_or(0, |at| at + 1);
        (since..self.steps.len()).find(|&at| {
            self.steps[at].operation == operation
                && self.steps[at].fails_with.is_none()
                && self.resolved[at] == *arguments
        })
    }

    /// What `source` gives now.
    pub(crate) fn resolve(&self, source: &ValueSource) -> Result<Json, Reject> {
        resolve(source, &self.replies).map_err(|_| Reject("a value cannot be read out of the replies"))
    }

    /// The value of a field of a record as the state is now.
    pub(crate) fn field(&self, record: RecordId, field: u16) -> Value {
        field_of(&self.env(), record, field)
    }

    /// What expressions read now.
    pub(crate) fn env(&self) -> Env<'_> {
        Env {
            schema: self.ground.schema(),
            state: self.session.state(),
            now: self.session.now(),
            calls: &self.history,
        }
    }

    /// The rows of a lookup's reply.
    pub(crate) fn rows(&self, step: usize, op: &OpView) -> &[Json] {
        self.replies[step]
            .as_ref()
            .and_then(|reply| reply.get(&op.list))
            .and_then(Json::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

/// Calls an operation and follows its pages; the error's code where it is refused.
pub(crate) fn call_whole(
    session: &mut WorldSession,
    operation: &str,
    arguments: &Json,
    paging: Option<&Paging>,
) -> Result<Json, String> {
    let mut whole = call_once(session, operation, arguments)?;
    let Some(paging) = paging else { return Ok(whole) };
    for _ in 0..MAX_PAGES {
        let Some(cursor) = paging.next_cursor(&whole).cloned() else { break };
        let mut next = arguments.clone();
        if let Some(object) = next.as_object_mut() {
            object.insert(paging.argument.clone(), cursor);
        }
        let page = call_once(session, operation, &next)?;
        paging.append(&mut whole, page);
    }
    Ok(whole)
}

/// One call; transient errors are tried again a few times.
fn call_once(session: &mut WorldSession, operation: &str, arguments: &Json) -> Result<Json, String> {
    const TRIES: usize = 40;
    let mut code = String::new();
    for _ in 0..TRIES {
        let reply = session.call(operation, arguments);
        let body: Json = serde_json::from_str(&reply.text).unwrap_or(Json::Null);
        if !reply.is_error {
            return Ok(body);
        }
        code = body.pointer("/error/code").and_then(Json::as_str).unwrap_or("error").to_owned();
        if !super::TRANSIENT_CODES.contains(&code.as_str()) {
            break;
        }
    }
    Err(code)
}
