//! [`Player`]: one agent that does its steps of the plan with tools.
//!
//! In: the messages of its own transcript, as they come. Out: its next message. It knows the plan,
//! but takes every looked-up value from replies and facts that its own transcript holds.

use super::dials::{Form, Mistake};
use super::facts::{SourceKey, Values, substitute, write_value};
use super::reply::{Reading, is_empty, is_transient, read};
use super::script::needs;
use super::slips::{variation, wrong_value};
use super::{Production, Utterance};
use nex_trajectory::{Message, ToolResult};
use nex_world::task::AnswerPlan;
use nex_world::task::{ResolveError, ValueSource, render_answer, resolve};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Calls in one message.
const MAX_PARALLEL: usize = 6;
/// How often a call is made again after a fault that may pass.
const MAX_RETRIES: u32 = 16;
/// Calls of a shallow exploration.
const VARIATIONS: u32 = 3;

/// What an agent's last message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The answer to the task.
    Answer,
    /// The facts it was to report.
    Report,
}

/// One agent that does its steps of the plan with tools.
pub(crate) struct Player {
    production: Arc<Production>,
    ending: Ending,
    steps: Vec<usize>,
    report: Vec<usize>,
    /// What it was told or had from its own slips, over what replies say.
    values: Values,
    replies: Vec<Option<Value>>,
    states: Vec<StepState>,
    pending: Vec<Pending>,
    next: Vec<Next>,
    /// Steps whose call would be the same as one already on its way, with that one's step.
    twins: Vec<(usize, usize)>,
    skipped: Vec<usize>,
    has_looked_again: bool,
    gave_up: Option<String>,
    seen: usize,
    calls: usize,
    /// What it does is not common knowledge.
    is_quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepState {
    Waiting,
    Running,
    Done,
    Failed,
}

/// A call that has no result yet.
struct Pending {
    call_id: String,
    step: usize,
    arguments: Value,
    purpose: Purpose,
    attempt: u32,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The step's own call.
    Step,
    /// A further page of its list.
    Page,
    /// A slip that will be noticed when its result is there.
    Slip,
    /// A call that is expected to lead nowhere, and its number.
    Variation,
    /// The step's call again, to read its reply with care.
    SecondLook,
}

/// A call to make in the next message.
struct Next {
    step: usize,
    arguments: Value,
    purpose: Purpose,
    attempt: u32,
    reason: String,
}

impl Player {
    pub(crate) fn new(production: Arc<Production>, ending: Ending) -> Self {
        let count = production.task.plan.steps.len();
        Self {
            production,
            ending,
            steps: Vec::new(),
            report: Vec::new(),
            values: Values::new(),
            replies: vec![None; count],
            states: vec![StepState::Waiting; count],
            pending: Vec::new(),
            next: Vec::new(),
            twins: Vec::new(),
            skipped: Vec::new(),
            has_looked_again: false,
            gave_up: None,
            seen: 0,
            calls: 0,
            is_quiet: false,
        }
    }

    /// Whether its steps stay its own: others do them all the same.
    pub(crate) fn keep_quiet(&mut self, is_quiet: bool) {
        self.is_quiet = is_quiet;
    }

    /// Takes on `steps`; what it has to do stays in the order of the plan.
    pub(crate) fn take_steps(&mut self, steps: &[usize]) {
        self.steps.extend(steps);
        self.steps.sort_unstable();
    }

    /// Whether `step` is one of its own.
    pub(crate) fn has_taken(&self, step: usize) -> bool {
        self.steps.contains(&step)
    }

    /// Whether it has calls to make or to wait for.
    pub(crate) fn is_busy(&self) -> bool {
        !self.next.is_empty() || !self.pending.is_empty()
    }

    /// Whether `step` is its own and over, well or badly.
    pub(crate) fn is_over(&self, step: usize) -> bool {
        matches!(self.states[step], StepState::Done | StepState::Failed)
    }

    /// Whether it holds the reply of `step`, all pages of it.
    pub(crate) fn has_whole_reply(&self, step: usize) -> bool {
        self.states[step] == StepState::Done && self.replies[step].is_some()
    }

    /// Whether it made the change of `step`.
    pub(crate) fn has_written(&self, step: usize) -> bool {
        self.production.task.plan.steps[step].is_write && self.states[step] == StepState::Done
    }

    /// The values that it was told.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The replies that it has, by step.
    pub(crate) fn replies(&self) -> &[Option<Value>] {
        &self.replies
    }

    /// Reads the facts that stand in `text`; the numbers of those found.
    pub(crate) fn learn(&mut self, text: &str) -> Vec<usize> {
        let production = self.production.clone();
        production.script.facts.read(text, &mut self.values)
    }

    /// Why it cannot go on.
    pub(crate) fn cause_of_giving_up(&self) -> Option<&str> {
        self.gave_up.as_deref()
    }

    /// `step` is in `state`; what is over is common knowledge.
    fn settle(&mut self, step: usize, state: StepState) {
        self.states[step] = state;
        if !self.is_quiet && matches!(state, StepState::Done | StepState::Failed) {
            self.production.note_done(step);
        }
    }

    /// Takes on job number `job`.
    pub(crate) fn take_on(&mut self, job: usize) {
        let production = self.production.clone();
        let job = &production.script.jobs[job];
        self.steps.extend(&job.steps);
        self.report = job.report.clone();
    }

    /// Reads what is new in `messages`; `on_order` is told the text of each user message and gives
    /// the job that it orders.
    pub(crate) fn read(&mut self, messages: &[Arc<Message>], on_order: impl Fn(&str) -> Option<usize>) {
        let production = self.production.clone();
        for message in messages.iter().skip(self.seen) {
            match message.role {
                nex_trajectory::Role::User => {
                    let text = message.text();
                    production.script.facts.read(&text, &mut self.values);
                    if let Some(job) = on_order(&text) {
                        self.take_on(job);
                    }
                }
                nex_trajectory::Role::Tool => message.results().for_each(|result| self.take_result(result)),
                nex_trajectory::Role::System | nex_trajectory::Role::Assistant => {}
            }
        }
        self.seen = messages.len();
        self.settle_twins();
    }

    /// Its next message.
    pub(crate) fn speak(&mut self) -> Utterance {
        if let Some(utterance) = self.next_calls() {
            return utterance;
        }
        if let Some(cause) = &self.gave_up {
            return Utterance::text(self.production.words.give_up(cause));
        }
        self.finish()
    }

    /// The calls that it makes next; none where all is over, or it has given up.
    pub(crate) fn next_calls(&mut self) -> Option<Utterance> {
        if self.gave_up.is_none() && self.next.is_empty() {
            self.plan_fresh_calls();
        }
        if self.gave_up.is_some() || self.next.is_empty() {
            return None;
        }
        let mut utterance = Utterance::default();
        for next in std::mem::take(&mut self.next) {
            self.calls += 1;
            let call_id = format!("call_{}", self.calls);
            if !utterance.text.contains(&next.reason) {
                if !utterance.text.is_empty() {
                    utterance.text.push(' ');
                }
                utterance.text.push_str(&next.reason);
            }
            let operation = self.production.task.plan.steps[next.step].operation.clone();
            utterance.calls.push((call_id.clone(), operation, next.arguments.to_string()));
            self.states[next.step] = StepState::Running;
            let Next { step, arguments, purpose, attempt, .. } = next;
            self.pending.push(Pending { call_id, step, arguments, purpose, attempt });
        }
        Some(utterance)
    }

    /// Plans the calls of the steps that can go now: all reads at once, else one write.
    fn plan_fresh_calls(&mut self) {
        let production = self.production.clone();
        let plan = &production.task.plan;
        let mut reads = Vec::new();
        let mut write = None;
        for index in self.steps.clone() {
            if self.states[index] != StepState::Waiting || !self.is_ready(index) {
                continue;
            }
            if self.skips(index) {
                continue;
            }
            match plan.steps[index].is_write {
                false if reads.len() < MAX_PARALLEL => reads.push(index),
                true if write.is_none() => write = Some(index),
                _ => {}
            }
        }
        let chosen = if reads.is_empty() { write.into_iter().collect() } else { reads };
        let has_chosen = !chosen.is_empty();
        for step in chosen {
            self.plan_call(step);
            if self.gave_up.is_some() {
                return;
            }
        }
        if has_chosen && self.next.is_empty() {
            // All of them turned out to be impossible: the steps behind them may be possible.
            self.plan_fresh_calls();
        }
    }

    fn is_ready(&self, step: usize) -> bool {
        let is_over = |need: usize| matches!(self.states[need], StepState::Done | StepState::Failed);
        needs(&self.production.task.plan.steps[step])
            .into_iter()
            .all(|need| !self.steps.contains(&need) || is_over(need))
    }

    /// Whether `step` is taken for done by mistake.
    fn skips(&mut self, step: usize) -> bool {
        let Some(mistake) = self.production.play(step, |form| matches!(form, Form::SkippedWrite)) else {
            return false;
        };
        self.settle(step, StepState::Done);
        if mistake.recovers {
            self.skipped.push(step);
        }
        true
    }

    /// Plans the call of `step`, right or, where a mistake is due, wrong.
    fn plan_call(&mut self, step: usize) {
        let production = self.production.clone();
        let plan_step = &production.task.plan.steps[step];
        let right = match self.arguments(step) {
            Ok(arguments) => arguments,
            Err(_) if production.has_played() => {
                // The consequence of an earlier mistake: this cannot be done any more.
                self.settle(step, StepState::Failed);
                return;
            }
            Err(_) => {
                self.gave_up = Some(production.words.missing());
                return;
            }
        };
        let reason = plan_step.reason.clone();
        let is_wrong = |form: &Form| matches!(form, Form::WrongArgument { .. });
        if let Some(mistake) = production.play(step, is_wrong) {
            return self.plan_wrong_call(step, &mistake, right, reason);
        }
        let varies = |form: &Form| matches!(form, Form::Variations { .. });
        if let Some(mistake) = production.play(step, varies) {
            let arguments = varied(&right, &mistake, 0);
            self.next.push(Next { step, arguments, purpose: Purpose::Variation, attempt: 0, reason });
            return;
        }
        let steps = &production.task.plan.steps;
        let is_same = |next: &&Next| {
            next.purpose == Purpose::Step
                && steps[next.step].operation == plan_step.operation
                && next.arguments == right
        };
        if !plan_step.is_write
            && let Some(twin) = self.next.iter().find(is_same)
        {
            self.twins.push((step, twin.step));
            self.states[step] = StepState::Running;
            return;
        }
        self.next.push(Next { step, arguments: right, purpose: Purpose::Step, attempt: 0, reason });
    }

    /// Gives steps that shared another one's call what it brought.
    fn settle_twins(&mut self) {
        let (over, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.twins).into_iter().partition(|(_, twin)| self.is_over(*twin));
        self.twins = waiting;
        for (step, twin) in over {
            self.settle(step, self.states[twin]);
            self.replies[step] = self.replies[twin].clone();
        }
    }

    fn plan_wrong_call(&mut self, step: usize, mistake: &Mistake, right: Value, reason: String) {
        let production = self.production.clone();
        let Form::WrongArgument { argument } = &mistake.form else { return };
        let source = &production.task.plan.steps[step].arguments[argument];
        let value = right.get(argument).cloned().unwrap_or_default();
        let wrong = wrong_value(&substitute(source, &self.values), &value, &self.replies);
        let mut arguments = right;
        arguments[argument.as_str()] = wrong.clone();
        let purpose = if mistake.recovers { Purpose::Slip } else { Purpose::Step };
        if !mistake.recovers && !matches!(source, ValueSource::Literal { .. }) {
            self.values.insert(SourceKey::of(source), wrong);
        }
        self.next.push(Next { step, arguments, purpose, attempt: 0, reason });
    }

    fn arguments(&self, step: usize) -> Result<Value, ResolveError> {
        let mut object = Map::new();
        for (name, source) in &self.production.task.plan.steps[step].arguments {
            let value = self.value_of(source)?;
            if !value.is_null() {
                object.insert(name.clone(), value);
            }
        }
        Ok(Value::Object(object))
    }

    /// The value of `source`, from what it was told and from its replies.
    pub(crate) fn value_of(&self, source: &ValueSource) -> Result<Value, ResolveError> {
        if self.values.is_empty() {
            return resolve(source, &self.replies);
        }
        resolve(&substitute(source, &self.values), &self.replies)
    }

    fn take_result(&mut self, result: &ToolResult) {
        let Some(at) = self.pending.iter().position(|pending| pending.call_id == result.call_id.as_str())
        else {
            return;
        };
        let pending = self.pending.remove(at);
        let reading = read(result);
        match pending.purpose {
            Purpose::Step | Purpose::Page | Purpose::SecondLook => self.take_step(pending, reading),
            Purpose::Slip => self.notice(&pending),
            Purpose::Variation => self.take_variation(pending, reading),
        }
    }

    fn take_step(&mut self, pending: Pending, reading: Reading) {
        let production = self.production.clone();
        let plan_step = &production.task.plan.steps[pending.step];
        let words = production.words;
        match reading {
            Reading::Reply(reply) => self.take_reply(pending, reply),
            Reading::Refused { code } if is_transient(&code) && pending.attempt < MAX_RETRIES => {
                let reason = words.retry(&plan_step.operation, &code);
                let Pending { step, arguments, purpose, attempt, .. } = pending;
                self.next.push(Next { step, arguments, purpose, attempt: attempt + 1, reason });
            }
            Reading::Refused { code } if plan_step.fails_with.as_deref() == Some(&code) => {
                self.settle(pending.step, StepState::Failed);
            }
            Reading::Refused { .. } if production.has_played() => {
                self.settle(pending.step, StepState::Failed);
            }
            Reading::Refused { code } => {
                self.gave_up = Some(words.failed_call(&plan_step.operation, &code));
            }
        }
    }

    fn take_reply(&mut self, pending: Pending, reply: Value) {
        let production = self.production.clone();
        let step = pending.step;
        let plan_step = &production.task.plan.steps[step];
        let cursor = plan_step.paging.as_ref().and_then(|paging| paging.next_cursor(&reply)).cloned();
        match (&plan_step.paging, &mut self.replies[step], pending.purpose) {
            (Some(paging), Some(whole), Purpose::Page) => paging.append(whole, reply),
            (_, place, _) => *place = Some(reply),
        }
        if let (Some(paging), Some(cursor)) = (&plan_step.paging, cursor) {
            let mut arguments = pending.arguments;
            arguments[paging.argument.as_str()] = cursor;
            let reason = production.words.next_page(&plan_step.operation);
            self.next.push(Next { step, arguments, purpose: Purpose::Page, attempt: 0, reason });
            // Not done before the last page is there.
            self.states[step] = StepState::Running;
        } else {
            self.settle(step, StepState::Done);
        }
    }

    /// A slip has its result: it is noticed and repaired.
    fn notice(&mut self, slip: &Pending) {
        let production = self.production.clone();
        let Ok(arguments) = self.arguments(slip.step) else {
            self.gave_up = Some(production.words.missing());
            return;
        };
        let differing = arguments
            .as_object()
            .into_iter()
            .flatten()
            .find(|(name, value)| slip.arguments.get(name) != Some(value));
        let (wrong, right) = differing
            .map(|(name, value)| (write_value(&slip.arguments[name]), write_value(value)))
            .unwrap_or_default();
        let reason = production.words.noticed(&wrong, &right);
        self.next.push(Next { step: slip.step, arguments, purpose: Purpose::Step, attempt: 0, reason });
    }

    fn take_variation(&mut self, pending: Pending, reading: Reading) {
        let production = self.production.clone();
        let plan_step = &production.task.plan.steps[pending.step];
        let step = pending.step;
        let Some(mistake) = production.mistake_at(step) else { return };
        if let Reading::Reply(reply) = &reading
            && !is_empty(reply)
        {
            // It worked all the same; what it gave is taken for what was wanted.
            return self.take_step(Pending { purpose: Purpose::Step, ..pending }, reading);
        }
        let right = self.arguments(step).unwrap_or_default();
        let attempt = pending.attempt + 1;
        if attempt < VARIATIONS {
            let arguments = varied(&right, &mistake, attempt);
            let reason = production.words.variation(&plan_step.operation);
            self.next.push(Next { step, arguments, purpose: Purpose::Variation, attempt, reason });
        } else if !mistake.recovers {
            let code = match reading {
                Reading::Refused { code } => code,
                Reading::Reply(_) => "not_found".to_owned(),
            };
            self.gave_up = Some(production.words.failed_call(&plan_step.operation, &code));
        } else if plan_step.fails_with.is_some() {
            self.settle(step, StepState::Failed);
        } else {
            let reason = production.words.other_way(&plan_step.operation);
            self.next.push(Next { step, arguments: right, purpose: Purpose::Step, attempt: 0, reason });
        }
    }

    /// All steps are over: repairs that were put off, then the answer or the report.
    fn finish(&mut self) -> Utterance {
        if let Some(utterance) = self.mend() {
            return utterance;
        }
        let text = match self.ending {
            Ending::Answer => self.answer(),
            Ending::Report => self.report_text(),
        };
        let words = self.production.words;
        Utterance::text(text.unwrap_or_else(|_| words.give_up(&words.missing())))
    }

    /// Repairs that were put off until all steps are over.
    pub(crate) fn mend(&mut self) -> Option<Utterance> {
        let production = self.production.clone();
        if let Some(step) = self.skipped.pop()
            && let Ok(arguments) = self.arguments(step)
        {
            let reason = production.words.skipped(&production.task.plan.steps[step].operation);
            self.next.push(Next { step, arguments, purpose: Purpose::Step, attempt: 0, reason });
            return self.next_calls();
        }
        let again = self.second_look()?;
        self.next.push(again);
        self.next_calls()
    }

    /// Makes up the value that is to be reported, or, where that is noticed, plans another look.
    fn second_look(&mut self) -> Option<Next> {
        if self.has_looked_again {
            return None;
        }
        let production = self.production.clone();
        let step = self.steps.iter().copied().find(|step| production.is_made_up_at(*step))?;
        let mistake = production.play(step, |form| matches!(form, Form::MadeUpAnswer { .. }))?;
        self.has_looked_again = true;
        if mistake.recovers {
            let operation = &production.task.plan.steps[step].operation;
            let arguments = self.arguments(step).ok()?;
            let reason = production.words.look_again(operation);
            return Some(Next { step, arguments, purpose: Purpose::SecondLook, attempt: 0, reason });
        }
        let Form::MadeUpAnswer { slot, source: key } = mistake.form else { return None };
        let source = &production.task.plan.answer.slots[&slot];
        if let Ok(right) = self.value_of(source) {
            let wrong = wrong_value(&substitute(source, &self.values), &right, &self.replies);
            self.values.insert(key, wrong);
        }
        None
    }

    fn answer(&self) -> Result<String, ResolveError> {
        let plan = &self.production.task.plan.answer;
        if self.values.is_empty() {
            return render_answer(plan, &self.replies);
        }
        render_with(plan, &self.values, &self.replies)
    }

    fn report_text(&self) -> Result<String, ResolveError> {
        let production = &self.production;
        let mut lines: Vec<String> = Vec::new();
        let steps = &production.task.plan.steps;
        let done =
            self.steps.iter().filter(|step| steps[**step].is_write && self.states[**step] == StepState::Done);
        let done: Vec<String> = done.map(|step| format!("* {}", steps[*step].operation)).collect();
        if !done.is_empty() {
            lines.push(production.words.done_head().to_owned());
            lines.extend(done);
        }
        if !self.report.is_empty() {
            lines.push(production.words.found_head().to_owned());
        }
        for number in &self.report {
            let fact = production.script.facts.get(*number);
            match self.value_of(&fact.source) {
                Ok(value) => lines.push(production.script.facts.line(*number, &value)),
                Err(_) if production.has_played() => {}
                Err(error) => return Err(error),
            }
        }
        if lines.is_empty() {
            lines.push(production.words.nothing().to_owned());
        }
        Ok(lines.join("\n"))
    }
}

/// The answer of `plan` with what is known put in.
pub(crate) fn render_with(
    plan: &AnswerPlan,
    values: &Values,
    replies: &[Option<Value>],
) -> Result<String, ResolveError> {
    let mut plan = plan.clone();
    for source in plan.slots.values_mut() {
        *source = substitute(source, values);
    }
    render_answer(&plan, replies)
}

/// `right` with the argument of `mistake` varied.
fn varied(right: &Value, mistake: &Mistake, attempt: u32) -> Value {
    let mut arguments = right.clone();
    if let Form::Variations { argument: Some(argument) } = &mistake.form
        && let Some(value) = arguments.get_mut(argument.as_str())
    {
        *value = variation(value, attempt);
    }
    arguments
}
