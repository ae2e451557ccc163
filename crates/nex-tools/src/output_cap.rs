//! Bounds what a tool's output may weigh before it enters a trajectory.
//!
//! Output over the limit keeps its head and tail, cut at character boundaries, and says between
//! them how many bytes are missing and the BLAKE3 hash of the whole, so that two runs can be
//! compared and a model knows to ask for less.

use nex_trajectory::{ContentBlock, ImageSource};

/// What was cut from one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes that the tool gave.
    pub total_bytes: usize,
    /// Bytes that are left out.
    pub left_out_bytes: usize,
    /// BLAKE3 of everything that the tool gave in the blocks that were cut, in hex.
    pub hash: String,
}

/// Cuts `content` to about `max_bytes` of text and `max_image_bytes` an image; `None` when
/// everything fits, and then nothing is copied.
pub fn cap(content: &mut [ContentBlock], max_bytes: usize, max_image_bytes: usize) -> Option<Cut> {
    let total_text: usize = content.iter().map(text_len).sum();
    let fits_text = total_text <= max_bytes;
    if fits_text && content.iter().all(|block| image_len(block) <= max_image_bytes) {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    let mut cut = Cut { total_bytes: 0, left_out_bytes: 0, hash: String::new() };
    let mut budget = max_bytes;
    for block in content {
        let image_bytes = image_len(block);
        if image_bytes > max_image_bytes {
            if let ContentBlock::Image(ImageSource::Base64 { media_type, data }) = block {
                hasher.update(data.as_bytes());
                cut.total_bytes += data.len();
                cut.left_out_bytes += data.len();
                let text = format!(
                    "[image {media_type} of {image_bytes} bytes left out: over the limit of {max_image_bytes}]"
                );
                *block = ContentBlock::Text { text };
            }
            continue;
        }
        let ContentBlock::Text { text } = block else { continue };
        if fits_text || text.len() <= budget {
            budget = budget.saturating_sub(text.len());
            continue;
        }
        hasher.update(text.as_bytes());
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let (shorter, left_out) = head_and_tail(text, budget, &hash[..16]);
        cut.total_bytes += text.len();
        cut.left_out_bytes += left_out;
        *text = shorter;
        budget = 0;
    }
    cut.hash = hasher.finalize().to_hex().to_string();
    Some(cut)
}

/// Two thirds of `budget` from the head, one third from the tail, and a line about the gap.
fn head_and_tail(text: &str, budget: usize, hash: &str) -> (String, usize) {
    let head = &text[..text.floor_char_boundary(budget - budget / 3)];
    let tail = &text[text.ceil_char_boundary(text.len() - budget / 3)..];
    let left_out = text.len() - head.len() - tail.len();
    let total = text.len();
    let gap = format!("\n[… {left_out} of {total} bytes left out here; blake3 of the whole: {hash} …]\n");
    (format!("{head}{gap}{tail}"), left_out)
}

fn text_len(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text { text } => text.len(),
        _ => 0,
    }
}

fn image_len(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Image(ImageSource::Base64 { data, .. }) => data.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    fn text(text: &str) -> ContentBlock {
        ContentBlock::Text { text: text.into() }
    }

    #[test]
    fn keeps_head_tail_counts_and_hash() {
        let mut content = vec![text(&format!("{}{}{}", "a".repeat(8), "é".repeat(40), "z".repeat(8)))];
        let cut = cap(&mut content, 18, 100).expect("96 bytes are over 18");
        expect![[r#"
            (
                Cut {
                    total_bytes: 96,
                    left_out_bytes: 78,
                    hash: "b0ee6d8fe39291e649e03ff6e8601cc4f3870fcbd2481e3aa218106e4e50fda3",
                },
                [
                    Text {
                        text: "aaaaaaaaéé\n[… 78 of 96 bytes left out here; blake3 of the whole: b0ee6d8fe39291e6 …]\nzzzzzz",
                    },
                ],
            )
        "#]]
        .assert_debug_eq(&(cut, content));
    }

    #[test]
    fn a_big_image_becomes_a_note() {
        let image = ImageSource::Base64 { media_type: "image/png".into(), data: "A".repeat(101) };
        let mut content = vec![text("look"), ContentBlock::Image(image)];
        let cut = cap(&mut content, 1000, 100).expect("101 bytes are over 100");
        assert_eq!(cut.left_out_bytes, 101);
        assert_eq!(content[1], text("[image image/png of 101 bytes left out: over the limit of 100]"));
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_near_the_limit(texts in prop::collection::vec(".{0,80}", 0..4), limit in 0usize..100) {
            let mut content: Vec<_> = texts.iter().map(|t| text(t)).collect();
            let before = content.clone();
            let total: usize = texts.iter().map(String::len).sum();
            match cap(&mut content, limit, 10) {
                None => { prop_assert!(total <= limit); prop_assert_eq!(before, content); }
                Some(cut) => {
                    prop_assert!(total > limit);
                    let kept: usize = content.iter().map(text_len).sum();
                    // The note of each block that was cut is at most 120 bytes.
                    prop_assert!(kept <= limit + 120 * texts.len());
                    prop_assert!(cut.left_out_bytes <= cut.total_bytes);
                }
            }
        }
    }
}
