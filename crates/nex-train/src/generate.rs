//! Generation: prompts in, sampled tokens with their log-probabilities out.
//!
//! A request's randomness is its own (seed and index), so its companions in the batch change only the
//! rounding of its logits. Slots that end are filled with the next request at once.

use crate::kernels::log_softmax_statistics;
use crate::threads::for_each;
use crate::{Decoder, Model, Piece, Slot, TrainError, softmax_in_place};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the likeliest token.
    pub temperature: f32,
    /// Only the likeliest tokens that together reach this probability are drawn from.
    pub top_p: f32,
}

impl Default for Sampling {
    /// The model's own distribution, which reinforcement learning needs.
    fn default() -> Self {
        Self { temperature: 1.0, top_p: 1.0 }
    }
}

/// A drawn token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Its id.
    pub token: u32,
    /// Its log-probability in nats under the distribution it was drawn from: after mask, temperature and
    /// top-p.
    pub log_probability: f32,
    /// Its log-probability in nats under the model itself: no mask, temperature 1.
    pub model_log_probability: f32,
}

/// Draws a token from `logits` `[vocabulary]`, which are spent by it. `mask` sets those of forbidden tokens
/// to −∞, at least one is left.
pub fn sample(
    logits: &mut [f32],
    sampling: Sampling,
    mask: impl FnOnce(&mut [f32]),
    rng: &mut impl Rng,
) -> Sampled {
    let model_log_sum = log_softmax_statistics(logits).1;
    if sampling.temperature <= 0.0 {
        mask(logits);
        let token = likeliest(logits);
        // A mask leaves the logits of what it allows.
        let model_log_probability = logits[token] - model_log_sum;
        return Sampled { token: token as u32, log_probability: 0.0, model_log_probability };
    }
    let mut probabilities = logits.to_vec();
    mask(&mut probabilities);
    let inverse = 1.0 / sampling.temperature;
    probabilities.iter_mut().for_each(|logit| *logit *= inverse);
    softmax_in_place(&mut probabilities);
    let mut mass = 1.0;
    if sampling.top_p < 1.0 {
        mass = keep_nucleus(&mut probabilities, sampling.top_p);
    }
    let token = token_at(&probabilities, rng.random::<f32>() * mass);
    Sampled {
        token: token as u32,
        log_probability: (probabilities[token] / mass).ln(),
        model_log_probability: logits[token] - model_log_sum,
    }
}

/// The first token at which the sum of probabilities passes `mark`; the likeliest where rounding leaves none.
fn token_at(probabilities: &[f32], mark: f32) -> usize {
    const RUN: usize = 64;
    // The vector exponential gives a little more than 0 for −∞.
    const FORBIDDEN: f32 = 1e-30;
    let mut left = mark;
    for (run, chunk) in probabilities.chunks(RUN).enumerate() {
        let sum: f32 = chunk.iter().sum();
        if left < sum {
            for (index, probability) in chunk.iter().enumerate() {
                left -= probability;
                if left < 0.0 && *probability > FORBIDDEN {
                    return run * RUN + index;
                }
            }
        }
        left = (left - sum).max(0.0);
    }
    likeliest(probabilities)
}

/// Sets all but the likeliest tokens, which reach `top_p` together, to 0; gives the mass that is left.
fn keep_nucleus(probabilities: &mut [f32], top_p: f32) -> f32 {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]).then(a.cmp(b)));
    let mut mass = 0.0;
    let mut is_full = false;
    for index in order {
        if is_full {
            probabilities[index] = 0.0;
        } else {
            mass += probabilities[index];
            is_full = mass >= top_p;
        }
    }
    mass
}

fn likeliest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// One thing to generate.
#[derive(Clone, Debug)]
pub struct Request {
    /// What stands before.
    pub prompt: Vec<u32>,
    /// Tokens generated at most.
    pub max_tokens: usize,
    /// Generation ends with one of these, which is kept.
    pub stop: Vec<u32>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Seed of this request.
    pub seed: u64,
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A stop token came.
    Stop,
    /// The request's tokens were used up.
    Length,
    /// The slot was full.
    ContextFull,
}

/// What was generated.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// The tokens, a stop token included.
    pub tokens: Vec<Sampled>,
    /// Why it ended.
    pub ended: Ended,
}

/// Forbids tokens: called with the request's index, what it has generated and the logits, before each draw;
/// sets logits to −∞ and leaves at least one.
pub type TokenMask<'a> = &'a (dyn Fn(usize, &[Sampled], &mut [f32]) + Sync);

/// A request under way.
struct Running {
    index: usize,
    slot: Slot,
    rng: ChaCha8Rng,
    tokens: Vec<Sampled>,
}

/// Generates all `requests` in the slots of `decoder`, which must be free; results in the order of requests.
///
/// # Errors
/// A prompt is empty, longer than a slot, or names tokens that do not exist.
pub fn generate(
    decoder: &mut Decoder,
    requests: &[Request],
    mask: Option<TokenMask<'_>>,
) -> Result<Vec<Generation>, TrainError> {
    let all: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
    let mut results = generate_indexed(decoder, &all, mask)?;
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, generation)| generation).collect())
}

/// The same on one decoder a thread, each with `slots` slots. Requests are dealt out in turn, so the result
/// is a function of requests, threads and slots.
///
/// # Errors
/// As [`generate`].
pub fn generate_on_threads(
    model: &Arc<Model>,
    requests: &[Request],
    slots: usize,
    threads: usize,
    mask: Option<TokenMask<'_>>,
) -> Result<Vec<Generation>, TrainError> {
    let threads = threads.clamp(1, requests.len().max(1));
    let longest = requests.iter().map(|r| r.prompt.len() + r.max_tokens).max().unwrap_or(1);
    let mut hands: Vec<Vec<(usize, &Request)>> = vec![Vec::new(); threads];
    for (index, request) in requests.iter().enumerate() {
        hands[index % threads].push((index, request));
    }
    type Outcome = Result<Vec<(usize, Generation)>, TrainError>;
    let mut outcomes: Vec<Outcome> = hands.iter().map(|_| Ok(Vec::new())).collect();
    for_each(&mut vec![(); threads], hands.iter().zip(&mut outcomes), |(), (hand, outcome)| {
        let mut decoder = Decoder::new(model.clone(), slots.min(hand.len()).max(1), longest);
        *outcome = generate_indexed(&mut decoder, hand, mask);
    });
    let mut results = Vec::with_capacity(requests.len());
    for outcome in outcomes {
        results.extend(outcome?);
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, generation)| generation).collect())
}

fn generate_indexed(
    decoder: &mut Decoder,
    requests: &[(usize, &Request)],
    mask: Option<TokenMask<'_>>,
) -> Result<Vec<(usize, Generation)>, TrainError> {
    let vocabulary = decoder.model().config.vocabulary;
    let mut waiting = requests.iter();
    let mut running: Vec<(Running, &Request)> = Vec::new();
    let mut done = Vec::with_capacity(requests.len());
    loop {
        let before = running.len();
        while let Some(slot) = decoder.open() {
            let Some((index, request)) = waiting.next() else {
                decoder.close(slot);
                break;
            };
            let rng = ChaCha8Rng::seed_from_u64(request.seed);
            running.push((Running { index: *index, slot, rng, tokens: Vec::new() }, request));
        }
        if running.is_empty() {
            return Ok(done);
        }
        let lasts: Vec<[u32; 1]> =
            running.iter().map(|(run, _)| [run.tokens.last().map_or(0, |sampled| sampled.token)]).collect();
        let pieces: Vec<Piece<'_>> = running
            .iter()
            .zip(&lasts)
            .enumerate()
            .map(|(at, ((run, request), last))| Piece {
                slot: run.slot,
                tokens: if at < before { last } else { &request.prompt },
                answers: None,
            })
            .collect();
        let logits = decoder.extend(&pieces)?;
        for ((run, request), logits) in running.iter_mut().zip(logits.chunks_exact_mut(vocabulary)) {
            let Running { index, rng, tokens, .. } = run;
            let forbid = |logits: &mut [f32]| {
                if let Some(mask) = mask {
                    mask(*index, tokens, logits);
                }
            };
            let sampled = sample(logits, request.sampling, forbid, rng);
            run.tokens.push(sampled);
        }
        let mut left = Vec::with_capacity(running.len());
        for (run, request) in running.drain(..) {
            let ended = match run.tokens.last() {
                Some(last) if request.stop.contains(&last.token) => Some(Ended::Stop),
                _ if run.tokens.len() >= request.max_tokens => Some(Ended::Length),
                _ if decoder.length(run.slot) == decoder.capacity() => Some(Ended::ContextFull),
                _ => None,
            };
            match ended {
                Some(ended) => {
                    decoder.close(run.slot);
                    done.push((run.index, Generation { tokens: run.tokens, ended }));
                }
                None => left.push((run, request)),
            }
        }
        running = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits() -> Vec<f32> {
        [0.5_f32, 0.25, 0.125, 0.125].iter().map(|p| p.ln()).collect()
    }

    fn draw(sampling: Sampling, mask: impl Fn(&mut [f32]), seed: u64) -> Sampled {
        sample(&mut logits(), sampling, mask, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let mut counts = [0; 4];
        for seed in 0..4000 {
            let sampled = draw(Sampling::default(), |_| {}, seed);
            counts[sampled.token as usize] += 1;
            assert!((sampled.log_probability - sampled.model_log_probability).abs() < 1e-6);
        }
        for (count, expected) in counts.iter().zip([2000.0, 1000.0, 500.0, 500.0]) {
            // Five standard deviations.
            assert!((f64::from(*count) - expected).abs() < 5.0 * f64::sqrt(expected), "{counts:?}");
        }
    }

    #[test]
    fn temperature_nucleus_and_mask_by_hand() {
        let greedy =
            draw(Sampling { temperature: 0.0, top_p: 1.0 }, |logits| logits[0] = f32::NEG_INFINITY, 1);
        assert_eq!((greedy.token, greedy.log_probability), (1, 0.0));
        assert!((greedy.model_log_probability - 0.25_f32.ln()).abs() < 1e-6);
        for seed in 0..200 {
            // ½ and ¼ reach 0.7 together: thirds.
            let nucleus = draw(Sampling { temperature: 1.0, top_p: 0.7 }, |_| {}, seed);
            let expected = [2.0_f32 / 3.0, 1.0 / 3.0][nucleus.token as usize];
            assert!((nucleus.log_probability - expected.ln()).abs() < 1e-5);
            // Temperature ½ squares: ¼, 1/16, 1/64, 1/64 of 22/64.
            let cold = draw(Sampling { temperature: 0.5, top_p: 1.0 }, |_| {}, seed);
            let expected = [16.0_f32 / 22.0, 4.0 / 22.0, 1.0 / 22.0, 1.0 / 22.0][cold.token as usize];
            assert!((cold.log_probability - expected.ln()).abs() < 1e-5);
            let masked = draw(Sampling::default(), |logits| logits[..2].fill(f32::NEG_INFINITY), seed);
            assert!(masked.token >= 2 && (masked.log_probability - 0.5_f32.ln()).abs() < 1e-5);
            assert!((masked.model_log_probability - 0.125_f32.ln()).abs() < 1e-5);
        }
    }
}
