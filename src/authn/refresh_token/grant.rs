use crate::authn::moment::{Moment, shown_apart};
use crate::principal::{Assurance, Authentication, Method, Principal};
use serde::{Deserialize, Serialize};

/// What a refresh token stands for: who, how proved, for which client and scopes. It goes
/// with the family unchanged, and into every access token that comes of it.
///
/// Roles and attributes are left out on purpose: they may have changed since, so look them up
/// each time.
///
/// ```
/// use portcullis::authn::refresh_token::Grant;
/// use portcullis::clock::Timestamp;
/// use portcullis::principal::{Authentication, Method, Principal};
///
/// let proof = Authentication::new(Timestamp::from_unix_seconds(1_800_000_000))
///     .with_method(Method::Password);
/// let grant = Grant::of(&Principal::new("user-17", proof))
///     .client("app")
///     .scopes(["notes:read", "notes:write"]);
/// assert_eq!(grant.subject(), "user-17");
///
/// let less = grant.narrowed_to(["notes:read"]).unwrap();
/// assert!(less.narrowed_to(["notes:write"]).is_none(), "never more than it has");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    subject: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Box<str>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Box<str>>,
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

impl Grant {
    /// For a principal who has just proved who it is, with the scopes that limit it.
    ///
    /// Take the time of the [`Authentication`] before the password is checked: when all
    /// credentials of the user are ended later than that, this grant is among them.
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        let authentication = principal.authentication();
        let methods = authentication.methods().iter();
        let scopes = principal.scopes();
        Self {
            subject: principal.id().into(),
            tenant: principal.tenant().map(Into::into),
            client: None,
            scopes: scopes.map(|scopes| scopes.map(Into::into).collect()),
            key: None,
            authenticated: Moment(authentication.time()),
            shown: shown_apart(authentication),
            methods: methods.map(|method| method.as_str().into()).collect(),
            assurance: authentication.assurance(),
            issuer: authentication.issuer().map(Into::into),
        }
    }

    /// Gives it to this client: no other can use it.
    #[must_use]
    pub fn client(mut self, id: impl Into<Box<str>>) -> Self {
        self.client = Some(id.into());
        self
    }

    /// Limits what it may be used for.
    #[must_use]
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Binds it to a key of the client, by its thumbprint (`jkt`, RFC 9449 section 5): it is
    /// taken only from who proves the key, and its access tokens are bound alike.
    #[must_use]
    pub fn bound_to(mut self, thumbprint: impl Into<Box<str>>) -> Self {
        self.key = Some(thumbprint.into());
        self
    }

    /// The same for fewer scopes (RFC 6749 section 6): for an access token that can do less.
    /// `None` when one is not among those granted.
    #[must_use]
    pub fn narrowed_to<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut narrowed = Vec::new();
        for scope in scopes {
            let scope = scope.as_ref();
            let granted = self.scopes.as_ref();
            if granted.is_some_and(|granted| !granted.iter().any(|it| **it == *scope)) {
                return None;
            }
            narrowed.push(scope.into());
        }
        Some(Self {
            scopes: Some(narrowed),
            ..self.clone()
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// To which client it was given.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// The scopes that limit it; `None` when nothing limits it.
    #[must_use]
    pub fn granted_scopes(&self) -> Option<impl ExactSizeIterator<Item = &str>> {
        let scopes = self.scopes.as_ref()?;
        Some(scopes.iter().map(AsRef::as_ref))
    }

    /// The thumbprint of the key that it is bound to.
    #[must_use]
    pub fn key_thumbprint(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// How and when the user proved who it is: at the login, not at a refresh.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        let shown = self.shown.unwrap_or(self.authenticated);
        let mut authentication = Authentication::new(self.authenticated.0).with_shown_at(shown.0);
        for method in &self.methods {
            authentication = authentication.with_method(Method::from(&**method));
        }
        if let Some(assurance) = self.assurance {
            authentication = authentication.with_assurance(assurance);
        }
        match &self.issuer {
            Some(issuer) => authentication.with_issuer(&**issuer),
            None => authentication,
        }
    }

    /// The principal, without roles and attributes.
    #[must_use]
    pub fn principal(&self) -> Principal {
        let mut principal = Principal::new(&*self.subject, self.authentication());
        if let Some(tenant) = &self.tenant {
            principal = principal.with_tenant(&**tenant);
        }
        match &self.scopes {
            Some(scopes) => principal.with_scopes(scopes.iter().map(|scope| &**scope)),
            None => principal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn it_comes_back_as_it_went() {
        let proof = Authentication::new(Timestamp::from_unix_seconds(9))
            .with_method(Method::Password)
            .with_method(Method::Other("fpt".into()))
            .with_assurance(Assurance::Aal2)
            .with_shown_at(Timestamp::from_unix_seconds(19))
            .with_issuer("https://id.example.com");
        let principal = Principal::new("ann \"\\\u{0}é", proof)
            .with_tenant("acme")
            .with_scopes(["a", "b"]);
        let grant = Grant::of(&principal).client("app").bound_to("thumb");
        let text = serde_json::to_string(&grant).unwrap();
        let read: Grant = serde_json::from_str(&text).unwrap();
        assert_eq!(read, grant);
        assert_eq!(read.principal(), principal);
        assert_eq!(
            (read.client_id(), read.key_thumbprint()),
            (Some("app"), Some("thumb"))
        );
    }

    #[test]
    fn scopes_only_shrink() {
        let free = Grant::of(&Principal::new(
            "a",
            Authentication::new(Timestamp::default()),
        ));
        assert!(free.granted_scopes().is_none());
        let bound = free.narrowed_to(["a", "b"]).unwrap();
        for (name, scopes, is_ok) in [
            ("the same", vec!["a", "b"], true),
            ("one", vec!["b"], true),
            ("none", vec![], true),
            ("another", vec!["c"], false),
            ("one and another", vec!["a", "c"], false),
            ("another case", vec!["A"], false),
        ] {
            assert_eq!(bound.narrowed_to(scopes).is_some(), is_ok, "{name}");
        }
    }
}
