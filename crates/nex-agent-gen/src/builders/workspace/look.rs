//! Looking: files so far, archetypes, examples, the catalogue, the reference.

use super::Workspace;
use crate::world::{Complexity, WorldRequest, closest_domains, compose, domains};
use nex_tools::ToolOutput;
use nex_world::{Language, builtin_world, builtin_worlds};
use std::fmt::Write;

/// Entries that a search shows.
const MAX_FOUND: usize = 12;

/// What `reference` explains.
pub(in crate::builders) const TOPICS: [(&str, &str); 4] = [
    ("world", include_str!("../../../../../docs/world-language.md")),
    ("world_example", include_str!("../../../builders/example_world.yaml")),
    ("workflow", include_str!("../../../../../docs/workflows.md")),
    ("agent", include_str!("../../../builders/agents.md")),
];

impl Workspace {
    /// The names of the files so far.
    pub(in crate::builders) fn list_files(&self) -> ToolOutput {
        let mut text = String::new();
        if let Some(world) = &self.world {
            let _ = writeln!(text, "world.yaml ({} bytes)", world.text.len());
        }
        match self.files() {
            Ok(files) => files.iter().for_each(|file| {
                let _ = writeln!(text, "{} ({} bytes)", file.path, file.text.len());
            }),
            Err(cause) => {
                let _ = writeln!(text, "No agents: {cause}.");
            }
        }
        ToolOutput::text(text)
    }

    /// The file at `path`, with the numbers of its lines.
    pub(in crate::builders) fn read_file(&self, path: &str) -> ToolOutput {
        let files = self.files().unwrap_or_default();
        let text = match &self.world {
            Some(world) if path == "world.yaml" => Some(&world.text),
            _ => files.iter().find(|file| file.path == path).map(|file| &file.text),
        };
        let Some(text) = text else {
            let shown = &path[..path.floor_char_boundary(80)];
            return ToolOutput::error(format!(
                "there is no file `{shown}` in the workspace; list_files names them"
            ));
        };
        let mut numbered = String::with_capacity(text.len() * 2);
        for (at, line) in text.lines().enumerate() {
            let _ = writeln!(numbered, "{:>4} | {line}", at + 1);
        }
        ToolOutput::text(numbered)
    }

    /// Domain archetypes near to `query`, and the built-in worlds.
    pub(in crate::builders) fn search_domains(&self, query: &str) -> ToolOutput {
        let mut text = String::from("Archetypes (read_example writes a small sound world of one):\n");
        let near = closest_domains(query, MAX_FOUND);
        let near: Vec<_> =
            near.into_iter().filter(|(_, score)| *score > 0.0).map(|(domain, _)| domain).collect();
        if near.is_empty() {
            let all: Vec<&str> = domains().iter().map(|domain| domain.id.as_str()).collect();
            let _ = writeln!(text, "none fits; there are: {}", all.join(", "));
        }
        for domain in near {
            let _ = writeln!(
                text,
                "- {}: {}; handles {}s. {}",
                domain.id, domain.title, domain.case.noun, domain.desk
            );
        }
        text.push_str("Built-in worlds (read_example shows them whole):\n");
        for builtin in builtin_worlds() {
            if let Ok(world) = builtin.load() {
                let _ = writeln!(text, "- {}: {}", builtin.name, world.title().get(Language::En));
            }
        }
        ToolOutput::text(text)
    }

    /// The world file of a built-in world, or a small world composed for an archetype.
    pub(in crate::builders) fn read_example(&self, name: &str) -> ToolOutput {
        if let Some(builtin) = builtin_world(name) {
            return ToolOutput::text(builtin.yaml);
        }
        let wanted = WorldRequest {
            domain: Some(name.to_owned()),
            keywords: Vec::new(),
            complexity: Complexity::SMALL,
        };
        match compose(&wanted, self.request.seed) {
            Ok(composed) => ToolOutput::text(composed.yaml),
            Err(cause) => {
                ToolOutput::error(format!("{cause}; search_domains names archetypes and built-in worlds"))
            }
        }
    }

    /// Tools of real MCP servers for `query`.
    pub(in crate::builders) fn search_catalogue(&self, query: &str) -> ToolOutput {
        if self.catalogue.entries().is_empty() {
            return ToolOutput::text(
                "No catalogue of MCP servers was given: agents have the operations of their world and nothing else.",
            );
        }
        let found = self.catalogue.search(query, MAX_FOUND);
        if found.is_empty() {
            let servers: Vec<&str> = self.catalogue.servers().take(60).collect();
            return ToolOutput::text(format!("Nothing fits. The servers are: {}", servers.join(", ")));
        }
        let mut text = String::from("server: tool, what it does\n");
        for entry in found {
            let about: String = entry.description.split_whitespace().take(40).collect::<Vec<_>>().join(" ");
            let _ = writeln!(
                text,
                "{}: {}{}{about}",
                entry.server,
                entry.tool,
                if about.is_empty() { "" } else { ", " }
            );
        }
        text.push_str("An agent gets all tools of a server by `mcp_servers: [{name: SERVER}]`.\n");
        ToolOutput::text(text)
    }

    /// The reference on `topic`.
    pub(in crate::builders) fn reference(&self, topic: &str) -> ToolOutput {
        match TOPICS.iter().find(|(name, _)| *name == topic) {
            Some((_, text)) => ToolOutput::text(*text),
            None => {
                let names: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
                ToolOutput::error(format!("there is no such topic; topics: {}", names.join(", ")))
            }
        }
    }
}
