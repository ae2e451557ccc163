//! [`Need`]: what a sentence can call for that no composed world has.

use crate::brief::has_word;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a sentence can call for that no composed world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Files and folders.
    Files,
    /// Git repositories.
    Git,
    /// SQL databases.
    Sql,
    /// Documents as office programs write them.
    Documents,
    /// Web pages in a browser.
    Browser,
    /// Charts.
    Charts,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Files, Self::Git, Self::Sql, Self::Documents, Self::Browser, Self::Charts];

    /// What `sentence` calls for.
    pub fn of(sentence: &str) -> Vec<Self> {
        let words = sentence.to_lowercase();
        let is_called_for = |need: &Self| need.cues().iter().any(|cue| has_word(&words, cue));
        Self::ALL.into_iter().filter(is_called_for).collect()
    }

    /// Words in a sentence that call for it.
    fn cues(self) -> &'static [&'static str] {
        match self {
            Self::Files => {
                &["files", "file system", "filesystem", "folder", "folders", "directory", "directories"]
            }
            Self::Git => &["git", "repository", "repositories", "commits", "commit history", "pull requests"],
            Self::Sql => &["sql", "sqlite", "postgres", "database", "databases"],
            Self::Documents => {
                &["pdf", "pdfs", "docx", "word documents", "documents", "spreadsheets", "excel", "slides"]
            }
            Self::Browser => {
                &["browser", "web page", "web pages", "website", "websites", "web site", "screenshots"]
            }
            Self::Charts => &["chart", "charts", "plots", "diagrams"],
        }
    }

    /// Words in the names of tools that offer it.
    fn tool_words(self) -> &'static [&'static str] {
        match self {
            Self::Files => &["file", "files", "directory", "directories", "folder"],
            Self::Git => &["git", "commit", "branch", "diff"],
            Self::Sql => &["sql", "query", "table", "tables", "schema", "database"],
            Self::Documents => &[
                "document",
                "doc",
                "docx",
                "pdf",
                "paragraph",
                "worksheet",
                "workbook",
                "sheet",
                "slide",
                "presentation",
            ],
            Self::Browser => &["browser", "page", "navigate", "click", "screenshot"],
            Self::Charts => &["chart", "charts", "plot", "diagram"],
        }
    }

    /// Whether the tool called `name` offers it.
    pub(super) fn fits_tool(self, name: &str) -> bool {
        let mut words = Vec::new();
        let mut word = String::new();
        let mut was_lower = false;
        for c in name.chars() {
            if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
                words.push(std::mem::take(&mut word));
            }
            if c.is_alphanumeric() {
                word.extend(c.to_lowercase());
            }
            was_lower = c.is_lowercase();
        }
        words.push(word);
        words.iter().any(|word| self.tool_words().contains(&word.as_str()))
    }

    /// Whether who writes the answer has a use for it.
    pub(super) fn is_for_reports(self) -> bool {
        matches!(self, Self::Documents | Self::Charts)
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "files and folders",
            Self::Git => "git repositories",
            Self::Sql => "SQL databases",
            Self::Documents => "documents",
            Self::Browser => "web pages",
            Self::Charts => "charts",
        })
    }
}
