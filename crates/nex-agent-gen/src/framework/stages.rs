//! The workflow file of a plan: stages that the runtime runs, by pattern.
//!
//! The agents stand in the plan in the order in which they run; which part each has follows from its
//! duty.

use super::WorkflowPattern;
use super::files::quoted;
use super::plan::{AgentPlan, Duty, FrameworkPlan};
use std::fmt::Write;

/// Parts or steps that a plan may have.
const MAX_PARTS: usize = 12;
/// Rounds of a loop or a debate.
const MAX_ROUNDS: usize = 4;

/// The stages of `plan`, as YAML, each line indented by two.
pub(super) fn stages(plan: &FrameworkPlan) -> String {
    let agents = &plan.agents;
    let of = |duty: Duty| agents.iter().find(|agent| agent.duty == duty);
    let desks: Vec<&AgentPlan> = agents.iter().filter(|agent| agent.duty == Duty::Specialist).collect();
    let mut out = String::new();
    match plan.pattern {
        WorkflowPattern::ConditionalPhases => {
            let names: Vec<&str> = desks.iter().map(|desk| desk.name.as_str()).collect();
            let ask = format!(
                "{{{{ task }}}}\n\nThe phases are: {}. Say what you found, and end with a line that begins with \
                 `phases:` and names those that the request needs.",
                names.join(", ")
            );
            if let Some(triage) = of(Duty::Router) {
                stage(&mut out, 1, triage, &[], Some(&ask));
                for desk in &desks {
                    let needed = format!("'{}' in answers['{}']", desk.name, triage.name);
                    stage(&mut out, 1, desk, &[("when", &needed)], Some(GO_ON));
                }
            }
            report(&mut out, of(Duty::Reporter), &agents[..agents.len() - 1]);
        }
        WorkflowPattern::Router => {
            let Some(router) = of(Duty::Router) else { return out };
            let mut ask =
                "{{ task }}\n\nWhich desk takes this? Answer with one of these names alone:".to_owned();
            for desk in &desks {
                let _ = write!(ask, "\n- {}: {}", desk.name, desk.description);
            }
            let _ = writeln!(out, "  - name: {}\n    router:", router.name);
            let _ = writeln!(out, "      config_path: {}\n      instruction: {}", path(router), quoted(&ask));
            out.push_str("      branches:\n");
            for desk in &desks {
                let _ = writeln!(
                    out,
                    "        - label: {0}\n          name: {0}\n          config_path: {1}\n          instruction: \"{{{{ task }}}}\"",
                    desk.name,
                    path(desk)
                );
            }
            if let Some(first) = desks.first() {
                let _ = writeln!(
                    out,
                    "      otherwise:\n        name: any_desk\n        config_path: {}\n        instruction: \"{{{{ task }}}}\"",
                    path(first)
                );
            }
        }
        WorkflowPattern::MapReduce | WorkflowPattern::PlanExecute => {
            let is_stepwise = plan.pattern == WorkflowPattern::PlanExecute;
            let Some(planner) = of(Duty::Planner) else { return out };
            let ask = format!(
                "{{{{ task }}}}\n\nCut this into {}, at most {MAX_PARTS}, each of which says all that is needed to \
                 do it. Answer with one a line and nothing else.",
                if is_stepwise {
                    "steps, each after the other"
                } else {
                    "parts that do not depend on each other"
                }
            );
            stage(&mut out, 1, planner, &[], Some(&ask));
            let running = if is_stepwise { 1 } else { 4 };
            let _ = writeln!(
                out,
                "  - name: parts\n    map:\n      over: answers['{}']\n      max_items: {MAX_PARTS}\n      max_running: {running}\n      stages:",
                planner.name
            );
            for (index, agent) in
                agents.iter().filter(|a| matches!(a.duty, Duty::Specialist | Duty::Auditor)).enumerate()
            {
                let tell = if index == 0 { "{{ item }}\n\nThis is a part of: {{ task }}" } else { GO_ON };
                stage(&mut out, 4, agent, &[], Some(tell));
            }
            if let Some(reporter) = of(Duty::Reporter) {
                let tell = "{{ task }}\n\nThe parts, and what became of them:\n{{ answers.parts }}";
                stage(&mut out, 1, reporter, &[], Some(tell));
            }
        }
        WorkflowPattern::CriticReviser => {
            let (Some(doer), Some(critic)) = (desks.first(), of(Duty::Critic)) else { return out };
            let _ = writeln!(
                out,
                "  - name: rounds\n    loop:\n      max_rounds: {MAX_ROUNDS}\n      until: {}\n      answer: {}\n      stages:",
                quoted(&format!("'APPROVED' in answers['{}']", critic.name)),
                doer.name
            );
            let work = format!(
                "{{{{ task }}}}{{% if round > 1 %}}\n\nYou reported:\n{{{{ answers['{}'] }}}}\n\nThe critic says:\n\
                 {{{{ answers['{}'] }}}}\n\nPut right what is wrong.{{% endif %}}",
                doer.name, critic.name
            );
            stage(&mut out, 4, doer, &[], Some(&work));
            let judge = format!(
                "The request:\n{{{{ task }}}}\n\nThe report:\n{{{{ answers['{}'] }}}}\n\nLook for yourself. If all is as \
                 it should be, answer APPROVED; otherwise say what is wrong, without that word.",
                doer.name
            );
            stage(&mut out, 4, critic, &[], Some(&judge));
            report(&mut out, of(Duty::Reporter), &agents[..1]);
        }
        WorkflowPattern::DebateVote => {
            out.push_str("  - name: decision\n    vote:\n      rounds: 2\n      voters:\n");
            for voter in agents.iter().filter(|agent| agent.duty == Duty::Voter) {
                let ask = "{{ task }}\n\n{% if others %}The others said:\n{{ others }}\n\n{% endif %}Look, then say what is to be done \
                           and why. End with a line `decision:` and one short phrase.";
                let _ = writeln!(
                    out,
                    "        - name: {}\n          config_path: {}\n          instruction: {}",
                    voter.name,
                    path(voter),
                    quoted(ask)
                );
            }
            if let Some(doer) = desks.first() {
                let tell = "{{ task }}\n\nThe panel decided:\n{{ answers.decision }}\n\nDo it, and answer the request.";
                stage(&mut out, 1, doer, &[], Some(tell));
            }
        }
        WorkflowPattern::Blackboard => {
            let last = desks.last().map_or("", |desk| desk.name.as_str());
            let _ = writeln!(
                out,
                "  - name: rounds\n    loop:\n      max_rounds: {MAX_ROUNDS}\n      until: {}\n      stages:",
                quoted(&format!("'ALL DONE' in answers['{last}']"))
            );
            for desk in &desks {
                let mut tell = "{{ task }}\n\nOn the board:\n{% for note in state.notes %}- {{ note }}\n{% endfor %}\nDo your part \
                                of what is still open and report it; if nothing of yours is open, say so."
                    .to_owned();
                if desk.name == last {
                    tell.push_str(" If nothing at all is open any more, end with ALL DONE.");
                }
                stage(&mut out, 4, desk, &[("writes", "notes"), ("append", "true")], Some(&tell));
            }
            if let Some(reporter) = of(Duty::Reporter) {
                let tell =
                    "{{ task }}\n\nThe board:\n{% for note in state.notes %}- {{ note }}\n{% endfor %}";
                stage(&mut out, 1, reporter, &[], Some(tell));
            }
        }
        _ => agents.iter().for_each(|agent| stage(&mut out, 1, agent, &[], None)),
    }
    out
}

/// What a stage is told that goes on where the one before stopped.
const GO_ON: &str = "{{ task }}\n\nSo far:\n{{ previous }}";

/// One stage that is an agent; `level` is the depth of its list.
fn stage(
    out: &mut String,
    level: usize,
    agent: &AgentPlan,
    keys: &[(&str, &str)],
    instruction: Option<&str>,
) {
    let indent = "  ".repeat(level);
    let _ = writeln!(out, "{indent}- name: {}\n{indent}  config_path: {}", agent.name, path(agent));
    for (key, value) in keys {
        let value = if *key == "when" { quoted(value) } else { (*value).to_owned() };
        let _ = writeln!(out, "{indent}  {key}: {value}");
    }
    if let Some(instruction) = instruction {
        let _ = writeln!(out, "{indent}  instruction: {}", quoted(instruction));
    }
}

/// The last stage: the answer out of what `sources` said.
fn report(out: &mut String, reporter: Option<&AgentPlan>, sources: &[AgentPlan]) {
    let Some(reporter) = reporter else { return };
    let mut tell = "{{ task }}\n\nWhat was found and done:".to_owned();
    for source in sources {
        let _ = write!(
            tell,
            "\n{{% if answers['{0}'] %}}- {0}: {{{{ answers['{0}'] }}}}{{% endif %}}",
            source.name
        );
    }
    stage(out, 1, reporter, &[], Some(&tell));
}

fn path(agent: &AgentPlan) -> String {
    format!("./agents/{}.yaml", agent.name)
}
