//! The page's content security policy: nothing may load, and only our own style and script count.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The one style sheet.
pub(crate) const STYLE: &str = include_str!("page/style.css");
/// The one script. It only shows, hides and opens what the page already holds.
pub(crate) const SCRIPT: &str = include_str!("page/script.js");

/// The policy under which a browser reads the page, for a `<meta http-equiv>`.
pub(crate) fn content_security_policy() -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        source_hash(STYLE),
        source_hash(SCRIPT)
    )
}

/// The hash source expression of an inline element's text (CSP level 3, §2.3.1).
fn source_hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_as_the_specification_writes_it() {
        // The example of CSP level 3, §8.4.
        assert_eq!(
            source_hash("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }

    /// A parser turns `\r\n` into `\n` and ends either element at its closing tag, so such text
    /// would not have the hash that the policy names.
    #[test]
    fn style_and_script_reach_the_browser_unchanged() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains('\r') && !text.contains("</") && !text.contains("<!--"));
        }
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
            assert!(!SCRIPT.contains(sink), "{sink} in the script");
        }
    }
}
