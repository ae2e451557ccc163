//! Stories at the card service of a bank.

use super::domain::Family;
use super::records::Record;
use super::script::{Script, equal};
use super::user::{Action, Consent, Look};
use crate::files::{Rows, pick};
use crate::task::{Comparison, FactKind};
use rand::RngExt;
use serde_json::{Value, json};

pub(crate) static FAMILIES: [Family; 5] = [
    Family { name: "lost_card", is_dual: false, write: lost_card },
    Family { name: "dispute", is_dual: false, write: dispute },
    Family { name: "raise_limit", is_dual: true, write: raise_limit },
    Family { name: "abroad", is_dual: true, write: abroad },
    Family { name: "payments", is_dual: false, write: payments },
];

fn card<'a>(script: &Script<'a>) -> Option<Record<'a>> {
    script.records.referring("card", "customer", script.customer.id)
}

fn look_up_card(script: &mut Script<'_>) -> usize {
    script.duty("list_cards");
    let reason = script.t("I look the card up myself.", "我自己查询银行卡。").to_owned();
    script.call("list_cards", [("customer_id", script.id.clone())], &reason)
}

fn listed(step: usize) -> Rows {
    pick(step, "/cards")
}

/// The client's app, where what waits is approved.
fn app(script: &mut Script<'_>, card: Record<'_>) {
    script.actions = vec![Action {
        words: &[
            &["approve", "approval", "accept", "confirm", "批准", "确认", "同意"],
            &["app", "request", "应用", "请求"],
        ],
        operation: "approve_request",
        arguments: json!({"card_id": card.id}),
        done: script.t("I have approved it in the app.", "我在应用里批准了。").to_owned(),
        needs: None,
        failed: script.t("There is nothing to approve in my app.", "我的应用里没有要批准的。").to_owned(),
        tries: None,
    }];
    script.looks = vec![Look {
        words: &["app show", "app say", "in the app", "应用里显示"],
        operation: "look_at_app",
        arguments: json!({"card_id": card.id}),
        field: "approval",
        says: vec![
            ("none", script.t("Nothing waits in the app.", "应用里没有待办。").to_owned()),
            ("waiting", script.t("A request waits in the app.", "应用里有一条待批准的请求。").to_owned()),
            ("approved", script.t("The app says approved.", "应用里显示已批准。").to_owned()),
        ],
    }];
}

fn tell_digits(script: &mut Script<'_>, card: Record<'_>, step: usize) {
    let about = script.t("the card", "银行卡").to_owned();
    script.tells(
        "digits",
        &about,
        FactKind::Text,
        card.value("last_digits"),
        listed(step).get("last_digits"),
        Vec::new(),
    );
}

fn lost_card(script: &mut Script<'_>) -> Option<()> {
    let card = card(script)?;
    script.opening = script.any(
        &[
            "Hello, my wallet is gone, with my card in it! I need a new one.",
            "Hi, I have lost my card and want a replacement.",
        ],
        &["你好，我的钱包丢了，卡也在里面！我要补办一张。", "喂，我的卡丢了，想补一张新的。"],
    );
    script.protected.push(card.text("last_digits"));
    script.prelude();
    let cards = look_up_card(script);
    let ask = script.t(
        "I see your card ending in {digits}. Shall I block it for good and order a replacement?",
        "我看到您尾号 {digits} 的卡。是否永久冻结并补办新卡？",
    );
    script.say(ask, [("digits", listed(cards).get("last_digits"))]);
    script.consent = Some(Consent {
        named: card.text("last_digits"),
        yes: script.t("Yes, please block it.", "好的，请冻结。").to_owned(),
        ask_back: script.t("Which card do you mean?", "您说的是哪张卡？").to_owned(),
    });
    script.needs_consent = vec!["block_card"];
    let id = listed(cards).get("id");
    let reason = script.t("The client agrees; I block the card.", "客户同意，我冻结该卡。").to_owned();
    script.call("block_card", [("card_id", id.clone())], &reason);
    let reason = script.t("Now the replacement.", "接着补卡。").to_owned();
    script.call("order_replacement", [("card_id", id)], &reason);
    script.wants("card", card.id, "status", "blocked");
    script.wants("card", card.id, "replaced", true);
    tell_digits(script, card, cards);
    script.says = script
        .t(
            "The card ending in {digits} is blocked and a replacement is on its way.",
            "尾号 {digits} 的卡已冻结，新卡正在寄出。",
        )
        .to_owned();
    Some(())
}

fn dispute(script: &mut Script<'_>) -> Option<()> {
    let card = card(script)?;
    let all: Vec<Record<'_>> =
        script.records.all("payment").filter(|payment| payment.text("card") == card.id).collect();
    let unique: Vec<Record<'_>> = all
        .iter()
        .copied()
        .filter(|it| all.iter().filter(|other| other.text("merchant") == it.text("merchant")).count() == 1)
        .collect();
    if unique.is_empty() {
        return None;
    }
    let payment = unique[script.rng.random_range(0..unique.len())];
    let topic: &[&str] = &[
        "which payment",
        "which transaction",
        "which one",
        "merchant",
        "payment is it",
        "payment do you",
        "哪一笔",
        "哪笔",
        "商户",
    ];
    let says =
        script.t("It is the one at {value}; I have never been there.", "是{value}的那一笔，我从没去过。");
    let says = says.replace("{value}", &payment.text("merchant"));
    script.knows(topic, says, None);
    script.opening = script.any(
        &[
            "Hello, there is a payment on my card that I did not make.",
            "Hi, somebody has used my card, I do not know one of the payments.",
        ],
        &["你好，我的卡上有一笔不是我刷的。", "喂，有人盗用了我的卡，有一笔交易我不认识。"],
    );
    script.protected.extend([payment.text("amount"), card.text("last_digits")]);
    script.prelude();
    let asked =
        script.say(script.t("I am sorry to hear that. Which payment is it?", "很抱歉。是哪一笔交易？"), []);
    let said =
        script.heard("merchant", asked, script.t("the one at ", "是"), script.t(";", "的那一笔"), false);
    let cards = look_up_card(script);
    script.duty("list_payments");
    let reason = script.t("I look for the payment on the card.", "我在卡上查找这笔交易。").to_owned();
    let listed_payments = script.call("list_payments", [("card_id", listed(cards).get("id"))], &reason);
    let found = || pick(listed_payments, "/payments").when("merchant", Comparison::Eq, said.clone());
    let ask = script.t(
        "I see {amount} EUR to {merchant} on {date}. Shall I dispute this payment?",
        "我看到 {date} 在{merchant}的一笔 {amount} 欧元交易。是否对这笔交易提出争议？",
    );
    script.say(
        ask,
        [
            ("amount", found().get("amount")),
            ("merchant", found().get("merchant")),
            ("date", found().get("booked_on")),
        ],
    );
    script.consent = Some(Consent {
        named: payment.text("amount"),
        yes: script.t("Yes, that is the one.", "对，就是这一笔。").to_owned(),
        ask_back: script.t("What amount do you see there?", "您看到的金额是多少？").to_owned(),
    });
    script.needs_consent = vec!["dispute_payment"];
    let reason =
        script.t("The client knows it again; I dispute it.", "客户确认无误，我提出争议。").to_owned();
    script.call("dispute_payment", [("payment_id", found().get("id"))], &reason);
    script.wants("payment", payment.id, "status", "disputed");
    script.tells(
        "amount",
        script.t("the payment", "交易金额"),
        FactKind::Money,
        payment.value("amount"),
        found().get("amount"),
        Vec::new(),
    );
    script.says = script
        .t(
            "The payment of {amount} EUR is disputed; you will hear from us.",
            "{amount} 欧元的交易已提出争议，我们会与您联系。",
        )
        .to_owned();
    Some(())
}

/// An approval in the client's app for what the agent is about to change.
fn approval(script: &mut Script<'_>, cards: usize) {
    let reason = script.t("The client has to approve it in the app.", "须由客户在应用里批准。").to_owned();
    script.call("request_approval", [("card_id", listed(cards).get("id"))], &reason);
    let ask = script.t(
        "I have sent a request for the card ending in {digits}. Please approve the request in your app.",
        "我已就尾号 {digits} 的卡发送请求，请在应用里批准。",
    );
    script.say(ask, [("digits", listed(cards).get("last_digits"))]);
}

fn raise_limit(script: &mut Script<'_>) -> Option<()> {
    let card = card(script)?;
    app(script, card);
    let limits = [1_200, 1_500, 2_000, 2_500, 3_000];
    let limit = limits[script.rng.random_range(0..limits.len())];
    let topic: &[&str] = &[
        "what limit",
        "which limit",
        "new limit",
        "daily limit",
        "how high",
        "how much",
        "limit do you",
        "限额",
        "多少",
    ];
    let says = script
        .t("I need {value} EUR a day.", "我每天需要 {value} 欧元。")
        .replace("{value}", &limit.to_string());
    script.knows(topic, says, None);
    script.opening = script.any(
        &[
            "Hello, I am buying furniture and my card's limit is too low.",
            "Hi, please raise the daily limit of my card.",
        ],
        &["你好，我要买家具，卡的限额太低了。", "喂，请提高我这张卡的单日限额。"],
    );
    script.protected.push(card.text("last_digits"));
    script.prelude();
    let cards = look_up_card(script);
    let asked = script.say(
        script.t(
            "Your daily limit is {limit} EUR now. What limit do you need?",
            "您现在的单日限额是 {limit} 欧元。您需要多少？",
        ),
        [("limit", listed(cards).get("day_limit"))],
    );
    let said =
        script.heard("limit", asked, script.t("I need ", "每天需要 "), script.t(" EUR", " 欧元"), true);
    approval(script, cards);
    let reason = script.t("The client has approved it.", "客户已批准。").to_owned();
    script.call("set_day_limit", [("card_id", listed(cards).get("id")), ("amount", said.clone())], &reason);
    script.wants("card", card.id, "approval", "approved");
    script.wants("card", card.id, "day_limit", limit);
    script.tells("limit", script.t("the new limit", "新限额"), FactKind::Money, limit, said, Vec::new());
    tell_digits(script, card, cards);
    script.says = script
        .t(
            "The card ending in {digits} now has a daily limit of {limit} EUR.",
            "尾号 {digits} 的卡单日限额现为 {limit} 欧元。",
        )
        .to_owned();
    Some(())
}

fn abroad(script: &mut Script<'_>) -> Option<()> {
    let card = card(script)?;
    if card.is_on("abroad") {
        return None;
    }
    app(script, card);
    script.opening = script.any(
        &[
            "Hello, I am travelling next week and want to use my card abroad.",
            "Hi, my card was refused abroad. Can you allow it?",
        ],
        &["你好，我下周出国，想在境外用卡。", "喂，我的卡在国外刷不了，能开通吗？"],
    );
    script.protected.push(card.text("last_digits"));
    script.prelude();
    let cards = look_up_card(script);
    approval(script, cards);
    let reason = script.t("The client has approved it.", "客户已批准。").to_owned();
    script.call("allow_abroad", [("card_id", listed(cards).get("id"))], &reason);
    script.wants("card", card.id, "approval", "approved");
    script.wants("card", card.id, "abroad", true);
    tell_digits(script, card, cards);
    script.says = script
        .t("The card ending in {digits} can now be used abroad.", "尾号 {digits} 的卡现可在境外使用。")
        .to_owned();
    Some(())
}

fn payments(script: &mut Script<'_>) -> Option<()> {
    let card = card(script)?;
    let mine = script.records.all("payment").filter(|payment| payment.text("card") == card.id);
    let mine: Vec<Record<'_>> = mine.collect();
    let cents = |value: &Value| value.as_f64().map(|amount| (amount * 100.0).round() as i64);
    let total: i64 = mine.iter().filter_map(|payment| cents(&payment.value("amount"))).sum();
    script.opening = script.any(
        &[
            "Hello, how much have I spent with my card so far, all payments together?",
            "Hi, what do the payments on my card add up to?",
        ],
        &["你好，我的卡到现在一共刷了多少钱？", "喂，我卡上的交易加起来是多少？"],
    );
    script.protected.extend(mine.iter().map(|payment| payment.text("amount")));
    script.prelude();
    let cards = look_up_card(script);
    script.duty("list_payments");
    let reason = script.t("I add the payments up.", "我把交易加起来。").to_owned();
    let listed_payments = script.call("list_payments", [("card_id", listed(cards).get("id"))], &reason);
    let sum = equal(pick(listed_payments, "/payments"), "status", "booked").sum("amount");
    let value = json!(total as f64 / 100.0);
    script.tells(
        "total",
        script.t("the sum of the payments", "交易总额"),
        FactKind::Money,
        value,
        sum,
        Vec::new(),
    );
    script.says = script.t("Your payments add up to {total} EUR.", "您的交易合计 {total} 欧元。").to_owned();
    Some(())
}
