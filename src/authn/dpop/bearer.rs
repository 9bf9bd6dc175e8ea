use super::{DpopError, DpopErrorKind, DpopRules, Proof, ProofUse};
use crate::authn::authenticate::{Admission, Attempt, Authenticator};
use crate::authn::jwt::confirmation::Possession;
use crate::authn::jwt::{JwtBearer, TokenScheme, is_token68};
#[cfg(feature = "oauth2")]
use crate::authn::oauth2::introspection::IntrospectedTokens;
use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind, RequestHead};
use crate::net::peer_certificate::PeerCertificate;
use crate::principal::Principal;
use http::{HeaderName, HeaderValue, Method, header};

const PROOF: HeaderName = HeaderName::from_static("dpop");
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Authenticates requests by a token that is bound to a key, and a proof that the sender holds
/// it (RFC 9449 section 7). See the [module](super) for the rules.
///
/// It finds its token, makes the principal and names the realm as the
/// [`JwtBearer`] does that it is made of. Beside that one in a tuple, clients with plain tokens
/// get in as well.
#[derive(Clone, Debug)]
pub struct DpopBearer {
    tokens: AccessTokens,
    scheme: TokenScheme,
    rules: DpopRules,
}

/// Who says what a token is.
#[derive(Clone, Debug)]
enum AccessTokens {
    Signed(JwtBearer),
    #[cfg(feature = "oauth2")]
    Introspected(IntrospectedTokens),
}

impl AccessTokens {
    async fn admit_proved<T: Send>(
        &self,
        token: &str,
        prove: impl FnOnce() -> Result<(Possession, T), Rejection> + Send,
    ) -> Result<(Principal, T), Rejection> {
        match self {
            Self::Signed(bearer) => bearer.admit_proved(token, prove).await,
            #[cfg(feature = "oauth2")]
            Self::Introspected(tokens) => tokens.admit_proved(token, prove).await,
        }
    }
}

/// What a request brings, as far as it matters here.
struct Presented {
    token: String,
    proof: String,
    method: Method,
    path: String,
    certificate: Option<PeerCertificate>,
}

impl DpopBearer {
    /// Authenticates by tokens that this bearer accepts, bound to a key, with proofs by these
    /// rules.
    #[must_use]
    pub fn new(bearer: JwtBearer, rules: DpopRules) -> Self {
        Self {
            scheme: bearer.scheme().with_proofs(rules.algorithm_names()),
            tokens: AccessTokens::Signed(bearer),
            rules,
        }
    }

    /// Authenticates by tokens that their provider says are good, and bound to a key, with
    /// proofs by these rules.
    #[cfg(feature = "oauth2")]
    #[must_use]
    pub fn introspecting(tokens: IntrospectedTokens, rules: DpopRules) -> Self {
        Self {
            scheme: tokens.scheme().with_proofs(rules.algorithm_names()),
            tokens: AccessTokens::Introspected(tokens),
            rules,
        }
    }

    /// What the request brings; nothing where its token is not for this scheme.
    fn find(&self, request: &RequestHead<'_>) -> Option<Result<Presented, Rejection>> {
        let token = match self.scheme.find(request)? {
            Ok(token) if is_token68(token) => token,
            Ok(_) => return Some(Err(self.scheme.not_a_token())),
            Err(rejection) => return Some(Err(rejection)),
        };
        let Some(proof) = request.single_header(&PROOF) else {
            return Some(Err(self.invalid_proof(&DpopErrorKind::NotOne.into())));
        };
        Some(Ok(Presented {
            token: token.to_owned(),
            proof: proof.to_owned(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            certificate: request.extensions().get().cloned(),
        }))
    }

    /// The token first: who has none that is good has no business with the rest.
    async fn check(&self, presented: Presented) -> Result<Admission, Rejection> {
        let Presented {
            token,
            proof,
            method,
            path,
            certificate,
        } = presented;
        let prove = || {
            let wanted = ProofUse::with_token(&method, &path, &token);
            let proof = self.rules.check(&proof, wanted);
            let proof = proof.map_err(|error| self.invalid_proof(&error))?;
            let key = Some(proof.key_thumbprint().to_owned());
            Ok((Possession { key, certificate }, proof))
        };
        let admitted = self.tokens.admit_proved(&token, prove).await;
        let (principal, proof) =
            admitted.map_err(|rejection| self.scheme.challenged(rejection, "invalid_token"))?;
        // Last, so that nobody fills the store who does not get in.
        let is_first = self.rules.use_once(&proof).await;
        is_first.map_err(|error| self.invalid_proof(&error))?;
        Ok(self.admit(principal, &proof))
    }

    /// With the answer goes the nonce for the next proof, when that of this one has grown old
    /// (RFC 9449 section 8.2). No cache may give the nonce to another request.
    fn admit(&self, principal: Principal, proof: &Proof) -> Admission {
        let admission = Admission::new(principal);
        let nonce = self.rules.following_nonce(proof);
        match nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            Some(nonce) => admission
                .with_header(NONCE, nonce)
                .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            None => admission,
        }
    }

    fn invalid_proof(&self, error: &DpopError) -> Rejection {
        if error.kind() == DpopErrorKind::Unavailable {
            return Rejection::new(RejectionKind::Unavailable).with_reason(error.to_string());
        }
        let (code, event) = match error.kind() {
            DpopErrorKind::WantsNonce => ("use_dpop_nonce", None),
            DpopErrorKind::Replayed => ("invalid_dpop_proof", Some(EventKind::AuthnTokenReuse)),
            _ => ("invalid_dpop_proof", Some(EventKind::AuthnTokenFail)),
        };
        let rejection = Rejection::new(RejectionKind::Unauthenticated)
            .with_code(code)
            .with_reason(error.to_string())
            .with_event(event);
        let rejection = self.scheme.challenged(rejection, code);
        let nonce = self.rules.next_nonce();
        let nonce = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok());
        match nonce {
            Some(nonce) if code == "use_dpop_nonce" => rejection.with_header(NONCE, nonce),
            _ => rejection,
        }
    }
}

impl Authenticator for DpopBearer {
    fn challenges(&self) -> Vec<Challenge> {
        vec![self.scheme.challenge()]
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        match self.find(request) {
            None => Attempt::Absent,
            Some(Err(rejection)) => Attempt::Rejected(rejection),
            Some(Ok(presented)) => {
                let bearer = self.clone();
                Attempt::now_or_later(async move { bearer.check(presented).await })
            }
        }
    }
}
