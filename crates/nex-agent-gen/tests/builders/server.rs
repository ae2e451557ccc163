//! A chat-completions server that plays each agent from a script, over real HTTP.
//!
//! It tells the agents apart by the first line of their system prompt, and keeps what it was asked.
#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One reply of a scripted agent.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Text without calls.
    Says(String),
    /// Calls, in order.
    Calls(Vec<(String, Value)>),
    /// An HTTP status in place of a reply.
    Fails(u16),
}

/// Replies by a word of the system prompt; the last of an agent's replies is given for ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(HashMap<String, VecDeque<Reply>>);

impl Script {
    pub(crate) fn says(mut self, agent: &str, text: &str) -> Self {
        self.0.entry(agent.into()).or_default().push_back(Reply::Says(text.into()));
        self
    }

    pub(crate) fn calls(mut self, agent: &str, calls: &[(&str, Value)]) -> Self {
        let calls = calls.iter().map(|(name, arguments)| ((*name).to_owned(), arguments.clone())).collect();
        self.0.entry(agent.into()).or_default().push_back(Reply::Calls(calls));
        self
    }

    pub(crate) fn asks(self, agent: &str, other: &str, message: &str) -> Self {
        self.calls(agent, &[("Agent", json!({"sub_agent_name": other, "message": message}))])
    }

    pub(crate) fn fails(mut self, agent: &str, status: u16) -> Self {
        self.0.entry(agent.into()).or_default().push_back(Reply::Fails(status));
        self
    }

    fn next(&mut self, system: &str) -> Reply {
        let agent = self.0.iter_mut().filter(|(agent, _)| system.contains(agent.as_str()));
        // The longest name, for one may be a part of another.
        let Some((_, replies)) = agent.max_by_key(|(agent, _)| agent.len()) else {
            return Reply::Says("I have no script.".into());
        };
        if replies.len() > 1 { replies.pop_front().expect("two or more") } else { replies[0].clone() }
    }
}

/// The server.
pub(crate) struct Server {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (script, log) = (Arc::new(Mutex::new(script)), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, log) = (script.clone(), log.clone());
                std::thread::spawn(move || serve(stream, &script, &log));
            }
        });
        Self { address, asked }
    }

    /// Everything that was ever in a tool result, and each in a text of its own.
    pub(crate) fn results(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let mut found: Vec<String> = Vec::new();
        for message in asked.iter().flat_map(|body| body["messages"].as_array().unwrap()) {
            let text = message["content"].as_str().unwrap_or_default();
            if message["role"] == "tool" && !found.iter().any(|known| known == text) {
                found.push(text.to_owned());
            }
        }
        found
    }

    /// The first user message of each request.
    pub(crate) fn instructions(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|body| {
                let messages = body["messages"].as_array().unwrap();
                let user = messages.iter().find(|message| message["role"] == "user");
                user.and_then(|user| user["content"].as_str()).unwrap_or_default().to_owned()
            })
            .collect()
    }

    /// The system prompt of the agent whose prompt holds `words`.
    pub(crate) fn system_prompt(&self, words: &str) -> String {
        let asked = self.asked.lock().unwrap();
        let mut prompts = asked.iter().filter_map(|body| body["messages"][0]["content"].as_str());
        prompts.find(|prompt| prompt.contains(words)).unwrap_or_default().to_owned()
    }

    pub(crate) fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn serve(stream: TcpStream, script: &Mutex<Script>, log: &Mutex<Vec<Value>>) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let system = body["messages"][0]["content"].to_string();
        let opening = system.get(..system.floor_char_boundary(200)).unwrap_or_default().to_owned();
        let number = {
            let mut log = log.lock().unwrap();
            log.push(body);
            log.len()
        };
        let reply = script.lock().unwrap().next(&opening);
        let (status, text) = match reply {
            Reply::Fails(status) => (status, json!({"error": {"message": "scripted failure"}}).to_string()),
            Reply::Says(text) => (200, completion(json!({"role": "assistant", "content": text}), "stop")),
            Reply::Calls(calls) => {
                let calls: Vec<Value> = calls
                    .iter()
                    .enumerate()
                    .map(|(at, (name, arguments))| {
                        json!({"id": format!("c{number}_{at}"), "type": "function",
                           "function": {"name": name, "arguments": arguments.to_string()}})
                    })
                    .collect();
                let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
                (200, completion(message, "tool_calls"))
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(text.as_bytes())).is_err() {
            return;
        }
    }
}

fn completion(message: Value, finish: &str) -> String {
    json!({"id": "x", "object": "chat.completion", "created": 1, "model": "scripted",
           "choices": [{"index": 0, "message": message, "finish_reason": finish}],
           "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}})
    .to_string()
}
