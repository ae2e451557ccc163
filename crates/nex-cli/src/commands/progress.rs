//! The progress of a rollout: a bar on a terminal, a line now and then elsewhere.

use crate::terminal::{Tint, is_rich, tell, tint};
use indicatif::{ProgressBar, ProgressStyle};
use nex_gym::Progress;
use nex_pipeline::execute::ExecuteObserver;
use nex_trajectory::store::OpenReport;
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far a rollout is.
pub(crate) struct RolloutProgress {
    bar: Option<ProgressBar>,
    total: u64,
    started: Instant,
    last_line: Instant,
}

impl RolloutProgress {
    /// The progress of `total` episodes.
    pub(crate) fn new(total: u64) -> Self {
        let bar = is_rich().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template(
                "{bar:32.cyan/dim} {pos}/{len} episodes · {per_sec} · {eta} left · {msg}",
            );
            bar.set_style(style.expect("the template is valid").progress_chars("━╸─"));
            bar
        });
        let now = Instant::now();
        Self { bar, total, started: now, last_line: now }
    }

    /// Ends the display.
    pub(crate) fn finish(&mut self, progress: &Progress) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
        tell(format!(
            "{} episodes in {seconds:.1} s ({:.1}/s): {}",
            progress.finished(),
            progress.finished() as f64 / seconds,
            outcomes(progress)
        ));
        for (reason, count) in &progress.reasons {
            tell(format!("  {count:>6}  {reason}"));
        }
    }
}

impl ExecuteObserver for RolloutProgress {
    fn on_open(&mut self, report: &OpenReport) {
        let note = tint(Tint::Doubtful, "note:");
        if let Some(tail) = &report.torn_tail {
            tell(format!(
                "{note} an unfinished record at the end of {} was cut off; it is made again",
                tail.segment.display()
            ));
        }
        for line in &report.quarantined {
            tell(format!(
                "{note} line {} of {} was damaged ({}); it was moved to quarantine.jsonl and is made again",
                line.line,
                line.segment.display(),
                line.damage
            ));
        }
    }

    fn on_progress(&mut self, progress: &Progress) {
        let done = progress.finished() + progress.skipped;
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(outcomes(progress));
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                let rate = progress.finished() as f64 / self.started.elapsed().as_secs_f64();
                let left = self.total.saturating_sub(done) as f64 / rate.max(1e-9);
                tell(format!(
                    "{done}/{} episodes, {rate:.1}/s, {left:.0} s left: {}",
                    self.total,
                    outcomes(progress)
                ));
            }
            None => {}
        }
    }
}

fn outcomes(progress: &Progress) -> String {
    let rate = progress.success_rate().map_or(String::new(), |r| format!("{:.1} % success", 100.0 * r));
    let mut parts = vec![rate];
    for (count, name) in [
        (progress.failed, "failed"),
        (progress.infra, "infra failures"),
        (progress.retries, "retries"),
        (progress.skipped, "already there"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}
