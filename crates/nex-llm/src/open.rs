//! From a model's written name, such as `openai:gpt-5`, to the model, with its retry and limits.

use crate::{ChatModel, Limited, LlmError, ModelConfig, OpenAiChat, Retrying};
use std::sync::Arc;

/// The schemes that [`open_model`] knows, with what follows them.
pub const SCHEMES: [(&str, &str); 1] = [("openai", "NAME")];

/// Builds the model that `spec` names: retry by error class around it, and limits around both.
///
/// # Errors
/// [`LlmError::Misconfigured`]: an unknown scheme, a missing name, a configuration that cannot be
/// used.
pub fn open_model(spec: &str, config: &ModelConfig) -> Result<Arc<dyn ChatModel>, LlmError> {
    let (scheme, name) = spec.split_once(':').unwrap_or((spec, ""));
    match scheme {
        "openai" => stack(OpenAiChat::new(name, config)?, config),
        _ => Err(LlmError::Misconfigured(format!("unknown model `{spec}`"))),
    }
}

fn stack(model: impl ChatModel + 'static, config: &ModelConfig) -> Result<Arc<dyn ChatModel>, LlmError> {
    let retrying = Retrying::new(model, config.retry.clone());
    if config.limits.is_unlimited() {
        return Ok(Arc::new(retrying));
    }
    Ok(Arc::new(Limited::new(retrying, &config.limits)?))
}
