use super::ScopeMap;
use super::linking::IdentityKey;
use crate::authn::jwt::{Claims, JwtError, authentication_of};
use crate::principal::Principal;
use std::sync::Arc;

/// How the claims of a provider's token become a [`Principal`].
///
/// 1. Its id is the issuer, a space and `sub`: a subject is unique to its issuer only (ASVS 5.0
///    10.3.3), and no other principal of this service is to be taken for it.
/// 2. Its scopes are those of `scope`, or what a [`ScopeMap`] makes of them. A token without
///    `scope` may do nothing that asks for one.
/// 3. It has no roles, but those that the map or a [claim](Self::roles_from) gives.
/// 4. `auth_time` and `amr` say how and when the user proved who it is, `acr` is an attribute,
///    so that [`RequireRecent`](crate::authn::RequireRecent) can ask for more (RFC 9470; ASVS
///    5.0 10.3.4). `client_id` and `authorization_details` (RFC 9396) are attributes too.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PrincipalRules {
    scopes: Option<Arc<ScopeMap>>,
    roles_claim: Option<Box<str>>,
    has_plain_subjects: bool,
}

impl PrincipalRules {
    /// The rules above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what scopes stand for. Without it, each stands for the permission of its name.
    pub fn scopes(mut self, map: ScopeMap) -> Self {
        self.scopes = Some(Arc::new(map));
        self
    }

    /// Takes roles from this claim: a list of strings, or words in one string. Only for
    /// issuers that know your roles and let nobody choose their own.
    pub fn roles_from(mut self, claim: impl Into<Box<str>>) -> Self {
        self.roles_claim = Some(claim.into());
        self
    }

    /// Makes `sub` alone the id: right only where all principals of this service come from this
    /// one issuer, or are known by its subjects.
    pub const fn subject_alone(mut self) -> Self {
        self.has_plain_subjects = true;
        self
    }

    /// The principal of a token that is good, issued by this issuer.
    pub(super) fn principal(&self, issuer: &str, claims: &Claims) -> Result<Principal, JwtError> {
        let subject = claims.subject().filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| JwtError::missing("sub"))?;
        let key = IdentityKey::new(issuer, subject).map_err(|_| JwtError::malformed("sub"))?;
        let id = if self.has_plain_subjects {
            subject.to_owned()
        } else {
            key.principal_id()
        };
        let authentication = authentication_of(claims).with_issuer(issuer);
        let mut principal = Principal::new(id, authentication);
        let scopes = claims.words("scope");
        match &self.scopes {
            None => principal = principal.with_scopes(scopes),
            Some(map) => {
                let granted = map.apply(scopes);
                principal = principal
                    .with_scopes(granted.permissions)
                    .with_roles(granted.roles);
            }
        }
        if let Some(claim) = &self.roles_claim {
            principal = principal.with_roles(claims.words(claim));
        }
        for name in ["acr", "client_id", "authorization_details"] {
            if let Some(value) = claims.get(name).filter(|value| !value.is_null()) {
                principal = principal.with_attribute(name, value);
            }
        }
        Ok(principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn principal(rules: &PrincipalRules, claims: &serde_json::Value) -> Option<Principal> {
        let claims = Claims::parse(claims.to_string().into_bytes()).unwrap();
        rules.principal("https://id", &claims).ok()
    }

    #[test]
    fn who_a_token_is_of() {
        let rules = PrincipalRules::new();
        let plain = PrincipalRules::new().subject_alone();
        for (name, rules, claims, expected) in [
            (
                "by both",
                &rules,
                json!({"sub": "ann"}),
                Some("https://id ann"),
            ),
            ("by the subject", &plain, json!({"sub": "ann"}), Some("ann")),
            ("nobody", &rules, json!({}), None),
            ("nobody, plainly", &plain, json!({"sub": ""}), None),
            ("a line", &plain, json!({"sub": "a\nb"}), None),
            (
                "the issuer that was asked",
                &rules,
                json!({"sub": "a", "iss": "x"}),
                Some("https://id a"),
            ),
        ] {
            let found = principal(rules, &claims);
            assert_eq!(found.as_ref().map(Principal::id), expected, "{name}");
        }
    }

    #[test]
    fn what_a_token_may_do() {
        let map = ScopeMap::new()
            .permissions("r", ["read"])
            .roles("a", ["admin"]);
        let mapped = PrincipalRules::new().scopes(map).roles_from("groups");
        let plain = PrincipalRules::new();
        for (name, rules, claims, scopes, roles) in [
            (
                "as it says",
                &plain,
                json!({"scope": "r w"}),
                vec!["r", "w"],
                vec![],
            ),
            ("nothing said", &plain, json!({}), vec![], vec![]),
            ("no text", &plain, json!({"scope": 1}), vec![], vec![]),
            (
                "roles are not asked for",
                &plain,
                json!({"groups": ["admin"]}),
                vec![],
                vec![],
            ),
            (
                "mapped",
                &mapped,
                json!({"scope": "r w a"}),
                vec!["read"],
                vec!["admin"],
            ),
            (
                "roles of the claim",
                &mapped,
                json!({"groups": ["x"]}),
                vec![],
                vec!["x"],
            ),
        ] {
            let mut claims = claims;
            claims["sub"] = "ann".into();
            let found = principal(rules, &claims).unwrap();
            assert_eq!(
                found.scopes().unwrap().collect::<Vec<_>>(),
                scopes,
                "{name}"
            );
            assert_eq!(found.roles().collect::<Vec<_>>(), roles, "{name}");
        }
    }

    #[test]
    fn policies_see_what_the_token_says() {
        let details = json!([{"type": "payment", "amount": 10}]);
        let claims = json!({
            "sub": "ann", "client_id": "app", "acr": "aal2", "authorization_details": details,
            "amr": ["pwd", "otp"], "auth_time": 100, "secret": 1, "jti": "t-1",
        });
        let found = principal(&PrincipalRules::new(), &claims).unwrap();
        let attributes: Vec<_> = found.attributes().map(|(name, _)| name).collect();
        assert_eq!(attributes, ["acr", "authorization_details", "client_id"]);
        assert_eq!(found.attribute("authorization_details"), Some(&details));
        let proof = found.authentication();
        assert_eq!(proof.time().unix_seconds(), 100);
        assert_eq!(proof.methods().len(), 2);
        assert_eq!(proof.issuer(), Some("https://id"));
        assert_eq!(proof.credential(), Some("t-1"));
    }
}
