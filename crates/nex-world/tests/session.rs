//! Replies and refusals of one session, to the byte.

use expect_test::{Expect, expect};
use nex_world::{SessionOptions, World, WorldSession, builtin_world, session_tools};
use serde_json::{Value as Json, json};
use std::sync::Arc;

const WORLD: &str = r#"
world: depot
title: Depot
domain: test
role: You run a depot.
now: 2026-03-16T09:00:00
entities:
  place:
    label: place
    id: {prefix: PL-, digits: 3}
    rows: [{name: North, free: 10, budget: 100.00}, {name: South, free: 0, budget: 0.05}]
    fields:
      name: {type: string, unique: true}
      free: {type: int}
      budget: {type: money}
      crates: {type: int, derived: count(crate where it.place == this)}
  crate:
    label: crate
    id: {prefix: CR-, digits: 3}
    count: {min: 1, max: 1, per: place, as: place}
    fields:
      place: {type: ref, of: place}
      code: {type: string, unique: true, gen: {template: "{^2}{#3}"}}
      marks: {type: list, item: string, gen: {max: 0}}
      opened: {type: datetime, optional: true}
  visit:
    label: visit
    id: {prefix: VI-, digits: 3}
    count: 0
    fields:
      place: {type: ref, of: place}
      note: {type: string}
      crates: {type: list, item: ref, of: crate}
operations:
  find_place: {kind: find, entity: place, description: Find., args: {name: {type: string, match: name}}}
  list_places: {kind: list, entity: place, description: List., sort: name, page_size: 1, args: {}, returns: [name, crates]}
  get_crate: {kind: get, entity: crate, description: Show., args: {crate_id: {type: ref, of: crate}}, returns: [place, place.name, marks, twice: "count(marks) * 2"]}
  add_place: {kind: create, entity: place, description: Add., args: {name: {type: string, pattern: "[A-Z][a-z]+"}, free: {type: int, min: 0, max: 99, default: 5}}, set: {name: name, free: free, budget: "1"}, returns: [name, free, budget]}
  add_crate: {kind: create, entity: crate, description: Add., args: {place_id: {type: ref, of: place}}, set: {place: place}, effects: [{update: place, add: {free: 0 - 1}}], returns: [place.free, marks, opened]}
  mark: {kind: update, entity: crate, description: Mark., args: {crate_id: {type: ref, of: crate}, word: {type: string}}, append: {marks: word}, set: {opened: now}, returns: [marks, opened]}
  unmark: {kind: update, entity: crate, description: Unmark., args: {crate_id: {type: ref, of: crate}, word: {type: string}}, remove: {marks: word}, returns: [marks]}
  drop_place: {kind: delete, entity: place, description: Drop., args: {place_id: {type: ref, of: place}}}
  clear_place:
    kind: delete
    entity: place
    description: Drop with crates.
    args: {place_id: {type: ref, of: place}}
    effects: [{for_each: crate where it.place == place, do: [{delete: it}]}]
  pay: {kind: transfer, description: Pay., args: {from_id: {type: ref, of: place}, to_id: {type: ref, of: place}, amount: {type: money}}, from: from_id.budget, to: to_id.budget, amount: amount}
  spoil:
    kind: update
    entity: place
    description: Fails in the middle.
    args: {place_id: {type: ref, of: place}}
    set: {free: "99"}
    effects: [{create: crate, set: {place: place, code: "'AA000'"}, as: one}, {create: crate, set: {place: place, code: "'aa000'"}}]
  total: {kind: compute, description: Sum., args: {}, results: {budget: "sum(place : it.budget)", mean: "avg(place : it.free)"}}
"#;

fn depot() -> WorldSession {
    let world = World::from_yaml(WORLD, "depot.yaml").unwrap_or_else(|error| panic!("{error}"));
    WorldSession::new(world, 1, SessionOptions::default()).expect("a state")
}

/// The id of the n-th record of an entity.
fn id(session: &WorldSession, entity: &str, place: usize) -> String {
    let state = session.export().state;
    state.0[entity].keys().nth(place).expect("the record").clone()
}

fn place(session: &mut WorldSession, name: &str) -> String {
    let found = session.call("find_place", &json!({"name": name})).json();
    found["places"][0]["id"].as_str().expect("an id").to_owned()
}

fn check(session: &mut WorldSession, calls: &[(&str, Json)], expected: Expect) {
    let mut table = String::new();
    for (operation, arguments) in calls {
        let reply = session.call(operation, arguments);
        assert_eq!(reply.is_error, reply.error.is_some());
        table.push_str(&format!("{operation}: {}\n", reply.text));
    }
    expected.assert_eq(&table);
}

#[test]
fn reads_reply_with_what_the_file_says() {
    let mut session = depot();
    let north = place(&mut session, "North");
    let crates = session.export().state.0["crate"].clone();
    let (crate_id, _) = crates.iter().find(|(_, fields)| fields["place"] == json!(north)).expect("a crate");
    check(
        &mut session,
        &[
            ("find_place", json!({"name": "  nORTH "})),
            ("find_place", json!({"name": "West"})),
            ("list_places", json!({})),
            ("list_places", json!({"cursor": "c1"})),
            ("list_places", json!({"cursor": "c99"})),
            ("list_places", json!({"cursor": "next"})),
            ("get_crate", json!({"crate_id": crate_id})),
            ("total", json!({})),
            ("total", json!(null)),
        ],
        expect![[r#"
            find_place: {"places":[{"id":"PL-866","name":"North","free":10,"budget":100.00,"crates":1}],"count":1,"total":1,"has_more":false}
            find_place: {"error":{"code":"not_found","message":"no place matches"}}
            list_places: {"places":[{"name":"North","crates":1}],"count":1,"total":2,"has_more":true,"next_cursor":"c1"}
            list_places: {"places":[{"name":"South","crates":1}],"count":1,"total":2,"has_more":false}
            list_places: {"places":[],"count":0,"total":2,"has_more":false}
            list_places: {"error":{"code":"invalid_argument","message":"cursor: expected the next_cursor of an earlier reply"}}
            get_crate: {"place_id":"PL-866","place_name":"North","marks":[],"twice":0}
            total: {"budget":100.05,"mean":5.0}
            total: {"budget":100.05,"mean":5.0}
        "#]],
    );
}

#[test]
fn wrong_arguments_are_told_which_and_why() {
    let mut session = depot();
    check(
        &mut session,
        &[
            ("fnd_place", json!({})),
            ("find_place", json!([])),
            ("find_place", json!({})),
            ("find_place", json!({"name": 5})),
            ("find_place", json!({"nam": "North"})),
            ("get_crate", json!({"crate_id": "PL-100"})),
            ("get_crate", json!({"crate_id": "CR-000"})),
            ("add_place", json!({"name": "west"})),
            ("add_place", json!({"name": "West", "free": 100})),
            ("add_place", json!({"name": "West", "free": 1.5})),
            ("add_place", json!({"name": "x".repeat(20_000)})),
            ("pay", json!({"from_id": "PL-000", "to_id": "PL-000", "amount": 1.234})),
        ],
        expect![[r#"
            fnd_place: {"error":{"code":"unknown_operation","message":"there is no operation `fnd_place`; did you mean `find_place`?"}}
            find_place: {"error":{"code":"invalid_argument","message":"the arguments are one JSON object"}}
            find_place: {"error":{"code":"invalid_argument","message":"name: is required"}}
            find_place: {"error":{"code":"invalid_argument","message":"name: expected a text, found 5"}}
            find_place: {"error":{"code":"invalid_argument","message":"name: is required"}}
            get_crate: {"error":{"code":"invalid_argument","message":"crate_id: expected the id of a crate, CR- and 3 digits, found \"PL-100\""}}
            get_crate: {"error":{"code":"not_found","message":"there is no crate CR-000"}}
            add_place: {"error":{"code":"invalid_argument","message":"name: does not match [A-Z][a-z]+"}}
            add_place: {"error":{"code":"invalid_argument","message":"free: is 100, more than 99"}}
            add_place: {"error":{"code":"invalid_argument","message":"free: expected a whole number, found 1.5"}}
            add_place: {"error":{"code":"invalid_argument","message":"name: has 20000 characters; 0 to 10000 are allowed"}}
            pay: {"error":{"code":"not_found","message":"there is no place PL-000"}}
        "#]],
    );
    assert_eq!(session.call_count(), 12);
    assert!(session.log().iter().all(|call| !call.is_ok() && !call.changed));
}

#[test]
fn writes_change_what_the_file_says_and_refusals_nothing() {
    let mut session = depot();
    let (north, south) = (place(&mut session, "North"), place(&mut session, "South"));
    let crate_id = id(&session, "crate", 0);
    check(
        &mut session,
        &[
            ("add_place", json!({"name": "West"})),
            ("add_place", json!({"name": "West"})),
            ("add_crate", json!({"place_id": north})),
            ("mark", json!({"crate_id": crate_id, "word": "a \"b\"\n"})),
            ("mark", json!({"crate_id": crate_id, "word": "c"})),
            ("unmark", json!({"crate_id": crate_id, "word": "a \"b\"\n"})),
            ("unmark", json!({"crate_id": crate_id, "word": "zzz"})),
            ("pay", json!({"from_id": south, "to_id": north, "amount": 0.06})),
            ("pay", json!({"from_id": south, "to_id": north, "amount": "0.05"})),
            ("pay", json!({"from_id": north, "to_id": south, "amount": -1})),
            ("pay", json!({"from_id": north, "to_id": north, "amount": 40})),
            ("drop_place", json!({"place_id": south})),
            ("find_place", json!({"name": "South"})),
            ("spoil", json!({"place_id": north})),
        ]
        .map(|(operation, arguments)| (operation, arguments)),
        expect![[r#"
            add_place: {"name":"West","free":5,"budget":1.00}
            add_place: {"error":{"code":"duplicate","message":"there is already a place with name West"}}
            add_crate: {"place_free":9,"marks":[],"opened":null}
            mark: {"marks":["a \"b\"\n"],"opened":"2026-03-16T09:00:00"}
            mark: {"marks":["a \"b\"\n","c"],"opened":"2026-03-16T09:00:00"}
            unmark: {"marks":["c"]}
            unmark: {"marks":["c"]}
            pay: {"error":{"code":"insufficient","message":"budget of PL-145 is only 0.05"}}
            pay: {"from_id":"PL-145","from_id_budget":0.00,"to_id":"PL-866","to_id_budget":100.05}
            pay: {"error":{"code":"invalid_argument","message":"the amount must be above 0"}}
            pay: {"from_id":"PL-866","from_id_budget":100.05,"to_id":"PL-866","to_id_budget":100.05}
            drop_place: {"error":{"code":"in_use","message":"PL-145 is still in use by a crate"}}
            find_place: {"places":[{"id":"PL-145","name":"South","free":0,"budget":0.00,"crates":1}],"count":1,"total":1,"has_more":false}
            spoil: {"error":{"code":"duplicate","message":"there is already a crate with code aa000"}}
        "#]],
    );
    let before = session.state_hash();
    assert!(session.call("spoil", &json!({"place_id": north})).is_error);
    assert_eq!(session.state_hash(), before, "what came before the failing effect is undone");
    assert!(!session.call("clear_place", &json!({"place_id": south})).is_error);
    assert!(session.call("find_place", &json!({"name": "South"})).is_error);
}

#[test]
fn a_policy_is_enforced_or_only_noted() {
    let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
    let options = SessionOptions { calm: true, ..SessionOptions::default() };
    let mut session = WorldSession::new(world, 11, options).expect("a state");
    let order = session.call("list_orders", &json!({"status": "delivered"})).json()["orders"][0].clone();
    let refund = json!({"order_id": order["id"], "amount": 1, "method": "card"});
    let refused = session.call("refund_order", &refund);
    assert_eq!(refused.error.as_deref(), Some("policy_violation"));
    let customer = session.call("get_customer", &json!({"customer_id": order["customer_id"]})).json();
    let wrong = session.call("verify_customer", &json!({"customer_id": customer["id"], "phone": "0"}));
    assert_eq!(wrong.error.as_deref(), Some("phone_mismatch"));
    assert!(session.call("refund_order", &refund).is_error, "a failed verification counts for nothing");
    session.call("verify_customer", &json!({"customer_id": customer["id"], "phone": customer["phone"]}));
    assert!(!session.call("refund_order", &refund).is_error);

    // Look for a delivery too long ago of a customer who is not gold: the trap.
    let mut noted = 0;
    let orders = session.export().state.0["order"].clone();
    let customers = session.export().state.0["customer"].clone();
    for (id, fields) in orders {
        let is_late = fields["delivered_on"].as_str().is_some_and(|day| day < "2026-03-02");
        let is_gold = customers[fields["customer"].as_str().expect("an id")]["tier"] == json!("gold");
        let lines = session.call("list_lines", &json!({"order_id": id})).json();
        let line = lines["lines"][0]["id"].clone();
        let reply = session.call("open_return", &json!({"line_id": line, "reason": "it is broken"}));
        if !reply.is_error {
            assert_eq!(reply.violations.len(), usize::from(is_late && !is_gold), "{id}");
            noted += reply.violations.len();
        }
    }
    assert!(noted > 0);
    assert_eq!(session.log().iter().filter(|call| call.violations == ["late_return"]).count(), noted);
}

#[test]
fn schemas_say_what_is_taken() {
    let world = World::from_yaml(WORLD, "depot.yaml").expect("sound");
    let schema = |name: &str| {
        let declaration = world.declarations().iter().find(|d| d.spec().name == name).expect("a tool");
        serde_json::to_string_pretty(&declaration.spec().input_schema).expect("data")
    };
    expect![[r#"
        {
          "type": "object",
          "properties": {
            "name": {
              "type": "string",
              "pattern": "^(?:[A-Z][a-z]+)$"
            },
            "free": {
              "type": "integer",
              "minimum": 0,
              "maximum": 99,
              "default": 5
            }
          },
          "required": [
            "name"
          ],
          "additionalProperties": false
        }"#]]
    .assert_eq(&schema("add_place"));
    expect![[r#"
        {
          "type": "object",
          "properties": {
            "cursor": {
              "type": "string",
              "description": "next_cursor of the previous page"
            }
          },
          "required": [],
          "additionalProperties": false
        }"#]]
    .assert_eq(&schema("list_places"));
}

#[tokio::test]
async fn tools_act_on_one_session_and_share_declarations() {
    let world = World::from_yaml(WORLD, "depot.yaml").expect("sound");
    let start = || {
        let session = WorldSession::new(Arc::clone(&world), 1, SessionOptions::default()).expect("a state");
        session_tools(Arc::new(parking_lot::Mutex::new(session)))
    };
    let (mine, theirs) = (start(), start());
    assert!(mine.iter().zip(&theirs).all(|(a, b)| Arc::ptr_eq(a.declaration(), b.declaration())));
    let cancel = tokio_util::sync::CancellationToken::new();
    let context = nex_tools::CallContext { session: "t", call_id: "c", cancel: &cancel };
    let tool = |tools: &[Arc<dyn nex_tools::Tool>], name: &str| {
        Arc::clone(tools.iter().find(|tool| tool.declaration().spec().name == name).expect("a tool"))
    };
    let added = tool(&mine, "add_place").call(json!({"name": "West"}), &context).await.expect("no failure");
    assert!(!added.is_error);
    let mut found = Vec::new();
    for tools in [&mine, &theirs] {
        found.push(
            tool(tools, "find_place")
                .call(json!({"name": "West"}), &context)
                .await
                .expect("no failure")
                .is_error,
        );
    }
    assert_eq!(found, [false, true], "another session knows nothing of it");
}

#[tokio::test]
async fn latency_is_waited_out_where_asked_for() {
    let world = World::from_yaml(WORLD, "depot.yaml").expect("sound");
    let latency_ms = Some(nex_world::LatencySpec::new(20, 30));
    let options = SessionOptions {
        dynamics: nex_world::DynamicsSpec { latency_ms, ..nex_world::DynamicsSpec::default() },
        real_latency: true,
        ..SessionOptions::default()
    };
    let session = WorldSession::new(world, 1, options).expect("a state");
    let session = Arc::new(parking_lot::Mutex::new(session));
    let cancel = tokio_util::sync::CancellationToken::new();
    let context = nex_tools::CallContext { session: "t", call_id: "c", cancel: &cancel };
    let start = std::time::Instant::now();
    let total = session_tools(Arc::clone(&session)).pop().expect("the last tool");
    total.call(json!({}), &context).await.expect("no failure");
    let virtual_ms = session.lock().clock_ms();
    assert!(virtual_ms > 0);
    assert!(start.elapsed().as_millis() >= u128::from(virtual_ms));
}
