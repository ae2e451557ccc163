//! User ids: what root becomes, and how many processes a user has.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};

/// The id that a user sees itself as inside a user namespace.
pub(super) const INSIDE: u32 = 1000;

pub(super) fn is_root() -> bool {
    // SAFETY: only answers a number.
    unsafe { libc::geteuid() == 0 }
}

pub(super) fn own_ids() -> (u32, u32) {
    // SAFETY: only answers numbers.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// A user id for root to become, of a range that no distribution hands out, different for each
/// folder; `None` if this namespace knows no user but root.
pub(super) fn unused_id() -> Option<u32> {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed) % 10_000;
    let wished = 1_000_000_000 + (std::process::id() % 100_000) * 10_000 + serial;
    choose(&fs::read_to_string("/proc/self/uid_map").ok()?, wished, serial)
}

fn choose(uid_map: &str, wished: u32, serial: u32) -> Option<u32> {
    let ranges = uid_map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let (start, _, length) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some((start, length))
    });
    let mut best: Option<u64> = None;
    for (start, length) in ranges {
        if (start..start + length).contains(&u64::from(wished)) {
            return Some(wished);
        }
        if length > 1 {
            best = best.max(Some(start + length - 1 - u64::from(serial) % (length - 1).min(1000)));
        }
    }
    best.and_then(|id| u32::try_from(id).ok())
}

/// Tasks that run as `user` now.
pub(super) fn tasks_of(user: u32) -> u64 {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let of_user = processes.flatten().filter(|entry| {
        entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
            && entry.metadata().is_ok_and(|meta| meta.uid() == user)
    });
    of_user.map(|entry| fs::read_dir(entry.path().join("task")).map_or(1, |tasks| tasks.count() as u64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_chosen_that_this_namespace_knows() {
        for (map, expected) in [
            ("         0          0 4294967295\n", Some(1_000_000_007)),
            ("0 1000 1\n1 100000 65536\n", Some(65_529)),
            ("0 1000 1\n", None),
            ("", None),
        ] {
            assert_eq!(choose(map, 1_000_000_007, 7), expected, "{map}");
        }
    }
}
