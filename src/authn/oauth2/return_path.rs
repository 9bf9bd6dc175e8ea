use super::{LoginError, LoginErrorKind};
use std::fmt;
use url::Url;

/// Where a user goes after the login: a path of this site, with a query maybe, and nothing that
/// any browser or proxy takes for another site (CWE-601, open redirect).
///
/// ```
/// use portcullis::authn::oauth2::ReturnPath;
///
/// assert!(ReturnPath::parse("/orders/17?page=2").is_ok());
/// for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", "/%2f/evil.example"] {
///     assert!(ReturnPath::parse(elsewhere).is_err(), "{elsewhere}");
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnPath(Box<str>);

impl ReturnPath {
    /// The longest that is taken, in bytes: it travels in a cookie.
    pub const MAX_LEN: usize = 1024;

    /// The front page.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Takes a path that stays here: it begins with one slash, has no empty, `.` or `..`
    /// segment, no backslash, no slash, backslash or control character spelled by `%`, and
    /// consists of visible ASCII.
    ///
    /// # Errors
    /// When it does not.
    pub fn parse(text: &str) -> Result<Self, LoginError> {
        if stays_here(text) {
            Ok(Self(text.into()))
        } else {
            Err(LoginErrorKind::ReturnPath.into())
        }
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ReturnPath {
    fn default() -> Self {
        Self::root()
    }
}

/// Its query may say what nobody else should read.
impl fmt::Debug for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.split(['?', '#']).next();
        f.debug_tuple("ReturnPath")
            .field(&path.unwrap_or_default())
            .finish()
    }
}

fn stays_here(text: &str) -> bool {
    let is_visible = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if text.len() > ReturnPath::MAX_LEN || !text.bytes().all(is_visible) {
        return false;
    }
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let Some(relative) = path.strip_prefix('/') else {
        return false;
    };
    has_plain_segments(relative) && !is_tricky(text) && is_kept_by_browsers(text)
}

/// No segment is empty but the last, which ends a path with a slash, and none is a step.
fn has_plain_segments(relative: &str) -> bool {
    let mut segments = relative.split('/').rev();
    let last = segments.next().unwrap_or_default();
    let is_step = |segment: &str| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    };
    !is_step(last) && segments.all(|segment| !segment.is_empty() && !is_step(segment))
}

/// Whether `%` spells in the path what a proxy may undo, or a control character anywhere.
fn is_tricky(text: &str) -> bool {
    let path_end = text.find(['?', '#']).unwrap_or(text.len());
    let spelled = text.match_indices('%').map(|(at, _)| {
        let digits = text.get(at + 1..at + 3)?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        let is_path = at < path_end;
        let is_bad = byte.is_ascii_control() || (is_path && matches!(byte, b'/' | b'\\' | b'%'));
        (!is_bad).then_some(())
    });
    spelled.into_iter().any(|fine| fine.is_none())
}

/// What a browser makes of it is the same site, and the same path.
fn is_kept_by_browsers(text: &str) -> bool {
    let Ok(base) = Url::parse("https://here.invalid/") else {
        return false;
    };
    base.join(text).is_ok_and(|url| {
        let path = text.split(['?', '#']).next();
        url.origin() == base.origin() && Some(url.path()) == path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_pass() {
        for path in [
            "/",
            "/me",
            "/me/",
            "/orders/17?page=2&sort=-date",
            "/app#settings",
            "/search?q=a%20b%2Fc&next=https://elsewhere.example/",
            "/caf%C3%A9",
            "/a.b/..c/d..",
            "/me?return=%5C",
        ] {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn what_leads_elsewhere_or_might_is_refused() {
        let long = format!("/{}", "a".repeat(ReturnPath::MAX_LEN));
        for (name, path) in [
            ("nothing", ""),
            ("relative", "me"),
            ("absolute", "https://evil.example/"),
            ("of a script", "javascript:alert(1)"),
            ("two slashes", "//evil.example"),
            ("three slashes", "///evil.example"),
            ("backslash", "/\\evil.example"),
            ("backslash first", "\\/evil.example"),
            ("backslash later", "/a\\b"),
            ("slashes later", "/a//evil.example"),
            ("dot", "/./evil.example"),
            ("dot and slash", "/.//evil.example"),
            ("up", "/a/../..//evil.example"),
            ("up at the end", "/a/.."),
            ("up, spelled", "/a/%2e%2E/b"),
            ("slash, spelled", "/%2f/evil.example"),
            ("slash, spelled at once", "/%2F%2Fevil.example"),
            ("backslash, spelled", "/%5cevil.example"),
            ("spelled twice", "/%252fevil.example"),
            ("spelled wrongly", "/%zz"),
            ("cut short", "/%2"),
            ("cut shorter", "/%"),
            ("tab", "/\t/evil.example"),
            ("line", "/a\r\nset-cookie: a=b"),
            ("line, spelled", "/a%0d%0aset-cookie:a=b"),
            ("line in the query, spelled", "/a?b=%0Ac"),
            ("NUL, spelled", "/a%00"),
            ("space before", " //evil.example"),
            ("not ASCII", "/é"),
            ("full-width slash", "/\u{ff0f}evil.example"),
            ("quote that browsers spell", "/a\"b"),
            ("too long", long.as_str()),
        ] {
            let refused = ReturnPath::parse(path).map(|_| ());
            assert_eq!(refused, Err(LoginErrorKind::ReturnPath.into()), "{name}");
        }
    }
}
