//! The floor: the same sessions by a bare loop over `reqwest` and `serde_json`, without record,
//! retries or validation.

use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) struct Floor {
    client: reqwest::Client,
    url: String,
    model: String,
    tools: Arc<Value>,
}

impl Floor {
    pub(crate) fn new(base: &str, model: &str) -> Self {
        // The client is built with TLS, so it needs a provider, though no TLS is spoken here.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tool = |name: &str, description: &str, parameters: Value| json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}});
        let tools = json!([
            tool(
                "add",
                "Add two whole numbers.",
                json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]})
            ),
            tool(
                "echo",
                "Give back the text.",
                json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})
            ),
        ]);
        Self {
            client: reqwest::Client::new(),
            url: format!("{base}/chat/completions"),
            model: model.to_owned(),
            tools: Arc::new(tools),
        }
    }

    pub(crate) async fn session(&self, number: usize) -> bool {
        let mut messages = vec![
            json!({"role": "system", "content": "You are bench, a helpful agent with 2 tools, on 2026-01-01."}),
            json!({"role": "user", "content": format!("Task number {number}: use the tools until you are done.")}),
        ];
        loop {
            let body = json!({"model": self.model, "messages": messages, "tools": *self.tools}).to_string();
            let request = self.client.post(&self.url).header("content-type", "application/json");
            let response = request.header("authorization", "Bearer none").body(body).send().await;
            let bytes = response.expect("a response").bytes().await.expect("a body");
            let mut reply: Value = serde_json::from_slice(&bytes).expect("JSON");
            let message = reply["choices"][0]["message"].take();
            let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
            if calls.is_empty() {
                return message["content"].as_str().is_some_and(|text| text.starts_with("DONE"));
            }
            messages.push(message);
            for call in calls {
                let arguments = call["function"]["arguments"].as_str().unwrap_or("{}");
                let arguments: Value = serde_json::from_str(arguments).expect("JSON");
                let output = match call["function"]["name"].as_str() {
                    Some("add") => (arguments["a"].as_i64().unwrap_or(0)
                        + arguments["b"].as_i64().unwrap_or(0))
                    .to_string(),
                    _ => arguments["text"].as_str().unwrap_or("").to_owned(),
                };
                messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": output}));
            }
        }
    }
}
