//! Goals that add something up, or list what a condition picks out.

use super::source::Rows;
use super::{Goal, Scene, lit, pick, text};
use crate::files::office::{self, Invoice, iso};
use crate::task::{Comparison, FactKind, ValueSource};
use indexmap::IndexMap;
use rand_chacha::ChaCha8Rng;

/// Most lines of a summary.
const MOST_LINES: usize = 6;

/// How many hours somebody booked on a job.
pub(super) fn booked_hours(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    // The active ones: the others may be on their way to the archive.
    let at = office::shuffled(&[0, 1, 2, 3, 4], rng)
        .into_iter()
        .find(|at| scene.is_free(&format!("hours {}", office.projects[*at].code)))?;
    let project = &office.projects[at];
    let (_, person, ..) = office::pick(&project.hours, rng);
    let name = office.staff[person].name;
    let total: i64 = project.hours.iter().filter(|row| row.1 == person).map(|row| row.2).sum();
    let path = format!("{}/{}", office.project_folder(at), labels.hours);
    let ask = match scene.is_vague {
        true => office.say(
            format!("How many hours has {name} put into {} so far?", project.title),
            format!("{name}到目前为止在“{}”项目上登记了多少工时？", project.title),
        ),
        false => office.say(
            format!("Add up the hours that {name} booked in `{path}` and tell me the total."),
            format!("请统计 `{path}` 里{name}登记的工时合计。"),
        ),
    };
    let mut goal = Goal {
        ask,
        says: office.say(
            format!("{name} has booked {{hours}} hours on {}.", project.title),
            format!("{name}在“{}”上登记的工时合计为 {{hours}} 小时。", project.title),
        ),
        uses: vec![format!("hours {}", project.code)],
        ..Goal::default()
    };
    let source = if scene.is_vague {
        let pattern = format!("*{}*/{}", project.slug, labels.hours);
        let reason = office.say("I look for the job's time sheet.", "先找到该项目的工时表。");
        let step =
            goal.step("find_files", [("pattern", lit(pattern)), ("folder", lit(labels.projects))], reason);
        pick(step, "/files").get("path")
    } else {
        lit(path)
    };
    let reason = office.say("The time sheet has a line for each day.", "工时表里逐日登记。");
    let step = goal.step("read_table", [("path", source)], reason);
    let rows = pick(step, "/rows").when(labels.person, Comparison::Eq, lit(name));
    goal.slot("hours", rows.sum(labels.hours_column));
    goal.fact(labels.hours_column, FactKind::Number, total, Vec::new());
    Some(goal)
}

/// What a client still owes, said.
pub(super) fn open_total(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (mut goal, client, sum) = owed(scene, rng)?;
    let office = scene.office;
    let short = office.clients[client].short;
    let ledger = Goal::ledger_words(scene);
    goal.ask = office.say(
        format!("How much does {short} still owe us altogether? Go by {ledger}."),
        format!("按{ledger}算，{short}一共还有多少钱没付？"),
    );
    let total = goal.slots["total"].clone();
    goal.slot("total", total);
    goal.fact(office.say("the open total", "未付合计"), FactKind::Money, sum, Vec::new());
    Some(goal)
}

/// What a client still owes, written down.
pub(super) fn open_total_file(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (mut goal, client, sum) = owed(scene, rng)?;
    let (office, labels) = (scene.office, scene.office.labels());
    let client = &office.clients[client];
    let (short, ledger, word) = (client.short, Goal::ledger_words(scene), labels.total);
    let name = office.say(format!("open-{}.txt", client.slug), format!("{}-未付.txt", client.slug));
    let path = format!("{}/{name}", labels.reports);
    goal.ask = office.say(
        format!(
            "Add up the open invoices of {short} in {ledger} and write the sum to `{path}`, as a single line `{word}: <amount>` without a currency."
        ),
        format!("把{ledger}里{short}的未付发票金额加总，写到 `{path}`，只写一行 `{word}: <金额>`，不带货币单位。"),
    );
    let other = office.say(
        format!("Our tax adviser wants to know what {short} still owes us. Take it from {ledger} and leave the answer in `{path}`: one line, `{word}: <amount>`, just the number."),
        format!("税务顾问想知道{short}还欠多少。请按{ledger}算出来，写进 `{path}`，就一行 `{word}: <金额>`，只写数字。"),
    );
    goal.or_ask(rng, other);
    let content = text(&format!("{word}: {{total}}\n"), [("total", goal.slots["total"].clone())]);
    let reason = office.say("I write the sum where it is wanted.", "把合计写到指定文件。");
    goal.step("write_file", [("path", lit(path.as_str())), ("text", content)], reason);
    goal.files.insert(path, Some(format!("{word}: {sum}\n")));
    Some(goal)
}

/// Reads the ledger for the open invoices of a client with several.
fn owed(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<(Goal, usize, i64)> {
    let (office, labels) = (scene.office, scene.office.labels());
    if !scene.is_free("ledger status") {
        return None;
    }
    let open = |at: usize| {
        let of = move |invoice: &&Invoice| !invoice.is_paid && office.projects[invoice.project].client == at;
        office.invoices.iter().filter(of)
    };
    let use_ = |at: usize| format!("owed {}", office.clients[at].slug);
    let mut clients: Vec<usize> = (0..office.clients.len()).collect();
    clients.retain(|at| scene.is_free(&use_(*at)));
    let with = |least: usize| -> Vec<usize> {
        clients.iter().copied().filter(|at| open(*at).count() >= least).collect()
    };
    let several = with(2);
    let fitting = if several.is_empty() { with(1) } else { several };
    if fitting.is_empty() {
        return None;
    }
    let client = office::pick(&fitting, rng);
    let short = office.clients[client].short;
    let sum = open(client).map(|invoice| invoice.amount).sum();
    let mut goal = Goal {
        says: office
            .say(format!("{short} has {{total}} EUR open."), format!("{short}未付合计 {{total}} 元。")),
        uses: vec![use_(client), "ledger read".to_owned()],
        ..Goal::default()
    };
    let path = goal.ledger(scene);
    let reason = office.say("The ledger tells which invoices are open.", "台账里有各张发票的付款状态。");
    let step = goal.step("read_table", [("path", path)], reason);
    let rows = pick(step, "/rows").when(labels.client, Comparison::Eq, lit(short)).when(
        labels.status,
        Comparison::Eq,
        lit(labels.open),
    );
    goal.slot("total", rows.sum(labels.amount));
    Some((goal, client, sum))
}

/// A file that lists overdue invoices, a line each.
pub(super) fn overdue_summary(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    if !scene.is_free("ledger status") || !scene.is_free("overdue") {
        return None;
    }
    let (window, overdue) = window(scene, rng)?;
    let has_contact = scene.wanted >= 3;
    let today = iso(office.today);
    let mut goal = Goal { uses: vec!["overdue".to_owned(), "ledger read".to_owned()], ..Goal::default() };
    let path = goal.ledger(scene);
    let reason = office
        .say("The ledger has status and due date of every invoice.", "台账里有每张发票的状态和到期日。");
    let ledger = goal.step("read_table", [("path", path)], reason);
    let index_path = format!("{}/{}", labels.clients, labels.client_index);
    let index = has_contact.then(|| {
        let reason = office.say("The index of clients names the contacts.", "客户索引里有联系人。");
        goal.step("read_table", [("path", lit(index_path.as_str()))], reason)
    });
    let mut rows = pick(ledger, "/rows").when(labels.status, Comparison::Eq, lit(labels.open)).when(
        labels.due,
        Comparison::Lt,
        lit(today.as_str()),
    );
    if let Some((first, last)) = &window {
        rows = rows.when(labels.issued, Comparison::Ge, lit(first.as_str())).when(
            labels.issued,
            Comparison::Le,
            lit(last.as_str()),
        );
    }
    let (template, slots) = lines(scene, &rows, index, overdue.len());
    let mut wanted = String::new();
    for invoice in &overdue {
        let client = office.client_of(invoice.project);
        wanted.push_str(&format!("{} | {}", invoice.number, client.short));
        if has_contact {
            wanted.push_str(&format!(" | {}", client.contact.name));
        }
        wanted.push_str(&format!(" | {}\n", invoice.amount));
    }
    let name = office.say(format!("overdue-{today}.md"), format!("逾期-{today}.md"));
    let path = format!("{}/{name}", labels.reports);
    let reason = office.say("Now I can write the list in the form that is wanted.", "按要求的格式写出清单。");
    let content = ValueSource::Text { template, slots };
    goal.step("write_file", [("path", lit(path.as_str())), ("text", content)], reason);
    goal.files.insert(path.clone(), Some(wanted));
    let form = match has_contact {
        true => office.say("number | client | contact | amount", "编号 | 客户 | 联系人 | 金额"),
        false => office.say("number | client | amount", "编号 | 客户 | 金额"),
    };
    let which = match &window {
        None => String::new(),
        Some((first, last)) => office.say(
            format!(", only those issued between {first} and {last}"),
            format!("（只要 {first} 到 {last} 之间开具的）"),
        ),
    };
    let contacts = match has_contact {
        true => {
            office.say(format!(" The contacts are in `{index_path}`."), format!("联系人见 `{index_path}`。"))
        }
        false => String::new(),
    };
    let ledger = Goal::ledger_words(scene);
    goal.ask = office.say(
        format!(
            "I need a list of the invoices in {ledger} that are open and past their due date today{which}. Put it in `{path}`: one line each, `{form}`, in the order of their numbers, nothing else in the file.{contacts}"
        ),
        format!("请把{ledger}里今天已过到期日还没付的发票列出来{which}，写到 `{path}`：每张一行，格式 `{form}`，按编号排序，文件里不要写别的。{contacts}"),
    );
    let other = office.say(
        format!("Please make a list of what is overdue as of today in {ledger}{which}: `{path}`, a line per open invoice like `{form}`, sorted by number, without a heading.{contacts}"),
        format!("请整理一份{ledger}里到今天为止的逾期清单{which}，存为 `{path}`，每张未付发票一行，形如 `{form}`，按编号排，不要标题。{contacts}"),
    );
    goal.or_ask(rng, other);
    goal.says = office.say(
        format!("The list of overdue invoices, {} in all, is in `{path}`.", overdue.len()),
        format!("{} 张逾期发票的清单已写入 `{path}`。", overdue.len()),
    );
    Some(goal)
}

/// The overdue invoices of the whole year, or of a month where those are too many.
type Window<'a> = (Option<(String, String)>, Vec<&'a Invoice>);

fn window<'a>(scene: &Scene<'a>, rng: &mut ChaCha8Rng) -> Option<Window<'a>> {
    let office = scene.office;
    let overdue = |from: i32, to: i32| -> Vec<&'a Invoice> {
        let inside = |i: &&Invoice| office.is_overdue(i) && (from..=to).contains(&i.issued);
        office.invoices.iter().filter(inside).collect()
    };
    let mut windows: Vec<Window<'a>> = vec![(None, overdue(0, i32::MAX))];
    for (month, days) in [(1, 31), (2, 28), (3, 31)] {
        let (first, last) = (office::date(2025, month, 1), office::date(2025, month, days));
        windows.push((Some((iso(first), iso(last))), overdue(first, last)));
    }
    windows.retain(|(_, overdue)| (2..=MOST_LINES).contains(&overdue.len()));
    (!windows.is_empty()).then(|| office::shuffled(&windows, rng).swap_remove(0))
}

/// The text of a summary with a line for each of `count` rows.
fn lines(
    scene: &Scene<'_>,
    rows: &Rows,
    index: Option<usize>,
    count: usize,
) -> (String, IndexMap<String, ValueSource>) {
    let labels = scene.office.labels();
    let mut template = String::new();
    let mut slots = IndexMap::new();
    for at in 0..count {
        let row = |field: &str| rows.clone().nth(labels.number, at).get(field);
        let mut columns =
            vec![(format!("number{at}"), row(labels.number)), (format!("client{at}"), row(labels.client))];
        if let Some(index) = index {
            let contact = pick(index, "/rows").when(labels.client, Comparison::Eq, row(labels.client));
            columns.push((format!("contact{at}"), contact.get(labels.contact)));
        }
        columns.push((format!("amount{at}"), row(labels.amount)));
        let holes: Vec<String> = columns.iter().map(|(slot, _)| format!("{{{slot}}}")).collect();
        template.push_str(&holes.join(" | "));
        template.push('\n');
        slots.extend(columns);
    }
    (template, slots)
}
