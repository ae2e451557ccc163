use super::*;
use crate::{Episode, arbitrary};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow_schema::{DataType, Field};
use expect_test::expect;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::fs::File;

fn write(episodes: &[Episode]) -> File {
    let mut writer = EpisodeWriter::new(tempfile::tempfile().unwrap()).unwrap();
    episodes.iter().for_each(|episode| writer.write(episode.clone()).unwrap());
    writer.finish().unwrap()
}

fn read(file: File) -> Vec<Episode> {
    EpisodeReader::new(file).unwrap().map(Result::unwrap).collect()
}

fn outline(fields: &[impl AsRef<Field>], depth: usize, out: &mut String) {
    for field in fields {
        let field = field.as_ref();
        let optional = if field.is_nullable() { "?" } else { "" };
        let (name, inner) = match field.data_type() {
            DataType::List(item) => match item.data_type() {
                DataType::Struct(fields) => ("list".to_owned(), Some(fields)),
                plain => (format!("list of {plain}"), None),
            },
            DataType::Struct(fields) => ("struct".to_owned(), Some(fields)),
            plain => (plain.to_string(), None),
        };
        writeln!(out, "{}{}{optional}: {name}", "  ".repeat(depth), field.name()).unwrap();
        if let Some(fields) = inner {
            outline(fields, depth + 1, out);
        }
    }
}

#[test]
fn the_schema_is_this_one() {
    let mut table = String::new();
    outline(arrow_schema().fields(), 0, &mut table);
    // A change here is a change for every reader of our files: raise SCHEMA_VERSION with it.
    assert_eq!(SCHEMA_VERSION, 1);
    expect![[r#"
        id: Utf8
        world: Utf8
        task_id: Utf8
        seed: UInt64
        language: Utf8
        difficulty: Utf8
        harness: Utf8
        driver: Utf8
        attempt: UInt32
        outcome: Utf8
        reward?: Float64
        turns: UInt32
        calls: UInt32
        stop: Utf8
        instruction: Utf8
        oracle_calls: UInt32
        dials: Utf8
        reward_parts?: list
          name: Utf8
          score: Float64
          weight: Float64
          findings: list of Utf8
        ratings: list
          stars: UInt32
          by: Utf8
          reason: Utf8
        notes: Utf8
        version: UInt32
        trajectories: list
          parent?: UInt32
          parent_node?: UInt32
          parent_call?: Utf8
          id: Utf8
          agent: Utf8
          stop_reason: Utf8
          answer?: Utf8
          tools: list
            name: Utf8
            description: Utf8
            input_schema: Utf8
          nodes: list
            parent?: UInt32
            role: Utf8
            is_synthetic: Boolean
            blocks: list
              inside?: UInt32
              type: Utf8
              text?: Utf8
              signature?: Utf8
              call_id?: Utf8
              name?: Utf8
              arguments?: Utf8
              is_error: Boolean
              media_type?: Utf8
              image?: Utf8
            turn?: struct
              provider: Utf8
              model: Utf8
              finish_reason: Utf8
              prompt_tokens: UInt64
              completion_tokens: UInt64
              reasoning_tokens: UInt64
              cached_tokens: UInt64
              start_ms: UInt64
              first_byte_ms?: UInt64
              duration_ms: UInt64
              attempts: UInt32
            call_timings: list
              start_ms: UInt64
              first_byte_ms?: UInt64
              duration_ms: UInt64
            tokens?: struct
              ids: list of UInt32
              logprobs: list of Float32
              is_sampled: list of Boolean
              is_content: list of Boolean
            defects: list
              kind: Utf8
              call_id?: Utf8
              offset_bytes?: UInt64
              message: Utf8
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_schema_of_a_file_does_not_depend_on_what_is_in_it() {
    for episodes in [vec![], vec![arbitrary::rich_episode()]] {
        let file = SerializedFileReader::new(write(&episodes)).unwrap();
        let metadata = file.metadata().file_metadata();
        let version = metadata.key_value_metadata().unwrap().iter().find(|p| p.key == schema::VERSION_KEY);
        assert_eq!(version.unwrap().value.as_deref(), Some("1"));
        let schema = ::parquet::arrow::parquet_to_arrow_schema(metadata.schema_descr(), None).unwrap();
        let names: Vec<&String> = schema.fields().iter().map(|f| f.name()).collect();
        let expected = arrow_schema();
        assert_eq!(names, expected.fields().iter().map(|f| f.name()).collect::<Vec<_>>());
    }
}

#[test]
fn a_rich_episode_and_no_episode_come_back() {
    let episode = arbitrary::rich_episode();
    assert_eq!(read(write(std::slice::from_ref(&episode))), [episode]);
    assert_eq!(read(write(&[])), []);
}

#[test]
fn same_episodes_same_bytes() {
    let bytes = || {
        let mut writer = EpisodeWriter::new(Vec::new()).unwrap();
        (0..3).for_each(|_| writer.write(arbitrary::rich_episode()).unwrap());
        writer.finish().unwrap()
    };
    assert!(bytes() == bytes());
}

#[test]
fn many_episodes_are_written_in_several_row_groups() {
    let large: Vec<Episode> = (0..5)
        .map(|attempt| {
            let mut episode = arbitrary::rich_episode();
            episode.attempt = attempt;
            let text = "x".repeat(12 << 20);
            episode.trajectory.push(crate::Node::new(None, crate::Message::user(text)));
            episode
        })
        .collect();
    let file = write(&large);
    let groups = SerializedFileReader::new(file.try_clone().unwrap()).unwrap().metadata().num_row_groups();
    assert_eq!(groups, 3);
    assert!(read(file) == large);
}

#[test]
fn a_newer_file_is_refused_and_another_table_is_named() {
    use ::parquet::arrow::ArrowWriter;
    use ::parquet::file::metadata::KeyValue;
    use ::parquet::file::properties::WriterProperties;
    use std::sync::Arc;
    let schema = Arc::new(arrow_schema::Schema::new(vec![Field::new("id", DataType::UInt64, false)]));
    let file = |version: Option<&str>| {
        let pairs = version.map(|v| vec![KeyValue::new(schema::VERSION_KEY.to_owned(), v.to_owned())]);
        let properties = WriterProperties::builder().set_key_value_metadata(pairs).build();
        let mut writer =
            ArrowWriter::try_new(tempfile::tempfile().unwrap(), schema.clone(), Some(properties)).unwrap();
        let ids: arrow_array::ArrayRef = Arc::new(arrow_array::UInt64Array::from(vec![1]));
        writer.write(&arrow_array::RecordBatch::try_new(schema.clone(), vec![ids]).unwrap()).unwrap();
        writer.into_inner().unwrap()
    };
    let error = EpisodeReader::new(file(Some("2"))).err().expect("refused");
    assert!(matches!(error, ParquetError::NewerVersion { version: 2 }), "{error}");
    let error = EpisodeReader::new(file(None)).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, ParquetError::Column { .. }), "{error}");
}

#[test]
fn a_damaged_file_is_an_error_not_a_panic() {
    let mut writer = EpisodeWriter::new(Vec::new()).unwrap();
    writer.write(arbitrary::rich_episode()).unwrap();
    let whole = writer.finish().unwrap();
    for cut in [0, 4, whole.len() / 2, whole.len() - 1] {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&whole[..cut]).unwrap();
        assert!(EpisodeReader::new(file).is_err(), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_episodes_come_back_equal(episodes in prop::collection::vec(arbitrary::episode(), 0..5)) {
        prop_assert_eq!(read(write(&episodes)), episodes);
    }
}
