//! A model's parameters: one flat buffer of `f32` with named views, in the order of [`Layout`].
//!
//! Names and shapes are those of Hugging Face's GPT-NeoX (queries, keys and values interleaved by
//! head), so that a model without our additions loads there.

use crate::{ModelConfig, ToolBias};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// What a tensor is, which decides how it starts and how it is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorKind {
    /// Embedding or output matrix.
    Embedding,
    /// A matrix inside a block whose output is not added to the residual stream directly.
    Matrix,
    /// A matrix whose output is added to the residual stream.
    ResidualMatrix,
    /// Gain of a layer norm.
    Gain,
    /// Bias of a layer norm.
    Bias,
    /// `w` of `s = σ(w)`, one a head.
    KeySmear,
    /// `w` of the bias `softplus(w)`, one a head.
    ToolBias,
}

impl TensorKind {
    /// It has two dimensions and stands inside a block.
    pub fn is_block_matrix(self) -> bool {
        matches!(self, Self::Matrix | Self::ResidualMatrix)
    }

    /// Weight decay applies to it: it has two dimensions.
    pub fn is_decayed(self) -> bool {
        self.is_block_matrix() || self == Self::Embedding
    }
}

/// One tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name in files.
    pub name: String,
    /// Its shape: `[rows, columns]` or `[length]`.
    pub shape: Vec<usize>,
    /// Where its numbers stand in the flat buffer.
    pub range: Range<usize>,
    /// What it is.
    pub kind: TensorKind,
}

/// Places of one layer's tensors.
#[derive(Clone, Debug)]
pub(crate) struct LayerRanges {
    pub(crate) attention_gain: Range<usize>,
    pub(crate) attention_bias: Range<usize>,
    pub(crate) qkv: Range<usize>,
    pub(crate) key_smear: Option<Range<usize>>,
    pub(crate) tool_bias: Option<Range<usize>>,
    pub(crate) attention_out: Range<usize>,
    pub(crate) mlp_gain: Range<usize>,
    pub(crate) mlp_bias: Range<usize>,
    pub(crate) up: Range<usize>,
    pub(crate) down: Range<usize>,
}

/// Where each tensor stands.
#[derive(Clone, Debug)]
pub struct Layout {
    tensors: Vec<TensorSpec>,
    pub(crate) embedding: Range<usize>,
    pub(crate) layers: Vec<LayerRanges>,
    pub(crate) final_gain: Range<usize>,
    pub(crate) final_bias: Range<usize>,
    /// The output matrix; the embedding where they are tied.
    pub(crate) output: Range<usize>,
}

#[derive(Default)]
struct Builder {
    tensors: Vec<TensorSpec>,
    length: usize,
}

impl Builder {
    fn add(&mut self, name: String, kind: TensorKind, shape: &[usize]) -> Range<usize> {
        let range = self.length..self.length + shape.iter().product::<usize>();
        self.length = range.end;
        self.tensors.push(TensorSpec { name, shape: shape.to_vec(), range: range.clone(), kind });
        range
    }
}

impl Layout {
    /// The layout of a model of this shape.
    pub fn new(config: &ModelConfig) -> Self {
        let &ModelConfig { hidden, intermediate, vocabulary, heads, .. } = config;
        let mut builder = Builder::default();
        let embedding =
            builder.add("gpt_neox.embed_in.weight".to_owned(), TensorKind::Embedding, &[vocabulary, hidden]);
        let layers = (0..config.layers)
            .map(|layer| {
                let mut add = |name: &str, kind, shape: &[usize]| {
                    builder.add(format!("gpt_neox.layers.{layer}.{name}"), kind, shape)
                };
                LayerRanges {
                    attention_gain: add("input_layernorm.weight", TensorKind::Gain, &[hidden]),
                    attention_bias: add("input_layernorm.bias", TensorKind::Bias, &[hidden]),
                    qkv: add("attention.query_key_value.weight", TensorKind::Matrix, &[3 * hidden, hidden]),
                    key_smear: config
                        .smeared_keys
                        .then(|| add("attention.key_smear", TensorKind::KeySmear, &[heads])),
                    tool_bias: matches!(config.tool_bias, ToolBias::Learned { .. })
                        .then(|| add("attention.tool_bias", TensorKind::ToolBias, &[heads])),
                    attention_out: add(
                        "attention.dense.weight",
                        TensorKind::ResidualMatrix,
                        &[hidden, hidden],
                    ),
                    mlp_gain: add("post_attention_layernorm.weight", TensorKind::Gain, &[hidden]),
                    mlp_bias: add("post_attention_layernorm.bias", TensorKind::Bias, &[hidden]),
                    up: add("mlp.dense_h_to_4h.weight", TensorKind::Matrix, &[intermediate, hidden]),
                    down: add(
                        "mlp.dense_4h_to_h.weight",
                        TensorKind::ResidualMatrix,
                        &[hidden, intermediate],
                    ),
                }
            })
            .collect();
        let final_gain =
            builder.add("gpt_neox.final_layer_norm.weight".to_owned(), TensorKind::Gain, &[hidden]);
        let final_bias =
            builder.add("gpt_neox.final_layer_norm.bias".to_owned(), TensorKind::Bias, &[hidden]);
        let output = if config.tied_embeddings {
            embedding.clone()
        } else {
            builder.add("embed_out.weight".to_owned(), TensorKind::Embedding, &[vocabulary, hidden])
        };
        Self { tensors: builder.tensors, embedding, layers, final_gain, final_bias, output }
    }

    /// All tensors, in the order in which they stand in the buffer.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// Numbers in the buffer.
    pub fn parameter_count(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.range.end)
    }
}

/// A model: its shape, where its tensors stand, and the numbers.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its shape.
    pub config: ModelConfig,
    /// Where each tensor stands in `parameters`.
    pub layout: Layout,
    /// All numbers.
    pub parameters: Vec<f32>,
}

impl Model {
    /// A new model, a function of config and seed.
    ///
    /// Matrices are normal with σ = √(2 / 5·hidden), those that write to the residual stream narrower by
    /// √(2·layers); gains are 1, biases 0, smear shares ½, learned tool biases at their initial value.
    ///
    /// # Errors
    /// The config is not valid.
    pub fn new(config: ModelConfig, seed: u64) -> Result<Self, crate::TrainError> {
        config.validate()?;
        let layout = Layout::new(&config);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut parameters = vec![0.0; layout.parameter_count()];
        let width = (0.4 / config.hidden as f64).sqrt();
        for tensor in layout.tensors() {
            let numbers = &mut parameters[tensor.range.clone()];
            match tensor.kind {
                TensorKind::Embedding | TensorKind::Matrix => fill_normal(numbers, width, &mut rng),
                TensorKind::ResidualMatrix => {
                    fill_normal(numbers, width / (2.0 * config.layers as f64).sqrt(), &mut rng);
                }
                TensorKind::Gain => numbers.fill(1.0),
                TensorKind::Bias | TensorKind::KeySmear => {}
                TensorKind::ToolBias => {
                    if let ToolBias::Learned { initial } = config.tool_bias {
                        // softplus⁻¹
                        numbers.fill(initial.exp_m1().ln());
                    }
                }
            }
        }
        Ok(Self { config, layout, parameters })
    }

    /// The numbers of the tensor `name`, if there is one.
    pub fn tensor(&self, name: &str) -> Option<&[f32]> {
        let tensor = self.layout.tensors().iter().find(|tensor| tensor.name == name)?;
        Some(&self.parameters[tensor.range.clone()])
    }
}

/// Normal numbers of mean 0, by Box and Muller.
fn fill_normal(numbers: &mut [f32], width: f64, rng: &mut ChaCha8Rng) {
    for pair in numbers.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * width;
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        pair[0] = (radius * angle.cos()) as f32;
        if let Some(second) = pair.get_mut(1) {
            *second = (radius * angle.sin()) as f32;
        }
    }
}

/// Tool bias and smear shares of one layer, as they enter the forward pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadConstants {
    /// Bias a head; empty where there is none.
    pub(crate) biases: Vec<f32>,
    /// Share of the own key a head; empty where keys are not smeared.
    pub(crate) shares: Vec<f32>,
}

impl HeadConstants {
    /// Reads them for one layer into `self`, allocating nothing after the first time.
    pub(crate) fn read(&mut self, config: &ModelConfig, parameters: &[f32], layer: &LayerRanges) {
        self.biases.clear();
        match (&config.tool_bias, &layer.tool_bias) {
            (ToolBias::Fixed { value }, _) => self.biases.resize(config.heads, *value),
            (_, Some(range)) => self.biases.extend(parameters[range.clone()].iter().map(|w| softplus(*w))),
            _ => {}
        }
        self.shares.clear();
        if let Some(range) = &layer.key_smear {
            self.shares.extend(parameters[range.clone()].iter().map(|w| sigmoid(*w)));
        }
    }
}

pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f32) -> f32 {
    // ln(1 + eˣ), without overflow.
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_model() {
        let config = ModelConfig {
            smeared_keys: true,
            tool_bias: ToolBias::Learned { initial: 1.5 },
            tied_embeddings: false,
            ..ModelConfig::new(2, 2, 8, 16, 32)
        };
        let model = Model::new(config.clone(), 7).unwrap();
        assert_eq!(model.parameters, Model::new(config.clone(), 7).unwrap().parameters);
        assert_ne!(model.parameters, Model::new(config, 8).unwrap().parameters);
        let bias = model.tensor("gpt_neox.layers.1.attention.tool_bias").unwrap();
        assert!(bias.iter().all(|w| (softplus(*w) - 1.5).abs() < 1e-6));
        assert_eq!(sigmoid(model.tensor("gpt_neox.layers.0.attention.key_smear").unwrap()[0]), 0.5);
    }

    #[test]
    fn tensors_tile_the_buffer() {
        let layout = Layout::new(&ModelConfig::new(3, 2, 8, 16, 32));
        let mut end = 0;
        for tensor in layout.tensors() {
            assert_eq!(tensor.range.start, end);
            end = tensor.range.end;
        }
        // 16·8 + 3·(12·8² + 4·8) + 2·8
        assert_eq!(end, 128 + 3 * (768 + 32) + 16);
        assert_eq!(layout.output, layout.embedding);
    }
}
