//! UTF-8 that arrives in pieces.

/// Decodes bytes as `String::from_utf8_lossy` would decode them in one piece.
#[derive(Debug, Default)]
pub(crate) struct Utf8Decoder {
    /// The start of a character whose rest has not come yet.
    carry: Vec<u8>,
}

impl Utf8Decoder {
    /// Appends what `bytes` complete to `out`; calls `on_invalid` with the place of each byte
    /// sequence that had to be replaced.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut String, mut on_invalid: impl FnMut(usize)) {
        let joined;
        let mut rest = if self.carry.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.carry).as_slice(), bytes].concat();
            &joined
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    out.push_str(text);
                    return;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    out.push_str(std::str::from_utf8(valid).expect("valid up to here"));
                    let Some(length) = error.error_len() else {
                        self.carry = after.to_vec();
                        return;
                    };
                    on_invalid(out.len());
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = &after[length..];
                }
            }
        }
    }

    /// Whether no character waits for its rest.
    pub(crate) fn is_between_characters(&self) -> bool {
        self.carry.is_empty()
    }

    /// The bytes are over; a character without its rest is replaced.
    pub(crate) fn finish(&mut self, out: &mut String, mut on_invalid: impl FnMut(usize)) {
        if !std::mem::take(&mut self.carry).is_empty() {
            on_invalid(out.len());
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_decode_as_the_whole(bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(vec![0xf0, 0x9f, 0x98, 0x80, 0xe4, 0xc3, 0xed, 0xa0])],
            0..40,
        ), sizes in prop::collection::vec(1usize..5, 40)) {
            let mut decoder = Utf8Decoder::default();
            let (mut out, mut replaced, mut rest) = (String::new(), 0, bytes.as_slice());
            for size in sizes {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                decoder.push(piece, &mut out, |_| replaced += 1);
                rest = after;
            }
            decoder.push(rest, &mut out, |_| replaced += 1);
            decoder.finish(&mut out, |_| replaced += 1);
            let whole = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(&out, &whole);
            let literal = bytes.windows(3).filter(|w| w == &"\u{fffd}".as_bytes()).count();
            prop_assert_eq!(replaced + literal, whole.matches(char::REPLACEMENT_CHARACTER).count());
        }
    }
}
