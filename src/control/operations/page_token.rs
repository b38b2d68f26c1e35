//! Page tokens: a position in a listing, sealed to the listing that returned it.

use crate::api::{Error, Field, Operation};
use crate::control::ControlPlane;
use crate::rng::fingerprint;
use crate::types::Account;

impl ControlPlane {
    /// The seal of a page token: it ties the token to its Region and account.
    pub(super) fn page_seal(&self, account: Account, position: u64) -> u64 {
        fingerprint(&(account, self.region, position))
    }
}

/// A page token: a position and the seal of the listing. A token of another listing is refused, not misread.
pub(super) fn sealed(position: u64, seal: impl Fn(u64) -> u64) -> String {
    format!("{position:016x}{:016x}", seal(position))
}

/// The position in a page token that `operation` returned.
pub(super) fn read_sealed(
    operation: Operation,
    token: &str,
    seal: impl Fn(u64) -> u64,
) -> Result<u64, Error> {
    let (position, sealed) = token.split_at_checked(16).unwrap_or_default();
    let numbers = (u64::from_str_radix(position, 16), u64::from_str_radix(sealed, 16));
    match numbers {
        (Ok(position), Ok(sealed)) if sealed == seal(position) => Ok(position),
        _ => {
            let message = format!("The pagination token is not one that {operation} returned here.");
            Err(Error::field_validation(vec![Field { name: "nextToken".to_owned(), message }]))
        }
    }
}
