//! One client on one pair of pipes: bytes in, bytes out, no I/O.
//!
//! The first request decides the era: `initialize` opens a handshake connection, a request with an
//! envelope a 2026-07-28 one; a lone `server/discover` is a question and decides nothing. What is
//! no message is answered so often and no more, for two peers that answer each other's errors
//! would never end.

use super::call::Call;
use super::offer::{HANDSHAKE_VERSIONS, STATELESS_VERSION};
use super::rpc::{self, INVALID_PARAMS, INVALID_REQUEST, Incoming, Request, RpcError};
use super::service::{Params, Seat, Service, unsupported_version};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// Bad messages in a row that are answered.
const MAX_COMPLAINTS: u32 = 16;
/// A buffer that grew above this is given back when it is empty.
const KEPT_BYTES: usize = 256 * 1024;

/// The connection.
pub(super) struct Connection {
    service: Arc<Service>,
    seat: Seat,
    era: Option<Era>,
    input: Vec<u8>,
    /// How far `input` was taken.
    taken: usize,
    /// How far it is known to hold no line break.
    searched: usize,
    /// The rest of a line that was refused for its length is still to come.
    is_skipping: bool,
    complaints: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Handshake,
    Stateless,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct Outbox {
    /// Lines, now.
    pub(super) text: String,
    /// Lines that are due later.
    pub(super) late: Vec<Late>,
    /// Requests whose answers are wanted no more.
    pub(super) cancelled: Vec<String>,
}

/// An answer that waits.
pub(super) struct Late {
    /// The request, as it was written.
    pub(super) id: String,
    pub(super) after: Duration,
    pub(super) text: String,
}

impl Connection {
    pub(super) fn new(service: Arc<Service>) -> Self {
        Self {
            seat: service.seat(),
            service,
            era: None,
            input: Vec::new(),
            taken: 0,
            searched: 0,
            is_skipping: false,
            complaints: 0,
        }
    }

    /// Adds bytes that came in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.input.drain(..self.taken);
            self.searched -= self.taken;
            self.taken = 0;
        }
        if self.input.is_empty() && self.input.capacity() > KEPT_BYTES {
            self.input = Vec::new();
        }
        self.input.extend_from_slice(bytes);
    }

    /// Serves the next whole line; false when there is none.
    pub(super) fn next(&mut self, out: &mut Outbox) -> bool {
        let limit = self.service.options.max_message_bytes;
        let Some(at) = self.input[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.input.len();
            if self.input.len() - self.taken > limit || self.is_skipping {
                if !self.is_skipping {
                    self.refuse_length(out);
                }
                self.is_skipping = true;
                self.input.clear();
                (self.taken, self.searched) = (0, 0);
            }
            return false;
        };
        let end = self.searched + at;
        let start = std::mem::replace(&mut self.taken, end + 1);
        self.searched = self.taken;
        if std::mem::take(&mut self.is_skipping) {
            return true;
        }
        if end - start > limit {
            self.refuse_length(out);
            return true;
        }
        let input = std::mem::take(&mut self.input);
        let line = input[start..end].trim_ascii();
        if !line.is_empty() {
            // A line that is not UTF-8 may still be a message, with a name that is off.
            self.take_message(&String::from_utf8_lossy(line), out);
        }
        self.input = input;
        true
    }

    fn refuse_length(&mut self, out: &mut Outbox) {
        let limit = self.service.options.max_message_bytes;
        self.complain(
            None,
            &RpcError::new(INVALID_REQUEST, format!("a message has at most {limit} bytes")),
            out,
        );
    }

    fn complain(&mut self, id: Option<&RawValue>, error: &RpcError, out: &mut Outbox) {
        self.complaints += 1;
        if self.complaints <= MAX_COMPLAINTS {
            rpc::write_error(&mut out.text, id, error);
            out.text.push('\n');
        } else if self.complaints == MAX_COMPLAINTS + 1 {
            tracing::warn!("bad messages are no longer answered until a good one comes");
        }
    }

    fn take_message(&mut self, text: &str, out: &mut Outbox) {
        match rpc::read(text) {
            Incoming::Request(request) => {
                self.complaints = 0;
                self.answer(&request, out);
            }
            Incoming::Notification { method, params } => {
                if method == "notifications/cancelled"
                    && let Ok(Params { request_id: Some(id), .. }) = Params::read(params)
                {
                    out.cancelled.push(id.get().to_owned());
                }
            }
            Incoming::Answer => {}
            Incoming::Bad(id, error) => self.complain(id, &error, out),
        }
    }

    fn answer(&mut self, request: &Request<'_>, out: &mut Outbox) {
        let start = out.text.len();
        let written = rpc::write_answer(&mut out.text, request.id, |text| self.serve(request, text));
        out.text.push('\n');
        if let Ok(wait) = written
            && !wait.is_zero()
        {
            let text = out.text.split_off(start);
            out.late.push(Late { id: request.id.get().to_owned(), after: wait, text });
        }
    }

    /// The result of a request; how long its answer waits.
    fn serve(&mut self, request: &Request<'_>, out: &mut String) -> Result<Duration, RpcError> {
        let params = Params::read(request.params)?;
        let method = &*request.method;
        if method == "initialize" {
            return match self.era {
                None => {
                    self.service.initialize(&params, out)?;
                    self.era = Some(Era::Handshake);
                    Ok(Duration::ZERO)
                }
                Some(Era::Handshake) => {
                    Err(RpcError::new(INVALID_REQUEST, "this connection was initialized before"))
                }
                Some(Era::Stateless) => {
                    Err(unsupported_version(&params.wanted_version(), &[STATELESS_VERSION]))
                }
            };
        }
        let envelope = params.envelope();
        if envelope.is_there() {
            if self.era == Some(Era::Handshake) {
                let message = "this connection began with a handshake; it takes no requests of 2026-07-28";
                return Err(RpcError::new(INVALID_REQUEST, message));
            }
            envelope.check()?;
            let version = envelope.version().unwrap_or_default();
            if version != STATELESS_VERSION {
                let mut supported = vec![STATELESS_VERSION];
                if self.era.is_none() {
                    supported.extend(HANDSHAKE_VERSIONS);
                }
                return Err(unsupported_version(&version, &supported));
            }
            if method == "server/discover" {
                self.service.discover(out);
                return Ok(Duration::ZERO);
            }
            self.era = Some(Era::Stateless);
            return self.serve_tools(method, &params, true, out);
        }
        match self.era {
            Some(Era::Handshake) if method != "server/discover" => {
                self.serve_tools(method, &params, false, out)
            }
            Some(Era::Handshake) => Err(RpcError::unknown_method(method)),
            None if method == "ping" => {
                out.push_str("{}");
                Ok(Duration::ZERO)
            }
            None if matches!(method, "tools/list" | "tools/call") => Err(RpcError::new(
                INVALID_REQUEST,
                "send `initialize` first, or requests with the envelope of 2026-07-28",
            )),
            None if method != "server/discover" => Err(RpcError::unknown_method(method)),
            _ => Err(envelope.check().err().unwrap_or_else(|| RpcError::new(INVALID_PARAMS, "no envelope"))),
        }
    }

    fn serve_tools(
        &mut self,
        method: &str,
        params: &Params<'_>,
        is_stateless: bool,
        out: &mut String,
    ) -> Result<Duration, RpcError> {
        match method {
            "tools/call" => {
                let call = Call::read(&self.service, params, false)?;
                let output = call.run(&self.service, &mut self.seat);
                Ok(output.write(out, is_stateless.then_some(&self.service.offer.server)))
            }
            "tools/list" => {
                self.service.list(is_stateless, false, out);
                Ok(Duration::ZERO)
            }
            // 2026-07-28 has no ping.
            "ping" if !is_stateless => {
                out.push_str("{}");
                Ok(Duration::ZERO)
            }
            _ => Err(RpcError::unknown_method(method)),
        }
    }
}
