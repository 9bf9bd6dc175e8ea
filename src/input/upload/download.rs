use super::FileType;
use crate::input::file_name::FileName;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The headers to serve a stored file with, so that it stays data: its own media type and no
/// guessing of others, no script and no form should a browser show it, no use by other sites.
///
/// It is offered for download under the client's name (RFC 6266, RFC 8187).
///
/// ```
/// use portcullis::input::file_name::FileName;
/// use portcullis::input::upload::{FileType, download_headers};
///
/// let headers = download_headers(FileType::Pdf, &FileName::parse("Menü.pdf")?);
/// assert_eq!(headers["content-disposition"], "attachment; filename=\"Men_.pdf\"; filename*=UTF-8''Men%C3%BC.pdf");
/// assert_eq!(headers["x-content-type-options"], "nosniff");
/// # Ok::<(), portcullis::input::file_name::FileNameError>(())
/// ```
#[must_use]
pub fn download_headers(kind: FileType, name: &FileName) -> HeaderMap {
    headers(kind, name, "attachment")
}

/// As [`download_headers`], but a browser may show the file: raster images, sound and video.
/// What browsers run or interpret is offered for download all the same.
#[must_use]
pub fn inline_headers(kind: FileType, name: &FileName) -> HeaderMap {
    let is_shown = FileType::IMAGES.contains(&kind) || FileType::MEDIA.contains(&kind);
    headers(kind, name, if is_shown { "inline" } else { "attachment" })
}

fn headers(kind: FileType, name: &FileName, disposition: &str) -> HeaderMap {
    let media_type = match kind {
        FileType::Text => "text/plain; charset=utf-8",
        FileType::Csv => "text/csv; charset=utf-8",
        other => other.media_type(),
    };
    let disposition = HeaderValue::from_str(&content_disposition(disposition, name.as_str()))
        .unwrap_or(HeaderValue::from_static("attachment"));
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
        ),
        (
            CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
    ])
}

/// The plain name for old clients, in characters that nobody reads as more (RFC 6266 appendix
/// D), and the name itself where that is another.
fn content_disposition(kind: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ';
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            // RFC 8187 section 3.2.1: attr-char.
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                value.push(byte.into());
            } else {
                let _infallible = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions() {
        let cases = [
            ("plain", "a b.jpg", "inline; filename=\"a b.jpg\""),
            (
                "a percent",
                "50%.jpg",
                "inline; filename=\"50_.jpg\"; filename*=UTF-8''50%25.jpg",
            ),
            (
                "quotes and breaks",
                "a\"\\\r\n.jpg",
                "inline; filename=\"a____.jpg\"; filename*=UTF-8''a%22%5C%0D%0A.jpg",
            ),
            (
                "another alphabet",
                "\u{5199}'.jpg",
                "inline; filename=\"_'.jpg\"; filename*=UTF-8''%E5%86%99%27.jpg",
            ),
        ];
        for (name, file_name, expected) in cases {
            assert_eq!(content_disposition("inline", file_name), expected, "{name}");
        }
    }

    #[test]
    fn what_browsers_run_is_never_shown() {
        let name = FileName::parse("a.bin").unwrap();
        for kind in FileType::ALL {
            let headers = inline_headers(*kind, &name);
            let disposition = headers[header::CONTENT_DISPOSITION].to_str().unwrap();
            let is_shown = disposition.starts_with("inline");
            let is_run = matches!(kind, FileType::Svg | FileType::Pdf | FileType::Text);
            assert!(!(is_shown && is_run), "{kind}");
            assert!(
                headers[header::CONTENT_SECURITY_POLICY]
                    .to_str()
                    .unwrap()
                    .contains("sandbox")
            );
        }
    }
}
