//! One step of AdamW, or of Muon on the blocks' matrices and AdamW on the rest; clipping; the schedule.
//!
//! Tensors are updated side by side, each by one thread in a fixed order, so the result does not depend
//! on the number of threads.

mod muon;

pub use muon::MuonConfig;

use crate::kernels::dispatch::dispatched;
use crate::threads::for_each;
use crate::{Layout, TrainError};
use muon::MuonScratch;
use serde::{Deserialize, Serialize};

/// Numbers of one tensor updated as one piece of work.
const CHUNK: usize = 1 << 14;

/// How parameters follow their gradients. The default is the paper's (Nexus-1 §5.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// AdamW's peak learning rate.
    pub learning_rate: f32,
    /// Decay of the mean of gradients.
    pub beta_1: f32,
    /// Decay of the mean of squared gradients.
    pub beta_2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Decoupled weight decay, times the learning rate, on tensors of two dimensions.
    pub weight_decay: f32,
    /// The gradient of all parameters together is cut to this length.
    pub clip_norm: f32,
    /// Muon for the matrices inside the blocks.
    pub muon: Option<MuonConfig>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            learning_rate: 2e-5,
            beta_1: 0.9,
            beta_2: 0.95,
            epsilon: 1e-8,
            weight_decay: 0.1,
            clip_norm: 1.0,
            muon: None,
        }
    }
}

impl OptimizerConfig {
    /// The recipe for a small model from nothing: Muon 0.02 on block matrices, AdamW 3e-3 on the rest.
    pub fn from_scratch() -> Self {
        Self { learning_rate: 3e-3, weight_decay: 0.01, muon: Some(MuonConfig::default()), ..Self::default() }
    }

    /// Whether these numbers make an optimiser.
    ///
    /// # Errors
    /// [`TrainError::Option`] names what is wrong.
    pub fn validate(&self) -> Result<(), TrainError> {
        let positive = |option, value: f32| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(TrainError::Option {
                    option,
                    reason: format!("it is {value} and must be a positive number"),
                })
            }
        };
        let share = |option, value: f32| {
            if (0.0..1.0).contains(&value) {
                Ok(())
            } else {
                Err(TrainError::Option { option, reason: format!("it is {value} and must lie in [0, 1)") })
            }
        };
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)?;
        positive("clip_norm", self.clip_norm)?;
        share("beta_1", self.beta_1)?;
        share("beta_2", self.beta_2)?;
        share("weight_decay", self.weight_decay)?;
        if let Some(muon) = &self.muon {
            positive("muon.learning_rate", muon.learning_rate)?;
            share("muon.momentum", muon.momentum)?;
        }
        Ok(())
    }
}

/// Linear warm-up, then half a cosine down to a fraction of the peak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Steps of the warm-up; the first step already moves.
    pub warmup_steps: u64,
    /// Steps in all; afterwards the rate stays at its floor.
    pub total_steps: u64,
    /// The floor as a fraction of the peak: 0.1 goes from 2e-5 to 2e-6.
    pub final_fraction: f32,
}

impl Schedule {
    /// What the peak learning rates are multiplied by at `step`, counted from 0.
    pub fn factor(&self, step: u64) -> f32 {
        if step < self.warmup_steps {
            return (step + 1) as f32 / self.warmup_steps as f32;
        }
        let length = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        let progress = ((step - self.warmup_steps) as f64 / length as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        self.final_fraction + (1.0 - self.final_fraction) * cosine as f32
    }
}

/// An optimiser with its state.
#[derive(Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    layout: Layout,
    /// Mean of gradients, or Muon's momentum; `[parameters]`.
    pub(crate) first: Vec<f32>,
    /// Mean of squared gradients; unused by Muon; `[parameters]`.
    pub(crate) second: Vec<f32>,
    /// Steps made.
    pub(crate) steps: u64,
    scratches: Vec<MuonScratch>,
}

/// One piece of an update.
enum Piece<'a> {
    AdamW {
        parameters: &'a mut [f32],
        gradient: &'a [f32],
        first: &'a mut [f32],
        second: &'a mut [f32],
        decay: f32,
    },
    Muon {
        parameters: &'a mut [f32],
        gradient: &'a [f32],
        momentum: &'a mut [f32],
        shape: [usize; 2],
    },
}

impl Optimizer {
    /// An optimiser that has made no step.
    pub fn new(config: OptimizerConfig, layout: &Layout, threads: usize) -> Self {
        let count = layout.parameter_count();
        let largest = if config.muon.is_some() { layout.tensors() } else { &[] };
        let scratch = || MuonScratch::for_matrices(largest.iter().filter(|t| t.kind.is_block_matrix()));
        Self {
            layout: layout.clone(),
            first: vec![0.0; count],
            second: vec![0.0; count],
            steps: 0,
            scratches: (0..threads.max(1)).map(|_| scratch()).collect(),
            config,
        }
    }

    /// Steps made so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Moves `parameters` against `gradient`, whose length is `gradient_norm`, with the peak learning
    /// rates times `factor`.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], gradient_norm: f64, factor: f32) {
        self.steps += 1;
        let config = &self.config;
        let clip = (f64::from(config.clip_norm) / (gradient_norm + 1e-6)).min(1.0) as f32;
        let correction = |beta: f32| (1.0 - f64::from(beta).powf(self.steps as f64)) as f32;
        let adam = AdamStep {
            rate: config.learning_rate * factor / correction(config.beta_1),
            root: 1.0 / correction(config.beta_2).sqrt(),
            clip,
        };
        let pieces = pieces(&self.layout, config, parameters, gradient, &mut self.first, &mut self.second);
        for_each(&mut self.scratches, pieces.into_iter(), |scratch, piece| match piece {
            Piece::AdamW { parameters, gradient, first, second, decay } => {
                adam.update(config, parameters, gradient, first, second, 1.0 - decay * factor);
            }
            Piece::Muon { parameters, gradient, momentum, shape } => {
                if let Some(muon) = &config.muon {
                    let decay = config.weight_decay;
                    muon.update(scratch, parameters, gradient, momentum, shape, clip, factor, decay);
                }
            }
        });
    }
}

/// Cuts the buffers into pieces of work, in the order of the layout.
fn pieces<'a>(
    layout: &Layout,
    config: &OptimizerConfig,
    mut parameters: &'a mut [f32],
    gradient: &'a [f32],
    mut first: &'a mut [f32],
    mut second: &'a mut [f32],
) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for tensor in layout.tensors() {
        let count = tensor.range.len();
        let (own, rest) = parameters.split_at_mut(count);
        parameters = rest;
        let (own_first, rest) = first.split_at_mut(count);
        first = rest;
        let (own_second, rest) = second.split_at_mut(count);
        second = rest;
        let gradient = &gradient[tensor.range.clone()];
        if config.muon.is_some() && tensor.kind.is_block_matrix() {
            let shape = [tensor.shape[0], tensor.shape[1]];
            pieces.push(Piece::Muon { parameters: own, gradient, momentum: own_first, shape });
            continue;
        }
        let decay = if tensor.kind.is_decayed() { config.weight_decay * config.learning_rate } else { 0.0 };
        let chunks = own.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
        let state = own_first.chunks_mut(CHUNK).zip(own_second.chunks_mut(CHUNK));
        pieces.extend(chunks.zip(state).map(|((parameters, gradient), (first, second))| Piece::AdamW {
            parameters,
            gradient,
            first,
            second,
            decay,
        }));
    }
    pieces
}

/// Numbers of one AdamW step that all parameters share.
struct AdamStep {
    rate: f32,
    root: f32,
    clip: f32,
}

impl AdamStep {
    fn update(
        &self,
        config: &OptimizerConfig,
        parameters: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
        kept: f32,
    ) {
        adamw(self, config, parameters, gradient, first, second, kept);
    }
}

dispatched! {
    /// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `p ← kept·p − rate·m / (√v·root + ε)`.
    fn adamw(
        step: &AdamStep,
        config: &OptimizerConfig,
        parameters: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
        kept: f32,
    ) {
        let &OptimizerConfig { beta_1, beta_2, epsilon, .. } = config;
        let &AdamStep { rate, root, clip } = step;
        let state = first.iter_mut().zip(second);
        for ((p, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(state) {
            let g = g * clip;
            *m = beta_1 * *m + (1.0 - beta_1) * g;
            *v = beta_2 * *v + (1.0 - beta_2) * g * g;
            *p = kept * *p - rate * *m / (v.sqrt() * root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelConfig;

    /// The smallest model; only its layout matters.
    fn layout() -> Layout {
        Layout::new(&ModelConfig::new(1, 1, 2, 2, 4))
    }

    #[test]
    fn two_steps_of_adamw_by_hand() {
        let config = OptimizerConfig { learning_rate: 0.1, clip_norm: 1e9, ..OptimizerConfig::default() };
        let layout = layout();
        let mut optimizer = Optimizer::new(config, &layout, 1);
        let count = layout.parameter_count();
        let mut parameters = vec![1.0; count];
        optimizer.step(&mut parameters, &vec![0.5; count], 0.0, 1.0);
        // The first step moves by the learning rate, whatever the gradient: 1·(1 − 0.1·0.1) − 0.1.
        assert!((parameters[0] - 0.89).abs() < 1e-6, "{}", parameters[0]);
        // A gain is not decayed: 1 − 0.1.
        let gain = layout.final_gain.start;
        assert!((parameters[gain] - 0.9).abs() < 1e-6);
        optimizer.step(&mut parameters, &vec![-1.0; count], 0.0, 0.5);
        // m = 0.9·0.05 − 0.1 = −0.055, m̂ = −0.055/0.19; v = 0.95·0.0125 + 0.05 = 0.061875, v̂ = v/0.0975.
        let moved = 0.05 * (-0.055 / 0.19) / (0.061875_f32 / 0.0975).sqrt();
        assert!((parameters[gain] - (0.9 - moved)).abs() < 1e-6);
        assert!((parameters[0] - (0.89 * 0.995 - moved)).abs() < 1e-6);
    }

    #[test]
    fn a_long_gradient_is_cut_as_a_whole() {
        let config =
            OptimizerConfig { epsilon: 1.0, weight_decay: 0.0, learning_rate: 1.0, ..Default::default() };
        let layout = layout();
        let count = layout.parameter_count();
        let step = |gradient: f32, norm: f64| {
            let mut optimizer = Optimizer::new(config.clone(), &layout, 1);
            let mut parameters = vec![0.0; count];
            optimizer.step(&mut parameters, &vec![gradient; count], norm, 1.0);
            parameters[0]
        };
        // g is cut to 0.25: m̂ = 0.25, √v̂ = 0.25.
        assert!((step(1.0, 4.0) + 0.25 / 1.25).abs() < 1e-6);
        assert_eq!(step(0.25, 0.5), step(0.25, 0.9));
    }

    #[test]
    fn the_schedule_has_its_corners_where_they_belong() {
        let schedule = Schedule { warmup_steps: 4, total_steps: 104, final_fraction: 0.1 };
        for (step, expected) in [(0, 0.25), (3, 1.0), (4, 1.0), (54, 0.55), (104, 0.1), (1000, 0.1)] {
            assert!((schedule.factor(step) - expected).abs() < 1e-6, "at {step}");
        }
    }

    #[test]
    fn an_update_is_the_same_at_any_number_of_threads() {
        let layout = Layout::new(&ModelConfig::new(2, 2, 64, 700, 4));
        let gradient: Vec<f32> = (0..layout.parameter_count()).map(|i| (i as f32).sin()).collect();
        let after = |threads| {
            let mut optimizer = Optimizer::new(OptimizerConfig::from_scratch(), &layout, threads);
            let mut parameters = gradient.clone();
            optimizer.step(&mut parameters, &gradient, 100.0, 1.0);
            optimizer.step(&mut parameters, &gradient, 100.0, 0.5);
            parameters
        };
        assert_eq!(after(1), after(3));
    }
}
