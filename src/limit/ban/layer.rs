use super::court::{Court, Lookup};
use super::record::Record;
use super::scope::Standing;
use super::service::{Counting, Suspect};
use super::subject::SubjectKind;
use super::tally::BANNED;
use super::{BanSubject, Bans, other_sites};
use crate::event::{Emitter, EventKind, TellOnce};
use crate::guard::{
    Body, Exit, Guard, GuardLayer, Guarded, Rejection, RejectionKind, Render, RequestHead, Verdict,
};
use crate::net::client_ip::ClientIp;
use crate::principal::Principal;
use crate::store::StoreError;
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;

type SubjectOf = dyn Fn(&RequestHead<'_>) -> Option<String> + Send + Sync;

/// Refuses banned clients before anything else runs, and counts what the others do. See the
/// [module](super).
///
/// Bans by the client's network, unless one of the `by_` methods says otherwise. Requests in
/// which what it bans by is not found pass, uncounted.
#[derive(Clone, Debug)]
#[must_use]
pub struct BanLayer {
    guard: BanGuard,
    render: Option<SharedRender>,
}

impl BanLayer {
    /// Refuses those who are banned here.
    pub fn new(bans: Bans) -> Self {
        let guard = BanGuard {
            court: bans.court,
            by: By::ClientIp,
            too_many: false,
            tells: false,
            closed: false,
            misplaced: TellOnce::default(),
        };
        Self {
            guard,
            render: None,
        }
    }

    /// Bans by the [`Principal`]. Belongs inside of authentication, in addition to the layer
    /// outside.
    pub fn by_principal(mut self) -> Self {
        self.guard.by = By::Principal;
        self
    }

    /// Bans by the credential that the [`Principal`] was authenticated with, such as an API
    /// key. Belongs inside of authentication.
    pub fn by_credential(mut self) -> Self {
        self.guard.by = By::Credential;
        self
    }

    /// Bans by what `fingerprint` finds in the head of the request. It must be something that
    /// an honest client has to itself, and that a client cannot change at will: what a proxy
    /// in front found out of the TLS handshake, not a header that anybody can write. Where it
    /// is `None` or empty, nobody is banned.
    pub fn by(
        mut self,
        fingerprint: impl Fn(&RequestHead<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.guard.by = By::Fingerprint(Arc::new(fingerprint));
        self
    }

    /// Answers 429 instead of 403.
    pub const fn answer_too_many_requests(mut self) -> Self {
        self.guard.too_many = true;
        self
    }

    /// Tells the banned how long it lasts (`Retry-After`). Not told by default: it would give
    /// away the policy, and when to come back. People who share an address with an attacker
    /// may be glad of it.
    pub const fn tell_remaining_time(mut self) -> Self {
        self.guard.tells = true;
        self
    }

    /// Refuses everybody with 503 while the store cannot say who is banned. By default, those
    /// that this process knows to be banned stay so, and others are admitted: bans are one
    /// defense of several, and an outage of theirs must not become one of the service.
    pub const fn refuse_all_while_the_store_is_unavailable(mut self) -> Self {
        self.guard.closed = true;
        self
    }

    /// Renders refusals by `render`.
    pub fn rendered_by(mut self, render: impl Render) -> Self {
        self.render = Some(SharedRender(Arc::new(render)));
        self
    }
}

#[derive(Clone)]
struct SharedRender(Arc<dyn Render>);

impl fmt::Debug for SharedRender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Render")
    }
}

impl Render for SharedRender {
    fn render(&self, rejection: &Rejection, head: &RequestHead<'_>) -> Response<bytes::Bytes> {
        self.0.render(rejection, head)
    }
}

impl<S> Layer<S> for BanLayer {
    type Service = Guarded<Counting<S>, BanGuard>;

    fn layer(&self, inner: S) -> Self::Service {
        let guard = self.guard.clone();
        guard.court.enforce(guard.by.kind());
        let layer = match &self.render {
            None => GuardLayer::new(guard),
            Some(render) => guard.rendered_by(render.clone()),
        };
        layer.layer(Counting::new(inner))
    }
}

/// The part of a [`BanLayer`] that refuses. The other part, [`Counting`], stands behind it.
#[derive(Clone)]
pub struct BanGuard {
    court: Arc<Court>,
    by: By,
    too_many: bool,
    tells: bool,
    closed: bool,
    misplaced: TellOnce,
}

#[derive(Clone)]
enum By {
    ClientIp,
    Principal,
    Credential,
    Fingerprint(Arc<SubjectOf>),
}

impl By {
    const fn kind(&self) -> SubjectKind {
        match self {
            Self::ClientIp => SubjectKind::Network,
            Self::Principal => SubjectKind::Principal,
            Self::Credential => SubjectKind::Credential,
            Self::Fingerprint(_) => SubjectKind::Fingerprint,
        }
    }
}

impl BanGuard {
    fn standing(&self, request: &RequestHead<'_>) -> Standing {
        let principal = || request.extensions().get::<Principal>();
        let subject = match &self.by {
            By::ClientIp => return self.standing_of_address(request),
            By::Principal => principal().map(BanSubject::from),
            By::Credential => principal()
                .and_then(|who| who.authentication().credential())
                .map(BanSubject::credential),
            By::Fingerprint(find) => find(request)
                .filter(|found| !found.is_empty())
                .map(|found| BanSubject::fingerprint(&found)),
        };
        match subject {
            Some(subject) if !self.court.scope.is_allowed(&subject) => Standing::Subject(subject),
            _ => Standing::Exempt,
        }
    }

    /// Without an address nobody is banned, for then everybody would be.
    fn standing_of_address(&self, request: &RequestHead<'_>) -> Standing {
        if let Some(client) = request.extensions().get::<ClientIp>() {
            return self.court.scope.standing(client.address());
        }
        self.misplaced.tell(
            request.extensions(),
            "bans_without_address",
            "no ClientIp in the request: nobody is banned by address",
        );
        Standing::Exempt
    }

    /// Whether the bans let this subject pass.
    fn ask(&self, subject: &BanSubject, emitter: &Emitter) -> Verdict<()> {
        let (answer, known) = match self.court.look(subject) {
            Lookup::Banned(record) => return Verdict::Reject(self.banned(&record)),
            Lookup::Ask(answer, known) => (answer, known),
        };
        match answer.try_ready() {
            Ok(answer) => {
                let learnt = self.court.learn(subject, known, answer, emitter);
                self.decide(learnt).into()
            }
            Err(waiting) => {
                let (guard, subject) = (self.clone(), subject.clone());
                let emitter = emitter.clone();
                Verdict::Later(Box::pin(async move {
                    let answer = waiting.await;
                    let learnt = guard.court.learn(&subject, known, answer, &emitter);
                    guard.decide(learnt)
                }))
            }
        }
    }

    fn decide(&self, learnt: Result<Option<Arc<Record>>, StoreError>) -> Result<(), Rejection> {
        match learnt {
            Ok(Some(record)) => Err(self.banned(&record)),
            Err(error) if self.closed => Err(cannot_say(&error)),
            // Fails open.
            Ok(None) | Err(_) => Ok(()),
        }
    }

    fn banned(&self, record: &Record) -> Rejection {
        let reason = format!("banned for {}, level {}", record.cause(), record.level());
        let rejection = self.refusal().with_reason(reason);
        match self.tells {
            true => rejection.with_retry_after(record.remaining(self.court.ledger.clock.now())),
            false => rejection,
        }
    }

    fn refusal(&self) -> Rejection {
        let kind = match self.too_many {
            true => RejectionKind::RateLimited,
            false => RejectionKind::Banned,
        };
        Rejection::new(kind)
            .with_code(BANNED)
            .with_event(Some(EventKind::MaliciousExtraneous))
    }
}

async fn settled(verdict: Verdict<()>) -> Result<(), Rejection> {
    match verdict {
        Verdict::Admit(()) => Ok(()),
        Verdict::Reject(rejection) => Err(rejection),
        Verdict::Later(later) => later.await,
    }
}

fn cannot_say(error: &StoreError) -> Rejection {
    // The outage is told once, by the court.
    Rejection::new(RejectionKind::Unavailable)
        .with_code("bans_unavailable")
        .with_retry_after(Duration::from_secs(1))
        .with_reason(error.to_string())
        .with_event(None)
}

impl Guard for BanGuard {
    type Exit = BanExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<BanExit> {
        let subject = match self.standing(&RequestHead::of(request)) {
            Standing::Exempt => return Verdict::Admit(BanExit(None)),
            Standing::Blocked => {
                let reason = "the address is on a list of networks to block";
                return Verdict::Reject(self.refusal().with_reason(reason));
            }
            Standing::Subject(subject) => subject,
        };
        let emitter = Emitter::of(request.extensions());
        let others = other_sites::sent(request.headers()).then(|| subject.of_other_sites());
        let client = match self.ask(&subject, &emitter) {
            Verdict::Reject(rejection) => return Verdict::Reject(rejection),
            verdict => verdict,
        };
        let others_pass = match &others {
            Some(others) => self.ask(others, &emitter),
            None => Verdict::Admit(()),
        };
        let mut exit = BanExit(Some(Suspect {
            court: Arc::clone(&self.court),
            subject: others.unwrap_or(subject),
        }));
        match (client, others_pass) {
            (Verdict::Admit(()), Verdict::Admit(())) => {
                exit.enter(request);
                Verdict::Admit(exit)
            }
            (_, Verdict::Reject(rejection)) => Verdict::Reject(rejection),
            (client, others) => Verdict::Later(Box::pin(async move {
                settled(client).await?;
                settled(others).await?;
                Ok(exit)
            })),
        }
    }
}

impl fmt::Debug for BanGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match &self.by {
            By::ClientIp => "client ip",
            By::Principal => "principal",
            By::Credential => "credential",
            By::Fingerprint(_) => "fingerprint",
        };
        f.debug_struct("BanGuard")
            .field("by", &by)
            .field("policy", &self.court.ledger.policy)
            .finish_non_exhaustive()
    }
}

/// Hands whom the guard admitted on to [`Counting`].
#[derive(Debug)]
pub struct BanExit(Option<Suspect>);

impl Exit for BanExit {
    fn enter<B>(&mut self, request: &mut Request<B>) {
        if let Some(suspect) = self.0.take() {
            request.extensions_mut().insert(suspect);
        }
    }

    fn leave<R>(self, _response: &mut Response<Body<R>>) {}
}
