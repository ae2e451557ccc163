//! `batch.4` and `batch.5`: malformed calls, and marks that are missing.

use crate::conformance::case::{Case, Expected, Fate, Findings, Group, Probe, TextRule, calls, says};
use crate::conformance::damage::{Damage, Insert};
use nex_trajectory::DefectKind::{self, InvalidJson, MalformedCall, TruncatedReply, UnclosedTag, WrongType};
use nex_trajectory::Message;

const PARIS: (&str, &str) = ("get_weather", r#"{"city":"Paris"}"#);
const NUMBER: (&str, &str) = ("measure", r#"{"n":471147}"#);
const NOTE: (&str, &str) = ("last_call", r#"{"note":"a note"}"#);
/// What a broken value can be called, by the formats' ways to write one.
const BROKEN: &[DefectKind] = &[InvalidJson, MalformedCall, WrongType, UnclosedTag];
const UNCLOSED: &[DefectKind] = &[UnclosedTag, TruncatedReply, InvalidJson, MalformedCall];

pub(super) fn cases() -> Vec<Case> {
    let case = |id, title, message: Message, damage, expected| {
        Case::new(Group::Batch, id, title, message, Probe::Damaged(damage, expected))
    };
    let broken = |fates: &[Fate]| Expected::defect(fates, BROKEN);
    vec![
        case(
            "batch.4.a",
            "garbage in the first of two calls",
            calls(&[NUMBER, NOTE]),
            Damage::Number(Insert::Text("\u{1}%$§ {{\"]")),
            // What closes the garbage is a guess; only what stands before it is certain.
            Expected::calls(&[Fate::Damaged, Fate::WholeOrGone]).finds(Findings::Some),
        ),
        case(
            "batch.4.b",
            "bad JSON in the first of two calls",
            calls(&[NUMBER, NOTE]),
            Damage::Number(Insert::Text("47 11,,")),
            broken(&[Fate::Damaged, Fate::Whole]),
        ),
        case(
            "batch.4.c",
            "first call without the key `name`",
            calls(&[PARIS, NOTE]),
            Damage::RenameNameKey,
            Expected::defect(&[Fate::Damaged, Fate::Whole], &[MalformedCall]),
        ),
        case(
            "batch.4.d",
            "no closing mark between two calls",
            calls(&[PARIS, NOTE]),
            Damage::DropFirstClose,
            Expected::defect(&[Fate::WholeOrGone, Fate::Whole], UNCLOSED),
        ),
        case(
            "batch.4.e",
            "a fragment of a call before a good one",
            says("sentinelword", &[PARIS]),
            Damage::Word(Insert::Open),
            Expected::calls(&[Fate::Whole]).finds(Findings::Some),
        ),
        case(
            "batch.5.a",
            "closing mark missing at the end",
            calls(&[NOTE]),
            Damage::CutBeforeLastClose,
            Expected::defect(&[Fate::WholeOrGone], UNCLOSED),
        ),
        case(
            "batch.5.b",
            "opening mark missing",
            says("Well.", &[NOTE]),
            Damage::DropFirstOpen,
            Expected::calls(&[Fate::WholeOrGone]).text(TextRule::Holds("Well.")),
        ),
        Case::new(
            Group::Batch,
            "batch.5.c",
            "cut at every byte of the only call",
            calls(&[NOTE]),
            Probe::EveryCut,
        ),
        case(
            "batch.5.d",
            "closing mark missing after the second call",
            calls(&[PARIS, NOTE]),
            Damage::CutBeforeLastClose,
            Expected::defect(&[Fate::Whole, Fate::WholeOrGone], UNCLOSED),
        ),
        Case::new(
            Group::Batch,
            "batch.5.e",
            "cut at every byte of the third call",
            says("Three.", &[PARIS, ("ping", "{}"), ("last_call", r#"{"note":"x \"y\" \\ é 🌍\n  z"}"#)]),
            Probe::EveryCut,
        ),
    ]
}
