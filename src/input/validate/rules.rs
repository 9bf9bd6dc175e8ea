//! Rules beside garde's, as its `custom` functions.

use super::codes::coded;
use crate::input::fault::Fault;
use crate::input::file_name::FileName;
use crate::input::text::{TextError, TextRules};
use crate::net::url_policy::UrlPolicy;
use std::sync::LazyLock;

fn faulted(result: Result<(), impl Into<Fault>>) -> garde::Result {
    result.map_err(|fault| {
        let fault = fault.into();
        garde::Error::new(coded(fault.code(), fault.message()))
    })
}

/// A text on one line, by [`TextRules::line`].
///
/// # Errors
/// When it is none.
pub fn safe_line<T: AsRef<str> + ?Sized, C: ?Sized>(text: &T, _context: &C) -> garde::Result {
    faulted(TextRules::line().check(text.as_ref()))
}

/// A text of any number of lines, by [`TextRules::lines`].
///
/// # Errors
/// When it is none.
pub fn safe_text<T: AsRef<str> + ?Sized, C: ?Sized>(text: &T, _context: &C) -> garde::Result {
    faulted(TextRules::lines().check(text.as_ref()))
}

/// A name for programs, by [`TextRules::identifier`].
///
/// # Errors
/// When it is none.
pub fn identifier<T: AsRef<str> + ?Sized, C: ?Sized>(text: &T, _context: &C) -> garde::Result {
    faulted(TextRules::identifier().check(text.as_ref()))
}

/// No control characters, line ends and tabs included.
///
/// # Errors
/// When there is one.
pub fn no_control_characters<T: AsRef<str> + ?Sized, C: ?Sized>(
    text: &T,
    _context: &C,
) -> garde::Result {
    let fault = text
        .as_ref()
        .contains(char::is_control)
        .then_some(TextError::Control);
    faulted(fault.map_or(Ok(()), Err))
}

/// A URL that may be called, by [`UrlPolicy::new`]: `https`, a public host.
///
/// # Errors
/// When it may not.
pub fn safe_url<T: AsRef<str> + ?Sized, C: ?Sized>(text: &T, _context: &C) -> garde::Result {
    static POLICY: LazyLock<UrlPolicy> = LazyLock::new(UrlPolicy::new);
    faulted(POLICY.check(text.as_ref()).map(drop))
}

/// The name of one file, by [`FileName::parse`].
///
/// # Errors
/// When it is none.
pub fn safe_file_name<T: AsRef<str> + ?Sized, C: ?Sized>(text: &T, _context: &C) -> garde::Result {
    faulted(FileName::parse(text.as_ref()).map(drop))
}

/// Any rule that says what is wrong by a [`Fault`], or by what turns into one.
///
/// ```
/// use garde::Validate;
/// use portcullis::input::Fault;
/// use portcullis::input::text::TextRules;
/// use portcullis::input::validate::by;
///
/// // A password policy says what is wrong in words of its own.
/// fn long_enough(password: &str) -> Result<(), Fault> {
///     if password.chars().count() >= 15 {
///         return Ok(());
///     }
///     Err(Fault::new("password_too_short", "use at least 15 characters"))
/// }
///
/// #[derive(Validate)]
/// struct Account {
///     #[garde(custom(by(|it: &String| TextRules::line().max_graphemes(20).check(it))))]
///     name: String,
///     #[garde(custom(by(|it: &String| long_enough(it))))]
///     password: String,
/// }
///
/// let account = |password: &str| Account { name: "ann".to_owned(), password: password.to_owned() };
/// assert!(account("correct horse battery").validate().is_ok());
/// assert!(account("correct").validate().is_err());
/// ```
pub fn by<T: ?Sized, C: ?Sized, F: Into<Fault>>(
    rule: impl Fn(&T) -> Result<(), F>,
) -> impl Fn(&T, &C) -> garde::Result {
    move |value, _context| faulted(rule(value))
}
