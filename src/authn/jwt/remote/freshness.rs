use http::{HeaderMap, header};
use std::time::Duration;

/// How long a response says that it is fresh (RFC 9111 section 4.2), if it does.
pub(super) fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let mut lifetime = None;
    for line in headers.get_all(header::CACHE_CONTROL) {
        for directive in line.to_str().ok()?.split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match &*name.trim().to_ascii_lowercase() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                "max-age" => {
                    let seconds = value.trim().trim_matches('"').parse().ok()?;
                    let seconds = Duration::from_secs(seconds);
                    // Of two, the one that trusts less.
                    lifetime = Some(lifetime.unwrap_or(seconds).min(seconds));
                }
                _ => {}
            }
        }
    }
    lifetime.map(|lifetime| lifetime.saturating_sub(age(headers)))
}

/// How long the response lay in caches on its way.
fn age(headers: &HeaderMap) -> Duration {
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok());
    Duration::from_secs(age.and_then(|age| age.trim().parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_is_fresh() {
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(&str, Headers, Option<u64>); 12] = [
            ("nothing", &[], None),
            ("max-age", &[("cache-control", "max-age=600")], Some(600)),
            (
                "among others",
                &[("cache-control", "public, MAX-AGE = 600, must-revalidate")],
                Some(600),
            ),
            ("quoted", &[("cache-control", "max-age=\"600\"")], Some(600)),
            (
                "with age",
                &[("cache-control", "max-age=600"), ("age", "100")],
                Some(500),
            ),
            (
                "older than that",
                &[("cache-control", "max-age=600"), ("age", "700")],
                Some(0),
            ),
            (
                "two lines",
                &[
                    ("cache-control", "max-age=600"),
                    ("cache-control", "max-age=60"),
                ],
                Some(60),
            ),
            (
                "no-store",
                &[("cache-control", "max-age=9, no-store")],
                Some(0),
            ),
            ("no-cache", &[("cache-control", "no-cache")], Some(0)),
            ("negative", &[("cache-control", "max-age=-1")], None),
            ("no number", &[("cache-control", "max-age=x")], None),
            (
                "for shared caches",
                &[("cache-control", "s-maxage=600")],
                None,
            ),
        ];
        for (name, headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let name: header::HeaderName = name.parse().unwrap();
                map.append(name, value.parse().unwrap());
            }
            assert_eq!(lifetime(&map), expected.map(Duration::from_secs), "{name}");
        }
    }
}
