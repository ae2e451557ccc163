//! The gradient of a batch, by data parallelism over packed rows.
//!
//! Row `i` goes to shard `i mod shards`; a shard adds its rows' gradients in order on one thread, and
//! the shards' sums are added in order. So the result depends on the number of shards, which is part
//! of a run's options, and never on the number of threads. Rows go through one at a time, which makes
//! gradient accumulation a matter of giving more rows.

use crate::kernels::{add, sum_of_squares};
use crate::threads::for_each;
use crate::{HeadScratch, Layout, ModelConfig, PackedRow, TokenLoss, TrainError, Workspace};

/// Numbers of the gradient summed together; fixed, so that sums have one order.
const CHUNK: usize = 1 << 14;

/// Buffers of one thread.
#[derive(Debug)]
struct Worker {
    workspace: Workspace,
    head: HeadScratch,
    hidden_gradient: Vec<f32>,
}

/// What a shard of the batch summed up to.
#[derive(Debug, Default)]
struct Shard {
    gradient: Vec<f32>,
    loss: f64,
    fault: Option<TrainError>,
}

/// Computes gradients of batches; all buffers are allocated once.
#[derive(Debug)]
pub struct GradientEngine {
    layout: Layout,
    workers: Vec<Worker>,
    shards: Vec<Shard>,
    gradient: Vec<f32>,
    squares: Vec<f64>,
}

/// The loss of a batch and the length of its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchLoss {
    /// Σ of the loss over all targets.
    pub loss: f64,
    /// √Σ gᵢ² over all parameters, before clipping.
    pub gradient_norm: f64,
}

impl GradientEngine {
    /// An engine for rows of up to `capacity` tokens on `threads` threads. `shards` and `recomputes`
    /// are explained above and at [`Workspace::new`].
    pub fn new(
        config: &ModelConfig,
        capacity: usize,
        threads: usize,
        shards: usize,
        recomputes: bool,
    ) -> Self {
        let layout = Layout::new(config);
        let count = layout.parameter_count();
        let shards = shards.max(1);
        let worker = || Worker {
            workspace: Workspace::new(config, capacity, recomputes),
            head: HeadScratch::new(config),
            hidden_gradient: vec![0.0; capacity * config.hidden],
        };
        Self {
            workers: (0..threads.clamp(1, shards)).map(|_| worker()).collect(),
            shards: (0..shards).map(|_| Shard { gradient: vec![0.0; count], ..Shard::default() }).collect(),
            gradient: vec![0.0; count],
            squares: vec![0.0; count.div_ceil(CHUNK)],
            layout,
        }
    }

    /// The gradient of the batch that was computed last.
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// The same, to be changed in place.
    pub fn gradient_mut(&mut self) -> &mut [f32] {
        &mut self.gradient
    }

    /// Where each tensor stands in the gradient.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Computes loss and gradient of `rows`; `loss_of(i)` is the loss of row `i`.
    ///
    /// # Errors
    /// A row does not fit the model.
    pub fn compute<L: TokenLoss>(
        &mut self,
        parameters: &[f32],
        rows: &[PackedRow],
        loss_of: impl Fn(usize) -> L + Sync,
    ) -> Result<BatchLoss, TrainError> {
        let used = self.shards.len().min(rows.len()).max(1);
        let layout = &self.layout;
        for_each(&mut self.workers, self.shards[..used].iter_mut().enumerate(), |worker, (index, shard)| {
            shard.gradient.fill(0.0);
            shard.loss = 0.0;
            shard.fault = None;
            for at in (index..rows.len()).step_by(used) {
                let row = &rows[at];
                if let Err(fault) = worker.workspace.forward(parameters, row) {
                    shard.fault = Some(fault);
                    return;
                }
                shard.loss += worker.head.loss_and_gradient(
                    layout,
                    parameters,
                    row,
                    worker.workspace.hidden(),
                    &loss_of(at),
                    &mut worker.hidden_gradient,
                    &mut shard.gradient,
                );
                worker.workspace.backward(parameters, row, &worker.hidden_gradient, &mut shard.gradient);
            }
        });
        if let Some(fault) = self.shards[..used].iter_mut().find_map(|shard| shard.fault.take()) {
            return Err(fault);
        }
        let shards = &self.shards[..used];
        let chunks = self.gradient.chunks_mut(CHUNK).zip(&mut self.squares).enumerate();
        for_each(&mut self.workers, chunks, |_, (index, (sum, squares))| {
            let from = index * CHUNK;
            let within = from..from + sum.len();
            sum.copy_from_slice(&shards[0].gradient[within.clone()]);
            for shard in &shards[1..] {
                add(sum, &shard.gradient[within.clone()]);
            }
            *squares = sum_of_squares(sum);
        });
        Ok(BatchLoss {
            loss: shards.iter().map(|shard| shard.loss).sum(),
            gradient_norm: self.squares.iter().sum::<f64>().sqrt(),
        })
    }

    /// `Σ −ln p` over the targets of `rows`, in nats, and their number; no gradient.
    ///
    /// # Errors
    /// A row does not fit the model.
    pub fn evaluate(&mut self, parameters: &[f32], rows: &[PackedRow]) -> Result<(f64, usize), TrainError> {
        let layout = &self.layout;
        let mut results: Vec<Result<(f64, usize), TrainError>> = rows.iter().map(|_| Ok((0.0, 0))).collect();
        for_each(&mut self.workers, rows.iter().zip(&mut results), |worker, (row, result)| {
            let mut log_probabilities = Vec::with_capacity(row.targets.len());
            *result = worker.workspace.forward(parameters, row).map(|()| {
                let hidden = worker.workspace.hidden();
                worker.head.log_probabilities(layout, parameters, row, hidden, &mut log_probabilities);
                (-log_probabilities.iter().map(|p| f64::from(*p)).sum::<f64>(), log_probabilities.len())
            });
        });
        let mut total = (0.0, 0);
        for result in results {
            let (loss, count) = result?;
            total = (total.0 + loss, total.1 + count);
        }
        Ok(total)
    }
}
