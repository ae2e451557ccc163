//! [`Coordinator`]: the agent of a team that has no tools of the world and hands out the work.

use super::facts::Values;
use super::player::render_with;
use super::{Production, Utterance};
use nex_agent::AGENT_TOOL;
use nex_trajectory::{Message, Role, ToolResult};
use serde_json::json;
use std::sync::Arc;

/// The agent of a team that hands out the work.
pub(crate) struct Coordinator {
    production: Arc<Production>,
    /// What its sub-agents reported.
    values: Values,
    next_job: usize,
    pending: Option<usize>,
    gave_up: Option<String>,
    seen: usize,
}

impl Coordinator {
    pub(crate) fn new(production: Arc<Production>) -> Self {
        Self { production, values: Values::new(), next_job: 0, pending: None, gave_up: None, seen: 0 }
    }

    /// Reads what is new in `messages`.
    pub(crate) fn read(&mut self, messages: &[Arc<Message>]) {
        for message in messages.iter().skip(self.seen) {
            if message.role == Role::Tool {
                message.results().for_each(|result| self.take_report(result));
            }
        }
        self.seen = messages.len();
    }

    fn take_report(&mut self, result: &ToolResult) {
        let Some(job) = self.pending.take() else { return };
        let production = self.production.clone();
        let job = &production.script.jobs[job];
        let found = production.script.facts.read(&result.text(), &mut self.values);
        let is_complete = job.report.iter().all(|fact| found.contains(fact));
        if result.is_error || !is_complete {
            self.gave_up = Some(production.words.no_help(job.agent));
        }
    }

    /// Its next message: one delegation, or the answer.
    pub(crate) fn speak(&mut self) -> Utterance {
        let production = self.production.clone();
        let words = production.words;
        if let Some(cause) = &self.gave_up {
            return Utterance::text(words.give_up(cause));
        }
        let number = self.next_job;
        let Some(job) = production.script.jobs.get(number) else {
            let plan = &production.task.plan;
            let answer = render_with(&plan.answer, &self.values, &vec![None; plan.steps.len()]);
            return Utterance::text(answer.unwrap_or_else(|_| words.give_up(&words.missing())));
        };
        self.next_job += 1;
        self.pending = Some(number);
        let is_first = production.script.jobs[..number].iter().all(|earlier| earlier.agent != job.agent);
        let message = self.order(number, is_first);
        production.note_order(&message, number);
        let mut arguments = json!({"sub_agent_name": job.agent, "message": message});
        if !is_first {
            // The same conversation goes on: it holds the replies that were read before.
            arguments["sub_agent_id"] = format!("{}-1", job.agent).into();
        }
        Utterance {
            text: words.delegate(job.agent),
            calls: vec![(format!("call_{}", number + 1), AGENT_TOOL.to_owned(), arguments.to_string())],
        }
    }

    /// All that a sub-agent needs to know for job `number`: calls with their values, facts found
    /// by others, and what to report.
    fn order(&self, number: usize, is_first: bool) -> String {
        let production = &self.production;
        let (words, job) = (production.words, &production.script.jobs[number]);
        let facts = &production.script.facts;
        let mut lines = vec![words.order_head(is_first).to_owned()];
        for (place, step) in job.steps.iter().enumerate() {
            let step = &production.task.plan.steps[*step];
            let arguments: Vec<String> = step
                .arguments
                .iter()
                .map(|(name, source)| format!("{name} = {}", words.argument(source, &self.values)))
                .collect();
            let with = if arguments.is_empty() { "" } else { words.with() };
            lines.push(format!("{}. {}{with}{}", place + 1, step.operation, arguments.join(", ")));
        }
        if !job.known.is_empty() {
            lines.push(words.known_head().to_owned());
            for fact in &job.known {
                if let Some(value) = self.values.get(&facts.get(*fact).key) {
                    lines.push(facts.line(*fact, value));
                }
            }
        }
        if !job.report.is_empty() {
            lines.push(words.report_head().to_owned());
            lines.extend(job.report.iter().map(|fact| words.wanted(facts.get(*fact), &self.values)));
        }
        lines.join("\n")
    }
}
