use super::*;
use crate::{Link, Policy};

fn tokenizer() -> PolicyTokenizer {
    PolicyTokenizer::train(["abc"].into_iter().cycle().take(9), 270).unwrap()
}

/// Eight samples: a question of two tokens, and an answer that repeats them in turn.
fn samples() -> Vec<EncodedSample> {
    (0..8_u32)
        .map(|i| {
            let (a, b) = (10 + i, 10 + (i * 3 + 1) % 8);
            let tokens: Vec<u32> = [2, a, b, 4, a, b, a, b, a, 8].to_vec();
            EncodedSample {
                id: format!("s{i}"),
                is_action: (0..tokens.len()).map(|at| at >= 3).collect(),
                links: vec![Link { call: 1..2, output: 2..4 }],
                tokens,
                ..EncodedSample::default()
            }
        })
        .collect()
}

fn options() -> SftOptions {
    let model = ModelConfig { smeared_keys: true, ..ModelConfig::new(2, 2, 32, 270, 32) };
    let optimizer = OptimizerConfig { learning_rate: 3e-3, ..OptimizerConfig::from_scratch() };
    SftOptions {
        optimizer,
        stages: vec![Stage { context: 0.5, share: 0.6 }, Stage { context: 1.0, share: 0.4 }],
        checkpoint_every: 7,
        shards: 2,
        ..SftOptions::from_scratch(model, 40, 96)
    }
}

fn go_on(_: &StepMetrics) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn curve(dir: &Path) -> Vec<StepMetrics> {
    let text = fs::read_to_string(dir.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_loss_falls_on_eight_samples() {
    let options = SftOptions { steps: 100, ..options() };
    let dir = tempfile::tempdir().unwrap();
    let report = train_sft(dir.path(), &options, &samples(), &tokenizer(), None, &mut go_on).unwrap();
    let curve = curve(dir.path());
    let (first, last) = (&curve[0], curve.last().unwrap());
    assert!(first.loss > 5.0 && last.loss < 0.3, "{} → {}", first.loss, last.loss);
    assert_eq!((curve.len(), last.step, last.stage, report.last.as_ref()), (100, 100, 1, Some(last)));
    let policy = Policy::load(&report.checkpoint).unwrap();
    assert_eq!(policy.model.parameters, report.model.parameters);
}

#[test]
fn a_run_stopped_anywhere_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let expected = train_sft(whole.path(), &options(), &samples(), &tokenizer(), None, &mut go_on).unwrap();
    let file = |path: &Path| fs::read(path.join("optimizer.safetensors")).unwrap();
    for stop in [1, 7, 24, 39] {
        let dir = tempfile::tempdir().unwrap();
        // Killed after `stop` steps: what came after the last regular checkpoint is lost.
        let killed = std::panic::catch_unwind(|| {
            train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut |metrics| {
                assert!(metrics.step < stop, "killed");
                ControlFlow::Continue(())
            })
        });
        assert!(killed.is_err());
        let report = train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut go_on).unwrap();
        assert_eq!(report.resumed_from.is_some(), stop > 7, "stopped at {stop}");
        assert_eq!(report.model.parameters, expected.model.parameters, "stopped at {stop}");
        assert_eq!(file(&report.checkpoint), file(&expected.checkpoint));
        assert_eq!(curve(dir.path()), curve(whole.path()));
    }
}

#[test]
fn a_run_told_to_stop_keeps_that_step_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let report = train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut |metrics| {
        if metrics.step == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(report.unwrap().checkpoint.ends_with("step-00000010"));
    let report = train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut go_on).unwrap();
    assert!(report.resumed_from.unwrap().ends_with("step-00000010"));
    // Done: nothing is left to do.
    let report = train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut go_on).unwrap();
    assert_eq!((report.last, report.resumed_from), (None, Some(report.checkpoint)));
    // Only the newest are kept.
    assert_eq!(checkpoint::list(&dir.path().join("checkpoints")).unwrap().len(), 2);
}

#[test]
fn a_torn_checkpoint_is_passed_over_and_another_runs_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let expected = train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut go_on).unwrap();
    let model = expected.checkpoint.join("model.safetensors");
    let bytes = fs::read(&model).unwrap();
    fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    let report = train_sft(dir.path(), &options(), &samples(), &tokenizer(), None, &mut go_on).unwrap();
    assert!(report.skipped[0].contains("is damaged: model.safetensors"), "{:?}", report.skipped);
    assert!(report.resumed_from.unwrap().ends_with("step-00000035"));
    assert_eq!(report.model.parameters, expected.model.parameters);
    let other = SftOptions { seed: 1, ..options() };
    let fault = train_sft(dir.path(), &other, &samples(), &tokenizer(), None, &mut go_on).unwrap_err();
    assert!(matches!(fault, TrainError::Mismatch { .. }), "{fault}");
}

#[test]
fn a_loss_that_is_no_number_stops_with_the_last_good_state() {
    let dir = tempfile::tempdir().unwrap();
    let mut start = Model::new(options().model, 0).unwrap();
    let gain = start.layout.final_gain.start;
    start.parameters[gain] = f32::NAN;
    let fault = train_sft(dir.path(), &options(), &samples(), &tokenizer(), Some(&start), &mut go_on);
    let TrainError::NotFinite { step: 1, what: "loss", kept: Some(kept) } = fault.unwrap_err() else {
        panic!("another fault")
    };
    assert!(Policy::load(kept).is_ok());
    // A rate that drives the parameters to infinity is noticed too, some steps on.
    let dir = tempfile::tempdir().unwrap();
    let wild = OptimizerConfig { learning_rate: 1e30, muon: None, ..OptimizerConfig::default() };
    let wild = SftOptions { optimizer: wild, ..options() };
    let fault = train_sft(dir.path(), &wild, &samples(), &tokenizer(), None, &mut go_on).unwrap_err();
    let TrainError::NotFinite { step: 2.., kept: Some(kept), .. } = fault else { panic!("{fault}") };
    assert!(Policy::load(kept).unwrap().model.parameters.iter().all(|number| number.is_finite()));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let told = |options: SftOptions, samples: &[EncodedSample]| {
        train_sft(dir.path(), &options, samples, &tokenizer(), None, &mut go_on).unwrap_err().to_string()
    };
    assert_eq!(
        told(SftOptions { steps: 0, ..options() }, &samples()),
        "training option `steps`: it is 0 and must be at least 1"
    );
    let silent: Vec<EncodedSample> = samples()
        .into_iter()
        .map(|s| EncodedSample { is_action: vec![false; s.tokens.len()], ..s })
        .collect();
    assert_eq!(told(options(), &silent), "no action tokens to train on: 8 samples without any");
    let narrow = ModelConfig { vocabulary: 20, ..options().model };
    assert_eq!(
        told(SftOptions { model: narrow, ..options() }, &samples()),
        "training option `model.vocabulary`: it is 20, the tokenizer has 267"
    );
}
