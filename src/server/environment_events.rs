//! The environment of a world as text, for the data directory: the events that lead to the present state of its keys,
//! of the targets of its streams, and of its quotas.
//!
//! The name of a Region stands for all of its keys, disabled. An ARN stands for a disabled key, and one behind a `+`
//! for an enabled key among disabled ones. A Region and an error code before an ARN stand for a broken target. A raised
//! quota is `us-east-1:multi-region:6`. Earlier versions wrote names of Regions alone.

use std::sync::Arc;

use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::keys::KeyArn;
use crate::control::quotas::ClusterQuota;
use crate::region::Region;

/// The events as words of one line.
pub(super) fn text(events: &[(Region, ExternalEvent)]) -> String {
    let words: Vec<String> = events
        .iter()
        .filter_map(|(region, event)| match event {
            ExternalEvent::DisableKeys(KeyScope::All) => Some(region.to_string()),
            ExternalEvent::DisableKeys(KeyScope::One(arn)) => Some(arn.to_string()),
            ExternalEvent::EnableKeys(KeyScope::One(arn)) => Some(format!("+{arn}")),
            ExternalEvent::BreakTarget { target, error } => Some(format!("{region}:{error}:{target}")),
            ExternalEvent::RaiseQuota { quota, to } => Some(format!("{region}:{}:{to}", quota.name())),
            // Nothing of these is left but records, which the data directory has.
            ExternalEvent::EnableKeys(KeyScope::All)
            | ExternalEvent::RepairTarget { .. }
            | ExternalEvent::Idle
            | ExternalEvent::Connect
            | ExternalEvent::FailCreation
            | ExternalEvent::RestoreCluster { .. } => None,
        })
        .collect();
    words.join(" ")
}

/// The events that `text` stands for.
///
/// # Errors
/// The first word that is neither a Region, nor the ARN of a key in one, nor a broken target, nor a raised quota.
pub(super) fn read(text: &str) -> Result<Vec<(Region, ExternalEvent)>, String> {
    let event = |word: &str| {
        if let Some(region) = Region::parse(word) {
            return Some((region, ExternalEvent::DisableKeys(KeyScope::All)));
        }
        if let Some((region, fact)) = word.split_once(':')
            && let (Some(region), Some((name, subject))) = (Region::parse(region), fact.split_once(':'))
        {
            if let Some(quota) = ClusterQuota::named(name) {
                let to = subject.parse().ok()?;
                return Some((region, ExternalEvent::RaiseQuota { quota, to }));
            }
            let (target, error) = (Arc::from(subject), name.parse().ok()?);
            return Some((region, ExternalEvent::BreakTarget { target, error }));
        }
        let arn = word.trim_start_matches('+');
        let region = KeyArn::parse(arn).and_then(|parts| Region::parse(parts.region))?;
        let key = KeyScope::One(Arc::from(arn));
        let event =
            if arn == word { ExternalEvent::DisableKeys(key) } else { ExternalEvent::EnableKeys(key) };
        Some((region, event))
    };
    text.split_whitespace()
        .map(|word| {
            event(word).ok_or_else(|| {
                format!("{word:?} is neither a Region nor a key, a target or a raised quota of one")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_back() {
        let line = "us-east-1 +arn:aws:kms:us-east-1:111122223333:key/a arn:aws:kms:us-east-2:111122223333:key/b \
             us-east-1:ROLE_ACCESS_DENIED:arn:aws:iam::111122223333:role/c us-east-2:multi-region:6";
        let events = read(line).expect("five events");
        assert_eq!((events.len(), text(&events).as_str()), (5, line));
        assert!(read("us-east-1:other:6").is_err());
        assert_eq!(read(""), Ok(Vec::new()));
        assert!(read("us-east-1 mars-1").is_err());
        assert!(read("us-east-1:NO_ERROR:arn:aws:iam::111122223333:role/c").is_err());
    }
}
