//! Mutations of shell and awk source, token by token.
//!
//! In: source. Out: replacements of byte ranges, in its order. Comments stay as they are, and inside
//! double quotes only parameters are touched. Nothing is parsed: a mutant that cannot be built is
//! found out by building it.

use crate::workbench::Mutation;
use regex::Regex;
use std::sync::LazyLock;

/// Operator, a token with the part to replace as its first group, its replacements.
struct Token {
    operator: &'static str,
    pattern: Regex,
    new: &'static [&'static str],
    /// Whether it may stand in double quotes.
    in_quotes: bool,
}

static TOKENS: LazyLock<Vec<Token>> = LazyLock::new(|| {
    let table: [(&str, &str, &[&str], bool); 34] = [
        ("boundary", r"\s(-lt)\s", &["-le", "-gt"], false),
        ("boundary", r"\s(-le)\s", &["-lt", "-ge"], false),
        ("boundary", r"\s(-gt)\s", &["-ge", "-lt"], false),
        ("boundary", r"\s(-ge)\s", &["-gt", "-le"], false),
        ("comparison", r"\s(-eq)\s", &["-ne"], false),
        ("comparison", r"\s(-ne)\s", &["-eq"], false),
        ("negation", r"\[\s(-z)\s", &["-n"], false),
        ("negation", r"\[\s(-n)\s", &["-z"], false),
        ("comparison", r#"["\w}\])] (=) ["$\w]"#, &["!="], false),
        ("comparison", r#"\s(!=)\s"#, &["="], false),
        ("comparison", r"\s(==)\s", &["!="], false),
        ("boundary", r"[\w\])] (<) [\w$]", &["<="], false),
        ("boundary", r"\s(<=)\s", &["<", ">="], false),
        ("boundary", r"[\w\])] (>) [\w$]", &[">="], false),
        ("boundary", r"\s(>=)\s", &[">", "<="], false),
        ("boolean", r"\s(&&)\s", &["||"], false),
        ("boolean", r"\s(\|\|)\s", &["&&"], false),
        ("negation", r"[(\s](!)\(", &[""], false),
        ("arithmetic", r"[\w)\]] (\+) [\w$(]", &["-"], false),
        ("arithmetic", r"[\w)\]] (-) [\w$(]", &["+"], false),
        ("arithmetic", r"[\w)\]] (\*) [\w$(]", &["+", "/"], false),
        ("arithmetic", r"[\w)\]] (/) [\w$(]", &["*"], false),
        ("arithmetic", r"[\w)\]] (%) [\w$(]", &["/"], false),
        ("arithmetic", r"[\w\]](\+\+)", &["--"], false),
        ("arithmetic", r"\w(--)", &["++"], false),
        ("arithmetic", r"\s(\+=)\s", &["=", "-="], false),
        ("wrong_name", r"\$(1)\b", &["2"], true),
        ("wrong_name", r"\$(2)\b", &["1", "3"], true),
        ("wrong_name", r"\$([3-9])\b", &["2"], true),
        ("wrong_name", r"[\w}](%%)", &["%"], true),
        ("wrong_name", r"[\w}](##)", &["#"], true),
        ("wrong_name", r"\w(%)[^%\s\w]", &["#"], true),
        ("constant", r"sort (-rn|-n)\b", &[""], false),
        ("constant", r"\b(?:exit|return) (0)\b", &["1"], false),
    ];
    let token =
        |(operator, pattern, new, in_quotes): (&'static str, &str, &'static [&'static str], bool)| Token {
            operator,
            pattern: Regex::new(pattern).expect("the patterns of the table are valid"),
            new,
            in_quotes,
        };
    table.into_iter().map(token).collect()
});

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s(=\[;:,])(\d+)(?:$|[\s)\];:,])").expect("the pattern is valid"));
static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(shift( \d)?|continue|break|next|[a-z_]\w*=\S+|[a-z_][\w\[\]$]* (\+?=) [^{}]+|[a-z_][\w\[\]$]*(\+\+|--))$")
        .expect("the pattern is valid")
});
static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:function\s+([a-z_]\w*)\s*\(|([a-z_]\w*)\(\)\s*\{)").expect("the pattern is valid")
});

/// Mutations of `source`, in its order.
pub(super) fn mutations(source: &str) -> Vec<Mutation> {
    let mut found = Vec::new();
    let (mut start, mut function) = (0, String::new());
    for (index, with_end) in source.split_inclusive('\n').enumerate() {
        let line = with_end.trim_end_matches('\n');
        if let Some(captures) = FUNCTION.captures(line) {
            let name = captures.get(1).or(captures.get(2));
            function = name.map_or(String::new(), |name| name.as_str().to_owned());
        } else if line == "}" {
            function.clear();
        }
        if !line.trim_start().starts_with('#') {
            let mut add = |operator: &str, from: usize, to: usize, new: String| {
                let (operator, function) = (operator.to_owned(), function.clone());
                found.push(Mutation {
                    operator,
                    start: start + from,
                    end: start + to,
                    new,
                    line: index + 1,
                    function,
                });
            };
            of_line(line, &mut add);
        }
        start += with_end.len();
    }
    found.sort_by(|a, b| (a.start, a.end, &a.new).cmp(&(b.start, b.end, &b.new)));
    found.dedup_by(|a, b| (a.start, a.end, &a.new) == (b.start, b.end, &b.new));
    found
}

fn of_line(line: &str, add: &mut impl FnMut(&str, usize, usize, String)) {
    let quoted = quoted(line);
    for token in TOKENS.iter() {
        for captures in token.pattern.captures_iter(line) {
            let Some(part) = captures.get(1) else { continue };
            if quoted[part.start()] && !token.in_quotes {
                continue;
            }
            for new in token.new {
                add(token.operator, part.start(), part.end(), (*new).to_owned());
            }
        }
    }
    for captures in NUMBER.captures_iter(line) {
        let Some(part) = captures.get(1).filter(|part| !quoted[part.start()]) else { continue };
        let Ok(number) = part.as_str().parse::<u64>() else { continue };
        add("off_by_one", part.start(), part.end(), (number + 1).to_string());
        if number > 0 {
            add("off_by_one", part.start(), part.end(), (number - 1).to_string());
        }
    }
    if STATEMENT.is_match(line) {
        let from = line.len() - line.trim_start().len();
        // Nothing in awk and in shell alike.
        let is_awk =
            [" = ", " += ", "++", "--"].iter().any(|part| line.contains(part)) || line.trim() == "next";
        add("dropped", from, line.len(), if is_awk { "" } else { ":" }.to_owned());
    }
}

/// For each byte of `line` and the place after it whether it stands in double quotes.
fn quoted(line: &str) -> Vec<bool> {
    let mut inside = false;
    let mut quoted: Vec<bool> = Vec::with_capacity(line.len() + 1);
    let mut previous = 0;
    for byte in line.bytes() {
        if byte == b'"' && previous != b'\\' {
            inside = !inside;
        }
        quoted.push(inside);
        previous = byte;
    }
    quoted.push(inside);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutants(line: &str) -> Vec<String> {
        let list = mutations(line);
        list.iter().map(|mutation| mutation.apply(line).unwrap()).collect()
    }

    #[test]
    fn tokens_are_replaced_one_at_a_time() {
        for (line, expected) in [
            (
                "if [ $1 -lt 3 ]; then",
                &[
                    "if [ $2 -lt 3 ]; then",
                    "if [ $1 -gt 3 ]; then",
                    "if [ $1 -le 3 ]; then",
                    "if [ $1 -lt 2 ]; then",
                    "if [ $1 -lt 4 ]; then",
                ][..],
            ),
            ("# [ 1 -lt 3 ]", &[]),
            ("echo \"1 + 2 -lt 3\"", &[]),
            ("    shift", &["    :"]),
            ("total += $3", &["", "total -= $3", "total = $3", "total += $2"]),
            ("a && b", &["a || b"]),
        ] {
            assert_eq!(mutants(line), expected, "{line}");
        }
    }

    #[test]
    fn functions_are_named() {
        let source = "f() {\n    a=1\n}\nfunction g(x) {\n    y = x + 1\n}\nshift\n";
        let names: Vec<(usize, String)> =
            mutations(source).into_iter().map(|m| (m.line, m.function)).collect();
        assert!(names.contains(&(2, "f".to_owned())) && names.contains(&(5, "g".to_owned())), "{names:?}");
        assert!(names.contains(&(7, String::new())), "{names:?}");
    }
}
