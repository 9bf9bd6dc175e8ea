use super::ConfigError;
use super::decision::{Policy, Refusal};
use crate::browser::Origin;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::guard::{Body, Exit, Guard, Rejection, RejectionKind, RequestHead, Verdict, impl_layer};
use http::{HeaderValue, Method, Request, Response, header};
use std::sync::Arc;

/// Refuses requests that another site made the browser send. See the [module](super) for the
/// rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CrossOriginLayer {
    policy: Arc<Policy>,
    only_reports: bool,
}

impl_layer!(CrossOriginLayer);

impl CrossOriginLayer {
    /// Trusts no origin but the one that is asked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes requests from these origins too: exactly scheme, host and port.
    pub fn trusting(self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.with(|policy| policy.trusted.extend(origins))
    }

    /// Names the origins that this service is reached by. Where the browser does not send
    /// `Sec-Fetch-Site`, the `Origin` is compared with these instead of with `Host`: scheme
    /// included, and right behind a proxy that rewrites `Host`.
    pub fn served_as(self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.with(|policy| policy.own.extend(origins))
    }

    /// Takes requests from other origins of the same site, such as subdomains: whoever runs
    /// or takes over one of them can send requests here. Prefer [`trusting`](Self::trusting).
    /// Browsers without `Sec-Fetch-Site` are judged as before.
    pub fn insecure_admit_same_site(self) -> Self {
        self.with(|policy| policy.admits_same_site = true)
    }

    /// Takes requests to this path from anywhere: a webhook that is authenticated by itself.
    /// The path is compared byte by byte with the one in the request; nothing below it and
    /// no other spelling of it is exempt. Inside a nested axum router, that is the path
    /// without the prefix.
    ///
    /// # Errors
    /// When it is no path.
    pub fn insecure_exempt_exact_path(self, path: &str) -> Result<Self, ConfigError> {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(ConfigError::ExemptPath(path.to_owned()));
        }
        Ok(self.with(|policy| {
            policy.exempt_paths.insert(path.into());
        }))
    }

    /// Checks GET and HEAD too: for routes that do something on a GET, and for data that
    /// other sites must not even embed (ASVS 3.5.3, 3.5.8). Links from other sites to these
    /// routes are refused as well.
    pub fn checking_reads(self) -> Self {
        self.with(|policy| policy.checks_reads = true)
    }

    /// Admits everything, and emits an event for what would have been refused: to see what
    /// would break before it does. Protects nothing.
    pub const fn insecure_report_only(mut self) -> Self {
        self.only_reports = true;
        self
    }

    /// The decision itself.
    ///
    /// # Errors
    /// Why the request may not pass. [`insecure_report_only`](Self::insecure_report_only)
    /// does not change this.
    pub fn decide(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        self.policy.decide(head)
    }

    fn with(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(Arc::make_mut(&mut self.policy));
        self
    }
}

impl Guard for CrossOriginLayer {
    type Exit = CrossOriginExit;

    #[inline]
    fn check<B>(&self, request: &mut Request<B>) -> Verdict<CrossOriginExit> {
        let head = RequestHead::of(request);
        let exit = CrossOriginExit {
            varies: self.policy.checks_reads
                && matches!(*head.method(), Method::GET | Method::HEAD),
        };
        match self.policy.decide(&head) {
            Ok(()) => Verdict::Admit(exit),
            Err(refusal) if self.only_reports => {
                report(refusal, &head);
                Verdict::Admit(exit)
            }
            Err(refusal) => Verdict::Reject(
                Rejection::new(RejectionKind::CrossOrigin)
                    .with_code(refusal.code())
                    .with_reason(sender(&head)),
            ),
        }
    }
}

fn report(refusal: Refusal, head: &RequestHead<'_>) {
    let event = SecurityEvent::new(EventKind::MaliciousCors)
        .with_code(refusal.code())
        .with_reason(sender(head))
        .with_detail("mode", "report_only");
    Emitter::of(head.extensions()).emit(event);
}

/// What the browser said of where the request came from, for the operator.
fn sender(head: &RequestHead<'_>) -> String {
    let said = |name: &str| {
        let value = head.headers().get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or(b"-")).into_owned()
    };
    let (site, origin, host) = (said("sec-fetch-site"), said("origin"), said("host"));
    format!("sec-fetch-site: {site}, origin: {origin}, host: {host}")
}

/// Tells caches what the answer depends on, where it does.
#[derive(Debug)]
pub struct CrossOriginExit {
    varies: bool,
}

impl Exit for CrossOriginExit {
    #[inline]
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        if self.varies {
            let names = HeaderValue::from_static("sec-fetch-site, origin");
            response.headers_mut().append(header::VARY, names);
        }
    }
}
