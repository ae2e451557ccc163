//! `nex data formats`: the tool-call formats, one at work, or all of them tested.

use crate::args::FormatsArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::terminal::{Tint, print, tell, tint};
use nex_tool_formats::{Example, RenderOptions, ToolCallFormat, all, by_name, conformance};
use serde_json::json;

/// `nex data formats`.
pub(crate) fn run(args: FormatsArgs) -> Outcome {
    if args.conformance {
        return run_conformance(args.json);
    }
    match args.format {
        None => list(args.json),
        Some(name) => show(by_name(&name).map_err(Failure::usage)?, args.json),
    }
}

fn list(is_json: bool) -> Outcome {
    let about = |format: &dyn ToolCallFormat| {
        let about = format.about();
        json!({"name": format.name(), "title": about.title, "models": about.models, "limits": about.limits})
    };
    if is_json {
        let formats: Vec<_> = all().iter().map(|format| about(*format)).collect();
        print(serde_json::to_string_pretty(&formats).map_err(Failure::input)?);
        return Ok(());
    }
    for format in all() {
        print(format!(
            "{}  {}",
            tint(Tint::Strong, &format!("{:<16}", format.name())),
            format.about().models
        ));
    }
    print("\n`nex data formats NAME` shows one at work.");
    Ok(())
}

fn show(format: &dyn ToolCallFormat, is_json: bool) -> Outcome {
    let example = Example::of(format);
    let rendered = format.render(&example.sample(), &RenderOptions::default()).map_err(Failure::input)?;
    if is_json {
        print(json!({"name": format.name(), "text": rendered.text, "spans": rendered.spans}).to_string());
        return Ok(());
    }
    let about = format.about();
    print(tint(Tint::Strong, about.title));
    print(format!("spoken by    {}", about.models));
    print(format!("cannot hold  {}\n", about.limits));
    print(&rendered.text);
    print(format!("\n{}", tint(Tint::Strong, "loss mask (* is trained on)")));
    for span in &rendered.spans {
        let kind = serde_json::to_value(span.kind).map_err(Failure::input)?;
        let (mark, colour) = if span.is_trainable { ("*", Tint::Good) } else { (" ", Tint::Faint) };
        let text = format!("{:?}", &rendered.text[span.start..span.end]);
        print(format!("{mark} {:<15} {}", kind.as_str().unwrap_or_default(), tint(colour, &text)));
    }
    Ok(())
}

fn run_conformance(is_json: bool) -> Outcome {
    let table = conformance::table(all(), conformance::cases());
    if is_json {
        print(serde_json::to_string_pretty(&table.to_json()).map_err(Failure::input)?);
    } else {
        print(table.to_markdown().trim_end());
    }
    let failures: Vec<_> = table.failures().collect();
    for (format, case, expected, got) in &failures {
        tell(format!("{} {format}, case {case}: expected {expected}, got {got}", tint(Tint::Bad, "failed:")));
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Code::Found, format!("{} cases failed", failures.len())))
}
