//! The JSON inside a call, up to the tag that ends it.
//!
//! A tag inside a JSON string is content, as long as the JSON around it holds. Where it does not
//! hold, the first tag after the beginning ends the body after all, so that what follows is read.

use crate::engine::{Found, Scan, looked_at};
use crate::json::{JsonScan, Member, Step};
use std::ops::Range;

/// How far a body is understood.
#[derive(Clone, Debug)]
pub(crate) struct JsonBody {
    start: usize,
    at: usize,
    scan: JsonScan,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Json,
    /// The value ended here.
    Behind {
        value_end: usize,
    },
    /// It is no JSON, or is followed by something else; found at this offset.
    Broken {
        error_at: usize,
    },
}

/// A body that is over.
#[derive(Clone, Debug)]
pub(crate) struct BodyEnd {
    /// The value, if it is JSON.
    pub(crate) value: Option<JsonValue>,
    /// Where it ceases to be JSON, if it does.
    pub(crate) error_at: usize,
    /// Where the tag that ends it begins, or the text ends.
    pub(crate) end: usize,
    /// The tag that ends it, by its index; none at the end of the text.
    pub(crate) tag: Option<usize>,
}

/// The value in a body.
#[derive(Clone, Debug)]
pub(crate) struct JsonValue {
    /// Where it stands.
    pub(crate) span: Range<usize>,
    /// Its members, or elements.
    pub(crate) members: Vec<Member>,
}

impl JsonBody {
    /// The body that begins at `start`.
    pub(crate) fn new(start: usize) -> Self {
        Self { start, at: start, scan: JsonScan::default(), phase: Phase::Json }
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Reads on. `ends` are the tags that may stand behind the value; none of them begins as JSON
    /// goes on.
    pub(crate) fn scan(&mut self, scan: &Scan<'_>, ends: &[&str]) -> Option<BodyEnd> {
        self.read(scan, ends, false)
    }

    /// Reads on, in formats that put no tag behind the value: it ends the body itself. `ends` are
    /// the tags at which to go on where it is no JSON.
    pub(crate) fn scan_value(&mut self, scan: &Scan<'_>, ends: &[&str]) -> Option<BodyEnd> {
        self.read(scan, ends, true)
    }

    fn read(&mut self, scan: &Scan<'_>, ends: &[&str], ends_itself: bool) -> Option<BodyEnd> {
        loop {
            match self.phase {
                Phase::Json => {
                    let from = self.at;
                    let mut step = self.scan.feed(scan.text.as_bytes(), &mut self.at);
                    looked_at(self.at - from);
                    if step == Step::More && scan.is_end {
                        step = self.scan.finish(scan.text.len());
                    }
                    self.phase = match step {
                        Step::More => return None,
                        Step::Done(value_end) => {
                            self.at = value_end;
                            Phase::Behind { value_end }
                        }
                        Step::Broken(error_at) => {
                            self.at = self.start;
                            Phase::Broken { error_at }
                        }
                    };
                }
                Phase::Behind { value_end } if ends_itself => {
                    let value = Some(self.take_value(value_end));
                    return Some(BodyEnd { value, error_at: value_end, end: value_end, tag: None });
                }
                Phase::Behind { value_end } => {
                    self.at = scan.skip_blank(self.at);
                    if self.at == scan.text.len() && !scan.is_end {
                        return None;
                    }
                    let end = self.at;
                    let mut tag = None;
                    for (index, candidate) in ends.iter().enumerate() {
                        match scan.starts_with(end, candidate) {
                            None => return None,
                            Some(true) => {
                                tag = Some(index);
                                break;
                            }
                            Some(false) => {}
                        }
                    }
                    if tag.is_none() && end < scan.text.len() {
                        self.phase = Phase::Broken { error_at: end };
                        continue;
                    }
                    return Some(BodyEnd {
                        value: Some(self.take_value(value_end)),
                        error_at: end,
                        end,
                        tag,
                    });
                }
                Phase::Broken { error_at } => match scan.find_from(self.at, ends) {
                    Found::Tag { at, index } => {
                        return Some(BodyEnd { value: None, error_at, end: at, tag: Some(index) });
                    }
                    Found::NoneBefore(end) if scan.is_end => {
                        return Some(BodyEnd { value: None, error_at, end, tag: None });
                    }
                    Found::NoneBefore(end) => {
                        self.at = end;
                        return None;
                    }
                },
            }
        }
    }

    fn take_value(&mut self, end: usize) -> JsonValue {
        let members = std::mem::take(&mut self.scan.members);
        JsonValue { span: self.scan.start()..end, members }
    }
}

impl JsonValue {
    /// The value that `json` is; it must be one.
    pub(crate) fn of(json: &str) -> Self {
        let mut scan = JsonScan::default();
        let mut at = 0;
        let end = match scan.feed(json.as_bytes(), &mut at) {
            Step::Done(end) => end,
            Step::More | Step::Broken(_) => json.len(),
        };
        Self { span: scan.start()..end, members: scan.members }
    }
}
