//! Loss and gradients equal PyTorch's, for a model with every option and samples that span blocks; a
//! checkpoint loads in `transformers`.
//!
//! `torch_gradients.json` is what `peers/torch_peer.py gradients` prints. Where `NEX_PEERS` has a Python with
//! PyTorch (`v/torch`, over 6 GB, which `scripts/install-peers --with-torch` makes), the tests that are
//! ignored by default compare with PyTorch itself: `cargo test -p nex-train --test torch -- --ignored`.

use nex_train::{
    CrossEntropy, Decoder, GradientEngine, Link, Model, ModelConfig, PackedRow, Piece, Policy,
    PolicyTokenizer, TensorKind, ToolBias,
};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// The model and the samples that `torch_peer.py` makes too.
fn ours() -> (f64, Vec<(String, f64, f64)>) {
    let config = ModelConfig {
        intermediate: 24,
        tied_embeddings: false,
        smeared_keys: true,
        tool_bias: ToolBias::Learned { initial: 1.0 },
        ..ModelConfig::new(2, 2, 16, 23, 256)
    };
    let mut model = Model::new(config, 1).unwrap();
    for tensor in model.layout.tensors() {
        let centre = if tensor.kind == TensorKind::Gain { 1.0 } else { 0.0 };
        for i in tensor.range.clone() {
            model.parameters[i] = (centre + 0.3 * (1.7 * i as f64).sin()) as f32;
        }
    }
    let mut row = PackedRow::default();
    let tokens = |count: u32, step: u32| (0..count).map(|i| (i * step + 3) % 23).collect::<Vec<_>>();
    row.push(&tokens(5, 7), &[false, true, true, false, true], &[]);
    let is_action: Vec<bool> = (0..170).map(|i| i % 3 != 0).collect();
    let links = [Link { call: 2..5, output: 6..9 }, Link { call: 9..12, output: 12..150 }];
    row.push(&tokens(170, 5), &is_action, &links);
    let scale = 1.0 / row.targets.len() as f32;
    let mut engine = GradientEngine::new(&model.config, 256, 1, 1, false);
    let loss = engine.compute(&model.parameters, &[row], |_| CrossEntropy { scale }).unwrap().loss;
    let gradients = model.layout.tensors().iter().map(|tensor| {
        let gradient = &engine.gradient()[tensor.range.clone()];
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let waved = gradient.iter().enumerate().map(|(i, g)| f64::from(*g) * (0.9 * i as f64).cos()).sum();
        (tensor.name.clone(), norm, waved)
    });
    (loss, gradients.collect())
}

fn check(theirs: &Value) {
    let (loss, gradients) = ours();
    let their_loss = theirs["loss"].as_f64().unwrap();
    assert!((loss - their_loss).abs() < 1e-5, "loss {loss}, PyTorch's is {their_loss}");
    assert_eq!(gradients.len(), theirs["gradients"].as_object().unwrap().len());
    for (name, norm, waved) in gradients {
        let their = |index: usize| theirs["gradients"][&name][index].as_f64().unwrap();
        let tolerance = 1e-6 + 1e-4 * their(0);
        assert!((norm - their(0)).abs() < tolerance, "{name}: norm {norm}, PyTorch's is {}", their(0));
        assert!((waved - their(1)).abs() < tolerance, "{name}: {waved}, PyTorch has {}", their(1));
    }
}

#[test]
fn gradients_equal_the_recorded_ones_of_pytorch() {
    check(&serde_json::from_str(include_str!("torch_gradients.json")).unwrap());
}

/// What `torch_peer.py` prints.
fn peer(arguments: &[&str]) -> Value {
    let peers = std::env::var_os("NEX_PEERS").map(PathBuf::from).unwrap_or_default();
    let python = peers.join("v/torch/bin/python");
    let missing = "no PyTorch in NEX_PEERS: scripts/install-peers --with-torch installs it";
    assert!(python.exists(), "{missing} ({} is not there)", python.display());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/torch_peer.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[ignore = "needs PyTorch: scripts/install-peers --with-torch"]
fn gradients_equal_pytorch() {
    check(&peer(&["gradients"]));
}

#[test]
#[ignore = "needs PyTorch: scripts/install-peers --with-torch"]
fn a_checkpoint_without_our_additions_loads_in_transformers() {
    let texts = ["find order o17", "für 您好"];
    let tokenizer = PolicyTokenizer::train(texts.into_iter().cycle().take(40), 300).unwrap();
    for tied_embeddings in [true, false] {
        let config = ModelConfig { tied_embeddings, ..ModelConfig::new(2, 2, 16, 310, 64) };
        let model = Model::new(config, 3).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy");
        Policy { model: model.clone(), tokenizer: tokenizer.clone() }.save(&path).unwrap();
        let theirs = peer(&["load", path.to_str().unwrap()]);
        assert_eq!(theirs["model"], "GPTNeoXForCausalLM");
        let tokens = tokenizer.encode("find order o17 für 您好").unwrap();
        assert_eq!(theirs["tokens"], serde_json::json!(tokens));
        let mut decoder = Decoder::new(Arc::new(model), 1, 64);
        let slot = decoder.open().unwrap();
        let logits = theirs["logits"].as_array().unwrap();
        for (at, token) in tokens.iter().enumerate() {
            let own = decoder.extend(&[Piece { slot, tokens: &[*token], answers: None }]).unwrap();
            for (own, theirs) in own.iter().zip(&logits[at * 310..]) {
                assert!((f64::from(*own) - theirs.as_f64().unwrap()).abs() < 1e-4);
            }
        }
    }
}
