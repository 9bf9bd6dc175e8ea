//! Logging in with a provider, by OAuth 2.0 and OpenID Connect; its tokens; calls to other services.

mod backchannel;
mod callback;
mod client_auth;
mod endpoint_error;
mod error;
mod identity;
pub mod linking;
mod login;
mod logins;
mod metadata;
mod par;
mod provider;
mod relying_party;
mod return_path;
mod routes;
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
pub use provider::{Provider, ProviderBuilder};
pub use relying_party::{BegunLogin, FinishedLogin, RelyingParty, RelyingPartyBuilder};
pub use return_path::ReturnPath;
pub use routes::{LoggedOut, LoginHandler, LoginRoutes};
pub use token_endpoint::Endpoint;
pub use token_response::{TokenResponse, TokenType};
