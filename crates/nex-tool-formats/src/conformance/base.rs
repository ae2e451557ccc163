//! The twenty-one cases of the baseline, each once the undoing of a published parser.

use super::case::{Case, Group, Probe, calls, says};
use nex_trajectory::Message;

/// A case of the baseline that must come back as it is.
fn case(id: &'static str, title: &'static str, message: Message) -> Case {
    Case::new(Group::Base, id, title, message, Probe::RoundTrip)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = plain();
    cases.extend(strings());
    cases.push(Case::new(
        Group::Base,
        "base.truncated",
        "second call cut off, the first stays",
        calls(&[("get_weather", r#"{"city":"Paris"}"#), ("last_call", r#"{"note":"a 🌍 note"}"#)]),
        Probe::EveryCut,
    ));
    cases
}

fn plain() -> Vec<Case> {
    vec![
        case("base.plain", "one call", calls(&[("get_weather", r#"{"city":"Paris"}"#)])),
        case("base.no-arguments", "no arguments", calls(&[("ping", "{}")])),
        case(
            "base.several",
            "three calls",
            calls(&[
                ("get_weather", r#"{"city":"Paris","days":3}"#),
                ("search", r#"{"query":"rust","limit":5}"#),
                ("ping", "{}"),
            ]),
        ),
        case(
            "base.text-before",
            "text before the call",
            says("I will look that up.", &[("get_weather", r#"{"city":"Paris"}"#)]),
        ),
        case(
            "base.nested",
            "nested objects and arrays",
            calls(&[(
                "order",
                r##"{"order_id":"#W1","items":[{"sku":"a","n":1},{"sku":"b","n":[1,[2,[]]]}],"meta":{"z":{"b":{"c":[true,null]}},"empty":{}}}"##,
            )]),
        ),
        case("base.big-integer", "integer beyond 2^53", calls(&[("measure", r#"{"n":9007199254740993}"#)])),
        case("base.float-one", "1.0 beside 1", calls(&[("measure", r#"{"x":1.0,"n":1}"#)])),
        case(
            "base.scalars",
            "booleans and null by schema",
            calls(&[("measure", r#"{"flag":true,"off":false,"nothing":null}"#)]),
        ),
        case("base.namespaced", "name with dash and dot", calls(&[("my-ns.tool", r#"{"query":"x"}"#)])),
    ]
}

/// Strings that something on the way takes for something else.
fn strings() -> Vec<Case> {
    let city =
        |id, title, json: &str| case(id, title, calls(&[("get_weather", &format!("{{\"city\":{json}}}"))]));
    let file = |id, title, json: &str| {
        case(id, title, calls(&[("write_file", &format!("{{\"path\":\"a.txt\",\"content\":{json}}}"))]))
    };
    vec![
        city("base.null-text", "string `null`", r#""null""#),
        city("base.leading-zeros", "string `007`", r#""007""#),
        city("base.empty-string", "empty string", r#""""#),
        file(
            "base.white-space",
            "indentation, white space at both ends, final newline",
            r#""\n    def f():\n\t\treturn 1  \n\n""#,
        ),
        city("base.emoji", "emoji", r#""🌍 👩‍👩‍👧 é""#),
        city("base.line-separator", "U+2028 and U+2029", "\"a\u{2028}b\u{2029}c\""),
        file("base.entities", "literal `&lt;` and `&`", r#""a &lt; b &amp;&amp; c & d &#38; e""#),
        file("base.markup", "`<p>`, `List<String>`, `x<y`", r#""<p>List<String> x<y && y>z</p><div>""#),
        file("base.own-closer", "the format's own closing mark in a value", "\"a\u{E002}b\""),
        file("base.quotes", "quotes and backslashes", r#""say \"hi\" 'now' C:\\dir\\new \\\" \\\\n""#),
        file("base.semicolons", "`;` in strings", r#""SELECT a; SELECT b; {\"x\": 1}; f();""#),
    ]
}
