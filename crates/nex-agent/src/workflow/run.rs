//! Running the stages: agents, sequences, routers and loops; `fan.rs` and `vote.rs` hold the rest.
//!
//! In: a stage, the place it stands at, what is known. Out: more known and more in the log, or the
//! reason why the workflow ends. Every stage's run ends by the limits of its agent and of the
//! whole at the latest; every construct is bounded by its own maximum.

use super::CompiledWorkflow;
use super::label::find_label;
use super::memory::{DEFAULT_INSTRUCTION, Memory};
use super::record::{Log, WorkflowEvent};
use super::spec::{Assignment, Chooser, LoopUntil, Router, Work, WorkflowStage};
use crate::run::{Scope, run_in};
use nex_trajectory::{Defect, DefectKind, InfraFailure, Role, StopReason, TrajectoryId};
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;

/// What a router's agent is told if it has no instruction of its own.
const ROUTER_INSTRUCTION: &str = "{{ task }}{% if previous %}\n\nThe stage before you reported:\n{{ previous }}{% endif %}\n\n\nEnd with a line that holds only one of these labels: {{ labels | join(', ') }}";

/// The branch of a router that no label names, in ids and answers.
pub(super) const OTHERWISE: &str = "otherwise";

/// Done, or why the workflow ends.
pub(super) type Flow<T> = Result<T, StopReason>;

pub(super) type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One run of a workflow.
pub(super) struct Runner<'a> {
    pub(super) workflow: &'a CompiledWorkflow,
    pub(super) outer: &'a Scope,
}

impl Runner<'_> {
    /// Runs `stages` at `place`. Gives the last answer, none if no stage gave one.
    pub(super) async fn stages(
        &self,
        stages: &[WorkflowStage],
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Option<String>> {
        let had_answer = std::mem::replace(&mut memory.has_answer, false);
        for stage in stages {
            self.stage(stage, place, memory, log).await?;
        }
        let has_answer = memory.has_answer;
        memory.has_answer |= had_answer;
        Ok(has_answer.then(|| memory.previous.clone()))
    }

    /// Runs one stage within `around`. Boxed, because stages hold stages.
    pub(super) fn stage<'s>(
        &'s self,
        stage: &'s WorkflowStage,
        around: &'s str,
        memory: &'s mut Memory,
        log: &'s mut Log,
    ) -> Running<'s, Flow<()>> {
        Box::pin(async move {
            let place = join(around, &stage.name);
            if let Some(when) = &stage.when
                && !self.holds(when, &place, memory)?
            {
                log.event(WorkflowEvent::Skipped { stage: place, when: when.clone() });
                return Ok(());
            }
            let before = stage.is_optional.then(|| memory.clone());
            match self.work(stage, &place, memory, log).await {
                Ok(written) => {
                    if let (Some(key), Some(value)) = (&stage.writes, written) {
                        memory.write(key, value, stage.is_appending);
                    }
                    Ok(())
                }
                Err(stop) => match before {
                    // A broken environment or a cancelled run is nothing to do without.
                    Some(before) if !stop.is_infra() => {
                        *memory = before;
                        log.event(WorkflowEvent::Passed { stage: place, stop: stop.name().to_owned() });
                        Ok(())
                    }
                    _ => Err(stop),
                },
            }
        })
    }

    /// Does the work of `stage`, notes its answer and gives what it writes.
    async fn work(
        &self,
        stage: &WorkflowStage,
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Option<Value>> {
        let answer = match &stage.work {
            Work::Agent(assignment) => {
                Some(self.assignment(assignment, &stage.name, place, DEFAULT_INSTRUCTION, memory, log).await?)
            }
            Work::Sequence(stages) => self.stages(stages, place, memory, log).await?,
            Work::Router(router) => return self.route(router, &stage.name, place, memory, log).await,
            Work::Loop(rounds) => self.repeat(rounds, place, memory, log).await?,
            Work::Parallel(parallel) => return self.fork(parallel, &stage.name, place, memory, log).await,
            Work::Map(map) => return self.map(map, &stage.name, place, memory, log).await,
            Work::Vote(vote) => Some(self.vote(vote, &stage.name, place, memory, log).await?),
        };
        Ok(answer.map(|answer| {
            memory.answer(&stage.name, answer.clone());
            Value::from(answer)
        }))
    }

    /// Runs the agent that works at `key`, told what `assignment` or `default` says.
    pub(super) async fn assignment(
        &self,
        assignment: &Assignment,
        key: &str,
        place: &str,
        default: &str,
        memory: &Memory,
        log: &mut Log,
    ) -> Flow<String> {
        let template = assignment.instruction.as_deref().unwrap_or(default);
        let instruction = memory
            .render(&self.workflow.engine, template)
            .map_err(|cause| self.broken("prompt_failed", place, &cause))?;
        let agent = self.workflow.agents.get(key).expect("every assignment was compiled");
        let mut scope = self.outer.below(&agent.compiled, place, Vec::new());
        scope.id = TrajectoryId::new(format!("{}/{place}", self.outer.id));
        // A stage is no sub-agent.
        scope.depth = 0;
        let run = run_in(agent, &instruction, scope).await;
        let (stop, answer) = (run.stop.clone(), run.answer.clone());
        log.run(run);
        match answer {
            Some(answer) if stop.is_answer() => Ok(answer),
            _ => Err(stop),
        }
    }

    async fn route(
        &self,
        router: &Router,
        name: &str,
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Option<Value>> {
        let labels: Vec<&str> = router.branches.iter().map(|branch| branch.label.as_str()).collect();
        let said = match &router.chooser {
            Chooser::Agent(assignment) => {
                let mut told = memory.clone();
                told.locals.insert("labels", labels.clone().into());
                self.assignment(assignment, name, place, ROUTER_INSTRUCTION, &told, log).await?
            }
            Chooser::Rule(rule) => self.evaluate(rule, place, memory)?.to_string(),
        };
        let chosen = find_label(&said, &labels).map(|index| &router.branches[index]);
        let (label, branch) = match (chosen, &router.otherwise) {
            (Some(branch), _) => (branch.label.as_str(), &branch.stage),
            (None, Some(otherwise)) => (OTHERWISE, &**otherwise),
            (None, None) => {
                let cause = format!("`{}` names none of the branches: {}", excerpt(&said), labels.join(", "));
                if matches!(router.chooser, Chooser::Agent(_)) {
                    blame(log, &cause);
                }
                return Err(StopReason::DeadEnd { stage: place.to_owned(), cause });
            }
        };
        let label_chosen = chosen.map(|branch| branch.label.clone());
        log.event(WorkflowEvent::Routed { stage: place.to_owned(), label: label_chosen });
        // The label is known to the branch, but what it works on is the answer before the router.
        memory.answers.insert(name.to_owned(), label.to_owned());
        self.stage(branch, &format!("{place}[{label}]"), memory, log).await?;
        Ok(Some(Value::from(label)))
    }

    async fn repeat(
        &self,
        rounds: &LoopUntil,
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Option<String>> {
        let outer_round = memory.locals.get("round").cloned();
        let mut answer = None;
        let mut ending = (rounds.max_rounds, "max_rounds");
        for round in 1..=rounds.max_rounds {
            memory.locals.insert("round", round.into());
            let said = self.stages(&rounds.stages, &format!("{place}[{round}]"), memory, log).await?;
            answer = said.or(answer);
            if self.holds(&rounds.until, place, memory)? {
                ending = (round, "condition");
                break;
            }
        }
        match outer_round {
            Some(round) => memory.locals.insert("round", round),
            None => memory.locals.shift_remove("round"),
        };
        log.event(WorkflowEvent::Looped {
            stage: place.to_owned(),
            rounds: ending.0,
            stop: ending.1.to_owned(),
        });
        Ok(match &rounds.answer {
            Some(stage) => memory.answers.get(stage).cloned(),
            None => answer,
        })
    }

    pub(super) fn holds(&self, condition: &str, place: &str, memory: &Memory) -> Flow<bool> {
        let held = memory.holds(&self.workflow.engine, condition);
        held.map_err(|cause| self.broken("condition_failed", place, &format!("`{condition}`: {cause}")))
    }

    pub(super) fn evaluate(&self, expression: &str, place: &str, memory: &Memory) -> Flow<minijinja::Value> {
        let value = memory.evaluate(&self.workflow.engine, expression);
        value.map_err(|cause| self.broken("condition_failed", place, &format!("`{expression}`: {cause}")))
    }

    /// The file asks for what cannot be rendered: no model is to blame.
    fn broken(&self, kind: &str, place: &str, cause: &str) -> StopReason {
        StopReason::Infra(InfraFailure {
            kind: kind.to_owned(),
            message: format!("workflow `{}`, stage `{place}`: {cause}", self.workflow.spec.name),
        })
    }
}

/// Notes a defect on the reply that the latest run ended with.
pub(super) fn blame(log: &mut Log, cause: &str) {
    let Some(run) = log.last_run() else { return };
    let reply =
        run.nodes.iter_mut().rev().find(|node| node.message.role == Role::Assistant && !node.is_synthetic);
    if let Some(reply) = reply {
        reply.defects.push(Defect::new(DefectKind::SchemaViolation, cause));
    }
}

/// The start of what an agent said, on one line, for messages.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The place of stage `name` within `around`.
pub(super) fn join(around: &str, name: &str) -> String {
    if around.is_empty() { name.to_owned() } else { format!("{around}/{name}") }
}
