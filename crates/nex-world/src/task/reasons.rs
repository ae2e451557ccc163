//! Stock phrases in two languages: why a step comes now, and how records are described.

use super::lookup::Mark;
use super::wording::plural;
use crate::text::Language;

/// Phrases of one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reasons(pub(crate) Language);

impl Reasons {
    pub(crate) fn look_up(self, label: &str, fields: &[String]) -> String {
        match self.0 {
            Language::En => format!("I need the id of the {label}, so I look it up by {}.", and(fields)),
            Language::Zh => format!("先用{}查出{label}的编号。", fields.join("和")),
        }
    }

    pub(crate) fn other_way(self, operation: &str) -> String {
        match self.0 {
            Language::En => format!("{operation} is down, so I look for the record another way."),
            Language::Zh => format!("{operation} 暂时不可用，换一种方式查找。"),
        }
    }

    pub(crate) fn list(self, labels: &str, parent: &str) -> String {
        match self.0 {
            Language::En => format!("I list the {labels} of {parent} to pick the right one."),
            Language::Zh => format!("列出{parent}的{labels}，从中找出对应的一条。"),
        }
    }

    pub(crate) fn count(self, labels: &str, parent: &str) -> String {
        match self.0 {
            Language::En => format!("I list the {labels} of {parent} to answer from all of them."),
            Language::Zh => format!("列出{parent}的全部{labels}再作答。"),
        }
    }

    pub(crate) fn read(self, label: &str, words: &str) -> String {
        match self.0 {
            Language::En => format!("The {label} of {words} is needed, so I read the record."),
            Language::Zh => format!("需要知道{words}的{label}，查看详细记录。"),
        }
    }

    pub(crate) fn before(self, operation: &str) -> String {
        match self.0 {
            Language::En => format!("This has to be done before {operation} is allowed."),
            Language::Zh => format!("执行 {operation} 之前必须先完成这一步。"),
        }
    }

    pub(crate) fn act(self, phrase: &str) -> String {
        match self.0 {
            Language::En => format!("Everything needed is known, so this can be carried out: {phrase}."),
            Language::Zh => format!("所需信息已齐全，现在{phrase}。"),
        }
    }

    pub(crate) fn compute(self, phrase: &str) -> String {
        match self.0 {
            Language::En => format!("This call tells {phrase}."),
            Language::Zh => format!("这一步可以得出{phrase}。"),
        }
    }

    /// A record among those of its parent.
    pub(crate) fn marked(self, label: &str, parent: &str, mark: &Mark) -> String {
        match (self.0, mark) {
            (Language::En, Mark::Is { label: field, words }) => {
                format!("the {label} with {field} “{words}” that belongs to {parent}")
            }
            (Language::Zh, Mark::Is { label: field, words }) => {
                format!("{parent}的{label}中{field}为{words}的那个")
            }
            (Language::En, Mark::About { label: field, words }) => {
                let article =
                    if field.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
                format!("the {label} of {parent} with {article} {field} of {words}")
            }
            (Language::Zh, Mark::About { label: field, words }) => {
                format!("{parent}的{label}中{field}在 {words}的那个")
            }
            (Language::En, Mark::Extreme { label: field, descending, is_time }) => {
                let extreme = match (is_time, descending) {
                    (true, true) => "latest",
                    (true, false) => "earliest",
                    (false, true) => "highest",
                    (false, false) => "lowest",
                };
                format!("the {label} with the {extreme} {field} among the {} of {parent}", plural(label))
            }
            (Language::Zh, Mark::Extreme { label: field, descending, is_time }) => {
                let extreme = match (is_time, descending) {
                    (true, true) => "最晚",
                    (true, false) => "最早",
                    (false, true) => "最高",
                    (false, false) => "最低",
                };
                format!("{parent}的{label}中{field}{extreme}的那个")
            }
        }
    }

    /// A record that was named before.
    pub(crate) fn again(self, label: &str, is_nested: bool) -> String {
        match (self.0, is_nested) {
            (Language::En, true) => format!("the same {label}"),
            (Language::En, false) => format!("that {label}"),
            (Language::Zh, true) => format!("同一{label}"),
            (Language::Zh, false) => format!("该{label}"),
        }
    }

    /// A record that an earlier goal made.
    pub(crate) fn made(self, label: &str) -> String {
        match self.0 {
            Language::En => format!("the new {label}"),
            Language::Zh => format!("新建的{label}"),
        }
    }

    pub(crate) fn field_of(self, field: &str, record: &str) -> String {
        match self.0 {
            Language::En => format!("the {field} of {record}"),
            Language::Zh => format!("{record}的{field}"),
        }
    }

    pub(crate) fn says(self, thing: &str, slot: &str) -> String {
        match self.0 {
            Language::En if thing.starts_with("the ") => {
                format!("{} is {{{slot}}}.", super::prose::capital(thing))
            }
            Language::En => format!("{}: {{{slot}}}.", super::prose::capital(thing)),
            Language::Zh => format!("{thing}：{{{slot}}}。"),
        }
    }

    pub(crate) fn done(self, phrase: &str) -> String {
        match self.0 {
            Language::En => format!("Done: {phrase}."),
            Language::Zh => format!("已完成：{phrase}。"),
        }
    }

    pub(crate) fn declined(self, phrase: &str, policy: &str) -> String {
        match self.0 {
            Language::En => format!("I did not {phrase}: the rules do not allow it. {policy}"),
            Language::Zh => format!("没有执行“{phrase}”，因为规定不允许：{policy}"),
        }
    }

    pub(crate) fn unless_forbidden(self) -> &'static str {
        match self.0 {
            Language::En => "If the rules don't allow that, leave it as it is and say so.",
            Language::Zh => "如果规定不允许，就不要动它，直接告诉我。",
        }
    }

    pub(crate) fn how_many(self, labels: &str, parent: &str, filter: Option<(&str, &str)>) -> String {
        match (self.0, filter) {
            (Language::En, None) => format!("how many {labels} {parent} has"),
            (Language::En, Some((field, words))) => {
                format!("how many {labels} of {parent} have the {field} “{words}”")
            }
            (Language::Zh, None) => format!("{parent}一共有多少个{labels}"),
            (Language::Zh, Some((field, words))) => format!("{parent}的{labels}中{field}为{words}的有多少个"),
        }
    }

    pub(crate) fn sum(self, labels: &str, parent: &str, field: &str) -> String {
        match self.0 {
            Language::En => format!("the combined {field} of all {labels} of {parent}"),
            Language::Zh => format!("{parent}全部{labels}的{field}合计"),
        }
    }
}

fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
