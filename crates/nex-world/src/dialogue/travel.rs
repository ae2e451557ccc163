//! Stories at the service desk of a travel agency.

use super::domain::Family;
use super::records::Record;
use super::script::{Script, given};
use super::user::{Action, Consent, Look};
use crate::files::{Rows, pick};
use crate::task::{Comparison, FactKind};
use rand::RngExt;
use serde_json::{Value, json};

pub(crate) static FAMILIES: [Family; 6] = [
    Family { name: "rebook", is_dual: false, write: rebook },
    Family { name: "cancel_flex", is_dual: false, write: cancel_flex },
    Family { name: "cancel_basic", is_dual: false, write: cancel_basic },
    Family { name: "add_bag", is_dual: false, write: add_bag },
    Family { name: "check_in", is_dual: true, write: check_in },
    Family { name: "trip_details", is_dual: false, write: trip_details },
];

struct Booking<'a> {
    trip: Record<'a>,
    flight: Record<'a>,
}

fn booking<'a>(script: &Script<'a>) -> Option<Booking<'a>> {
    let trip = script.records.referring("trip", "customer", script.customer.id)?;
    let flight = script.records.get("flight", &trip.text("flight"))?;
    Some(Booking { trip, flight })
}

/// The traveller's trip, looked up: the step of the list.
fn look_up_trip(script: &mut Script<'_>) -> usize {
    script.duty("list_trips");
    let reason = script.t("I look the trip up myself.", "我自己查询行程。").to_owned();
    script.call("list_trips", [("customer_id", script.id.clone())], &reason)
}

fn trip(step: usize) -> Rows {
    pick(step, "/trips")
}

/// The codes of all other flights.
fn other_codes(script: &Script<'_>, code: &str) -> Vec<String> {
    script.records.all("flight").map(|flight| flight.text("code")).filter(|other| other != code).collect()
}

fn tell_flight(
    script: &mut Script<'_>,
    flight: Record<'_>,
    code: crate::task::ValueSource,
    departs: crate::task::ValueSource,
) {
    let decoys = other_codes(script, &flight.text("code"));
    script.tells("code", script.t("the flight", "航班"), FactKind::Text, flight.value("code"), code, decoys);
    script.tells(
        "departs",
        script.t("its departure", "起飞时间"),
        FactKind::Text,
        flight.value("departs"),
        departs,
        Vec::new(),
    );
}

fn rebook(script: &mut Script<'_>) -> Option<()> {
    let booking = booking(script)?;
    let (origin, destination) = (booking.flight.text("origin"), booking.flight.text("destination"));
    let mut flights: Vec<Record<'_>> = script
        .records
        .all("flight")
        .filter(|flight| flight.text("origin") == origin && flight.text("destination") == destination)
        .collect();
    flights.sort_by_key(|flight| flight.text("departs"));
    let wants_late = script.rng.random_bool(0.5);
    let wanted = if wants_late { *flights.last()? } else { *flights.first()? };
    if wanted.id == booking.flight.id {
        return None;
    }
    let topic: &[&str] = &[
        "what time",
        "which time",
        "when would",
        "when do you",
        "time of day",
        "prefer",
        "which flight",
        "depart",
        "什么时间",
        "几点",
        "什么时候",
        "时间",
        "哪个航班",
    ];
    let limit = if wants_late { "16:30" } else { "09:00" };
    let says = match wants_late {
        true => script
            .t("I can leave only after {value}, because of work.", "因为工作，我只能在 {value} 之后出发。"),
        false => script.t(
            "I have to leave before {value}, because of a meeting.",
            "因为要开会，我必须在 {value} 之前出发。",
        ),
    };
    let says = says.replace("{value}", limit);
    script.knows(topic, says, None);
    script.opening = script.any(
        &[
            "Hello, I need another flight on the same day as the one I have booked.",
            "Hi, my flight leaves at the wrong time for me. Can I have another one that day?",
        ],
        &["你好，我想改成同一天的另一个航班。", "喂，我订的航班时间不合适，能换当天的另一班吗？"],
    );
    script.prelude();
    let trips = look_up_trip(script);
    let ask = script.t(
        "Thank you. You are booked on {code} at {departs}. When would you like to leave?",
        "谢谢。您订的是 {departs} 起飞的 {code}。您希望什么时候出发？",
    );
    let asked = script
        .say(ask, [("code", trip(trips).get("flight_code")), ("departs", trip(trips).get("flight_departs"))]);
    let (after, before) = match wants_late {
        true => (script.t("only after ", "只能在 "), script.t(",", " 之后")),
        false => (script.t("leave before ", "必须在 "), script.t(",", " 之前")),
    };
    let said = script.heard("time", asked, after, before, false);
    script.duty("search_flights");
    let reason = script.t("I look for a flight that fits.", "我查找合适的航班。").to_owned();
    let route = [
        ("origin", trip(trips).get("flight_origin")),
        ("destination", trip(trips).get("flight_destination")),
    ];
    let flights = script.call("search_flights", route, &reason);
    let compare = if wants_late { Comparison::Gt } else { Comparison::Lt };
    let fitting = || pick(flights, "/flights").when("departs", compare, said.clone()).nth("departs", 0);
    let ask = script.t(
        "Flight {code} leaves at {departs} that day. Shall I put you on it?",
        "当天 {departs} 有 {code} 航班。要不要为您改签到这一班？",
    );
    script.say(ask, [("code", fitting().get("code")), ("departs", fitting().get("departs"))]);
    script.consent = Some(Consent {
        named: wanted.text("code"),
        yes: script.t("Yes, that one suits me.", "好的，就这一班。").to_owned(),
        ask_back: script.t("Which flight would that be?", "是哪一个航班？").to_owned(),
    });
    script.needs_consent = vec!["rebook_trip"];
    let reason = script.t("The traveller agrees.", "旅客同意。").to_owned();
    script.call(
        "rebook_trip",
        [("trip_id", trip(trips).get("id")), ("flight_id", fitting().get("id"))],
        &reason,
    );
    script.wants("trip", booking.trip.id, "flight", wanted.id);
    tell_flight(script, wanted, fitting().get("code"), fitting().get("departs"));
    script.says = script
        .t(
            "You are now on flight {code}, which leaves at {departs}.",
            "您已改签到 {code} 航班，{departs} 起飞。",
        )
        .to_owned();
    Some(())
}

fn cancel_flex(script: &mut Script<'_>) -> Option<()> {
    let booking = booking(script)?;
    if booking.trip.text("fare") != "flex" {
        return None;
    }
    script.opening = script.any(
        &[
            "Hello, I am ill and have to cancel my trip.",
            "Hi, please cancel my booking, my plans have changed.",
        ],
        &["你好，我生病了，得取消行程。", "喂，计划有变，请帮我取消预订。"],
    );
    script.prelude();
    let trips = look_up_trip(script);
    let ask = script.t(
        "Your trip on {code} to {destination} has a flex fare and can be cancelled. Shall I cancel it?",
        "您乘 {code} 前往{destination}的行程是灵活票，可以取消。是否为您取消？",
    );
    script.say(
        ask,
        [("code", trip(trips).get("flight_code")), ("destination", trip(trips).get("flight_destination"))],
    );
    let code = booking.flight.text("code");
    script.consent = Some(Consent {
        named: code.clone(),
        yes: script.t("Yes, cancel it.", "好的，取消吧。").to_owned(),
        ask_back: script.t("Which flight are you talking about?", "您说的是哪个航班？").to_owned(),
    });
    script.needs_consent = vec!["cancel_trip"];
    let reason =
        script.t("The fare allows it and the traveller agrees.", "票种允许，旅客也同意。").to_owned();
    script.call("cancel_trip", [("trip_id", trip(trips).get("id"))], &reason);
    script.wants("trip", booking.trip.id, "status", "cancelled");
    let decoys = other_codes(script, &code);
    script.tells(
        "code",
        script.t("the flight", "航班"),
        FactKind::Text,
        code,
        trip(trips).get("flight_code"),
        decoys,
    );
    script.says = script.t("Your trip on {code} is cancelled.", "您的 {code} 行程已取消。").to_owned();
    Some(())
}

fn cancel_basic(script: &mut Script<'_>) -> Option<()> {
    let booking = booking(script)?;
    if booking.trip.text("fare") != "basic" {
        return None;
    }
    script.opening = script.any(
        &[
            "Hello, please cancel my trip. I have a flex fare, so that is no problem.",
            "Hi, cancel my flight, please. The flex fare I paid for allows it.",
        ],
        &["你好，请取消我的行程。我买的是灵活票，应该没问题。", "喂，帮我取消航班，我买的灵活票可以退。"],
    );
    script.prelude();
    let trips = look_up_trip(script);
    script.say(
        script.t(
            "I see that your trip on {code} has a {fare} fare. Such a fare cannot be cancelled.",
            "我看到您 {code} 的行程是 {fare} 票种，这种票不能取消。",
        ),
        [("code", trip(trips).get("flight_code")), ("fare", trip(trips).get("fare"))],
    );
    let code = booking.flight.text("code");
    let decoys = other_codes(script, &code);
    script.tells(
        "code",
        script.t("the flight", "航班"),
        FactKind::Text,
        code,
        trip(trips).get("flight_code"),
        decoys,
    );
    script.checks.push(crate::task::Check::Says(crate::task::Fact {
        about: script.t("the cancellation", "取消").to_owned(),
        kind: FactKind::Refusal,
        value: Value::Null,
        accepted: Vec::new(),
        decoys: Vec::new(),
    }));
    script.says = script
        .t("I cannot cancel {code}: the booking has a basic fare.", "无法取消 {code}：该订单是基础票。")
        .to_owned();
    Some(())
}

fn add_bag(script: &mut Script<'_>) -> Option<()> {
    let booking = booking(script)?;
    if booking.trip.is_on("bag") {
        return None;
    }
    script.opening = script.any(
        &[
            "Hello, I would like to take a suitcase on my trip. What would that be?",
            "Hi, can I still add a checked bag to my booking?",
        ],
        &["你好，我想给行程加一件托运行李，要多少钱？", "喂，我的预订还能加托运行李吗？"],
    );
    script.prelude();
    let trips = look_up_trip(script);
    let ask = script.t(
        "A checked bag on {code} costs 35 EUR. Shall I add it?",
        "{code} 的托运行李收费 35 欧元。要不要为您添加？",
    );
    script.say(ask, [("code", trip(trips).get("flight_code"))]);
    script.consent = Some(Consent {
        named: "35".to_owned(),
        yes: script.t("Yes, add it.", "好的，加上吧。").to_owned(),
        ask_back: script.t("How much is it?", "要多少钱？").to_owned(),
    });
    script.needs_consent = vec!["add_bag"];
    let reason = script.t("The traveller agrees to the price.", "旅客同意该价格。").to_owned();
    script.call("add_bag", [("trip_id", trip(trips).get("id"))], &reason);
    script.wants("trip", booking.trip.id, "bag", true);
    let code = booking.flight.text("code");
    let decoys = other_codes(script, &code);
    script.tells(
        "code",
        script.t("the flight", "航班"),
        FactKind::Text,
        code,
        trip(trips).get("flight_code"),
        decoys,
    );
    script.tells(
        "price",
        script.t("the price of the bag", "行李费"),
        FactKind::Money,
        35,
        given(35),
        Vec::new(),
    );
    script.says = script
        .t(
            "Your booking on {code} now has a checked bag for {price} EUR.",
            "您的 {code} 订单已加一件托运行李，{price} 欧元。",
        )
        .to_owned();
    Some(())
}

fn check_in(script: &mut Script<'_>) -> Option<()> {
    let booking = booking(script)?;
    if booking.trip.text("documents") != "missing" {
        return None;
    }
    let arguments = json!({"trip_id": booking.trip.id});
    let app = |words, operation, done: &str, failed: &str| Action {
        words,
        operation,
        arguments: arguments.clone(),
        done: done.to_owned(),
        needs: None,
        failed: failed.to_owned(),
        tries: None,
    };
    script.actions = vec![
        app(
            &[&["upload", "add", "scan", "上传"], &["passport", "document", "护照", "证件"]],
            "upload_passport",
            script.t("The passport is uploaded.", "护照上传好了。"),
            script.t("The app does not ask me for a passport.", "应用里没有让我上传护照的地方。"),
        ),
        app(
            &[&["check in", "check-in", "值机"], &["please", "now", "go ahead", "请", "现在"]],
            "check_in",
            script.t("I am checked in, I see the boarding pass.", "值机成功，看到登机牌了。"),
            script.t("The button for check-in is grey.", "值机按钮是灰的。"),
        ),
    ];
    script.looks = vec![Look {
        words: &["documents", "app show", "app say", "证件", "显示什么"],
        operation: "look_at_app",
        arguments: arguments.clone(),
        field: "documents",
        says: vec![
            ("missing", script.t("Under documents it says missing.", "证件一栏写着“缺少”。").to_owned()),
            (
                "requested",
                script.t("Under documents it asks for my passport.", "证件一栏要我上传护照。").to_owned(),
            ),
            ("uploaded", script.t("Under documents it says uploaded.", "证件一栏写着“已上传”。").to_owned()),
        ],
    }];
    script.opening = script.any(
        &[
            "Hello, the app does not let me check in, and it does not say why.",
            "Hi, I cannot get a boarding pass, the button is grey.",
        ],
        &["你好，应用里没法值机，也不说原因。", "喂，我拿不到登机牌，按钮是灰的。"],
    );
    script.prelude();
    let trips = look_up_trip(script);
    let id = trip(trips).get("id");
    let reason = script
        .t("The passport is missing; I ask for it in the app.", "缺少护照，我在应用里发起请求。")
        .to_owned();
    script.call("request_documents", [("trip_id", id.clone())], &reason);
    let ask = script.t(
        "Your documents are {documents}. I have asked for them in the app: please upload your passport there.",
        "您的证件状态是 {documents}。我已在应用里发起请求，请在那里上传护照。",
    );
    script.say(ask, [("documents", trip(trips).get("documents"))]);
    let reason = script.t("The passport is there; I open check-in.", "护照已到，我开放值机。").to_owned();
    script.call("open_check_in", [("trip_id", id)], &reason);
    script.say(script.t("Check-in is open. Please check in now.", "值机已开放，请现在值机。"), []);
    script.wants("trip", booking.trip.id, "documents", "uploaded");
    script.wants("trip", booking.trip.id, "check_in", "done");
    tell_flight(script, booking.flight, trip(trips).get("flight_code"), trip(trips).get("flight_departs"));
    script.says = script
        .t(
            "You are checked in for {code}, which leaves at {departs}.",
            "您已办好 {code} 的值机，{departs} 起飞。",
        )
        .to_owned();
    Some(())
}

fn trip_details(script: &mut Script<'_>) -> Option<()> {
    let booking = booking(script)?;
    script.opening = script.any(
        &[
            "Hello, I have lost my confirmation. What is my flight number and when does it leave?",
            "Hi, which flight am I on, and at what time does it go?",
        ],
        &["你好，我的确认单丢了。我的航班号是多少，几点起飞？", "喂，我订的是哪个航班，几点走？"],
    );
    script.protected.extend([booking.flight.text("code"), booking.flight.text("departs")]);
    script.prelude();
    let trips = look_up_trip(script);
    tell_flight(script, booking.flight, trip(trips).get("flight_code"), trip(trips).get("flight_departs"));
    script.says = script
        .t("You are on flight {code}, which leaves at {departs}.", "您的航班是 {code}，{departs} 起飞。")
        .to_owned();
    Some(())
}
