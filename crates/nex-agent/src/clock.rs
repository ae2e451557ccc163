//! Time as an argument: [`Clock`], the real one and one that tests and replays set.

use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// Where a run takes its time from: timings in the record, deadlines, the date in prompts.
pub trait Clock: Send + Sync {
    /// Milliseconds since an origin of the clock's own; never goes back.
    fn now_ms(&self) -> u64;

    /// Milliseconds since 1970, for the date in prompts.
    fn unix_ms(&self) -> u64;

    /// Ends when [`Clock::now_ms`] has reached `at_ms`.
    fn sleep_until(&self, at_ms: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        self.origin.elapsed().as_millis() as u64
    }

    fn unix_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_millis() as u64)
    }

    fn sleep_until(&self, at_ms: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // An instant beyond what the platform can express is never reached.
        match self.origin.checked_add(Duration::from_millis(at_ms)) {
            Some(at) => Box::pin(tokio::time::sleep_until(at.into())),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// A clock that stands still until it is told to go on: the same run gives the same record.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    shared: Arc<VirtualTime>,
}

#[derive(Debug)]
struct VirtualTime {
    now_ms: Mutex<u64>,
    start_unix_ms: u64,
    moved: Notify,
}

impl VirtualClock {
    /// A clock that shows 0, at `unix_ms` since 1970. Clones show the same time.
    pub fn new(unix_ms: u64) -> Self {
        let shared = VirtualTime { now_ms: Mutex::new(0), start_unix_ms: unix_ms, moved: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Lets `duration` pass.
    pub fn advance(&self, duration: Duration) {
        *self.shared.now_ms.lock() += duration.as_millis() as u64;
        self.shared.moved.notify_waiters();
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> u64 {
        *self.shared.now_ms.lock()
    }

    fn unix_ms(&self) -> u64 {
        self.shared.start_unix_ms + self.now_ms()
    }

    fn sleep_until(&self, at_ms: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                // Registered before the look at the time, so that no move is missed.
                let moved = self.shared.moved.notified();
                if self.now_ms() >= at_ms {
                    return;
                }
                moved.await;
            }
        })
    }
}

/// The date of `unix_ms` as `YYYY-MM-DD` in UTC (days to civil date, proleptic Gregorian).
pub(crate) fn civil_date(unix_ms: u64) -> String {
    let days = (unix_ms / 86_400_000) as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_around_leap_days_and_centuries() {
        let day = 86_400_000;
        let table = [
            (0, "1970-01-01"),
            (59 * day, "1970-03-01"),
            (951_782_400_000, "2000-02-29"),
            (951_868_800_000, "2000-03-01"),
            (1_709_164_800_000, "2024-02-29"),
            (1_735_689_599_999, "2024-12-31"),
            (4_107_542_400_000, "2100-03-01"),
        ];
        for (unix_ms, date) in table {
            assert_eq!(civil_date(unix_ms), date);
        }
    }
}
