//! The headers as they go out: prepared once, put on each response.

use super::csp::{self, Framing, Template};
use super::layer::Settings;
use super::{CrossOriginEmbedderPolicy, CspNonce, header_value};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const AGENT_CLUSTER: HeaderName = HeaderName::from_static("origin-agent-cluster");
const CROSS_DOMAIN_POLICIES: HeaderName =
    HeaderName::from_static("x-permitted-cross-domain-policies");
const REPORTING_ENDPOINTS: HeaderName = HeaderName::from_static("reporting-endpoints");

const HTML: &[u8] = b"text/html";

/// All headers of a layer, with the policies that still want their nonce set apart.
#[derive(Debug)]
pub(super) struct Compiled {
    headers: HeaderMap,
    with_nonce: Vec<(HeaderName, Template)>,
    overrides: bool,
}

/// What is known of a response besides its headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// The request carried credentials, or is of somebody known.
    pub(super) is_private: bool,
    pub(super) nonce: Option<CspNonce>,
}

impl Compiled {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut headers = HeaderMap::new();
        let mut word = |name, word: Option<&'static str>| {
            if let Some(word) = word {
                headers.insert(name, HeaderValue::from_static(word));
            }
        };
        word(header::X_CONTENT_TYPE_OPTIONS, Some("nosniff"));
        word(header::X_XSS_PROTECTION, Some("0"));
        word(CROSS_DOMAIN_POLICIES, Some("none"));
        word(AGENT_CLUSTER, Some("?1"));
        word(header::REFERRER_POLICY, Some(settings.referrer.as_str()));
        word(RESOURCE_POLICY, Some(settings.resource.as_str()));
        word(OPENER_POLICY, Some(settings.opener.as_str()));
        word(
            EMBEDDER_POLICY,
            settings.embedder.map(CrossOriginEmbedderPolicy::as_str),
        );
        word(header::X_FRAME_OPTIONS, frame_options(settings.csp.framing));
        headers.insert(header::STRICT_TRANSPORT_SECURITY, settings.hsts.to_header());
        headers.insert(PERMISSIONS_POLICY, settings.permissions.to_header());
        if let Some(endpoints) = reporting_endpoints(settings) {
            headers.insert(REPORTING_ENDPOINTS, header_value(endpoints));
        }

        let mut with_nonce = Vec::new();
        let enforced = Some((header::CONTENT_SECURITY_POLICY, &settings.csp.template));
        let report_only = settings.report_only.as_ref().map(|policy| {
            let name = header::CONTENT_SECURITY_POLICY_REPORT_ONLY;
            (name, &policy.template)
        });
        for (name, template) in enforced.into_iter().chain(report_only) {
            // A policy with a nonce keeps its place in the map, which costs less than a new one.
            headers.insert(name.clone(), template.fill(None));
            if template.uses_nonce() {
                with_nonce.push((name, template.clone()));
            }
        }
        // Room for what handlers and the server add, so that no copy has to grow its index.
        headers.reserve(8);
        Self {
            headers,
            with_nonce,
            overrides: settings.overrides,
        }
    }

    pub(super) const fn overrides(&self) -> bool {
        self.overrides
    }

    pub(super) fn uses_nonce(&self) -> bool {
        !self.with_nonce.is_empty()
    }

    /// Puts the headers on a response of this status.
    pub(super) fn apply(
        &self,
        circumstances: Circumstances,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) {
        // Laying their few headers over a copy of ours hashes fewer names than the reverse.
        let theirs = std::mem::replace(headers, self.headers.clone());
        for (name, template) in &self.with_nonce {
            if status == StatusCode::NOT_MODIFIED {
                headers.remove(name);
            } else if let Some(value) = headers.get_mut(name) {
                *value = template.fill(circumstances.nonce.as_ref());
            }
        }
        lay_over(headers, theirs, self.overrides);
        if !headers.contains_key(header::CACHE_CONTROL)
            && let Some(rule) = self.cache_rule(circumstances.is_private, headers)
        {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(rule));
        }
    }

    fn cache_rule(&self, is_private: bool, headers: &HeaderMap) -> Option<&'static str> {
        if is_private || headers.contains_key(header::SET_COOKIE) {
            return Some("no-store");
        }
        let is_html = |kind: &HeaderValue| {
            let start = kind.as_bytes().get(..HTML.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(HTML))
        };
        let has_nonce = self.uses_nonce() && headers.get(header::CONTENT_TYPE).is_some_and(is_html);
        has_nonce.then_some("private, no-cache")
    }
}

/// Adds `theirs` to `ours`; where both have a header, `theirs` stays unless `ours` override.
fn lay_over(ours: &mut HeaderMap, theirs: HeaderMap, ours_override: bool) {
    // Further values of a header come without its name.
    let mut current = None;
    for (name, value) in theirs {
        match name {
            Some(name) if ours_override && ours.contains_key(&name) => current = None,
            Some(name) => {
                current = Some(name.clone());
                ours.insert(name, value);
            }
            None => {
                if let Some(name) = &current {
                    ours.append(name, value);
                }
            }
        }
    }
}

/// `X-Frame-Options` for what it can say; a list of framing origins it cannot.
const fn frame_options(framing: Framing) -> Option<&'static str> {
    match framing {
        Framing::Nobody => Some("DENY"),
        Framing::SameOrigin => Some("SAMEORIGIN"),
        Framing::Listed => None,
    }
}

/// A dictionary of strings (RFC 9651): `csp="/reports", csp-report-only="/trial"`.
fn reporting_endpoints(settings: &Settings) -> Option<String> {
    let enforced = settings.csp.report_to.as_ref();
    let report_only = settings
        .report_only
        .as_ref()
        .map(|policy| &policy.report_to);
    let groups = [
        ("default", settings.reports.as_ref()),
        (csp::GROUP, enforced),
        (csp::REPORT_ONLY_GROUP, report_only),
    ];
    let member = |(group, address)| Some(format!("{group}=\"{}\"", address?));
    let members: Vec<String> = groups.into_iter().filter_map(member).collect();
    (!members.is_empty()).then(|| members.join(", "))
}
