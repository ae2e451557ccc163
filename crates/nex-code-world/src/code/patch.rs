//! Unified diffs: read and applied as a whole or not at all.

use crate::operation::Refusal;
use std::collections::BTreeMap;

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FilePatch {
    /// `None` if the file is new.
    old_path: Option<String>,
    /// `None` if the file goes.
    new_path: Option<String>,
    hunks: Vec<Hunk>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hunk {
    /// Line of the old file, from 1, as the header says; only where to look first.
    old_start: usize,
    old: Vec<String>,
    new: Vec<String>,
}

/// The files after `patch`: path to text, `None` where it is deleted. `read` gives a file as it is.
pub(super) fn apply(
    patch: &str,
    read: impl Fn(&str) -> Result<String, Refusal>,
) -> Result<BTreeMap<String, Option<String>>, Refusal> {
    let files = parse(patch)?;
    if files.is_empty() {
        return Err(malformed("it has no `---`/`+++` header".to_owned()));
    }
    let mut after = BTreeMap::new();
    for file in files {
        let before = match &file.old_path {
            Some(path) => read(path)?,
            None => String::new(),
        };
        match (&file.old_path, &file.new_path) {
            (old, Some(new)) => {
                if old.is_none() && read(new).is_ok() {
                    let message = format!("`{new}` exists, but the patch makes it anew from /dev/null");
                    return Err(Refusal::new("conflict", message));
                }
                after.insert(new.clone(), Some(patched(new, &before, &file.hunks)?));
                if let Some(old) = old.as_ref().filter(|old| *old != new) {
                    after.insert(old.clone(), None);
                }
            }
            (Some(old), None) => drop(after.insert(old.clone(), None)),
            (None, None) => return Err(malformed("both sides of a header are /dev/null".to_owned())),
        }
    }
    Ok(after)
}

fn malformed(cause: String) -> Refusal {
    Refusal::new(
        "malformed_patch",
        format!("the patch is no unified diff that can be read: {cause}; nothing was changed"),
    )
}

fn parse(patch: &str) -> Result<Vec<FilePatch>, Refusal> {
    let mut files: Vec<FilePatch> = Vec::new();
    let mut lines = patch.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if let Some(old) = line.strip_prefix("--- ") {
            let new = lines.next().and_then(|(_, line)| line.strip_prefix("+++ "));
            let new = new.ok_or_else(|| malformed(format!("line {}: no `+++` line follows", number + 1)))?;
            files.push(FilePatch { old_path: path(old), new_path: path(new), hunks: Vec::new() });
        } else if line.starts_with("@@") {
            let file = files.last_mut();
            let file =
                file.ok_or_else(|| malformed(format!("line {}: a hunk before any file", number + 1)))?;
            let mut hunk = Hunk { old_start: old_start(line), ..Hunk::default() };
            while let Some((_, line)) = lines.peek() {
                let (sign, rest) = match line.chars().next() {
                    // An empty line of context whose blank an editor took away.
                    None => (' ', ""),
                    Some(sign) => (sign, &line[sign.len_utf8()..]),
                };
                match sign {
                    '-' if !line.starts_with("--- ") => hunk.old.push(rest.to_owned()),
                    '+' => hunk.new.push(rest.to_owned()),
                    ' ' => {
                        hunk.old.push(rest.to_owned());
                        hunk.new.push(rest.to_owned());
                    }
                    '\\' => {}
                    _ => break,
                }
                lines.next();
            }
            file.hunks.push(hunk);
        }
    }
    Ok(files)
}

/// The path of a header, without `a/` or `b/` and what follows a tab.
fn path(header: &str) -> Option<String> {
    let path = header.split('\t').next().unwrap_or_default().trim();
    if path == "/dev/null" {
        return None;
    }
    let plain = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/"));
    Some(plain.unwrap_or(path).to_owned())
}

fn old_start(header: &str) -> usize {
    let number = header.split('-').nth(1).unwrap_or_default();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

fn patched(path: &str, before: &str, hunks: &[Hunk]) -> Result<String, Refusal> {
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    let mut moved = 0_isize;
    for (number, hunk) in hunks.iter().enumerate() {
        let mut old = hunk.old.clone();
        let mut new = hunk.new.clone();
        let mut at = place(&lines, &old, hunk.old_start, moved);
        // The last lines of context may only be the end of the patch's text.
        while at.is_none()
            && old.last().is_some_and(String::is_empty)
            && new.last().is_some_and(String::is_empty)
        {
            old.pop();
            new.pop();
            at = place(&lines, &old, hunk.old_start, moved);
        }
        let at = at.ok_or_else(|| {
            let message = format!(
                "hunk {} does not fit `{path}`: its context and removed lines are not there as written; \
                 read the file again; nothing was changed",
                number + 1
            );
            Refusal::new("conflict", message)
        })?;
        moved += new.len() as isize - old.len() as isize;
        lines.splice(at..at + old.len(), new);
    }
    let mut text = lines.join("\n");
    if !text.is_empty() && (before.is_empty() || before.ends_with('\n')) {
        text.push('\n');
    }
    Ok(text)
}

/// Where `old` stands in `lines`, nearest to where it is said to stand.
fn place(lines: &[String], old: &[String], old_start: usize, moved: isize) -> Option<usize> {
    let expected = usize::try_from(old_start as isize - 1 + moved).unwrap_or(0);
    if old.is_empty() {
        // Only added lines: after the line that the header names.
        return Some(if lines.is_empty() { 0 } else { (expected + 1).min(lines.len()) });
    }
    let last = lines.len().checked_sub(old.len())?;
    let fits = (0..=last).filter(|at| lines[*at..*at + old.len()] == *old);
    fits.min_by_key(|at| at.abs_diff(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<String, Refusal> {
        match path {
            "f.py" => Ok("one\ntwo\nthree\n\nfive\n".to_owned()),
            _ => Err(Refusal::new("not_found", path)),
        }
    }

    fn one(patch: &str) -> Result<String, &'static str> {
        let after = apply(patch, read).map_err(|refusal| refusal.code)?;
        after["f.py"].clone().ok_or("deleted")
    }

    #[test]
    fn hunks_are_applied_where_they_fit() {
        let cases = [
            (
                "--- a/f.py\n+++ b/f.py\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
                Ok("one\n2\nthree\n\nfive\n"),
            ),
            ("--- f.py\n+++ f.py\n@@ -40 +40 @@\n-five\n+5\n", Ok("one\ntwo\nthree\n\n5\n")),
            (
                "--- f.py\n+++ f.py\n@@ -1 +1,2 @@\n one\n+1b\n@@ -5 +6 @@\n-five\n+5\n",
                Ok("one\n1b\ntwo\nthree\n\n5\n"),
            ),
            ("--- f.py\n+++ f.py\n@@ -3,3 +3,3 @@\n three\n\n-five\n+5\n", Ok("one\ntwo\nthree\n\n5\n")),
            ("--- f.py\n+++ f.py\n@@ -2 +2 @@\n-zwei\n+2\n", Err("conflict")),
            ("--- f.py\n@@ -2 +2 @@\n-two\n+2\n", Err("malformed_patch")),
            ("@@ -2 +2 @@\n-two\n+2\n", Err("malformed_patch")),
            ("no patch", Err("malformed_patch")),
            ("--- g.py\n+++ g.py\n@@ -1 +1 @@\n-a\n+b\n", Err("not_found")),
            ("--- /dev/null\n+++ f.py\n@@ -0,0 +1 @@\n+x\n", Err("conflict")),
            ("--- f.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", Err("deleted")),
        ];
        for (patch, expected) in cases {
            assert_eq!(one(patch), expected.map(str::to_owned), "{patch}");
        }
    }

    #[test]
    fn files_are_made_and_moved() {
        let made = apply("--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n", read).unwrap();
        assert_eq!(made["new.py"].as_deref(), Some("a\nb\n"));
        let moved = apply("--- a/f.py\n+++ b/g.py\n@@ -1 +1 @@\n-one\n+1\n", read).unwrap();
        assert_eq!(moved["g.py"].as_deref(), Some("1\ntwo\nthree\n\nfive\n"));
        assert_eq!(moved["f.py"], None);
    }
}
