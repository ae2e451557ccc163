//! Recursion: the tool `Agent`, by which an agent calls another one.
//!
//! A sub-agent has its own prompt, history and tools. What reaches the parent is its answer, or
//! why there is none; its trajectory hangs under the call. A finished sub-agent can be asked on by
//! its id: `<name>-<n>` for the n-th conversation started with it.

use crate::Agent;
use nex_tools::ToolDeclaration;
use nex_trajectory::{Arguments, Defect, DefectKind, StopReason, ToolSpec, Trajectory};
use serde_json::{Value, json};

/// The name of the tool that calls sub-agents.
pub const AGENT_TOOL: &str = "Agent";

/// A call of the tool `Agent`, understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SubAgentCall {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) resume_id: Option<String>,
}

/// The declaration of the tool `Agent` for an agent with `sub_agents`.
pub(crate) fn agent_tool(sub_agents: &[(String, Agent)]) -> ToolDeclaration {
    let mut description = String::from(
        "Hands a piece of work to another agent and returns its answer. It sees only `message`, so \
         put everything it needs there. The first conversation with agent `x` has the id `x-1`, \
         the second `x-2`; give that id as `sub_agent_id` to go on with an earlier one. Agents:",
    );
    for (name, agent) in sub_agents {
        description.push_str("\n- ");
        description.push_str(name);
        if !agent.spec().description.is_empty() {
            description.push_str(": ");
            description.push_str(&agent.spec().description);
        }
    }
    let names: Vec<&str> = sub_agents.iter().map(|(name, _)| name.as_str()).collect();
    let spec = ToolSpec {
        name: AGENT_TOOL.to_owned(),
        description,
        input_schema: json!({
            "type": "object",
            "properties": {
                "sub_agent_name": {"type": "string", "enum": names, "description": "The agent to call."},
                "message": {"type": "string", "minLength": 1, "description": "What it is to do, with all it needs to know."},
                "sub_agent_id": {"type": "string", "description": "Id of an earlier conversation to go on with."}
            },
            "required": ["sub_agent_name", "message"],
            "additionalProperties": false
        }),
    };
    ToolDeclaration::new(spec).expect("the schema is a constant but for a list of names")
}

/// Reads the arguments of a call of `Agent`, or says for the model what is wrong with them.
pub(crate) fn parse_call(
    arguments: &Arguments,
    declaration: &ToolDeclaration,
) -> Result<SubAgentCall, (String, Vec<Defect>)> {
    let (value, _) = nex_tools::arguments::check(arguments, declaration)
        .map_err(|refusal| (refusal.text, refusal.defects))?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(SubAgentCall {
        name: text("sub_agent_name").unwrap_or_default(),
        message: text("message").unwrap_or_default(),
        resume_id: text("sub_agent_id").filter(|id| !id.is_empty()),
    })
}

/// The conversations that may be resumed.
#[derive(Default)]
pub(crate) struct Conversations {
    finished: Vec<Conversation>,
}

struct Conversation {
    id: String,
    name: String,
    /// Where its latest part lies among the parent's children; none while it runs.
    child: Option<usize>,
    parts: u32,
}

/// A conversation that a call starts or goes on with.
pub(crate) struct Opened {
    /// `<name>-<n>`, and for later parts `<name>-<n>.<part>`.
    pub(crate) run_name: String,
    pub(crate) index: usize,
    /// The earlier part, as an index into the parent's children.
    pub(crate) earlier: Option<usize>,
}

impl Conversations {
    /// Opens the conversation that `call` asks for.
    pub(crate) fn open(&mut self, call: &SubAgentCall) -> Result<Opened, (String, Defect)> {
        let Some(id) = &call.resume_id else {
            let number = 1 + self.finished.iter().filter(|c| c.name == call.name).count();
            let id = format!("{}-{number}", call.name);
            self.finished.push(Conversation {
                id: id.clone(),
                name: call.name.clone(),
                child: None,
                parts: 1,
            });
            return Ok(Opened { run_name: id, index: self.finished.len() - 1, earlier: None });
        };
        let known = self.finished.iter().position(|c| c.id == *id && c.name == call.name);
        let Some((index, child)) = known.and_then(|index| Some((index, self.finished[index].child?))) else {
            let ids: Vec<&str> =
                self.finished.iter().filter(|c| c.child.is_some()).map(|c| c.id.as_str()).collect();
            let known = if ids.is_empty() { "none yet".to_owned() } else { ids.join(", ") };
            let text = format!(
                "there is no finished conversation `{id}` with agent `{}`; finished conversations: {known}; \
                 leave `sub_agent_id` out to start a new one",
                call.name
            );
            return Err((text.clone(), Defect::new(DefectKind::SchemaViolation, text)));
        };
        let conversation = &mut self.finished[index];
        // Two calls of one turn must not go on with the same conversation at the same time.
        conversation.child = None;
        conversation.parts += 1;
        Ok(Opened { run_name: format!("{id}.{}", conversation.parts), index, earlier: Some(child) })
    }

    /// Notes that the part opened as `index` ended and is the parent's child number `child`.
    pub(crate) fn close(&mut self, index: usize, child: usize) {
        self.finished[index].child = Some(child);
    }
}

/// What the parent's model reads of a finished sub-agent, and whether that is an error.
pub(crate) fn report(name: &str, trajectory: &Trajectory) -> (String, bool) {
    let cause = match &trajectory.stop {
        StopReason::FinalAnswer | StopReason::StopTool { .. } => {
            return (trajectory.answer.clone().unwrap_or_default(), false);
        }
        StopReason::TurnLimit { max_turns } => format!("it used up its {max_turns} turns"),
        StopReason::ToolCallLimit { max_tool_calls } => format!("it used up its {max_tool_calls} tool calls"),
        StopReason::TokenBudget { used_tokens } => {
            format!("the token budget is used up ({used_tokens} tokens)")
        }
        StopReason::TimeLimit { limit_ms } => format!("its {limit_ms} ms were over"),
        StopReason::DepthLimit { max_depth } => {
            format!("agents may be nested at most {max_depth} deep; do this work yourself")
        }
        StopReason::RepetitionLoop { repeats } => format!("it made the same calls {repeats} times in a row"),
        StopReason::EmptyReplies { count } => format!("it answered with nothing {count} times in a row"),
        StopReason::Refused => "its model refused".to_owned(),
        StopReason::ContextTooLong => "its conversation became too long for its model".to_owned(),
        StopReason::DeadEnd { stage, cause } => format!("its workflow ended at `{stage}`: {cause}"),
        StopReason::Cancelled => "the run was cancelled".to_owned(),
        StopReason::Unrecorded => "its record does not say why it ended".to_owned(),
        StopReason::Infra(failure) => format!("its surroundings failed: {}", failure.message),
    };
    (format!("agent `{name}` gave no answer: {cause}"), true)
}
