use super::component::Name;
use super::fields::{List, SIGNATURE};
use super::{Component, ConfigError, Fault, Message, ReceivedSignature};
use crate::clock::Timestamp;
use crate::crypto::keys::{Algorithm, Algorithms};
use http::HeaderValue;
use std::time::Duration;

/// What a signature has to cover and to say before it counts.
///
/// | asked | of a request | of a response |
/// |---|---|---|
/// | the method | `@method` | `@status` |
/// | the target | `@target-uri`; or `@authority` with `@request-target`, or with `@path` and, where there is one, `@query` | the same and `@method`, both of the request (`;req`), and `signature;req` where the request was signed |
/// | the body | `content-digest` whenever there is one, recomputed | the same |
/// | the time | `created`, at most 300 s ago and 30 s ahead; `expires`, where it is there | the same |
/// | once only | `nonce` | nothing: a response is bound to a request that has one |
///
/// Method, target and status cannot be taken out: no policy lets pass a signature that covers
/// nothing.
#[derive(Clone, Debug)]
#[must_use]
pub struct Policy {
    is_request: bool,
    required: Vec<Component>,
    digest: bool,
    bound: bool,
    nonce: bool,
    max_age: Duration,
    clock_skew: Duration,
    tag: Option<Box<str>>,
    authorities: Vec<Box<str>>,
    algorithms: Algorithms,
}

impl Policy {
    /// The longest age that can be allowed: replay control remembers for as long.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
    /// The most that clocks may differ.
    pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(300);
    const USUAL_AGE: Duration = Duration::from_secs(300);
    const USUAL_SKEW: Duration = Duration::from_secs(30);

    /// For requests, with the defaults of the table above.
    pub fn request() -> Self {
        Self {
            is_request: true,
            required: Vec::new(),
            digest: true,
            bound: false,
            nonce: true,
            max_age: Self::USUAL_AGE,
            clock_skew: Self::USUAL_SKEW,
            tag: None,
            authorities: Vec::new(),
            algorithms: [
                Algorithm::Hs256,
                Algorithm::EdDsa,
                Algorithm::Es256,
                Algorithm::Es384,
                Algorithm::Ps512,
                Algorithm::Rs256,
            ]
            .into(),
        }
    }

    /// For responses, with the defaults of the table above.
    pub fn response() -> Self {
        Self {
            is_request: false,
            bound: true,
            nonce: false,
            ..Self::request()
        }
    }

    /// Asks for one more component.
    pub fn covering(mut self, component: Component) -> Self {
        self.required.push(component);
        self
    }

    /// Sets how old a signature may be; 300 seconds without this.
    ///
    /// # Errors
    /// When it is zero or more than [`MAX_AGE`](Self::MAX_AGE).
    pub fn max_age(mut self, max_age: Duration) -> Result<Self, ConfigError> {
        if max_age.is_zero() || max_age > Self::MAX_AGE {
            return Err(ConfigError::MaxAge(max_age));
        }
        self.max_age = max_age;
        Ok(self)
    }

    /// Sets how far ahead the clock of the signer may be; 30 seconds without this.
    ///
    /// # Errors
    /// When it is more than [`MAX_CLOCK_SKEW`](Self::MAX_CLOCK_SKEW).
    pub fn clock_skew(mut self, clock_skew: Duration) -> Result<Self, ConfigError> {
        if clock_skew > Self::MAX_CLOCK_SKEW {
            return Err(ConfigError::ClockSkew(clock_skew));
        }
        self.clock_skew = clock_skew;
        Ok(self)
    }

    /// Asks for this tag: a signature for another purpose does not count.
    ///
    /// # Errors
    /// When no signature could have it: it is not visible ASCII.
    pub fn tag(mut self, tag: &str) -> Result<Self, ConfigError> {
        self.tag = Some(super::sign::visible(tag)?);
        Ok(self)
    }

    /// Takes only what was sent to this host, with its port if that is not the usual one. Call
    /// it for each. Without it, a request for another host that knows the same keys passes.
    ///
    /// # Errors
    /// When it is no host.
    pub fn for_authority(mut self, authority: &str) -> Result<Self, ConfigError> {
        if !super::origin::is_authority(authority) {
            return Err(ConfigError::Authority(authority.to_owned()));
        }
        self.authorities.push(authority.into());
        Ok(self)
    }

    /// Takes only these algorithms. Each key is for one anyway.
    ///
    /// # Errors
    /// When none of the registry of RFC 9421 is among them.
    pub fn algorithms(mut self, algorithms: impl Into<Algorithms>) -> Result<Self, ConfigError> {
        self.algorithms = algorithms.into().intersection(self.algorithms);
        if self.algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        Ok(self)
    }

    /// Takes bodies that no digest is signed for: whoever holds the line can replace them. A
    /// digest that is covered is recomputed all the same.
    pub const fn insecure_without_digest(mut self) -> Self {
        self.digest = false;
        self
    }

    /// Takes requests without a nonce. They can be sent again until they are too old.
    pub const fn insecure_without_nonce(mut self) -> Self {
        self.nonce = false;
        self
    }

    /// Takes responses that may be the answer to another request.
    pub const fn insecure_unbound(mut self) -> Self {
        self.bound = false;
        self
    }

    /// The value of `Accept-Signature` that asks for such a signature (RFC 9421 section 5.1).
    #[must_use]
    pub fn accept_signature(&self) -> Option<HeaderValue> {
        let mut components = vec![
            if self.is_request {
                "\"@method\" \"@target-uri\""
            } else {
                "\"@status\""
            }
            .to_owned(),
        ];
        if self.digest {
            components.push("\"content-digest\"".to_owned());
        }
        let mut more: Vec<_> = self.required.iter().map(ToString::to_string).collect();
        more.retain(|it| {
            !components.contains(it) && it != "\"@method\"" && it != "\"@target-uri\""
        });
        components.extend(more);
        let mut text = format!("sig=({});created;keyid", components.join(" "));
        if self.nonce {
            text.push_str(";nonce");
        }
        if let Some(tag) = &self.tag {
            text.push_str(";tag=");
            super::fields::put_string(&mut text, tag);
        }
        HeaderValue::try_from(text).ok()
    }

    /// Whether a signature covers and says what is asked, before anybody looks for its key.
    pub(super) fn check(
        &self,
        signature: &ReceivedSignature,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if message.is_request() != self.is_request {
            return Err(Fault::BadComponent("of another kind of message".into()));
        }
        let parameters = signature.parameters();
        if self.tag.is_some() && self.tag.as_deref() != parameters.tag() {
            return Err(Fault::WrongTag);
        }
        if parameters.key_id().is_none() {
            return Err(Fault::NoKeyId);
        }
        self.check_time(signature, now)?;
        if self.nonce && parameters.nonce().is_none_or(str::is_empty) {
            return Err(Fault::NoNonce);
        }
        self.check_coverage(signature, message)?;
        self.check_authority(message)
    }

    fn check_time(&self, signature: &ReceivedSignature, now: Timestamp) -> Result<(), Fault> {
        let parameters = signature.parameters();
        let created = parameters.created().ok_or(Fault::NoTime)?;
        let now = now.unix_seconds();
        if created > now.saturating_add(self.clock_skew.as_secs()) {
            return Err(Fault::FromFuture);
        }
        if now.saturating_sub(created) > self.max_age.as_secs() {
            return Err(Fault::Stale);
        }
        if parameters.expires().is_some_and(|expires| now > expires) {
            return Err(Fault::Expired);
        }
        Ok(())
    }

    fn check_coverage(
        &self,
        signature: &ReceivedSignature,
        message: &Message<'_>,
    ) -> Result<(), Fault> {
        let covers = |name: &Name, shown: &str| {
            if signature.list().has_derived(name, false) {
                Ok(())
            } else {
                Err(Fault::NotCovered(shown.into()))
            }
        };
        if self.is_request {
            covers(&Name::Method, "@method")?;
            check_target(signature, message, false)?;
        } else {
            covers(&Name::Status, "@status")?;
        }
        if self.bound {
            check_bound(signature, message)?;
        }
        for component in &self.required {
            if !signature.covers(component) {
                return Err(Fault::NotCovered(component.as_str().into()));
            }
        }
        Ok(())
    }

    fn check_authority(&self, message: &Message<'_>) -> Result<(), Fault> {
        if !self.is_request {
            return Ok(());
        }
        let target = message.target()?;
        if !target.has_one_host(message.headers()) {
            return Err(Fault::WrongAuthority);
        }
        if self.authorities.is_empty() {
            return Ok(());
        }
        let authority = target.normal_authority()?;
        let mut ours = self.authorities.iter();
        if ours.any(|ours| ours.eq_ignore_ascii_case(authority)) {
            Ok(())
        } else {
            Err(Fault::WrongAuthority)
        }
    }

    pub(super) const fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(algorithm)
    }

    /// Whether there has to be a digest once there is a body.
    pub(super) const fn asks_for_digest(&self) -> bool {
        self.digest
    }

    /// How long a signature has to be remembered, so that it passes once only. Other machines
    /// may be behind this one by as much as clocks may differ.
    pub(super) fn memory(&self, signature: &ReceivedSignature, now: Timestamp) -> Duration {
        let parameters = signature.parameters();
        let created = parameters.created().unwrap_or_else(|| now.unix_seconds());
        let stale = created.saturating_add(self.max_age.as_secs());
        let end = stale.min(parameters.expires().unwrap_or(u64::MAX));
        let left = end.saturating_sub(now.unix_seconds()).saturating_add(2);
        Duration::from_secs(left).saturating_add(self.clock_skew)
    }
}

/// The target, in one of the ways there are.
fn check_target(
    signature: &ReceivedSignature,
    message: &Message<'_>,
    of_request: bool,
) -> Result<(), Fault> {
    let covers = |name: &Name| signature.list().has_derived(name, of_request);
    if covers(&Name::TargetUri) {
        return Ok(());
    }
    if !covers(&Name::Authority) {
        return Err(Fault::NotCovered("@authority".into()));
    }
    if covers(&Name::RequestTarget) {
        return Ok(());
    }
    if !covers(&Name::Path) {
        return Err(Fault::NotCovered("@path".into()));
    }
    // A query that came to it would change the meaning as well.
    if covers(&Name::Query) {
        return Ok(());
    }
    let has_query = match &message.head {
        super::message::Head::Request(target) => target.uri.query().is_some(),
        super::message::Head::Response { request, .. } => match request {
            Some(request) => request.target()?.uri.query().is_some(),
            None => return Err(Fault::Missing("req".into())),
        },
    };
    if has_query {
        Err(Fault::NotCovered("@query".into()))
    } else {
        Ok(())
    }
}

/// Whether a response is the one to its request.
fn check_bound(signature: &ReceivedSignature, message: &Message<'_>) -> Result<(), Fault> {
    if !signature.list().has_derived(&Name::Method, true) {
        return Err(Fault::NotCovered("\"@method\";req".into()));
    }
    check_target(signature, message, true)?;
    let super::message::Head::Response {
        request: Some(request),
        ..
    } = &message.head
    else {
        return Err(Fault::Missing("req".into()));
    };
    let is_signed = request.headers().contains_key(SIGNATURE);
    if is_signed && !covers_signature_of_request(signature.list()) {
        return Err(Fault::NotCovered("\"signature\";req".into()));
    }
    Ok(())
}

/// Whether it covers the signature of the request, all of it.
fn covers_signature_of_request(list: &List) -> bool {
    list.identities()
        .any(|it| it.name == Name::Field(SIGNATURE) && it.is_of_request() && it.argument.is_none())
}
