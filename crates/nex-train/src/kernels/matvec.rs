//! Products with one vector, which generation one token at a time is made of.

use super::dispatch::dispatched;
use super::lanes::sum_lanes;

dispatched! {
    /// `output = matrix·vector` (added to it with `adds`); `matrix` is `[output.len(), vector.len()]`.
    ///
    /// Four rows at a time, so that each load of the vector serves four; bound by reading the matrix.
    pub(crate) fn matvec(matrix: &[f32], vector: &[f32], adds: bool, output: &mut [f32]) {
        let d = vector.len();
        assert!(matrix.len() >= d * output.len(), "matrix is smaller than its product needs");
        let (quads, rest) = output.as_chunks_mut::<4>();
        let (four_rows, other_rows) =
            matrix[..d * (quads.len() * 4 + rest.len())].split_at(quads.len() * 4 * d);
        for (rows, outputs) in four_rows.chunks_exact(4 * d).zip(quads) {
            let (a, rows) = rows.split_at(d);
            let (b, rows) = rows.split_at(d);
            let (c, e) = rows.split_at(d);
            let sums = dot_of_four(a, b, c, e, vector);
            for (output, sum) in outputs.iter_mut().zip(sums) {
                *output = if adds { *output + sum } else { sum };
            }
        }
        for (row, output) in other_rows.chunks_exact(d).zip(rest) {
            let sum = dot_of_four(row, row, row, row, vector)[0];
            *output = if adds { *output + sum } else { sum };
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        sum += a * b;
    }
    sum
}

#[inline(always)]
fn dot_of_four(a: &[f32], b: &[f32], c: &[f32], e: &[f32], x: &[f32]) -> [f32; 4] {
    let mut sums = [[0.0_f32; 16]; 4];
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    let (c_chunks, c_rest) = c.as_chunks::<16>();
    let (e_chunks, e_rest) = e.as_chunks::<16>();
    let (x_chunks, x_rest) = x.as_chunks::<16>();
    let rows = a_chunks.iter().zip(b_chunks).zip(c_chunks.iter().zip(e_chunks)).zip(x_chunks);
    for (((a, b), (c, e)), x) in rows {
        for lane in 0..16 {
            sums[0][lane] = a[lane].mul_add(x[lane], sums[0][lane]);
            sums[1][lane] = b[lane].mul_add(x[lane], sums[1][lane]);
            sums[2][lane] = c[lane].mul_add(x[lane], sums[2][lane]);
            sums[3][lane] = e[lane].mul_add(x[lane], sums[3][lane]);
        }
    }
    [
        sum_lanes(sums[0]) + dot(a_rest, x_rest),
        sum_lanes(sums[1]) + dot(b_rest, x_rest),
        sum_lanes(sums[2]) + dot(c_rest, x_rest),
        sum_lanes(sums[3]) + dot(e_rest, x_rest),
    ]
}

dispatched! {
    /// `scores[t] = scale·Σᵢ query[i]·keys[i, t]`; the cached keys of a head are `[width, stride]`, `stride`
    /// a multiple of 16 and no less than there are scores.
    pub(crate) fn scores_of_cached_keys(query: &[f32], keys: &[f32], stride: usize, scale: f32, scores: &mut [f32]) {
        assert!(scores.len() <= stride && stride.is_multiple_of(16) && keys.len() >= query.len() * stride);
        let mut from = 0;
        while from < scores.len() {
            let left = scores.len() - from;
            from += if left >= 128 {
                score_block::<128>(query, keys, stride, scale, from, scores)
            } else if left >= 64 {
                score_block::<64>(query, keys, stride, scale, from, scores)
            } else {
                score_block::<16>(query, keys, stride, scale, from, scores)
            };
        }
    }
}

/// The scores `from..from + N`, as many of them as are wanted; gives N.
#[inline(always)]
fn score_block<const N: usize>(
    query: &[f32],
    keys: &[f32],
    stride: usize,
    scale: f32,
    from: usize,
    scores: &mut [f32],
) -> usize {
    let mut sums = [0.0_f32; N];
    for (q, row) in query.iter().zip(keys.chunks_exact(stride)) {
        for (sum, key) in sums.iter_mut().zip(&row[from..from + N]) {
            *sum = q.mul_add(*key, *sum);
        }
    }
    for (score, sum) in scores[from..].iter_mut().zip(sums) {
        *score = sum * scale;
    }
    N
}

dispatched! {
    /// `output = Σₜ weights[t]·values[t]`; the cached values of a head are `[capacity, width]`.
    pub(crate) fn weighted_sum_of_values(weights: &[f32], values: &[f32], output: &mut [f32]) {
        let width = output.len();
        assert!(values.len() >= weights.len() * width);
        let mut from = 0;
        while from < width {
            if from + 32 <= width {
                sum_columns::<32>(weights, values, width, from, output);
                from += 32;
            } else if from + 16 <= width {
                sum_columns::<16>(weights, values, width, from, output);
                from += 16;
            } else {
                sum_columns::<1>(weights, values, width, from, output);
                from += 1;
            }
        }
    }
}

#[inline(always)]
fn sum_columns<const N: usize>(
    weights: &[f32],
    values: &[f32],
    width: usize,
    from: usize,
    output: &mut [f32],
) {
    let mut sums = [[0.0_f32; N]; 4];
    let (quads, rest) = weights.as_chunks::<4>();
    for (quad, rows) in quads.iter().zip(values.chunks_exact(4 * width)) {
        for (part, sums) in sums.iter_mut().enumerate() {
            let row = &rows[part * width + from..][..N];
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = quad[part].mul_add(*value, *sum);
            }
        }
    }
    for (weight, row) in rest.iter().zip(values[quads.len() * 4 * width..].chunks_exact(width)) {
        for (sum, value) in sums[0].iter_mut().zip(&row[from..from + N]) {
            *sum = weight.mul_add(*value, *sum);
        }
    }
    for i in 0..N {
        output[from + i] = (sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    #[test]
    fn equal_to_plain_loops_at_ragged_sizes() {
        for (rows, d) in [(1, 3), (5, 17), (8, 32), (70, 48), (237, 33)] {
            let (matrix, vector) = (numbers(rows * d, 0.7), numbers(d, 1.3));
            let mut output = vec![1.0; rows];
            matvec(&matrix, &vector, true, &mut output);
            for (row, output) in output.iter().enumerate() {
                let expected: f32 = 1.0 + (0..d).map(|i| matrix[row * d + i] * vector[i]).sum::<f32>();
                assert!((output - expected).abs() < 1e-5);
            }
            let capacity = rows.next_multiple_of(16) + 16;
            let keys = numbers(d * capacity, 0.3);
            let mut scores = vec![0.0; rows];
            scores_of_cached_keys(&vector, &keys, capacity, 0.5, &mut scores);
            let mut sums = vec![0.0; d];
            weighted_sum_of_values(&scores, &matrix, &mut sums);
            for (t, score) in scores.iter().enumerate() {
                let expected: f32 = (0..d).map(|i| 0.5 * vector[i] * keys[i * capacity + t]).sum();
                assert!((score - expected).abs() < 1e-5);
            }
            for (i, sum) in sums.iter().enumerate() {
                let expected: f32 = (0..rows).map(|t| scores[t] * matrix[t * d + i]).sum();
                assert!((sum - expected).abs() < 1e-4);
            }
        }
    }
}
