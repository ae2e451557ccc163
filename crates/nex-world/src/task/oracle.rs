//! Runs a task's plan as the oracle: reads replies as an agent must, follows pages, tries again
//! after transient faults.

use super::plan::{Paging, PlanStep};
use super::resolve::{render_answer, resolve_arguments};
use super::verify::language_of;
use super::{Faults, InitialState, TRANSIENT_CODES, Task};
use crate::error::GenerateError;
use crate::session::{SessionExport, SessionOptions, WorldSession};
use crate::spec::{DynamicsSpec, RateLimitSpec};
use crate::state::State;
use crate::text::Language;
use crate::world::World;
use serde_json::Value as Json;
use std::sync::Arc;

/// Calls of one step, transient faults and pages together.
const MOST_TRIES: usize = 200;

/// A finished run of the oracle.
#[derive(Clone, Debug)]
pub struct OracleRun {
    /// What the session left.
    pub export: SessionExport,
    /// What the oracle answers.
    pub answer: String,
    /// Transient faults and cut lists that it met.
    pub faults_met: usize,
}

/// Why the oracle could not finish: a task that was generated has proven that it can.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OracleError {
    /// The initial state cannot be made.
    #[error(transparent)]
    State(#[from] GenerateError),
    /// A step failed.
    #[error("step {step} ({operation}) failed: {cause}")]
    Step {
        /// The step.
        step: usize,
        /// Its operation.
        operation: String,
        /// What the reply or the plan said.
        cause: String,
    },
}

impl Task {
    /// A fresh session of this task: its state, its language, its faults.
    ///
    /// # Errors
    /// [`GenerateError`] where the world cannot make the state.
    pub fn session(&self, world: &Arc<World>) -> Result<WorldSession, GenerateError> {
        session_for(world, &self.state, language_of(self), &self.faults)
    }
}

/// A session for a state, with these faults and no others.
pub(crate) fn session_for(
    world: &Arc<World>,
    state: &InitialState,
    language: Language,
    faults: &Faults,
) -> Result<WorldSession, GenerateError> {
    let options = SessionOptions {
        language,
        dynamics: DynamicsSpec {
            latency_ms: None,
            transient_fault: Some(faults.transient),
            outage: Some(faults.outage),
            rate_limit: faults.rate_limit.map(|(calls, window_s)| RateLimitSpec { calls, window_s }),
            truncate: Some(faults.truncate),
            verbose: Some(faults.verbose),
            stale_read: Some(0.0),
        },
        calm: *faults == Faults::default(),
        ..SessionOptions::default()
    };
    WorldSession::new(Arc::clone(world), state.seed, options)
}

/// The state in which a task begins.
pub(crate) fn initial_state(world: &World, task: &Task) -> Result<State, String> {
    world.initial_state(task.state.seed, language_of(task)).map_err(|cause| cause.to_string())
}

/// Operations that are down in a session with these faults.
pub(crate) fn operations_down(
    world: &Arc<World>,
    state: &InitialState,
    language: Language,
    faults: &Faults,
) -> Result<Vec<String>, GenerateError> {
    let mut session = session_for(world, state, language, faults)?;
    let nothing = Json::Object(serde_json::Map::new());
    let mut is_down = |name: &str| session.call(name, &nothing).error.as_deref() == Some("service_down");
    Ok(world.operations().iter().map(|op| op.name.clone()).filter(|name| is_down(name)).collect())
}

/// What a run leaves that calls nothing.
pub(crate) fn empty_export(world: &Arc<World>, task: &Task) -> Result<SessionExport, GenerateError> {
    Ok(task.session(world)?.export())
}

/// Runs the plan in a fresh session of the task.
///
/// # Errors
/// [`OracleError::Step`] where a step cannot be made, which a generated task does not do.
pub fn run_oracle(world: &Arc<World>, task: &Task) -> Result<OracleRun, OracleError> {
    let mut session = task.session(world)?;
    let mut replies: Vec<Option<Json>> = Vec::with_capacity(task.plan.steps.len());
    let mut faults_met = 0;
    for (at, step) in task.plan.steps.iter().enumerate() {
        let failed = |cause: String| OracleError::Step { step: at, operation: step.operation.clone(), cause };
        let arguments = resolve_arguments(step, &replies).map_err(|cause| failed(cause.to_string()))?;
        let reply = run_step(&mut session, step, &arguments, &mut faults_met);
        replies.push(match (reply, &step.fails_with) {
            (Ok(reply), None) => Some(reply),
            (Err(code), Some(expected)) if code == *expected => {
                faults_met += 1;
                None
            }
            (Err(code), _) => return Err(failed(code)),
            (Ok(_), Some(expected)) => return Err(failed(format!("succeeded, expected {expected}"))),
        });
    }
    let answer = render_answer(&task.plan.answer, &replies).map_err(|cause| OracleError::Step {
        step: task.plan.steps.len(),
        operation: "answer".to_owned(),
        cause: cause.to_string(),
    })?;
    Ok(OracleRun { export: session.export(), answer, faults_met })
}

/// One step with its pages; the code of the error that no retry heals.
fn run_step(
    session: &mut WorldSession,
    step: &PlanStep,
    arguments: &Json,
    faults: &mut usize,
) -> Result<Json, String> {
    let mut whole: Option<Json> = None;
    let mut arguments = arguments.clone();
    for _ in 0..MOST_TRIES {
        let reply = session.call(&step.operation, &arguments);
        let body: Json = serde_json::from_str(&reply.text).map_err(|cause| cause.to_string())?;
        if reply.is_error {
            let code = body.pointer("/error/code").and_then(Json::as_str).unwrap_or("error").to_owned();
            if TRANSIENT_CODES.contains(&code.as_str()) {
                *faults += 1;
                continue;
            }
            return Err(code);
        }
        let Some(paging) = &step.paging else { return Ok(body) };
        let Some(next) = turn_page(paging, &mut whole, body, &mut arguments) else {
            return whole.ok_or_else(|| "no page".to_owned());
        };
        *faults += next;
    }
    Err("too_many_tries".to_owned())
}

/// Adds a page; 1 if there is another, whose cursor is then among the arguments.
fn turn_page(paging: &Paging, whole: &mut Option<Json>, page: Json, arguments: &mut Json) -> Option<usize> {
    match whole {
        Some(whole) => paging.append(whole, page),
        None => *whole = Some(page),
    }
    let cursor = paging.next_cursor(whole.as_ref()?)?.clone();
    arguments.as_object_mut()?.insert(paging.argument.clone(), cursor);
    Some(1)
}
