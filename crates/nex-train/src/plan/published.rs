//! Nexus-1 as published, and what follows from its own figures.

use super::{Device, Plan, PlanInput, Precision, plan, short};
use crate::{ModelConfig, ToolBias, TrainError};
use std::fmt::Write;

/// Parameters that the report names.
const PARAMETERS: f64 = 405e9;
/// A100-hours that it names for SFT (§5.1) and for RLTF (§5.2).
const SFT_HOURS: f64 = 7_680.0;
const RLTF_HOURS: f64 = 14_200.0;
/// Trajectories collected during RLTF.
const RLTF_TRAJECTORIES: f64 = 500e3;

/// The published model and its SFT run (Nexus-1 §3, §4, §5.1).
pub fn nexus_1() -> PlanInput {
    PlanInput {
        name: "nexus-1".to_owned(),
        model: ModelConfig {
            intermediate: 53_248,
            tied_embeddings: false,
            tool_bias: ToolBias::Learned { initial: 1.0 },
            ..ModelConfig::new(96, 128, 16_384, 131_072, 131_072)
        },
        samples: 1.7e6,
        tokens_per_sample: 18_420.0,
        epochs: 3.0,
        batch: 512.0,
        precision: Precision::Mixed,
        recomputes: false,
        device: Device::a100(),
    }
}

/// Where the published figures do not agree with each other, with the arithmetic.
///
/// # Errors
/// None for the preset; it is a plan like any other.
pub fn disagreements() -> Result<String, TrainError> {
    let input = nexus_1();
    let Plan { parameters, tokens, .. } = plan(&input)?;
    let reached = input.device.peak_flops * input.device.utilisation;
    let hours = |flops: f64| flops / reached / 3600.0;
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "- {words}");
    };
    let gated = parameters + (input.model.layers * input.model.hidden * input.model.intermediate) as f64;
    line(format!(
        "Parameters: 96 layers × 16,384 × 53,248 (GELU, two matrices) with 131,072 tokens give {}, not 405 G; \
         with a third (gated) matrix {}.",
        short(parameters),
        short(gated)
    ));
    let sft = hours(6.0 * PARAMETERS * tokens);
    line(format!(
        "SFT hours: 6 · 405 G · {} tokens = {} FLOPs, {} A100-hours at 40 %, not {SFT_HOURS:.0}: {:.0} times as many \
         (the median length taken as the mean, which the long tail makes too low).",
        short(tokens),
        short(6.0 * PARAMETERS * tokens),
        short(sft),
        sft / SFT_HOURS
    ));
    let rl_tokens = RLTF_TRAJECTORIES * input.tokens_per_sample;
    let rltf = hours(6.0 * PARAMETERS * rl_tokens) + hours(2.0 * PARAMETERS * rl_tokens);
    line(format!(
        "RLTF hours: one update and one generation of {} tokens at 405 G are {} A100-hours at 40 %, not \
         {RLTF_HOURS:.0}; critic and reference model not counted.",
        short(rl_tokens),
        short(rltf)
    ));
    line(
        "Efficiency bonus: 0.1·(1 − steps/max_steps) with weight 0.1 is worth at most 0.1 · 0.1 = 0.01 of the \
         reward."
            .to_owned(),
    );
    let slope = (56.3_f64 / 31.2).ln() / (405.0_f64 / 7.0).ln();
    line(format!(
        "Scaling slope: 31.2 % at 7B and 56.3 % at 405B are a slope of {slope:.3} log(accuracy)/log(parameters), \
         not 0.047; it extrapolates to {:.0} % at 1T, 0.047 to {:.0} %, and the report says 63 %.",
        56.3 * (1000.0_f64 / 405.0).powf(slope),
        56.3 * (1000.0_f64 / 405.0).powf(0.047)
    ));
    Ok(text)
}
