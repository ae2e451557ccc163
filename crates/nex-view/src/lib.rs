//! The HTML report over a run folder, read-only.
//!
//! A run folder (`nex_trajectory::run`) goes in, one `report.html` comes out: figures of the whole
//! run, the shape of its worlds and agents, and a sample of its trajectories as trees.
//!
//! A fleet of frameworks becomes a gallery in the same way ([`render_gallery`]).
//!
//! Invariants:
//! - The page is whole by itself: no request leaves it, and it reads well with scripts off.
//! - What a model or a tool wrote is hostile. It reaches the page only as escaped text, through
//!   [`maud`]; characters that cannot be seen are spelled out; the content security policy lets
//!   nothing run but our own script, by its hash.
//! - The same folder gives the same bytes.

mod chart;
mod folder;
mod gallery;
mod json;
mod page;
mod policy;
mod report;
mod sample;
mod statistics;
mod text;

pub use folder::{ViewError, write_report};
pub use gallery::{GalleryAxis, GalleryInput, GalleryItem, render_gallery};
pub use report::{ReportInput, render_report};
