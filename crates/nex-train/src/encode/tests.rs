use super::*;
use nex_trajectory::{Arguments, ContentBlock, Node, Role, ToolCall, ToolResult};
use serde_json::json;
use std::sync::Arc;

fn tokenizer() -> PolicyTokenizer {
    let texts = ["find the order o17 of Ada", "find {\"name\": \"Ada\"}", "order o17 is late"];
    PolicyTokenizer::train(texts.iter().copied().cycle().take(60), 330).unwrap()
}

fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: CallId::new(id),
        name: name.to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn result(id: &str, text: &str, is_error: bool) -> ToolResult {
    ToolResult {
        call_id: CallId::new(id),
        name: "find".to_owned(),
        content: vec![ContentBlock::Text { text: text.to_owned() }],
        is_error,
    }
}

/// Task, two calls answered the other way round, an answer.
fn messages() -> Vec<Message> {
    let reasoning = ContentBlock::Reasoning { text: "two at once".to_owned(), signature: None };
    vec![
        Message::user("find the order of Ada"),
        Message {
            role: Role::Assistant,
            content: vec![reasoning, call("a", "find", "{\"name\": \"Ada\"}"), call("b", "list", "")],
        },
        Message::tool(vec![result("b", "order o17", false), result("a", "no such", true)]),
        Message::assistant("o17"),
    ]
}

fn nodes() -> Vec<Node> {
    messages().into_iter().map(|message| Node::new(None, Arc::new(message))).collect()
}

fn tools() -> Vec<ToolSpec> {
    vec![ToolSpec {
        name: "find".to_owned(),
        description: "Finds.".to_owned(),
        input_schema: json!({"type": "object", "properties": {"name": {"type": "string"}, "limit": {"type": "integer"}},
            "required": ["name"]}),
    }]
}

/// One line a piece: what it is, whether it is an action, and its text.
fn told(encoder: &Encoder, sample: &EncodedSample) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut at = 0;
    while at < sample.tokens.len() {
        let same = |i: usize| {
            sample.kinds[i] == sample.kinds[at]
                && sample.is_action[i] == sample.is_action[at]
                && (i == at || Mark::of(sample.tokens[i]).is_none())
        };
        let end = (at..sample.tokens.len()).find(|i| !same(*i)).unwrap_or(sample.tokens.len());
        let text = encoder.tokenizer().decode(&sample.tokens[at..end]).unwrap();
        let mark = Mark::of(sample.tokens[at]).map_or("", Mark::text);
        lines.push(format!("{}{mark}{text}", if sample.is_action[at] { "+ " } else { "- " }));
        at = end;
    }
    lines
}

#[test]
fn a_structured_sample_has_actions_and_links_where_they_belong() {
    let encoder = Encoder::new(tokenizer(), EncodingStyle::Structured { tools: Declaration::Signatures });
    let (nodes, tools) = (nodes(), tools());
    let sample = Sample { tools: &tools, nodes: nodes.iter().collect() };
    let encoded = encoder.sample("x", &sample).unwrap();
    assert_eq!(
        told(&encoder, &encoded),
        [
            "- <|system|>find(name: string, limit?: integer)",
            "- <|task|>find the order of Ada",
            "+ <|reasoning|>two at once",
            "+ <|call|>find {\"name\": \"Ada\"}",
            "+ <|call|>list ",
            "+ <|end|>",
            "- <|observation|>order o17",
            "- <|fault|>no such",
            "+ <|answer|>o17",
            "+ <|end|>",
        ]
    );
    let text = |range: &Range<usize>| encoder.tokenizer().decode(&encoded.tokens[range.clone()]).unwrap();
    let links: Vec<_> = encoded.links.iter().map(|link| (text(&link.call), text(&link.output))).collect();
    assert_eq!(
        links,
        [
            ("list ".to_owned(), "order o17".to_owned()),
            ("find {\"name\": \"Ada\"}".to_owned(), "no such".to_owned())
        ]
    );
    assert_eq!(encoded.reply_ends.last(), Some(&encoded.tokens.len()));
    assert!(encoded.open_calls.is_empty());
}

#[test]
fn a_reply_is_read_back_as_it_was_written() {
    let encoder = Encoder::new(tokenizer(), EncodingStyle::Structured { tools: Declaration::None });
    let mut encoded = EncodedSample::default();
    let mut reply = messages().remove(1);
    encoder.append(&mut encoded, &reply, true, true).unwrap();
    for (index, block) in reply.content.iter_mut().skip(1).enumerate() {
        if let ContentBlock::ToolCall(call) = block {
            call.id = CallId::new(format!("call_{index}"));
        }
    }
    let decoded = encoder.decode_reply(&encoded.tokens).unwrap();
    assert_eq!(decoded, DecodedReply { content: reply.content, is_ended: true, is_malformed: false });
}

#[test]
fn no_reply_is_lost_however_it_looks() {
    let encoder = Encoder::new(tokenizer(), EncodingStyle::Structured { tools: Declaration::None });
    let text = |text: &str| encoder.tokenizer().encode(text).unwrap();
    for (tokens, blocks) in [
        (vec![], 0),
        (text("bare"), 1),
        ([vec![Mark::Call.id()], text(" ")].concat(), 1),
        ([vec![Mark::Observation.id()], text("forged")].concat(), 1),
        ([vec![Mark::Answer.id()], text("a"), vec![Mark::End.id()], text("b")].concat(), 1),
    ] {
        let decoded = encoder.decode_reply(&tokens).unwrap();
        assert_eq!(decoded.content.len(), blocks);
        assert_eq!(decoded.is_malformed, !tokens.is_empty(), "{decoded:?}");
    }
}

#[test]
fn a_reply_cut_by_its_limit_or_not_sampled_is_no_end_and_no_action() {
    let encoder = Encoder::new(tokenizer(), EncodingStyle::Structured { tools: Declaration::None });
    let mut encoded = EncodedSample::default();
    encoder.append(&mut encoded, &Message::user("go"), true, true).unwrap();
    encoder.append(&mut encoded, &Message::assistant("summary"), false, true).unwrap();
    assert_eq!(encoded.action_tokens(), 0);
    encoder.append(&mut encoded, &Message::assistant("cut"), true, false).unwrap();
    assert!(encoded.action_tokens() > 1);
    assert_eq!(encoded.reply_ends.len(), 1);
}

#[test]
fn a_long_sample_is_cut_behind_a_reply() {
    let encoder = Encoder::new(tokenizer(), EncodingStyle::Structured { tools: Declaration::None });
    let nodes = nodes();
    let sample = Sample { tools: &[], nodes: nodes.iter().collect() };
    let whole = encoder.sample("x", &sample).unwrap();
    let mut cut = whole.clone();
    assert!(cut.cut_behind_reply(whole.tokens.len() - 1));
    assert_eq!(cut.tokens.len(), whole.reply_ends[0]);
    assert!(cut.links.is_empty());
    assert!(!cut.clone().cut_behind_reply(3));
}

#[test]
fn the_same_sample_as_text_of_a_format() {
    let format = nex_tool_formats::by_name("hermes").unwrap();
    let encoder = Encoder::new(tokenizer(), EncodingStyle::Text { format });
    let mut nodes = nodes();
    // Hermes pairs by position.
    nodes[2] =
        Node::new(None, Message::tool(vec![result("a", "order o17", false), result("b", "none", false)]));
    let sample = Sample { tools: &[], nodes: nodes.iter().collect() };
    let encoded = encoder.sample("x", &sample).unwrap();
    assert!(encoded.tokens.iter().all(|id| Mark::of(*id).is_none()));
    let text = |range: &Range<usize>| encoder.tokenizer().decode(&encoded.tokens[range.clone()]).unwrap();
    assert_eq!(encoded.links.len(), 2);
    assert!(text(&encoded.links[0].call).contains("\"find\""), "{}", text(&encoded.links[0].call));
    assert!(text(&encoded.links[0].output).contains("order o17"));
    let rendered = format.render(&sample, &nex_tool_formats::RenderOptions::default()).unwrap();
    assert_eq!(encoder.tokenizer().decode(&encoded.tokens).unwrap(), rendered.text);
    let actions: Vec<u32> =
        encoded.tokens.iter().zip(&encoded.is_action).filter(|(_, is)| **is).map(|(id, _)| *id).collect();
    let trainable: String = rendered
        .spans
        .iter()
        .filter(|span| span.is_trainable)
        .map(|span| &rendered.text[span.start..span.end])
        .collect();
    assert_eq!(encoder.tokenizer().decode(&actions).unwrap(), trainable);
}
