//! The capacity planner: parameters, FLOPs, memory and GPU-hours of a training run, with the arithmetic
//! as text, and where published figures do not agree with it.

mod published;

use crate::{Layout, ModelConfig, TrainError};
use std::fmt::Write;

pub use published::{disagreements, nexus_1};

/// How numbers are kept while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Everything in `f32`: weights, gradients and two moments, 16 bytes a parameter.
    F32,
    /// `bf16` weights and gradients beside `f32` weights and two moments, 16 bytes a parameter.
    Mixed,
}

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct PlanInput {
    /// Its name.
    pub name: String,
    /// The model.
    pub model: ModelConfig,
    /// Samples in the data set.
    pub samples: f64,
    /// Tokens of a sample.
    pub tokens_per_sample: f64,
    /// Passes over the data.
    pub epochs: f64,
    /// Samples an optimiser step.
    pub batch: f64,
    /// How numbers are kept.
    pub precision: Precision,
    /// Layer inputs are kept and the rest computed again.
    pub recomputes: bool,
    /// The device.
    pub device: Device,
}

/// What runs it.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Peak floating-point operations a second at the run's precision.
    pub peak_flops: f64,
    /// Share of the peak that training reaches.
    pub utilisation: f64,
    /// Its memory in bytes.
    pub memory_bytes: f64,
}

impl Device {
    /// An A100 of 80 GB: 312 TFLOP/s in bf16, of which 40 % are a good run.
    pub fn a100() -> Self {
        Self { name: "A100 80 GB".to_owned(), peak_flops: 312e12, utilisation: 0.4, memory_bytes: 80e9 }
    }

    /// One core with AVX-512 at 150 GFLOP/s in `f32`, of which training here reaches about half.
    pub fn core() -> Self {
        Self { name: "CPU core".to_owned(), peak_flops: 150e9, utilisation: 0.5, memory_bytes: 8e9 }
    }
}

/// What a run needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Parameters.
    pub parameters: f64,
    /// Parameters that are multiplied with each token: without the embedding, with the output matrix.
    pub multiplied: f64,
    /// Tokens read in all.
    pub tokens: f64,
    /// Optimiser steps.
    pub steps: f64,
    /// Floating-point operations of forward and backward, a token.
    pub flops_per_token: f64,
    /// Of the whole run.
    pub flops: f64,
    /// Weights, gradients and optimiser state, in bytes.
    pub state_bytes: f64,
    /// Activations kept for one token, in bytes.
    pub activation_bytes_per_token: f64,
    /// Devices that the state alone fills.
    pub devices: f64,
    /// Hours of one device.
    pub device_hours: f64,
    /// The arithmetic, line by line.
    pub text: String,
}

/// A small model of the bench (`S`, `M` or `L`) on one core: 10,000 samples of 512 tokens, 3 epochs.
fn small(name: &str, layers: usize, heads: usize, hidden: usize) -> PlanInput {
    PlanInput {
        name: name.to_owned(),
        model: ModelConfig::new(layers, heads, hidden, 2048, 512),
        samples: 10_000.0,
        tokens_per_sample: 512.0,
        epochs: 3.0,
        batch: 8.0,
        precision: Precision::F32,
        recomputes: false,
        device: Device::core(),
    }
}

/// Names of the presets.
pub const PRESETS: [&str; 4] = ["nexus-1", "small", "medium", "large"];

/// The plan's input called `name`.
///
/// # Errors
/// There is none; the message lists those there are.
pub fn preset(name: &str) -> Result<PlanInput, TrainError> {
    match name {
        "nexus-1" => Ok(nexus_1()),
        "small" => Ok(small(name, 3, 3, 96)),
        "medium" => Ok(small(name, 6, 6, 192)),
        "large" => Ok(small(name, 6, 6, 384)),
        _ => Err(TrainError::Option {
            option: "preset",
            reason: format!("there is no `{name}`; there are {}", PRESETS.join(", ")),
        }),
    }
}

/// Works out what a run needs.
///
/// # Errors
/// The model's config is not valid.
pub fn plan(input: &PlanInput) -> Result<Plan, TrainError> {
    let model = &input.model;
    model.validate()?;
    let [l, d, f, v] = [model.layers, model.hidden, model.intermediate, model.vocabulary].map(|n| n as f64);
    let heads = model.heads as f64;
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    line(format!(
        "{}: {} layers, {} heads, hidden {}, intermediate {}, vocabulary {}, context {}",
        input.name,
        model.layers,
        model.heads,
        model.hidden,
        model.intermediate,
        model.vocabulary,
        model.context
    ));
    let attention = 4.0 * d * d;
    let mlp = 2.0 * d * f;
    let matrices = if model.tied_embeddings { 1.0 } else { 2.0 };
    let parameters = parameter_count(model);
    line(format!(
        "parameters = layers·(4·d² + 2·d·f + norms) + {matrices}·V·d = {l}·({} + {} + {}) + {} = {}",
        short(attention),
        short(mlp),
        short(4.0 * d),
        short(matrices * v * d),
        short(parameters)
    ));
    let multiplied = l * (attention + mlp) + v * d;
    let seen = input.tokens_per_sample.min(model.context as f64) / 2.0;
    let forward = 2.0 * multiplied + 4.0 * l * d * seen;
    let passes = if input.recomputes { 4.0 } else { 3.0 };
    let flops_per_token = passes * forward;
    line(format!(
        "FLOPs a token = {passes}·(2·{} + 4·layers·d·{} tokens seen) = {}",
        short(multiplied),
        short(seen),
        short(flops_per_token)
    ));
    let tokens = input.samples * input.tokens_per_sample * input.epochs;
    line(format!(
        "tokens = {} samples · {} tokens · {} epochs = {}; steps of {} samples = {}",
        short(input.samples),
        short(input.tokens_per_sample),
        input.epochs,
        short(tokens),
        input.batch,
        short(input.samples * input.epochs / input.batch)
    ));
    let flops = flops_per_token * tokens;
    let reached = input.device.peak_flops * input.device.utilisation;
    let device_hours = flops / reached / 3600.0;
    line(format!(
        "time = {} FLOPs / ({}FLOP/s · {:.0} %) = {} hours of one {}",
        short(flops),
        short(input.device.peak_flops),
        100.0 * input.device.utilisation,
        short(device_hours),
        input.device.name
    ));
    let state_bytes = 16.0 * parameters;
    let (parts, width) = match input.precision {
        Precision::F32 => ("4 weights + 4 gradients + 8 moments", 4.0),
        Precision::Mixed => ("2 weights + 2 gradients + 4 master weights + 8 moments", 2.0),
    };
    let devices = (state_bytes / input.device.memory_bytes).ceil();
    line(format!(
        "state = 16 bytes a parameter ({parts}) = {}B: at least {} × {}",
        short(state_bytes),
        short(devices),
        input.device.name
    ));
    // Two normed inputs, queries/keys/values, what attention gave, the MLP's inside; what `Workspace` keeps.
    let layer = width * (6.0 * d + f) + 4.0 * (heads + 2.0);
    let activations = if input.recomputes { l * width * d + layer } else { l * layer };
    line(format!(
        "activations = {}B a token ({}), {}B a sample",
        short(activations),
        if input.recomputes { "layer inputs and one layer" } else { "layers·(6·d + f) numbers" },
        short(activations * input.tokens_per_sample)
    ));
    Ok(Plan {
        parameters,
        multiplied,
        tokens,
        steps: input.samples * input.epochs / input.batch,
        flops_per_token,
        flops,
        state_bytes,
        activation_bytes_per_token: activations,
        devices,
        device_hours,
        text,
    })
}

/// The parameters of a model, without making it.
fn parameter_count(model: &ModelConfig) -> f64 {
    // One layer more is one layer's worth: so the count never needs a list of all tensors.
    let one = Layout::new(&ModelConfig { layers: 1, ..model.clone() }).parameter_count() as f64;
    let two = Layout::new(&ModelConfig { layers: 2, ..model.clone() }).parameter_count() as f64;
    one + (two - one) * (model.layers as f64 - 1.0)
}

/// A number in three digits and a unit: `275 G`, `0.53 M`.
fn short(number: f64) -> String {
    let units =
        [(1e24, "Y"), (1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (size, unit) = units.into_iter().find(|(size, _)| number >= *size * 0.9995).unwrap_or((1.0, ""));
    let scaled = number / size;
    let digits = if scaled >= 99.95 || (unit.is_empty() && scaled.fract() == 0.0) {
        0
    } else if scaled >= 9.995 {
        1
    } else {
        2
    };
    if unit.is_empty() { format!("{scaled:.digits$}") } else { format!("{scaled:.digits$} {unit}") }
}

#[cfg(test)]
mod tests;
