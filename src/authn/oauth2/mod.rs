//! Logging in with a provider, by OAuth 2.0 and OpenID Connect; its tokens; calls to other services.
