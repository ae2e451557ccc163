//! The agents' own code reads what we write, and writes the same: Harbor's Terminus 2 parsers and
//! OpenHands' converter, from their packages, in Python. `scripts/install-peers` installs them;
//! without them the tests fail and say so.

use nex_tool_formats::{OpenHands, RenderOptions, Sample, TerminusJson, TerminusXml, ToolCallFormat};
use nex_trajectory::{Arguments, ContentBlock, Message, Node, NodeId, Role, ToolCall, ToolResult, ToolSpec};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Answers to `requests`, as `reference_parsers/ask.py` describes them.
fn ask(requests: &Value) -> Vec<Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let peers = std::env::var_os("NEX_PEERS").map_or_else(|| here.join("../../target/peers"), PathBuf::from);
    let python = peers.join("v/agents/bin/python");
    assert!(python.exists(), "{} is missing: run scripts/install-peers", python.display());
    let mut child = Command::new(python)
        .arg(here.join("tests/reference_parsers/ask.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("it was piped");
    stdin.write_all(requests.to_string().as_bytes()).expect("Python reads");
    drop(stdin);
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "the agents' code failed; see above");
    serde_json::from_slice(&output.stdout).expect("an answer for each request")
}

fn nodes(messages: Vec<Message>) -> Vec<Node> {
    let parent = |index: usize| index.checked_sub(1).map(|index| NodeId(index as u32));
    messages.into_iter().enumerate().map(|(index, message)| Node::new(parent(index), message)).collect()
}

/// The turns of a rendered conversation: role and content.
fn turns(format: &dyn ToolCallFormat, tools: &[ToolSpec], messages: Vec<Message>) -> Vec<(String, String)> {
    let nodes = nodes(messages);
    let sample = Sample { tools, nodes: nodes.iter().collect() };
    let rendered = format.render(&sample, &RenderOptions::default()).expect("it is representable");
    let turns = rendered.text.split("<|im_start|>").skip(1).map(|turn| {
        let (role, content) = turn.split_once('\n').expect("a role stands on its own line");
        (role.to_owned(), content.strip_suffix("<|im_end|>\n").expect("a turn ends").to_owned())
    });
    turns.collect()
}

fn call(id: &str, name: &str, arguments: &Value) -> ContentBlock {
    let arguments = Arguments::from_text(arguments.to_string());
    ContentBlock::ToolCall(ToolCall { id: id.into(), name: name.to_owned(), arguments })
}

fn assistant(reasoning: &str, text: &str, calls: Vec<ContentBlock>) -> Message {
    let mut content = vec![
        ContentBlock::Reasoning { text: reasoning.to_owned(), signature: None },
        ContentBlock::Text { text: text.to_owned() },
    ];
    content.extend(calls);
    Message { role: Role::Assistant, content }
}

#[test]
fn harbor_reads_the_commands_that_terminus_writes() {
    const KEYSTROKES: [&str; 9] = [
        "ls -la\n",
        "",
        "C-c",
        "  indented\n\n",
        "cat <<'EOF' > a.html\n<p class=\"x\">a &lt; b && c</p>\nEOF\n",
        "echo '{\"a\": [1, \"\\n\"]}' | jq .\n",
        "printf '\\t\u{2028}😀\\r\\n'\t\r\n",
        "grep -n '<commands>' x.xml # </keystroke>\n",
        "null",
    ];
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for count in 0..=KEYSTROKES.len() {
        for is_complete in [false, true] {
            let seconds = |index: usize| [0.1, 1.0, 60.0, 2.5][index % 4];
            let commands: Vec<(&str, f64)> =
                KEYSTROKES[..count].iter().enumerate().map(|(index, keys)| (*keys, seconds(index))).collect();
            let mut calls: Vec<ContentBlock> = commands
                .iter()
                .map(|(keys, seconds)| {
                    call(keys, "bash_command", &json!({"keystrokes": keys, "duration": seconds}))
                })
                .collect();
            if is_complete {
                calls.push(call("done", "mark_task_complete", &json!({})));
            }
            let (analysis, plan) =
                if count == 3 { ("", "") } else { ("It \"is\"\nso: a < b & c.", "Look, {then} act.") };
            let formats: [(&str, &dyn ToolCallFormat); 2] = [("xml", &TerminusXml), ("json", &TerminusJson)];
            for (kind, format) in formats {
                let turns = turns(format, &[], vec![assistant(analysis, plan, calls.clone())]);
                requests.push(json!({"terminus": kind, "reply": turns[0].1}));
                expected.push(json!({
                    "analysis": analysis, "plan": plan, "commands": commands, "is_complete": is_complete, "error": "",
                }));
            }
        }
    }
    for ((answer, expected), request) in ask(&json!(requests)).iter().zip(&expected).zip(&requests) {
        assert_eq!(answer, expected, "{request}");
    }
}

fn shell_tools() -> Vec<ToolSpec> {
    let tool = |name: &str, description: &str, input_schema: Value| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema,
    };
    vec![
        tool(
            "terminal",
            "Runs a command.\nIn a shell.",
            json!({"type": "object", "required": ["command"], "properties": {
                "command": {"type": "string", "description": "What to run."},
                "timeout": {"type": "integer"},
                "mode": {"type": "string", "description": "How.", "enum": ["fast", "slow"]},
            }}),
        ),
        tool(
            "edit",
            "Edits.",
            json!({"type": "object", "required": ["path", "lines"], "properties": {
                "path": {"type": "string"},
                "lines": {"type": "array", "description": "Which.", "items": {"type": "integer"}},
                "pair": {"type": "array", "items": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "null"}}}]},
                "options": {"type": "object", "required": ["deep"], "additionalProperties": {"type": "string"}, "properties": {
                    "deep": {"type": "boolean", "description": "All of it."},
                    "list": {"type": "array"},
                }},
                "either": {"anyOf": [{"type": "string", "description": "One."}, {"type": "array", "items": {"type": "number"}}]},
                "maybe": {"type": ["string", "null"]},
                "closed": {"type": "object", "additionalProperties": false},
                "any": {},
                "choice": {"enum": [1, true, null, "x"]},
            }}),
        ),
        tool("finish", "Ends.", json!({"type": "object", "properties": {}})),
    ]
}

/// Calls to make, each in a round with its result.
fn rounds() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("I look.", "terminal", json!({"command": "ls"}), "a\nb"),
        (
            "",
            "terminal",
            json!({"command": "cat <<E\n  x < y && z &lt;\nE", "timeout": 5, "mode": "fast"}),
            "",
        ),
        (
            "Two\n\nlines.",
            "edit",
            json!({"path": "007", "lines": [1, 2, 30]}),
            "EXECUTION RESULT of [x]:\ninside",
        ),
        ("", "edit", json!({"path": "<p>null</p>", "lines": []}), "ünï 😀"),
        ("Done.", "finish", json!({}), "ok"),
    ]
}

#[test]
fn openhands_writes_and_reads_the_same_messages() {
    let tools = shell_tools();
    let declared: Vec<Value> = tools
        .iter()
        .map(|tool| {
            let function =
                json!({"name": tool.name, "description": tool.description, "parameters": tool.input_schema});
            json!({"type": "function", "function": function})
        })
        .collect();
    let mut messages = vec![Message::system("Be brief."), Message::user("List, then edit.")];
    let mut theirs = vec![
        json!({"role": "system", "content": "Be brief."}),
        json!({"role": "user", "content": "List, then edit."}),
    ];
    for (index, (text, name, arguments, result)) in rounds().into_iter().enumerate() {
        let id = format!("toolu_{:02}", index + 1);
        messages.push(assistant("", text, vec![call(&id, name, &arguments)]));
        let content = vec![ContentBlock::Text { text: result.to_owned() }];
        let call_id = id.as_str().into();
        messages.push(Message::tool(vec![ToolResult {
            call_id,
            name: name.to_owned(),
            content,
            is_error: false,
        }]));
        let function = json!({"name": name, "arguments": arguments.to_string()});
        let calls = json!([{"id": id, "type": "function", "function": function}]);
        theirs.push(json!({"role": "assistant", "content": text, "tool_calls": calls}));
        theirs.push(json!({"role": "tool", "name": name, "tool_call_id": id, "content": result}));
    }
    messages.push(Message::assistant("That was it."));
    theirs.push(json!({"role": "assistant", "content": "That was it."}));

    let ours: Vec<Value> = turns(&OpenHands, &tools, messages)
        .into_iter()
        .map(|(role, content)| json!({"role": role, "content": content}))
        .collect();
    let answers = ask(&json!([
        {"openhands": "write", "messages": theirs, "tools": declared},
        {"openhands": "read", "messages": ours, "tools": declared},
    ]));
    let written = answers[0].as_array().expect("messages");
    assert_eq!(written.len(), ours.len());
    for (theirs, ours) in written.iter().zip(&ours) {
        assert_eq!(theirs["role"], ours["role"]);
        // In lists Python's `json.dumps` has the same spacing as the arguments would have respaced.
        let content = ours["content"].as_str().expect("text").replace("[1,2,30]", "[1, 2, 30]");
        assert_eq!(theirs["content"].as_str().expect("text"), content);
    }
    let read = answers[1].as_array().expect("messages");
    assert_eq!(read.len(), theirs.len());
    for (read, sent) in read.iter().zip(&theirs) {
        assert_eq!((&read["role"], &read["content"]), (&sent["role"], &sent["content"]));
        if let Some(call) = sent.get("tool_calls") {
            let arguments = |call: &Value| -> Value {
                let text = call[0]["function"]["arguments"].as_str().expect("arguments are text");
                serde_json::from_str(text).expect("arguments are JSON")
            };
            assert_eq!(read["tool_calls"][0]["function"]["name"], call[0]["function"]["name"]);
            assert_eq!(arguments(&read["tool_calls"]), arguments(call));
        }
    }
}
