//! Loss masks of official templates: laws over all of them, and a few to be read.

// The counts are for people.
#![allow(clippy::print_stderr)]

mod oracle;

use expect_test::{Expect, expect};
use nex_tool_formats::{
    ArgumentsAs, ChatTemplate, MaskedTurns, Rendered, Sample, SpanKind, TemplateError, TemplateOptions,
};
use nex_trajectory::{
    Arguments, CallId, ContentBlock, FinishReason, Message, ModelIdentity, Node, Role, Timing, ToolCall,
    ToolResult, ToolSpec, Turn, Usage,
};
use serde_json::{Value, json};

fn node(message: Message) -> Node {
    Node::new(None, message)
}

fn reply(reasoning: &str, text: &str, calls: &[(&str, &str, Value)]) -> Node {
    let mut content = Vec::new();
    if !reasoning.is_empty() {
        content.push(ContentBlock::Reasoning { text: reasoning.to_owned(), signature: None });
    }
    if !text.is_empty() {
        content.push(ContentBlock::Text { text: text.to_owned() });
    }
    content.extend(calls.iter().map(|(id, name, arguments)| {
        ContentBlock::ToolCall(ToolCall {
            id: CallId::from(*id),
            name: (*name).to_owned(),
            arguments: Arguments::from_value(arguments),
        })
    }));
    node(Message { role: Role::Assistant, content })
}

fn results(results: &[(&str, &str, &str)]) -> Node {
    let results = results.iter().map(|(id, name, text)| ToolResult {
        call_id: CallId::from(*id),
        name: (*name).to_owned(),
        content: vec![ContentBlock::Text { text: (*text).to_owned() }],
        is_error: false,
    });
    node(Message::tool(results.collect()))
}

fn tools() -> Vec<ToolSpec> {
    let parameters = json!({"type": "object", "properties": {"path": {"type": "string", "description": "Where."}},
        "required": ["path"]});
    vec![ToolSpec { name: "look".to_owned(), description: "Looks.".to_owned(), input_schema: parameters }]
}

/// Title, whether it has tools, nodes.
fn conversations() -> Vec<(&'static str, bool, Vec<Node>)> {
    let user = |text: &str| node(Message::user(text));
    vec![
        ("plain", false, vec![user("question"), reply("", "answer", &[])]),
        (
            "turns",
            false,
            vec![
                node(Message::system("Be brief.")),
                user("one?"),
                reply("", "uno", &[]),
                user("two?"),
                reply("", "dos", &[]),
            ],
        ),
        (
            "calls",
            true,
            vec![
                user("compare"),
                reply(
                    "",
                    "I look.",
                    &[
                        ("abcdef123", "look", json!({"path": "a"})),
                        ("abcdef124", "look", json!({"path": "b"})),
                    ],
                ),
                results(&[("abcdef123", "look", "first result"), ("abcdef124", "look", "second result")]),
                reply("", "", &[("abcdef125", "look", json!({"path": "c"}))]),
                results(&[("abcdef125", "look", "third result")]),
                reply("", "All the same.", &[]),
            ],
        ),
        (
            "reasoning",
            true,
            vec![
                user("first?"),
                reply("Let me see.", "Yes.", &[]),
                user("second?"),
                reply("I must look.", "", &[("abcdef123", "look", json!({"path": "a"}))]),
                results(&[("abcdef123", "look", "a result")]),
                reply("Clear now.", "No.", &[]),
            ],
        ),
    ]
}

fn options() -> TemplateOptions {
    let Value::Object(variables) = json!({"bos_token": "<BOS>", "eos_token": "<EOS>"}) else {
        unreachable!("an object")
    };
    let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 2).and_then(|date| date.and_hms_opt(3, 4, 5));
    TemplateOptions { variables, date, ..TemplateOptions::default() }
}

fn sample<'a>(tools: &'a [ToolSpec], has_tools: bool, nodes: &'a [Node]) -> Sample<'a> {
    Sample { tools: if has_tools { tools } else { &[] }, nodes: nodes.iter().collect() }
}

fn tile(rendered: &Rendered) {
    let mut at = 0;
    for span in &rendered.spans {
        assert!(span.start == at && span.end > at, "spans tile: {span:?} at {at}");
        assert!(rendered.text.is_char_boundary(span.end));
        assert!(!span.is_trainable || span.kind.is_models(), "{span:?}");
        at = span.end;
    }
    assert_eq!(at, rendered.text.len());
}

/// The trainable text, one piece a run of trainable spans.
fn trainable(rendered: &Rendered) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut is_open = false;
    for span in &rendered.spans {
        if span.is_trainable {
            if !is_open {
                runs.push(String::new());
            }
            let run = runs.last_mut().expect("just pushed");
            run.push_str(&rendered.text[span.start..span.end]);
        }
        is_open = span.is_trainable;
    }
    runs
}

#[test]
fn masks_of_all_official_templates_cover_what_the_model_wrote() {
    let (tools, options) = (tools(), options());
    let mut counts = [0; 5];
    for name in oracle::templates() {
        let Ok(template) = ChatTemplate::new(&name, &oracle::template_source(&name)) else { continue };
        for (title, has_tools, nodes) in conversations() {
            let sample = sample(&tools, has_tools, &nodes);
            let at = || format!("{name}, {title}");
            let rendered = match template.render(&sample, &options) {
                Ok(rendered) => rendered,
                Err(TemplateError::NotAppendOnly(error)) => {
                    counts[1] += 1;
                    assert_ne!(error.before, error.after, "{}", at());
                    assert!(error.message < nodes.len());
                    last_turn_only(&template, &sample, &options, &at());
                    continue;
                }
                Err(TemplateError::LeftOut { message, .. }) => {
                    counts[4] += 1;
                    assert_eq!(nodes[message].message.role, Role::Assistant);
                    let options = TemplateOptions { may_leave_out: true, ..options.clone() };
                    tile(&template.render(&sample, &options).expect("it is allowed"));
                    continue;
                }
                Err(TemplateError::Raised { .. } | TemplateError::Failed { .. }) => {
                    counts[2] += 1;
                    continue;
                }
                Err(error) => panic!("{}: {error}", at()),
            };
            counts[0] += 1;
            tile(&rendered);
            assert_eq!(rendered.text, template.render_text(&sample, false, &options).expect("it just did"));
            if template.has_generation_marks() {
                counts[3] += 1;
                continue;
            }
            let replies: Vec<&Node> =
                nodes.iter().filter(|node| node.message.role == Role::Assistant).collect();
            let runs = trainable(&rendered);
            assert_eq!(runs.len(), replies.len(), "{}: {runs:#?}", at());
            for (run, reply) in runs.iter().zip(replies) {
                assert!(run.contains(&reply.message.text()), "{}: {run:?}", at());
                assert!(!run.contains("result") && !run.contains('?'), "{}: {run:?}", at());
            }
        }
    }
    eprintln!(
        "{} masked ({} by the template's marks), {} not append-only, {} leave something out, {} refused",
        counts[0], counts[3], counts[1], counts[4], counts[2]
    );
    assert!(counts[0] >= 300 && counts[1] >= 20 && counts[3] >= 50, "{counts:?}");
}

fn last_turn_only(template: &ChatTemplate, sample: &Sample<'_>, options: &TemplateOptions, at: &str) {
    let options = TemplateOptions { turns: MaskedTurns::Last, ..options.clone() };
    match template.render(sample, &options) {
        Ok(rendered) => {
            tile(&rendered);
            let runs = trainable(&rendered);
            let last = sample.nodes.last().expect("it has nodes").message.text();
            assert!(runs.len() == 1 && runs[0].contains(&last), "{at}: {runs:?}");
        }
        // The prompt opens the reasoning, and the text does not keep that.
        Err(TemplateError::NotAppendOnly(error)) => {
            assert_eq!(error.message, sample.nodes.len() - 1, "{at}: {error}")
        }
        Err(TemplateError::LeftOut { .. }) => {}
        Err(error) => panic!("{at}: {error}"),
    }
}

/// What a template marks by `{% generation %}` is what Python says it marks.
#[test]
fn marks_are_those_of_the_oracle() {
    let (tools, options) = (tools(), options());
    let (mut compared, mut templates) = (0, 0);
    for name in oracle::templates() {
        let Ok(template) = ChatTemplate::new(&name, &oracle::template_source(&name)) else { continue };
        if !template.has_generation_marks() {
            continue;
        }
        templates += 1;
        for (title, has_tools, nodes) in conversations() {
            let sample = sample(&tools, has_tools, &nodes);
            let Ok(rendered) = template.render(&sample, &options) else { continue };
            let declared: Vec<Value> = sample
                .tools
                .iter()
                .map(|tool| {
                    json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.input_schema}})
                })
                .collect();
            let answer = oracle::ask(&json!({
                "template": name,
                "messages": as_messages(&nodes),
                "tools": if declared.is_empty() { Value::Null } else { declared.into() },
                "variables": options.variables,
            }));
            let Ok(answer) = answer else { continue };
            if answer["text"] != rendered.text.as_str() {
                // It takes arguments as text.
                continue;
            }
            let theirs: Vec<String> = answer["generation"]
                .as_array()
                .expect("ranges")
                .iter()
                .map(|range| rendered.text[index(&range[0])..index(&range[1])].to_owned())
                .collect();
            assert_eq!(trainable(&rendered).concat(), theirs.concat(), "{name}, {title}");
            compared += 1;
        }
    }
    eprintln!("{compared} renderings of {templates} templates compared");
    assert!(compared >= 40, "{compared}");
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("an offset")).expect("it fits")
}

fn as_messages(nodes: &[Node]) -> Vec<Value> {
    let mut messages = Vec::new();
    for node in nodes {
        let message = &node.message;
        match message.role {
            Role::Tool => messages.extend(message.results().map(|result| {
                json!({"role": "tool", "name": result.name, "tool_call_id": result.call_id, "content": result.text()})
            })),
            role => {
                let mut written = json!({"role": role.as_str(), "content": message.text()});
                for block in &message.content {
                    if let ContentBlock::Reasoning { text, .. } = block {
                        written["reasoning_content"] = text.as_str().into();
                    }
                }
                let calls: Vec<Value> = message.calls().map(|call| {
                    let arguments = call.arguments.to_value().expect("these are JSON");
                    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
                }).collect();
                if !calls.is_empty() {
                    written["tool_calls"] = calls.into();
                }
                messages.push(written);
            }
        }
    }
    messages
}

fn check(template: &str, title: &str, expected: Expect) {
    let (tools, conversations) = (tools(), conversations());
    let (_, has_tools, nodes) =
        conversations.iter().find(|(named, ..)| *named == title).expect("it is listed");
    let compiled = ChatTemplate::new(template, &oracle::template_source(template)).expect("it compiles");
    expected.assert_eq(&told(&compiled.render(&sample(&tools, *has_tools, nodes), &options())));
}

/// One line a span: `+` where it is trainable.
fn told(rendered: &Result<Rendered, TemplateError>) -> String {
    match rendered {
        Err(error) => error.to_string(),
        Ok(rendered) => rendered
            .spans
            .iter()
            .map(|span| {
                let sign = if span.is_trainable { '+' } else { ' ' };
                let text = &rendered.text[span.start..span.end];
                let shown: String = if text.len() > 150 {
                    format!("{:?} … {:?}", &text[..30], &text[text.len() - 30..])
                } else {
                    format!("{text:?}")
                };
                format!("{sign}{:?} {shown}\n", span.kind)
            })
            .collect(),
    }
}

#[test]
fn chatml_with_calls() {
    check(
        "llama-cpp/Qwen-Qwen2.5-7B-Instruct.jinja",
        "calls",
        expect![[r#"
         Scaffold "<|im_start|>system\nYou are Qwe" … "l><|im_end|>\n<|im_start|>user\n"
         User "compare"
         Scaffold "<|im_end|>\n<|im_start|>assistant\n"
        +AssistantText "I look."
        +Call "\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"path\": \"a\"}}\n</tool_call>"
        +Call "\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"path\": \"b\"}}\n</tool_call>"
        +EndOfTurn "<|im_end|>"
         Scaffold "\n<|im_start|>user\n<tool_response>\n"
         Observation "first result"
         Scaffold "\n</tool_response>\n<tool_response>\n"
         Observation "second result"
         Scaffold "\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
        +Call "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"path\": \"c\"}}\n</tool_call>"
        +EndOfTurn "<|im_end|>"
         Scaffold "\n<|im_start|>user\n<tool_response>\n"
         Observation "third result"
         Scaffold "\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
        +AssistantText "All the same."
        +EndOfTurn "<|im_end|>"
         Scaffold "\n"
    "#]],
    );
}

#[test]
fn reasoning_that_is_dropped_is_told() {
    check(
        "llama-cpp/Qwen-Qwen3-0.6B.jinja",
        "reasoning",
        expect![[
            r#"template `llama-cpp/Qwen-Qwen3-0.6B.jinja` is not append-only here: with message 2 (user), byte 658 on is no longer "<think>\nLet me see.\n</think>\n\nYes.<|im_end|>\n" but "Yes.<|im_end|>\n<|im_start|>user\nsecond?<|im_end|>\n"; train on the last turn only (`MaskedTurns::Last`), or use a template that keeps earlier turns"#
        ]],
    );
}

#[test]
fn reasoning_that_is_kept_has_its_span() {
    check(
        "trl/qwen3_training.jinja",
        "reasoning",
        expect![[r#"
         Scaffold "<|im_start|>system\n# Tools\n\nYo" … "l><|im_end|>\n<|im_start|>user\n"
         User "first?"
         Scaffold "<|im_end|>\n<|im_start|>assistant\n"
        +Reasoning "<think>\nLet me see.\n</think>\n\n"
        +AssistantText "Yes."
        +EndOfTurn "<|im_end|>\n"
         Scaffold "<|im_start|>user\n"
         User "second?"
         Scaffold "<|im_end|>\n<|im_start|>assistant\n"
        +Reasoning "<think>\nI must look.\n</think>\n\n"
        +Call "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"path\": \"a\"}}\n</tool_call>"
        +EndOfTurn "<|im_end|>\n"
         Scaffold "<|im_start|>user\n<tool_response>\n"
         Observation "a result"
         Scaffold "\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
        +Reasoning "<think>\nClear now.\n</think>\n\n"
        +AssistantText "No."
        +EndOfTurn "<|im_end|>\n"
    "#]],
    );
    check(
        "llama-cpp/MiniMax-M2.jinja",
        "plain",
        expect![[
            r#"template `llama-cpp/MiniMax-M2.jinja` is not append-only here: with message 1 (assistant), byte 78 on is no longer "<think>\n" but "answer[e~[\n"; the model is prompted otherwise than the template writes this reply: give the reply its reasoning, set the template's variables (`enable_thinking` …), or use another template"#
        ]],
    );
}

#[test]
fn ends_of_turn_of_other_families() {
    check(
        "llama-cpp/microsoft-Phi-3.5-mini-instruct.jinja",
        "turns",
        expect![[r#"
         Scaffold "<|system|>\n"
         System "Be brief."
         Scaffold "<|end|>\n<|user|>\n"
         User "one?"
         Scaffold "<|end|>\n<|assistant|>\n"
        +AssistantText "uno"
        +EndOfTurn "<|end|>"
         Scaffold "\n<|user|>\n"
         User "two?"
         Scaffold "<|end|>\n<|assistant|>\n"
        +AssistantText "dos"
        +EndOfTurn "<|end|>"
         Scaffold "\n<EOS>"
    "#]],
    );
    check(
        "llama-cpp/meta-llama-Llama-3.1-8B-Instruct.jinja",
        "turns",
        expect![[r#"
         Scaffold "<BOS><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
         System "Be brief."
         Scaffold "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
         User "one?"
         Scaffold "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        +AssistantText "uno"
        +EndOfTurn "<|eot_id|>"
         Scaffold "<|start_header_id|>user<|end_header_id|>\n\n"
         User "two?"
         Scaffold "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        +AssistantText "dos"
        +EndOfTurn "<|eot_id|>"
    "#]],
    );
    check(
        "llama-cpp/deepseek-ai-DeepSeek-V3.1.jinja",
        "calls",
        expect![[r#"
         Scaffold "<BOS><｜User｜>"
         User "compare"
         Scaffold "<｜Assistant｜><think></think>"
        +AssistantText "I look."
        +Call "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{\"path\": \"a\"}<｜tool▁call▁end｜>"
        +Call "<｜tool▁call▁begin｜>look<｜tool▁sep｜>{\"path\": \"b\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        +EndOfTurn "<｜end▁of▁sentence｜>"
         Scaffold "<｜tool▁output▁begin｜>"
         Observation "first result"
         Scaffold "<｜tool▁output▁end｜><｜tool▁output▁begin｜>"
         Observation "second result"
         Scaffold "<｜tool▁output▁end｜>"
        +Call "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{\"path\": \"c\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        +EndOfTurn "<｜end▁of▁sentence｜>"
         Scaffold "<｜tool▁output▁begin｜>"
         Observation "third result"
         Scaffold "<｜tool▁output▁end｜>"
        +AssistantText "All the same."
        +EndOfTurn "<｜end▁of▁sentence｜>"
    "#]],
    );
    check(
        "llama-cpp/moonshotai-Kimi-K2.jinja",
        "calls",
        expect![[r#"
         Scaffold "<|im_system|>tool_declare<|im_" … "|><|im_user|>user<|im_middle|>"
         User "compare"
         Scaffold "<|im_end|><|im_assistant|>assistant<|im_middle|>"
        +AssistantText "I look."
        +Call "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{\"path\": \"a\"}<|tool_call_end|>"
        +Call "<|tool_call_begin|>functions.look:1<|tool_call_argument_begin|>{\"path\": \"b\"}<|tool_call_end|><|tool_calls_section_end|>"
        +EndOfTurn "<|im_end|>"
         Scaffold "<|im_system|>tool<|im_middle|>## Return of abcdef123\\n"
         Observation "first result"
         Scaffold "<|im_end|><|im_system|>tool<|im_middle|>## Return of abcdef124\\n"
         Observation "second result"
         Scaffold "<|im_end|><|im_assistant|>assistant<|im_middle|>"
        +Call "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{\"path\": \"c\"}<|tool_call_end|><|tool_calls_section_end|>"
        +EndOfTurn "<|im_end|>"
         Scaffold "<|im_system|>tool<|im_middle|>## Return of abcdef125\\n"
         Observation "third result"
         Scaffold "<|im_end|><|im_assistant|>assistant<|im_middle|>"
        +AssistantText "All the same."
        +EndOfTurn "<|im_end|>"
    "#]],
    );
    check(
        "mistral-common/v11.jinja",
        "calls",
        expect![[r#"
         Scaffold "<BOS>[AVAILABLE_TOOLS][{\"type\"" … "\"]}}}][/AVAILABLE_TOOLS][INST]"
         User "compare"
         Scaffold "[/INST]"
        +AssistantText "I look."
        +Call "[TOOL_CALLS]look[CALL_ID]abcdef123[ARGS]{\"path\": \"a\"}"
        +Call "[TOOL_CALLS]look[CALL_ID]abcdef124[ARGS]{\"path\": \"b\"}"
        +EndOfTurn "<EOS>"
         Scaffold "[TOOL_RESULTS]abcdef123[TOOL_CONTENT]"
         Observation "first result"
         Scaffold "[/TOOL_RESULTS][TOOL_RESULTS]abcdef124[TOOL_CONTENT]"
         Observation "second result"
         Scaffold "[/TOOL_RESULTS]"
        +Call "[TOOL_CALLS]look[CALL_ID]abcdef125[ARGS]{\"path\": \"c\"}"
        +EndOfTurn "<EOS>"
         Scaffold "[TOOL_RESULTS]abcdef125[TOOL_CONTENT]"
         Observation "third result"
         Scaffold "[/TOOL_RESULTS]"
        +AssistantText "All the same."
        +EndOfTurn "<EOS>"
    "#]],
    );
}

#[test]
fn only_what_the_model_itself_wrote_is_trainable() {
    let (tools, mut conversations) = (tools(), conversations());
    let (.., nodes) = &mut conversations[1];
    nodes[2].is_synthetic = true;
    nodes[4].turn = Some(Turn {
        model: ModelIdentity { provider: "p".to_owned(), model: "m".to_owned() },
        finish_reason: FinishReason::Length,
        usage: Usage::default(),
        timing: Timing::default(),
        attempts: 1,
    });
    for name in ["llama-cpp/Qwen-Qwen2.5-7B-Instruct.jinja", "trl/qwen2_5_training.jinja"] {
        let template = ChatTemplate::new(name, &oracle::template_source(name)).expect("it compiles");
        let rendered = template.render(&sample(&tools, false, nodes), &options()).expect("it renders");
        assert_eq!(trainable(&rendered).concat().trim(), "dos", "{name}: {}", told(&Ok(rendered.clone())));
    }
}

#[test]
fn the_date_is_an_argument() {
    let template = ChatTemplate::new(
        "t",
        "{{ strftime_now('%d %b %Y') }}{% if x is undefined %}{{ strftime_now('%!') }}{% endif %}",
    )
    .expect("it compiles");
    let mut given = options();
    given.variables.insert("x".to_owned(), 1.into());
    let nodes = [node(Message::user("x"))];
    let sample = sample(&[], false, &nodes);
    assert_eq!(template.render_text(&sample, false, &given).expect("it renders"), "02 Jan 2026");
    assert!(template.render_text(&sample, false, &options()).is_err(), "no such format");
    let without = TemplateOptions::default();
    assert_eq!(
        template.render_text(&sample, false, &without),
        Err(TemplateError::NeedsDate { template: "t".to_owned() })
    );
}

#[test]
fn arguments_are_passed_as_the_template_takes_them() {
    let (tools, conversations) = (tools(), conversations());
    let (_, has_tools, nodes) = &conversations[2];
    let sample = sample(&tools, *has_tools, nodes);
    let joins = "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.name + c.function.arguments }};{% endfor %}{% endfor %}";
    let dumps = joins.replace("c.function.arguments", "(c.function.arguments | tojson)");
    for (source, arguments, expected) in [
        (joins, ArgumentsAs::Detected, r#"look{"path":"a"};look{"path":"b"};look{"path":"c"};"#),
        (&dumps, ArgumentsAs::Detected, r#"look{"path": "a"};look{"path": "b"};look{"path": "c"};"#),
        (
            &dumps,
            ArgumentsAs::Text,
            r#"look"{\"path\":\"a\"}";look"{\"path\":\"b\"}";look"{\"path\":\"c\"}";"#,
        ),
    ] {
        let template = ChatTemplate::new("t", source).expect("it compiles");
        let options = TemplateOptions { arguments, ..options() };
        assert_eq!(template.render_text(&sample, false, &options).expect("it renders"), expected);
    }
}

#[test]
fn contents_are_parts_where_a_template_takes_only_those() {
    check(
        "trl/smolvlm.jinja",
        "plain",
        expect![[r#"
         Scaffold "<|im_start|>User: "
         User "question"
         Scaffold "<end_of_utterance>\nAssistant:"
        +AssistantText " answer"
        +EndOfTurn "<end_of_utterance>"
         Scaffold "\n"
    "#]],
    );
}

#[test]
fn a_template_without_end_does_not_run_without_end() {
    let source = "{% for a in range(100000) %}{% for b in range(100000) %}{{ a }}{% endfor %}{% endfor %}";
    let template = ChatTemplate::new("endless", source).expect("it compiles");
    let nodes = [node(Message::user("x"))];
    let error =
        template.render_text(&sample(&[], false, &nodes), false, &options()).expect_err("it is stopped");
    assert!(matches!(&error, TemplateError::Failed { message, .. } if message.contains("fuel")), "{error}");
}

#[test]
fn spans_say_what_is_not_scaffold() {
    let (tools, conversations) = (tools(), conversations());
    let (_, _, nodes) = &conversations[1];
    let name = "llama-cpp/Qwen-Qwen2.5-7B-Instruct.jinja";
    let template = ChatTemplate::new(name, &oracle::template_source(name)).expect("it compiles");
    let rendered = template.render(&sample(&tools, false, nodes), &options()).expect("it renders");
    let of = |kind: SpanKind| -> Vec<&str> {
        rendered
            .spans
            .iter()
            .filter(|span| span.kind == kind)
            .map(|span| &rendered.text[span.start..span.end])
            .collect()
    };
    assert_eq!(of(SpanKind::System), ["Be brief."]);
    assert_eq!(of(SpanKind::User), ["one?", "two?"]);
    assert_eq!(of(SpanKind::EndOfTurn), ["<|im_end|>", "<|im_end|>"]);
}
