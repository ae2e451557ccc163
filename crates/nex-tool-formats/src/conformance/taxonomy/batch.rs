//! `batch.*`: whole replies that are well formed.

use crate::conformance::case::{Case, Expected, Fate, Findings, Group, Probe, TextRule, calls, says};
use crate::conformance::damage::{Damage, Insert};
use nex_trajectory::{DefectKind, Message};

fn case(id: &'static str, title: &'static str, message: Message) -> Case {
    Case::new(Group::Batch, id, title, message, Probe::RoundTrip)
}

fn damaged(
    id: &'static str,
    title: &'static str,
    message: Message,
    damage: Damage,
    expected: Expected,
) -> Case {
    Case::new(Group::Batch, id, title, message, Probe::Damaged(damage, expected))
}

const PARIS: (&str, &str) = ("get_weather", r#"{"city":"Paris"}"#);
const ROME: (&str, &str) = ("get_weather", r#"{"city":"Rome","days":2}"#);
const PING: (&str, &str) = ("ping", "{}");

pub(super) fn cases() -> Vec<Case> {
    let mut cases = counts();
    cases.extend(arguments());
    cases.extend(around());
    cases.extend(separators());
    cases
}

fn counts() -> Vec<Case> {
    let ten: Vec<(&str, &str)> = [PARIS, PING, ROME, PING, PARIS].repeat(2);
    vec![
        case(
            "batch.1",
            "one call with every argument",
            calls(&[("search", r#"{"query":"rust","limit":3,"safe":true}"#)]),
        ),
        case("batch.2.a", "two calls", calls(&[PARIS, ROME])),
        case("batch.2.b", "ten calls in a row", calls(&ten)),
        case("batch.2.c", "text, then two calls", says("Both, then.", &[PARIS, PING])),
        case("batch.3.a", "text alone", says("Nothing to call here.", &[])),
        case(
            "batch.3.b",
            "text that looks like code and data",
            says("Use `{\"name\": 1}` or [a, b] in <b>HTML</b>; x < y && f(1).\n\n- done", &[]),
        ),
        damaged(
            "batch.9.a",
            "empty reply",
            says("x", &[]),
            Damage::Literal(""),
            Expected::defect(&[], &[DefectKind::EmptyReply]),
        ),
        damaged("batch.9.b", "blank reply", says("x", &[]), Damage::Literal(" \n\t\n"), Expected::calls(&[])),
        damaged(
            "batch.9.c",
            "section without a call",
            calls(&[PARIS]),
            Damage::EmptySection,
            Expected::calls(&[Fate::Gone]),
        ),
        case("batch.10", "the same call twice", calls(&[PARIS, PARIS])),
        damaged(
            "batch.13.a",
            "unknown tool",
            calls(&[("no_such_tool", r#"{"query":"x"}"#)]),
            Damage::None,
            Expected::defect(&[Fate::Whole], &[DefectKind::UnknownTool]),
        ),
        damaged(
            "batch.13.c",
            "unknown tool beside a known one",
            calls(&[("no_such_tool", r#"{"query":"x"}"#), PARIS]),
            Damage::None,
            Expected::defect(&[Fate::Whole, Fate::Whole], &[DefectKind::UnknownTool]),
        ),
    ]
}

fn arguments() -> Vec<Case> {
    let deep = format!(
        "{{\"meta\":{{\"a\":{}1{}}},\"items\":[{}]}}",
        "[".repeat(60),
        "]".repeat(60),
        (0..300).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
    );
    vec![
        case("batch.6.a", "no arguments, `{}`", calls(&[("search_all", "{}")])).with_tools(vec![
            crate::conformance::tools::tool("search_all", "Searches everywhere.", &[], &[]),
        ]),
        case("batch.6.b", "no arguments, with white space", calls(&[("ping", "{ \n }")])),
        case("batch.6.c", "no arguments, empty text", calls(&[("ping", "")])),
        case(
            "batch.7.a",
            "every type",
            calls(&[
                ("measure", r#"{"x":-0.5,"n":-3,"flag":false,"off":true,"nothing":null}"#),
                ("order", r#"{"order_id":"a","items":[],"meta":{}}"#),
            ]),
        ),
        case(
            "batch.7.b",
            "escapes and control characters",
            calls(&[(
                "write_file",
                r#"{"path":"a\tb","content":"l1\nl2\r\nl3\u0001\u007f\u00e9\u4e2d\ud83d\ude00 \\u0041 \\n </b>"}"#,
            )]),
        ),
        damaged(
            "batch.7.c",
            "text where the schema has an integer",
            calls(&[("get_weather", r#"{"city":"Paris","days":"many"}"#)]),
            Damage::None,
            Expected::defect(&[Fate::Whole], &[DefectKind::WrongType]),
        ),
        case(
            "batch.7.d",
            "several arguments, one nested",
            calls(&[("order", r##"{"order_id":"#W1","items":[{"sku":"x","n":2}],"meta":{"note":"a b"}}"##)]),
        ),
        case("batch.7.e", "deep and long values, empty ones", calls(&[("order", &deep)])),
        case(
            "batch.7.f",
            "numbers beyond 64 bits, and more digits than a float has",
            calls(&[(
                "order",
                r#"{"meta":{"a":123456789012345678901234567890,"b":0.1000000000000000055511151231257827,"c":-0.0,"d":1E+2}}"#,
            )]),
        ),
    ]
}

/// Text before, behind and between calls.
fn around() -> Vec<Case> {
    let after = |calls: usize| {
        Expected::calls(&vec![Fate::Whole; calls]).text(TextRule::Holds("That is all.")).finds(Findings::Any)
    };
    vec![
        case("batch.8.a", "text before", says("Let me see:\n\n- first", &[PARIS])),
        damaged(
            "batch.8.b",
            "text behind",
            calls(&[PARIS]),
            Damage::Append(Insert::Text("\nThat is all.")),
            after(1),
        ),
        damaged(
            "batch.8.c",
            "text before and behind",
            says("First.", &[PARIS]),
            Damage::Append(Insert::Text("\nThat is all.")),
            after(1),
        ),
        damaged(
            "batch.8.d",
            "text between two calls",
            calls(&[PARIS, PING]),
            Damage::Between(Insert::Text("\nThat is all.\n")),
            after(2),
        ),
    ]
}

/// A format's separators inside strings.
fn separators() -> Vec<Case> {
    let query =
        |id, title, json: &str| case(id, title, calls(&[("search", &format!("{{\"query\":{json}}}"))]));
    vec![
        query("batch.30.a", "separators in a string", r#""SELECT a, b; SELECT c, d; |, &""#),
        query("batch.30.b", "brackets in a string", r#""}}]] )) {\"a\": [ (""#),
        query("batch.30.c", "the format's own marks in a string", "\"x \u{E000} y \u{E001} z \u{E002}\""),
        case(
            "batch.31.a",
            "separators in the first of two calls",
            calls(&[("search", r#"{"query":"a, b; c"}"#), PING]),
        ),
        case(
            "batch.31.b",
            "brackets and nesting in the first of two calls",
            calls(&[("order", r#"{"meta":{"a":["}]",{"b":")]"}]}}"#), PARIS]),
        ),
    ]
}
