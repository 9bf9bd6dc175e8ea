//! What the store holds of a session.

use super::error::{SessionError, Why};
use super::visitor::Note;
use crate::authn::credential::{PublicId, SecretHash};
use crate::authn::moment::{Moment, shown_apart};
use crate::clock::Timestamp;
use crate::principal::{Assurance, Authentication, Method, Principal};
use crate::store::{StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Reads what the store holds.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, SessionError> {
    serde_json::from_slice(bytes).map_err(|_| SessionError::new(Why::Unreadable))
}

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, SessionError> {
    serde_json::to_vec(record).map_err(|_| {
        let message = "an entry cannot be written as JSON";
        StoreError::new(StoreErrorKind::Invalid, message).into()
    })
}

/// One session.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) secret: SecretHash,
    /// Changes with every write, so that no two states read the same.
    pub(super) version: u64,
    user: User,
    pub(super) created: Moment,
    pub(super) seen: Moment,
    /// When it got the secret that it has, if not at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renewed: Option<Moment>,
    pub(super) note: Note,
    /// The remembered browser that goes on when the session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) series: Option<PublicId>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    values: Map<String, Value>,
}

impl Record {
    pub(super) fn new(
        secret: SecretHash,
        principal: &Principal,
        now: Timestamp,
        note: Note,
    ) -> Self {
        Self {
            secret,
            version: 0,
            user: User::of(principal),
            created: Moment(now),
            seen: Moment(now),
            renewed: None,
            note,
            series: None,
            values: Map::new(),
        }
    }

    pub(super) fn user(&self) -> &str {
        &self.user.id
    }

    pub(super) fn set_principal(&mut self, principal: &Principal) {
        self.user = User::of(principal);
    }

    /// The principal, whose credential is the session.
    pub(super) fn principal(&self, id: &PublicId) -> Principal {
        self.user.principal(id)
    }

    pub(super) const fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    pub(super) fn set_values(&mut self, values: Map<String, Value>) -> Result<(), SessionError> {
        let length = encode(&values)?.len();
        if length > super::Session::MAX_VALUES_LEN {
            return Err(SessionError::new(Why::TooLarge(length)));
        }
        self.values = values;
        self.check()
    }

    /// JSON that nests deeper than the parser goes would be written and never read again.
    pub(super) fn check(&self) -> Result<(), SessionError> {
        let read = decode::<Self>(&encode(self)?);
        read.map_err(|_| SessionError::new(Why::TooDeep))?;
        Ok(())
    }
}

/// What stays of a session that was ended on purpose.
#[derive(Serialize, Deserialize)]
pub(super) struct EndMark {
    pub(super) user: Box<str>,
    pub(super) ended: Moment,
}

/// A principal, as it is written.
#[derive(Clone, Serialize, Deserialize)]
struct User {
    id: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Box<str>>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    authenticated: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<Moment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    methods: Vec<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assurance: Option<Assurance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<Box<str>>,
}

impl User {
    fn of(principal: &Principal) -> Self {
        let authentication = principal.authentication();
        let methods = authentication.methods().iter();
        let attributes = principal.attributes();
        Self {
            id: principal.id().into(),
            tenant: principal.tenant().map(Into::into),
            roles: principal.roles().map(Into::into).collect(),
            scopes: principal
                .scopes()
                .map(|scopes| scopes.map(Into::into).collect()),
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
            authenticated: Moment(authentication.time()),
            shown: shown_apart(authentication),
            methods: methods.map(|method| method.as_str().into()).collect(),
            assurance: authentication.assurance(),
            issuer: authentication.issuer().map(Into::into),
        }
    }

    fn principal(&self, credential: &PublicId) -> Principal {
        let mut authentication =
            Authentication::new(self.authenticated.0).with_credential(credential.text());
        authentication = authentication.with_shown_at(self.shown.unwrap_or(self.authenticated).0);
        for method in &self.methods {
            authentication = authentication.with_method(Method::from(&**method));
        }
        if let Some(assurance) = self.assurance {
            authentication = authentication.with_assurance(assurance);
        }
        if let Some(issuer) = &self.issuer {
            authentication = authentication.with_issuer(&**issuer);
        }
        let mut principal =
            Principal::new(&*self.id, authentication).with_roles(self.roles.iter().map(|r| &**r));
        if let Some(tenant) = &self.tenant {
            principal = principal.with_tenant(&**tenant);
        }
        if let Some(scopes) = &self.scopes {
            principal = principal.with_scopes(scopes.iter().map(|scope| &**scope));
        }
        for (name, value) in &self.attributes {
            principal = principal.with_attribute(name, value.clone());
        }
        principal
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::Token;
    use super::*;
    use crate::authn::owner::OwnerTag;
    use crate::random::Random;

    #[test]
    fn a_principal_comes_back_as_it_went() {
        let token = Token::fresh(OwnerTag::of("ann"), &Random::insecure_seeded(1));
        let id = token.place.id;
        let time = Timestamp::from_unix_duration(std::time::Duration::from_millis(1_234));
        let plain = Authentication::new(time).with_credential(id.text());
        let full = plain
            .clone()
            .with_method(Method::Password)
            .with_method(Method::Other("fpt".into()))
            .with_assurance(Assurance::Aal2)
            .with_shown_at(time.saturating_add(std::time::Duration::from_secs(9)))
            .with_issuer("https://id.example.com");
        let principals = [
            Principal::new("ann", plain.clone()),
            Principal::new("", plain).with_scopes(Vec::<&str>::new()),
            Principal::new("ann \"\\\u{0}é", full)
                .with_roles(["editor", "auditor"])
                .with_scopes(["a:read", "b"])
                .with_tenant("acme")
                .with_attribute("department", "sales")
                .with_attribute("levels", vec![1, 2]),
        ];
        for principal in principals {
            let record = Record::new(token.hash("c"), &principal, time, Note::default());
            let read: Record = decode(&encode(&record).unwrap()).unwrap();
            assert_eq!(read.principal(&id), principal);
            assert!(read.secret.is(&token.hash("c")));
        }
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        for bytes in [&b""[..], b"{}", b"null", b"\xff", b"[1]"] {
            assert!(decode::<Record>(bytes).is_err());
        }
    }
}
