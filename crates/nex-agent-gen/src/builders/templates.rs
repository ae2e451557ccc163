//! Which templates builders may write: those that cannot use up the machine that renders them.
//!
//! Prompts may name a few values. Instructions of workflows may also ask and go over a list, but not
//! over lists within lists, and call nothing: `{{ "a" * 1000000000 }}` is a template too.

/// The values that a prompt may name.
pub(super) const PROMPT_NAMES: [&str; 7] =
    ["world_title", "role", "rules", "team", "date", "agent_name", "agent_description"];
/// Filters that make nothing longer than what they get.
const FILTERS: [&str; 8] = ["length", "trim", "lower", "upper", "first", "last", "title", "default"];

/// What is wrong with `text` as a prompt.
pub(super) fn check_prompt(text: &str) -> Result<(), String> {
    for tag in tags(text)? {
        let name = match tag {
            Tag::Value(name) => name,
            Tag::Statement(_) => {
                return Err("a prompt holds no `{% … %}`; only values such as `{{ role }}`".to_owned());
            }
        };
        if !PROMPT_NAMES.contains(&name) {
            return Err(format!(
                "a prompt may name only these values: {}; it names `{{{{ {} }}}}`",
                PROMPT_NAMES.join(", "),
                shown(name)
            ));
        }
    }
    Ok(())
}

/// What is wrong with `text` as an instruction.
pub(super) fn check_instruction(text: &str) -> Result<(), String> {
    let mut loops = 0u32;
    for tag in tags(text)? {
        let statement = match tag {
            Tag::Value(value) => {
                check_expression(value)?;
                continue;
            }
            Tag::Statement(statement) => statement,
        };
        let (word, rest) = statement.split_once(char::is_whitespace).unwrap_or((statement, ""));
        match word {
            "if" | "elif" => check_expression(rest)?,
            "else" | "endif" => {}
            "for" => {
                loops += 1;
                if loops > 1 {
                    return Err("a `for` within a `for` is not allowed in instructions".to_owned());
                }
                let (_, list) =
                    rest.split_once(" in ").ok_or("a `for` goes over something: `for x in state.notes`")?;
                check_expression(list)?;
            }
            "endfor" => loops = loops.saturating_sub(1),
            _ => {
                return Err(format!(
                    "`{{% {} %}}` is not allowed; only if, elif, else and for are",
                    shown(word)
                ));
            }
        }
    }
    Ok(())
}

/// What is wrong with `text` as a condition: names, texts, comparisons, and nothing that is called.
pub(super) fn check_expression(text: &str) -> Result<(), String> {
    let mut quote = None;
    let mut bare = String::with_capacity(text.len());
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None => bare.push(c),
        }
    }
    if quote.is_some() || text.contains('\\') {
        return Err(format!("`{}` holds a text that does not end", shown(text)));
    }
    let is_plain = |c: char| c.is_alphanumeric() || "_.[]<>=!,| \n\t-".contains(c);
    if let Some(odd) = bare.chars().find(|c| !is_plain(*c)) {
        return Err(format!(
            "`{}` holds `{odd}`: an expression here has names, texts in quotes, comparisons, `in`, `and`, `or`, \
             `not`, and no calls or sums",
            shown(text)
        ));
    }
    for filter in bare.split('|').skip(1) {
        let name: String =
            filter.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !FILTERS.contains(&name.as_str()) {
            return Err(format!(
                "the filter `{}` is not allowed; these are: {}",
                shown(&name),
                FILTERS.join(", ")
            ));
        }
    }
    Ok(())
}

/// One tag of a template, without its braces.
enum Tag<'a> {
    Value(&'a str),
    Statement(&'a str),
}

fn tags(text: &str) -> Result<Vec<Tag<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let (close, is_value) = match rest.as_bytes().get(1) {
            Some(b'{') => ("}}", true),
            Some(b'%') => ("%}", false),
            Some(b'#') => return Err("`{# … #}` is not allowed: say it or leave it out".to_owned()),
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        let length =
            rest.find(close).ok_or_else(|| format!("`{}` is not closed by `{close}`", shown(rest)))?;
        let inner = rest[2..length].trim_matches('-').trim();
        found.push(if is_value { Tag::Value(inner) } else { Tag::Statement(inner) });
        rest = &rest[length + 2..];
    }
    Ok(found)
}

fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_use_up_the_machine_is_no_template() {
        let told = |checked: Result<(), String>| checked.err().unwrap_or_else(|| "taken".to_owned());
        let mut table = String::new();
        for text in [
            "You are {{ role }} of {{- world_title -}}. JSON: {\"a\": 1}",
            "{{ 'a' * 1000000000 }}",
            "{{ env.SECRET }}",
            "{% for i in range(9) %}x{% endfor %}",
            "{% include '/etc/passwd' %}",
            "{{ role",
        ] {
            table += &format!("prompt {text:?}: {}\n", told(check_prompt(text)));
        }
        for text in [
            "{{ task }}{% if round > 1 %} {{ answers['critic'] }}{% else %}-{% endif %}",
            "{% for note in state.notes %}{{ note }}{% endfor %}{% for a in state.b %}{% endfor %}",
            "{% for a in b %}{% for c in d %}{% endfor %}{% endfor %}",
            "{{ range(9) }}",
            "{{ previous | trim }}",
            "{{ previous | tojson }}",
            "{{ 'a' ~ 'b' }}",
            "{% set x = 1 %}",
        ] {
            table += &format!("instruction {text:?}: {}\n", told(check_instruction(text)));
        }
        expect_test::expect![[r#"
            prompt "You are {{ role }} of {{- world_title -}}. JSON: {\"a\": 1}": taken
            prompt "{{ 'a' * 1000000000 }}": a prompt may name only these values: world_title, role, rules, team, date, agent_name, agent_description; it names `{{ 'a' * 1000000000 }}`
            prompt "{{ env.SECRET }}": a prompt may name only these values: world_title, role, rules, team, date, agent_name, agent_description; it names `{{ env.SECRET }}`
            prompt "{% for i in range(9) %}x{% endfor %}": a prompt holds no `{% … %}`; only values such as `{{ role }}`
            prompt "{% include '/etc/passwd' %}": a prompt holds no `{% … %}`; only values such as `{{ role }}`
            prompt "{{ role": `{{ role` is not closed by `}}`
            instruction "{{ task }}{% if round > 1 %} {{ answers['critic'] }}{% else %}-{% endif %}": taken
            instruction "{% for note in state.notes %}{{ note }}{% endfor %}{% for a in state.b %}{% endfor %}": taken
            instruction "{% for a in b %}{% for c in d %}{% endfor %}{% endfor %}": a `for` within a `for` is not allowed in instructions
            instruction "{{ range(9) }}": `range(9)` holds `(`: an expression here has names, texts in quotes, comparisons, `in`, `and`, `or`, `not`, and no calls or sums
            instruction "{{ previous | trim }}": taken
            instruction "{{ previous | tojson }}": the filter `tojson` is not allowed; these are: length, trim, lower, upper, first, last, title, default
            instruction "{{ 'a' ~ 'b' }}": `'a' ~ 'b'` holds `~`: an expression here has names, texts in quotes, comparisons, `in`, `and`, `or`, `not`, and no calls or sums
            instruction "{% set x = 1 %}": `{% set %}` is not allowed; only if, elif, else and for are
        "#]].assert_eq(&table);
    }
}
