#[cfg(doc)]
use super::Logins;
use crate::authn::credential::{Place, PublicId, decode};
use crate::authn::oauth2::{Identity, LoginError, LoginErrorKind, LogoutOrder, TokenResponse};
use crate::authn::owner::OwnerTag;
use crate::clock::Timestamp;
use crate::secret::SecretString;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A login that is kept.
#[derive(Clone)]
pub struct KeptLogin {
    pub(super) place: Place,
    pub(super) record: Record,
    pub(super) tokens: Arc<Tokens>,
    pub(super) bytes: Bytes,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) user: Box<str>,
    pub(super) provider: Box<str>,
    pub(super) issuer: Box<str>,
    pub(super) subject: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<Box<str>>,
    /// Seconds since the epoch, by the provider's clock or by ours: whichever is earlier.
    pub(super) since: u64,
    /// Seconds since the epoch, by ours.
    pub(super) ends: u64,
    pub(super) sealed: String,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Tokens {
    access: String,
    /// Seconds since the epoch, where the provider says.
    expires: Option<u64>,
    pub(super) refresh: Option<String>,
    id: Option<String>,
}

impl Tokens {
    /// In the place of those that cannot be opened any more.
    pub(super) fn lost() -> Self {
        Self {
            access: String::new(),
            expires: Some(0),
            refresh: None,
            id: None,
        }
    }

    pub(super) fn of(response: &TokenResponse, now: Timestamp) -> Self {
        let text = |secret: &SecretString| secret.expose().to_owned();
        let ends = |life| now.saturating_add(life).unix_seconds();
        Self {
            access: text(response.access_token()),
            expires: response.expires_in().map(ends),
            refresh: response.refresh_token().map(text),
            id: response.id_token().map(text),
        }
    }

    /// The next ones. What the provider does not send anew stays as it is.
    pub(super) fn followed_by(&self, response: &TokenResponse, now: Timestamp) -> Self {
        let mut next = Self::of(response, now);
        next.refresh = next.refresh.take().or_else(|| self.refresh.clone());
        next.id = next.id.take().or_else(|| self.id.clone());
        next
    }
}

impl KeptLogin {
    pub(super) fn new(place: Place, record: Record, tokens: Tokens, bytes: Bytes) -> Self {
        Self {
            place,
            record,
            tokens: Arc::new(tokens),
            bytes,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.place)
    }

    /// Whose it is here: what it was [kept](Logins::keep) for.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.record.user
    }

    /// Our name for the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.record.provider
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.record.issuer
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.record.subject
    }

    /// The ID token, to tell the provider whose login ends.
    #[must_use]
    pub fn id_token(&self) -> Option<SecretString> {
        self.tokens.id.as_deref().map(Into::into)
    }

    pub(super) fn refresh_token(&self) -> Option<SecretString> {
        self.tokens.refresh.as_deref().map(Into::into)
    }

    pub(super) fn access(&self) -> SecretString {
        self.tokens.access.as_str().into()
    }

    /// Whether the access token is good at this time, as far as the provider says.
    pub(super) fn is_good(&self, at: Timestamp) -> bool {
        let expires = self.tokens.expires;
        expires.is_none_or(|end| at.unix_seconds() < end)
    }

    /// Whether an order is about this: the session it names, or what there was of its user.
    pub(super) fn is_meant(&self, order: &LogoutOrder) -> bool {
        let record = &self.record;
        let is_of_user = order.subject().is_none_or(|it| *it == *record.subject);
        let is_session = match order.session() {
            Some(session) => record.session.as_deref() == Some(session),
            None => record.since <= order.made().unix_seconds(),
        };
        *record.issuer == *order.issuer() && is_of_user && is_session
    }
}

impl fmt::Debug for KeptLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptLogin")
            .field("user", &self.user())
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .finish_non_exhaustive()
    }
}

/// Who has the logins of an identity.
pub(super) fn owner_of(identity: &Identity) -> OwnerTag {
    OwnerTag::of_pair(identity.issuer(), identity.subject())
}

pub(super) fn name_of(place: &Place) -> String {
    let bytes: Vec<u8> = place
        .owner
        .bytes()
        .iter()
        .chain(place.id.bytes())
        .copied()
        .collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn place_of(name: &str) -> Option<Place> {
    let bytes = decode::<32>(name.as_bytes())?;
    let (owner, id) = (bytes.first_chunk::<16>()?, bytes.last_chunk::<16>()?);
    Some(Place {
        owner: OwnerTag::from_bytes(*owner),
        id: PublicId::from_bytes(*id),
    })
}

pub(super) fn encode(record: &Record) -> Result<Vec<u8>, LoginError> {
    serde_json::to_vec(record).map_err(|_| LoginErrorKind::Sealing.into())
}

pub(super) fn read_record(bytes: &[u8]) -> Result<Record, LoginError> {
    serde_json::from_slice(bytes).map_err(|_| unreadable())
}

pub(super) fn unreadable() -> LoginError {
    LoginError::with(LoginErrorKind::Sealing, "a kept login")
}
