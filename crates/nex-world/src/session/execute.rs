//! Carries out one admitted call: policies, conditions, changes, reply.
//!
//! All or nothing: a refusal in the middle undoes what was changed before it.

use super::arguments::Parsed;
use super::change::Change;
use super::reply::{Refusal, Reply};
use super::search::search;
use crate::expr::{Abort, Env, Frame};
use crate::history::CallHistory;
use crate::json::{write_plain, write_value};
use crate::state::State;
use crate::text::Language;
use crate::world::{Body, Message, MessagePiece, Operation, World};

/// What does not change while a call runs.
pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) operation: &'a Operation,
    pub(super) parsed: &'a Parsed,
    pub(super) seed: u64,
    pub(super) language: Language,
    pub(super) now: i64,
    pub(super) calls: &'a CallHistory,
}

/// Runs the call on `state`, which is as before where the call is refused.
pub(super) fn run(
    run: Run<'_>,
    state: &mut State,
    frame: &mut Frame,
    truncate_to: Option<usize>,
) -> Result<Reply, Refusal> {
    let violations = permit(run.world, run.operation, run.env(state), frame)?;
    if !run.operation.kind.is_write() {
        let env = run.env(state);
        let mut reply = show(run.operation, run.parsed, env, frame, truncate_to)?;
        reply.violations = violations;
        return Ok(reply);
    }
    let mut change = Change::new(&run, state);
    match change.carry_out(frame) {
        Ok(text) => {
            let has_changed = change.has_changed();
            Ok(Reply { text, violations, has_changed, is_truncated: false })
        }
        Err(refusal) => {
            change.undo_all();
            Err(refusal)
        }
    }
}

/// Runs a reading call on a state that must not change.
pub(super) fn read(
    world: &World,
    operation: &Operation,
    parsed: &Parsed,
    env: Env<'_>,
    frame: &mut Frame,
    truncate_to: Option<usize>,
) -> Result<Reply, Refusal> {
    let violations = permit(world, operation, env, frame)?;
    let mut reply = show(operation, parsed, env, frame, truncate_to)?;
    reply.violations = violations;
    Ok(reply)
}

pub(super) fn refuse_abort(abort: Abort) -> Refusal {
    match abort {
        Abort::Overflow => {
            Refusal::new("invalid_argument", "a number leaves the range that the world can hold".to_owned())
        }
        Abort::TooCostly => Refusal::new("too_costly", "the call looks at too many records".to_owned()),
    }
}

/// Policies, then conditions. Gives the unenforced policies that the call breaks.
fn permit(
    world: &World,
    operation: &Operation,
    env: Env<'_>,
    frame: &mut Frame,
) -> Result<Vec<u16>, Refusal> {
    let mut violations = Vec::new();
    for at in &operation.policies {
        let policy = &world.policies[usize::from(*at)];
        for rule in policy.rules.iter().filter(|rule| rule.operation == operation.index) {
            if rule.allow_if.holds(&env, frame).map_err(refuse_abort)? {
                continue;
            }
            if policy.enforce {
                return Err(Refusal::new("policy_violation", fill(&rule.message, env, frame)?));
            }
            violations.push(*at);
        }
    }
    for require in &operation.requires {
        if !require.that.holds(&env, frame).map_err(refuse_abort)? {
            return Err(Refusal::new(require.error.clone(), fill(&require.message, env, frame)?));
        }
    }
    Ok(violations)
}

fn fill(message: &Message, env: Env<'_>, frame: &mut Frame) -> Result<String, Refusal> {
    let mut text = String::new();
    for piece in &message.pieces {
        match piece {
            MessagePiece::Text(words) => text.push_str(words),
            MessagePiece::Hole(program) => {
                let value = program.run(&env, frame).map_err(refuse_abort)?;
                write_plain(&mut text, env.schema, &value);
            }
        }
    }
    Ok(text)
}

fn show(
    operation: &Operation,
    parsed: &Parsed,
    env: Env<'_>,
    frame: &mut Frame,
    truncate_to: Option<usize>,
) -> Result<Reply, Refusal> {
    match (&operation.body, operation.entity) {
        (Body::Search(body), Some(entity)) => {
            search(operation, body, entity, parsed, env, frame, truncate_to)
        }
        _ => {
            if let Some(target) = operation.target {
                frame.set(operation.record_slot, parsed.values[usize::from(target)].clone());
            }
            let mut text = String::with_capacity(256);
            write_record(&mut text, operation, env, frame)?;
            Ok(Reply { text, ..Reply::default() })
        }
    }
}

/// Writes the operation's reply for the record in its slot.
pub(super) fn write_record(
    out: &mut String,
    operation: &Operation,
    env: Env<'_>,
    frame: &mut Frame,
) -> Result<(), Refusal> {
    out.push('{');
    for (at, item) in operation.returns.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&item.prefix);
        let value = item.value.run(&env, frame).map_err(refuse_abort)?;
        write_value(out, env.schema, &value);
    }
    out.push('}');
    Ok(())
}

impl Run<'_> {
    pub(super) fn env<'s>(&'s self, state: &'s State) -> Env<'s> {
        Env { schema: &self.world.schema, state, now: self.now, calls: self.calls }
    }
}
