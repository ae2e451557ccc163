//! English words for the grammar: articles, plurals, identifiers, capitals.

/// `appointment` → `an appointment`.
pub(super) fn a(noun: &str) -> String {
    let lower = noun.to_lowercase();
    let sounds_open = lower.starts_with(['a', 'e', 'i', 'o', 'u'])
        && !["uni", "use", "eu", "one", "uti"].iter().any(|start| lower.starts_with(start));
    if sounds_open || lower.starts_with("hour") { format!("an {noun}") } else { format!("a {noun}") }
}

/// The plural of a noun: of its last word, or of the word before `of`.
pub(super) fn plural(noun: &str) -> String {
    if let Some((head, tail)) = noun.split_once(" of ") {
        return format!("{} of {tail}", plural(head));
    }
    let before_y = noun.chars().rev().nth(1);
    match noun {
        _ if noun.ends_with('y') && !before_y.is_some_and(|c| "aeiou".contains(c)) => {
            format!("{}ies", &noun[..noun.len() - 1])
        }
        _ if ["s", "x", "ch", "sh", "z"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// `kind of visit` → `kind_of_visit`: lower case letters, digits and `_`.
pub(super) fn identifier(words: &str) -> String {
    let mut name = String::new();
    for c in words.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => name.push(c),
            _ if !name.is_empty() && !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// With a capital first letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Three or more capitals that no other entity of the world has.
pub(super) fn prefix(label: &str, taken: &[String]) -> String {
    let letters: Vec<char> =
        label.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    let initials: String = label
        .split([' ', '-'])
        .filter_map(|word| word.chars().next())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let candidates = [letters.iter().take(3).collect::<String>(), initials]
        .into_iter()
        .chain((4..=letters.len()).map(|length| letters.iter().take(length).collect()));
    for candidate in candidates {
        if candidate.len() >= 2 && !taken.contains(&candidate) {
            return candidate;
        }
    }
    format!("X{}", taken.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(a("appointment"), "an appointment");
        assert_eq!(a("unit"), "a unit");
        assert_eq!(a("work order"), "a work order");
        assert_eq!(plural("delivery"), "deliveries");
        assert_eq!(plural("bill of lading"), "bills of lading");
        assert_eq!(plural("batch"), "batches");
        assert_eq!(plural("bay"), "bays");
        assert_eq!(identifier("Kind of visit (new)"), "kind_of_visit_new");
        assert_eq!(capital("kind"), "Kind");
    }
}
