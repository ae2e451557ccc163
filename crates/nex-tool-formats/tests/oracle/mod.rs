//! The independent oracle of the rendering tests: official chat templates in Python's jinja2, and
//! Mistral's and OpenAI's own renderers. Conversations in, their text out.
//!
//! One Python process answers all requests of a test program. `scripts/install-peers` installs it
//! with the templates; without it the tests fail and say so, they are never skipped.

// Each test program uses a part of it.
#![allow(dead_code)]

use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// What the oracle says of a request; `Err` is what the template or the library raised.
pub(crate) type Answer = Result<Value, String>;

/// Renders with an official template, for instance `llama-cpp/GLM-4.6.jinja`, without a generation
/// prompt. `messages` are OpenAI-style; `tools` may be null; `variables` is an object.
///
/// # Panics
/// The template raises.
pub(crate) fn render(template: &str, messages: &Value, tools: &Value, variables: &Value) -> String {
    try_render(template, messages, tools, variables, false)
        .unwrap_or_else(|error| panic!("the oracle could not render {template}: {error}"))
}

/// As [`render`], with what the template raises and a choice of the generation prompt.
pub(crate) fn try_render(
    template: &str,
    messages: &Value,
    tools: &Value,
    variables: &Value,
    adds_generation_prompt: bool,
) -> Result<String, String> {
    text(ask(&json!({
        "template": template,
        "messages": messages,
        "tools": tools,
        "variables": if variables.is_null() { Value::Object(Map::new()) } else { variables.clone() },
        "add_generation_prompt": adds_generation_prompt,
    })))
}

/// What Mistral's own tokenizer of `version` (`v3`, `v3-tekken`, `v7`, `v11`, `v13`) makes of a request.
pub(crate) fn mistral(version: &str, messages: &Value, tools: &Value) -> Result<String, String> {
    text(ask(&json!({"mistral": version, "messages": messages, "tools": tools})))
}

/// What OpenAI's harmony library makes of its own message objects; `mode` is `conversation`,
/// `training` or `completion`.
pub(crate) fn harmony(mode: &str, messages: &Value) -> Result<String, String> {
    text(ask(&json!({"harmony": mode, "messages": messages})))
}

/// Sends one request as it is described at the head of `render_templates.py`.
pub(crate) fn ask(request: &Value) -> Answer {
    // A test that failed while it held the lock has not broken the process.
    let mut process = ORACLE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut answer = process.exchange(request);
    match answer.get_mut("error") {
        Some(error) => Err(error.take().as_str().expect("an error is a text").to_owned()),
        None => Ok(answer),
    }
}

/// The names of all installed templates, `folder/file.jinja`, in order.
pub(crate) fn templates() -> Vec<String> {
    let root = peers().join("templates");
    let mut names = Vec::new();
    for folder in files(&root) {
        for file in files(&folder) {
            let name = file.strip_prefix(&root).expect("it lies there").to_str().expect("names are UTF-8");
            names.push(name.to_owned());
        }
    }
    names.sort();
    names
}

/// The text of an installed template.
pub(crate) fn template_source(name: &str) -> String {
    let path = peers().join("templates").join(name);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; install with scripts/install-peers", path.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}; install with scripts/install-peers", folder.display()));
    entries.map(|entry| entry.expect("the folder can be read").path()).collect()
}

fn peers() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    std::env::var_os("NEX_PEERS").map_or(beside, PathBuf::from)
}

fn text(answer: Answer) -> Result<String, String> {
    answer.map(|answer| answer["text"].as_str().expect("the oracle answers with a text").to_owned())
}

static ORACLE: LazyLock<Mutex<Process>> = LazyLock::new(|| Mutex::new(Process::start()));

/// Ends by itself when the test program ends: its input is closed then.
struct Process {
    _child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start() -> Self {
        let python = peers().join("v/templates/bin/python");
        assert!(
            python.exists(),
            "there is no template oracle at {}: install it with scripts/install-peers, \
             or name its folder in NEX_PEERS",
            python.display()
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/render_templates.py");
        let mut child = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
        let requests = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { _child: child, requests, answers }
    }

    fn exchange(&mut self, request: &Value) -> Value {
        let gone = "the oracle has ended; its own words are above";
        writeln!(self.requests, "{request}").expect(gone);
        let mut line = String::new();
        self.answers.read_line(&mut line).expect(gone);
        assert!(!line.is_empty(), "{gone}");
        serde_json::from_str(&line).expect("the oracle answers in JSON")
    }
}
