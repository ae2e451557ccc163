//! Small decoder-only policies: trained, kept and sampled from, without a tensor library.

mod batch;
mod checkpoint;
mod config;
mod curriculum;
mod dataset;
mod decoder;
mod encode;
mod error;
mod generate;
mod gradient;
mod head;
mod kernels;
mod optimizer;
mod parameters;
pub mod plan;
mod sft;
mod threads;
mod tokenizer;
mod transformer;

pub use batch::{Link, PackedRow, Target};
pub use checkpoint::{Policy, TrainerState};
pub use config::{ModelConfig, ToolBias};
pub use curriculum::{PAPER_STAGES, Stage};
pub use dataset::{DataReport, EpisodeFilter, EpisodeSource, TooLong};
pub use decoder::{Decoder, Piece, Slot};
pub use encode::{Declaration, DecodedReply, EncodedSample, Encoder, EncodingStyle, TokenKind};
pub use error::TrainError;
pub use generate::{
    Ended, Generation, Request, Sampled, Sampling, TokenMask, generate, generate_on_threads, sample,
};
pub use gradient::{BatchLoss, GradientEngine};
pub use head::{CrossEntropy, HeadScratch, TokenLoss};
pub use kernels::softmax_in_place;
pub use optimizer::{MuonConfig, Optimizer, OptimizerConfig, Schedule};
pub use parameters::{Layout, Model, TensorKind, TensorSpec};
pub use sft::{SftOptions, SftReport, StepMetrics, train_sft};
pub use threads::default_threads;
pub use tokenizer::{Mark, PolicyTokenizer};
pub use transformer::Workspace;
