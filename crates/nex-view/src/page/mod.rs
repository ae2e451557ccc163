//! The parts of the page, one file each, from its head to its trajectories.

mod episode;
mod figures;
mod overview;
mod timeline;
mod topology;
mod tree;
mod vocabulary;

pub(crate) use episode::{episode, filters};
pub(crate) use figures::{failures, shape, success};
pub(crate) use overview::overview;
pub(crate) use topology::{agents, worlds};

use maud::{Markup, html};

/// A figure with a heading, its drawing, and a caption that says what is counted and how.
pub(crate) fn figure(heading: &str, drawing: &Markup, caption: &str) -> Markup {
    html! {
        figure {
            h3 { (heading) }
            (drawing)
            figcaption { (caption) }
        }
    }
}
