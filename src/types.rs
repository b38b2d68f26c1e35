//! Domain types: identifiers, ARNs, client tokens, statuses, nodes and virtual time.
//!
//! Each is a small `Copy` type (except the client token, which may share its text) that formats and parses itself and
//! depends on nothing else.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU16;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Number;

use crate::region::Region;
use crate::rng::nanos;

/// A point in virtual time: nanoseconds since the scenario began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instant(pub u64);

impl Instant {
    /// The beginning of a scenario.
    pub const START: Instant = Instant(0);

    /// The point `duration` later; saturates at `u64::MAX` nanoseconds, some 584 years.
    #[must_use]
    pub fn after(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(duration)))
    }

    /// The time elapsed since `earlier`; zero if `earlier` is in the future.
    #[must_use]
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds since the Unix epoch on a Region's own wall clock, which may be skewed.
///
/// On the wire it is a number of seconds with a fraction: the timestamp format `epoch-seconds` of restJson1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time `seconds` after the epoch; saturates.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1000))
    }

    /// The number of seconds, without the fraction.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (seconds, millis) = (self.seconds(), self.0 % 1000);
        let text = if millis == 0 { seconds.to_string() } else { format!("{seconds}.{millis:03}") };
        text.parse::<Number>().map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let millis = thousandths(&Number::deserialize(deserializer)?).and_then(|it| it.try_into().ok());
        let invalid = || de::Error::custom("a timestamp is a number of seconds from 0 on");
        millis.map(Timestamp).ok_or_else(invalid)
    }
}

/// The number in thousandths, rounded; `None` if it is written with an exponent or is too large.
pub(crate) fn thousandths(number: &Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return whole.checked_mul(1000);
    }
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.')?;
    let is_negative = whole.starts_with('-');
    let whole: i64 = whole.trim_start_matches('-').parse().ok()?;
    // One digit more than is kept decides about the rounding.
    let fraction = fraction.bytes().all(|digit| digit.is_ascii_digit()).then(|| format!("{fraction:0<4}"))?;
    let fraction: i64 = fraction[..4].parse().ok()?;
    let number = whole.checked_mul(1000)?.checked_add((fraction + 5) / 10)?;
    Some(if is_negative { -number } else { number })
}

/// An AWS account: twelve digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(u64);

impl Account {
    /// The account of callers when a scenario names none.
    pub const DEFAULT: Account = Account(111_122_223_333);

    /// Parses twelve digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Account> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok().map(Account)).flatten()
    }

    /// The twelve digits as a number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// A cluster identifier: 16 bytes, printed as 26 letters of lower-case unpadded base32.
///
/// All identifiers of the real service on record have this form, though the API model's pattern (`[a-z0-9]{26}`)
/// allows more; text that fits the pattern but is not base32 names no cluster that exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier([u64; 2]);

impl Identifier {
    /// The length of the printed form in characters.
    pub const LENGTH: usize = 26;

    /// The identifier with these 16 bytes, most significant first.
    #[must_use]
    pub const fn new(words: [u64; 2]) -> Identifier {
        Identifier(words)
    }

    /// The first 8 of its 16 bytes.
    #[must_use]
    pub const fn first_half(self) -> u64 {
        self.0[0]
    }

    /// Parses the 26 characters. `None` if they are not the base32 of 16 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Identifier> {
        // The decoder panics unless the buffer fits the text exactly.
        if text.len() != Self::LENGTH {
            return None;
        }
        let mut bytes = [0; 16];
        BASE32.decode_mut(text.as_bytes(), &mut bytes).ok()?;
        let value = u128::from_be_bytes(bytes);
        Some(Identifier([(value >> 64) as u64, value as u64]))
    }

    fn text(self) -> [u8; Self::LENGTH] {
        let value = u128::from(self.0[0]) << 64 | u128::from(self.0[1]);
        let mut text = [0; Self::LENGTH];
        BASE32.encode_mut(&value.to_be_bytes(), &mut text);
        text
    }
}

// The bytes are random, so half of them suffice to tell identifiers apart.
impl Hash for Identifier {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.first_half().hash(state);
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.text()).expect("base32 is ASCII"))
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The ARN of a cluster in the standard partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterArn {
    /// The cluster's Region.
    pub region: Region,
    /// The account that owns it.
    pub account: Account,
    /// Its identifier, unique across Regions.
    pub identifier: Identifier,
}

impl ClusterArn {
    /// Parses `arn:aws:dsql:REGION:ACCOUNT:cluster/IDENTIFIER`, ignoring case, as comparisons of ARNs do.
    ///
    /// `None` for other partitions, Regions not in the table, and identifiers that are not base32: an ARN may fit the
    /// API model's pattern and still name nothing that can exist here.
    #[must_use]
    pub fn parse(text: &str) -> Option<ClusterArn> {
        let lower = text.to_ascii_lowercase();
        let mut parts = lower.strip_prefix("arn:aws:dsql:")?.splitn(3, ':');
        let region = Region::parse(parts.next()?)?;
        let account = Account::parse(parts.next()?)?;
        let identifier = Identifier::parse(parts.next()?.strip_prefix("cluster/")?)?;
        Some(ClusterArn { region, account, identifier })
    }

    /// The cluster's public endpoint.
    #[must_use]
    pub fn endpoint(self) -> Endpoint {
        Endpoint { identifier: self.identifier, region: self.region }
    }
}

impl From<&ClusterArn> for ClusterArn {
    fn from(arn: &ClusterArn) -> ClusterArn {
        *arn
    }
}

impl fmt::Display for ClusterArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:dsql:{}:{}:cluster/{}", self.region, self.account, self.identifier)
    }
}

/// A cluster's public endpoint, `IDENTIFIER.dsql.REGION.on.aws`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The cluster's identifier.
    pub identifier: Identifier,
    /// The cluster's Region.
    pub region: Region,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.dsql.{}.on.aws", self.identifier, self.region)
    }
}

/// An idempotency token: 1 to 128 printable ASCII characters once validated. A UUID, as the SDKs fill it in, is stored
/// as 16 bytes; other text is shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct ClientToken(Token);

/// The canonical form of a token: a UUID in lower-case hyphenated form is always `Uuid`, any other text `Text`.
/// Equality of tokens is equality of their texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    Uuid(u64, u64),
    Text(Arc<str>),
}

impl ClientToken {
    /// The random UUID (version 4) with these 128 bits, as an SDK generates it.
    #[must_use]
    pub fn random(words: [u64; 2]) -> ClientToken {
        let bits = u128::from(words[0]) << 64 | u128::from(words[1]);
        ClientToken::of(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }

    /// The text of a token that is not a UUID. A UUID is always a valid token, so only this text needs validation.
    #[must_use]
    pub fn free_text(&self) -> Option<&str> {
        match &self.0 {
            Token::Uuid(..) => None,
            Token::Text(text) => Some(text),
        }
    }

    fn of(uuid: uuid::Uuid) -> ClientToken {
        let (high, low) = uuid.as_u64_pair();
        ClientToken(Token::Uuid(high, low))
    }
}

impl From<&str> for ClientToken {
    fn from(text: &str) -> ClientToken {
        let uuid = uuid::Uuid::try_parse(text).map(ClientToken::of);
        let is_canonical = |token: &ClientToken| token.to_string() == text;
        uuid.ok().filter(is_canonical).unwrap_or_else(|| ClientToken(Token::Text(text.into())))
    }
}

impl From<String> for ClientToken {
    fn from(text: String) -> ClientToken {
        ClientToken::from(&*text)
    }
}

impl Serialize for ClientToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ClientToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Token::Uuid(high, low) => uuid::Uuid::from_u64_pair(*high, *low).fmt(f),
            Token::Text(text) => f.write_str(text),
        }
    }
}

/// The status of a cluster (API model, `ClusterStatus`).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterStatus {
    /// The service is creating the cluster's resources. The status ends by itself.
    Creating,
    /// The cluster is operational.
    Active,
    /// The cluster has scaled down after a time without connections. A connection makes it active again.
    Idle,
    /// The cluster has scaled to zero after a long time without connections. A connection makes it active again.
    Inactive,
    /// The service is applying a configuration change. The status ends by itself.
    Updating,
    /// The service is deleting the cluster. The status ends by itself.
    Deleting,
    /// The cluster is deleted. The status is visible briefly, if at all, before GetCluster no longer finds it.
    Deleted,
    /// The creation failed.
    Failed,
    /// A multi-Region cluster without an agreed peer. The status is stable: only a customer's action ends it.
    PendingSetup,
    /// A multi-Region cluster whose deletion was requested here and not yet at the peer. The status is stable until the
    /// peer is deleted too.
    PendingDelete,
}

impl ClusterStatus {
    /// The API's spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the control plane ends the status by itself.
    #[must_use]
    pub fn is_transient(self) -> bool {
        use ClusterStatus::{Creating, Deleted, Deleting, Updating};
        matches!(self, Creating | Updating | Deleting | Deleted)
    }
}

/// A client of the simulation, by index in the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// A principal of the simulation, by index in the order of declaration. Requests and messages carry it, so it is small
/// even as an `Option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalId(NonZeroU16);

impl PrincipalId {
    /// The principal with this index, counted from 0; `None` beyond the 65,534th.
    #[must_use]
    pub fn new(index: usize) -> Option<PrincipalId> {
        u16::try_from(index + 1).ok().and_then(NonZeroU16::new).map(PrincipalId)
    }

    /// The principal's index in the order of declaration, counted from 0.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

/// A node of the simulated network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    /// A caller of the API. It has no storage.
    Client(ClientId),
    /// The control plane of a Region, which serves the API and stores its clusters.
    ControlPlane(Region),
    /// The witness node of a Region: an acceptor of link registers for clusters of two other Regions.
    Witness(Region),
}

impl NodeId {
    /// The Region of a control plane or witness node; `None` for a client.
    #[must_use]
    pub fn region(self) -> Option<Region> {
        match self {
            NodeId::Client(_) => None,
            NodeId::ControlPlane(region) | NodeId::Witness(region) => Some(region),
        }
    }
}

/// Parses a duration such as `250ms`, `30s`, `8h` or `1m30s`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

/// Formats a duration so that [`parse_duration`] reads it back: `1m30s`.
#[must_use]
pub fn print_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

/// The base32 of RFC 4648, in lower case and without padding.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut lower_case = Specification::new();
    lower_case.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    lower_case.encoding().expect("32 different symbols")
});

/// Implements serde by the textual form, for types that are strings on the wire.
macro_rules! as_text {
    ($($type:ty => $what:literal, $parse:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let parse: fn(&str) -> Option<$type> = $parse;
                parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not {}", $what)))
            }
        }
    )*};
}

as_text! {
    Account => "an AWS account", Account::parse;
    Region => "a Region of Aurora DSQL", Region::parse;
    Identifier => "a cluster identifier", Identifier::parse;
    ClusterArn => "the ARN of a cluster", ClusterArn::parse;
    Endpoint => "the endpoint of a cluster", |text| {
        let (identifier, rest) = text.split_once(".dsql.")?;
        let region = Region::parse(rest.strip_suffix(".on.aws")?)?;
        Some(Endpoint { identifier: Identifier::parse(identifier)?, region })
    };
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn identifiers_print_as_base32_and_parse_back() {
        for words in [[0, 0], [0, 1], [u64::MAX, u64::MAX], [0x0123_4567_89ab_cdef, 0x0011_2233_4455_6677]] {
            let text = Identifier::new(words).to_string();
            assert_eq!(text.len(), Identifier::LENGTH);
            assert_eq!(Identifier::parse(&text), Some(Identifier::new(words)));
        }
    }

    #[test]
    fn identifiers_of_the_real_service_parse_and_made_up_ones_do_not() {
        for real in ["kiqenqglxyl2snyvkvnj2c3s2e", "auabudrks5jwh4mjt6o5xxhr4y", "6mabuc45kwfdgdsi6gxxu4myde"]
        {
            assert_eq!(Identifier::parse(real).expect("a real identifier").to_string(), real);
        }
        for wrong in ["abc0def1baz2quux3quuux4", "kiqenqglxyl2snyvkvnj2c3s2b", "KIQENQGLXYL2SNYVKVNJ2C3S2E"] {
            assert_eq!(Identifier::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_its_text_whether_or_not_it_is_a_uuid() {
        let uuid = "6f9f0e3b-8b1c-4b6e-9d0a-0a4f3c2b1a00";
        for text in [uuid, &uuid.to_uppercase(), &uuid.replace('-', ""), "retry-1", ""] {
            assert_eq!(ClientToken::from(text).to_string(), text);
            assert_eq!(ClientToken::from(text).free_text().is_none(), text == uuid);
        }
        assert_ne!(ClientToken::from(uuid), ClientToken::from(&*uuid.to_uppercase()));
    }

    #[test]
    fn arns_parse_back_and_compare_without_case() {
        let text = "arn:aws:dsql:us-east-1:111122223333:cluster/kiqenqglxyl2snyvkvnj2c3s2e";
        let arn = ClusterArn::parse(text).expect("an ARN");
        assert_eq!(arn.to_string(), text);
        assert_eq!(ClusterArn::parse(&text.to_ascii_uppercase()), Some(arn));
        assert_eq!(ClusterArn::parse("arn:aws:dsql:us-east-1:1111:cluster/kiqenqglxyl2snyvkvnj2c3s2e"), None);
    }

    #[test]
    fn durations_print_and_parse_back() {
        for text in ["250ms", "30s", "1m30s", "8h", "0s"] {
            assert_eq!(print_duration(parse_duration(text).expect("a duration")), text);
        }
        assert_eq!(parse_duration("soon"), None);
    }

    #[test]
    fn statuses_have_the_api_spelling() {
        for status in ClusterStatus::VARIANTS {
            let json = serde_json::to_string(&status).expect("a string");
            assert_eq!(json, format!("\"{}\"", status.name()));
            assert_eq!(status.name().parse(), Ok(*status));
        }
    }
}
