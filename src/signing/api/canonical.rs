use crate::signing::{decimal, hex};
use http::HeaderName;
use ring::digest::{SHA256, digest};

/// What every canonical form begins with: a signature for something else is none for this.
pub const VERSION: &str = "PORTCULLIS-HMAC-SHA256";

/// The header of the key's id.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The header of the time.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");
/// The header of the nonce.
pub const NONCE: HeaderName = HeaderName::from_static("x-nonce");
/// The header of the signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// What is signed of a request.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "these are the parts of the form; another part is another version"
)]
pub struct CanonicalRequest<'a> {
    /// The id of the key.
    pub key_id: &'a str,
    /// Seconds since the Unix epoch, as they are sent.
    pub timestamp: &'a str,
    /// The nonce.
    pub nonce: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path, as it is sent.
    pub path: &'a str,
    /// What follows the question mark, where there is one.
    pub query: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl CanonicalRequest<'_> {
    /// The canonical form. See the [module](super) for its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.body).as_ref());
        let digest_digits = hex::digits_of_32(&hash);
        let query = self.query.map_or(0, |query| query.len() + 1);
        let mut form = Vec::with_capacity(256 + self.path.len() + query);
        put(&mut form, VERSION.as_bytes());
        put(&mut form, self.key_id.as_bytes());
        put(&mut form, self.timestamp.as_bytes());
        put(&mut form, self.nonce.as_bytes());
        put(&mut form, self.method.as_bytes());
        put_length(&mut form, self.path.len() + query);
        form.extend_from_slice(self.path.as_bytes());
        if let Some(query) = self.query {
            form.push(b'?');
            form.extend_from_slice(query.as_bytes());
        }
        form.push(b'\n');
        put(&mut form, &digest_digits);
        form
    }
}

fn put(form: &mut Vec<u8>, part: &[u8]) {
    put_length(form, part.len());
    form.extend_from_slice(part);
    form.push(b'\n');
}

fn put_length(form: &mut Vec<u8>, length: usize) {
    decimal::put(form, length as u64);
    form.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> CanonicalRequest<'static> {
        CanonicalRequest {
            key_id: "partner-1",
            timestamp: "1700000000",
            nonce: "YjNrMnBwNWs3ei01MGdud3",
            method: "POST",
            path: "/orders",
            query: Some("dry=1"),
            body: b"",
        }
    }

    /// The bytes that the documentation shows.
    #[test]
    fn the_documented_form() {
        let expected = "22:PORTCULLIS-HMAC-SHA256\n9:partner-1\n10:1700000000\n22:YjNrMnBwNWs3ei01MGdud3\n4:POST\n13:/orders?dry=1\n64:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
        assert_eq!(String::from_utf8(example().to_bytes()).unwrap(), expected);
        let bare = CanonicalRequest {
            query: None,
            ..example()
        };
        let empty = CanonicalRequest {
            query: Some(""),
            ..example()
        };
        assert_ne!(bare.to_bytes(), empty.to_bytes());
    }

    proptest! {
        /// No two requests have one form, however the text is cut.
        #[test]
        fn it_is_injective(
            one in proptest::array::uniform5("[a-c:0-9\n]{0,4}"),
            other in proptest::array::uniform5("[a-c:0-9\n]{0,4}"),
        ) {
            fn form([key_id, timestamp, nonce, method, path]: &[String; 5]) -> Vec<u8> {
                CanonicalRequest { key_id, timestamp, nonce, method, path, query: None, body: b"" }.to_bytes()
            }
            prop_assert_eq!(one == other, form(&one) == form(&other));
        }
    }
}
