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
    let position = token.get(..16).and_then(|position| u64::from_str_radix(position, 16).ok());
    // A number has several spellings, of which the token that was returned is one.
    position.filter(|position| sealed(*position, seal) == token).ok_or_else(|| {
        let message = format!("The pagination token is not one that {operation} returned here.");
        Error::field_validation(vec![Field { name: "nextToken".to_owned(), message }])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_has_one_spelling() {
        let seal = |position| position ^ 0xabcd;
        let token = sealed(0xef, seal);
        assert_eq!(read_sealed(Operation::ListClusters, &token, seal), Ok(0xef));
        for other in [token.to_uppercase(), token.replacen('0', "+", 1), format!("{token}0")] {
            assert!(read_sealed(Operation::ListClusters, &other, seal).is_err(), "{other}");
        }
    }
}
