//! What a person sees: colours and bars on a terminal, plain lines elsewhere.
//!
//! Everything here goes to standard error, so that standard output carries results only. Text that
//! a model or a server wrote is shown with its control characters made visible.

use crate::args::ColourChoice;
use std::io::IsTerminal;
use std::sync::OnceLock;

static IS_RICH: OnceLock<bool> = OnceLock::new();

/// Decides once whether colours and bars are used.
pub(crate) fn set_up(choice: ColourChoice) {
    let is_rich = match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto => {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
        }
    };
    let _ = IS_RICH.set(is_rich);
}

/// Whether colours and bars are used.
pub(crate) fn is_rich() -> bool {
    *IS_RICH.get().unwrap_or(&false)
}

/// Colours by meaning.
#[derive(Clone, Copy)]
pub(crate) enum Tint {
    /// Something is wrong.
    Bad,
    /// Something is doubtful.
    Doubtful,
    /// Something is right.
    Good,
    /// Less important.
    Faint,
    /// A heading.
    Strong,
}

/// `text` in the colour of `tint`, where colours are used.
pub(crate) fn tint(tint: Tint, text: &str) -> String {
    if !is_rich() {
        return text.to_owned();
    }
    let code = match tint {
        Tint::Bad => "31",
        Tint::Doubtful => "33",
        Tint::Good => "32",
        Tint::Faint => "2",
        Tint::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A line to standard error.
pub(crate) fn tell(line: impl AsRef<str>) {
    eprintln!("{}", line.as_ref());
}

/// A line to standard output.
pub(crate) fn print(line: impl AsRef<str>) {
    use std::io::Write;
    // A closed pipe (`nex … | head`) is no error worth a panic.
    let _ = writeln!(std::io::stdout().lock(), "{}", line.as_ref());
}

/// `text` with control and direction characters made visible, cut after `width` characters.
pub(crate) fn safe(text: &str, width: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(width.saturating_mul(4)));
    for (index, c) in text.chars().enumerate() {
        if index == width {
            let rest = text.chars().count() - width;
            shown.push_str(&format!(" … ({rest} more characters)"));
            break;
        }
        match c {
            '\n' | '\t' => shown.push(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                shown.push_str(&format!("\\u{{{:x}}}", c as u32));
            }
            c if c.is_control() => shown.push_str(&format!("\\x{:02x}", c as u32)),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(safe("a\u{1b}]52;c;x\u{7}b\u{202e}c\nd", 99), "a\\x1b]52;c;x\\x07b\\u{202e}c\nd");
        assert_eq!(safe("abcdef", 4), "abcd … (2 more characters)");
    }
}
