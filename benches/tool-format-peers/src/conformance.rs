//! The conformance table, ours and the peers' on the same bytes.
//!
//! A peer is judged more mildly: calls only, numbers by their value, keys in any order; a call that
//! was cut off may come in any state, and one to an unknown tool may be left out, as some do on
//! purpose. Reasoning is no business of a tool parser. Each of its columns is filled by a process of
//! its own, so that a stack overflow or an endless loop costs one cell.

use nex_tool_formats::ToolCallFormat;
use nex_tool_formats::conformance::{Column, Group, Table, cases, table};

/// Prints who held how many cases, our table, and of the peers' the rows in which one failed.
pub fn print(formats: &[&'static dyn ToolCallFormat], lists_failures: bool) {
    let mut tables = vec![("nex-tool-formats".to_owned(), table(formats, cases()))];
    #[cfg(feature = "peers")]
    tables.extend(peers::ALL.map(|peer| (peer.to_string(), peers::table(peer, formats))));
    print_summary("The baseline", formats, &tables, Some(Group::Base));
    print_summary("All cases", formats, &tables, None);
    for (index, (name, table)) in tables.iter().enumerate() {
        if index == 0 {
            println!("\n## {name}\n\n{}", table.to_markdown());
        } else {
            println!("\n## {name}: cases in which a format fails\n\n{}", table.totals_to_markdown());
            println!("{}", table.failing_rows().cases_to_markdown());
        }
        if index == 0 || lists_failures {
            print_failures(table);
        }
    }
}

/// Rows are parsers, columns formats, cells the number of cases that held.
fn print_summary(
    title: &str,
    formats: &[&'static dyn ToolCallFormat],
    tables: &[(String, Table)],
    group: Option<Group>,
) {
    let names = || formats.iter().map(|format| format.name());
    println!("\n## {title}\n\n|  | {} |", names().collect::<Vec<_>>().join(" | "));
    println!("| --- |{}", " :-: |".repeat(formats.len()));
    for (name, table) in tables {
        let cell = |format: &str| {
            let is_it = |column: &&Column| column.name == format;
            let total = table.columns.iter().find(is_it).map(|column| table.total(column, group));
            total.map_or("–".to_owned(), |total| format!("{}/{}", total.held, total.applicable))
        };
        println!("| {name} | {} |", names().map(cell).collect::<Vec<_>>().join(" | "));
    }
}

/// What should have come and what came, a line a failure.
fn print_failures(table: &Table) {
    for (format, case, expected, got) in table.failures() {
        let short = |text: &str| text.chars().take(160).collect::<String>().replace('\n', "⏎");
        println!("- `{format}` `{case}`: expected {}; got {}", short(expected), short(got));
    }
}

#[cfg(feature = "peers")]
pub mod peers {
    use crate::peer::{Peer, Session};
    use nex_tool_formats::ToolCallFormat;
    use nex_tool_formats::conformance::{
        Case, Cell, Column, Exactness, Fate, Prepared, Probe, Reply, Table, Verdict, cases, prepare,
    };
    use std::io::{BufRead, BufReader};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
    use std::time::Duration;

    pub const ALL: [Peer; 4] =
        [Peer::ToolParser, Peer::ToolParserPieces(1), Peer::ToolParserTokens(1), Peer::Dynamo];
    /// A case that takes longer counts as hung. Ours take milliseconds.
    const DEADLINE: Duration = Duration::from_secs(20);

    /// All cases with `peer`, in those of `formats` that it reads.
    pub fn table(peer: Peer, formats: &[&'static dyn ToolCallFormat]) -> Table {
        let mut table = Table::of(cases());
        for format in formats {
            if Session::open(peer, format.name(), &[]).is_some() {
                table
                    .columns
                    .push(Column { name: format.name().to_owned(), cells: column(peer, format.name()) });
            }
        }
        table
    }

    /// The cells of one column, from as many processes as it takes.
    fn column(peer: Peer, format: &str) -> Vec<Cell> {
        let mut verdicts: Vec<Verdict> = Vec::new();
        while verdicts.len() < cases().len() {
            let index = ALL.iter().position(|other| *other == peer).expect("a peer of the list");
            let (mut child, lines) = start(index, format, verdicts.len());
            let ending = loop {
                match lines.recv_timeout(DEADLINE) {
                    Ok(line) => verdicts.push(decode(&line)),
                    Err(RecvTimeoutError::Timeout) => break "no end within 20 s",
                    Err(RecvTimeoutError::Disconnected) => break "the process died",
                }
            };
            // Already gone, or hung: either way it is over.
            let _ = child.kill();
            let _ = child.wait();
            if verdicts.len() < cases().len() {
                verdicts.push(fail("an answer", ending));
            }
        }
        verdicts.into_iter().map(|verdict| Cell { verdicts: vec![verdict] }).collect()
    }

    fn start(peer: usize, format: &str, from: usize) -> (Child, Receiver<String>) {
        let own = std::env::current_exe().expect("the program has a path");
        let mut child = Command::new(own)
            .args(["column", &peer.to_string(), format, &from.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a second process starts");
        let out = child.stdout.take().expect("its output is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        (child, lines)
    }

    /// The other end: prints a verdict a line, from case `from` on.
    pub fn run_column(peer: usize, format: &'static dyn ToolCallFormat, from: usize) {
        std::panic::set_hook(Box::new(|_| {}));
        for case in &cases()[from..] {
            println!("{}", encode(&verdict(ALL[peer], format, case)));
        }
    }

    fn verdict(peer: Peer, format: &dyn ToolCallFormat, case: &Case) -> Verdict {
        if case.id == "nex.call-in-reasoning" {
            return Verdict::NotApplicable { reason: "reasoning is taken off before".to_owned() };
        }
        let prepared = match prepare(format, case) {
            Ok(prepared) => prepared,
            // What our own renderer does wrong is no fault of the peer.
            Err(Verdict::Fail { got, .. }) => return Verdict::NotApplicable { reason: got },
            Err(verdict) => return verdict,
        };
        for reply in &prepared.replies {
            if let Err(verdict) = judge(peer, format.name(), case, &prepared, reply) {
                return verdict;
            }
        }
        Verdict::Pass
    }

    fn judge(
        peer: Peer,
        format: &str,
        case: &Case,
        prepared: &Prepared,
        reply: &Reply,
    ) -> Result<(), Verdict> {
        let text = String::from_utf8_lossy(&reply.bytes[..reply.end_of_turn]);
        let read = || {
            let mut session = Session::open(peer, format, &prepared.tools)?;
            let cut = session.cut(&text);
            Some(session.read(&cut))
        };
        let got = match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Some(got)) => got,
            Ok(None) => return Err(Verdict::NotApplicable { reason: "no such parser".to_owned() }),
            Err(_) => return Err(fail("no panic", &format!("a panic on {text:?}"))),
        };
        let mut mild = reply.clone();
        for (call, fate) in prepared.message.calls().zip(&mut mild.expected.calls) {
            let is_known = prepared.tools.iter().any(|tool| tool.name == call.name);
            match fate {
                Fate::WholeOrGone if matches!(case.probe, Probe::EveryCut) => *fate = Fate::Damaged,
                Fate::Whole if !is_known => *fate = Fate::WholeOrGone,
                _ => {}
            }
        }
        prepared
            .judge_calls(&mild, &got, Exactness::Value)
            .map_err(|mismatch| fail(&mismatch.expected, &mismatch.got))
    }

    fn fail(expected: &str, got: &str) -> Verdict {
        Verdict::Fail { expected: expected.to_owned(), got: got.to_owned() }
    }

    fn encode(verdict: &Verdict) -> serde_json::Value {
        serde_json::json!(match verdict {
            Verdict::Pass => ["pass", "", ""],
            Verdict::Refused { reason } => ["refused", reason, ""],
            Verdict::NotApplicable { reason } => ["none", reason, ""],
            Verdict::Fail { expected, got } => ["fail", expected, got],
        })
    }

    fn decode(line: &str) -> Verdict {
        let [kind, first, second]: [String; 3] = match serde_json::from_str(line) {
            Ok(parts) => parts,
            Err(_) => return fail("a verdict", line),
        };
        match kind.as_str() {
            "pass" => Verdict::Pass,
            "refused" => Verdict::Refused { reason: first },
            "none" => Verdict::NotApplicable { reason: first },
            _ => Verdict::Fail { expected: first, got: second },
        }
    }
}
