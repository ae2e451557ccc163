//! A server that answers each connection's requests as a test says, down to the byte.

use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError, Sampling, ToolSet, Transcript};
use nex_trajectory::{Message, Timing, ToolSpec};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Waits; with paused time that costs nothing.
    Wait(Duration),
    /// Keeps the connection open and says nothing more.
    Hang,
    /// Closes the connection.
    Close,
}

/// What the server was asked: head and body.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The server; its address, what it was asked, and what it will do.
pub(crate) struct Mock {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Mock {
    /// A server that does `plans` in order, one for each request, and then repeats the last.
    pub(crate) async fn start(plans: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let plans = Arc::new(Mutex::new(VecDeque::from(plans)));
        let log = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, plans.clone(), log.clone()));
            }
        });
        Self { address, asked }
    }

    /// All that it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    /// How often it was asked.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().len()
    }
}

async fn serve(mut stream: TcpStream, plans: Arc<Mutex<VecDeque<Vec<Act>>>>, log: Arc<Mutex<Vec<Asked>>>) {
    while let Some(asked) = read_request(&mut stream).await {
        log.lock().push(asked);
        let plan = {
            let mut plans = plans.lock();
            if plans.len() > 1 { plans.pop_front().expect("two plans or more") } else { plans[0].clone() }
        };
        for act in plan {
            match act {
                Act::Write(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Act::Wait(duration) => tokio::time::sleep(duration).await,
                Act::Hang => std::future::pending().await,
                Act::Close => return,
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in ASCII").to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a body of known length").trim().parse().expect("a number");
            while bytes.len() < end + 4 + length {
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
            let body = String::from_utf8(bytes[end + 4..].to_vec()).expect("a body in UTF-8");
            return Some(Asked { head, body });
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A whole HTTP reply.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Vec<Act> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    vec![Act::Write([head.as_bytes(), body.as_bytes()].concat())]
}

/// A JSON reply of status 200.
pub(crate) fn json(body: &str) -> Vec<Act> {
    reply(200, "content-type: application/json\r\n", body)
}

/// An event stream in chunked framing, one chunk a piece.
pub(crate) fn stream(pieces: &[&[u8]]) -> Vec<Act> {
    let mut bytes =
        b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    vec![Act::Write(bytes)]
}

/// A conversation with its tools, to be asked about.
pub(crate) struct Talk {
    pub(crate) transcript: Transcript,
    pub(crate) tools: ToolSet,
    pub(crate) sampling: Sampling,
}

impl Talk {
    pub(crate) fn new(messages: Vec<Message>) -> Self {
        Self {
            transcript: Transcript::new(messages.into_iter().map(Arc::new).collect()),
            tools: ToolSet::new(Arc::default()),
            sampling: Sampling::default(),
        }
    }

    pub(crate) fn with_tools(mut self, tools: Vec<ToolSpec>) -> Self {
        self.tools = ToolSet::new(Arc::new(tools));
        self
    }

    pub(crate) fn request(&self) -> ChatRequest<'_> {
        ChatRequest {
            transcript: &self.transcript,
            tools: &self.tools,
            sampling: &self.sampling,
            session: "s1",
            agent: "solver",
        }
    }
}

/// A weather tool.
pub(crate) fn weather() -> ToolSpec {
    ToolSpec {
        name: "weather".into(),
        description: "Weather of a \"city\"".into(),
        input_schema: serde_json::json!({"type": "object", "properties": {"city": {"type": "string"}}}),
    }
}

/// Asks once and takes the times out, which differ from run to run.
pub(crate) async fn ask(model: &impl ChatModel, talk: &Talk) -> Result<ChatReply, LlmError> {
    model.complete(&talk.request()).await.map(|mut reply| {
        reply.timing = Timing::default();
        reply
    })
}

/// `value` as JSON on many lines, for goldens.
pub(crate) fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it serialises")
}
