use super::*;
use proptest::prelude::*;

/// All events of `stream`, fed in the pieces that end at `cuts`.
fn decode(stream: &[u8], cuts: &[usize], limit: usize) -> Result<Vec<(String, String)>, SseError> {
    let mut decoder = SseDecoder::with_limit(limit);
    let mut events = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([stream.len()]) {
        decoder.feed(&stream[start..end]);
        start = end;
        while let Some(event) = decoder.next_event()? {
            events.push((event.name.to_owned(), event.data.to_owned()));
        }
    }
    Ok(events)
}

fn whole(stream: &str) -> Vec<(String, String)> {
    decode(stream.as_bytes(), &[], 1 << 20).expect("a stream within its limit")
}

fn pair(name: &str, data: &str) -> (String, String) {
    (name.to_owned(), data.to_owned())
}

#[test]
fn the_rules_of_the_format() {
    assert_eq!(whole("data: a\n\n"), [pair("", "a")]);
    assert_eq!(whole("data: a\r\n\r\n"), [pair("", "a")]);
    assert_eq!(whole("data: a\r\r"), [pair("", "a")]);
    assert_eq!(whole("data:a\n\n"), [pair("", "a")]);
    assert_eq!(whole("data:  a\n\n"), [pair("", " a")]);
    assert_eq!(whole("data: a\ndata: b\n\n"), [pair("", "a\nb")]);
    assert_eq!(whole("data\n\n"), [pair("", "")]);
    assert_eq!(whole("event: ping\ndata: {}\n\ndata: x\n\n"), [pair("ping", "{}"), pair("", "x")]);
    assert_eq!(whole("event: ping\n\ndata: x\n\n"), [pair("", "x")]);
    assert_eq!(whole(": comment\n\nid: 7\nretry: 10\nunknown: y\ndata: x\n\n"), [pair("", "x")]);
    assert_eq!(whole("\u{feff}data: x\n\n"), [pair("", "x")]);
    assert_eq!(whole("data: \u{feff}x\n\n"), [pair("", "\u{feff}x")]);
    assert_eq!(whole("data: not closed\n"), []);
    assert_eq!(whole("data: not closed"), []);
    assert_eq!(whole(""), []);
}

#[test]
fn too_large_and_not_utf8_are_errors() {
    let limit = Err(SseError::TooLarge { limit_bytes: 16 });
    assert_eq!(decode(b"data: 0123456789abcdef\n\n", &[], 16), limit);
    assert_eq!(decode(b"data: 0123456789abcdef", &[5], 16), limit);
    assert_eq!(decode(b"data: 012345678\ndata: 012345678\n\n", &[], 16), limit);
    assert_eq!(decode(b"data: \xff\n\n", &[], 16), Err(SseError::InvalidUtf8));
}

#[test]
fn one_stream_split_at_every_two_offsets() {
    let stream =
        "\u{feff}: hello\r\ndata: {\"a\":\"äöü 🙂\"}\r\n\r\nevent: x\rdata: 1\rdata: 2\r\rdata: [DONE]\n\n"
            .as_bytes();
    let expected = decode(stream, &[], 1 << 20);
    assert_eq!(expected.as_ref().map(Vec::len), Ok(3));
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            assert_eq!(decode(stream, &[first, second], 1 << 20), expected, "cut at {first} and {second}");
        }
    }
}

fn stream_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"data".to_vec()),
        Just(b"data: ".to_vec()),
        Just(b"event:".to_vec()),
        Just(b":".to_vec()),
        Just("äx🙂".as_bytes().to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        Just(b"\xff".to_vec()),
        Just(b"0123456789".to_vec()),
    ]
}

proptest! {
    #[test]
    fn every_split_gives_the_same_events(
        pieces in prop::collection::vec(stream_piece(), 0..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        limit in prop_oneof![Just(25usize), Just(1 << 20)],
    ) {
        let stream = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(decode(&stream, &cuts, limit), decode(&stream, &[], limit));
        let every: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(decode(&stream, &every, limit), decode(&stream, &[], limit));
    }

    #[test]
    fn what_is_written_is_read(events in prop::collection::vec(("[a-z]{0,6}", "[^\r\n]{0,20}(\n[^\r\n]{0,9}){0,2}"), 0..8)) {
        let mut stream = String::new();
        for (name, data) in &events {
            if !name.is_empty() {
                stream += &format!("event: {name}\n");
            }
            for line in data.split('\n') {
                stream += &format!("data: {line}\n");
            }
            stream += "\n";
        }
        prop_assert_eq!(whole(&stream), events);
    }
}
