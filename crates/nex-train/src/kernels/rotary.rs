//! Rotary position embedding (rotate-half) and smeared keys, over interleaved `[n, heads, 3, width]` rows.

use super::dispatch::dispatched;
use std::ops::Range;

/// Cosines and sines of `position·base^(−2i/width)`, `[positions, width/2]` each.
#[derive(Clone, Debug)]
pub(crate) struct RotaryTable {
    half: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl RotaryTable {
    /// The table for heads of `width` over `positions`.
    pub(crate) fn new(base: f32, width: usize, positions: usize) -> Self {
        let half = width / 2;
        let angle = |position: usize, i: usize| {
            position as f64 * f64::from(base).powf(-((2 * i) as f64) / width as f64)
        };
        let table = |of: fn(f64) -> f64| {
            (0..positions * half).map(|at| of(angle(at / half, at % half)) as f32).collect()
        };
        Self { half, cosines: table(f64::cos), sines: table(f64::sin) }
    }

    /// Turns queries and keys of one row `[heads, 3, width]` to `position`; `backwards` turns back,
    /// which is also how gradients go through.
    #[inline(always)]
    fn turn(&self, row: &mut [f32], position: usize, backwards: bool) {
        let half = self.half;
        let cosines = &self.cosines[position * half..][..half];
        let sines = &self.sines[position * half..][..half];
        for head in row.chunks_exact_mut(6 * half) {
            for vector in head[..4 * half].chunks_exact_mut(2 * half) {
                let (first, second) = vector.split_at_mut(half);
                for i in 0..half {
                    let sine = if backwards { -sines[i] } else { sines[i] };
                    let (a, b) = (first[i], second[i]);
                    first[i] = a * cosines[i] - b * sine;
                    second[i] = b * cosines[i] + a * sine;
                }
            }
        }
    }

    /// Turns the rows of a segment, whose positions count from `first`.
    pub(crate) fn turn_rows(&self, rows: &mut [f32], row_length: usize, first: usize, backwards: bool) {
        turn_rows(self, rows, row_length, first, backwards);
    }
}

dispatched! {
    fn turn_rows(table: &RotaryTable, rows: &mut [f32], row_length: usize, first: usize, backwards: bool) {
        for (index, row) in rows.chunks_exact_mut(row_length).enumerate() {
            table.turn(row, first + index, backwards);
        }
    }
}

/// Where key and width stand in a row: head `h` has its key at `h·3·width + width`.
fn key_of(row: usize, head: usize, width: usize, heads: usize) -> Range<usize> {
    let start = (row * heads + head) * 3 * width + width;
    start..start + width
}

/// `kₜ ← s·kₜ + (1 − s)·kₜ₋₁` within a segment of `[n, heads, 3, width]` rows, `s` a head; the first
/// key stays. `raw` `[n, heads·width]` keeps the keys as they were.
pub(crate) fn smear_keys(rows: &mut [f32], shares: &[f32], width: usize, raw: &mut [f32]) {
    let heads = shares.len();
    let count = rows.len() / (3 * heads * width);
    for row in 0..count {
        for (head, share) in shares.iter().enumerate() {
            let at = (row * heads + head) * width;
            let key = &mut rows[key_of(row, head, width, heads)];
            raw[at..at + width].copy_from_slice(key);
            if row > 0 {
                let before = at - heads * width;
                for (key, previous) in key.iter_mut().zip(&raw[before..before + width]) {
                    *key = share * *key + (1.0 - share) * previous;
                }
            }
        }
    }
}

/// Turns gradients of smeared keys in `rows` into those of raw keys; gives `∂L/∂s` to `share_gradient`.
pub(crate) fn smear_keys_backward(
    rows: &mut [f32],
    shares: &[f32],
    width: usize,
    raw: &[f32],
    share_gradient: &mut [f32],
) {
    let heads = shares.len();
    let count = rows.len() / (3 * heads * width);
    for (head, share) in shares.iter().enumerate() {
        for row in 0..count {
            let at = (row * heads + head) * width;
            let here = key_of(row, head, width, heads).start;
            for i in 0..width {
                let gradient = rows[here + i];
                if row > 0 {
                    share_gradient[head] += gradient * (raw[at + i] - raw[at + i - heads * width]);
                }
                // This key also stands, with 1 − s, in the next one, whose gradient is still as it came.
                let own = if row == 0 { gradient } else { share * gradient };
                let next = if row + 1 < count { rows[here + 3 * heads * width + i] } else { 0.0 };
                rows[here + i] = own + (1.0 - share) * next;
            }
        }
    }
}
