use super::*;
use crate::arbitrary;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    text: String,
}

fn row(id: u32) -> Row {
    Row { id, text: format!("row {id} 中文 \n\"{{") }
}

fn small_segments(max_segment_bytes: u64) -> StoreOptions {
    StoreOptions { max_segment_bytes, durability: Durability::Never }
}

fn write(dir: &Path, ids: impl IntoIterator<Item = u32>) {
    let (store, _) = Store::open_with(dir, small_segments(u64::MAX)).unwrap();
    for id in ids {
        store.append(&row(id)).unwrap();
    }
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("segment-000001.jsonl")
}

fn read(dir: &Path) -> Vec<Result<Row, StoreError>> {
    Reader::open(dir).unwrap().collect()
}

fn ids(dir: &Path) -> Vec<u32> {
    read(dir).into_iter().map(|r| r.unwrap().id).collect()
}

#[test]
fn a_line_is_json_with_the_checksum_of_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let (store, report) = Store::open(dir.path()).unwrap();
    assert_eq!(report, OpenReport::default());
    store.append(&serde_json::json!({"a": 1})).unwrap();
    // crc32 of `{"a":1}` by Python's binascii.
    expect_test::expect![[r#"
        {"v":1,"crc":"561bacaf","record":{"a":1}}
    "#]]
    .assert_eq(&fs::read_to_string(segment(dir.path())).unwrap());
}

#[test]
fn a_folder_that_is_not_there_reads_as_empty() {
    let dir = tempfile::tempdir().unwrap();
    assert!(read(&dir.path().join("none")).is_empty());
}

#[test]
fn records_come_back_in_order_over_many_segments_and_reopenings() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let (store, report) = Store::open_with(dir.path(), small_segments(300)).unwrap();
        assert!(report.is_clean());
        assert_eq!(report.records, round * 10);
        for id in 0..10 {
            store.append(&row(round as u32 * 10 + id)).unwrap();
        }
    }
    assert_eq!(ids(dir.path()), (0..40).collect::<Vec<_>>());
    let sizes: Vec<u64> = segment::list(dir.path())
        .unwrap()
        .iter()
        .map(|(_, path)| fs::metadata(path).unwrap().len())
        .collect();
    assert!(sizes.len() > 5 && sizes.iter().all(|size| *size <= 300), "{sizes:?}");
}

#[test]
fn every_durability_keeps_every_record() {
    use std::time::Duration;
    for durability in [
        Durability::Never,
        Durability::EveryN(3),
        Durability::Interval(Duration::ZERO),
        Durability::Interval(Duration::from_secs(3600)),
        Durability::Always,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) =
            Store::open_with(dir.path(), StoreOptions { max_segment_bytes: 200, durability }).unwrap();
        (0..9).for_each(|id| store.append(&row(id)).unwrap());
        store.sync().unwrap();
        assert_eq!(ids(dir.path()), (0..9).collect::<Vec<_>>(), "{durability:?}");
    }
}

#[test]
fn eight_threads_at_once_lose_and_tear_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open_with(dir.path(), small_segments(5_000)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || (0..200).for_each(|i| store.append(&row(thread * 1000 + i)).unwrap()));
        }
    });
    let seen = ids(dir.path());
    for thread in 0..8 {
        let own: Vec<u32> = seen.iter().copied().filter(|id| id / 1000 == thread).collect();
        assert_eq!(
            own,
            (0..200).map(|i| thread * 1000 + i).collect::<Vec<_>>(),
            "each thread's in its order"
        );
    }
    assert_eq!(seen.len(), 1600);
}

#[test]
fn a_second_writer_is_told_who_holds_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = Store::<Row>::open(dir.path()).unwrap();
    let error = Store::<Row>::open(dir.path()).err().expect("locked");
    assert!(matches!(&error, StoreError::Locked { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(first);
    Store::<Row>::open(dir.path()).unwrap();
}

#[test]
fn cut_at_every_byte_of_the_last_two_lines_it_reopens_with_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..4);
    let whole = fs::read(segment(dir.path())).unwrap();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    for cut in ends[1]..=whole.len() {
        fs::write(segment(dir.path()), &whole[..cut]).unwrap();
        // A line that lacks only its line break is whole: nothing of it is missing.
        let expected: Vec<u32> = (0..4).filter(|i| ends[*i as usize] - 1 <= cut).collect();
        let on_boundary = ends.contains(&cut) || ends.contains(&(cut + 1));

        let before = read(dir.path());
        let readable: Vec<u32> = before.iter().filter_map(|r| r.as_ref().ok()).map(|r| r.id).collect();
        assert_eq!(readable, expected, "cut at {cut}");
        assert_eq!(before.iter().any(|r| r.as_ref().is_err_and(StoreError::is_torn_tail)), !on_boundary);

        let (store, report) = Store::open(dir.path()).unwrap();
        assert_eq!(report.records, expected.len() as u64);
        assert_eq!(report.torn_tail.is_some(), !on_boundary, "cut at {cut}");
        assert!(report.quarantined.is_empty());
        store.append(&row(99)).unwrap();
        drop(store);
        let after: Vec<u32> = expected.into_iter().chain([99]).collect();
        assert_eq!(ids(dir.path()), after, "cut at {cut}");
    }
}

#[test]
fn a_flipped_byte_anywhere_is_detected_and_no_wrong_record_is_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..3);
    let whole = fs::read(segment(dir.path())).unwrap();
    for at in 0..whole.len() {
        for mask in [0x01, 0x02, 0x20, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            fs::write(segment(dir.path()), &bytes).unwrap();
            let _ = fs::remove_file(dir.path().join("quarantine.jsonl"));

            let read_before = read(dir.path());
            assert!(read_before.iter().any(Result::is_err), "byte {at} ^ {mask:#x} went unnoticed");
            let good: Vec<Row> = read_before.into_iter().filter_map(Result::ok).collect();
            assert!(good.iter().all(|r| *r == row(r.id)), "byte {at} ^ {mask:#x} gave a wrong record");

            let (_, report) = Store::<Row>::open(dir.path()).unwrap();
            assert!(!report.is_clean(), "byte {at} ^ {mask:#x}");
            assert_eq!(dir.path().join("quarantine.jsonl").exists(), !report.quarantined.is_empty());
            let after: Vec<Row> = read(dir.path()).into_iter().map(|r| r.expect("repaired")).collect();
            assert_eq!(after, good, "byte {at} ^ {mask:#x}");
        }
    }
}

#[test]
fn quarantine_keeps_the_bytes_and_says_where_they_were() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..3);
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let bad = lines[1].replace("row 1", "row 7");
    fs::write(segment(dir.path()), format!("{}\n{bad}\n{}\n", lines[0], lines[2])).unwrap();

    let error = read(dir.path()).into_iter().find_map(Result::err).unwrap();
    let StoreError::Damaged { line, offset_bytes, damage: Damage::Checksum { .. }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((line, offset_bytes), (2, lines[0].len() as u64 + 1));

    let (_, report) = Store::<Row>::open(dir.path()).unwrap();
    assert_eq!(report.quarantined.len(), 1);
    assert_eq!(report.records, 2);
    let kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("quarantine.jsonl")).unwrap()).unwrap();
    assert_eq!(kept["segment"], "segment-000001.jsonl");
    assert_eq!(kept["line"], 2);
    assert_eq!(kept["text"], bad);
    assert_eq!(ids(dir.path()), [0, 2]);
    assert!(Store::<Row>::open(dir.path()).unwrap().1.is_clean());
}

#[test]
fn damage_and_a_torn_tail_in_one_segment_are_both_mended() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..4);
    let mut bytes = fs::read(segment(dir.path())).unwrap();
    bytes[40] = 0xff;
    bytes.truncate(bytes.len() - 9);
    fs::write(segment(dir.path()), &bytes).unwrap();
    let (store, report) = Store::open(dir.path()).unwrap();
    assert_eq!((report.records, report.quarantined.len(), report.torn_tail.is_some()), (2, 1, true));
    store.append(&row(9)).unwrap();
    assert_eq!(ids(dir.path()), [1, 2, 9]);
}

#[test]
fn a_torn_line_in_an_older_segment_is_damage_not_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open_with(dir.path(), small_segments(1)).unwrap();
    (0..3).for_each(|id| store.append(&row(id)).unwrap());
    drop(store);
    let first = segment(dir.path());
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() - 5]).unwrap();
    assert!(matches!(read(dir.path())[0], Err(StoreError::Damaged { .. })));
    let (_, report) = Store::<Row>::open(dir.path()).unwrap();
    assert_eq!((report.quarantined.len(), report.torn_tail), (1, None));
    assert_eq!(ids(dir.path()), [1, 2]);
}

#[test]
fn a_newer_version_is_refused_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..2);
    let text = fs::read_to_string(segment(dir.path())).unwrap().replace("\"v\":1", "\"v\":2");
    fs::write(segment(dir.path()), &text).unwrap();
    let error = Store::<Row>::open(dir.path()).err().expect("refused");
    assert!(matches!(error, StoreError::NewerVersion { line: 1, version: 2, .. }), "{error}");
    assert!(error.to_string().contains("update nex"));
    assert_eq!(fs::read_to_string(segment(dir.path())).unwrap(), text);
    assert!(matches!(read(dir.path())[0], Err(StoreError::NewerVersion { .. })));
}

#[test]
fn a_record_beyond_the_limit_is_refused_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open_with(dir.path(), small_segments(u64::MAX)).unwrap();
    let frame = serde_json::to_string(&Row { id: 1, text: String::new() }).unwrap().len();
    let fits = Row { id: 1, text: "x".repeat(MAX_RECORD_BYTES - frame) };
    let too_large = Row { id: 2, text: "x".repeat(MAX_RECORD_BYTES - frame + 1) };
    store.append(&fits).unwrap();
    let error = store.append(&too_large).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { bytes } if bytes == MAX_RECORD_BYTES + 1), "{error}");
    store.append(&row(3)).unwrap();
    assert_eq!(ids(dir.path()), [1, 3]);
}

#[test]
fn an_endless_line_is_one_damaged_line_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..1);
    let mut file = fs::OpenOptions::new().append(true).open(segment(dir.path())).unwrap();
    let junk = vec![b'x'; 1 << 20];
    (0..66).for_each(|_| file.write_all(&junk).unwrap());
    file.write_all(b"\n").unwrap();
    let found = read(dir.path());
    assert!(matches!(
        found[1],
        Err(StoreError::Damaged { damage: Damage::TooLong { bytes: 69_206_016 }, line: 2, .. })
    ));
}

#[test]
fn a_record_of_another_kind_is_named_not_skipped() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0..1);
    let error = Reader::<Vec<u32>>::open(dir.path()).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, StoreError::WrongRecord { line: 1, .. }), "{error}");
}

#[test]
fn a_full_disk_leaves_earlier_records_and_the_store_usable() {
    let Some(dir) = std::env::var_os("NEX_TEST_CHILD_STORE") else {
        // A child of this test runs under a file size limit: the kernel then fails its writes.
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 0..1);
        let test = "store::tests::a_full_disk_leaves_earlier_records_and_the_store_usable";
        let status = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env("NEX_TEST_CHILD_STORE", dir.path())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let stored = ids(dir.path());
        assert!(stored.len() > 3 && stored.last() == Some(&5000), "{stored:?}");
        return;
    };
    let (store, _) = Store::open_with(&dir, small_segments(u64::MAX)).unwrap();
    let large = |id| Row { id, text: "y".repeat(300) };
    let failed = (1..1000).find(|id| store.append(&large(*id)).is_err()).expect("the limit is reached");
    assert!(failed > 2);
    store.append(&Row { id: 5000, text: String::new() }).expect("a small record still fits");
}

#[test]
fn killed_at_any_moment_it_resumes_with_a_whole_prefix() {
    if let Some(dir) = std::env::var_os("NEX_TEST_KILLED_STORE") {
        let (store, _) = Store::open_with(&dir, small_segments(10_000)).unwrap();
        let mut out = std::io::stdout();
        for id in 0.. {
            store.append(&row(id)).unwrap();
            if id == 500 {
                out.write_all(b"\nunder way\n").unwrap();
                out.flush().unwrap();
            }
        }
    }
    use std::io::BufRead;
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::killed_at_any_moment_it_resumes_with_a_whole_prefix", "--nocapture"])
        .env("NEX_TEST_KILLED_STORE", dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "under way"));
    child.kill().unwrap();
    child.wait().unwrap();

    let (store, report) = Store::open(dir.path()).unwrap();
    assert!(report.quarantined.is_empty());
    let count = report.records as u32;
    assert!(count > 500);
    store.append(&row(count)).unwrap();
    assert_eq!(ids(dir.path()), (0..=count).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_episodes_come_back_equal(episodes in prop::collection::vec(arbitrary::episode(), 1..4)) {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open_with(dir.path(), small_segments(4_000)).unwrap();
        episodes.iter().for_each(|e| store.append(e).unwrap());
        let back: Vec<crate::Episode> = Reader::open(dir.path()).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(back, episodes);
    }

    #[test]
    fn any_bytes_on_disk_are_reported_not_believed(junk in prop::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 0..2);
        let mut file = fs::OpenOptions::new().append(true).open(segment(dir.path())).unwrap();
        file.write_all(&junk).unwrap();
        let (store, report) = Store::open(dir.path()).unwrap();
        prop_assert_eq!(report.is_clean(), junk.is_empty());
        store.append(&row(2)).unwrap();
        prop_assert_eq!(ids(dir.path()), [0, 1, 2]);
    }
}

#[test]
fn a_place_finds_its_record_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::<String>::open(dir.path()).unwrap();
    for n in 0..20 {
        store.append(&format!("record {n}")).unwrap();
    }
    let mut reader = Reader::<String>::open(dir.path()).unwrap();
    let mut places = Vec::new();
    while let Some(record) = reader.next() {
        places.push((record.unwrap(), reader.last_place().unwrap()));
    }
    assert_eq!(places.len(), 20);
    for (record, place) in places.iter().rev() {
        assert_eq!(&super::fetch::<String>(place).unwrap(), record);
    }
}
