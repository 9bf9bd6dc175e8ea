use super::ApiKeys;
use super::kept::KEYS;
use super::key::ApiKey;
use super::record::{KeyKind, KeyRecord};
use super::text::{KeyHash, KeyText, Malformed};
use crate::authn::authenticate::{Attempt, Authenticator};
use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind, RequestHead};
use crate::principal::Principal;
use crate::store::{Record, StoreError};
use http::{HeaderName, HeaderValue, header};
use zeroize::Zeroizing;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// Authenticates requests by a key in `X-API-Key` or as a bearer token. See the
/// [module](super) for the rules.
impl Authenticator for ApiKeys {
    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new("Bearer")]
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let text = match self.find(request) {
            Found::Nothing => return Attempt::Absent,
            Found::Several => return Attempt::Rejected(several()),
            Found::Key(text) => Zeroizing::new(text.to_vec()),
        };
        let keys = self.clone();
        Attempt::now_or_later(async move { keys.check(&text).await })
    }
}

enum Found<'a> {
    Nothing,
    Key(&'a [u8]),
    Several,
}

impl ApiKeys {
    fn find<'a>(&self, request: &RequestHead<'a>) -> Found<'a> {
        let headers = request.headers();
        // Beside a signature, the header names the key that made it.
        let is_signed = headers.contains_key(SIGNATURE);
        let plain = headers.get_all(API_KEY).iter().filter(|_| !is_signed);
        let plain = plain.map(HeaderValue::as_bytes);
        let tokens = headers.get_all(header::AUTHORIZATION).iter();
        let tokens = tokens.filter_map(|value| bearer_token(value.as_bytes()));
        let ours = |token: &&[u8]| {
            let text = str::from_utf8(token).ok();
            text.is_some_and(|text| self.prefix.strip(text).is_some())
        };
        let mut found = plain.chain(tokens.filter(ours));
        match (found.next(), found.next()) {
            (None, _) => Found::Nothing,
            (Some(key), None) => Found::Key(key),
            (Some(_), Some(_)) => Found::Several,
        }
    }

    /// The principal behind the text of a key. What cannot be decided is an error, and nobody.
    async fn check(&self, text: &[u8]) -> Result<Principal, Rejection> {
        let text = str::from_utf8(text).map_err(|_| malformed(Malformed::Shape))?;
        let key = KeyText::parse(&self.prefix, text).map_err(malformed)?;
        let found = self.records.get(KEYS, key.id).await.map_err(unavailable)?;
        let stored = match &found {
            Some(record) => Some(KeyRecord::decode(record.value()).map_err(unavailable)?),
            None => None,
        };
        // Known or not, the same work.
        let expected = stored.as_ref().map_or(KeyHash::NONE, |stored| stored.hash);
        let is_right = key.hash().is(&expected);
        let (Some(record), Some(stored)) = (found, stored) else {
            return Err(invalid("there is no such API key"));
        };
        if !is_right {
            return Err(invalid("the secret of the API key is wrong"));
        }
        let now = self.now();
        if stored.kind != KeyKind::Bearer {
            let rejection = invalid("the key is none to be sent along");
            return Err(rejection.with_subject(&stored.owner));
        }
        if stored.is_expired(now) {
            let rejection = invalid("the API key has expired").with_code("expired_api_key");
            return Err(rejection.with_subject(&stored.owner));
        }
        let principal = self.principal_of(key.id, &stored).await?;
        // Not before its owner was found to be somebody.
        self.note_use(&record, &stored).await;
        Ok(principal)
    }

    pub(super) async fn principal_of(
        &self,
        id: &str,
        stored: &KeyRecord,
    ) -> Result<Principal, Rejection> {
        let principal = stored.principal(id);
        let Some(complete) = &self.principal else {
            return Ok(principal);
        };
        let completed = complete(principal.clone(), ApiKey::new(id, stored.clone())).await?;
        Ok(limited(completed, &principal))
    }

    /// Whether it was not written down for a while that the key was used.
    pub(super) fn is_use_due(&self, stored: &KeyRecord) -> bool {
        let now = self.now();
        let is_due = |used| now.since(used) >= self.usage_interval;
        stored.used.is_none_or(is_due)
    }

    /// Writes down that the key was used, now and then. Whether that succeeds is no matter of
    /// the request; a key that is revoked meanwhile is not there to be written.
    pub(super) async fn note_use(&self, record: &Record, stored: &KeyRecord) {
        let now = self.now();
        if !self.is_use_due(stored) {
            return;
        }
        let mut stored = stored.clone();
        stored.used = Some(now);
        if let Ok(value) = stored.encode() {
            let update = self
                .records
                .update(KEYS, record.id(), record.version(), &value);
            let _another_time = update.await;
        }
    }
}

/// What limits a key limits the principal that the application made of it as well: the proof,
/// which says that it was a key, the tenant, and unless it has others, the scopes.
fn limited(completed: Principal, by_key: &Principal) -> Principal {
    let mut limited = completed.with_authentication(by_key.authentication().clone());
    if let Some(tenant) = by_key.tenant() {
        limited = limited.with_tenant(tenant);
    }
    match by_key.scopes() {
        Some(scopes) if limited.scopes().is_none() => limited.with_scopes(scopes),
        _ => limited,
    }
}

/// What follows the scheme, if that is `Bearer`.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer ");
    is_bearer.then(|| token.trim_ascii_start())
}

fn several() -> Rejection {
    Rejection::new(RejectionKind::Malformed)
        .with_code("duplicate_api_key")
        .with_reason("the request brings more than one API key")
        .with_event(Some(EventKind::AuthnTokenFail))
}

/// The client may know: it needs no secret to find out.
fn malformed(why: Malformed) -> Rejection {
    invalid(match why {
        Malformed::Shape => "the API key has not the form of one",
        Malformed::Checksum => {
            "the checksum of the API key is wrong: a character is lost or mistaken"
        }
    })
    .with_code("malformed_api_key")
}

fn invalid(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::Unauthenticated)
        .with_code("invalid_api_key")
        .with_reason(reason)
        .with_challenge(&Challenge::new("Bearer").with("error", "invalid_token"))
        .with_event(Some(EventKind::AuthnTokenFail))
}

fn unavailable(error: StoreError) -> Rejection {
    super::ApiKeyError::from(error).into()
}
