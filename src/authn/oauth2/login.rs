//! What is asked for at a login: the authorization request.

use super::transaction::Transaction;
use super::{Endpoints, LoginError, LoginErrorKind, Provider, ReturnPath, par};
use oauth2::basic::BasicClient;
use oauth2::url::Url;
use oauth2::{
    AuthUrl, AuthorizationRequest, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope,
};
use std::borrow::Cow;
use std::time::Duration;

/// What users are asked at the provider beside who they are (OpenID Connect Core section
/// 3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Prompt {
    /// Nothing: who is not logged in there already gets the error `login_required`.
    None,
    /// To log in anew.
    Login,
    /// To consent anew.
    Consent,
    /// To choose an account.
    SelectAccount,
}

impl Prompt {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// One login: where it ends, and how the user is to be authenticated.
///
/// ```
/// use portcullis::authn::oauth2::{LoginRequest, ReturnPath};
/// use std::time::Duration;
///
/// // An ordinary one:
/// let login = LoginRequest::new().return_to(ReturnPath::parse("/orders")?);
/// // Before something grave: two factors, proved within the last five minutes.
/// let step_up = LoginRequest::new()
///     .max_age(Duration::from_secs(300))
///     .acr_values(["urn:example:two-factors"]);
/// # Ok::<(), portcullis::authn::oauth2::LoginError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoginRequest {
    return_to: ReturnPath,
    prompt: Option<Prompt>,
    max_age: Option<Duration>,
    acr_values: Vec<Box<str>>,
    login_hint: Option<Box<str>>,
    user: Option<Box<str>>,
}

impl LoginRequest {
    /// The longest hint or user's id, in bytes.
    const MAX_TEXT_LEN: usize = 256;
    /// How many levels may be named, and how long a name may be: they travel in a cookie, which
    /// browsers keep up to 4096 bytes.
    const MAX_LEVELS: usize = 8;
    const MAX_LEVEL_LEN: usize = 96;

    /// An ordinary login that ends on the front page.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where the user goes in the end.
    pub fn return_to(mut self, path: ReturnPath) -> Self {
        self.return_to = path;
        self
    }

    /// Sets what the user is asked. That a user was asked anew is nothing the provider proves:
    /// for that, set [`max_age`](Self::max_age).
    pub const fn prompt(mut self, prompt: Prompt) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// Requires that the user was authenticated at most so long ago, and checks it by the ID
    /// token's `auth_time`; zero for now.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Requires one of these levels, the best first, and checks it by the ID token's `acr`
    /// (OpenID Connect Core section 3.1.2.1, where the provider may give another). At most 8
    /// of 96 bytes are kept.
    pub fn acr_values<'a>(mut self, values: impl IntoIterator<Item = &'a str>) -> Self {
        let is_good = |value: &&str| {
            value.len() <= Self::MAX_LEVEL_LEN && value.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let values = values.into_iter().filter(is_good);
        self.acr_values = values.take(Self::MAX_LEVELS).map(Into::into).collect();
        self
    }

    /// Tells the provider who will log in, most likely: it fills in its form. At most 256 bytes.
    pub fn login_hint(mut self, hint: &str) -> Self {
        let end = hint.floor_char_boundary(Self::MAX_TEXT_LEN);
        self.login_hint = hint.get(..end).map(Into::into);
        self
    }

    /// Says which user of ours begins this, who is logged in already: to
    /// [link](super::linking) another identity, or to step up.
    /// [`FinishedLogin::begun_by`](super::FinishedLogin::begun_by) tells it in the end. At most
    /// 256 bytes.
    pub fn begun_by(mut self, user: &str) -> Self {
        self.user = (user.len() <= Self::MAX_TEXT_LEN).then(|| user.into());
        self
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(super) const fn target(&self) -> &ReturnPath {
        &self.return_to
    }

    pub(super) const fn oldest(&self) -> Option<Duration> {
        self.max_age
    }

    pub(super) fn levels(&self) -> impl Iterator<Item = &str> {
        self.acr_values.iter().map(AsRef::as_ref)
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let levels: Vec<_> = self.levels().collect();
        let prompt = self.prompt.map(|prompt| prompt.as_str().to_owned());
        let max_age = self.max_age.map(|age| age.as_secs().to_string());
        let hint = self.login_hint.as_deref().map(str::to_owned);
        let levels = (!levels.is_empty()).then(|| levels.join(" "));
        let all = [
            ("prompt", prompt),
            ("max_age", max_age),
            ("acr_values", levels),
            ("login_hint", hint),
        ];
        let set = all.into_iter();
        set.filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// Where the browser is sent to log in: PKCE with S256, `state` and, for OpenID Connect,
/// `nonce` are always there.
pub(super) async fn authorization_url(
    provider: &Provider,
    endpoints: &Endpoints,
    transaction: &Transaction,
    request: &LoginRequest,
) -> Result<String, LoginError> {
    let unusable = |_| LoginError::with(LoginErrorKind::Metadata, "authorization_endpoint");
    let endpoint = Url::parse(endpoints.authorization_url()).map_err(unusable)?;
    let redirect = RedirectUrl::new(provider.redirect_uri().to_owned()).map_err(unusable)?;
    let client = BasicClient::new(ClientId::new(provider.client_id().to_owned()))
        .set_auth_uri(AuthUrl::from_url(endpoint.clone()));
    let state = CsrfToken::new(transaction.state.clone());
    let verifier = PkceCodeVerifier::new(transaction.verifier.clone());
    let mut asked: AuthorizationRequest<'_> = client
        .authorize_url(|| state)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .set_redirect_uri(Cow::Owned(redirect))
        .add_scopes(
            provider
                .scope()
                .split_whitespace()
                .map(|it| Scope::new(it.to_owned())),
        );
    if provider.is_openid() {
        asked = asked.add_extra_param("nonce", transaction.nonce.clone());
    }
    for (name, value) in request.parameters() {
        asked = asked.add_extra_param(name, value);
    }
    for (name, value) in provider.parameters() {
        asked = asked.add_extra_param(name.to_owned(), value.to_owned());
    }
    let (url, _state) = asked.url();
    if provider.pushes() || endpoints.requires_pushed_authorization() {
        return par::push(provider, endpoints, &endpoint, &url).await;
    }
    Ok(url.into())
}
