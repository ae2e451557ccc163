//! Targets of token ids with a tokenizer, which is trained here and loaded from its file.

mod support;

use nex_pipeline::export::{ExportOptions, ExportTarget, TokenSplit};
use nex_pipeline::recipe::Keep;
use serde_json::Value;
use std::path::Path;
use support::{episodes, export, target};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, NormalizerWrapper, Tokenizer, TokenizerImpl};

/// Writes a byte-level BPE tokenizer with Qwen's marks.
fn train(path: &Path) -> Tokenizer {
    let alphabet = ByteLevel::alphabet().into_iter().collect();
    let mut trainer =
        BpeTrainer::builder().vocab_size(400).show_progress(false).initial_alphabet(alphabet).build();
    let bytes = ByteLevel::new(false, true, true);
    let mut tokenizer: TokenizerImpl<BPE, NormalizerWrapper, ByteLevel, ByteLevel, ByteLevel> =
        TokenizerImpl::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(bytes)).with_post_processor(Some(bytes)).with_decoder(Some(bytes));
    let corpus =
        ["You are a clerk. Find the parcel in Graz, on Monday.\n", "{\"name\": \"ask\", \"arguments\": {}}"];
    tokenizer.train(&mut trainer, corpus.iter().cycle().take(60)).unwrap();
    let marks = ["<|im_start|>", "<|im_end|>"].map(|mark| AddedToken::from(mark, true));
    tokenizer.add_special_tokens(marks).unwrap();
    tokenizer.save(path, false).unwrap();
    Tokenizer::from_file(path).unwrap()
}

fn options(file: &Path, split: TokenSplit) -> ExportOptions {
    ExportOptions {
        tokenizer: Some(file.to_owned()),
        text_format: Some("qwen3".into()),
        token_split: Some(split),
        ..ExportOptions::default()
    }
}

/// The rows of `target`.
fn rows(target: &ExportTarget, dir: &Path) -> Vec<Value> {
    let path = dir.join(target.file_name());
    export(target, episodes(), Keep::Scored, &path);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids(row: &Value, key: &str) -> Vec<u32> {
    row[key].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

#[test]
fn ids_decode_to_the_text_and_only_replies_are_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokenizer.json");
    let tokenizer = train(&file);
    let texts = rows(&target("qwen3"), dir.path());
    assert!(texts.iter().any(|row| row["text"].as_str().unwrap().contains("<tool_response>")));
    for split in [TokenSplit::Whole, TokenSplit::Boundaries] {
        let trl = ExportTarget::by_name("trl-tokens", &options(&file, split)).unwrap();
        let trl = rows(&trl, dir.path());
        assert_eq!(trl.len(), texts.len());
        for (row, text) in trl.iter().zip(&texts) {
            assert_eq!(row["id"], text["id"]);
            let (input_ids, masks) = (ids(row, "input_ids"), ids(row, "assistant_masks"));
            let labels = row["labels"].as_array().unwrap();
            assert_eq!((masks.len(), labels.len()), (input_ids.len(), input_ids.len()));
            assert_eq!(tokenizer.decode(&input_ids, false).unwrap(), text["text"].as_str().unwrap());
            let written = trainable(text);
            let kept: Vec<u32> =
                input_ids.iter().zip(&masks).filter(|(_, mask)| **mask == 1).map(|(id, _)| *id).collect();
            let trained = tokenizer.decode(&kept, false).unwrap();
            match split {
                TokenSplit::Boundaries => assert_eq!(trained, written),
                // The edges may be lost, nothing may be added.
                TokenSplit::Whole => assert!(!trained.is_empty() && is_within(&trained, &written)),
            }
            for observed in ["no such parcel", "You are a clerk.", "<tool_response>"] {
                assert!(!trained.contains(observed), "{observed} is trained on: {trained}");
            }
            for ((id, mask), label) in input_ids.iter().zip(masks).zip(labels) {
                assert_eq!(label.as_i64().unwrap(), if mask == 1 { i64::from(*id) } else { -100 });
            }
        }
    }
}

/// What of the text takes part in the loss.
fn trainable(row: &Value) -> String {
    let text = row["text"].as_str().unwrap();
    let spans = row["spans"].as_array().unwrap().iter();
    let spans = spans.filter(|span| span["is_trainable"].as_bool().unwrap());
    let place = |span: &Value, key: &str| span[key].as_u64().unwrap() as usize;
    spans.map(|span| &text[place(span, "start")..place(span, "end")]).collect()
}

/// `part` is `whole` with some characters left out.
fn is_within(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|wanted| whole.any(|found| found == wanted))
}

#[test]
fn every_target_of_tokens_takes_the_same_ids() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokenizer.json");
    train(&file);
    let of = |name: &str| {
        rows(&ExportTarget::by_name(name, &options(&file, TokenSplit::Whole)).unwrap(), dir.path())
    };
    let trl: Vec<_> = of("trl-tokens").iter().map(|row| ids(row, "input_ids")).collect();
    let nexrl = of("nexrl");
    assert_eq!(nexrl.iter().map(|row| ids(row, "tokens")).collect::<Vec<_>>(), trl);
    assert!(nexrl.iter().all(|row| row["extra_fields"]["logprobs"].is_null()), "they belong to recorded ids");
    let atropos = of("atropos");
    let mut members: Vec<Vec<u32>> = Vec::new();
    for group in &atropos {
        assert!(group.get("inference_logprobs").is_none());
        for tokens in group["tokens"].as_array().unwrap() {
            members.push(tokens.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect());
        }
    }
    let mut trl = trl;
    members.sort();
    trl.sort();
    assert_eq!(members, trl);
}

#[test]
fn threads_share_a_tokenizer() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokenizer.json");
    train(&file);
    let target = ExportTarget::by_name("trl-tokens", &options(&file, TokenSplit::Whole)).unwrap();
    let prepared = || {
        let mut out = nex_pipeline::export::Prepared::default();
        episodes().into_iter().for_each(|episode| target.prepare(episode, Keep::Scored, &mut out));
        out.lines().to_vec()
    };
    let alone = prepared();
    assert!(!alone.is_empty());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(prepared)).collect();
        threads.into_iter().for_each(|thread| assert!(thread.join().unwrap() == alone));
    });
}

#[test]
fn a_file_that_is_no_tokenizer_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let told = |name: &str| {
        let options = options(&dir.path().join(name), TokenSplit::Whole);
        ExportTarget::by_name("trl-tokens", &options).unwrap_err().to_string()
    };
    std::fs::write(dir.path().join("broken.json"), "{\"model\": 7").unwrap();
    for name in ["missing.json", "broken.json"] {
        let told = told(name);
        assert!(told.contains(name) && told.contains("no tokenizer that can be read"), "{told}");
    }
    let mut unknown = options(&dir.path().join("missing.json"), TokenSplit::Whole);
    unknown.text_format = Some("qwen33".into());
    let told = ExportTarget::by_name("trl-tokens", &unknown).unwrap_err().to_string();
    assert!(told.contains("qwen33") && told.contains("hermes"), "{told}");
}
