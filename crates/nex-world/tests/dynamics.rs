//! How often the world behaves badly, and what it then does.

use nex_world::{
    DynamicsSpec, Fault, LatencySpec, RateLimitSpec, SessionOptions, WorldSession, builtin_world,
};
use serde_json::json;
use std::sync::Arc;

fn session(seed: u64, dynamics: DynamicsSpec) -> WorldSession {
    let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
    let options = SessionOptions { dynamics, ..SessionOptions::default() };
    WorldSession::new(Arc::clone(&world), seed, options).expect("a state")
}

/// Calls of `list_orders` in many sessions that show `fault`, out of 4,000.
fn share(dynamics: &DynamicsSpec, fault: Fault) -> f64 {
    const SESSIONS: u64 = 40;
    const CALLS: usize = 100;
    let mut hits = 0;
    for seed in 0..SESSIONS {
        let mut session = session(seed, dynamics.clone());
        for _ in 0..CALLS {
            hits += usize::from(session.call("list_orders", &json!({})).faults.contains(&fault));
        }
    }
    hits as f64 / (SESSIONS as f64 * CALLS as f64)
}

/// Within four standard errors of the chance asked for.
fn assert_near(found: f64, wanted: f64, draws: f64) {
    let error = (wanted * (1.0 - wanted) / draws).sqrt();
    assert!((found - wanted).abs() < 4.0 * error, "{found} for {wanted}");
}

#[test]
fn faults_come_as_often_as_asked() {
    let off = DynamicsSpec::default;
    assert_near(share(&DynamicsSpec { transient_fault: Some(0.1), ..off() }, Fault::Transient), 0.1, 4_000.0);
    assert_near(share(&DynamicsSpec { truncate: Some(0.25), ..off() }, Fault::Truncated), 0.25, 4_000.0);
    assert_near(share(&DynamicsSpec { verbose: Some(0.5), ..off() }, Fault::Verbose), 0.5, 4_000.0);
    // Drawn once a session: 40 sessions.
    assert_near(share(&DynamicsSpec { outage: Some(0.5), ..off() }, Fault::Outage), 0.5, 40.0);
    assert_eq!(share(&off(), Fault::Transient), 0.0);
}

#[test]
fn latency_has_its_median_and_its_worst() {
    let latency_ms = Some(LatencySpec::new(200, 1_500));
    let mut session = session(3, DynamicsSpec { latency_ms, ..DynamicsSpec::default() });
    let mut all: Vec<u32> = (0..4_000).map(|_| session.call("list_orders", &json!({})).latency_ms).collect();
    assert_eq!(session.clock_ms(), all.iter().map(|ms| u64::from(*ms)).sum::<u64>());
    all.sort_unstable();
    assert!((185..=215).contains(&all[2_000]), "{}", all[2_000]);
    // exp(±0.5) around the median holds the middle 68 %.
    assert!((115..=130).contains(&all[4_000 * 16 / 100]), "{}", all[640]);
    assert!((310..=350).contains(&all[4_000 * 84 / 100]), "{}", all[3_360]);
    assert!(all[3_999] <= 1_500 && all[3_999] > 1_200, "{}", all[3_999]);
}

#[test]
fn a_shaped_latency_has_its_least_its_median_and_its_spread() {
    let latency_ms: LatencySpec =
        serde_json::from_value(json!({"typical": 130.25, "worst": 900, "spread": 0.8, "least": 100}))
            .expect("a latency");
    let mut session = session(3, DynamicsSpec { latency_ms: Some(latency_ms), ..DynamicsSpec::default() });
    let mut all: Vec<u32> = (0..4_000).map(|_| session.call("list_orders", &json!({})).latency_ms).collect();
    all.sort_unstable();
    // Above 100 ms it is log-normal: 30.25 · exp(0.8 z), so 68 % lie between 13.6 and 67.3.
    assert!(all[0] >= 100, "{}", all[0]);
    assert!((129..=132).contains(&all[2_000]), "{}", all[2_000]);
    assert!((112..=115).contains(&all[4_000 * 16 / 100]), "{}", all[640]);
    assert!((163..=172).contains(&all[4_000 * 84 / 100]), "{}", all[3_360]);
    let text = serde_json::to_string(&latency_ms).expect("JSON");
    assert_eq!(text, r#"{"typical":130.25,"worst":900,"spread":0.8,"least":100}"#);
}

#[test]
fn switching_one_fault_on_leaves_the_others_where_they_were() {
    let faults = |dynamics: DynamicsSpec| -> Vec<bool> {
        let mut session = session(9, dynamics);
        (0..200).map(|_| session.call("list_orders", &json!({})).faults.contains(&Fault::Verbose)).collect()
    };
    let alone = faults(DynamicsSpec { verbose: Some(0.3), ..DynamicsSpec::default() });
    let together =
        faults(DynamicsSpec { verbose: Some(0.3), truncate: Some(0.5), ..DynamicsSpec::default() });
    assert_eq!(alone, together);
    assert!(alone.contains(&true));
}

#[test]
fn a_transient_fault_changes_nothing_and_a_retry_succeeds() {
    let dynamics = DynamicsSpec { transient_fault: Some(0.5), ..DynamicsSpec::default() };
    let mut retried = 0;
    for seed in 0..30 {
        let mut session = session(seed, dynamics.clone());
        let order = loop {
            let reply = session.call("list_orders", &json!({"status": "pending"}));
            if !reply.is_error {
                break reply.json()["orders"][0]["id"].clone();
            }
        };
        let before = session.state_hash();
        loop {
            let reply = session.call("add_note", &json!({"order_id": order, "text": "rang twice"}));
            if reply.is_error {
                assert_eq!(reply.error.as_deref(), Some("unavailable"));
                assert_eq!(session.state_hash(), before);
                retried += 1;
            } else {
                assert_eq!(reply.json()["notes"], json!(["rang twice"]));
                break;
            }
        }
    }
    assert!(retried > 5);
}

#[test]
fn a_rate_limit_opens_again() {
    let dynamics = DynamicsSpec {
        latency_ms: Some(LatencySpec::new(10, 20)),
        rate_limit: Some(RateLimitSpec { calls: 3, window_s: 60 }),
        ..DynamicsSpec::default()
    };
    let mut session = session(1, dynamics);
    let served: Vec<bool> = (0..8).map(|_| !session.call("list_orders", &json!({})).is_error).collect();
    // Waiting is virtual: the refused caller comes back when the oldest call has left the window,
    // a few milliseconds before the next two do.
    assert_eq!(served, [true, true, true, false, true, true, true, false]);
    assert!(session.clock_ms() >= 120_000);
}

#[test]
fn a_truncated_list_is_read_to_its_end_by_its_cursors() {
    let mut whole = session(4, DynamicsSpec::default());
    let all = whole.call("list_orders", &json!({"status": "delivered"})).json();
    let mut short = session(4, DynamicsSpec { truncate: Some(0.6), ..DynamicsSpec::default() });
    let (mut read, mut cursor, mut truncated) = (Vec::new(), json!(null), 0);
    loop {
        let reply = short.call("list_orders", &json!({"status": "delivered", "cursor": cursor}));
        truncated += usize::from(reply.faults.contains(&Fault::Truncated));
        let page = reply.json();
        assert_eq!(page["total"], all["total"]);
        read.extend(page["orders"].as_array().expect("orders").clone());
        if page["has_more"] == json!(false) {
            break;
        }
        cursor = page["next_cursor"].clone();
    }
    assert!(truncated > 1);
    assert_eq!(read.len() as u64, all["total"].as_u64().expect("a number"));
    assert_eq!(&read[..20], &all["orders"].as_array().expect("orders")[..20]);
}

#[test]
fn a_stale_read_shows_the_state_before_the_last_write() {
    let mut session = session(2, DynamicsSpec { stale_read: Some(1.0), ..DynamicsSpec::default() });
    let order = session.call("list_orders", &json!({"status": "pending"}));
    assert!(!order.faults.contains(&Fault::StaleRead), "nothing was written yet");
    let id = order.json()["orders"][0]["id"].clone();
    let written = session.call("add_note", &json!({"order_id": id, "text": "first"}));
    assert_eq!(written.json()["notes"], json!(["first"]), "a write sees itself");
    let read = session.call("get_order", &json!({"order_id": id}));
    assert_eq!((read.json()["notes"].clone(), read.faults), (json!([]), vec![Fault::StaleRead]));
    session.call("add_note", &json!({"order_id": id, "text": "second"}));
    assert_eq!(session.call("get_order", &json!({"order_id": id})).json()["notes"], json!(["first"]));
}

#[test]
fn calm_is_calm() {
    let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it is sound");
    let dynamics = DynamicsSpec { transient_fault: Some(1.0), outage: Some(1.0), ..DynamicsSpec::default() };
    let options = SessionOptions { calm: true, dynamics, ..SessionOptions::default() };
    let mut session = WorldSession::new(world, 1, options).expect("a state");
    let reply = session.call("list_orders", &json!({}));
    assert!(!reply.is_error && reply.faults.is_empty() && reply.latency_ms == 0);
}
