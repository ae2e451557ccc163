//! The other crates, driven as a server drives them.

use crate::dialect::{self, Dialect};
use nex_trajectory::ToolSpec;
use serde_json::json;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A call as a peer gives it: name, and arguments as JSON text.
pub type Call = (String, String);

/// A peer, and how the reply comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// tool-parser, whole replies.
    ToolParser,
    /// tool-parser, pieces of so many characters.
    ToolParserPieces(usize),
    /// tool-parser, pieces of so many characters, but marks whole, as from a tokenizer.
    ToolParserTokens(usize),
    /// dynamo-parsers, whole replies.
    Dynamo,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToolParser => f.write_str("tool-parser, whole"),
            Self::ToolParserPieces(chars) => write!(f, "tool-parser, {chars}-char pieces"),
            Self::ToolParserTokens(chars) => write!(f, "tool-parser, {chars}-char pieces, marks whole"),
            Self::Dynamo => f.write_str("dynamo-parsers, whole"),
        }
    }
}

/// A reply, cut as the peer gets it.
pub enum Cut<'a> {
    Whole(&'a str),
    Pieces(Vec<&'a str>),
}

/// One peer, made ready for one format and one list of tools.
pub struct Session {
    peer: Peer,
    dialect: &'static Dialect,
    tools: Vec<openai_protocol::common::Tool>,
    definitions: Vec<dynamo_parsers::tool_calling::ToolDefinition>,
    parser: Option<Box<dyn tool_parser::ToolParser>>,
    runtime: tokio::runtime::Runtime,
}

impl Session {
    /// None if the peer does not read the format.
    pub fn open(peer: Peer, format: &str, tools: &[ToolSpec]) -> Option<Self> {
        let dialect = dialect::of(format)?;
        let name = if peer == Peer::Dynamo { dialect.dynamo } else { dialect.tool_parser };
        if name.is_empty() {
            return None;
        }
        let declared: Vec<serde_json::Value> = tools
            .iter()
            .map(|tool| {
                json!({"type": "function", "function": {
                    "name": tool.name, "description": tool.description, "parameters": tool.input_schema,
                }})
            })
            .collect();
        let parser = match peer {
            Peer::Dynamo => None,
            _ => Some(tool_parser::ParserFactory::new().registry().create_parser(name)?),
        };
        Some(Self {
            peer,
            dialect,
            tools: serde_json::from_value(declared.into()).expect("tools are of OpenAI's shape"),
            definitions: tools
                .iter()
                .map(|tool| dynamo_parsers::tool_calling::ToolDefinition {
                    name: tool.name.clone(),
                    parameters: Some(tool.input_schema.clone()),
                    strict: None,
                })
                .collect(),
            parser,
            runtime: tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts"),
        })
    }

    /// `text` as this peer gets it.
    pub fn cut<'a>(&self, text: &'a str) -> Cut<'a> {
        match self.peer {
            Peer::ToolParser | Peer::Dynamo => Cut::Whole(text),
            Peer::ToolParserPieces(chars) => Cut::Pieces(dialect::pieces(text, chars)),
            Peer::ToolParserTokens(chars) => Cut::Pieces(dialect::tokens(text, chars, self.dialect.marks)),
        }
    }

    /// The calls that the peer finds; none if it panics.
    pub fn read_or_nothing(&mut self, reply: &Cut<'_>) -> Vec<Call> {
        catch_unwind(AssertUnwindSafe(|| self.read(reply))).unwrap_or_default()
    }

    /// The calls that the peer finds. An error of the peer is no call.
    pub fn read(&mut self, reply: &Cut<'_>) -> Vec<Call> {
        let Self { dialect, tools, definitions, parser, runtime, .. } = self;
        runtime.block_on(async {
            match (parser, reply) {
                (Some(parser), Cut::Whole(text)) => {
                    let found = parser.parse_complete_with_tools(text, tools).await;
                    let calls = found.map(|(_, calls)| calls).unwrap_or_default();
                    calls.into_iter().map(|call| (call.function.name, call.function.arguments)).collect()
                }
                (Some(parser), Cut::Pieces(pieces)) => incremental(parser.as_mut(), pieces, tools).await,
                (None, Cut::Whole(text)) => {
                    let found = dynamo_parsers::tool_calling::try_tool_call_parse_aggregate_finalize(
                        text,
                        Some(dialect.dynamo),
                        Some(definitions),
                    );
                    let calls = found.await.map(|(calls, _)| calls).unwrap_or_default();
                    calls.into_iter().map(|call| (call.function.name, call.function.arguments)).collect()
                }
                (None, Cut::Pieces(_)) => unreachable!("dynamo is given whole replies"),
            }
        })
    }
}

async fn incremental(
    parser: &mut dyn tool_parser::ToolParser,
    pieces: &[&str],
    tools: &[openai_protocol::common::Tool],
) -> Vec<Call> {
    parser.reset();
    let mut calls: Vec<Call> = Vec::new();
    for piece in pieces {
        let Ok(step) = parser.parse_incremental(piece, tools).await else { continue };
        for item in step.calls {
            if calls.len() <= item.tool_index {
                calls.resize(item.tool_index + 1, Call::default());
            }
            let (name, arguments) = &mut calls[item.tool_index];
            name.push_str(item.name.as_deref().unwrap_or_default());
            arguments.push_str(&item.parameters);
        }
    }
    for item in parser.get_unstreamed_tool_args().unwrap_or_default() {
        if let Some((_, arguments)) = calls.get_mut(item.tool_index) {
            arguments.push_str(&item.parameters);
        }
    }
    calls
}
