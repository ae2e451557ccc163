//! One HTTP endpoint: a request body goes out, reply bytes come in, each wait with its deadline.
//!
//! Invariants: redirects are not followed (a key never travels to another host); a key appears in
//! no `Debug`, no error and no log; a body is never larger than its limit in memory.

use crate::failure::{Complaint, retry_after};
use crate::{ApiKey, Deadlines, LlmError};
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use reqwest::{Client, Method, Request, Response, Url};
use std::error::Error as _;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Bytes of an error body that are read.
const ERROR_BODY_BYTES: usize = 64 << 10;

/// Where requests go and how long they may take.
pub(crate) struct Endpoint {
    client: Client,
    url: Url,
    /// What errors call it: origin and path, without user, password and query.
    name: String,
    headers: HeaderMap,
    deadlines: Deadlines,
    max_reply_bytes: usize,
    api_key: Option<ApiKey>,
}

/// What [`Endpoint::new`] needs.
pub(crate) struct EndpointConfig<'a> {
    /// Base and path, joined.
    pub(crate) url: &'a str,
    pub(crate) deadlines: Deadlines,
    pub(crate) max_reply_bytes: usize,
    pub(crate) api_key: Option<ApiKey>,
    /// The header that carries the key, and what stands before it.
    pub(crate) key_header: (&'static str, &'static str),
    pub(crate) headers: Vec<(String, String)>,
}

impl Endpoint {
    /// Builds the client; for https it loads the system's CA certificates, which takes milliseconds.
    pub(crate) fn new(config: EndpointConfig<'_>) -> Result<Self, LlmError> {
        let url = parse_url(config.url)?;
        let name = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (key, value) in &config.headers {
            let header = HeaderName::try_from(key.as_str())
                .map_err(|_| LlmError::Misconfigured(format!("`{key}` is no header name")))?;
            let value = HeaderValue::try_from(value.as_str()).map_err(|_| {
                LlmError::Misconfigured(format!("header `{key}` has a value that HTTP does not allow"))
            })?;
            headers.insert(header, value);
        }
        if let Some(key) = &config.api_key {
            let (header, prefix) = config.key_header;
            let mut value = HeaderValue::try_from(format!("{prefix}{}", key.expose())).map_err(|_| {
                LlmError::Misconfigured(format!("the key for {name} holds characters that HTTP does not allow; look for a line break or a quote in it"))
            })?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        Ok(Self {
            client: build_client(&url, &config.deadlines)?,
            url,
            name,
            headers,
            deadlines: config.deadlines,
            max_reply_bytes: config.max_reply_bytes,
            api_key: config.api_key,
        })
    }

    /// Bytes that a reply may have.
    pub(crate) fn max_reply_bytes(&self) -> usize {
        self.max_reply_bytes
    }

    /// Sends `body` and waits for the reply's head.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Result<Incoming<'_>, LlmError> {
        let started = Instant::now();
        let mut request = Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = Some(body.into());
        let (limit, phase) = self.tighter(started, Instant::now(), self.deadlines.first_byte, "first byte");
        let response = match timeout_at(limit, self.client.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.transport_error(&error)),
            Err(_) => return Err(self.timeout(phase)),
        };
        let is_framed =
            response.content_length().is_some() || response.headers().contains_key(TRANSFER_ENCODING);
        let incoming = Incoming {
            endpoint: self,
            response,
            started,
            first_byte_after: None,
            received_bytes: 0,
            is_framed,
        };
        if incoming.response.status() == reqwest::StatusCode::OK {
            return Ok(incoming);
        }
        Err(incoming.into_failure().await)
    }

    /// The error for an error object that came inside a reply of status 200.
    pub(crate) fn complaint(&self, body: &[u8]) -> LlmError {
        let complaint = self.redacted(Complaint::of_body(body));
        let status = complaint.implied_status();
        complaint.into_error(&self.name, status, None)
    }

    /// A reply that is discarded.
    pub(crate) fn broken(&self, cause: impl Into<String>) -> LlmError {
        LlmError::BrokenReply { endpoint: self.name.clone(), cause: cause.into() }
    }

    fn timeout(&self, phase: &'static str) -> LlmError {
        let limit = match phase {
            "connect" => self.deadlines.connect,
            "first byte" => self.deadlines.first_byte,
            "idle" => self.deadlines.idle,
            _ => self.deadlines.total,
        };
        LlmError::Timeout { endpoint: self.name.clone(), phase, limit }
    }

    /// The nearer of a wait of `limit` from now and what is left of the total.
    fn tighter(
        &self,
        started: Instant,
        now: Instant,
        limit: Duration,
        phase: &'static str,
    ) -> (Instant, &'static str) {
        let total = started + self.deadlines.total;
        let own = now + limit;
        if total < own { (total, "total") } else { (own, phase) }
    }

    fn transport_error(&self, error: &reqwest::Error) -> LlmError {
        let endpoint = self.name.clone();
        if error.is_connect() {
            if error.is_timeout() {
                return self.timeout("connect");
            }
            return LlmError::Connect { endpoint, cause: root_cause(error) };
        }
        if error.is_builder() {
            return LlmError::Misconfigured(format!(
                "cannot make a request to {endpoint}: {}",
                root_cause(error)
            ));
        }
        LlmError::BrokenReply { endpoint, cause: root_cause(error) }
    }

    /// Servers sometimes quote the key in their complaint.
    fn redacted(&self, mut complaint: Complaint) -> Complaint {
        if let Some(key) = &self.api_key {
            complaint.message = key.redact(&complaint.message);
        }
        complaint
    }
}

/// A reply on its way in.
pub(crate) struct Incoming<'a> {
    endpoint: &'a Endpoint,
    response: Response,
    started: Instant,
    first_byte_after: Option<Duration>,
    received_bytes: usize,
    is_framed: bool,
}

impl Incoming<'_> {
    /// Whether the server answers with an event stream; `None` where it names no content type.
    pub(crate) fn is_event_stream(&self) -> Option<bool> {
        let kind = self.response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        Some(
            kind.trim_start()
                .as_bytes()
                .get(..17)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream")),
        )
    }

    /// Whether the end of the body is marked, so that a clean end is no cut.
    pub(crate) fn is_framed(&self) -> bool {
        self.is_framed
    }

    /// Milliseconds since the request was sent.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Milliseconds from the request to the body's first byte.
    pub(crate) fn first_byte_ms(&self) -> Option<u64> {
        self.first_byte_after.map(|after| after.as_millis() as u64)
    }

    /// The next piece of the body, or none at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, LlmError> {
        let now = Instant::now();
        let (limit, phase) = match self.first_byte_after {
            None => {
                let waited = now - self.started;
                let left = self.endpoint.deadlines.first_byte.saturating_sub(waited);
                self.endpoint.tighter(self.started, now, left, "first byte")
            }
            Some(_) => self.endpoint.tighter(self.started, now, self.endpoint.deadlines.idle, "idle"),
        };
        let piece = match timeout_at(limit, self.response.chunk()).await {
            Ok(Ok(piece)) => piece,
            Ok(Err(error)) => return Err(self.endpoint.transport_error(&error)),
            Err(_) => return Err(self.endpoint.timeout(phase)),
        };
        let Some(piece) = piece else { return Ok(None) };
        if self.first_byte_after.is_none() {
            self.first_byte_after = Some(self.started.elapsed());
        }
        self.received_bytes += piece.len();
        if self.received_bytes > self.endpoint.max_reply_bytes {
            return Err(LlmError::ReplyTooLarge {
                endpoint: self.endpoint.name.clone(),
                limit_bytes: self.endpoint.max_reply_bytes,
            });
        }
        Ok(Some(piece))
    }

    /// The whole body; not copied where it came in one piece.
    pub(crate) async fn body(&mut self) -> Result<Bytes, LlmError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut body = Vec::with_capacity((first.len() + second.len()) * 2);
        body.extend_from_slice(&first);
        body.extend_from_slice(&second);
        while let Some(piece) = self.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    async fn into_failure(mut self) -> LlmError {
        let status = self.response.status().as_u16();
        let wait = retry_after(self.response.headers());
        let mut body = Vec::new();
        // A failure while the complaint is read changes nothing: the status says enough.
        while let Ok(Some(piece)) = self.chunk().await {
            body.extend_from_slice(&piece[..piece.len().min(ERROR_BODY_BYTES - body.len())]);
            if body.len() == ERROR_BODY_BYTES {
                break;
            }
        }
        let complaint = self.endpoint.redacted(Complaint::of_body(&body));
        complaint.into_error(&self.endpoint.name, status, wait)
    }
}

fn parse_url(text: &str) -> Result<Url, LlmError> {
    let url = Url::parse(text).map_err(|cause| {
        LlmError::Misconfigured(format!(
            "base url `{}` is no address: {cause}; write for example http://127.0.0.1:8000/v1",
            without_user(text)
        ))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(LlmError::Misconfigured(format!(
            "base url has scheme `{}`; only http and https are spoken",
            url.scheme()
        )));
    }
    Ok(url)
}

/// `text` without what stands before an `@`: a password may be there.
fn without_user(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
}

fn build_client(url: &Url, deadlines: &Deadlines) -> Result<Client, LlmError> {
    // Several crates of one binary may do this; the first one wins and all choose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(deadlines.connect)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("nex/", env!("CARGO_PKG_VERSION")));
    if url.scheme() == "http" {
        // No TLS will be spoken, so a machine without CA certificates must do.
        let no_roots = rustls::RootCertStore::empty();
        let config = rustls::ClientConfig::builder().with_root_certificates(no_roots).with_no_client_auth();
        builder = builder.tls_backend_preconfigured(config);
    }
    builder.build().map_err(|error| {
        LlmError::Misconfigured(format!("cannot set up the HTTP client: {}", root_cause(&error)))
    })
}

/// The innermost cause, which names the reason; the outer ones repeat the address.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    let mut source = error.source();
    while let Some(inner) = source {
        cause = inner;
        source = inner.source();
    }
    if error.source().is_none() {
        return "no further cause given".to_owned();
    }
    cause.to_string()
}
