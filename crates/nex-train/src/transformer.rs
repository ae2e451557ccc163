//! Forward and backward pass of one packed row, written by hand.
//!
//! [`Workspace::forward`] leaves the normalised last hidden states `[n, hidden]`; a head (`head.rs`)
//! makes logits of those rows that have a target; [`Workspace::backward`] takes the gradient of the
//! hidden states and adds those of all parameters. One workspace serves one thread and is allocated
//! once, for rows of up to `capacity` tokens.
//!
//! ```text
//! x = E[token]
//! each layer:  x += Wo·attention(rotate(smear(Wqkv·norm(x))))     x += Wdown·gelu(Wup·norm(x))
//! hidden = norm(x)
//! ```

use crate::kernels::{
    Attention, AttentionScratch, Head, Matrix, MatrixMut, Rectangle, RotaryTable, add, apply_gain, gelu,
    gelu_and_derivative, layer_norm, layer_norm_backward, multiply, multiply_in_place, smear_keys,
    smear_keys_backward,
};
use crate::parameters::{HeadConstants, LayerRanges, sigmoid};
use crate::{Layout, ModelConfig, PackedRow, TrainError};
use std::ops::Range;

/// Buffers of one thread.
#[derive(Debug)]
pub struct Workspace {
    config: ModelConfig,
    layout: Layout,
    capacity: usize,
    recomputes: bool,
    rotary: RotaryTable,
    layers: Vec<LayerActivations>,
    /// Inputs of each layer `[n, hidden]`, where activations are recomputed.
    inputs: Vec<Vec<f32>>,
    stream: Vec<f32>,
    wide: Vec<f32>,
    narrow: Vec<f32>,
    qkv_gradient: Vec<f32>,
    final_normed: Vec<f32>,
    final_inverse: Vec<f32>,
    hidden: Vec<f32>,
    attention: AttentionScratch,
    rectangles: Vec<Rectangle>,
    constants: HeadConstants,
    share_gradient: Vec<f32>,
}

/// What a layer's backward pass needs of its forward pass.
#[derive(Debug)]
struct LayerActivations {
    attention_normed: Vec<f32>,
    attention_inverse: Vec<f32>,
    qkv: Vec<f32>,
    raw_keys: Vec<f32>,
    attended: Vec<f32>,
    log_denominators: Vec<f32>,
    mlp_normed: Vec<f32>,
    mlp_inverse: Vec<f32>,
    up: Vec<f32>,
}

impl LayerActivations {
    fn new(config: &ModelConfig, n: usize) -> Self {
        let d = config.hidden;
        Self {
            attention_normed: vec![0.0; n * d],
            attention_inverse: vec![0.0; n],
            qkv: vec![0.0; n * 3 * d],
            raw_keys: vec![0.0; if config.smeared_keys { n * d } else { 0 }],
            attended: vec![0.0; n * d],
            log_denominators: vec![0.0; n * config.heads],
            mlp_normed: vec![0.0; n * d],
            mlp_inverse: vec![0.0; n],
            up: vec![0.0; n * config.intermediate],
        }
    }
}

impl Workspace {
    /// A workspace for rows of up to `capacity` tokens. With `recomputes`, only each layer's input is
    /// kept and the rest is computed again on the way back: about a third more work, `layers` times
    /// less memory.
    pub fn new(config: &ModelConfig, capacity: usize, recomputes: bool) -> Self {
        let (d, n) = (config.hidden, capacity);
        let kept = if recomputes { 1 } else { config.layers };
        let inputs = if recomputes { config.layers } else { 0 };
        Self {
            config: config.clone(),
            layout: Layout::new(config),
            capacity,
            recomputes,
            rotary: RotaryTable::new(config.rope_base, config.head_width(), config.context),
            layers: (0..kept).map(|_| LayerActivations::new(config, n)).collect(),
            inputs: vec![vec![0.0; n * d]; inputs],
            stream: vec![0.0; n * d],
            wide: vec![0.0; n * config.intermediate],
            narrow: vec![0.0; n * d],
            qkv_gradient: vec![0.0; n * 3 * d],
            final_normed: vec![0.0; n * d],
            final_inverse: vec![0.0; n],
            hidden: vec![0.0; n * d],
            attention: AttentionScratch::new(capacity.min(config.context)),
            rectangles: Vec::new(),
            constants: HeadConstants::default(),
            share_gradient: vec![0.0; config.heads],
        }
    }

    /// Where each tensor stands in the parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The last hidden states of the row that went through last, `[n, hidden]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// Computes the last hidden states of `row`, which [`Workspace::hidden`] then gives.
    ///
    /// # Errors
    /// The row does not fit the model or this workspace.
    pub fn forward(&mut self, parameters: &[f32], row: &PackedRow) -> Result<(), TrainError> {
        row.check(self.config.vocabulary, self.config.context, self.capacity)?;
        let (d, n) = (self.config.hidden, row.tokens.len());
        let embedding = &parameters[self.layout.embedding.clone()];
        for (x, token) in self.stream.chunks_exact_mut(d).zip(&row.tokens) {
            x.copy_from_slice(&embedding[*token as usize * d..][..d]);
        }
        for index in 0..self.config.layers {
            if self.recomputes {
                self.inputs[index][..n * d].copy_from_slice(&self.stream[..n * d]);
            }
            self.layer_forward(index, parameters, row, true);
        }
        let x = &self.stream[..n * d];
        layer_norm(
            x,
            &parameters[self.layout.final_gain.clone()],
            &parameters[self.layout.final_bias.clone()],
            self.config.norm_epsilon,
            &mut self.final_normed[..n * d],
            &mut self.final_inverse[..n],
            &mut self.hidden[..n * d],
        );
        Ok(())
    }

    /// One layer over the residual stream. Without `is_whole` it stops where the backward pass has all
    /// that it needs.
    fn layer_forward(&mut self, index: usize, parameters: &[f32], row: &PackedRow, is_whole: bool) {
        let ModelConfig { hidden: d, heads, intermediate, norm_epsilon, .. } = self.config;
        let n = row.tokens.len();
        let ranges = &self.layout.layers[index];
        let kept = &mut self.layers[if self.recomputes { 0 } else { index }];
        let part = |range: &Range<usize>| &parameters[range.clone()];
        self.constants.read(&self.config, parameters, ranges);
        let x = &mut self.stream[..n * d];
        let normed = &mut self.narrow[..n * d];
        layer_norm(
            x,
            part(&ranges.attention_gain),
            part(&ranges.attention_bias),
            norm_epsilon,
            &mut kept.attention_normed[..n * d],
            &mut kept.attention_inverse[..n],
            normed,
        );
        let qkv = &mut kept.qkv[..n * 3 * d];
        linear(normed, part(&ranges.qkv), qkv, [n, d, 3 * d], false);
        let width = d / heads;
        for segment in &row.segments {
            let rows = &mut qkv[segment.start * 3 * d..segment.end * 3 * d];
            if !self.constants.shares.is_empty() {
                let raw = &mut kept.raw_keys[segment.start * d..segment.end * d];
                smear_keys(rows, &self.constants.shares, width, raw);
            }
            self.rotary.turn_rows(rows, 3 * d, 0, false);
        }
        for segment in &row.segments {
            rectangles_of(row, segment, &self.constants, &mut self.rectangles);
            for head in 0..heads {
                let logs = &mut kept.log_denominators[head * self.capacity..][segment.clone()];
                Attention {
                    qkv: &qkv[segment.start * 3 * d..segment.end * 3 * d],
                    head: Head { index: head, heads, width },
                    tokens: segment.len(),
                    bias: self.constants.biases.get(head).copied().unwrap_or(0.0),
                    rectangles: &self.rectangles,
                }
                .forward(
                    &mut self.attention,
                    &mut kept.attended[segment.start * d..segment.end * d],
                    logs,
                );
            }
        }
        linear(&kept.attended[..n * d], part(&ranges.attention_out), x, [n, d, d], true);
        layer_norm(
            x,
            part(&ranges.mlp_gain),
            part(&ranges.mlp_bias),
            norm_epsilon,
            &mut kept.mlp_normed[..n * d],
            &mut kept.mlp_inverse[..n],
            normed,
        );
        let up = &mut kept.up[..n * intermediate];
        linear(normed, part(&ranges.up), up, [n, d, intermediate], false);
        if is_whole {
            let active = &mut self.wide[..n * intermediate];
            gelu(up, active);
            linear(active, part(&ranges.down), x, [n, intermediate, d], true);
        }
    }

    /// Adds the gradients of all parameters to `gradient`, given those of the last hidden states of
    /// `row`, which must be the row that went forward last.
    ///
    /// # Panics
    /// A length is wrong: a bug in the caller.
    pub fn backward(
        &mut self,
        parameters: &[f32],
        row: &PackedRow,
        hidden_gradient: &[f32],
        gradient: &mut [f32],
    ) {
        let (d, n) = (self.config.hidden, row.tokens.len());
        assert!(
            gradient.len() == parameters.len() && hidden_gradient.len() >= n * d,
            "gradient of other length"
        );
        let (gain, bias) = two(gradient, &self.layout.final_gain, &self.layout.final_bias);
        let mut stream = std::mem::take(&mut self.stream);
        layer_norm_backward(
            &hidden_gradient[..n * d],
            &self.final_normed[..n * d],
            &self.final_inverse[..n],
            &parameters[self.layout.final_gain.clone()],
            true,
            &mut stream[..n * d],
            gain,
            bias,
        );
        self.stream = stream;
        for index in (0..self.config.layers).rev() {
            if self.recomputes {
                // The stream holds the gradient: the layer's input takes its place for a while.
                std::mem::swap(&mut self.stream, &mut self.inputs[index]);
                self.layer_forward(index, parameters, row, false);
                std::mem::swap(&mut self.stream, &mut self.inputs[index]);
            }
            self.layer_backward(index, parameters, row, gradient);
        }
        let embedding = &mut gradient[self.layout.embedding.clone()];
        for (dx, token) in self.stream.chunks_exact(d).zip(&row.tokens) {
            add(&mut embedding[*token as usize * d..][..d], dx);
        }
    }

    fn layer_backward(&mut self, index: usize, parameters: &[f32], row: &PackedRow, gradient: &mut [f32]) {
        let ModelConfig { hidden: d, heads, intermediate, .. } = self.config;
        let n = row.tokens.len();
        let ranges = &self.layout.layers[index];
        let kept = &mut self.layers[if self.recomputes { 0 } else { index }];
        let part = |range: &Range<usize>| &parameters[range.clone()];
        self.constants.read(&self.config, parameters, ranges);
        let dx = &mut self.stream[..n * d];
        let narrow = &mut self.narrow[..n * d];

        // MLP.
        let wide = &mut self.wide[..n * intermediate];
        let slope = &mut kept.up[..n * intermediate];
        gelu_and_derivative(slope, wide);
        add_weight_gradient(dx, wide, &mut gradient[ranges.down.clone()], [n, intermediate, d]);
        input_gradient(dx, part(&ranges.down), wide, [n, intermediate, d]);
        multiply_in_place(wide, slope);
        let normed = &kept.mlp_normed[..n * d];
        apply_gain(normed, part(&ranges.mlp_gain), part(&ranges.mlp_bias), narrow);
        add_weight_gradient(wide, narrow, &mut gradient[ranges.up.clone()], [n, d, intermediate]);
        input_gradient(wide, part(&ranges.up), narrow, [n, d, intermediate]);
        let (gain, bias) = two(gradient, &ranges.mlp_gain, &ranges.mlp_bias);
        let inverse = &kept.mlp_inverse[..n];
        layer_norm_backward(narrow, normed, inverse, part(&ranges.mlp_gain), false, dx, gain, bias);

        // Attention.
        let attended = &kept.attended[..n * d];
        add_weight_gradient(dx, attended, &mut gradient[ranges.attention_out.clone()], [n, d, d]);
        input_gradient(dx, part(&ranges.attention_out), narrow, [n, d, d]);
        let dqkv = &mut self.qkv_gradient[..n * 3 * d];
        let width = d / heads;
        for segment in &row.segments {
            rectangles_of(row, segment, &self.constants, &mut self.rectangles);
            let within = segment.start * d..segment.end * d;
            for head in 0..heads {
                let attention = Attention {
                    qkv: &kept.qkv[segment.start * 3 * d..segment.end * 3 * d],
                    head: Head { index: head, heads, width },
                    tokens: segment.len(),
                    bias: self.constants.biases.get(head).copied().unwrap_or(0.0),
                    rectangles: &self.rectangles,
                };
                let mut bias_gradient = 0.0;
                let is_wanted = ranges.tool_bias.is_some() && !self.rectangles.is_empty();
                attention.backward(
                    &mut self.attention,
                    &attended[within.clone()],
                    &kept.log_denominators[head * self.capacity..][segment.clone()],
                    &narrow[within.clone()],
                    &mut dqkv[segment.start * 3 * d..segment.end * 3 * d],
                    is_wanted.then_some(&mut bias_gradient),
                );
                if let Some(range) = &ranges.tool_bias {
                    // softplus' = σ
                    gradient[range.start + head] += bias_gradient * sigmoid(parameters[range.start + head]);
                }
            }
            let rows = &mut dqkv[segment.start * 3 * d..segment.end * 3 * d];
            self.rotary.turn_rows(rows, 3 * d, 0, true);
            if let Some(range) = &ranges.key_smear {
                self.share_gradient.fill(0.0);
                let shares = &self.constants.shares;
                smear_keys_backward(rows, shares, width, &kept.raw_keys[within], &mut self.share_gradient);
                for ((gradient, share), sum) in
                    gradient[range.clone()].iter_mut().zip(shares).zip(&self.share_gradient)
                {
                    // σ' = σ·(1 − σ)
                    *gradient += sum * share * (1.0 - share);
                }
            }
        }
        self.attention_input_backward(index, parameters, n, gradient);
    }

    /// From the gradients of queries, keys and values to those of the layer's input.
    fn attention_input_backward(&mut self, index: usize, parameters: &[f32], n: usize, gradient: &mut [f32]) {
        let d = self.config.hidden;
        let ranges: &LayerRanges = &self.layout.layers[index];
        let kept = &self.layers[if self.recomputes { 0 } else { index }];
        let dqkv = &self.qkv_gradient[..n * 3 * d];
        let narrow = &mut self.narrow[..n * d];
        let normed = &kept.attention_normed[..n * d];
        let gain = &parameters[ranges.attention_gain.clone()];
        apply_gain(normed, gain, &parameters[ranges.attention_bias.clone()], narrow);
        add_weight_gradient(dqkv, narrow, &mut gradient[ranges.qkv.clone()], [n, d, 3 * d]);
        input_gradient(dqkv, &parameters[ranges.qkv.clone()], narrow, [n, d, 3 * d]);
        let (dgain, dbias) = two(gradient, &ranges.attention_gain, &ranges.attention_bias);
        let (inverse, dx) = (&kept.attention_inverse[..n], &mut self.stream[..n * d]);
        layer_norm_backward(narrow, normed, inverse, gain, false, dx, dgain, dbias);
    }
}

/// `y = x·Wᵀ` (added with `adds`): x `[n, inner]`, W `[outer, inner]`, y `[n, outer]`.
fn linear(x: &[f32], weights: &[f32], y: &mut [f32], [n, inner, outer]: [usize; 3], adds: bool) {
    let weights = Matrix::new(weights, outer, inner).transposed();
    multiply(MatrixMut::new(y, n, outer), adds, 1.0, Matrix::new(x, n, inner), weights);
}

/// `dW += dyᵀ·x`: dy `[n, outer]`, x `[n, inner]`, dW `[outer, inner]`.
fn add_weight_gradient(dy: &[f32], x: &[f32], gradient: &mut [f32], [n, inner, outer]: [usize; 3]) {
    let dy = Matrix::new(dy, n, outer).transposed();
    multiply(MatrixMut::new(gradient, outer, inner), true, 1.0, dy, Matrix::new(x, n, inner));
}

/// `dx = dy·W`: dy `[n, outer]`, W `[outer, inner]`, dx `[n, inner]`.
fn input_gradient(dy: &[f32], weights: &[f32], dx: &mut [f32], [n, inner, outer]: [usize; 3]) {
    let weights = Matrix::new(weights, outer, inner);
    multiply(MatrixMut::new(dx, n, inner), false, 1.0, Matrix::new(dy, n, outer), weights);
}

/// Gain and bias of a norm, which stand one behind the other.
fn two<'a>(
    gradient: &'a mut [f32],
    gain: &Range<usize>,
    bias: &Range<usize>,
) -> (&'a mut [f32], &'a mut [f32]) {
    debug_assert_eq!(gain.end, bias.start);
    gradient[gain.start..bias.end].split_at_mut(gain.len())
}

/// The bias' rectangles in a segment, counted from its start; none where there is no bias.
fn rectangles_of(
    row: &PackedRow,
    segment: &Range<usize>,
    constants: &HeadConstants,
    rectangles: &mut Vec<Rectangle>,
) {
    rectangles.clear();
    if constants.biases.is_empty() {
        return;
    }
    let inside = |link: &&crate::Link| segment.start <= link.call.start && link.output.end <= segment.end;
    rectangles.extend(row.links.iter().filter(inside).map(|link| Rectangle {
        queries: link.output.start - segment.start..link.output.end - segment.start,
        keys: link.call.start - segment.start..link.call.end - segment.start,
    }));
}
