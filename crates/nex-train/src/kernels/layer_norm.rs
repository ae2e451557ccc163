//! Layer normalisation: `y = w·x̂ + b` with `x̂ = (x − mean)·r` and `r = 1/√(variance + ε)`, row by row.

use super::dispatch::dispatched;
use super::lanes::sum_lanes;

/// Sums in 16 lanes, so that the order is fixed and the compiler may use vectors.
#[inline(always)]
fn lane_sum(values: impl Fn(usize) -> f32, length: usize) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let whole = length / 16 * 16;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += values(start + lane);
        }
        start += 16;
    }
    let mut total = sum_lanes(lanes);
    for index in whole..length {
        total += values(index);
    }
    total
}

dispatched! {
    /// Normalises each row of `x` `[n, d]`: `normed` gets x̂ `[n, d]`, `inverse` r `[n]`, `output` y `[n, d]`.
    pub(crate) fn layer_norm(
        x: &[f32],
        gain: &[f32],
        bias: &[f32],
        epsilon: f32,
        normed: &mut [f32],
        inverse: &mut [f32],
        output: &mut [f32],
    ) {
        let d = gain.len();
        let rows = x.chunks_exact(d).zip(normed.chunks_exact_mut(d)).zip(output.chunks_exact_mut(d));
        for (((x, normed), output), inverse) in rows.zip(inverse) {
            let mean = lane_sum(|i| x[i], d) / d as f32;
            let variance = lane_sum(|i| (x[i] - mean) * (x[i] - mean), d) / d as f32;
            let scale = 1.0 / (variance + epsilon).sqrt();
            *inverse = scale;
            for i in 0..d {
                let value = (x[i] - mean) * scale;
                normed[i] = value;
                output[i] = value.mul_add(gain[i], bias[i]);
            }
        }
    }
}

dispatched! {
    /// `output = gain·normed + bias`: y made again from x̂.
    pub(crate) fn apply_gain(normed: &[f32], gain: &[f32], bias: &[f32], output: &mut [f32]) {
        let d = gain.len();
        for (normed, output) in normed.chunks_exact(d).zip(output.chunks_exact_mut(d)) {
            for i in 0..d {
                output[i] = normed[i].mul_add(gain[i], bias[i]);
            }
        }
    }
}

dispatched! {
    /// Adds `∂L/∂x` to `dx` `[n, d]`, given `dy = ∂L/∂y`; adds the parameters' gradients.
    ///
    /// `dx = r·(g − mean(g) − x̂·mean(g·x̂))` with `g = w·dy`; `dw = Σ dy·x̂`; `db = Σ dy`. With `is_first`
    /// `dx` is overwritten.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn layer_norm_backward(
        dy: &[f32],
        normed: &[f32],
        inverse: &[f32],
        gain: &[f32],
        is_first: bool,
        dx: &mut [f32],
        gain_gradient: &mut [f32],
        bias_gradient: &mut [f32],
    ) {
        let d = gain.len();
        let (gain_gradient, bias_gradient) = (&mut gain_gradient[..d], &mut bias_gradient[..d]);
        let rows = dy.chunks_exact(d).zip(normed.chunks_exact(d)).zip(dx.chunks_exact_mut(d));
        for (((dy, normed), dx), inverse) in rows.zip(inverse) {
            let mean = lane_sum(|i| dy[i] * gain[i], d) / d as f32;
            let product = lane_sum(|i| dy[i] * gain[i] * normed[i], d) / d as f32;
            for i in 0..d {
                let value = inverse * (dy[i] * gain[i] - mean - normed[i] * product);
                dx[i] = if is_first { value } else { dx[i] + value };
                gain_gradient[i] = dy[i].mul_add(normed[i], gain_gradient[i]);
                bias_gradient[i] += dy[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_four_by_hand() {
        // Mean 2.5, variance 1.25, r = 0.894427.
        let (mut normed, mut inverse, mut output) = ([0.0; 4], [0.0; 1], [0.0; 4]);
        layer_norm(
            &[1.0, 2.0, 3.0, 4.0],
            &[1.0, 2.0, 1.0, 1.0],
            &[0.0, 0.0, 0.5, 0.0],
            0.0,
            &mut normed,
            &mut inverse,
            &mut output,
        );
        for (value, expected) in output.iter().zip([-1.341_641, -0.894_427, 0.947_214, 1.341_641]) {
            assert!((value - expected).abs() < 1e-5);
        }
        let (mut dx, mut dw, mut db) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        let gain = [1.0; 4];
        layer_norm_backward(&[1.0, 0.0, 0.0, 0.0], &normed, &inverse, &gain, true, &mut dx, &mut dw, &mut db);
        // mean(g) = 0.25, mean(g·x̂) = −0.335410: dx₀ = r·(1 − 0.25 − 0.45) = 0.268328.
        for (value, expected) in dx.iter().zip([0.268_328, -0.357_771, -0.089_443, 0.178_885]) {
            assert!((value - expected).abs() < 1e-5, "{dx:?}");
        }
        assert!((dw[0] + 1.341_641).abs() < 1e-5 && db == [1.0, 0.0, 0.0, 0.0]);
    }
}
