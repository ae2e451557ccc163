use super::limits;
use super::marks::Marks;
use super::*;
use std::collections::HashSet;

#[test]
fn the_baseline_has_twenty_one_cases_and_no_id_is_used_twice() {
    assert_eq!(cases().iter().filter(|case| case.group == Group::Base).count(), 21);
    let ids: HashSet<&str> = cases().iter().map(|case| case.id).collect();
    assert_eq!(ids.len(), cases().len());
}

#[test]
fn every_expectation_has_a_fate_for_each_call() {
    for case in cases() {
        if let Probe::Damaged(_, expected) | Probe::Written(_, expected) = &case.probe {
            assert_eq!(expected.calls.len(), case.message.calls().count(), "{}", case.id);
        }
    }
}

#[test]
fn every_format_has_its_marks() {
    for format in crate::all() {
        assert_eq!(Marks::of(format.name()).format, format.name());
    }
}

/// What the damages look for is what the renderers write.
#[test]
fn marks_are_those_that_the_formats_write() {
    let file = ("write_file", r#"{"path":"a","content":"b"}"#);
    for format in crate::all() {
        let marks = Marks::of(format.name());
        let case = |calls: &[(&str, &str)]| {
            let message = case::calls(calls);
            Case::new(Group::Nex, "marks", "", message, Probe::RoundTrip)
        };
        let (one, two) = (case(&[file]), case(&[file, file]));
        let Ok(one) = prepare(*format, &one) else { panic!("{} refuses one call", format.name()) };
        let one = String::from_utf8_lossy(&one.replies[0].bytes).into_owned();
        for mark in [marks.call_open, marks.call_close] {
            assert!(one.contains(mark), "{}: {mark} in {one}", format.name());
        }
        let Ok(two) = prepare(*format, &two) else { continue };
        let two = String::from_utf8_lossy(&two.replies[0].bytes).into_owned();
        let (open, close) = marks.section.unwrap_or_default();
        for mark in [open, close, marks.call_open_in(&two), marks.call_close_in(&two)] {
            assert!(two.contains(mark), "{}: {mark} in {two}", format.name());
        }
        if !marks.call_close.is_empty() && !marks.is_list {
            assert!(two.matches(marks.call_close_in(&two)).count() >= 2, "{}: {two}", format.name());
        }
    }
}

#[test]
fn listed_limits_name_cases_and_formats_that_exist() {
    let (formats, named) = limits::names();
    for format in formats {
        assert_eq!(Marks::of(format).format, format);
    }
    for id in named {
        assert!(cases().iter().any(|case| case.id == id), "{id}");
    }
}

/// Every format holds every case, whichever way the reply arrives.
#[test]
fn all_formats_hold_all_cases() {
    let table = table(crate::all(), cases());
    let failures: Vec<String> = table
        .failures()
        .map(|(format, case, expected, got)| format!("{format} {case}\n  expected {expected}\n  got {got}"))
        .collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// The verdicts themselves can be wrong ones: a format that loses what it should keep fails.
mod a_lossy_format_is_found_out {
    use crate::conformance::{Exactness, Fate};
    use crate::conformance::{Verdict, cases, prepare};

    fn prepared(id: &str) -> crate::conformance::Prepared {
        let hermes = crate::by_name("hermes").unwrap();
        let case = cases().iter().find(|case| case.id == id).unwrap();
        prepare(hermes, case).unwrap_or_else(|verdict: Verdict| panic!("{verdict:?}"))
    }

    fn calls(calls: &[(&str, &str)]) -> Vec<(String, String)> {
        calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned())).collect()
    }

    #[test]
    fn values_that_changed_their_type_or_white_space() {
        for (id, name, right, wrong) in [
            ("base.null-text", "get_weather", r#"{"city":"null"}"#, r#"{"city":null}"#),
            ("base.leading-zeros", "get_weather", r#"{"city":"007"}"#, r#"{"city":7}"#),
            ("base.big-integer", "measure", r#"{"n":9007199254740993}"#, r#"{"n":9007199254740992}"#),
            ("base.float-one", "measure", r#"{"x":1.0,"n":1}"#, r#"{"x":1,"n":1}"#),
            ("base.empty-string", "get_weather", r#"{"city":""}"#, "{}"),
        ] {
            let prepared = prepared(id);
            let reply = &prepared.replies[0];
            let judge =
                |arguments| prepared.judge_calls(reply, &calls(&[(name, arguments)]), Exactness::Text);
            assert_eq!(judge(right), Ok(()), "{id}");
            assert!(judge(wrong).is_err(), "{id}");
        }
    }

    #[test]
    fn lost_invented_and_half_calls() {
        let prepared = prepared("base.truncated");
        assert!(prepared.replies.len() > 20);
        let reply = &prepared.replies[0];
        assert_eq!(reply.expected.calls, [Fate::Whole, Fate::WholeOrGone]);
        let paris = ("get_weather", r#"{"city":"Paris"}"#);
        let note = ("last_call", r#"{"note":"a 🌍 note"}"#);
        let judge = |got: &[(&str, &str)]| prepared.judge_calls(reply, &calls(got), Exactness::Text).is_ok();
        assert!(judge(&[paris, note]));
        assert!(judge(&[paris]));
        assert!(!judge(&[]));
        assert!(!judge(&[note]));
        assert!(!judge(&[paris, ("last_call", r#"{"note":"a"}"#)]));
        assert!(!judge(&[paris, note, note]));
    }
}
