//! `gap.*`: what the published list names as tested by nobody.

use crate::conformance::case::{Case, Expected, Fate, Findings, Group, Probe, TextRule, calls, says};
use crate::conformance::damage::{Damage, Insert};
use crate::conformance::tools;
use nex_trajectory::DefectKind::{self, InvalidJson, MalformedCall, UnclosedTag, UnknownTool, WrongType};
use nex_trajectory::Message;

const PARIS: (&str, &str) = ("get_weather", r#"{"city":"Paris"}"#);
const NOTE: (&str, &str) = ("last_call", r#"{"note":"a note"}"#);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = names_and_numbers();
    cases.extend(surroundings());
    cases.extend(sizes());
    cases
}

fn case(id: &'static str, title: &'static str, message: Message) -> Case {
    Case::new(Group::Gap, id, title, message, Probe::RoundTrip)
}

fn damaged(
    id: &'static str,
    title: &'static str,
    message: Message,
    damage: Damage,
    expected: Expected,
) -> Case {
    Case::new(Group::Gap, id, title, message, Probe::Damaged(damage, expected))
}

fn names_and_numbers() -> Vec<Case> {
    let named = |id, title, name: &str| {
        let mut tools = tools::all();
        tools.push(tools::tool(name, "A tool.", &[("query", "string")], &[]));
        case(id, title, calls(&[(name, r#"{"query":"x"}"#), PARIS])).with_tools(tools)
    };
    vec![
        named("gap.1.a", "letters beyond ASCII in a tool's name", "wetter_für_天気"),
        named("gap.1.b", "emoji in a tool's name", "find_🌍"),
        case(
            "gap.2.a",
            "numbers that no float holds",
            calls(&[("order", r#"{"meta":{"a":1e400,"b":-1e-400}}"#)]),
        ),
        case(
            "gap.2.b",
            "such a number as the whole value",
            calls(&[("measure", r#"{"x":1e400,"n":99999999999999999999}"#)]),
        ),
        damaged(
            "gap.3",
            "a call without a name",
            calls(&[("sentinelword", "{}"), PARIS]),
            Damage::Word(Insert::Text("")),
            Expected::defect(
                &[Fate::Damaged, Fate::Whole],
                &[MalformedCall, UnknownTool, InvalidJson, UnclosedTag],
            ),
        ),
        Case::new(Group::Gap, "gap.4", "many replies at once", says("So:", &[PARIS, NOTE]), Probe::Together),
    ]
}

/// Decoding under a grammar, interruption, and arguments that the schema has not.
fn surroundings() -> Vec<Case> {
    let closed = || {
        let mut tool = tools::weather();
        tool.input_schema["additionalProperties"] = false.into();
        vec![tool]
    };
    const BROKEN: &[DefectKind] = &[InvalidJson, MalformedCall, WrongType, UnclosedTag];
    vec![
        damaged(
            "gap.5.a",
            "constrained decoding pads with white space",
            calls(&[("measure", r#"{"n": 471147 }"#), PARIS]),
            Damage::Number(Insert::Text("471147 \n \n \n \t\n  \n")),
            Expected::calls(&[Fate::Whole, Fate::Whole]),
        ),
        damaged(
            "gap.5.b",
            "constrained decoding stops in the middle of a value",
            calls(&[PARIS, ("measure", r#"{"n":471147}"#)]),
            Damage::CutAtNumber,
            Expected::calls(&[Fate::Whole, Fate::Gone]).finds(Findings::Some),
        ),
        damaged(
            "gap.5.c",
            "white space without end in place of a value",
            calls(&[PARIS, ("measure", r#"{"n":471147}"#)]),
            Damage::Number(Insert::Repeat(" \n", 20_000)),
            Expected::defect(&[Fate::Whole, Fate::Damaged], BROKEN),
        ),
        damaged(
            "gap.7.a",
            "bytes that are no UTF-8",
            calls(&[("last_call", r#"{"note":"sentinelword"}"#), PARIS]),
            Damage::BreakUtf8,
            Expected::defect(&[Fate::Damaged, Fate::Whole], &[DefectKind::InvalidUtf8]),
        ),
        Case::new(
            Group::Gap,
            "gap.7.b",
            "the connection ends at every byte",
            calls(&[PARIS, NOTE]),
            Probe::EveryCut,
        ),
        damaged(
            "gap.8.a",
            "required argument missing",
            calls(&[("get_weather", r#"{"days":2}"#)]),
            Damage::None,
            Expected::defect(&[Fate::Whole], &[DefectKind::MissingArgument]),
        ),
        damaged(
            "gap.8.b",
            "argument that a closed schema has not",
            calls(&[("get_weather", r#"{"city":"Paris","mood":"good"}"#)]),
            Damage::None,
            Expected::defect(&[Fate::Whole], &[DefectKind::UnknownArgument]),
        )
        .with_tools(closed()),
    ]
}

/// Long, deep, and hostile to whoever looks back.
fn sizes() -> Vec<Case> {
    let code = "    if x < y && z: # \"quoted\" \\ end\n".repeat(1_800);
    let long = serde_json::json!({"path": "long.py", "content": code}).to_string();
    let many: Vec<(&str, &str)> = [PARIS, ("ping", "{}")].repeat(100);
    let prose = "It is a long story, and 1 < 2 {so it goes} [on]. ".repeat(2_000);
    vec![
        case("gap.6.a", "argument of 64 kB", calls(&[("write_file", &long)])),
        case("gap.6.b", "two hundred calls", calls(&many)),
        case("gap.9.a", "100 kB of prose before a call", says(prose.trim_end(), &[PARIS])),
        damaged(
            "gap.9.b",
            "twenty thousand beginnings of a mark",
            says("sentinelword.", &[PARIS]),
            Damage::Word(Insert::PartialOpen(20_000)),
            Expected::calls(&[Fate::Whole]).text(TextRule::Any),
        ),
        damaged(
            "gap.9.c",
            "brackets a hundred thousand deep",
            calls(&[("measure", r#"{"n":471147}"#), PARIS]),
            Damage::Number(Insert::Repeat("[", 100_000)),
            Expected::calls(&[Fate::Damaged, Fate::WholeOrGone]).finds(Findings::Some),
        ),
        damaged(
            "gap.9.d",
            "ten thousand opening marks",
            says("sentinelword.", &[PARIS]),
            Damage::Word(Insert::OpenTimes(10_000)),
            Expected::calls(&[Fate::Whole]).finds(Findings::Some),
        ),
    ]
}
