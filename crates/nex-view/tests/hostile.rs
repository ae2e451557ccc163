//! Nothing that a model, a tool or a file wrote becomes markup, whatever it is.

mod fixture;
mod page;

use nex_trajectory::run::{
    AgentShape, Count, EntityShape, Histogram, OperationShape, RunManifest, RunMetrics, SuccessRow, Topology,
    WorldShape,
};
use nex_view::{ReportInput, render_report};
use page::{Element, elements};
use serde_json::json;

/// Elements that the report is made of.
const ELEMENTS: &str = "html head meta title style body a nav ul li main header section footer p h1 h2 h3 h4 dl dt dd div \
    span strong i br code details summary figure figcaption table thead tbody tfoot tr th td ol form label select option \
    input button script svg g rect line circle path polygon text title";

/// Attributes that the report uses; none of them runs or loads anything (`href` is checked apart).
const ATTRIBUTES: &str = "charset http-equiv content name lang href class id hidden open scope colspan role type \
    placeholder spellcheck autocomplete value dir tabindex focusable width height viewBox preserveAspectRatio x y x1 \
    x2 y1 y2 cx cy r rx d points transform text-anchor aria-label aria-hidden aria-live data-filter data-outcome \
    data-world data-harness data-difficulty data-open data-close data-depth";

/// Whether a reader would not see the character, as this test understands it.
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
        || ['\u{200b}', '\u{200e}', '\u{200f}', '\u{61c}', '\u{feff}', '\u{2028}', '\u{2029}'].contains(&c)
}

fn payloads() -> Vec<String> {
    let seeds = [
        "<script>document.title='pwned'</script>",
        "</script><script>document.title='pwned'</script>",
        "</style><style>body{display:none}</style>",
        "</title><script>document.title='pwned'</script>",
        "\"><img src=x onerror=\"document.title='pwned'\">",
        "'><img src=x onerror='document.title=1'>",
        "<svg onload=document.title='pwned'>",
        "<svg><script>document.title='pwned'</script></svg>",
        "<iframe srcdoc=\"<script>parent.document.title='pwned'</script>\"></iframe>",
        "<a href=\"javascript:document.title='pwned'\">x</a>",
        "javascript:document.title='pwned'",
        "data:text/html,<script>document.title='pwned'</script>",
        "<meta http-equiv=refresh content=\"0;url=https://example.invalid/\">",
        "<base href=\"https://example.invalid/\">",
        "<link rel=stylesheet href=https://example.invalid/x.css>",
        "<details open ontoggle=document.title='pwned'>",
        "<form action=https://example.invalid><button formaction=javascript:1>",
        "<!-- --><script>document.title='pwned'</script><!--",
        "<![CDATA[<script>document.title='pwned'</script>]]>",
        "<?xml version=\"1.0\"?><x/>",
        "{{constructor.constructor('document.title=1')()}}",
        "{% raw %}${7*7}#{7*7}<%= 7*7 %>",
        "&lt;script&gt;document.title='pwned'&lt;/script&gt;",
        "&#x3c;script&#x3e;",
        "\u{1b}[31mred\u{1b}[0m\u{1b}[2J",
        "\u{1b}]52;c;cm0gLXJmIC8=\u{7}",
        "\u{1b}]8;;https://example.invalid\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "\u{9b}31m\u{85}\u{90}",
        "user\u{202e}gpj.exe\u{202c}",
        "\u{2066}isolated\u{2069}\u{2067}x\u{2069}\u{200f}\u{61c}",
        "a\0b\0<script\0>",
        "\\ud800 \\udfff \\u0000 \\u003cscript\\u003e",
        "{\"a\":\"\\ud800\",\"</script>\":\"<img onerror=1>\"}",
        "[1,2,{\"<b>\":[\"\u{202e}\",\"\\u202e\"]}]",
        "line\u{2028}separator\u{2029}paragraph",
        "\u{feff}bom\u{200b}zero\r\nwidth\rreturn",
        "` onmouseover=document.title='pwned' `",
        "x\" autofocus onfocus=\"document.title='pwned'",
        "x' style='position:fixed;inset:0",
        "\n\n<pre>\n<textarea></textarea></pre><plaintext>",
    ];
    let mut all: Vec<String> = seeds.iter().map(|seed| (*seed).to_owned()).collect();
    for (index, seed) in seeds.iter().enumerate() {
        let other = seeds[(index * 7 + 11) % seeds.len()];
        all.push(format!("{seed}{other}"));
        all.push(format!("before {seed} after"));
        all.push(json!({"value": seed, "other": [other]}).to_string());
        all.push(format!("\"{seed}"));
        all.push(format!("中文 {seed} ünï 👩\u{200d}💻"));
        all.push(format!("{}{seed}", "deep ".repeat(900)));
    }
    for size in [4_000, 100_000, 1_000_000] {
        for seed in ["<", "&", "\"", "\u{1b}", "\u{202e}", "中", "<script>", "\n"] {
            all.push(seed.repeat(size / seed.len()));
        }
    }
    all
}

/// A report in which every field of every kind holds `text`.
fn hostile_report(text: &str) -> ReportInput {
    let own = || text.to_owned();
    let count = || vec![Count { name: own(), count: 3 }, Count { name: own(), count: u64::MAX / 4 }];
    let row = |axis: &str| SuccessRow {
        axis: axis.to_owned(),
        value: own(),
        episodes: 3,
        successes: 9,
        mean_reward: f64::NAN,
    };
    let entity = |name: &str| EntityShape {
        name: name.to_owned(),
        count: 1,
        references: vec![own(), "other".to_owned()],
    };
    let operation = |reads: Vec<String>| OperationShape { name: own(), kind: own(), reads, writes: vec![] };
    let agent = |parent| AgentShape {
        harness: own(),
        name: own(),
        description: own(),
        parent,
        tools: vec![own(); 12],
    };
    ReportInput {
        manifest: RunManifest {
            version: 1,
            name: own(),
            nex_version: own(),
            seed: u64::MAX,
            driver: own(),
            recipe: json!({text: text}),
            fingerprint: own(),
        },
        metrics: RunMetrics {
            funnel: count(),
            success: vec![row("difficulty"), row(text)],
            stops: count(),
            failures: count(),
            defects: count(),
            turns: Histogram { bins: vec![(0, u64::MAX / 8), (u64::MAX, 1)] },
            tool_calls: Histogram { bins: vec![(u64::MAX, 2)] },
            totals: [(own(), json!(text)), (format!("{text}2"), json!([text]))].into_iter().collect(),
        },
        topology: Topology {
            agents: vec![agent(None), agent(Some(own()))],
            worlds: vec![WorldShape {
                name: own(),
                title: own(),
                entities: vec![entity(text), entity("other")],
                operations: vec![operation(vec![own()]), operation(vec![])],
            }],
        },
        episodes: vec![fixture::text_fields(text)],
        episodes_total: 1,
        notes: vec![own()],
    }
}

#[test]
fn no_payload_becomes_markup() {
    let allowed_elements: Vec<&str> = ELEMENTS.split_whitespace().collect();
    let allowed_attributes: Vec<&str> = ATTRIBUTES.split_whitespace().collect();
    let payloads = payloads();
    assert!(payloads.len() >= 300, "{}", payloads.len());
    for payload in &payloads {
        let html = render_report(&hostile_report(payload));
        let about: String = payload.chars().take(120).flat_map(char::escape_debug).collect();
        assert!(html.len() < 1_500_000, "{} bytes for {about}", html.len());
        if payload.contains('<') || payload.chars().any(is_unseen) {
            assert!(!html.contains(payload.as_str()), "raw in the page: {about}");
        }
        assert_eq!(html.chars().find(|c| is_unseen(*c)), None, "unseen character in the page for {about}");
        for (tag, times) in [("<script", 1), ("</script", 1), ("<style", 1), ("</style", 1), ("<!--", 0)] {
            assert_eq!(html.to_lowercase().matches(tag).count(), times, "{tag} for {about}");
        }
        let elements = elements(&html);
        for element in &elements {
            assert!(
                allowed_elements.contains(&element.name.as_str()),
                "element {} for {about}",
                element.name
            );
            for (name, value) in &element.attributes {
                assert!(allowed_attributes.contains(&name.as_str()), "attribute {name} for {about}");
                assert!(name != "href" || value.starts_with('#'), "link to {value} for {about}");
                assert!(
                    name != "id" || !value.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-'),
                    "id {value}"
                );
            }
        }
        let policies: Vec<&Element> =
            elements.iter().filter(|e| e.attribute("http-equiv").is_some()).collect();
        assert_eq!(policies.len(), 1);
        assert_eq!(policies[0].attribute("http-equiv"), Some("Content-Security-Policy"));
        if payload.chars().count() < 3_000 {
            let told = elements.iter().find(|e| e.has_class("instruction")).expect("the task is shown");
            assert_eq!(told.text, as_seen(payload), "the reader is shown something else for {about}");
        }
    }
}

/// What a reader should see of `text`.
fn as_seen(text: &str) -> String {
    let spelled = |c: char| if is_unseen(c) { format!("\\u{{{:X}}}", c as u32) } else { c.to_string() };
    text.replace("\r\n", "\n").chars().map(spelled).collect()
}

#[test]
fn huge_records_give_a_small_page() {
    let mut input = fixture::report(40);
    for episode in &mut input.episodes {
        let long = episode.trajectory.nodes.last().expect("has messages").clone();
        for _ in 0..3_000 {
            episode.trajectory.push(long.clone());
        }
        episode.task.instruction = "very long ".repeat(200_000);
    }
    let row = input.metrics.success[0].clone();
    input.metrics.success.extend(std::iter::repeat_n(row, 20_000));
    let world = input.topology.worlds[0].clone();
    input.topology.worlds.extend(std::iter::repeat_n(world, 500));
    let html = render_report(&input);
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert!(
        html.contains("2,000,000 characters not shown") || html.contains("of 2,000,000 characters"),
        "says what is cut"
    );
}
