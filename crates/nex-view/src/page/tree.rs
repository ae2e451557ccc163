//! A trajectory as a tree: messages in order, each call with its result, and under the call that
//! started it the trajectory of a sub-agent.

use super::vocabulary::{defect_name, stop_tone, stop_words};
use crate::json::laid_out;
use crate::text::{Cut, Name, count, duration, label, plural, shown, size};
use maud::{Markup, html};
use nex_trajectory::{
    CallId, Child, ContentBlock, Defect, FinishReason, ImageSource, Message, Node, Role, ToolCall,
    ToolResult, Trajectory, Turn,
};
use std::collections::HashMap;

/// Messages shown of one episode, sub-agents included.
const SHOWN_MESSAGES: usize = 240;
/// Agents below agents shown.
const SHOWN_DEPTH: usize = 12;
/// Calls shown of one message.
const SHOWN_CALLS: usize = 40;
const SHOWN_DEFECTS: usize = 12;
const SHOWN_TOOLS: usize = 60;
/// Messages looked back at for the call that a result answers.
const LOOK_BACK: usize = 8;

/// The tree of `trajectory`.
pub(crate) fn tree(trajectory: &Trajectory) -> Markup {
    let mut messages_left = SHOWN_MESSAGES;
    agent(trajectory, 0, &mut messages_left)
}

/// A call by its node and its place among the calls of that node.
type CallAt = (usize, usize);

/// What belongs to the calls of one trajectory.
#[derive(Default)]
struct Joined<'a> {
    results: HashMap<CallAt, (&'a ToolResult, &'a Node, usize)>,
    children: HashMap<CallAt, Vec<&'a Child>>,
    /// Sub-agents that no call started, by node.
    stages: HashMap<usize, Vec<&'a Child>>,
    /// Results that answer no call, by node.
    strays: HashMap<usize, Vec<&'a ToolResult>>,
}

fn join(trajectory: &Trajectory) -> Joined<'_> {
    let mut joined = Joined::default();
    for (index, node) in trajectory.nodes.iter().enumerate() {
        for (place, result) in node.message.results().enumerate() {
            match call_of(trajectory, index, &result.call_id, |at| !joined.results.contains_key(&at)) {
                Some(at) => drop(joined.results.insert(at, (result, node, place))),
                None => joined.strays.entry(index).or_default().push(result),
            }
        }
    }
    let last = trajectory.nodes.len().saturating_sub(1);
    for child in &trajectory.children {
        let node = child.node.index().min(last);
        match child.call_id.as_ref().and_then(|id| call_of(trajectory, node, id, |_| true)) {
            Some(at) => joined.children.entry(at).or_default().push(child),
            None => joined.stages.entry(node).or_default().push(child),
        }
    }
    joined
}

/// The call `id` that is free, in node `from` or the nearest before it on its branch.
fn call_of(
    trajectory: &Trajectory,
    from: usize,
    id: &CallId,
    is_free: impl Fn(CallAt) -> bool,
) -> Option<CallAt> {
    let mut at = Some(from);
    for _ in 0..LOOK_BACK {
        let index = at?;
        let node = trajectory.nodes.get(index)?;
        let place = node
            .message
            .calls()
            .enumerate()
            .position(|(place, call)| call.id == *id && is_free((index, place)));
        if let Some(place) = place {
            return Some((index, place));
        }
        at = node.parent.map(|parent| parent.index()).filter(|parent| *parent < index);
    }
    None
}

fn agent(trajectory: &Trajectory, depth: usize, messages_left: &mut usize) -> Markup {
    let joined = join(trajectory);
    let mut turn_number = 0;
    let mut previous = None;
    let mut hidden = 0_u64;
    html! {
        details.agent open data-depth=(depth.min(4)) {
            summary {
                span.agent-name { (Name(&trajectory.agent)) }
                (stop_badge(trajectory))
                span.quiet { (agent_figures(trajectory)) }
            }
            (stop_message(trajectory))
            (tool_list(trajectory))
            ol.messages {
                @for (index, node) in trajectory.nodes.iter().enumerate() {
                    @if *messages_left > 0 {
                        ({ *messages_left -= 1; "" })
                        (fork_note(node, previous))
                        ({ previous = Some(index); turn_number += usize::from(is_turn(node)); "" })
                        (message(index, node, turn_number, &joined, depth, messages_left))
                    } @else {
                        ({ hidden += 1; "" })
                    }
                }
            }
            @if hidden > 0 {
                p.rest { (plural(hidden, "more message", "more messages")) " of this agent, not shown" }
            }
        }
    }
}

fn is_turn(node: &Node) -> bool {
    node.message.role == Role::Assistant && !node.is_synthetic
}

fn stop_badge(trajectory: &Trajectory) -> Markup {
    html! {
        span.badge.(stop_tone(trajectory.stop.name())) { (label(&stop_words(&trajectory.stop), 80)) }
    }
}

fn stop_message(trajectory: &Trajectory) -> Markup {
    html! {
        @if let nex_trajectory::StopReason::Infra(failure) = &trajectory.stop {
            p.finding { (shown(&failure.message, Cut::SHORT)) }
        }
    }
}

fn agent_figures(trajectory: &Trajectory) -> String {
    let turns = trajectory.nodes.iter().filter(|node| is_turn(node)).count() as u64;
    let calls: usize = trajectory.nodes.iter().map(|node| node.message.calls().count()).sum();
    if turns == 0 && calls == 0 && !trajectory.children.is_empty() {
        return plural(trajectory.children.len() as u64, "stage", "stages");
    }
    let tokens: u64 = trajectory
        .nodes
        .iter()
        .filter_map(|node| node.turn.as_ref())
        .fold(0, |sum, turn| sum.saturating_add(turn.usage.completion_tokens));
    let mut figures =
        format!("{}, {}", plural(turns, "turn", "turns"), plural(calls as u64, "call", "calls"));
    if tokens > 0 {
        figures.push_str(&format!(", {} tokens written", count(tokens)));
    }
    figures
}

fn tool_list(trajectory: &Trajectory) -> Markup {
    let tools = &trajectory.tools;
    html! {
        @if !tools.is_empty() {
            details.tools {
                summary { (plural(tools.len() as u64, "tool", "tools")) " given" }
                ul {
                    @for tool in tools.iter().take(SHOWN_TOOLS) {
                        li { code { (Name(&tool.name)) } " " span.quiet { (label(&tool.description, 140)) } }
                    }
                }
                @if tools.len() > SHOWN_TOOLS { p.rest { "and " (tools.len() - SHOWN_TOOLS) " more" } }
            }
        }
    }
}

/// Says where a history was rewritten: the node does not follow the one before it.
fn fork_note(node: &Node, previous: Option<usize>) -> Markup {
    let parent = node.parent.map(|parent| parent.index());
    html! {
        @if previous.is_some() && parent != previous {
            li.fork {
                @match parent {
                    Some(parent) => { "The history forks here, after message " (parent + 1) },
                    None => "A new history starts here",
                }
            }
        }
    }
}

fn message(
    index: usize,
    node: &Node,
    turn_number: usize,
    joined: &Joined<'_>,
    depth: usize,
    messages_left: &mut usize,
) -> Markup {
    let body = match node.message.role {
        Role::System => folded("System prompt", &node.message),
        Role::User => spoken("Input", &node.message),
        Role::Assistant => reply(index, node, turn_number, joined, depth, messages_left),
        Role::Tool => html! {},
    };
    let of_message = node.defects.iter().filter(|defect| defect.call_id.is_none());
    let defects: Vec<&Defect> = of_message.collect();
    let strays = joined.strays.get(&index);
    let stages = joined.stages.get(&index);
    let is_silent =
        node.message.role == Role::Tool && defects.is_empty() && strays.is_none() && stages.is_none();
    html! {
        @if !is_silent {
            li.message.(node.message.role.as_str()) {
                (body)
                (defect_list(&defects))
                @for result in strays.into_iter().flatten() {
                    div.call.stray {
                        p.part { "Result of " code { (Name(&result.name)) } ", for a call that is not there" }
                        (result_text(result))
                    }
                }
                @for child in stages.into_iter().flatten() { (child_agent(child, depth, messages_left)) }
            }
        }
    }
}

fn child_agent(child: &Child, depth: usize, messages_left: &mut usize) -> Markup {
    if depth + 1 > SHOWN_DEPTH || *messages_left == 0 {
        return html! { p.rest { "A sub-agent, " (Name(&child.trajectory.agent)) ", not shown" } };
    }
    agent(&child.trajectory, depth + 1, messages_left)
}

fn folded(title: &str, message: &Message) -> Markup {
    html! {
        details.folded {
            summary { (title) " " span.quiet { (plural(message.text().chars().count() as u64, "character", "characters")) } }
            (blocks(message, Cut::LONG))
        }
    }
}

fn spoken(title: &str, message: &Message) -> Markup {
    html! { p.part { (title) } (blocks(message, Cut::LONG)) }
}

fn blocks(message: &Message, cut: Cut) -> Markup {
    html! { @for block in message.content.iter().take(SHOWN_CALLS) { (block_text(block, cut)) } }
}

fn block_text(block: &ContentBlock, cut: Cut) -> Markup {
    match block {
        ContentBlock::Text { text } if text.is_empty() => html! {},
        ContentBlock::Text { text } => html! { div.text dir="auto" { (shown(text, cut)) } },
        ContentBlock::Reasoning { text, .. } => reasoning(text),
        ContentBlock::Image(image) => html! { p.image { (image_words(image)) } },
        ContentBlock::ToolCall(call) => html! { p.image { "call of " code { (Name(&call.name)) } } },
        ContentBlock::ToolResult(result) => result_text(result),
    }
}

fn reasoning(text: &str) -> Markup {
    html! {
        @if text.is_empty() {
            p.image { "reasoning, of which only a signature was given" }
        } @else {
            div.reasoning dir="auto" { span.visually-hidden { "Reasoning: " } (shown(text, Cut::MEDIUM)) }
        }
    }
}

/// Pictures are named, not shown: the page loads nothing.
fn image_words(image: &ImageSource) -> String {
    match image {
        ImageSource::Base64 { media_type, data } => {
            format!("picture, {}, {}", label(media_type, 40), size(data.len() as u64 / 4 * 3))
        }
        ImageSource::Url { url } => format!("picture at {}", label(url, 200)),
    }
}

fn reply(
    index: usize,
    node: &Node,
    turn_number: usize,
    joined: &Joined<'_>,
    depth: usize,
    messages_left: &mut usize,
) -> Markup {
    let calls = node.message.calls().count();
    let mut place = 0;
    html! {
        p.part {
            @if node.is_synthetic { "Written by the runtime" } @else { "Turn " (turn_number) }
            @if let Some(turn) = &node.turn { " " span.quiet { (turn_words(turn)) } }
            @if calls > 1 { " " span.quiet { "· " (count(calls as u64)) " parallel calls" } }
        }
        @for block in &node.message.content {
            @match block {
                ContentBlock::ToolCall(made) => {
                    @if place < SHOWN_CALLS { (call(made, (index, place), node, joined, depth, messages_left)) }
                    ({ place += 1; "" })
                },
                other => (block_text(other, Cut::LONG)),
            }
        }
        @if calls > SHOWN_CALLS { p.rest { "and " (calls - SHOWN_CALLS) " more calls, not shown" } }
    }
}

fn turn_words(turn: &Turn) -> String {
    let mut words = label(&format!("{}:{}", turn.model.provider, turn.model.model), 60);
    if turn.timing.duration_ms > 0 {
        words.push_str(&format!(" · {}", duration(turn.timing.duration_ms)));
    }
    if turn.usage.prompt_tokens > 0 || turn.usage.completion_tokens > 0 {
        let (read, written) = (turn.usage.prompt_tokens, turn.usage.completion_tokens);
        words.push_str(&format!(" · {} tokens read, {} written", count(read), count(written)));
    }
    match &turn.finish_reason {
        FinishReason::Stop | FinishReason::ToolCalls => {}
        FinishReason::Length => words.push_str(" · cut by the length limit"),
        FinishReason::ContentFilter => words.push_str(" · stopped by a filter"),
        FinishReason::Other(reason) => words.push_str(&format!(" · finish reason {}", label(reason, 40))),
    }
    if turn.attempts > 1 {
        words.push_str(&format!(" · {} attempts", turn.attempts));
    }
    words
}

fn call(
    made: &ToolCall,
    at: CallAt,
    node: &Node,
    joined: &Joined<'_>,
    depth: usize,
    messages_left: &mut usize,
) -> Markup {
    let answer = joined.results.get(&at);
    let children = joined.children.get(&at).map_or(&[][..], Vec::as_slice);
    let of_result = answer.map_or(&[][..], |(_, node, _)| &node.defects);
    let defects: Vec<&Defect> = node
        .defects
        .iter()
        .chain(of_result)
        .filter(|defect| defect.call_id.as_ref() == Some(&made.id))
        .collect();
    let time =
        answer.and_then(|(_, node, place)| node.call_timings.get(*place)).map(|timing| timing.duration_ms);
    html! {
        details.call open[!children.is_empty()] {
            summary {
                code.tool { (Name(&made.name)) } " "
                code.preview { (label(made.arguments.as_text(), 110)) } " "
                span.signs {
                    @match answer {
                        Some((result, ..)) if result.is_error => span.badge.bad { "error" },
                        Some(_) => {},
                        None => span.badge.neutral { "no result" },
                    }
                    @if !defects.is_empty() {
                        span.badge.warn { (plural(defects.len() as u64, "defect", "defects")) }
                    }
                    @if !children.is_empty() {
                        span.badge.plain { (plural(children.len() as u64, "sub-agent", "sub-agents")) }
                    }
                    @if let Some(ms) = time { @if ms > 0 { span.quiet { (duration(ms)) } } }
                }
            }
            p.part { "Arguments" }
            (arguments(made))
            (defect_list(&defects))
            @for child in children { (child_agent(child, depth, messages_left)) }
            @if let Some((result, ..)) = answer {
                p.part { @if result.is_error { "Result, an error" } @else { "Result" } }
                (result_text(result))
            }
        }
    }
}

fn arguments(made: &ToolCall) -> Markup {
    let text = made.arguments.as_text();
    if text.trim().is_empty() {
        return html! { p.image { "none" } };
    }
    html! { div.code { (laid_out(text).unwrap_or_else(|| shown(text, Cut::MEDIUM))) } }
}

fn result_text(result: &ToolResult) -> Markup {
    html! {
        @if result.content.is_empty() { p.image { "empty" } }
        @for block in result.content.iter().take(SHOWN_CALLS) {
            @match block {
                ContentBlock::Text { text } => {
                    div.code.error[result.is_error] dir="auto" {
                        (laid_out(text).unwrap_or_else(|| shown(text, Cut::MEDIUM)))
                    }
                },
                ContentBlock::ToolResult(inner) => p.image { "a result inside a result, of " (Name(&inner.name)) },
                other => (block_text(other, Cut::MEDIUM)),
            }
        }
    }
}

fn defect_list(defects: &[&Defect]) -> Markup {
    html! {
        @for defect in defects.iter().take(SHOWN_DEFECTS) {
            p.finding.defect {
                span.badge.warn { (defect_name(defect.kind)) } " " (shown(&defect.message, Cut::SHORT))
            }
        }
        @if defects.len() > SHOWN_DEFECTS { p.rest { "and " (defects.len() - SHOWN_DEFECTS) " more defects" } }
    }
}
