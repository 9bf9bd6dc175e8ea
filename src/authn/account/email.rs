use std::fmt;

/// RFC 5321 section 4.5.3.1.3 leaves this much for an address.
const MAX_LEN: usize = 254;
/// The same, section 4.5.3.1.1, for what stands before the `@`.
const MAX_LOCAL_LEN: usize = 64;
/// RFC 1035 section 2.3.4.
const MAX_LABEL_LEN: usize = 63;

/// An e-mail address as accounts are found by it: ASCII, in lower case.
///
/// **What counts as the same address.** White space around it is dropped, and `A` to `Z` become
/// `a` to `z`, before the `@` too: the standard would allow a server to tell `Ann` from `ann`
/// there, none does, and people type both. Nothing else is folded: `ann+shop@` and `ann@`,
/// `a.nn@` and `ann@` are different addresses, for only the provider knows if they are not.
///
/// Other letters than those of ASCII are refused, and so are comments, quoted names and
/// addresses in brackets. Unicode has letters that look alike or fold to the same one, as the
/// Kelvin sign does to `k`: by one of them somebody could be sent the link that resets another's
/// password. Names of hosts in other scripts are taken in their ASCII form (`xn--...`).
///
/// ```
/// use portcullis::authn::account::Email;
///
/// assert_eq!(Email::parse(" Ann@Example.COM ")?.as_str(), "ann@example.com");
/// assert!(Email::parse("mi\u{212a}e@example.com").is_err(), "a Kelvin sign");
/// # Ok::<(), portcullis::authn::account::NotAnEmail>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);

/// It is not an e-mail address that is taken here. What was typed is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address, such as ann@example.com")]
pub struct NotAnEmail(());

impl Email {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// When it is no address, or none that is taken here.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = Self::fold(text);
        let (local, host) = text.rsplit_once('@').ok_or(NotAnEmail(()))?;
        let fits = text.len() <= MAX_LEN && is_local(local) && is_host(host);
        fits.then(|| Self(text.into())).ok_or(NotAnEmail(()))
    }

    /// What was typed, so that all that is the same address is the same text. What tries are
    /// counted by is this too: who counts otherwise than is looked up gives guesses away.
    pub(super) fn fold(typed: &str) -> String {
        typed.trim_ascii().to_ascii_lowercase()
    }

    /// An address that nobody can have (RFC 2606 section 2).
    pub(super) fn nobody() -> Self {
        Self("nobody@nowhere.invalid".into())
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A dot-atom of RFC 5322 section 3.2.3.
fn is_local(local: &str) -> bool {
    let is_usual =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(is_usual);
    local.len() <= MAX_LOCAL_LEN && local.split('.').all(is_atom)
}

/// At least two labels, no address in numbers, and none of `.invalid` (RFC 2606 section 2).
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_LEN).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, top)) = host.rsplit_once('.') else {
        return false;
    };
    let is_nowhere = top.eq_ignore_ascii_case("invalid");
    let is_number = top.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').all(is_label) && !is_nowhere && !is_number
}

/// Addresses are personal data, so none is shown.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let local = "a".repeat(64);
        let label = "b".repeat(63);
        let longest = format!("{local}@{label}.{label}.{}.de", "b".repeat(58));
        for (name, text, expected) in [
            ("plain", "ann@example.com", Some("ann@example.com")),
            ("case", "Ann@EXAMPLE.com", Some("ann@example.com")),
            (
                "spaces around",
                "\t ann@example.com \n",
                Some("ann@example.com"),
            ),
            (
                "a tag stays",
                "ann+shop@example.com",
                Some("ann+shop@example.com"),
            ),
            ("dots stay", "a.n.n@example.com", Some("a.n.n@example.com")),
            (
                "an apostrophe",
                "o'neil@example.com",
                Some("o'neil@example.com"),
            ),
            (
                "in Punycode",
                "ann@xn--bcher-kva.de",
                Some("ann@xn--bcher-kva.de"),
            ),
            ("the longest", &longest, Some(&longest)),
            ("one more", &format!("{longest}x"), None),
            ("nothing", "", None),
            ("no host", "ann@", None),
            ("no name", "@example.com", None),
            ("no @", "ann.example.com", None),
            ("two @", "ann@evil.com@example.com", None),
            ("a space within", "an n@example.com", None),
            ("a line break", "ann@example.com\nBcc: x@example.com", None),
            ("NUL", "ann\0@example.com", None),
            ("quoted", "\"ann\"@example.com", None),
            ("a comment", "ann(x)@example.com", None),
            ("two dots", "a..n@example.com", None),
            ("a dot at the end", "ann@example.com.", None),
            ("one label", "ann@localhost", None),
            ("an address in numbers", "ann@192.0.2.1", None),
            ("a literal", "ann@[192.0.2.1]", None),
            ("nowhere", "nobody@nowhere.Invalid", None),
            ("a hyphen first", "ann@-example.com", None),
            ("a list", "ann@example.com,bob@example.com", None),
            ("a Kelvin sign", "mi\u{212a}e@example.com", None),
            ("a dotless i", "m\u{131}ke@example.com", None),
            ("a full-width letter", "\u{ff41}nn@example.com", None),
            ("a host in other letters", "ann@b\u{fc}cher.de", None),
        ] {
            let found = Email::parse(text).ok();
            assert_eq!(found.as_ref().map(Email::as_str), expected, "{name}");
        }
    }

    #[test]
    fn reading_twice_changes_nothing() {
        let once = Email::parse(" ANN@Example.com").unwrap();
        assert_eq!(Email::parse(once.as_str()), Ok(once.clone()));
        assert!(!format!("{once:?}").contains("ann"));
    }
}
