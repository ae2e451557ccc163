//! Where JSON documents begin and end, without parsing them: brackets are counted outside strings.
//!
//! Items of a top-level array are documents of their own, so a file that is one long array is never
//! held whole.

/// The state between two looks at the same bytes.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// Where the document under way begins.
    start: Option<usize>,
    depth: u32,
    is_in_string: bool,
    is_escaped: bool,
    is_in_array: bool,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Record {
        start: usize,
        end: usize,
    },
    /// A document begins there and goes on after the last byte.
    Unfinished {
        start: usize,
    },
    Nothing,
}

impl Documents {
    /// The next document in `bytes`, looked at from `from` on. `is_last`: no more bytes follow.
    pub(super) fn next(&mut self, bytes: &[u8], from: usize, is_last: bool) -> Found {
        let mut at = from;
        while at < bytes.len() {
            let byte = bytes[at];
            let Some(start) = self.start else {
                match byte {
                    b'[' if !self.is_in_array => self.is_in_array = true,
                    b']' if self.is_in_array => self.is_in_array = false,
                    b',' | b' ' | b'\n' | b'\r' | b'\t' => {}
                    _ => {
                        self.start = Some(at);
                        continue;
                    }
                }
                at += 1;
                continue;
            };
            if self.is_in_string {
                at += self.string(&bytes[at..]);
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.depth += 1,
                // A number or a word ends at what separates it. A document has a byte at least: a bracket
                // that closes nothing is one, and no JSON.
                b',' | b'\n' | b']' if self.depth == 0 && at > start => return self.end(start, at),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return self.end(start, at + 1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        match self.start {
            Some(start) if is_last => self.end(start, bytes.len()),
            Some(start) => Found::Unfinished { start },
            None => Found::Nothing,
        }
    }

    fn end(&mut self, start: usize, end: usize) -> Found {
        let is_in_array = self.is_in_array;
        *self = Self { is_in_array, ..Self::default() };
        Found::Record { start, end }
    }

    /// Passes over the inside of a string; gives how many bytes.
    fn string(&mut self, bytes: &[u8]) -> usize {
        if self.is_escaped {
            self.is_escaped = false;
            return 1;
        }
        match memchr::memchr2(b'"', b'\\', bytes) {
            None => bytes.len(),
            Some(at) => {
                if bytes[at] == b'"' {
                    self.is_in_string = false;
                } else {
                    self.is_escaped = true;
                }
                at + 1
            }
        }
    }

    /// The first `count` bytes are no longer there.
    pub(super) fn moved(&mut self, count: usize) {
        self.start = self.start.map(|start| start.saturating_sub(count));
    }
}

/// Whether `bytes` are one document from first to last.
pub(super) fn is_one_value(bytes: &[u8]) -> bool {
    // The brackets of the whole count, so an array is looked at as one more level of nesting.
    let mut documents = Documents { is_in_array: true, ..Documents::default() };
    documents.next(bytes, 0, false) == Found::Record { start: 0, end: bytes.len() }
}
