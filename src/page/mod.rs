//! Pages of HTML: one file each, which opens from a disk and asks no network for anything.
//!
//! The Rust side writes the shell and embeds the data; the scripts and the style sheets lie beside, as files that a
//! linter reads. The content security policy of a page names them by their hashes, so that no other script runs in
//! it, whatever the text of a scenario or the answer of a call contains.

mod campaign_page;
mod run_page;

pub use campaign_page::{CampaignPage, ShownViolation, campaign_page};
pub use run_page::run_page;

use data_encoding::BASE64;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The content security policy of a page with one style sheet and one script, and without any other resource.
fn content_security_policy(style: &str, script: &str) -> String {
    let hash = |text: &str| BASE64.encode(&Sha256::digest(text));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'",
        hash(style),
        hash(script)
    )
}

/// The document as JSON that can stand inside an element `script`: no text in it ends the element.
///
/// It is ASCII: a browser keeps such a text in one byte for each letter, and reads a long run faster.
///
/// # Errors
///
/// The document has no JSON form: a map whose keys are no strings, or an error of its own serializer.
fn embedded_json(document: &impl Serialize) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(document)?;
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        // In JSON, `<` occurs in strings alone, as does every letter beyond ASCII: there, an escape means the same.
        if letter.is_ascii() && letter != '<' {
            escaped.push(letter);
        } else {
            escaped.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Ok(escaped)
}
