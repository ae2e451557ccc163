//! Errands on logs.

use super::goal::Goal;
use nex_world::Language;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

const SERVICES: [&str; 6] = ["auth", "billing", "cart", "mail", "search", "stock"];
const LEVELS: [&str; 4] = ["DEBUG", "INFO", "WARN", "ERROR"];
const PATHS: [&str; 6] = ["/", "/login", "/items", "/cart", "/search", "/help"];

/// How many lines of one level each service wrote.
pub(super) fn count_by_level(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let level = *LEVELS[1..].choose(rng).unwrap_or(&"ERROR");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for day in 1..=size.div_ceil(2) {
        let mut text = String::new();
        for minute in 0..10 * size {
            let service = *SERVICES.choose(rng).unwrap_or(&"auth");
            let found = *LEVELS.choose(rng).unwrap_or(&"INFO");
            // The word alone does not make a line one of that level.
            let message =
                ["ok", "retrying after ERROR", "slow reply", "WARN limit near"].choose(rng).unwrap_or(&"ok");
            text += &format!("{:02}:{:02} {found} {service}: {message}\n", minute / 60, minute % 60);
            if found == level {
                *counts.entry(service).or_default() += 1;
            }
        }
        goal.file(format!("logs/day-{day:02}.log"), text);
    }
    let report: String = counts.iter().map(|(service, count)| format!("{service} {count}\n")).collect();
    goal.want("logs/report.txt", report);
    let command = format!(
        "cat logs/day-*.log | awk '$2 == \"{level}\" {{ sub(/:$/, \"\", $3); n[$3]++ }} END {{ for (s in n) print s, n[s] }}' | LC_ALL=C sort > logs/report.txt"
    );
    let asks = [
        format!(
            "The logs in `logs/day-*.log` have lines `TIME LEVEL SERVICE: MESSAGE`. Write `logs/report.txt` with one line for each service that has lines of level {level} over all days: the service, a space, and how many there are; sorted by service."
        ),
        format!(
            "`logs/day-*.log` 中的日志行格式为 `时间 级别 服务: 消息`。请写出 `logs/report.txt`：对所有日期合计，每个有 {level} 级别日志的服务占一行，内容为服务名、一个空格和行数，按服务名排序。"
        ),
    ];
    goal.said(
        language,
        asks,
        command,
        [
            "I count by the second field, not by the word in the message.",
            "按第二个字段计数，而不是按消息中的单词。",
        ],
    )
}

/// Clients with at least so many server errors.
pub(super) fn failing_clients(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let least = rng.random_range(2..=4);
    let clients: Vec<String> = (0..size + 3).map(|n| format!("10.0.{}.{}", n % 3, 7 * n + 5)).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut text = String::new();
    for _ in 0..25 * size {
        let client = clients.choose(rng).map_or("", String::as_str);
        let status = *[200, 200, 301, 404, 500, 503].choose(rng).unwrap_or(&200);
        let path = PATHS.choose(rng).unwrap_or(&"/");
        text += &format!("{client} GET {path} {status} {}\n", rng.random_range(1..900));
        if status >= 500 {
            *counts.entry(client).or_default() += 1;
        }
    }
    // So that the answer is never empty.
    let first = clients[0].as_str();
    for _ in 0..least {
        text += &format!("{first} GET / 500 1\n");
        *counts.entry(first).or_default() += 1;
    }
    goal.file("web/access.log", text);
    let mut found: Vec<(&str, usize)> = counts.into_iter().filter(|(_, count)| *count >= least).collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let lines: String = found.iter().map(|(client, count)| format!("{count} {client}\n")).collect();
    goal.want("web/failing.txt", lines);
    let command = format!(
        "awk '$4 >= 500 {{ n[$1]++ }} END {{ for (c in n) if (n[c] >= {least}) print n[c], c }}' web/access.log | LC_ALL=C sort -k1,1nr -k2,2 > web/failing.txt"
    );
    let asks = [
        format!(
            "`web/access.log` has lines `CLIENT METHOD PATH STATUS MILLISECONDS`. Write to `web/failing.txt` each client that got a status of 500 or more at least {least} times, as `COUNT CLIENT`, the highest count first, clients with the same count in the order of their text (byte order)."
        ),
        format!(
            "`web/access.log` 的行格式为 `客户端 方法 路径 状态码 毫秒数`。请把状态码大于等于 500 的次数不少于 {least} 次的客户端写入 `web/failing.txt`，每行为 `次数 客户端`，次数多的在前，次数相同的按客户端文本的字节序排列。"
        ),
    ];
    goal.said(
        language,
        asks,
        command,
        [
            "Statuses from 500 on are counted by client and filtered.",
            "按客户端统计 500 及以上的状态码，再筛选。",
        ],
    )
}

/// The slowest requests of a log.
pub(super) fn slowest_requests(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let count = size.min(8);
    let mut rows: Vec<(u32, String)> = Vec::new();
    for index in 0..15 * size {
        // Times differ, so that there is one order only.
        let time = (rng.random_range(1..50) * 1000 + index) as u32;
        let path = PATHS.choose(rng).unwrap_or(&"/");
        rows.push((time, format!("r{index:04} {path} {time}")));
    }
    let text: String = rows.iter().map(|(_, line)| format!("{line}\n")).collect();
    goal.file("trace/requests.log", text);
    rows.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let lines: String = rows.iter().take(count).map(|(_, line)| format!("{line}\n")).collect();
    goal.want("trace/slowest.txt", lines);
    let command = format!("sort -k3,3nr trace/requests.log | head -n {count} > trace/slowest.txt");
    let asks = [
        format!(
            "`trace/requests.log` has lines `REQUEST PATH MILLISECONDS`. Put the {count} slowest lines, unchanged, into `trace/slowest.txt`, the slowest first."
        ),
        format!(
            "`trace/requests.log` 的行格式为 `请求 路径 毫秒数`。请把最慢的 {count} 行原样写入 `trace/slowest.txt`，最慢的在前。"
        ),
    ];
    goal.said(language, asks, command, ["Sorted by the third field as a number.", "按第三个字段的数值排序。"])
}
