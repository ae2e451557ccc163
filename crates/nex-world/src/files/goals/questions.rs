//! Goals that ask for a fact which the files hold.

use super::{Goal, Scene, between, lit, pick, reply, text};
use crate::files::office::{self, Stage, iso};
use crate::task::{Comparison, FactKind, ValueSource};
use rand_chacha::ChaCha8Rng;

/// Amount and due date of an invoice.
pub(super) fn invoice_fact(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let invoice = office::shuffled(&office.invoices, rng).into_iter().find(|i| scene.is_free(&i.number))?;
    let number = &invoice.number;
    let ledger = Goal::ledger_words(scene);
    let mut goal = Goal {
        ask: office.say(
            format!("What does invoice {number} come to, and when is it due, according to {ledger}?"),
            format!("请在{ledger}里查一下：发票 {number} 的金额是多少，哪天到期？"),
        ),
        says: office.say(
            format!("Invoice {number} comes to {{amount}} EUR and is due on {{due}}."),
            format!("发票 {number} 的金额是 {{amount}} 元，{{due}} 到期。"),
        ),
        uses: vec![number.clone()],
        ..Goal::default()
    };
    let path = goal.ledger(scene);
    let reason = office.say("The ledger has the invoice's line.", "台账里有这张发票的记录。");
    let step = goal.step("read_table", [("path", path)], reason);
    let row = pick(step, "/rows").when(labels.number, Comparison::Eq, lit(number.as_str()));
    goal.slot("amount", row.clone().get(labels.amount));
    goal.slot("due", row.get(labels.due));
    goal.fact(labels.amount, FactKind::Money, invoice.amount, Vec::new());
    goal.fact(labels.due, FactKind::Date, iso(invoice.due), Vec::new());
    Some(goal)
}

/// Who speaks for a client now.
pub(super) fn client_contact(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let has_old = |at: &usize| {
        let path = format!("{}/{}/{}-2023.md", labels.clients, labels.old, office.clients[*at].slug);
        scene.tree.text(&path).is_some()
    };
    // The last two have news in the mail; their cards are for other goals.
    let mut clients: Vec<usize> = (0..office.clients.len() - 2).collect();
    clients.retain(|at| scene.is_free(office.clients[*at].slug));
    if scene.is_ambiguous {
        clients.retain(has_old);
    }
    if clients.is_empty() {
        return None;
    }
    let at = office::pick(&clients, rng);
    let client = &office.clients[at];
    let card = office.client_card(at);
    let ask = match scene.is_vague {
        true => office.say(
            format!("Who is our contact at {} these days, and what is their e-mail address?", client.short),
            format!("{}现在的联系人是谁？邮箱是多少？", client.short),
        ),
        false => office.say(
            format!(
                "Look up who our contact at {} is and their e-mail address; the card is `{card}`.",
                client.short
            ),
            format!("请从 `{card}` 里查一下{}的联系人和邮箱。", client.short),
        ),
    };
    let mut goal = Goal {
        ask,
        says: office.say(
            format!("The contact at {} is {{contact}}, {{email}}.", client.short),
            format!("{}的联系人是{{contact}}，邮箱 {{email}}。", client.short),
        ),
        uses: vec![client.slug.to_owned()],
        ..Goal::default()
    };
    let path = card_path(scene, &mut goal, at);
    let reason = office.say("The card names the contact.", "客户卡片上有联系人。");
    let step = goal.step("read_file", [("path", path)], reason);
    goal.slot("contact", reply(step, format!("/front_matter/{}", labels.contact)));
    goal.slot("email", reply(step, format!("/front_matter/{}", labels.email)));
    let stale = |value: &str| if has_old(&at) { vec![value.to_owned()] } else { Vec::new() };
    goal.fact(labels.contact, FactKind::Text, client.contact.name, stale(client.former.name));
    goal.fact(labels.email, FactKind::Text, client.contact.email.as_str(), stale(&client.former.email));
    Some(goal)
}

/// The path of a client's card: given, or found by the client's name beside the old ones.
pub(super) fn card_path(scene: &Scene<'_>, goal: &mut Goal, client: usize) -> ValueSource {
    let (office, labels) = (scene.office, scene.office.labels());
    if !scene.is_vague {
        return lit(office.client_card(client));
    }
    let pattern = format!("*{}*.md", office.clients[client].slug);
    let reason = office.say("I look for the client's card first.", "先找到客户卡片。");
    let step = goal.step("find_files", [("pattern", lit(pattern)), ("folder", lit(labels.clients))], reason);
    // Old cards lie in a folder below.
    pick(step, "/files").when("folder", Comparison::Eq, lit(labels.clients)).get("path")
}

/// Who leads a project, found by its title or by way of one of its invoices.
pub(super) fn project_lead(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let by_invoice = scene.wanted >= 4;
    let active: Vec<usize> = (0..office.projects.len())
        .filter(|at| {
            office.projects[*at].stage != Stage::Finished && scene.is_free(&office.projects[*at].code)
        })
        .filter(|at| !by_invoice || office.invoices.iter().any(|invoice| invoice.project == *at))
        .collect();
    if active.is_empty() {
        return None;
    }
    let at = office::pick(&active, rng);
    let project = &office.projects[at];
    let mut goal = Goal { uses: vec![project.code.clone()], ..Goal::default() };
    let (what, pattern) = if by_invoice {
        let number = &office.invoices.iter().find(|invoice| invoice.project == at)?.number;
        let ledger = Goal::ledger_words(scene);
        let path = goal.ledger(scene);
        let reason =
            office.say("The ledger tells which job the invoice is for.", "台账里能查到发票对应的项目。");
        let step = goal.step("read_table", [("path", path)], reason);
        let row = pick(step, "/rows").when(labels.number, Comparison::Eq, lit(number.as_str()));
        let pattern = text(&format!("{{code}}-*/{}", labels.brief), [("code", row.get(labels.project))]);
        let what = office.say(
            format!("the job that invoice {number} in {ledger} is for"),
            format!("{ledger}中发票 {number} 对应的项目"),
        );
        (what, pattern)
    } else if scene.is_vague {
        let pattern = format!("*{}*/{}", project.slug, labels.brief);
        let what = office.say(format!("the {} job", project.title), format!("“{}”项目", project.title));
        (what, lit(pattern))
    } else {
        let what = office.say(format!("job {}", project.code), format!("项目 {} ", project.code));
        (what, lit(format!("{}-*/{}", project.code, labels.brief)))
    };
    goal.ask = office.say(
        format!("Which of us leads {what}? I also need their e-mail address."),
        format!("{what}由谁负责？请把负责人的邮箱也告诉我。"),
    );
    goal.says = office.say(
        "The lead is {lead}, {lead_email}.".to_owned(),
        "负责人是{lead}，邮箱 {lead_email}。".to_owned(),
    );
    let lead = lead_of(scene, &mut goal, pattern);
    staff_email(scene, &mut goal, lead);
    let person = &office.staff[project.lead];
    let others = |value: fn(&office::Person) -> &str| -> Vec<String> {
        office.staff.iter().filter(|other| *other != person).map(|other| value(other).to_owned()).collect()
    };
    goal.fact(labels.lead, FactKind::Text, person.name, others(|person| person.name));
    goal.fact(labels.email, FactKind::Text, person.email.as_str(), others(|person| &person.email));
    Some(goal)
}

/// Finds the brief by `pattern` and reads who leads.
fn lead_of(scene: &Scene<'_>, goal: &mut Goal, pattern: ValueSource) -> ValueSource {
    let (office, labels) = (scene.office, scene.office.labels());
    let reason = office.say("The brief lies in the job's folder.", "任务书在项目文件夹里。");
    let found = goal.step("find_files", [("pattern", pattern), ("folder", lit(labels.projects))], reason);
    let reason = office.say("The brief names the lead.", "任务书里写明负责人。");
    let brief = goal.step("read_file", [("path", pick(found, "/files").get("path"))], reason);
    let lead = reply(brief, format!("/front_matter/{}", labels.lead));
    goal.slot("lead", lead.clone());
    lead
}

fn staff_email(scene: &Scene<'_>, goal: &mut Goal, lead: ValueSource) {
    let (office, labels) = (scene.office, scene.office.labels());
    let reason = office.say("The staff list has the addresses.", "员工表里有邮箱。");
    let staff = goal.step("read_table", [("path", lit(labels.staff_file))], reason);
    let row = pick(staff, "/rows").when(labels.name, Comparison::Eq, lead);
    goal.slot("lead_email", row.get(labels.email));
}

/// Which sheet the plotter failed on, and for longer plans whose job that is.
pub(super) fn plotter_failure(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let jam = office::shuffled(&office.jams, rng)
        .into_iter()
        .find(|jam| scene.is_free(&jam.sheet) && scene.is_free(&office.projects[jam.project].code))?;
    let day = iso(jam.date);
    let folder = labels.logs;
    let mut goal = Goal {
        ask: office.say(
            format!(
                "On {day} the plotter left a sheet unplotted. Which one was it? The logs are in `{folder}/`."
            ),
            format!("{day} 绘图仪有一张图没有打出来，是哪一张？日志在 `{folder}/` 里。"),
        ),
        says: office.say(
            format!("The sheet that failed on {day} is {{sheet}}."),
            format!("{day} 没打出来的是 {{sheet}}。"),
        ),
        uses: vec![jam.sheet.clone(), office.projects[jam.project].code.clone()],
        ..Goal::default()
    };
    let reason = office.say("Failures stand in the logs as errors.", "失败会在日志里记为 ERROR。");
    let step = goal.step("search_text", [("text", lit("ERROR sheet")), ("folder", lit(folder))], reason);
    let line = pick(step, "/matches").when("text", Comparison::Contains, lit(day.as_str())).get("text");
    goal.slot("sheet", between("sheet", line.clone(), "ERROR sheet ", " not plotted"));
    let others = office.jams.iter().filter(|other| other.sheet != jam.sheet);
    let decoys = others.map(|other| other.sheet.clone()).collect();
    goal.fact(office.say("the sheet", "图号"), FactKind::Text, jam.sheet.as_str(), decoys);
    if scene.wanted >= 3 {
        let lead = &office.staff[office.projects[jam.project].lead];
        goal.ask.push_str(office.say(" And who leads the job it belongs to?", "这张图所属的项目由谁负责？"));
        goal.says.push_str(office.say(" Its job is led by {lead}.", "该项目由{lead}负责。"));
        let code = between("code", line, "ERROR sheet ", "-A");
        let pattern = text(&format!("{{code}}-*/{}", labels.brief), [("code", code)]);
        lead_of(scene, &mut goal, pattern);
        let decoys = office.staff.iter().filter(|other| *other != lead).map(|p| p.name.to_owned()).collect();
        goal.fact(labels.lead, FactKind::Text, lead.name, decoys);
    }
    Some(goal)
}
