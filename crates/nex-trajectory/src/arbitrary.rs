//! Arbitrary nouns for the laws: strategies of proptest, and one rich episode by hand.

use crate::*;
use indexmap::IndexMap;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// Text with the characters that break careless code.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 ]{0,12}",
        2 => "\\PC{0,6}",
        1 => Just("\u{0}\n\r\t\"\\</script>\u{2028}😀 \u{feff}中文".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        finite().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |x| x.is_finite())
}

fn map() -> impl Strategy<Value = IndexMap<String, Value>> {
    vec((text(), value()), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn call_id() -> impl Strategy<Value = CallId> {
    text().prop_map(CallId)
}

fn arguments() -> impl Strategy<Value = Arguments> {
    prop_oneof![text(), value().prop_map(|v| v.to_string()), Just(r#"{"b": 1.0, "a":"007"}"#.to_owned())]
        .prop_map(Arguments)
}

fn simple_block() -> impl Strategy<Value = ContentBlock> {
    prop_oneof![
        3 => text().prop_map(|text| ContentBlock::Text { text }),
        1 => (text(), option::of(text())).prop_map(|(text, signature)| ContentBlock::Reasoning { text, signature }),
        1 => (text(), text()).prop_map(|(media_type, data)| ContentBlock::Image(ImageSource::Base64 { media_type, data })),
        1 => text().prop_map(|url| ContentBlock::Image(ImageSource::Url { url })),
        2 => (call_id(), text(), arguments())
            .prop_map(|(id, name, arguments)| ContentBlock::ToolCall(ToolCall { id, name, arguments })),
    ]
}

fn block() -> impl Strategy<Value = ContentBlock> {
    simple_block().prop_recursive(2, 6, 3, |inner| {
        (call_id(), text(), vec(inner, 0..3), any::<bool>()).prop_map(|(call_id, name, content, is_error)| {
            ContentBlock::ToolResult(ToolResult { call_id, name, content, is_error })
        })
    })
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant), Just(Role::Tool)]
}

fn timing() -> impl Strategy<Value = Timing> {
    (any::<u64>(), option::of(any::<u64>()), any::<u64>())
        .prop_map(|(start_ms, first_byte_ms, duration_ms)| Timing { start_ms, first_byte_ms, duration_ms })
}

fn turn() -> impl Strategy<Value = Turn> {
    let finish = prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::ToolCalls),
        Just(FinishReason::Length),
        Just(FinishReason::ContentFilter),
        text().prop_map(FinishReason::Other),
    ];
    (text(), text(), finish, any::<[u64; 4]>(), timing(), any::<u32>()).prop_map(
        |(provider, model, finish_reason, usage, timing, attempts)| Turn {
            model: ModelIdentity { provider, model },
            finish_reason,
            usage: Usage {
                prompt_tokens: usage[0],
                completion_tokens: usage[1],
                reasoning_tokens: usage[2],
                cached_tokens: usage[3],
            },
            timing,
            attempts,
        },
    )
}

fn defect() -> impl Strategy<Value = Defect> {
    let kinds = vec![
        DefectKind::UnclosedTag,
        DefectKind::InvalidJson,
        DefectKind::MissingArgument,
        DefectKind::OversizedOutput,
    ];
    (proptest::sample::select(kinds), option::of(call_id()), option::of(any::<u64>()), text())
        .prop_map(|(kind, call_id, offset_bytes, message)| Defect { kind, call_id, offset_bytes, message })
}

fn tokens() -> impl Strategy<Value = TokenSpan> {
    let logprob = any::<f32>().prop_filter("finite", |x| x.is_finite());
    let row = (any::<u32>(), logprob, any::<bool>(), any::<bool>());
    (vec(row, 0..4), any::<[bool; 3]>()).prop_map(|(rows, keep)| TokenSpan {
        ids: rows.iter().map(|r| r.0).collect(),
        logprobs: rows.iter().filter(|_| keep[0]).map(|r| r.1).collect(),
        is_sampled: rows.iter().filter(|_| keep[1]).map(|r| r.2).collect(),
        is_content: rows.iter().filter(|_| keep[2]).map(|r| r.3).collect(),
    })
}

fn node() -> impl Strategy<Value = Node> {
    (
        option::weighted(0.9, any::<prop::sample::Index>()),
        (role(), vec(block(), 0..4)),
        option::of(turn()),
        vec(timing(), 0..3),
        option::of(tokens()),
        vec(defect(), 0..2),
        any::<bool>(),
    )
        .prop_map(|(parent, (role, content), turn, call_timings, tokens, defects, is_synthetic)| Node {
            // Made a real parent in `trajectory`, where the node's own index is known.
            parent: parent.map(|index| NodeId(index.index(1 << 16) as u32)),
            message: Arc::new(Message { role, content }),
            turn,
            call_timings,
            tokens,
            defects,
            is_synthetic,
        })
}

fn stop() -> impl Strategy<Value = StopReason> {
    prop_oneof![
        Just(StopReason::FinalAnswer),
        text().prop_map(|tool| StopReason::StopTool { tool }),
        any::<u32>().prop_map(|max_turns| StopReason::TurnLimit { max_turns }),
        any::<u64>().prop_map(|used_tokens| StopReason::TokenBudget { used_tokens }),
        (text(), text()).prop_map(|(stage, cause)| StopReason::DeadEnd { stage, cause }),
        Just(StopReason::Refused),
        Just(StopReason::Unrecorded),
        (text(), text()).prop_map(|(kind, message)| StopReason::Infra(InfraFailure { kind, message })),
    ]
}

fn tool_spec() -> impl Strategy<Value = ToolSpec> {
    (text(), text(), value()).prop_map(|(name, description, input_schema)| ToolSpec {
        name,
        description,
        input_schema,
    })
}

/// Trajectories with forks and nested children.
pub(crate) fn trajectory() -> impl Strategy<Value = Trajectory> {
    let alone = (text(), text(), vec(tool_spec(), 0..2), vec(node(), 0..4), stop(), option::of(text()))
        .prop_map(|(id, agent, tools, mut nodes, stop, answer)| {
            for (index, node) in nodes.iter_mut().enumerate() {
                node.parent = node.parent.filter(|_| index > 0).map(|p| NodeId(p.0 % index as u32));
            }
            Trajectory {
                id: TrajectoryId(id),
                agent,
                tools: Arc::new(tools),
                nodes,
                children: Vec::new(),
                stop,
                answer,
            }
        });
    alone.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), vec((any::<prop::sample::Index>(), option::of(call_id()), inner), 0..3)).prop_map(
            |(mut parent, children)| {
                if !parent.nodes.is_empty() {
                    let count = parent.nodes.len();
                    parent.children.extend(children.into_iter().map(|(at, call_id, trajectory)| Child {
                        node: NodeId(at.index(count) as u32),
                        call_id,
                        trajectory,
                    }));
                }
                parent
            },
        )
    })
}

fn task() -> impl Strategy<Value = TaskRecord> {
    (text(), text(), any::<u64>(), text(), text(), text(), map(), any::<u32>()).prop_map(
        |(id, world, seed, language, instruction, difficulty, dials, oracle_calls)| TaskRecord {
            id: TaskId(id),
            world,
            seed,
            language,
            instruction,
            difficulty,
            dials,
            oracle_calls,
        },
    )
}

fn reward() -> impl Strategy<Value = Reward> {
    let part = (text(), finite(), finite(), vec(text(), 0..2))
        .prop_map(|(name, score, weight, findings)| RewardPart { name, score, weight, findings });
    (finite(), vec(part, 0..3)).prop_map(|(total, parts)| Reward { total, parts })
}

/// Episodes of any shape, sensible or not.
pub(crate) fn episode() -> impl Strategy<Value = Episode> {
    let rating = (any::<u8>(), text(), text()).prop_map(|(stars, by, reason)| Rating { stars, by, reason });
    let outcome = prop_oneof![
        Just(Outcome::Success),
        Just(Outcome::Failure),
        Just(Outcome::Infra),
        Just(Outcome::Unscored)
    ];
    (
        (text(), task(), text(), text(), any::<u32>()),
        trajectory(),
        option::of(reward()),
        outcome,
        vec(rating, 0..2),
        map(),
    )
        .prop_map(
            |((id, task, harness, driver, attempt), trajectory, reward, outcome, ratings, notes)| Episode {
                version: episode::EPISODE_VERSION,
                id: EpisodeId(id),
                task,
                harness,
                driver,
                attempt,
                trajectory,
                reward,
                outcome,
                ratings,
                notes,
            },
        )
}

/// An episode in which everything that can be there is there.
pub(crate) fn rich_episode() -> Episode {
    let call = |id: &str, name: &str, arguments: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: id.into(),
            name: name.to_owned(),
            arguments: Arguments::from_text(arguments),
        })
    };
    let turn = Turn {
        model: ModelIdentity { provider: "openai".to_owned(), model: "gpt-4.1".to_owned() },
        finish_reason: FinishReason::Other("tool_use".to_owned()),
        usage: Usage { prompt_tokens: 120, completion_tokens: 31, reasoning_tokens: 9, cached_tokens: 64 },
        timing: Timing { start_ms: 3, first_byte_ms: Some(5), duration_ms: 40 },
        attempts: 2,
    };
    let tools = Arc::new(vec![ToolSpec {
        name: "find_patient".to_owned(),
        description: "Finds patients by name.".to_owned(),
        input_schema: json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}),
    }]);
    let mut child = Trajectory::new("t/call_2/0".into(), "pharmacist", Arc::default());
    let asked = child.push(Node::new(None, Message::user("Is the dose right?")));
    child.push(Node::new(Some(asked), Message::assistant("Yes.")));
    child.stop = StopReason::FinalAnswer;
    child.answer = Some("Yes.".to_owned());

    let mut trajectory = Trajectory::new("t".into(), "nurse", tools);
    let system = trajectory.push(Node::new(None, Message::system("Be careful.")));
    let user = trajectory.push(Node::new(
        Some(system),
        Message {
            role: Role::User,
            content: vec![
                ContentBlock::Text { text: "Who is this?".to_owned() },
                ContentBlock::Image(ImageSource::Base64 {
                    media_type: "image/png".to_owned(),
                    data: "iVBORw0=".to_owned(),
                }),
                ContentBlock::Image(ImageSource::Url { url: "https://example.org/a.png".to_owned() }),
            ],
        },
    ));
    let mut node = Node::new(
        Some(user),
        Message {
            role: Role::Assistant,
            content: vec![
                ContentBlock::Reasoning {
                    text: "Look first.".to_owned(),
                    signature: Some("c2ln".to_owned()),
                },
                ContentBlock::Text { text: "I look.".to_owned() },
                call("call_1", "find_patient", r#"{"name":"王芳", "id": 9223372036854775809, "x": 1.0}"#),
                call("call_2", "Agent", "{not json"),
            ],
        },
    );
    node.turn = Some(turn);
    node.tokens = Some(TokenSpan {
        ids: vec![1, 2, 3],
        logprobs: vec![0.0, -0.25, -1.5],
        is_sampled: vec![false, true, true],
        is_content: vec![false, true, false],
    });
    node.defects = vec![
        Defect::new(DefectKind::InvalidJson, "expected a key at column 2").of_call("call_2".into()).at(1),
    ];
    let assistant = trajectory.push(node);
    let mut node = Node::new(
        Some(assistant),
        Message::tool(vec![
            ToolResult {
                call_id: "call_1".into(),
                name: "find_patient".to_owned(),
                content: vec![ContentBlock::Text { text: "[]".to_owned() }],
                is_error: false,
            },
            ToolResult {
                call_id: "call_2".into(),
                name: "Agent".to_owned(),
                content: Vec::new(),
                is_error: true,
            },
        ]),
    );
    node.call_timings = vec![
        Timing { start_ms: 44, first_byte_ms: None, duration_ms: 1 },
        Timing { start_ms: 44, first_byte_ms: None, duration_ms: 7 },
    ];
    let observed = trajectory.push(node);
    let mut node = Node::new(Some(user), Message::user("(summary)"));
    node.is_synthetic = true;
    trajectory.push(node);
    trajectory.push(Node::new(Some(observed), Message::assistant("Nobody.")));
    trajectory.children.push(Child { node: assistant, call_id: Some("call_2".into()), trajectory: child });
    trajectory.stop = StopReason::StopTool { tool: "finish".to_owned() };
    trajectory.answer = Some("Nobody.".to_owned());

    Episode {
        version: episode::EPISODE_VERSION,
        id: "hospital-1-0".into(),
        task: TaskRecord {
            id: "hospital-1".into(),
            world: "hospital".to_owned(),
            seed: u64::MAX,
            language: "zh".to_owned(),
            instruction: "找到王芳".to_owned(),
            difficulty: "hard".to_owned(),
            dials: [("hops".to_owned(), json!(3)), ("fuzziness".to_owned(), json!(0.5))]
                .into_iter()
                .collect(),
            oracle_calls: 3,
        },
        harness: "team".to_owned(),
        driver: "script:demo".to_owned(),
        attempt: 2,
        trajectory,
        reward: Some(Reward {
            total: 0.75,
            parts: vec![RewardPart {
                name: "final_state".to_owned(),
                score: 0.75,
                weight: 1.0,
                findings: vec!["patient not found".to_owned()],
            }],
        }),
        outcome: Outcome::Failure,
        ratings: vec![Rating { stars: 4, by: "rules".to_owned(), reason: "short".to_owned() }],
        notes: [("faults".to_owned(), json!(["timeout"]))].into_iter().collect(),
    }
}
