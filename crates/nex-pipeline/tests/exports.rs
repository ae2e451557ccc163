//! Every target as files: goldens small enough to read, and what is left out with its reason.

mod support;

use expect_test::{Expect, expect, expect_file};
use nex_pipeline::export::{ExportOptions, ExportTarget};
use nex_pipeline::recipe::Keep;
use nex_trajectory::{Arguments, ContentBlock, ImageSource, ToolCall};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::path::Path;
use support::{episodes, export, export_by, replying, target};

/// A file as text; a table as its schema and one JSON line a row, nulls too.
fn read(path: &Path) -> String {
    if path.extension().is_none_or(|extension| extension != "parquet") {
        return std::fs::read_to_string(path).unwrap();
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    for field in reader.schema().fields() {
        text.push_str(&format!("{}: {}\n", field.name(), field.data_type()));
    }
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(Vec::new());
    for batch in reader.build().unwrap() {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    text + &String::from_utf8(writer.into_inner()).unwrap()
}

/// Exports the episodes and compares the main file with `golden/NAME`.
fn check_golden(name: &str, report: Expect) {
    let dir = tempfile::tempdir().unwrap();
    let target = target(name);
    let path = dir.path().join(target.file_name());
    let written = export(&target, episodes(), Keep::Scored, &path);
    let extension = if path.extension().is_some_and(|e| e == "parquet") { "txt" } else { "jsonl" };
    expect_file![format!("golden/{name}.{extension}")].assert_eq(&read(&path));
    report.assert_eq(&format!("{} samples; {:?}", written.samples, written.skipped));
    let left: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".partial"))
        .collect();
    assert!(left.is_empty(), "half-written files are left: {left:?}");
}

#[test]
fn openai() {
    check_golden("openai", expect!["6 samples; {}"]);
}

#[test]
fn hermes() {
    check_golden(
        "hermes",
        expect![[
            r#"4 samples; {"the result of call `c2` does not stand in the order of the calls, which is all that pairs them": 2}"#
        ]],
    );
}

#[test]
fn trl() {
    check_golden(
        "trl",
        expect![[r#"5 samples; {"the runtime wrote one of the replies, and this target trains on all": 1}"#]],
    );
}

#[test]
fn trl_turns() {
    check_golden("trl-turns", expect!["6 samples; {}"]);
}

#[test]
fn trl_tokens() {
    check_golden("trl-tokens", expect!["6 samples; {}"]);
}

#[test]
fn verl_sft() {
    check_golden(
        "verl-sft",
        expect![[r#"5 samples; {"the runtime wrote one of the replies, and this target trains on all": 1}"#]],
    );
}

#[test]
fn verl_rl() {
    check_golden("verl-rl", expect!["2 samples; {}"]);
}

#[test]
fn skyrl() {
    check_golden("skyrl", expect!["2 samples; {}"]);
}

#[test]
fn llama_factory() {
    check_golden(
        "llama-factory",
        expect![[r#"5 samples; {"the runtime wrote one of the replies, and this target trains on all": 1}"#]],
    );
}

#[test]
fn ms_swift() {
    check_golden("ms-swift", expect!["6 samples; {}"]);
}

#[test]
fn atif() {
    check_golden("atif", expect!["4 samples; {}"]);
}

#[test]
fn verifiers() {
    check_golden("verifiers", expect!["3 samples; {}"]);
}

#[test]
fn nexrl() {
    check_golden("nexrl", expect!["6 samples; {}"]);
}

#[test]
fn atropos() {
    check_golden("atropos", expect!["6 samples; {}"]);
}

/// The names and the goldens are the same set: a new target comes with its golden.
#[test]
fn every_target_has_a_golden() {
    let formats: BTreeSet<&str> = nex_tool_formats::all().iter().map(|format| format.name()).collect();
    for name in ExportTarget::names() {
        let is_golden = ["jsonl", "txt"]
            .iter()
            .any(|e| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.{e}")).exists());
        assert!(is_golden || formats.contains(name) || name == "parquet", "`{name}` has no golden");
    }
}

/// An infrastructure failure is read and nothing of it is written, whatever is kept.
#[test]
fn infra_failures_are_never_samples() {
    for name in ExportTarget::names() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(name);
        let path = dir.path().join(target.file_name());
        let broken = episodes().split_off(3);
        let report = export(&target, broken, Keep::All, &path);
        assert_eq!((report.episodes, report.samples), (1, u64::from(name == "parquet")), "{name}");
    }
}

/// However the episodes are cut into batches, the bytes are the same.
#[test]
fn batches_do_not_change_the_files() {
    for name in ExportTarget::names() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(name);
        let files = [1, 2, 9].map(|batch| {
            let path = dir.path().join(format!("{batch}-{}", target.file_name()));
            export_by(batch, &target, episodes(), Keep::Scored, &path);
            std::fs::read(&path).unwrap()
        });
        assert!(!files[0].is_empty(), "{name}");
        assert!(files[0] == files[1] && files[1] == files[2], "{name}");
    }
}

/// One file a trajectory: the names are the branches, and a folder of something else is left alone.
#[test]
fn atif_as_files() {
    let dir = tempfile::tempdir().unwrap();
    let options = ExportOptions { file_each: true, ..ExportOptions::default() };
    let target = ExportTarget::by_name("atif", &options).unwrap();
    let path = dir.path().join("atif");
    let report = export(&target, episodes(), Keep::Success, &path);
    let mut names: Vec<String> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["e1.clerk#6.json", "e3.clerk#3.json", "e3.clerk#6.json"]);
    assert_eq!(report.samples, 3);
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "years of work").unwrap();
    let refused = nex_pipeline::export::ExportSink::create(&target, &other).unwrap_err().to_string();
    assert!(refused.contains("thesis.tex"), "{refused}");
}

/// What a target cannot hold is left out, and said.
#[test]
fn what_has_no_place_is_left_out_with_the_reason() {
    let call = |arguments: &str| {
        vec![ContentBlock::ToolCall(ToolCall {
            id: "c".into(),
            name: "ask".into(),
            arguments: Arguments::from_text(arguments),
        })]
    };
    let picture = ContentBlock::Image(ImageSource::Url { url: "http://x/y.png".into() });
    let text = |text: &str| ContentBlock::Text { text: text.to_owned() };
    let reasoning = |text: &str| ContentBlock::Reasoning { text: text.to_owned(), signature: None };
    let after = vec![call("{}").remove(0), text("after")];
    let cases: Vec<(&str, Vec<ContentBlock>)> = vec![
        ("cut arguments", call("{\"question\": \"Wh")),
        ("arguments that are a list", call("[1]")),
        ("text after a call", after),
        ("a picture", vec![picture]),
        ("a tag in reasoning", vec![reasoning("so </think> no"), text("x")]),
        ("a tag in arguments", call("{\"question\": \"<tool_call>\"}")),
        ("plain text, no tokens", vec![text("fine")]),
    ];
    let mut told = String::new();
    // Of the text formats one stands for all: each has its own table of refusals.
    let is_other_text =
        |name: &str| name != "openai" && name != "hermes" && nex_tool_formats::by_name(name).is_ok();
    for (case, content) in cases {
        told.push_str(&format!("{case}\n"));
        for name in ExportTarget::names().into_iter().filter(|name| !is_other_text(name)) {
            let dir = tempfile::tempdir().unwrap();
            let target = target(name);
            let path = dir.path().join(target.file_name());
            let report = export(&target, vec![replying(content.clone())], Keep::All, &path);
            for reason in report.skipped.keys() {
                told.push_str(&format!("  {name}: {reason}\n"));
            }
        }
    }
    expect![[r#"
        cut arguments
          hermes: the arguments of call `c` to `ask` are not JSON
          trl: arguments that are no JSON object
          trl-turns: arguments that are no JSON object
          trl-tokens: no token ids in the record
          verl-sft: arguments that are no JSON object
          llama-factory: arguments that are no JSON object
          ms-swift: arguments that are no JSON object
          atif: arguments that are no JSON object
          nexrl: no token ids in the record
          atropos: no token ids in the record
        arguments that are a list
          hermes: the arguments of call `c` to `ask` are not an object
          trl: arguments that are no JSON object
          trl-turns: arguments that are no JSON object
          trl-tokens: no token ids in the record
          verl-sft: arguments that are no JSON object
          llama-factory: arguments that are no JSON object
          ms-swift: arguments that are no JSON object
          atif: arguments that are no JSON object
          nexrl: no token ids in the record
          atropos: no token ids in the record
        text after a call
          openai: text after a call: the format has it only before
          hermes: text after a call: the format has it only before
          trl: text after a call: chat messages have it only before
          trl-turns: text after a call: chat messages have it only before
          trl-tokens: no token ids in the record
          verl-sft: text after a call: chat messages have it only before
          llama-factory: text after a call: chat messages have it only before
          ms-swift: text after a call: chat messages have it only before
          nexrl: no token ids in the record
          atropos: no token ids in the record
        a picture
          openai: an assistant message holds text, reasoning and calls only
          hermes: an assistant message holds text, reasoning and calls only
          trl: pictures: the target takes text only
          trl-turns: pictures: the target takes text only
          trl-tokens: no token ids in the record
          verl-sft: pictures: the target takes text only
          llama-factory: pictures: the target takes text only
          ms-swift: pictures: the target takes text only
          verifiers: a picture in a reply
          nexrl: no token ids in the record
          atropos: no token ids in the record
        a tag in reasoning
          hermes: the text holds `</think>`, which the format cannot escape
          trl-tokens: no token ids in the record
          llama-factory: a <think> tag inside reasoning
          ms-swift: a <think> tag inside reasoning
          nexrl: no token ids in the record
          atropos: no token ids in the record
        a tag in arguments
          trl-tokens: no token ids in the record
          llama-factory: a <tool_call> or <think> tag in arguments
          nexrl: no token ids in the record
          atropos: no token ids in the record
        plain text, no tokens
          trl-tokens: no token ids in the record
          nexrl: no token ids in the record
          atropos: no token ids in the record
    "#]]
    .assert_eq(&told);
}

/// A misspelt name is answered with the nearest one.
#[test]
fn an_unknown_target_is_named() {
    let told = ExportTarget::by_name("llamafactory", &ExportOptions::default()).unwrap_err().to_string();
    assert!(told.contains("did you mean `llama-factory`?"), "{told}");
}

/// An option that a target would not heed is refused, not ignored.
#[test]
fn an_option_without_effect_is_refused() {
    let told = |name, options: ExportOptions| ExportTarget::by_name(name, &options).unwrap_err().to_string();
    let file_each = ExportOptions { file_each: true, ..ExportOptions::default() };
    expect!["one file a trajectory is for `atif`; `trl` is one file"].assert_eq(&told("trl", file_each));
    let tokenizer = ExportOptions { tokenizer: Some("t.json".into()), ..ExportOptions::default() };
    expect!["`openai` holds no token ids: it takes neither a tokenizer nor a format for one"]
        .assert_eq(&told("openai", tokenizer.clone()));
    let format = ExportOptions { text_format: Some("qwen3".into()), ..ExportOptions::default() };
    expect![
        "`nexrl` takes the token ids of the record, as they were served and sampled: a text format or a split needs a tokenizer beside it"
    ]
    .assert_eq(&told("nexrl", format));
    let without = told("nexrl", tokenizer);
    assert!(without.starts_with("t.json: "), "{without}");
    if cfg!(not(feature = "tokenizers")) {
        expect!["t.json: this build has no tokenizers; build it with `cargo build --features tokenizers`"]
            .assert_eq(&without);
    }
}
