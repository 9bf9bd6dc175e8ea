use super::provider::ORDER_COOL_DOWN;
use super::{EndpointError, EndpointErrorKind};
use crate::authn::jwt::{FetchError, JwtError, JwtErrorKind, RemoteConfigError};
use crate::error_kinds::{detailed_error, error_kinds};
use crate::event::EventKind;
use crate::guard::{Rejection, RejectionKind};
use crate::net::client::{ClientError, ClientErrorKind};
use crate::store::StoreError;
use http::{HeaderValue, header};
use thiserror::Error;

error_kinds! {
    /// Why a login with a provider, or the end of one, was refused.
    LoginErrorKind:

    /// There is no provider of this name.
    UnknownProvider = "unknown_provider", "there is no provider of this name";
    /// The path to return to leads elsewhere, or might.
    ReturnPath = "return_path", "the return path is not one of this site";
    /// The callback's parameters are not those of RFC 6749 section 4.1.2.
    MalformedCallback = "malformed_callback", "the callback's parameters are not as they should be";
    /// The browser did not begin this login, or its cookie is gone.
    NotBegun = "not_begun", "the browser has begun no login with this provider";
    /// The cookie cannot be opened: forged, or sealed with another key.
    ForgedTransaction = "forged_transaction", "the cookie of the login cannot be opened";
    /// `state` is not that of the login which the browser has begun.
    WrongState = "wrong_state", "the state is not that of the login under way";
    /// The login was begun too long ago.
    LoginExpired = "login_expired", "the login was begun too long ago";
    /// The callback came before.
    Replayed = "replayed_callback", "the callback came before";
    /// `iss` is another issuer's, or missing where the provider says that it sends it (RFC 9207).
    MixUp = "mix_up", "the callback is not of the issuer that was asked";
    /// The user, or the provider, said no.
    Denied = "denied_by_provider", "the provider refused";
    /// The discovery document cannot be gone by.
    Metadata = "provider_metadata", "the provider's metadata cannot be used";
    /// The provider offers nothing for what is asked.
    Unsupported = "unsupported_by_provider", "the provider does not offer what is needed";
    /// The provider's answer is not what it should be.
    BadAnswer = "bad_provider_answer", "the provider's answer is not as it should be";
    /// The provider does not take the code or the token.
    Grant = "grant_refused", "the provider did not take the code or token";
    /// The ID token is no good.
    IdToken = "id_token", "the ID token is no good";
    /// The authentication is weaker or older than what was asked for.
    TooWeak = "weak_authentication", "the authentication is not of the kind that was asked for";
    /// The userinfo or a new ID token is of another user.
    OtherUser = "other_user", "the provider speaks of another user";
    /// The logout token is no good.
    LogoutToken = "logout_token", "the logout token is no good";
    /// The logout token names a key that is not known, and no keys could be fetched since.
    UnknownOrderKey = "unknown_order_key", "the key of the logout token is not known yet";
    /// The login was ended by the provider while it was under way.
    EndedMeanwhile = "ended_meanwhile", "the provider ended the login while it was under way";
    /// The provider does not answer.
    Unreachable = "provider_unreachable", "the provider cannot be reached";
    /// The store failed.
    Store = "store", "the store failed";
    /// What was to be kept could not be sealed, or what is kept not be opened.
    Sealing = "sealing", "what is kept of a login could not be sealed or opened";
}

detailed_error! {
    /// Why a login with a provider, or the end of one, was refused: for logs and events. What the
    /// user is told is the [`Rejection`] that it becomes.
    LoginError: LoginErrorKind,
    /// Takes the cookie of a login that is over from the browser.
    clear: Option<HeaderValue>
}

impl LoginError {
    /// Has the browser forget its cookie: no login is under way by it any more.
    pub(super) fn clearing(mut self, clear: HeaderValue) -> Self {
        self.clear = Some(clear);
        self
    }

    /// Whether it may work when tried again later: nobody is to blame but the weather.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(
            self.kind,
            LoginErrorKind::Unreachable | LoginErrorKind::Store | LoginErrorKind::UnknownOrderKey
        )
    }

    pub(super) fn of_logout_token(error: &JwtError) -> Self {
        match error.kind() {
            JwtErrorKind::KeysUnavailable => error.clone().into(),
            _ => Self::with(LoginErrorKind::LogoutToken, error.to_string()),
        }
    }
}

impl From<ClientError> for LoginError {
    fn from(error: ClientError) -> Self {
        use ClientErrorKind::{ForbiddenAddress, InvalidUrl, PlainHttp, TooLarge};
        let kind = match error.kind() {
            TooLarge => LoginErrorKind::BadAnswer,
            InvalidUrl | PlainHttp | ForbiddenAddress => LoginErrorKind::Metadata,
            _ => LoginErrorKind::Unreachable,
        };
        Self::with(kind, error.to_string())
    }
}

impl From<FetchError> for LoginError {
    fn from(error: FetchError) -> Self {
        let kind = match &error {
            FetchError::Call(call) if call.kind() != ClientErrorKind::TooLarge => {
                return call.clone().into();
            }
            FetchError::Status { status, .. } if *status < 500 => LoginErrorKind::Metadata,
            FetchError::Status { .. } | FetchError::NotNow => LoginErrorKind::Unreachable,
            _ => LoginErrorKind::Metadata,
        };
        Self::with(kind, error.to_string())
    }
}

impl From<StoreError> for LoginError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind().is_mistake() {
            true => LoginErrorKind::Sealing,
            false => LoginErrorKind::Store,
        };
        Self::with(kind, error.to_string())
    }
}

/// Of an ID token.
impl From<JwtError> for LoginError {
    fn from(error: JwtError) -> Self {
        let kind = match error.kind() {
            JwtErrorKind::KeysUnavailable => LoginErrorKind::Unreachable,
            JwtErrorKind::AuthenticationTooOld => LoginErrorKind::TooWeak,
            _ => LoginErrorKind::IdToken,
        };
        Self::with(kind, error.to_string())
    }
}

/// Of a call to the provider's endpoints.
impl From<EndpointError> for LoginError {
    fn from(error: EndpointError) -> Self {
        let kind = match error.kind() {
            _ if error.is_passing() => LoginErrorKind::Unreachable,
            EndpointErrorKind::Assertion => LoginErrorKind::Sealing,
            EndpointErrorKind::Refused => LoginErrorKind::Grant,
            EndpointErrorKind::Call => LoginErrorKind::Metadata,
            _ => LoginErrorKind::BadAnswer,
        };
        Self::with(kind, error.to_string())
    }
}

/// 400 for a login that cannot go on, 401 for one that was too weak, 403 where the provider
/// said no, 404 where there is none of the name, 503 where the provider or the store is down or
/// set up wrong, and where the keys of a logout token may have to be asked for again.
/// The user learns no more than whether it is worth beginning again.
impl From<LoginError> for Rejection {
    fn from(error: LoginError) -> Self {
        let (kind, code, event) = answer(error.kind);
        let rejection = Self::new(kind)
            .with_code(code)
            .with_reason(format!("{}: {error}", error.code()))
            .with_event(event);
        let rejection = match error.kind {
            LoginErrorKind::UnknownOrderKey => rejection.with_retry_after(ORDER_COOL_DOWN),
            _ => rejection,
        };
        match error.clear {
            Some(clear) => rejection.with_header(header::SET_COOKIE, clear),
            None => rejection,
        }
    }
}

/// What a kind of error is answered with, the code that the user learns, and the event.
const fn answer(kind: LoginErrorKind) -> (RejectionKind, &'static str, Option<EventKind>) {
    use EventKind::{
        AuthnLoginFail, AuthnTokenFail, AuthnTokenReuse, CryptEncryptFail, InputValidationFail,
        SysControlDegraded,
    };
    use LoginErrorKind as Kind;
    use RejectionKind::{Forbidden, Internal, Malformed, NotFound, StepUpRequired, Unavailable};
    let (kind, code, event) = match kind {
        Kind::UnknownProvider => return (NotFound, "unknown_provider", None),
        Kind::ReturnPath => (Malformed, "return_path", InputValidationFail),
        // Any page can make its visitors' browsers call back: that is no failed login.
        Kind::NotBegun => (Malformed, "login_expired", InputValidationFail),
        Kind::LoginExpired | Kind::EndedMeanwhile => (Malformed, "login_expired", AuthnLoginFail),
        Kind::Replayed => (Malformed, "login_expired", AuthnTokenReuse),
        Kind::Denied => (Forbidden, "login_denied", AuthnLoginFail),
        Kind::TooWeak => (StepUpRequired, StepUpRequired.code(), AuthnLoginFail),
        Kind::LogoutToken => (Malformed, "logout_token", AuthnTokenFail),
        // Whoever sends it may have made the key up: nothing here is out of order.
        Kind::UnknownOrderKey => (Unavailable, "keys_unavailable", AuthnTokenFail),
        Kind::Unreachable | Kind::Metadata | Kind::Unsupported => {
            (Unavailable, "provider_unavailable", SysControlDegraded)
        }
        Kind::Store => (Unavailable, Unavailable.code(), SysControlDegraded),
        Kind::Sealing => (Internal, Internal.code(), CryptEncryptFail),
        Kind::MalformedCallback => (Malformed, "login_failed", InputValidationFail),
        Kind::ForgedTransaction
        | Kind::WrongState
        | Kind::MixUp
        | Kind::BadAnswer
        | Kind::Grant
        | Kind::IdToken
        | Kind::OtherUser => (Malformed, "login_failed", AuthnLoginFail),
    };
    (kind, code, Some(event))
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for LoginError {
    fn into_response(self) -> axum_core::response::Response {
        Rejection::from(self).into_response()
    }
}

/// What is wrong with the configuration of a provider, or of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It would not be one segment of a path, or would break a cookie's name.
    #[error("{0:?} cannot name a provider; use 1 to 32 of a-z, 0-9 and -")]
    ProviderName(String),
    /// Two providers of one name.
    #[error("there are two providers of the name {0:?}")]
    SameName(String),
    /// Two providers with one redirect URI: which of them sent a browser could not be told.
    #[error(
        "the providers {0:?} and {1:?} share a redirect URI; \
         give each its own, against mix-up (RFC 9700 section 4.4)"
    )]
    SameRedirect(String, String),
    /// A URL that is none, or that must not be one of these.
    #[error(
        "the {0} is not an https URL, or one of http on the loopback, \
         without credentials and fragment"
    )]
    InvalidUrl(&'static str),
    /// A scope that could not be sent.
    #[error("the scope {0:?} is empty, too long, or not of visible ASCII without spaces")]
    Scope(String),
    /// Longer than any user takes.
    #[error(
        "a login of {0} seconds is too long or none; 60 to 3600 make sense, 600 is the default"
    )]
    Lifetime(u64),
    /// There is nobody to log in with.
    #[error("there is no provider; add one")]
    NoProvider,
    /// What would sign tokens cannot be verified.
    #[error(transparent)]
    Verifier(#[from] crate::authn::jwt::ConfigError),
    /// The keys cannot be fetched.
    #[error(transparent)]
    Keys(#[from] RemoteConfigError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_page_can_make_a_browser_send_is_no_failed_login() {
        use LoginErrorKind::{ForgedTransaction, MalformedCallback, NotBegun, WrongState};
        let malformed = Some(EventKind::InputValidationFail);
        let failed = Some(EventKind::AuthnLoginFail);
        for (kind, event) in [
            (NotBegun, malformed),
            (MalformedCallback, malformed),
            (ForgedTransaction, failed),
            (WrongState, failed),
        ] {
            let rejection = Rejection::from(LoginError::from(kind));
            assert_eq!(rejection.event(), event, "{kind:?}");
        }
    }
}
