//! [`Report`]: what a sandbox's own processes tell the host, through a pipe.
//!
//! In: how setting up failed, or how the command ended. Out: a record of fixed size, and back.

/// Where setting up was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Supervise,
    GiveUpRoot,
    Unshare,
    MapIds,
    Fork,
    Mount,
    Cgroup,
    Capabilities,
    Limits,
    Descriptors,
    Landlock,
    WorkingFolder,
    Seccomp,
}

impl Stage {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Supervise, "becoming a supervisor"),
        (Self::GiveUpRoot, "giving up root"),
        (Self::Unshare, "making namespaces"),
        (Self::MapIds, "mapping the user id"),
        (Self::Fork, "forking"),
        (Self::Mount, "building the root folder"),
        (Self::Cgroup, "joining the cgroup"),
        (Self::Capabilities, "giving up capabilities"),
        (Self::Limits, "setting resource limits"),
        (Self::Descriptors, "closing descriptors"),
        (Self::Landlock, "entering the Landlock ruleset"),
        (Self::WorkingFolder, "entering the working folder"),
        (Self::Seccomp, "installing the seccomp filter"),
    ];

    fn text(byte: u8) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage as u8 == byte).map_or("an unknown stage", |(_, text)| text)
    }
}

/// What comes through the report pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    Failed { stage: &'static str, errno: i32 },
    Ended { wait_status: i32, cpu_micros: u64, max_rss_bytes: u64 },
}

const RECORD_BYTES: usize = 24;

impl Report {
    /// The record of a failure, made without allocating.
    pub(super) fn failure(stage: Stage, errno: i32) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[0] = b'F';
        record[1] = stage as u8;
        record[4..8].copy_from_slice(&errno.to_le_bytes());
        record
    }

    /// The record of a command's end, made without allocating.
    pub(super) fn end(wait_status: i32, usage: &libc::rusage) -> [u8; RECORD_BYTES] {
        let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
        let mut record = [0; RECORD_BYTES];
        record[0] = b'E';
        record[4..8].copy_from_slice(&wait_status.to_le_bytes());
        record[8..16].copy_from_slice(&(micros(usage.ru_utime) + micros(usage.ru_stime)).to_le_bytes());
        record[16..24].copy_from_slice(&(usage.ru_maxrss as u64 * 1024).to_le_bytes());
        record
    }

    /// Reads the first record; `None` if none was written whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let record: &[u8; RECORD_BYTES] = bytes.first_chunk()?;
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| record[at + i]));
        let number = i32::from_le_bytes(std::array::from_fn(|i| record[4 + i]));
        Some(match record[0] {
            b'F' => Self::Failed { stage: Stage::text(record[1]), errno: number },
            _ => Self::Ended { wait_status: number, cpu_micros: word(8), max_rss_bytes: word(16) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_half_a_record_is_none() {
        for (stage, text) in Stage::ALL {
            let record = Report::failure(stage, libc::EPERM);
            assert_eq!(Report::parse(&record), Some(Report::Failed { stage: text, errno: libc::EPERM }));
            assert_eq!(Report::parse(&record[..RECORD_BYTES - 1]), None);
        }
        // SAFETY: all zeros are a value of this structure of numbers.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        (usage.ru_utime.tv_sec, usage.ru_stime.tv_usec, usage.ru_maxrss) = (2, 5, 3);
        let expected = Report::Ended { wait_status: 256, cpu_micros: 2_000_005, max_rss_bytes: 3072 };
        assert_eq!(Report::parse(&Report::end(256, &usage)), Some(expected));
    }
}
