use super::compiled::{Circumstances, Compiled};
use super::{
    CrossOriginEmbedderPolicy, CrossOriginOpenerPolicy, CrossOriginResourcePolicy, Csp, CspBuilder,
    CspNonce, Hsts, PermissionsPolicy, ReferrerPolicy, ReportAddress, ReportOnlyCsp,
};
use crate::guard::{Body, Exit, Guard, Verdict, impl_layer};
use crate::principal::Principal;
use crate::random::Random;
use http::{HeaderName, Request, Response, header};
use std::sync::Arc;

/// Puts security headers on every response. See the [module](super) for what they are.
#[derive(Clone, Debug)]
#[must_use]
pub struct SecurityHeadersLayer {
    settings: Arc<Settings>,
    compiled: Arc<Compiled>,
}

impl_layer!(SecurityHeadersLayer);

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) hsts: Hsts,
    pub(super) csp: Csp,
    pub(super) report_only: Option<ReportOnlyCsp>,
    pub(super) reports: Option<ReportAddress>,
    pub(super) referrer: ReferrerPolicy,
    pub(super) permissions: PermissionsPolicy,
    pub(super) opener: CrossOriginOpenerPolicy,
    pub(super) embedder: Option<CrossOriginEmbedderPolicy>,
    pub(super) resource: CrossOriginResourcePolicy,
    pub(super) overrides: bool,
    credential_headers: Vec<HeaderName>,
    random: Random,
}

impl SecurityHeadersLayer {
    /// For pages.
    pub fn recommended() -> Self {
        Self::from_settings(Settings::new(Csp::page()))
    }

    /// For an API, whose answers are no pages.
    pub fn api() -> Self {
        Self::from_settings(Settings {
            referrer: ReferrerPolicy::NoReferrer,
            permissions: PermissionsPolicy::deny_all(),
            ..Settings::new(Csp::nothing())
        })
    }

    /// For pages that are written for it: cross-origin isolated, styles by nonce alone, no
    /// Trusted Types policy, no feature of the browser unless named.
    pub fn strict() -> Self {
        Self::from_settings(Settings {
            referrer: ReferrerPolicy::SameOrigin,
            permissions: PermissionsPolicy::deny_all(),
            embedder: Some(CrossOriginEmbedderPolicy::RequireCorp),
            ..Settings::new(Csp::strict_page())
        })
    }

    /// Sets the Content-Security-Policy, and with it `X-Frame-Options`.
    pub fn csp(self, policy: Csp) -> Self {
        self.with(|settings| settings.csp = policy)
    }

    /// Adds a policy that browsers only report on, beside the enforced one.
    pub fn csp_report_only(self, policy: ReportOnlyCsp) -> Self {
        self.with(|settings| settings.report_only = Some(policy))
    }

    /// Names where browsers send reports of everything else (the group `default`):
    /// deprecations, interventions, crashes.
    pub fn reports_to(self, address: ReportAddress) -> Self {
        self.with(|settings| settings.reports = Some(address))
    }

    /// Sets `Strict-Transport-Security`.
    pub fn hsts(self, hsts: Hsts) -> Self {
        self.with(|settings| settings.hsts = hsts)
    }

    /// Sets `Referrer-Policy`.
    pub fn referrer_policy(self, policy: ReferrerPolicy) -> Self {
        self.with(|settings| settings.referrer = policy)
    }

    /// Sets `Permissions-Policy`.
    pub fn permissions_policy(self, policy: PermissionsPolicy) -> Self {
        self.with(|settings| settings.permissions = policy)
    }

    /// Sets `Cross-Origin-Opener-Policy`.
    pub fn opener_policy(self, policy: CrossOriginOpenerPolicy) -> Self {
        self.with(|settings| settings.opener = policy)
    }

    /// Sets `Cross-Origin-Embedder-Policy`, or sends none.
    pub fn embedder_policy(self, policy: impl Into<Option<CrossOriginEmbedderPolicy>>) -> Self {
        let policy = policy.into();
        self.with(|settings| settings.embedder = policy)
    }

    /// Sets `Cross-Origin-Resource-Policy`.
    pub fn resource_policy(self, policy: CrossOriginResourcePolicy) -> Self {
        self.with(|settings| settings.resource = policy)
    }

    /// Names a request header that carries a credential, such as `x-api-key`, besides
    /// `Authorization` and `Cookie`: answers to it are not stored either.
    pub fn credential_header(self, name: HeaderName) -> Self {
        self.with(|settings| settings.credential_headers.push(name))
    }

    /// Replaces what handlers and inner layers set, where this layer sets the same header.
    pub fn overriding(self) -> Self {
        self.with(|settings| settings.overrides = true)
    }

    /// Sets where nonces come from, for tests.
    pub fn random(self, random: Random) -> Self {
        self.with(|settings| settings.random = random)
    }

    fn from_settings(settings: Settings) -> Self {
        Self {
            compiled: Arc::new(Compiled::new(&settings)),
            settings: Arc::new(settings),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self.compiled = Arc::new(Compiled::new(&self.settings));
        self
    }
}

impl Settings {
    #[expect(
        clippy::expect_used,
        reason = "called with the crate's own policies, and a test builds each"
    )]
    fn new(csp: CspBuilder) -> Self {
        Self {
            hsts: Hsts::new(),
            csp: csp.build().expect("the presets are sound"),
            report_only: None,
            reports: None,
            referrer: ReferrerPolicy::StrictOriginWhenCrossOrigin,
            permissions: PermissionsPolicy::deny_powerful(),
            opener: CrossOriginOpenerPolicy::SameOrigin,
            embedder: None,
            resource: CrossOriginResourcePolicy::SameOrigin,
            overrides: false,
            credential_headers: Vec::new(),
            random: Random::secure(),
        }
    }

    fn is_private<B>(&self, request: &Request<B>) -> bool {
        let headers = request.headers();
        headers.contains_key(header::COOKIE)
            || headers.contains_key(header::AUTHORIZATION)
            || request.extensions().get::<Principal>().is_some()
            || self
                .credential_headers
                .iter()
                .any(|name| headers.contains_key(name))
    }
}

/// In the request: a layer further out will see the response, and has no nonce to show it.
#[derive(Clone, Copy)]
struct Nested;

/// In the response: a layer nearer to the handler has decided on the headers.
#[derive(Clone, Copy)]
struct Decided;

impl Guard for SecurityHeadersLayer {
    type Exit = SecurityHeadersExit;

    #[inline]
    fn check<B>(&self, request: &mut Request<B>) -> Verdict<SecurityHeadersExit> {
        let is_private = self.settings.is_private(request);
        let extensions = request.extensions_mut();
        let outer_nonce = extensions.get::<CspNonce>().copied();
        let is_nested = outer_nonce.is_some() || extensions.get::<Nested>().is_some();
        let nonce = match (self.compiled.uses_nonce(), outer_nonce) {
            (false, _) => {
                extensions.insert(Nested);
                None
            }
            (true, Some(nonce)) => Some(nonce),
            (true, None) => {
                let nonce = CspNonce::random(&self.settings.random);
                extensions.insert(nonce);
                Some(nonce)
            }
        };
        Verdict::Admit(SecurityHeadersExit {
            compiled: Arc::clone(&self.compiled),
            circumstances: Circumstances { is_private, nonce },
            is_nested,
        })
    }
}

/// Sets the headers on the response.
#[derive(Debug)]
pub struct SecurityHeadersExit {
    compiled: Arc<Compiled>,
    circumstances: Circumstances,
    is_nested: bool,
}

impl Exit for SecurityHeadersExit {
    #[inline]
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        let is_decided = response.extensions().get::<Decided>().is_some();
        if is_decided && !self.compiled.overrides() {
            return;
        }
        let status = response.status();
        let mut circumstances = self.circumstances;
        // A layer inside may have found out who asks by means that do not show in the request.
        circumstances.is_private |= response.extensions().get::<Principal>().is_some();
        self.compiled
            .apply(circumstances, status, response.headers_mut());
        if self.is_nested {
            response.extensions_mut().insert(Decided);
        }
    }
}
