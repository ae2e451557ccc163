//! The methods of the protocol, whatever carries the messages.
//!
//! In: a request with its parameters and the session it is for. Out: the result's text, or an
//! error. What happens to eras and sessions is the carrier's business.

use super::offer::{self, HANDSHAKE_VERSIONS, Offer, STATELESS_VERSION};
use super::rpc::{INVALID_PARAMS, RpcError, UNSUPPORTED_VERSION};
use super::{ServeError, ServeOptions};
use crate::error::GenerateError;
use crate::session::{SessionOptions, Snapshot, WorldSession};
use crate::world::World;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write;
use std::sync::Arc;

/// What all sessions of a server share.
pub(super) struct Service {
    pub(super) world: Arc<World>,
    pub(super) options: ServeOptions,
    pub(super) offer: Offer,
    /// BLAKE3 of the control token.
    pub(super) token: Option<blake3::Hash>,
    /// What each session begins as.
    first: WorldSession,
}

/// One client's session, and how it began.
pub(super) struct Seat {
    pub(super) session: WorldSession,
    pub(super) start: Snapshot,
}

/// Parameters of any method that is served.
#[derive(Default, Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow, rename = "_meta", default)]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "protocolVersion", default)]
    protocol_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId", default)]
    pub(super) request_id: Option<&'a RawValue>,
}

/// What a request of 2026-07-28 says about itself.
#[derive(Default, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion", default)]
    version: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities", default)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, rename = "nex/world", default)]
    pub(super) world: Option<&'a RawValue>,
}

impl Service {
    /// # Errors
    /// See [`ServeError`].
    pub(super) fn new(world: Arc<World>, options: ServeOptions) -> Result<Self, ServeError> {
        if options.control_token.as_deref() == Some("") {
            return Err(ServeError::EmptyToken);
        }
        let settings = SessionOptions { language: options.language, ..SessionOptions::default() };
        let first = WorldSession::new(Arc::clone(&world), options.seed, settings).map_err(|cause| {
            ServeError::State { world: world.name().to_owned(), seed: options.seed, cause }
        })?;
        let offer = Offer::new(&world, &options)?;
        let token = options.control_token.as_ref().map(|token| blake3::hash(token.as_bytes()));
        Ok(Self { world, offer, token, first, options })
    }

    /// A session at its beginning.
    pub(super) fn seat(&self) -> Seat {
        Seat::new(self.first.clone())
    }

    /// A session at the beginning that `seed` gives.
    ///
    /// # Errors
    /// The seed gives no state.
    pub(super) fn seat_for(&self, seed: u64) -> Result<Seat, GenerateError> {
        let settings = SessionOptions { language: self.options.language, ..SessionOptions::default() };
        WorldSession::new(Arc::clone(&self.world), seed, settings).map(Seat::new)
    }

    /// `initialize`.
    ///
    /// # Errors
    /// The client names no version.
    pub(super) fn initialize(&self, params: &Params<'_>, out: &mut String) -> Result<(), RpcError> {
        let Some(wanted) = params.protocol_version.and_then(string) else {
            return Err(RpcError::new(INVALID_PARAMS, "initialize wants a protocolVersion"));
        };
        let version =
            HANDSHAKE_VERSIONS.iter().find(|known| **known == wanted).unwrap_or(&HANDSHAKE_VERSIONS[0]);
        let Offer { server, instructions, .. } = &self.offer;
        write!(
            out,
            "{{\"protocolVersion\":\"{version}\",\"capabilities\":{{\"tools\":{{\"listChanged\":false}}}},\
             \"serverInfo\":{server},\"instructions\":{instructions}}}"
        )
        .expect("writing to a string does not fail");
        Ok(())
    }

    /// `server/discover`.
    pub(super) fn discover(&self, out: &mut String) {
        let Offer { server, instructions, .. } = &self.offer;
        write!(
            out,
            "{{\"resultType\":\"complete\",\"supportedVersions\":[\"{STATELESS_VERSION}\"],\
             \"capabilities\":{{\"tools\":{{\"listChanged\":false}}}},\"instructions\":{instructions},\
             \"ttlMs\":0,\"cacheScope\":\"private\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{server}}}}}"
        )
        .expect("writing to a string does not fail");
    }

    /// `tools/list`.
    pub(super) fn list(&self, is_stateless: bool, has_handles: bool, out: &mut String) {
        let tools = if has_handles { &self.offer.tools_with_handles } else { &self.offer.tools };
        offer::write_list(out, tools, is_stateless.then_some(&self.offer.server));
    }
}

impl Seat {
    pub(super) fn new(session: WorldSession) -> Self {
        Self { start: session.snapshot(), session }
    }
}

impl<'a> Params<'a> {
    /// # Errors
    /// They are no object.
    pub(super) fn read(params: Option<&'a RawValue>) -> Result<Self, RpcError> {
        match params {
            None => Ok(Self::default()),
            Some(params) if params.get().starts_with('{') => serde_json::from_str(params.get())
                .map_err(|cause| RpcError::new(INVALID_PARAMS, format!("malformed params: {cause}"))),
            Some(_) => Err(RpcError::new(INVALID_PARAMS, "params must be an object")),
        }
    }

    pub(super) fn envelope(&self) -> Envelope<'a> {
        self.meta.and_then(|meta| serde_json::from_str(meta.get()).ok()).unwrap_or_default()
    }

    /// The version that `initialize` wants.
    pub(super) fn wanted_version(&self) -> String {
        self.protocol_version.and_then(string).unwrap_or_default()
    }
}

impl Envelope<'_> {
    /// Whether the request belongs to the era of envelopes: the version alone tells, so that a
    /// half envelope is told what it lacks.
    pub(super) fn is_there(&self) -> bool {
        self.version.is_some()
    }

    /// The version it names.
    pub(super) fn version(&self) -> Option<String> {
        self.version.and_then(string)
    }

    /// # Errors
    /// It lacks a part.
    pub(super) fn check(&self) -> Result<(), RpcError> {
        let mut missing = Vec::new();
        if self.version().is_none() {
            missing.push("io.modelcontextprotocol/protocolVersion");
        }
        if !self.capabilities.is_some_and(|capabilities| capabilities.get().starts_with('{')) {
            missing.push("io.modelcontextprotocol/clientCapabilities");
        }
        match missing.is_empty() {
            true => Ok(()),
            false => {
                let message = format!("_meta lacks or has malformed: {}", missing.join(", "));
                Err(RpcError::new(INVALID_PARAMS, message))
            }
        }
    }
}

/// The string that a JSON text is.
pub(super) fn string(text: &RawValue) -> Option<String> {
    serde_json::from_str(text.get()).ok()
}

/// The refusal of a version.
pub(super) fn unsupported_version(requested: &str, supported: &[&str]) -> RpcError {
    let requested = &requested[..requested.floor_char_boundary(100)];
    RpcError {
        code: UNSUPPORTED_VERSION,
        message: format!("protocol version `{requested}` is not served here"),
        data: Some(serde_json::json!({"supported": supported, "requested": requested}).to_string()),
    }
}
