//! The shape of agents and worlds as graphs, with their operations as tables.

use crate::chart::{Card, CardLine, Mark, graph};
use crate::text::{Cut, Name, count, label, plural, shown};
use maud::{Markup, html};
use nex_trajectory::run::{AgentShape, OperationShape, Topology, WorldShape};

const SHOWN_HARNESSES: usize = 12;
const SHOWN_AGENTS: usize = 40;
const SHOWN_TOOLS: usize = 8;
const SHOWN_WORLDS: usize = 40;
const SHOWN_ENTITIES: usize = 40;
const SHOWN_OPERATIONS: usize = 60;
const SHOWN_REFERENCES: usize = 12;

/// One graph a harness.
pub(crate) fn agents(topology: &Topology) -> Markup {
    let mut harnesses: Vec<&str> = Vec::new();
    for agent in &topology.agents {
        if !harnesses.contains(&agent.harness.as_str()) {
            harnesses.push(&agent.harness);
        }
    }
    html! {
        section #agents {
            h2 { "Agents" }
            @if harnesses.is_empty() {
                p.empty { "The run names no agents." }
            } @else {
                p.lead {
                    "An arrow leads from an agent to the sub-agent that it may call or, in a pipeline, to the \
                     stage that comes after it. Each box lists the tools that the agent is given."
                }
            }
            @for harness in harnesses.iter().take(SHOWN_HARNESSES) { (harness_graph(harness, topology)) }
            (rest(harnesses.len(), SHOWN_HARNESSES, "harnesses"))
        }
    }
}

fn harness_graph(harness: &str, topology: &Topology) -> Markup {
    let all: Vec<&AgentShape> = topology.agents.iter().filter(|agent| agent.harness == harness).collect();
    let agents = &all[..all.len().min(SHOWN_AGENTS)];
    let cards: Vec<Card> = agents.iter().map(|agent| agent_card(agent)).collect();
    let mut edges = Vec::new();
    for (index, agent) in agents.iter().enumerate() {
        let parent =
            agent.parent.as_ref().and_then(|name| agents.iter().position(|other| other.name == *name));
        edges.extend(parent.map(|parent| (parent, index)));
    }
    html! {
        figure.harness {
            h3 { (Name(harness)) " " span.quiet { (plural(all.len() as u64, "agent", "agents")) } }
            (graph(harness, &cards, &edges))
            (rest(all.len(), SHOWN_AGENTS, "agents"))
        }
    }
}

fn agent_card(agent: &AgentShape) -> Card {
    let mut lines: Vec<CardLine> = wrapped(&agent.description, 27, 4)
        .into_iter()
        .map(|text| CardLine { mark: Mark::None, text, hint: agent.description.clone() })
        .collect();
    for tool in agent.tools.iter().take(SHOWN_TOOLS) {
        lines.push(CardLine { mark: Mark::Tool, text: tool.clone(), hint: format!("tool {tool}") });
    }
    if agent.tools.len() > SHOWN_TOOLS {
        let hidden = &agent.tools[SHOWN_TOOLS..];
        let text = format!("and {} more", hidden.len());
        lines.push(CardLine { mark: Mark::None, text, hint: hidden[..hidden.len().min(40)].join(", ") });
    }
    let aside = if agent.tools.is_empty() { "no tools".to_owned() } else { String::new() };
    Card { title: agent.name.clone(), aside, lines }
}

/// `text` broken at spaces into at most `lines` lines of about `width` letters.
fn wrapped(text: &str, width: usize, lines: usize) -> Vec<String> {
    let text = label(text, width * lines * 2);
    let mut broken: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match broken.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => broken.push(word.to_owned()),
        }
    }
    if broken.len() > lines {
        broken.truncate(lines);
        broken[lines - 1].push('…');
    }
    broken
}

/// One graph a world, the first one open.
pub(crate) fn worlds(topology: &Topology) -> Markup {
    html! {
        section #worlds {
            h2 { "Worlds" }
            @if topology.worlds.is_empty() {
                p.empty { "The run names no worlds." }
            } @else {
                p.lead {
                    "Each box is an entity with the records it starts with, and the operations on it. An arrow \
                     leads from an entity to one that it refers to. "
                    span.key-mark { (sign(Mark::Reads)) " only reads" } " "
                    span.key-mark { (sign(Mark::Writes)) " writes" }
                }
            }
            @for (index, world) in topology.worlds.iter().take(SHOWN_WORLDS).enumerate() {
                details.world open[index == 0] {
                    summary {
                        strong { (Name(if world.title.is_empty() { &world.name } else { &world.title })) } " "
                        code { (Name(&world.name)) } " "
                        span.quiet {
                            (plural(world.entities.len() as u64, "entity", "entities")) " · "
                            (plural(world.operations.len() as u64, "operation", "operations"))
                        }
                    }
                    (world_graph(world))
                    (operation_table(&world.operations))
                }
            }
            (rest(topology.worlds.len(), SHOWN_WORLDS, "worlds"))
        }
    }
}

fn sign(mark: Mark) -> Markup {
    html! {
        svg.sign width="10" height="10" aria-hidden="true" focusable="false" {
            circle class=(if mark == Mark::Writes { "writes" } else { "reads" }) cx="5" cy="5" r="3.6" {}
        }
    }
}

fn world_graph(world: &WorldShape) -> Markup {
    let entities = &world.entities[..world.entities.len().min(SHOWN_ENTITIES)];
    let index_of = |name: &String| entities.iter().position(|entity| entity.name == *name);
    let mut cards: Vec<Card> = entities
        .iter()
        .map(|entity| Card { title: entity.name.clone(), aside: count(entity.count), lines: Vec::new() })
        .collect();
    let mut homeless = Vec::new();
    for operation in world.operations.iter().take(SHOWN_OPERATIONS) {
        match operation.writes.iter().chain(&operation.reads).find_map(index_of) {
            Some(entity) => cards[entity].lines.push(operation_line(operation)),
            None => homeless.push(operation.name.as_str()),
        }
    }
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (from, entity) in entities.iter().enumerate() {
        for to in entity.references.iter().take(SHOWN_REFERENCES).filter_map(index_of) {
            if !edges.contains(&(from, to)) {
                edges.push((from, to));
            }
        }
    }
    html! {
        (graph(&world.name, &cards, &edges))
        (rest(world.entities.len(), SHOWN_ENTITIES, "entities"))
        @if !homeless.is_empty() {
            p.rest { "Operations on no entity: " (label(&homeless.join(", "), 600)) }
        }
    }
}

fn operation_line(operation: &OperationShape) -> CardLine {
    let mark = if operation.writes.is_empty() { Mark::Reads } else { Mark::Writes };
    let touches = |verb: &str, entities: &[String]| match entities {
        [] => String::new(),
        some => format!("; {verb} {}", some[..some.len().min(12)].join(", ")),
    };
    let hint = format!(
        "{} ({}){}{}",
        operation.name,
        operation.kind,
        touches("reads", &operation.reads),
        touches("writes", &operation.writes)
    );
    CardLine { mark, text: operation.name.clone(), hint }
}

fn operation_table(operations: &[OperationShape]) -> Markup {
    html! {
        details.operations {
            summary { "All operations as a table" }
            div.scroll tabindex="0" {
                table {
                    thead { tr { th { "operation" } th { "kind" } th { "reads" } th { "writes" } } }
                    tbody {
                        @for operation in operations.iter().take(SHOWN_OPERATIONS) {
                            tr {
                                th scope="row" { code { (Name(&operation.name)) } }
                                td { (Name(&operation.kind)) }
                                td { (shown(&operation.reads.join(", "), Cut::SHORT)) }
                                td { (shown(&operation.writes.join(", "), Cut::SHORT)) }
                            }
                        }
                    }
                }
            }
            (rest(operations.len(), SHOWN_OPERATIONS, "operations"))
        }
    }
}

fn rest(all: usize, shown: usize, noun: &str) -> Markup {
    html! {
        @if all > shown { p.rest { "and " (count((all - shown) as u64)) " more " (noun) ", not shown" } }
    }
}
