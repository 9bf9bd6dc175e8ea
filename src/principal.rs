//! Who is calling, and how sure we are.
//!
//! Every way of authenticating ends in one [`Principal`], kept in the request's extensions.
//! Authorization, limits and events read it; none of them asks how it came about, except
//! through [`Authentication`].
//!
//! ```
//! use portcullis::clock::Timestamp;
//! use portcullis::principal::{Assurance, Authentication, Method, Principal};
//!
//! let login = Authentication::new(Timestamp::from_unix_seconds(1_700_000_000))
//!     .with_method(Method::Password)
//!     .with_assurance(Assurance::Aal1);
//! let ann = Principal::new("user-17", login).with_role("editor");
//! assert_eq!(ann.id(), "user-17");
//! assert!(ann.has_role("editor"));
//! ```

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A caller whose identity was checked. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal(Arc<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    id: Arc<str>,
    tenant: Option<Arc<str>>,
    roles: Vec<Arc<str>>,
    scopes: Option<Vec<Arc<str>>>,
    attributes: BTreeMap<String, serde_json::Value>,
    authentication: Authentication,
}

impl Principal {
    /// A principal of this id. The id is what your application calls the subject: it is
    /// stable and never reused (not an e-mail address, which can change hands).
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>, authentication: Authentication) -> Self {
        Self(Arc::new(Inner {
            id: id.into(),
            tenant: None,
            roles: Vec::new(),
            scopes: None,
            attributes: BTreeMap::new(),
            authentication,
        }))
    }

    /// Adds a role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<Arc<str>>) -> Self {
        let role = role.into();
        if !self.has_role(&role) {
            self.inner().roles.push(role);
        }
        self
    }

    /// Adds roles.
    #[must_use]
    pub fn with_roles<R: Into<Arc<str>>>(self, roles: impl IntoIterator<Item = R>) -> Self {
        roles.into_iter().fold(self, Self::with_role)
    }

    /// Takes all roles away, as before those of this moment are added.
    #[must_use]
    pub fn without_roles(mut self) -> Self {
        self.inner().roles.clear();
        self
    }

    /// Limits what this credential may be used for (OAuth 2.0 scopes, RFC 6749 section 3.3).
    /// A principal without this call is not limited by scope; one with an empty list may do
    /// nothing that asks for a scope.
    #[must_use]
    pub fn with_scopes<T: Into<Arc<str>>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.inner().scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Names the tenant the principal acts in.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.inner().tenant = Some(tenant.into());
        self
    }

    /// Replaces how and when it was authenticated: for what completes a principal, and must not
    /// make the proof look better than it was.
    #[must_use]
    pub fn with_authentication(mut self, authentication: Authentication) -> Self {
        self.inner().authentication = authentication;
        self
    }

    /// Adds an attribute, such as a department, for policies to read.
    #[must_use]
    pub fn with_attribute(
        mut self,
        name: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.inner().attributes.insert(name.into(), value.into());
        self
    }

    /// The subject's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The subject's id, to keep without copying it.
    #[must_use]
    pub fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.0.id)
    }

    /// The tenant, where there are tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// The roles, in the order they were added.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.roles.iter().map(AsRef::as_ref)
    }

    /// Whether the principal holds this very role (no hierarchy: that is `authz`'s business).
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().any(|held| held == role)
    }

    /// The scopes that limit this credential; `None` when nothing limits it.
    #[must_use]
    pub fn scopes(&self) -> Option<impl ExactSizeIterator<Item = &str>> {
        let scopes = self.0.scopes.as_ref()?;
        Some(scopes.iter().map(AsRef::as_ref))
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&serde_json::Value> {
        self.0.attributes.get(name)
    }

    /// Whether there is such an attribute, and it has this value. One that is missing has none,
    /// and is equal to nothing.
    #[must_use]
    pub fn attribute_is<T: ?Sized>(&self, name: &str, value: &T) -> bool
    where
        serde_json::Value: PartialEq<T>,
    {
        self.attribute(name).is_some_and(|held| held == value)
    }

    /// All attributes, in the order of their names.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &serde_json::Value)> {
        let attributes = self.0.attributes.iter();
        attributes.map(|(name, value)| (name.as_str(), value))
    }

    /// How and when the principal was authenticated.
    #[must_use]
    pub fn authentication(&self) -> &Authentication {
        &self.0.authentication
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

/// How and when a principal proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    time: Timestamp,
    shown: Timestamp,
    methods: Vec<Method>,
    assurance: Option<Assurance>,
    issuer: Option<Arc<str>>,
    credential: Option<Arc<str>>,
}

impl Authentication {
    /// An authentication that took place at `time`: when the user proved something, not when
    /// the token that says so was made.
    #[must_use]
    pub const fn new(time: Timestamp) -> Self {
        Self {
            time,
            shown: time,
            methods: Vec::new(),
            assurance: None,
            issuer: None,
            credential: None,
        }
    }

    /// States when the proof was shown here, where that is not when it was given: a provider's
    /// word of today may be about a login of yesterday. What ended before it was shown says
    /// nothing about it.
    #[must_use]
    pub const fn with_shown_at(mut self, time: Timestamp) -> Self {
        self.shown = time;
        self
    }

    /// Adds a method.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self
    }

    /// States how strong the authentication was. Without it nothing is claimed.
    #[must_use]
    pub const fn with_assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }

    /// Names who vouches for it, such as the issuer of a token.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<Arc<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Names the credential used (a session's, token's or key's public id, never its secret),
    /// so that it can be revoked.
    #[must_use]
    pub fn with_credential(mut self, id: impl Into<Arc<str>>) -> Self {
        self.credential = Some(id.into());
        self
    }

    /// When the subject proved who it is (`auth_time` of OpenID Connect).
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// When the proof was shown here: its [`time`](Self::time), where nothing else is
    /// [said](Self::with_shown_at). When all credentials of the user are ended later than that,
    /// what begins by the proof is among them.
    #[must_use]
    pub const fn shown_at(&self) -> Timestamp {
        self.shown
    }

    /// By what means (`amr`, RFC 8176).
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// How strong it was, where that is known.
    #[must_use]
    pub const fn assurance(&self) -> Option<Assurance> {
        self.assurance
    }

    /// Who vouches for it.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The public id of the credential used.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }
}

/// The authentication assurance levels of NIST SP 800-63B-4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Assurance {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
    /// Two factors, one of them a key that cannot be copied, resistant to phishing.
    Aal3,
}

/// An authentication method reference, RFC 8176 section 2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `pwd`: a password.
    Password,
    /// `otp`: a one-time password, such as TOTP.
    OneTimePassword,
    /// `sms`: a code sent to a phone.
    Sms,
    /// `hwk`: proof of a hardware-held key.
    HardwareKey,
    /// `swk`: proof of a software-held key, such as a signed request.
    SoftwareKey,
    /// `user`: a test of the user's presence.
    UserPresence,
    /// `mfa`: several factors.
    MultiFactor,
    /// Another registered or agreed value, such as `fpt` or `face`.
    Other(Cow<'static, str>),
}

impl Method {
    /// The registered value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Password => "pwd",
            Self::OneTimePassword => "otp",
            Self::Sms => "sms",
            Self::HardwareKey => "hwk",
            Self::SoftwareKey => "swk",
            Self::UserPresence => "user",
            Self::MultiFactor => "mfa",
            Self::Other(value) => value,
        }
    }
}

impl From<&str> for Method {
    fn from(value: &str) -> Self {
        match value {
            "pwd" => Self::Password,
            "otp" => Self::OneTimePassword,
            "sms" => Self::Sms,
            "hwk" => Self::HardwareKey,
            "swk" => Self::SoftwareKey,
            "user" => Self::UserPresence,
            "mfa" => Self::MultiFactor,
            other => Self::Other(other.to_owned().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_a_clone_leaves_the_original() {
        let plain = Principal::new("a", Authentication::new(Timestamp::default()));
        let admin = plain.clone().with_role("admin").with_role("admin");
        assert_eq!(plain.roles().len(), 0);
        assert_eq!(admin.roles().collect::<Vec<_>>(), ["admin"]);
    }

    #[test]
    fn an_attribute_that_is_missing_equals_nothing() {
        let login = Authentication::new(Timestamp::default());
        let ann = Principal::new("a", login)
            .with_attribute("department", "sales")
            .with_attribute("level", 3)
            .with_attribute("nothing", serde_json::Value::Null);
        assert!(ann.attribute_is("department", "sales"));
        assert!(ann.attribute_is("level", &3));
        for (name, other) in [
            ("department", "Sales"),
            ("level", "3"),
            ("nothing", ""),
            ("x", ""),
        ] {
            assert!(!ann.attribute_is(name, other), "{name}");
        }
    }

    #[test]
    fn methods_round_trip() {
        for value in ["pwd", "otp", "sms", "hwk", "swk", "user", "mfa", "fpt"] {
            assert_eq!(Method::from(value).as_str(), value);
        }
    }

    #[test]
    fn no_scopes_and_an_empty_list_differ() {
        let free = Principal::new("a", Authentication::new(Timestamp::default()));
        assert!(free.scopes().is_none());
        let bound = free.with_scopes(Vec::<String>::new());
        assert_eq!(bound.scopes().map(|scopes| scopes.len()), Some(0));
    }
}
