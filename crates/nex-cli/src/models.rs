//! From `--model` and the environment to a [`ChatModel`].

use crate::failure::Failure;
use nex_agent::LlmConfig;
use nex_llm::{ApiKey, ChatModel, ModelConfig, open_model};
use std::sync::Arc;
use std::time::Duration;

/// Opens the model that the command line names, or else the one that the agent file configures.
///
/// # Errors
/// Neither names a model, or it cannot be opened.
pub(crate) fn open(flag: Option<&str>, file: Option<&LlmConfig>) -> Result<Arc<dyn ChatModel>, Failure> {
    let mut config = ModelConfig::default();
    let mut spec = flag.map(str::to_owned);
    if let Some(llm) = file {
        if spec.is_none() {
            spec = llm.model.as_ref().map(|model| format!("{}:{model}", provider(llm)));
            config.base_url = llm.base_url.clone();
            config.api_key = llm.api_key.as_deref().map(ApiKey::new);
        }
        config.stream = llm.stream;
        if let Some(seconds) = llm.timeout_s.filter(|s| s.is_finite() && *s > 0.0) {
            config.deadlines.total = Duration::from_secs_f64(seconds);
        }
        if let Some(retries) = llm.max_retries {
            config.retry.max_attempts = retries.saturating_add(1);
        }
    }
    let Some(spec) = spec else {
        return Err(Failure::usage(
            "no model: give --model (openai:NAME, anthropic:NAME, script:PATH, replay:PATH), \
             or name one in the agent file under llm_config.model",
        ));
    };
    let config = config.with_environment(&spec, |name| std::env::var(name).ok());
    open_model(&spec, &config).map_err(Failure::input)
}

/// The provider that an agent file's `api_type` means.
fn provider(llm: &LlmConfig) -> &'static str {
    match llm.api_type.as_deref() {
        Some(kind) if kind.starts_with("anthropic") => "anthropic",
        _ => "openai",
    }
}
