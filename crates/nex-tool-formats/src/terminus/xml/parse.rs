//! Reading a reply section by section.

use super::{COMMANDS_CLOSE, KEYSTROKES_CLOSE, RESPONSE_CLOSE, RESPONSE_OPEN};
use crate::engine::{Found, Grammar, Scan};
use crate::markup_call::without_lines;
use crate::raw_value::ArgumentsBuilder;
use crate::terminus::{COMMAND, COMPLETE, is_number};
use nex_trajectory::DefectKind;

/// How a command begins.
const KEYSTROKES_OPEN: &str = "<keystrokes";

/// Reads the sections of a reply.
#[derive(Debug, Default)]
pub(super) struct TerminusGrammar {
    state: State,
    /// Where the response begins.
    response_at: usize,
    /// Up to here the text was searched for what is sought.
    searched: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before or behind the response.
    #[default]
    Outside,
    /// Between sections, or between commands.
    Inside { is_commands: bool },
    /// In a tag there, which begins here.
    Tag { is_commands: bool, at: usize },
    /// In the content of an element, whose opening tag stands from `at` to `start`.
    Content { element: Element, at: usize, start: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Analysis,
    Plan,
    TaskComplete,
    Keystrokes,
}

impl Element {
    fn closer(self) -> &'static str {
        match self {
            Self::Analysis => "</analysis>",
            Self::Plan => "</plan>",
            Self::TaskComplete => "</task_complete>",
            Self::Keystrokes => KEYSTROKES_CLOSE,
        }
    }

    /// The tag before which it must be closed.
    fn bound(self) -> &'static str {
        if self == Self::Keystrokes { COMMANDS_CLOSE } else { RESPONSE_CLOSE }
    }
}

impl Grammar for TerminusGrammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        while match self.state {
            State::Outside => self.outside(scan),
            State::Inside { is_commands } => self.inside(is_commands, scan),
            State::Tag { is_commands, at } => self.tag(is_commands, at, scan),
            State::Content { element, at, start } => self.content(element, at, start, scan),
        } {}
    }
}

impl TerminusGrammar {
    /// Each of these is false where further text is needed.
    fn outside(&mut self, scan: &mut Scan<'_>) -> bool {
        match scan.find(&[RESPONSE_OPEN]) {
            Found::NoneBefore(end) => {
                scan.take_text(end);
                false
            }
            Found::Tag { at, .. } => {
                scan.take_text(at);
                self.response_at = at;
                self.go_on(State::Inside { is_commands: false }, at + RESPONSE_OPEN.len(), scan)
            }
        }
    }

    fn go_on(&mut self, state: State, at: usize, scan: &mut Scan<'_>) -> bool {
        self.state = state;
        self.searched = at;
        scan.at = at;
        true
    }

    fn inside(&mut self, is_commands: bool, scan: &mut Scan<'_>) -> bool {
        scan.at = scan.skip_blank(scan.at);
        let at = scan.at;
        if at == scan.text.len() {
            return self.end_of_text(scan);
        }
        if scan.text.as_bytes()[at] == b'<' {
            self.state = State::Tag { is_commands, at };
            self.searched = at + 1;
            return true;
        }
        match scan.find_from(at.max(self.searched), &["<"]) {
            Found::NoneBefore(end) if !scan.is_end => {
                self.searched = end;
                false
            }
            Found::NoneBefore(end) | Found::Tag { at: end, .. } => {
                stray(at, end, scan);
                self.go_on(self.state, end, scan)
            }
        }
    }

    fn tag(&mut self, is_commands: bool, at: usize, scan: &mut Scan<'_>) -> bool {
        let end = match scan.find_from(self.searched, &[">", "<"]) {
            Found::NoneBefore(end) if !scan.is_end => {
                self.searched = end;
                return false;
            }
            Found::NoneBefore(end) => {
                if !RESPONSE_CLOSE.starts_with(&scan.text[at..])
                    && !COMMANDS_CLOSE.starts_with(&scan.text[at..])
                {
                    scan.out.unread_call(&scan.text[at..end]);
                }
                scan.at = end;
                return self.end_of_text(scan);
            }
            Found::Tag { at: end, index: 1 } => {
                stray(at, end, scan);
                return self.go_on(State::Inside { is_commands }, end, scan);
            }
            Found::Tag { at: end, .. } => end + 1,
        };
        let inside = |is_commands| State::Inside { is_commands };
        let content = |element| State::Content { element, at, start: end };
        let tag = &scan.text[at + 1..end - 1];
        let state = match tag.trim_end() {
            "/response" => {
                if is_commands {
                    scan.out.defect(DefectKind::UnclosedTag, at, "<commands> is not closed");
                }
                State::Outside
            }
            "analysis" if !is_commands => content(Element::Analysis),
            "plan" if !is_commands => content(Element::Plan),
            "task_complete" if !is_commands => content(Element::TaskComplete),
            "commands" if !is_commands => inside(true),
            "/commands" if is_commands => inside(false),
            "analysis/" | "plan/" | "commands/" | "task_complete/" | "analysis /" | "plan /"
            | "commands /" | "task_complete /"
                if !is_commands =>
            {
                inside(false)
            }
            tag if is_commands && (tag == "keystrokes" || tag.starts_with("keystrokes ")) => {
                content(Element::Keystrokes)
            }
            _ => {
                stray(at, end, scan);
                inside(is_commands)
            }
        };
        self.go_on(state, end, scan)
    }

    fn content(&mut self, element: Element, at: usize, start: usize, scan: &mut Scan<'_>) -> bool {
        let tags = [element.closer(), element.bound(), RESPONSE_CLOSE];
        let (end, next, is_closed) = match scan.find_from(self.searched, &tags) {
            Found::Tag { at: end, index: 0 } => (end, end + element.closer().len(), true),
            Found::Tag { at: end, .. } => (end, end, false),
            Found::NoneBefore(end) if scan.is_end => (end, end, false),
            Found::NoneBefore(end) => {
                self.searched = end;
                return false;
            }
        };
        let raw = &scan.text[start..end];
        if !is_closed {
            scan.out.defect(DefectKind::UnclosedTag, at, format!("{} is missing", element.closer()));
        }
        match element {
            Element::Analysis => {
                for at in memchr::memmem::find_iter(raw.as_bytes(), KEYSTROKES_OPEN) {
                    let message = "a command inside the analysis is not run";
                    scan.out.defect(DefectKind::CallInsideReasoning, start + at, message);
                }
                scan.out.reasoning(without_lines(raw));
            }
            Element::Plan => scan.out.text(without_lines(raw), start),
            _ if !is_closed && !scan.out.is_repairing => scan.out.unread_call(&scan.text[at..end]),
            _ => {
                if !is_closed {
                    scan.out.repair(DefectKind::UnclosedTag, end, "closed what was left open");
                }
                if element == Element::Keystrokes {
                    keystrokes(at, start, end, next, scan);
                } else {
                    complete(at, raw, next, scan);
                }
            }
        }
        self.go_on(State::Inside { is_commands: element == Element::Keystrokes }, next, scan)
    }

    fn end_of_text(&mut self, scan: &mut Scan<'_>) -> bool {
        if scan.is_end && self.state != State::Outside {
            scan.out.defect(DefectKind::UnclosedTag, self.response_at, "<response> is not closed");
            self.state = State::Outside;
        }
        false
    }
}

fn stray(at: usize, end: usize, scan: &mut Scan<'_>) {
    let message = "this has no place in a response";
    scan.out.defect(DefectKind::MalformedCall, at, message);
    scan.out.unread_call(&scan.text[at..end]);
}

fn keystrokes(at: usize, start: usize, end: usize, next: usize, scan: &mut Scan<'_>) {
    let mut arguments = ArgumentsBuilder::default();
    arguments.push_text("keystrokes", &scan.text[start..end]);
    let attributes = scan.text[at + "<keystrokes".len()..start - 1].trim();
    if let Some(value) = attributes.strip_prefix("duration") {
        let value = value.trim_start().strip_prefix('=').unwrap_or_default().trim();
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        let value = quoted.unwrap_or(value);
        if is_number(value) {
            arguments.push_json("duration", value);
        } else {
            scan.out.defect(DefectKind::MalformedCall, at, format!("the duration `{value}` is no number"));
            arguments.push_text("duration", value);
        }
    } else if !attributes.is_empty() {
        let message = format!("keystrokes have a duration, and no `{attributes}`");
        scan.out.defect(DefectKind::MalformedCall, at, message);
    }
    scan.out.call(None, COMMAND.to_owned(), arguments.finish(), at..next);
}

fn complete(at: usize, raw: &str, next: usize, scan: &mut Scan<'_>) {
    match raw.trim() {
        word if word.eq_ignore_ascii_case("true") => {
            scan.out.call(None, COMPLETE.to_owned(), "{}".to_owned(), at..next);
        }
        "" => {}
        word if word.eq_ignore_ascii_case("false") => {}
        word => {
            let message = format!("`{word}` does not say whether the task is complete");
            scan.out.defect(DefectKind::MalformedCall, at, message);
        }
    }
}
