//! The tools of the search world.

use nex_tools::ToolDeclaration;
use nex_trajectory::ToolSpec;
use serde_json::json;
use std::sync::{Arc, LazyLock};

/// One operation, which is a tool.
pub struct SearchOperation {
    /// Its name.
    pub name: &'static str,
    /// `find` or `get`.
    pub kind: &'static str,
    /// Key of the list in its reply, for those that reply page by page.
    pub list: Option<&'static str>,
    declaration: Arc<ToolDeclaration>,
}

impl SearchOperation {
    /// The tool as declared.
    pub fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }
}

/// All operations, in the order in which tools are offered.
pub fn operations() -> &'static [SearchOperation] {
    static OPERATIONS: LazyLock<[SearchOperation; 3]> = LazyLock::new(|| {
        let text = |description: &str| json!({"type": "string", "description": description});
        let cursor = text("next_cursor of the reply before, for what comes after it.");
        [
            declare(
                "search",
                "find",
                Some("results"),
                "Searches the library for pages by words. Replies with title, url, day of the last change and a snippet of each page, best first; further results come with a cursor.",
                json!({
                    "type": "object",
                    "properties": {"query": text("Words to look for."), "cursor": cursor.clone()},
                    "required": ["query"],
                    "additionalProperties": false,
                }),
            ),
            declare(
                "fetch",
                "get",
                Some("sections"),
                "Opens the page at a url. Replies with its sections, its links and tables, and the day of its last change; long pages come part by part with a cursor.",
                json!({
                    "type": "object",
                    "properties": {"url": text("Url of the page."), "cursor": cursor},
                    "required": ["url"],
                    "additionalProperties": false,
                }),
            ),
            declare(
                "find_in_page",
                "find",
                None,
                "Finds the sentences of one page that contain a text, upper and lower case alike. Tables are not searched.",
                json!({
                    "type": "object",
                    "properties": {"url": text("Url of the page."), "text": text("The text.")},
                    "required": ["url", "text"],
                    "additionalProperties": false,
                }),
            ),
        ]
    });
    &*OPERATIONS
}

fn declare(
    name: &'static str,
    kind: &'static str,
    list: Option<&'static str>,
    description: &str,
    input_schema: serde_json::Value,
) -> SearchOperation {
    let spec = ToolSpec { name: name.into(), description: description.into(), input_schema };
    let declaration = ToolDeclaration::new(spec).expect("the schemas of the search world are valid");
    SearchOperation { name, kind, list, declaration: Arc::new(declaration) }
}
