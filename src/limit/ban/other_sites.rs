//! Who made the browser send it?

use http::HeaderMap;

/// Whether the browser says that a page of another site made it send this (Fetch Metadata,
/// `Sec-Fetch-Site`): an image that loads, a script that asks, a link. No page can take the
/// header away; whoever sends it without being a browser is only counted apart.
///
/// A site with the same registrable domain is none: what pages of `app.example.com` ask of
/// `api.example.com` is the client's own doing.
pub(super) fn sent(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_browser_says_it() {
        for (site, expected) in [
            (None, false),
            (Some("none"), false),
            (Some("same-origin"), false),
            (Some("same-site"), false),
            (Some("cross-site"), true),
            (Some("rubbish"), false),
        ] {
            let value = site.map(|site| ("sec-fetch-site", site));
            let headers = value.into_iter().map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            assert_eq!(sent(&headers.collect()), expected, "{site:?}");
        }
    }
}
