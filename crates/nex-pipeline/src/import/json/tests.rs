use super::*;
use proptest::prelude::*;

fn mine(text: &str) -> Result<Value, JsonError> {
    let mut nodes = Nodes::default();
    Ok(tree(nodes.parse(text)?))
}

/// The value rebuilt through the views, so that each of them is compared.
fn tree(json: Json<'_>) -> Value {
    match json.kind() {
        Kind::Array => json.items().map(tree).collect::<Vec<_>>().into(),
        Kind::Object => {
            Value::Object(json.entries().map(|(key, value)| (key.into_owned(), tree(value))).collect())
        }
        Kind::PlainString | Kind::EscapedString => json.as_str().unwrap().into_owned().into(),
        Kind::Bool => json.as_bool().unwrap().into(),
        Kind::Null => Value::Null,
        Kind::Number => serde_json::from_str(json.raw()).unwrap(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\\PC\n\t\"\\\\\u{0}\u{1f}\u{2028}🌍]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-c\"\\\\é]{0,3}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_serde_json_writes_is_read_alike(value in any_json()) {
        prop_assert_eq!(mine(&value.to_string()).unwrap(), value.clone());
        prop_assert_eq!(mine(&format!("\r\n {value:#}\t")).unwrap(), value);
    }

    #[test]
    fn any_text_is_accepted_or_refused_as_serde_json_does(
        text in "[\\[\\]{}\",:0-9eE+.\\-ntrufalse\\\\ \n\u{1}d8cé]{0,24}"
    ) {
        let theirs = serde_json::from_str::<Value>(&text);
        // serde_json refuses numbers beyond every float; the grammar has them.
        if !theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range")) {
            prop_assert_eq!(mine(&text).ok(), theirs.ok(), "{}", text);
        }
    }

    #[test]
    fn a_changed_byte_is_accepted_or_refused_alike(value in any_json(), at in any::<prop::sample::Index>(), byte in 0u8..128) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let theirs = serde_json::from_str::<Value>(&text);
            if !theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range")) {
                prop_assert_eq!(mine(&text).ok(), theirs.ok(), "{}", text);
            }
        }
    }
}

#[test]
fn escapes_are_decoded_and_half_characters_refused() {
    assert_eq!(mine(r#""\ud83c\udf0d \u00e9\/\b""#).unwrap(), Value::from("🌍 é/\u{8}"));
    for text in [r#""\ud83c""#, r#""\udf0d""#, r#""\ud83cx""#, r#""\ud83c\u0041""#] {
        assert!(mine(text).unwrap_err().message.contains("surrogate"), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
}

#[test]
fn errors_say_what_was_found_where() {
    let told = |text: &str| mine(text).unwrap_err().to_string();
    assert_eq!(told(r#"{"a": [1, 2"#), "byte 11: the text ends where `,` or `]` should be: it was cut off");
    assert_eq!(told(r#"{"a": "b"#), "byte 8: the text ends inside a string: it was cut off");
    assert_eq!(told("\0\0"), "byte 0: a NUL byte where a value should be");
    assert_eq!(told("{'a': 1}"), "byte 1: `'` where a key in quotes should be");
    assert_eq!(told("[NaN]"), "byte 1: NaN and Infinity are no JSON: write such a number as null");
    assert_eq!(told(&"[".repeat(1000)), "byte 128: nested deeper than 128");
}

#[test]
fn the_text_of_a_value_is_kept_and_the_last_of_equal_keys_counts() {
    let text = r#"{"a": { "x" :1.0 }, "\u0061": [007e0]}"#.replace("007e0", "1E400");
    let mut nodes = Nodes::default();
    let json = nodes.parse(&text).unwrap();
    let last = json.get("a").unwrap();
    assert_eq!((last.raw(), last.start()), ("[1E400]", text.find("[").unwrap()));
    assert_eq!(json.entries().next().unwrap().1.raw(), r#"{ "x" :1.0 }"#);
    assert_eq!(last.items().next().unwrap().as_f64(), None);
}
