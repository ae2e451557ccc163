//! Where a bare value ends.

use super::Syntax;
use crate::engine::{Found, Scan};

/// A search for the end of a value that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueEnd {
    searched: usize,
    /// A closing tag of something around the value: which, where, and up to where only white space
    /// follows it.
    outer: Option<Outer>,
}

#[derive(Clone, Copy, Debug)]
struct Outer {
    is_section: bool,
    at: usize,
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
        Self { searched: start, outer: None }
    }

    /// Searches on; none while the end is not certain.
    pub(super) fn find(&mut self, syntax: &Syntax, scan: &Scan<'_>) -> Option<Ended> {
        let section_close = syntax.section.map_or(syntax.call.close, |section| section.close);
        loop {
            if let Some(outer) = &mut self.outer {
                outer.blank_until = scan.skip_blank(outer.blank_until);
                if is_end_of_all(syntax, scan, outer)? {
                    return Some(Ended::Unclosed(outer.at));
                }
                self.outer = None;
            }
            match scan.find_from(self.searched, &[syntax.argument.close, syntax.call.close, section_close]) {
                Found::NoneBefore(end) if scan.is_end => return Some(Ended::Unclosed(end)),
                Found::NoneBefore(end) => {
                    self.searched = end;
                    return None;
                }
                Found::Tag { at, index: 0 } => return Some(Ended::Closed(at)),
                Found::Tag { at, index } => {
                    let is_section = index == 2;
                    let tag = if is_section { section_close } else { syntax.call.close };
                    self.searched = at + tag.len();
                    self.outer = Some(Outer { is_section, at, blank_until: self.searched });
                }
            }
        }
    }
}

/// Whether what follows `outer` shows that it closed the call, and so was no content.
fn is_end_of_all(syntax: &Syntax, scan: &Scan<'_>, outer: &Outer) -> Option<bool> {
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
