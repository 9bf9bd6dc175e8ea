//! Times in headers.

use super::Fault;
use crate::clock::Timestamp;
use std::time::Duration;

/// Whether a time is at most this far from now.
pub(super) fn within(seconds: u64, now: Timestamp, window: Duration) -> Result<(), Fault> {
    let (now, window) = (now.unix_seconds(), window.as_secs());
    if seconds > now.saturating_add(window) {
        return Err(Fault::FromFuture);
    }
    if now.saturating_sub(seconds) > window {
        return Err(Fault::Stale);
    }
    Ok(())
}

/// Seconds since the Unix epoch, in the one way of writing them.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let has_zeros = text.len() > 1 && text.starts_with('0');
    if !is_plain || has_zeros {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_spelling() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1700000000", Some(1_700_000_000)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("01", None),
            ("1.0", None),
            (" 1", None),
            ("1e9", None),
            ("١", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_window_has_two_sides() {
        let now = Timestamp::from_unix_seconds(1000);
        let window = Duration::from_secs(300);
        for (seconds, expected) in [
            (700, Ok(())),
            (1300, Ok(())),
            (699, Err(Fault::Stale)),
            (1301, Err(Fault::FromFuture)),
            (0, Err(Fault::Stale)),
            (u64::MAX, Err(Fault::FromFuture)),
        ] {
            assert_eq!(within(seconds, now, window), expected, "{seconds}");
        }
    }
}
