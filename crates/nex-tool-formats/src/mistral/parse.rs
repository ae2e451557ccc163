//! Reading a reply: text, and calls behind `[TOOL_CALLS]`, as an array or by name.

use super::{ARGUMENTS, CALL_ID, CALLS};
use crate::engine::{Found, Grammar, Scan};
use crate::json_body::JsonBody;
use crate::named_call::{self, Head};
use crate::tagged_call::{self, Keys};
use nex_trajectory::{CallId, DefectKind};

/// Reads text and calls.
#[derive(Debug, Default)]
pub(super) struct MistralGrammar {
    /// What the template puts before the text of a reply.
    gap: &'static str,
    phase: Phase,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Text,
    /// Behind the mark at `calls_at`; up to `at` there is only white space.
    Opened {
        calls_at: usize,
        at: usize,
    },
    /// In a name that began at `name_at`; searched up to `from`.
    Name {
        calls_at: usize,
        name_at: usize,
        from: usize,
    },
    /// In an id that began at `id_at`; searched up to `from`.
    Id {
        head: Head,
        id_at: usize,
        from: usize,
    },
    Arguments {
        head: Head,
        body: JsonBody,
    },
    /// Between the calls of an array; behind `from` there is only white space.
    Array {
        calls_at: usize,
        has_calls: bool,
        from: usize,
        at: usize,
    },
    /// In a call that is an object.
    Object {
        calls_at: usize,
        call_at: usize,
        is_in_array: bool,
        body: JsonBody,
    },
}

const KEYS: Keys = Keys { name: "name", arguments: &["arguments", "parameters"], id: Some("id") };

impl Grammar for MistralGrammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        while let Some(next) = self.next(scan) {
            self.phase = next;
        }
    }
}

/// Where the next call of an array begins, should one be broken; after the mark that begins anew.
const RESUMES: [&str; 3] = [CALLS, ", {\"", ",{\""];

impl MistralGrammar {
    pub(super) fn new(gap: &'static str) -> Self {
        Self { gap, phase: Phase::Text }
    }

    fn next(&mut self, scan: &mut Scan<'_>) -> Option<Phase> {
        match std::mem::take(&mut self.phase) {
            Phase::Text if scan.at == 0 && !self.gap.is_empty() => {
                let has_gap = scan.starts_with(0, self.gap)?;
                scan.at = if has_gap { self.gap.len() } else { 0 };
                self.gap = "";
                Some(Phase::Text)
            }
            Phase::Text => match scan.find(&[CALLS]) {
                Found::NoneBefore(end) => {
                    scan.take_text(end);
                    None
                }
                Found::Tag { at, .. } => {
                    scan.take_text(at);
                    scan.at = at + CALLS.len();
                    Some(Phase::Opened { calls_at: at, at: scan.at })
                }
            },
            Phase::Opened { calls_at, at } => self.opened(calls_at, at, scan),
            Phase::Name { calls_at, name_at, from } => self.name(calls_at, name_at, from, scan),
            Phase::Id { head, id_at, from } => self.id(head, id_at, from, scan),
            Phase::Arguments { head, body } => self.arguments(head, body, scan),
            Phase::Array { calls_at, has_calls, from, at } => self.array(calls_at, has_calls, from, at, scan),
            Phase::Object { calls_at, call_at, is_in_array, body } => {
                self.object(calls_at, call_at, is_in_array, body, scan)
            }
        }
    }

    fn opened(&mut self, calls_at: usize, at: usize, scan: &mut Scan<'_>) -> Option<Phase> {
        let at = scan.skip_blank(at);
        match scan.text.as_bytes().get(at) {
            None if scan.is_end => Some(unclosed(calls_at, at, scan)),
            None => {
                self.phase = Phase::Opened { calls_at, at };
                None
            }
            Some(b'[') => match scan.starts_with(at, CALLS) {
                None => {
                    self.phase = Phase::Opened { calls_at, at };
                    None
                }
                Some(true) => Some(unclosed(calls_at, at, scan)),
                Some(false) => Some(Phase::Array { calls_at, has_calls: false, from: at + 1, at: at + 1 }),
            },
            Some(b'{') => {
                let body = JsonBody::new(at);
                Some(Phase::Object { calls_at, call_at: calls_at, is_in_array: false, body })
            }
            Some(_) => Some(Phase::Name { calls_at, name_at: at, from: at }),
        }
    }

    fn name(&mut self, calls_at: usize, name_at: usize, from: usize, scan: &mut Scan<'_>) -> Option<Phase> {
        // Servers that leave out special tokens have the arguments right behind the name.
        match scan.find_from(from, &[ARGUMENTS, CALL_ID, "{", CALLS]) {
            Found::Tag { at, index: 3 } => Some(unclosed(calls_at, at, scan)),
            Found::NoneBefore(end) if scan.is_end => Some(unclosed(calls_at, end, scan)),
            Found::NoneBefore(end) => {
                self.phase = Phase::Name { calls_at, name_at, from: end };
                None
            }
            Found::Tag { at, index } => {
                let name = scan.text[name_at..at].trim().to_owned();
                let head = Head { id: None, name, at: calls_at };
                Some(match index {
                    0 => Phase::Arguments { head, body: JsonBody::new(at + ARGUMENTS.len()) },
                    1 => Phase::Id { head, id_at: at + CALL_ID.len(), from: at + CALL_ID.len() },
                    _ => Phase::Arguments { head, body: JsonBody::new(at) },
                })
            }
        }
    }

    fn id(&mut self, mut head: Head, id_at: usize, from: usize, scan: &mut Scan<'_>) -> Option<Phase> {
        match scan.find_from(from, &[ARGUMENTS, "{", CALLS]) {
            Found::Tag { at, index: 2 } => Some(unclosed(head.at, at, scan)),
            Found::NoneBefore(end) if scan.is_end => Some(unclosed(head.at, end, scan)),
            Found::NoneBefore(end) => {
                self.phase = Phase::Id { head, id_at, from: end };
                None
            }
            Found::Tag { at, index } => {
                head.id = Some(CallId(scan.text[id_at..at].trim().to_owned()));
                let start = if index == 0 { at + ARGUMENTS.len() } else { at };
                Some(Phase::Arguments { head, body: JsonBody::new(start) })
            }
        }
    }

    fn arguments(&mut self, head: Head, mut body: JsonBody, scan: &mut Scan<'_>) -> Option<Phase> {
        let Some(end) = body.scan_value(scan, &[CALLS]) else {
            self.phase = Phase::Arguments { head, body };
            return None;
        };
        let is_cut = end.value.is_none() && end.tag.is_none() && end.error_at == scan.text.len();
        if is_cut {
            scan.out.defect(DefectKind::UnclosedTag, head.at, "the call ends within its arguments");
        }
        let at = end.end;
        named_call::push(scan, head, at, body.start(), end, !is_cut);
        scan.at = at;
        Some(Phase::Text)
    }

    fn array(
        &mut self,
        calls_at: usize,
        has_calls: bool,
        from: usize,
        at: usize,
        scan: &mut Scan<'_>,
    ) -> Option<Phase> {
        let at = scan.skip_blank(at);
        match scan.text.as_bytes().get(at) {
            None if !scan.is_end => {
                self.phase = Phase::Array { calls_at, has_calls, from, at };
                None
            }
            Some(b',') if has_calls => Some(Phase::Array { calls_at, has_calls, from: at + 1, at: at + 1 }),
            Some(b'{') => {
                let call_at = if has_calls { at } else { calls_at };
                Some(Phase::Object { calls_at, call_at, is_in_array: true, body: JsonBody::new(at) })
            }
            Some(b']') if has_calls => {
                scan.at = at + 1;
                Some(Phase::Text)
            }
            Some(b']') => {
                scan.at = at + 1;
                scan.out.defect(DefectKind::MalformedCall, calls_at, format!("{CALLS} without a call"));
                scan.out.unread_call(&scan.text[calls_at..scan.at]);
                Some(Phase::Text)
            }
            None | Some(_) if has_calls => {
                let message = format!("the array behind {CALLS} is not closed");
                scan.out.defect(DefectKind::UnclosedTag, calls_at, message);
                scan.at = from;
                Some(Phase::Text)
            }
            None => Some(unclosed(calls_at, at, scan)),
            Some(_) => {
                scan.out.defect(DefectKind::MalformedCall, at, "a call is an object");
                scan.out.unread_call(&scan.text[calls_at..from]);
                scan.at = from;
                Some(Phase::Text)
            }
        }
    }

    fn object(
        &mut self,
        calls_at: usize,
        call_at: usize,
        is_in_array: bool,
        mut body: JsonBody,
        scan: &mut Scan<'_>,
    ) -> Option<Phase> {
        let Some(end) = body.scan_value(scan, if is_in_array { &RESUMES } else { &RESUMES[..1] }) else {
            self.phase = Phase::Object { calls_at, call_at, is_in_array, body };
            return None;
        };
        let is_cut = end.value.is_none() && end.tag.is_none() && end.error_at == scan.text.len();
        if is_cut {
            let message = format!("the call behind {CALLS} is not closed");
            scan.out.defect(DefectKind::UnclosedTag, call_at, message);
        }
        let (at, goes_on) = (end.end, end.value.is_some() || end.tag.is_some_and(|tag| tag > 0));
        tagged_call::push(scan, &KEYS, call_at..at, body.start(), end, !is_cut);
        scan.at = at;
        if is_in_array && goes_on {
            return Some(Phase::Array { calls_at, has_calls: true, from: at, at });
        }
        Some(Phase::Text)
    }
}

/// What began at `calls_at` is no call; it ends at `end`.
fn unclosed(calls_at: usize, end: usize, scan: &mut Scan<'_>) -> Phase {
    scan.out.defect(DefectKind::UnclosedTag, calls_at, format!("no call follows {CALLS}"));
    scan.out.unread_call(&scan.text[calls_at..end]);
    scan.at = end;
    Phase::Text
}
