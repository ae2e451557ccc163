//! [`Desk`]: one agent of any framework, doing what of the plan is its own.
//!
//! In: the messages of its own transcript, its tools, its [`Part`]. Out: its next message: calls of
//! its own, an order to an agent below it, or its last words. What has been done is common knowledge,
//! as it is to whoever directs a play; every value it uses stands in its own transcript: in a reply,
//! in an order, in a report (`facts.rs`). Invariants: a write is done once; an answer is given only
//! when nothing is open.

use super::cast::{Duty, Part};
use super::facts::{Values, base_step, substitute};
use super::player::{Ending, Player, render_with};
use super::script::{imported, needs};
use super::{Production, Utterance};
use nex_agent::AGENT_TOOL;
use nex_trajectory::{Message, Role};
use nex_world::task::ValueSource;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an agent is told to do and to report, by the text that tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    pub(crate) text: String,
    /// Steps of the plan.
    pub(crate) steps: Vec<usize>,
    /// Numbers of facts.
    pub(crate) report: Vec<usize>,
}

/// One agent of any framework.
pub(crate) struct Desk {
    production: Arc<Production>,
    name: String,
    part: Part,
    tools: Vec<String>,
    player: Player,
    /// What it was ordered to do; none where nobody gives it orders.
    scope: Option<BTreeSet<usize>>,
    /// Facts that it was ordered to report.
    ordered: Vec<usize>,
    /// For each step the place in its team of the agent that it was given to.
    given_to: Vec<Option<usize>>,
    pending: Option<Handed>,
    /// Orders that it gave so far.
    orders: usize,
    /// Agents of its team that it has spoken to.
    met: BTreeSet<usize>,
    gave_up: Option<String>,
    seen: usize,
}

/// An order that has not been answered.
struct Handed {
    call_id: String,
    colleague: usize,
    steps: Vec<usize>,
    report: Vec<usize>,
}

/// What one agent of a team can do now.
struct Work {
    /// Its place in the team.
    colleague: usize,
    steps: Vec<usize>,
    /// Facts that it must be told.
    known: Vec<usize>,
    /// Facts that it must report.
    report: Vec<usize>,
}

/// Whose step it is, from where a desk sits: 0 its own, then its team.
const OWN: usize = 0;
const NOBODY: usize = usize::MAX;

impl Desk {
    pub(crate) fn new(production: Arc<Production>, name: &str, part: Part, tools: Vec<String>) -> Self {
        let count = production.task.plan.steps.len();
        let is_quiet = matches!(part.duty, Duty::Vote(_));
        let mut player = Player::new(production.clone(), Ending::Report);
        player.keep_quiet(is_quiet);
        Self {
            player,
            production,
            name: name.to_owned(),
            scope: part.has_item.then(BTreeSet::new),
            part,
            tools,
            ordered: Vec::new(),
            given_to: vec![None; count],
            pending: None,
            orders: 0,
            met: BTreeSet::new(),
            gave_up: None,
            seen: 0,
        }
    }

    /// Reads what is new in `messages`.
    pub(crate) fn read(&mut self, messages: &[Arc<Message>]) {
        for message in messages.iter().skip(self.seen) {
            match message.role {
                Role::User => self.take_order(&message.text()),
                Role::Tool => {
                    for result in message.results() {
                        let is_report = self
                            .pending
                            .as_ref()
                            .is_some_and(|handed| handed.call_id == result.call_id.as_str());
                        if is_report {
                            self.take_report(&result.text(), result.is_error);
                        }
                    }
                }
                Role::System | Role::Assistant => {}
            }
        }
        self.seen = messages.len();
        self.player.read(messages, |_| None);
    }

    fn take_order(&mut self, text: &str) {
        // Those below it begin anew whenever it is called again.
        self.met.clear();
        self.given_to.fill(None);
        for order in self.production.orders_in(text) {
            self.scope.get_or_insert_default().extend(order.steps);
            self.ordered = order.report;
        }
    }

    fn take_report(&mut self, text: &str, is_error: bool) {
        let Some(handed) = self.pending.take() else { return };
        let found = self.player.learn(text);
        let is_done = handed.steps.iter().all(|step| self.production.is_done(*step));
        let is_told = handed.report.iter().all(|fact| found.contains(fact));
        if (is_error || !is_done || !is_told) && !self.production.has_played() {
            let name = &self.part.team[handed.colleague].name;
            self.gave_up = Some(self.production.words.no_help(name));
        }
    }

    /// Its next message.
    pub(crate) fn speak(&mut self) -> Utterance {
        if let Some(cause) = &self.gave_up {
            return Utterance::text(self.production.words.give_up(cause));
        }
        if !self.player.is_busy() {
            let own = self.callable();
            self.player.take_steps(&own);
        }
        if let Some(utterance) = self.player.next_calls() {
            return utterance;
        }
        if let Some(cause) = self.player.cause_of_giving_up() {
            return Utterance::text(self.production.words.give_up(cause));
        }
        if let Some(work) = (0..self.part.team.len()).find_map(|colleague| self.work_for(colleague)) {
            return self.give(work);
        }
        if let Some(utterance) = self.player.mend() {
            return utterance;
        }
        Utterance::text(self.last_words())
    }

    fn is_mine(&self, step: usize) -> bool {
        let operation = &self.production.task.plan.steps[step].operation;
        self.tools.contains(operation)
    }

    fn is_in_scope(&self, step: usize) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(&step))
    }

    /// Whether the value of `source` can be told from this transcript, whole.
    fn knows(&self, source: &ValueSource) -> bool {
        let left = substitute(source, self.player.values());
        left.steps().into_iter().all(|step| self.player.has_whole_reply(step))
            && self.player.value_of(source).is_ok()
    }

    /// The steps that it can call now.
    fn callable(&self) -> Vec<usize> {
        let steps = &self.production.task.plan.steps;
        let looks_only_once = match &self.part.duty {
            Duty::Work => false,
            // A juror looks by itself, unless others have told what there is.
            Duty::Vote(_) => true,
            Duty::Choose(_) | Duty::Name(_) | Duty::Cut => return Vec::new(),
        };
        if looks_only_once && !self.player.values().is_empty() {
            return Vec::new();
        }
        let can_go = |step: &usize| {
            let plan_step = &steps[*step];
            let is_due = match self.production.is_done(*step) {
                false => self.is_in_scope(*step),
                // What others read is read again only where they did not tell it.
                true => !plan_step.is_write && self.misses(*step),
            };
            self.is_mine(*step)
                && is_due
                && !self.player.has_taken(*step)
                && !(looks_only_once && plan_step.is_write)
                && needs(plan_step)
                    .into_iter()
                    .all(|need| self.production.is_done(need) || self.player.is_over(need))
                && plan_step.arguments.values().all(|source| self.knows(source))
        };
        (0..steps.len()).filter(can_go).collect()
    }

    /// Whether a value that it needs can only be read from the reply of `step`, which others had.
    fn misses(&self, step: usize) -> bool {
        self.wanted().into_iter().any(|source| {
            !self.knows(source) && substitute(source, self.player.values()).steps().contains(&step)
        })
    }

    /// The sources of the values that it needs for its own steps and for what it has to say.
    fn wanted(&self) -> Vec<&ValueSource> {
        let plan = &self.production.task.plan;
        let open = (0..plan.steps.len()).filter(|step| {
            !self.production.is_done(*step)
                && self.is_in_scope(*step)
                && (self.is_mine(*step) || self.owner(*step) != NOBODY)
        });
        let mut wanted: Vec<&ValueSource> =
            open.flat_map(|step| plan.steps[step].arguments.values()).collect();
        wanted.extend(self.ordered.iter().map(|fact| &self.production.script.facts.get(*fact).source));
        if self.part.answers {
            wanted.extend(plan.answer.slots.values());
        }
        wanted
    }

    /// Whose step `step` is.
    fn owner(&self, step: usize) -> usize {
        if self.player.has_whole_reply(step) {
            return OWN;
        }
        if let Some(colleague) = self.given_to[step] {
            return colleague + 1;
        }
        if self.is_mine(step) {
            return OWN;
        }
        let operation = &self.production.task.plan.steps[step].operation;
        let colleague = self.part.team.iter().position(|colleague| colleague.has(operation));
        colleague.map_or(NOBODY, |colleague| colleague + 1)
    }

    /// What `colleague` can do and tell now.
    fn work_for(&self, colleague: usize) -> Option<Work> {
        let plan = &self.production.task.plan;
        let facts = &self.production.script.facts;
        let me = colleague + 1;
        let owners: Vec<usize> = (0..plan.steps.len()).map(|step| self.owner(step)).collect();
        let imports_of = |source: &ValueSource| -> Vec<usize> {
            let mut wanted = Vec::new();
            imported(source, Some(me), &owners, &mut wanted);
            wanted.into_iter().filter_map(|source| facts.find(source)).collect()
        };
        let is_told = |fact: &usize| self.knows(&facts.get(*fact).source);
        let mut steps: Vec<usize> = Vec::new();
        let mut known: BTreeSet<usize> = BTreeSet::new();
        for (index, step) in plan.steps.iter().enumerate() {
            if owners[index] != me || self.production.is_done(index) || !self.is_in_scope(index) {
                continue;
            }
            let imports: Vec<usize> = step.arguments.values().flat_map(&imports_of).collect();
            let has_needs =
                needs(step).into_iter().all(|need| self.production.is_done(need) || steps.contains(&need));
            if has_needs && imports.iter().all(is_told) {
                steps.push(index);
                known.extend(imports);
            }
        }
        let is_there =
            |step: usize| steps.contains(&step) || (self.production.is_done(step) && owners[step] == me);
        let mut report: Vec<usize> = Vec::new();
        for (reader, source) in self.outward(&owners, me, &steps) {
            let mut wanted = Vec::new();
            imported(source, reader, &owners, &mut wanted);
            for source in wanted {
                let (Some(fact), Some(base)) = (facts.find(source), base_step(source)) else { continue };
                let nested = imports_of(source);
                let can_tell = owners[base] == me
                    && !self.knows(source)
                    && nested.iter().all(is_told)
                    && source.steps().into_iter().filter(|step| owners[*step] == me).all(is_there);
                if can_tell && !report.contains(&fact) {
                    report.push(fact);
                    known.extend(nested);
                }
            }
        }
        if steps.is_empty() && report.is_empty() {
            return None;
        }
        Some(Work { colleague, steps, known: known.into_iter().collect(), report })
    }

    /// The sources of which others than `me` need parts, each with the reader.
    fn outward(&self, owners: &[usize], me: usize, steps: &[usize]) -> Vec<(Option<usize>, &ValueSource)> {
        let plan = &self.production.task.plan;
        let mut sources = Vec::new();
        for (index, step) in plan.steps.iter().enumerate() {
            let is_open = !self.production.is_done(index) && !steps.contains(&index);
            if is_open && owners[index] != me && self.is_in_scope(index) {
                sources.extend(step.arguments.values().map(|source| (Some(owners[index]), source)));
            }
        }
        if self.part.answers {
            sources.extend(plan.answer.slots.values().map(|source| (None, source)));
        }
        let facts = &self.production.script.facts;
        sources.extend(self.ordered.iter().map(|fact| (None, &facts.get(*fact).source)));
        sources
    }

    fn give(&mut self, work: Work) -> Utterance {
        let Work { colleague, steps, known, report } = work;
        let production = self.production.clone();
        let name = self.part.team[colleague].name.clone();
        let is_first = self.met.insert(colleague);
        let text = self.order_text(&steps, &known, &report, is_first);
        steps.iter().for_each(|step| self.given_to[*step] = Some(colleague));
        production.note_assignment(Order {
            text: text.clone(),
            steps: steps.clone(),
            report: report.clone(),
        });
        let mut arguments = json!({"sub_agent_name": name, "message": text});
        if !is_first {
            // The same conversation goes on: it holds the replies that were read before.
            arguments["sub_agent_id"] = format!("{name}-1").into();
        }
        self.orders += 1;
        let call_id = format!("call_{}_{}", self.name, self.orders);
        let is_write = |step: &&usize| production.task.plan.steps[**step].is_write;
        let said = production.words.hand_to(&name, steps.iter().filter(is_write).count(), steps.len());
        self.pending = Some(Handed { call_id: call_id.clone(), colleague, steps, report });
        Utterance { text: said, calls: vec![(call_id, AGENT_TOOL.to_owned(), arguments.to_string())] }
    }

    fn order_text(&self, steps: &[usize], known: &[usize], report: &[usize], is_first: bool) -> String {
        let production = &self.production;
        let (words, facts) = (production.words, &production.script.facts);
        let values = self.told_values(known);
        let mut lines = vec![words.order_head(is_first).to_owned()];
        for (place, step) in steps.iter().enumerate() {
            lines.push(format!("{}. {}", place + 1, self.call_in_words(*step, &values)));
        }
        if !known.is_empty() {
            lines.push(words.known_head().to_owned());
            for fact in known {
                if let Some(value) = values.get(&facts.get(*fact).key) {
                    lines.push(facts.line(*fact, value));
                }
            }
        }
        if !report.is_empty() {
            lines.push(words.report_head().to_owned());
            lines.extend(report.iter().map(|fact| words.wanted(facts.get(*fact), &values)));
        }
        lines.join("\n")
    }

    /// The values of `facts`, from this transcript.
    fn told_values(&self, facts: &[usize]) -> Values {
        let table = &self.production.script.facts;
        let mut values = self.player.values().clone();
        for fact in facts {
            let fact = table.get(*fact);
            if let Ok(value) = self.player.value_of(&fact.source) {
                values.insert(fact.key.clone(), value);
            }
        }
        values
    }

    fn call_in_words(&self, step: usize, values: &Values) -> String {
        let words = self.production.words;
        let step = &self.production.task.plan.steps[step];
        let argument = |(name, source)| format!("{name} = {}", words.argument(source, values));
        let arguments: Vec<String> = step.arguments.iter().map(argument).collect();
        let with = if arguments.is_empty() { "" } else { words.with() };
        format!("{}{with}{}", step.operation, arguments.join(", "))
    }

    fn last_words(&self) -> String {
        match &self.part.duty {
            Duty::Choose(choices) => {
                let most = choices.iter().rev().max_by_key(|choice| self.open_steps(|op| choice.has(op)));
                most.map(|choice| choice.word.clone()).unwrap_or_default()
            }
            Duty::Name(choices) => {
                let words = self.production.words;
                words.phases(&self.needed(choices))
            }
            Duty::Cut => self.cut(),
            Duty::Vote(labels) => {
                let label = labels.first().cloned().unwrap_or_else(|| self.intention());
                format!("{}\n{}", self.report(), self.production.words.decision(&label))
            }
            Duty::Work => self.outcome(),
        }
    }

    fn open_steps(&self, has: impl Fn(&str) -> bool) -> usize {
        let steps = self.production.task.plan.steps.iter().enumerate();
        steps.filter(|(index, step)| !self.production.is_done(*index) && has(&step.operation)).count()
    }

    /// The choices that the plan needs: those that can change what is to be changed, in order; where
    /// nothing is, the first that can do all.
    fn needed(&self, choices: &[super::cast::Choice]) -> Vec<String> {
        let plan = &self.production.task.plan;
        let open: Vec<usize> = (0..plan.steps.len()).filter(|step| !self.production.is_done(*step)).collect();
        let mut done: BTreeSet<usize> = BTreeSet::new();
        let mut named = Vec::new();
        for choice in choices {
            let before = done.clone();
            for step in &open {
                let plan_step = &plan.steps[*step];
                let has_needs = needs(plan_step)
                    .into_iter()
                    .all(|need| done.contains(&need) || self.production.is_done(need));
                if has_needs && choice.has(&plan_step.operation) {
                    done.insert(*step);
                }
            }
            let is_new = |step: &usize| !before.contains(step) && plan.steps[*step].is_write;
            if done.iter().any(is_new) {
                named.push(choice.word.clone());
            } else {
                done = before;
            }
        }
        if named.is_empty() {
            let most = choices.iter().rev().max_by_key(|choice| self.open_steps(|op| choice.has(op)));
            named.extend(most.map(|choice| choice.word.clone()));
        }
        named
    }

    /// The request in parts that do not depend on each other, one a line.
    fn cut(&self) -> String {
        let production = &self.production;
        let plan = &production.task.plan;
        let mut part_of: Vec<usize> = (0..plan.steps.len()).collect();
        for (index, step) in plan.steps.iter().enumerate() {
            for need in needs(step) {
                let (from, to) = (part_of[index], part_of[need]);
                part_of.iter_mut().filter(|part| **part == from).for_each(|part| *part = to);
            }
        }
        // What is computed out of the replies of several steps is computed in one place.
        for source in plan.answer.slots.values() {
            for pair in source.steps().windows(2) {
                let (from, to) = (part_of[pair[1]], part_of[pair[0]]);
                part_of.iter_mut().filter(|part| **part == from).for_each(|part| *part = to);
            }
        }
        let mut parts: Vec<usize> = Vec::new();
        part_of.iter().for_each(|part| {
            if !parts.contains(part) {
                parts.push(*part);
            }
        });
        let mut lines = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let steps: Vec<usize> = (0..plan.steps.len()).filter(|step| part_of[*step] == *part).collect();
            let calls: Vec<String> =
                steps.iter().map(|step| self.call_in_words(*step, self.player.values())).collect();
            let line = production.words.part(number + 1, &calls);
            // The facts that only this part can tell.
            production.note_assignment(Order { text: line.clone(), steps, report: Vec::new() });
            lines.push(line);
        }
        lines.join("\n")
    }

    /// What is to be done, in one phrase.
    fn intention(&self) -> String {
        let steps = &self.production.task.plan.steps;
        let write = steps.iter().find(|step| step.is_write && step.fails_with.is_none());
        let operation = write.or(steps.last()).map(|step| step.operation.replace('_', " "));
        operation.unwrap_or_default()
    }

    /// The answer where it has to give one and can, else a report.
    fn outcome(&self) -> String {
        let production = self.production.clone();
        let plan = &production.task.plan;
        let is_all_done = (0..plan.steps.len()).all(|step| production.is_done(step));
        let mut text = if self.part.answers {
            match is_all_done.then(|| self.answer()).flatten() {
                Some(answer) => answer,
                None => production.words.give_up(&production.words.missing()),
            }
        } else {
            self.report()
        };
        if let Some(closing) = self.part.closing.as_ref().filter(|_| is_all_done) {
            text.push('\n');
            text.push_str(closing);
        }
        text
    }

    fn answer(&self) -> Option<String> {
        let plan = &self.production.task.plan.answer;
        render_with(plan, self.player.values(), self.player.replies()).ok()
    }

    /// What it did, and the values that others may need.
    fn report(&self) -> String {
        let production = self.production.clone();
        let (plan, facts) = (&production.task.plan, &production.script.facts);
        let mut told: Vec<usize> = Vec::new();
        if self.ordered.is_empty() {
            let open = (0..plan.steps.len()).filter(|step| !production.is_done(*step));
            let sources = open.flat_map(|step| plan.steps[step].arguments.values());
            for source in sources.chain(plan.answer.slots.values()) {
                self.tellable(source, &mut told);
            }
        } else {
            told = self.ordered.clone();
        }
        let words = production.words;
        let mut lines: Vec<String> = Vec::new();
        let is_done = |step: &usize| {
            let by_others = self.given_to[*step].is_some() && plan.steps[*step].is_write;
            self.player.has_written(*step) || (by_others && production.is_done(*step))
        };
        let done = (0..plan.steps.len()).filter(is_done);
        let done: Vec<String> = done.map(|step| format!("* {}", plan.steps[step].operation)).collect();
        if !done.is_empty() {
            lines.push(words.done_head().to_owned());
            lines.extend(done);
        }
        let found: Vec<String> = told
            .iter()
            .filter_map(|fact| {
                let value = self.player.value_of(&facts.get(*fact).source).ok()?;
                Some(facts.line(*fact, &value))
            })
            .collect();
        if !found.is_empty() {
            lines.push(words.found_head().to_owned());
            lines.extend(found);
        }
        if lines.is_empty() {
            lines.push(words.nothing().to_owned());
        }
        lines.join("\n")
    }

    /// The facts in `source` that this transcript holds, the greatest first.
    fn tellable(&self, source: &ValueSource, told: &mut Vec<usize>) {
        match source {
            ValueSource::Literal { .. } => return,
            ValueSource::Text { slots, .. } => {
                return slots.values().for_each(|slot| self.tellable(slot, told));
            }
            other if self.knows(other) => {
                if let Some(fact) = self.production.script.facts.find(other)
                    && !told.contains(&fact)
                {
                    told.push(fact);
                }
                return;
            }
            _ => {}
        }
        match source {
            ValueSource::Arithmetic { left, right, .. } => {
                self.tellable(left, told);
                self.tellable(right, told);
            }
            ValueSource::Pick(pick) => pick.tests.iter().for_each(|test| self.tellable(&test.value, told)),
            ValueSource::Aggregate(fold) => {
                fold.tests.iter().for_each(|test| self.tellable(&test.value, told))
            }
            ValueSource::Between { of, .. } => self.tellable(of, told),
            ValueSource::Literal { .. } | ValueSource::Text { .. } | ValueSource::Reply { .. } => {}
        }
    }
}
