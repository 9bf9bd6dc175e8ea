//! What each may do, and who each is: by account, by token, by API key.

use super::accounts::{Account, Accounts};
use super::sessions::LOGIN;
use portcullis::authn::api_key::{ApiKeys, ConfigError as ApiKeyConfigError};
use portcullis::authn::jwt::{VerifiedToken, principal_of};
use portcullis::authz::rbac::{ConfigError, Rbac, Role};
use portcullis::guard::{Challenge, Rejection, RejectionKind};
use portcullis::principal::{Authentication, Principal};
use portcullis::store::Records;

/// What everybody is who has an account.
pub(crate) const MEMBER: &str = "member";

/// Who writes what the department owns.
pub(crate) const MANAGER: &str = "manager";

/// How a leaked key is recognized: by people, and by scanners of repositories.
const KEY_PREFIX: &str = "secure_api";

/// What a signing key is for, where it is not said.
pub(crate) const ORDER_SCOPE: &str = "orders:write";

/// What a key may be good for. Nothing with which it could make itself at home: sessions,
/// factors and keys are managed by who has logged in.
pub(crate) const KEY_SCOPES: [&str; 8] = [
    "me:read",
    "me:write",
    "notes:read",
    "notes:write",
    ORDER_SCOPE,
    "users:read",
    "events:read",
    "bans:write",
];

pub(crate) fn rbac() -> Result<Rbac, ConfigError> {
    let member = [
        "me:*",
        "notes:*",
        "orders:*",
        "login:*",
        "keys:*",
        "documents:read",
    ];
    let member = member.into_iter().fold(Role::new(MEMBER), Role::allow);
    Rbac::builder()
        .resource("me", ["read", "write"])
        .resource("notes", ["read", "write"])
        .resource("orders", ["write"])
        .resource("login", ["manage"])
        .resource("keys", ["manage"])
        .resource("users", ["read", "write"])
        .resource("events", ["read"])
        .resource("bans", ["write"])
        .resource("documents", ["read", "write"])
        .resource("policies", ["check"])
        .role(member)
        .role(Role::new(MANAGER).allow("documents:write"))
        .role(Role::new("admin").allow("*"))
        .build()
}

/// The owner of an account, who has proved it this way.
pub(crate) fn principal_of_account(account: &Account, proof: Authentication) -> Principal {
    let principal = Principal::new(&*account.id, proof)
        .with_role(MEMBER)
        .with_roles(account.profile.roles.iter().map(String::as_str))
        .with_attribute("email", &*account.email);
    match &account.profile.department {
        Some(department) => principal.with_attribute("department", &**department),
        None => principal,
    }
}

/// Whom a token of ours stands for.
pub(crate) fn principal_of_token(token: &VerifiedToken) -> Result<Principal, Rejection> {
    let claims = token.claims();
    let principal = principal_of(claims)?
        .with_role(MEMBER)
        .with_roles(claims.words("roles"));
    let texts = ["email", LOGIN, "department"];
    let texts = texts
        .into_iter()
        .filter_map(|name| Some((name, claims.text(name)?)));
    Ok(texts.fold(principal, |it, (name, text)| it.with_attribute(name, text)))
}

/// API keys, whose owners are asked for at each use: an account that is gone has none, and
/// its roles are those of today.
pub(crate) fn api_keys(records: Records, accounts: Accounts) -> Result<ApiKeys, ApiKeyConfigError> {
    let keys = ApiKeys::new(records, KEY_PREFIX)?;
    Ok(keys.principal_by(move |principal, _key| {
        let accounts = accounts.clone();
        async move {
            let account = accounts.by_id(principal.id()).await?;
            let account = account.ok_or_else(account_gone)?;
            let proof = principal.authentication().clone();
            Ok(principal_of_account(&account, proof))
        }
    }))
}

/// The credential is good and says who it was made for, who is no more.
pub(crate) fn account_gone() -> Rejection {
    Rejection::new(RejectionKind::Unauthenticated)
        .with_code("account_gone")
        .with_challenge(&Challenge::new("Bearer").with("error", "invalid_token"))
}
