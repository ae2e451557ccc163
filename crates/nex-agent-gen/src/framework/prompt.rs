//! System prompts, put together by duty from a few ways to say each thing.
//!
//! They are Jinja templates: the world's own words come in as variables (`world_title`, `role`,
//! `policies`) when an agent starts, so that a prompt says nothing that its world does not.

use super::WorkflowPattern;
use super::plan::{AgentPlan, Duty, spoken};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const RULES: &str = "{% if policies %}\n\n## Rules\n{% for policy in policies %}\n{{ loop.index }}. {{ policy }}\n{% endfor %}\n{% endif %}";
const TEAM: &str = "{% for agent in sub_agents %}\n- {{ agent.name }}: {{ agent.description }}\n{% endfor %}";

/// Ways to say one thing; the seed picks.
type Ways = &'static [&'static str];

const LOOK_FIRST: Ways = &[
    "Look before you change: ids, amounts and states come from tool results, never from guesses.",
    "Take every id, amount and state from a tool result. What you have not looked up, you do not know.",
    "First find out, then act. No value in a call is a guess.",
];
const READ_TO_THE_END: Ways = &[
    "Read each result to its end: follow a list while it says has_more; try again after a passing fault, and look for another way after any other error.",
    "A list with has_more goes on: ask for the next page. A passing fault is tried again; any other error calls for another way.",
    "Lists may have further pages (has_more). Faults that pass are worth another try; the same wrong call twice is not.",
];
const ONLY_WHAT_WAS_ASKED: Ways = &[
    "Change only what was asked for. Decline what the rules forbid, and say why.",
    "Do neither more nor less than was asked. What a rule forbids you decline, with the reason.",
    "Leave alone what nobody asked you to change; where a rule stands against a request, say which.",
];
const ANSWER: Ways = &[
    "When all is done, answer in a short paragraph that states every value you were asked for.",
    "End with a few sentences that give each value that was asked for, and what was changed.",
    "Your last message is the answer: short, complete, with every figure and id that was asked for.",
];
const REPORT: Ways = &[
    "At the end report each value you were asked for on a line of its own, as \"- name: value\", and say plainly what could not be found.",
    "Finish with one line a value, \"- name: value\"; what is not there you name as not there.",
    "Your report is lines of \"- name: value\". Say what you changed, and what you could not find.",
];
const BRIEF_OTHERS: Ways = &[
    "They do not see the request: say in each message what to do, which ids and values are known, and which values to report.",
    "Nobody below you has read the request. Each message you send stands alone: the task, what is known, what to report.",
    "Write to them as to someone who knows nothing yet: what is wanted, the ids and values so far, what you need back.",
];
const GO_ON: Ways = &[
    "Give sub_agent_id to go on with earlier work, so that what was found then is still known.",
    "For a follow-up give the same sub_agent_id: they remember what they found.",
];
const CHECK: Ways = &[
    "Compare what was reported with what was asked, value by value, and look it up again yourself.",
    "Trust no report: look up each record that should have changed and compare.",
];

const ARGUE: Ways = &[
    "Give your reasons in a sentence or two; change your mind where another's are better.",
    "Say why. A reason that you cannot point to in the records is none.",
];
const CUT: Ways = &[
    "Each piece names the ids and values that it needs; whoever does it sees nothing else.",
    "Write each piece so that someone who knows nothing of the rest can do it.",
];
const AS_ASKED: Ways = &[
    "Keep to the form that the message asks for: a program reads your answer.",
    "The last line of your answer is read by a program; give it in the form that is asked for.",
];

/// Writes the prompts of `agents`.
pub(super) fn write_all(agents: &mut [AgentPlan], pattern: WorkflowPattern, rng: &mut ChaCha8Rng) {
    for index in 0..agents.len() {
        let is_entry = index == 0;
        let is_last = index + 1 == agents.len();
        let answers = match pattern {
            // Whichever desk it is that is chosen.
            WorkflowPattern::Router => !is_entry,
            WorkflowPattern::CriticReviser if agents.len() == 2 => is_entry,
            pattern if pattern.is_fixed() => is_last,
            _ => is_entry,
        };
        agents[index].prompt = prompt(&agents[index], answers, rng);
    }
}

fn prompt(agent: &AgentPlan, answers: bool, rng: &mut ChaCha8Rng) -> String {
    let mut text = format!("# {{{{ world_title }}}}: {}\n\n", spoken(&agent.name));
    text.push_str(&opening(agent.duty));
    let has_rules = !matches!(agent.duty, Duty::Reader | Duty::Reporter);
    if has_rules {
        text.push_str(RULES);
    }
    if !agent.sub_agents.is_empty() {
        text.push_str("\n\n## Who works for you\n");
        text.push_str(TEAM);
    }
    text.push_str("\n\n## How to work\n");
    for ways in habits(agent, answers) {
        text.push_str("- ");
        text.push_str(ways[rng.random_range(0..ways.len())]);
        text.push('\n');
    }
    text
}

fn opening(duty: Duty) -> String {
    match duty {
        Duty::Lead => "{{ role }} You take the request and see that it is done.",
        Duty::Head => "You lead one area of the work for the lead, who tells you what is needed of it.",
        Duty::Reader => "You look records up for the others. You can read; you can change nothing.",
        Duty::Changer => "You make changes for the others, exactly those that a message asks for.",
        Duty::Specialist => "{{ role }} You do the part of the work that your tools are for.",
        Duty::Auditor => "You check the work of the others. You can read; you can change nothing.",
        Duty::Reporter => "You write the answer to the request out of what the others found and did.",
        Duty::Router => "You read the request first and say where it goes. You do none of the work.",
        Duty::Planner => "You cut the request into pieces that others do, one by one. You can read; you can change nothing.",
        Duty::Critic => "You judge what another did for the request. You can read; you can change nothing.",
        Duty::Voter => "You are one of a panel that decides what is done. You can read; you can change nothing.",
    }
    .to_owned()
}

fn habits(agent: &AgentPlan, answers: bool) -> Vec<Ways> {
    let mut habits = Vec::new();
    if !agent.sub_agents.is_empty() {
        habits.extend([BRIEF_OTHERS, GO_ON]);
    }
    if !agent.operations.is_empty() {
        habits.extend([LOOK_FIRST, READ_TO_THE_END]);
    }
    match agent.duty {
        Duty::Lead | Duty::Changer | Duty::Specialist | Duty::Head => habits.push(ONLY_WHAT_WAS_ASKED),
        Duty::Auditor | Duty::Critic => habits.push(CHECK),
        Duty::Voter => habits.push(ARGUE),
        Duty::Planner => habits.push(CUT),
        Duty::Reader | Duty::Reporter | Duty::Router => {}
    }
    match agent.duty {
        // What they say is read by the runtime: the message that asks them says how.
        Duty::Router | Duty::Planner | Duty::Critic | Duty::Voter => habits.push(AS_ASKED),
        _ => habits.push(if answers { ANSWER } else { REPORT }),
    }
    habits
}
