//! The tensor arithmetic: everything above this module speaks of models, everything in it of slices.
//!
//! All tensors are row-major `f32`. Each function works on one thread, allocates nothing, and gives the
//! same bits for the same input on the same processor; the instruction set (AVX-512, AVX2, NEON or
//! none) is chosen when the program runs. A back end for another device would replace this module.

mod attention;
mod cross_entropy;
pub(crate) mod dispatch;
mod elementwise;
mod exponential;
mod lanes;
mod layer_norm;
mod matmul;
mod matvec;
mod rotary;

pub(crate) use attention::{Attention, AttentionScratch, Head, Rectangle};
pub(crate) use cross_entropy::log_softmax_statistics;
pub use cross_entropy::softmax_in_place;
pub(crate) use elementwise::{add, gelu, gelu_and_derivative, multiply_in_place, sum_of_squares};
pub(crate) use exponential::exp;
pub(crate) use layer_norm::{apply_gain, layer_norm, layer_norm_backward};
pub(crate) use matmul::{Matrix, MatrixMut, multiply};
pub(crate) use matvec::{matvec, scores_of_cached_keys, weighted_sum_of_values};
pub(crate) use rotary::{RotaryTable, smear_keys, smear_keys_backward};
