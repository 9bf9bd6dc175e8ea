//! Logging in with a provider, by OAuth 2.0 and OpenID Connect; its tokens; calls to other services.

mod client_auth;
mod endpoint_error;
pub mod linking;
mod token_endpoint;
mod token_response;

pub use client_auth::{ClientAuthError, ClientAuthentication};
pub use endpoint_error::{EndpointConfigError, EndpointError, EndpointErrorKind};
pub use token_endpoint::Endpoint;
pub use token_response::{TokenResponse, TokenType};
