//! Graphs of cards: worlds (entities and their operations) and harnesses (agents and their tools).

use super::layers::place;
use crate::text::label;
use maud::{Markup, html};

const WIDTH: f64 = 196.0;
/// A wider graph is scaled down to the page, but to no less than this.
const WIDE: f64 = 1_000.0;
const HEADER: f64 = 34.0;
const LINE: f64 = 18.0;
const FOOT: f64 = 8.0;
const MARGIN: f64 = 6.0;
/// Width of a letter of the small monospaced type and of the header's, in the drawing's units.
const MONO: f64 = 7.0;
const SANS: f64 = 7.4;

/// One box of a graph.
pub(crate) struct Card {
    pub(crate) title: String,
    /// Shown at the right of the title.
    pub(crate) aside: String,
    pub(crate) lines: Vec<CardLine>,
}

/// One line in a card.
pub(crate) struct CardLine {
    pub(crate) mark: Mark,
    pub(crate) text: String,
    /// Shown while a pointer rests on it, and read out.
    pub(crate) hint: String,
}

/// The sign before a line; shapes differ, not only colours.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mark {
    /// A ring: only reads.
    Reads,
    /// A disc: writes.
    Writes,
    /// A square: a tool.
    Tool,
    /// Nothing: prose.
    None,
}

/// The cards, with an arrow for each of `edges`.
pub(crate) fn graph(name: &str, cards: &[Card], edges: &[(usize, usize)]) -> Markup {
    let heights: Vec<f64> = cards.iter().map(height).collect();
    let placed = place(WIDTH, &heights, edges);
    let (width, height) = (placed.width + 2.0 * MARGIN + 16.0, placed.height + 2.0 * MARGIN);
    html! {
        div.graph tabindex="0" role="group" aria-label={ "Graph: " (label(name, 80)) } {
            svg.wide[width > WIDE] width=(format!("{width:.0}")) height=(format!("{height:.0}"))
                viewBox={ "0 0 " (format!("{width:.0} {height:.0}")) } role="img"
                aria-label={ (label(name, 80)) ": " (cards.len()) " boxes, " (edges.len()) " arrows" } {
                g transform=(format!("translate({MARGIN} {MARGIN})")) {
                    @for (edge, path) in edges.iter().zip(&placed.paths) {
                        (arrow(path, &cards[edge.0].title, &cards[edge.1].title))
                    }
                    @for ((card, at), height) in cards.iter().zip(&placed.boxes).zip(&heights) {
                        (drawn_card(card, *at, *height))
                    }
                    @for (edge, _) in edges.iter().zip(&placed.paths).filter(|(edge, _)| edge.0 == edge.1) {
                        (own_arrow(placed.boxes[edge.0], &cards[edge.0].title))
                    }
                }
            }
        }
    }
}

fn height(card: &Card) -> f64 {
    let lines = card.lines.len() as f64;
    if card.lines.is_empty() { HEADER } else { HEADER + lines * LINE + FOOT + 4.0 }
}

fn drawn_card(card: &Card, (x, y): (f64, f64), height: f64) -> Markup {
    let aside_width = card.aside.chars().count() as f64 * MONO;
    html! {
        g.card transform=(format!("translate({x:.1} {y:.1})")) {
            rect.card-box x="0" y="0" width=(WIDTH) height=(height) rx="6" {}
            @if !card.lines.is_empty() {
                line.card-rule x1="0" x2=(WIDTH) y1=(HEADER) y2=(HEADER) {}
            }
            text.card-title x="12" y="22" { (fitted(&card.title, WIDTH - 30.0 - aside_width, SANS)) title { (label(&card.title, 200)) } }
            text.card-aside x=(WIDTH - 12.0) y="22" text-anchor="end" { (label(&card.aside, 40)) }
            @for (index, line) in card.lines.iter().enumerate() {
                @let y = HEADER + 18.0 + index as f64 * LINE;
                @match line.mark {
                    Mark::Reads => circle.reads cx="16" cy=(y - 4.0) r="3.5" {},
                    Mark::Writes => circle.writes cx="16" cy=(y - 4.0) r="4" {},
                    Mark::Tool => rect.tool-mark x="13" y=(y - 7.5) width="6" height="6" {},
                    Mark::None => {},
                }
                @if line.mark == Mark::None {
                    text.card-prose x="12" y=(y) { (fitted(&line.text, WIDTH - 20.0, 6.1)) title { (label(&line.hint, 200)) } }
                } @else {
                    text.card-line x="27" y=(y) { (fitted(&line.text, WIDTH - 36.0, MONO)) title { (label(&line.hint, 300)) } }
                }
            }
        }
    }
}

/// A smooth line through `points` with a head at its end.
fn arrow(points: &[(f64, f64)], from: &str, to: &str) -> Markup {
    let [(x, y), rest @ ..] = points else { return html! {} };
    let mut path = format!("M{x:.1} {y:.1}");
    let (mut at_x, mut at_y) = (*x, *y);
    let ends_right = points.len() > 1 && points[points.len() - 1].0 > points[points.len() - 2].0;
    let stop = if ends_right { -5.0 } else { 5.0 };
    for (index, (x, y)) in rest.iter().enumerate() {
        let x = if index + 1 == rest.len() { x + stop } else { *x };
        let middle = (at_x + x) / 2.0;
        path.push_str(&format!(" C{middle:.1} {at_y:.1} {middle:.1} {y:.1} {x:.1} {y:.1}"));
        (at_x, at_y) = (x, *y);
    }
    html! {
        path.edge d=(path) { title { (label(from, 80)) " → " (label(to, 80)) } }
        path.head d=(format!("M{:.1} {at_y:.1} l{} -4 v8 z", at_x - stop, stop * 1.8)) {}
    }
}

/// An arrow from a card back to itself.
fn own_arrow((x, y): (f64, f64), name: &str) -> Markup {
    let (right, top) = (x + WIDTH, y + 9.0);
    html! {
        path.edge d=(format!("M{right:.1} {top:.1} c14 0 14 16 5 16")) {
            title { (label(name, 80)) " → itself" }
        }
        path.head d=(format!("M{:.1} {:.1} l9 -4 v8 z", right, top + 16.0)) {}
    }
}

/// `text` cut to about `width`; letters of East Asia count twice.
fn fitted(text: &str, width: f64, letter: f64) -> String {
    let text = label(text, 200);
    let advance = |c: char| if c as u32 >= 0x2e80 { letter * 1.75 } else { letter };
    if text.chars().map(advance).sum::<f64>() <= width {
        return text;
    }
    let mut left = width - letter;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            left -= advance(*c);
            left >= 0.0
        })
        .collect();
    kept.push('…');
    kept
}
