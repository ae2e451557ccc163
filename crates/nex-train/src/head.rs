//! From hidden states to a loss: logits of the rows that have a target, in chunks, and their gradients.

use crate::kernels::{Matrix, MatrixMut, add, log_softmax_statistics, multiply, softmax_in_place};
use crate::{Layout, ModelConfig, PackedRow, Target};

/// Rows of logits computed together.
const CHUNK: usize = 128;

/// A loss of single tokens.
pub trait TokenLoss: Sync {
    /// The loss of one target; replaces `logits` `[vocabulary]` by its gradient with respect to them.
    /// `index` counts the row's targets.
    fn loss_and_gradient(&self, index: usize, target: &Target, logits: &mut [f32]) -> f64;
}

/// `−scale·weight·ln softmax(logits)[token]`, in nats.
///
/// With `scale = 1/Σ weight` over a whole batch this is the SFT loss `−Σ mᵢ·ln p(xᵢ) / Σ mᵢ`, with
/// weight 0 (no target) on prompt and tool-output tokens (Nexus-1 §5.1).
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// Multiplies each loss.
    pub scale: f32,
}

impl TokenLoss for CrossEntropy {
    fn loss_and_gradient(&self, _: usize, target: &Target, logits: &mut [f32]) -> f64 {
        let weight = self.scale * target.weight;
        let chosen = logits[target.token as usize];
        let log_sum = softmax_in_place(logits);
        logits[target.token as usize] -= 1.0;
        for logit in logits.iter_mut() {
            *logit *= weight;
        }
        f64::from(weight) * f64::from(log_sum - chosen)
    }
}

/// Buffers for a chunk of logits.
#[derive(Debug)]
pub struct HeadScratch {
    rows: Vec<f32>,
    logits: Vec<f32>,
    row_gradients: Vec<f32>,
}

impl HeadScratch {
    /// Buffers for a model of this shape.
    pub fn new(config: &ModelConfig) -> Self {
        Self {
            rows: vec![0.0; CHUNK * config.hidden],
            logits: vec![0.0; CHUNK * config.vocabulary],
            row_gradients: vec![0.0; CHUNK * config.hidden],
        }
    }

    /// Logits of the rows of one chunk of targets, `[targets, vocabulary]`.
    fn logits(&mut self, hidden: &[f32], output: &[f32], d: usize, targets: &[Target]) -> &mut [f32] {
        let (m, vocabulary) = (targets.len(), output.len() / d);
        for (row, target) in self.rows.chunks_exact_mut(d).zip(targets) {
            row.copy_from_slice(&hidden[target.position * d..][..d]);
        }
        let logits = &mut self.logits[..m * vocabulary];
        multiply(
            MatrixMut::new(logits, m, vocabulary),
            false,
            1.0,
            Matrix::new(&self.rows, m, d),
            Matrix::new(output, vocabulary, d).transposed(),
        );
        logits
    }

    /// The summed loss of `row`'s targets. Writes `∂L/∂hidden` `[n, hidden]` to `hidden_gradient` and
    /// adds that of the output matrix to `gradient`.
    #[allow(clippy::too_many_arguments)]
    pub fn loss_and_gradient(
        &mut self,
        layout: &Layout,
        parameters: &[f32],
        row: &PackedRow,
        hidden: &[f32],
        loss: &impl TokenLoss,
        hidden_gradient: &mut [f32],
        gradient: &mut [f32],
    ) -> f64 {
        let output = &parameters[layout.output.clone()];
        let d = layout.final_gain.len();
        let vocabulary = output.len() / d;
        hidden_gradient[..row.tokens.len() * d].fill(0.0);
        let mut total = 0.0;
        for (chunk, targets) in row.targets.chunks(CHUNK).enumerate() {
            let m = targets.len();
            let logits = self.logits(hidden, output, d, targets);
            for (index, (target, logits)) in
                targets.iter().zip(logits.chunks_exact_mut(vocabulary)).enumerate()
            {
                total += loss.loss_and_gradient(chunk * CHUNK + index, target, logits);
            }
            let logits = Matrix::new(&self.logits, m, vocabulary);
            let weights = Matrix::new(output, vocabulary, d);
            multiply(MatrixMut::new(&mut self.row_gradients, m, d), false, 1.0, logits, weights);
            let output_gradient = MatrixMut::new(&mut gradient[layout.output.clone()], vocabulary, d);
            multiply(output_gradient, true, 1.0, logits.transposed(), Matrix::new(&self.rows, m, d));
            for (row, target) in self.row_gradients.chunks_exact(d).zip(targets) {
                add(&mut hidden_gradient[target.position * d..][..d], row);
            }
        }
        total
    }

    /// `ln p` of each of `row`'s targets, in nats, added to `log_probabilities`.
    pub fn log_probabilities(
        &mut self,
        layout: &Layout,
        parameters: &[f32],
        row: &PackedRow,
        hidden: &[f32],
        log_probabilities: &mut Vec<f32>,
    ) {
        let output = &parameters[layout.output.clone()];
        let d = layout.final_gain.len();
        for targets in row.targets.chunks(CHUNK) {
            let logits = self.logits(hidden, output, d, targets);
            for (target, logits) in targets.iter().zip(logits.chunks_exact(output.len() / d)) {
                log_probabilities.push(logits[target.token as usize] - log_softmax_statistics(logits).1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_by_hand() {
        // Probabilities ½, ¼, ¼; the loss of token 1 is ln 4 = 1.386294.
        let mut logits = [2.0_f32.ln(), 0.0, 0.0];
        let target = Target { position: 0, token: 1, weight: 0.5 };
        let loss = CrossEntropy { scale: 0.5 }.loss_and_gradient(0, &target, &mut logits);
        assert!((loss - 0.25 * 4.0_f64.ln()).abs() < 1e-7);
        for (gradient, expected) in logits.iter().zip([0.125, -0.1875, 0.0625]) {
            assert!((gradient - expected).abs() < 1e-7);
        }
    }
}
