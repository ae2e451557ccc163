//! `{% generation %}…{% endgeneration %}`: what a template itself marks as the model's.
//!
//! The tag becomes a filter block in a scope of its own before parsing, with the same white space
//! rules, and its filter puts two characters around the body that occur nowhere else; they are
//! taken out of the output again. Source in, source out; marked output in, text and ranges out.

use minijinja::{Error, Value};
use std::ops::Range;

/// The filter of the rewritten blocks.
pub(super) const FILTER: &str = "__generation__";

/// The variable that holds the marks of one rendering.
pub(super) const MARKS: &str = "__generation_marks__";

/// Characters that no text holds: Unicode keeps them free for such inner uses.
const CANDIDATES: std::ops::RangeInclusive<char> = '\u{fdd0}'..='\u{fdef}';

/// Whether a template has the tag.
pub(super) fn is_marked(source: &str) -> bool {
    tags(source).next().is_some()
}

/// `source` with the tags replaced.
pub(super) fn rewrite(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 64);
    let mut copied = 0;
    for (range, is_end) in tags(source) {
        out.push_str(&source[copied..range.start]);
        if is_end {
            out.push_str("endfilter %}{% endwith");
        } else {
            out.push_str(&format!("with %}}{{% filter {FILTER}({MARKS})"));
        }
        copied = range.end;
    }
    out + &source[copied..]
}

/// The words `generation` and `endgeneration` that are tags, outside comments.
fn tags(source: &str) -> impl Iterator<Item = (Range<usize>, bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(open) = source[at..].find(['{']).map(|found| at + found) {
            let rest = &source[open..];
            if rest.starts_with("{#") {
                at = rest.find("#}").map_or(source.len(), |end| open + end + 2);
                continue;
            }
            at = open + 1;
            let Some(inside) = rest.strip_prefix("{%") else { continue };
            let inside = inside.strip_prefix(['-', '+']).unwrap_or(inside).trim_start();
            let start = source.len() - inside.len();
            let length =
                inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
            at = start + length;
            match &inside[..length] {
                "generation" => return Some((start..at, false)),
                "endgeneration" => return Some((start..at, true)),
                _ => {}
            }
        }
        None
    })
}

/// The two characters of one rendering; none leaves bodies as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks(Option<(char, char)>);

impl Marks {
    /// Two characters that do not occur in `texts`.
    ///
    /// Gives none if the texts hold nearly all of the thirty-two that are tried.
    pub(super) fn unused_in<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let mut free = CANDIDATES.filter(|c| texts.clone().all(|text| !text.contains(*c)));
        Some(Self(Some((free.next()?, free.next()?))))
    }

    /// The value of the variable [`MARKS`].
    pub(super) fn to_value(self) -> Value {
        self.0.map(|(open, close)| vec![open.to_string(), close.to_string()]).into()
    }

    /// The filter [`FILTER`]: the body of a block, with the marks around it.
    pub(super) fn around(body: &str, marks: &Value) -> Result<Value, Error> {
        if marks.is_none() {
            return Ok(body.into());
        }
        let (open, close) = (marks.get_item_by_index(0)?, marks.get_item_by_index(1)?);
        Ok(Value::from_safe_string(format!("{open}{body}{close}")))
    }

    /// Takes the marks out of `output`: the text, and the ranges of it that they enclosed.
    pub(super) fn take_out(self, output: &str) -> (String, Vec<Range<usize>>) {
        let Some((open, close)) = self.0 else { return (output.to_owned(), Vec::new()) };
        let (mut text, mut ranges, mut start) = (String::with_capacity(output.len()), Vec::new(), None);
        for c in output.chars() {
            if c == open {
                start.get_or_insert(text.len());
            } else if c == close {
                // A body that a template cut in two leaves an end without a start.
                ranges.extend(start.take().map(|start| start..text.len()));
            } else {
                text.push(c);
            }
        }
        (text, ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_are_rewritten() {
        let source = "{# {% generation %} #}generation{%- generation -%}a{{ generation }}{%+ endgeneration%}{% if x %}{%";
        assert_eq!(
            rewrite(source),
            "{# {% generation %} #}generation{%- with %}{% filter __generation__(__generation_marks__) -%}a\
             {{ generation }}{%+ endfilter %}{% endwith%}{% if x %}{%"
        );
        assert!(
            is_marked(source) && !is_marked("{# {% generation %} #}{{ generation }}{% set generation = 1 %}")
        );
    }

    #[test]
    fn marks_are_chosen_free_and_taken_out() {
        let marks = Marks::unused_in(["a\u{fdd0}", "\u{fdd2}"].into_iter()).expect("others are free");
        let (text, ranges) = marks.take_out("x\u{fdd1}é\u{fdd3}\u{fdd0}");
        assert_eq!(
            (text.as_str(), ranges.as_slice()),
            ("xé\u{fdd0}", [Range { start: 1, end: 3 }].as_slice())
        );
        let all: String = CANDIDATES.collect();
        assert!(Marks::unused_in([all.as_str()].into_iter()).is_none());
    }
}
