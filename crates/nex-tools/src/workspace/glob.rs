//! File name patterns: `*`, `?`, `[abc]`, `{a,b}` and `**` across directories.

use regex::Regex;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Glob {
    regex: Regex,
    /// The pattern has no `/`, so it is held against the last name of a path.
    names_only: bool,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no file pattern: {cause}; use *, ?, [abc], {{a,b}} and **")]
pub struct GlobError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub cause: String,
}

impl Glob {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// A bracket or brace is not closed, or the pattern is too large.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let fail = |cause: String| GlobError { pattern: pattern.chars().take(100).collect(), cause };
        let pattern_inside = pattern.strip_prefix("./").unwrap_or(pattern);
        let source = to_regex(pattern_inside).map_err(|cause| fail(cause.to_owned()))?;
        let regex = regex::RegexBuilder::new(&source)
            .size_limit(1 << 20)
            .build()
            .map_err(|_| fail("it is malformed or too large".to_owned()))?;
        Ok(Self { regex, names_only: !pattern_inside.contains('/') })
    }

    /// Whether the pattern fits `path`, relative with `/` between names.
    pub fn is_match(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.regex.is_match(if self.names_only { name } else { path })
    }
}

fn to_regex(pattern: &str) -> Result<String, &'static str> {
    let mut regex = String::from("^");
    let mut rest = pattern;
    let mut open_braces = 0;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            regex.push_str("(?:.*/)?");
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("**") {
            regex.push_str(".*");
            rest = after;
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                open_braces += 1;
                regex.push_str("(?:");
            }
            '}' if open_braces > 0 => {
                open_braces -= 1;
                regex.push(')');
            }
            ',' if open_braces > 0 => regex.push('|'),
            '[' => {
                let end = rest.find(']').ok_or("a `[` is not closed")?;
                let set = &rest[..end];
                let (not, set) = match set.strip_prefix(['!', '^']) {
                    Some(set) => ("^", set),
                    None => ("", set),
                };
                if set.is_empty() {
                    return Err("a `[]` is empty");
                }
                let set: String = set.chars().flat_map(escaped_in_set).collect();
                regex.push_str(&format!("[{not}{set}]"));
                rest = &rest[end + 1..];
            }
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    if open_braces > 0 {
        return Err("a `{` is not closed");
    }
    regex.push('$');
    Ok(regex)
}

/// `-` keeps its meaning as a range; everything else stands for itself.
fn escaped_in_set(c: char) -> Vec<char> {
    if c.is_alphanumeric() || c == '-' { vec![c] } else { vec!['\\', c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_paths() {
        let table = [
            ("*.rs", "src/a.rs", true),
            ("*.rs", "src/a.rsx", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/b/a.rs", false),
            ("src/**/*.rs", "src/a.rs", true),
            ("src/**/*.rs", "src/b/c/a.rs", true),
            ("**/x", "x", true),
            ("**", "a/b/c", true),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("*.{ts,tsx}", "a/b.tsx", true),
            ("*.{ts,tsx}", "a/b.js", false),
            ("a.b", "axb", false),
            ("./docs/*", "docs/x", true),
            ("ü*", "übung", true),
        ];
        for (pattern, path, expected) in table {
            let found = Glob::new(pattern).map(|glob| glob.is_match(path));
            assert_eq!(found, Ok(expected), "{pattern} on {path}");
        }
    }

    #[test]
    fn bad_patterns_are_named() {
        let cause = |pattern| Glob::new(pattern).map(|_| ()).map_err(|error| error.cause);
        assert_eq!(cause("[ab"), Err("a `[` is not closed".into()));
        assert_eq!(cause("{ab"), Err("a `{` is not closed".into()));
        assert_eq!(cause("[]"), Err("a `[]` is empty".into()));
        assert_eq!(cause("[z-a]"), Err("it is malformed or too large".into()));
    }
}
