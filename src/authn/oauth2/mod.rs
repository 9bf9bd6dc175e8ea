//! OAuth 2.0 and OpenID Connect: logging in with a provider, its tokens, calls to other services.
//!
//! Logging in is finding out, by way of a browser that anybody may hold, who somebody is at a
//! provider. A [`RelyingParty`] does it by authorization code:
//!
//! 1. It is tied to the browser that began it. `state`, `nonce` and the PKCE verifier, 256
//!    bits each, travel sealed in the cookie `__Host-login-{provider}`; a callback with another
//!    `state`, or without the cookie, is refused (ASVS 5.0 10.1.2, 10.2.1; login CSRF).
//! 2. PKCE is always there, and always S256 (RFC 7636). A provider that says it does not know
//!    that is not asked.
//! 3. A callback counts once, and for 10 minutes. The [`Store`](crate::store::Store) remembers
//!    which came.
//! 4. Who answers is who was asked (mix-up): `iss` fits to the letter, and is there where the
//!    provider says that it sends it (RFC 9207); each provider has a redirect URI and a cookie
//!    of its own (10.2.2).
//! 5. The discovery document is of the very issuer that was configured (10.5.3). It is kept for
//!    as long as it says, within bounds, and for a day where the provider is down.
//! 6. The ID token is checked by all rules of OpenID Connect Core section 3.1.3.7, strictly:
//!    signature, issuer, audience, `azp`, times, `nonce`, `at_hash` where there is one, and
//!    `auth_time` and `acr` where [asked for](LoginRequest) (10.5.1, 10.5.4). Userinfo and new
//!    ID tokens are of the same user.
//! 7. A user is the issuer and the subject, and nothing else (10.5.2); see [`linking`].
//! 8. Tokens stay on the server, sealed (10.1.1), by [`Logins`]: they tell which sessions end
//!    when the provider says so (back-channel logout, 10.5.5), and renew access tokens.
//! 9. Who comes back goes where a [`ReturnPath`] says: nowhere but here.
//! 10. Every call to a provider is one of [`net::client`](crate::net::client): it has a deadline
//!     and a limit of size, follows no redirect, and is not made when the provider keeps failing.
//!     An answer that is not what it should be lets nobody in; the operator learns why, the user
//!     that the login failed.
//!
//! [`LoginRoutes`] has all of it as a tower service, for axum or hyper. By itself:
//!
#![cfg_attr(feature = "field-encryption", doc = "```")]
#![cfg_attr(not(feature = "field-encryption"), doc = "```ignore")]
//! use http::{Request, header};
//! # use portcullis::authn::jwt::Issuer;
//! use portcullis::authn::oauth2::{ClientAuthentication, LoginRequest, Provider, RelyingParty};
//! use portcullis::crypto::field::FieldCipher;
//! use portcullis::crypto::keyring::Keyring;
//! # use portcullis::crypto::keys::{Algorithm, SigningKey};
//! use portcullis::guard::RequestHead;
//! # use portcullis::net::client::{FakeAnswer, FakeTransport};
//! use portcullis::net::client::HttpClient;
//! use portcullis::store::Store;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let name = "https://id.example.com";
//! # let key = SigningKey::generate(Algorithm::Es256)?.with_key_id("1");
//! # let issuer = Issuer::new(key, name, "shop")?;
//! # let client = HttpClient::builder().build_over(FakeTransport::answering(move |request| {
//! #     let form = String::from_utf8_lossy(request.body()).into_owned();
//! #     let code = form.split('&').find_map(|pair| pair.strip_prefix("code="));
//! #     let body = match request.uri().path() {
//! #         "/keys" => issuer.public_keys().to_public_json(),
//! #         "/token" => {
//! #             let token = issuer.token("user-17").claim("nonce", code.unwrap()).unwrap();
//! #             let token = token.sign().unwrap();
//! #             format!(r#"{{"access_token": "a", "token_type": "Bearer", "id_token": "{token}"}}"#)
//! #         }
//! #         _ => format!(r#"{{"issuer": "{name}", "authorization_endpoint": "{name}/auth",
//! #             "token_endpoint": "{name}/token", "jwks_uri": "{name}/keys"}}"#),
//! #     };
//! #     let answer = http::Response::builder().header("content-type", "application/json");
//! #     FakeAnswer::response(answer.body(body.into()).unwrap())
//! # }))?;
//! # #[cfg(any())]
//! let client = HttpClient::new()?;
//! let fields = FieldCipher::new(Keyring::generate(), "shop");
//! let shop = ClientAuthentication::secret_basic("shop", "what the provider gave us")?;
//! let provider = Provider::openid("corporate", "https://id.example.com", shop)
//!     .redirect_uri("https://shop.example.com/auth/corporate/callback")
//!     .build(client)?;
//! let logins = RelyingParty::builder(Store::memory(), fields.column("logins", "cookie")?)
//!     .provider(provider)
//!     .build()?;
//!
//! let begun = logins.begin("corporate", &LoginRequest::new()).await?;
//! // The browser goes there, and its user logs in. What it comes back with:
//! # let url = url::Url::parse(begun.location())?;
//! # let value = |name: &str| url.query_pairs().find(|(it, _)| it == name).unwrap().1.into_owned();
//! # let query = format!("code={}&state={}", value("nonce"), value("state"));
//! # let cookie = begun.set_cookie().to_str()?.split(';').next().unwrap().to_owned();
//! let callback = Request::get(format!("/auth/corporate/callback?{query}"))
//!     .header(header::COOKIE, &cookie)
//!     .body(())?;
//! let login = logins.finish("corporate", &RequestHead::of(&callback)).await?;
//! assert_eq!(login.identity().subject(), "user-17");
//!
//! // The same once more, and in the browser of somebody else:
//! assert!(logins.finish("corporate", &RequestHead::of(&callback)).await.is_err());
//! let lured = Request::get(format!("/auth/corporate/callback?{query}")).body(())?;
//! assert!(logins.finish("corporate", &RequestHead::of(&lured)).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Around it
//!
//! - The cookie of a login under way is `SameSite=Lax`, for the provider sends the browser back
//!   from another site. One login a browser and provider is under way at a time; of two tabs,
//!   the one goes on that began last.
//! - With feature `session`, `SessionLogins` makes sessions of logins. With others of your own,
//!   write a [`LoginHandler`]: begin a new session, and never go on with one that the browser
//!   had before.
//! - Log out by `POST` alone, behind the defense against cross-site requests.
//! - A [`Provider`] of plain OAuth 2.0 proves less than one of OpenID Connect: see
//!   [`plain_oauth`](Provider::plain_oauth).
//! - The flows stand on the crate `oauth2`: authorization URL, PKCE, `state`. Answers are read
//!   by our own [`Endpoint`], strictly and within limits; tokens by our own
//!   [`Verifier`](crate::authn::jwt::Verifier).
//! - When the store fails, nobody is logged in: 503. When the provider does, sessions go on.
//!
//! # Beside logins
//!
//! - A provider's access tokens authenticate requests: [`ProviderTokens`] where they are JWTs,
//!   [`introspection`] where the provider has to be asked. [`ScopeMap`] says what its scopes
//!   stand for here.
//! - [`client_credentials`] puts tokens on calls to other services, in this service's own name.
//!
//! ASVS 5.0: 10.1.1, 10.1.2, 10.2.1, 10.2.2, 10.2.3, 10.3.1 to 10.3.5, 10.4.10, 10.4.13,
//! 10.4.16, 10.5.1 to 10.5.5, 10.6.2.

mod backchannel;
mod callback;
mod client_auth;
pub mod client_credentials;
mod endpoint_error;
mod error;
mod identity;
pub mod introspection;
pub mod linking;
mod login;
mod logins;
mod metadata;
mod par;
mod presets;
mod principals;
mod provider;
mod provider_tokens;
mod relying_party;
mod return_path;
mod routes;
mod scopes;
#[cfg(feature = "session")]
mod session_logins;
mod token_endpoint;
mod token_response;
mod transaction;
mod userinfo;

pub use backchannel::LogoutOrder;
pub use callback::Callback;
pub use client_auth::{ClientAuthError, ClientAuthentication};
pub use endpoint_error::{EndpointConfigError, EndpointError, EndpointErrorKind};
pub use error::{ConfigError, LoginError, LoginErrorKind};
pub use identity::Identity;
pub use login::{LoginRequest, Prompt};
pub use logins::{KeptLogin, Logins};
pub use metadata::Endpoints;
pub use presets::PresetError;
pub use principals::PrincipalRules;
pub use provider::{Provider, ProviderBuilder};
pub use provider_tokens::{ProviderTokens, ProviderTokensBuilder, ProviderTokensError};
pub use relying_party::{BegunLogin, FinishedLogin, RelyingParty, RelyingPartyBuilder};
pub use return_path::ReturnPath;
pub use routes::{LoggedOut, LoginHandler, LoginRoutes};
pub use scopes::{Granted, ScopeMap};
#[cfg(feature = "session")]
pub use session_logins::{LoginAccounts, SessionLogins};
pub use token_endpoint::Endpoint;
pub use token_response::{TokenResponse, TokenType};
