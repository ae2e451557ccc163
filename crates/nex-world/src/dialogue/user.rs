//! The user's side: who they are, what they know and want, what they do when asked.
//!
//! In: what the agent says, and hands that reach the user's own part of the world. Out: the user's
//! words. [`RuleUser`] goes by rules and by nothing else: the same story and the same messages give
//! the same words. An LLM may stand behind [`UserSimulator`] in its place.

use super::acts::{Heard, mentions, understand};
use super::phrases::Phrases;
use crate::text::Language;
use serde_json::Value;

/// What the user can do with the world: operations on what is theirs.
pub trait Hands {
    /// Makes one call on the user's side.
    ///
    /// # Errors
    /// `{"error": {"code", "message"}}`.
    fn act(&mut self, operation: &str, arguments: &Value) -> Result<Value, Value>;
}

/// What the user said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserReply {
    /// The words.
    pub text: String,
    /// Why the user has left the conversation with these words: `impatient`, `distrust`.
    pub ended: Option<&'static str>,
    /// Whether the user agreed to what was proposed.
    pub agreed: bool,
    /// Whether the agent asked for something that it must never ask for.
    pub was_asked_secret: bool,
}

/// Whoever plays the user of an episode.
pub trait UserSimulator: Send {
    /// Hears one message of the agent, acts, and answers.
    ///
    /// Called once a message, never after a reply that ended the conversation. The reply must
    /// depend on the story, the messages so far and the world alone.
    fn hear(&mut self, message: &str, hands: &mut dyn Hands) -> UserReply;
}

/// How a user speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Says what is asked, and nothing else.
    Terse,
    /// Adds remarks.
    Chatty,
    /// Adds worries.
    Worried,
}

/// A fact that only the user knows.
#[derive(Clone, Debug)]
pub(crate) struct HiddenFact {
    /// Words by which a question for it is known, in any language.
    pub(crate) topic: &'static [&'static str],
    /// The sentence that tells it.
    pub(crate) says: String,
    /// A wrong sentence that stands in for it until the agent objects.
    pub(crate) wrong_first: Option<String>,
}

/// Something that the user does with their own hands when asked.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// Groups of words; a sentence with one of each group asks for it.
    pub(crate) words: &'static [&'static [&'static str]],
    pub(crate) operation: &'static str,
    pub(crate) arguments: Value,
    /// Said when it worked.
    pub(crate) done: String,
    /// What the agent must have named before the user does it, and what the user asks otherwise.
    pub(crate) needs: Option<(String, String)>,
    /// Said when it did not work.
    pub(crate) failed: String,
    /// How the user tries whether all is well: operation, key of the result, said if so, said if not.
    pub(crate) tries: Option<(&'static str, &'static str, String, String)>,
}

/// Something that the user can look at.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) words: &'static [&'static str],
    pub(crate) operation: &'static str,
    pub(crate) arguments: Value,
    pub(crate) field: &'static str,
    /// Value as text, and what the user says of it.
    pub(crate) says: Vec<(&'static str, String)>,
}

/// What the user agrees to, once it is named.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    /// What must be named.
    pub(crate) named: String,
    pub(crate) yes: String,
    /// Said when the agent asks for a yes without naming it.
    pub(crate) ask_back: String,
}

/// Everything about the user of one story.
#[derive(Clone, Debug)]
pub(crate) struct Persona {
    pub(crate) language: Language,
    pub(crate) mood: Mood,
    /// Messages that the user has patience for.
    pub(crate) patience: i32,
    pub(crate) facts: Vec<HiddenFact>,
    pub(crate) actions: Vec<Action>,
    pub(crate) looks: Vec<Look>,
    pub(crate) consent: Option<Consent>,
}

/// A user who goes by rules.
#[derive(Clone, Debug)]
pub struct RuleUser {
    persona: Persona,
    phrases: &'static Phrases,
    patience: i32,
    heard: usize,
    secrets: u32,
    /// By fact: whether the agent has objected to what was said.
    corrected: Vec<bool>,
    /// By fact: whether it was said at all.
    told: Vec<bool>,
    /// All that the agent has said, for what it named before.
    all_heard: String,
    /// Whether the user has asked back what they are to agree to.
    has_asked_back: bool,
    /// An action that waits for something to be named.
    pending: Option<usize>,
}

impl RuleUser {
    pub(crate) fn new(persona: Persona) -> Self {
        let count = persona.facts.len();
        Self {
            phrases: Phrases::of(persona.language),
            patience: persona.patience,
            heard: 0,
            secrets: 0,
            corrected: vec![false; count],
            told: vec![false; count],
            all_heard: String::new(),
            has_asked_back: false,
            pending: None,
            persona,
        }
    }

    /// What the user says of fact `at`, now that it is asked for or objected to.
    fn tell(&mut self, at: usize, is_objection: bool) -> String {
        let fact = &self.persona.facts[at];
        if is_objection && self.told[at] && fact.wrong_first.is_some() && !self.corrected[at] {
            self.corrected[at] = true;
            return format!("{}{}", self.phrases.correction, fact.says);
        }
        self.told[at] = true;
        match &fact.wrong_first {
            Some(wrong) if !self.corrected[at] => wrong.clone(),
            _ => fact.says.clone(),
        }
    }

    fn act(&mut self, at: usize, hands: &mut dyn Hands) -> String {
        let action = &self.persona.actions[at];
        if let Some((named, ask)) = &action.needs
            && !mentions(&self.all_heard, named)
        {
            self.pending = Some(at);
            return ask.clone();
        }
        self.pending = None;
        let mut text = match hands.act(action.operation, &action.arguments) {
            Ok(_) => action.done.clone(),
            Err(_) => return action.failed.clone(),
        };
        if let Some((operation, key, well, ill)) = &action.tries {
            let result = hands.act(operation, &action.arguments).unwrap_or_default();
            text.push_str(self.phrases.joint);
            text.push_str(if result.get(*key) == Some(&Value::Bool(true)) { well } else { ill });
        }
        text
    }

    /// An answer to what the user asked back counts as the request that it was about.
    fn take_up(&self, message: &str, heard: &mut Vec<Heard>) {
        if let Some(at) = self.pending
            && let Some((named, _)) = &self.persona.actions[at].needs
            && mentions(message, named)
            && !heard.contains(&Heard::Action(at))
        {
            heard.retain(|act| *act != Heard::Unclear);
            heard.push(Heard::Action(at));
        }
        if self.has_asked_back
            && let Some(consent) = &self.persona.consent
            && mentions(message, &consent.named)
            && !heard.contains(&Heard::Proposal)
        {
            heard.retain(|act| *act != Heard::Unclear);
            heard.push(Heard::Proposal);
        }
    }

    fn look(look: &Look, hands: &mut dyn Hands) -> Option<String> {
        let seen = hands.act(look.operation, &look.arguments).ok()?;
        let value = crate::task::plain_text(seen.get(look.field)?);
        look.says.iter().find(|(known, _)| *known == value).map(|(_, says)| says.clone())
    }
}

impl UserSimulator for RuleUser {
    fn hear(&mut self, message: &str, hands: &mut dyn Hands) -> UserReply {
        self.heard += 1;
        self.patience -= 1;
        self.all_heard.push_str(message);
        self.all_heard.push('\n');
        let mut heard: Vec<Heard> = understand(message, &self.persona);
        self.take_up(message, &mut heard);
        let mut reply = UserReply::default();
        let mut said: Vec<String> = Vec::new();
        for act in &heard {
            let text = match act {
                Heard::Secret => {
                    self.secrets += 1;
                    reply.was_asked_secret = true;
                    Some(self.phrases.secret.to_owned())
                }
                Heard::Fact { at, is_objection } => Some(self.tell(*at, *is_objection)),
                Heard::Look(at) => Self::look(&self.persona.looks[*at], hands),
                Heard::Action(at) => Some(self.act(*at, hands)),
                Heard::Proposal => match &self.persona.consent {
                    Some(consent) if mentions(&self.all_heard, &consent.named) => {
                        reply.agreed = true;
                        self.has_asked_back = false;
                        Some(consent.yes.clone())
                    }
                    Some(consent) => {
                        self.has_asked_back = true;
                        Some(consent.ask_back.clone())
                    }
                    None => None,
                },
                Heard::Unclear => {
                    self.patience -= 1;
                    Some(self.phrases.unclear.to_owned())
                }
            };
            said.extend(text.filter(|text| !said.contains(text)));
        }
        if said.is_empty() {
            said.push(self.phrases.waiting.to_owned());
        }
        if self.secrets > 1 {
            reply.ended = Some("distrust");
            said.push(self.phrases.distrust.to_owned());
        } else if self.patience < 0 {
            reply.ended = Some("impatient");
            said = vec![self.phrases.impatient.to_owned()];
        } else if let Some(remark) = self.phrases.remark(self.persona.mood, self.heard) {
            said.push(remark.to_owned());
        }
        reply.text = said.join(self.phrases.joint);
        reply
    }
}
