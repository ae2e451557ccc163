//! A policy's tokenizer: byte-level BPE trained on its data, and the delimiter tokens.
//!
//! Digits stand alone, so that numbers and ids are copied digit by digit. Delimiters are never split,
//! and never come out of text: a tool output that says `<|call|>` is encoded as those eight characters.

use crate::TrainError;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, NormalizerWrapper, Tokenizer, TokenizerImpl};

/// The delimiters of structured input encoding (Nexus-1 §4). Their ids are their places in this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Fills up; stands in no sample.
    Pad,
    /// Instructions and tools.
    System,
    /// What the user wants.
    Task,
    /// The model reasons.
    Reasoning,
    /// The model speaks to the user.
    Answer,
    /// The model calls a tool: its name, a space, its arguments.
    Call,
    /// What a tool gave back.
    Observation,
    /// What a tool gave back that says that it failed.
    Fault,
    /// The model ends its turn.
    End,
}

impl Mark {
    /// All delimiters, by id.
    pub const ALL: [Self; 9] = [
        Self::Pad,
        Self::System,
        Self::Task,
        Self::Reasoning,
        Self::Answer,
        Self::Call,
        Self::Observation,
        Self::Fault,
        Self::End,
    ];

    /// How it is written in `tokenizer.json`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pad => "<|pad|>",
            Self::System => "<|system|>",
            Self::Task => "<|task|>",
            Self::Reasoning => "<|reasoning|>",
            Self::Answer => "<|answer|>",
            Self::Call => "<|call|>",
            Self::Observation => "<|observation|>",
            Self::Fault => "<|fault|>",
            Self::End => "<|end|>",
        }
    }

    /// Its token id.
    pub fn id(self) -> u32 {
        self as u32
    }

    /// The delimiter with this id, if it is one.
    pub fn of(id: u32) -> Option<Self> {
        Self::ALL.get(id as usize).copied()
    }
}

/// A tokenizer that a policy was trained with.
#[derive(Clone, Debug)]
pub struct PolicyTokenizer {
    tokenizer: Tokenizer,
    json: String,
}

impl PolicyTokenizer {
    /// Trains one on `texts` with up to `vocabulary` tokens, delimiters and all bytes included. The
    /// same texts give the same tokenizer.
    ///
    /// # Errors
    /// `vocabulary` has no room for the delimiters and 256 bytes.
    pub fn train<'a>(
        texts: impl Iterator<Item = &'a str> + Send,
        vocabulary: usize,
    ) -> Result<Self, TrainError> {
        let least = Mark::ALL.len() + 256;
        if vocabulary < least {
            let reason = format!("it is {vocabulary}; delimiters and bytes alone are {least}");
            return Err(TrainError::Option { option: "vocabulary", reason });
        }
        let mut trainer = BpeTrainer::builder()
            .vocab_size(vocabulary)
            .min_frequency(2)
            .show_progress(false)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(Mark::ALL.map(|mark| AddedToken::from(mark.text(), true)).to_vec())
            .build();
        let bytes = ByteLevel::new(false, true, true);
        let cuts = Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            PreTokenizerWrapper::ByteLevel(bytes),
        ]);
        let mut tokenizer: TokenizerImpl<BPE, NormalizerWrapper, Sequence, ByteLevel, ByteLevel> =
            TokenizerImpl::new(BPE::default());
        tokenizer.with_pre_tokenizer(Some(cuts)).with_decoder(Some(bytes));
        tokenizer.train(&mut trainer, texts).map_err(fault)?;
        Self::from_json(tokenizer.to_string(false).map_err(fault)?)
    }

    /// Loads the text of a `tokenizer.json` that [`PolicyTokenizer::json`] gave.
    ///
    /// # Errors
    /// It is no tokenizer, or its first tokens are not our delimiters.
    pub fn from_json(json: String) -> Result<Self, TrainError> {
        let mut tokenizer = Tokenizer::from_bytes(json.as_bytes()).map_err(fault)?;
        for mark in Mark::ALL {
            let found = tokenizer.id_to_token(mark.id());
            if found.as_deref() != Some(mark.text()) {
                return Err(TrainError::Tokenizer {
                    reason: format!("token {} is {found:?} and should be {}", mark.id(), mark.text()),
                });
            }
        }
        tokenizer.set_encode_special_tokens(true);
        Ok(Self { tokenizer, json })
    }

    /// The text of its `tokenizer.json`, which Hugging Face's library loads too.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Tells this tokenizer from others: BLAKE3 of its file.
    pub fn fingerprint(&self) -> String {
        blake3::hash(self.json.as_bytes()).to_hex().to_string()
    }

    /// Tokens in its vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The tokens of `text`; never a delimiter.
    ///
    /// # Errors
    /// The tokenizer fails on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        Ok(self.tokenizer.encode_fast(text, false).map_err(fault)?.get_ids().to_vec())
    }

    /// The text of `ids`, without delimiters; bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// The tokenizer fails on the ids.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TrainError> {
        self.tokenizer.decode(ids, true).map_err(fault)
    }
}

fn fault(error: tokenizers::Error) -> TrainError {
    TrainError::Tokenizer { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Vec<String> {
        (0..60)
            .map(|i| format!("find order o{} of {{\"name\": \"ask\"}} für 您好 🙂 {i}", i * 37 % 100))
            .collect()
    }

    fn train() -> PolicyTokenizer {
        PolicyTokenizer::train(corpus().iter().map(String::as_str), 400).unwrap()
    }

    #[test]
    fn the_same_texts_give_the_same_tokenizer() {
        assert_eq!(train().json(), train().json());
    }

    #[test]
    fn every_text_survives_and_digits_stand_alone() {
        let tokenizer = train();
        for text in ["", " ", "o907  of\n\tx", "unseen ключ 漢 \u{0} 🦀", "<|call|>find<|end|>", "12345"]
        {
            assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap(), text);
        }
        assert_eq!(tokenizer.encode("12345").unwrap().len(), 5);
        assert!(tokenizer.encode("find order").unwrap().len() <= 3);
    }

    #[test]
    fn text_never_becomes_a_delimiter() {
        let tokenizer = train();
        let ids = tokenizer.encode("a<|call|>b<|end|>").unwrap();
        assert!(ids.iter().all(|id| Mark::of(*id).is_none()), "{ids:?}");
        let again = PolicyTokenizer::from_json(tokenizer.json().to_owned()).unwrap();
        assert_eq!(again.encode("a<|call|>b<|end|>").unwrap(), ids);
        assert_eq!(again.vocabulary(), tokenizer.vocabulary());
    }

    #[test]
    fn what_cannot_be_is_told() {
        let told = PolicyTokenizer::train(std::iter::empty(), 100).unwrap_err().to_string();
        assert_eq!(told, "training option `vocabulary`: it is 100; delimiters and bytes alone are 265");
        assert!(PolicyTokenizer::from_json("{}".to_owned()).is_err());
    }
}
