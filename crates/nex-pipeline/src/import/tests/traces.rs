use super::{outline, read};
use expect_test::expect;

/// A span row in NexGAP's column names.
fn row(id: &str, parent: &str, kind: &str, name: &str, second: u32, more: &str) -> String {
    format!(
        r#"{{"trace_id":"t1","span_id":"{id}","parentObservationId":"{parent}","span_type":"{kind}","span_name":"{name}","startTime":"2025-01-01T00:00:{second:02}.000Z","endTime":"2025-01-01T00:00:{:02}.500Z"{more}}}"#,
        second
    )
}

#[test]
fn langfuse_rows_in_any_order_with_a_sub_agent_and_a_compaction() {
    let lines = [
        row("g2", "a1", "GENERATION", "OpenAI-generation", 9, r#","model":"m","usage":{"input":5,"output":2},"input":{"messages":[{"role":"system","content":"S"},{"role":"user","content":"go"},{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"Agent","arguments":"{\"sub_agent_name\": \"helper\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"helped"}]},"output":{"role":"assistant","content":"half done"}"#),
        row("a1", "root", "SPAN", "Agent: boss", 0, ""),
        row("root", "", "SPAN", "run", 0, ""),
        row("g1", "a1", "GENERATION", "OpenAI-generation", 1, r#","model":"m","input":{"messages":[{"role":"system","content":"S"},{"role":"user","content":"go"}],"tools":[{"type":"function","function":{"name":"Agent"}}]},"output":{"role":"assistant","content":null,"reasoning_content":"who?","tool_calls":[{"id":"c1","type":"function","function":{"name":"Agent","arguments":"{\"sub_agent_name\":\"helper\"}"}}]}"#),
        r#"{"trace_id":"t2","span_id":"x","span_type":"GENERATION","span_name":"anthropic.chat","startTime":"2025-01-02T00:00:00Z","model":"claude","input":[{"role":"user","content":"hi"}],"output":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"hello"}]}"#.to_owned(),
        row("s1", "tool1", "SPAN", "Sub-agent: helper", 3, ""),
        row("tool1", "a1", "SPAN", "Tool: Agent", 2, ""),
        row("h1", "s1", "GENERATION", "OpenAI-generation", 4, r#","model":"m","input":[{"role":"user","content":"help"}],"output":"here""#),
        row("g3", "a1", "GENERATION", "OpenAI-generation", 20, r#","model":"m","input":{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Summary: half done."},{"role":"assistant","content":"I go on."}]},"output":{"role":"assistant","content":"done"}"#),
    ];
    expect![[r#"
        t1 by openai:m, final_answer
          boss [Agent]
          0 system: "S"
          1 user: "go"
          2 assistant: thinks "who?" | c1 Agent({"sub_agent_name":"helper"}) <m, ToolCalls, 0+0, at 1000 for 500 ms>
            └ c1
              helper []
              0 user: "help"
              1 assistant: "here" <m, Stop, 0+0, at 4000 for 500 ms>
          3 tool: c1=Agent "helped"
          4 assistant: "half done" <m, Stop, 5+2, at 9000 for 500 ms>
          5 (under Some(0)) user: "Summary: half done."
          6 assistant: "I go on." (synthetic)
          7 assistant: "done" <m, Stop, 0+0, at 20000 for 500 ms>
        t2 by anthropic:claude, final_answer
          assistant []
          0 user: "hi"
          1 assistant: thinks "hm" signed s | "hello" <claude, Stop, 0+0>
    "#]].assert_eq(&outline(&read("auto", None, lines.join("\n").as_bytes())));
}

#[test]
fn langfuse_traces_with_their_observations() {
    let text = r#"[{"id":"t9","name":"support","userId":"u","observations":[
        {"id":"g","traceId":"t9","type":"GENERATION","name":"llm","startTime":"2025-01-01 00:00:01","input":"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}","output":"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"finish_reason\":\"length\"}]}","model":"gpt"}]},
      {"id":"t10","name":"empty","observations":[{"id":"s","type":"SPAN","name":"x"}]}]"#;
    expect![[r#"
        t9 by openai:gpt, unrecorded
          notes {"name":"support","userId":"u"}
          assistant []
          0 user: "q"
          1 assistant: "a" <gpt, Length, 0+0>
        ! in.jsonl:3: no model call among the spans of this trace: log inputs and outputs of the generations
    "#]]
    .assert_eq(&outline(&read("auto", None, text.as_bytes())));
}

fn attribute(key: &str, value: &str) -> String {
    format!(r#"{{"key":"{key}","value":{{"stringValue":{}}}}}"#, serde_json::Value::from(value))
}

#[test]
fn otlp_exports_with_attributes_events_and_agents() {
    let span = |id: &str, parent: &str, name: &str, start: u32, attributes: &[String], events: &str| {
        format!(
            r#"{{"traceId":"T","spanId":"{id}","parentSpanId":"{parent}","name":"{name}","startTimeUnixNano":"{}000000","endTimeUnixNano":"{}000000","attributes":[{}],"events":[{events}]}}"#,
            start + 1000,
            start + 1005,
            attributes.join(",")
        )
    };
    let export = |spans: &[String]| {
        format!(
            r#"{{"resourceSpans":[{{"resource":{{}},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
            spans.join(",")
        )
    };
    let chat = |input: &str, output: &str| {
        vec![
            attribute("gen_ai.operation.name", "chat"),
            attribute("gen_ai.provider.name", "openai"),
            attribute("gen_ai.response.model", "gpt"),
            attribute("gen_ai.input.messages", input),
            attribute("gen_ai.output.messages", output),
            attribute(
                "gen_ai.tool.definitions",
                r#"[{"type":"function","name":"ask","parameters":{"type":"object"}}]"#,
            ),
            r#"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"7"}}"#.to_owned(),
        ]
    };
    let agent = |name: &str| {
        vec![attribute("gen_ai.operation.name", "invoke_agent"), attribute("gen_ai.agent.name", name)]
    };
    let first = export(&[
        span(
            "c2",
            "boss",
            "chat gpt",
            60,
            &chat(
                r#"[{"role":"user","parts":[{"type":"text","content":"go"}]},{"role":"assistant","parts":[{"type":"tool_call","id":"k1","name":"ask","arguments":{"who":"helper"}}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"k1","response":"helped"}]}]"#,
                r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"ok"},{"type":"text","content":"done"}],"finish_reason":"stop"}]"#,
            ),
            "",
        ),
        span(
            "tool",
            "boss",
            "execute_tool ask",
            20,
            &[attribute("gen_ai.operation.name", "execute_tool"), attribute("gen_ai.tool.call.id", "k1")],
            "",
        ),
    ]);
    let old_events = r#"{"name":"gen_ai.user.message","attributes":[{"key":"content","value":{"stringValue":"help"}}]},{"name":"gen_ai.choice","attributes":[{"key":"finish_reason","value":{"stringValue":"stop"}},{"key":"message","value":{"stringValue":"{\"role\":\"assistant\",\"content\":\"here\"}"}}]}"#;
    let second = export(&[
        span("boss", "", "invoke_agent boss", 0, &agent("boss"), ""),
        span(
            "c1",
            "boss",
            "chat gpt",
            10,
            &chat(
                r#"[{"role":"user","parts":[{"type":"text","content":"go"}]}]"#,
                r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"k1","name":"ask","arguments":{"who":"helper"}}],"finish_reason":"tool_call"}]"#,
            ),
            "",
        ),
        span("help", "tool", "invoke_agent helper", 21, &agent("helper"), ""),
        span(
            "c3",
            "help",
            "chat",
            22,
            &[
                attribute("gen_ai.operation.name", "chat"),
                attribute("gen_ai.system", "x"),
                attribute("gen_ai.request.model", "y"),
            ],
            old_events,
        ),
    ]);
    let lines = format!("{first}\n{second}\n{{\"resourceSpans\": 3}}\n");
    expect![[r#"
        ! in.jsonl:3: `resourceSpans`: is a number, but should be a list
        T by openai:gpt, final_answer
          boss [ask]
          0 user: "go"
          1 assistant: k1 ask({"who":"helper"}) <gpt, ToolCalls, 7+0, at 10 for 5 ms>
            └ k1
              helper []
              0 user: "help"
              1 assistant: "here" <y, Stop, 0+0, at 22 for 5 ms>
          2 tool: k1=ask "helped"
          3 assistant: thinks "ok" | "done" <gpt, Stop, 7+0, at 60 for 5 ms>
    "#]]
    .assert_eq(&outline(&read("auto", None, lines.as_bytes())));
}
