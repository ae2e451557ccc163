//! Which samples a step reads: stages of growing context, shuffled epochs, packed rows.
//!
//! A function of (samples, options, seed, step): a run that was killed finds its place again by counting.

use crate::{EncodedSample, PackedRow, TrainError};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Rows kept open while samples are packed: the first that has room takes the next sample.
const OPEN_ROWS: usize = 16;

/// One stage of the curriculum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Longest sample and length of a packed row, as a share of the model's context.
    pub context: f32,
    /// Share of all steps, and as each step reads about as many tokens, of all tokens.
    pub share: f32,
}

/// Nexus-1 §4: 32K for 70 % of tokens, 64K for 20 %, 128K for 10 %, as shares of the longest context.
pub const PAPER_STAGES: [Stage; 3] = [
    Stage { context: 0.25, share: 0.7 },
    Stage { context: 0.5, share: 0.2 },
    Stage { context: 1.0, share: 0.1 },
];

/// Whether `stages` are a curriculum.
pub(crate) fn check_stages(stages: &[Stage]) -> Result<(), TrainError> {
    let fault = |reason: String| Err(TrainError::Option { option: "stages", reason });
    let total: f32 = stages.iter().map(|stage| stage.share).sum();
    if (total - 1.0).abs() > 1e-3 {
        return fault(format!("their shares sum to {total}, not to 1"));
    }
    match stages.iter().find(|s| !(s.context > 0.0 && s.context <= 1.0 && s.share > 0.0)) {
        Some(stage) => fault(format!("context {} or share {} is not in (0, 1]", stage.context, stage.share)),
        None => Ok(()),
    }
}

/// The rows of one stage, without end.
#[derive(Debug)]
pub(crate) struct RowStream<'a> {
    samples: Vec<&'a EncodedSample>,
    capacity: usize,
    rng: ChaCha8Rng,
    waiting: std::vec::IntoIter<PackedRow>,
    /// Epochs begun.
    pub(crate) epochs: u64,
}

impl<'a> RowStream<'a> {
    /// Rows of up to `capacity` tokens out of the samples that fit; `stage` and `seed` choose the order.
    ///
    /// # Errors
    /// No sample fits.
    pub(crate) fn new(
        samples: &'a [EncodedSample],
        capacity: usize,
        stage: u64,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let fitting: Vec<&EncodedSample> =
            samples.iter().filter(|sample| sample.tokens.len() <= capacity).collect();
        if fitting.is_empty() {
            let reason = format!("no sample fits the {capacity} tokens of stage {}", stage + 1);
            return Err(TrainError::NoActionTokens { reason });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stage + 1);
        Ok(Self { samples: fitting, capacity, rng, waiting: Vec::new().into_iter(), epochs: 0 })
    }

    /// The next `count` rows.
    pub(crate) fn next_rows(&mut self, count: usize) -> Vec<PackedRow> {
        let mut rows = Vec::with_capacity(count);
        while rows.len() < count {
            match self.waiting.next() {
                Some(row) => rows.push(row),
                None => {
                    self.samples.sort_by(|a, b| a.id.cmp(&b.id));
                    let mut packed = pack(&mut self.samples, self.capacity, &mut self.rng);
                    packed.shuffle(&mut self.rng);
                    self.epochs += 1;
                    self.waiting = packed.into_iter();
                }
            }
        }
        rows
    }
}

/// Packs samples, shuffled, into rows of up to `capacity` tokens; each sample once.
fn pack(samples: &mut [&EncodedSample], capacity: usize, rng: &mut impl Rng) -> Vec<PackedRow> {
    samples.shuffle(rng);
    let mut done = Vec::new();
    let mut open: Vec<PackedRow> = Vec::new();
    for sample in samples.iter() {
        let room = |row: &&mut PackedRow| row.tokens.len() + sample.tokens.len() <= capacity;
        match open.iter_mut().find(room) {
            Some(row) => sample.add_to(row),
            None => {
                if open.len() == OPEN_ROWS {
                    let fullest = (0..OPEN_ROWS).max_by_key(|at| open[*at].tokens.len()).unwrap_or(0);
                    done.push(open.remove(fullest));
                }
                let mut row = PackedRow::default();
                sample.add_to(&mut row);
                open.push(row);
            }
        }
    }
    done.append(&mut open);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<EncodedSample> {
        (0..40)
            .map(|i| {
                let length = 3 + (i * 7) % 20;
                EncodedSample {
                    id: format!("s{i}"),
                    tokens: vec![i as u32; length],
                    is_action: vec![true; length],
                    ..EncodedSample::default()
                }
            })
            .collect()
    }

    #[test]
    fn an_epoch_has_each_sample_once_and_rows_are_nearly_full() {
        let samples = samples();
        let mut shuffled: Vec<&EncodedSample> = samples.iter().collect();
        let rows = pack(&mut shuffled, 32, &mut ChaCha8Rng::seed_from_u64(1));
        let mut seen: Vec<u32> =
            rows.iter().flat_map(|row| row.segments.iter().map(|s| row.tokens[s.start])).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
        let tokens: usize = rows.iter().map(|row| row.tokens.len()).sum();
        assert!(rows.iter().all(|row| row.tokens.len() <= 32));
        assert!(tokens as f64 > 0.85 * (rows.len() * 32) as f64, "{tokens} tokens in {} rows", rows.len());
    }

    #[test]
    fn rows_are_a_function_of_seed_stage_and_place() {
        let samples = samples();
        let rows = |seed, stage, parts: &[usize]| {
            let mut stream = RowStream::new(&samples, 24, stage, seed).unwrap();
            parts.iter().flat_map(|count| stream.next_rows(*count)).collect::<Vec<_>>()
        };
        assert_eq!(rows(5, 0, &[60]), rows(5, 0, &[7, 50, 3]));
        assert_ne!(rows(5, 0, &[9]), rows(6, 0, &[9]));
        assert_ne!(rows(5, 0, &[9]), rows(5, 1, &[9]));
    }

    #[test]
    fn stages_must_share_the_whole() {
        assert!(check_stages(&PAPER_STAGES).is_ok());
        let told = check_stages(&[Stage { context: 1.0, share: 0.5 }]).unwrap_err().to_string();
        assert_eq!(told, "training option `stages`: their shares sum to 0.5, not to 1");
        assert!(check_stages(&[Stage { context: 1.5, share: 1.0 }]).is_err());
        let samples = samples();
        assert!(RowStream::new(&samples, 2, 0, 1).is_err());
    }
}
