//! [`Chain`]: a walk over the graph, page by page, from a thing that a question names.

use super::graph::{Graph, Kind, Object, Relation};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What leads from a page to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// A relation that the page states.
    Fact(Relation),
    /// Who headed the firm at the end of that year.
    HeadAt(i32),
    /// What won the prize in that year.
    WinnerOf(i32),
    /// The newest device of that category that the firm lists.
    Newest(usize),
}

/// One page and what is read on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) subject: usize,
    pub(crate) edge: Edge,
    pub(crate) object: Object,
}

/// Hops, each on the page of what the one before led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) hops: Vec<Hop>,
}

/// What a chain has to end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Anything that can be asked for.
    Any,
    /// A year or number of this relation.
    Number(Relation),
    /// A thing of this kind.
    Thing(Kind),
}

impl Chain {
    pub(crate) fn start(&self) -> usize {
        self.hops[0].subject
    }

    pub(crate) fn end(&self) -> &Object {
        &self.hops[self.hops.len() - 1].object
    }

    /// A chain of `hops` hops that meets nothing twice and nothing of `taken`; none where the walk
    /// gets stuck.
    pub(crate) fn draw(
        graph: &Graph,
        hops: usize,
        end: End,
        taken: &[usize],
        rng: &mut ChaCha8Rng,
    ) -> Option<Self> {
        let start = rng.random_range(0..graph.things.len());
        let mut met = taken.to_vec();
        let mut chain = Self::default();
        let mut at = start;
        for number in 1..=hops {
            if met.contains(&at) {
                return None;
            }
            met.push(at);
            let is_last = number == hops;
            let fits: Vec<(Edge, Object)> = edges(graph, at, rng)
                .into_iter()
                // A walk along one relation over and over asks for patience only.
                .filter(|(edge, _)| !chain.hops.iter().any(|hop| is_alike(hop.edge, *edge)))
                .filter(|(edge, object)| match (is_last, object) {
                    (false, Object::Thing(next)) => !met.contains(next),
                    (false, _) => false,
                    (true, Object::Thing(next)) => match end {
                        End::Any => !met.contains(next),
                        End::Thing(kind) => graph.things[*next].kind == kind && !met.contains(next),
                        End::Number(_) => false,
                    },
                    (true, _) => match end {
                        End::Any => true,
                        End::Number(relation) => *edge == Edge::Fact(relation),
                        End::Thing(_) => false,
                    },
                })
                .collect();
            if fits.is_empty() {
                return None;
            }
            let (edge, object) = fits[rng.random_range(0..fits.len())].clone();
            let next = if let Object::Thing(next) = object { next } else { usize::MAX };
            chain.hops.push(Hop { subject: at, edge, object });
            at = next;
        }
        Some(chain)
    }
}

fn is_alike(a: Edge, b: Edge) -> bool {
    match (a, b) {
        (Edge::Fact(a), Edge::Fact(b)) => a == b,
        (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    }
}

/// What leads on from a thing; table edges draw their year.
fn edges(graph: &Graph, at: usize, rng: &mut ChaCha8Rng) -> Vec<(Edge, Object)> {
    let thing = &graph.things[at];
    let mut edges: Vec<(Edge, Object)> =
        thing.facts.iter().map(|(relation, object)| (Edge::Fact(*relation), object.clone())).collect();
    match thing.kind {
        Kind::Firm => {
            if thing.rows.len() > 1 {
                let place = rng.random_range(0..thing.rows.len() - 1);
                let (from, to) = (thing.rows[place].year, thing.rows[place + 1].year);
                // Not a year of change: the question would be open to two readings.
                let year = rng.random_range(from + 1..to);
                edges.push((Edge::HeadAt(year), Object::Thing(thing.rows[place].thing)));
            }
            let category = rng.random_range(0..6);
            let of = thing.devices.iter().filter(|row| graph.things[row.thing].category == category);
            let of: Vec<_> = of.collect();
            if let [.., before, last] = of[..]
                && before.year < last.year
            {
                edges.push((Edge::Newest(category), Object::Thing(last.thing)));
            }
        }
        Kind::Prize => {
            // Three times, so that prizes lead to what won them rather than to where they are given.
            for _ in 0..3 {
                let row = &thing.rows[rng.random_range(0..thing.rows.len())];
                edges.push((Edge::WinnerOf(row.year), Object::Thing(row.thing)));
            }
        }
        Kind::Town | Kind::Person | Kind::Device => {}
    }
    edges
}
