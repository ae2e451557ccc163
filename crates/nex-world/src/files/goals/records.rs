//! Goals that bring a record up to date.

use super::questions::card_path;
use super::{Goal, Scene, between, lit, pick, reply, text};
use crate::files::office;
use crate::task::Comparison;
use rand_chacha::ChaCha8Rng;

/// Puts a client's new address or number into its card.
pub(super) fn new_contact(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let change = office::shuffled(&office.changes, rng)
        .into_iter()
        .find(|change| scene.is_free(office.clients[change.client].slug))?;
    let client = &office.clients[change.client];
    let card = office.client_card(change.client);
    let (key, old, what) = match change.is_email {
        true => (labels.email, &client.contact.email, office.say("e-mail address", "邮箱")),
        false => (labels.phone, &client.contact.phone, office.say("phone number", "电话")),
    };
    let which = match scene.is_vague {
        true => office.say(format!("the card of {}", client.short), format!("{}的客户卡片", client.short)),
        false => format!("`{card}`"),
    };
    let mut goal = Goal {
        ask: office.say(
            format!(
                "{} of {} has sent us a new {what} by mail. Please put it into {which}, in place of the old one.",
                client.contact.name, client.full
            ),
            format!("{}的{}发邮件说换了{what}，请更新到{which}里，替换旧的。", client.full, client.contact.name),
        ),
        says: office.say(
            format!("The card of {} now has {{new}} in place of {{old}}.", client.short),
            format!("{}的卡片已由 {{old}} 改为 {{new}}。", client.short),
        ),
        uses: vec![client.slug.to_owned()],
        ..Goal::default()
    };
    let other = office.say(
        format!("{} ({}) wrote that the {what} has changed. Find the mail and correct {which}; nothing else on the card changes.", client.contact.name, client.full),
        format!("{}（{}）来信说{what}变了，请找到邮件，把{which}里的改过来，卡片其他内容不变。", client.contact.name, client.full),
    );
    goal.or_ask(rng, other);
    let reason = office.say("The client's mail is signed with its name.", "邮件落款有客户名称，先搜一下。");
    let arguments = [("text", lit(client.full)), ("folder", lit(labels.mail))];
    let found = goal.step("search_text", arguments, reason);
    let reason = office.say("The mail tells what is new.", "看邮件里的新信息。");
    let mail = goal.step("read_file", [("path", pick(found, "/matches").last("path").get("path"))], reason);
    let after = office.say(format!("my new {what}: "), format!("我的{what}已更换为："));
    let new = between(what, reply(mail, "/text"), &after, "\n");
    let path = card_path(scene, &mut goal, change.client);
    let reason = office.say("I need what stands in the card now.", "再看卡片里现在写的是什么。");
    let read = goal.step("read_file", [("path", path.clone())], reason);
    let now = reply(read, format!("/front_matter/{key}"));
    let line = format!("{key}: {{value}}");
    let arguments = [
        ("path", path),
        ("old_text", text(&line, [("value", now.clone())])),
        ("new_text", text(&line, [("value", new.clone())])),
    ];
    let reason = office.say("I replace the old one.", "替换旧的信息。");
    goal.step("replace_text", arguments, reason);
    goal.slot("new", new);
    goal.slot("old", now);
    let before = scene.tree.text(&card)?;
    let wanted = before.replace(&format!("{key}: {old}"), &format!("{key}: {}", change.new));
    goal.files.insert(card, Some(wanted));
    Some(goal)
}

/// Marks the invoices as paid that the bank statement has payments for.
pub(super) fn book_payments(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    if !scene.is_free("ledger status") || !scene.is_free("ledger read") {
        return None;
    }
    let statement = office.statement();
    let ledger = Goal::ledger_words(scene);
    let mut paid: Vec<&str> = office
        .payments
        .iter()
        .filter_map(|payment| Some(office.invoices[payment.invoice?].number.as_str()))
        .collect();
    paid.sort_unstable();
    let mut goal = Goal {
        ask: office.say(
            format!(
                "Go through the bank statement `{statement}` and set every invoice that was paid there to `{}` in {ledger}. Other lines of the statement are none of our invoices.",
                labels.paid
            ),
            format!(
                "请核对银行流水 `{statement}`，把已到账的发票在{ledger}里改成“{}”。流水里其他支出不用管。",
                labels.paid
            ),
        ),
        says: office.say(
            format!("{} invoices are now marked as paid.", paid.len()),
            format!("已将 {} 张发票标记为已付。", paid.len()),
        ),
        uses: vec!["ledger status".to_owned(), "ledger read".to_owned()],
        ..Goal::default()
    };
    let other = office.say(
        format!("Some clients have paid: `{statement}` has their payments with our invoice numbers. Mark those invoices as `{}` in {ledger}.", labels.paid),
        format!("有客户付款了，`{statement}` 的附言里有发票编号，请在{ledger}里把这些发票标为“{}”。", labels.paid),
    );
    goal.or_ask(rng, other);
    let path = goal.ledger(scene);
    let reason = office.say("The statement names the invoices that were paid.", "流水附言里有发票编号。");
    let step = goal.step("read_table", [("path", lit(statement))], reason);
    let rows = pick(step, "/rows").when(labels.reference, Comparison::Contains, lit("R-2025-"));
    let mut wanted = scene.tree.text(&office.ledger())?.to_owned();
    for (at, number) in paid.into_iter().enumerate() {
        let reason = office.say("I mark an invoice that has been paid.", "把到账的发票改为已付。");
        let arguments = [
            ("path", path.clone()),
            ("key_column", lit(labels.number)),
            ("key", rows.clone().nth(labels.reference, at).get(labels.reference)),
            ("column", lit(labels.status)),
            ("value", lit(labels.paid)),
        ];
        goal.step("set_table_cell", arguments, reason);
        let line = wanted.lines().find(|line| line.starts_with(number))?.to_owned();
        let changed = line.strip_suffix(labels.open)?.to_owned() + labels.paid;
        wanted = wanted.replace(&line, &changed);
    }
    goal.files.insert(office.ledger(), Some(wanted));
    Some(goal)
}
