//! The bytes of a JSON string that stand for themselves.

/// The first offset from `from` on whose byte is a quote, a backslash or a control character, or the
/// length: up to there, a JSON string needs and has no escape.
#[inline]
pub fn skip_plain(bytes: &[u8], from: usize) -> usize {
    let mut i = from;
    #[cfg(target_arch = "x86_64")]
    while let Some(chunk) = bytes[i..].first_chunk::<16>() {
        // SAFETY: every x86-64 has SSE2.
        let found = unsafe { specials_of_sixteen(*chunk) };
        if found != 0 {
            return i + found.trailing_zeros() as usize;
        }
        i += 16;
    }
    skip_plain_words(bytes, i)
}

/// Bit `i` is set if byte `i` is special.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn specials_of_sixteen(chunk: [u8; 16]) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let word = u128::from_le_bytes(chunk);
    let bytes = _mm_set_epi64x((word >> 64) as i64, word as i64);
    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
    let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)).cast_unsigned()
}

/// The same as [`skip_plain`], eight bytes at a time: for the last few, and for other machines.
#[inline(never)]
fn skip_plain_words(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut i = from;
    while let Some(chunk) = bytes[i..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let has_zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
        let quote = has_zero(word ^ (ONES * u64::from(b'"')));
        let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
        // Bytes below 0x20: the subtraction borrows into their high bit.
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = quote | backslash | control;
        if found != 0 {
            // A borrow may mark bytes above the first true one, never below it.
            return i + (found.trailing_zeros() / 8) as usize;
        }
        i += 8;
    }
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    i + bytes[i..].iter().take_while(|byte| !is_special(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::{skip_plain, skip_plain_words};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn plain_bytes_are_skipped_exactly(
            bytes in prop::collection::vec(
                prop_oneof![8 => 0x1eu8..0x24, 1 => Just(b'\\'), 8 => 0x7eu8..0x82, 90 => b'a'..=b'z', 3 => any::<u8>()],
                0..120,
            ),
            from in 0usize..8,
        ) {
            let from = from.min(bytes.len());
            let is_special = |i: &usize| bytes[*i] < 0x20 || matches!(bytes[*i], b'"' | b'\\');
            let slow = (from..bytes.len()).find(is_special).unwrap_or(bytes.len());
            prop_assert_eq!(skip_plain(&bytes, from), slow);
            prop_assert_eq!(skip_plain_words(&bytes, from), slow);
        }
    }
}
