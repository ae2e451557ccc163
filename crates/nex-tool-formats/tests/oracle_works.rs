//! The oracle itself: small answers known beforehand.

mod oracle;

use serde_json::{Value, json};

#[test]
fn jinja_is_set_up_as_transformers_sets_it_up() {
    let source = "{{ bos_token }}{% for message in messages %}\n  {% if loop.index0 == 2 %}{% break %}{% endif %}\n\
                  [{{ message.role }}]{% generation %}{{ message.content | tojson }}{% endgeneration %}\n{% endfor %}\
                  {{ strftime_now('%Y-%m-%d') }}";
    let messages =
        json!([{"role": "user", "content": "<é>"}, {"role": "assistant", "content": null}, {"role": "x"}]);
    let answer =
        oracle::ask(&json!({"source": source, "messages": messages, "variables": {"bos_token": "§"}}));
    assert_eq!(
        answer.expect_err("a missing content is undefined, and no JSON"),
        "TypeError: Object of type Undefined is not JSON serializable"
    );
    let messages = json!([{"role": "user", "content": "<é>"}, {"role": "b", "content": 1.0}, {"role": "x"}]);
    let answer =
        oracle::ask(&json!({"source": source, "messages": messages, "variables": {"bos_token": "§"}}));
    assert_eq!(
        answer.expect("it renders"),
        json!({"text": "§[user]\"<é>\"[b]1.02026-01-02", "generation": [[8, 14], [17, 20]]})
    );
}

#[test]
fn official_templates_mistral_and_harmony_answer() {
    assert!(oracle::templates().len() > 140, "all packages' templates are there");
    let messages = json!([{"role": "user", "content": "Hi"}]);
    assert_eq!(
        oracle::render("llama-cpp/Qwen-Qwen3-0.6B.jinja", &messages, &Value::Null, &Value::Null),
        "<|im_start|>user\nHi<|im_end|>\n"
    );
    let prompts =
        ["v3", "v3-tekken", "v7", "v11", "v13"].map(|v| oracle::mistral(v, &messages, &Value::Null));
    assert_eq!(
        prompts.map(|prompt| prompt.expect("it renders")),
        [
            "<s>[INST] Hi[/INST]",
            "<s>[INST]Hi[/INST]",
            "<s>[INST] Hi[/INST]",
            "<s>[INST]Hi[/INST]",
            "<s>[INST]Hi[/INST]"
        ]
    );
    let messages = json!([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]);
    assert_eq!(
        oracle::harmony("completion", &messages).expect("it renders"),
        "<|start|>user<|message|>Hi<|end|><|start|>assistant"
    );
}

#[test]
fn what_is_raised_is_told() {
    let source = "{{ raise_exception('no ' ~ messages[0].role) }}";
    let answer = oracle::ask(&json!({"source": source, "messages": [{"role": "system"}]}));
    assert_eq!(answer.expect_err("it raises"), "TemplateError: no system");
}
