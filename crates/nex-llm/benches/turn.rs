//! What one turn costs in this crate: two messages are added, the request is encoded, the reply is
//! decoded; after 10 and after 200 rounds of history. `copy` is the floor: one copy of the body.
//! `http` sends it over loopback, beside a bare reqwest call of the same bytes.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use nex_llm::{
    ChatModel, ChatReply, ChatRequest, ModelConfig, OpenAiChat, Sampling, ToolSet, Transcript, open_model,
};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult, ToolSpec};
use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::Arc;

const REPLY: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"the agent reads a value and then decides what to do next the agent reads a value and then","tool_calls":[{"id":"call_1","type":"function","function":{"name":"add","arguments":"{\"a\": 123456, \"b\": 234567}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":812,"completion_tokens":44,"total_tokens":856}}"#;

struct Talk {
    transcript: Transcript,
    tools: ToolSet,
    sampling: Sampling,
}

impl Talk {
    fn new(rounds: usize) -> Self {
        let schema =
            serde_json::json!({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}});
        let spec = ToolSpec { name: "add".into(), description: "Adds.".into(), input_schema: schema };
        let mut talk = Self {
            transcript: Transcript::new(vec![
                Arc::new(Message::system("You are a careful agent. ".repeat(20))),
                Arc::new(Message::user("Add the numbers.")),
            ]),
            tools: ToolSet::new(Arc::new(vec![spec])),
            sampling: Sampling { temperature: Some(0.7), ..Sampling::default() },
        };
        (0..rounds).for_each(|round| talk.add_round(round));
        talk
    }

    fn add_round(&mut self, round: usize) {
        let [call, result] = round_of(round);
        self.transcript.push(call);
        self.transcript.push(result);
    }

    fn request(&self) -> ChatRequest<'_> {
        ChatRequest {
            transcript: &self.transcript,
            tools: &self.tools,
            sampling: &self.sampling,
            session: "s",
            agent: "a",
        }
    }
}

fn round_of(round: usize) -> [Arc<Message>; 2] {
    let id = format!("call_{round}");
    let call = ToolCall {
        id: id.clone().into(),
        name: "add".into(),
        arguments: Arguments::from_text(format!("{{\"a\": {round}, \"b\": 234567}}")),
    };
    let text = "the agent reads a value and then decides what to do next ".repeat(2);
    let content = vec![ContentBlock::Text { text }, ContentBlock::ToolCall(call)];
    let result = ToolResult {
        call_id: id.into(),
        name: "add".into(),
        content: vec![ContentBlock::Text { text: "358023".repeat(20) }],
        is_error: false,
    };
    [Arc::new(Message { role: Role::Assistant, content }), Arc::new(Message::tool(vec![result]))]
}

fn turn(model: &OpenAiChat, talk: &mut Talk, [call, result]: [Arc<Message>; 2]) -> (Vec<u8>, ChatReply) {
    talk.transcript.push(call);
    talk.transcript.push(result);
    let body = model.encode(&talk.request()).expect("a body");
    let reply = model.decode(&talk.request(), REPLY.as_bytes()).expect("a reply");
    (body, reply)
}

fn in_memory(criterion: &mut Criterion) {
    let model = OpenAiChat::new("m", &ModelConfig::default()).expect("a model");
    let mut group = criterion.benchmark_group("turn");
    for rounds in [10, 200] {
        let prepared = || {
            let talk = Talk::new(rounds);
            model.encode(&talk.request()).expect("a body");
            (talk, round_of(rounds))
        };
        group.bench_function(BenchmarkId::new("encode+decode", rounds), |bencher| {
            bencher.iter_batched(
                prepared,
                |(mut talk, round)| (turn(&model, &mut talk, round), talk),
                BatchSize::LargeInput,
            );
        });
        let body = model.encode(&Talk::new(rounds).request()).expect("a body");
        group.bench_function(BenchmarkId::new("copy", rounds), |bencher| {
            bencher.iter(|| black_box(&body).clone());
        });
    }
    let talk = Talk::new(10);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| model.decode(&talk.request(), black_box(REPLY.as_bytes())).expect("a reply"));
    });
    group.finish();
}

/// Answers every request of every connection with [`REPLY`]; one thread a connection.
fn serve() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: std::net::TcpStream) {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{REPLY}",
        REPLY.len()
    );
    let mut bytes = vec![0; 1 << 20];
    let mut filled = 0;
    loop {
        match stream.read(&mut bytes[filled..]) {
            Ok(0) | Err(_) => return,
            Ok(count) => filled += count,
        }
        let Some(end) = bytes[..filled].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if filled >= end + 4 + length.trim().parse::<usize>().expect("a number") {
            filled = 0;
            stream.write_all(reply.as_bytes()).expect("the client reads");
        }
    }
}

fn over_http(criterion: &mut Criterion) {
    let base_url = serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = ModelConfig { base_url: Some(base_url.clone()), ..ModelConfig::default() };
    let model = open_model("openai:m", &config).expect("a model");
    let client = reqwest::Client::new();
    let url: reqwest::Url = format!("{base_url}/chat/completions").parse().expect("an address");
    let talk = Talk::new(10);
    let body = OpenAiChat::new("m", &config).expect("a model").encode(&talk.request()).expect("a body");
    let mut group = criterion.benchmark_group("http");
    group.bench_function("bare reqwest", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let request =
                    client.post(url.clone()).header("content-type", "application/json").body(body.clone());
                request.send().await.expect("a reply").bytes().await.expect("a body")
            })
        });
    });
    group.bench_function("open_model", |bencher| {
        bencher.iter(|| runtime.block_on(async { complete(&*model, &talk).await }));
    });
    group.finish();
}

async fn complete(model: &dyn ChatModel, talk: &Talk) -> ChatReply {
    model.complete(&talk.request()).await.expect("a reply")
}

criterion_group!(benches, in_memory, over_http);
criterion_main!(benches);
