//! Numbers, dates and address blocks, as condition operators compare them.

use std::net::IpAddr;

use crate::types::Timestamp;

/// A decimal number in billionths. Integers make comparisons exact, and the same on every machine.
pub(super) type Number = i128;

/// Parses a decimal number with at most 27 digits before the point and 9 after it.
pub(super) fn number(text: &str) -> Option<Number> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !are_digits(whole)
        || !are_digits(fraction)
        || fraction.len() > 9
        || whole.len() > 27
    {
        return None;
    }
    let billionths: i128 = format!("{whole}{fraction:0<9}").parse().ok()?;
    Some(if is_negative { -billionths } else { billionths })
}

/// Parses a date into billionths of a second since 1970. The text is ISO 8601 (`2026-11-24`, `2026-11-24T10:00:00Z`,
/// with an offset or a fraction), or the number of seconds itself.
pub(super) fn date(text: &str) -> Option<Number> {
    // A hyphen after the first character is a separator; a leading one is the sign of a number of seconds.
    if !text.get(1..).is_some_and(|rest| rest.contains('-')) {
        return number(text);
    }
    let (day, time) = text.split_once(['T', 't']).unwrap_or((text, "00:00:00Z"));
    let mut parts = day.split('-');
    let year = digits(parts.next()?, 4)?;
    let (month, day) = (digits(parts.next()?, 2)?, parts.next().map_or(Some(1), |day| digits(day, 2))?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let (clock, offset) = offset(time)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days_before(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    let fraction = number(&format!("0.{fraction}"))?;
    Some(i128::from(seconds) * 1_000_000_000 + fraction)
}

/// A date of the forms that policies know, in whole seconds; `None` for another text or a date before 1970.
pub fn date_seconds(text: &str) -> Option<Timestamp> {
    u64::try_from(date(text)? / 1_000_000_000).ok().map(Timestamp::from_seconds)
}

/// A time as ISO 8601 text with seconds, as in `2026-11-24T10:00:00Z`: the inverse of `date`.
pub fn date_text(time: Timestamp) -> String {
    let (days, second) = ((time.seconds() / 86_400) as i64, time.seconds() % 86_400);
    // The year is estimated from above and then lowered to the one that contains the day.
    let mut year = 1970 + days / 365;
    while days_before(year, 1, 1) > days {
        year -= 1;
    }
    let month = (1..=12).rev().find(|month| days_before(year, *month, 1) <= days).unwrap_or(1);
    let day = days - days_before(year, month, 1) + 1;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Splits a time into the time of day and its offset from UTC in seconds, positive to the east.
fn offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let sign = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at(sign);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let seconds = digits(hours, 2)? * 3600 + digits(minutes, 2)? * 60;
    Some((clock, if offset.starts_with('-') { -seconds } else { seconds }))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The number of days from 1970-01-01 to the given day, negative before it.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let leaps = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

/// A block of IPv4 or IPv6 addresses with a common prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CidrBlock {
    address: IpAddr,
    bits: u8,
}

impl CidrBlock {
    /// Parses a block, as in `192.0.2.0/24`, or a single address.
    pub(super) fn parse(text: &str) -> Option<CidrBlock> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(CidrBlock { address, bits })
    }

    /// Whether the block contains `address`. A block contains no address of the other family.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                // A prefix of 0 bits contains everything: the shift by the whole width has no value, hence 0.
                let difference = u32::from(block) ^ u32::from(address);
                difference.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                let difference = u128::from(block) ^ u128::from(address);
                difference.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_back_from_its_text() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let time = Timestamp::from_seconds(seconds);
            assert_eq!((date_text(time).as_str(), date_seconds(text)), (text, Some(time)));
        }
        assert_eq!(date_seconds("1969-12-31T23:59:59Z"), None);
        assert_eq!(date_seconds("2026-02-30"), None);
    }
}
