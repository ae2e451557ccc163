use super::{outline, read};
use crate::import::{Input, Inputs, decide};
use expect_test::expect;
use proptest::prelude::*;
use std::io::Write;

const GOOD: &str = r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"there"}]}"#;

#[test]
fn bad_lines_are_told_with_their_place_and_cost_nothing_else() {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    for line in [
        GOOD.as_bytes(),
        &GOOD.as_bytes()[..40],
        b"\0\0\0\0",
        b"{\"messages\": \"hi\"}",
        b"{\"messages\": [{\"role\": \"user\", \"content\": 7}]}",
        b"{\"messages\": [{\"content\": \"x\"}]}",
        b"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"a\", \"function\": {}}]}]}",
        b"{\"messages\": []}",
        b"{\"messages\": [{\"role\": \"user\", \"content\": \"\xff\"}]}",
        b"[1, 2]",
        b"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"input_audio\"}]}]}",
        b"{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\", \"reward\": NaN}]}",
        b"",
        GOOD.as_bytes(),
    ] {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    let found = read("openai", None, &bytes);
    expect![[r#"
        task-openai-00000000-181339e7 by unknown, final_answer
          assistant []
          0 user: "hi"
          1 assistant: "there"
        ! in.jsonl:2: no JSON: byte 40: the text ends inside a string: it was cut off
        ! in.jsonl:3: no JSON: byte 0: a NUL byte where a value should be
        ! in.jsonl:4: `messages`: is a string, but should be a list of messages
        ! in.jsonl:5: `messages[0].content`: is a number, but should be text or a list of parts
        ! in.jsonl:6: `messages[0].role`: is missing; it should be a role
        ! in.jsonl:7: `messages[0].tool_calls[0].function.name`: is missing; it should be the tool's name
        ! in.jsonl:8: `messages`: is empty: there is nothing to learn from
        ! in.jsonl:9: byte 43 is not UTF-8; convert the file, for example with `iconv -t UTF-8`
        ! in.jsonl:10: is an array, but a record is an object
        ! in.jsonl:11: `messages[0].content[0].type`: a part of type `input_audio` has no place in the record (text and pictures have)
        ! in.jsonl:12: no JSON: byte 62: NaN and Infinity are no JSON: write such a number as null
        task-openai-00000012-181339e7 by unknown, final_answer
          assistant []
          0 user: "hi"
          1 assistant: "there"
    "#]].assert_eq(&outline(&found));
    assert!(read("openai", None, b"").is_empty());
}

#[test]
fn a_huge_line_is_read() {
    let text = "x\n\"é🌍".repeat(400_000);
    let line = serde_json::json!({"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]});
    let found = read("auto", None, format!("{GOOD}\n{line}\n{GOOD}\n").as_bytes());
    assert_eq!(found[1].as_ref().unwrap().trajectory.nodes[0].message.text(), text);
    assert_eq!(found.len(), 3);
}

#[test]
fn compressed_files_are_told_by_their_bytes() {
    let lines = format!("{GOOD}\n{GOOD}\n");
    let plain = read("auto", None, lines.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    for packed in [&gzip, &zstd] {
        assert_eq!(outline(&read("auto", None, packed)), outline(&plain));
    }
    let ids = |found: &[Result<nex_trajectory::Episode, _>]| -> Vec<String> {
        found
            .iter()
            .map(|episode| {
                episode
                    .as_ref()
                    .map(|e| e.id.to_string())
                    .unwrap_or_else(|_: &crate::import::Fault| String::new())
            })
            .collect()
    };
    assert_eq!(ids(&plain), ids(&read("auto", None, &gzip)), "ids follow from content and position");
    assert_ne!(ids(&plain)[0], ids(&plain)[1]);
    // Spans have to be read twice, which a compressed file cannot be: it is copied.
    let span = r#"{"trace_id":"t","span_id":"g","span_type":"GENERATION","input":[{"role":"user","content":"q"}],"output":"a"}"#;
    let zstd = zstd::encode_all(span.as_bytes(), 1).unwrap();
    assert_eq!(outline(&read("auto", None, &zstd)), outline(&read("auto", None, span.as_bytes())));
}

#[test]
fn what_cannot_be_told_is_asked_for() {
    let told = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.jsonl");
        std::fs::write(&path, text).unwrap();
        let mut inputs = Inputs::open(vec![Input::File(path.clone())]).unwrap();
        let error = decide(&mut inputs, None).unwrap_err().to_string();
        error.replace(path.to_str().unwrap(), "in.jsonl")
    };
    let answers = [
        told(""),
        told("not json\n"),
        told("{\"a\": 1, \"b\": 2}\n"),
        told("{\"text\": \"<|im_start|>user\\nhi<|im_end|>\\n<|im_start|>assistant\\nx<|im_end|>\\n\"}\n"),
        told("{\"messages\":[{\"role\":\"assistant\",\"content\":\"<tool_call>\\n{}</tool_call>\"}]}\n"),
    ];
    expect![[r#"
        in.jsonl: no JSON record at its start; name its format with --from, one of openai, anthropic, sharegpt, ms-swift, langfuse, otlp, nexgap, atif, text, nex, hermes, qwen3, qwen3-coder, qwen3.5, glm-4.5, glm-4.7, minimax-m2, deepseek-v3, deepseek-v3.1, deepseek-v3.2, kimi-k2, nexau, cline, openhands, terminus-2-xml, terminus-2-json, llama-3, llama-4, lfm2, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v11, mistral-v13, gpt-oss
        in.jsonl: no JSON record at its start; name its format with --from, one of openai, anthropic, sharegpt, ms-swift, langfuse, otlp, nexgap, atif, text, nex, hermes, qwen3, qwen3-coder, qwen3.5, glm-4.5, glm-4.7, minimax-m2, deepseek-v3, deepseek-v3.1, deepseek-v3.2, kimi-k2, nexau, cline, openhands, terminus-2-xml, terminus-2-json, llama-3, llama-4, lfm2, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v11, mistral-v13, gpt-oss
        in.jsonl: its first record (keys `a`, `b`) is of no format known here; name one with --from: openai, anthropic, sharegpt, ms-swift, langfuse, otlp, nexgap, atif, text, nex, hermes, qwen3, qwen3-coder, qwen3.5, glm-4.5, glm-4.7, minimax-m2, deepseek-v3, deepseek-v3.1, deepseek-v3.2, kimi-k2, nexau, cline, openhands, terminus-2-xml, terminus-2-json, llama-3, llama-4, lfm2, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v11, mistral-v13, gpt-oss
        in.jsonl: `text`: say with --from in which tool-call format (it may be cline or hermes or lfm2 or nexau or openhands or qwen3 or qwen3-coder or qwen3.5 or terminus-2-json or terminus-2-xml)
        in.jsonl: replies with the marks of a tool-call format in their text: say with --from in which tool-call format (it may be hermes), or --from openai to take the replies as they are"#]].assert_eq(&answers.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever stands in a file, reading it ends and gives episodes or faults.
    #[test]
    fn no_bytes_end_an_import(
        from in prop::sample::select(crate::import::Source::names().into_iter().filter(|n| *n != "auto").collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let seeds = [
            GOOD.to_owned(),
            r#"{"conversations":[{"from":"human","value":"x"},{"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{}}"},{"from":"observation","value":"[1]"}],"tools":"[]"}"#.to_owned(),
            r#"{"trace_id":"t","span_id":"g","span_type":"GENERATION","parentObservationId":"g","input":[{"role":"user","content":"q"}],"output":{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}}"#.to_owned(),
            r#"{"schema_version":"ATIF-v1.8","agent":{"name":"a"},"steps":[{"source":"agent","message":"m","metrics":{"completion_token_ids":[1]}}],"subagent_trajectories":[{"agent":{},"steps":[{"source":"user","message":""}]}]}"#.to_owned(),
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"T","spanId":"s","attributes":[{"key":"gen_ai.output.messages","value":{"stringValue":"[{\"role\":\"assistant\",\"parts\":[]}]"}}]}]}]}]}"#.to_owned(),
            r#"{"text":"<tool_call>\n{\"name\": 1}</tool_call>"}"#.to_owned(),
        ];
        for seed in seeds {
            let mut bytes = seed.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len()) + bytes.len() / 2);
            let whole = read(from, None, &bytes);
            prop_assert!(whole.len() <= 3);
        }
    }
}
