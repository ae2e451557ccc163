//! The HTML report over a run folder, read-only.
