//! Our Jinja against Python's: every official template, on conversations of every kind.

// The counts are for people.
#![allow(clippy::print_stderr)]

mod oracle;

use nex_tool_formats::{ChatTemplate, TemplateError, TemplateOptions};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Templates that minijinja cannot run as Jinja does, with the reason.
const CANNOT_WORK: &[(&str, &str)] = &[(
    "llama-cpp/meetkai-functionary-medium-v3.1.jinja",
    "adds `|safe` text with `+`, so that Python escapes the tools' descriptions for HTML: refused",
)];

/// Templates that minijinja runs also where Jinja raises, with the reason; else they are equal.
const RAISE_LESS: &[(&str, &str)] = &[
    (
        "llama-cpp/CohereForAI-c4ai-command-r-plus-tool_use.jinja",
        "loops over the tools although there are none",
    ),
    (
        "llama-cpp/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja",
        "loops over the tools although there are none",
    ),
    (
        "llama-cpp/NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja",
        "loops over the tools although there are none",
    ),
    ("llama-cpp/llama-cpp-deepseek-r1.jinja", "writes `map(…)` as JSON, which in Python is a generator"),
];

fn call(id: &str, name: &str, arguments: Value) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn result(id: &str, name: &str, content: &str) -> Value {
    json!({"role": "tool", "name": name, "tool_call_id": id, "content": content})
}

fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "read_file", "description": "Reads a file.\nAll of it, <b>raw</b>.",
            "parameters": {"type": "object", "properties": {
                "path": {"type": "string", "description": "Where it lies."},
                "lines": {"type": "array", "items": {"type": "integer"}, "description": "First & last."},
                "mode": {"type": "string", "enum": ["text", "bytes"], "default": "text", "description": "How."}},
                "required": ["path"]}}},
        {"type": "function", "function": {"name": "météo", "description": "Wetter für \"Städte\" 天気",
            "parameters": {"type": "object", "properties": {
                "city": {"type": "string", "description": "城市"},
                "at": {"type": "object", "properties": {"lat": {"type": "number", "description": "°"}},
                    "required": ["lat"], "description": "Where"}},
                "required": []}}},
    ])
}

/// Name, messages, tools, whether the model is to go on.
fn conversations() -> Vec<(&'static str, Value, Value, bool)> {
    let one_call = json!([
        {"role": "system", "content": "You are a careful agent."},
        {"role": "user", "content": "Show a.txt"},
        {"role": "assistant", "content": "I look.", "tool_calls": [
            call("abcdef123", "read_file", json!({"path": "a.txt", "lines": [1, 2]}))]},
        result("abcdef123", "read_file", "line 1\n<b>line 2</b> & \"more\"\n"),
        {"role": "assistant", "content": "It has two lines."},
    ]);
    let parallel = json!([
        {"role": "user", "content": "Compare a and b"},
        {"role": "assistant", "content": "", "tool_calls": [
            call("abcdef123", "read_file", json!({"path": "a", "mode": "text"})),
            call("abcdef124", "météo", json!({"city": "Zürich", "at": {"lat": 47.5, "exact": true, "zone": null}}))]},
        result("abcdef123", "read_file", "1"),
        result("abcdef124", "météo", "{\"°C\": 21}"),
        {"role": "assistant", "content": "Same.", "tool_calls": [call("abcdef125", "read_file", json!({}))]},
        result("abcdef125", "read_file", ""),
        {"role": "assistant", "content": "Done."},
    ]);
    let reasoning = json!([
        {"role": "system", "content": "Think."},
        {"role": "user", "content": "First"},
        {"role": "assistant", "reasoning_content": "Let me see.\nYes.", "content": "One."},
        {"role": "user", "content": "Second"},
        {"role": "assistant", "reasoning_content": "Call it.", "content": "", "tool_calls": [
            call("abcdef123", "read_file", json!({"path": "x", "lines": [1.0, 1e16, 9007199254740993i64]}))]},
        result("abcdef123", "read_file", "ok"),
        {"role": "assistant", "reasoning_content": "Good.", "content": "Two."},
    ]);
    let unicode = json!([
        {"role": "user", "content": "  \u{1f600} <|x|> {{ user }} \u{2028}'\"\\\n\n 日本語\t "},
        {"role": "assistant", "content": "\n é̀ </s> [INST] \n"},
        {"role": "user", "content": "<think>not mine</think>"},
        {"role": "assistant", "content": "<think>\nmine\n</think>\n\nanswer"},
    ]);
    let turns = json!([
        {"role": "system", "content": "S"},
        {"role": "user", "content": "1"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "2"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "3"},
        {"role": "assistant", "content": "three"},
    ]);
    let plain = json!([{"role": "user", "content": "Hi"}]);
    let null = json!([{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [call("abcdef123", "read_file", json!({"path": "a'b"}))]},
        result("abcdef123", "read_file", "r")]);
    vec![
        ("plain, to go on", plain.clone(), Value::Null, true),
        ("plain with tools, to go on", plain, tools(), true),
        ("one call", one_call, tools(), false),
        ("parallel calls", parallel.clone(), tools(), false),
        ("parallel calls without tools", parallel, Value::Null, false),
        ("reasoning", reasoning.clone(), tools(), false),
        (
            "reasoning without tools, to go on",
            reasoning.as_array().expect("messages")[..4].into(),
            Value::Null,
            true,
        ),
        ("unicode", unicode, Value::Null, false),
        ("turns", turns, Value::Null, false),
        ("null content, to go on", null, tools(), true),
    ]
}

/// The same with the arguments as text.
fn with_text_arguments(messages: &Value) -> Value {
    let mut messages = messages.clone();
    for message in messages.as_array_mut().expect("messages") {
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            let arguments = &mut call["function"]["arguments"];
            *arguments = arguments.to_string().into();
        }
    }
    messages
}

fn variables() -> Map<String, Value> {
    let Value::Object(variables) =
        json!({"bos_token": "<BOS>", "eos_token": "<EOS>", "pad_token": "<PAD>", "unk_token": "<UNK>"})
    else {
        unreachable!("an object")
    };
    variables
}

/// How one template fared.
#[derive(Debug, Default)]
struct Account {
    equal: usize,
    both_raise: usize,
    only_theirs_raises: Vec<String>,
    faults: Vec<String>,
}

fn compare(name: &str) -> Account {
    let mut account = Account::default();
    let source = oracle::template_source(name);
    let template = match ChatTemplate::new(name, &source) {
        Ok(template) => template,
        Err(error) => {
            account.faults.push(format!("does not compile: {error}"));
            return account;
        }
    };
    let options = TemplateOptions {
        variables: variables(),
        date: chrono::NaiveDate::from_ymd_opt(2026, 1, 2).and_then(|date| date.and_hms_opt(3, 4, 5)),
        ..TemplateOptions::default()
    };
    for (title, messages, tools, goes_on) in conversations() {
        let with_text = with_text_arguments(&messages);
        let variants = [("", &messages), (" (arguments as text)", &with_text)];
        for (suffix, messages) in variants.into_iter().take(if with_text == messages { 1 } else { 2 }) {
            let theirs = oracle::try_render(
                name,
                messages,
                &tools,
                &Value::Object(options.variables.clone()),
                goes_on,
            );
            let list = messages.as_array().expect("messages");
            let ours = template.render_messages(list, &tools, goes_on, &options);
            match (theirs, ours) {
                (Ok(theirs), Ok(ours)) if theirs == ours => account.equal += 1,
                (Err(theirs), Err(ours)) => {
                    account.both_raise += 1;
                    // What the template itself says is told in its words.
                    if let Some(message) = theirs.strip_prefix("TemplateError: ") {
                        let name = name.to_owned();
                        assert_eq!(
                            ours,
                            TemplateError::Raised { template: name, message: message.to_owned() }
                        );
                    }
                }
                (Ok(theirs), Ok(ours)) => {
                    let at = theirs.bytes().zip(ours.bytes()).take_while(|(a, b)| a == b).count();
                    let show = |text: &str| {
                        String::from_utf8_lossy(&text.as_bytes()[at..text.len().min(at + 90)]).into_owned()
                    };
                    account.faults.push(format!(
                        "{title}{suffix}: theirs {:?}, ours {:?}",
                        show(&theirs),
                        show(&ours)
                    ));
                }
                (Ok(_), Err(error)) => {
                    account.faults.push(format!("{title}{suffix}: only ours raises: {error}"))
                }
                (Err(error), Ok(_)) => {
                    account.only_theirs_raises.push(format!("{title}{suffix}: only theirs raises: {error}"))
                }
            }
        }
    }
    account
}

#[test]
fn every_official_template_gives_the_oracle_s_bytes() {
    let names = oracle::templates();
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    for name in &names {
        accounts.insert(name.clone(), compare(name));
    }
    let renderings: usize = accounts.values().map(|account| account.equal).sum();
    let raising: Vec<&str> =
        accounts.iter().filter(|(_, a)| a.both_raise > 0).map(|(name, _)| name.as_str()).collect();
    let mut unexpected = String::new();
    let mut whole = 0;
    for (name, account) in &accounts {
        let is_listed = |list: &[(&str, &str)]| list.iter().any(|(listed, _)| listed == name);
        whole += usize::from(account.faults.is_empty() && account.equal > 0);
        if is_listed(CANNOT_WORK) == account.faults.is_empty()
            || is_listed(RAISE_LESS) == account.only_theirs_raises.is_empty()
        {
            unexpected += &format!("{name}: {account:#?}\n");
        }
    }
    eprintln!(
        "{whole} of {} templates equal in all of {renderings} renderings; {} refuse some conversation as Jinja does: {raising:?}",
        names.len(),
        raising.len(),
    );
    assert!(unexpected.is_empty(), "not as listed:\n{unexpected}");
    assert!(whole >= 140, "only {whole} templates render as in Python");
}
