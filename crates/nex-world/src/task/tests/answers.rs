//! What a free text says, and what it does not.

use crate::task::answer::Hearing;
use crate::task::{Fact, FactKind};
use serde_json::{Value, json};

fn fact(kind: FactKind, value: Value) -> Fact {
    Fact { about: "it".to_owned(), kind, value, accepted: Vec::new(), decoys: Vec::new() }
}

fn says(fact: &Fact, instruction: &str, answer: &str) -> bool {
    Hearing { facts: &[fact], instruction, year: 2026 }.judge(answer) == [None]
}

fn check(fact: &Fact, right: &[&str], wrong: &[&str]) {
    for answer in right {
        assert!(says(fact, "", answer), "{answer:?} says {}", fact.value);
    }
    for answer in wrong {
        assert!(!says(fact, "", answer), "{answer:?} does not say {}", fact.value);
    }
}

#[test]
fn amounts() {
    check(
        &fact(FactKind::Money, json!(1234.5)),
        &[
            "The total is €1,234.50.",
            "1234.5 EUR",
            "总额为1234.50欧元。",
            "It comes to **1,234.50 EUR**",
            "１２３４.５０ 元",
        ],
        &["", "12345", "1234.51", "-1234.50", "ORD-1234.50", "It is not 1234.50.", "1234", "不是1234.50"],
    );
}

#[test]
fn counts() {
    check(
        &fact(FactKind::Number, json!(3)),
        &["There are 3 orders.", "three orders", "一共有三个订单", "3", "The answer: 3, of 12."],
        &[
            "13",
            "30",
            "3.5",
            "ORD-3",
            "2026-03-03",
            "There are 2.",
            "not 3",
            "at 3:30",
            "0 1 2 3 4",
            "1, 2, 3, 4, 5",
        ],
    );
    check(&fact(FactKind::Number, json!(0)), &["none", "There are no orders.", "0", "没有"], &["10", "1"]);
}

#[test]
fn dates() {
    check(
        &fact(FactKind::Date, json!("2026-03-09")),
        &[
            "2026-03-09",
            "9 March 2026",
            "on March 9th",
            "Mar 9, 2026",
            "3月9日",
            "2026年3月9号",
            "the 9th of March",
        ],
        &["2026-03-19", "2025-03-09", "9 April", "3月19日", "2026-03-08, 2026-03-09, 2026-03-10, 2026-03-11"],
    );
    check(
        &fact(FactKind::Datetime, json!("2026-03-09T08:30:00")),
        &["2026-03-09 08:30", "9 March at 8:30", "3月9日08:30", "2026-03-09T08:30:00"],
        &["2026-03-09", "2026-03-09 09:30"],
    );
}

#[test]
fn words() {
    let mut name = fact(FactKind::Text, json!("Ann Lee"));
    name.decoys = ["Bob Ray", "Cy Moe", "Di Fox", "Ed Poe", "Flo Zen"].map(str::to_owned).to_vec();
    check(
        &name,
        &["It was Ann Lee.", "ann lee", "Ann Lee, not Bob Ray"],
        &["Annabel Leeds", "Bob Ray", "not Ann Lee", "Ann Lee, Bob Ray, Cy Moe or Di Fox"],
    );
    let mut status = fact(FactKind::Text, json!("shipped"));
    status.accepted = vec!["已发货".to_owned(), "shipped".to_owned()];
    status.decoys = vec!["已送达".to_owned(), "待处理".to_owned()];
    check(&status, &["订单状态是已发货。", "shipped"], &["已发货、已送达或待处理", "已送达"]);
}

#[test]
fn what_the_instruction_says_is_no_guess() {
    let wanted = fact(FactKind::Number, json!(3));
    let answer = "Of the orders 11, 12 and 13, 3 lines fit.";
    assert!(!says(&wanted, "", answer));
    assert!(says(&wanted, "Look at orders 11, 12 and 13.", answer));
}

#[test]
fn a_dump_is_no_answer() {
    let wanted = fact(FactKind::Number, json!(3));
    let dump = format!("3 {}", "word ".repeat(1_000));
    assert!(!says(&wanted, "", &dump));
}

#[test]
fn values_of_other_facts_are_no_guesses() {
    let phone = fact(FactKind::Text, json!("+1 555 163 1223"));
    let total = fact(FactKind::Money, json!(79.9));
    let answer = "The phone number is +1 555 163 1223 and the total 79.90.";
    let hearing = Hearing { facts: &[&phone, &total], instruction: "", year: 2026 };
    assert_eq!(hearing.judge(answer), [None, None]);
    assert!(!says(&total, "", answer), "alone, they would be");
}

#[test]
fn refusals() {
    check(
        &fact(FactKind::Refusal, Value::Null),
        &["I did not do it: the rules forbid it.", "This can’t be done.", "规定不允许，所以没有办理。"],
        &["", "Done.", "已完成。"],
    );
}
