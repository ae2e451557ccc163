//! A chat-completions server that plays a script named by the model, fast enough not to matter.
//!
//! The model's name carries the script: `fake.k10.p1.l50` asks for tools in 10 rounds, 1 call each,
//! answers each request after 50 ms, and then gives the final answer. The round is read off the
//! conversation, so the server keeps no state. It checks that the results of the round before are
//! right; `GET /stats` tells how many were not.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

static REQUESTS: AtomicU64 = AtomicU64::new(0);
static MISMATCHES: AtomicU64 = AtomicU64::new(0);

/// Serves on a free port of this machine, prints `PORT n`, ends when its input ends.
pub(crate) fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("PORT {}", listener.local_addr().expect("an address").port());
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_line(&mut String::new());
            std::process::exit(0);
        });
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(stream));
            }
        }
    });
}

async fn connection(mut stream: TcpStream) {
    let mut input: Vec<u8> = Vec::with_capacity(4096);
    let mut output = String::with_capacity(2048);
    loop {
        let head_end = loop {
            if let Some(at) = find(&input, b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut input).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&input[..head_end]).to_ascii_lowercase();
        let length: usize = head
            .split("content-length:")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.trim().parse().ok())
            .unwrap_or(0);
        while input.len() < head_end + length {
            if stream.read_buf(&mut input).await.unwrap_or(0) == 0 {
                return;
            }
        }
        output.clear();
        if head.starts_with("get ") {
            let (requests, mismatches) = (REQUESTS.load(Relaxed), MISMATCHES.load(Relaxed));
            let _ = write!(output, "{{\"requests\":{requests},\"mismatches\":{mismatches}}}");
        } else {
            let latency = answer(&input[head_end..head_end + length], &mut output);
            if latency > 0 {
                tokio::time::sleep(Duration::from_millis(latency)).await;
            }
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            output.len()
        );
        output.insert_str(0, &head);
        if stream.write_all(output.as_bytes()).await.is_err() {
            return;
        }
        input.drain(..head_end + length);
    }
}

/// Writes the reply to `body` and gives the latency in milliseconds.
fn answer(body: &[u8], out: &mut String) -> u64 {
    REQUESTS.fetch_add(1, Relaxed);
    let text = String::from_utf8_lossy(body);
    let model = text.split("\"model\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("fake");
    let (mut rounds, mut parallel, mut latency) = (10, 1, 0);
    for part in model.split('.').skip(1) {
        let value = part.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        match part.as_bytes().first() {
            Some(b'k') => rounds = value,
            Some(b'p') => parallel = value.max(1),
            Some(b'l') => latency = value,
            _ => {}
        }
    }
    // Inside strings the quotes are escaped, so this counts messages with calls.
    let round = text.matches("\"tool_calls\":[").count() as u64;
    if round > 0 {
        let tail = &text[text.rfind("\"tool_calls\":[").unwrap_or(0)..];
        let wrong = (0..parallel).filter(|call| !tail.contains(&expected(round - 1, *call))).count();
        MISMATCHES.fetch_add(wrong as u64, Relaxed);
    }
    let _ = write!(
        out,
        "{{\"id\":\"c{round}\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":"
    );
    if round >= rounds {
        out.push_str(
            "\"DONE the agent reads a value and then decides what to do next, after all the others\"}",
        );
        out.push_str(",\"finish_reason\":\"stop\"}]");
    } else {
        out.push_str("\"the agent reads a value and then decides what to do next\",\"tool_calls\":[");
        for call in 0..parallel {
            if call > 0 {
                out.push(',');
            }
            let (a, b) = operands(round, call);
            let (name, arguments) = match is_add(round, call) {
                true => ("add", format!("{{\\\"a\\\": {a}, \\\"b\\\": {b}}}")),
                false => ("echo", format!("{{\\\"text\\\": \\\"echo-{a}-{b}\\\"}}")),
            };
            let _ = write!(
                out,
                "{{\"id\":\"call_{round}_{call}\",\"type\":\"function\",\"function\":{{\"name\":\"{name}\",\"arguments\":\"{arguments}\"}}}}"
            );
        }
        out.push_str("]},\"finish_reason\":\"tool_calls\"}]");
    }
    let prompt_tokens = body.len() / 4;
    let _ = write!(
        out,
        ",\"usage\":{{\"prompt_tokens\":{prompt_tokens},\"completion_tokens\":30,\"total_tokens\":{}}}}}",
        prompt_tokens + 30
    );
    latency
}

fn is_add(round: u64, call: u64) -> bool {
    (round + call).is_multiple_of(2)
}

fn operands(round: u64, call: u64) -> (u64, u64) {
    let mixed = (round * 64 + call + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (100_000 + mixed % 400_000, 100_000 + (mixed >> 24) % 400_000)
}

fn expected(round: u64, call: u64) -> String {
    let (a, b) = operands(round, call);
    if is_add(round, call) { (a + b).to_string() } else { format!("echo-{a}-{b}") }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
