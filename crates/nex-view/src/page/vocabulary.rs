//! The words of the record explained to a reader: stop reasons, defects, drivers.

use crate::text::{count, words};
use nex_trajectory::StopReason;

/// What a stop reason, by its name in files, means; empty for one not known here.
pub(crate) fn stop_meaning(name: &str) -> &'static str {
    match name {
        "final_answer" => "answered without calling a tool",
        "stop_tool" => "a stop tool gave the answer",
        "turn_limit" => "used up its model calls",
        "tool_call_limit" => "used up its tool calls",
        "token_budget" => "used up its tokens",
        "time_limit" => "used up its time",
        "depth_limit" => "nested sub-agents too deep",
        "repetition_loop" => "made the same calls again and again",
        "empty_replies" => "returned nothing, several times",
        "refused" => "the model refused",
        "context_too_long" => "history no longer fitted the model",
        "dead_end" => "an answer led to no stage of the workflow",
        "cancelled" => "told to stop; not scored",
        "unrecorded" => "the record does not say why it ended",
        "infra" => "the surroundings failed; not scored",
        _ => "",
    }
}

/// The class that colours a stop reason.
pub(crate) fn stop_tone(name: &str) -> &'static str {
    match name {
        "final_answer" | "stop_tool" => "good",
        "infra" | "cancelled" | "unrecorded" => "neutral",
        _ => "bad",
    }
}

/// One stop reason in words, with its figures.
pub(crate) fn stop_words(stop: &StopReason) -> String {
    match stop {
        StopReason::StopTool { tool } => format!("stop tool {tool}"),
        StopReason::TurnLimit { max_turns } => format!("turn limit of {max_turns}"),
        StopReason::ToolCallLimit { max_tool_calls } => format!("limit of {max_tool_calls} tool calls"),
        StopReason::TokenBudget { used_tokens } => format!("token budget, {} used", count(*used_tokens)),
        StopReason::TimeLimit { limit_ms } => format!("time limit of {}", crate::text::duration(*limit_ms)),
        StopReason::DepthLimit { max_depth } => format!("depth limit of {max_depth}"),
        StopReason::RepetitionLoop { repeats } => format!("repetition loop, {repeats} in a row"),
        StopReason::EmptyReplies { count } => format!("{count} empty replies"),
        StopReason::DeadEnd { stage, cause } => format!("dead end at {stage}: {cause}"),
        StopReason::Infra(failure) => format!("surroundings failed: {}", failure.kind),
        StopReason::FinalAnswer
        | StopReason::Refused
        | StopReason::ContextTooLong
        | StopReason::Unrecorded
        | StopReason::Cancelled => words(stop.name()),
    }
}

/// What a kind of defect, by its name in files, means; empty for one not known here.
pub(crate) fn defect_meaning(name: &str) -> &'static str {
    match name {
        "unclosed_tag" => "a call's tag was not closed",
        "invalid_json" => "a call was no JSON",
        "malformed_call" => "JSON, but not the shape of a call",
        "unknown_tool" => "named a tool that it does not have",
        "missing_argument" => "left out a required argument",
        "unknown_argument" => "gave an argument that is not declared",
        "wrong_type" => "gave an argument of the wrong type",
        "schema_violation" => "broke another rule of the schema",
        "call_inside_reasoning" => "called inside reasoning, not executed",
        "text_after_call" => "wrote text after a call",
        "duplicate_call_id" => "used one id for two calls",
        "empty_reply" => "replied with nothing",
        "truncated_reply" => "was cut by the length limit",
        "repeated_call" => "made the same call again",
        "too_many_calls" => "made more calls than allowed at once",
        "invalid_utf8" => "tool output was not UTF-8",
        "oversized_output" => "tool output was over its limit",
        _ => "",
    }
}

/// A kind of defect by its name in files.
pub(crate) fn defect_name(kind: nex_trajectory::DefectKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{kind:?}"),
    }
}

/// What a driver is, so that nothing made without an LLM is taken for an LLM's work.
pub(crate) fn driver_meaning(driver: &str) -> &'static str {
    let provider: &str = driver.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    match provider {
        "expert" => "built-in, follows the task's oracle plan: not an LLM",
        "script" => "replies read from a file: not an LLM",
        "replay" => "recorded replies of a model, played back",
        "record" => "a model over HTTP, recorded to a cassette",
        "policy" => "a policy trained here",
        "openai" => "a model over the chat completions protocol",
        "anthropic" => "a model over the messages protocol",
        _ => "as named by the run",
    }
}
