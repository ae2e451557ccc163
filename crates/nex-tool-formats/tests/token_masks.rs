//! Laws of token masks, with a small tokenizer trained here.

use nex_tool_formats::{MaskTokenizer, Rendered, Span, SpanKind, TokenMask, TokenSplit, TokenizerError};
use proptest::prelude::*;
use std::sync::LazyLock;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer, TokenizerImpl};

const MARKS: [&str; 3] = ["<|im_start|>", "<|im_end|>", "<tool_call>"];

/// Byte-level BPE as most models have it: it trims the offsets of words and splits characters.
fn train(eats_space: bool) -> MaskTokenizer {
    let mut trainer = BpeTrainer::builder()
        .vocab_size(400)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let byte_level = ByteLevel::new(false, true, true);
    let mut tokenizer: TokenizerImpl<BPE, tokenizers::NormalizerWrapper, ByteLevel, ByteLevel, ByteLevel> =
        TokenizerImpl::new(BPE::default());
    tokenizer
        .with_pre_tokenizer(Some(byte_level))
        .with_post_processor(Some(byte_level))
        .with_decoder(Some(byte_level));
    let corpus = [
        "user\nWhat is the answer? the answer is in the file the tool gave",
        "assistant\nthe tool gave the answer {\"name\": \"look\", \"arguments\": {\"path\": \"a.txt\"}}\n",
        "assistant\n\n the file. the file.\n\n",
    ];
    tokenizer.train(&mut trainer, corpus.iter().cycle().take(90)).expect("it trains");
    tokenizer
        .add_special_tokens(MARKS.map(|mark| AddedToken::from(mark, true).rstrip(eats_space)))
        .expect("they are added");
    // Through the file's form, as users load it.
    let json = tokenizer.to_string(false).expect("it serialises");
    MaskTokenizer::new(Tokenizer::from_bytes(json).expect("it loads"))
}

static PLAIN: LazyLock<MaskTokenizer> = LazyLock::new(|| train(false));
static EATS_SPACE: LazyLock<MaskTokenizer> = LazyLock::new(|| train(true));

fn rendered(pieces: &[(SpanKind, bool, String)]) -> Rendered {
    let mut out = Rendered::default();
    for (kind, is_trainable, text) in pieces.iter().filter(|(.., text)| !text.is_empty()) {
        let start = out.text.len();
        out.text.push_str(text);
        out.spans.push(Span { start, end: out.text.len(), kind: *kind, is_trainable: *is_trainable });
    }
    out
}

/// A chat: prompts, replies with their end marks, and what tools gave.
fn chat() -> impl Strategy<Value = Rendered> {
    let word = prop::sample::select(vec![
        "the",
        " answer",
        " ",
        "\n",
        "user",
        ".",
        "\"a.txt\"",
        "é",
        "😀",
        "日本",
        "{",
        "  ",
        "<|im_end|",
        "<tool_call>",
        "s",
    ]);
    let text = prop::collection::vec(word, 0..6).prop_map(|words| words.concat());
    let turn = (text.clone(), text.clone(), text.clone(), text, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(asked, thought, said, seen, is_trainable, ends, breaks)| {
            let line = if breaks { "\n" } else { "" };
            vec![
                (SpanKind::Scaffold, false, format!("<|im_start|>user{line}")),
                (SpanKind::User, false, asked),
                (SpanKind::Scaffold, false, format!("<|im_end|>{line}<|im_start|>assistant{line}")),
                (SpanKind::Reasoning, is_trainable, thought),
                (SpanKind::AssistantText, is_trainable, said),
                (SpanKind::EndOfTurn, is_trainable && ends, "<|im_end|>".to_owned()),
                (SpanKind::Scaffold, false, line.to_owned()),
                (SpanKind::Observation, false, seen),
            ]
        });
    prop::collection::vec(turn, 0..4).prop_map(|turns| rendered(&turns.concat()))
}

/// The text of each token; where a character is split, the pieces of bytes are kept apart.
fn bytes_of(tokenizer: &MaskTokenizer, ids: &[u32]) -> Vec<Vec<u8>> {
    let alphabet: std::collections::HashMap<char, u8> = byte_alphabet();
    let token = |id: &u32| {
        let written = tokenizer.tokenizer().id_to_token(*id).expect("it is a token");
        if MARKS.contains(&written.as_str()) {
            return written.into_bytes();
        }
        written.chars().map(|c| alphabet[&c]).collect()
    };
    ids.iter().map(token).collect()
}

/// GPT-2's letters for bytes: the printable ones stand for themselves, the others follow from U+0100 on.
fn byte_alphabet() -> std::collections::HashMap<char, u8> {
    let is_own = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 0x100;
    (0..=255u8)
        .map(|byte| {
            let letter = if is_own(byte) { u32::from(byte) } else { next };
            next += u32::from(!is_own(byte));
            (char::from_u32(letter).expect("a letter"), byte)
        })
        .collect()
}

/// Whether each byte of the text is trainable.
fn trainable_bytes(rendered: &Rendered) -> Vec<bool> {
    rendered.spans.iter().flat_map(|span| vec![span.is_trainable; span.end - span.start]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_texts_keep_the_laws(rendered in chat()) {
        let mask = PLAIN.mask(&rendered, TokenSplit::Whole).expect("it tokenises");
        prop_assert_eq!(PLAIN.tokenizer().decode(&mask.ids, false).expect("it decodes"), rendered.text.clone());
        check_tokens(&rendered, &mask, false)?;
    }

    #[test]
    fn texts_cut_at_boundaries_keep_the_laws(rendered in chat()) {
        let mask = PLAIN.mask(&rendered, TokenSplit::AtBoundaries).expect("it tokenises");
        prop_assert_eq!(PLAIN.tokenizer().decode(&mask.ids, false).expect("it decodes"), rendered.text.clone());
        check_tokens(&rendered, &mask, true)?;
    }

    #[test]
    fn a_mark_that_takes_the_line_break_along_still_ends_the_turn(rendered in chat()) {
        let mask = EATS_SPACE.mask(&rendered, TokenSplit::Whole).expect("it tokenises");
        let ends = rendered.spans.iter().filter(|span| span.kind == SpanKind::EndOfTurn && span.is_trainable).count();
        let id = EATS_SPACE.tokenizer().token_to_id("<|im_end|>").expect("it is a token");
        let trained = mask.ids.iter().zip(&mask.is_trainable).zip(&mask.kinds)
            .filter(|((of, is_trainable), kind)| **of == id && **is_trainable && **kind == SpanKind::EndOfTurn).count();
        prop_assert_eq!(trained, ends);
    }
}

/// Each token against the bytes that it covers, which byte-level BPE tells exactly.
fn check_tokens(rendered: &Rendered, mask: &TokenMask, is_exact: bool) -> Result<(), TestCaseError> {
    let is_trainable = trainable_bytes(rendered);
    let mut at = 0;
    prop_assert_eq!(mask.ids.len(), mask.is_trainable.len());
    prop_assert_eq!(mask.ids.len(), mask.kinds.len());
    for (index, bytes) in bytes_of(&PLAIN, &mask.ids).into_iter().enumerate() {
        let covered = at..at + bytes.len();
        prop_assert_eq!(&rendered.text.as_bytes()[covered.clone()], bytes.as_slice());
        at = covered.end;
        // A part of a character counts as all of it; no span ends inside one.
        let all = is_trainable[covered.clone()].iter().all(|is| *is);
        let any = is_trainable[covered.clone()].iter().any(|is| *is);
        prop_assert_eq!(mask.is_trainable[index], all, "token {} of {:?}", index, &rendered.text);
        prop_assert!(!is_exact || all == any, "in the other mode no token lies across");
        prop_assert!(!mask.is_trainable[index] || mask.kinds[index].is_models());
        let touches = |span: &&Span| span.start < covered.end && covered.start < span.end;
        prop_assert!(rendered.spans.iter().filter(touches).any(|span| span.kind == mask.kinds[index]));
    }
    prop_assert_eq!(at, rendered.text.len());
    let id = PLAIN.tokenizer().token_to_id("<|im_end|>").expect("it is a token");
    let ends =
        rendered.spans.iter().filter(|span| span.kind == SpanKind::EndOfTurn && span.is_trainable).count();
    let trained =
        mask.ids.iter().zip(&mask.is_trainable).filter(|(of, is_trainable)| **of == id && **is_trainable);
    prop_assert_eq!(trained.count(), ends);
    let labels = mask.labels();
    prop_assert_eq!(labels.iter().filter(|label| **label != -100).count(), mask.trainable_tokens());
    Ok(())
}

#[test]
fn the_two_ways_differ_where_words_would_merge() {
    let pieces = [
        (SpanKind::Scaffold, false, "<|im_start|>assistant\nthe ans".to_owned()),
        (SpanKind::AssistantText, true, "wer".to_owned()),
        (SpanKind::EndOfTurn, true, "<|im_end|>".to_owned()),
    ];
    let rendered = rendered(&pieces);
    let shown = |split| {
        let mask = PLAIN.mask(&rendered, split).expect("it tokenises");
        let tokens = mask.ids.iter().zip(&mask.is_trainable).filter(|(_, is_trainable)| **is_trainable);
        tokens.map(|(id, _)| PLAIN.tokenizer().id_to_token(*id).expect("it is a token")).collect::<Vec<_>>()
    };
    assert_eq!(shown(TokenSplit::Whole), ["<|im_end|>"]);
    assert_eq!(shown(TokenSplit::AtBoundaries).concat(), "wer<|im_end|>");
}

#[test]
fn a_file_that_cuts_and_pads_does_not() {
    let mut tokenizer = PLAIN.tokenizer().clone();
    let cut = tokenizers::TruncationParams { max_length: 3, ..Default::default() };
    tokenizer.with_truncation(Some(cut)).expect("it fits");
    let pad =
        tokenizers::PaddingParams { strategy: tokenizers::PaddingStrategy::Fixed(500), ..Default::default() };
    tokenizer.with_padding(Some(pad));
    let file = tempfile::NamedTempFile::new().expect("a file");
    tokenizer.save(file.path(), false).expect("it is written");
    let loaded = MaskTokenizer::from_file(file.path()).expect("it loads");
    let rendered = rendered(&[(SpanKind::User, false, "the answer is in the file the tool gave".to_owned())]);
    assert_eq!(loaded.mask(&rendered, TokenSplit::Whole), PLAIN.mask(&rendered, TokenSplit::Whole));
    std::fs::write(file.path(), "{}").expect("it is written");
    let error = MaskTokenizer::from_file(file.path()).expect_err("no tokenizer");
    assert!(matches!(error, TokenizerError::Unreadable { path, .. } if path == file.path()));
}
