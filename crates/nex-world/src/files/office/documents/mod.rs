//! Writing the facts of an office into its files.

mod machines;
mod money;
mod papers;
mod talk;

use super::Office;
use crate::files::tree::FileTree;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fmt::Write;

/// The files of `office`.
pub(crate) fn files(office: &Office, seed: u64) -> FileTree {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(0xD0C5);
    let mut writer = Writer { office, tree: FileTree::default() };
    writer.house();
    writer.clients();
    for at in 0..office.projects.len() {
        writer.project(at, &mut rng);
    }
    writer.ledgers(&mut rng);
    writer.statement();
    writer.meetings(&mut rng);
    writer.configurations();
    writer.mails();
    writer.logs(&mut rng);
    writer.inbox(&mut rng);
    writer.archive();
    writer.tree
}

struct Writer<'a> {
    office: &'a Office,
    tree: FileTree,
}

impl Writer<'_> {
    fn put(&mut self, path: String, text: impl Into<String>) {
        let is_new = self.tree.text(&path).is_none();
        debug_assert!(is_new, "{path} is written twice");
        self.tree.put(path, text);
    }
}

/// Front matter, then text.
fn note(fields: &[(&str, &str)], text: &str) -> String {
    let mut out = String::from("---\n");
    for (key, value) in fields {
        let _ = writeln!(out, "{key}: {value}");
    }
    let _ = write!(out, "---\n{text}");
    out
}
