//! Operations a second of one session on one core, replies built as JSON, dynamics on.
//!
//! `cargo bench -p nex-world --bench steps`. The mix is what an agent does: look up, read, list,
//! compute, write, and be refused.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nex_world::{SessionOptions, WorldSession, builtin_world};
use serde_json::{Value, json};
use std::hint::black_box;

fn mix(session: &mut WorldSession) -> Vec<(&'static str, Value)> {
    let orders = session.call("list_orders", &json!({"status": "pending"})).json();
    let order = orders["orders"][0].clone();
    let customer = session.call("get_customer", &json!({"customer_id": order["customer_id"]})).json();
    let (order_id, customer_id) = (&order["id"], &customer["id"]);
    vec![
        ("find_customer", json!({"email": customer["email"]})),
        ("get_customer", json!({"customer_id": customer_id})),
        ("list_orders", json!({"customer_id": customer_id})),
        ("get_order", json!({"order_id": order_id})),
        ("list_lines", json!({"order_id": order_id})),
        ("find_order", json!({"number": order["number"]})),
        ("verify_customer", json!({"customer_id": customer_id, "phone": customer["phone"]})),
        ("change_address", json!({"order_id": order_id, "address": "1 Mill Lane, Graz"})),
        ("change_address", json!({"order_id": order_id, "address": "2 Mill Lane, Graz"})),
        ("refund_order", json!({"order_id": order_id, "amount": 5, "method": "card"})),
        ("get_order", json!({"order_id": "ORD-000000"})),
        ("customer_spending", json!({"customer_id": customer_id})),
    ]
}

fn steps(criterion: &mut Criterion) {
    let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
    let mut session = WorldSession::new(world.clone(), 1, SessionOptions::default()).expect("a state");
    let calls = mix(&mut session);
    let fresh = session.snapshot();
    let mut group = criterion.benchmark_group("steps");
    group.throughput(Throughput::Elements(calls.len() as u64));
    group.bench_function("mix", |bencher| {
        let mut rounds = 0;
        bencher.iter(|| {
            // An episode is short; a session that never ends would measure its log.
            rounds += 1;
            if rounds % 4 == 0 {
                session.restore(&fresh);
            }
            for (operation, arguments) in &calls {
                black_box(session.call(operation, arguments));
            }
        });
    });
    for (operation, arguments) in &calls[..7] {
        group.throughput(Throughput::Elements(1));
        group.bench_function(*operation, |bencher| {
            let mut rounds = 0;
            bencher.iter(|| {
                rounds += 1;
                if rounds % 50 == 0 {
                    session.restore(&fresh);
                }
                black_box(session.call(operation, arguments))
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("session");
    let state = session.state().clone();
    group.bench_function("start", |bencher| {
        bencher.iter(|| {
            let options = SessionOptions { state: Some(state.clone()), ..SessionOptions::default() };
            WorldSession::new(world.clone(), 1, options).expect("a state")
        });
    });
    group.bench_function("generate_state", |bencher| {
        // A seed of its own each time, since the last states are remembered.
        let mut seed = 0;
        bencher.iter(|| {
            seed += 1;
            world.initial_state(seed, nex_world::Language::En).expect("a state")
        });
    });
    group.bench_function("snapshot_write_hash", |bencher| {
        bencher.iter(|| {
            let snapshot = session.snapshot();
            session.call("change_address", &calls[7].1);
            session.call("change_address", &calls[8].1);
            let hash = session.state_hash();
            session.restore(&snapshot);
            hash
        });
    });
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
