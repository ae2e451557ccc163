use super::*;
use expect_test::{Expect, expect};
use nex_trajectory::ToolSpec;
use serde_json::json;

fn declaration() -> ToolDeclaration {
    ToolDeclaration::new(ToolSpec {
        name: "book".into(),
        description: String::new(),
        input_schema: json!({
            "type": "object",
            "properties": {
                "title": {"type": "string", "description": "The book's title", "minLength": 2},
                "copies": {"type": "integer", "minimum": 1},
                "format": {"enum": ["paper", "pdf"]},
                "authors": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
                "note": {"type": ["string", "null"]},
            },
            "required": ["title"],
            "additionalProperties": false,
        }),
    })
    .expect("a valid schema")
}

fn refused(arguments: &str, expected: Expect) {
    let refusal = check(&Arguments::from_text(arguments), &declaration()).expect_err("must be refused");
    let mut found = refusal.text;
    for defect in refusal.defects {
        found.push_str(&format!("\n{:?} {:?}", defect.kind, defect.offset_bytes));
    }
    expected.assert_eq(&found);
}

#[test]
fn every_mistake_is_named() {
    refused(
        "{}",
        expect![[r#"
        the call of `book` was not made, its arguments are wrong:
        - required argument `title` is missing; expected a string: The book's title
        MissingArgument None"#]],
    );
    refused(
        r#"{"title": 7, "copies": "2", "note": []}"#,
        expect![[r#"
        the call of `book` was not made, its arguments are wrong:
        - argument `title` must be a string, got the number 7
        - argument `copies` must be an integer, got the string "2"
        - argument `note` must be null or a string, got the array []
        WrongType None
        WrongType None
        WrongType None"#]],
    );
    refused(
        r#"{"title": "ab", "titel": 1, "zzz": 2}"#,
        expect![[r#"
        the call of `book` was not made, its arguments are wrong:
        - unknown argument `titel`; did you mean `title`?
        - unknown argument `zzz`; known: title, copies, format, authors, note
        UnknownArgument None
        UnknownArgument None"#]],
    );
    refused(
        r#"{"title": "a", "copies": 0, "format": "epub"}"#,
        expect![[r#"
        the call of `book` was not made, its arguments are wrong:
        - argument `title`: "a" is shorter than 2 characters
        - argument `copies`: 0 is less than the minimum of 1
        - argument `format` must be one of ["paper","pdf"], got "epub"
        SchemaViolation None
        SchemaViolation None
        SchemaViolation None"#]],
    );
    refused(
        r#"{"title": "ab", "authors": [{"name": "x"}, {}, {"name": 3}]}"#,
        expect![[r#"
        the call of `book` was not made, its arguments are wrong:
        - required argument `authors[1].name` is missing
        - argument `authors[2].name` must be a string, got the number 3
        MissingArgument None
        WrongType None"#]],
    );
    refused(
        "[1]",
        expect![[r#"
        arguments of `book` must be one JSON object, got the array [1]
        MalformedCall None"#]],
    );
    refused(
        "\"{\\\"title\\\": 1}\"",
        expect![[r#"
        arguments of `book` must be one JSON object, got the string "{\"title\": 1}"
        MalformedCall None"#]],
    );
}

#[test]
fn text_that_is_no_json_is_placed() {
    refused(
        "{\"title\": \"ab\",\n \"copies\": 1,}",
        expect![[r#"
        arguments of `book` are not valid JSON: trailing comma at line 2 column 14, near " \"ab\",\n \"copies\": 1,}"; send one complete JSON object
        InvalidJson Some(29)"#]],
    );
    refused(
        "{\"title\": \"ab",
        expect![[r#"
        arguments of `book` are not valid JSON: EOF while parsing a string at line 1 column 13, near "{\"title\": \"ab"; send one complete JSON object
        InvalidJson Some(12)"#]],
    );
    refused(
        "tïtle=ab",
        expect![[r#"
        arguments of `book` are not valid JSON: expected ident at line 1 column 2, near "tïtle=ab"; send one complete JSON object
        InvalidJson Some(1)"#]],
    );
    refused(
        &"[".repeat(100_000),
        expect![[r#"
        arguments of `book` are not valid JSON: recursion limit exceeded at line 1 column 128, near "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["; send one complete JSON object
        InvalidJson Some(127)"#]],
    );
}

#[test]
fn a_good_call_keeps_order_and_numbers() {
    let text = r#"{"copies":9007199254740993,"title":"007"}"#;
    let (value, strays) = check(&Arguments::from_text(text), &declaration()).expect("good");
    assert_eq!(value.to_string(), text);
    assert_eq!(strays, []);
}

#[test]
fn an_open_schema_lets_strays_pass_but_records_them() {
    let open = ToolDeclaration::new(ToolSpec {
        name: "find".into(),
        description: String::new(),
        input_schema: json!({"type": "object", "properties": {"query": {"type": "string"}}}),
    })
    .expect("a valid schema");
    let (_, strays) = check(&Arguments::from_text(r#"{"querry": "x"}"#), &open).expect("allowed");
    assert_eq!(
        strays,
        [Defect::new(DefectKind::UnknownArgument, "unknown argument `querry`; did you mean `query`?")]
    );
}

#[test]
fn empty_text_is_no_arguments() {
    let open = ToolDeclaration::new(ToolSpec {
        name: "now".into(),
        description: String::new(),
        input_schema: json!({"type": "object"}),
    })
    .expect("a valid schema");
    assert_eq!(check(&Arguments::from_text("  "), &open), Ok((json!({}), vec![])));
}
