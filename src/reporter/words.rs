//! Times and durations in words.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::caller::Caller;

/// `12s`, `3m05s`, `1h02m`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// The user's time zone: what `TZ` says, else the system's, else UTC.
///
/// Where `TZ` is not set the one file that tells is read, and not the whole database of time zones as for a name.
pub fn time_zone(caller: &Caller) -> TimeZone {
    if caller.variable("TZ").is_some() {
        return TimeZone::system();
    }
    let local = std::fs::read("/etc/localtime").ok().and_then(|bytes| TimeZone::tzif("local", &bytes).ok());
    local.unwrap_or(TimeZone::UTC)
}

/// The time of day where it was today, else the date with it.
pub fn clock(when: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (when, now) = (when.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if when.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    when.strftime(format).to_string()
}

/// `5 minutes ago`, in one unit.
pub fn ago(when: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(when).as_secs();
    let (count, unit) = match seconds {
        ..0 => return "in the future".to_owned(),
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_name_two_units_at_most() {
        let spans = [5, 65, 3725].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["5s", "1m05s", "1h02m"]);
        assert_eq!(span(Duration::from_millis(40)), "40ms");
    }

    #[test]
    fn a_time_ahead_is_said_to_be_so() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(ago(Timestamp::from_second(1_000_090).unwrap(), now), "in the future");
        assert_eq!(ago(Timestamp::from_second(999_880).unwrap(), now), "2 minutes ago");
    }
}
