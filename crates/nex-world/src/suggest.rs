//! "Did you mean": the known names nearest to a wrong one.

/// `; did you mean …?` for a near name, else `; known: …`, else nothing.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(wrong, &known) {
        return format!("; did you mean `{near}`?");
    }
    if known.is_empty() || known.len() > 30 {
        return String::new();
    }
    format!("; known: {}", known.join(", "))
}

/// The known name that is most like `wrong`, if any is like it at all.
pub(crate) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), *name))
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
