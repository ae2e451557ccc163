//! The issue report: what was observed and what was expected, never where the bug lies.

use crate::workbench::{CodeLanguage, Probe};
use nex_world::Language;

/// An input with a wrong outcome.
pub(super) struct Symptom<'a> {
    pub(super) probe: &'a Probe,
    pub(super) got: &'a str,
    pub(super) expected: &'a str,
}

/// What is reported.
pub(super) struct Report<'a> {
    pub(super) language: Language,
    pub(super) runner: CodeLanguage,
    pub(super) is_exit_only: bool,
    pub(super) about: &'a str,
    pub(super) symptoms: &'a [Symptom<'a>],
    /// Public tests that fail, where they are to be named.
    pub(super) failing_tests: &'a [&'a str],
    pub(super) seed: u64,
}

/// The report as text.
pub(super) fn write(report: &Report<'_>) -> String {
    let (openings, closings): (&[&str], &[&str]) = match report.language {
        Language::En => (&OPENINGS_EN, &CLOSINGS_EN),
        Language::Zh => (&OPENINGS_ZH, &CLOSINGS_ZH),
    };
    let choose =
        |list: &[&str], salt: u64| list[((report.seed ^ salt) % list.len() as u64) as usize].to_owned();
    let mut paragraphs = vec![choose(openings, 0).replace("{about}", report.about)];
    paragraphs.extend(report.symptoms.iter().map(|symptom| describe(report, symptom)));
    if !report.failing_tests.is_empty() {
        let names: Vec<String> = report.failing_tests.iter().map(|name| format!("`{name}`")).collect();
        paragraphs.push(match report.language {
            Language::En => format!("The public test {} fails, too.", names.join(" and ")),
            Language::Zh => format!("公开测试 {} 也失败了。", names.join("、")),
        });
    }
    paragraphs.push(choose(closings, 5));
    paragraphs.join("\n\n")
}

const OPENINGS_EN: [&str; 4] = [
    "Something is wrong with our code for {about}.",
    "We rely on the code for {about}, and since the last change it misbehaves.",
    "A user reports wrong results from the code for {about}.",
    "I noticed the following while using the code for {about}.",
];
const OPENINGS_ZH: [&str; 4] = [
    "处理“{about}”的代码出了问题。",
    "我们依赖处理“{about}”的代码，最近一次改动之后它的行为不对了。",
    "有用户反馈处理“{about}”的代码给出了错误的结果。",
    "我在使用处理“{about}”的代码时发现了下面的情况。",
];
const CLOSINGS_EN: [&str; 3] = [
    "Please find the cause in the repository and fix it; other inputs of this kind go wrong as well.",
    "Please fix this at its root: these are only examples.",
    "Can you find out why and repair it? I have seen it with other inputs, too.",
];
const CLOSINGS_ZH: [&str; 3] = [
    "请在仓库中找出原因并修复；同类的其他输入也会出错。",
    "请从根本上修复：以上只是例子。",
    "请查明原因并修好它，其他输入也出现过同样的问题。",
];

fn describe(report: &Report<'_>, symptom: &Symptom<'_>) -> String {
    let code = &symptom.probe.code;
    if report.is_exit_only {
        return match report.language {
            Language::En => format!("`{code}` fails; it used to succeed."),
            Language::Zh => format!("`{code}` 失败了，以前是成功的。"),
        };
    }
    match report.runner {
        CodeLanguage::Python => describe_python(report.language, symptom),
        CodeLanguage::Shell => {
            let got = printed(report.language, symptom.got, true);
            let expected = printed(report.language, symptom.expected, false);
            match report.language {
                Language::En => format!("I ran\n\n    {code}\n\nIt {got}\nInstead, it should {expected}"),
                Language::Zh => {
                    format!("执行下面的命令\n\n    {code}\n\n{got}\n正确的结果应该是：{expected}")
                }
            }
        }
    }
}

fn describe_python(language: Language, symptom: &Symptom<'_>) -> String {
    let code = &symptom.probe.code;
    let (before, last) = match code.rsplit_once("; ") {
        Some((before, last)) if !before.is_empty() => (Some(before), last),
        _ => (None, code.as_str()),
    };
    let setting = match (before, language) {
        (None, _) => String::new(),
        (Some(before), Language::En) => format!("After `{before}`, "),
        (Some(before), Language::Zh) => format!("在执行 `{before}` 之后，"),
    };
    let outcome = |value: &str| match (language, value.strip_prefix("raises ")) {
        (Language::En, Some(kind)) => format!("raises `{kind}`"),
        (Language::En, None) => format!("gives `{value}`"),
        (Language::Zh, Some(kind)) => format!("抛出 `{kind}`"),
        (Language::Zh, None) => format!("得到 `{value}`"),
    };
    let wanted = |value: &str| match (language, value.strip_prefix("raises ")) {
        (Language::En, Some(kind)) => format!("it should raise `{kind}`"),
        (Language::En, None) => format!("it should give `{value}`"),
        (Language::Zh, Some(kind)) => format!("应当抛出 `{kind}`"),
        (Language::Zh, None) => format!("应当得到 `{value}`"),
    };
    let (got, wanted) = (outcome(symptom.got), wanted(symptom.expected));
    match language {
        Language::En => format!("{setting}`{last}` {got}; {wanted}."),
        Language::Zh => format!("{setting}`{last}` {got}，{wanted}。"),
    }
}

/// What a command does, as a sentence: its output as a block, its exit code where it is not 0.
fn printed(language: Language, value: &str, is_fact: bool) -> String {
    if value == "does not end" {
        return match language {
            Language::En => "does not end.".to_owned(),
            Language::Zh => "不会结束。".to_owned(),
        };
    }
    let (output, code) = value.rsplit_once("[exit ").unwrap_or((value, ""));
    let code = code.trim_end_matches(']');
    let block: String = output.lines().map(|line| format!("    {line}\n")).collect();
    let ends = match (code, language) {
        ("0", _) => String::new(),
        (_, Language::En) => format!(" and exits with code {code}"),
        (_, Language::Zh) => format!("，退出码为 {code}"),
    };
    let (prints, ends) = match is_fact {
        true => ("prints", ends),
        false => ("print", ends.replace("exits", "exit")),
    };
    match (language, block.is_empty()) {
        (Language::En, true) => format!("{prints} nothing{ends}."),
        (Language::En, false) => format!("{prints}{ends}\n\n{block}"),
        (Language::Zh, true) => format!("没有任何输出{ends}。"),
        (Language::Zh, false) => format!("输出{ends}\n\n{block}"),
    }
}
