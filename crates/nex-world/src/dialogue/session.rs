//! [`DialogueSession`]: one conversation: the agent's tools and the user's hands on one world.
//!
//! The agent's operations are tools; `message_user` is the tool by which it speaks, and its reply are
//! the user's words. What the user does meanwhile changes the same state. One lock holds both sides,
//! so calls come in one order.

use super::domain::Domain;
use super::script::MESSAGE;
use super::user::{Hands, RuleUser, UserSimulator};
use super::verify::judge;
use crate::session::WorldSession;
use crate::task::Task;
use async_trait::async_trait;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::{Reward, ToolSpec};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// One thing that happened, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DialogueEvent {
    /// The agent said something, and the user answered.
    Said {
        /// The agent's words.
        text: String,
        /// The user's.
        reply: String,
        /// Whether the user agreed to what was proposed.
        #[serde(default)]
        agreed: bool,
        /// Whether the agent asked for something that it must never ask for.
        #[serde(default)]
        asked_secret: bool,
    },
    /// The agent or the user called an operation.
    Called {
        /// Whether it was the user.
        by_user: bool,
        /// The operation.
        operation: String,
        /// Its arguments.
        arguments: Value,
        /// Whether it was refused.
        is_error: bool,
    },
}

/// What must be known to judge a conversation, beside the task.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The record of the caller.
    pub(crate) customer: String,
    pub(crate) needs_consent: Vec<&'static str>,
    pub(crate) protected: Vec<String>,
}

/// Both sides of a conversation.
pub(crate) struct Stage {
    pub(crate) world: WorldSession,
    pub(crate) events: Vec<DialogueEvent>,
    pub(crate) ended: Option<&'static str>,
    user: Box<dyn UserSimulator>,
}

/// The user's hands during one message.
struct UserHands<'a> {
    world: &'a mut WorldSession,
    events: &'a mut Vec<DialogueEvent>,
}

impl Hands for UserHands<'_> {
    fn act(&mut self, operation: &str, arguments: &Value) -> Result<Value, Value> {
        call(self.world, self.events, true, operation, arguments)
    }
}

fn call(
    world: &mut WorldSession,
    events: &mut Vec<DialogueEvent>,
    by_user: bool,
    operation: &str,
    arguments: &Value,
) -> Result<Value, Value> {
    let reply = world.call(operation, arguments);
    events.push(DialogueEvent::Called {
        by_user,
        operation: operation.to_owned(),
        arguments: arguments.clone(),
        is_error: reply.is_error,
    });
    let value: Value = serde_json::from_str(&reply.text).unwrap_or_default();
    if reply.is_error { Err(value) } else { Ok(value) }
}

impl Stage {
    pub(crate) fn new(world: WorldSession, user: RuleUser) -> Self {
        Self { world, events: Vec::new(), ended: None, user: Box::new(user) }
    }

    /// One call of the agent.
    pub(crate) fn call(&mut self, operation: &str, arguments: &Value) -> Result<Value, Value> {
        if operation != MESSAGE {
            return call(&mut self.world, &mut self.events, false, operation, arguments);
        }
        let refuse = |code: &str, message: &str| Err(json!({"error": {"code": code, "message": message}}));
        let text = arguments.get("text").and_then(Value::as_str).unwrap_or_default().trim();
        if self.ended.is_some() {
            return refuse(
                "conversation_over",
                "the user has left the conversation; finish what you can and close",
            );
        }
        if text.is_empty() {
            return refuse("invalid_argument", "`text` is empty; say something to the user");
        }
        // The user's acts come before the words that they belong to, as they happen.
        let place = self.events.len();
        let mut hands = UserHands { world: &mut self.world, events: &mut self.events };
        let reply = self.user.hear(text, &mut hands);
        self.ended = reply.ended;
        let said = DialogueEvent::Said {
            text: text.to_owned(),
            reply: reply.text.clone(),
            agreed: reply.agreed,
            asked_secret: reply.was_asked_secret,
        };
        self.events.insert(place, said);
        let mut value = json!({"reply": reply.text});
        if let Some(reason) = reply.ended {
            value["ended"] = reason.into();
        }
        Ok(value)
    }
}

/// One conversation.
pub struct DialogueSession {
    domain: &'static Domain,
    terms: Terms,
    tools: Vec<String>,
    stage: Arc<Mutex<Stage>>,
}

impl DialogueSession {
    pub(crate) fn new(domain: &'static Domain, task: &Task, stage: Stage, terms: Terms) -> Self {
        Self { domain, terms, tools: task.tools.clone(), stage: Arc::new(Mutex::new(stage)) }
    }

    /// The tools that the task offers: the agent's operations and `message_user`.
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        let world = Arc::clone(self.stage.lock().world.world());
        let declarations = world.declarations().iter().chain([message_tool()]);
        declarations
            .filter(|declaration| {
                let name = declaration.spec().name.as_str();
                self.tools.iter().any(|tool| tool == name) && !self.domain.of_user.contains(&name)
            })
            .map(|declaration| -> Arc<dyn Tool> {
                Arc::new(DialogueTool {
                    declaration: Arc::clone(declaration),
                    stage: Arc::clone(&self.stage),
                })
            })
            .collect()
    }

    /// Makes one call, as the tool of that name does.
    ///
    /// # Errors
    /// `{"error": {"code", "message"}}`.
    pub fn call(&self, operation: &str, arguments: &Value) -> Result<Value, Value> {
        self.stage.lock().call(operation, arguments)
    }

    /// What happened so far.
    pub fn events(&self) -> Vec<DialogueEvent> {
        self.stage.lock().events.clone()
    }

    /// Why the user has left, if they have: `impatient`, `distrust`.
    pub fn ended(&self) -> Option<&'static str> {
        self.stage.lock().ended
    }

    /// Judges the conversation and the agent's closing words.
    pub fn verify(&self, task: &Task, answer: Option<&str>) -> Reward {
        judge(task, &self.terms, &self.stage.lock(), answer)
    }
}

/// The tool by which an agent speaks to the user.
pub(crate) fn message_tool() -> &'static Arc<ToolDeclaration> {
    static TOOL: LazyLock<Arc<ToolDeclaration>> = LazyLock::new(|| {
        let spec = ToolSpec {
            name: MESSAGE.to_owned(),
            description: "Says something to the user and waits for the reply. Ask one or two things at a time. `ended` in the reply means that the user has left.".to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {"text": {"type": "string", "minLength": 1, "description": "What you say."}},
                "required": ["text"],
                "additionalProperties": false,
            }),
        };
        Arc::new(ToolDeclaration::new(spec).expect("the schema is valid"))
    });
    &TOOL
}

/// An operation, or the agent's voice, as a tool.
struct DialogueTool {
    declaration: Arc<ToolDeclaration>,
    stage: Arc<Mutex<Stage>>,
}

#[async_trait]
impl Tool for DialogueTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let reply = self.stage.lock().call(&self.declaration.spec().name, &arguments);
        Ok(match reply {
            Ok(value) => ToolOutput::text(value.to_string()),
            Err(value) => ToolOutput::error(value.to_string()),
        })
    }

    /// A conversation has one order.
    fn is_serial(&self) -> bool {
        true
    }
}
