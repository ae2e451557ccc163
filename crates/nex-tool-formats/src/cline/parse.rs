//! What the tags of a reply mean, by the list of tools.

use super::{MCP_PREFIX, MCP_TOOL, MCP_TOOL_CLOSE};
use crate::engine::{Found, Scan, looked_at};
use crate::markup_call::{Dialect, OpenCall, Opening, Tag};
use crate::{Toolset, json};

/// Cline's own tools, and the argument by which a result names its call.
pub(super) const OWN_TOOLS: [(&str, Option<&str>); 14] = [
    ("execute_command", Some("command")),
    ("read_file", Some("path")),
    ("write_to_file", Some("path")),
    ("replace_in_file", Some("path")),
    ("search_files", Some("regex")),
    ("list_files", Some("path")),
    ("list_code_definition_names", Some("path")),
    ("browser_action", Some("action")),
    (MCP_TOOL, Some("server_name")),
    ("access_mcp_resource", Some("server_name")),
    ("ask_followup_question", Some("question")),
    ("plan_mode_respond", None),
    ("attempt_completion", None),
    ("load_mcp_documentation", None),
];

/// Knows which tags begin a call.
pub(super) struct ClineDialect {
    /// The tags, brackets included.
    openers: Vec<String>,
}

impl ClineDialect {
    pub(super) fn new(tools: &Toolset) -> Self {
        Self { openers: openers(tools) }
    }

    /// The opener at `at`: its index; `Err` where more text may make it one.
    fn opener_at(&self, scan: &Scan<'_>, at: usize) -> Result<Option<usize>, ()> {
        for (index, opener) in self.openers.iter().enumerate() {
            match scan.starts_with(at, opener) {
                Some(true) => return Ok(Some(index)),
                Some(false) => {}
                None => return Err(()),
            }
        }
        Ok(None)
    }
}

/// The tags that begin a call: of the tools there are, or else of Cline's own.
pub(super) fn openers(tools: &Toolset) -> Vec<String> {
    let mut openers: Vec<String> = if tools.is_empty() {
        OWN_TOOLS.iter().map(|(name, _)| format!("<{name}>")).collect()
    } else {
        let names = tools.names().filter(|name| is_tag(name) && !name.starts_with(MCP_PREFIX));
        names.map(|name| format!("<{name}>")).collect()
    };
    if !openers.iter().any(|opener| opener[1..].starts_with(MCP_TOOL)) {
        openers.push(format!("<{MCP_TOOL}>"));
    }
    openers.sort_unstable();
    openers
}

impl Dialect for ClineDialect {
    const IS_SINGLE: bool = true;
    const SECTION_END: &'static str = MCP_TOOL_CLOSE;

    fn find(&self, scan: &Scan<'_>, from: usize) -> Opening {
        let mut at = from;
        loop {
            match scan.find_from(at, &["<"]) {
                Found::NoneBefore(end) => return Opening::NoneBefore(end),
                Found::Tag { at: found, .. } => at = found,
            }
            looked_at(1);
            match self.opener_at(scan, at) {
                Err(()) => return Opening::NoneBefore(at),
                Ok(None) => at += 1,
                Ok(Some(index)) => {
                    let name = &self.openers[index][1..self.openers[index].len() - 1];
                    let end = at + self.openers[index].len();
                    return Opening::Call {
                        at,
                        call: OpenCall::new(at, end, format!("</{name}>").into(), name),
                    };
                }
            }
        }
    }

    fn tag(&self, call: &mut OpenCall, tag: &str) -> Tag {
        if tag == &call.closer[1..call.closer.len() - 1] {
            Tag::Close
        } else if is_tag(tag) {
            Tag::Argument { key: tag.to_owned(), closer: format!("</{tag}>") }
        } else {
            Tag::Stray
        }
    }

    fn is_complete(&self, _call: &OpenCall) -> bool {
        true
    }

    fn openers(&self) -> &[String] {
        &self.openers
    }

    fn finish(&self, tools: &Toolset, name: String, arguments: String) -> (String, String) {
        let meant = if name == MCP_TOOL { mcp_call(tools, &arguments) } else { None };
        meant.unwrap_or((name, arguments))
    }
}

/// The call to the tool of an MCP server that `arguments` of `use_mcp_tool` mean, if `tools` has it.
pub(super) fn mcp_call(tools: &Toolset, arguments: &str) -> Option<(String, String)> {
    let members = json::members(arguments)?;
    let text = |key: &str| {
        let (_, value) = members.iter().find(|(name, _)| name == key)?;
        let text =
            if value.starts_with('"') { json::unescape(value)?.into_owned() } else { (*value).to_owned() };
        Some(text)
    };
    let name = format!("{MCP_PREFIX}{}__{}", text("server_name")?, text("tool_name")?);
    tools.contains(&name).then(|| (name, text("arguments").unwrap_or_default()))
}

/// Whether `name` can be a tag.
pub(super) fn is_tag(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| matches!(c, '<' | '>' | '/') || c.is_whitespace())
}
