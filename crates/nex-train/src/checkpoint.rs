//! Checkpoints: a folder in Hugging Face's layout that is either whole or not there.
//!
//! ```text
//! step-00000120/
//!   config.json          architecture, shape, and our own config under "nex"
//!   model.safetensors    the parameters
//!   tokenizer.json
//!   optimizer.safetensors, trainer.json    what a run needs to go on; absent in an exported model
//!   checkpoint.json      BLAKE3 of each file above
//! ```
//!
//! It is written beside its place, synced, and renamed into it. A reader checks every sum, so a file
//! that a failing disk tore is refused by name. A model without smeared keys and tool bias is an
//! ordinary GPT-NeoX and loads in `transformers`; others name an architecture that does not exist there.

use crate::{Layout, Model, ModelConfig, Optimizer, PolicyTokenizer, ToolBias, TrainError};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const SUMS: &str = "checkpoint.json";
const CONFIG: &str = "config.json";
const MODEL: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const OPTIMIZER: &str = "optimizer.safetensors";
const TRAINER: &str = "trainer.json";
/// Version of the layout; a reader refuses a newer one.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Sums {
    version: u32,
    blake3: BTreeMap<String, String>,
}

/// A policy as it is used: model and tokenizer.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The model.
    pub model: Model,
    /// Its tokenizer.
    pub tokenizer: PolicyTokenizer,
}

/// What a training run needs besides the policy in order to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Steps made.
    pub step: u64,
    /// Tells runs with other options or data apart: such a checkpoint is not gone on from.
    pub run: String,
}

impl Policy {
    /// Reads a checkpoint's policy.
    ///
    /// # Errors
    /// It is not there, not whole, or not a policy of ours.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let folder = Folder::open(path.as_ref())?;
        let config = folder.config()?;
        let tokenizer = PolicyTokenizer::from_json(folder.text(TOKENIZER)?)?;
        if tokenizer.vocabulary() > config.vocabulary {
            return Err(folder.mismatch(format!(
                "its tokenizer has {} tokens, its model {}",
                tokenizer.vocabulary(),
                config.vocabulary
            )));
        }
        let layout = Layout::new(&config);
        let mut parameters = vec![0.0; layout.parameter_count()];
        folder.tensors(MODEL, &layout, "", &mut parameters)?;
        Ok(Self { model: Model { config, layout, parameters }, tokenizer })
    }

    /// Writes the policy alone, for others to load.
    ///
    /// # Errors
    /// `path` exists already, or cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TrainError> {
        write_folder(path.as_ref(), policy_files(&self.model, &self.tokenizer, path.as_ref())?)
    }
}

/// Writes model, tokenizer and all that a run needs to go on.
pub(crate) fn save_training(
    path: &Path,
    model: &Model,
    tokenizer: &PolicyTokenizer,
    optimizer: &Optimizer,
    state: &TrainerState,
) -> Result<(), TrainError> {
    let mut files = policy_files(model, tokenizer, path)?;
    let first = views(&model.layout, "first.", &optimizer.first);
    let second = views(&model.layout, "second.", &optimizer.second);
    files.push((OPTIMIZER, tensor_file(first.chain(second), path)?));
    files.push((TRAINER, pretty(state)));
    write_folder(path, files)
}

/// Reads back what [`save_training`] wrote for a model of this shape, tokenizer and run.
pub(crate) fn load_training(
    path: &Path,
    model: &mut Model,
    tokenizer: &PolicyTokenizer,
    optimizer: &mut Optimizer,
    run: &str,
) -> Result<TrainerState, TrainError> {
    let folder = Folder::open(path)?;
    let config = folder.config()?;
    if config != model.config {
        let differs =
            |name: &str, a: Value, b: Value| (a != b).then(|| format!("`{name}` is {a} there, {b} here"));
        let (theirs, ours) = (json!(config), json!(model.config));
        let fields = ours.as_object().into_iter().flatten();
        let told: Vec<String> =
            fields.filter_map(|(name, value)| differs(name, theirs[name].clone(), value.clone())).collect();
        return Err(folder.mismatch(format!("another architecture: {}", told.join(", "))));
    }
    if PolicyTokenizer::from_json(folder.text(TOKENIZER)?)?.fingerprint() != tokenizer.fingerprint() {
        return Err(folder.mismatch("it was trained with another tokenizer".to_owned()));
    }
    let state: TrainerState = serde_json::from_str(&folder.text(TRAINER)?)
        .map_err(|error| folder.damaged(TRAINER, error.to_string()))?;
    if state.run != run {
        let reason =
            "it is of a run with other options, data or seed; start anew in another folder".to_owned();
        return Err(folder.mismatch(reason));
    }
    folder.tensors(MODEL, &model.layout, "", &mut model.parameters)?;
    folder.tensors(OPTIMIZER, &model.layout, "first.", &mut optimizer.first)?;
    folder.tensors(OPTIMIZER, &model.layout, "second.", &mut optimizer.second)?;
    optimizer.steps = state.step;
    Ok(state)
}

/// The checkpoints in `dir`, by step.
pub(crate) fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, TrainError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(TrainError::io("list", dir))? {
        let path = entry.map_err(TrainError::io("list", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if let Some(step) = name.strip_prefix("step-").and_then(|step| step.parse().ok()) {
            found.push((step, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The name of the checkpoint after `step` steps.
pub(crate) fn name(step: u64) -> String {
    format!("step-{step:08}")
}

/// The files of a policy, in the order in which they are written.
fn policy_files(
    model: &Model,
    tokenizer: &PolicyTokenizer,
    path: &Path,
) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
    let config = &model.config;
    let zeros = vec![0.0; config.hidden.max(config.intermediate)];
    let mut tensors: Vec<(String, TensorView<'_>)> = views(&model.layout, "", &model.parameters).collect();
    if is_neox(config) {
        // GPT-NeoX's MLP has biases, ours has none: zeros.
        for layer in 0..config.layers {
            for (name, length) in [("dense_h_to_4h", config.intermediate), ("dense_4h_to_h", config.hidden)] {
                let name = format!("gpt_neox.layers.{layer}.mlp.{name}.bias");
                tensors.push((name, view(&zeros[..length], vec![length])));
            }
        }
    }
    Ok(vec![
        (CONFIG, pretty(&hugging_face_config(config))),
        (MODEL, tensor_file(tensors.into_iter(), path)?),
        (TOKENIZER, tokenizer.json().as_bytes().to_vec()),
    ])
}

/// Whether GPT-NeoX computes the same.
fn is_neox(config: &ModelConfig) -> bool {
    !config.smeared_keys && config.tool_bias == ToolBias::Off
}

fn hugging_face_config(config: &ModelConfig) -> Value {
    let (architecture, kind) = if is_neox(config) {
        ("GPTNeoXForCausalLM", "gpt_neox")
    } else {
        ("NexPolicyForCausalLM", "nex_policy")
    };
    json!({
        "architectures": [architecture],
        "model_type": kind,
        "hidden_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.intermediate,
        "vocab_size": config.vocabulary,
        "max_position_embeddings": config.context,
        "hidden_act": "gelu_pytorch_tanh",
        "rotary_pct": 1.0,
        "rotary_emb_base": config.rope_base,
        "rope_theta": config.rope_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_base, "partial_rotary_factor": 1.0},
        "layer_norm_eps": config.norm_epsilon,
        "use_parallel_residual": false,
        "attention_bias": false,
        "attention_dropout": 0.0,
        "hidden_dropout": 0.0,
        "tie_word_embeddings": config.tied_embeddings,
        "torch_dtype": "float32",
        "bos_token_id": null,
        "eos_token_id": crate::Mark::End.id(),
        "pad_token_id": crate::Mark::Pad.id(),
        "nex": config,
    })
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(value).unwrap_or_else(|error| unreachable!("plain data: {error}"));
    bytes.push(b'\n');
    bytes
}

fn view(numbers: &[f32], shape: Vec<usize>) -> TensorView<'_> {
    TensorView::new(Dtype::F32, shape, bytemuck::cast_slice(numbers))
        .unwrap_or_else(|error| unreachable!("shape and length agree: {error}"))
}

fn views<'a>(
    layout: &'a Layout,
    prefix: &'a str,
    numbers: &'a [f32],
) -> impl Iterator<Item = (String, TensorView<'a>)> {
    layout.tensors().iter().map(move |tensor| {
        (format!("{prefix}{}", tensor.name), view(&numbers[tensor.range.clone()], tensor.shape.clone()))
    })
}

fn tensor_file<'a>(
    tensors: impl Iterator<Item = (String, TensorView<'a>)>,
    path: &Path,
) -> Result<Vec<u8>, TrainError> {
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    safetensors::serialize(tensors, Some(metadata)).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        TrainError::Io { action: "write", path: path.to_owned(), source }
    })
}

/// Writes `files` and their sums to a folder beside `path`, then renames it.
fn write_folder(path: &Path, files: Vec<(&'static str, Vec<u8>)>) -> Result<(), TrainError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("checkpoint");
    let partial = parent.join(format!(".{name}.partial"));
    if partial.exists() {
        // What a process that was killed left behind.
        fs::remove_dir_all(&partial).map_err(TrainError::io("remove", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(TrainError::io("create", &partial))?;
    let sums = Sums {
        version: VERSION,
        blake3: files.iter().map(|(name, bytes)| ((*name).to_owned(), hash(bytes))).collect(),
    };
    let sums = (SUMS, pretty(&sums));
    for (name, bytes) in files.iter().chain([&sums]) {
        let file = partial.join(name);
        let write = || {
            let mut open = File::create(&file)?;
            open.write_all(bytes)?;
            open.sync_all()
        };
        write().map_err(TrainError::io("write", &file))?;
    }
    fs::rename(&partial, path).map_err(TrainError::io("rename to", path))?;
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(TrainError::io("sync", parent))
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A checkpoint that is open for reading.
struct Folder {
    path: PathBuf,
    sums: Sums,
}

impl Folder {
    fn open(path: &Path) -> Result<Self, TrainError> {
        let file = path.join(SUMS);
        let text = fs::read(&file).map_err(TrainError::io("read", &file))?;
        let sums: Sums = serde_json::from_slice(&text).map_err(|error| TrainError::Damaged {
            path: path.to_owned(),
            reason: format!("{SUMS}: {error}"),
        })?;
        let folder = Self { path: path.to_owned(), sums };
        if folder.sums.version > VERSION {
            let reason = format!("its version is {}, this program knows {VERSION}", folder.sums.version);
            return Err(folder.mismatch(reason));
        }
        Ok(folder)
    }

    fn damaged(&self, file: &str, reason: impl std::fmt::Display) -> TrainError {
        TrainError::Damaged { path: self.path.clone(), reason: format!("{file}: {reason}") }
    }

    fn mismatch(&self, reason: String) -> TrainError {
        TrainError::Mismatch { path: self.path.clone(), reason }
    }

    /// The bytes of a file, checked.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let Some(sum) = self.sums.blake3.get(name) else {
            return Err(self.damaged(name, "the file is not part of it"));
        };
        let file = self.path.join(name);
        let bytes = fs::read(&file).map_err(TrainError::io("read", &file))?;
        if hash(&bytes) != *sum {
            return Err(self.damaged(name, "its checksum is not the one that was written"));
        }
        Ok(bytes)
    }

    fn text(&self, name: &str) -> Result<String, TrainError> {
        String::from_utf8(self.bytes(name)?).map_err(|error| self.damaged(name, error))
    }

    fn config(&self) -> Result<ModelConfig, TrainError> {
        let config: Value =
            serde_json::from_slice(&self.bytes(CONFIG)?).map_err(|error| self.damaged(CONFIG, error))?;
        let config: ModelConfig = serde_json::from_value(config["nex"].clone())
            .map_err(|error| self.mismatch(format!("{CONFIG} has no config of ours under `nex`: {error}")))?;
        config.validate()?;
        Ok(config)
    }

    /// Reads the tensors of `layout`, named with `prefix`, into `numbers`.
    fn tensors(
        &self,
        name: &str,
        layout: &Layout,
        prefix: &str,
        numbers: &mut [f32],
    ) -> Result<(), TrainError> {
        let bytes = self.bytes(name)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| self.damaged(name, error))?;
        for spec in layout.tensors() {
            let full = format!("{prefix}{}", spec.name);
            let tensor = tensors
                .tensor(&full)
                .map_err(|error| self.mismatch(format!("{name} has no tensor {full}: {error}")))?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != spec.shape {
                return Err(self.mismatch(format!(
                    "{full} is {:?} {:?}, and should be F32 {:?}",
                    tensor.dtype(),
                    tensor.shape(),
                    spec.shape
                )));
            }
            let own = &mut numbers[spec.range.clone()];
            for (number, bytes) in own.iter_mut().zip(tensor.data().as_chunks::<4>().0) {
                *number = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
