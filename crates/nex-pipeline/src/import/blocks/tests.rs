use super::*;
use expect_test::{Expect, expect};

/// Gives `bytes` in pieces of a size of its own.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn records_of(blocks: Blocks<impl Read>, whole: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for block in blocks {
        let block = block.unwrap();
        let mut faults = block.faults.iter().peekable();
        for (index, place) in block.records.iter().enumerate() {
            while let Some((_, fault)) = faults.next_if(|(before, _)| *before <= index) {
                found.push(format!("! {fault}"));
            }
            let bytes = &block.bytes[place.start..place.end];
            let offset = block.offset_bytes as usize + place.start;
            assert_eq!(bytes, &whole[offset..offset + bytes.len()], "the offset is that of the file");
            found.push(format!("{}: {}", place.line, String::from_utf8_lossy(bytes)));
        }
        found.extend(faults.map(|(_, fault)| format!("! {fault}")));
    }
    found
}

fn check(text: &str, expected: Expect) {
    let found = records_of(Blocks::new(text.as_bytes(), "f"), text.as_bytes());
    assert_eq!(found, records_of(Blocks::new(Pieces(text.as_bytes(), 1), "f"), text.as_bytes()));
    expected.assert_eq(&found.join("\n"));
}

/// Such a bracket must neither hold up the reading nor swallow what follows.
#[test]
fn a_bracket_that_closes_nothing_is_a_record_of_its_own() {
    check(
        "[{\"a\":1}]]{\"b\":2}\n]",
        expect![[r#"
        1: {"a":1}
        1: ]
        1: {"b":2}
        2: ]"#]],
    );
}

#[test]
fn lines_with_bom_crlf_blanks_and_a_cut_off_end() {
    check(
        "\u{feff}{\"a\":1}\r\n\r\n  \n{\"b\":\"\n{\"c\":3}\n{\"d\":",
        expect![[r#"
        1: {"a":1}
        4: {"b":"
        5: {"c":3}
        6: {"d":"#]],
    );
    check("", expect![""]);
    check("\n \n", expect![""]);
    check("{\"a\": {}}", expect![[r#"1: {"a": {}}"#]]);
    check(
        "{\"cut\": [\n{\"b\":1}\n",
        expect![[r#"
        1: {"cut": [
        2: {"b":1}"#]],
    );
    check(
        "[{\"role\":1}]\n[{\"role\":2}]\n",
        expect![[r#"
        1: [{"role":1}]
        2: [{"role":2}]"#]],
    );
    check(
        "not json\n{\"a\":1}\n",
        expect![[r#"
        1: not json
        2: {"a":1}"#]],
    );
}

#[test]
fn items_of_one_array_and_documents_over_several_lines() {
    check(
        "[{\"a\":\"]}\\\"\"},\n{\"b\":[1,{}]}\n, 7, \"x\"]\n",
        expect![[r#"
        1: {"a":"]}\""}
        2: {"b":[1,{}]}
        3: 7
        3: "x""#]],
    );
    check(
        "{\n  \"a\": {\n  }\n}\n\n{\n  \"b\": 1\n}",
        expect![[r#"
        1: {
          "a": {
          }
        }
        6: {
          "b": 1
        }"#]],
    );
    check(
        "[\n {\"a\": 1},\n {\"cut\": ",
        expect![[r#"
        2: {"a": 1}
        3: {"cut": "#]],
    );
    check("[]", expect![""]);
}

#[test]
fn a_file_of_many_blocks_keeps_every_record_and_line() {
    let record = |n: usize| format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(n % 977));
    let lines: Vec<String> = (0..9000).map(record).collect();
    let expected: Vec<String> =
        lines.iter().enumerate().map(|(n, line)| format!("{}: {line}", n + 1)).collect();
    let text = lines.join("\n");
    assert!(text.len() > 3 * BLOCK_BYTES);
    assert_eq!(records_of(Blocks::new(text.as_bytes(), "f"), text.as_bytes()), expected);
    let array = format!("[{}]", lines.join(",\n"));
    assert_eq!(records_of(Blocks::new(array.as_bytes(), "f"), array.as_bytes()), expected);
}

#[test]
fn a_record_over_the_limit_is_passed_over_and_the_next_is_read() {
    let long = "x".repeat(3 << 20);
    let lines = format!("{{\"a\":1}}\n{{\"long\":\"{long}\"}}\n{{\"b\":2}}\n");
    let array = format!("[{{\"a\":1}},\n{{\"long\":\"{long}\"}},\n{{\"b\":2}}]");
    for text in [lines, array] {
        let blocks = Blocks::with_limit(text.as_bytes(), "f", (1 << 20) + 7);
        expect![[r#"
            1: {"a":1}
            ! f:2: a record of more than 1 MiB was passed over; split it into one record a line (an export's list, for example with `jq -c '.data[]'`)
            3: {"b":2}"#]]
        .assert_eq(&records_of(blocks, text.as_bytes()).join("\n"));
    }
}
