//! Calls with a tag for each argument: what Qwen3-Coder, GLM, MiniMax and DSML share.
//!
//! A [`Syntax`] says how the tags look; [`TaggedCalls`] reads replies by it; [`arguments_of`] gives
//! the arguments of a call as they are written. A value is bare: it begins behind its opening tag
//! and ends before the first closing tag, and there is no escape. Other tags inside it are content.

mod read;
mod value;

pub(crate) use read::TaggedCalls;

use crate::raw_value::raw_arguments;
use crate::writing::arguments_object;
use crate::{ArgumentText, RenderOptions, Toolset, Unrepresentable};
use nex_trajectory::{Arguments, Node, ToolCall};
use std::borrow::Cow;

/// How such calls look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// What stands around calls, in formats where something does.
    pub(crate) section: Option<Tags>,
    /// Around one call.
    pub(crate) call: Tags,
    /// Around one argument.
    pub(crate) argument: Tags,
    /// Where names and keys stand.
    pub(crate) head: Head,
    /// A line break at each side of a value is the template's.
    pub(crate) has_value_lines: bool,
    /// A line break at the start of the answer is the template's.
    pub(crate) has_answer_line: bool,
}

/// A tag and the one that closes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tags {
    pub(crate) open: &'static str,
    pub(crate) close: &'static str,
}

/// Where the name of a call and the key of an argument stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// In the opening tag, up to its `>`: `<function=f>`.
    InTag,
    /// In the opening tag, quoted: `<invoke name="f">`.
    Quoted,
    /// The same, and arguments say whether they are text: `<parameter name="k" string="true">`.
    Typed,
    /// Between tags: `<tool_call>f<arg_key>k</arg_key><arg_value>`.
    Pairs,
}

/// Closes a key in [`Head::Pairs`].
pub(crate) const KEY_CLOSE: &str = "</arg_key>";
/// Opens a value in [`Head::Pairs`].
pub(crate) const VALUE_OPEN: &str = "<arg_value>";

/// Whether `text` can be the name of a tool: no format here can escape anything in it.
pub(crate) fn is_name(text: &str) -> bool {
    is_key(text) && !text.starts_with('{') && !text.contains(char::is_whitespace)
}

/// Whether `text` can be the key of an argument.
pub(crate) fn is_key(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
        && !text.bytes().any(|b| matches!(b, b'<' | b'>' | b'"' | b'\n'))
}

/// Refuses a tool's name that is none.
///
/// # Errors
/// It is none.
pub(crate) fn check_name(index: usize, node: &Node, name: &str) -> Result<(), Unrepresentable> {
    if is_name(name) {
        return Ok(());
    }
    let reason = format!("the tool's name `{name}` has a character that cannot stand in a tag, or is empty");
    Err(Unrepresentable::new(index, node, reason))
}

/// Refuses an argument's key that is none.
///
/// # Errors
/// It is none.
pub(crate) fn check_key(index: usize, node: &Node, key: &str) -> Result<(), Unrepresentable> {
    if is_key(key) {
        return Ok(());
    }
    let reason =
        format!("the argument's name `{key}` has a character that cannot stand in a tag, or is empty");
    Err(Unrepresentable::new(index, node, reason))
}

/// Key and value of each argument, in order.
pub(crate) type BareArguments<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The arguments of `call`, key and value, as they are written: text bare, all else as JSON.
/// `tags` are what no value may hold.
///
/// # Errors
/// One of them would not come back equal.
pub(crate) fn arguments_of<'a>(
    index: usize,
    node: &Node,
    call: &'a ToolCall,
    tools: &Toolset,
    options: &RenderOptions,
    tags: &[&str],
) -> Result<BareArguments<'a>, Unrepresentable> {
    check_name(index, node, &call.name)?;
    let object = arguments_object(index, node, call, options)?;
    let refuse = |reason| Unrepresentable::new(index, node, reason);
    let pairs = match options.arguments {
        ArgumentText::Verbatim => raw_arguments(call, tools, tags).map_err(refuse)?,
        ArgumentText::Respaced => {
            let respaced = ToolCall { arguments: Arguments::from_text(object), ..ToolCall::clone(call) };
            let pairs = raw_arguments(&respaced, tools, tags).map_err(refuse)?;
            let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
            pairs.into_iter().map(|(key, value)| (own(key), own(value))).collect()
        }
    };
    for (key, _) in &pairs {
        check_key(index, node, key)?;
    }
    Ok(pairs)
}
