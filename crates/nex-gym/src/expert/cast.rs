//! [`Cast`]: what each agent of a framework is there for, read from the framework alone.
//!
//! In: a [`RunnableSpec`]. Out: a [`Part`] for each agent by name: whom it may call, what its last
//! message is for, and whether that message is the framework's answer. What the runtime reads out of
//! an agent's words (labels, lists, words that end a loop) follows from the workflow's conditions.

use nex_agent::workflow::{Chooser, Work, WorkflowStage};
use nex_agent::{AgentSpec, RunnableSpec, WorkflowSpec, tool_name_fits};
use std::collections::HashMap;

/// The parts of a framework, by agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast {
    parts: HashMap<String, Part>,
}

/// What one agent is there for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// The agents that it may call, in its own order.
    pub(crate) team: Vec<Colleague>,
    pub(crate) duty: Duty,
    /// Whether what it says at the end is the framework's answer.
    pub(crate) answers: bool,
    /// What it says when nothing is open any more.
    pub(crate) closing: Option<String>,
    /// It works on one item of a list, named in what it is told.
    pub(crate) has_item: bool,
}

/// What an agent's last message is for.
#[derive(Clone, Debug, Default)]
pub(crate) enum Duty {
    /// A report of what it did and found, or the answer.
    #[default]
    Work,
    /// The label of the branch that is to go on.
    Choose(Vec<Choice>),
    /// The words that let later stages run.
    Name(Vec<Choice>),
    /// A list, of which each item is worked on by itself.
    Cut,
    /// A ballot.
    Vote(Vec<String>),
}

/// Something that an agent may name, and the tools that come with it.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) word: String,
    tools: Vec<String>,
}

/// An agent that another may call.
#[derive(Clone, Debug)]
pub(crate) struct Colleague {
    pub(crate) name: String,
    tools: Vec<String>,
}

impl Choice {
    /// Whether somebody behind this choice has the tool `operation`.
    pub(crate) fn has(&self, operation: &str) -> bool {
        self.tools.iter().any(|pattern| tool_name_fits(pattern, operation))
    }
}

impl Colleague {
    /// Whether it, or an agent below it, has the tool `operation`.
    pub(crate) fn has(&self, operation: &str) -> bool {
        self.tools.iter().any(|pattern| tool_name_fits(pattern, operation))
    }
}

impl Cast {
    /// The parts of `spec`.
    pub(crate) fn of(spec: &RunnableSpec) -> Self {
        let mut cast = Self::default();
        match spec {
            RunnableSpec::Agent(agent) => {
                cast.add(agent);
                cast.part(&agent.name).answers = true;
            }
            RunnableSpec::Pipeline(pipeline) => cast.add_workflow(&WorkflowSpec::from(pipeline.clone())),
            RunnableSpec::Workflow(workflow) => cast.add_workflow(workflow),
        }
        cast
    }

    /// The part of the agent called `name`.
    pub(crate) fn get(&self, name: &str) -> Part {
        self.parts.get(name).cloned().unwrap_or_default()
    }

    /// How many agents there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    fn part(&mut self, name: &str) -> &mut Part {
        self.parts.entry(name.to_owned()).or_default()
    }

    /// `agent` and all below it.
    fn add(&mut self, agent: &AgentSpec) {
        let team = agent
            .sub_agents
            .iter()
            .map(|sub| Colleague { name: sub.name.clone(), tools: tools_of(&sub.agent) })
            .collect();
        self.part(&agent.name).team = team;
        agent.sub_agents.iter().for_each(|sub| self.add(&sub.agent));
    }

    fn add_workflow(&mut self, workflow: &WorkflowSpec) {
        for (_, assignment) in workflow.assignments() {
            self.add(&assignment.agent);
        }
        let mut stages = Vec::new();
        workflow.stages.iter().for_each(|stage| stage.walk(&mut |stage| stages.push(stage)));
        for stage in &stages {
            self.add_duties(stage, &stages);
        }
        if let Some(last) = workflow.stages.last() {
            self.add_answerers(last);
        }
    }

    fn add_duties(&mut self, stage: &WorkflowStage, stages: &[&WorkflowStage]) {
        if let Some(when) = &stage.when {
            for (word, asked) in awaited_words(when) {
                let choice = Choice { word, tools: stage_tools(stage) };
                for agent in agents_at(&asked, stages) {
                    match &mut self.part(&agent).duty {
                        Duty::Name(choices) => choices.push(choice.clone()),
                        duty => *duty = Duty::Name(vec![choice.clone()]),
                    }
                }
            }
        }
        match &stage.work {
            Work::Router(router) => {
                if let Chooser::Agent(assignment) = &router.chooser {
                    let choices = router.branches.iter().map(|branch| Choice {
                        word: branch.label.clone(),
                        tools: stage_tools(&branch.stage),
                    });
                    self.part(&assignment.agent.name).duty = Duty::Choose(choices.collect());
                }
            }
            Work::Map(map) => {
                for source in [map.over.as_str()].into_iter().chain(written_by(&map.over, stages)) {
                    for agent in answer_names(source).iter().flat_map(|name| agents_at(name, stages)) {
                        self.part(&agent).duty = Duty::Cut;
                    }
                }
                for inner in &map.stages {
                    inner.walk(&mut |inner| {
                        own_agents(inner).iter().for_each(|agent| self.part(&agent.name).has_item = true);
                    });
                }
            }
            Work::Loop(rounds) => {
                for (word, asked) in awaited_words(&rounds.until) {
                    for agent in agents_at(&asked, stages) {
                        self.part(&agent).closing = Some(word.clone());
                    }
                }
            }
            Work::Vote(vote) => {
                for voter in &vote.voters {
                    self.part(&voter.assignment.agent.name).duty = Duty::Vote(vote.labels.clone());
                }
            }
            Work::Agent(_) | Work::Sequence(_) | Work::Parallel(_) => {}
        }
    }

    /// Marks the agents whose words the answer of `stage` can be.
    fn add_answerers(&mut self, stage: &WorkflowStage) {
        match &stage.work {
            Work::Agent(assignment) => self.part(&assignment.agent.name).answers = true,
            Work::Router(router) => {
                for branch in
                    router.branches.iter().map(|branch| &branch.stage).chain(router.otherwise.as_deref())
                {
                    self.add_answerers(branch);
                }
            }
            Work::Loop(rounds) => {
                let named = rounds.answer.as_ref();
                let last = match named {
                    Some(name) => rounds.stages.iter().find(|stage| stage.name == *name),
                    None => rounds.stages.last(),
                };
                last.into_iter().for_each(|stage| self.add_answerers(stage));
            }
            Work::Sequence(stages) => stages.last().into_iter().for_each(|stage| self.add_answerers(stage)),
            Work::Parallel(_) | Work::Map(_) | Work::Vote(_) => {}
        }
    }
}

/// The tools of `agent` and of all below it.
fn tools_of(agent: &AgentSpec) -> Vec<String> {
    let mut tools = Vec::new();
    agent.walk(&mut |agent| tools.extend(agent.tools.iter().map(|tool| tool.name.clone())));
    tools
}

fn own_agents(stage: &WorkflowStage) -> Vec<&AgentSpec> {
    match &stage.work {
        Work::Agent(assignment) => vec![&*assignment.agent],
        Work::Router(router) => match &router.chooser {
            Chooser::Agent(assignment) => vec![&*assignment.agent],
            Chooser::Rule(_) => Vec::new(),
        },
        Work::Vote(vote) => vote.voters.iter().map(|voter| &*voter.assignment.agent).collect(),
        _ => Vec::new(),
    }
}

fn stage_tools(stage: &WorkflowStage) -> Vec<String> {
    let mut tools = Vec::new();
    stage.walk(&mut |stage| own_agents(stage).iter().for_each(|agent| tools.extend(tools_of(agent))));
    tools
}

/// The names of the agents that work at the stage called `name`.
fn agents_at(name: &str, stages: &[&WorkflowStage]) -> Vec<String> {
    let at = stages.iter().filter(|stage| stage.name == name);
    at.flat_map(|stage| own_agents(stage)).map(|agent| agent.name.clone()).collect()
}

/// For a list taken from the blackboard, `answers['x']` of each stage that writes it.
fn written_by<'a>(over: &str, stages: &[&'a WorkflowStage]) -> Vec<&'a str> {
    let Some(key) = over.trim().strip_prefix("state.") else { return Vec::new() };
    let writers = stages.iter().filter(|stage| stage.writes.as_deref() == Some(key.trim()));
    writers.map(|stage| stage.name.as_str()).collect()
}

/// The stages whose answers `expression` reads; a bare name is one.
fn answer_names(expression: &str) -> Vec<String> {
    let text = expression.trim();
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_name(text) {
        return vec![text.to_owned()];
    }
    let mut names = Vec::new();
    for (at, _) in text.match_indices("answers") {
        let rest = &text[at + "answers".len()..];
        let name = if let Some(rest) = rest.strip_prefix('.') {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        } else {
            rest.strip_prefix('[').map(str::trim_start).and_then(quoted)
        };
        names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
    }
    names
}

/// What stands in the quotes that `text` begins with.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote).map(|(inner, _)| inner)
}

/// The words that `condition` looks for in answers: of `'x' in answers['y']`, `(x, y)`.
fn awaited_words(condition: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = condition;
    while let Some(start) = rest.find(['\'', '"']) {
        let Some(word) = quoted(&rest[start..]) else { break };
        rest = &rest[start + word.len() + 2..];
        let Some(after) = rest.trim_start().strip_prefix("in ") else { continue };
        let end = after.find(" and ").or_else(|| after.find(" or ")).unwrap_or(after.len());
        if let Some(name) = answer_names(&after[..end]).into_iter().next() {
            found.push((word.to_owned(), name));
            rest = &after[end..];
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_condition_waits_for_are_read_from_it() {
        let words = |condition: &str| awaited_words(condition);
        let pair = |word: &str, name: &str| (word.to_owned(), name.to_owned());
        assert_eq!(words("'APPROVED' in answers['critic']"), [pair("APPROVED", "critic")]);
        assert_eq!(
            words("\"a b\" in answers.triage and 'c' in answers[\"other\"]"),
            [pair("a b", "triage"), pair("c", "other")]
        );
        assert_eq!(words("answers['x'] == 'y'"), []);
        assert_eq!(words("round > 2"), []);
        assert_eq!(words("'unclosed in answers"), []);
    }

    #[test]
    fn answers_that_an_expression_reads_are_named() {
        assert_eq!(answer_names("answers['planner']"), ["planner"]);
        assert_eq!(answer_names("answers.planner"), ["planner"]);
        assert!(answer_names("state.items | list").is_empty());
    }
}
