//! `nex.*`: what the published list does not have.

use crate::conformance::case::{
    Case, Expected, Fate, Findings, Group, Probe, TextRule, call, calls, says, thinks,
};
use crate::conformance::damage::{Damage, Insert};
use nex_trajectory::{ContentBlock, DefectKind, Message};

const PARIS: (&str, &str) = ("get_weather", r#"{"city":"Paris"}"#);
const PING: (&str, &str) = ("ping", "{}");

fn case(id: &'static str, title: &'static str, message: Message) -> Case {
    Case::new(Group::Nex, id, title, message, Probe::RoundTrip)
}

fn damaged(
    id: &'static str,
    title: &'static str,
    message: Message,
    damage: Damage,
    expected: Expected,
) -> Case {
    Case::new(Group::Nex, id, title, message, Probe::Damaged(damage, expected))
}

pub(super) fn cases() -> Vec<Case> {
    let mut twins = calls(&[PARIS, PING]);
    let id = twins.calls().next().map(|call| call.id.clone());
    if let (Some(ContentBlock::ToolCall(second)), Some(id)) = (twins.content.get_mut(1), id) {
        second.id = id;
    }
    let mut interleaved = says("First this.", &[PARIS]);
    interleaved.content.push(ContentBlock::Text { text: "Then that.".to_owned() });
    interleaved.content.push(call(1, PING.0, PING.1));
    vec![
        case(
            "nex.reasoning",
            "reasoning, then a call",
            thinks("Paris, so the weather.\n\nYes.", "", &[PARIS]),
        ),
        case("nex.reasoning-text", "reasoning, then text", thinks("Hm.", "Hello.", &[])),
        case("nex.all-parts", "reasoning, text and two calls", thinks("Hm.", "Both.", &[PARIS, PING])),
        case("nex.interleaved", "text, call, text, call", interleaved),
        case("nex.crlf", "carriage returns in a value", calls(&[("last_call", r#"{"note":"a\r\nb\r"}"#)])),
        case(
            "nex.doubled-key",
            "the same key twice, both kept",
            calls(&[("order", r#"{"meta":{"a":1,"a":2}}"#)]),
        ),
        case(
            "nex.odd-keys",
            "keys with spaces, quotes, brackets and none",
            calls(&[("order", r#"{"meta":{"a b":1,"\"":2,"<k>":3,"":4,"name":"x","é":5}}"#)]),
        ),
        case(
            "nex.key-order",
            "keys in an order of their own",
            calls(&[("search", r#"{"safe":false,"limit":1,"query":"z"}"#)]),
        ),
        damaged(
            "nex.call-in-reasoning",
            "a call inside reasoning is not made",
            thinks("Should I sentinelword now?", "", &[PARIS]),
            Damage::Word(Insert::FirstCall),
            Expected::defect(&[Fate::Whole], &[DefectKind::CallInsideReasoning]),
        ),
        damaged(
            "nex.mark-in-prose",
            "prose that mentions the opening mark",
            says("Calls start with sentinelword here.", &[PARIS]),
            Damage::Word(Insert::Open),
            Expected::calls(&[Fate::Whole]).text(TextRule::Holds("Calls start with")),
        ),
        damaged(
            "nex.closer-in-prose",
            "prose that mentions the closing mark",
            says("Calls end with sentinelword here.", &[PARIS]),
            Damage::Word(Insert::Close),
            Expected::calls(&[Fate::Whole]).text(TextRule::Holds("Calls end with")),
        ),
        damaged(
            "nex.text-after-call",
            "text behind a call is told",
            calls(&[PARIS]),
            Damage::Append(Insert::Text("\nThere you are.")),
            Expected::defect(&[Fate::Whole], &[DefectKind::TextAfterCall])
                .text(TextRule::Holds("There you are.")),
        ),
        damaged(
            "nex.same-id",
            "two calls with one id",
            twins,
            Damage::None,
            Expected::calls(&[Fate::Whole, Fate::Whole])
                .finds(Findings::OneOf(&[DefectKind::DuplicateCallId])),
        ),
    ]
}
