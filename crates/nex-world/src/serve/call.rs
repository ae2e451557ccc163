//! `tools/call`: operations of the world, the reset, and the control tools of a harness.

use super::LATENCY_KEY;
use super::offer::{self, HANDLE, OPEN, Target};
use super::rpc::{INVALID_PARAMS, RpcError};
use super::service::{Params, Seat, Service, string};
use crate::json::write_string;
use crate::session::{SessionOptions, WorldSession};
use crate::spec::DynamicsSpec;
use crate::task::Task;
use crate::text::Language;
use serde::Deserialize;
use serde_json::Value as Json;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// A call whose tool exists.
pub(super) struct Call {
    pub(super) target: Target,
    name: String,
    arguments: Json,
}

/// What a tool gave back.
pub(super) struct Output {
    text: String,
    is_error: bool,
    /// Given once more as an object.
    is_structured: bool,
    /// Virtual milliseconds, for operations.
    latency_ms: Option<u64>,
    /// How long the client waits for it.
    wait: Duration,
}

/// Arguments of `nex_reset`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlReset {
    #[serde(rename = "token")]
    _token: String,
    task: Option<Box<Task>>,
    seed: Option<u64>,
    language: Option<Language>,
    dynamics: Option<DynamicsSpec>,
    #[serde(default)]
    calm: bool,
}

impl Call {
    /// # Errors
    /// There is no such tool, or the parameters are malformed.
    pub(super) fn read(service: &Service, params: &Params<'_>, has_handles: bool) -> Result<Self, RpcError> {
        let Some(name) = params.name.and_then(string) else {
            return Err(RpcError::new(INVALID_PARAMS, "tools/call wants the name of a tool"));
        };
        let arguments = match params.arguments {
            None => Json::Null,
            Some(text) => serde_json::from_str(text.get())
                .map_err(|cause| RpcError::new(INVALID_PARAMS, format!("malformed arguments: {cause}")))?,
        };
        match offer::find(&service.world, &service.options, has_handles, &name) {
            Some(target) => Ok(Self { target, name, arguments }),
            None => {
                let known = offer::names(&service.world, &service.options, has_handles);
                let hint = crate::suggest::did_you_mean(&name, known);
                let shown = &name[..name.floor_char_boundary(100)];
                Err(RpcError::new(INVALID_PARAMS, format!("unknown tool `{shown}`{hint}")))
            }
        }
    }

    /// Takes the handle of the world out of the arguments.
    pub(super) fn take_handle(&mut self) -> Option<String> {
        match self.arguments.as_object_mut()?.shift_remove(HANDLE)? {
            Json::String(handle) => Some(handle),
            _ => None,
        }
    }

    /// Whether a control tool is called with the right token; true for all others.
    pub(super) fn is_allowed(&self, service: &Service) -> bool {
        match self.target {
            Target::ControlReset | Target::ControlExport => {
                let given = self.arguments.get("token").and_then(Json::as_str);
                // Hashes of this type are compared in constant time.
                given.is_some_and(|given| service.token == Some(blake3::hash(given.as_bytes())))
            }
            _ => true,
        }
    }

    /// Does it.
    pub(super) fn run(self, service: &Service, seat: &mut Seat) -> Output {
        if !self.is_allowed(service) {
            return Output::refusal("not_allowed", "not allowed");
        }
        match self.target {
            Target::Operation => {
                let before_ms = seat.session.clock_ms();
                let reply = seat.session.call(&self.name, &self.arguments);
                let is_real = service.options.real_latency;
                Output {
                    is_structured: reply.text.starts_with('{'),
                    text: reply.text,
                    is_error: reply.is_error,
                    latency_ms: Some(seat.session.clock_ms() - before_ms),
                    wait: Duration::from_millis(if is_real { reply.latency_ms.into() } else { 0 }),
                }
            }
            Target::Reset => match self.seed() {
                Ok(None) => {
                    seat.session.restore(&seat.start);
                    Output::begun(seat, None)
                }
                Ok(Some(seed)) => {
                    Output::from_seat(service.seat_for(seed).map_err(|cause| cause.to_string()), seat)
                }
                Err(refusal) => refusal,
            },
            Target::ControlReset => Output::from_seat(self.control_seat(service), seat),
            Target::ControlExport => Output {
                text: serde_json::to_string(&seat.session.export()).expect("an export is JSON"),
                is_error: false,
                is_structured: false,
                latency_ms: None,
                wait: Duration::ZERO,
            },
            // Only where calls name their world, and there it is done before a seat is looked for.
            Target::Open => Output::refusal("not_allowed", "this connection has its world already"),
        }
    }

    /// A fresh session for `open_world`.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn open(&self, service: &Service) -> Result<Seat, Output> {
        match self.seed()? {
            Some(seed) if service.options.offer_reset => {
                service.seat_for(seed).map_err(|cause| Output::refusal("no_state", &cause.to_string()))
            }
            _ => Ok(service.seat()),
        }
    }

    fn seed(&self) -> Result<Option<u64>, Output> {
        match self.arguments.get("seed") {
            None | Some(Json::Null) => Ok(None),
            Some(seed) => seed.as_u64().map(Some).ok_or_else(|| {
                Output::refusal("invalid_arguments", "`seed` must be an integer that is not negative")
            }),
        }
    }

    /// The session that `nex_reset` asks for.
    fn control_seat(self, service: &Service) -> Result<Seat, String> {
        let wish: ControlReset = serde_json::from_value(self.arguments).map_err(|cause| cause.to_string())?;
        let world = &service.world;
        let session = match wish.task {
            Some(task) if task.record.world != world.name() => {
                return Err(format!(
                    "the task is for world `{}`, this is `{}`",
                    task.record.world,
                    world.name()
                ));
            }
            Some(task) => task.session(world),
            None => {
                let options = SessionOptions {
                    language: wish.language.unwrap_or(service.options.language),
                    dynamics: wish.dynamics.unwrap_or_default(),
                    calm: wish.calm,
                    ..SessionOptions::default()
                };
                WorldSession::new(Arc::clone(world), wish.seed.unwrap_or(service.options.seed), options)
            }
        };
        session.map(Seat::new).map_err(|cause| cause.to_string())
    }
}

impl Output {
    /// A refusal in the shape that operations give theirs.
    pub(super) fn refusal(code: &str, message: &str) -> Self {
        let text = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
        Self { text, is_error: true, is_structured: true, latency_ms: None, wait: Duration::ZERO }
    }

    pub(super) fn is_error(&self) -> bool {
        self.is_error
    }

    /// A call that names no world that is open.
    pub(super) fn no_world(handle: Option<&str>) -> Self {
        match handle {
            None => Self::refusal(
                "no_world",
                &format!("no `{HANDLE}`; call `{OPEN}` and give what it returns with each call"),
            ),
            Some(_) => Self::refusal(
                "unknown_world",
                &format!("no such world is open, it may have expired; call `{OPEN}` for a new one"),
            ),
        }
    }

    /// The reply to whatever put a session at a beginning.
    pub(super) fn begun(seat: &Seat, handle: Option<&str>) -> Self {
        let mut reply =
            serde_json::json!({"world": seat.session.world().name(), "seed": seat.session.seed()});
        if let Some(handle) = handle {
            reply[HANDLE] = handle.into();
        }
        Self {
            text: reply.to_string(),
            is_error: false,
            is_structured: true,
            latency_ms: None,
            wait: Duration::ZERO,
        }
    }

    fn from_seat(fresh: Result<Seat, String>, seat: &mut Seat) -> Self {
        match fresh {
            Ok(fresh) => {
                *seat = fresh;
                Self::begun(seat, None)
            }
            Err(cause) => Self::refusal("invalid_arguments", &cause),
        }
    }

    /// Writes it as a result; gives how long the client waits for it.
    pub(super) fn write(&self, out: &mut String, stateless: Option<&str>) -> Duration {
        const INFALLIBLE: &str = "writing to a string does not fail";
        out.reserve(self.text.len() * 2 + 200);
        out.push_str("{\"content\":[{\"type\":\"text\",\"text\":");
        write_string(out, &self.text);
        out.push_str("}]");
        if self.is_structured {
            debug_assert!(!self.text.contains('\n'), "a reply is one line");
            out.push_str(",\"structuredContent\":");
            out.push_str(&self.text);
        }
        write!(out, ",\"isError\":{}", self.is_error).expect(INFALLIBLE);
        let mut comma = ",\"_meta\":{";
        if let Some(latency_ms) = self.latency_ms {
            write!(out, "{comma}\"{LATENCY_KEY}\":{latency_ms}").expect(INFALLIBLE);
            comma = ",";
        }
        if let Some(server) = stateless {
            write!(
                out,
                "{comma}\"io.modelcontextprotocol/serverInfo\":{server}}},\"resultType\":\"complete\""
            )
            .expect(INFALLIBLE);
        } else if self.latency_ms.is_some() {
            out.push('}');
        }
        out.push('}');
        self.wait
    }
}
