//! The MCP server over pipes in memory: raw JSON-RPC of both eras, bad input, isolation, resets,
//! control tools.

use expect_test::{Expect, expect};
use nex_world::serve::{ServeError, ServeOptions, serve_lines};
use nex_world::task::{Dials, generate_task, is_success, run_oracle, verify};
use nex_world::{Language, SessionExport, World, builtin_world};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio_util::sync::CancellationToken;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

fn world() -> Arc<World> {
    builtin_world("parcel_desk").expect("it is built in").load().expect("it loads")
}

fn with_token() -> ServeOptions {
    ServeOptions { control_token: Some("open sesame".to_owned()), ..ServeOptions::default() }
}

/// A request of 2026-07-28.
fn enveloped(id: u64, method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn request(id: u64, method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn call(id: u64, tool: &str, arguments: Value) -> String {
    request(id, "tools/call", json!({"name": tool, "arguments": arguments}))
}

/// Everything that the server writes when it reads `input` and then the end.
async fn exchange(options: ServeOptions, input: Vec<u8>) -> Vec<Value> {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(server);
    let serving = tokio::spawn(serve_lines(world(), options, read, write, CancellationToken::new()));
    let (mut from_server, mut to_server) = tokio::io::split(client);
    let writing = async move {
        to_server.write_all(&input).await.expect("the server reads");
        to_server.shutdown().await.expect("the pipe closes");
    };
    let mut output = String::new();
    let (_, read) = tokio::join!(writing, from_server.read_to_string(&mut output));
    read.expect("answers are UTF-8");
    serving.await.expect("no panic").expect("the end of input is no error");
    output.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect()
}

/// One answer in a few words.
fn brief(answer: &Value) -> String {
    let id = &answer["id"];
    if let Some(error) = answer.get("error") {
        let message = error["message"].as_str().expect("an error has a message");
        let data = error.get("data").map(|data| format!(" {data}")).unwrap_or_default();
        return format!("{id} error {} {message}{data}", error["code"]);
    }
    let result = &answer["result"];
    let complete = if result["resultType"] == "complete" { ", complete" } else { "" };
    if let Some(version) = result.get("protocolVersion") {
        format!("{id} initialized {version} by {}{complete}", result["serverInfo"]["name"])
    } else if let Some(versions) = result.get("supportedVersions") {
        format!("{id} supports {versions}{complete}")
    } else if let Some(tools) = result["tools"].as_array() {
        format!(
            "{id} {} tools from {} to {}{complete}",
            tools.len(),
            tools[0]["name"],
            tools[tools.len() - 1]["name"]
        )
    } else if let Some(text) = result["content"][0]["text"].as_str() {
        let reply: Value = serde_json::from_str(text).expect("a reply is JSON");
        if let Some(structured) = result.get("structuredContent") {
            assert_eq!(structured, &reply, "both forms of a reply are the same");
        }
        let what = match reply.get("error") {
            Some(error) => format!("refused {}", error["code"]),
            None => format!(
                "gave {:?}",
                reply.as_object().expect("a reply is an object").keys().collect::<Vec<_>>()
            ),
        };
        assert_eq!(result["isError"], reply.get("error").is_some());
        format!("{id} {what}{complete}")
    } else {
        format!("{id} {result}")
    }
}

async fn check(options: ServeOptions, lines: &[String], expected: Expect) {
    let input = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    let answers = exchange(options, input).await;
    let briefs: Vec<String> = answers.iter().map(|answer| brief(answer) + "\n").collect();
    expected.assert_eq(&briefs.concat());
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn handshake_era() {
    let input = [
        request(0, "ping", json!({})),
        request(1, "tools/list", json!({})),
        INITIALIZE.replace("\"id\":1", "\"id\":\"two\""),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
        request(3, "ping", json!({})),
        request(4, "tools/list", json!({})),
        call(5, "list_orders", json!({"status": "delivered"})),
        call(6, "get_order", json!({"order_id": 7})),
        call(7, "get_order", json!([])),
        call(8, "get_ordr", json!({})),
        call(9, "nex_export", json!({"token": ""})),
        request(10, "tools/call", json!({"arguments": {}})),
        request(11, "tools/call", json!([])),
        request(12, "resources/list", json!({})),
        request(13, "server/discover", json!({})),
        enveloped(14, "tools/list", json!({})),
        INITIALIZE.to_owned(),
        r#"{"id":15,"result":{}}"#.to_owned(),
        request(
            16,
            "tools/call",
            json!({"name": "find_order", "arguments": null, "_meta": {"progressToken": 3}}),
        ),
    ];
    check(ServeOptions::default(), &input, expect![[r#"
        0 {}
        1 error -32600 send `initialize` first, or requests with the envelope of 2026-07-28
        "two" initialized "2025-11-25" by "nex-world"
        3 {}
        4 17 tools from "find_customer" to "reset_world"
        5 gave ["orders", "count", "total", "has_more", "next_cursor"]
        6 refused "invalid_argument"
        7 refused "invalid_argument"
        8 error -32602 unknown tool `get_ordr`; did you mean `get_order`?
        9 error -32602 unknown tool `nex_export`; known: find_customer, get_customer, verify_customer, list_orders, find_order, get_order, list_lines, find_product, track_parcel, customer_spending, cancel_order, change_address, add_note, open_return, refund_order, transfer_credit, reset_world
        10 error -32602 tools/call wants the name of a tool
        11 error -32602 params must be an object
        12 error -32601 method `resources/list` is not served here
        13 error -32601 method `server/discover` is not served here
        14 error -32600 this connection began with a handshake; it takes no requests of 2026-07-28
        1 error -32600 this connection was initialized before
        16 refused "invalid_argument"
    "#]]).await;
}

#[tokio::test]
async fn era_of_2026() {
    let old = enveloped(8, "tools/list", json!({})).replace("2026-07-28", "2025-11-25");
    let new = enveloped(2, "tools/list", json!({})).replace("2026-07-28", "2027-01-01");
    let half = enveloped(9, "tools/list", json!({})).replace("clientCapabilities", "clientCapability");
    let input = [
        request(0, "server/discover", json!({})),
        enveloped(1, "server/discover", json!({})),
        new,
        enveloped(3, "tools/list", json!({})),
        enveloped(4, "tools/call", json!({"name": "list_orders", "arguments": {}})),
        enveloped(5, "tools/call", json!({"name": "get_order", "arguments": {"order_id": "ORD-1"}})),
        enveloped(6, "ping", json!({})),
        request(7, "tools/list", json!({})),
        old,
        half,
        enveloped(10, "subscriptions/listen", json!({"notifications": {}})),
        INITIALIZE.to_owned(),
        enveloped(11, "tools/call", json!({"name": "open_world", "arguments": {}})),
    ];
    check(ServeOptions::default(), &input, expect![[r#"
        0 error -32602 _meta lacks or has malformed: io.modelcontextprotocol/protocolVersion, io.modelcontextprotocol/clientCapabilities
        1 supports ["2026-07-28"], complete
        2 error -32022 protocol version `2027-01-01` is not served here {"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"requested":"2027-01-01"}
        3 17 tools from "find_customer" to "reset_world", complete
        4 gave ["orders", "count", "total", "has_more", "next_cursor"], complete
        5 refused "invalid_argument", complete
        6 error -32601 method `ping` is not served here
        7 error -32602 _meta lacks or has malformed: io.modelcontextprotocol/protocolVersion, io.modelcontextprotocol/clientCapabilities
        8 error -32022 protocol version `2025-11-25` is not served here {"supported":["2026-07-28"],"requested":"2025-11-25"}
        9 error -32602 _meta lacks or has malformed: io.modelcontextprotocol/clientCapabilities
        10 error -32601 method `subscriptions/listen` is not served here
        1 error -32022 protocol version `2025-11-25` is not served here {"supported":["2026-07-28"],"requested":"2025-11-25"}
        11 error -32602 unknown tool `open_world`; did you mean `open_return`?
    "#]]).await;
}

#[tokio::test]
async fn a_question_for_versions_leaves_both_eras_open() {
    let input = [
        enveloped(0, "server/discover", json!({})),
        INITIALIZE.to_owned(),
        request(2, "tools/list", json!({})),
    ];
    check(
        ServeOptions::default(),
        &input,
        expect![[r#"
        0 supports ["2026-07-28"], complete
        1 initialized "2025-11-25" by "nex-world"
        2 17 tools from "find_customer" to "reset_world"
    "#]],
    )
    .await;
}

#[tokio::test]
async fn versions_are_negotiated() {
    for (wanted, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let answers =
            exchange(ServeOptions::default(), INITIALIZE.replace("2025-11-25", wanted).into_bytes()).await;
        assert!(answers.is_empty(), "a line without its end is no message");
        let line = INITIALIZE.replace("2025-11-25", wanted) + "\n";
        let answers = exchange(ServeOptions::default(), line.into_bytes()).await;
        assert_eq!(answers[0]["result"]["protocolVersion"], given, "{wanted}");
    }
    let nothing = request(1, "initialize", json!({"protocolVersion": 7}));
    check(
        ServeOptions::default(),
        &[nothing],
        expect![[r#"
        1 error -32602 initialize wants a protocolVersion
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_message_harms_nobody() {
    let input = lines(&[
        "hello",
        "",
        "   \r",
        r#"{"id":1,"method":"pi"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        r#"{"id":null,"method":"ping"}"#,
        r#"{"id":{"a":1},"method":"ping"}"#,
        "42",
        r#"{"id":3,"method":"ping"}"#,
    ]);
    check(ServeOptions::default(), &input, expect![[r#"
        null error -32700 this is no JSON: expected value at line 1 column 1
        null error -32700 this is no JSON: EOF while parsing a string at line 1 column 20
        null error -32600 batches are not served; send one message at a time
        null error -32600 the id must be a string or an integer
        null error -32600 the id must be a string or an integer
        null error -32600 this is no JSON-RPC message: invalid type: integer `42`, expected a JSON-RPC message at line 1 column 2
        3 {}
    "#]]).await;
}

#[tokio::test]
async fn junk_is_answered_so_often_and_no_more() {
    let mut input = "what?\n".repeat(500);
    input += "{\"id\":1,\"method\":\"ping\"}\n";
    input += &"what?\n".repeat(500);
    let answers = exchange(ServeOptions::default(), input.into_bytes()).await;
    let complaints =
        |answers: &[Value]| answers.iter().filter(|answer| answer["error"]["code"] == -32700).count();
    assert_eq!((answers.len(), complaints(&answers[..16]), complaints(&answers[17..])), (33, 16, 16));
    // Answers are not answered, so a peer that sends ours back ends it.
    let echoed: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
    assert_eq!(exchange(ServeOptions::default(), echoed.into_bytes()).await, Vec::<Value>::new());
}

#[tokio::test]
async fn lines_that_are_not_utf8_or_too_long_are_survived() {
    let mut input = format!("{INITIALIZE}\n").into_bytes();
    input.extend(b"\xff\xfe\n");
    input.extend(b"{\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"find_order\",\"arguments\":{\"number\":\"\xc3\"}}}\n");
    let long = format!("{{\"id\":3,\"method\":\"ping\",\"params\":{{\"x\":\"{}\"}}}}\n", "x".repeat(200_000));
    input.extend(long.as_bytes());
    input.extend(b"{\"id\":4,\"method\":\"ping\"}\n");
    let options = ServeOptions { max_message_bytes: 100_000, ..ServeOptions::default() };
    let answers: Vec<String> =
        exchange(options, input).await.iter().map(|answer| brief(answer) + "\n").collect();
    expect![[r#"
        1 initialized "2025-11-25" by "nex-world"
        null error -32700 this is no JSON: expected value at line 1 column 1
        2 refused "not_found"
        null error -32600 a message has at most 100000 bytes
        4 {}
    "#]]
    .assert_eq(&answers.concat());
}

#[tokio::test]
async fn tools_are_listed_in_order_with_annotations() {
    let answers = exchange(
        with_token(),
        format!("{INITIALIZE}\n{}\n", request(2, "tools/list", json!({}))).into_bytes(),
    )
    .await;
    let tools = answers[1]["result"]["tools"].as_array().expect("a list");
    let world = world();
    for (tool, declaration) in tools.iter().zip(world.declarations()) {
        let spec = declaration.spec();
        assert_eq!((&tool["name"], &tool["inputSchema"]), (&json!(spec.name), &spec.input_schema));
    }
    let hints: Vec<String> = tools
        .iter()
        .map(|tool| {
            let of = &tool["annotations"];
            let word = |key: &str, word: &str| if of[key] == true { word.to_owned() } else { String::new() };
            format!(
                "{}:{}{}{}\n",
                tool["name"].as_str().expect("a name"),
                word("readOnlyHint", " reads"),
                word("destructiveHint", " destroys"),
                word("idempotentHint", " repeatable")
            )
        })
        .collect();
    expect![[r#"
        find_customer: reads repeatable
        get_customer: reads repeatable
        verify_customer: destroys
        list_orders: reads repeatable
        find_order: reads repeatable
        get_order: reads repeatable
        list_lines: reads repeatable
        find_product: reads repeatable
        track_parcel: reads repeatable
        customer_spending: reads repeatable
        cancel_order: destroys
        change_address: destroys
        add_note: destroys
        open_return:
        refund_order: destroys
        transfer_credit: destroys
        reset_world: destroys repeatable
        nex_reset: destroys repeatable
        nex_export: reads
    "#]]
    .assert_eq(&hints.concat());
}

/// A client that waits for each answer.
struct Client {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    next_id: u64,
}

impl Client {
    async fn connect(options: ServeOptions) -> Self {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (read, write) = tokio::io::split(server);
        tokio::spawn(serve_lines(world(), options, read, write, CancellationToken::new()));
        let (reader, writer) = tokio::io::split(client);
        let mut client = Self { reader: BufReader::new(reader), writer, next_id: 2 };
        client.send(INITIALIZE).await;
        client.receive().await;
        client
    }

    async fn send(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.expect("the server reads");
    }

    async fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).await.expect("the server writes");
        serde_json::from_str(&line).expect("an answer is JSON")
    }

    /// A tool's reply and whether it failed.
    async fn call(&mut self, tool: &str, arguments: Value) -> (Value, bool) {
        self.next_id += 1;
        self.send(&call(self.next_id, tool, arguments)).await;
        let answer = self.receive().await;
        assert_eq!(answer["id"], self.next_id, "{answer}");
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"));
        (serde_json::from_str(text).expect("a reply is JSON"), result["isError"] == true)
    }

    async fn notes_of_first_order(&mut self) -> (String, Value) {
        let (orders, _) = self.call("list_orders", json!({})).await;
        let id = orders["orders"][0]["id"].as_str().expect("an id").to_owned();
        let (order, _) = self.call("get_order", json!({"order_id": id})).await;
        (id, order)
    }
}

/// A write that every state allows, and the read that shows it.
async fn change_something(client: &mut Client, note: &str) -> String {
    let (id, _) = client.notes_of_first_order().await;
    let (reply, failed) = client.call("add_note", json!({"order_id": id, "text": note})).await;
    assert!(!failed, "{reply}");
    id
}

async fn export(client: &mut Client) -> SessionExport {
    let (export, failed) = client.call("nex_export", json!({"token": "open sesame"})).await;
    assert!(!failed, "{export}");
    serde_json::from_value(export).expect("it is an export")
}

#[tokio::test]
async fn sessions_never_see_each_other() {
    let mut ours = Client::connect(with_token()).await;
    let mut theirs = Client::connect(with_token()).await;
    let untouched = export(&mut theirs).await.state;
    change_something(&mut ours, "first").await;
    assert_eq!(export(&mut theirs).await.state, untouched);
    change_something(&mut theirs, "second").await;
    let (a, b) = (export(&mut ours).await, export(&mut theirs).await);
    assert!(a.state != b.state && a.state != untouched && b.state != untouched);
    assert_eq!((a.log.len(), b.log.len()), (3, 3), "each log has its own calls only");
    let (a, b) = (json!(a.state).to_string(), json!(b.state).to_string());
    assert!(a.contains("first") && !a.contains("second") && b.contains("second") && !b.contains("first"));
}

#[tokio::test]
async fn reset_world_begins_again() {
    let mut client = Client::connect(with_token()).await;
    let fresh = export(&mut client).await;
    change_something(&mut client, "a note").await;
    assert_ne!(export(&mut client).await.state, fresh.state);
    let (reply, failed) = client.call("reset_world", json!({})).await;
    assert_eq!((reply, failed), (json!({"world": "parcel_desk", "seed": 0}), false));
    assert_eq!(export(&mut client).await, fresh);
    let (reply, _) = client.call("reset_world", json!({"seed": 5})).await;
    assert_eq!(reply["seed"], 5);
    let other = export(&mut client).await;
    assert_ne!(other.state, fresh.state);
    change_something(&mut client, "a note").await;
    client.call("reset_world", json!({})).await;
    assert_eq!(export(&mut client).await, other, "it begins as it last began");
    for seed in [json!(-1), json!("7"), json!(1.5)] {
        let (reply, failed) = client.call("reset_world", json!({"seed": seed})).await;
        assert!(failed && reply["error"]["code"] == "invalid_arguments", "{seed}: {reply}");
    }
}

#[tokio::test]
async fn reset_is_not_there_where_it_is_not_offered() {
    let options = ServeOptions { offer_reset: false, ..ServeOptions::default() };
    let input =
        [INITIALIZE.to_owned(), request(2, "tools/list", json!({})), call(3, "reset_world", json!({}))];
    check(options, &input, expect![[r#"
        1 initialized "2025-11-25" by "nex-world"
        2 16 tools from "find_customer" to "transfer_credit"
        3 error -32602 unknown tool `reset_world`; known: find_customer, get_customer, verify_customer, list_orders, find_order, get_order, list_lines, find_product, track_parcel, customer_spending, cancel_order, change_address, add_note, open_return, refund_order, transfer_credit
    "#]]).await;
}

#[tokio::test]
async fn control_tools_want_the_token() {
    let mut client = Client::connect(with_token()).await;
    let before = export(&mut client).await;
    for arguments in [
        json!({}),
        json!({"token": ""}),
        json!({"token": "open sesam"}),
        json!({"token": "open sesame "}),
        json!({"token": ["open sesame"]}),
        json!({"token": null, "seed": 4}),
        json!([]),
    ] {
        for tool in ["nex_reset", "nex_export"] {
            let (reply, failed) = client.call(tool, arguments.clone()).await;
            let refusal = json!({"error": {"code": "not_allowed", "message": "not allowed"}});
            assert_eq!((reply, failed), (refusal, true), "{tool} {arguments}");
        }
    }
    assert_eq!(export(&mut client).await, before, "nothing was done");
    let (read, write) = tokio::io::split(tokio::io::duplex(1).0);
    let options = ServeOptions { control_token: Some(String::new()), ..ServeOptions::default() };
    let served = serve_lines(world(), options, read, write, CancellationToken::new()).await;
    assert!(matches!(served, Err(ServeError::EmptyToken)));
    assert!(!format!("{:?}", with_token()).contains("sesame"), "the token is not shown");
}

#[tokio::test]
async fn a_harness_sets_a_task_and_judges_what_was_done() {
    let world = world();
    let mut client = Client::connect(with_token()).await;
    let token = "open sesame";
    for (seed, language) in [(3, Language::En), (4, Language::Zh)] {
        let task = generate_task(&world, seed, &Dials::default(), language).expect("a task");
        let (reply, failed) = client.call("nex_reset", json!({"token": token, "task": task})).await;
        assert!(!failed, "{reply}");
        let session = task.session(&world).expect("a session");
        assert_eq!(export(&mut client).await, session.export(), "it is the task's own beginning");
        let oracle = run_oracle(&world, &task).expect("it can be solved");
        for record in &oracle.export.log {
            let arguments = record.arguments.clone();
            client.call(&record.operation, arguments).await;
        }
        let done = export(&mut client).await;
        assert_eq!(done.state, oracle.export.state, "calls over MCP do what calls in process do");
        assert!(is_success(&verify(&world, &task, &done, Some(&oracle.answer))));
    }
    let (reply, _) =
        client.call("nex_reset", json!({"token": token, "seed": 9, "language": "zh", "calm": true})).await;
    assert_eq!(reply["seed"], 9);
    let mut foreign = generate_task(&world, 3, &Dials::default(), Language::En).expect("a task");
    foreign.record.world = "elsewhere".to_owned();
    for arguments in [
        json!({"token": token, "task": foreign}),
        json!({"token": token, "taks": {}}),
        json!({"token": token, "task": 7}),
    ] {
        let (reply, failed) = client.call("nex_reset", arguments).await;
        assert!(failed && reply["error"]["code"] == "invalid_arguments", "{reply}");
    }
    assert_eq!(export(&mut client).await.seed, 9, "what failed changed nothing");
}

#[tokio::test]
async fn latency_is_told_and_not_waited_for() {
    let mut client = Client::connect(with_token()).await;
    client.send(&call(50, "list_orders", json!({}))).await;
    let answer = client.receive().await;
    let told = answer["result"]["_meta"]["nex/latency_ms"].as_u64().expect("a latency");
    assert!(told > 0);
    assert_eq!(export(&mut client).await.clock_ms, told);
}

#[tokio::test]
async fn real_latency_delays_answers_and_a_cancelled_one_never_comes() {
    let options = ServeOptions { real_latency: true, ..with_token() };
    let input = [
        INITIALIZE.to_owned(),
        call(50, "list_orders", json!({})),
        call(51, "list_orders", json!({})),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":50}}"#.to_owned(),
        request(52, "ping", json!({})),
    ];
    let start = std::time::Instant::now();
    // The server ends when the last answer that waits was given, so nothing comes later.
    let answers = exchange(options, (input.join("\n") + "\n").into_bytes()).await;
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [1, 52, 51], "a ping does not wait for slow calls, and 50 was cancelled");
    let told = answers[2]["result"]["_meta"]["nex/latency_ms"].as_u64().expect("a latency");
    assert!(start.elapsed().as_millis() as u64 >= told);
}

#[tokio::test]
async fn cancelling_ends_a_server_in_the_middle() {
    let (client, server) = tokio::io::duplex(64);
    let (read, write) = tokio::io::split(server);
    let cancel = CancellationToken::new();
    let serving = tokio::spawn(serve_lines(world(), ServeOptions::default(), read, write, cancel.clone()));
    cancel.cancel();
    serving.await.expect("no panic").expect("it is no error");
    drop(client);
}
