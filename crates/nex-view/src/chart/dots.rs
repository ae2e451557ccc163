//! A scatter of dots, and small drawings of graphs whose boxes have no room for words.

use super::layers::place;
use crate::text::label;
use maud::{Markup, html};

/// The drawing's size in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 14.0;

/// Side of a small box; gaps come from the layout.
const BOX: f64 = 20.0;
/// The least that a small drawing shows.
const LEAST_WIDTH: f64 = 190.0;
const LEAST_HEIGHT: f64 = 90.0;

/// One dot of [`dots`].
pub(crate) struct Dot {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// The number of its colour.
    pub(crate) hue: usize,
    /// What a pointer over it shows.
    pub(crate) words: String,
}

/// Dots where they lie, as large as they fit.
pub(crate) fn dots(placed: &[Dot]) -> Markup {
    let range = |of: fn(&Dot) -> f64| {
        let values = placed.iter().map(of);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (bottom, top)) = (range(|dot| dot.x), range(|dot| dot.y));
    // One unit is as long across as it is up: distances are what the map shows.
    let unit = ((WIDTH - 2.0 * MARGIN) / (right - left).max(1e-9))
        .min((HEIGHT - 2.0 * MARGIN) / (top - bottom).max(1e-9));
    let x = |v: f64| WIDTH / 2.0 + (v - (left + right) / 2.0) * unit;
    let y = |v: f64| HEIGHT / 2.0 - (v - (bottom + top) / 2.0) * unit;
    html! {
        svg.dots viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="Map of the frameworks" {
            @for Dot { x: across, y: up, hue, words } in placed {
                circle class=(format!("dot hue-{hue}")) cx=(format!("{:.1}", x(*across)))
                    cy=(format!("{:.1}", y(*up))) r="4.5" {
                    title { (label(words, 160)) }
                }
            }
        }
    }
}

/// Boxes in layers with arrows between them; the names are told by a pointer over a box.
pub(crate) fn small_graph(
    name: &str,
    boxes: &[(String, String)],
    edges: &[(usize, usize)],
    hue: usize,
) -> Markup {
    let edges: Vec<(usize, usize)> = edges
        .iter()
        .copied()
        .filter(|(from, to)| from != to && *from < boxes.len() && *to < boxes.len())
        .collect();
    let placed = place(BOX, &vec![BOX; boxes.len()], &edges);
    // A single box is not drawn as large as a crowd.
    let width = (placed.width.max(BOX) + 8.0).max(LEAST_WIDTH);
    let height = (placed.height.max(BOX) + 8.0).max(LEAST_HEIGHT);
    let (left, top) = ((placed.width - width) / 2.0, (placed.height - height) / 2.0);
    html! {
        svg.small-graph viewBox=(format!("{left:.1} {top:.1} {width:.1} {height:.1}")) role="img"
            aria-label=(format!("Agents of {}", label(name, 90))) {
            @for points in &placed.paths {
                polyline.small-edge points=(points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")) {}
                @if let Some((x, y)) = points.last() {
                    circle.small-head cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2.2" {}
                }
            }
            @for ((name, purpose), (x, y)) in boxes.iter().zip(&placed.boxes) {
                rect class=(format!("small-box hue-{hue}")) x=(format!("{x:.1}")) y=(format!("{y:.1}"))
                    width=(BOX) height=(BOX) rx="5" {
                    title { (label(&format!("{name}: {purpose}"), 160)) }
                }
            }
        }
    }
}
