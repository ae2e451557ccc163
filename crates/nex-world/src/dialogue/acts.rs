//! What a message asks of the user: dialogue acts by words, sentence by sentence.
//!
//! In: free text, in English or Chinese, of an LLM or of the expert. Out: what the user is to tell,
//! do, look at or agree to, each once, in that order. Words of both languages count whatever the
//! language of the story.

use super::user::Persona;
use crate::task::Exact;
use regex::Regex;
use std::sync::LazyLock;

/// One thing that a message asks of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heard {
    /// A PIN, a password: never told.
    Secret,
    /// A fact, by its place; whether the agent says that what was told is wrong.
    Fact { at: usize, is_objection: bool },
    /// Something to look at, by its place.
    Look(usize),
    /// Something to do, by its place.
    Action(usize),
    /// A yes to what is proposed.
    Proposal,
    /// A question that the user does not understand.
    Unclear,
}

/// Words that turn a sentence into a request.
const REQUESTS: [&str; 39] = [
    "?",
    "？",
    "please",
    "could you",
    "can you",
    "would you",
    "will you",
    "tell me",
    "give me",
    "let me know",
    "what is",
    "what's",
    "which",
    "may i",
    "i need",
    "we need",
    "need your",
    "i'd need",
    "provide",
    "confirm",
    "share",
    "send me",
    "try again",
    "check",
    "go to",
    "请",
    "麻烦",
    "告诉",
    "提供",
    "告知",
    "什么",
    "多少",
    "哪",
    "吗",
    "需要您",
    "需要你",
    "核对",
    "说一下",
    "报一下",
];

/// Words that say that something told was wrong.
const OBJECTIONS: [&str; 34] = [
    "not match",
    "doesn't match",
    "don't match",
    "didn't match",
    "mismatch",
    "incorrect",
    "is wrong",
    "not correct",
    "isn't correct",
    "not right",
    "isn't right",
    "no customer",
    "no member",
    "no client",
    "no traveller",
    "no account",
    "no record",
    "not find",
    "can't find",
    "couldn't find",
    "cannot find",
    "not found",
    "unable to find",
    "double-check",
    "again",
    "differs",
    "不符",
    "不匹配",
    "不一致",
    "查不到",
    "有误",
    "不对",
    "没有找到",
    "找不到",
];

const SECRETS: [&str; 9] =
    ["pin", "password", "passcode", "cvv", "security code", "full card number", "密码", "安全码", "完整卡号"];

/// Words that take a request for a secret back: "I will never ask for your PIN".
const DENIALS: [&str; 10] = [
    "never",
    "not ask",
    "won't ask",
    "don't ask",
    "not tell",
    "don't tell",
    "not share",
    "don't share",
    "不会",
    "不要",
];

/// Words that ask for a yes.
const PROPOSALS: [&str; 30] = [
    "shall i",
    "should i",
    "may i",
    "can i",
    "do you agree",
    "do you want",
    "would you like",
    "is that ok",
    "is that all right",
    "is this ok",
    "is that fine",
    "go ahead",
    "proceed",
    "ok with you",
    "agree to",
    "do you confirm",
    "can you confirm",
    "please confirm",
    "are you sure",
    "sound good",
    "可以吗",
    "同意",
    "是否",
    "要不要",
    "好吗",
    "行吗",
    "确认",
    "继续吗",
    "需要我",
    "对吗",
];

/// Starts of sentences in which the agent tells what it did itself, or asks how things stand.
const OWN_DEEDS: [&str; 14] = [
    "i have ", "i've ", "i am ", "i'm ", "i will ", "i'll ", "we have ", "we've ", "is ", "are ", "does ",
    "has ", "我已", "我会",
];

/// Words that ask how something stands, not to change it.
const LOOKS: [&str; 10] = [
    "see if",
    "see whether",
    "check if",
    "check whether",
    "tell me if",
    "tell me whether",
    "look whether",
    "是不是",
    "有没有",
    "是否",
];

/// What `message` asks of the user.
pub(crate) fn understand(message: &str, persona: &Persona) -> Vec<Heard> {
    let mut heard: Vec<Heard> = Vec::new();
    let text = message.to_lowercase().replace(['\u{2019}', '\u{2018}'], "'");
    let objects = persona.facts.iter().any(|fact| fact.wrong_first.is_some()) && has(&text, &OBJECTIONS);
    let mut has_question = false;
    let lists_requests = has(&text, &REQUESTS);
    for sentence in sentences(&text) {
        let is_question = sentence.contains(['?', '？']);
        has_question |= is_question;
        // The points of a list are requests where the message is one.
        let is_point = sentence.trim_start().starts_with(['-', '*', '•']) && lists_requests;
        let is_request = has(sentence, &REQUESTS) || is_point;
        if is_request && has(sentence, &SECRETS) && !has(sentence, &DENIALS) {
            heard.push(Heard::Secret);
        }
        for (at, fact) in persona.facts.iter().enumerate() {
            if has(sentence, fact.topic) && (is_request || objects) {
                heard.push(Heard::Fact { at, is_objection: objects && fact.wrong_first.is_some() });
            }
        }
        let is_own = OWN_DEEDS.iter().any(|start| sentence.trim_start().starts_with(start))
            && !has(sentence, &["please", "请"]);
        let is_look = has(sentence, &LOOKS);
        for (at, look) in persona.looks.iter().enumerate() {
            let asks_action = persona.actions.iter().any(|action| asks(sentence, action.words)) && !is_own;
            if is_request && has(sentence, look.words) && (!asks_action || is_look) {
                heard.push(Heard::Look(at));
            }
        }
        for (at, action) in persona.actions.iter().enumerate() {
            if asks(sentence, action.words) && !is_own && !is_look {
                heard.push(Heard::Action(at));
            }
        }
        if persona.consent.is_some()
            && has(sentence, &PROPOSALS)
            && (is_question || sentence.contains("confirm") || sentence.contains("确认"))
        {
            heard.push(Heard::Proposal);
        }
    }
    heard.sort_unstable();
    heard.dedup();
    // A user who tells or does something has understood the rest of the message as its reason.
    let proposes_only_facts = heard.iter().any(|act| matches!(act, Heard::Fact { .. } | Heard::Action(_)));
    if proposes_only_facts {
        let consent = persona.consent.as_ref();
        heard.retain(|act| *act != Heard::Proposal || consent.is_some_and(|it| mentions(&text, &it.named)));
    }
    if heard.is_empty() && has_question && !is_closing(&text) {
        heard.push(Heard::Unclear);
    }
    heard
}

/// "Is there anything else?" asks for nothing.
fn is_closing(text: &str) -> bool {
    has(
        text,
        &[
            "anything else",
            "something else",
            "else i can",
            "其他",
            "别的",
            "还有什么",
            "help you today",
            "有什么可以帮",
        ],
    )
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    // A full stop ends a sentence only before a space: `14.90` is one number.
    text.split_inclusive(['?', '？', '!', '！', '。', '；', ';', '\n'])
        .flat_map(|part| part.split_inclusive(". "))
        .filter(|sentence| !sentence.trim().is_empty())
}

fn asks(sentence: &str, words: &[&[&str]]) -> bool {
    words.iter().all(|group| has(sentence, group))
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| names(text, word))
}

/// Whether `text` holds `words`, upper and lower case alike, and not inside of a longer word or number.
pub(crate) fn names(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.trim().to_lowercase());
    if words.is_empty() {
        return false;
    }
    let joins = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(|c| c.is_ascii_alphanumeric()) && outer.is_some_and(|c| c.is_ascii_alphanumeric())
    };
    text.match_indices(&words).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let mut after = text[start + found.len()..].chars();
        // A plural is the same word.
        let next = match after.next() {
            Some('s') => after.next(),
            other => other,
        };
        !joins(found.chars().next(), before) && !joins(found.chars().next_back(), next)
    })
}

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:,\d{3})*(?:\.\d+)?").expect("the pattern is constant"));

/// Whether `text` says `value`: a number as a number (`66.70` says `66.7`), a code with or without
/// its space, anything else word by word.
pub(crate) fn mentions(text: &str, value: &str) -> bool {
    if let Some(wanted) = Exact::parse(value) {
        return NUMBER
            .find_iter(text)
            .any(|found| Exact::parse(&found.as_str().replace(',', "")) == Some(wanted));
    }
    let is_code = value.contains(' ') && value.chars().any(|c| c.is_ascii_digit());
    names(text, value) || (is_code && names(text, &value.replace(' ', "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::user::{Action, Consent, HiddenFact, Look, Mood};
    use crate::text::Language;
    use serde_json::json;

    fn persona() -> Persona {
        let fact = |topic, wrong: Option<&str>| HiddenFact {
            topic,
            says: "It is 1.".to_owned(),
            wrong_first: wrong.map(str::to_owned),
        };
        Persona {
            language: Language::En,
            mood: Mood::Terse,
            patience: 9,
            facts: vec![
                fact(&["customer number", "客户号"], None),
                fact(&["date of birth", "birthday", "出生日期"], Some("It is 2.")),
            ],
            actions: vec![Action {
                words: &[&["airplane mode", "flight mode", "飞行模式"], &["off", "disable", "关"]],
                operation: "airplane_mode_off",
                arguments: json!({}),
                done: "Done.".to_owned(),
                needs: None,
                failed: "No.".to_owned(),
                tries: None,
            }],
            looks: vec![Look {
                words: &["airplane mode", "飞行模式"],
                operation: "look",
                arguments: json!({}),
                field: "airplane_mode",
                says: Vec::new(),
            }],
            consent: Some(Consent {
                named: "14.90".to_owned(),
                yes: "Yes.".to_owned(),
                ask_back: "How much?".to_owned(),
            }),
        }
    }

    fn check(message: &str, expected: &[Heard]) {
        assert_eq!(understand(message, &persona()), expected, "{message}");
    }

    const NUMBER: Heard = Heard::Fact { at: 0, is_objection: false };
    const BIRTH: Heard = Heard::Fact { at: 1, is_objection: false };

    #[test]
    fn values_are_known_again_however_they_are_written() {
        for (text, value) in [
            ("It is 66.70 EUR.", "66.7"),
            ("That makes 1,200 EUR a day", "1200"),
            ("flight NX201, all right?", "NX 201"),
            ("卡号尾数0412的卡", "0412"),
        ] {
            assert!(mentions(text, value), "{text}");
        }
        for (text, value) in
            [("It is 66.75 EUR.", "66.7"), ("flight NX 2011", "NX 201"), ("about 12000", "1200")]
        {
            assert!(!mentions(text, value), "{text}");
        }
    }

    #[test]
    fn free_text_is_understood() {
        check(
            "Hi! To get started, could you share your customer number and your birthday?",
            &[NUMBER, BIRTH],
        );
        check(
            "I'd need the following:\n- customer number\n- date of birth\nPlease send both.",
            &[NUMBER, BIRTH],
        );
        check("I need your customer number.", &[NUMBER]);
        check("请提供您的客户号和出生日期。", &[NUMBER, BIRTH]);
        check(
            "Unfortunately the date of birth doesn\u{2019}t match our records.",
            &[Heard::Fact { at: 1, is_objection: true }],
        );
        check("I have reset the line, so please turn flight mode off.", &[Heard::Action(0)]);
        check("Please turn off Airplane Mode and try again.", &[Heard::Action(0)]);
        check("请关闭飞行模式。", &[Heard::Action(0)]);
        check("Could you check whether airplane mode is off?", &[Heard::Look(0)]);
        check("Could you turn flight mode off, please?", &[Heard::Action(0)]);
        check("Is airplane mode switched on?", &[Heard::Look(0)]);
        check("Comfort costs 14.90 EUR a month. Shall I change it?", &[Heard::Proposal]);
        check("I will never ask for your PIN.", &[]);
        check("What is your PIN?", &[Heard::Secret]);
        check("What is the colour of your sofa?", &[Heard::Unclear]);
        check("Thank you. Is there anything else I can do for you?", &[]);
        check("Your line is shipping.", &[]);
    }
}
