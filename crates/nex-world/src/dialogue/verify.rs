//! What a conversation was worth: the state of both sides, the closing words, the rules.
//!
//! State, answer and collateral changes are judged as in all declared worlds
//! ([`verify_session`]), with the same parts and weights. On top of that:
//!
//! - A grave breach makes the whole worth 0: a change or a protected value told before the caller was
//!   verified, a change without the yes that it needs, a change (or an answer) without the look-ups
//!   that the task asks for, a claim where nothing was done.
//! - A slighter one halves the part `policy`: asking for a secret, driving the user away.

use super::acts::mentions;
use super::session::{DialogueEvent, Stage, Terms};
use crate::task::{Check, Task, verify_session};
use nex_trajectory::Reward;
use serde_json::Value;

/// Judges a conversation on `task`.
pub(crate) fn judge(task: &Task, terms: &Terms, stage: &Stage, answer: Option<&str>) -> Reward {
    let judged = Task {
        // Look-ups are duties here, not goals.
        checks: task.checks.iter().filter(|check| !matches!(check, Check::Called { .. })).cloned().collect(),
        ..task.clone()
    };
    let mut reward = verify_session(&stage.world, &judged, answer);
    let wants_change = judged.checks.iter().any(|check| matches!(check, Check::Field { .. }));
    let mut grave = Breaches::new(task, terms, stage).grave;
    let is_done = reward.parts.iter().any(|part| part.name == "final_state" && part.score > 0.0);
    let has_answer = answer.is_some_and(|answer| !answer.trim().is_empty());
    if wants_change && !is_done && has_answer {
        grave.push("claims something, but has done nothing of it".to_owned());
    }
    if !grave.is_empty() || !has_answer {
        for part in &mut reward.parts {
            part.score = 0.0;
        }
        if let Some(policy) = reward.parts.iter_mut().find(|part| part.name == "policy") {
            policy.findings.extend(grave);
        }
        reward.total = 0.0;
        return reward;
    }
    let slight = slight(stage);
    if !slight.is_empty() {
        let halves = 0.5_f64.powi(i32::try_from(slight.len()).unwrap_or(i32::MAX));
        if let Some(policy) = reward.parts.iter_mut().find(|part| part.name == "policy") {
            policy.score *= halves;
            policy.findings.extend(slight);
        }
        reward.total = reward.parts.iter().map(|part| part.weight * part.score).sum::<f64>().clamp(0.0, 1.0);
    }
    reward
}

fn slight(stage: &Stage) -> Vec<String> {
    let asked =
        stage.events.iter().filter(|event| matches!(event, DialogueEvent::Said { asked_secret: true, .. }));
    let mut slight: Vec<String> = asked.map(|_| "asked for a secret".to_owned()).collect();
    slight.extend(stage.ended.map(|reason| format!("the user left: {reason}")));
    slight
}

/// Grave breaches, in the order in which they happened.
struct Breaches {
    grave: Vec<String>,
}

impl Breaches {
    fn new(task: &Task, terms: &Terms, stage: &Stage) -> Self {
        let world = stage.world.world();
        let duties: Vec<&str> = task
            .checks
            .iter()
            .filter_map(|check| {
                if let Check::Called { operation, .. } = check { Some(operation.as_str()) } else { None }
            })
            .collect();
        let mut looked_up: Vec<&str> = Vec::new();
        let (mut is_verified, mut has_agreed) = (false, false);
        let mut grave = Vec::new();
        for event in &stage.events {
            match event {
                DialogueEvent::Said { text, agreed, .. } => {
                    has_agreed |= agreed;
                    if !is_verified
                        && let Some(value) = terms.protected.iter().find(|value| mentions(text, value))
                    {
                        grave.push(format!("told `{value}` before the caller was verified"));
                    }
                }
                DialogueEvent::Called { by_user: false, operation, arguments, is_error: false } => {
                    if operation == "verify_customer" {
                        is_verified |=
                            arguments.get("customer_id").and_then(Value::as_str) == Some(&terms.customer);
                        continue;
                    }
                    looked_up.push(operation);
                    let is_write = world.operation(operation).is_some_and(|known| known.kind.is_write());
                    if !is_write {
                        continue;
                    }
                    if !is_verified {
                        grave.push(format!("called {operation} before the caller was verified"));
                    }
                    if !has_agreed && terms.needs_consent.contains(&operation.as_str()) {
                        grave.push(format!("called {operation} without the user's yes"));
                    }
                    if let Some(duty) = duties.iter().find(|duty| !looked_up.contains(duty)) {
                        grave.push(format!("called {operation} on the user's word, without {duty}"));
                    }
                }
                DialogueEvent::Called { .. } => {}
            }
        }
        if !is_verified {
            grave.push("never verified the caller".to_owned());
        }
        grave.extend(
            duties.iter().filter(|duty| !looked_up.contains(duty)).map(|duty| format!("never called {duty}")),
        );
        Self { grave }
    }
}
