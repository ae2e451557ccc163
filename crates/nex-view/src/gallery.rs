//! The gallery of a fleet: how its frameworks differ, as counts, as a map, and one by one as shapes.
//!
//! In: [`GalleryInput`]. Out: one page that loads nothing. A function of its input. What is shown
//! comes from files that anyone may have written, so it reaches the page as escaped text only.

use crate::chart::{CountRow, Dot, count_bars, dots, small_graph};
use crate::page::figure;
use crate::policy::{SCRIPT, STYLE, content_security_policy};
use crate::text::{Name, count, label, plural};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Frameworks that are shown one by one.
const SHOWN_SHAPES: usize = 600;
/// Patterns that have a colour of their own on the map.
const HUES: usize = 12;

/// All that the gallery is made of.
#[derive(Clone, Debug, Default)]
pub struct GalleryInput {
    /// The fleet's name.
    pub name: String,
    /// Who planned it, as it stands in the manifests.
    pub planner: String,
    /// The frameworks, in order.
    pub frameworks: Vec<GalleryItem>,
    /// How they differ: an axis, its values with their counts, its entropy in bits.
    pub axes: Vec<GalleryAxis>,
    /// Mean and greatest likeness of two, in [0, 1].
    pub likeness: (f64, f64),
}

/// One framework.
#[derive(Clone, Debug, Default)]
pub struct GalleryItem {
    /// Its folder, relative to the fleet's.
    pub folder: String,
    /// For people.
    pub title: String,
    /// How its agents work together.
    pub pattern: String,
    /// The agents' names, and what each is there for.
    pub agents: Vec<(String, String)>,
    /// From which agent work goes to which, as indices into `agents`.
    pub edges: Vec<(usize, usize)>,
    /// Operations of its world.
    pub operations: usize,
    /// Where it lies on the map, if it is on it.
    pub place: Option<(f64, f64)>,
}

/// One way in which frameworks differ.
#[derive(Clone, Debug, Default)]
pub struct GalleryAxis {
    /// Its name.
    pub name: String,
    /// Frameworks by value.
    pub counts: Vec<(String, u64)>,
    /// Shannon entropy in bits.
    pub entropy_bits: f64,
}

/// The whole page.
pub fn render_gallery(input: &GalleryInput) -> String {
    let title = format!("{} · gallery", label(&input.name, 80));
    let patterns = patterns(input);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#shapes" { "Skip to the frameworks" }
                nav aria-label="Sections" {
                    ul {
                        @for (anchor, name) in [("map", "Map"), ("axes", "Axes"), ("shapes", "Frameworks")] {
                            li { a href={ "#" (anchor) } { (name) } }
                        }
                    }
                }
                main {
                    header.masthead {
                        p.kind { "Gallery of frameworks" }
                        h1 { (Name(&input.name)) }
                        p.driver { span { "planned by " } (label(&input.planner, 120)) }
                    }
                    (map(input, &patterns))
                    (axes(input))
                    (shapes(input, &patterns))
                }
                footer { p { "This page is one file; it loads nothing and sends nothing." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The patterns, the most frequent first; equal ones by name.
fn patterns(input: &GalleryInput) -> Vec<(&str, u64)> {
    let mut patterns: Vec<(&str, u64)> = Vec::new();
    for item in &input.frameworks {
        match patterns.iter_mut().find(|(name, _)| *name == item.pattern) {
            Some((_, count)) => *count += 1,
            None => patterns.push((&item.pattern, 1)),
        }
    }
    patterns.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    patterns
}

fn hue(pattern: &str, patterns: &[(&str, u64)]) -> usize {
    patterns.iter().position(|(name, _)| *name == pattern).unwrap_or(0) % HUES
}

fn map(input: &GalleryInput, patterns: &[(&str, u64)]) -> Markup {
    let placed = input.frameworks.iter().enumerate();
    let placed: Vec<Dot> = placed
        .filter_map(|(index, item)| {
            let (x, y) = item.place?;
            let words = format!("{} · {} · {} agents", index, item.title, item.agents.len());
            Some(Dot { x, y, hue: hue(&item.pattern, patterns), words })
        })
        .collect();
    html! {
        section #map {
            h2 { "Map" }
            @if placed.len() < 3 {
                p.empty { "A map takes three frameworks at least." }
            } @else {
                p.lead {
                    "Each dot is a framework; the more word sequences two have in common, the nearer they lie, as \
                     far as two dimensions can show it. Two of them share "
                    (format!("{:.1} %", input.likeness.0 * 100.0)) " on average and "
                    (format!("{:.1} %", input.likeness.1 * 100.0)) " at most."
                }
                figure {
                    (dots(&placed))
                    ul.hues {
                        @for (name, number) in patterns {
                            li {
                                svg.sign width="12" height="12" aria-hidden="true" focusable="false" {
                                    circle class=(format!("hue-{}", hue(name, patterns))) cx="6" cy="6" r="4.5" {}
                                }
                                " " code { (Name(name)) } " " span.quiet { (count(*number)) }
                            }
                        }
                    }
                    figcaption {
                        "Classical multidimensional scaling of 1 − Jaccard over sequences of five words in all \
                         files but the manifest. The axes have no meaning of their own."
                    }
                }
            }
        }
    }
}

fn axes(input: &GalleryInput) -> Markup {
    html! {
        section #axes {
            h2 { "Axes" }
            p.lead {
                (plural(input.frameworks.len() as u64, "framework", "frameworks"))
                ". Entropy is Shannon's, in bits: the logarithm of how many equally frequent values would be as \
                 varied."
            }
            div.stacked {
                @for axis in &input.axes {
                    @let rows = rows(axis);
                    (figure(
                        &axis.name.replace('_', " "),
                        &count_bars("value", "frameworks", &rows, input.frameworks.len() as u64),
                        &format!("{:.2} bits over {} values", axis.entropy_bits, axis.counts.len()),
                    ))
                }
            }
        }
    }
}

fn rows(axis: &GalleryAxis) -> Vec<CountRow<'_>> {
    axis.counts
        .iter()
        .map(|(name, count)| CountRow { name, meaning: "", count: *count, tone: "good" })
        .collect()
}

fn shapes(input: &GalleryInput, patterns: &[(&str, u64)]) -> Markup {
    html! {
        section #shapes {
            h2 { "Frameworks" }
            p.lead {
                "A box is an agent, an arrow leads to the agent that it may call, or to the one that the runtime \
                 lets go on."
            }
            ol.shapes {
                @for (index, item) in input.frameworks.iter().take(SHOWN_SHAPES).enumerate() {
                    li {
                        figure {
                            h3 { span.quiet { (index) } " " (label(&item.title, 90)) }
                            (small_graph(&item.title, &item.agents, &item.edges, hue(&item.pattern, patterns)))
                            figcaption {
                                code { (Name(&item.pattern)) } " · "
                                (plural(item.agents.len() as u64, "agent", "agents")) " · "
                                (plural(item.operations as u64, "operation", "operations")) br;
                                code { (label(&item.folder, 90)) }
                            }
                        }
                    }
                }
            }
            @if input.frameworks.len() > SHOWN_SHAPES {
                p.rest { "and " (count((input.frameworks.len() - SHOWN_SHAPES) as u64)) " more, not shown" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: usize) -> GalleryItem {
        GalleryItem {
            folder: format!("{number:04}-x"),
            title: format!("<script>{number}</script> desk"),
            pattern: ["router", "two_layers"][number % 2].to_owned(),
            agents: vec![("lead".into(), "takes it".into()), ("desk".into(), "does it".into())],
            edges: vec![(0, 1), (1, 0)],
            operations: 3,
            place: Some((number as f64, (number * number) as f64)),
        }
    }

    #[test]
    fn every_framework_has_a_dot_and_a_shape_and_nothing_escapes() {
        let input = GalleryInput {
            name: "fleet".into(),
            planner: "built-in planner, no LLM".into(),
            frameworks: (0..4).map(item).collect(),
            axes: vec![GalleryAxis {
                name: "pattern".into(),
                counts: vec![("router".into(), 2), ("two_layers".into(), 2)],
                entropy_bits: 1.0,
            }],
            likeness: (0.11, 0.7),
        };
        let page = render_gallery(&input);
        assert_eq!(page.matches("<circle class=\"dot ").count(), 4);
        assert_eq!(page.matches("<ol class=\"shapes\">").count(), 1);
        assert_eq!(page.matches("<li><figure>").count(), 4);
        assert!(page.contains("1.00 bits over 2 values") && page.contains("11.0 %"));
        assert!(page.contains("built-in planner, no LLM"));
        assert!(!page.contains("<script>0") && page.contains("&lt;script&gt;0"));
        assert_eq!(render_gallery(&input), page);
    }

    #[test]
    fn a_fleet_of_none_is_a_page_too() {
        let page = render_gallery(&GalleryInput::default());
        assert!(page.contains("A map takes three frameworks at least."));
    }
}
