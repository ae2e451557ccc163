//! Writing the workflow: the stages by which the runtime decides who is next.

use super::agents::load;
use super::{Workspace, whole::team_files};
use crate::builders::agent_draft::check_values;
use crate::builders::derive::lacks_construct;
use crate::builders::templates::{check_expression, check_instruction};
use crate::builders::yaml::unfenced;
use crate::forge::write;
use crate::framework::WorkflowPattern;
use nex_agent::workflow::{Assignment, Chooser, Work, WorkflowStage};
use nex_agent::{RunnableSpec, WorkflowSpec};
use nex_tools::ToolOutput;
use std::path::Path;

/// Agents that one run of a workflow may start.
const MAX_RUNS: u32 = 1_000;

impl Workspace {
    /// Takes the workflow, or for a sequence the pipeline, that `yaml` describes.
    pub(in crate::builders) fn write_workflow(&mut self, yaml: &str) -> ToolOutput {
        let yaml = unfenced(yaml);
        self.write("workflow", |this| {
            this.check_size("yaml", yaml)?;
            let pattern = this.pattern.ok_or("no pattern is chosen yet; choose_pattern comes first")?;
            if !pattern.is_fixed() {
                return Err(format!(
                    "{pattern} has no workflow file: there agents call each other, by `sub_agents` (connect)"
                ));
            }
            this.check_flow(yaml, pattern)?;
            this.flow = Some(yaml.to_owned());
            Ok(format!(
                "The {} is taken.",
                if pattern == WorkflowPattern::Sequential { "pipeline" } else { "workflow" }
            ))
        })
    }

    /// What is wrong with `yaml` as the workflow of `pattern`.
    pub(super) fn check_flow(&self, yaml: &str, pattern: WorkflowPattern) -> Result<(), String> {
        check_values("yaml", yaml)?;
        let folder = tempfile::tempdir().map_err(|error| format!("the check has no folder: {error}"))?;
        let mut files = team_files(self)?;
        let name = if pattern == WorkflowPattern::Sequential { "pipeline.yaml" } else { "workflow.yaml" };
        files.push(crate::framework::FrameworkFile { path: name.to_owned(), text: yaml.to_owned() });
        write(&files, folder.path()).map_err(|error| format!("the check cannot write: {error}"))?;
        match load(&folder.path().join(name), folder.path())? {
            RunnableSpec::Pipeline(pipeline) if pattern == WorkflowPattern::Sequential => {
                check_templates(&WorkflowSpec::from(pipeline), folder.path())
            }
            RunnableSpec::Workflow(workflow) if pattern != WorkflowPattern::Sequential => {
                if workflow.max_runs > MAX_RUNS {
                    return Err(format!(
                        "`max_runs` is {}, at most {MAX_RUNS} are allowed",
                        workflow.max_runs
                    ));
                }
                if let Some(missing) = lacks_construct(&workflow, pattern) {
                    return Err(format!("a {pattern} needs {missing}, and this workflow has none"));
                }
                check_templates(&workflow, folder.path())
            }
            RunnableSpec::Agent(_) => {
                Err("this is an agent; a workflow has `type: workflow` (or `type: pipeline`) and `stages`"
                    .to_owned())
            }
            RunnableSpec::Pipeline(_) => Err(format!("this is a pipeline; a {pattern} has `type: workflow`")),
            RunnableSpec::Workflow(_) => {
                Err("this is a workflow; a sequence has `type: pipeline`".to_owned())
            }
        }
    }
}

fn check_templates(workflow: &WorkflowSpec, folder: &Path) -> Result<(), String> {
    let mut found = Ok(());
    for stage in &workflow.stages {
        stage.walk(&mut |stage| {
            if found.is_ok() {
                found =
                    check_stage(stage, folder).map_err(|cause| format!("stage `{}`: {cause}", stage.name));
            }
        });
    }
    found
}

fn check_stage(stage: &WorkflowStage, folder: &Path) -> Result<(), String> {
    stage.when.as_deref().map_or(Ok(()), check_expression)?;
    let assigned = |assignment: &Assignment| {
        // An agent written into the workflow would bypass what write_agent checks.
        if !Path::new(&assignment.agent.source).starts_with(folder.join("agents")) {
            return Err(format!(
                "agent `{}` is written into the workflow; write it with write_agent and name it by `config_path: ./agents/NAME.yaml`",
                assignment.agent.name
            ));
        }
        assignment.instruction.as_deref().map_or(Ok(()), check_instruction)
    };
    match &stage.work {
        Work::Agent(assignment) => assigned(assignment),
        Work::Router(router) => match &router.chooser {
            Chooser::Agent(assignment) => assigned(assignment),
            Chooser::Rule(rule) => check_expression(rule),
        },
        Work::Map(map) => check_expression(&map.over),
        Work::Loop(rounds) => check_expression(&rounds.until),
        Work::Vote(vote) => {
            vote.voters.iter().try_for_each(|voter| assigned(&voter.assignment))?;
            vote.judge.as_ref().map_or(Ok(()), assigned)
        }
        Work::Sequence(_) | Work::Parallel(_) => Ok(()),
    }
}
