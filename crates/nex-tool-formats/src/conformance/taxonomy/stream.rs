//! `stream.*`: replies that arrive in pieces. Every case of the other lists is read in pieces too;
//! these try each place where a reply can be cut.

use crate::conformance::case::{Case, Expected, Fate, Findings, Group, Probe, calls, says, thinks};
use crate::conformance::damage::Damage;
use nex_trajectory::Message;

const PARIS: (&str, &str) = ("get_weather", r#"{"city":"Paris","days":3}"#);
const CODE: (&str, &str) = ("write_file", r#"{"path":"é.py","content":"  if a < b:\n    \"🌍\"\n"}"#);
const NOTE: (&str, &str) = ("last_call", r#"{"note":"a note"}"#);

pub(super) fn cases() -> Vec<Case> {
    let case = |id, title, message: Message, probe| Case::new(Group::Stream, id, title, message, probe);
    let damaged =
        |id, title, message, damage, expected| case(id, title, message, Probe::Damaged(damage, expected));
    vec![
        case("stream.1.a", "one call in one piece", calls(&[PARIS]), Probe::RoundTrip),
        case("stream.1.b", "one call, split at every byte", says("So:", &[PARIS]), Probe::EverySplit),
        case("stream.2", "two calls, split at every byte", calls(&[PARIS, NOTE]), Probe::EverySplit),
        case(
            "stream.3",
            "code and characters of four bytes, split at every byte",
            calls(&[CODE]),
            Probe::EverySplit,
        ),
        case(
            "stream.3.reasoning",
            "reasoning, text and a call, split at every byte",
            thinks("Hm.\nYes.", "So:", &[PARIS]),
            Probe::EverySplit,
        ),
        damaged(
            "stream.4",
            "the server keeps the end-of-turn mark to itself",
            says("So:", &[PARIS, NOTE]),
            Damage::WithoutEndOfTurn,
            Expected::whole(2),
        ),
        damaged(
            "stream.4.a",
            "arguments complete, closing mark not",
            says("So:", &[NOTE]),
            Damage::CutBeforeLastClose,
            Expected::calls(&[Fate::WholeOrGone]).finds(Findings::Some),
        ),
        case("stream.4.b", "ends at every byte of the call", says("So:", &[CODE_LAST]), Probe::EveryCut),
        damaged(
            "stream.4.c",
            "closing marks without end",
            calls(&[PARIS, NOTE]),
            Damage::RepeatLastClose(50),
            Expected::calls(&[Fate::Whole, Fate::Whole]),
        ),
        damaged(
            "stream.4.d",
            "body without its opening mark, closing marks without end",
            calls(&[NOTE]),
            Damage::DropOpenRepeatClose(20),
            Expected::calls(&[Fate::WholeOrGone]),
        ),
    ]
}

const CODE_LAST: (&str, &str) = ("last_call", r#"{"note":"  if a < b:\n    \"🌍\"\n"}"#);
