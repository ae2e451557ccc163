//! The MCP server over real HTTP: both eras, forged names, bounds, isolation.

use nex_world::builtin_world;
use nex_world::serve::{HttpOptions, HttpServer, ServeOptions};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

struct Server {
    url: String,
    client: Client,
    _stop: DropGuard,
}

struct Answer {
    status: u16,
    session: Option<String>,
    body: Value,
}

impl Answer {
    fn code(&self) -> i64 {
        self.body["error"]["code"].as_i64().unwrap_or_default()
    }

    /// A tool's reply.
    fn reply(&self) -> Value {
        let text = self.body["result"]["content"][0]["text"].as_str();
        serde_json::from_str(text.unwrap_or_else(|| panic!("no reply in {}", self.body)))
            .expect("a reply is JSON")
    }
}

impl Server {
    async fn start(options: ServeOptions) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = builtin_world("parcel_desk").expect("it is built in").load().expect("it loads");
        let server =
            HttpServer::bind(world, ([127, 0, 0, 1], 0).into(), options).await.expect("a port is free");
        let url = format!("http://{}/mcp", server.local_addr());
        let cancel = CancellationToken::new();
        tokio::spawn(server.run(cancel.clone()));
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { url, client, _stop: cancel.drop_guard() }
    }

    async fn send(&self, method: Method, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        let mut map = HeaderMap::new();
        map.insert("content-type", HeaderValue::from_static("application/json"));
        map.insert("accept", HeaderValue::from_static("application/json, text/event-stream"));
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            map.remove(&name);
            map.insert(name, value.parse().expect("a header's value"));
        }
        let answer =
            self.client.request(method, &self.url).headers(map).body(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let session = answer.headers().get("mcp-session-id").map(|id| id.to_str().expect("text").to_owned());
        let text = answer.text().await.expect("a body");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Answer { status, session, body }
    }

    async fn post(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send(Method::POST, headers, body.to_string()).await
    }

    async fn initialize(&self) -> String {
        let answer = self.post(&[], &initialize()).await;
        assert_eq!(answer.status, 200);
        answer.session.expect("a session")
    }

    /// A call in a handshake session.
    async fn call(&self, session: &str, tool: &str, arguments: Value) -> Answer {
        let body = request("tools/call", json!({"name": tool, "arguments": arguments}));
        self.post(&[("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")], &body).await
    }

    /// A request of 2026-07-28.
    async fn modern(&self, method: &str, params: Value) -> Answer {
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", &name));
        }
        self.post(&headers, &enveloped(method, params)).await
    }

    async fn modern_call(&self, tool: &str, arguments: Value) -> Answer {
        self.modern("tools/call", json!({"name": tool, "arguments": arguments})).await
    }
}

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn enveloped(method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request(method, params)
}

fn initialize() -> Value {
    request(
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}),
    )
}

fn with_token() -> ServeOptions {
    ServeOptions { control_token: Some("sesame".to_owned()), ..ServeOptions::default() }
}

#[tokio::test]
async fn forged_names_are_refused_before_anything_else() {
    let server = Server::start(ServeOptions::default()).await;
    for (name, value, status) in [
        ("host", "evil.example", 421),
        ("host", "evil.example:80", 421),
        ("host", "localhost.evil.example", 421),
        ("host", "localhost:4711", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1.evil.example", 403),
        ("origin", "http://localhost:3000", 200),
    ] {
        let answer = server.post(&[(name, value)], &initialize()).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.session.is_some(), status == 200, "{name}: {value}");
        let listed = server.send(Method::DELETE, &[(name, value), ("mcp-session-id", "s-1")], "").await;
        assert_eq!(listed.status, if status == 200 { 404 } else { status }, "{name}: {value}");
    }
}

#[tokio::test]
async fn the_carrier_is_checked() {
    let server = Server::start(ServeOptions { max_message_bytes: 10_000, ..ServeOptions::default() }).await;
    let good = initialize().to_string();
    let large =
        json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "x".repeat(20_000)}}).to_string();
    let headers = |name, value| vec![(name, value)];
    let table = [
        (Method::POST, vec![], "{\"jsonrpc\"".to_owned(), 400, -32700),
        (Method::POST, vec![], format!("[{good}]"), 400, -32600),
        (Method::POST, vec![], String::new(), 400, -32700),
        (Method::POST, headers("content-type", "text/plain"), good.clone(), 415, -32600),
        (Method::POST, headers("accept", "text/event-stream"), good.clone(), 406, -32600),
        (Method::POST, headers("accept", "*/*;q=0.5"), good.clone(), 200, 0),
        (Method::POST, headers("content-type", "application/json; charset=utf-8"), good.clone(), 200, 0),
        (Method::POST, vec![], large, 413, -32600),
        (
            Method::POST,
            headers("mcp-session-id", "s-nobody"),
            request("ping", json!({})).to_string(),
            404,
            -32600,
        ),
        (Method::POST, vec![], request("ping", json!({})).to_string(), 400, -32600),
        (
            Method::POST,
            vec![],
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
            202,
            0,
        ),
        (Method::POST, vec![], r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.to_owned(), 202, 0),
        (Method::GET, vec![], String::new(), 405, 0),
        (Method::PUT, vec![], good.clone(), 405, 0),
        (Method::DELETE, vec![], String::new(), 400, -32600),
    ];
    for (method, headers, body, status, code) in table {
        let answer = server.send(method.clone(), &headers, body.clone()).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!((answer.status, answer.code()), (status, code), "{method} {headers:?} {shown}");
    }
    // A body that does not say its length is bounded too.
    let pieces = futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])));
    let answer = server.send(Method::POST, &[], reqwest::Body::wrap_stream(pieces)).await;
    assert_eq!(answer.status, 413);
    let elsewhere = server.client.post(server.url.replace("/mcp", "/other")).send().await.expect("an answer");
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn handshake_sessions_are_apart_and_end() {
    let server = Server::start(with_token()).await;
    let (ours, theirs) = (server.initialize().await, server.initialize().await);
    let list = request("tools/list", json!({}));
    let tools = server.post(&[("mcp-session-id", &ours)], &list).await;
    assert!(tools.body["result"]["tools"].as_array().is_some_and(|tools| tools.len() > 5));
    let order = server.call(&ours, "list_orders", json!({})).await.reply()["orders"][0]["id"].clone();
    let noted = server.call(&ours, "add_note", json!({"order_id": order, "text": "ours alone"})).await;
    assert_eq!(noted.body["result"]["isError"], false, "{}", noted.body);
    let export = |session: String| {
        let server = &server;
        async move { server.call(&session, "nex_export", json!({"token": "sesame"})).await.reply() }
    };
    let (a, b) = (export(ours.clone()).await, export(theirs.clone()).await);
    assert_eq!((a["log"].as_array().map(Vec::len), b["log"].as_array().map(Vec::len)), (Some(2), Some(0)));
    assert!(a["state"].to_string().contains("ours alone") && !b["state"].to_string().contains("ours alone"));
    // Errors of the protocol are answers in this era.
    let unknown = server.call(&ours, "no_such_tool", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (200, -32602));
    let unknown = server.post(&[("mcp-session-id", &ours)], &request("prompts/list", json!({}))).await;
    assert_eq!((unknown.status, unknown.code()), (200, -32601));
    let again = server.post(&[("mcp-session-id", &ours)], &initialize()).await;
    assert_eq!(again.status, 400);
    let version = [("mcp-session-id", ours.as_str()), ("mcp-protocol-version", "2019-01-01")];
    let old = server.post(&version, &list).await;
    assert_eq!((old.status, old.code()), (400, -32022));
    assert_eq!(server.send(Method::DELETE, &[("mcp-session-id", &ours)], "").await.status, 204);
    assert_eq!(server.send(Method::DELETE, &[("mcp-session-id", &ours)], "").await.status, 404);
    assert_eq!(server.call(&ours, "list_orders", json!({})).await.status, 404);
    assert_eq!(server.call(&theirs, "list_orders", json!({})).await.status, 200);
}

#[tokio::test]
async fn sessions_are_bounded_and_expire() {
    let http = HttpOptions { max_sessions: 2, ..HttpOptions::default() };
    let server = Server::start(ServeOptions { http, ..ServeOptions::default() }).await;
    let first = server.initialize().await;
    server.initialize().await;
    let full = server.post(&[], &initialize()).await;
    assert_eq!((full.status, full.code(), full.session), (503, -32603, None));
    let refused = server.modern_call("open_world", json!({})).await;
    assert_eq!(refused.reply()["error"]["code"], "no_room");
    server.send(Method::DELETE, &[("mcp-session-id", &first)], "").await;
    server.initialize().await;
    let http = HttpOptions { idle_expiry: Duration::ZERO, ..HttpOptions::default() };
    let server = Server::start(ServeOptions { http, ..ServeOptions::default() }).await;
    let session = server.initialize().await;
    assert_eq!(server.call(&session, "list_orders", json!({})).await.status, 404, "it expired at once");
}

#[tokio::test]
async fn requests_of_2026_are_checked() {
    let server = Server::start(ServeOptions::default()).await;
    let list = enveloped("tools/list", json!({}));
    let call = enveloped("tools/call", json!({"name": "list_orders", "arguments": {}}));
    let (version, method) = (("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list"));
    let of_call = ("mcp-method", "tools/call");
    let future: Value =
        serde_json::from_str(&list.to_string().replace("2026-07-28", "2027-01-01")).expect("JSON");
    let mut half = list.clone();
    half["params"]["_meta"]
        .as_object_mut()
        .expect("an object")
        .remove("io.modelcontextprotocol/clientCapabilities");
    let table = [
        (vec![version, method], list.clone(), 200, 0),
        (vec![method], list.clone(), 400, -32020),
        (vec![version], list.clone(), 400, -32020),
        (vec![version, ("mcp-method", "tools/call")], list.clone(), 400, -32020),
        (vec![("mcp-protocol-version", "2025-11-25"), method], list.clone(), 400, -32020),
        (vec![version, of_call, ("mcp-name", "list_orders")], call.clone(), 200, 0),
        (vec![version, of_call, ("mcp-name", "=?base64?bGlzdF9vcmRlcnM=?=")], call.clone(), 200, 0),
        (vec![version, of_call, ("mcp-name", "get_order")], call.clone(), 400, -32020),
        (vec![version, of_call, ("mcp-name", "=?base64?%%%?=")], call.clone(), 400, -32020),
        (vec![version, of_call], call, 400, -32020),
        (vec![version, method], request("tools/list", json!({})), 400, -32602),
        (vec![version, method], half, 400, -32602),
        (vec![("mcp-protocol-version", "2027-01-01"), method], future, 400, -32022),
        (vec![version, ("mcp-method", "ping")], enveloped("ping", json!({})), 404, -32601),
        (vec![version, ("mcp-method", "server/discover")], enveloped("server/discover", json!({})), 200, 0),
    ];
    for (headers, body, status, code) in table {
        let answer = server.post(&headers, &body).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{headers:?} {body}");
        assert_eq!(answer.session, None, "this era has no sessions");
    }
}

#[tokio::test]
async fn worlds_of_2026_are_named_in_each_call() {
    let server = Server::start(with_token()).await;
    let listed = server.modern("tools/list", json!({})).await;
    let tools = listed.body["result"]["tools"].as_array().expect("a list").clone();
    assert_eq!(tools[0]["name"], "open_world");
    assert!(
        tools[1..].iter().all(|tool| tool["inputSchema"]["properties"]["world_handle"]["type"] == "string")
    );
    assert_eq!(listed.body["result"]["resultType"], "complete");

    let lost = server.modern_call("list_orders", json!({})).await;
    assert_eq!((lost.status, &lost.reply()["error"]["code"]), (200, &json!("no_world")));
    let wrong = server.modern_call("list_orders", json!({"world_handle": "w-0"})).await;
    assert_eq!(wrong.reply()["error"]["code"], "unknown_world");
    // A session's name is no handle.
    let session = server.initialize().await;
    let wrong = server.modern_call("list_orders", json!({"world_handle": session})).await;
    assert_eq!(wrong.reply()["error"]["code"], "unknown_world");

    let open = || async { server.modern_call("open_world", json!({})).await.reply()["world_handle"].clone() };
    let (ours, theirs) = (open().await, open().await);
    assert_ne!(ours, theirs);
    let orders = server.modern_call("list_orders", json!({"world_handle": ours})).await;
    assert!(orders.body["result"]["_meta"]["nex/latency_ms"].is_u64());
    let order = orders.reply()["orders"][0]["id"].clone();
    let note = json!({"world_handle": ours, "order_id": order, "text": "ours alone"});
    assert_eq!(server.modern_call("add_note", note).await.body["result"]["isError"], false);
    // The handle may also stand beside the arguments.
    let beside =
        json!({"name": "nex_export", "arguments": {"token": "sesame"}, "_meta": {"nex/world": ours}});
    let a = server.modern("tools/call", beside).await.reply();
    let b =
        server.modern_call("nex_export", json!({"token": "sesame", "world_handle": theirs})).await.reply();
    assert!(a["state"].to_string().contains("ours alone") && !b["state"].to_string().contains("ours alone"));
    assert_eq!(
        a["log"][1]["arguments"],
        json!({"order_id": order, "text": "ours alone"}),
        "no handle among them"
    );

    let reset = server.modern_call("reset_world", json!({"world_handle": ours})).await;
    assert_eq!(reset.reply()["seed"], 0);
    let fresh =
        server.modern_call("nex_export", json!({"token": "sesame", "world_handle": ours})).await.reply();
    assert_eq!(fresh, b);
    let begun = server.modern_call("nex_reset", json!({"token": "sesame", "seed": 12})).await.reply();
    let handle = begun["world_handle"].clone();
    let export =
        server.modern_call("nex_export", json!({"token": "sesame", "world_handle": handle})).await.reply();
    assert_eq!((&begun["seed"], &export["seed"]), (&json!(12), &json!(12)));
    for tool in ["nex_reset", "nex_export"] {
        let refused = server.modern_call(tool, json!({"token": "guess", "world_handle": ours})).await;
        assert_eq!(refused.reply()["error"]["code"], "not_allowed");
    }
}

#[tokio::test]
async fn many_clients_at_once_get_their_own_answers() {
    let server = Server::start(with_token()).await;
    let clients = (0..20).map(|number| {
        let server = &server;
        async move {
            let session = server.initialize().await;
            let order =
                server.call(&session, "list_orders", json!({})).await.reply()["orders"][0]["id"].clone();
            for turn in 0..5 {
                let text = format!("client {number} turn {turn} end");
                server.call(&session, "add_note", json!({"order_id": order, "text": text})).await;
            }
            let state =
                server.call(&session, "nex_export", json!({"token": "sesame"})).await.reply()["state"]
                    .to_string();
            assert!(state.contains(&format!("client {number} turn 4 end")));
            assert_eq!(state.matches("client ").count(), 5, "no note of another client");
        }
    });
    futures_util::future::join_all(clients).await;
}
