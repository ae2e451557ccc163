//! `xml.*`: formats that write values without types, so that the schema decides.

use crate::conformance::case::{Case, Expected, Fate, Group, Probe, calls};
use crate::conformance::damage::Damage;
use nex_trajectory::{DefectKind, Message, ToolSpec};
use serde_json::json;

fn case(id: &'static str, title: &'static str, message: Message) -> Case {
    Case::new(Group::Xml, id, title, message, Probe::RoundTrip).with_tools(vec![pick()])
}

/// A tool whose arguments have every kind of schema.
fn pick() -> ToolSpec {
    ToolSpec {
        name: "pick".to_owned(),
        description: "Takes values of many types.".to_owned(),
        input_schema: json!({
            "type": "object",
            "$defs": {"size": {"type": "integer"}},
            "properties": {
                "text": {"type": "string"},
                "maybe": {"type": ["string", "null"]},
                "mixed": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "size": {"$ref": "#/$defs/size"},
                "level": {"enum": ["low", "high"]},
                "rank": {"enum": [1, 2, 3]},
                "on": {"type": "boolean"},
                "list": {"type": "array", "items": {"type": "string"}},
                "map": {"type": "object"},
                "any": {}
            }
        }),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let pick = |id, title, arguments| case(id, title, calls(&[("pick", arguments)]));
    vec![
        pick(
            "xml.1.a",
            "entities stay as they were written",
            r#"{"text":"&lt;b&gt; &amp;amp; &quot;q&quot; &apos; &#38; &#x26; &nbsp; &"}"#,
        ),
        pick(
            "xml.1.b",
            "markup, comments and CDATA",
            r#"{"text":"<!-- c --><![CDATA[ x ]]><br/><a href=\"u\">"}"#,
        ),
        pick("xml.2.a", "strings that look like other types", r#"{"text":"[1, 2]"}"#),
        pick("xml.2.b", "string `true`", r#"{"text":"true"}"#),
        pick("xml.2.c", "string `1.0`", r#"{"text":"1.0"}"#),
        pick("xml.2.d", "string `{\"a\":1}`", r#"{"text":"{\"a\":1}"}"#),
        pick("xml.2.e", "string with quotes around it", r#"{"text":"\"quoted\""}"#),
        pick("xml.2.f", "null where text or null may stand", r#"{"maybe":null}"#),
        pick("xml.2.g", "text where text or null may stand", r#"{"maybe":"x"}"#),
        pick("xml.2.h", "integer where integer or text may stand", r#"{"mixed":5}"#),
        pick("xml.2.i", "digits as text where integer or text may stand", r#"{"mixed":"5"}"#),
        pick(
            "xml.2.j",
            "types by reference and enumeration",
            r#"{"size":4,"level":"low","rank":2,"on":false}"#,
        ),
        pick("xml.2.k", "lists and objects", r#"{"list":["a","<b>","1"],"map":{"k":"v","n":[1,null]}}"#),
        pick("xml.2.l", "a value without a schema", r#"{"any":{"a":[1,"2"]}}"#),
        pick("xml.2.m", "text without a schema", r#"{"any":"plain words"}"#),
        pick("xml.2.n", "an argument that the schema does not name", r#"{"text":"x","extra":"y"}"#),
        Case::new(
            Group::Xml,
            "xml.2.o",
            "text where a list should stand",
            calls(&[("pick", r#"{"list":"a, b"}"#)]),
            Probe::Damaged(Damage::None, Expected::defect(&[Fate::Whole], &[DefectKind::WrongType])),
        )
        .with_tools(vec![self::pick()]),
    ]
}
