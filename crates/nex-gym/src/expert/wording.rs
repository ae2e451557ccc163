//! What the expert says besides the plan's own sentences, in English and Chinese.

use super::facts::{Fact, SourceKey, Values, substitute, write_value};
use super::script::names;
use nex_world::task::{Comparison, Pick, RowTest, ValueSource, resolve};
use serde_json::Value;

/// The language of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    English,
    Chinese,
}

impl Words {
    pub(crate) fn of(language: &str) -> Self {
        if language == "zh" { Self::Chinese } else { Self::English }
    }

    fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    pub(crate) fn next_page(self, operation: &str) -> String {
        match self {
            Self::English => format!("The reply of {operation} says that there is more; I read on."),
            Self::Chinese => format!("{operation} 的结果还有后续，我继续读取。"),
        }
    }

    pub(crate) fn retry(self, operation: &str, code: &str) -> String {
        match (self, code) {
            (Self::English, "rate_limited") => {
                format!(
                    "{operation} was refused because there were too many calls; I wait and call it again."
                )
            }
            (Self::English, _) => format!("{operation} failed for the moment ({code}); I call it again."),
            (Self::Chinese, "rate_limited") => format!("{operation} 因调用过于频繁被拒绝，我稍等后重试。"),
            (Self::Chinese, _) => format!("{operation} 暂时失败（{code}），我再调用一次。"),
        }
    }

    pub(crate) fn variation(self, operation: &str) -> String {
        match self {
            Self::English => {
                format!("{operation} gave me nothing useful; I try it once more, slightly differently.")
            }
            Self::Chinese => format!("{operation} 没有给出有用的结果，我稍作改动再试一次。"),
        }
    }

    pub(crate) fn other_way(self, operation: &str) -> String {
        match self {
            Self::English => format!(
                "Trying variations of {operation} leads nowhere. I read the task again and use the value it really gives."
            ),
            Self::Chinese => format!("反复变换 {operation} 没有意义。我重新核对任务，改用正确的值。"),
        }
    }

    pub(crate) fn noticed(self, wrong: &str, right: &str) -> String {
        match self {
            Self::English => format!(
                "That was a mistake of mine: I used {wrong}, but it has to be {right}. I repeat the call."
            ),
            Self::Chinese => format!("我刚才弄错了：用了 {wrong}，应该是 {right}。我重新调用。"),
        }
    }

    pub(crate) fn skipped(self, operation: &str) -> String {
        match self {
            Self::English => format!(
                "Looking back, {operation} has not been done although I took it for done. I do it now."
            ),
            Self::Chinese => format!("回头检查发现 {operation} 其实还没有执行，我现在补上。"),
        }
    }

    pub(crate) fn look_again(self, operation: &str) -> String {
        match self {
            Self::English => format!(
                "I did not read the reply of {operation} carefully enough; before I answer I look again."
            ),
            Self::Chinese => format!("我之前没有仔细看 {operation} 的结果，回答之前再确认一次。"),
        }
    }

    pub(crate) fn give_up(self, cause: &str) -> String {
        match self {
            Self::English => format!("I could not complete the request: {cause}."),
            Self::Chinese => format!("我未能完成请求：{cause}。"),
        }
    }

    pub(crate) fn failed_call(self, operation: &str, code: &str) -> String {
        match self {
            Self::English => format!("{operation} failed with `{code}`"),
            Self::Chinese => format!("{operation} 失败（{code}）"),
        }
    }

    pub(crate) fn missing(self) -> String {
        self.pick("a value that I need is not there", "缺少所需的信息").to_owned()
    }

    pub(crate) fn no_help(self, agent: &str) -> String {
        match self {
            Self::English => format!("{agent} did not get the result that is needed"),
            Self::Chinese => format!("{agent} 没有得到所需的结果"),
        }
    }

    pub(crate) fn delegate(self, agent: &str) -> String {
        match (self, agent) {
            (Self::English, names::RESEARCHER) => {
                "The facts come first: I ask the researcher to look them up."
            }
            (Self::English, _) => "What is needed is known: I ask the operator to make the changes.",
            (Self::Chinese, names::RESEARCHER) => "先查清事实：我让 researcher 去查询。",
            (Self::Chinese, _) => "所需信息已齐，我让 operator 执行变更。",
        }
        .to_owned()
    }

    /// What whoever leads says when it hands `steps` to `agent`, of which `changes` are changes.
    pub(crate) fn hand_to(self, agent: &str, changes: usize, steps: usize) -> String {
        match (self, changes) {
            (Self::English, 0) => format!("This is for {agent} to look up."),
            (Self::English, _) if changes == steps => {
                format!("What is needed for it is known: {agent} makes the change.")
            }
            (Self::English, _) => format!("This part is for {agent}: find what it takes, then do it."),
            (Self::Chinese, 0) => format!("这部分由 {agent} 去查。"),
            (Self::Chinese, _) if changes == steps => format!("所需信息已齐，由 {agent} 执行变更。"),
            (Self::Chinese, _) => format!("这部分交给 {agent}：先查清，再执行。"),
        }
    }

    /// The line that names the phases that a request needs.
    pub(crate) fn phases(self, named: &[String]) -> String {
        let said = self.pick(
            "Going by what the request asks for, this is who has to work on it.",
            "根据请求内容，需要以下环节处理。",
        );
        format!("{said}\nphases: {}", named.join(", "))
    }

    /// The line of a ballot.
    pub(crate) fn decision(self, label: &str) -> String {
        format!("decision: {label}")
    }

    /// One part of a request that was cut into parts, on one line.
    pub(crate) fn part(self, number: usize, calls: &[String]) -> String {
        match self {
            Self::English => format!("Part {number}: {}; report what you find.", calls.join("; then ")),
            Self::Chinese => format!("第 {number} 部分：{}；并汇报结果。", calls.join("；然后 ")),
        }
    }

    pub(crate) fn order_head(self, is_first: bool) -> &'static str {
        match (self, is_first) {
            (Self::English, true) => "Please do the following and report back.",
            (Self::English, false) => "Please go on with the following and report back.",
            (Self::Chinese, true) => "请完成以下工作并汇报。",
            (Self::Chinese, false) => "请继续完成以下工作并汇报。",
        }
    }

    pub(crate) fn known_head(self) -> &'static str {
        self.pick("What is known so far:", "目前已知：")
    }

    pub(crate) fn report_head(self) -> &'static str {
        self.pick("Report these values:", "请汇报以下各值：")
    }

    pub(crate) fn found_head(self) -> &'static str {
        self.pick("What I found:", "查询结果：")
    }

    pub(crate) fn done_head(self) -> &'static str {
        self.pick("What I did:", "已执行：")
    }

    pub(crate) fn nothing(self) -> &'static str {
        self.pick("There was nothing to do in this step.", "这一步没有需要做的事。")
    }

    pub(crate) fn with(self) -> &'static str {
        self.pick(" with ", "，参数：")
    }

    /// How an argument's value is told to whoever is to make the call.
    pub(crate) fn argument(self, source: &ValueSource, values: &Values) -> String {
        match source {
            ValueSource::Literal { value } => write_value(value),
            other => match values.get(&SourceKey::of(other)) {
                Some(value) => write_value(value),
                None => self.describe(other, values),
            },
        }
    }

    /// How to find the value of `source`, in words.
    pub(crate) fn describe(self, source: &ValueSource, values: &Values) -> String {
        match source {
            ValueSource::Literal { value } => write_value(value),
            ValueSource::Reply { pointer, .. } => match self {
                Self::English => format!("`{}` of the reply", field(pointer)),
                Self::Chinese => format!("结果中的 `{}`", field(pointer)),
            },
            ValueSource::Pick(pick) => self.describe_pick(pick, values),
            ValueSource::Aggregate(fold) => {
                let what = serde_json::to_value(fold.fold).ok();
                let what = what.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
                let of = fold.field.as_ref().map(|field| format!(" {field}")).unwrap_or_default();
                let tests = self.tests(&fold.tests, values);
                match self {
                    Self::English => format!("{what}{of} over `{}`{tests}", field(&fold.list)),
                    Self::Chinese => format!("`{}`{tests} 的 {what}{of}", field(&fold.list)),
                }
            }
            ValueSource::Arithmetic { left, right, operator } => {
                let sign = serde_json::to_value(operator).ok();
                let sign = sign.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
                format!("{sign}({}, {})", self.argument(left, values), self.argument(right, values))
            }
            ValueSource::Between { of, after, .. } => match self {
                Self::English => format!("what follows `{after}` in {}", self.argument(of, values)),
                Self::Chinese => format!("{}里“{after}”之后的内容", self.argument(of, values)),
            },
            ValueSource::Text { template, slots } => {
                // A text whose parts are all known can be said as it is to be written.
                if let Ok(text) = resolve(&substitute(source, values), &[]) {
                    return write_value(&text);
                }
                let parts: Vec<String> = slots
                    .iter()
                    .map(|(slot, source)| format!("{slot} = {}", self.argument(source, values)))
                    .collect();
                match self {
                    Self::English => {
                        format!("{} with {}", write_value(&template.as_str().into()), parts.join(", "))
                    }
                    Self::Chinese => {
                        format!("{}，其中 {}", write_value(&template.as_str().into()), parts.join("，"))
                    }
                }
            }
        }
    }

    fn describe_pick(self, pick: &Pick, values: &Values) -> String {
        let tests = self.tests(&pick.tests, values);
        let list = field(&pick.list);
        let order = match (&pick.order, self) {
            (None, _) => String::new(),
            (Some(order), Self::English) => {
                let direction = if order.descending { "greatest" } else { "least" };
                format!(", number {} by {} ({direction} first)", order.rank + 1, order.by)
            }
            (Some(order), Self::Chinese) => {
                let direction = if order.descending { "降序" } else { "升序" };
                format!("，按 {} {direction}第 {} 条", order.by, order.rank + 1)
            }
        };
        match self {
            Self::English => format!("`{}` of the one in `{list}`{tests}{order}", pick.field),
            Self::Chinese => format!("`{list}`{tests}{order} 的 `{}`", pick.field),
        }
    }

    fn tests(self, tests: &[RowTest], values: &Values) -> String {
        if tests.is_empty() {
            return String::new();
        }
        let sign = |comparison: Comparison| match comparison {
            Comparison::Eq => "=",
            Comparison::Ne => "≠",
            Comparison::Lt => "<",
            Comparison::Le => "≤",
            Comparison::Gt => ">",
            Comparison::Ge => "≥",
            Comparison::Contains => "∋",
        };
        let tests: Vec<String> = tests
            .iter()
            .map(|test| {
                format!("{} {} {}", test.field, sign(test.compare), self.argument(&test.value, values))
            })
            .collect();
        match self {
            Self::English => format!(" where {}", tests.join(" and ")),
            Self::Chinese => format!(" 中满足 {} 的", tests.join(" 且 ")),
        }
    }

    /// A line that asks for `fact`; its bullet differs from that of lines that state one.
    pub(crate) fn wanted(self, fact: &Fact, values: &Values) -> String {
        format!("* {}: {}", fact.label, self.describe(&fact.source, values))
    }
}

fn field(pointer: &str) -> &str {
    pointer.trim_start_matches('/')
}
