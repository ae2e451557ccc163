//! Streamable HTTP: one endpoint, `/mcp`, that answers each message with JSON.
//!
//! There is nothing that the server says of its own accord, so it opens no event streams. Invariant:
//! no request is looked into before its `Host` and `Origin` are known to be ours, for a page in a
//! browser could otherwise reach a server on this machine.

mod guard;
mod headers;

use super::call::{Call, Output};
use super::offer::{HANDSHAKE_VERSIONS, STATELESS_VERSION, Target};
use super::rpc::{self, INTERNAL_ERROR, INVALID_REQUEST, Incoming, METHOD_NOT_FOUND, Request, RpcError};
use super::service::{Params, Service, string, unsupported_version};
use super::sessions::{Kind, NoSession, SessionTable};
use super::{ServeError, ServeOptions, service};
use crate::world::World;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use headers::{PROTOCOL_VERSION, SESSION_ID};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A request's body must be here by then.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Requests that are under way at the end get so long.
const DRAIN: Duration = Duration::from_secs(5);
/// How often idle sessions are looked for.
const EXPIRY_CHECK: Duration = Duration::from_secs(60);

/// A server that listens.
pub struct HttpServer {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    service: Arc<Service>,
    sessions: SessionTable,
    /// The address that is listened at.
    addr: SocketAddr,
}

/// Serves `world` at `addr` until `cancel`.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve_http(
    world: Arc<World>,
    addr: SocketAddr,
    options: ServeOptions,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    HttpServer::bind(world, addr, options).await?.run(cancel).await
}

impl HttpServer {
    /// Listens at `addr`; port 0 takes any that is free.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn bind(
        world: Arc<World>,
        addr: SocketAddr,
        options: ServeOptions,
    ) -> Result<Self, ServeError> {
        let sessions = SessionTable::new(options.http.max_sessions, options.http.idle_expiry);
        let service = service(world, options)?;
        let bind = |cause| ServeError::Bind { addr, cause };
        let listener = TcpListener::bind(addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, shared: Arc::new(Shared { service, sessions, addr }) })
    }

    /// The address.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// Serves until `cancel`.
    ///
    /// # Errors
    /// The listener broke.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), ServeError> {
        let router = axum::Router::new().route("/mcp", any(handle)).with_state(Arc::clone(&self.shared));
        let server =
            axum::serve(self.listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
        let expiry = async {
            let mut ticks = tokio::time::interval(EXPIRY_CHECK);
            loop {
                ticks.tick().await;
                self.shared.sessions.expire(Instant::now());
            }
        };
        let drained = async {
            cancel.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            ended = server => Ok(ended?),
            () = drained => Ok(()),
            () = expiry => Ok(()),
        }
    }
}

/// What is answered.
struct Reply {
    status: StatusCode,
    /// JSON, where there is any.
    body: String,
    session: Option<String>,
    wait: Duration,
}

impl Reply {
    fn empty(status: StatusCode) -> Self {
        Self { status, body: String::new(), session: None, wait: Duration::ZERO }
    }

    fn error(status: StatusCode, request: Option<&Request<'_>>, error: &RpcError) -> Self {
        let mut reply = Self::empty(status);
        rpc::write_error(&mut reply.body, request.map(|request| request.id), error);
        reply
    }

    fn refusal(status: StatusCode, request: Option<&Request<'_>>, message: &str) -> Self {
        Self::error(status, request, &RpcError::new(INVALID_REQUEST, message))
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let reply = respond(&shared, request).await;
    if !reply.wait.is_zero() {
        tokio::time::sleep(reply.wait).await;
    }
    let mut response = if reply.body.is_empty() {
        reply.status.into_response()
    } else {
        (reply.status, [(header::CONTENT_TYPE, "application/json")], reply.body).into_response()
    };
    if reply.status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST, DELETE"));
    }
    if let Some(Ok(session)) = reply.session.map(header::HeaderValue::try_from) {
        response.headers_mut().insert(SESSION_ID, session);
    }
    response
}

async fn respond(shared: &Shared, request: axum::extract::Request) -> Reply {
    let (parts, body) = request.into_parts();
    let options = &shared.service.options;
    if let Err((status, message)) = guard::check(&parts.headers, shared.addr, &options.http) {
        return Reply::refusal(status, None, message);
    }
    match parts.method {
        Method::POST => {}
        Method::DELETE => return delete(shared, &parts.headers),
        _ => return Reply::empty(StatusCode::METHOD_NOT_ALLOWED),
    }
    if let Err((status, message)) = headers::check_media(&parts.headers) {
        return Reply::refusal(status, None, message);
    }
    let bytes = match read_body(body, &parts.headers, options.max_message_bytes).await {
        Ok(bytes) => bytes,
        Err((status, message)) => return Reply::refusal(status, None, message),
    };
    let text = String::from_utf8_lossy(&bytes);
    match rpc::read(&text) {
        Incoming::Request(request) => post(shared, &parts.headers, &request),
        Incoming::Notification { .. } | Incoming::Answer => {
            match headers::text(&parts.headers, SESSION_ID).map(|name| find(shared, &name)) {
                Some(None) => Reply::refusal(StatusCode::NOT_FOUND, None, "there is no such session"),
                _ => Reply::empty(StatusCode::ACCEPTED),
            }
        }
        Incoming::Bad(_, error) => Reply::error(StatusCode::BAD_REQUEST, None, &error),
    }
}

async fn read_body(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
) -> Result<axum::body::Bytes, (StatusCode, &'static str)> {
    let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    let length =
        headers::text(headers, header::CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large);
    }
    match tokio::time::timeout(BODY_DEADLINE, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

fn find(shared: &Shared, name: &str) -> Option<Arc<parking_lot::Mutex<super::service::Seat>>> {
    shared.sessions.get(Kind::Handshake, name, Instant::now())
}

fn delete(shared: &Shared, headers: &HeaderMap) -> Reply {
    match headers::text(headers, SESSION_ID) {
        None => Reply::refusal(StatusCode::BAD_REQUEST, None, "no Mcp-Session-Id"),
        Some(name) if shared.sessions.close(Kind::Handshake, &name) => Reply::empty(StatusCode::NO_CONTENT),
        Some(_) => Reply::refusal(StatusCode::NOT_FOUND, None, "there is no such session"),
    }
}

fn post(shared: &Shared, headers: &HeaderMap, request: &Request<'_>) -> Reply {
    let params = match Params::read(request.params) {
        Ok(params) => params,
        Err(error) => return Reply::error(StatusCode::BAD_REQUEST, Some(request), &error),
    };
    if request.method == "initialize" {
        return initialize(shared, headers, request, &params);
    }
    let version = headers::text(headers, PROTOCOL_VERSION);
    // Versions are dates, so their order is that of time.
    let is_stateless = params.envelope().is_there()
        || request.method == "server/discover"
        || version.as_deref().is_some_and(|version| version >= STATELESS_VERSION);
    match is_stateless {
        true => stateless(shared, headers, request, &params),
        false => in_session(shared, headers, request, &params, version.as_deref()),
    }
}

fn initialize(shared: &Shared, headers: &HeaderMap, request: &Request<'_>, params: &Params<'_>) -> Reply {
    if headers.contains_key(SESSION_ID) {
        return Reply::refusal(StatusCode::BAD_REQUEST, Some(request), "this session was initialized before");
    }
    let mut reply = Reply::empty(StatusCode::OK);
    let written =
        rpc::write_answer(&mut reply.body, request.id, |out| shared.service.initialize(params, out));
    if written.is_err() {
        return reply;
    }
    match shared.sessions.open(Kind::Handshake, shared.service.seat(), Instant::now()) {
        Ok(name) => reply.session = Some(name),
        Err(cause) => {
            return Reply::error(StatusCode::SERVICE_UNAVAILABLE, Some(request), &no_session(&cause));
        }
    }
    reply
}

fn no_session(cause: &NoSession) -> RpcError {
    let message = match cause {
        NoSession::Full { max_sessions } => {
            format!("there are {max_sessions} sessions already; end one, or wait for an idle one to expire")
        }
        NoSession::NoChance(cause) => format!("no session can be named: {cause}"),
    };
    RpcError::new(INTERNAL_ERROR, message)
}

/// A request in a session that a handshake opened.
fn in_session(
    shared: &Shared,
    headers: &HeaderMap,
    request: &Request<'_>,
    params: &Params<'_>,
    version: Option<&str>,
) -> Reply {
    if let Some(version) = version
        && !HANDSHAKE_VERSIONS.contains(&version)
    {
        let mut supported = vec![STATELESS_VERSION];
        supported.extend(HANDSHAKE_VERSIONS);
        return Reply::error(
            StatusCode::BAD_REQUEST,
            Some(request),
            &unsupported_version(version, &supported),
        );
    }
    let Some(name) = headers::text(headers, SESSION_ID) else {
        let message =
            "no Mcp-Session-Id; send `initialize` first, or requests with the envelope of 2026-07-28";
        return Reply::refusal(StatusCode::BAD_REQUEST, Some(request), message);
    };
    let Some(seat) = find(shared, &name) else {
        return Reply::refusal(StatusCode::NOT_FOUND, Some(request), "there is no such session");
    };
    let service = &shared.service;
    let mut reply = Reply::empty(StatusCode::OK);
    // An error of the protocol is an answer like others in this era.
    let written = rpc::write_answer(&mut reply.body, request.id, |out| match &*request.method {
        "tools/call" => {
            let call = Call::read(service, params, false)?;
            Ok(call.run(service, &mut seat.lock()).write(out, None))
        }
        "tools/list" => {
            service.list(false, false, out);
            Ok(Duration::ZERO)
        }
        "ping" => {
            out.push_str("{}");
            Ok(Duration::ZERO)
        }
        method => Err(RpcError::unknown_method(method)),
    });
    reply.wait = written.unwrap_or_default();
    reply
}

/// A request of 2026-07-28.
fn stateless(shared: &Shared, headers: &HeaderMap, request: &Request<'_>, params: &Params<'_>) -> Reply {
    let envelope = params.envelope();
    let checked = envelope.check().and_then(|()| {
        let version = envelope.version().unwrap_or_default();
        headers::check_agreement(
            headers,
            &request.method,
            params.name.and_then(string).as_deref(),
            &version,
        )?;
        match version == STATELESS_VERSION {
            true => Ok(()),
            false => Err(unsupported_version(&version, &[STATELESS_VERSION])),
        }
    });
    if let Err(error) = checked {
        return Reply::error(StatusCode::BAD_REQUEST, Some(request), &error);
    }
    let service = &shared.service;
    let mut reply = Reply::empty(StatusCode::OK);
    let written = rpc::write_answer(&mut reply.body, request.id, |out| match &*request.method {
        "tools/call" => {
            let call = Call::read(service, params, true)?;
            let given = envelope.world.and_then(string);
            Ok(call_world(shared, call, given).write(out, Some(&service.offer.server)))
        }
        "tools/list" => {
            service.list(true, true, out);
            Ok(Duration::ZERO)
        }
        "server/discover" => {
            service.discover(out);
            Ok(Duration::ZERO)
        }
        method => Err(RpcError::unknown_method(method)),
    });
    match written {
        Ok(wait) => reply.wait = wait,
        Err(METHOD_NOT_FOUND) => reply.status = StatusCode::NOT_FOUND,
        Err(_) => {}
    }
    reply
}

/// A call of 2026-07-28, which names its world.
fn call_world(shared: &Shared, mut call: Call, given: Option<String>) -> Output {
    let service = &shared.service;
    let now = Instant::now();
    let open = |seat| {
        shared
            .sessions
            .open(Kind::Handle, seat, now)
            .map_err(|cause| Output::refusal("no_room", &no_session(&cause).message))
    };
    let handle = call.take_handle().or(given);
    if !call.is_allowed(service) {
        return Output::refusal("not_allowed", "not allowed");
    }
    let opened = match (call.target, &handle) {
        (Target::Open, _) => call.open(service).and_then(open),
        // A harness may begin a world by its reset.
        (Target::ControlReset, None) => open(service.seat()),
        (_, Some(handle)) => Ok(handle.clone()),
        (_, None) => Err(Output::no_world(None)),
    };
    let handle = match opened {
        Ok(handle) => handle,
        Err(refusal) => return refusal,
    };
    let Some(seat) = shared.sessions.get(Kind::Handle, &handle, now) else {
        return Output::no_world(Some(&handle));
    };
    let mut seat = seat.lock();
    match call.target {
        Target::Open => Output::begun(&seat, Some(&handle)),
        Target::ControlReset => {
            let output = call.run(service, &mut seat);
            if output.is_error() { output } else { Output::begun(&seat, Some(&handle)) }
        }
        _ => call.run(service, &mut seat),
    }
}
