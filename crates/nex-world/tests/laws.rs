//! Laws of states and sessions, over random calls in all built-in worlds.

use nex_world::value::{RecordId, Type};
use nex_world::{
    Change, DynamicsSpec, Language, LatencySpec, RateLimitSpec, SessionOptions, State, World, WorldSession,
    builtin_world, builtin_worlds, diff,
};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

/// A call picked by numbers: which operation, and what for each argument.
#[derive(Clone, Debug)]
struct Pick {
    operation: usize,
    choices: Vec<u32>,
}

fn pick() -> impl Strategy<Value = Pick> {
    (any::<usize>(), prop::collection::vec(any::<u32>(), 8))
        .prop_map(|(operation, choices)| Pick { operation, choices })
}

fn picks() -> impl Strategy<Value = Vec<Pick>> {
    prop::collection::vec(pick(), 1..25)
}

fn worlds() -> Vec<Arc<World>> {
    builtin_worlds().iter().map(|world| world.load().expect("built-in worlds are sound")).collect()
}

/// Name and arguments; ids are of real records most of the time.
fn spell(world: &World, state: &State, pick: &Pick) -> (String, Json) {
    let operations = world.operations();
    let operation = &operations[pick.operation % operations.len()];
    let mut arguments = Map::new();
    for (at, arg) in operation.args.iter().enumerate() {
        let choice = pick.choices[at % pick.choices.len()].rotate_left(at as u32 * 7);
        if arg.optional && choice.is_multiple_of(3) {
            continue;
        }
        arguments.insert(arg.name.clone(), value(world, state, &arg.kind, choice));
    }
    (operation.name.clone(), Json::Object(arguments))
}

fn value(world: &World, state: &State, kind: &Type, choice: u32) -> Json {
    let schema = world.schema();
    match kind {
        Type::Record(entity) => {
            let records: Vec<RecordId> = state.records(*entity).collect();
            if records.is_empty() || choice.is_multiple_of(29) {
                return json!("NONE-1");
            }
            // Few targets, so that calls meet.
            json!(schema.id_text(records[(choice as usize / 29) % records.len().min(6)]))
        }
        Type::Enum(id) => {
            let values = &schema.enum_def(*id).values;
            json!(schema.symbol(values[choice as usize % values.len()].symbol))
        }
        Type::Int => json!(choice % 9),
        Type::Money | Type::Decimal => json!(f64::from(choice % 4_000) / 100.0),
        Type::Bool => json!(choice.is_multiple_of(2)),
        Type::Date => json!(format!("2026-03-{:02}", choice % 28 + 1)),
        Type::DateTime => json!(format!("2026-03-{:02}T{:02}:00:00", choice % 28 + 1, choice % 24)),
        Type::List(item) => {
            Json::Array((0..choice % 3).map(|k| value(world, state, item, choice / 7 + k)).collect())
        }
        _ => json!(["a text", "Another text", "“quoted”\n\"text\"", "文字"][choice as usize % 4]),
    }
}

fn rough() -> DynamicsSpec {
    DynamicsSpec {
        latency_ms: Some(LatencySpec::new(100, 2_000)),
        transient_fault: Some(0.1),
        outage: Some(0.1),
        rate_limit: Some(RateLimitSpec { calls: 8, window_s: 2 }),
        truncate: Some(0.3),
        verbose: Some(0.3),
        stale_read: Some(0.3),
    }
}

fn session(world: &Arc<World>, seed: u64, dynamics: Option<DynamicsSpec>) -> WorldSession {
    let calm = dynamics.is_none();
    let options =
        SessionOptions { calm, dynamics: dynamics.unwrap_or_default(), ..SessionOptions::default() };
    WorldSession::new(Arc::clone(world), seed, options).expect("built-in worlds generate")
}

fn play(session: &mut WorldSession, picks: &[Pick]) -> Vec<String> {
    let world = Arc::clone(session.world());
    picks
        .iter()
        .map(|pick| {
            let (name, arguments) = spell(&world, session.state(), pick);
            session.call(&name, &arguments).text
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn same_seed_same_bytes(seed in any::<u64>(), picks in picks()) {
        for world in worlds() {
            let mut one = session(&world, seed, Some(rough()));
            let mut two = session(&world, seed, Some(rough()));
            prop_assert_eq!(play(&mut one, &picks), play(&mut two, &picks));
            prop_assert_eq!(one.export(), two.export());
            prop_assert_eq!(one.state_hash(), two.state_hash());
        }
    }

    #[test]
    fn restoring_a_snapshot_is_as_if_nothing_had_been(seed in 0u64..50, before in picks(), between in picks(), after in picks()) {
        for world in worlds() {
            let mut one = session(&world, seed, Some(rough()));
            play(&mut one, &before);
            let snapshot = one.snapshot();
            let export = one.export();
            let expected = play(&mut one, &after);
            one.restore(&snapshot);
            play(&mut one, &between);
            one.restore(&snapshot);
            prop_assert_eq!(&one.export(), &export);
            prop_assert_eq!(play(&mut one, &after), expected);
        }
    }

    #[test]
    fn hash_equality_and_diff_agree(seed in 0u64..50, picks in picks()) {
        for world in worlds() {
            let schema = world.schema();
            let mut session = session(&world, seed, None);
            for pick in &picks {
                let (name, arguments) = spell(&world, session.state(), pick);
                let before = session.state().clone();
                let reply = session.call(&name, &arguments);
                let after = session.state().clone();
                let changes = diff(schema, &before, &after);
                let last = session.log().pop().expect("the call is logged");
                prop_assert_eq!(before == after, changes.is_empty());
                prop_assert_eq!(before.hash(schema) == after.hash(schema), changes.is_empty());
                prop_assert!(!reply.is_error || changes.is_empty(), "a refused call changed {:?}", changes);
                if !last.changed {
                    prop_assert!(changes.is_empty(), "{} claims no change: {:?}", name, changes);
                }
                let written = world.operation(&name).map(|operation| operation.writes.clone()).unwrap_or_default();
                for change in &changes {
                    prop_assert!(written.contains(&change.record().entity()), "{} changed {}", name, change.describe(schema));
                }
                // The way back undoes the way there.
                prop_assert_eq!(diff(schema, &after, &before).len(), changes.len());
            }
        }
    }

    #[test]
    fn states_survive_json_with_their_hash(seed in any::<u64>(), picks in picks()) {
        for world in worlds() {
            let mut session = session(&world, seed, None);
            play(&mut session, &picks);
            let text = serde_json::to_string(&session.export().state).expect("it is data");
            let json = serde_json::from_str(&text).expect("it was written so");
            let back = State::from_json(world.schema(), &json).expect("it is of this world");
            prop_assert_eq!(back.hash(world.schema()), session.state_hash());
            prop_assert!(back == *session.state());
        }
    }

    #[test]
    fn replies_are_json_objects(seed in 0u64..50, picks in picks()) {
        for world in worlds() {
            let mut session = session(&world, seed, Some(rough()));
            for text in play(&mut session, &picks) {
                let json: Json = serde_json::from_str(&text).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
                prop_assert!(json.is_object());
            }
        }
    }

    #[test]
    fn transfers_neither_make_nor_lose_money(seed in 0u64..200, amounts in prop::collection::vec((0usize..12, 0usize..12, 1u32..9_999), 1..40)) {
        let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
        let mut session = session(&world, seed, None);
        let total = |session: &WorldSession| -> i64 {
            let customers = session.export().state.0.swap_remove("customer").expect("customers");
            // Credit is exact text with two decimals at most; count it in cents.
            customers.values().map(|fields| (fields["credit"].as_f64().expect("a number") * 100.0).round() as i64).sum()
        };
        let customers: Vec<(String, Json)> = {
            let mut all: Vec<_> = session.export().state.0.swap_remove("customer").expect("customers").into_iter().collect();
            all.sort_by(|(a, _), (b, _)| a.cmp(b));
            all.into_iter().map(|(id, fields)| (id, fields["phone"].clone())).collect()
        };
        for (id, phone) in &customers[..12] {
            let verified = session.call("verify_customer", &json!({"customer_id": id, "phone": phone}));
            prop_assert!(!verified.is_error);
        }
        let before = total(&session);
        let mut moved = 0;
        for (from, to, cents) in amounts {
            let (from, to) = (&customers[from].0, &customers[to].0);
            let reply = session.call("transfer_credit", &json!({"source_id": from, "destination_id": to, "amount": format!("{}.{:02}", cents / 100, cents % 100)}));
            moved += usize::from(!reply.is_error);
            prop_assert!(!reply.is_error || ["insufficient", "same_customer"].contains(&reply.error.as_deref().unwrap_or("")), "{}", reply.text);
        }
        prop_assert_eq!(total(&session), before);
        prop_assert_eq!(session.log().iter().filter(|call| call.changed).count(), moved);
    }
}

#[test]
fn order_of_creation_leaves_no_trace() {
    let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
    for seed in 0..20 {
        let mut one = session(&world, seed, None);
        let delivered = one.call("list_orders", &json!({"status": "delivered"})).json();
        let orders: Vec<Json> =
            delivered["orders"].as_array().expect("orders").iter().take(3).cloned().collect();
        for order in &orders {
            let customer = one.call("get_customer", &json!({"customer_id": order["customer_id"]})).json();
            one.call("verify_customer", &json!({"customer_id": customer["id"], "phone": customer["phone"]}));
        }
        let mut two = one.clone();
        let refund = |order: &Json| json!({"order_id": order["id"], "amount": 1.5, "method": "credit"});
        let mut done = 0;
        for order in &orders {
            done += usize::from(!one.call("refund_order", &refund(order)).is_error);
        }
        for order in orders.iter().rev() {
            two.call("refund_order", &refund(order));
        }
        assert_eq!(done, 3);
        assert_eq!(one.state_hash(), two.state_hash());
        assert!(diff(world.schema(), one.state(), two.state()).is_empty());
    }
}

#[test]
fn languages_share_structure_but_not_words() {
    for world in worlds() {
        let english = world.initial_state(5, Language::En).expect("a state");
        let chinese = world.initial_state(5, Language::Zh).expect("a state");
        assert_ne!(english.hash(world.schema()), chinese.hash(world.schema()), "{}", world.name());
        let has_chinese = serde_json::to_string(&chinese.to_json(world.schema()))
            .expect("it is data")
            .chars()
            .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(has_chinese, "{}", world.name());
    }
}

#[test]
fn different_seeds_give_different_states() {
    for world in worlds() {
        let hashes: std::collections::HashSet<_> = (0..20)
            .map(|seed| world.initial_state(seed, Language::En).expect("a state").hash(world.schema()))
            .collect();
        assert_eq!(hashes.len(), 20, "{}", world.name());
    }
}

#[test]
fn every_reference_of_a_new_state_points_to_a_record() {
    use nex_world::value::Value;
    for world in worlds() {
        for seed in 0..10 {
            let state = world.initial_state(seed, Language::En).expect("a state");
            for entity in world.schema().entities() {
                for record in state.records(entity.id) {
                    for value in state.row(record).expect("it is there") {
                        let targets = match value {
                            Value::List(items) => items.to_vec(),
                            other => vec![other.clone()],
                        };
                        for target in targets.iter().filter_map(Value::as_record) {
                            assert!(
                                state.contains(target),
                                "{}: {}",
                                world.name(),
                                world.schema().id_text(record)
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_diff_says_what_changed() {
    let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
    let mut session = session(&world, 3, None);
    let before = session.state().clone();
    let order = session.call("list_orders", &json!({"status": "pending"})).json()["orders"][0].clone();
    let lines = session.call("list_lines", &json!({"order_id": order["id"]})).json();
    session.call("cancel_order", &json!({"order_id": order["id"], "reason": "too late"}));
    let changes = diff(world.schema(), &before, session.state());
    let restocked: std::collections::HashSet<_> =
        lines["lines"].as_array().expect("lines").iter().map(|line| line["product_id"].to_string()).collect();
    assert_eq!(changes.len(), 2 + restocked.len());
    assert!(changes.iter().all(|change| matches!(change, Change::Changed { .. })));
    let told: Vec<String> = changes.iter().map(|change| change.describe(world.schema())).collect();
    let id = order["id"].as_str().expect("an id");
    assert!(told.contains(&format!("{id}.status: \"pending\" → \"cancelled\"")), "{told:?}");
    assert!(told.contains(&format!("{id}.cancel_reason: null → \"too late\"")), "{told:?}");
}
