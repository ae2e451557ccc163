//! How people say values: dates near today, amounts, labels; in either language, exactly or
//! loosely. A loose date still means one day, given the date in the briefing.

use super::exact::Exact;
use super::resolve::plain_text;
use crate::text::Language;
use crate::value::{civil_from_days, parse_date};
use rand::{Rng, RngExt};
use serde_json::Value;

/// What a way of speaking depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speech<'a> {
    pub(crate) language: Language,
    /// Days since 1970-01-01.
    pub(crate) today: i32,
    pub(crate) currency: &'a str,
    /// 0 to 1: how often a date is said loosely.
    pub(crate) fuzziness: f64,
}

const WEEKDAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEKDAYS_ZH: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Monday is 0.
pub(crate) fn weekday(days: i32) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((days + 3).rem_euclid(7)).unwrap_or(0)
}

impl Speech<'_> {
    /// A day, said exactly or loosely.
    pub(crate) fn date(&self, text: &str, rng: &mut impl Rng) -> String {
        let Some(day) = text.get(..10).and_then(parse_date) else { return text.to_owned() };
        let is_loose = rng.random_bool(self.fuzziness.clamp(0.0, 1.0));
        if is_loose && let Some(words) = self.loose_day(day) {
            return words;
        }
        match rng.random_range(0..3) {
            0 => text[..10].to_owned(),
            style => self.full_day(day, style == 1),
        }
    }

    /// `16 March 2026`, `2026年3月16日`; the year is left out if it is this year's and may be.
    pub(crate) fn full_day(&self, day: i32, with_year: bool) -> String {
        let (year, month, date) = civil_from_days(day);
        let with_year = with_year || year != civil_from_days(self.today).0;
        let name = MONTHS_EN[(month as usize - 1).min(11)];
        match (self.language, with_year) {
            (Language::En, true) => format!("{date} {name} {year}"),
            (Language::En, false) => format!("{date} {name}"),
            (Language::Zh, true) => format!("{year}年{month}月{date}日"),
            (Language::Zh, false) => format!("{month}月{date}日"),
        }
    }

    fn loose_day(&self, day: i32) -> Option<String> {
        let ago = self.today - day;
        let name = weekday(day);
        Some(match self.language {
            Language::En => match ago {
                0 => "today".to_owned(),
                1 => "yesterday".to_owned(),
                2 => "the day before yesterday".to_owned(),
                3..=6 => format!("last {}", WEEKDAYS_EN[name]),
                9 => "nine days ago".to_owned(),
                10 => "ten days ago".to_owned(),
                -1 => "tomorrow".to_owned(),
                -6..=-2 => {
                    format!("in {} days", ["two", "three", "four", "five", "six"][(-ago - 2) as usize])
                }
                _ => return None,
            },
            Language::Zh => match ago {
                0 => "今天".to_owned(),
                1 => "昨天".to_owned(),
                2 => "前天".to_owned(),
                -1 => "明天".to_owned(),
                -2 => "后天".to_owned(),
                -6..=-3 => format!("{}天后", -ago),
                3..=13 if monday(day) + 7 == monday(self.today) => format!("上周{}", WEEKDAYS_ZH[name]),
                3..=6 if monday(day) == monday(self.today) => format!("本周{}", WEEKDAYS_ZH[name]),
                3..=10 => format!("{ago}天前"),
                _ => return None,
            },
        })
    }

    /// A day and a time of day.
    pub(crate) fn datetime(&self, text: &str, rng: &mut impl Rng) -> String {
        let Some(time) = text.get(11..16) else { return self.date(text, rng) };
        let day = match text.get(..10).and_then(parse_date) {
            Some(day) => self.full_day(day, false),
            None => return text.to_owned(),
        };
        match self.language {
            Language::En => format!("{day} at {time}"),
            Language::Zh => format!("{day}{time}"),
        }
    }

    /// An amount, always exact.
    pub(crate) fn money(&self, value: &Value, rng: &mut impl Rng) -> String {
        let amount = two_places(value);
        let short = amount.strip_suffix(".00").unwrap_or(&amount).to_owned();
        let style = rng.random_range(0..3);
        match (self.language, self.currency) {
            (Language::En, "EUR") if style == 0 => format!("€{amount}"),
            (Language::En, "USD") if style < 2 => format!("${amount}"),
            (Language::En, "GBP") if style < 2 => format!("£{amount}"),
            (Language::En, "EUR") if style == 1 => format!("{short} euros"),
            (Language::En, "CNY") if style == 1 => format!("{short} yuan"),
            (Language::En, code) => format!("{amount} {code}"),
            (Language::Zh, "CNY") => format!("{short} 元"),
            (Language::Zh, "EUR") => format!("{short} 欧元"),
            (Language::Zh, "USD") => format!("{short} 美元"),
            (Language::Zh, "GBP") => format!("{short} 英镑"),
            (Language::Zh, code) => format!("{short} {code}"),
        }
    }

    /// What stands behind an amount in an answer.
    pub(crate) fn currency_name(&self) -> &str {
        match (self.language, self.currency) {
            (Language::Zh, "EUR") => "欧元",
            (Language::Zh, "CNY") => "元",
            (Language::Zh, "USD") => "美元",
            (Language::Zh, "GBP") => "英镑",
            (_, code) => code,
        }
    }

    /// A rounded amount for `about 40 euro`, with the bounds that it stands for.
    pub(crate) fn about(&self, value: &Value) -> Option<(String, Exact, Exact)> {
        let exact = Exact::of(value)?;
        let whole: f64 = exact.to_text().parse().ok()?;
        let step = match whole {
            w if w < 20.0 => return None,
            w if w < 100.0 => 10.0,
            w if w < 1_000.0 => 50.0,
            w if w < 10_000.0 => 500.0,
            w if w < 100_000.0 => 5_000.0,
            _ => return None,
        };
        let round = (whole / step).round() * step;
        let low = Exact::parse(&format!("{}", round - step))?;
        let high = Exact::parse(&format!("{}", round + step))?;
        let words = match (self.language, self.currency) {
            (Language::En, "EUR") => format!("about {round} euros"),
            (Language::En, "USD") => format!("about {round} dollars"),
            (Language::En, code) => format!("about {round} {code}"),
            (Language::Zh, "EUR") => format!("{round} 欧元左右"),
            (Language::Zh, "CNY") => format!("{round} 元左右"),
            (Language::Zh, "USD") => format!("{round} 美元左右"),
            (Language::Zh, code) => format!("{round} {code} 左右"),
        };
        Some((words, low, high))
    }

    /// The briefing's sentence on what time it is.
    pub(crate) fn now(&self, now: &str) -> String {
        let day = self.full_day(self.today, true);
        let time = now.get(11..16).unwrap_or("00:00");
        let name = weekday(self.today);
        match self.language {
            Language::En => format!("It is {}, {day}, {time}.", WEEKDAYS_EN[name]),
            Language::Zh => format!("现在是{day}（星期{}）{time}。", WEEKDAYS_ZH[name]),
        }
    }
}

fn monday(day: i32) -> i32 {
    day - (day + 3).rem_euclid(7)
}

/// `12.50`.
pub(crate) fn two_places(value: &Value) -> String {
    let plain = Exact::of(value).map_or_else(|| plain_text(value), Exact::to_text);
    match plain.split_once('.') {
        None if plain.bytes().all(|b| b.is_ascii_digit() || b == b'-') => format!("{plain}.00"),
        Some((whole, fraction)) if fraction.len() < 2 => format!("{whole}.{fraction:0<2}"),
        _ => plain,
    }
}

/// The plural of an English label: of its last word.
pub(crate) fn plural(label: &str) -> String {
    let lower = label.to_lowercase();
    let before_y = lower.chars().rev().nth(1);
    if lower.ends_with('y') && !before_y.is_some_and(|c| "aeiou".contains(c)) {
        format!("{}ies", &label[..label.len() - 1])
    } else if ["s", "x", "ch", "sh", "z"].iter().any(|end| lower.ends_with(end)) {
        format!("{label}es")
    } else {
        format!("{label}s")
    }
}
