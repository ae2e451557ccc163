//! Muon: momentum, then the nearest orthogonal matrix, by five Newton–Schulz iterations.

use crate::TensorSpec;
use crate::kernels::{Matrix, MatrixMut, multiply, sum_of_squares};
use serde::{Deserialize, Serialize};

/// Coefficients of `x ↦ a·x + b·x³ + c·x⁵`, which drives singular values in (0, 1] to about 1.
const A: f32 = 3.4445;
const B: f32 = -4.775;
const C: f32 = 2.0315;
const ITERATIONS: usize = 5;

/// Muon's numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MuonConfig {
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Share of the old momentum.
    pub momentum: f32,
}

impl Default for MuonConfig {
    fn default() -> Self {
        Self { learning_rate: 0.02, momentum: 0.95 }
    }
}

/// Buffers of one thread, large enough for the largest matrix.
#[derive(Debug, Default)]
pub(super) struct MuonScratch {
    x: Vec<f32>,
    next: Vec<f32>,
    gram: Vec<f32>,
    polynomial: Vec<f32>,
}

impl MuonScratch {
    /// Buffers for any of `matrices`.
    pub(super) fn for_matrices<'a>(matrices: impl Iterator<Item = &'a TensorSpec>) -> Self {
        let mut scratch = Self::default();
        for tensor in matrices {
            let (count, side) = (tensor.range.len(), tensor.shape[0].min(tensor.shape[1]));
            let grow = |buffer: &mut Vec<f32>, length| buffer.resize(buffer.len().max(length), 0.0);
            grow(&mut scratch.x, count);
            grow(&mut scratch.next, count);
            grow(&mut scratch.gram, side * side);
            grow(&mut scratch.polynomial, side * side);
        }
        scratch
    }

    /// Makes the singular values of `x` `[rows, columns]`, whose length is at most 1, about 1.
    fn orthogonalise(&mut self, [rows, columns]: [usize; 2]) {
        let is_wide = rows <= columns;
        let side = rows.min(columns);
        for _ in 0..ITERATIONS {
            let x = Matrix::new(&self.x, rows, columns);
            let (left, right) = if is_wide { (x, x.transposed()) } else { (x.transposed(), x) };
            multiply(MatrixMut::new(&mut self.gram, side, side), false, 1.0, left, right);
            let gram = Matrix::new(&self.gram, side, side);
            // bG + cG²
            for (p, g) in self.polynomial[..side * side].iter_mut().zip(&self.gram) {
                *p = B * g;
            }
            multiply(MatrixMut::new(&mut self.polynomial, side, side), true, C, gram, gram);
            let polynomial = Matrix::new(&self.polynomial, side, side);
            for (next, x) in self.next[..rows * columns].iter_mut().zip(&self.x) {
                *next = A * x;
            }
            let (left, right) = if is_wide { (polynomial, x) } else { (x, polynomial) };
            multiply(MatrixMut::new(&mut self.next, rows, columns), true, 1.0, left, right);
            std::mem::swap(&mut self.x, &mut self.next);
        }
    }
}

impl MuonConfig {
    /// `m ← μm + g`; `p ← (1 − rate·decay)·p − rate·√max(1, rows/columns)·orthogonal(g + μm)`.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn update(
        &self,
        scratch: &mut MuonScratch,
        parameters: &mut [f32],
        gradient: &[f32],
        momentum: &mut [f32],
        [rows, columns]: [usize; 2],
        clip: f32,
        factor: f32,
        decay: f32,
    ) {
        let direction = &mut scratch.x[..rows * columns];
        for ((x, g), m) in direction.iter_mut().zip(gradient).zip(momentum) {
            let g = g * clip;
            *m = self.momentum * *m + g;
            *x = g + self.momentum * *m;
        }
        let length = sum_of_squares(direction).sqrt() as f32 + 1e-7;
        for x in direction.iter_mut() {
            *x /= length;
        }
        scratch.orthogonalise([rows, columns]);
        let rate = self.learning_rate * factor;
        let scale = rate * (rows as f32 / columns as f32).max(1.0).sqrt();
        for (p, x) in parameters.iter_mut().zip(&scratch.x) {
            *p = (1.0 - rate * decay) * *p - scale * x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TensorKind;

    fn polynomial(mut x: f32) -> f32 {
        for _ in 0..ITERATIONS {
            x = A * x + B * x.powi(3) + C * x.powi(5);
        }
        x
    }

    #[test]
    fn singular_values_follow_the_polynomial() {
        // diag(3, 4) beside a column of zeros, and upright: singular values 0.6 and 0.8 after scaling.
        for (shape, gradient) in
            [([2, 3], [3.0, 0.0, 0.0, 0.0, 4.0, 0.0]), ([3, 2], [3.0, 0.0, 0.0, 4.0, 0.0, 0.0])]
        {
            let spec = TensorSpec {
                name: String::new(),
                shape: shape.to_vec(),
                range: 0..6,
                kind: TensorKind::Matrix,
            };
            let mut scratch = MuonScratch::for_matrices([spec].iter());
            let config = MuonConfig { learning_rate: 0.1, momentum: 0.5 };
            let (mut parameters, mut momentum) = ([1.0; 6], [0.0; 6]);
            config.update(&mut scratch, &mut parameters, &gradient, &mut momentum, shape, 1.0, 0.5, 0.2);
            let scale = 0.05 * (shape[0] as f32 / shape[1] as f32).max(1.0).sqrt();
            let kept = 1.0 - 0.05 * 0.2;
            assert!((parameters[0] - (kept - scale * polynomial(0.6))).abs() < 1e-5);
            let second = if shape[0] == 2 { 4 } else { 3 };
            assert!((parameters[second] - (kept - scale * polynomial(0.8))).abs() < 1e-5);
            assert!((parameters[1] - kept).abs() < 1e-6);
            assert_eq!(momentum, gradient);
        }
        // The singular values end near 1.
        assert!([0.1, 0.3, 0.6, 1.0].iter().all(|x| (0.65..1.25).contains(&polynomial(*x))));
    }
}
