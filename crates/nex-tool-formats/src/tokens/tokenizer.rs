//! Tokens from a Hugging Face tokenizer file. Rendered text in, [`TokenMask`] out.

use super::{Token, TokenMask};
use crate::Rendered;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokenizers::Tokenizer;

/// Where the text is cut before it is tokenised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenSplit {
    /// Not at all, as most trainers do: one pass over the text. A token that reaches over the edge
    /// of a reply is not trainable.
    #[default]
    Whole,
    /// Where trainable and other bytes meet, as with a model that samples: its first token cannot
    /// be merged with the prompt's last. The trainable bytes are covered exactly. Tokenizers that
    /// put a space before each text (some of SentencePiece's kind) do so at each cut.
    AtBoundaries,
}

/// A loaded tokenizer. It neither cuts nor pads nor adds tokens, whatever its file says: the text is
/// whole, and has the template's own first token.
#[derive(Clone, Debug)]
pub struct MaskTokenizer(Tokenizer);

impl MaskTokenizer {
    /// Loads a `tokenizer.json`.
    ///
    /// # Errors
    /// There is none that can be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TokenizerError> {
        let path = path.as_ref();
        Tokenizer::from_file(path)
            .map(Self::new)
            .map_err(|error| TokenizerError::Unreadable { path: path.to_owned(), message: error.to_string() })
    }

    /// Takes a tokenizer that is loaded already.
    pub fn new(mut tokenizer: Tokenizer) -> Self {
        tokenizer.with_padding(None);
        // Only a stride that does not fit fails, and there is none.
        let _ = tokenizer.with_truncation(None);
        Self(tokenizer)
    }

    /// The tokenizer itself.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0
    }

    /// Tokenises a rendered text. Special tokens are recognised in it, also in what a user or a tool
    /// wrote: a text that names one is read as if the template had written it.
    ///
    /// # Errors
    /// The tokenizer fails on the text.
    pub fn mask(&self, rendered: &Rendered, split: TokenSplit) -> Result<TokenMask, TokenizerError> {
        if split == TokenSplit::Whole {
            return Ok(TokenMask::of(rendered, self.tokens(&rendered.text, 0)?));
        }
        let mut mask = TokenMask::default();
        for (run, _) in rendered.runs() {
            let tokens = self.tokens(&rendered.text[run.clone()], run.start)?;
            mask.extend(&rendered.spans, tokens, run);
        }
        Ok(mask)
    }

    /// The tokens of `text`, which stands at byte `start` of the whole.
    fn tokens(&self, text: &str, start: usize) -> Result<Vec<Token>, TokenizerError> {
        let encoding = self
            .0
            .encode(text, false)
            .map_err(|error| TokenizerError::Failed { offset_bytes: start, message: error.to_string() })?;
        let added = self.0.get_added_vocabulary().get_added_tokens_decoder();
        let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
        let tokens = tokens.map(|(id, (from, to))| Token {
            id: *id,
            bytes: start + from..start + to,
            is_special: added.get(id).is_some_and(|token| token.special),
        });
        Ok(tokens.collect())
    }
}

/// A text that was not tokenised.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenizerError {
    /// The file is no tokenizer.
    #[error("{}: no tokenizer that can be read: {message}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The tokenizer fails.
    #[error("the tokenizer fails on the text from byte {offset_bytes} on: {message}")]
    Failed {
        /// Where the text starts that it was given.
        offset_bytes: usize,
        /// Its own words.
        message: String,
    },
}
