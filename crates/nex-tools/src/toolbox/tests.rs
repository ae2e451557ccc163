use super::*;
use crate::{FnTool, ToolDeclaration};
use async_trait::async_trait;
use expect_test::expect;
use nex_trajectory::{Arguments, ToolSpec};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

fn spec(name: &str) -> ToolSpec {
    ToolSpec { name: name.into(), description: String::new(), input_schema: json!({"type": "object"}) }
}

fn tool(
    name: &str,
    run: impl Fn(Value) -> Result<ToolOutput, ToolFailure> + Send + Sync + 'static,
) -> Arc<dyn Tool> {
    Arc::new(FnTool::new(spec(name), run).expect("a valid schema"))
}

fn toolbox(tools: Vec<Arc<dyn Tool>>) -> Toolbox {
    Toolbox::new(tools, ToolLimits { max_output_bytes: 30, ..ToolLimits::default() }).expect("names differ")
}

fn call(id: &str, name: &str) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: Arguments::default() }
}

async fn made(toolbox: &Toolbox, calls: &[ToolCall]) -> Vec<CallOutcome> {
    let cancel = CancellationToken::new();
    toolbox.call_all(calls, &CallContext { session: "s", call_id: "", cancel: &cancel }).await
}

/// A tool that answers when all of `barrier` have come, so the test hangs unless calls overlap.
struct Meets {
    declaration: Arc<ToolDeclaration>,
    barrier: Arc<Barrier>,
}

#[async_trait]
impl Tool for Meets {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }
    async fn call(&self, _: Value, context: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        self.barrier.wait().await;
        Ok(ToolOutput::text(context.call_id))
    }
}

/// A serial tool that notes when it enters and leaves, and lets others run in between.
struct Alone {
    declaration: Arc<ToolDeclaration>,
    log: Arc<Mutex<Vec<String>>>,
    is_serial: bool,
}

#[async_trait]
impl Tool for Alone {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }
    async fn call(&self, _: Value, context: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        self.log.lock().push(format!("+{}", context.call_id));
        tokio::task::yield_now().await;
        self.log.lock().push(format!("-{}", context.call_id));
        Ok(ToolOutput::text("done"))
    }
    fn is_serial(&self) -> bool {
        self.is_serial
    }
}

#[tokio::test]
async fn parallel_calls_overlap_and_come_back_in_call_order() {
    let declaration = Arc::new(ToolDeclaration::new(spec("meet")).expect("a valid schema"));
    let toolbox = toolbox(vec![Arc::new(Meets { declaration, barrier: Arc::new(Barrier::new(3)) })]);
    let outcomes = made(&toolbox, &[call("a", "meet"), call("b", "meet"), call("c", "meet")]).await;
    let texts: Vec<String> = outcomes.iter().map(|outcome| outcome.result.text()).collect();
    assert_eq!(texts, ["a", "b", "c"]);
}

#[tokio::test]
async fn serial_tools_never_overlap() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let make = |name: &str, is_serial| -> Arc<dyn Tool> {
        let declaration = Arc::new(ToolDeclaration::new(spec(name)).expect("a valid schema"));
        Arc::new(Alone { declaration, log: Arc::clone(&log), is_serial })
    };
    let toolbox = toolbox(vec![make("free", false), make("alone", true)]);
    let calls =
        [call("1", "free"), call("2", "free"), call("3", "alone"), call("4", "alone"), call("5", "free")];
    made(&toolbox, &calls).await;
    assert_eq!(log.lock().join(" "), "+1 +2 -1 -2 +3 -3 +4 -4 +5 -5");
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_result() {
    let toolbox = toolbox(vec![
        tool("read_file", |_| Ok(ToolOutput::text("fine"))),
        tool("write_file", |_| Ok(ToolOutput { is_lossy: true, ..ToolOutput::error("disk said no") })),
        tool("panics", |_| panic!("index out of bounds")),
        tool("gone", |_| {
            Err(ToolFailure::ServerGone {
                tool: "gone".into(),
                server: "db".into(),
                cause: "exit code 1".into(),
            })
        }),
        tool("long", |_| Ok(ToolOutput::text("x".repeat(100)))),
        tool("empty", |_| Ok(ToolOutput::default())),
    ]);
    let names = ["read_file", "readfile", "cat", "write_file", "panics", "gone", "long", "empty"];
    let calls: Vec<_> = names.iter().map(|name| call(name, name)).collect();
    let mut found = String::new();
    for outcome in made(&toolbox, &calls).await {
        let CallOutcome { result, defects, failure, .. } = outcome;
        let defects: Vec<_> = defects.iter().map(|defect| defect.kind).collect();
        let failure = failure.map(|failure| failure.kind());
        found.push_str(&format!(
            "{}: error={} {:?} {:?} {:?}\n",
            result.call_id,
            result.is_error,
            result.text(),
            defects,
            failure
        ));
    }
    expect![[r#"
        read_file: error=false "fine" [] None
        readfile: error=true "there is no tool `readfile`; did you mean `read_file` or `write_file`? The tools are: read_file, write_file, panics, gone, long, empty" [UnknownTool] None
        cat: error=true "there is no tool `cat` The tools are: read_file, write_file, panics, gone, long, empty" [UnknownTool] None
        write_file: error=true "disk said no" [InvalidUtf8] None
        panics: error=true "tool `panics` broke down inside; the call has no result" [] Some("tool_panicked")
        gone: error=true "server `db` of tool `gone` is gone: exit code 1; what it kept in memory is lost, and this call may or may not have taken effect" [] Some("server_gone")
        long: error=false "xxxxxxxxxxxxxxxxxxxx\n[… 70 of 100 bytes left out here; blake3 of the whole: 2caf4e0114b60343 …]\nxxxxxxxxxx" [OversizedOutput] None
        empty: error=false "" [] None
    "#]].assert_eq(&found);
}

#[tokio::test]
async fn a_tool_that_hangs_meets_its_deadline() {
    let declaration = Arc::new(ToolDeclaration::new(spec("meet")).expect("a valid schema"));
    // Two are awaited, one comes.
    let tools: Vec<Arc<dyn Tool>> = vec![Arc::new(Meets { declaration, barrier: Arc::new(Barrier::new(2)) })];
    let toolbox =
        Toolbox::new(tools, ToolLimits { deadline_ms: 1, ..ToolLimits::default() }).expect("one name");
    let outcome = made(&toolbox, &[call("a", "meet")]).await.remove(0);
    let limit = Duration::from_millis(1);
    assert_eq!(outcome.failure, Some(ToolFailure::Timeout { tool: "meet".into(), limit }));
    assert!(outcome.result.is_error);
}

#[tokio::test]
async fn cancelling_ends_a_call() {
    let declaration = Arc::new(ToolDeclaration::new(spec("meet")).expect("a valid schema"));
    let toolbox = toolbox(vec![Arc::new(Meets { declaration, barrier: Arc::new(Barrier::new(2)) })]);
    let cancel = CancellationToken::new();
    let context = CallContext { session: "s", call_id: "", cancel: &cancel };
    let a = call("a", "meet");
    let (outcome, ()) = tokio::join!(toolbox.call(&a, &context), async { cancel.cancel() });
    assert_eq!(outcome.failure, Some(ToolFailure::Cancelled));
    assert_eq!(toolbox.call(&a, &context).await.failure, Some(ToolFailure::Cancelled));
}

#[test]
fn two_tools_of_one_name_are_refused() {
    let twice = vec![tool("a", |_| Ok(ToolOutput::default())), tool("a", |_| Ok(ToolOutput::default()))];
    let error = Toolbox::new(twice, ToolLimits::default()).err();
    assert_eq!(error, Some(DuplicateTool { name: "a".into() }));
}
