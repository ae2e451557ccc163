//! What the toolbox adds to a tool call that is right: parsing, validation, deadline, caps.
//!
//! `cargo bench -p nex-tools --bench toolbox`. The goal for validation is below 3 microseconds.

#![allow(clippy::print_stdout, reason = "a bench reports on its standard output")]

use nex_tools::{CallContext, FnTool, ToolDeclaration, ToolLimits, ToolOutput, Toolbox, arguments};
use nex_trajectory::{Arguments, ToolCall, ToolSpec};
use serde_json::json;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const CALLS: u32 = 200_000;

fn main() {
    let spec = ToolSpec {
        name: "order".into(),
        description: "Orders something.".into(),
        input_schema: json!({
            "type": "object",
            "properties": {
                "customer_id": {"type": "string", "pattern": "^C[0-9]+$"},
                "sku": {"type": "string", "minLength": 3},
                "quantity": {"type": "integer", "minimum": 1, "maximum": 100},
                "express": {"type": "boolean"},
            },
            "required": ["customer_id", "sku", "quantity"],
            "additionalProperties": false,
        }),
    };
    let declaration = Arc::new(ToolDeclaration::new(spec).expect("a valid schema"));
    let text = r#"{"customer_id":"C10234","sku":"LAMP-7","quantity":3,"express":true}"#;
    let arguments = Arguments::from_text(text);
    report("parse and validate", || black_box(arguments::check(black_box(&arguments), &declaration)).is_ok());

    let tool = FnTool::declared(Arc::clone(&declaration), |_| Ok(ToolOutput::text("ordered")));
    let toolbox = Toolbox::new(vec![Arc::new(tool)], ToolLimits::default()).expect("one name");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cancel = CancellationToken::new();
    let context = CallContext { session: "bench", call_id: "", cancel: &cancel };
    let call = ToolCall { id: "c".into(), name: "order".into(), arguments };
    runtime.block_on(async {
        let start = Instant::now();
        for _ in 0..CALLS {
            assert!(!black_box(toolbox.call(&call, &context).await).result.is_error);
        }
        println!("{:<24} {:>7.2} us", "whole call", start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    });
}

fn report(what: &str, mut run: impl FnMut() -> bool) {
    let start = Instant::now();
    for _ in 0..CALLS {
        assert!(run());
    }
    println!("{what:<24} {:>7.2} us", start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
}
