//! The customer managed key that a request selects for its cluster.

use std::sync::Arc;

use crate::api::Error;
use crate::control::keys::KeyArn;
use crate::control::mutant::planted;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::Account;

/// The value of `kmsEncryptionKey` that stands for a key owned by AWS.
const AWS_OWNED_KMS_KEY: &str = "AWS_OWNED_KMS_KEY";

/// The name of a customer managed key in a request; `None` for a key owned by AWS.
pub(super) fn customer_key(name: Option<&Arc<str>>) -> Option<&Arc<str>> {
    name.filter(|name| ***name != *AWS_OWNED_KMS_KEY)
}

impl ControlPlane {
    /// The ARN of the customer managed key that a request of `account` names; `None` for a key owned by AWS. Answers
    /// show the ARN, whatever the key was named by.
    pub(super) fn selected_key(&self, account: Account, name: Option<&Arc<str>>) -> Option<Arc<str>> {
        let name = customer_key(name)?;
        planted!(self.mutants, KeyShownAsNamed => return Some(name.clone()));
        Some(self.keys.select(name, self.region, account).arn)
    }

    /// Checks that the customer managed key that a request of `account` names, if it names one, can encrypt a cluster
    /// of this Region.
    ///
    /// # Errors
    /// ValidationException. AWS KMS finds a key in its own Region alone (AWS KMS Developer Guide, "Key identifiers"),
    /// and does not use one that is disabled or scheduled for deletion ("Key states of AWS KMS keys"). The exception is
    /// inferred: CreateCluster has none for a resource that is not found.
    pub(super) fn check_key(
        &self,
        turn: &mut Turn<'_>,
        verb: &str,
        account: Account,
        name: Option<&Arc<str>>,
    ) -> Result<(), Error> {
        let Some(name) = customer_key(name) else { return Ok(()) };
        let arn = self.keys.select(name, self.region, account).arn;
        let refuse = |cause, remedy: &str| Err(errors::key(verb, cause, remedy));
        let Some(key) = KeyArn::parse(&arn).filter(|parts| parts.id().is_some()) else {
            return refuse(
                format!("{name} isn't a KMS key"),
                "give the ARN, the id or an alias of a KMS key",
            );
        };
        let mut is_elsewhere = key.region != self.region.name();
        planted!(self.mutants, KeyOfAnyRegion => is_elsewhere = false);
        if is_elsewhere {
            turn.cover(CoverageMark::KeyElsewhere);
            return refuse(
                format!("KMS key {arn} is in another Region"),
                "choose a KMS key in the cluster's Region",
            );
        }
        if self.assumptions.keys_must_exist && self.keys.get(&arn).is_none() {
            turn.cover(CoverageMark::KeyMissing);
            return refuse(format!("KMS key {arn} doesn't exist"), "verify the key and try again");
        }
        let mut is_refused = self.assumptions.disabled_key_refused;
        planted!(self.mutants, DisabledKeyTaken => is_refused = false);
        if is_refused && self.environment.is_disabled(&arn) {
            turn.report_key_refused(arn.clone());
            turn.cover(CoverageMark::KeyDisabled);
            return refuse(format!("KMS key {arn} is disabled"), "enable the KMS key and try again");
        }
        Ok(())
    }
}
