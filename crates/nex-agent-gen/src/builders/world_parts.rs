//! [`WorldParts`]: a world file that is written piece by piece.
//!
//! In: the text of a world file, or of one operation or policy. Out: the text of the whole file. Pieces
//! keep the words of whoever wrote them; whether the whole is a world, its own loader says.

use super::yaml::{dedent, indent, read};
use indexmap::IndexMap;
use serde_json::Value;

/// A world file in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WorldParts {
    /// All but operations and policies.
    head: String,
    /// By name; each text begins with the name, at the margin.
    operations: IndexMap<String, String>,
    /// By id; each text is one list item, at the margin.
    policies: IndexMap<String, String>,
}

/// Stands for the operations of a world that has none yet, so that the rest can be checked.
const NO_OPERATIONS: &str = "operations:\n  nothing_yet: {kind: compute, description: Stands for operations to come., results: {none: \"0\"}}\n";

impl WorldParts {
    /// The pieces of the world file `text`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Self::default();
        let mut sections: Vec<(&str, Vec<&str>)> = vec![("", Vec::new())];
        for line in text.lines() {
            if let Some(key) = top_level_key(line) {
                sections.push((key, Vec::new()));
            }
            if let Some((_, lines)) = sections.last_mut() {
                lines.push(line);
            }
        }
        for (key, lines) in sections {
            match key {
                "operations" => parts.operations = operations(&lines)?,
                "policies" => parts.policies = policies(&lines)?,
                _ => lines.iter().for_each(|line| {
                    parts.head.push_str(line.trim_end());
                    parts.head.push('\n');
                }),
            }
        }
        parts.head.truncate(parts.head.trim_end().len());
        Ok(parts)
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = self.head.clone();
        text.push_str("\n\n");
        if self.operations.is_empty() {
            text.push_str(NO_OPERATIONS);
        } else {
            text.push_str("operations:\n");
            self.operations.values().for_each(|operation| text.push_str(&indent(operation, 2)));
        }
        if !self.policies.is_empty() {
            text.push_str("\npolicies:\n");
            self.policies.values().for_each(|policy| text.push_str(&indent(policy, 2)));
        }
        text
    }

    /// Takes over operations and policies of `earlier` where it has none of its own.
    pub(super) fn adopt(&mut self, earlier: &Self) {
        if self.operations.is_empty() {
            self.operations.clone_from(&earlier.operations);
            if self.policies.is_empty() {
                self.policies.clone_from(&earlier.policies);
            }
        }
    }

    /// Whether it has no operation yet.
    pub(super) fn is_without_operations(&self) -> bool {
        self.operations.is_empty()
    }

    /// Puts in the operation `name`, described by `yaml` with or without its name.
    pub(super) fn set_operation(&mut self, name: &str, yaml: &str) -> Result<(), String> {
        let body = dedent(yaml);
        let keys: IndexMap<String, Value> = read(&body)?;
        let is_named = keys.len() == 1 && keys.contains_key(name);
        let text = if is_named { body } else { format!("{name}:\n{}", indent(&body, 2)) };
        self.operations.insert(name.to_owned(), text);
        Ok(())
    }

    /// Takes out the operation `name`; whether there was one.
    pub(super) fn remove_operation(&mut self, name: &str) -> bool {
        self.operations.shift_remove(name).is_some()
    }

    /// Puts in the policy that `yaml` describes, and gives its id.
    pub(super) fn set_policy(&mut self, yaml: &str) -> Result<String, String> {
        let body = dedent(yaml);
        let item = if body.trim_start().starts_with("- ") { body } else { as_item(&body) };
        let id = policy_id(&item)?;
        self.policies.insert(id.clone(), item);
        Ok(id)
    }
}

/// The key that `line` begins with at the margin.
fn top_level_key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_key.then_some(key)
}

/// The lines below a section's key, cut where a line begins that `starts` at the section's own indentation.
fn children(section: &[&str], key: &str) -> Result<Vec<String>, String> {
    let Some((first, rest)) = section.split_first() else { return Ok(Vec::new()) };
    let after = first.split_once(':').map_or("", |(_, after)| after.trim());
    match after {
        "" | "{}" | "[]" => {}
        comment if comment.starts_with('#') => {}
        _ => {
            return Err(format!(
                "write `{key}` in block style: `{key}:` on a line of its own, then its entries"
            ));
        }
    }
    let is_content = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let Some(margin) = rest.iter().find(is_content).map(|line| spaces(line)) else { return Ok(Vec::new()) };
    let mut found: Vec<String> = Vec::new();
    for line in rest {
        let starts = spaces(line) == margin && is_content(&line);
        if starts {
            found.push(String::new());
        }
        if let Some(child) = found.last_mut() {
            let is_deep = spaces(line) >= margin;
            child.push_str(if is_deep { &line[margin..] } else { line.trim_start() });
            child.push('\n');
        }
    }
    for child in &mut found {
        child.truncate(child.trim_end().len());
        child.push('\n');
    }
    Ok(found)
}

fn spaces(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn operations(section: &[&str]) -> Result<IndexMap<String, String>, String> {
    let mut found = IndexMap::new();
    for child in children(section, "operations")? {
        let name = child.split_once(':').map(|(name, _)| name.trim().to_owned()).unwrap_or_default();
        if found.insert(name.clone(), child).is_some() {
            return Err(format!("operation `{name}` stands twice; remove one"));
        }
    }
    Ok(found)
}

fn policies(section: &[&str]) -> Result<IndexMap<String, String>, String> {
    let mut found = IndexMap::new();
    for child in children(section, "policies")? {
        let id = policy_id(&child)?;
        if found.insert(id.clone(), child).is_some() {
            return Err(format!("policy `{id}` stands twice; remove one"));
        }
    }
    Ok(found)
}

fn as_item(body: &str) -> String {
    let shifted = indent(body, 2);
    match shifted.strip_prefix("  ") {
        Some(rest) => format!("- {rest}"),
        None => shifted,
    }
}

fn policy_id(item: &str) -> Result<String, String> {
    let items: Vec<IndexMap<String, Value>> = read(item)
        .map_err(|cause| format!("a policy is a map with id, text, operations, allow_if …: {cause}"))?;
    let id = items.first().and_then(|policy| policy.get("id")).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| "the policy has no `id`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nex_world::{World, builtin_worlds};

    /// Cut into pieces and put together again, each built-in world is the same world.
    #[test]
    fn a_world_in_pieces_is_the_world() {
        for builtin in builtin_worlds() {
            let whole = builtin.load().unwrap();
            let parts = WorldParts::parse(builtin.yaml).unwrap();
            let again = World::from_yaml(&parts.text(), "again.yaml").unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(again.shape(), whole.shape(), "{}", builtin.name);
            assert_eq!(again.policies().len(), whole.policies().len(), "{}", builtin.name);
            assert_eq!(again.declarations().len(), parts.operations.len());
            assert!(parts == WorldParts::parse(&parts.text()).unwrap(), "{}", builtin.name);
        }
    }

    #[test]
    fn pieces_come_and_go() {
        let mut parts = WorldParts::parse("world: w\noperations:\n  a: {kind: x}\n# note\n  b:\n    kind: y\npolicies:\n- id: p\n  text: t\n").unwrap();
        parts.set_operation("b", "kind: z\nargs: {}").unwrap();
        parts.set_operation("c", "  c:\n    kind: v\n").unwrap();
        parts.set_policy("id: q\ntext: |\n  two\n  lines\n").unwrap();
        parts.set_policy("- id: p\n  text: other\n").unwrap();
        assert!(parts.remove_operation("a") && !parts.remove_operation("a"));
        expect_test::expect![[r#"
            world: w

            operations:
              b:
                kind: z
                args: {}
              c:
                kind: v

            policies:
              - id: p
                text: other
              - id: q
                text: |
                  two
                  lines
        "#]]
        .assert_eq(&parts.text());
        let error = WorldParts::parse("operations: {a: {}}").unwrap_err();
        assert!(error.contains("block style"), "{error}");
        assert!(parts.set_policy("text: no id").unwrap_err().contains("`id`"));
        assert!(parts.set_operation("d", "Sorry, I cannot").is_err());
    }
}
