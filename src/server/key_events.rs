//! The disabled keys of a world as text, for the data directory: the events that lead to this state.
//!
//! The name of a Region stands for all of its keys, disabled. An ARN stands for a disabled key, and one behind a `+`
//! for an enabled key among disabled ones. Earlier versions wrote names of Regions alone.

use std::sync::Arc;

use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::keys::KeyArn;
use crate::region::Region;

/// The events as words of one line.
pub(super) fn text(events: &[(Region, ExternalEvent)]) -> String {
    let words: Vec<String> = events
        .iter()
        .filter_map(|(region, event)| match event {
            ExternalEvent::DisableKeys(KeyScope::All) => Some(region.to_string()),
            ExternalEvent::DisableKeys(KeyScope::One(arn)) => Some(arn.to_string()),
            ExternalEvent::EnableKeys(KeyScope::One(arn)) => Some(format!("+{arn}")),
            // Nothing of these is left.
            ExternalEvent::EnableKeys(KeyScope::All) | ExternalEvent::Idle | ExternalEvent::Connect => None,
        })
        .collect();
    words.join(" ")
}

/// The events that `text` stands for.
///
/// # Errors
/// The first word that is neither a Region nor the ARN of a key in one.
pub(super) fn read(text: &str) -> Result<Vec<(Region, ExternalEvent)>, String> {
    let event = |word: &str| {
        if let Some(region) = Region::parse(word) {
            return Some((region, ExternalEvent::DisableKeys(KeyScope::All)));
        }
        let arn = word.trim_start_matches('+');
        let region = KeyArn::parse(arn).and_then(|parts| Region::parse(parts.region))?;
        let key = KeyScope::One(Arc::from(arn));
        let event =
            if arn == word { ExternalEvent::DisableKeys(key) } else { ExternalEvent::EnableKeys(key) };
        Some((region, event))
    };
    text.split_whitespace()
        .map(|word| event(word).ok_or_else(|| format!("{word:?} is neither a Region nor a key of one")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_back() {
        let line =
            "us-east-1 +arn:aws:kms:us-east-1:111122223333:key/a arn:aws:kms:us-east-2:111122223333:key/b";
        let events = read(line).expect("three events");
        assert_eq!((events.len(), text(&events).as_str()), (3, line));
        assert_eq!(read(""), Ok(Vec::new()));
        assert!(read("us-east-1 mars-1").is_err());
    }
}
