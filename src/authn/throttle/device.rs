use super::names::Names;
use crate::clock::Timestamp;
use crate::guard::cookie::{CredentialCookie, Found};
use base64ct::{Base64UrlUnpadded, Encoding};
use http::{HeaderMap, HeaderValue};
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const ID: usize = 16;
const EXPIRES: usize = 8;
const TAG: usize = 32;
const TOKEN: usize = ID + EXPIRES + TAG;

/// Says that from this device somebody has logged in to this account before. It lets nobody
/// in: it only keeps strangers' failures from counting against its bearer.
///
/// Whoever steals one gets a handful of guesses of their own. It ends with its lifetime, or
/// when the key of the throttle is replaced.
#[must_use = "the device is known by it: send it with the response"]
pub struct DeviceToken {
    text: Zeroizing<String>,
    cookie: CredentialCookie,
    lifetime: Duration,
}

impl DeviceToken {
    /// The text: 75 characters of base64url, for clients that keep no cookies.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The `Set-Cookie` header.
    #[must_use]
    pub fn set_cookie(&self) -> HeaderValue {
        self.cookie.set(&self.text, Some(self.lifetime.as_secs()))
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken([redacted])")
    }
}

/// Makes tokens of devices and reads them.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    pub(super) lifetime: Duration,
    pub(super) cookie: CredentialCookie,
}

impl Devices {
    /// The cookie without more in its name; `None` when the name will not do.
    pub(super) fn cookie_named(name: &str) -> Option<CredentialCookie> {
        CredentialCookie::new(name).map(|cookie| cookie.strict(true))
    }

    pub(super) fn token(
        &self,
        names: &Names,
        account: &str,
        id: [u8; ID],
        now: Timestamp,
    ) -> DeviceToken {
        let expires = now.saturating_add(self.lifetime).unix_seconds();
        let expires = expires.to_be_bytes();
        let tag = tag(names, account, &id, &expires);
        let bytes = Zeroizing::new([&id[..], &expires, &tag].concat());
        DeviceToken {
            text: Zeroizing::new(Base64UrlUnpadded::encode_string(&bytes)),
            cookie: self.cookie(names, account),
            lifetime: self.lifetime,
        }
    }

    /// The id of the device, if its token is one of this account and has not expired.
    pub(super) fn read(
        &self,
        names: &Names,
        account: &str,
        token: &str,
        now: Timestamp,
    ) -> Option<[u8; ID]> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        let length = Base64UrlUnpadded::decode(token, &mut *bytes).ok()?.len();
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (expires, brought) = rest.split_first_chunk::<EXPIRES>()?;
        let is_ours: bool = tag(names, account, id, expires).ct_eq(brought).into();
        let is_fresh = now.unix_seconds() < u64::from_be_bytes(*expires);
        (length == TOKEN && is_ours && is_fresh).then_some(*id)
    }

    /// One for each account, so that two who share a browser are both known. The name says
    /// nothing of the account to who has no key.
    fn cookie(&self, names: &Names, account: &str) -> CredentialCookie {
        let tag = names.tag("device cookie", &[account.as_bytes()]);
        let suffix = tag.iter().take(8).map(|byte| format!("{byte:02x}"));
        self.cookie.with_suffix(&suffix.collect::<String>())
    }

    pub(super) fn find<'a>(
        &self,
        names: &Names,
        account: &str,
        headers: &'a HeaderMap,
    ) -> Option<&'a str> {
        match self.cookie(names, account).find(headers) {
            Found::One(value) => std::str::from_utf8(value).ok(),
            // One of them was planted: a stranger is what one is then.
            Found::Nothing | Found::Several => None,
        }
    }
}

fn tag(names: &Names, account: &str, id: &[u8; ID], expires: &[u8; EXPIRES]) -> [u8; TAG] {
    names.tag("device token", &[account.as_bytes(), id, expires])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;

    fn devices() -> Devices {
        Devices {
            lifetime: Duration::from_secs(100),
            cookie: Devices::cookie_named("device").unwrap(),
        }
    }

    fn names(key: u8) -> Names {
        Names::new(&SecretBytes::from(vec![key; 32]), 1024).unwrap()
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(second)
    }

    #[test]
    fn a_token_is_good_for_its_account_and_its_time() {
        let (ours, others) = (names(7), names(8));
        let token = devices().token(&ours, "ann", [5; ID], at(1_000));
        let text = token.as_str();
        assert_eq!(text.len(), 75);
        let read = |names: &Names, account, text: &str, second| {
            devices().read(names, account, text, at(second)).is_some()
        };
        for (name, found, expected) in [
            ("ours", read(&ours, "ann", text, 1_000), true),
            ("to the last second", read(&ours, "ann", text, 1_099), true),
            ("expired", read(&ours, "ann", text, 1_100), false),
            ("another account", read(&ours, "bob", text, 1_000), false),
            ("another key", read(&others, "ann", text, 1_000), false),
            ("cut", read(&ours, "ann", &text[..74], 1_000), false),
            (
                "longer",
                read(&ours, "ann", &format!("{text}AA"), 1_000),
                false,
            ),
            ("nothing", read(&ours, "ann", "", 1_000), false),
            (
                "no base64",
                read(&ours, "ann", &"!".repeat(75), 1_000),
                false,
            ),
        ] {
            assert_eq!(found, expected, "{name}");
        }
        // No other spelling of any character is good.
        for place in 0..text.len() {
            let mut bent = text.as_bytes().to_vec();
            bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            assert!(!read(&ours, "ann", &bent, 1_000), "character {place}");
        }
    }

    #[test]
    fn two_on_one_browser_have_a_cookie_each() {
        let names = names(7);
        let mut headers = HeaderMap::new();
        for account in ["ann", "bob"] {
            let token = devices().token(&names, account, [5; ID], at(0));
            let set = token.set_cookie();
            let set = set.to_str().unwrap();
            assert!(set.starts_with("__Host-device-"), "{set}");
            assert!(
                set.ends_with("; Path=/; Max-Age=100; Secure; HttpOnly; SameSite=Strict"),
                "{set}"
            );
            let pair = set.split(';').next().unwrap();
            headers.append(http::header::COOKIE, pair.parse().unwrap());
            let found = devices().find(&names, account, &headers);
            assert_eq!(found, Some(token.as_str()));
        }
        let planted = headers.values().next().unwrap().clone();
        headers.append(http::header::COOKIE, planted);
        assert_eq!(devices().find(&names, "ann", &headers), None);
        assert!(devices().find(&names, "bob", &headers).is_some());
    }
}
