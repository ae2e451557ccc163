//! From asks to an instruction that reads as if a person had written it.
//!
//! A seeded grammar: an opening now and then, a sentence or half of one for each ask, connectives
//! between them. The asks keep their order, because a later one may refer to an earlier one.

use crate::text::Language;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use regex::Regex;
use std::sync::LazyLock;

/// One thing the instruction asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) kind: AskKind,
    /// An imperative without subject ("cancel order X"), or a thing to know ("the total of X").
    pub(crate) phrase: String,
    /// What is said after it, a whole sentence.
    pub(crate) rider: Option<String>,
}

/// What kind of thing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskKind {
    /// Something to be done.
    Do,
    /// Something to be told.
    Know,
}

/// The instruction.
pub(crate) fn compose(asks: &[Ask], language: Language, rng: &mut impl Rng) -> String {
    let grammar = match language {
        Language::En => &ENGLISH,
        Language::Zh => &CHINESE,
    };
    let mut sentences = Vec::new();
    if let Some(opening) = opening(grammar, asks.len(), rng) {
        sentences.push(opening);
    }
    let mut index = 0;
    let mut last_used: Option<&str> = None;
    while index < asks.len() {
        let (mut phrase, mut taken) = (asks[index].phrase.clone(), 1);
        if let Some(next) = asks.get(index + 1)
            && joins(&asks[index], next, language)
            && rng.random_bool(0.45)
        {
            let joint = match next.kind {
                AskKind::Do => pick(grammar.and_do, rng),
                AskKind::Know => pick(grammar.and_know, rng),
            };
            phrase = joint.replace("{a}", &phrase).replace("{b}", &next.phrase);
            taken = 2;
        }
        let is_first = index == 0;
        let is_last = index + taken == asks.len();
        let frames = match (asks[index].kind, is_first) {
            (AskKind::Do, true) => grammar.first_do,
            (AskKind::Know, true) => grammar.first_know,
            (AskKind::Do, false) if is_last && asks.len() > 2 && rng.random_bool(0.35) => grammar.last_do,
            (AskKind::Know, false) if is_last && asks.len() > 2 && rng.random_bool(0.35) => grammar.last_know,
            (AskKind::Do, false) => grammar.next_do,
            (AskKind::Know, false) => grammar.next_know,
        };
        let plain = |frame: &&&str| {
            !(frame.ends_with(['?', '？']) && phrase.contains([';', ':', '；', '：', '.', '。']))
        };
        let fitting: Vec<&&str> =
            frames.iter().filter(plain).filter(|frame| Some(**frame) != last_used).collect();
        let frame = fitting.choose(rng).map_or(frames[0], |frame| **frame);
        last_used = Some(frame);
        let sentence = frame.replace("{p}", &phrase).replace("{P}", &capital(&phrase));
        sentences.push(tidy(&sentence));
        for ask in &asks[index..index + taken] {
            sentences.extend(ask.rider.clone());
        }
        index += taken;
    }
    if rng.random_bool(0.2) {
        sentences.push(pick(grammar.closings, rng).to_owned());
    }
    sentences.join(grammar.between).trim().to_owned()
}

/// Whether two asks may share a sentence: short, alike, and nothing in them that a joint would
/// tear apart.
fn joins(a: &Ask, b: &Ask, language: Language) -> bool {
    let limit = match language {
        Language::En => 90,
        Language::Zh => 32,
    };
    let simple = |ask: &Ask| {
        ask.phrase.chars().count() <= limit
            && ask.rider.is_none()
            && !ask.phrase.contains([';', '；', ':', '：', ',', '，', '.', '。'])
            && !ask.phrase.contains(" because ")
            && !ask.phrase.contains(" and ")
    };
    a.kind == b.kind && simple(a) && simple(b)
}

fn opening(grammar: &Grammar, asks: usize, rng: &mut impl Rng) -> Option<String> {
    let greeting = rng.random_bool(0.3).then(|| pick(grammar.greetings, rng));
    let background = if asks > 2 && rng.random_bool(0.5) {
        Some(pick(grammar.several, rng))
    } else if rng.random_bool(0.2) {
        Some(pick(grammar.backgrounds, rng))
    } else {
        None
    };
    match (greeting, background) {
        (None, None) => None,
        (a, b) => Some([a, b].into_iter().flatten().collect::<Vec<_>>().join(grammar.between)),
    }
}

fn pick<'a>(choices: &[&'a str], rng: &mut impl Rng) -> &'a str {
    choices.choose(rng).copied().unwrap_or_default()
}

pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Mends what putting phrases together spoils: doubled stops, `on yesterday`, a blank before a
/// stop.
pub(crate) fn tidy(text: &str) -> String {
    let mut text = text.to_owned();
    for (wrong, right) in [
        ("..", "."),
        ("。。", "。"),
        (".?", "?"),
        (" .", "."),
        (" on yesterday", " yesterday"),
        (" on today", " today"),
        (" on tomorrow", " tomorrow"),
        (" on last ", " last "),
        (" on the day before", " the day before"),
        (" on in ", " in "),
        ("的的", "的"),
        ("the the ", "the "),
        ("于今天", "今天"),
        ("于昨天", "昨天"),
        ("于前天", "前天"),
        ("于明天", "明天"),
        ("  ", " "),
    ] {
        while text.contains(wrong) {
            text = text.replace(wrong, right);
        }
    }
    for n in ["two", "three", "four", "five", "six", "nine", "ten"] {
        text = text.replace(&format!(" on {n} days ago"), &format!(" {n} days ago"));
    }
    let text = AT_MOMENT.replace_all(&text, " on $moment");
    close_up(&ONE_OF_MANY.replace_all(&text, "$one"))
}

/// Blanks between two Chinese characters, left over from the blanks around holes, go.
fn close_up(text: &str) -> String {
    let is_han = |c: char| ('\u{3000}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c);
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let is_between =
            at > 0 && chars.get(at + 1).is_some_and(|&next| is_han(next)) && is_han(chars[at - 1]);
        if !(c == ' ' && is_between) {
            out.push(c);
        }
    }
    out
}

/// `at 9 September at 02:15`.
static AT_MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r" at (?P<moment>\d{1,2} [A-Z][a-z]+(?: \d{4})? at \d)").expect("the pattern is constant")
});

/// `1 nights`.
static ONE_OF_MANY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?P<one>\b1 (?:night|day|hour|minute|week|month|point|replica|seat|unit|piece|guest|person))s\b",
    )
    .expect("the pattern is constant")
});

struct Grammar {
    between: &'static str,
    greetings: &'static [&'static str],
    backgrounds: &'static [&'static str],
    several: &'static [&'static str],
    first_do: &'static [&'static str],
    next_do: &'static [&'static str],
    last_do: &'static [&'static str],
    first_know: &'static [&'static str],
    next_know: &'static [&'static str],
    last_know: &'static [&'static str],
    and_do: &'static [&'static str],
    and_know: &'static [&'static str],
    closings: &'static [&'static str],
}

static ENGLISH: Grammar = Grammar {
    between: " ",
    greetings: &["Hi!", "Hello.", "Good morning.", "Hello there.", "Hi there."],
    backgrounds: &[
        "I'm going through my inbox.",
        "This came in this morning.",
        "I have someone on the phone.",
        "I'm about to go into a meeting.",
        "This one has been lying around since last week.",
        "I can't get into the system right now.",
    ],
    several: &[
        "A few things for you.",
        "Several things came in at once.",
        "I have a short list today.",
        "There is a bit to do here.",
        "I'd like these sorted out before noon.",
    ],
    first_do: &[
        "Please {p}.",
        "Could you {p}?",
        "Can you please {p}?",
        "I need you to {p}.",
        "{P}, please.",
        "We need to {p}.",
        "I'd like you to {p}.",
    ],
    next_do: &[
        "Then {p}.",
        "Also, please {p}.",
        "After that, {p}.",
        "Next, {p}.",
        "I also need you to {p}.",
        "I'd also like you to {p}.",
        "And could you {p}?",
    ],
    last_do: &["Finally, {p}.", "One last thing: {p}.", "And to finish, {p}."],
    first_know: &[
        "Can you tell me {p}?",
        "Please tell me {p}.",
        "I'd like to know {p}.",
        "I need to know {p}.",
        "Please look up {p}.",
        "Could you find out {p}?",
    ],
    next_know: &[
        "Also tell me {p}.",
        "I also need to know {p}.",
        "Then let me know {p}.",
        "And could you tell me {p}?",
        "While you're at it, find out {p}.",
        "Besides, I'd like to know {p}.",
    ],
    last_know: &[
        "Finally, tell me {p}.",
        "When that's done, let me know {p}.",
        "And at the end, tell me {p}.",
    ],
    and_do: &["{a} and {b}", "{a}, and then {b}", "first {a} and after that {b}", "{a}; then {b}"],
    and_know: &["{a} and {b}", "{a}, and also {b}", "{a} as well as {b}"],
    closings: &["Thanks!", "Thank you.", "Much appreciated.", "Thanks in advance."],
};

static CHINESE: Grammar = Grammar {
    between: "",
    greetings: &["你好，", "您好！", "早上好。", "辛苦了，", "嗨，"],
    backgrounds: &[
        "我正在处理今天的邮件。",
        "这是今天早上刚收到的请求。",
        "对方正在电话上等着。",
        "我马上要去开会。",
        "这件事拖了几天了。",
        "我这边暂时登录不了系统。",
    ],
    several: &[
        "今天有几件事要办。",
        "有几件事麻烦你。",
        "下面几项请一并处理。",
        "手头有几件事，请尽快处理。",
    ],
    first_do: &["请{p}。", "麻烦你{p}。", "帮我{p}。", "请帮忙{p}。", "能不能{p}？", "需要你{p}。"],
    next_do: &["另外，请{p}。", "然后{p}。", "接着{p}。", "还要请你{p}。", "同时{p}。", "还有，麻烦{p}。"],
    last_do: &["最后，{p}。", "最后再{p}。", "办完之后，{p}。"],
    first_know: &[
        "请告诉我{p}。",
        "帮我查一下{p}。",
        "我想知道{p}。",
        "麻烦查一下{p}。",
        "能告诉我{p}吗？",
        "请查清楚{p}。",
    ],
    next_know: &[
        "另外，告诉我{p}。",
        "还想知道{p}。",
        "顺便查一下{p}。",
        "也请告诉我{p}。",
        "再帮我看看{p}。",
    ],
    last_know: &["最后，告诉我{p}。", "办完后告诉我{p}。", "最后再查一下{p}。"],
    and_do: &["{a}，然后{b}", "{a}，并{b}", "先{a}，再{b}"],
    and_know: &["{a}，以及{b}", "{a}，还有{b}", "{a}和{b}"],
    closings: &["谢谢！", "多谢。", "辛苦了。", "麻烦了。"],
};
