use super::{outline, read};
use expect_test::{Expect, expect};

/// `lines` are told from their content to be `from`, and read as expected.
fn check(from: &str, dialect: Option<&str>, lines: &str, expected: Expect) {
    let told = read("auto", dialect, lines.as_bytes());
    assert_eq!(outline(&told), outline(&read(from, dialect, lines.as_bytes())), "auto reads it as {from}");
    expected.assert_eq(&outline(&told));
}

#[test]
fn openai_fine_tuning_lines() {
    check(
        "openai",
        None,
        r#"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Where?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]},{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"find","arguments":"{\"q\": 1.0}"}},{"id":"b","type":"function","function":{"name":"find","arguments":{ "q" :"007"}}},{"id":"c","function":{"name":"find","arguments":"{oops"}}]},{"role":"tool","tool_call_id":"b","content":"two"},{"role":"tool","tool_call_id":"a","content":"one"},{"role":"assistant","content":"Here.","weight":0}],"tools":[{"type":"function","function":{"name":"find","description":"d","parameters":{"type":"object"}}}],"uuid":"u1","parallel_tool_calls":false}"#,
        expect![[r#"
            u1 by unknown, final_answer
              notes {"uuid":"u1","parallel_tool_calls":false}
              assistant [find]
              0 system: "Be brief."
              1 user: "Where?" | Base64 { media_type: "image/png", data: "iVBO" }
              2 assistant: thinks "hm" | a find({"q": 1.0}) | b find({ "q" :"007"}) | c find({oops) !InvalidJson
              3 tool: b=find "two" | a=find "one"
              4 assistant: "Here." (synthetic)
        "#]],
    );
}

#[test]
fn openai_logs_batches_and_old_function_calls() {
    check(
        "openai",
        None,
        r#"{"request":{"model":"m","messages":[{"role":"user","content":"hi"}]},"response":{"id":"r1","model":"m-1","choices":[{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"},{"message":{"role":"assistant","content":"b"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}}
{"custom_id":"c1","response":{"status_code":200,"body":{"model":"m","choices":[{"message":{"role":"assistant","content":"only the reply"},"finish_reason":"stop"}]}}}
{"custom_id":"c2","method":"POST","body":{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"r"}]}}
{"custom_id":"c3","response":{"status_code":429,"body":{"error":{"message":"slow down"}}}}
"#,
        expect![[r#"
            r1 by openai:m-1, unrecorded
              assistant []
              0 user: "hi"
              1 assistant: "a" <m-1, Stop, 3+4, 2 cached, 0 reasoning>
              2 (under Some(0)) assistant: "b" <m-1, Length, 0+0> !TruncatedReply
            c1 by openai:m, final_answer
              assistant []
              0 assistant: "only the reply" <m, Stop, 0+0>
            c2 by openai:m, unrecorded
              notes {"method":"POST"}
              assistant []
              0 user: "q"
              1 assistant: call_0 f({})
              2 tool: call_0=f "r"
            ! in.jsonl:4: `response.error`: the call failed: {"message":"slow down"}
        "#]],
    );
}

#[test]
fn openai_responses_items() {
    check(
        "openai",
        None,
        r#"{"request":{"instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"look"}],"encrypted_content":"xyz"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call","call_id":"c2","name":"g","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"c1","output":"one"},{"type":"function_call_output","call_id":"c2","output":[{"type":"output_text","text":"two"}]}],"tools":[{"type":"function","name":"f","parameters":{"type":"object"}},{"type":"web_search"}]},"response":{"object":"response","id":"resp_1","model":"o","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]}],"usage":{"input_tokens":9,"output_tokens":2}}}
{"object":"response","id":"resp_2","model":"o","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"cut"}]}]}
{"object":"response","id":"resp_3","output":[{"type":"computer_call","call_id":"x"}]}
"#,
        expect![[r#"
            resp_1 by openai:o, final_answer
              assistant [f, web_search]
              0 system: "Be brief."
              1 user: "hi"
              2 assistant: thinks "look" signed xyz | c1 f({}) | c2 g({"a":1})
              3 tool: c1=f "one" | c2=g "two"
              4 assistant: "done" <o, Stop, 9+2>
            resp_2 by openai:o, unrecorded
              assistant []
              0 assistant: "cut" <o, Length, 0+0>
            ! in.jsonl:3: `output[0].type`: an item of type `computer_call` has no place in the record (messages, reasoning, function calls and their outputs have)
        "#]],
    );
}

#[test]
fn anthropic_blocks() {
    check(
        "anthropic",
        None,
        r#"{"system":"Be brief.","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"redacted_thinking","data":"enc"},{"type":"text","text":"Looking."},{"type":"tool_use","id":"t1","name":"f","input":{"a": 1.0}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"no"}],"is_error":true},{"type":"text","text":"and now?"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}
{"request":{"messages":[{"role":"user","content":"q"}]},"response":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","usage":{"input_tokens":2,"cache_read_input_tokens":5,"output_tokens":1}}}
{"messages":[{"role":"user","content":[{"type":"document","source":{}},{"type":"tool_result","tool_use_id":"z","content":"x"}]}]}
"#,
        expect![[r#"
            task-anthropic-00000000-8186a875 by unknown, unrecorded
              assistant [f]
              0 system: "Be brief."
              1 user: "hi"
              2 assistant: thinks "hm" signed sig | thinks "" signed enc | "Looking." | t1 f({"a": 1.0})
              3 tool: error t1=f "no"
              4 user: "and now?"
            msg_1 by anthropic:claude, final_answer
              assistant []
              0 user: "q"
              1 assistant: "a" <claude, Stop, 7+1, 5 cached, 0 reasoning>
            ! in.jsonl:3: `messages[0].content[0].type`: a block of type `document` has no place in the record (text, thinking, tool_use, tool_result and image have)
        "#]],
    );
}

#[test]
fn sharegpt_turns() {
    check(
        "sharegpt",
        None,
        r#"{"conversations":[{"from":"human","value":"hi"},{"from":"function_call","value":"{\"name\": \"f\", \"arguments\": {\"a\": 1}}"},{"from":"observation","value":"r"},{"from":"gpt","value":"done","loss":false}],"system":"S","tools":"[{\"name\": \"f\", \"description\": \"d\", \"parameters\": {\"type\": \"object\"}}]"}
{"conversations":[{"from":"human","value":"two"},{"from":"function_call","value":"[{\"name\":\"f\",\"arguments\":{}},{\"name\":\"g\",\"arguments\":{}}]"},{"from":"observation","value":"[\"one\", {\"n\": 2}]"},{"from":"function_call","value":"f(x)"}]}
{"conversations":[{"from":"narrator","value":"x"}]}
"#,
        expect![[r#"
            task-sharegpt-00000000-f6a41da3 by unknown, final_answer
              assistant [f]
              0 system: "S"
              1 user: "hi"
              2 assistant: call_0 f({"a": 1})
              3 tool: call_0=f "r"
              4 assistant: "done" (synthetic)
            task-sharegpt-00000001-c87a0614 by unknown, final_answer
              assistant []
              0 user: "two"
              1 assistant: call_0 f({}) | call_1 g({})
              2 tool: call_0=f "one" | call_1=g "{\"n\": 2}"
              3 assistant: "f(x)" !MalformedCall
            ! in.jsonl:3: `conversations[0].from`: unknown speaker `narrator`; it is human, gpt, function_call, observation or system
        "#]],
    );
}

#[test]
fn ms_swift_roles() {
    check(
        "ms-swift",
        None,
        r#"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"hi"},{"role":"assistant","content":"Looking.","loss":false},{"role":"tool_call","content":"{\"name\": \"f\", \"arguments\": {\"a\": 1}}"},{"role":"tool_call","content":"{\"name\": \"g\", \"arguments\": {}}"},{"role":"tool_response","content":"one"},{"role":"tool_response","content":"two"},{"role":"assistant","content":"done"}],"tools":"[{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]"}
"#,
        expect![[r#"
            task-ms-swift-00000000-44346339 by unknown, final_answer
              assistant [f]
              0 system: "S"
              1 user: "hi"
              2 assistant: "Looking." (synthetic)
              3 assistant: call_0 f({"a": 1}) | call_1 g({})
              4 tool: call_0=f "one" | call_1=g "two"
              5 assistant: "done"
        "#]],
    );
}

#[test]
fn nexgap_converted_traces() {
    check(
        "nexgap",
        None,
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{"x":1}}}]},{"role":"tool","tool_call_id":"a","content":"r"},{"role":"assistant","content":"done"}],"query":"the query","framework":"menu","langfuse_trace_id":"lf-1","stop":""}
{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"Looking.<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>"},{"role":"user","content":"<tool_result>\n<tool_name>f</tool_name>\n<error>no such x</error>\n</tool_result>"}],"query":"q","framework":"menu","langfuse_trace_id":"lf-2"}
"#,
        expect![[r#"
            lf-1 by unknown, final_answer
              notes {"framework":"menu","langfuse_trace_id":"lf-1","stop":""}
              assistant []
              0 user: "hi"
              1 assistant: a f({"x":1})
              2 tool: a=f "r"
              3 assistant: "done"
            lf-2 by unknown, unrecorded
              notes {"framework":"menu","langfuse_trace_id":"lf-2"}
              assistant []
              0 user: "hi"
              1 assistant: "Looking." | call_0 f({"x": 1})
              2 tool: error call_0=f "no such x"
        "#]],
    );
}

/// Each call as NexGAP's converter writes it, bytes and all its oddities.
#[test]
fn nexgap_text_formats() {
    let calls = [
        (
            "nexau",
            "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<x>1 < 2</x>\n</parameter>\n</tool_use>",
        ),
        ("qwen", "<tool_call>\n<function=f>\n<parameter=x>1</parameter>\n</function>\n</tool_call>"),
        ("glm", "<tool_call>f\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>\n</tool_call>"),
        ("minimax", "<invoke name=f>\n<parameter name=x>1</parameter>\n</invoke>"),
        (
            "deepseek",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"x\": \"1\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        ),
    ];
    let line = |(name, call): (&str, &str)| {
        let messages = serde_json::json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": format!("Looking.\n{call}")},
            {"role": "user", "content": "<tool_result>\n<tool_name>f</tool_name>\n<result>r</result>\n</tool_result>"},
        ]);
        let tools = serde_json::json!([{"type": "function", "function": {"name": "f", "parameters":
            {"type": "object", "properties": {"x": {"type": "string"}}}}}]);
        serde_json::json!({"messages": messages, "tools": tools, "query": name, "framework": "menu", "langfuse_trace_id": name})
            .to_string()
    };
    let lines: Vec<String> = calls.into_iter().map(line).collect();
    let mut found = read("auto", None, lines.join("\n").as_bytes());
    let cline = line(("openrouter", "<f>\n<x>1</x>\n</f>"));
    found.extend(read("nexgap", Some("cline"), cline.as_bytes()));
    for episode in found.iter_mut().flatten() {
        episode.notes.clear();
    }
    expect![[r#"
        nexau by unknown, unrecorded
          assistant [f]
          0 user: "go"
          1 assistant: "Looking." | call_0 f({"x": "1 < 2"})
          2 tool: call_0=f "r"
        qwen by unknown, unrecorded
          assistant [f]
          0 user: "go"
          1 assistant: "Looking." | call_0 f({"x": "1"})
          2 tool: call_0=f "r"
        glm by unknown, unrecorded
          assistant [f]
          0 user: "go"
          1 assistant: "Looking." | call_0 f({"x": "1"})
          2 tool: call_0=f "r"
        minimax by unknown, unrecorded
          assistant [f]
          0 user: "go"
          1 assistant: "Looking." | call_0 f({"x": "1"}) !MalformedCall
          2 tool: call_0=f "r"
        deepseek by unknown, unrecorded
          assistant [f]
          0 user: "go"
          1 assistant: "Looking.\n" | call_0 f({"x": "1"})
          2 tool: call_0=f "r"
        openrouter by unknown, unrecorded
          assistant [f]
          0 user: "go"
          1 assistant: "Looking." | call_0 f({"x": "1"})
          2 tool: call_0=f "r"
    "#]]
    .assert_eq(&outline(&found));
}

#[test]
fn atif_documents() {
    check(
        "atif",
        None,
        r#"{
  "schema_version": "ATIF-v1.8", "session_id": "s1",
  "agent": {"name": "terminus", "version": "2", "model_name": "m", "tool_definitions": [{"type": "function", "function": {"name": "f"}}]},
  "steps": [
    {"step_id": 1, "source": "system", "message": "S"},
    {"step_id": 2, "source": "user", "message": "do it"},
    {"step_id": 3, "source": "agent", "message": "copied", "is_copied_context": true},
    {"step_id": 4, "source": "agent", "message": "", "reasoning_content": "hm",
     "tool_calls": [{"tool_call_id": "c1", "function_name": "f", "arguments": {"a": 1.0}}],
     "observation": {"results": [{"source_call_id": "c1", "content": "r", "subagent_trajectory_ref": [{"trajectory_id": "sub"}]}]},
     "metrics": {"prompt_tokens": 3, "completion_tokens": 2, "prompt_token_ids": [1, 2, 3], "completion_token_ids": [4, 5], "logprobs": [-0.5, -1.0]}},
    {"step_id": 5, "source": "agent", "message": "done", "observation": {"results": [{"content": "screen"}]},
     "metrics": {"prompt_token_ids": [1, 2, 3, 4, 5, 6], "completion_token_ids": [7], "logprobs": [-0.25]}}
  ],
  "subagent_trajectories": [{"schema_version": "ATIF-v1.8", "trajectory_id": "sub", "agent": {"name": "helper"}, "steps": [{"step_id": 1, "source": "user", "message": "help"}, {"step_id": 2, "source": "agent", "message": "here"}]}],
  "notes": "n"
}
{
  "schema_version": "ATIF-v1.5", "agent": {"name": "a"},
  "steps": [{"step_id": 1, "source": "agent", "message": "x", "metrics": {"completion_token_ids": [1, 2], "logprobs": [-1]}}]
}"#,
        expect![[r#"
            s1 by m, unrecorded
              notes {"notes":"n"}
              terminus [f]
              0 system: "S" tokens [] []
              1 user: "do it" tokens [] []
              2 assistant: "copied" (synthetic) tokens [1, 2, 3] []
              3 assistant: thinks "hm" | c1 f({"a": 1.0}) <m, ToolCalls, 3+2> tokens [4, 5] [-0.5, -1.0]
                └ c1
                  helper []
                  0 user: "help"
                  1 assistant: "here"
              4 tool: c1=f "r" tokens [6] []
              5 assistant: "done" <m, Stop, 0+0> tokens [7] [-0.25]
              6 user: "screen"
            ! in.jsonl:18: `steps[0].metrics.logprobs`: 1 log-probabilities for 2 tokens
        "#]],
    );
}

#[test]
fn raw_text_of_a_named_format() {
    let text = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\nr\n</tool_response><|im_end|>\n<|im_start|>assistant\ndone<|im_end|>\n";
    let whole = serde_json::json!({"id": "x", "text": text, "spans": []}).to_string();
    let messages = r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>"},{"role":"user","content":"<tool_response>\nr\n</tool_response>"},{"role":"assistant","content":"<tool_call>\n{\"name\": broken"}]}"#;
    let lines = format!("{whole}\n{messages}\n{{\"text\":\"nothing of the kind\"}}\n");
    let read_as = outline(&read("hermes", None, lines.as_bytes()));
    assert_eq!(read_as, outline(&read("text", Some("hermes"), lines.as_bytes())));
    expect![[r#"
        x by unknown, final_answer
          assistant []
          0 system: "S"
          1 user: "hi"
          2 assistant: call_0 f({"a": 1})
          3 tool: call_0=f "r"
          4 assistant: "done"
        task-text-00000001-9308777f by unknown, final_answer
          assistant []
          0 user: "hi"
          1 assistant: call_0 f({"a": 1})
          2 tool: call_0=f "r"
          3 assistant: "<tool_call>\n{\"name\": broken" !UnclosedTag
        ! in.jsonl:3: `text`: not hermes: byte 0: a turn begins with <|im_start|>
    "#]]
    .assert_eq(&read_as);
}

#[test]
fn what_nex_itself_wrote() {
    let lines = r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"there"}]}"#;
    let episode = read("openai", None, lines.as_bytes()).remove(0).unwrap();
    let record = serde_json::to_string(&episode).unwrap();
    let store =
        format!("{{\"v\":1,\"crc\":\"{:08x}\",\"record\":{record}}}\n", crc32fast::hash(record.as_bytes()));
    let trajectory = serde_json::to_string(&episode.trajectory).unwrap();
    for line in [store.clone(), record] {
        assert_eq!(read("auto", None, line.as_bytes()), [Ok(episode.clone())]);
    }
    let read_back = read("auto", None, trajectory.as_bytes()).remove(0).unwrap();
    assert_eq!(read_back.trajectory.nodes, episode.trajectory.nodes);
    let damaged = store.replace("there", "three");
    expect![[r#"
        ! in.jsonl:1: `crc`: is not that of the record: the line is damaged
    "#]]
    .assert_eq(&outline(&read("nex", None, damaged.as_bytes())));
}
