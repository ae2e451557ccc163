//! Where a bare value ends.

use super::Syntax;
use crate::engine::{Found, Scan};

/// A search for the end of a value that is under way.
///
/// The first closing tag of the value ends it, whatever stands before. But where the tags that close
/// a call follow each other, and the next argument is opened before a value is closed, then it is
/// this value that was not closed, and it ends before those tags.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueEnd {
    searched: usize,
    outer: Option<Outer>,
    /// Where the closing tags of a call follow each other.
    call_closed_at: Option<usize>,
}

/// A closing tag of something around the value.
#[derive(Clone, Copy, Debug)]
struct Outer {
    is_section: bool,
    at: usize,
    /// Up to here only white space follows it.
    blank_until: usize,
}

/// How a value ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With its closing tag, which begins here.
    Closed(usize),
    /// Without one, here.
    Unclosed(usize),
}

impl ValueEnd {
    pub(super) fn new(start: usize) -> Self {
        Self { searched: start, outer: None, call_closed_at: None }
    }

    /// Searches on; none while the end is not certain.
    pub(super) fn find(&mut self, syntax: &Syntax, scan: &Scan<'_>) -> Option<Ended> {
        let close = syntax.argument.close;
        let section_close = syntax.section.map_or(syntax.call.close, |section| section.close);
        loop {
            if let Some(outer) = &mut self.outer {
                outer.blank_until = scan.skip_blank(outer.blank_until);
                if is_end_of_call(syntax, scan, outer)? {
                    self.call_closed_at = Some(outer.at);
                }
                self.outer = None;
            }
            let found = match self.call_closed_at {
                None => scan.find_from(self.searched, &[close, syntax.call.close, section_close]),
                Some(_) => scan.find_from(self.searched, &[close, syntax.argument.open]),
            };
            match (found, self.call_closed_at) {
                (Found::Tag { at, index: 0 }, _) => return Some(Ended::Closed(at)),
                (Found::Tag { .. }, Some(closed_at)) => return Some(Ended::Unclosed(closed_at)),
                (Found::Tag { at, index }, None) => {
                    let is_section = index == 2;
                    let tag = if is_section { section_close } else { syntax.call.close };
                    self.searched = at + tag.len();
                    self.outer = Some(Outer { is_section, at, blank_until: self.searched });
                }
                (Found::NoneBefore(end), closed_at) if scan.is_end => {
                    return Some(Ended::Unclosed(closed_at.unwrap_or(end)));
                }
                (Found::NoneBefore(end), _) => {
                    self.searched = end;
                    return None;
                }
            }
        }
    }
}

/// Whether what follows `outer` looks as if it closed the call, and were no content.
fn is_end_of_call(syntax: &Syntax, scan: &Scan<'_>, outer: &Outer) -> Option<bool> {
    let at = outer.blank_until;
    if at == scan.text.len() {
        return scan.is_end.then_some(true);
    }
    let mut followers = [syntax.call.open; 3];
    if let Some(section) = syntax.section {
        followers = if outer.is_section {
            [section.open; 3]
        } else {
            [section.close, section.open, syntax.call.open]
        };
    }
    for follower in followers {
        if scan.starts_with(at, follower)? {
            return Some(true);
        }
    }
    Some(false)
}
