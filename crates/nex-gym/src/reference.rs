//! Reference models: the rows that every table of results should have beside a real model.
//!
//! [`NullDriver`] answers at once and does nothing: what a verifier gives it is the floor.
//! [`RandomDriver`] makes valid calls at random: what chance achieves.

use crate::{Casting, Driver, DriverTime, EpisodeModel};
use async_trait::async_trait;
use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError};
use nex_trajectory::{Arguments, CallId, ContentBlock, Message, ModelIdentity, Role, ToolCall, ToolSpec};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Answers at once, and nothing of use.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullDriver;

/// What [`NullDriver`] casts.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullModel;

impl Driver for NullDriver {
    fn name(&self) -> &str {
        "null"
    }

    fn time(&self) -> DriverTime {
        DriverTime::Virtual
    }

    fn cast(&self, _casting: &Casting<'_>) -> EpisodeModel {
        EpisodeModel { model: Arc::new(NullModel), notes: None }
    }
}

#[async_trait]
impl ChatModel for NullModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "null".to_owned(), model: "null".to_owned() }
    }

    async fn complete(&self, _request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        Ok(ChatReply::new(Message::assistant("I have nothing to say."), self.identity()))
    }
}

/// Makes valid calls at random, then answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomDriver;

/// Turns with a call before it answers.
const RANDOM_TURNS: usize = 8;

/// What [`RandomDriver`] casts.
#[derive(Clone, Copy, Debug)]
pub struct RandomToolModel {
    seed: u64,
}

impl Driver for RandomDriver {
    fn name(&self) -> &str {
        "random"
    }

    fn time(&self) -> DriverTime {
        DriverTime::Virtual
    }

    fn cast(&self, casting: &Casting<'_>) -> EpisodeModel {
        let model = RandomToolModel { seed: casting.seed };
        EpisodeModel { model: Arc::new(model), notes: None }
    }
}

#[async_trait]
impl ChatModel for RandomToolModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "random".to_owned(), model: "random-tool".to_owned() }
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let messages = request.transcript.messages();
        let turn = messages.iter().filter(|message| message.role == Role::Assistant).count();
        let tools = request.tools.specs();
        let mut seen = Vec::new();
        for message in messages {
            gather(message, &mut seen);
        }
        if turn >= RANDOM_TURNS || tools.is_empty() {
            let guess = seen.last().map_or_else(|| "done".to_owned(), Value::to_string);
            return Ok(ChatReply::new(Message::assistant(format!("My guess: {guess}")), self.identity()));
        }
        // A reply depends on seed, conversation and turn only, whatever else goes on.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(request.session.as_bytes());
        hasher.update(&(turn as u64).to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
        let tool = &tools[rng.random_range(0..tools.len())];
        let call = ToolCall {
            id: CallId(format!("call_{turn}")),
            name: tool.name.clone(),
            arguments: Arguments::from_value(&arguments(tool, &seen, &mut rng)),
        };
        let message = Message { role: Role::Assistant, content: vec![ContentBlock::ToolCall(call)] };
        Ok(ChatReply::new(message, self.identity()))
    }
}

/// Adds the plain values in the results of `message` to `seen`.
fn gather(message: &Message, seen: &mut Vec<Value>) {
    for result in message.results() {
        if let Ok(value) = serde_json::from_str::<Value>(&result.text()) {
            leaves(&value, seen);
        }
    }
    if message.role == Role::User {
        seen.extend(message.text().split_whitespace().map(Value::from));
    }
}

fn leaves(value: &Value, seen: &mut Vec<Value>) {
    match value {
        Value::Object(map) => map.values().for_each(|value| leaves(value, seen)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, seen)),
        Value::Null => {}
        plain => seen.push(plain.clone()),
    }
}

/// Arguments that `tool`'s schema allows, from values that were seen where there are any.
fn arguments(tool: &ToolSpec, seen: &[Value], rng: &mut ChaCha8Rng) -> Value {
    let schema = &tool.input_schema;
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut arguments = Map::new();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if required.contains(&name.as_str()) || rng.random::<f64>() < 0.3 {
            arguments.insert(name.clone(), value_for(property, seen, rng));
        }
    }
    Value::Object(arguments)
}

fn value_for(schema: &Value, seen: &[Value], rng: &mut ChaCha8Rng) -> Value {
    let options = schema.get("enum").and_then(Value::as_array).filter(|options| !options.is_empty());
    if let Some(options) = options {
        return options[rng.random_range(0..options.len())].clone();
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
        Some(Value::String(kind)) => kind,
        _ => "string",
    };
    match kind {
        "integer" => {
            let low = schema.get("minimum").and_then(Value::as_i64).unwrap_or(0);
            let high = schema.get("maximum").and_then(Value::as_i64).unwrap_or(low.saturating_add(20));
            rng.random_range(low..=high.max(low)).into()
        }
        "number" => {
            let low = schema.get("minimum").and_then(Value::as_f64).unwrap_or(0.0);
            let high = schema.get("maximum").and_then(Value::as_f64).unwrap_or(low + 100.0);
            let cents = ((low + rng.random::<f64>() * (high - low).max(0.0)) * 100.0).ceil();
            (cents / 100.0).into()
        }
        "boolean" => rng.random::<bool>().into(),
        "array" => {
            let items = schema.get("items").cloned().unwrap_or_default();
            Value::Array(vec![value_for(&items, seen, rng)])
        }
        "object" => Value::Object(Map::new()),
        _ => text_for(schema, seen, rng),
    }
}

fn text_for(schema: &Value, seen: &[Value], rng: &mut ChaCha8Rng) -> Value {
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0) as usize;
    let most = schema.get("maxLength").and_then(Value::as_u64).unwrap_or(u64::MAX) as usize;
    let fits =
        |value: &&Value| value.as_str().is_some_and(|text| (least..=most).contains(&text.chars().count()));
    let known: Vec<&Value> = seen.iter().filter(fits).collect();
    match known.len() {
        0 => Value::String("x".repeat(least.max(1))),
        count => known[rng.random_range(0..count)].clone(),
    }
}
