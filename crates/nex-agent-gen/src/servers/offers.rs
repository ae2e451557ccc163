//! [`Offers`]: what a catalogue of servers offers, as far as binding needs to know it.
//!
//! In: the JSON that `nex tools catalogue` writes. Fields that binding does not need are not read.

use super::Need;
use crate::brief::has_word;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// The version of catalogues that is read.
const CATALOGUE_VERSION: u32 = 1;
/// A server of whose tools a smaller share fits a need is made for something else.
const MIN_SHARE: f64 = 0.3;

/// Servers that may be bound, in the catalogue's order: those that listed tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    servers: Vec<Offer>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name in the catalogue.
    pub name: String,
    /// How it is started or reached.
    pub launch: Launch,
    /// Its tools.
    pub tools: Vec<OfferedTool>,
}

/// One tool of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedTool {
    /// Its name on the server.
    pub name: String,
    /// The server says that it only reads.
    pub only_reads: bool,
}

/// How a server is started or reached; secrets stand as references, `${env.TOKEN}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Launch {
    /// A child process.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
        /// Its environment.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
        /// Its directory, which agents' files cannot name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
    },
    /// A server that runs elsewhere.
    Http {
        /// Its address.
        url: String,
        /// Sent with each request.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    },
}

/// A catalogue cannot be used.
#[derive(Debug, Error)]
pub enum OfferError {
    /// It is none.
    #[error("this is no catalogue of servers: {0}; `nex tools catalogue LIST --out FILE` makes one")]
    Malformed(#[from] serde_json::Error),
    /// It is of another version.
    #[error("a catalogue of version {0}; this program reads version {CATALOGUE_VERSION}: make it anew")]
    Version(u32),
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct File {
    servers: Vec<Server>,
    tools: Vec<Row>,
}

#[derive(Deserialize)]
struct Server {
    name: String,
    transport: Launch,
    status: String,
}

#[derive(Deserialize)]
struct Row {
    server: String,
    tool: String,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Default, Deserialize)]
struct Annotations {
    read_only: Option<bool>,
    destructive: Option<bool>,
}

impl Offers {
    /// Reads the catalogue in `json`.
    ///
    /// # Errors
    /// It is no catalogue, or of another version.
    pub fn read(json: &str) -> Result<Self, OfferError> {
        let Version { version } = serde_json::from_str(json)?;
        if version != CATALOGUE_VERSION {
            return Err(OfferError::Version(version));
        }
        let File { servers, tools } = serde_json::from_str(json)?;
        let listed = servers.into_iter().filter(|server| server.status == "listed");
        let offers = listed.map(|server| {
            let own = tools.iter().filter(|row| row.server == server.name);
            let tools = own.map(|row| OfferedTool {
                name: row.tool.clone(),
                only_reads: row.annotations.read_only == Some(true)
                    && row.annotations.destructive != Some(true),
            });
            Offer { tools: tools.collect(), name: server.name, launch: server.transport }
        });
        Ok(Self { servers: offers.filter(|offer| !offer.tools.is_empty()).collect() })
    }

    /// The server of whose tools the greatest share is for `need`; the first of equal ones.
    pub fn best(&self, need: Need) -> Option<&Offer> {
        let share = |offer: &Offer| {
            let fitting = offer.tools.iter().filter(|tool| need.fits_tool(&tool.name)).count();
            fitting as f64 / offer.tools.len() as f64
        };
        let mut best: Option<(&Offer, f64)> = None;
        for offer in &self.servers {
            let share = share(offer);
            if share >= MIN_SHARE && best.is_none_or(|(_, other)| share > other) {
                best = Some((offer, share));
            }
        }
        best.map(|(offer, _)| offer)
    }

    /// The servers that a sentence names: `the memory server`.
    pub(super) fn named_in(&self, sentence: &str) -> impl Iterator<Item = &Offer> {
        let words = sentence.to_lowercase();
        self.servers.iter().filter(move |offer| {
            let name = offer.name.to_lowercase();
            !name.is_empty() && has_word(&words, &format!("{name} server"))
        })
    }
}

impl Offer {
    /// Its name in lower-case letters, digits, `_` and `-`.
    pub(super) fn shown_name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let name = self.name.to_lowercase();
        name.chars().take(64).map(|c| if is_plain(c) { c } else { '_' }).collect()
    }

    /// Whether an agent's file can say how it is started, here and now.
    pub(super) fn is_bindable(&self) -> Result<(), String> {
        let (texts, has_cwd): (Vec<&String>, bool) = match &self.launch {
            Launch::Stdio { command, args, env, cwd } => {
                (std::iter::once(command).chain(args).chain(env.values()).collect(), cwd.is_some())
            }
            Launch::Http { url, headers } => (std::iter::once(url).chain(headers.values()).collect(), false),
        };
        if has_cwd {
            return Err("it needs a working directory, which agents' files cannot name; give absolute paths in `args`".to_owned());
        }
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if let Some(tool) = self.tools.iter().find(|tool| !is_name(&tool.name)) {
            let shown: String = tool.name.chars().filter(|c| !c.is_control()).take(80).collect();
            return Err(format!("models take no tool called `{shown}`"));
        }
        for text in texts {
            let mut rest = text.as_str();
            while let Some(start) = rest.find("${env.") {
                rest = &rest[start + "${env.".len()..];
                let name = rest.split('}').next().unwrap_or_default();
                if std::env::var_os(name).is_none() {
                    return Err(format!("the variable {name} is not set; set it and forge again"));
                }
            }
        }
        Ok(())
    }
}
