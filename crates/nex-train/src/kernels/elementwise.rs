//! Sums, products and the GELU activation.

use super::dispatch::dispatched;
use super::exp;
use super::lanes::sum_lanes;

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

/// GELU in its tanh form, `x·σ(2z)` with `z = √(2/π)·(x + 0.044715·x³)`, and σ itself.
#[inline(always)]
fn gelu_parts(x: f32) -> (f32, f32) {
    let z = SQRT_2_OVER_PI * x * (CUBIC * x).mul_add(x, 1.0);
    let sigmoid = 1.0 / (1.0 + exp(-2.0 * z));
    (x * sigmoid, sigmoid)
}

dispatched! {
    /// `output = gelu(input)`, element by element.
    pub(crate) fn gelu(input: &[f32], output: &mut [f32]) {
        for (out, x) in output.iter_mut().zip(input) {
            *out = gelu_parts(*x).0;
        }
    }
}

dispatched! {
    /// `output = gelu(x)` and `x = gelu'(x)`, element by element.
    pub(crate) fn gelu_and_derivative(x: &mut [f32], output: &mut [f32]) {
        for (out, x) in output.iter_mut().zip(x) {
            let (value, sigmoid) = gelu_parts(*x);
            let slope = 2.0 * SQRT_2_OVER_PI * (3.0 * CUBIC * *x).mul_add(*x, 1.0);
            *x = (value * (1.0 - sigmoid)).mul_add(slope, sigmoid);
            *out = value;
        }
    }
}

dispatched! {
    /// `a = a·b`, element by element.
    pub(crate) fn multiply_in_place(a: &mut [f32], b: &[f32]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a *= b;
        }
    }
}

dispatched! {
    /// `a = a + b`, element by element.
    pub(crate) fn add(a: &mut [f32], b: &[f32]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
    }
}

dispatched! {
    /// `Σ aᵢ²`: in `f32` within runs of 256, in `f64` over them.
    pub(crate) fn sum_of_squares(a: &[f32]) -> f64 {
        let mut total = 0.0;
        for run in a.chunks(256) {
            let mut lanes = [0.0_f32; 16];
            let (chunks, rest) = run.as_chunks::<16>();
            for chunk in chunks {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane = x.mul_add(*x, *lane);
                }
            }
            let rest: f32 = rest.iter().map(|x| x * x).sum();
            total += f64::from(sum_lanes(lanes) + rest);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_has_known_values_and_its_derivative_is_its_slope() {
        let mut out = [0.0; 3];
        gelu(&[0.0, 1.0, -2.0], &mut out);
        for (out, expected) in out.iter().zip([0.0, 0.841_192, -0.045_402_3]) {
            assert!((out - expected).abs() < 1e-6, "{out} is not {expected}");
        }
        for x in [-3.0_f32, -0.7, 0.0, 0.4, 2.5] {
            let (mut slope, mut value) = ([x], [0.0]);
            gelu_and_derivative(&mut slope, &mut value);
            let exact = |x: f64| 0.5 * x * (1.0 + (0.797_884_560_8 * (x + 0.044_715 * x * x * x)).tanh());
            let wide = f64::from(x);
            let expected = (exact(wide + 1e-5) - exact(wide - 1e-5)) / 2e-5;
            assert!((f64::from(slope[0]) - expected).abs() < 1e-5, "at {x}");
            assert!((f64::from(value[0]) - exact(wide)).abs() < 1e-6, "at {x}");
        }
    }

    #[test]
    fn squares_are_summed() {
        let numbers: Vec<f32> = (0..1000).map(|i| i as f32 / 100.0).collect();
        let expected: f64 = numbers.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        assert!((sum_of_squares(&numbers) / expected - 1.0).abs() < 1e-6);
    }
}
