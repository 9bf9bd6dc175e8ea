use super::JwtErrorKind::*;
use super::cache::{Cache, MAX_CAPACITY, MIN_CAPACITY};
use super::profile::{MAX_LIFETIME, MAX_SUBJECT_LEN};
use super::{Claims, ConfigError, Header, JwsVerifier, JwtError, Profile};
use crate::clock::{Clock, Timestamp};
use crate::crypto::keys::{Algorithms, LiveKeys, WhenFetched};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// RFC 7519 section 4.1.4 speaks of "usually no more than a few minutes".
const MAX_LEEWAY: Duration = Duration::from_secs(300);
const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);

/// A token that was verified.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    header: Arc<Header>,
    claims: Claims,
}

impl VerifiedToken {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The claims.
    #[must_use]
    pub fn into_claims(self) -> Claims {
        self.claims
    }
}

/// Verifies tokens of one issuer for one audience. See the [module](super) for the rules.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    jws: JwsVerifier,
    cache: Option<Cache>,
    clock: Clock,
    rules: Rules,
}

/// Collects what a [`Verifier`] needs to know. By default `exp` has to be there, and clocks
/// may differ by 60 seconds.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct VerifierBuilder {
    keys: LiveKeys,
    algorithms: Algorithms,
    clock: Clock,
    allow_http: bool,
    cache: Option<usize>,
    rules: Rules,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// `None` for any.
    issuers: Option<Vec<Box<str>>>,
    /// `None` for any.
    audiences: Option<Vec<Box<str>>>,
    pub(super) leeway: Duration,
    needs_expiry: bool,
    required: Vec<Box<str>>,
    /// `None` for what the kind of token usually has.
    token_type: Option<Box<str>>,
    takes_untyped_logout: bool,
    pub(super) profile: Profile,
    revoked: Option<IsRevoked>,
}

#[derive(Clone)]
struct IsRevoked(Arc<dyn Fn(&Claims) -> bool + Send + Sync>);

impl fmt::Debug for IsRevoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsRevoked(..)")
    }
}

/// What kind of token is expected, which decides what `typ` may say when nothing else was
/// asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Id,
    Logout,
}

impl Verifier {
    /// Begins a verifier of tokens that `issuer` made for `audience`, with these algorithms,
    /// signed by one of these keys.
    ///
    /// The issuer and audience are compared byte by byte. The algorithms are either all
    /// symmetric or all asymmetric.
    pub fn builder(
        issuer: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        algorithms: impl Into<Algorithms>,
        keys: impl Into<LiveKeys>,
    ) -> VerifierBuilder {
        VerifierBuilder {
            keys: keys.into(),
            algorithms: algorithms.into(),
            clock: Clock::system(),
            allow_http: false,
            cache: None,
            rules: Rules {
                issuers: Some(vec![issuer.into()]),
                audiences: Some(vec![audience.into()]),
                leeway: DEFAULT_LEEWAY,
                needs_expiry: true,
                required: Vec::new(),
                token_type: None,
                takes_untyped_logout: false,
                profile: Profile::Default,
                revoked: None,
            },
        }
    }

    /// Verifies an access token, or one of your own making.
    ///
    /// # Errors
    /// Why the token was refused.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, JwtError> {
        self.verify_kind(token, Kind::Access)
    }

    /// Verifies as [`verify`](Self::verify) does, and waits where the issuer's keys have to be
    /// fetched first.
    ///
    /// # Errors
    /// Why the token was refused; [`KeysUnavailable`] is not the token's fault.
    pub async fn verify_waiting(&self, token: &str) -> Result<VerifiedToken, JwtError> {
        let verdict = self.verify(token);
        match self.awaited_keys(&verdict) {
            None => verdict,
            Some(fetched) => {
                fetched.await;
                self.verify(token)
            }
        }
    }

    /// Waits where the issuer's keys have to be fetched before this token can be verified, of
    /// whatever kind it is.
    pub async fn wait_for_keys(&self, token: &str) {
        let verdict = self.0.jws.verify(token);
        if let Some(fetched) = self.awaited_keys(&verdict) {
            fetched.await;
        }
    }

    /// What to wait for before a token may be judged, if anything.
    pub(super) fn awaited_keys<T>(&self, verdict: &Result<T, JwtError>) -> Option<WhenFetched> {
        self.0.jws.awaited_keys(verdict)
    }

    /// Verifies what all kinds have in common.
    pub(super) fn verify_kind(&self, token: &str, kind: Kind) -> Result<VerifiedToken, JwtError> {
        let Inner { cache, rules, .. } = &*self.0;
        let Some(cache) = cache.as_ref().filter(|_| self.may_be_known(token)) else {
            return self.verify_anew(token, kind);
        };
        let place = cache.place(token, &self.0.jws.keys().peek());
        if let Some(found) = place.find() {
            // All that may have changed since, which costs next to nothing.
            rules.check_type(&found.header, kind)?;
            rules.check_claims(&found.claims, self.now())?;
            return Ok(found);
        }
        let verified = self.verify_anew(token, kind)?;
        place.keep(&verified);
        Ok(verified)
    }

    /// Whether the cache may be asked: not for what is too long to be looked at, and not when the
    /// keys are too old to be believed.
    fn may_be_known(&self, token: &str) -> bool {
        self.0.rules.profile.takes_length_of(token) && self.0.jws.has_keys()
    }

    fn verify_anew(&self, token: &str, kind: Kind) -> Result<VerifiedToken, JwtError> {
        let Inner { jws, rules, .. } = &*self.0;
        let (header, payload) = jws.verify(token)?.into_parts();
        rules.check_type(&header, kind)?;
        let claims = Claims::parse(payload)?;
        rules.check_claims(&claims, self.now())?;
        Ok(VerifiedToken { header, claims })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.0.rules
    }
}

impl VerifierBuilder {
    /// Accepts this issuer as well. Both sign with the keys given, so each can speak for the
    /// other. A subject is unique to its issuer only: where both could issue the same `sub` for
    /// different people, make the principal's id of both, by
    /// [`JwtBearer::principal_by`](super::JwtBearer::principal_by).
    pub fn or_issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.rules
            .issuers
            .get_or_insert_default()
            .push(issuer.into());
        self
    }

    /// Accepts tokens for this audience as well.
    pub fn or_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.rules
            .audiences
            .get_or_insert_default()
            .push(audience.into());
        self
    }

    /// Accepts any issuer, also none. Whoever holds one of the keys is believed whatever
    /// name it gives itself.
    pub fn insecure_any_issuer(mut self) -> Self {
        self.rules.issuers = None;
        self
    }

    /// Accepts tokens for any audience, also none: any service that gets a token for itself
    /// can use it here.
    pub fn insecure_any_audience(mut self) -> Self {
        self.rules.audiences = None;
        self
    }

    /// Accepts tokens without `exp`, which are good until the key is replaced. Where there is
    /// an `exp`, it still counts. The strict profile refuses them all the same.
    pub fn insecure_without_expiry(mut self) -> Self {
        self.rules.needs_expiry = false;
        self
    }

    /// Allows an issuer whose name begins with `http://` and that is not on the loopback.
    pub const fn insecure_http_issuer(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Sets by how much clocks may differ: 60 seconds by default, 300 at most.
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Requires a claim.
    pub fn require(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.required.push(claim.into());
        self
    }

    /// Requires this `typ` (RFC 8725 section 3.11): a media type, `application/` left out.
    ///
    /// Without it, access tokens may have no type, `JWT` or `at+jwt`; ID tokens none or
    /// `JWT`; logout tokens none, `JWT` or `logout+jwt`.
    pub fn token_type(mut self, token_type: impl Into<Box<str>>) -> Self {
        self.rules.token_type = Some(token_type.into());
        self
    }

    /// Requires access tokens of RFC 9068: `typ` is `at+jwt`, and `sub`, `client_id`, `iat`
    /// and `jti` are there.
    pub fn rfc9068(self) -> Self {
        ["sub", "client_id", "iat", "jti"]
            .into_iter()
            .fold(self.token_type("at+jwt"), Self::require)
    }

    /// Sets how much is refused beyond what RFC 7519 asks for.
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.rules.profile = profile;
        self
    }

    /// Takes logout tokens without `typ`, or with `JWT`, in the strict profile as well, which
    /// else asks for `logout+jwt`: a type that OpenID Connect Back-Channel Logout 1.0 section 2.4
    /// recommends and does not demand.
    pub const fn accept_logout_tokens_without_their_type(mut self) -> Self {
        self.rules.takes_untyped_logout = true;
        self
    }

    /// Refuses tokens for which this says that they were revoked. It is asked last, of tokens
    /// that are good otherwise; it must not block.
    ///
    /// Go by [`Claims::id`] and require `jti`, never by the text of the token: an ECDSA
    /// signature has two spellings, and both are good.
    pub fn revoked_if(
        mut self,
        is_revoked: impl Fn(&Claims) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.revoked = Some(IsRevoked(Arc::new(is_revoked)));
        self
    }

    /// Keeps up to so many tokens that were verified, 64 to 1,048,576, and looks at the signature
    /// of none of them twice. Without this, none is kept.
    ///
    /// Whether a token has expired or was revoked is asked each time all the same, and when the
    /// keys change, all are forgotten at once. Only good tokens get in, and when there are too
    /// many, those go that nobody brought for longest. Each takes some two times its own length
    /// of memory. With a public key it saves nearly all of the time, with an HMAC three quarters.
    pub const fn cache(mut self, tokens: usize) -> Self {
        self.cache = Some(tokens);
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// When the configuration would accept what it should not, or nothing.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        let rules = &self.rules;
        for issuer in must_not_be_empty("issuer", rules.issuers.as_deref())? {
            if !self.allow_http && is_plain_http(issuer) {
                return Err(ConfigError::InsecureIssuer(issuer.to_string()));
            }
        }
        must_not_be_empty("audience", rules.audiences.as_deref())?;
        if rules.leeway > MAX_LEEWAY {
            return Err(ConfigError::LeewayTooLarge(rules.leeway.as_secs()));
        }
        if let Some(tokens) = self.cache
            && !(MIN_CAPACITY..=MAX_CAPACITY).contains(&tokens)
        {
            return Err(ConfigError::CacheCapacity(tokens));
        }
        let jws = JwsVerifier::new(self.keys, self.algorithms)?.profile(rules.profile);
        Ok(Verifier(Arc::new(Inner {
            jws,
            cache: self.cache.map(Cache::new),
            clock: self.clock,
            rules: self.rules,
        })))
    }
}

fn must_not_be_empty<'a>(
    what: &'static str,
    names: Option<&'a [Box<str>]>,
) -> Result<&'a [Box<str>], ConfigError> {
    let Some(names) = names else { return Ok(&[]) };
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(ConfigError::Empty(what));
    }
    Ok(names)
}

/// Whether keys published under this name could be replaced on their way.
fn is_plain_http(issuer: &str) -> bool {
    let Ok(uri) = issuer.parse::<http::Uri>() else {
        return issuer
            .get(..5)
            .is_some_and(|it| it.eq_ignore_ascii_case("http:"));
    };
    let is_loopback = |host: &str| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = |it: std::net::IpAddr| it.is_loopback();
        host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
    };
    uri.scheme() == Some(&http::uri::Scheme::HTTP) && !uri.host().is_some_and(is_loopback)
}

impl Rules {
    fn check_type(&self, header: &Header, kind: Kind) -> Result<(), JwtError> {
        let is_right = match &self.token_type {
            Some(expected) => header.is_of_type(expected),
            None if kind == Kind::Logout
                && self.profile.is_strict()
                && !self.takes_untyped_logout =>
            {
                header.is_of_type("logout+jwt")
            }
            None => {
                header.token_type().is_none()
                    || header.is_of_type("JWT")
                    || (kind == Kind::Access && header.is_of_type("at+jwt"))
                    || (kind == Kind::Logout && header.is_of_type("logout+jwt"))
            }
        };
        if is_right {
            Ok(())
        } else {
            Err(WrongType.into())
        }
    }

    fn check_claims(&self, claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
        self.check_times(claims, now)?;
        self.check_parties(claims)?;
        if let Some(missing) = self.required.iter().find(|it| !claims.has(it)) {
            return Err(JwtError::missing(missing.to_string()));
        }
        if self.profile.is_strict() {
            self.check_strictly(claims, now)?;
        }
        match &self.revoked {
            Some(IsRevoked(is_revoked)) if is_revoked(claims) => Err(Revoked.into()),
            _ => Ok(()),
        }
    }

    /// `exp` is the first moment at which a token is no longer good, `nbf` the first at which
    /// it is.
    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
        match claims.expires_at() {
            Some(end) if now >= end.saturating_add(self.leeway) => return Err(Expired.into()),
            None if self.needs_expiry => return Err(JwtError::missing("exp")),
            _ => {}
        }
        match claims.not_before() {
            Some(start) if start > now.saturating_add(self.leeway) => Err(NotYetValid.into()),
            _ => Ok(()),
        }
    }

    fn check_parties(&self, claims: &Claims) -> Result<(), JwtError> {
        if let Some(issuers) = &self.issuers {
            let issuer = claims.issuer().ok_or_else(|| JwtError::missing("iss"))?;
            if !issuers.iter().any(|known| **known == *issuer) {
                return Err(WrongIssuer.into());
            }
        }
        if let Some(ours) = &self.audiences {
            if claims.audiences().len() == 0 {
                return Err(JwtError::missing("aud"));
            }
            let is_ours = |theirs: &str| ours.iter().any(|it| **it == *theirs);
            if !claims.audiences().any(is_ours) {
                return Err(WrongAudience.into());
            }
        }
        Ok(())
    }

    fn check_strictly(&self, claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
        let latest_start = now.saturating_add(self.leeway);
        let issued_at = claims.issued_at();
        if issued_at.is_some_and(|issued_at| issued_at > latest_start) {
            return Err(IssuedInFuture.into());
        }
        if issued_at.is_some_and(|it| now.since(it) > MAX_LIFETIME + self.leeway) {
            return Err(TooOld.into());
        }
        let end = claims
            .expires_at()
            .ok_or_else(|| JwtError::missing("exp"))?;
        let starts = [claims.not_before(), issued_at];
        if starts.into_iter().flatten().any(|start| end < start) {
            return Err(ExpiryBeforeStart.into());
        }
        if end.since(issued_at.unwrap_or(latest_start)) > MAX_LIFETIME {
            return Err(LifetimeTooLong.into());
        }
        if let Some(subject) = claims.subject() {
            let is_too_long = subject.len() > MAX_SUBJECT_LEN;
            if subject.is_empty() || is_too_long || subject.chars().any(char::is_control) {
                return Err(JwtError::malformed("sub"));
            }
        }
        let party = claims.optional_text("azp")?;
        if claims.audiences().len() > 1 && party.is_none() {
            return Err(JwtError::missing("azp"));
        }
        Ok(())
    }
}
