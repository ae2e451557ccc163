//! Where the token ids of a sample come from: the record, or a tokenizer over the sample's text.
//!
//! Branch in, [`TokenSequence`] out. Without a tokenizer the ids are those of the record. With one,
//! all samples are written in a text format and tokenised, those with recorded ids too, so that a
//! data set has one source; log-probabilities, which belong to recorded ids, are left out then.
//! Threads share one tokenizer, since it is only read. Invariant: a token of which a byte takes no
//! part in the loss is not trained on.

use super::branch::Branch;
use super::target::{ExportOptions, TargetError};
use super::tokens::TokenSequence;

/// Where a target takes its token ids.
#[derive(Clone, Debug)]
pub(super) enum TokenSource {
    /// As they were served and sampled.
    Record,
    /// Made from the text of each sample.
    #[cfg(feature = "tokenizers")]
    Tokenizer(std::sync::Arc<made::Tokens>),
}

impl TokenSource {
    /// What `options` ask for; a tokenizer is loaded.
    ///
    /// # Errors
    /// The file is no tokenizer, the text format is unknown, or tokenizers are not built in.
    pub(super) fn of(options: &ExportOptions) -> Result<Self, TargetError> {
        let Some(file) = &options.tokenizer else {
            return Ok(Self::Record);
        };
        #[cfg(feature = "tokenizers")]
        return Ok(Self::Tokenizer(std::sync::Arc::new(made::Tokens::open(file, options)?)));
        #[cfg(not(feature = "tokenizers"))]
        Err(TargetError::Choice(format!(
            "{}: this build has no tokenizers; build it with `cargo build --features tokenizers`",
            file.display()
        )))
    }

    /// The tokens of `branch`.
    ///
    /// # Errors
    /// The record has no ids for it, or not all; or the text format cannot hold it.
    pub(super) fn sequence(&self, branch: &Branch<'_>) -> Result<TokenSequence, String> {
        match self {
            Self::Record => TokenSequence::of(branch),
            #[cfg(feature = "tokenizers")]
            Self::Tokenizer(tokens) => tokens.sequence(branch),
        }
    }
}

#[cfg(feature = "tokenizers")]
mod made {
    use super::{Branch, ExportOptions, TargetError, TokenSequence};
    use crate::export::TokenSplit;
    use nex_tool_formats::{MaskTokenizer, RenderOptions, ToolCallFormat, by_name};
    use std::path::Path;

    /// A tokenizer, and the text that it is given.
    #[derive(Debug)]
    pub(in crate::export) struct Tokens {
        tokenizer: MaskTokenizer,
        format: &'static dyn ToolCallFormat,
        split: nex_tool_formats::TokenSplit,
    }

    impl Tokens {
        pub(super) fn open(file: &Path, options: &ExportOptions) -> Result<Self, TargetError> {
            let format = options.text_format.as_deref().unwrap_or("hermes");
            Ok(Self {
                format: by_name(format).map_err(|e| TargetError::Choice(e.to_string()))?,
                tokenizer: MaskTokenizer::from_file(file)
                    .map_err(|e| TargetError::Tokenizer(e.to_string()))?,
                split: match options.token_split.unwrap_or_default() {
                    TokenSplit::Whole => nex_tool_formats::TokenSplit::Whole,
                    TokenSplit::Boundaries => nex_tool_formats::TokenSplit::AtBoundaries,
                },
            })
        }

        pub(super) fn sequence(&self, branch: &Branch<'_>) -> Result<TokenSequence, String> {
            let rendered = self
                .format
                .render(&branch.sample, &RenderOptions::default())
                .map_err(|refusal| refusal.reason)?;
            let mask = self.tokenizer.mask(&rendered, self.split).map_err(|e| e.to_string())?;
            if mask.trainable_tokens() == 0 {
                return Err("no token that the model wrote".to_owned());
            }
            Ok(TokenSequence { ids: mask.ids, is_trained: mask.is_trainable, logprobs: None })
        }
    }
}
