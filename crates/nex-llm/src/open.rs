//! From a model's written name, such as `openai:gpt-5`, to the model, with its retry and limits.

use crate::{
    AnthropicMessages, ApiKey, ChatModel, Limited, LlmError, ModelConfig, OpenAiChat, Recording, Replay,
    Retrying, ScriptModel,
};
use async_trait::async_trait;
use nex_trajectory::ModelIdentity;
use std::path::Path;
use std::sync::Arc;

/// The schemes that [`open_model`] knows, with what follows them.
pub const SCHEMES: [(&str, &str); 5] = [
    ("openai", "NAME"),
    ("anthropic", "NAME"),
    ("script", "FILE"),
    ("replay", "CASSETTE"),
    ("record", "CASSETTE=MODEL"),
];

/// Builds the model that `spec` names, in its usual stack: retry by error class around it, limits
/// around both, and a recording around all.
///
/// # Errors
/// [`LlmError::Misconfigured`]: an unknown scheme, a missing name, a file or a configuration that
/// cannot be used.
pub fn open_model(spec: &str, config: &ModelConfig) -> Result<Arc<dyn ChatModel>, LlmError> {
    let Some((scheme, rest)) = spec.split_once(':') else { return Err(no_scheme(spec)) };
    let Some((_, what)) = SCHEMES.iter().find(|(known, _)| *known == scheme) else {
        return Err(unknown_scheme(spec, scheme));
    };
    if rest.trim().is_empty() {
        return Err(LlmError::Misconfigured(format!(
            "model `{spec}` lacks its {what}; write {scheme}:{what}"
        )));
    }
    match scheme {
        "openai" => stack(OpenAiChat::new(rest, config)?, config),
        "anthropic" => stack(AnthropicMessages::new(rest, config)?, config),
        "script" => stack(ScriptModel::load(Path::new(rest))?, config),
        "replay" => Ok(Arc::new(Replay::open(Path::new(rest))?)),
        _ => {
            let (path, inner) = split_record(spec, rest)?;
            let inner = Shared(open_model(inner, config)?);
            Ok(Arc::new(Recording::new(inner, Path::new(path))?))
        }
    }
}

impl ModelConfig {
    /// This configuration with key and address taken from the environment where they are unset:
    /// `OPENAI_API_KEY` and `OPENAI_BASE_URL`, `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL`, as
    /// `spec` needs them. `lookup` reads one variable.
    #[must_use]
    pub fn with_environment(mut self, spec: &str, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let spec = match spec.strip_prefix("record:").map(|rest| split_record(spec, rest)) {
            Some(Ok((_, inner))) => inner,
            _ => spec,
        };
        let prefix = match spec.split_once(':') {
            Some(("openai", _)) => "OPENAI",
            Some(("anthropic", _)) => "ANTHROPIC",
            _ => return self,
        };
        let read = |name: &str| lookup(&format!("{prefix}_{name}")).filter(|value| !value.trim().is_empty());
        if self.api_key.is_none() {
            self.api_key = read("API_KEY").map(ApiKey::new);
        }
        if self.base_url.is_none() {
            self.base_url = read("BASE_URL");
        }
        self
    }
}

fn stack(model: impl ChatModel + 'static, config: &ModelConfig) -> Result<Arc<dyn ChatModel>, LlmError> {
    let retrying = Retrying::new(model, config.retry.clone());
    if config.limits.is_unlimited() {
        return Ok(Arc::new(retrying));
    }
    Ok(Arc::new(Limited::new(retrying, &config.limits)?))
}

/// A model that is already shared, as one that a wrapper can own.
struct Shared(Arc<dyn ChatModel>);

#[async_trait]
impl ChatModel for Shared {
    fn identity(&self) -> ModelIdentity {
        self.0.identity()
    }

    async fn complete(&self, request: &crate::ChatRequest<'_>) -> Result<crate::ChatReply, LlmError> {
        self.0.complete(request).await
    }
}

/// Cassette and model of `CASSETTE=MODEL`. The cassette's name may hold `=` too.
fn split_record<'s>(spec: &str, rest: &'s str) -> Result<(&'s str, &'s str), LlmError> {
    let names_a_model = |place: usize| {
        SCHEMES.iter().any(|(scheme, _)| {
            rest[place + 1..].strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let place = rest.match_indices('=').map(|(place, _)| place).find(|place| names_a_model(*place));
    match place {
        Some(place) if place > 0 => Ok((&rest[..place], &rest[place + 1..])),
        _ => Err(LlmError::Misconfigured(format!(
            "model `{spec}` does not say what to record; write for example record:tape.jsonl=openai:NAME"
        ))),
    }
}

fn known_schemes() -> String {
    SCHEMES.map(|(scheme, what)| format!("{scheme}:{what}")).join(", ")
}

fn no_scheme(spec: &str) -> LlmError {
    LlmError::Misconfigured(format!("model `{spec}` has no scheme; known are {}", known_schemes()))
}

fn unknown_scheme(spec: &str, scheme: &str) -> LlmError {
    let distance = |known: &str| strsim::damerau_levenshtein(known, &scheme.to_lowercase());
    let nearest = SCHEMES.iter().map(|(known, _)| *known).min_by_key(|known| distance(known));
    let hint = match nearest.filter(|known| distance(known) <= 3) {
        Some(known) => format!("did you mean `{known}:`? "),
        None => String::new(),
    };
    LlmError::Misconfigured(format!(
        "model `{spec}` has unknown scheme `{scheme}`; {hint}known are {}",
        known_schemes()
    ))
}
