//! Stable codes for garde's own rules. A message carries its code in front, for garde has no
//! place of its own for it.

use crate::input::fault::Fault;
use garde::i18n::{I18n, InvalidCreditCard, InvalidEmail, InvalidPhoneNumber, InvalidUrl, IpKind};
use std::borrow::Cow;
use std::fmt::Display;

/// Between the code and the message: no message of garde's or ours has it.
const SEPARATOR: char = '\u{1F}';

/// The code of a message that has none.
const OTHER: &str = "invalid";

/// A message that carries its code.
pub(super) fn coded(code: &str, message: impl Display) -> String {
    format!("{code}{SEPARATOR}{message}")
}

/// The code and the message apart.
pub(super) fn decoded(message: &str) -> Fault {
    let (code, message) = message.split_once(SEPARATOR).unwrap_or((OTHER, message));
    Fault::new(code.to_owned(), message.to_owned())
}

/// garde's rules, with their codes. The messages never repeat a value.
pub(super) struct Codes;

impl I18n for Codes {
    fn length_lower_than(&self, min: usize) -> Cow<'static, str> {
        coded("too_short", format_args!("use a length of at least {min}")).into()
    }

    fn length_greater_than(&self, max: usize) -> Cow<'static, str> {
        coded("too_long", format_args!("use a length of at most {max}")).into()
    }

    fn range_lower_than(&self, min: &dyn Display) -> Cow<'static, str> {
        coded("too_small", format_args!("use at least {min}")).into()
    }

    fn range_greater_than(&self, max: &dyn Display) -> Cow<'static, str> {
        coded("too_large", format_args!("use at most {max}")).into()
    }

    fn credit_card_invalid(&self, _reason: InvalidCreditCard) -> Cow<'static, str> {
        coded("not_a_card_number", "use the number of a card").into()
    }

    fn pattern_no_match(&self, _pattern: &dyn Display) -> Cow<'static, str> {
        coded("wrong_pattern", "use the pattern that is asked for").into()
    }

    fn contains_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        coded(
            "lacks_part",
            format_args!("include {pattern:?}", pattern = pattern.to_string()),
        )
        .into()
    }

    fn url_invalid(&self, _reason: InvalidUrl) -> Cow<'static, str> {
        coded("not_a_url", "use a URL").into()
    }

    fn prefix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        coded(
            "lacks_start",
            format_args!("start with {pattern:?}", pattern = pattern.to_string()),
        )
        .into()
    }

    fn suffix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        coded(
            "lacks_end",
            format_args!("end with {pattern:?}", pattern = pattern.to_string()),
        )
        .into()
    }

    fn phone_number_invalid(&self, _reason: InvalidPhoneNumber) -> Cow<'static, str> {
        coded("not_a_phone_number", "use a telephone number").into()
    }

    fn ip_invalid(&self, _kind: IpKind) -> Cow<'static, str> {
        coded("not_an_address", "use an IP address").into()
    }

    fn matches_field_mismatch(&self, field: &dyn Display) -> Cow<'static, str> {
        coded("differs", format_args!("make it the same as {field}")).into()
    }

    fn email_invalid(&self, _reason: InvalidEmail) -> Cow<'static, str> {
        coded("not_an_email_address", "use an e-mail address").into()
    }

    fn ascii_invalid(&self) -> Cow<'static, str> {
        coded("not_ascii", "use ASCII").into()
    }

    fn alphanumeric_invalid(&self) -> Cow<'static, str> {
        coded("not_alphanumeric", "use letters and digits").into()
    }

    fn required_not_set(&self) -> Cow<'static, str> {
        coded("required", "set a value").into()
    }
}
