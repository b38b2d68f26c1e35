//! Dates: seconds since 1970 as text, and text as seconds.

/// The second as ISO 8601 text, as in `2026-11-24T10:00:00Z`.
pub(super) fn written_date(second: u64) -> String {
    let (mut year, mut month, mut days) = (1970, 0, second / 86_400);
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    let (hours, minutes, seconds) = (second / 3600 % 24, second / 60 % 60, second % 60);
    format!("{year:04}-{:02}-{:02}T{hours:02}:{minutes:02}:{seconds:02}Z", month + 1, days + 1)
}

/// The second that a text means: a day or a second in the form of the guide, or seconds since 1970. `Some(None)` for a
/// text that is no date, `None` for any other form.
pub(super) fn read_date(text: &str) -> Option<Option<u64>> {
    if !text.contains(|letter: char| letter.is_ascii_digit()) {
        return Some(None);
    }
    if text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Some);
    }
    let form: String = text.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u64>().ok());
    let (hours, minutes, seconds) = match &*form {
        "0000-00-00" => (0, 0, 0),
        "0000-00-00T00:00:00Z" => (part(11, 13)?, part(14, 16)?, part(17, 19)?),
        _ => return None,
    };
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    // Later days exist in some months only, and years before 1970 have no seconds.
    let is_common = year >= 1970 && (1..=12).contains(&month) && (1..=28).contains(&day);
    if !is_common || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let years: u64 = (1970..year).map(days_of_year).sum();
    let months: u64 = (0..month - 1).map(|month| days_of_month(year, month)).sum();
    Some(Some(((years + months + day - 1) * 24 + hours) * 3600 + minutes * 60 + seconds))
}

fn days_of_year(year: u64) -> u64 {
    (0..12).map(|month| days_of_month(year, month)).sum()
}

/// The days of a month, which is counted from 0.
fn days_of_month(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 if is_leap => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use crate::iam::date_text;
    use crate::types::Timestamp;

    use super::*;

    #[test]
    fn both_evaluators_write_a_second_alike_and_read_it_back() {
        // A step of some 23 days meets every month, leap years and the ends of days.
        for second in (0..5_000_000_000_u64).step_by(1_999_999) {
            let text = written_date(second);
            assert_eq!(text, date_text(Timestamp::from_seconds(second)));
            let is_common = text[8..10] <= *"28";
            assert_eq!(read_date(&text), is_common.then_some(Some(second)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates_or_not_read() {
        assert_eq!(read_date("blue"), Some(None));
        assert_eq!(read_date("1767225600"), Some(Some(1_767_225_600)));
        assert_eq!(read_date("2026-01-01T00:00:00+01:00"), None);
    }
}
