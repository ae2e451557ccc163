//! The shape of a policy model.

use crate::TrainError;
use serde::{Deserialize, Serialize};

/// A decoder-only transformer: pre-norm, rotary positions, GELU, no biases in its matrices.
///
/// Nexus-1 §4: RoPE base 500,000, GELU, tool-aware attention bias, structured input encoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Blocks of attention and MLP.
    pub layers: usize,
    /// Attention heads; divides `hidden`.
    pub heads: usize,
    /// Width of the residual stream; `hidden / heads` is even.
    pub hidden: usize,
    /// Width inside the MLP.
    pub intermediate: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// The longest sample, in tokens.
    pub context: usize,
    /// Base of the rotary frequencies.
    #[serde(default = "default_rope_base")]
    pub rope_base: f32,
    /// ε of the layer norms.
    #[serde(default = "default_norm_epsilon")]
    pub norm_epsilon: f32,
    /// The output matrix is the embedding.
    #[serde(default = "default_true")]
    pub tied_embeddings: bool,
    /// Each key is mixed with the one before it, `kₜ ← s·kₜ + (1 − s)·kₜ₋₁` before the rotation, with
    /// `s = σ(w)` learned a head and layer, starting at ½. Makes copying learnable within minutes.
    #[serde(default)]
    pub smeared_keys: bool,
    /// Attention of a tool's output to the call that it answers.
    #[serde(default)]
    pub tool_bias: ToolBias,
    /// Samples are encoded with delimiter tokens for task, reasoning, call and observation, and not as
    /// the text of a tool-call format.
    #[serde(default = "default_true")]
    pub structured_encoding: bool,
}

/// A positive bias on attention logits between a tool call's tokens and its output's (Nexus-1 §4).
///
/// Causally only the output's queries see the call's keys, so those are the logits it is added to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToolBias {
    /// No bias.
    #[default]
    Off,
    /// The same in all heads, not trained.
    Fixed {
        /// Added to the logits; positive.
        value: f32,
    },
    /// `softplus(w)`, `w` learned a head and layer.
    Learned {
        /// The bias at the start; positive.
        initial: f32,
    },
}

fn default_rope_base() -> f32 {
    500_000.0
}

fn default_norm_epsilon() -> f32 {
    1e-5
}

fn default_true() -> bool {
    true
}

impl ModelConfig {
    /// A model of `layers` layers and `heads` heads of `hidden` width, with an MLP four times as wide,
    /// tied embeddings and nothing optional.
    pub fn new(layers: usize, heads: usize, hidden: usize, vocabulary: usize, context: usize) -> Self {
        Self {
            layers,
            heads,
            hidden,
            intermediate: 4 * hidden,
            vocabulary,
            context,
            rope_base: default_rope_base(),
            norm_epsilon: default_norm_epsilon(),
            tied_embeddings: true,
            smeared_keys: false,
            tool_bias: ToolBias::Off,
            structured_encoding: true,
        }
    }

    /// Width of one head.
    pub fn head_width(&self) -> usize {
        self.hidden / self.heads
    }

    /// Whether these numbers make a model.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the field, the value and what it must be.
    pub fn validate(&self) -> Result<(), TrainError> {
        let fault = |field: &'static str, value: f64, must: &'static str| {
            Err(TrainError::Config { field, value, must })
        };
        for (field, value) in [
            ("layers", self.layers),
            ("heads", self.heads),
            ("hidden", self.hidden),
            ("intermediate", self.intermediate),
            ("vocabulary", self.vocabulary),
            ("context", self.context),
        ] {
            if value == 0 {
                return fault(field, 0.0, "be at least 1");
            }
            if value > u32::MAX as usize {
                return fault(field, value as f64, "fit in 32 bits");
            }
        }
        if !self.hidden.is_multiple_of(self.heads) {
            return fault("hidden", self.hidden as f64, "be a multiple of `heads`");
        }
        if !self.head_width().is_multiple_of(2) {
            return fault("hidden", self.hidden as f64, "give each head an even width");
        }
        if !(self.rope_base.is_finite() && self.rope_base > 1.0) {
            return fault("rope_base", self.rope_base.into(), "be a number over 1");
        }
        if !(self.norm_epsilon.is_finite() && self.norm_epsilon > 0.0) {
            return fault("norm_epsilon", self.norm_epsilon.into(), "be a positive number");
        }
        match self.tool_bias {
            ToolBias::Fixed { value: bias } | ToolBias::Learned { initial: bias }
                if !(bias.is_finite() && bias > 0.0) =>
            {
                fault("tool_bias", bias.into(), "be a positive number")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_is_refused_with_the_field() {
        let good = ModelConfig::new(2, 4, 32, 64, 128);
        assert!(good.validate().is_ok());
        for (config, told) in [
            (ModelConfig { heads: 3, ..good.clone() }, "`hidden` is 32 and must be a multiple of `heads`"),
            (
                ModelConfig { heads: 32, ..good.clone() },
                "`hidden` is 32 and must give each head an even width",
            ),
            (ModelConfig { layers: 0, ..good.clone() }, "`layers` is 0 and must be at least 1"),
            (
                ModelConfig { tool_bias: ToolBias::Fixed { value: -1.0 }, ..good.clone() },
                "`tool_bias` is -1 and must be a positive number",
            ),
            (ModelConfig { rope_base: f32::NAN, ..good }, "`rope_base` is NaN and must be a number over 1"),
        ] {
            assert_eq!(config.validate().unwrap_err().to_string(), format!("model config: {told}"));
        }
    }
}
