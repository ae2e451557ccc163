use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws, weather_tools};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};

fn check(reply: &str, expected: Expect) {
    let tools = Toolset::default();
    expected.assert_eq(&describe(&NexAu.parse(reply, &tools, ParseOptions::default())));
}

fn repaired(reply: &str, expected: Expect) {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expected.assert_eq(&describe(&NexAu.parse(reply, &Toolset::default(), options)));
}

#[test]
fn text_and_a_call() {
    check(
        "I look.\n<tool_use>\n<tool_name>search</tool_name>\n<parameter>\n<query>List<String> && x &lt; y <p>hi</p></query>\n<n>5</n>\n<code>\n  def f():\n    pass\n\n</code>\n</parameter>\n</tool_use>",
        expect![[r#"
            text "I look."
            call search {"query": "List<String> && x &lt; y <p>hi</p>", "n": 5, "code": "  def f():\n    pass\n"} at 8..180
        "#]],
    );
}

#[test]
fn indented_as_in_the_prompt() {
    check(
        "<tool_use>\n  <tool_name>Agent</tool_name>\n  <parameter>\n    <sub_agent_name>reader</sub_agent_name>\n    <message>read it</message>\n  </parameter>\n</tool_use>",
        expect![[r#"
            call Agent {"sub_agent_name": "reader", "message": "read it"} at 0..157
        "#]],
    );
}

#[test]
fn calls_in_parallel() {
    check(
        "<think>\nBoth.\n</think>\n\nNow.\n<use_parallel_tool_calls>\n<parallel_tool>\n<tool_name>f</tool_name>\n<parameter>\n</parameter>\n</parallel_tool>\n<parallel_tool>\n<tool_name>g</tool_name>\n<parameter>\n<a>1</a>\n</parameter>\n</parallel_tool>\n</use_parallel_tool_calls><|im_end|>",
        expect![[r#"
            reasoning "Both."
            text "Now."
            call f {} at 55..137
            call g {"a": 1} at 138..229
        "#]],
    );
}

#[test]
fn what_the_stop_sequence_ate_is_a_defect_and_no_loss() {
    check(
        "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>x</a>\n</parameter>\n",
        expect![[r#"
        call f {"a": "x"} at 0..70
        defect UnclosedTag at 0: </tool_use> is missing
    "#]],
    );
    check(
        "<use_parallel_tool_calls>\n<parallel_tool>\n<tool_name>f</tool_name>\n<parameter>\n<a>x</a>\n</parameter>\n</parallel_tool>\n",
        expect![[r#"
            call f {"a": "x"} at 26..117
            defect UnclosedTag at 0: </use_parallel_tool_calls> is missing
        "#]],
    );
}

#[test]
fn older_wrappers_are_read() {
    check(
        "<sub-agent>\n<agent_name>reader</agent_name>\n<message>read it</message>\n</sub-agent>",
        expect![[r#"
            call Agent {"sub_agent_name": "reader", "message": "read it"} at 0..83
        "#]],
    );
    check(
        "<use_parallel_sub_agents>\n<parallel_agent>\n<agent_name>a</agent_name>\n<message>m</message>\n</parallel_agent>\n<parallel_agent>\n<agent_name>b</agent_name>\n<message>n</message>\n</parallel_agent>\n</use_parallel_sub_agents>",
        expect![[r#"
            call Agent {"sub_agent_name": "a", "message": "m"} at 26..108
            call Agent {"sub_agent_name": "b", "message": "n"} at 109..191
        "#]],
    );
    check(
        "<use_batch_agent>\n<agent_name>a</agent_name>\n<input_data_source>\n<file_name>d.jsonl</file_name>\n<format>jsonl</format>\n</input_data_source>\n<message>Do {item}</message>\n</use_batch_agent>",
        expect![[r#"
            call use_batch_agent {"agent_name": "a", "file_name": "d.jsonl", "format": "jsonl", "message": "Do {item}"} at 0..187
        "#]],
    );
}

const TWO_OF_WHICH_ONE_IS_BROKEN: &str = "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>x\n</parameter>\n</tool_use>\n<tool_use>\n<tool_name>g</tool_name>\n<parameter>\n<a>y</a>\n</parameter>\n</tool_use>";

#[test]
fn a_broken_call_costs_only_itself() {
    check(
        TWO_OF_WHICH_ONE_IS_BROKEN,
        expect![[r#"
        text "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>x\n</parameter>\n</tool_use>"
        call g {"a": "y"} at 78..159
        defect UnclosedTag at 51: the value of `a` is not closed
    "#]],
    );
    check(
        "<tool_use>\n<parameter>\n<a>x</a>\n</parameter>\n</tool_use>\n<tool_use>oops</tool_use>\n<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>1</a>\n<a>2</a>\n</parameter>\n</tool_use>\nDone.",
        expect![[r#"
            text "<tool_use>\n<parameter>\n<a>x</a>\n</parameter>\n</tool_use>\n<tool_use>oops</tool_use>"
            call f {"a": 1, "a": 2} at 83..173
            text "\nDone."
            defect MalformedCall at 0: the call names no tool
            defect MalformedCall at 67: text between the tags of a call to ``
            defect MalformedCall at 143: argument `a` stands twice
            defect TextAfterCall at 174: text after a call, where the format has none
        "#]],
    );
    check(
        "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>x</a>\n<b>cut o",
        expect![[r#"
        text "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>x</a>\n<b>cut o"
        defect UnclosedTag at 0: </tool_use> is missing
    "#]],
    );
    check(
        "<use_parallel_tool_calls>\nwhich?\n</use_parallel_tool_calls>",
        expect![[r#"
            text "<use_parallel_tool_calls>\nwhich?\n</use_parallel_tool_calls>"
            defect MalformedCall at 0: several calls were announced and none is there
            defect MalformedCall at 25: text among calls that are made together
        "#]],
    );
}

#[test]
fn repairs_close_what_is_open() {
    repaired(
        TWO_OF_WHICH_ONE_IS_BROKEN,
        expect![[r#"
        call f {"a": "x"} at 0..77
        call g {"a": "y"} at 78..159
        defect UnclosedTag at 51: the value of `a` is not closed
        repair UnclosedTag at 53: closed a value before the next tag
    "#]],
    );
    repaired(
        "<tool_use>\n<tool_name>f</tool_name>\n<parameter>\n<a>x</a>\n<b>cut o",
        expect![[r#"
        call f {"a": "x", "b": "cut o"} at 0..65
        defect UnclosedTag at 0: </tool_use> is missing
        repair UnclosedTag at 65: closed what was cut off
    "#]],
    );
}

#[test]
fn calls_in_reasoning_and_unknown_tools() {
    let reply = "<think>\n<tool_use> perhaps\n</think>\n\n<tool_use>\n<tool_name>get_weather</tool_name>\n<parameter>\n<town>7</town>\n</parameter>\n</tool_use>";
    let parsed = NexAu.parse(reply, &weather_tools(), ParseOptions::default());
    expect![[r#"
        reasoning "<tool_use> perhaps"
        call get_weather {"town": 7} at 37..134
        defect CallInsideReasoning at 8: a call inside reasoning is not executed
        defect MissingArgument at 37: `get_weather` needs the argument `city`
    "#]]
    .assert_eq(&describe(&parsed));
}

#[test]
fn a_conversation_as_nexau_writes_it() {
    let owned = example();
    let rendered = NexAu.render(&owned.sample(), &RenderOptions::default()).unwrap();
    let (prompt, rest) = rendered.text.split_once("CRITICAL TOOL").unwrap();
    expect![[r#"
        <|im_start|>system
        Be brief.
        ## Available Tools
        You can use tools by including XML blocks in your response:

        ### get_weather

        Weather of a city.
        Usage:
        <tool_use>
          <tool_name>get_weather</tool_name>
          <parameter>
            <city> (required, type: str)</city>
          </parameter>
        </tool_use>

    "#]]
    .assert_eq(prompt);
    let (_, conversation) = rest.split_once("<|im_end|>\n").unwrap();
    expect![[r#"
        <|im_start|>user
        Paris or Rome?<|im_end|>
        <|im_start|>assistant
        <think>
        Two cities.
        </think>

        I ask.
        <use_parallel_tool_calls>
        <parallel_tool>
        <tool_name>get_weather</tool_name>
        <parameter>
        <city>Paris</city>
        </parameter>
        </parallel_tool>
        <parallel_tool>
        <tool_name>get_weather</tool_name>
        <parameter>
        <city>Rome</city>
        </parameter>
        </parallel_tool>
        </use_parallel_tool_calls><|im_end|>
        <|im_start|>user
        Tool execution results:
        <tool_result>
        <tool_name>get_weather</tool_name>
        <result>sun</result>
        </tool_result>



        <tool_result>
        <tool_name>get_weather</tool_name>
        <result>rain</result>
        </tool_result><|im_end|>
        <|im_start|>assistant
        Paris.<|im_end|>
    "#]]
    .assert_eq(conversation);
    expect![[r#"
        Reasoning "<think>\nTwo cities.\n</think>\n\n"
        AssistantText "I ask."
        Call "\n<use_parallel_tool_calls>\n<parallel_tool>\n<tool_name>get_weather</tool_name>\n<parameter>\n<city>Paris</city>\n</parameter>\n</parallel_tool>"
        Call "\n<parallel_tool>\n<tool_name>get_weather</tool_name>\n<parameter>\n<city>Rome</city>\n</parameter>\n</parallel_tool>\n</use_parallel_tool_calls>"
        EndOfTurn "<|im_end|>"
        AssistantText "Paris."
        EndOfTurn "<|im_end|>"
    "#]].assert_eq(&describe_mask(&rendered));
}

#[test]
fn declarations_are_read_as_far_as_they_tell() {
    let schema = serde_json::json!({"type": "object", "properties": {
        "city": {"type": "string", "description": "Where (a town)"},
        "days": {"type": "integer", "description": "How many", "default": 3},
    }, "required": ["city"]});
    let mut owned = example();
    owned.tools[0].input_schema = schema;
    let rendered = NexAu.render(&owned.sample(), &RenderOptions::default()).unwrap();
    for line in [
        "\n    <city>Where (a town) (required, type: str)</city>\n",
        "\n    <days>How many (optional, type: int, default: 3)</days>\n",
    ] {
        assert!(rendered.text.contains(line), "{line}{}", rendered.text);
    }
    let read = NexAu.parse_conversation(&rendered.text, None).unwrap();
    expect![[r#"get_weather Weather of a city. {"type":"object","properties":{"city":{"type":"string","description":"Where (a town)"},"days":{"type":"integer","description":"How many"}},"required":["city"]}"#]].assert_eq(&format!("{} {} {}", read.tools[0].name, read.tools[0].description, read.tools[0].input_schema));
    assert_eq!(read.messages[0], Message::system("Be brief."));
}

fn call(arguments: &str) -> ContentBlock {
    let arguments = Arguments::from_text(arguments);
    ContentBlock::ToolCall(ToolCall { id: "a".into(), name: "f".to_owned(), arguments })
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        table += &format!("{}\n", NexAu.representable(&owned.sample()).unwrap_err());
    };
    let assistant = |content: Vec<ContentBlock>| Message { role: Role::Assistant, content };
    refuse(vec![Message::assistant("I write <tool_use> so")]);
    refuse(vec![Message::user("Tool execution results:\n<tool_result>\n<tool_name>f</tool_name>")]);
    refuse(vec![assistant(vec![call("{\"a\": \"x</a>y\"}")])]);
    refuse(vec![assistant(vec![call("{\"a\": \"x</parameter>y\"}")])]);
    refuse(vec![assistant(vec![call("{\"a b\": 1}")])]);
    refuse(vec![assistant(vec![call("{\"a\": \"5\"}")])]);
    refuse(vec![assistant(vec![call("[]")])]);
    let text = vec![ContentBlock::Text { text: "x</result>\n</tool_result>".to_owned() }];
    let result = ToolResult { call_id: "a".into(), name: "f".to_owned(), content: text, is_error: false };
    refuse(vec![assistant(vec![call("{}")]), Message::tool(vec![result])]);
    expect![[r#"
        message 0 (assistant): the text holds `<tool_use>`, which the format cannot escape
        message 0 (user): the text begins like tools' results and would be read as them
        message 0 (assistant): argument `a` of `f` holds `</a>`, which the format cannot escape
        message 0 (assistant): argument `a` of `f` holds `</parameter>`, which the format cannot escape
        message 0 (assistant): argument `a b` of `f` has a name that cannot be a tag
        message 0 (assistant): argument `a` of `f` is the text `5`, which would be read as another JSON value: its schema does not say that it is a string
        message 0 (assistant): arguments of `f` are not a JSON object
        message 1 (tool): the text holds `</result>
        </tool_result>`, which the format cannot escape
    "#]].assert_eq(&table);
}

laws!(Laws {
    keeps_tools: false,
    keeps_errors: true,
    ..Laws::of(
        &NexAu,
        &[
            "<tool_use>",
            "</tool_use>",
            "<tool_name>",
            "</tool_name>",
            "<parameter>",
            "</parameter>",
            "<use_parallel_tool_calls>",
            "<parallel_tool>",
            "</parallel_tool>",
            "</use_parallel_tool_calls>",
            "<sub-agent>",
            "<agent_name>",
            "</agent_name>",
            "</sub-agent>",
            "<city>",
            "</city>",
            "<think>",
            "</think>",
            "<tool_result>",
            "<|im_end|>",
        ]
    )
});
