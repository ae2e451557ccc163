//! `fmt.*` and `harmony.*`: spellings and envelopes that only some formats have. Each reply is
//! written by hand, after what models of that format are known to write.

use crate::conformance::case::{Case, Expected, Fate, Group, Probe, calls, says, thinks};
use crate::conformance::damage::{Damage, Insert};
use crate::conformance::tools;
use nex_trajectory::Message;

const PARIS: (&str, &str) = ("get_weather", r#"{"city":"Paris"}"#);
const PING: (&str, &str) = ("ping", "{}");

type Replies = &'static [(&'static str, &'static str)];

fn written(group: Group, id: &'static str, title: &'static str, message: Message, replies: Replies) -> Case {
    let whole = vec![Fate::Whole; message.calls().count()];
    Case::new(group, id, title, message, Probe::Written(replies, Expected::calls(&whole)))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = names_and_spaces();
    cases.extend(shapes());
    cases.extend(harmony());
    cases
}

fn names_and_spaces() -> Vec<Case> {
    let mut named = tools::all();
    for name in ["get-weather", "get_weather2", "ns.sub.get"] {
        named.push(tools::tool(name, "A tool.", &[("city", "string")], &[]));
    }
    let city = r#"{"city":"Paris"}"#;
    vec![
        Case::new(
            Group::Fmt,
            "fmt.1.a",
            "dashes, digits and dots in names",
            calls(&[("get-weather", city), ("get_weather2", city), ("ns.sub.get", city)]),
            Probe::RoundTrip,
        )
        .with_tools(named),
        written(Group::Fmt, "fmt.1.b", "name with or without its prefix", calls(&[PARIS]), BARE_NAMES),
        Case::new(
            Group::Fmt,
            "fmt.2.a",
            "arguments with white space and line breaks",
            calls(&[("search", "{\n  \"query\" : \"a  b\",\n  \"limit\": 3\n}")]),
            Probe::RoundTrip,
        ),
        Case::new(
            Group::Fmt,
            "fmt.2.b",
            "blank lines between calls",
            calls(&[PARIS, PING]),
            Probe::Damaged(Damage::Between(Insert::Text("\n\n")), Expected::whole(2)),
        ),
        written(Group::Fmt, "fmt.2.c", "white space between marks", calls(&[PARIS]), SPACED),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        written(Group::Fmt, "fmt.3", "other spellings of the same marks", calls(&[PARIS]), SPELLINGS),
        Case::new(
            Group::Fmt,
            "fmt.4",
            "opening and closing mark with nothing between",
            says("x", &[]),
            Probe::Damaged(Damage::EmptyCall, Expected::calls(&[])),
        ),
        Case::new(
            Group::Fmt,
            "fmt.5.a",
            "the model's own call ids come back",
            calls(&[PARIS, PING]),
            Probe::Written(IDS, Expected::whole(2).with_ids()),
        ),
        written(Group::Fmt, "fmt.5.b", "arguments before the name", calls(&[PARIS]), ARGUMENTS_FIRST),
        written(
            Group::Fmt,
            "fmt.5.c",
            "arguments before the name, with a key `name` inside",
            calls(&[("order", r#"{"meta":{"name":"x"}}"#)]),
            NAME_INSIDE,
        ),
        written(Group::Fmt, "fmt.5.d", "`parameters` for `arguments` and back", calls(&[PARIS]), OTHER_KEY),
    ]
}

fn harmony() -> Vec<Case> {
    let case = |id, title, message, replies| written(Group::Harmony, id, title, message, replies);
    vec![
        case(
            "harmony.1.a",
            "analysis is reasoning, final is text",
            thinks("Hm.", "Hello.", &[]),
            &[(
                "gpt-oss",
                "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>",
            )],
        ),
        case(
            "harmony.1.b",
            "recipient in the role part",
            calls(&[PARIS]),
            &[(
                "gpt-oss",
                " to=functions.get_weather<|channel|>commentary <|constrain|>json<|message|>{\"city\":\"Paris\"}<|call|>",
            )],
        ),
        case(
            "harmony.1.c",
            "a call in the analysis channel",
            calls(&[PARIS]),
            &[(
                "gpt-oss",
                "<|channel|>analysis to=functions.get_weather <|constrain|>json<|message|>{\"city\":\"Paris\"}<|call|>",
            )],
        ),
        case(
            "harmony.2.a",
            "whole envelope, assistant prefix included",
            calls(&[PARIS]),
            &[(
                "gpt-oss",
                "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\":\"Paris\"}<|call|>",
            )],
        ),
        case(
            "harmony.2.b",
            "no constraint",
            calls(&[PARIS]),
            &[(
                "gpt-oss",
                "<|channel|>commentary to=functions.get_weather<|message|>{\"city\":\"Paris\"}<|call|>",
            )],
        ),
        case(
            "harmony.2.c",
            "constraint without its mark",
            calls(&[PARIS]),
            &[(
                "gpt-oss",
                "<|channel|>commentary to=functions.get_weather json<|message|>{\"city\":\"Paris\"}<|call|>",
            )],
        ),
        case(
            "harmony.2.d",
            "no `<|call|>` at the end",
            calls(&[PARIS]),
            &[(
                "gpt-oss",
                "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\":\"Paris\"}",
            )],
        ),
        case(
            "harmony.2.e",
            "reasoning, preamble and a call in one turn",
            thinks("Hm.", "I look it up.", &[PARIS]),
            &[(
                "gpt-oss",
                "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look it up.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\":\"Paris\"}<|call|>",
            )],
        ),
    ]
}

const BARE_NAMES: Replies = &[
    (
        "kimi-k2",
        "<|tool_calls_section_begin|><|tool_call_begin|>get_weather:0<|tool_call_argument_begin|>{\"city\":\"Paris\"}<|tool_call_end|><|tool_calls_section_end|>",
    ),
    (
        "gpt-oss",
        "<|channel|>commentary to=get_weather <|constrain|>json<|message|>{\"city\":\"Paris\"}<|call|>",
    ),
];

const SPACED: Replies = &[
    ("hermes", "<tool_call>{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Paris\"}}</tool_call>"),
    (
        "qwen3",
        "<tool_call>\n\n  {\"name\" : \"get_weather\", \"arguments\" : {\"city\":\"Paris\"}}  \n\n</tool_call>",
    ),
    (
        "qwen3-coder",
        "<tool_call><function=get_weather><parameter=city>Paris</parameter></function></tool_call>",
    ),
    (
        "glm-4.5",
        "<tool_call>get_weather\n\n<arg_key>city</arg_key>\n\n<arg_value>Paris</arg_value>\n\n</tool_call>",
    ),
    (
        "glm-4.7",
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>",
    ),
    (
        "minimax-m2",
        "<minimax:tool_call><invoke name=\"get_weather\"> <parameter name=\"city\">Paris</parameter> </invoke></minimax:tool_call>",
    ),
    (
        "deepseek-v3.1",
        "<｜tool▁calls▁begin｜>\n<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>\n{\"city\": \"Paris\"}\n<｜tool▁call▁end｜>\n<｜tool▁calls▁end｜>",
    ),
    (
        "deepseek-v3.2",
        "<｜DSML｜function_calls><｜DSML｜invoke name=\"get_weather\"><｜DSML｜parameter name=\"city\" string=\"true\">Paris</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>",
    ),
    (
        "kimi-k2",
        "<|tool_calls_section_begin|>\n<|tool_call_begin|> functions.get_weather:0 <|tool_call_argument_begin|> {\"city\":\"Paris\"} <|tool_call_end|>\n<|tool_calls_section_end|>",
    ),
    (
        "nexau",
        "<tool_use> <tool_name>get_weather</tool_name> <parameter> <city>Paris</city> </parameter> </tool_use>",
    ),
    ("cline", "<get_weather> <city>Paris</city> </get_weather>"),
    ("openhands", "<function=get_weather><parameter=city>Paris</parameter></function>"),
    ("llama-3", " \n{ \"name\" : \"get_weather\" , \"parameters\" : { \"city\" : \"Paris\" } }\n"),
    ("llama-4", "[ get_weather( city = \"Paris\" ) ]"),
    (
        "mistral-v3",
        "[TOOL_CALLS][ {\"name\" : \"get_weather\", \"arguments\" : {\"city\" : \"Paris\"}, \"id\" : \"call00000\"} ]",
    ),
    ("mistral-v11", "[TOOL_CALLS] get_weather [ARGS] { \"city\": \"Paris\" }"),
];

const SPELLINGS: Replies = &[
    (
        "kimi-k2",
        "<|tool_call_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\":\"Paris\"}<|tool_call_end|><|tool_call_section_end|>",
    ),
    ("mistral-v11", "[TOOL_CALLS]get_weather{\"city\":\"Paris\"}"),
    ("mistral-v3", "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Paris\"}}]"),
    ("llama-3", "<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}"),
    ("llama-4", "<|python_start|>[get_weather(city='Paris')]<|python_end|>"),
    (
        "qwen3-coder",
        "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
    ),
    (
        "deepseek-v3",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Paris\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
];

const ARGUMENTS_FIRST: Replies = &[
    (
        "hermes",
        "<tool_call>\n{\"arguments\": {\"city\": \"Paris\"}, \"name\": \"get_weather\"}\n</tool_call>",
    ),
    ("qwen3", "<tool_call>\n{\"arguments\": {\"city\": \"Paris\"}, \"name\": \"get_weather\"}\n</tool_call>"),
    ("llama-3", "{\"parameters\": {\"city\": \"Paris\"}, \"name\": \"get_weather\"}"),
    (
        "mistral-v3",
        "[TOOL_CALLS] [{\"arguments\": {\"city\": \"Paris\"}, \"name\": \"get_weather\", \"id\": \"call00000\"}]",
    ),
    (
        "openai",
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\",\"name\":\"get_weather\"},\"type\":\"function\",\"id\":\"a\"}]}",
    ),
];

const NAME_INSIDE: Replies = &[
    (
        "hermes",
        "<tool_call>\n{\"arguments\": {\"meta\": {\"name\": \"x\"}}, \"name\": \"order\"}\n</tool_call>",
    ),
    (
        "qwen3",
        "<tool_call>\n{\"arguments\": {\"meta\": {\"name\": \"x\"}}, \"name\": \"order\"}\n</tool_call>",
    ),
    ("llama-3", "{\"parameters\": {\"meta\": {\"name\": \"x\"}}, \"name\": \"order\"}"),
    (
        "mistral-v3",
        "[TOOL_CALLS] [{\"arguments\": {\"meta\": {\"name\": \"x\"}}, \"name\": \"order\", \"id\": \"call00000\"}]",
    ),
];

const OTHER_KEY: Replies = &[
    (
        "hermes",
        "<tool_call>\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}\n</tool_call>",
    ),
    (
        "qwen3",
        "<tool_call>\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}\n</tool_call>",
    ),
    ("llama-3", "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}"),
    (
        "mistral-v3",
        "[TOOL_CALLS] [{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}, \"id\": \"call00000\"}]",
    ),
];

const IDS: Replies = &[
    (
        "openai",
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x-7\",\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}},{\"id\":\"x-9\",\"type\":\"function\",\"function\":{\"name\":\"ping\",\"arguments\":\"{}\"}}]}",
    ),
    (
        "anthropic",
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_7\",\"name\":\"get_weather\",\"input\":{\"city\":\"Paris\"}},{\"type\":\"tool_use\",\"id\":\"toolu_9\",\"name\":\"ping\",\"input\":{}}]}",
    ),
    (
        "kimi-k2",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:7<|tool_call_argument_begin|>{\"city\":\"Paris\"}<|tool_call_end|><|tool_call_begin|>functions.ping:9<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
    ),
    (
        "mistral-v3",
        "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}, \"id\": \"a7b7c7d7e\"}, {\"name\": \"ping\", \"arguments\": {}, \"id\": \"a9b9c9d9e\"}]",
    ),
];
