//! The forward pass one piece at a time, with keys and values kept: what generation runs on.
//!
//! A decoder has a fixed number of slots, each a sequence of its own length. [`Decoder::extend`] appends
//! tokens to any of them together and gives the logits behind each. Buffers are allocated once. It works
//! on one thread; several threads have a decoder each, which is faster than sharing one.
//!
//! Parity: the logits are those of [`crate::Workspace::forward`] up to rounding. Which slots are extended
//! together changes the rounding, and nothing else.

use crate::kernels::{
    Matrix, MatrixMut, RotaryTable, gelu, layer_norm, matvec, multiply, scores_of_cached_keys,
    softmax_in_place, weighted_sum_of_values,
};
use crate::parameters::HeadConstants;
use crate::{Model, ModelConfig, TrainError};
use std::ops::Range;
use std::sync::Arc;

/// Rows that go through the layers together.
const MAX_ROWS: usize = 256;
/// Up to so many rows are faster one by one than as a matrix.
const FEW_ROWS: usize = 3;

/// One of a decoder's sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(usize);

/// Tokens that are appended to a slot.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    /// Where to.
    pub slot: Slot,
    /// What.
    pub tokens: &'a [u32],
    /// These tokens are a tool's output, and this is where in the slot its call stands: the tool-aware
    /// bias applies between the two. None for all other tokens.
    pub answers: Option<Range<usize>>,
}

/// Where one row of a pass belongs.
#[derive(Clone, Debug)]
struct Row {
    slot: usize,
    position: usize,
    answers: Range<usize>,
}

/// Decodes with one model.
#[derive(Debug)]
pub struct Decoder {
    model: Arc<Model>,
    capacity: usize,
    /// Distance of a head's key rows: the capacity, rounded up for whole vectors.
    stride: usize,
    lengths: Vec<Option<usize>>,
    rotary: RotaryTable,
    constants: Vec<HeadConstants>,
    /// A layer: `[slots, heads, width, stride]`.
    keys: Vec<Vec<f32>>,
    /// A layer: `[slots, heads, stride, width]`.
    values: Vec<Vec<f32>>,
    /// A layer: the last key before smearing, `[slots, hidden]`.
    raw_keys: Vec<Vec<f32>>,
    rows: Vec<Row>,
    stream: Vec<f32>,
    normed: Vec<f32>,
    inverse: Vec<f32>,
    input: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    up: Vec<f32>,
    active: Vec<f32>,
    scores: Vec<f32>,
    last: Vec<f32>,
    logits: Vec<f32>,
}

impl Decoder {
    /// A decoder with `slots` sequences of up to `capacity` tokens, at most the model's context.
    pub fn new(model: Arc<Model>, slots: usize, capacity: usize) -> Self {
        let config = &model.config;
        let &ModelConfig { hidden: d, layers, .. } = config;
        let capacity = capacity.min(config.context);
        let stride = capacity.next_multiple_of(16);
        let per_layer = |length: usize| vec![vec![0.0; length]; layers];
        Self {
            rotary: RotaryTable::new(config.rope_base, config.head_width(), capacity),
            constants: constants(&model),
            capacity,
            stride,
            lengths: vec![None; slots],
            keys: per_layer(slots * d * stride),
            values: per_layer(slots * d * stride),
            raw_keys: per_layer(if config.smeared_keys { slots * d } else { 0 }),
            rows: Vec::with_capacity(MAX_ROWS),
            stream: vec![0.0; MAX_ROWS * d],
            normed: vec![0.0; MAX_ROWS * d],
            inverse: vec![0.0; MAX_ROWS],
            input: vec![0.0; MAX_ROWS * d],
            qkv: vec![0.0; MAX_ROWS * 3 * d],
            attended: vec![0.0; MAX_ROWS * d],
            up: vec![0.0; MAX_ROWS * config.intermediate],
            active: vec![0.0; MAX_ROWS * config.intermediate],
            scores: vec![0.0; capacity],
            last: Vec::new(),
            logits: Vec::new(),
            model,
        }
    }

    /// Takes another model of the same shape; all slots are freed, for their keys were the old one's.
    ///
    /// # Panics
    /// The shape is another: a bug in the caller.
    pub fn set_model(&mut self, model: Arc<Model>) {
        assert_eq!(model.config, self.model.config, "a decoder is made for one shape");
        self.constants = constants(&model);
        self.lengths.fill(None);
        self.model = model;
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Tokens that a slot has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes a free slot, empty; none if all are taken.
    pub fn open(&mut self) -> Option<Slot> {
        let at = self.lengths.iter().position(Option::is_none)?;
        self.lengths[at] = Some(0);
        Some(Slot(at))
    }

    /// Frees a slot.
    pub fn close(&mut self, slot: Slot) {
        self.lengths[slot.0] = None;
    }

    /// Tokens in a slot.
    pub fn length(&self, slot: Slot) -> usize {
        self.lengths[slot.0].unwrap_or(0)
    }

    /// Drops all but the first `length` tokens of a slot.
    ///
    /// # Panics
    /// With smeared keys, unless `length` is 0 or changes nothing: the key before smearing is kept for the
    /// last token only.
    pub fn truncate(&mut self, slot: Slot, length: usize) {
        let now = self.length(slot);
        assert!(
            !self.model.config.smeared_keys || length == 0 || length >= now,
            "a slot of a model with smeared keys cannot be cut"
        );
        self.lengths[slot.0] = Some(now.min(length));
    }

    /// Copies a slot's sequence to another one: many continuations of one prompt cost its pass once.
    pub fn copy(&mut self, from: Slot, to: Slot) {
        let ModelConfig { hidden: d, heads, .. } = self.model.config;
        let (length, stride, width) = (self.length(from), self.stride, d / heads);
        let size = d * stride;
        for layer in 0..self.keys.len() {
            for row in 0..d {
                let at = from.0 * size + row * stride;
                self.keys[layer].copy_within(at..at + length, to.0 * size + row * stride);
            }
            for head in 0..heads {
                let at = head * stride * width;
                let source = from.0 * size + at;
                self.values[layer].copy_within(source..source + length * width, to.0 * size + at);
            }
            if !self.raw_keys[layer].is_empty() {
                self.raw_keys[layer].copy_within(from.0 * d..(from.0 + 1) * d, to.0 * d);
            }
        }
        self.lengths[to.0] = Some(length);
    }

    /// Appends pieces, and gives the logits behind the last token of each, `[pieces, vocabulary]`. A slot
    /// may come several times; its pieces are appended in order.
    ///
    /// # Errors
    /// A piece is empty, too long for its slot, or names tokens or positions that do not exist; a slot is
    /// not open. Nothing was appended then.
    pub fn extend(&mut self, pieces: &[Piece<'_>]) -> Result<&mut [f32], TrainError> {
        self.check(pieces)?;
        let model = self.model.clone();
        let ModelConfig { hidden: d, vocabulary, .. } = model.config;
        self.last.resize(pieces.len() * d, 0.0);
        let mut ends = Vec::with_capacity(MAX_ROWS);
        self.rows.clear();
        for (index, piece) in pieces.iter().enumerate() {
            for (at, token) in piece.tokens.iter().enumerate() {
                let row = self.rows.len();
                let position = self.length(piece.slot);
                self.lengths[piece.slot.0] = Some(position + 1);
                let answers = piece.answers.clone().unwrap_or(0..0);
                self.rows.push(Row { slot: piece.slot.0, position, answers });
                let embedding = &model.parameters[model.layout.embedding.clone()];
                self.stream[row * d..(row + 1) * d].copy_from_slice(&embedding[*token as usize * d..][..d]);
                if at + 1 == piece.tokens.len() {
                    ends.push((row, index));
                }
                if self.rows.len() == MAX_ROWS {
                    self.pass(&model, &mut ends);
                }
            }
        }
        self.pass(&model, &mut ends);
        self.logits.resize(pieces.len() * vocabulary, 0.0);
        let output = &model.parameters[model.layout.output.clone()];
        linear(&self.last, output, &mut self.logits, [pieces.len(), d, vocabulary], false);
        Ok(&mut self.logits)
    }

    fn check(&self, pieces: &[Piece<'_>]) -> Result<(), TrainError> {
        let vocabulary = self.model.config.vocabulary;
        let mut added = vec![0; self.lengths.len()];
        for piece in pieces {
            let slot = piece.slot.0;
            let fault = |reason: String| Err(TrainError::Sequence { what: format!("slot {slot}"), reason });
            let Some(length) = self.lengths.get(slot).copied().flatten() else {
                return fault("it is not open".to_owned());
            };
            if piece.tokens.is_empty() {
                return fault("there is nothing to append".to_owned());
            }
            let before = length + added[slot];
            added[slot] += piece.tokens.len();
            if length + added[slot] > self.capacity {
                return fault(format!("{} tokens do not fit its {}", length + added[slot], self.capacity));
            }
            if let Some(token) = piece.tokens.iter().find(|token| **token as usize >= vocabulary) {
                return fault(format!("token {token} is outside the vocabulary of {vocabulary}"));
            }
            if let Some(call) = &piece.answers
                && call.end > before
            {
                return fault(format!("the call at {call:?} does not stand before position {before}"));
            }
        }
        Ok(())
    }

    /// Sends the waiting rows through all layers; keeps the hidden states of `ends` in `self.last`.
    fn pass(&mut self, model: &Model, ends: &mut Vec<(usize, usize)>) {
        let n = self.rows.len();
        if n == 0 {
            return;
        }
        let ModelConfig { hidden: d, intermediate, norm_epsilon, .. } = model.config;
        let part = |range: &Range<usize>| &model.parameters[range.clone()];
        for (layer, ranges) in model.layout.layers.iter().enumerate() {
            let gain = (part(&ranges.attention_gain), part(&ranges.attention_bias));
            self.norm(n, d, gain, norm_epsilon);
            linear(&self.input[..n * d], part(&ranges.qkv), &mut self.qkv, [n, d, 3 * d], false);
            self.attend(model, layer);
            let (attended, out) = (&self.attended[..n * d], part(&ranges.attention_out));
            linear(attended, out, &mut self.stream, [n, d, d], true);
            self.norm(n, d, (part(&ranges.mlp_gain), part(&ranges.mlp_bias)), norm_epsilon);
            linear(&self.input[..n * d], part(&ranges.up), &mut self.up, [n, d, intermediate], false);
            gelu(&self.up[..n * intermediate], &mut self.active[..n * intermediate]);
            let active = &self.active[..n * intermediate];
            linear(active, part(&ranges.down), &mut self.stream, [n, intermediate, d], true);
        }
        let gain = (part(&model.layout.final_gain), part(&model.layout.final_bias));
        self.norm(n, d, gain, norm_epsilon);
        for (row, index) in ends.drain(..) {
            self.last[index * d..(index + 1) * d].copy_from_slice(&self.input[row * d..(row + 1) * d]);
        }
        self.rows.clear();
    }

    fn norm(&mut self, n: usize, d: usize, (gain, bias): (&[f32], &[f32]), epsilon: f32) {
        layer_norm(
            &self.stream[..n * d],
            gain,
            bias,
            epsilon,
            &mut self.normed[..n * d],
            &mut self.inverse[..n],
            &mut self.input[..n * d],
        );
    }

    /// Keeps keys and values of the rows, then lets each row attend to its slot up to itself.
    fn attend(&mut self, model: &Model, layer: usize) {
        let ModelConfig { hidden: d, heads, .. } = model.config;
        let (width, stride) = (d / heads, self.stride);
        let HeadConstants { biases, shares } = &self.constants[layer];
        let (keys, values) = (&mut self.keys[layer], &mut self.values[layer]);
        for (row, qkv) in self.rows.iter().zip(self.qkv.chunks_exact_mut(3 * d)) {
            if !shares.is_empty() {
                let raw = &mut self.raw_keys[layer][row.slot * d..][..d];
                smear(qkv, raw, shares, width, row.position == 0);
            }
            self.rotary.turn_rows(qkv, 3 * d, row.position, false);
            for head in 0..heads {
                let at = (row.slot * heads + head) * width * stride;
                let (key, value) = qkv[head * 3 * width + width..][..2 * width].split_at(width);
                for (i, key) in key.iter().enumerate() {
                    keys[at + i * stride + row.position] = *key;
                }
                values[at + row.position * width..][..width].copy_from_slice(value);
            }
        }
        let scale = 1.0 / (width as f32).sqrt();
        let rows = self.rows.iter().zip(self.qkv.chunks_exact(3 * d)).zip(self.attended.chunks_exact_mut(d));
        for ((row, qkv), attended) in rows {
            let scores = &mut self.scores[..row.position + 1];
            for (head, out) in attended.chunks_exact_mut(width).enumerate() {
                let at = (row.slot * heads + head) * width * stride;
                let query = &qkv[head * 3 * width..][..width];
                scores_of_cached_keys(query, &keys[at..at + width * stride], stride, scale, scores);
                if let Some(bias) = biases.get(head) {
                    for score in &mut scores[row.answers.clone()] {
                        *score += bias;
                    }
                }
                softmax_in_place(scores);
                weighted_sum_of_values(scores, &values[at..at + width * stride], out);
            }
        }
    }
}

/// Smears the keys of one row `[heads, 3, width]` with those before, which `raw` holds and then replaces.
fn smear(qkv: &mut [f32], raw: &mut [f32], shares: &[f32], width: usize, is_first: bool) {
    for ((share, raw), qkv) in
        shares.iter().zip(raw.chunks_exact_mut(width)).zip(qkv.chunks_exact_mut(3 * width))
    {
        for (key, before) in qkv[width..2 * width].iter_mut().zip(raw) {
            let own = *key;
            if !is_first {
                *key = share * own + (1.0 - share) * *before;
            }
            *before = own;
        }
    }
}

fn constants(model: &Model) -> Vec<HeadConstants> {
    let read = |layer| {
        let mut constants = HeadConstants::default();
        constants.read(&model.config, &model.parameters, layer);
        constants
    };
    model.layout.layers.iter().map(read).collect()
}

/// `y = x·Wᵀ`, added with `adds`: x `[n, inner]`, W `[outer, inner]`, y `[n, outer]`.
fn linear(x: &[f32], weights: &[f32], y: &mut [f32], [n, inner, outer]: [usize; 3], adds: bool) {
    if n <= FEW_ROWS {
        for (x, y) in x.chunks_exact(inner).zip(y.chunks_exact_mut(outer)).take(n) {
            matvec(weights, x, adds, y);
        }
    } else {
        let weights = Matrix::new(weights, outer, inner).transposed();
        multiply(MatrixMut::new(y, n, outer), adds, 1.0, Matrix::new(x, n, inner), weights);
    }
}
