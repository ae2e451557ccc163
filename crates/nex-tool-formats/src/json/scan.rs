//! A JSON scanner that may be stopped and resumed at any byte.
//!
//! Bytes in, the end of the value out, with the places of its members on the way. One pass, no
//! allocation but the list of members.

use super::plain::skip_plain;
use std::ops::Range;

/// Values nested deeper are called broken, as `serde_json` does.
const MAX_DEPTH: u32 = 127;

/// What came of looking at further bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value goes on.
    More,
    /// The value ends before this offset.
    Done(usize),
    /// It is no JSON: the byte at this offset cannot stand there.
    Broken(usize),
}

/// The levels below the outermost whose members can be recorded.
const MAX_LEVELS: usize = 4;

/// A member of an object, or an element of an array (whose key is empty).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// 1 in the outermost object or array.
    pub(crate) level: usize,
    /// The key, with its quotes.
    pub(crate) key: Range<usize>,
    /// The value.
    pub(crate) value: Range<usize>,
}

/// How far one value is understood.
#[derive(Clone, Debug)]
pub(crate) struct JsonScan {
    state: State,
    is_key: bool,
    depth: u32,
    /// Bit `i` is set if level `i` is an object.
    objects: u128,
    /// Members are recorded down to this level.
    levels: usize,
    /// The key and the start of the value under way, for each recorded level.
    under_way: [(usize, usize, usize); MAX_LEVELS],
    /// Where the outermost value begins.
    start: usize,
    /// The members that are complete, in the order in which they end: inner ones first.
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    FirstKeyOrEnd,
    Key,
    Colon,
    FirstValueOrEnd,
    AfterValue,
    Text,
    Escape,
    Hex(u8),
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Word { rest: &'static [u8] },
    Finished(Step),
}

impl Default for JsonScan {
    fn default() -> Self {
        Self {
            state: State::Value,
            is_key: false,
            depth: 0,
            objects: 0,
            levels: 1,
            under_way: [(0, 0, 0); MAX_LEVELS],
            start: 0,
            members: Vec::new(),
        }
    }
}

impl JsonScan {
    /// A scan that records members down to `levels`, 1 to 4.
    pub(crate) fn recording(levels: usize) -> Self {
        assert!((1..=MAX_LEVELS).contains(&levels), "one to four levels are recorded");
        Self { levels, ..Self::default() }
    }

    /// The slot of the level under way, if it is recorded.
    fn slot(&mut self) -> Option<&mut (usize, usize, usize)> {
        let depth = self.depth as usize;
        if depth >= 1 && depth <= self.levels { Some(&mut self.under_way[depth - 1]) } else { None }
    }

    /// Looks at `bytes` from `at` on and moves `at` behind what is understood. `bytes` always begins
    /// at the same place; offsets count from there.
    pub(crate) fn feed(&mut self, bytes: &[u8], at: &mut usize) -> Step {
        let mut i = *at;
        while i < bytes.len() {
            let byte = bytes[i];
            match self.state {
                State::Text => {
                    i = skip_plain(bytes, i);
                    // Most escapes are two bytes that are both here.
                    while let Some([b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't']) =
                        bytes.get(i..i + 2)
                    {
                        i = skip_plain(bytes, i + 2);
                    }
                    let Some(&byte) = bytes.get(i) else { break };
                    match byte {
                        b'"' => {
                            i += 1;
                            if self.is_key {
                                self.is_key = false;
                                if let Some((_, key_end, _)) = self.slot() {
                                    *key_end = i;
                                }
                                self.state = State::Colon;
                            } else if let Some(done) = self.complete(i) {
                                *at = i;
                                return done;
                            }
                            continue;
                        }
                        b'\\' => self.state = State::Escape,
                        _ => return self.broken(i, at),
                    }
                }
                State::Escape => match byte {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.state = State::Text,
                    b'u' => self.state = State::Hex(4),
                    _ => return self.broken(i, at),
                },
                State::Hex(left) => {
                    if !byte.is_ascii_hexdigit() {
                        return self.broken(i, at);
                    }
                    self.state = if left == 1 { State::Text } else { State::Hex(left - 1) };
                }
                State::Value | State::FirstValueOrEnd => match byte {
                    b' ' | b'\n' | b'\r' | b'\t' => {}
                    b']' if self.state == State::FirstValueOrEnd => {
                        i += 1;
                        if let Some(done) = self.close(i) {
                            *at = i;
                            return done;
                        }
                        continue;
                    }
                    _ => {
                        if !self.begin_value(byte, i) {
                            return self.broken(i, at);
                        }
                    }
                },
                State::FirstKeyOrEnd | State::Key => match byte {
                    b' ' | b'\n' | b'\r' | b'\t' => {}
                    b'"' => {
                        self.is_key = true;
                        if let Some((key_start, ..)) = self.slot() {
                            *key_start = i;
                        }
                        self.state = State::Text;
                    }
                    b'}' if self.state == State::FirstKeyOrEnd => {
                        i += 1;
                        if let Some(done) = self.close(i) {
                            *at = i;
                            return done;
                        }
                        continue;
                    }
                    _ => return self.broken(i, at),
                },
                State::Colon => match byte {
                    b' ' | b'\n' | b'\r' | b'\t' => {}
                    b':' => self.state = State::Value,
                    _ => return self.broken(i, at),
                },
                State::AfterValue => match (byte, self.is_in_object()) {
                    (b' ' | b'\n' | b'\r' | b'\t', _) => {}
                    (b',', true) => self.state = State::Key,
                    (b',', false) => self.state = State::Value,
                    (b'}', true) | (b']', false) => {
                        i += 1;
                        if let Some(done) = self.close(i) {
                            *at = i;
                            return done;
                        }
                        continue;
                    }
                    _ => return self.broken(i, at),
                },
                State::Word { rest } => {
                    if byte != rest[0] {
                        return self.broken(i, at);
                    }
                    if rest.len() > 1 {
                        self.state = State::Word { rest: &rest[1..] };
                    } else if let Some(done) = self.complete(i + 1) {
                        *at = i + 1;
                        return done;
                    }
                }
                State::Finished(step) => return step,
                _ => {
                    // A number: it ends before the first byte that cannot belong to it.
                    if let Some(next) = number_state(self.state, byte) {
                        self.state = next;
                    } else if is_number_end(self.state) {
                        if let Some(done) = self.complete(i) {
                            *at = i;
                            return done;
                        }
                        continue;
                    } else {
                        return self.broken(i, at);
                    }
                }
            }
            i += 1;
        }
        *at = i;
        Step::More
    }

    /// Where the value begins, once it has.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// There are no further bytes after `end`.
    pub(crate) fn finish(&mut self, end: usize) -> Step {
        match self.state {
            State::Finished(step) => step,
            state if self.depth == 0 && is_number_end(state) => Step::Done(end),
            _ => Step::Broken(end),
        }
    }

    fn begin_value(&mut self, byte: u8, at: usize) -> bool {
        if self.depth == 0 {
            self.start = at;
        }
        let is_in_object = self.is_in_object();
        if let Some((key_start, key_end, value_start)) = self.slot() {
            *value_start = at;
            if !is_in_object {
                (*key_start, *key_end) = (at, at);
            }
        }
        self.state = match byte {
            b'"' => State::Text,
            b'{' | b'[' => {
                if self.depth >= MAX_DEPTH {
                    return false;
                }
                let bit = 1u128 << self.depth;
                self.depth += 1;
                if byte == b'{' {
                    self.objects |= bit;
                    State::FirstKeyOrEnd
                } else {
                    self.objects &= !bit;
                    State::FirstValueOrEnd
                }
            }
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Integer,
            b't' => State::Word { rest: b"rue" },
            b'f' => State::Word { rest: b"alse" },
            b'n' => State::Word { rest: b"ull" },
            _ => return false,
        };
        true
    }

    fn is_in_object(&self) -> bool {
        self.depth > 0 && self.objects >> (self.depth - 1) & 1 == 1
    }

    /// The innermost object or array ends before `end`.
    fn close(&mut self, end: usize) -> Option<Step> {
        self.depth -= 1;
        self.complete(end)
    }

    /// A value ends before `end`.
    fn complete(&mut self, end: usize) -> Option<Step> {
        if self.depth == 0 {
            self.state = State::Finished(Step::Done(end));
            return Some(Step::Done(end));
        }
        if let Some((key_start, key_end, value_start)) = self.slot().map(|slot| *slot) {
            let level = self.depth as usize;
            self.members.push(Member { level, key: key_start..key_end, value: value_start..end });
        }
        self.state = State::AfterValue;
        None
    }

    fn broken(&mut self, place: usize, at: &mut usize) -> Step {
        *at = place;
        self.state = State::Finished(Step::Broken(place));
        Step::Broken(place)
    }
}

fn number_state(state: State, byte: u8) -> Option<State> {
    Some(match (state, byte) {
        (State::Minus, b'0') => State::Zero,
        (State::Minus, b'1'..=b'9') | (State::Integer, b'0'..=b'9') => State::Integer,
        (State::Zero | State::Integer, b'.') => State::Point,
        (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
        (State::Zero | State::Integer | State::Fraction, b'e' | b'E') => State::Exponent,
        (State::Exponent, b'+' | b'-') => State::ExponentSign,
        (State::Exponent | State::ExponentSign | State::ExponentDigits, b'0'..=b'9') => State::ExponentDigits,
        _ => return None,
    })
}

fn is_number_end(state: State) -> bool {
    matches!(state, State::Zero | State::Integer | State::Fraction | State::ExponentDigits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn jsonish() -> impl Strategy<Value = String> {
        let bits = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\"a\"",
            "\"k\": ",
            "1",
            "-",
            "0",
            ".",
            "5",
            "e",
            "E+",
            "true",
            "false",
            "null",
            "nul",
            " ",
            "\n",
            "\\u00e9",
            "\\n",
            "é",
            "😀",
            "\u{1}",
            "{\"a\": [1, 2.5e3], ",
            "\"b\": {}}",
            "text with words ",
        ]);
        prop::collection::vec(bits, 0..12).prop_map(|bits| bits.concat())
    }

    fn scan_in(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) -> (Step, Vec<Member>) {
        let mut scan = JsonScan::default();
        let mut at = 0;
        for cut in cuts {
            match scan.feed(&bytes[..cut], &mut at) {
                Step::More => {}
                step => return (step, scan.members),
            }
        }
        let step = match scan.feed(bytes, &mut at) {
            Step::More => scan.finish(bytes.len()),
            step => step,
        };
        (step, scan.members)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn it_agrees_with_serde_json(text in jsonish()) {
            let mut stream = serde_json::Deserializer::from_str(&text).into_iter::<&serde_json::value::RawValue>();
            let theirs = match stream.next() {
                Some(Ok(_)) => Some(stream.byte_offset()),
                _ => None,
            };
            let ours = match scan_in(text.as_bytes(), []).0 {
                Step::Done(end) => Some(end),
                _ => None,
            };
            // A stream may not end a scalar at just any byte (`nullx`, `1"`); a whole text is judged the same.
            let whole = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(whole, ours.is_some_and(|end| text[end..].trim_matches([' ', '\n', '\r', '\t']).is_empty()));
            if let Some(theirs) = theirs {
                prop_assert_eq!(ours, Some(theirs));
            }
        }

        #[test]
        fn any_split_gives_the_same(text in jsonish(), cut in any::<prop::sample::Index>()) {
            let bytes = text.as_bytes();
            let whole = scan_in(bytes, []);
            prop_assert_eq!(&scan_in(bytes, [cut.index(bytes.len() + 1)]), &whole);
            prop_assert_eq!(&scan_in(bytes, 0..bytes.len()), &whole);
        }
    }

    #[test]
    fn members_of_inner_levels_come_first() {
        let text = r#"{"a": [{"b": 1}, 2], "c": {}}"#;
        let mut scan = JsonScan::recording(3);
        assert_eq!(scan.feed(text.as_bytes(), &mut 0), Step::Done(text.len()));
        let found: Vec<_> =
            scan.members.iter().map(|m| (m.level, &text[m.key.clone()], &text[m.value.clone()])).collect();
        let expected = [
            (3, "\"b\"", "1"),
            (2, "", "{\"b\": 1}"),
            (2, "", "2"),
            (1, "\"a\"", "[{\"b\": 1}, 2]"),
            (1, "\"c\"", "{}"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn members_of_the_outermost_object() {
        let text = r#" {"a": {"b": 1}, "c" : [2], "d":"x"} tail"#;
        let (step, members) = scan_in(text.as_bytes(), []);
        assert_eq!(step, Step::Done(text.len() - 5));
        let found: Vec<_> = members.iter().map(|m| (&text[m.key.clone()], &text[m.value.clone()])).collect();
        assert_eq!(found, [("\"a\"", "{\"b\": 1}"), ("\"c\"", "[2]"), ("\"d\"", "\"x\"")]);
    }
}
