//! The header of a message: who writes it, on which channel, to whom, as what.

use super::{CHANNEL, CONSTRAIN, START};

/// A header, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// Who writes; empty where the header begins behind it.
    pub(super) role: &'a str,
    pub(super) channel: Option<&'a str>,
    pub(super) recipient: Option<&'a str>,
    /// What is wrong with it.
    pub(super) faults: Vec<String>,
}

const CHANNELS: [&str; 3] = ["analysis", "commentary", "final"];

impl<'a> Header<'a> {
    /// Reads what stands before `<|message|>`.
    pub(super) fn read(header: &'a str) -> Self {
        let mut out = Self::default();
        let mut parts = header.strip_prefix(START).unwrap_or(header).split(CHANNEL);
        let mut is_to = false;
        for word in words(parts.next().unwrap_or_default()) {
            if is_to || word.starts_with("to=") {
                is_to = out.recipient(word, is_to);
            } else if out.role.is_empty() && out.recipient.is_none() {
                out.role = word;
            } else if CHANNELS.contains(&word) && out.channel.is_none() {
                out.channel = Some(word);
                out.faults.push(format!("the channel stands without {CHANNEL}"));
            } else {
                out.content_type(word);
            }
        }
        let mut is_first = true;
        for part in parts {
            if !is_first {
                out.faults.push("the header has several channels; the last counts".to_owned());
            }
            is_first = false;
            is_to = false;
            let mut channel = None;
            let has_recipient = out.recipient.is_some();
            for word in words(part) {
                if is_to || word.starts_with("to=") {
                    is_to = out.recipient(word, is_to);
                } else if channel.is_none() && CHANNELS.contains(&word) {
                    channel = Some(word);
                    if has_recipient != out.recipient.is_some() {
                        out.faults.push("the recipient stands before the channel".to_owned());
                    }
                } else if out.recipient.is_none() && word.starts_with("functions.") {
                    out.recipient = Some(word);
                    out.faults.push("the recipient stands without `to=`".to_owned());
                } else if channel.is_none() && out.recipient.is_none() {
                    out.faults.push(format!("`{word}` is no channel"));
                    channel = Some("");
                } else {
                    out.content_type(word);
                }
            }
            out.channel = channel.filter(|channel| !channel.is_empty()).or(out.channel);
        }
        if out.channel.is_none() && !out.faults.iter().any(|fault| fault.ends_with("is no channel")) {
            out.faults.push("the header names no channel".to_owned());
        }
        out
    }

    /// Takes a recipient; true if its name is the next word.
    fn recipient(&mut self, word: &'a str, is_to: bool) -> bool {
        let name = if is_to { word } else { &word["to=".len()..] };
        if name.is_empty() {
            self.faults.push("white space behind `to=`".to_owned());
            return true;
        }
        if CHANNELS.contains(&name) && self.channel.is_none() {
            self.channel = Some(name);
            self.faults.push(format!("the channel `{name}` stands as the recipient"));
        } else if self.recipient.is_some_and(|known| known != name) {
            self.faults.push("the header has two recipients; the last counts".to_owned());
            self.recipient = Some(name);
        } else {
            self.recipient = Some(name);
        }
        false
    }

    fn content_type(&mut self, word: &str) {
        let is_code = word == "code" && self.recipient.is_none_or(|to| !to.starts_with("functions."));
        if word != "json" && !is_code {
            self.faults.push(format!("`{word}` where a call has `json`"));
        }
    }
}

/// The words of a part of a header; `<|constrain|>` parts words too.
fn words(part: &str) -> impl Iterator<Item = &str> {
    part.split(CONSTRAIN).flat_map(str::split_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_models_write_them() {
        let clean = |header, role, channel, recipient| {
            let read = Header::read(header);
            let expected = Header { role, channel: Some(channel), recipient, faults: Vec::new() };
            assert_eq!(read, expected, "{header}");
        };
        clean("<|start|>assistant<|channel|>analysis", "assistant", "analysis", None);
        clean("<|channel|>final", "", "final", None);
        clean(" to=functions.f<|channel|>commentary json", "", "commentary", Some("functions.f"));
        clean(
            "<|channel|>commentary to=functions.f <|constrain|>json",
            "",
            "commentary",
            Some("functions.f"),
        );
        clean("<|channel|>commentary to=functions.f<|constrain|>json", "", "commentary", Some("functions.f"));
        clean(
            "<|start|>assistant to=python<|channel|>analysis code",
            "assistant",
            "analysis",
            Some("python"),
        );
    }

    #[test]
    fn wrong_headers_are_read_where_they_are_clear() {
        let mut table = String::new();
        for header in [
            "<|start|>assistant to=functions.f json",
            "<|channel|>commentary to=functions.f code",
            "<|channel|>commentary to= functions.f",
            "<|channel|>functions.f",
            "<|channel|>to=functions.f commentary",
            "<|channel|>commentary functions.f <|constrain|>json",
            "<|start|>assistant to=commentary<|channel|>functions.f",
            "<|channel|>analysis<|channel|>commentary to=functions.f",
            "<|start|>assistant commentary to=functions.f",
            "<|channel|>comment",
            "<|start|>assistant",
        ] {
            let Header { role, channel, recipient, faults } = Header::read(header);
            table += &format!(
                "{role:?} {} {}: {}\n",
                channel.unwrap_or("-"),
                recipient.unwrap_or("-"),
                faults.join("; ")
            );
        }
        expect_test::expect![[r#"
            "assistant" - functions.f: the header names no channel
            "" commentary functions.f: `code` where a call has `json`
            "" commentary functions.f: white space behind `to=`
            "" - functions.f: the recipient stands without `to=`; the header names no channel
            "" commentary functions.f: the recipient stands before the channel
            "" commentary functions.f: the recipient stands without `to=`
            "assistant" commentary functions.f: the channel `commentary` stands as the recipient; the recipient stands without `to=`
            "" commentary functions.f: the header has several channels; the last counts
            "assistant" commentary functions.f: the channel stands without <|channel|>
            "" - -: `comment` is no channel
            "assistant" - -: the header names no channel
        "#]].assert_eq(&table);
    }
}
