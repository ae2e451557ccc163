//! Words of values and the joining of asks.

use crate::task::prose::{Ask, AskKind, compose};
use crate::task::wording::{Speech, plural, two_places};
use crate::text::Language;
use crate::value::parse_date;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;

fn speech(language: Language) -> Speech<'static> {
    let today = parse_date("2026-03-16").expect("a date");
    Speech { language, today, currency: "EUR", fuzziness: 1.0 }
}

#[test]
fn loose_dates_mean_one_day() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let table = [
        ("2026-03-16", "today", "今天"),
        ("2026-03-15", "yesterday", "昨天"),
        ("2026-03-14", "the day before yesterday", "前天"),
        ("2026-03-12", "last Thursday", "上周四"),
        ("2026-03-17", "tomorrow", "明天"),
        ("2026-03-19", "in three days", "3天后"),
    ];
    for (date, en, zh) in table {
        assert_eq!(speech(Language::En).date(date, &mut rng), en);
        assert_eq!(speech(Language::Zh).date(date, &mut rng), zh);
    }
}

#[test]
fn about_an_amount_holds_the_amount() {
    for amount in [20.0, 44.9, 45.0, 99.5, 149.0, 980.0, 4_321.0] {
        let (words, low, high) = speech(Language::En).about(&json!(amount)).expect("an amount of this size");
        let exact = crate::task::exact::Exact::of(&json!(amount)).expect("a number");
        assert!(low <= exact && exact <= high, "{amount} is {words}");
    }
}

#[test]
fn plurals_and_amounts() {
    let words = ["order", "entry", "day", "class", "box", "batch"].map(plural);
    assert_eq!(words, ["orders", "entries", "days", "classes", "boxes", "batches"]);
    assert_eq!(two_places(&json!(12)), "12.00");
    assert_eq!(two_places(&json!(12.5)), "12.50");
}

#[test]
fn an_instruction_says_every_ask_once_and_in_order() {
    let ask = |kind, phrase: &str| Ask { kind, phrase: phrase.to_owned(), rider: None };
    let asks = [
        ask(AskKind::Do, "cancel order X1"),
        ask(AskKind::Do, "add the note “call” to order X2"),
        ask(AskKind::Know, "the total of order X3"),
        ask(AskKind::Know, "the status of order X4"),
    ];
    for seed in 0..200 {
        for language in [Language::En, Language::Zh] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let text = compose(&asks, language, &mut rng);
            let places: Vec<Option<usize>> =
                ["order X1", "order X2", "order X3", "order X4"].map(|words| text.find(words)).to_vec();
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
            assert_eq!(text.matches("order X").count(), 4, "{text}");
            assert!(!text.contains('{') && !text.contains(".."), "{text}");
        }
    }
}
