//! What can happen to a reply on its way: named changes of its text.
//!
//! A change knows no format. What it needs of one, the format's own marks, it takes from [`Marks`];
//! what it needs of the reply, it takes from [`ReplyText`]. A format in which a change has no
//! meaning says why.

use super::marks::{Marks, Wire};
use super::reply_text::ReplyText;
use std::ops::Range;

/// A number that stands for damage to come.
pub(super) const NUMBER: &str = "471147";
/// A word that stands for damage to come.
pub(super) const WORD: &str = "sentinelword";

/// A change of a reply's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// None: what is wrong is in the message.
    None,
    /// The mark that ends the turn is gone, as most servers have it.
    WithoutEndOfTurn,
    /// The last closing mark of a call is gone, and all that follows it.
    CutBeforeLastClose,
    /// The first call of several has no closing mark.
    DropFirstClose,
    /// The first call has no opening mark.
    DropFirstOpen,
    /// The closing mark of the last call stands there this many times more.
    RepeatLastClose(usize),
    /// The first call has no opening mark, and the last has this many more closing marks.
    DropOpenRepeatClose(usize),
    /// The reply is an opening and a closing mark with nothing between them.
    EmptyCall,
    /// The reply is a section of calls without a call.
    EmptySection,
    /// The reply is this.
    Literal(&'static str),
    /// The number [`NUMBER`] is replaced.
    Number(Insert),
    /// The reply ends in the middle of the number [`NUMBER`].
    CutAtNumber,
    /// The word [`WORD`] is replaced.
    Word(Insert),
    /// This stands before the reply's end-of-turn mark.
    Append(Insert),
    /// This stands before the second call.
    Between(Insert),
    /// The key `name` of the call's envelope has another name.
    RenameNameKey,
    /// One byte of the word [`WORD`] is no UTF-8.
    BreakUtf8,
}

/// What is put into a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// This text.
    Text(&'static str),
    /// This text, so many times.
    Repeat(&'static str, usize),
    /// The format's opening mark.
    Open,
    /// The format's opening mark, so many times.
    OpenTimes(usize),
    /// The opening mark without its last character, so many times.
    PartialOpen(usize),
    /// The format's closing mark.
    Close,
    /// The reply's own first call.
    FirstCall,
}

impl Damage {
    /// The reply after the change.
    ///
    /// # Errors
    /// The format has nothing that could be changed so.
    pub(super) fn apply(self, reply: &ReplyText, marks: &Marks) -> Result<Vec<u8>, &'static str> {
        let text = &reply.text;
        let end = reply.end_of_turn;
        match self {
            Self::None => Ok(text.clone().into_bytes()),
            Self::WithoutEndOfTurn if end == text.len() => Err("the format has no end-of-turn mark"),
            Self::WithoutEndOfTurn => Ok(text[..end].into()),
            Self::CutBeforeLastClose => {
                let at = last_close(text, marks)?.start;
                Ok(text[..at].into())
            }
            Self::DropFirstClose => replaced(text, mark(marks.call_close_in(text))?, ""),
            Self::DropFirstOpen => replaced(text, mark(marks.call_open_in(text))?, ""),
            Self::RepeatLastClose(times) => Ok(with_closes(text, marks, times)?.into_bytes()),
            Self::DropOpenRepeatClose(times) => {
                let closed = with_closes(text, marks, times)?;
                replaced(&closed, mark(marks.call_open_in(text))?, "")
            }
            Self::EmptyCall => Ok([mark(marks.call_open)?, mark(marks.call_close)?].concat().into_bytes()),
            Self::EmptySection => {
                let (open, close) = marks.section.ok_or("the format has no section around its calls")?;
                Ok([open, close].concat().into_bytes())
            }
            Self::Literal(text) => Ok(text.as_bytes().to_vec()),
            Self::Number(insert) => {
                let mut insert = insert.text(reply, marks)?;
                if marks.has_text_arguments {
                    let quoted = serde_json::Value::from(insert).to_string();
                    insert = quoted[1..quoted.len() - 1].to_owned();
                }
                replaced(text, NUMBER, &insert)
            }
            Self::CutAtNumber => {
                let at = text.rfind(NUMBER).ok_or("the number is not in the reply")?;
                Ok(text[..at + NUMBER.len() / 2].into())
            }
            Self::Word(insert) => replaced(text, WORD, &insert.text(reply, marks)?),
            Self::Append(_) if marks.wire == Wire::Document => Err("the reply is one JSON document"),
            Self::Append(insert) => {
                Ok([&text[..end], &insert.text(reply, marks)?, &text[end..]].concat().into_bytes())
            }
            Self::Between(insert) => {
                let second = reply.calls.get(1).ok_or("the calls are one list")?;
                if marks.is_list {
                    return Err("the calls are one list");
                }
                let insert = insert.text(reply, marks)?;
                Ok([&text[..second.start], &insert, &text[second.start..]].concat().into_bytes())
            }
            Self::RenameNameKey if !matches!(marks.wire, Wire::JsonEnvelope | Wire::Document) => {
                Err("a call's name is no key of JSON")
            }
            Self::RenameNameKey => replaced(text, "\"name\"", "\"nome\""),
            Self::BreakUtf8 => {
                let at = text.find(WORD).ok_or("the word is not in the reply")?;
                let mut bytes = text.clone().into_bytes();
                bytes[at + 1] = 0xff;
                Ok(bytes)
            }
        }
    }
}

impl Insert {
    fn text(self, reply: &ReplyText, marks: &Marks) -> Result<String, &'static str> {
        Ok(match self {
            Self::Text(text) => text.to_owned(),
            Self::Repeat(text, times) => text.repeat(times),
            Self::Open => mark(marks.call_open)?.to_owned(),
            Self::OpenTimes(times) => mark(marks.call_open)?.repeat(times),
            Self::PartialOpen(times) => {
                let open = mark(marks.call_open)?;
                let last = open.char_indices().next_back().map_or(0, |(at, _)| at);
                open[..last].repeat(times)
            }
            Self::Close => mark(marks.call_close)?.to_owned(),
            Self::FirstCall if marks.wire == Wire::Document => return Err("the reply is one JSON document"),
            Self::FirstCall => {
                let call = reply.calls.first().ok_or("the reply has no call that stands alone")?;
                reply.text[call.clone()].to_owned()
            }
        })
    }
}

/// Where the last closing mark of a call stands.
fn last_close(text: &str, marks: &Marks) -> Result<Range<usize>, &'static str> {
    let close = mark(marks.call_close_in(text))?;
    let at = text.rfind(close).ok_or("the reply has no closing mark")?;
    Ok(at..at + close.len())
}

/// The reply with the last closing mark so many times more.
fn with_closes(text: &str, marks: &Marks, times: usize) -> Result<String, &'static str> {
    let close = last_close(text, marks)?;
    Ok([&text[..close.end], &text[close.clone()].repeat(times), &text[close.end..]].concat())
}

fn mark(mark: &'static str) -> Result<&'static str, &'static str> {
    if mark.is_empty() { Err("the format has no such mark") } else { Ok(mark) }
}

/// `text` with the first `word` replaced.
fn replaced(text: &str, word: &str, by: &str) -> Result<Vec<u8>, &'static str> {
    let at = text.find(word).ok_or("what is to be replaced is not in the reply")?;
    Ok([&text[..at], by, &text[at + word.len()..]].concat().into_bytes())
}
