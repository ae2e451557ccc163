//! What an agent is told in every code task.

use crate::workbench::CodeLanguage;
use nex_world::Language;
use nex_world::task::Briefing;

pub(super) fn briefing(code: CodeLanguage, language: Language) -> Briefing {
    let (role, facts, policies): (&str, &str, [&str; 4]) = match (language, code) {
        (Language::En, CodeLanguage::Python) => (
            "You maintain a small Python repository. You are given an issue report; find the cause in the code and fix it.",
            "Only Python's standard library is installed. The public tests are in `tests/`; run_tests runs them.",
            POLICIES_EN,
        ),
        (Language::En, CodeLanguage::Shell) => (
            "You maintain a small repository of shell and awk programs. You are given an issue report; find the cause in the code and fix it.",
            "The programs run under a POSIX shell. The public tests are in `tests/`, a command and its expected output each; run_tests runs them.",
            POLICIES_EN,
        ),
        (Language::Zh, CodeLanguage::Python) => (
            "你维护一个小型 Python 仓库。你会收到一份问题报告：请在代码中找到原因并修复。",
            "环境中只有 Python 标准库。公开测试位于 `tests/`，用 run_tests 运行。",
            POLICIES_ZH,
        ),
        (Language::Zh, CodeLanguage::Shell) => (
            "你维护一个由 shell 和 awk 程序组成的小型仓库。你会收到一份问题报告：请在代码中找到原因并修复。",
            "程序在 POSIX shell 下运行。公开测试位于 `tests/`，每个测试是一条命令及其预期输出，用 run_tests 运行。",
            POLICIES_ZH,
        ),
    };
    Briefing {
        role: role.to_owned(),
        facts: vec![facts.to_owned()],
        policies: policies.map(str::to_owned).into(),
    }
}

const POLICIES_EN: [&str; 4] = [
    "Fix the cause, not the symptom: the fix is checked with inputs that you have not seen.",
    "Do not change or delete existing tests, and do not add files that make tests pass.",
    "Keep the change small: no rewrites, no leftover debugging output, no unrelated edits.",
    "When you are done, say in a sentence or two what was wrong and what you changed.",
];

const POLICIES_ZH: [&str; 4] = [
    "要修复原因，而不是掩盖现象：修复会用你没有见过的输入来检验。",
    "不要修改或删除已有测试，也不要添加让测试通过的文件。",
    "改动要小：不要重写，不要留下调试输出，不要做无关的修改。",
    "完成后，用一两句话说明问题出在哪里、你改了什么。",
];
