use super::*;
use crate::spec::{DynamicsSpec, LatencySpec, Millis, RateLimitSpec};
use nex_tools::mcp::Era;
use nex_tools::mcp::recording::{Opened, RecordedAnswer, RecordedCall, RecordedSession, Recording};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A recording with one session of these calls: tool, arguments, sent at, latency, answer.
fn recording(calls: Vec<(&str, Value, u64, u64, RecordedAnswer)>) -> Recording {
    let opened = Opened {
        version: 1,
        session: "one".into(),
        label: "fake".into(),
        era: Era::Handshake,
        opening: json!({}),
    };
    let calls = calls.into_iter().map(|(tool, arguments, at_us, latency_us, answer)| RecordedCall {
        session: "one".into(),
        tool: tool.into(),
        arguments,
        at_us,
        latency_us,
        answer,
    });
    let session = RecordedSession { opened, tools: Vec::new(), calls: calls.collect() };
    Recording { sessions: vec![session], damaged: Vec::new() }
}

fn good(text: &str) -> RecordedAnswer {
    RecordedAnswer::Result { result: json!({"content": [{"type": "text", "text": text}]}) }
}

fn bad(text: &str) -> RecordedAnswer {
    RecordedAnswer::Result { result: json!({"content": [{"type": "text", "text": text}], "isError": true}) }
}

/// Standard normal by Box and Muller: nothing that the code under test uses.
fn gauss(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
}

#[test]
fn numbers_by_hand() {
    let rate = Rate::new(5, 50);
    // Newcombe 1998 gives 0.0435 to 0.2136 for 5 of 50.
    assert!((rate.low - 0.0435).abs() < 5e-4 && (rate.high - 0.2136).abs() < 5e-4, "{rate:?}");
    let none = Rate::new(0, 20);
    assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 5e-4, "{none:?}");
    assert_eq!((Rate::new(0, 0).low, Rate::new(0, 0).high), (0.0, 1.0));
    assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
    assert!(quantile(&[], 0.5).is_nan());
    assert_eq!(ks_distance(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0]), 0.5);
    assert_eq!(ks_distance(&[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]), 0.0);
}

/// `count` latencies in microseconds: 20 ms and 15 ms · exp(0.6 z) above it.
fn lognormal(seed: u64, count: usize) -> Vec<u64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (20_000.0 + 15_000.0 * (0.6 * gauss(&mut rng)).exp()) as u64).collect()
}

#[test]
fn a_shifted_lognormal_is_recovered() {
    let latencies = lognormal(11, 2_000);
    let fit = fit_latency(&latencies, 1).expect("many calls");
    let (typical, spread) = (fit.spec.typical.as_f64(), fit.spec.spread.expect("a spread"));
    let least = fit.spec.least.expect("a least").as_f64();
    assert!((typical - 35.0).abs() < 1.0, "{typical}");
    assert!((spread - 0.6).abs() < 0.12, "{spread}");
    assert!((least - 20.0).abs() < 3.5, "{least}");
    assert!(fit.ks < 0.03 && fit.ks_held_out.is_some_and(|ks| ks < 0.06), "{fit:?}");
    assert_eq!(fit_latency(&latencies, 1), Some(fit), "the same seed, the same numbers");
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    let (mut typical, mut spread) = (0, 0);
    for seed in 0..40 {
        let fit = fit_latency(&lognormal(seed, 200), seed).expect("many calls");
        let holds =
            |interval: (f64, f64), truth: f64| usize::from(interval.0 <= truth && truth <= interval.1);
        typical += holds(fit.typical_interval_ms, 35.0);
        spread += holds(fit.spread_interval, 0.6);
    }
    // 38 of 40 are expected.
    assert!(typical >= 33 && spread >= 33, "{typical} and {spread} of 40");
}

#[test]
fn odd_samples_give_sound_latencies() {
    assert_eq!(fit_latency(&[], 0), None);
    assert_eq!(fit_latency(&[5], 0), None);
    let samples: [&[u64]; 5] = [
        &[0, 0],
        &[7_000; 50],
        &[1, u64::from(u32::MAX) * 10],
        &[10, 9, 8, 1, 0],
        &[1_000, 1_000, 9_000_000],
    ];
    for sample in samples {
        let LatencySpec { typical, worst, spread, least } = fit_latency(sample, 0).expect("two calls").spec;
        let (spread, least) = (spread.expect("a spread"), least.expect("a least"));
        assert!(least <= typical && typical <= worst, "{sample:?}: {least:?} {typical:?} {worst:?}");
        assert!((0.01..=3.0).contains(&spread), "{sample:?}: {spread}");
    }
}

#[test]
fn errors_are_told_apart() {
    let mut calls = Vec::new();
    for at in 0..100_u64 {
        let answer = match at {
            0..3 => bad("Service temporarily unavailable"),
            3..5 => bad("Request timed out"),
            5..7 => bad("the dog ate it"),
            7 => RecordedAnswer::Lost { cause: "the session ended".into() },
            8 => RecordedAnswer::Refused { code: -32603, message: "oops".into(), data: None },
            _ => good("fine"),
        };
        calls.push(("look", json!({"a": 1, "b": 2}), at * 1_000, 900, answer));
        // The same error each time: the path is wrong, not the server.
        calls.push(("read", json!({"path": "a"}), at * 1_000 + 500, 300, bad("no such file")));
    }
    let learned = imitate(&recording(calls), &ImitateConfig::default()).expect("calls");
    let look = &learned.tools["look"];
    let hits: Vec<(&str, usize)> =
        look.errors.iter().map(|(kind, rate)| (kind.as_str(), rate.hits)).collect();
    assert_eq!(hits, [("gone", 1), ("internal", 1), ("timeout", 2), ("tool_error", 2), ("unavailable", 3)]);
    assert_eq!((look.transient.hits, look.transient.of), (9, 100));
    assert_eq!(look.dynamics.transient_fault, Some(0.09));
    let read = &learned.tools["read"];
    assert_eq!((read.deserved_errors, read.transient.of, read.latency.is_none()), (100, 0, true));
    assert_eq!(learned.whole.transient, look.transient);
    assert!(learned.notes.iter().any(|note| note.contains("`read`")), "{:?}", learned.notes);
    // Only calls that succeeded tell a latency, without the first, which was none of them here.
    assert_eq!(learned.whole.latency.as_ref().map(|latency| latency.calls), Some(91));
}

#[test]
fn replies_that_are_cut_or_swollen_are_counted() {
    let mut calls = Vec::new();
    for at in 0..40_u64 {
        let text = match at % 10 {
            0 => r#"{"items": [1], "has_more": true}"#.to_owned(),
            1 => format!(r#"{{"items": [1, 2, 3, 4], "debug": "{}"}}"#, "x".repeat(300)),
            _ => r#"{"items": [1, 2, 3, 4], "has_more": false}"#.to_owned(),
        };
        calls.push(("list", json!({}), at * 1_000, 900, good(&text)));
    }
    let learned = imitate(&recording(calls), &ImitateConfig::default()).expect("calls").whole;
    assert_eq!((learned.dynamics.truncate, learned.dynamics.verbose), (Some(0.1), Some(0.1)));
    assert_eq!(learned.dynamics.transient_fault, None, "what was not seen is not imitated");
}

#[test]
fn a_rate_limit_is_seen() {
    let mut calls = Vec::new();
    // 20 calls in a window of 10 s; the client asks on each 100 ms.
    for at in 0..150_u64 {
        let is_served = at < 20 || (100..120).contains(&at);
        let answer = if is_served { good("fine") } else { bad("429 Too Many Requests") };
        calls.push(("look", json!({}), at * 100_000, 2_000, answer));
    }
    let learned = imitate(&recording(calls), &ImitateConfig::default()).expect("calls");
    let limit = learned.rate_limit.expect("it was met");
    assert_eq!(limit.spec, RateLimitSpec { calls: 20, window_s: 10 });
    assert_eq!(limit.window_interval_s, (9.9, 10.0));
    assert_eq!(limit.refused, 110);
    assert_eq!(learned.whole.transient.hits, 0, "a rate limit is no passing fault");
    assert_eq!(learned.whole.dynamics.rate_limit, Some(limit.spec));
}

#[test]
fn nothing_is_learned_from_nothing() {
    let told =
        |calls| imitate(&recording(calls), &ImitateConfig::default()).expect_err("nothing").to_string();
    assert!(told(vec![]).contains("no calls"));
    assert!(told(vec![("a", json!({}), 0, 1, bad("bad arguments"))]).contains("--calls FILE"));
}

#[test]
fn a_world_is_given_other_dynamics_and_keeps_all_else() {
    let text = crate::builtin_world("parcel_desk").expect("built in").yaml;
    let whole = DynamicsSpec {
        latency_ms: Some(LatencySpec {
            typical: Millis::from_micros(3_250),
            worst: Millis::from_micros(90_000),
            spread: Some(0.4),
            least: Some(Millis::from_micros(2_000)),
        }),
        transient_fault: Some(0.02),
        ..DynamicsSpec::default()
    };
    let own = DynamicsSpec { transient_fault: Some(0.5), ..DynamicsSpec::default() };
    let operations = BTreeMap::from([("list_orders".to_owned(), own)]);
    let patched = patch_world(text, "w.yaml", &whole, &operations).expect("it is laid out plainly");
    assert!(
        patched.contains("  latency_ms: {typical: 3.25, worst: 90, spread: 0.4, least: 2}\n"),
        "{patched}"
    );
    let rest = |text: &str| -> Vec<String> {
        let is_other = |line: &&str| !line.contains("latency_ms") && !line.contains("transient_fault");
        text.lines()
            .filter(is_other)
            .filter(|line| !line.trim().starts_with("dynamics:"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(rest(text), rest(&patched));
    assert_eq!(patch_world(&patched, "w.yaml", &whole, &operations).expect("again"), patched);
    let unknown = BTreeMap::from([("nowhere".to_owned(), DynamicsSpec::default())]);
    assert!(matches!(patch_world(text, "w.yaml", &whole, &unknown), Err(PatchError::UnknownOperation(_))));
    // Everything on one line cannot be patched, and is said so.
    let value: Value = serde_saphyr::from_str(text).expect("YAML");
    assert!(matches!(
        patch_world(&value.to_string(), "w.yaml", &whole, &operations),
        Err(PatchError::Layout { .. })
    ));
}
