//! Stories on the support line of a mobile network.

use super::domain::Family;
use super::records::Record;
use super::script::{Script, equal};
use super::user::{Action, Consent, Look};
use crate::files::reply;
use crate::task::FactKind;
use serde_json::json;

pub(crate) static FAMILIES: [Family; 6] = [
    Family { name: "airplane_mode", is_dual: true, write: airplane_mode },
    Family { name: "access_point", is_dual: true, write: access_point },
    Family { name: "roaming", is_dual: true, write: roaming },
    Family { name: "suspended_line", is_dual: true, write: suspended_line },
    Family { name: "change_tariff", is_dual: false, write: change_tariff },
    Family { name: "usage", is_dual: false, write: usage },
];

const AIRPLANE: &[&str] = &["airplane mode", "aeroplane mode", "flight mode", "飞行模式"];
const ACCESS_POINT: &[&str] = &["access point", "apn", "接入点"];
const ROAMING: &[&str] = &["data roaming", "roaming", "数据漫游", "漫游"];

struct Phone<'a> {
    line: Record<'a>,
    device: Record<'a>,
}

fn phone<'a>(script: &Script<'a>) -> Option<Phone<'a>> {
    let line = script.records.referring("line", "customer", script.customer.id)?;
    let device = script.records.referring("device", "line", line.id)?;
    Some(Phone { line, device })
}

/// What the user may look at on the phone, and how its settings are said.
fn looks(script: &mut Script<'_>, phone: &Phone<'_>) {
    let arguments = json!({"device_id": phone.device.id});
    let look = |words, field, says| Look {
        words,
        operation: "look_at_phone",
        arguments: arguments.clone(),
        field,
        says,
    };
    let on_off = |on: &str, off: &str| vec![("true", on.to_owned()), ("false", off.to_owned())];
    let airplane = on_off(
        script.t("Airplane mode is on, I see the little plane.", "飞行模式是开着的，能看到小飞机。"),
        script.t("Airplane mode is off.", "飞行模式是关着的。"),
    );
    let roaming = on_off(
        script.t("Data roaming is on.", "数据漫游是开着的。"),
        script.t("Data roaming is off.", "数据漫游是关着的。"),
    );
    let access = vec![
        ("standard", script.t("It says standard there.", "上面写的是“标准”。").to_owned()),
        ("outdated", script.t("It says outdated there.", "上面写的是“旧版”。").to_owned()),
    ];
    script.looks = vec![
        look(AIRPLANE, "airplane_mode", airplane),
        look(ROAMING, "data_roaming", roaming),
        look(ACCESS_POINT, "access_point", access),
    ];
}

/// What the user can do to the phone, and how it goes on from there.
fn actions(script: &mut Script<'_>, phone: &Phone<'_>, key: &'static str) {
    let action = |words, operation, done: &str, well: &str, ill: &str, failed: &str| Action {
        words,
        operation,
        arguments: json!({"device_id": phone.device.id}),
        done: done.to_owned(),
        needs: None,
        failed: failed.to_owned(),
        tries: Some(("try_internet", key, well.to_owned(), ill.to_owned())),
    };
    let well = script.t("The page opens now, it works.", "网页能打开了，好了。");
    let ill = script.t("But the page still does not open.", "可是网页还是打不开。");
    let failed = script.t("I cannot do that here.", "我这里做不了。");
    script.actions = vec![
        action(
            &[AIRPLANE, &["off", "disable", "deactivate", "关"]],
            "airplane_mode_off",
            script.t("Airplane mode is switched off.", "飞行模式关掉了。"),
            well,
            ill,
            failed,
        ),
        action(
            &[ROAMING, &["on", "enable", "activate", "打开", "开启"]],
            "data_roaming_on",
            script.t("Data roaming is switched on.", "数据漫游打开了。"),
            well,
            ill,
            failed,
        ),
        action(
            &[ACCESS_POINT, &["reset", "restore", "change", "set", "重置", "恢复", "改"]],
            "reset_access_point",
            script.t("I have reset the access point.", "接入点重置好了。"),
            well,
            ill,
            failed,
        ),
    ];
}

/// Every second caller also wants to know what they have used.
fn extra(script: &mut Script<'_>, phone: &Phone<'_>, lines: usize) {
    script.protected.push(phone.line.text("used_gb"));
    script.opening.push_str(script.t(
        " And tell me at the end how many GB I have used this month.",
        "最后请告诉我这个月用了多少 GB 流量。",
    ));
    let used = script.row(lines, "/lines").get("used_gb");
    let value = phone.line.value("used_gb");
    script.tells("used", script.t("the data used", "已用流量"), FactKind::Number, value, used, Vec::new());
    let closing = script.t(" This month you have used {used} GB.", "本月您已使用 {used} GB 流量。");
    script.says.push_str(closing);
}

fn look_up_line(script: &mut Script<'_>) -> usize {
    let reason =
        script.t("I look at the line as the network sees it.", "我查看网络侧的号码状态。").to_owned();
    script.duty("list_lines");
    script.call("list_lines", [("customer_id", script.id.clone())], &reason)
}

fn airplane_mode(script: &mut Script<'_>) -> Option<()> {
    let phone = phone(script)?;
    let fits = phone.device.is_on("airplane_mode")
        && phone.device.text("access_point") == "standard"
        && phone.line.text("status") == "active";
    if !fits {
        return None;
    }
    looks(script, &phone);
    actions(script, &phone, "works");
    script.opening = script.any(
        &[
            "Hello, my phone has had no internet since this morning. Can you fix it?",
            "Hi. No page opens on my phone any more, the line must be broken.",
        ],
        &["你好，我的手机从早上起就上不了网，能修好吗？", "喂，手机什么网页都打不开，肯定是线路坏了。"],
    );
    script.prelude();
    let lines = look_up_line(script);
    let ask = script.t(
        "Thank you. On our side your line is {status}. Please look at your phone: is airplane mode on?",
        "谢谢。网络侧您的号码状态是{status}。请看一下手机：飞行模式是开着的吗？",
    );
    let status = script.row(lines, "/lines").get("status");
    script.say(ask, [("status", status)]);
    script.say(script.t("Please switch airplane mode off and try again.", "请关闭飞行模式，再试一次。"), []);
    script.wants("device", phone.device.id, "airplane_mode", false);
    script.says = script
        .t("It was airplane mode; your internet works again.", "原因是飞行模式，现在可以上网了。")
        .to_owned();
    extra(script, &phone, lines);
    Some(())
}

fn access_point(script: &mut Script<'_>) -> Option<()> {
    let phone = phone(script)?;
    let fits = !phone.device.is_on("airplane_mode")
        && phone.device.text("access_point") == "outdated"
        && phone.line.text("status") == "active";
    if !fits {
        return None;
    }
    looks(script, &phone);
    actions(script, &phone, "works");
    script.opening = script.any(
        &[
            "Hello, since the last update my phone does not get online.",
            "Good morning, I can make calls, but the internet is gone.",
        ],
        &["你好，上次更新之后手机就上不了网了。", "早上好，电话能打，就是没有网。"],
    );
    script.prelude();
    let lines = look_up_line(script);
    let ask = script.t(
        "Thank you. The network shows your line as {status}. Please open the settings: what does it say under access point?",
        "谢谢。网络侧您的号码状态是{status}。请打开设置，看看接入点一栏写的是什么？",
    );
    let status = script.row(lines, "/lines").get("status");
    script.say(ask, [("status", status)]);
    script.say(script.t("Please reset the access point there.", "请在那里重置接入点。"), []);
    script.wants("device", phone.device.id, "access_point", "standard");
    script.says = script
        .t(
            "The access point was out of date; your internet works again.",
            "原因是接入点过旧，现在可以上网了。",
        )
        .to_owned();
    extra(script, &phone, lines);
    Some(())
}

fn roaming(script: &mut Script<'_>) -> Option<()> {
    let phone = phone(script)?;
    let fits = !phone.device.is_on("airplane_mode")
        && phone.device.text("access_point") == "standard"
        && phone.line.text("status") == "active"
        && !phone.line.is_on("roaming")
        && !phone.device.is_on("data_roaming");
    if !fits {
        return None;
    }
    looks(script, &phone);
    actions(script, &phone, "works_abroad");
    script.opening = script.any(
        &[
            "Hello, I have just landed abroad and my phone has no internet here.",
            "Hi, I am on holiday in another country and nothing loads on my phone.",
        ],
        &["你好，我刚到国外，手机在这边没有网。", "喂，我在外国度假，手机什么都加载不出来。"],
    );
    script.prelude();
    let lines = look_up_line(script);
    let line = script.row(lines, "/lines").get("id");
    let reason =
        script.t("Roaming is off on our side; I switch it on.", "网络侧漫游未开，我来打开。").to_owned();
    script.call("enable_roaming", [("line_id", line)], &reason);
    let ask = script.t(
        "On our side roaming is ready now. Please switch data roaming on in your phone's settings.",
        "网络侧已开通漫游，请在手机设置里打开数据漫游。",
    );
    script.say(ask, []);
    script.wants("line", phone.line.id, "roaming", true);
    script.wants("device", phone.device.id, "data_roaming", true);
    script.says = script
        .t(
            "Roaming is on at both ends; your internet works abroad.",
            "两边的漫游都已打开，您在国外可以上网了。",
        )
        .to_owned();
    extra(script, &phone, lines);
    Some(())
}

fn suspended_line(script: &mut Script<'_>) -> Option<()> {
    let phone = phone(script)?;
    let bill = script.records.referring("bill", "customer", script.customer.id)?;
    let fits = !phone.device.is_on("airplane_mode")
        && phone.device.text("access_point") == "standard"
        && phone.line.text("status") == "suspended"
        && bill.text("status") == "overdue";
    if !fits {
        return None;
    }
    looks(script, &phone);
    actions(script, &phone, "works");
    let amount = bill.text("amount");
    script.actions.push(Action {
        words: &[&["pay", "settle", "付款", "支付", "缴", "付清"], &["bill", "invoice", "账单"]],
        operation: "pay_bill",
        arguments: json!({"bill_id": bill.id}),
        done: script
            .t("I have just paid it in the app. I thought I had.", "刚在应用里付了，我还以为早付过了。")
            .to_owned(),
        needs: Some((
            amount.clone(),
            script
                .t(
                    "I think I have paid everything. How much is it supposed to be?",
                    "我以为都付清了，到底欠多少？",
                )
                .to_owned(),
        )),
        failed: script.t("The app says that nothing is due.", "应用里显示没有欠款。").to_owned(),
        tries: None,
    });
    script.protected.push(amount);
    script.opening = script.any(
        &[
            "Hello, my line is dead. I have paid all my bills, so just switch it on again.",
            "Hi, I cannot call anybody any more. It is not the bills, they are all paid.",
        ],
        &[
            "你好，我的号码用不了了。账单我都付了，直接给我恢复就行。",
            "喂，我谁也打不通了。账单都付过了，不是欠费的问题。",
        ],
    );
    script.prelude();
    let lines = look_up_line(script);
    script.duty("list_bills");
    let reason =
        script.t("The line is suspended; I check the bills myself.", "号码停机，我自己核对账单。").to_owned();
    let bills = script.call("list_bills", [("customer_id", script.id.clone())], &reason);
    let overdue = equal(script.row(bills, "/bills"), "status", "overdue");
    let ask = script.t(
        "Your line is suspended because a bill of {amount} EUR, due on {due}, is overdue. Please pay the bill in the app, then I can resume the line.",
        "您的号码因一张 {amount} 欧元、{due} 到期的账单逾期而停机。请在应用里支付账单，之后我就能恢复。",
    );
    script.say(ask, [("amount", overdue.clone().get("amount")), ("due", overdue.clone().get("due_on"))]);
    let line = script.row(lines, "/lines").get("id");
    let reason = script.t("The bill is paid; I resume the line.", "账单已付，我恢复号码。").to_owned();
    script.call("resume_line", [("line_id", line)], &reason);
    script.wants("bill", bill.id, "status", "paid");
    script.wants("line", phone.line.id, "status", "active");
    script.tells(
        "amount",
        script.t("the bill", "账单金额"),
        FactKind::Money,
        bill.value("amount"),
        overdue.get("amount"),
        Vec::new(),
    );
    script.says = script
        .t(
            "The bill of {amount} EUR is settled and your line works again.",
            "{amount} 欧元的账单已结清，您的号码已恢复。",
        )
        .to_owned();
    Some(())
}

fn change_tariff(script: &mut Script<'_>) -> Option<()> {
    let needs = [5, 10, 20, 40, 80];
    let need = needs[rand::RngExt::random_range(&mut script.rng, 0..needs.len())];
    let mut fitting: Vec<Record<'_>> = script
        .records
        .all("tariff")
        .filter(|tariff| tariff.value("data_gb").as_i64().is_some_and(|gb| gb >= need))
        .collect();
    fitting.sort_by_key(|tariff| tariff.value("data_gb").as_i64());
    let wanted = *fitting.first()?;
    if script.customer.text("tariff") == wanted.id {
        return None;
    }
    script.opening = script.any(
        &[
            "Hello, I always run out of data. I want the cheapest tariff that is enough for me.",
            "Hi, please put me on a tariff with enough data, but no more expensive than it has to be.",
        ],
        &[
            "你好，我的流量总不够用，想换一个够用又最便宜的套餐。",
            "喂，帮我换个流量够用的套餐，别比需要的贵。",
        ],
    );
    let topic: &[&str] = &[
        "how much data",
        "much data",
        "gb do you",
        "gigabyte",
        "how many gb",
        "data do you",
        "data volume",
        "多少流量",
        "流量",
        "gb",
    ];
    let says = script.t("I need at least {value} GB a month.", "我每月至少需要 {value} GB。");
    let says = says.replace("{value}", &need.to_string());
    script.knows(topic, says, None);
    script.prelude();
    let asked = script
        .say(script.t("Thank you. How much data do you need a month?", "谢谢。您每月需要多少流量？"), []);
    let (after, before) = (script.t("at least ", "至少需要 "), " GB");
    let said = script.heard("data_gb", asked, after, before, true);
    let reason =
        script.t("I look for the cheapest one that is enough.", "我查找够用的最便宜套餐。").to_owned();
    let tariffs = script.call("list_tariffs", [("min_data_gb", said)], &reason);
    script.duty("list_tariffs");
    let best = || crate::files::pick(tariffs, "/tariffs").nth("price", 0);
    let ask = script.t(
        "The tariff {title} has {gb} GB and costs {price} EUR a month. Shall I change your tariff to it?",
        "“{title}”套餐含 {gb} GB，每月 {price} 欧元。要不要为您换成这个？",
    );
    script.say(
        ask,
        [("title", best().get("title")), ("gb", best().get("data_gb")), ("price", best().get("price"))],
    );
    script.consent = Some(Consent {
        named: wanted.text("price"),
        yes: script.t("Yes, please do that.", "好的，就换这个。").to_owned(),
        ask_back: script.t("What would it cost a month?", "每月要多少钱？").to_owned(),
    });
    script.needs_consent = vec!["change_tariff"];
    let reason = script.t("The caller agrees to the price.", "客户同意该价格。").to_owned();
    let arguments = [("customer_id", script.id.clone()), ("tariff_id", best().get("id"))];
    script.call("change_tariff", arguments, &reason);
    script.wants("customer", script.customer.id, "tariff", wanted.id);
    let others = script.records.all("tariff").filter(|tariff| tariff.id != wanted.id);
    let decoys = others.map(|tariff| tariff.text("title")).collect();
    script.tells(
        "title",
        script.t("the tariff", "套餐"),
        FactKind::Text,
        wanted.value("title"),
        best().get("title"),
        decoys,
    );
    script.tells(
        "price",
        script.t("its price", "月费"),
        FactKind::Money,
        wanted.value("price"),
        best().get("price"),
        Vec::new(),
    );
    script.says = script
        .t(
            "You are now on the tariff {title} at {price} EUR a month.",
            "您现在使用“{title}”套餐，每月 {price} 欧元。",
        )
        .to_owned();
    Some(())
}

fn usage(script: &mut Script<'_>) -> Option<()> {
    let phone = phone(script)?;
    let tariff = script.records.get("tariff", &script.customer.text("tariff"))?;
    script.opening = script.any(
        &[
            "Hello, which tariff am I on, and how many GB have I used this month?",
            "Hi, two quick questions: the name of my tariff and my data use this month in GB.",
        ],
        &[
            "你好，我用的是什么套餐，这个月用了多少 GB？",
            "喂，两个小问题：我的套餐叫什么，本月用了多少 GB 流量。",
        ],
    );
    script.protected.extend([phone.line.text("used_gb"), phone.line.text("phone")]);
    script.prelude();
    let lines = look_up_line(script);
    script.duty("get_customer");
    let reason = script.t("The record has the tariff.", "客户记录里有套餐。").to_owned();
    let record = script.call("get_customer", [("customer_id", script.id.clone())], &reason);
    let others = script.records.all("tariff").filter(|other| other.id != tariff.id);
    let decoys = others.map(|other| other.text("title")).collect();
    let title = reply(record, "/tariff_title");
    script.tells(
        "title",
        script.t("the tariff", "套餐"),
        FactKind::Text,
        tariff.value("title"),
        title,
        decoys,
    );
    let used = script.row(lines, "/lines").get("used_gb");
    script.tells(
        "used",
        script.t("the data used", "已用流量"),
        FactKind::Number,
        phone.line.value("used_gb"),
        used,
        Vec::new(),
    );
    script.says = script
        .t(
            "You are on the tariff {title} and have used {used} GB this month.",
            "您使用的是“{title}”套餐，本月已用 {used} GB。",
        )
        .to_owned();
    Some(())
}
