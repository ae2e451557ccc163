//! The report in a real browser: our script runs, and nobody else's.
//!
//! Needs Chromium: `$NEX_CHROMIUM`, or `chromium` on the path. `NEX_SKIP_PEERS=1` skips.

mod fixture;

use nex_trajectory::Outcome;
use nex_view::{ReportInput, render_report};
use std::path::Path;
use std::process::Command;

struct Seen {
    /// The document after scripts have run.
    dom: String,
    /// The browser's own messages, the page's console among them.
    log: String,
}

/// Opens `html` and gives what came of it, or none if the test is to be skipped.
fn open(html: &str) -> Option<Seen> {
    if std::env::var_os("NEX_SKIP_PEERS").is_some_and(|value| value == "1") {
        return None;
    }
    let browser = std::env::var("NEX_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let dir = tempfile::tempdir().expect("a folder");
    let page = dir.path().join("report.html");
    std::fs::write(&page, html).expect("a writable folder");
    let output = browse(&browser, dir.path(), &page).unwrap_or_else(|error| {
        panic!(
            "cannot start `{browser}`: {error}; scripts/install-peers tells what the tests need (on Debian: \
             apt-get install chromium), NEX_CHROMIUM names another browser, NEX_SKIP_PEERS=1 skips this test"
        )
    });
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{browser} failed: {log}");
    Some(Seen { dom: String::from_utf8_lossy(&output.stdout).into_owned(), log })
}

fn browse(browser: &str, dir: &Path, page: &Path) -> std::io::Result<std::process::Output> {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--enable-logging=stderr", "--log-level=0", "--dump-dom"])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg(format!("file://{}", page.display()));
    command.output()
}

/// Each of these takes the title if it runs.
const PAYLOADS: [&str; 12] = [
    "<script>document.title='taken'</script>",
    "</script><script>document.title='taken'</script>",
    "</style></title><script>document.title='taken'</script>",
    "\"><img src=x onerror=\"document.title='taken'\">",
    "'><svg onload='document.title=\"taken\"'>",
    "<iframe srcdoc=\"<script>parent.document.title='taken'</script>\"></iframe>",
    "<details open ontoggle=\"document.title='taken'\">x</details>",
    "<input autofocus onfocus=\"document.title='taken'\">",
    "<style>@import 'x';body{animation:x}</style><body onload=document.title='taken'>",
    "<meta http-equiv=refresh content=\"0;url=javascript:document.title='taken'\">",
    "<!--><script>document.title='taken'</script>-->",
    "{\"a\": \"</script><script>document.title='taken'</script>\u{2028}\"}",
];

fn hostile_input() -> ReportInput {
    let mut input = fixture::report(6);
    input.episodes.extend(PAYLOADS.map(fixture::text_fields));
    input.notes = PAYLOADS.map(str::to_owned).to_vec();
    input
}

fn is_refused(log: &str) -> bool {
    log.contains("Content Security Policy") || log.contains("Content-Security-Policy")
}

#[test]
fn our_script_runs_and_no_payload_does() {
    let Some(seen) = open(&render_report(&hostile_input())) else { return };
    assert!(seen.dom.contains("<title>front-desk-demo · run report</title>"), "the title was taken");
    assert!(seen.dom.contains(">18 episodes</p>"), "our script did not run: {}", seen.log);
    assert!(!is_refused(&seen.log), "the policy refused something of ours: {}", seen.log);
    assert!(!seen.log.contains("Uncaught"), "our script failed: {}", seen.log);
}

/// Shows that the test above can fail: markup that escaped would be seen in the log or the title.
#[test]
fn the_policy_stops_markup_that_would_get_through() {
    let page = render_report(&fixture::report(2));
    let injected = page.replacen("<main>", "<main><script>document.title='taken'</script>", 1);
    assert_ne!(page, injected);
    let Some(seen) = open(&injected) else { return };
    assert!(is_refused(&seen.log), "{}", seen.log);
    assert!(!seen.dom.contains("<title>taken"), "the policy did not hold");
    let open_page = injected.replacen("http-equiv=\"Content-Security-Policy\"", "name=\"nothing\"", 1);
    let Some(seen) = open(&open_page) else { return };
    assert!(seen.dom.contains("<title>taken"), "without the policy the injected script runs");
}

/// What the list says after `act`, a script of the test, has used its controls.
fn found_after(input: &ReportInput, act: &str) -> Option<String> {
    let page = render_report(input)
        .replacen("http-equiv=\"Content-Security-Policy\"", "name=\"nothing\"", 1)
        .replacen(
            "</body>",
            &format!("<script>{act}; search.form.dispatchEvent(new Event('input'))</script></body>"),
            1,
        );
    let dom = open(&page)?.dom;
    let from = dom.find("id=\"found\"").expect("the list is there");
    let text = &dom[from..from + 200];
    Some(text[text.find('>')? + 1..text.find("</p>")?].to_owned())
}

#[test]
fn the_list_is_filtered_and_searched() {
    let input = fixture::report(40);
    let failures = input.episodes.iter().filter(|e| e.outcome == Outcome::Failure).count();
    assert!(failures > 0 && failures < 40);
    let choose = "document.querySelector('[data-filter=outcome]').value='failure'";
    let Some(found) = found_after(&input, choose) else { return };
    assert_eq!(found, format!("{failures} of 40 episodes"));
    let one = input.episodes[5].id.as_str();
    let of = |act: &str| found_after(&input, act);
    assert_eq!(of(&format!("search.value='{}'", one.to_uppercase())).as_deref(), Some("1 of 40 episodes"));
    assert_eq!(of("search.value='no such words'").as_deref(), Some("0 of 40 episodes"));
    assert_eq!(of("search.value=' '").as_deref(), Some("40 episodes"));
}
