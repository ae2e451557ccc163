use super::*;

fn read(call: &str) -> Option<(String, String)> {
    let (mut scan, mut at) = (CallScan::new(), 0);
    let mut step = Step::More;
    for end in (1..=call.len()).filter(|end| call.is_char_boundary(*end)) {
        step = scan.feed(&call[..end], &mut at);
        if step != Step::More {
            break;
        }
    }
    let (mut whole, mut whole_at) = (CallScan::new(), 0);
    assert_eq!(whole.feed(call, &mut whole_at), step, "{call}: whole and in pieces");
    assert_eq!(whole_at, at, "{call}");
    let Step::Call(end) = step else { return None };
    assert_eq!(end, call.len(), "{call}");
    let ReadCall { name, arguments } = scan.take();
    assert_eq!(whole.take().arguments, arguments, "{call}");
    assert!(json::is_value(&arguments), "{arguments}");
    Some((call[name].to_owned(), arguments))
}

#[test]
fn python_values_become_json() {
    // What `json.dumps(value, ensure_ascii=False)` gives of the same Python values.
    for (python, json) in [
        ("'x'", "\"x\""),
        ("\"it's\"", "\"it's\""),
        ("'say \"hi\"'", "\"say \\\"hi\\\"\""),
        ("'it\\'s'", "\"it's\""),
        ("''", "\"\""),
        ("'a' \"b\"\n'c'", "\"abc\""),
        ("'''a\n'b' \"c\"'''", "\"a\\n'b' \\\"c\\\"\""),
        ("\"\"\"\"q\" end\"\"\"", "\"\\\"q\\\" end\""),
        ("''''''", "\"\""),
        ("'raw\nline\ttab'", "\"raw\\nline\\ttab\""),
        ("'\\n\\t\\r\\b\\f\\a\\v\\0\\\\\\/\\d'", "\"\\n\\t\\r\\b\\f\\u0007\\u000b\\u0000\\\\\\\\/\\\\d\""),
        ("'\\x41\\u00e9\\U0001F600\\101\\7x'", "\"Aé😀A\\u0007x\""),
        ("'\\ud83d\\ude00'", "\"\\ud83d\\ude00\""),
        ("'one\\\ntwo'", "\"onetwo\""),
        ("r'\\d\\'x'", "\"\\\\d\\\\'x\""),
        ("u'é'", "\"é\""),
        ("'\\xZ \\u00eg\\U0011ffff'", "\"\\\\xZ \\\\u00eg\u{fffd}\""),
        ("'\\N{DASH}'", "\"\\\\N{DASH}\""),
        ("True", "true"),
        ("None", "null"),
        ("false", "false"),
        ("-1", "-1"),
        ("+7", "7"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1.0", "1.0"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("-1.5e-7", "-1.5e-7"),
        ("2E+3", "2E+3"),
        ("1_000", "1000"),
        ("0xff", "255"),
        ("[1, 'a', None,]", "[1, \"a\", null]"),
        ("[]", "[]"),
        ("()", "[]"),
        ("(1,)", "[1]"),
        ("(1, (2, 3))", "[1, [2, 3]]"),
        ("('grouped')", "\"grouped\""),
        ("{}", "{}"),
        ("{'a': {'b': [1]}, \"c\": (True)}", "{\"a\": {\"b\": [1]}, \"c\": true}"),
        ("{1: 'x', None: 2}", "{\"1\": \"x\", \"null\": 2}"),
        ("[{'a': ': '}, {'b': 1}]", "[{\"a\": \": \"}, {\"b\": 1}]"),
        ("[': ', 2]", "[\": \", 2]"),
    ] {
        let (_, arguments) = read(&format!("f(k={python})")).unwrap_or_else(|| panic!("{python}"));
        assert_eq!(arguments, format!("{{\"k\": {json}}}"), "{python}");
    }
}

#[test]
fn names_and_keywords() {
    let read = |call| read(call).map(|(name, arguments)| format!("{name} {arguments}"));
    assert_eq!(read("f()").unwrap(), "f {}");
    assert_eq!(read("my-ns.tool ( from = 1 , a_b=2, )").unwrap(), "my-ns.tool {\"from\": 1, \"a_b\": 2}");
    assert_eq!(read("f(é='x')").unwrap(), "f {\"é\": \"x\"}");
    for broken in [
        "1f()",
        "f[",
        "f(1)",
        "f(a)",
        "f(a=)",
        "f(a=b)",
        "f(a=1 2)",
        "f(a=[1)",
        "f(a={1})",
        "f(a=007)",
        "f(a={[1]: 2})",
        "f(a='x'b)",
        "f(a=f'x')",
        "f(,)",
        "f(a=[,])",
    ] {
        assert_eq!(read(broken), None, "{broken}");
    }
}
