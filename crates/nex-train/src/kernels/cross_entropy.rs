//! Softmax over the vocabulary.

use super::dispatch::dispatched;
use super::exp;
use super::lanes::{largest, sum_lanes};

dispatched! {
    /// The largest of `logits` and `ln Σ exp(logit)`, both over all of them.
    pub(crate) fn log_softmax_statistics(logits: &[f32]) -> (f32, f32) {
        let largest = largest(logits);
        let (chunks, rest) = logits.as_chunks::<16>();
        let mut lanes = [0.0_f32; 16];
        for chunk in chunks {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane += exp(x - largest);
            }
        }
        let mut total = sum_lanes(lanes);
        for x in rest {
            total += exp(x - largest);
        }
        (largest, largest + total.ln())
    }
}

dispatched! {
    /// Replaces logits by probabilities; gives `ln Σ exp(logit)`.
    pub fn softmax_in_place(logits: &mut [f32]) -> f32 {
        softmax(logits)
    }
}

/// As [`softmax_in_place`], inside a loop that was dispatched already.
#[inline(always)]
pub(super) fn softmax(logits: &mut [f32]) -> f32 {
    let largest = largest(logits);
    let (chunks, rest) = logits.as_chunks_mut::<16>();
    let mut lanes = [0.0_f32; 16];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = exp(*x - largest);
            *lane += *x;
        }
    }
    let mut total = sum_lanes(lanes);
    for x in rest {
        *x = exp(*x - largest);
        total += *x;
    }
    let scale = 1.0 / total;
    for x in logits.iter_mut() {
        *x *= scale;
    }
    largest + total.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_by_hand() {
        let mut logits = vec![0.0_f32; 20];
        logits[3] = 3.0_f32.ln();
        let (largest, log_sum) = log_softmax_statistics(&logits);
        assert!((largest - 3.0_f32.ln()).abs() < 1e-6 && (log_sum - 22.0_f32.ln()).abs() < 1e-5);
        let again = softmax_in_place(&mut logits);
        assert!((again - log_sum).abs() < 1e-6);
        assert!((logits[3] - 3.0 / 22.0).abs() < 1e-6 && (logits[0] - 1.0 / 22.0).abs() < 1e-6);
    }
}
