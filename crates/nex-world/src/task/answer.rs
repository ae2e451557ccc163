//! Does a free text say a fact?
//!
//! Numbers compare as exact numbers, dates in any usual writing, names and labels as words. A
//! number inside an id, a code or a date is not a number. An answer that says several other
//! values of the same kind is a guess and says nothing; so does one that is overlong.

use super::exact::Exact;
use super::resolve::plain_text;
use super::{Fact, FactKind};
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Characters after which a text is a dump and no answer.
const LONGEST: usize = 4_000;

/// Other values of the same kind that an answer may say beside the right ones and those that
/// the instruction already said.
const OTHERS: usize = 2;

/// An answer made ready for comparison.
pub(crate) struct SaidText {
    text: String,
    numbers: Vec<Exact>,
    dates: BTreeSet<Date>,
    too_long: bool,
}

type Date = (i32, u32, u32);

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:[,\u{a0}]\d{3})*(?:\.\d+)?").expect("the pattern is constant"));
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<iy>\d{4})[-/.](?P<im>\d{1,2})[-/.](?P<id>\d{1,2})",
        r"|(?:(?P<zy>\d{4})\s*年\s*)?(?P<zm>\d{1,2})\s*月\s*(?P<zd>\d{1,2})\s*[日号]",
        r"|(?P<ed>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?P<em>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:,? (?P<ey>\d{4}))?",
        r"|(?P<um>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?P<ud>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?P<uy>\d{4}))?",
    ))
    .expect("the pattern is constant")
});

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const COUNTS_EN: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];
const COUNTS_ZH: [&str; 11] = ["零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十"];

/// Words by which a refusal is known.
const REFUSALS: [&str; 31] = [
    "cannot",
    "can't",
    "can not",
    "could not",
    "couldn't",
    "not allowed",
    "not permitted",
    "did not",
    "didn't",
    "have not",
    "haven't",
    "unable",
    "forbid",
    "against the rule",
    "against the polic",
    "declin",
    "refus",
    "not possible",
    "must not",
    "may not",
    "won't",
    "will not",
    "不能",
    "无法",
    "不允许",
    "不可以",
    "未能",
    "没有执行",
    "没有办理",
    "不得",
    "规定",
];

impl SaidText {
    /// Reads `answer`; a date without a year is of `year`.
    pub(crate) fn new(answer: &str, year: i32) -> Self {
        let text = normalise(answer);
        let mut dates = BTreeSet::new();
        let mut rest = String::with_capacity(text.len());
        let mut end = 0;
        for found in DATE.captures_iter(&text) {
            let whole = found.get(0).expect("group 0 is the match");
            if let Some(date) = read_date(&found, year) {
                dates.insert(date);
                rest.push_str(&text[end..whole.start()]);
                rest.push_str(" \u{1} ");
                end = whole.end();
            }
        }
        rest.push_str(&text[end..]);
        Self { numbers: read_numbers(&rest), dates, too_long: answer.chars().count() > LONGEST, text }
    }
}

/// What all facts of a task and its instruction make of an answer.
pub(crate) struct Hearing<'a> {
    pub(crate) facts: &'a [&'a Fact],
    /// What the agent was told, instruction and rules: to repeat it is no guess.
    pub(crate) instruction: &'a str,
    pub(crate) year: i32,
}

impl Hearing<'_> {
    /// For each fact: nothing, or why the answer does not say it.
    pub(crate) fn judge(&self, answer: &str) -> Vec<Option<String>> {
        let said = SaidText::new(answer, self.year);
        let given = SaidText::new(self.instruction, self.year);
        // A phone number that is asked for holds numbers; they are no guesses at another fact.
        let right: Vec<String> = self.facts.iter().flat_map(|fact| accepted(fact)).collect();
        let right = SaidText::new(&right.join(" ; "), self.year);
        self.facts.iter().map(|fact| self.judge_fact(fact, &said, &given, &right)).collect()
    }

    fn judge_fact(&self, fact: &Fact, said: &SaidText, given: &SaidText, right: &SaidText) -> Option<String> {
        if said.text.trim().is_empty() {
            return Some(format!("the answer is empty; expected {}", describe(fact)));
        }
        if said.too_long {
            return Some(format!("the answer is longer than {LONGEST} characters"));
        }
        let others = match fact.kind {
            FactKind::Number | FactKind::Money => {
                let Some(wanted) = Exact::of(&fact.value).or_else(|| Exact::parse(&plain_text(&fact.value)))
                else {
                    return Some(format!("the expected value of {} is no number", fact.about));
                };
                let is_counted = fact.kind == FactKind::Number && says_count(&said.text, wanted);
                if !is_counted && !said.numbers.contains(&wanted) {
                    return Some(format!("does not say {}", describe(fact)));
                }
                let extra: BTreeSet<_> = said
                    .numbers
                    .iter()
                    .filter(|number| !right.numbers.contains(number) && !given.numbers.contains(number))
                    .collect();
                extra.len()
            }
            FactKind::Date | FactKind::Datetime => {
                let plain = plain_text(&fact.value);
                let Some(wanted) = iso_date(&plain) else {
                    return Some(format!("the expected value of {} is no date", fact.about));
                };
                if !said.dates.contains(&wanted) {
                    return Some(format!("does not say {}", describe(fact)));
                }
                if fact.kind == FactKind::Datetime
                    && !plain.get(11..16).is_some_and(|time| says_time(&said.text, time))
                {
                    return Some(format!("does not say the time of {}", describe(fact)));
                }
                said.dates
                    .iter()
                    .filter(|date| !right.dates.contains(date) && !given.dates.contains(date))
                    .count()
            }
            FactKind::Text => {
                if !accepted(fact).iter().any(|words| says_words(&said.text, words)) {
                    return Some(format!("does not say {}", describe(fact)));
                }
                let decoys = self.decoys_said(fact, said, given);
                // Of few values none may stand beside the right one, or naming all would pass.
                if fact.decoys.len() < 4 { decoys * (OTHERS + 1) } else { decoys }
            }
            FactKind::Refusal => {
                if !REFUSALS.iter().any(|word| said.text.contains(word)) {
                    return Some("does not say that the request was declined".to_owned());
                }
                0
            }
        };
        (others > OTHERS).then(|| format!("says too many other values beside {}", describe(fact)))
    }

    fn decoys_said(&self, fact: &Fact, said: &SaidText, given: &SaidText) -> usize {
        let right: Vec<String> = self.facts.iter().flat_map(|fact| accepted(fact)).collect();
        fact.decoys
            .iter()
            .map(|decoy| normalise(decoy))
            .filter(|decoy| !right.iter().any(|words| words.contains(decoy.as_str())))
            .filter(|decoy| says_words(&said.text, decoy) && !says_words(&given.text, decoy))
            .count()
    }
}

fn describe(fact: &Fact) -> String {
    format!("{} ({})", fact.about, plain_text(&fact.value))
}

fn accepted(fact: &Fact) -> Vec<String> {
    if fact.accepted.is_empty() {
        vec![normalise(&plain_text(&fact.value))]
    } else {
        fact.accepted.iter().map(|words| normalise(words)).collect()
    }
}

/// Lower case, narrow digits and punctuation, single spaces.
fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let narrow = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{2019}' | '\u{2018}' => '\'',
            '\u{2212}' | '\u{2013}' => '-',
            '\u{3000}' | '\n' | '\t' | '\r' => ' ',
            '*' | '`' => continue,
            other => other,
        };
        if narrow == ' ' && out.ends_with(' ') {
            continue;
        }
        out.extend(narrow.to_lowercase());
    }
    out
}

/// The numbers that stand by themselves: not parts of ids, codes, times or larger numbers.
fn read_numbers(text: &str) -> Vec<Exact> {
    let mut numbers = Vec::new();
    for found in NUMBER.find_iter(text) {
        let before = text[..found.start()].chars().next_back();
        let after = text[found.end()..].chars().next();
        let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '#' | '@');
        if is_part_of_time(&text[..found.start()], &text[found.end()..]) {
            continue;
        }
        let glued_to_point = before == Some('.') && text[..found.start()].len() > 1;
        if before.is_some_and(joins) || glued_to_point || after.is_some_and(|c| joins(c) && c != '/') {
            // A unit may be written onto its number: `12kg`, `40eur`.
            let unit: String = text[found.end()..].chars().take_while(char::is_ascii_alphabetic).collect();
            let next = text[found.end() + unit.len()..].chars().next();
            let is_unit = !unit.is_empty()
                && unit.len() <= 3
                && !next.is_some_and(|c| c.is_ascii_digit())
                && !before.is_some_and(joins)
                && !glued_to_point;
            if !is_unit {
                continue;
            }
        }
        let negative = before == Some('-');
        if negative {
            let earlier = text[..found.start() - 1].chars().next_back();
            if earlier.is_some_and(|c| c.is_alphanumeric()) {
                continue;
            }
        }
        if after == Some('-') && text[found.end() + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            continue;
        }
        if denied(&text[..found.start()]) {
            continue;
        }
        let digits: String = found.as_str().chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
        let signed = if negative { format!("-{digits}") } else { digits };
        numbers.extend(Exact::parse(&signed));
    }
    numbers
}

/// `08` and `30` of `08:30`; a colon after a word is none of a time.
fn is_part_of_time(before: &str, after: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    before.strip_suffix(':').is_some_and(|rest| rest.ends_with(is_digit))
        || after.strip_prefix(':').is_some_and(|rest| rest.starts_with(is_digit))
}

/// Whether the words before a value take it back: `not 12`, `不是12`.
fn denied(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '€', '$', '¥', '"', '\'']);
    [" not", "n't", "rather than", "instead of", "不是", "并非", "而非"]
        .iter()
        .any(|word| before.ends_with(word))
        || before == "not"
}

fn says_count(text: &str, wanted: Exact) -> bool {
    (0..COUNTS_EN.len()).filter(|n| Exact::parse(&n.to_string()) == Some(wanted)).any(|n| {
        says_words(text, COUNTS_EN[n])
            || (n == 0 && ["no ", "none", "没有", "无"].iter().any(|word| text.contains(word)))
            || COUNTS_ZH.get(n).is_some_and(|word| {
                ["个", "笔", "条", "件", "张", "份", "次", "位", "项", "本", "台", "间", "名"]
                    .iter()
                    .any(|measure| text.contains(&format!("{word}{measure}")))
            })
    })
}

fn says_time(text: &str, time: &str) -> bool {
    text.contains(time) || time.strip_prefix('0').is_some_and(|short| text.contains(short))
}

/// Whether `words` stand in `text`, not inside of a longer word, and are not taken back.
fn says_words(text: &str, words: &str) -> bool {
    if words.trim().is_empty() {
        return false;
    }
    text.match_indices(words).any(|(start, found)| {
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(|c| c.is_ascii_alphanumeric())
                && outer.is_some_and(|c| c.is_ascii_alphanumeric())
        };
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !joins(found.chars().next(), before)
            && !joins(found.chars().next_back(), after)
            && !denied(&text[..start])
    })
}

fn read_date(found: &regex::Captures<'_>, year: i32) -> Option<Date> {
    let number = |name: &str| found.name(name).and_then(|text| text.as_str().parse::<u32>().ok());
    let month = |name: &str| {
        let short = found.name(name)?.as_str();
        let index = MONTHS.iter().position(|month| *month == short)?;
        u32::try_from(index + 1).ok()
    };
    let of_year = |name: &str| found.name(name).and_then(|text| text.as_str().parse().ok()).unwrap_or(year);
    let date = if found.name("iy").is_some() {
        (of_year("iy"), number("im")?, number("id")?)
    } else if found.name("zm").is_some() {
        (of_year("zy"), number("zm")?, number("zd")?)
    } else if found.name("ed").is_some() {
        (of_year("ey"), month("em")?, number("ed")?)
    } else {
        (of_year("uy"), month("um")?, number("ud")?)
    };
    ((1..=12).contains(&date.1) && (1..=31).contains(&date.2)).then_some(date)
}

fn iso_date(text: &str) -> Option<Date> {
    let mut parts = text.get(..10)?.split('-');
    let date = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(date)
}
