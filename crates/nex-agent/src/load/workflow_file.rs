//! The keys of a workflow file.

use super::Loader;
use crate::fields::Fields;
use crate::workflow::{
    Assignment, Branch, Chooser, DEFAULT_MAX_RUNNING, DEFAULT_MAX_RUNS, LoopUntil, MAX_VOTERS, MapOver,
    Parallel, Router, Vote, Voter, Work, WorkflowSpec, WorkflowStage,
};
use crate::yaml::Yaml;
use crate::{Diagnostic, Limits};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Where each stage stands, for what is found wrong with it later.
type Places = HashMap<String, (u64, u64)>;

/// The keys of which a stage has exactly one.
const CONSTRUCTS: [&str; 6] = ["sequence", "router", "parallel", "map", "loop", "vote"];

impl Loader<'_> {
    /// The workflow that `root`, the content of `file`, describes.
    pub(super) fn workflow(&mut self, root: &Yaml, file: &Path) -> Option<WorkflowSpec> {
        let before = self.errors();
        let mut found = Vec::new();
        let mut places = Places::new();
        let mut fields = Fields::of(root, "the workflow", file, &mut found)?;
        fields.take("type");
        let default = Limits::default();
        let spec = WorkflowSpec {
            name: fields.required_text("name").unwrap_or_default(),
            description: fields.text("description").unwrap_or_default(),
            limits: Limits {
                max_tool_calls: fields.count("max_tool_calls", 0).unwrap_or(default.max_tool_calls),
                token_budget: fields.whole("token_budget", 1, u64::MAX),
                timeout: fields.seconds("timeout").map_or(default.timeout, Duration::from_secs_f64),
                max_depth: fields.count("max_depth", 0).unwrap_or(default.max_depth),
                ..default
            },
            max_runs: fields.count("max_runs", 1).unwrap_or(DEFAULT_MAX_RUNS),
            state: fields.json_map("state").unwrap_or_default(),
            stages: self.stages("stages", &mut fields, &mut places),
            source: file.display().to_string(),
        };
        if root.get("stages").is_none() {
            fields.error(root.at, "the workflow has no `stages`; list at least one");
        }
        fields.finish();
        self.found.append(&mut found);
        // Half a workflow would be blamed for what is only missing.
        if self.errors() == before {
            for fault in spec.faults() {
                let at = fault.stage.as_ref().and_then(|stage| places.get(stage)).copied();
                self.found.push(Diagnostic::error(file, Some(at.unwrap_or(root.at)), fault.to_string()));
            }
        }
        Some(spec)
    }

    fn stages(
        &mut self,
        key: &'static str,
        fields: &mut Fields<'_, '_>,
        places: &mut Places,
    ) -> Vec<WorkflowStage> {
        fields.list(key).iter().filter_map(|entry| self.workflow_stage(entry, fields, places)).collect()
    }

    fn workflow_stage(
        &mut self,
        entry: &Yaml,
        outer: &mut Fields<'_, '_>,
        places: &mut Places,
    ) -> Option<WorkflowStage> {
        let mut fields = Fields::of(entry, "the stage", outer.file(), outer.found())?;
        let stage = self.stage_fields(entry, &mut fields, places);
        fields.finish();
        stage
    }

    /// The stage that `fields`, those of `entry`, describe; keys of its own may be left in them.
    fn stage_fields(
        &mut self,
        entry: &Yaml,
        fields: &mut Fields<'_, '_>,
        places: &mut Places,
    ) -> Option<WorkflowStage> {
        let file = fields.file();
        let name = fields.text("name");
        let when = fields.text("when");
        let is_optional = fields.boolean("optional").unwrap_or(false);
        let writes = fields.text("writes");
        let is_appending = fields.boolean("append").unwrap_or(false);
        if is_appending && writes.is_none() {
            fields.error(entry.at, "`append` says how `writes` writes; name the key in `writes`");
        }
        let path = fields.take("config_path");
        let inline = fields.take("agent");
        let instruction = fields.text("instruction");
        let constructs: Vec<(&str, &Yaml)> =
            CONSTRUCTS.into_iter().filter_map(|key| Some((key, fields.take(key)?))).collect();
        let is_agent = path.is_some() || inline.is_some();
        let (key, body) = match (constructs.as_slice(), is_agent) {
            ([], true) => {
                let agent = self.named_agent(entry, path, inline, file, "the stage")?;
                let name = name.unwrap_or_else(|| agent.name.clone());
                places.entry(name.clone()).or_insert(entry.at);
                let work = Work::Agent(Assignment { agent, instruction });
                return Some(WorkflowStage { name, when, is_optional, writes, is_appending, work });
            }
            ([construct], false) => *construct,
            ([], false) => {
                let all = CONSTRUCTS.join(", ");
                fields.error(
                    entry.at,
                    format!("the stage does nothing; give it a `config_path` or one of {all}"),
                );
                return None;
            }
            (several, _) => {
                let mut keys: Vec<&str> = several.iter().map(|(key, _)| *key).collect();
                if is_agent {
                    keys.insert(0, "agent");
                }
                fields.error(entry.at, format!("the stage is several things: {}; keep one", keys.join(", ")));
                return None;
            }
        };
        if instruction.is_some() {
            fields.error(entry.at, format!("`instruction` belongs to an agent, this stage is a {key}"));
        }
        let Some(name) = name else {
            fields.error(entry.at, format!("the stage lacks `name`; a {key} needs one"));
            return None;
        };
        places.entry(name.clone()).or_insert(entry.at);
        let work = match key {
            "sequence" => Work::Sequence(self.sequence(body, fields, places)?),
            "router" => Work::Router(self.router(body, fields, places)?),
            "parallel" => Work::Parallel(self.parallel(body, fields, places)?),
            "map" => Work::Map(self.map(body, fields, places)?),
            "loop" => Work::Loop(self.rounds(body, fields, places)?),
            _ => Work::Vote(self.vote(body, fields)?),
        };
        Some(WorkflowStage { name, when, is_optional, writes, is_appending, work })
    }

    fn sequence(
        &mut self,
        body: &Yaml,
        outer: &mut Fields<'_, '_>,
        places: &mut Places,
    ) -> Option<Vec<WorkflowStage>> {
        let crate::yaml::YamlNode::List(entries) = &body.node else {
            outer.error(body.at, format!("`sequence` must be a list of stages, it is {}", body.kind()));
            return None;
        };
        Some(entries.iter().filter_map(|entry| self.workflow_stage(entry, outer, places)).collect())
    }

    fn router(&mut self, body: &Yaml, outer: &mut Fields<'_, '_>, places: &mut Places) -> Option<Router> {
        let file = outer.file();
        let mut fields = Fields::of(body, "`router`", file, outer.found())?;
        let rule = fields.text("rule");
        let path = fields.take("config_path");
        let inline = fields.take("agent");
        let instruction = fields.text("instruction");
        let branches: Vec<Branch> = fields
            .list("branches")
            .iter()
            .filter_map(|entry| self.branch(entry, &mut fields, places))
            .collect();
        let otherwise = fields.take("otherwise");
        let otherwise = otherwise.and_then(|entry| self.workflow_stage(entry, &mut fields, places));
        let has_agent = path.is_some() || inline.is_some();
        if has_agent == rule.is_some() {
            let message = "`router` needs either a `rule` or an agent (`config_path`), which says the label";
            fields.error(body.at, message);
        }
        if rule.is_some() && instruction.is_some() {
            fields.error(body.at, "`instruction` belongs to an agent, this router has a `rule`");
        }
        fields.finish();
        let chooser = match rule {
            Some(rule) => Chooser::Rule(rule),
            None if has_agent => Chooser::Agent(Assignment {
                agent: self.named_agent(body, path, inline, file, "`router`")?,
                instruction,
            }),
            None => return None,
        };
        Some(Router { chooser, branches, otherwise: otherwise.map(Box::new) })
    }

    fn branch(&mut self, entry: &Yaml, outer: &mut Fields<'_, '_>, places: &mut Places) -> Option<Branch> {
        let mut fields = Fields::of(entry, "the branch", outer.file(), outer.found())?;
        let label = fields.text("label");
        let stage = self.stage_fields(entry, &mut fields, places);
        fields.finish();
        let stage = stage?;
        Some(Branch { label: label.unwrap_or_else(|| stage.name.clone()), stage })
    }

    fn parallel(&mut self, body: &Yaml, outer: &mut Fields<'_, '_>, places: &mut Places) -> Option<Parallel> {
        let mut fields = Fields::of(body, "`parallel`", outer.file(), outer.found())?;
        let branches = self.stages("branches", &mut fields, places);
        let max_running = fields.count("max_running", 1).unwrap_or(DEFAULT_MAX_RUNNING);
        fields.finish();
        Some(Parallel { branches, max_running })
    }

    fn map(&mut self, body: &Yaml, outer: &mut Fields<'_, '_>, places: &mut Places) -> Option<MapOver> {
        let mut fields = Fields::of(body, "`map`", outer.file(), outer.found())?;
        let over = fields.required_text("over");
        let max_items = required_count("max_items", body, "`map`", &mut fields);
        let is_in_order = fields.boolean("in_order").unwrap_or(false);
        let stages = self.stages("stages", &mut fields, places);
        let max_running = fields.count("max_running", 1).unwrap_or(DEFAULT_MAX_RUNNING);
        fields.finish();
        Some(MapOver { over: over?, max_items: max_items?, is_in_order, stages, max_running })
    }

    fn rounds(&mut self, body: &Yaml, outer: &mut Fields<'_, '_>, places: &mut Places) -> Option<LoopUntil> {
        let mut fields = Fields::of(body, "`loop`", outer.file(), outer.found())?;
        let until = fields.required_text("until");
        let max_rounds = required_count("max_rounds", body, "`loop`", &mut fields);
        let answer = fields.text("answer");
        let stages = self.stages("stages", &mut fields, places);
        fields.finish();
        Some(LoopUntil { stages, until: until?, max_rounds: max_rounds?, answer })
    }

    fn vote(&mut self, body: &Yaml, outer: &mut Fields<'_, '_>) -> Option<Vote> {
        let mut fields = Fields::of(body, "`vote`", outer.file(), outer.found())?;
        let mut voters = Vec::new();
        for entry in fields.list("voters") {
            self.voters(entry, &mut fields, &mut voters);
        }
        let labels = fields.texts("labels");
        let rounds = fields.count("rounds", 1).unwrap_or(1);
        let max_running = fields.count("max_running", 1).unwrap_or(DEFAULT_MAX_RUNNING);
        let judge = fields.take("judge").and_then(|entry| self.judge(entry, &mut fields));
        let place = fields.at;
        let is_judged = match fields.text("decide").as_deref() {
            None | Some("majority") => false,
            Some("judge") => true,
            Some(other) => {
                fields.error(place, format!("`decide` is `{other}`; known: majority, judge"));
                false
            }
        };
        fields.finish();
        Some(Vote { voters, labels, rounds, judge, is_judged, max_running })
    }

    /// The voters of one entry, which may stand for several.
    fn voters(&mut self, entry: &Yaml, outer: &mut Fields<'_, '_>, voters: &mut Vec<Voter>) {
        let file = outer.file();
        let Some(mut fields) = Fields::of(entry, "the voter", file, outer.found()) else { return };
        let name = fields.text("name");
        let path = fields.take("config_path");
        let inline = fields.take("agent");
        let instruction = fields.text("instruction");
        let count = fields.whole("count", 1, u64::from(MAX_VOTERS)).unwrap_or(1);
        fields.finish();
        let Some(agent) = self.named_agent(entry, path, inline, file, "the voter") else { return };
        let name = name.unwrap_or_else(|| agent.name.clone());
        for number in 1..=count {
            let name = if count == 1 { name.clone() } else { format!("{name}-{number}") };
            let assignment = Assignment { agent: agent.clone(), instruction: instruction.clone() };
            voters.push(Voter { name, assignment });
        }
    }

    fn judge(&mut self, entry: &Yaml, outer: &mut Fields<'_, '_>) -> Option<Assignment> {
        let file = outer.file();
        let mut fields = Fields::of(entry, "`judge`", file, outer.found())?;
        let path = fields.take("config_path");
        let inline = fields.take("agent");
        let instruction = fields.text("instruction");
        fields.finish();
        Some(Assignment { agent: self.named_agent(entry, path, inline, file, "`judge`")?, instruction })
    }
}

/// A maximum that has no default: whoever writes the file is to think of it.
fn required_count(key: &'static str, body: &Yaml, what: &str, fields: &mut Fields<'_, '_>) -> Option<u32> {
    if body.get(key).is_none() {
        fields.error(body.at, format!("{what} lacks `{key}`"));
    }
    fields.count(key, 1)
}
