//! Text on its way to the page: unseen characters are spelled out, long texts are cut.
//!
//! Everything that a model, a tool or a file wrote passes through here. HTML escaping itself is
//! left to [`maud`]; this module sees to what escaping does not touch.

use maud::{Escaper, Markup, PreEscaped, Render};
use std::fmt::Write as _;

/// How much of a long text is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Characters kept from its start.
    pub(crate) head: usize,
    /// Characters kept from its end.
    pub(crate) tail: usize,
}

impl Cut {
    /// For instructions, answers and system prompts.
    pub(crate) const LONG: Cut = Cut { head: 3_000, tail: 600 };
    /// For reasoning, results and arguments that are no JSON.
    pub(crate) const MEDIUM: Cut = Cut { head: 1_500, tail: 400 };
    /// For findings, reasons and messages of defects.
    pub(crate) const SHORT: Cut = Cut { head: 500, tail: 80 };
}

/// Whether a reader would not see `character`, or would see others in another order because of it.
///
/// Joiners (U+200C, U+200D) and emoji variation selectors stay: scripts and emoji need them.
fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}'
        | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The visible spelling of an unseen character.
fn spelled(character: char) -> String {
    format!("\\u{{{:X}}}", character as u32)
}

/// `text` for an attribute or an SVG label: one line, unseen characters spelled out, cut to
/// `limit` characters.
pub(crate) fn label(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for (index, character) in text.chars().enumerate() {
        if index >= limit {
            line.push('…');
            break;
        }
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            c if is_unseen(c) => line.push_str(&spelled(c)),
            c => line.push(c),
        }
    }
    line
}

/// `text` as page content: cut as `cut` says, with what was left out stated in its place.
pub(crate) fn shown(text: &str, cut: Cut) -> Markup {
    let mut html = String::new();
    let length = text.chars().count();
    if length <= cut.head + cut.tail + 40 {
        write_seen(&mut html, text);
        return PreEscaped(html);
    }
    let head_end = byte_of_char(text, cut.head);
    let tail_start = byte_of_char(text, length - cut.tail);
    write_seen(&mut html, &text[..head_end]);
    html.push_str(&cut_note(length - cut.head - cut.tail, length, text.len()).into_string());
    write_seen(&mut html, &text[tail_start..]);
    PreEscaped(html)
}

/// The words that stand where `hidden` of `length` characters are left out.
pub(crate) fn cut_note(hidden: usize, length: usize, bytes: usize) -> Markup {
    maud::html! {
        span class="cut" {
            "… " (count(hidden as u64)) " of " (count(length as u64)) " characters not shown ("
            (size(bytes as u64)) " in all) …"
        }
    }
}

/// Adds `text` to `html`, escaped, with unseen characters spelled out and marked.
pub(crate) fn write_seen(html: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(is_unseen) {
        write_escaped(html, &rest[..at]);
        rest = &rest[at..];
        // A carriage return before a line feed is a line's end as Windows writes it: nothing to see.
        if rest.starts_with("\r\n") {
            rest = &rest[1..];
            continue;
        }
        let run = rest.find(|c| !is_unseen(c)).unwrap_or(rest.len());
        html.push_str("<span class=\"unseen\">");
        html.extend(rest[..run].chars().map(spelled));
        html.push_str("</span>");
        rest = &rest[run..];
    }
    write_escaped(html, rest);
}

fn write_escaped(html: &mut String, text: &str) {
    Escaper::new(html).write_str(text).expect("writing to a string cannot fail");
}

fn byte_of_char(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// A name (agent, tool, world …) as page content.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl Render for Name<'_> {
    fn render_to(&self, buffer: &mut String) {
        let head_end = byte_of_char(self.0, 96);
        write_seen(buffer, &self.0[..head_end]);
        if head_end < self.0.len() {
            buffer.push('…');
        }
    }
}

/// `12345` as `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A duration for people.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1e3),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A share in [0, 1] as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `snake_case` as words.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// `1 call`, `2 calls`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_text(text: &str) -> String {
        shown(text, Cut { head: 10, tail: 3 }).into_string()
    }

    #[test]
    fn markup_is_escaped_and_unseen_characters_are_spelled_out() {
        let seen =
            |text: &str| shown_text(text).replace("<span class=\"unseen\">", "[").replace("</span>", "]");
        assert_eq!(seen("<b>&\"'"), "&lt;b&gt;&amp;&quot;'");
        assert_eq!(seen("a\u{1b}[31mb"), "a[\\u{1B}][31mb");
        assert_eq!(seen("x\u{202e}y\u{2066}\0"), "x[\\u{202E}]y[\\u{2066}\\u{0}]");
        assert_eq!(seen("line\r\nnext\rlast\ttab"), "line\nnext[\\u{D}]last\ttab");
        assert_eq!(seen("👩\u{200d}💻 中文"), "👩\u{200d}💻 中文");
    }

    #[test]
    fn a_long_text_keeps_head_and_tail_and_states_its_size() {
        let text = format!("{}{}", "é".repeat(100), "end");
        assert_eq!(
            shown_text(&text),
            "éééééééééé<span class=\"cut\">… 90 of 103 characters not shown (203 B in all) …</span>end"
        );
    }

    #[test]
    fn labels_are_one_short_line() {
        assert_eq!(label("a\nb\u{202e}c", 80), "a b\\u{202E}c");
        assert_eq!(label("abcdef", 3), "abc…");
    }

    #[test]
    fn figures_read_well() {
        let table = [count(0), count(999), count(1_000), count(1_234_567)];
        assert_eq!(table, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([size(12), size(48_200), size(7_300_000)], ["12 B", "48.2 kB", "7.3 MB"]);
        assert_eq!(
            [duration(340), duration(1_240), duration(184_000), duration(7_260_000)],
            ["340 ms", "1.2 s", "3 min 4 s", "2 h 1 min"]
        );
    }
}
