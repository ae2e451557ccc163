//! Calls in sections: marks around each section, around each call in it, and between the head of a
//! call and its JSON arguments.
//!
//! Read as other servers accept them: several sections, none, or one that is not closed, white space
//! between marks, arguments in a code fence, and DeepSeek V3's head (`function`, mark, name, fence).
//! A call is kept whatever is wrong around it.

use crate::engine::{Found, Grammar, Scan};
use crate::json_body::{BodyEnd, JsonBody};
use crate::named_call::{self, Head};
use nex_trajectory::{CallId, DefectKind};

/// The marks of a format, all beginning with `<`.
#[derive(Debug)]
pub(crate) struct Marks {
    pub(crate) section_open: &'static str,
    pub(crate) section_close: &'static str,
    pub(crate) call_open: &'static str,
    pub(crate) separator: &'static str,
    pub(crate) call_close: &'static str,
    /// Reads what stands before the separator: the id, if there is one, and the name; or says what
    /// is wrong with it besides.
    pub(crate) head: fn(&str) -> HeadText<'_>,
    /// Arguments may stand in a code fence, and the name on a line behind the separator.
    pub(crate) has_fences: bool,
}

/// What stands before the separator.
#[derive(Debug)]
pub(crate) struct HeadText<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) defect: Option<String>,
}

const FENCE: &str = "```";
const JSON_FENCE: &str = "```json";
/// Before the separator where the name stands behind it.
const FUNCTION: &str = "function";

/// Reads text and sections of calls.
#[derive(Debug)]
pub(crate) struct SectionGrammar {
    marks: &'static Marks,
    phase: Phase,
    section: Option<Section>,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    at: usize,
    has_calls: bool,
    /// It was never opened: it began with a call.
    is_implied: bool,
}

#[derive(Debug)]
enum Phase {
    Text,
    /// In a section; behind `from` there is only white space.
    BetweenCalls {
        from: usize,
    },
    /// In a call, before its separator; searched up to `from`.
    Head {
        call_at: usize,
        from: usize,
    },
    /// Behind the separator; up to `at` there is only white space.
    Separated {
        head: Head,
        is_function: bool,
        at: usize,
    },
    /// On the line of the name; searched up to `from`.
    NameLine {
        head: Head,
        line_at: usize,
        from: usize,
    },
    /// Where a fence may begin.
    Fence {
        head: Head,
        at: usize,
    },
    Arguments {
        head: Head,
        body: JsonBody,
        allows_fence: bool,
    },
    /// Behind the fence that closes the arguments.
    Fenced {
        head: Head,
        start: usize,
        body: BodyEnd,
        at: usize,
    },
}

/// What marks tell.
enum Next {
    Mark(usize),
    Other,
    Unknown,
}

impl SectionGrammar {
    pub(crate) fn new(marks: &'static Marks) -> Self {
        Self { marks, phase: Phase::Text, section: None }
    }

    /// What may end the arguments of a call, its own closing mark first.
    fn ends(&self) -> [&'static str; 5] {
        let Marks { section_open, section_close, call_open, call_close, .. } = self.marks;
        [call_close, call_open, section_close, section_open, FENCE]
    }

    fn text(&mut self, scan: &mut Scan<'_>) -> Option<Phase> {
        match scan.find(&[self.marks.section_open, self.marks.call_open]) {
            Found::NoneBefore(end) => {
                scan.take_text(end);
                None
            }
            Found::Tag { at, index } => {
                scan.take_text(at);
                self.section = Some(Section { at, has_calls: false, is_implied: index == 1 });
                scan.at = if index == 0 { at + self.marks.section_open.len() } else { at };
                Some(Phase::BetweenCalls { from: scan.at })
            }
        }
    }

    fn between(&mut self, from: usize, scan: &mut Scan<'_>) -> Option<Phase> {
        scan.at = scan.skip_blank(scan.at);
        let at = scan.at;
        let marks = self.marks;
        let section = self.section.as_mut().expect("it is under way");
        match next_mark(scan, at, &[marks.call_open, marks.section_close, marks.section_open]) {
            Next::Unknown => None,
            Next::Mark(0) => {
                if section.is_implied && !section.has_calls {
                    let message = format!("a call without {} before it", marks.section_open);
                    scan.out.defect(DefectKind::MalformedCall, at, message);
                }
                section.has_calls = true;
                Some(Phase::Head { call_at: at, from: at + marks.call_open.len() })
            }
            Next::Mark(1) => {
                scan.at = at + marks.section_close.len();
                if !section.has_calls {
                    scan.out.defect(DefectKind::MalformedCall, section.at, "a section without a call");
                    scan.out.unread_call(&scan.text[section.at..scan.at]);
                }
                self.section = None;
                Some(Phase::Text)
            }
            Next::Mark(_) | Next::Other => {
                scan.at = from;
                self.leave_open(scan);
                Some(Phase::Text)
            }
        }
    }

    /// The section ends here without its mark.
    fn leave_open(&mut self, scan: &mut Scan<'_>) {
        let Some(section) = self.section.take() else { return };
        if !section.is_implied {
            let message = format!("{} is not closed", self.marks.section_open);
            scan.out.defect(DefectKind::UnclosedTag, section.at, message);
        }
        if !section.has_calls {
            scan.out.unread_call(&scan.text[section.at..scan.at]);
        }
    }

    fn head(&mut self, call_at: usize, from: usize, scan: &mut Scan<'_>) -> Option<Phase> {
        let marks = self.marks;
        let [close, open, section_close, section_open, _] = self.ends();
        match scan.find_from(from, &[marks.separator, close, open, section_close, section_open]) {
            Found::Tag { at, index: 0 } => {
                let HeadText { id, name, defect } =
                    (marks.head)(scan.text[call_at + marks.call_open.len()..at].trim());
                if let Some(message) = defect {
                    scan.out.defect(DefectKind::MalformedCall, call_at, message);
                }
                let head = Head { id: id.map(CallId::from), name: name.to_owned(), at: call_at };
                let at = at + marks.separator.len();
                if marks.has_fences {
                    let is_function = name == FUNCTION;
                    return Some(Phase::Separated { head, is_function, at });
                }
                Some(Phase::Arguments { head, body: JsonBody::new(at), allows_fence: false })
            }
            Found::Tag { at, index } => Some(self.no_call(call_at, at, index == 1, scan)),
            Found::NoneBefore(end) if scan.is_end => Some(self.no_call(call_at, end, false, scan)),
            Found::NoneBefore(end) => {
                self.phase = Phase::Head { call_at, from: end };
                None
            }
        }
    }

    /// What began at `call_at` names no tool; at `end` stands the mark that ends it.
    fn no_call(&mut self, call_at: usize, end: usize, is_closed: bool, scan: &mut Scan<'_>) -> Phase {
        scan.at = if is_closed { end + self.marks.call_close.len() } else { end };
        if is_closed {
            let message = format!("the call has no name before a {}", self.marks.separator);
            scan.out.defect(DefectKind::MalformedCall, call_at, message);
        } else {
            let message = format!("{} is not closed", self.marks.call_open);
            scan.out.defect(DefectKind::UnclosedTag, call_at, message);
        }
        scan.out.unread_call(&scan.text[call_at..scan.at]);
        self.after_call(is_closed, scan)
    }

    fn after_call(&mut self, is_closed: bool, scan: &Scan<'_>) -> Phase {
        if !is_closed && scan.is_end && scan.at == scan.text.len() {
            // The reply was cut; that its section is open says no more.
            self.section = None;
            return Phase::Text;
        }
        Phase::BetweenCalls { from: scan.at }
    }

    fn separated(&mut self, head: Head, is_function: bool, at: usize, scan: &Scan<'_>) -> Option<Phase> {
        let at = scan.skip_blank(at);
        if at == scan.text.len() && !scan.is_end {
            self.phase = Phase::Separated { head, is_function, at };
            return None;
        }
        if !is_function || scan.text[at..].starts_with('{') {
            return Some(Phase::Fence { head, at });
        }
        match scan.starts_with(at, FENCE) {
            Some(true) => Some(Phase::Fence { head, at }),
            Some(false) => Some(Phase::NameLine { head, line_at: at, from: at }),
            None => {
                self.phase = Phase::Separated { head, is_function, at };
                None
            }
        }
    }

    fn name_line(
        &mut self,
        mut head: Head,
        line_at: usize,
        from: usize,
        scan: &mut Scan<'_>,
    ) -> Option<Phase> {
        let [close, open, section_close, section_open, _] = self.ends();
        let (end, at) = match scan.find_from(from, &["\n", "{", close, open, section_close, section_open]) {
            Found::Tag { at, index: 0 } => (at, at + 1),
            Found::Tag { at, index: 1 } => (at, at),
            Found::Tag { at, index } => return Some(self.no_call(head.at, at, index == 2, scan)),
            Found::NoneBefore(end) if scan.is_end => return Some(self.no_call(head.at, end, false, scan)),
            Found::NoneBefore(end) => {
                self.phase = Phase::NameLine { head, line_at, from: end };
                return None;
            }
        };
        let line = &scan.text[line_at..end];
        if let Some((name, _)) = line.split_once(FENCE) {
            head.name = name.trim().to_owned();
            return Some(Phase::Arguments { head, body: JsonBody::new(at), allows_fence: true });
        }
        head.name = line.trim().to_owned();
        Some(Phase::Fence { head, at })
    }

    fn fence(&mut self, head: Head, at: usize, scan: &Scan<'_>) -> Option<Phase> {
        let at = scan.skip_blank(at);
        let begins =
            |tag| if at == scan.text.len() && !scan.is_end { None } else { scan.starts_with(at, tag) };
        let length = match (begins(JSON_FENCE), begins(FENCE)) {
            (Some(true), _) => JSON_FENCE.len(),
            (Some(false), Some(true)) => FENCE.len(),
            (Some(false), Some(false)) => 0,
            _ => {
                self.phase = Phase::Fence { head, at };
                return None;
            }
        };
        Some(Phase::Arguments { head, body: JsonBody::new(at + length), allows_fence: true })
    }

    /// Reads the arguments on, which are most of what arrives: in place.
    fn arguments(&mut self, scan: &mut Scan<'_>) -> Option<Phase> {
        let ends = self.ends();
        let Phase::Arguments { body, allows_fence, .. } = &mut self.phase else { return None };
        let end = body.scan(scan, &ends[..if *allows_fence { 5 } else { 4 }])?;
        let Phase::Arguments { head, body, .. } = std::mem::replace(&mut self.phase, Phase::Text) else {
            return None;
        };
        let start = body.start();
        Some(match (end.tag, &end.value) {
            (Some(4), Some(_)) => Phase::Fenced { at: end.end + FENCE.len(), head, start, body: end },
            // It need not be the fence that closes them.
            (Some(4), None) => Phase::Arguments { head, body: JsonBody::new(start), allows_fence: false },
            _ => self.close(head, start, end, scan),
        })
    }

    fn fenced(
        &mut self,
        head: Head,
        start: usize,
        mut body: BodyEnd,
        at: usize,
        scan: &mut Scan<'_>,
    ) -> Option<Phase> {
        let at = scan.skip_blank(at);
        let ends = self.ends();
        Some(match next_mark(scan, at, &ends[..4]) {
            Next::Unknown => {
                self.phase = Phase::Fenced { head, start, body, at };
                return None;
            }
            Next::Mark(index) => {
                (body.end, body.tag) = (at, Some(index));
                self.close(head, start, body, scan)
            }
            Next::Other if at == scan.text.len() => {
                (body.end, body.tag) = (at, None);
                self.close(head, start, body, scan)
            }
            Next::Other => Phase::Arguments { head, body: JsonBody::new(start), allows_fence: false },
        })
    }

    fn close(&mut self, head: Head, start: usize, mut body: BodyEnd, scan: &mut Scan<'_>) -> Phase {
        let is_closed = body.tag == Some(0);
        let end = if is_closed { body.end + self.marks.call_close.len() } else { body.end };
        if !is_closed {
            let message = format!("{} is not closed", self.marks.call_open);
            scan.out.defect(DefectKind::UnclosedTag, head.at, message);
        }
        if self.marks.has_fences && body.value.is_none() {
            let written = scan.text[start..body.end].trim_end();
            body.end = start + written.strip_suffix(FENCE).unwrap_or(written).len();
        }
        named_call::push(scan, head, end, start, body, is_closed);
        scan.at = end;
        self.after_call(is_closed, scan)
    }
}

impl Grammar for SectionGrammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        loop {
            if matches!(self.phase, Phase::Arguments { .. }) {
                match self.arguments(scan) {
                    Some(next) => self.phase = next,
                    None => return,
                }
                continue;
            }
            let next = match std::mem::replace(&mut self.phase, Phase::Text) {
                Phase::Text => self.text(scan),
                Phase::BetweenCalls { from } => {
                    let next = self.between(from, scan);
                    if next.is_none() {
                        self.phase = Phase::BetweenCalls { from };
                    }
                    next
                }
                Phase::Head { call_at, from } => self.head(call_at, from, scan),
                Phase::Separated { head, is_function, at } => self.separated(head, is_function, at, scan),
                Phase::NameLine { head, line_at, from } => self.name_line(head, line_at, from, scan),
                Phase::Fence { head, at } => self.fence(head, at, scan),
                Phase::Arguments { .. } => unreachable!("it is read in place"),
                Phase::Fenced { head, start, body, at } => self.fenced(head, start, body, at, scan),
            };
            match next {
                Some(next) => self.phase = next,
                None => return,
            }
        }
    }
}

/// Which of `marks` stands at `at`, in which only the end of a reply is certain not to bring one.
fn next_mark(scan: &Scan<'_>, at: usize, marks: &[&str]) -> Next {
    let mut is_certain = at < scan.text.len() || scan.is_end;
    for (index, mark) in marks.iter().enumerate() {
        match scan.starts_with(at, mark) {
            Some(true) => return Next::Mark(index),
            Some(false) => {}
            None => is_certain = false,
        }
    }
    if is_certain { Next::Other } else { Next::Unknown }
}
