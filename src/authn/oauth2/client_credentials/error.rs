use crate::authn::oauth2::EndpointError;
use thiserror::Error;

/// Why a request was not sent.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// There is no token, for this reason.
    #[error("there is no token to send: {0}")]
    Token(#[from] EndpointError),
    /// The fetch did not end, or none could begin.
    #[error("the fetch of a token did not end, or there is no runtime of Tokio to make it")]
    NotNow,
    /// The request goes to another service.
    #[error("the token is not for {0}")]
    OtherOrigin(Box<str>),
    /// The request has no absolute URL, or one that nothing secret may be sent to.
    #[error("the request goes to no https URL, nor to one of http on the loopback")]
    Url,
}

/// Why tokens cannot be fetched, or put on requests, in this way.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialsConfigError {
    /// RFC 6749 section 4.4 is for clients that can show who they are.
    #[error(
        "the client shows the provider nothing but its id; give it a secret or a key, or say \
         `insecure_public_client` where its connection shows its certificate"
    )]
    PublicClient,
    /// A scope that is none.
    #[error("{0:?} is not one scope: 1 to 256 visible ASCII characters but \" and \\")]
    Scope(Box<str>),
    /// More than a token should be good for.
    #[error("{0} scopes are too many for one token; 64 are the most")]
    TooManyScopes(usize),
    /// A resource that is none.
    #[error("{0:?} is not the absolute URI of a resource, without a fragment (RFC 8707)")]
    Resource(Box<str>),
    /// More than a token should be good for.
    #[error("{0} resources are too many for one token; 8 are the most")]
    TooManyResources(usize),
    /// Nothing that tokens could be sent to.
    #[error("{0:?} is not an origin of https, or of http on the loopback, without a path")]
    Origin(Box<str>),
    /// Nowhere to send tokens.
    #[error("there is no origin that the token is for; name at least one")]
    NoOrigin,
}
