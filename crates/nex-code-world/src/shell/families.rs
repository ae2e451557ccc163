//! The families of errands, each a function of chance, language and size.

use super::goal::Goal;
use super::{logs, tables, trees};
use nex_world::Language;
use rand_chacha::ChaCha8Rng;

/// Makes an errand of one family; the size, from 2 to 12, says how much there is to do.
pub(super) type Make = fn(&mut ChaCha8Rng, Language, usize) -> Goal;

/// Name and maker of each family. Each works in a folder of its own.
pub(super) const FAMILIES: [(&str, Make); 14] = [
    ("count_by_level", logs::count_by_level),
    ("failing_clients", logs::failing_clients),
    ("slowest_requests", logs::slowest_requests),
    ("merge_lists", tables::merge_lists),
    ("sum_by_key", tables::sum_by_key),
    ("join_tables", tables::join_tables),
    ("split_by_letter", tables::split_by_letter),
    ("rename_photos", trees::rename_photos),
    ("permissions", trees::permissions),
    ("unpack_archive", trees::unpack_archive),
    ("remove_duplicates", trees::remove_duplicates),
    ("sort_by_year", trees::sort_by_year),
    ("replace_host", trees::replace_host),
    ("clean_up", trees::clean_up),
];
