use super::*;
use crate::OptimizerConfig;

fn tokenizer(text: &str) -> PolicyTokenizer {
    PolicyTokenizer::train([text].into_iter().cycle().take(9), 270).unwrap()
}

fn config() -> ModelConfig {
    ModelConfig { smeared_keys: true, ..ModelConfig::new(1, 2, 8, 280, 32) }
}

fn state() -> TrainerState {
    TrainerState { step: 3, run: "r".to_owned() }
}

#[test]
fn what_was_saved_is_read_back_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("step-00000003");
    let model = Model::new(config(), 1).unwrap();
    let mut optimizer = Optimizer::new(OptimizerConfig::default(), &model.layout, 1);
    optimizer.first.fill(0.25);
    let tokenizer = tokenizer("abc");
    save_training(&path, &model, &tokenizer, &optimizer, &state()).unwrap();
    let mut other = Model::new(config(), 2).unwrap();
    let mut restored = Optimizer::new(OptimizerConfig::default(), &model.layout, 1);
    let read = load_training(&path, &mut other, &tokenizer, &mut restored, "r").unwrap();
    assert_eq!((read, &other.parameters), (state(), &model.parameters));
    assert_eq!((&restored.first, restored.steps), (&optimizer.first, 3));
    let policy = Policy::load(&path).unwrap();
    assert_eq!(policy.model.parameters, model.parameters);
    assert_eq!(policy.tokenizer.json(), tokenizer.json());
    assert_eq!(list(dir.path()).unwrap(), [(3, path)]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("step-00000003");
    let model = Model::new(config(), 1).unwrap();
    let mut optimizer = Optimizer::new(OptimizerConfig::default(), &model.layout, 1);
    save_training(&path, &model, &tokenizer("abc"), &optimizer, &state()).unwrap();
    let mut told = |config: ModelConfig, text: &str, run: &str| {
        let mut model = Model::new(config, 1).unwrap();
        let fault = load_training(&path, &mut model, &tokenizer(text), &mut optimizer, run);
        fault.unwrap_err().to_string().replace(&path.display().to_string(), "PATH")
    };
    let wide = ModelConfig { heads: 4, ..config() };
    assert_eq!(
        told(wide, "abc", "r"),
        "checkpoint PATH does not fit: another architecture: `heads` is 2 there, 4 here"
    );
    assert!(told(config(), "xyz", "r").ends_with("it was trained with another tokenizer"));
    assert!(told(config(), "abc", "q").contains("a run with other options, data or seed"));
    // One byte of the parameters.
    let file = path.join(MODEL);
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    let fault = told(config(), "abc", "r");
    assert!(fault.starts_with("checkpoint PATH is damaged: model.safetensors: its checksum"), "{fault}");
    fs::remove_file(path.join(SUMS)).unwrap();
    assert!(Policy::load(&path).unwrap_err().to_string().starts_with("cannot read"));
}
