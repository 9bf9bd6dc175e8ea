//! The policies that are one word or two.

use super::ConfigError;
use http::HeaderValue;
use std::time::Duration;

/// One header whose value is one of a few words.
macro_rules! words {
    ($(#[$doc:meta])+ $name:ident { $($(#[$word_doc:meta])+ $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])+ $variant,)+
        }

        impl $name {
            /// The value, as the header carries it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// `Referrer-Policy`: how much of a page's address other sites see.
    ReferrerPolicy {
        /// Nothing, to nobody. Browsers then send `Origin: null` with the page's own forms,
        /// which leaves [`cross_origin`](crate::browser) with `Sec-Fetch-Site` alone.
        NoReferrer = "no-referrer",
        /// The address to the own origin, nothing to others.
        SameOrigin = "same-origin",
        /// The origin alone, and nothing over plain HTTP.
        StrictOrigin = "strict-origin",
        /// The address to the own origin, the origin alone to others.
        StrictOriginWhenCrossOrigin = "strict-origin-when-cross-origin",
    }
}

words! {
    /// `Cross-Origin-Opener-Policy`: which windows keep a handle on the page's window.
    CrossOriginOpenerPolicy {
        /// Those of the own origin.
        SameOrigin = "same-origin",
        /// Those of the own origin, and popups that the page opens: for logins and payments
        /// in a popup of another site.
        SameOriginAllowPopups = "same-origin-allow-popups",
        /// All of them: what browsers do without the header.
        InsecureUnsafeNone = "unsafe-none",
    }
}

words! {
    /// `Cross-Origin-Embedder-Policy`: what the page may embed. `RequireCorp` or
    /// `Credentialless`, together with the opener policy `SameOrigin`, isolates the page.
    CrossOriginEmbedderPolicy {
        /// What consents by `Cross-Origin-Resource-Policy` or CORS.
        RequireCorp = "require-corp",
        /// As above, and everything else without its cookies.
        Credentialless = "credentialless",
    }
}

words! {
    /// `Cross-Origin-Resource-Policy`: who may embed the response.
    CrossOriginResourcePolicy {
        /// Pages of the same origin.
        SameOrigin = "same-origin",
        /// Pages of the same site.
        SameSite = "same-site",
        /// Anybody: for a public CDN.
        CrossOrigin = "cross-origin",
    }
}

/// `Strict-Transport-Security` (RFC 6797): for how long browsers reach this host over TLS
/// alone. Two years and all subdomains unless told otherwise.
///
/// ```
/// use portcullis::browser::headers::Hsts;
/// use std::time::Duration;
///
/// const YEAR: Duration = Duration::from_secs(31_536_000);
/// assert!(Hsts::new().max_age(YEAR).and_then(Hsts::preload).is_ok());
/// assert!(Hsts::new().max_age(Duration::from_secs(300)).is_err());
/// assert!(Hsts::new().without_subdomains().preload().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Hsts {
    max_age_seconds: u64,
    includes_subdomains: bool,
    preload: bool,
}

impl Hsts {
    /// The least that ASVS 5.0 (3.4.1) and the preload list ask for: a year, in seconds.
    const YEAR: u64 = 31_536_000;

    /// Two years, subdomains included.
    pub const fn new() -> Self {
        Self {
            max_age_seconds: 2 * Self::YEAR,
            includes_subdomains: true,
            preload: false,
        }
    }

    /// Another lifetime, in whole seconds.
    ///
    /// # Errors
    /// When it is under a year.
    pub const fn max_age(mut self, lifetime: Duration) -> Result<Self, ConfigError> {
        if lifetime.as_secs() < Self::YEAR {
            return Err(ConfigError::HstsTooShort(lifetime.as_secs()));
        }
        self.max_age_seconds = lifetime.as_secs();
        Ok(self)
    }

    /// A lifetime that may be under a year, to try HSTS out; zero makes browsers forget it.
    pub const fn insecure_max_age(mut self, lifetime: Duration) -> Self {
        self.max_age_seconds = lifetime.as_secs();
        self.preload = self.preload && self.max_age_seconds >= Self::YEAR;
        self
    }

    /// Leaves subdomains out: they can be reached without TLS, and can set cookies for this
    /// host.
    pub const fn without_subdomains(mut self) -> Self {
        self.includes_subdomains = false;
        self.preload = false;
        self
    }

    /// Consents to the list that browsers ship (<https://hstspreload.org>). Hard to undo.
    ///
    /// # Errors
    /// When the list would not take it: under a year, or without subdomains.
    pub const fn preload(mut self) -> Result<Self, ConfigError> {
        if self.max_age_seconds < Self::YEAR || !self.includes_subdomains {
            return Err(ConfigError::HstsPreload);
        }
        self.preload = true;
        Ok(self)
    }

    pub(super) fn to_header(self) -> HeaderValue {
        let subdomains = if self.includes_subdomains {
            "; includeSubDomains"
        } else {
            ""
        };
        let preload = if self.preload { "; preload" } else { "" };
        let text = format!("max-age={}{subdomains}{preload}", self.max_age_seconds);
        super::header_value(text)
    }
}

impl Default for Hsts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsts() {
        let text = |hsts: Hsts| hsts.to_header().to_str().unwrap().to_owned();
        assert_eq!(text(Hsts::new()), "max-age=63072000; includeSubDomains");
        assert_eq!(
            text(Hsts::new().preload().unwrap()),
            "max-age=63072000; includeSubDomains; preload"
        );
        assert_eq!(text(Hsts::new().without_subdomains()), "max-age=63072000");
        // Weakening what was preloaded takes the consent back, whatever the order.
        let preloaded = Hsts::new().preload().unwrap();
        assert_eq!(text(preloaded.without_subdomains()), "max-age=63072000");
        let forgotten = preloaded.insecure_max_age(Duration::ZERO);
        assert_eq!(text(forgotten), "max-age=0; includeSubDomains");
    }
}
