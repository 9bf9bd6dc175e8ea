use super::ConfigError;
use std::fmt;
use std::str::FromStr;

/// Where browsers send reports: a path of this site, or an `https://` URL.
///
/// ```
/// use portcullis::browser::headers::ReportAddress;
///
/// assert!("/reports/csp".parse::<ReportAddress>().is_ok());
/// assert!("http://reports.example".parse::<ReportAddress>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAddress(Box<str>);

impl ReportAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReportAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReportAddress {
    type Err = ConfigError;

    fn from_str(address: &str) -> Result<Self, ConfigError> {
        let is_place = address
            .strip_prefix("https://")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
            || (address.starts_with('/') && !address.starts_with("//"));
        // It stands in a quoted string, and in a directive of a policy.
        let is_clean = address
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b';' | b',' | b'\''));
        if is_place && is_clean {
            return Ok(Self(address.into()));
        }
        Err(ConfigError::ReportAddress(address.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("a path", "/reports", true),
            ("a URL", "https://reports.example/a?b=c", true),
            ("an insecure URL", "http://reports.example", false),
            ("no host", "https://", false),
            ("another site's path", "//reports.example", false),
            ("a relative path", "reports", false),
            ("nothing", "", false),
            ("a quote", "/a\"b", false),
            ("a second directive", "/a;script-src", false),
            ("a second member", "/a,b", false),
            ("a line break", "/a\r\nb", false),
            ("not ASCII", "/é", false),
        ];
        for (name, address, accepted) in cases {
            assert_eq!(address.parse::<ReportAddress>().is_ok(), accepted, "{name}");
        }
    }
}
