//! Causal attention of one head over one segment, in blocks of query rows; forward and backward.
//!
//! Only the logarithm of each row's denominator is kept; the backward pass makes the weights again, so
//! memory grows with a segment's length and not with its square. A block never looks at keys beyond its
//! last row: about half of the square is never computed.

use super::cross_entropy::softmax;
use super::dispatch::dispatched;
use super::{Matrix, MatrixMut, exp, multiply};
use std::ops::Range;

/// Query rows computed together.
const BLOCK: usize = 128;

/// Weights and their gradients of one block, `[BLOCK, longest segment]` each.
#[derive(Debug)]
pub(crate) struct AttentionScratch {
    weights: Vec<f32>,
    gradients: Vec<f32>,
    dots: Vec<f32>,
}

impl AttentionScratch {
    /// Room for segments of up to `tokens`.
    pub(crate) fn new(tokens: usize) -> Self {
        let block = BLOCK.min(tokens);
        Self {
            weights: vec![0.0; block * tokens],
            gradients: vec![0.0; block * tokens],
            dots: vec![0.0; block],
        }
    }
}

/// Queries and keys whose logits get a constant added: rows `queries` × columns `keys` of the segment.
#[derive(Clone, Debug)]
pub(crate) struct Rectangle {
    pub(crate) queries: Range<usize>,
    pub(crate) keys: Range<usize>,
}

/// Where one head stands in rows of `[heads, 3, width]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) index: usize,
    pub(crate) heads: usize,
    pub(crate) width: usize,
}

impl Head {
    fn row_stride(self) -> usize {
        3 * self.heads * self.width
    }

    /// Offset of query (0), key (1) or value (2) in a row.
    fn part(self, part: usize) -> usize {
        (self.index * 3 + part) * self.width
    }
}

/// One head over one segment.
#[derive(Debug)]
pub(crate) struct Attention<'a> {
    /// Queries, keys, values of the segment's rows, `[n, heads, 3, width]`.
    pub(crate) qkv: &'a [f32],
    /// Which head.
    pub(crate) head: Head,
    /// Tokens in the segment.
    pub(crate) tokens: usize,
    /// Added to the logits inside `rectangles`.
    pub(crate) bias: f32,
    /// Where the bias applies.
    pub(crate) rectangles: &'a [Rectangle],
}

/// Σ of the logits' gradients inside the rectangles, where it is wanted.
pub(crate) type BiasGradient<'a> = Option<&'a mut f32>;

impl Attention<'_> {
    fn scale(&self) -> f32 {
        1.0 / (self.head.width as f32).sqrt()
    }

    /// Rows `rows` of query, key or value.
    fn matrix(&self, part: usize, rows: Range<usize>) -> Matrix<'_> {
        let stride = self.head.row_stride();
        let data = &self.qkv[rows.start * stride + self.head.part(part)..];
        Matrix::strided(data, rows.len(), self.head.width, stride)
    }

    /// Logits of the query rows `rows` against keys `0..rows.end`, with bias; not yet causal.
    fn logits(&self, rows: &Range<usize>, logits: &mut [f32]) {
        let keys = rows.end;
        let product = MatrixMut::new(logits, rows.len(), keys);
        let (q, k) = (self.matrix(0, rows.clone()), self.matrix(1, 0..keys));
        multiply(product, false, self.scale(), q, k.transposed());
        self.in_rectangles(rows, |row, columns| {
            for logit in &mut logits[row * keys..][columns] {
                *logit += self.bias;
            }
        });
    }

    /// Calls `visit` with each row of the block that a rectangle crosses, and the columns.
    fn in_rectangles(&self, rows: &Range<usize>, mut visit: impl FnMut(usize, Range<usize>)) {
        for rectangle in self.rectangles {
            let from = rectangle.queries.start.max(rows.start);
            for row in from..rectangle.queries.end.min(rows.end) {
                let columns = rectangle.keys.start..rectangle.keys.end.min(row + 1);
                if !columns.is_empty() {
                    visit(row - rows.start, columns);
                }
            }
        }
    }

    /// `output[t, head·width..] = Σⱼ softmax(q·k)ⱼ·vⱼ` over rows of `[heads·width]`;
    /// `log_denominators[t] = ln Σⱼ exp(logitⱼ)`.
    pub(crate) fn forward(
        &self,
        scratch: &mut AttentionScratch,
        output: &mut [f32],
        log_denominators: &mut [f32],
    ) {
        let Head { index, heads, width } = self.head;
        for rows in blocks(self.tokens) {
            let keys = rows.end;
            let weights = &mut scratch.weights[..rows.len() * keys];
            self.logits(&rows, weights);
            weigh(weights, keys, rows.start, &mut log_denominators[rows.clone()]);
            let stride = heads * width;
            let out = &mut output[rows.start * stride + index * width..];
            let out = MatrixMut::strided(out, rows.len(), width, stride);
            multiply(out, false, 1.0, Matrix::new(weights, rows.len(), keys), self.matrix(2, 0..keys));
        }
    }

    /// Writes the gradients of queries, keys and values to `gradient` `[n, heads, 3, width]` (this
    /// head's part), given those of the output.
    pub(crate) fn backward(
        &self,
        scratch: &mut AttentionScratch,
        output: &[f32],
        log_denominators: &[f32],
        output_gradient: &[f32],
        gradient: &mut [f32],
        mut bias_gradient: BiasGradient<'_>,
    ) {
        let Head { index, heads, width } = self.head;
        let (stride, output_stride) = (self.head.row_stride(), heads * width);
        let part = |part: usize, rows: &Range<usize>| rows.start * stride + self.head.part(part);
        let mut is_first = true;
        // The last block sees all keys, so it comes first and overwrites what is there.
        for rows in blocks(self.tokens).rev() {
            let (count, keys) = (rows.len(), rows.end);
            let all = 0..keys;
            let weights = &mut scratch.weights[..count * keys];
            let gradients = &mut scratch.gradients[..count * keys];
            let dots = &mut scratch.dots[..count];
            self.logits(&rows, weights);
            let from = rows.start * output_stride + index * width;
            let dout = Matrix::strided(&output_gradient[from..], count, width, output_stride);
            multiply(
                MatrixMut::new(gradients, count, keys),
                false,
                1.0,
                dout,
                self.matrix(2, all.clone()).transposed(),
            );
            for (row, dot) in dots.iter_mut().enumerate() {
                let at = from + row * output_stride;
                let pairs = output[at..at + width].iter().zip(&output_gradient[at..at + width]);
                *dot = pairs.map(|(a, b)| a * b).sum();
            }
            weigh_again(weights, gradients, keys, rows.start, &log_denominators[rows.clone()], dots);
            if let Some(sum) = bias_gradient.as_deref_mut() {
                self.in_rectangles(&rows, |row, columns| {
                    *sum += gradients[row * keys..][columns].iter().sum::<f32>();
                });
            }
            let weights = Matrix::new(weights, count, keys);
            let gradients = Matrix::new(gradients, count, keys);
            let value = MatrixMut::strided(&mut gradient[part(2, &all)..], keys, width, stride);
            multiply(value, !is_first, 1.0, weights.transposed(), dout);
            let key = MatrixMut::strided(&mut gradient[part(1, &all)..], keys, width, stride);
            let q = self.matrix(0, rows.clone());
            multiply(key, !is_first, self.scale(), gradients.transposed(), q);
            let query = MatrixMut::strided(&mut gradient[part(0, &rows)..], count, width, stride);
            multiply(query, false, self.scale(), gradients, self.matrix(1, all));
            is_first = false;
        }
    }
}

fn blocks(tokens: usize) -> impl DoubleEndedIterator<Item = Range<usize>> {
    (0..tokens.div_ceil(BLOCK)).map(move |block| block * BLOCK..((block + 1) * BLOCK).min(tokens))
}

dispatched! {
    /// Replaces the logits of a block of rows, the first of which is query `first`, by weights that are 0
    /// behind each query; `logs` gets the logarithm of each row's denominator.
    fn weigh(weights: &mut [f32], keys: usize, first: usize, logs: &mut [f32]) {
        for (row, (weights, log)) in weights.chunks_exact_mut(keys).zip(logs).enumerate() {
            let (seen, unseen) = weights.split_at_mut(first + row + 1);
            *log = softmax(seen);
            unseen.fill(0.0);
        }
    }
}

dispatched! {
    /// The weights again from logits and `logs`, and the logits' gradients `w·(g − dot)` from the weights'
    /// gradients `g`.
    fn weigh_again(
        weights: &mut [f32],
        gradients: &mut [f32],
        keys: usize,
        first: usize,
        logs: &[f32],
        dots: &[f32],
    ) {
        let pairs = weights.chunks_exact_mut(keys).zip(gradients.chunks_exact_mut(keys));
        for (row, (weights, gradients)) in pairs.enumerate() {
            let seen = first + row + 1;
            let (log, dot) = (logs[row], dots[row]);
            for (weight, gradient) in weights[..seen].iter_mut().zip(&mut gradients[..seen]) {
                *weight = exp(*weight - log);
                *gradient = *weight * (*gradient - dot);
            }
            weights[seen..].fill(0.0);
            gradients[seen..].fill(0.0);
        }
    }
}
