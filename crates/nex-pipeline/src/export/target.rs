//! The targets by name, and what each is.

use super::branch::Branch;
use super::prepared::Prepared;
use super::token_source::TokenSource;
use super::{
    atif, atropos, episodes, llama_factory, ms_swift, nexrl, openai, rl_prompt, text, trl, trl_tokens,
    verifiers, verl_sft,
};
use crate::recipe::{Keep, unknown_name};
use arrow_schema::SchemaRef;
use nex_trajectory::{Episode, Outcome};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// What one may choose besides the target's name.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// The `tokenizer.json` with which targets of token ids make them; the record's ids without it.
    pub tokenizer: Option<PathBuf>,
    /// The text format that is tokenised then; `hermes` where none is named.
    pub text_format: Option<String>,
    /// Where the text is cut before it is tokenised; not at all where nothing is said.
    pub token_split: Option<TokenSplit>,
    /// `atif` only: a folder with one file a trajectory, in place of one line each.
    pub file_each: bool,
}

/// Where a text is cut before it is tokenised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenSplit {
    /// Nowhere, as most trainers do; a token that reaches over the edge of a reply is not trained on.
    #[default]
    Whole,
    /// Where trained and other text meet, as with a model that samples: replies are covered exactly.
    Boundaries,
}

impl ExportOptions {
    /// # Errors
    /// An option has no effect on the target called `name`.
    fn check(&self, name: &str) -> Result<(), String> {
        if self.file_each && name != "atif" {
            return Err(format!("one file a trajectory is for `atif`; `{name}` is one file"));
        }
        let is_for_text = self.text_format.is_some() || self.token_split.is_some();
        if (self.tokenizer.is_some() || is_for_text) && !TAKES_TOKENS.contains(&name) {
            return Err(format!(
                "`{name}` holds no token ids: it takes neither a tokenizer nor a format for one"
            ));
        }
        if is_for_text && self.tokenizer.is_none() {
            return Err(format!(
                "`{name}` takes the token ids of the record, as they were served and sampled: a text format or \
                 a split needs a tokenizer beside it"
            ));
        }
        Ok(())
    }
}

/// What an export writes: cheap to clone, shared between threads.
#[derive(Clone, Debug)]
pub struct ExportTarget(Arc<dyn Target>);

/// Why there is no such target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// The name is none, or an option does not fit it.
    #[error("{0}")]
    Choice(String),
    /// The tokenizer's file is missing or none.
    #[error("{0}")]
    Tokenizer(String),
}

/// What a target is, for lists, cards and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The name in recipes and on the command line.
    pub name: &'static str,
    /// The file's name in `dataset/`.
    pub file_name: &'static str,
    /// Who reads it.
    pub reader: &'static str,
    /// What of the record it has no place for; empty where it keeps all.
    pub loses: &'static str,
}

/// In which files a target's rows go.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// One JSON document a line.
    Lines,
    /// One JSON document a line, and beside it a file with the origin of each line.
    LinesAndIds,
    /// One JSON document a line, and beside it a file that tells the reader about it: its name, and
    /// its content for a file of lines of a given name.
    LinesAndInfo { name: &'static str, content: fn(&str) -> String },
    /// One JSON document a line, one line a group of samples.
    Groups,
    /// A folder with one JSON document a file, named in the lines of origins.
    Folder,
    /// The lines' keys as the columns of a Parquet file.
    Table(SchemaRef),
    /// Whole episodes.
    Episodes,
}

/// One way to write episodes: what a new target implements, and a line in [`open`].
pub(super) trait Target: fmt::Debug + Send + Sync {
    /// What it is.
    fn about(&self) -> About;

    /// In which files its rows go.
    fn shape(&self) -> Shape {
        Shape::Lines
    }

    /// Adds the sample that `branch` is.
    ///
    /// # Errors
    /// The reason why the target cannot hold it, without its place: reasons are counted.
    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String>;

    /// Adds all that `episode` gives: one sample a branch, unless the target has another grain.
    fn episode(&self, episode: Episode, out: &mut Prepared) {
        for branch in Branch::all_of(&episode) {
            let taken = branch.check().and_then(|()| self.sample(&branch, out));
            out.count(taken);
        }
    }

    /// Whether episodes that are not kept are written all the same.
    fn takes_all(&self) -> bool {
        false
    }
}

impl ExportTarget {
    /// The target called `name`.
    ///
    /// # Errors
    /// There is none, and the message lists those there are; or an option does not fit it, or the
    /// file that it names cannot be read.
    pub fn by_name(name: &str, options: &ExportOptions) -> Result<Self, TargetError> {
        let unknown = || TargetError::Choice(unknown_name(name, &Self::names()));
        if !Self::names().contains(&name) {
            return Err(unknown());
        }
        options.check(name).map_err(TargetError::Choice)?;
        let tokens = TokenSource::of(options)?;
        Ok(Self(open(name, options, tokens).ok_or_else(unknown)?))
    }

    /// The names of all targets, in the order in which they are listed to people.
    pub fn names() -> Vec<&'static str> {
        let formats = nex_tool_formats::all().iter().map(|format| format.name());
        formats.chain(NAMES.iter().copied()).collect()
    }

    /// What it is.
    pub fn about(&self) -> About {
        self.0.about()
    }

    /// The file's name in `dataset/`.
    pub fn file_name(&self) -> String {
        self.0.about().file_name.to_owned()
    }

    /// Adds what `episode` gives to `out`. Pure: episodes may be prepared on any thread, as long
    /// as they are written in order.
    pub fn prepare(&self, episode: Episode, keep: Keep, out: &mut Prepared) {
        out.report.episodes += 1;
        if self.0.takes_all() || is_kept(&episode, keep) {
            self.0.episode(episode, out);
        }
    }

    pub(super) fn shape(&self) -> Shape {
        self.0.shape()
    }
}

/// The targets that hold token ids.
const TAKES_TOKENS: &[&str] = &["trl-tokens", "nexrl", "atropos"];

/// The targets that are no tool-call format.
const NAMES: &[&str] = &[
    "trl",
    "trl-turns",
    "trl-tokens",
    "verl-sft",
    "verl-rl",
    "skyrl",
    "llama-factory",
    "ms-swift",
    "atif",
    "verifiers",
    "nexrl",
    "atropos",
    "parquet",
];

/// The target called `name`, if there is one.
fn open(name: &str, options: &ExportOptions, tokens: TokenSource) -> Option<Arc<dyn Target>> {
    Some(match name {
        "openai" => Arc::new(openai::OpenAi),
        "trl" => Arc::new(trl::Trl),
        "trl-turns" => Arc::new(trl::TrlTurns),
        "trl-tokens" => Arc::new(trl_tokens::TrlTokens { tokens }),
        "verl-sft" => Arc::new(verl_sft::VerlSft),
        "verl-rl" => Arc::new(rl_prompt::VerlRl),
        "skyrl" => Arc::new(rl_prompt::SkyRl),
        "llama-factory" => Arc::new(llama_factory::LlamaFactory),
        "ms-swift" => Arc::new(ms_swift::MsSwift),
        "atif" => Arc::new(atif::Atif { file_each: options.file_each }),
        "verifiers" => Arc::new(verifiers::Verifiers),
        "nexrl" => Arc::new(nexrl::NexRl { tokens }),
        "atropos" => Arc::new(atropos::Atropos { tokens }),
        "parquet" => Arc::new(episodes::Episodes),
        other => Arc::new(text::Text::new(nex_tool_formats::by_name(other).ok()?)),
    })
}

fn is_kept(episode: &Episode, keep: Keep) -> bool {
    match keep {
        Keep::Success => episode.outcome == Outcome::Success,
        Keep::Scored => episode.outcome != Outcome::Infra && episode.reward.is_some(),
        Keep::All => episode.outcome != Outcome::Infra,
    }
}
