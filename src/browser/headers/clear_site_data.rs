use http::{HeaderMap, HeaderName, HeaderValue};

/// `Clear-Site-Data`: makes the browser forget what it keeps of this origin. Sent with the
/// answer to a logout, so that the next user of the machine finds nothing (contributes to
/// ASVS 5.0 14.3.1).
///
/// ```
/// use portcullis::browser::headers::ClearSiteData;
///
/// let mut response = http::Response::new("goodbye");
/// ClearSiteData::after_logout().apply(response.headers_mut());
/// assert_eq!(response.headers()["clear-site-data"], r#""cache", "cookies", "storage""#);
/// ```
///
/// With feature `axum` it is a part of a response: `(ClearSiteData::after_logout(), "goodbye")`.
/// The session itself ends on the server: a browser that ignores this must gain nothing by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ClearSiteData(&'static str);

impl ClearSiteData {
    /// Cache, cookies (of the whole registrable domain) and storage.
    pub const fn after_logout() -> Self {
        Self(r#""cache", "cookies", "storage""#)
    }

    /// Cookies and storage, for sites whose cache holds nothing of the user: some browsers
    /// take seconds to clear it.
    pub const fn keeping_the_cache() -> Self {
        Self(r#""cookies", "storage""#)
    }

    /// Everything there is, service workers and open pages included.
    pub const fn everything() -> Self {
        Self("\"*\"")
    }

    /// Sets the header.
    pub fn apply(self, headers: &mut HeaderMap) {
        headers.insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static(self.0),
        );
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponseParts for ClearSiteData {
    type Error = std::convert::Infallible;

    fn into_response_parts(
        self,
        mut parts: axum_core::response::ResponseParts,
    ) -> Result<axum_core::response::ResponseParts, Self::Error> {
        self.apply(parts.headers_mut());
        Ok(parts)
    }
}
