//! Learning a world's dynamics from what was recorded of a real server.
//!
//! In: a [`Recording`]. Out: an [`Imitation`]: dynamics for the whole server and for each of its
//! tools, and how far what they imitate is from what was recorded. Invariant: the same recording and
//! the same seed give the same imitation.
//!
//! What is estimated, and how:
//! - **latency**: of calls that succeeded, without the first ones of each tool and session, which
//!   find a cold server. `least` is the shift c that makes the log of the latency symmetric between
//!   its 10 % and 90 % quantiles a and b around the median m: `c = (m² - ab) / (2m - a - b)`, kept
//!   between 0 and the fastest call. `typical` is m, `spread` is `ln((b - c) / (m - c)) / 1.2816`,
//!   `worst` is the slowest call. Their 95 % intervals are percentiles of 200 bootstrap samples.
//! - **errors**: those that a second try may cure, by kind, with Wilson 95 % intervals. An error that
//!   the same arguments always get is the arguments' fault: it is counted apart and no dynamics.
//! - **rate limit**: calls served up to the first refusal, and the time from the first of them to the
//!   first call that is served again.
//! - **truncate**: the share of successful replies that say that they were cut.
//! - **verbose**: the share of successful replies over 1.25 times the median size for their arguments.
//!
//! Not estimated, for a survey cannot show them: `outage` and `stale_read`.

mod distance;
mod fit;
mod latency;
mod observe;
mod patch;

pub use distance::{Rate, ks_distance, quantile};
pub use fit::{Fit, ImitateConfig, ImitateError, Imitation, RateLimitFit, SizeFit, imitate};
pub use latency::{LatencyFit, QuantileRow, fit_latency};
pub use patch::{PatchError, dynamics_yaml, patch_world};

#[cfg(test)]
mod tests;
