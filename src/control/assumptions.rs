//! Assumptions: the open questions about the real service, as switches.
//!
//! Each field is one question that no public source answers with certainty; its default is the behaviour most
//! consistent with the documentation. A user who learns the truth flips the switch (`assume NAME=VALUE` in a scenario)
//! instead of waiting for a release.

use std::time::Duration;

use crate::api::StreamFailureErrorCode;
use crate::control::message::DelayRange;

/// The exception that refuses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Refusal {
    /// ValidationException (400), reason `other`.
    Validation,
    /// ConflictException (409).
    Conflict,
    /// AccessDeniedException (403).
    AccessDenied,
    /// ResourceNotFoundException (404).
    NotFound,
}

/// The type of a switch's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Number,
    /// A [`Refusal`].
    Refusal,
    /// A [`StreamFailureErrorCode`], or none.
    StreamFailure,
    /// A duration.
    Duration,
    /// A range that a duration is drawn from.
    DelayRange,
}

/// A type of values that a switch can have, and their text.
trait Switch: Sized {
    /// The type, for generators.
    const KIND: SwitchKind;
    /// The values, for diagnostics.
    const VALUES: &'static str;
    fn parse(text: &str) -> Option<Self>;
    fn print(&self) -> String;
}

impl Switch for bool {
    const KIND: SwitchKind = SwitchKind::Boolean;
    const VALUES: &'static str = "true | false";
    fn parse(text: &str) -> Option<bool> {
        text.parse().ok()
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Switch for u32 {
    const KIND: SwitchKind = SwitchKind::Number;
    const VALUES: &'static str = "a whole number";
    fn parse(text: &str) -> Option<u32> {
        text.parse().ok()
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Switch for Refusal {
    const KIND: SwitchKind = SwitchKind::Refusal;
    const VALUES: &'static str = "validation | conflict | access-denied | not-found";
    fn parse(text: &str) -> Option<Refusal> {
        text.parse().ok()
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Switch for Option<StreamFailureErrorCode> {
    const KIND: SwitchKind = SwitchKind::StreamFailure;
    const VALUES: &'static str = "none | KINESIS_THROUGHPUT_EXCEEDED | KINESIS_STREAM_NOT_FOUND | ROLE_ACCESS_DENIED | \
                                  KINESIS_ACCESS_DENIED | KINESIS_KMS_ACCESS_DENIED | KINESIS_OVERSIZE_RECORD | \
                                  CLUSTER_CMK_INACCESSIBLE | INTERNAL_ERROR";
    fn parse(text: &str) -> Option<Option<StreamFailureErrorCode>> {
        if text == "none" { Some(None) } else { text.parse().ok().map(Some) }
    }
    fn print(&self) -> String {
        self.map_or_else(|| "none".to_owned(), |error| error.to_string())
    }
}

impl Switch for Duration {
    const KIND: SwitchKind = SwitchKind::Duration;
    const VALUES: &'static str = "a duration, as in 8h or 30s";
    fn parse(text: &str) -> Option<Duration> {
        crate::types::parse_duration(text)
    }
    fn print(&self) -> String {
        crate::types::print_duration(*self)
    }
}

impl Switch for DelayRange {
    const KIND: SwitchKind = SwitchKind::DelayRange;
    const VALUES: &'static str = "two durations, as in 5s..10s, or one";
    fn parse(text: &str) -> Option<DelayRange> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let span = DelayRange { min: Duration::parse(min)?, max: Duration::parse(max)? };
        (span.min <= span.max).then_some(span)
    }
    fn print(&self) -> String {
        if self.min == self.max {
            return self.min.print();
        }
        format!("{}..{}", self.min.print(), self.max.print())
    }
}

macro_rules! assumptions {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr,)+) => {
        /// The values of all switches, with the defaults that [`Assumptions::DEFAULT`] documents.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Assumptions { $($(#[doc = $doc])+ pub $field: $type,)+ }

        impl Assumptions {
            /// The behaviour most consistent with the documentation.
            pub const DEFAULT: Assumptions = Assumptions { $($field: $default,)+ };

            /// The names of the switches, in the order of the table.
            pub const NAMES: &[&str] = &[$(stringify!($field)),+];

            /// The switches, each with the type of its values.
            pub const SWITCHES: &[(&str, SwitchKind)] =
                &[$((stringify!($field), <$type as Switch>::KIND)),+];

            /// The value of the switch `name` as text; empty for an unknown name.
            #[must_use]
            pub fn value(&self, name: &str) -> String {
                match name {
                    $(stringify!($field) => self.$field.print(),)+
                    _ => String::new(),
                }
            }

            /// Sets the switch `name` to the value written as `value`.
            ///
            /// # Errors
            /// The values that the switch takes. A name that is not in [`Assumptions::NAMES`] takes none.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
                match name {
                    $(stringify!($field) => {
                        self.$field = Switch::parse(value).ok_or(<$type as Switch>::VALUES)?;
                        Ok(())
                    })+
                    _ => Err("none: there is no such switch"),
                }
            }

            /// The switches that differ from their defaults, with their values.
            #[must_use]
            pub fn differing(&self) -> Vec<(&'static str, String)> {
                let mut all = Vec::new();
                $(if self.$field != Self::DEFAULT.$field {
                    all.push((stringify!($field), self.$field.print()));
                })+
                all
            }

            /// Sets every switch that is a time of statuses to zero: each status settles at once.
            pub fn settle_at_once(&mut self) {
                $(if <$type as Switch>::KIND == SwitchKind::DelayRange {
                    // A range is the type of these times and of no other switch.
                    self.set(stringify!($field), "0s").expect("a duration is a range");
                })+
            }

            /// The table of switches: name, default, values, and question of each.
            #[must_use]
            pub fn table() -> Vec<[String; 4]> {
                vec![$([
                    stringify!($field).to_owned(),
                    Self::DEFAULT.$field.print(),
                    <$type as Switch>::VALUES.to_owned(),
                    concat!($($doc),+).trim_ascii().to_owned(),
                ]),+]
            }
        }
    };
}

assumptions! {
    /// The refusal of a call that the cluster's status does not allow.
    wrong_state: Refusal = Refusal::Conflict,
    /// Whether a cluster in UPDATING may be deleted.
    delete_while_updating: bool = true,
    /// Whether DeleteCluster on a cluster in PENDING_DELETE or DELETING answers 200 again; otherwise it is refused
    /// as a wrong state. A second deletion that comes while the first waits for the link register waits with it;
    /// otherwise it is refused as a conflict.
    delete_again: bool = true,
    /// Whether GetCluster on a cluster that was named as a peer, and has declared nothing itself, shows the
    /// other side's ARN.
    silent_peer_shows_declaration: bool = false,
    /// Whether a call that names a peer with another witness is refused when the peer can be read; otherwise both
    /// stay in PENDING_SETUP.
    witness_mismatch_refused: bool = true,
    /// The refusal of a call that names a peer which does not exist.
    missing_peer: Refusal = Refusal::Validation,
    /// Whether a call that names a single-Region cluster as its peer is refused; otherwise the declaration stands
    /// and nothing comes of it.
    single_region_peer_refused: bool = true,
    /// The refusal of a call that names a peer of another account.
    peer_of_other_account: Refusal = Refusal::AccessDenied,
    /// The refusal of a call that names a peer in the cluster's own Region, in the witness Region, or outside the
    /// Region set.
    peer_in_wrong_region: Refusal = Refusal::Validation,
    /// The refusal of a call whose peer is linked with another cluster, or being deleted.
    peer_taken: Refusal = Refusal::Conflict,
    /// The refusal of a call that names more than one peer.
    several_peers: Refusal = Refusal::Validation,
    /// The refusal of an update that changes the witness Region of a linked cluster.
    witness_change_when_linked: Refusal = Refusal::Validation,
    /// The refusal of an update that would make a single-Region cluster a multi-Region one.
    single_to_multi_region: Refusal = Refusal::Validation,
    /// Whether an update that names nothing to change is refused with ValidationException; otherwise the cluster is
    /// UPDATING for a while.
    empty_update_refused: bool = false,
    /// Whether the peer of a linked cluster may be removed by an update: the pair comes apart, each side going from
    /// UPDATING to PENDING_SETUP, once both sides have asked.
    unpeer_active: bool = false,
    /// Whether a token is known by account, Region and operation; otherwise by account and Region only.
    token_per_operation: bool = true,
    /// How long a token is remembered after the call that it belongs to was carried out.
    token_window: Duration = Duration::from_secs(8 * 3600),
    /// The refusal of a call whose token was used with other parameters.
    token_mismatch: Refusal = Refusal::Conflict,
    /// Whether a retry is answered with the recorded answer; otherwise with the cluster as it is now.
    replay_frozen: bool = true,
    /// Whether clusters in PENDING_DELETE and DELETING count towards the quota.
    quota_counts_deleting: bool = true,
    /// Whether the cluster quota's resourceId is the account; otherwise it is empty.
    quota_names_account: bool = true,
    /// How many single-Region clusters an account may have in a Region (quota L-B3A4E51E).
    single_region_quota: u32 = 20,
    /// How many multi-Region clusters an account may have in a Region (quota L-DCF93F11).
    multi_region_quota: u32 = 5,
    /// How many tags a cluster or a stream may have. The guide of Tag Editor has 50 for resources of every service; the
    /// API model allows 200 in one call.
    tags_per_resource: u32 = 50,
    /// Whether a policy that grants public access is refused with AccessDeniedException; otherwise with
    /// ValidationException.
    public_policy_denied: bool = false,
    /// Whether a cluster's policy may name actions of other services, which then match no call; otherwise such a policy
    /// is refused.
    foreign_actions: bool = false,
    /// Whether the Canadian Regions belong to the Americas' Region set.
    canada_in_americas: bool = false,
    /// Whether the creation of a cluster fails: it ends in FAILED instead of ACTIVE.
    creation_fails: bool = false,
    /// Whether the creation of a linked pair fails: a cluster that was just linked ends in FAILED instead of ACTIVE.
    peering_fails: bool = false,
    /// How long after its creation GetCluster shows a cluster in PENDING_SETUP as CREATING.
    /// Terraform and ACK allow for it. Calls are judged by PENDING_SETUP.
    creating_before_setup: Duration = Duration::ZERO,
    /// How long after a change of its status GetCluster shows a cluster's new and former status in turn, unless it is
    /// being deleted. Terraform allows for it: it waits for two readings of the same status in a row.
    status_flaps: Duration = Duration::ZERO,
    /// How long a deleted cluster shows DELETED before it is gone.
    deleted_visible: Duration = Duration::ZERO,
    /// Whether a cluster with streams refuses to be deleted (ConflictException).
    streams_keep_cluster: bool = true,
    /// The error code with which the creation of streams fails: a stream ends in FAILED instead of ACTIVE, and its
    /// `statusReason` has this code. With `none` it succeeds.
    stream_fails: Option<StreamFailureErrorCode> = None,
    /// The refusal of a stream whose Kinesis stream is of another Region or account than the cluster, or whose role is
    /// of another account.
    stream_target_elsewhere: Refusal = Refusal::Validation,
    /// How long a change of a cluster's policy takes to have effect; at most a minute, by the documentation of AWS.
    policy_delay: Duration = Duration::ZERO,
    /// Whether accounts have the role AWSServiceRoleForAuroraDsql from the beginning; otherwise the first cluster of
    /// an account creates it, which takes iam:CreateServiceLinkedRole.
    service_linked_role: bool = true,
    /// Whether a call that selects a disabled KMS key is refused (ValidationException); otherwise the key takes effect,
    /// and the cluster's `encryptionStatus` is KMS_KEY_INACCESSIBLE.
    disabled_key_refused: bool = true,
    /// Whether a KMS key must be declared: a call that selects another one is refused (ValidationException). Otherwise
    /// every key exists.
    keys_must_exist: bool = false,
    /// Whether `encryptionDetails` of a cluster without a customer managed key names, as its `kmsKeyArn`, the key that
    /// AWS owns; otherwise the member is absent.
    aws_owned_key_shown: bool = false,
    /// How long a stream's CREATING takes. The User Guide gives it one to three minutes, and recommends the waiter of
    /// the SDKs, which gives up after two; the default is within both.
    stream_time: DelayRange = DelayRange::millis(60_000, 110_000),
    /// How long CREATING takes.
    create_time: DelayRange = DelayRange::millis(5_000, 10_000),
    /// How long UPDATING takes.
    update_time: DelayRange = DelayRange::millis(2_000, 5_000),
    /// How long a cluster that was just linked stays in CREATING.
    peering_time: DelayRange = DelayRange::millis(10_000, 30_000),
    /// How long after both sides asked for deletion PENDING_DELETE becomes DELETING.
    dissolve_time: DelayRange = DelayRange::millis(3_000, 10_000),
    /// How long DELETING takes.
    delete_time: DelayRange = DelayRange::millis(30_000, 120_000),
    /// How long a call waits for other Regions before it answers InternalServerException, nothing done.
    remote_deadline: Duration = Duration::from_secs(5),
}

impl Default for Assumptions {
    fn default() -> Self {
        Assumptions::DEFAULT
    }
}
