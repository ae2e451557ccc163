//! Calls whose arguments stand between tags of their own, as NexAU, Cline and OpenHands write them.
//!
//! A value is what stands between its tags, less one line break on either side: values of several
//! lines stand on lines of their own. Nothing is unescaped. A call whose last closing tag is
//! missing (agents stop the model there) is a call if it is complete so far, with a defect.

use crate::builder::ReplyBuilder;
use crate::engine::{Found, Grammar, Scan};
use crate::raw_value::{ArgumentsBuilder, raw_arguments};
use crate::{ArgumentText, RenderOptions, Toolset, json};
use nex_trajectory::{DefectKind, ToolCall};
use std::borrow::Cow;

/// What one format's tags mean.
pub(crate) trait Dialect: Send {
    /// A reply makes one call.
    const IS_SINGLE: bool = false;
    /// A tag that no value holds, besides its own closing tag and the call's.
    const SECTION_END: &'static str;

    /// The first call or wrapper that begins at `from` or behind.
    fn find(&self, scan: &Scan<'_>, from: usize) -> Opening;

    /// What `tag` (without its brackets) means inside `call`.
    fn tag(&self, call: &mut OpenCall, tag: &str) -> Tag;

    /// Whether `call`, behind a tag, lacks nothing but its last closing tag.
    fn is_complete(&self, call: &OpenCall) -> bool;

    /// The tags that open a call, where they depend on the tools: inside reasoning they are a defect.
    fn openers(&self) -> &[String] {
        &[]
    }

    /// Name and arguments of the call as the record has them.
    fn finish(&self, _tools: &Toolset, name: String, arguments: String) -> (String, String) {
        (name, arguments)
    }
}

/// What a search for calls found.
pub(crate) enum Opening {
    /// None begins before this offset; there one may begin, or the text ends.
    NoneBefore(usize),
    /// A call.
    Call { at: usize, call: OpenCall },
    /// A tag around several calls.
    Wrapper { at: usize, length: usize, kind: &'static Wrapper },
}

/// A tag around several calls.
pub(crate) struct Wrapper {
    /// The tag that ends it.
    pub(crate) closer: &'static str,
    /// The tag that opens a call inside.
    pub(crate) inner: &'static str,
    /// The call that such a tag at this offset opens.
    pub(crate) open: fn(usize) -> OpenCall,
}

/// What a tag inside a call means.
pub(crate) enum Tag {
    /// The tool's name stands up to this tag.
    Name(&'static str),
    /// An argument's value stands up to `closer`.
    Argument { key: String, closer: String },
    /// Nothing by itself.
    Section,
    /// The call is over.
    Close,
    /// It has no place here.
    Stray,
}

/// A call under way.
pub(crate) struct OpenCall {
    tag_at: usize,
    /// The tag that ends it.
    pub(crate) closer: Cow<'static, str>,
    /// The tool, as far as it is known.
    pub(crate) name: String,
    /// How the dialect tells sorts of calls apart.
    pub(crate) sort: u8,
    /// How far the call has come, in the dialect's own count.
    pub(crate) stage: u8,
    arguments: ArgumentsBuilder,
    keys: Vec<String>,
    step: Step,
    /// Up to here it is understood, or searched for what is sought.
    searched: usize,
}

enum Step {
    /// Behind a tag.
    Between,
    /// In a tag that begins here.
    Tag(usize),
    /// In the value of an argument, or (without a key) in the tool's name.
    Value { key: Option<String>, closer: Cow<'static, str>, start: usize },
    /// It cannot be read: up to its end it is text.
    Broken,
}

impl OpenCall {
    /// A call whose opening tag stands from `tag_at` to `end`.
    pub(crate) fn new(tag_at: usize, end: usize, closer: Cow<'static, str>, name: &str) -> Self {
        Self {
            tag_at,
            closer,
            name: name.to_owned(),
            sort: 0,
            stage: 0,
            arguments: ArgumentsBuilder::default(),
            keys: Vec::new(),
            step: Step::Between,
            searched: end,
        }
    }

    /// The tool's name begins behind the opening tag and ends at `closer`.
    pub(crate) fn with_name_until(mut self, closer: &'static str) -> Self {
        self.step = Step::Value { key: None, closer: Cow::Borrowed(closer), start: self.searched };
        self
    }

    fn end_value(&mut self, key: Option<String>, raw: &str, start: usize, out: &mut ReplyBuilder) {
        self.step = Step::Between;
        let Some(key) = key else {
            raw.trim().clone_into(&mut self.name);
            if self.name.is_empty() || self.name.contains(['<', '\n']) {
                out.defect(DefectKind::MalformedCall, start, "the call names no tool");
                self.step = Step::Broken;
            }
            return;
        };
        if self.keys.contains(&key) {
            let message = format!("argument `{key}` stands twice");
            out.defect(DefectKind::MalformedCall, start, message);
        }
        self.arguments.push_raw(&key, without_lines(raw), out.types(&self.name, &key));
        self.keys.push(key);
    }

    fn breaks(&mut self, out: &mut ReplyBuilder, kind: DefectKind, at: usize, message: String) {
        out.defect(kind, at, message);
        self.step = Step::Broken;
    }
}

/// The value between two tags, less one line break on either side.
pub(crate) fn without_lines(raw: &str) -> &str {
    let raw = raw.strip_prefix('\n').unwrap_or(raw);
    raw.strip_suffix('\n').unwrap_or(raw)
}

/// Reads text and calls.
pub(crate) struct MarkupGrammar<D> {
    dialect: D,
    wrapper: Option<OpenWrapper>,
    call: Option<OpenCall>,
    has_call: bool,
}

struct OpenWrapper {
    tag_at: usize,
    kind: &'static Wrapper,
    searched: usize,
    /// Its opening tag was kept as text, or held a call.
    is_told: bool,
    has_call: bool,
}

impl<D: Dialect> MarkupGrammar<D> {
    pub(crate) fn new(dialect: D) -> Self {
        Self { dialect, wrapper: None, call: None, has_call: false }
    }

    /// Each of these is false where further text is needed.
    fn scan_text(&mut self, scan: &mut Scan<'_>) -> bool {
        match self.dialect.find(scan, scan.at) {
            Opening::NoneBefore(end) => {
                scan.take_text(end);
                false
            }
            Opening::Call { at, call } => {
                scan.take_text(at);
                self.call = Some(call);
                true
            }
            Opening::Wrapper { at, length, kind } => {
                scan.take_text(at);
                scan.at = at + length;
                self.wrapper = Some(OpenWrapper {
                    tag_at: at,
                    kind,
                    searched: scan.at,
                    is_told: false,
                    has_call: false,
                });
                true
            }
        }
    }

    fn scan_wrapper(&mut self, scan: &mut Scan<'_>) -> bool {
        let Some(wrapper) = &mut self.wrapper else { return false };
        match scan.find_from(wrapper.searched, &[wrapper.kind.closer, wrapper.kind.inner]) {
            Found::NoneBefore(end) => {
                wrapper.searched = end;
                if scan.is_end {
                    let message = format!("{} is missing", wrapper.kind.closer);
                    scan.out.defect(DefectKind::UnclosedTag, wrapper.tag_at, message);
                    let from = if wrapper.is_told { scan.at } else { wrapper.tag_at };
                    scan.out.unread_call(&scan.text[from..end]);
                    scan.at = end;
                    self.wrapper = None;
                }
                false
            }
            Found::Tag { at, index: 0 } => {
                stray(wrapper, at, scan);
                let end = at + wrapper.kind.closer.len();
                if !wrapper.has_call {
                    let message = "several calls were announced and none is there";
                    scan.out.defect(DefectKind::MalformedCall, wrapper.tag_at, message);
                    let from = if wrapper.is_told { at } else { wrapper.tag_at };
                    scan.out.unread_call(&scan.text[from..end]);
                }
                scan.at = end;
                self.wrapper = None;
                true
            }
            Found::Tag { at, .. } => {
                stray(wrapper, at, scan);
                (wrapper.is_told, wrapper.has_call) = (true, true);
                scan.at = at;
                self.call = Some((wrapper.kind.open)(at));
                true
            }
        }
    }

    fn scan_call(&mut self, scan: &mut Scan<'_>) -> bool {
        let Self { dialect, call: Some(call), wrapper, .. } = self else { return false };
        match &mut call.step {
            Step::Between => {
                call.searched = scan.skip_blank(call.searched);
                let at = call.searched;
                if at == scan.text.len() {
                    return self.end_of_text(scan);
                }
                if scan.text.as_bytes()[at] == b'<' {
                    call.step = Step::Tag(at);
                    call.searched = at + 1;
                } else {
                    let message = format!("text between the tags of a call to `{}`", call.name);
                    call.breaks(scan.out, DefectKind::MalformedCall, at, message);
                }
            }
            Step::Tag(start) => {
                let start = *start;
                match scan.find_from(call.searched, &[">", "<"]) {
                    Found::NoneBefore(end) => {
                        call.searched = end;
                        return self.end_of_text(scan);
                    }
                    Found::Tag { at, index } => {
                        call.searched = at + usize::from(index == 0);
                        let tag = if index == 0 { &scan.text[start + 1..at] } else { "" };
                        let at = call.searched;
                        match dialect.tag(call, tag) {
                            Tag::Name(closer) => {
                                call.step = Step::Value { key: None, closer: closer.into(), start: at };
                            }
                            Tag::Argument { key, closer } => {
                                call.step = Step::Value { key: Some(key), closer: closer.into(), start: at };
                            }
                            Tag::Section => call.step = Step::Between,
                            Tag::Close if call.name.is_empty() => {
                                let message = "the call names no tool".to_owned();
                                call.searched = start;
                                call.breaks(scan.out, DefectKind::MalformedCall, call.tag_at, message);
                            }
                            Tag::Close => self.close(at, scan),
                            Tag::Stray => {
                                let message = format!("`<{tag}>` has no place in this call");
                                call.searched = start;
                                call.breaks(scan.out, DefectKind::MalformedCall, start, message);
                            }
                        }
                    }
                }
            }
            Step::Value { key, closer, start } => {
                let found = scan.find_from(call.searched, &[closer, &call.closer, D::SECTION_END]);
                let Found::Tag { at, index } = found else {
                    let Found::NoneBefore(end) = found else { return false };
                    call.searched = end;
                    return self.end_of_text(scan);
                };
                let (key, start, length) = (key.take(), *start, closer.len());
                let raw = &scan.text[start..at];
                // Of equal tags the first counts; a longer one at the same place is another tag.
                if index == 0 {
                    call.searched = at + length;
                    call.end_value(key, raw, start, scan.out);
                    return true;
                }
                call.searched = at;
                let message = match &key {
                    Some(key) => format!("the value of `{key}` is not closed"),
                    None => "the tool's name is not closed".to_owned(),
                };
                if scan.out.is_repairing {
                    scan.out.defect(DefectKind::UnclosedTag, start, message);
                    scan.out.repair(DefectKind::UnclosedTag, at, "closed a value before the next tag");
                    call.end_value(key, raw.trim_end(), start, scan.out);
                } else {
                    call.breaks(scan.out, DefectKind::UnclosedTag, start, message);
                }
            }
            Step::Broken => {
                let (wrapper_closer, inner) = match wrapper {
                    Some(wrapper) => (wrapper.kind.closer, wrapper.kind.inner),
                    None => (&*call.closer, &*call.closer),
                };
                let closer = scan.find_from(call.searched, &[&call.closer, wrapper_closer, inner]);
                let closer = match closer {
                    Found::Tag { at, index: 0 } => (at, at + call.closer.len(), true),
                    Found::Tag { at, .. } => (at, at, true),
                    Found::NoneBefore(end) => (end, end, scan.is_end),
                };
                let next = match dialect.find(scan, call.searched) {
                    Opening::NoneBefore(end) => (end, end, scan.is_end),
                    Opening::Call { at, .. } | Opening::Wrapper { at, .. } => (at, at, true),
                };
                let (at, end, is_certain) = if next.0 < closer.0 { next } else { closer };
                if !is_certain {
                    call.searched = at;
                    return false;
                }
                self.give_up(end, scan);
            }
        }
        true
    }

    /// The text ends inside a call, for now or for good.
    fn end_of_text(&mut self, scan: &mut Scan<'_>) -> bool {
        let (true, Self { dialect, call: Some(call), .. }) = (scan.is_end, &mut *self) else { return false };
        let end = scan.text.len();
        let is_closing = match call.step {
            Step::Between => true,
            Step::Tag(start) => call.closer.starts_with(&scan.text[start..]),
            _ => false,
        };
        // Without its end, a call is whole only if it has all that it needs.
        let mut needs = scan.out.tools().required(&call.name).iter();
        let has_all = needs.all(|name| call.keys.contains(name));
        let is_complete = is_closing && has_all && !call.name.is_empty() && dialect.is_complete(call);
        scan.out.defect(DefectKind::UnclosedTag, call.tag_at, format!("{} is missing", call.closer));
        if is_complete {
            self.close(end, scan);
            return true;
        }
        let step = std::mem::replace(&mut call.step, Step::Broken);
        let is_mended = match step {
            Step::Value { key: Some(key), closer, start } if scan.out.is_repairing => {
                call.end_value(Some(key), without_part_of(&closer, &scan.text[start..]), start, scan.out);
                true
            }
            Step::Between | Step::Tag(_) => scan.out.is_repairing && !call.keys.is_empty(),
            _ => false,
        };
        if is_mended && !call.name.is_empty() {
            scan.out.repair(DefectKind::UnclosedTag, end, "closed what was cut off");
            self.close(end, scan);
        } else {
            self.give_up(end, scan);
        }
        true
    }

    fn give_up(&mut self, end: usize, scan: &mut Scan<'_>) {
        if let Some(call) = self.call.take() {
            scan.out.unread_call(&scan.text[call.tag_at..end]);
            self.behind(end, scan);
        }
    }

    fn close(&mut self, end: usize, scan: &mut Scan<'_>) {
        let Some(call) = self.call.take() else { return };
        if D::IS_SINGLE && self.has_call {
            let message = "another call in the same reply, where the format has one";
            scan.out.defect(DefectKind::MalformedCall, call.tag_at, message);
        }
        self.has_call = true;
        let (name, arguments) = self.dialect.finish(scan.out.tools(), call.name, call.arguments.finish());
        scan.out.call(None, name, arguments, call.tag_at..end);
        self.behind(end, scan);
    }

    fn behind(&mut self, end: usize, scan: &mut Scan<'_>) {
        scan.at = end;
        if let Some(wrapper) = &mut self.wrapper {
            wrapper.searched = end;
        }
    }
}

/// Keeps what stands in a wrapper outside its calls.
fn stray(wrapper: &mut OpenWrapper, end: usize, scan: &mut Scan<'_>) {
    let text = &scan.text[scan.at..end];
    if !text.trim().is_empty() {
        let message = "text among calls that are made together";
        scan.out.defect(DefectKind::MalformedCall, scan.at, message);
        let from = if wrapper.is_told { scan.at } else { wrapper.tag_at };
        scan.out.unread_call(&scan.text[from..end]);
        wrapper.is_told = true;
    }
}

/// `text` without the beginning of `closer` at its end.
fn without_part_of<'a>(closer: &str, text: &'a str) -> &'a str {
    let parts = (1..closer.len()).rev().filter_map(|length| closer.get(..length));
    parts.filter_map(|part| text.strip_suffix(part)).next().unwrap_or(text)
}

impl<D: Dialect> Grammar for MarkupGrammar<D> {
    fn call_openers(&self) -> &[String] {
        self.dialect.openers()
    }

    fn scan(&mut self, scan: &mut Scan<'_>) {
        while if self.call.is_some() {
            self.scan_call(scan)
        } else if self.wrapper.is_some() {
            self.scan_wrapper(scan)
        } else {
            self.scan_text(scan)
        } {}
    }
}

/// The arguments of `call` as they stand between their tags, in order: key and value, with the line
/// breaks around values of several lines. `closer_of` gives the tag that ends the value of a key;
/// neither it nor one of `closers` may stand in a value.
///
/// # Errors
/// An argument would not come back equal; the reason is for a person.
pub(crate) fn written_arguments<'a>(
    call: &'a ToolCall,
    tools: &Toolset,
    options: &RenderOptions,
    closers: &[&str],
    closer_of: impl Fn(&str) -> String,
) -> Result<Vec<(Cow<'a, str>, String)>, String> {
    let raw = raw_arguments(call, tools, closers)?;
    let members = json::members(call.arguments.as_text()).unwrap_or_default();
    let written = raw.into_iter().zip(members).map(|((key, value), (_, json))| {
        let closer = closer_of(&key);
        let is_text = json.starts_with('"');
        if is_text && value.contains(&closer) {
            return Err(format!(
                "argument `{key}` of `{}` holds `{closer}`, which the format cannot escape",
                call.name
            ));
        }
        let mut value =
            if is_text { value } else { json::escape_tags(&value, &[&closer]).into_owned().into() };
        if !is_text && options.arguments == ArgumentText::Respaced {
            let mut spaced = String::new();
            json::push_respaced(&mut spaced, &value);
            value = spaced.into();
        }
        let lines = if value.contains('\n') { "\n" } else { "" };
        Ok((key, format!("{lines}{value}{lines}")))
    });
    written.collect()
}
