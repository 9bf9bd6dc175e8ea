use super::court::{Court, Lookup, banned};
use super::ledger::{BUCKETS, Ledger, Sentence};
use super::scope::{Ipv4Prefix, Scope};
use super::tally::Tally;
use super::{Ban, BanError, BanPolicy, BanSubject, NetworkList};
use crate::clock::Clock;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::net::client_ip::Ipv6Prefix;
use crate::principal::Principal;
use crate::store::{OwnerLimit, Store, StoreError};
use ipnet::IpNet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Who is banned: the decision of a [`BanLayer`](super::BanLayer), without HTTP, and the
/// administrator's hand on it. Cheap to clone; clones share everything.
///
/// ```
/// use portcullis::event::EventKind;
/// use portcullis::limit::ban::{BanSubject, Bans};
/// use portcullis::store::Store;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bans = Bans::new(Store::memory());
/// let client = BanSubject::from("203.0.113.7".parse::<std::net::IpAddr>()?);
/// for _ in 0..10 {
///     assert_eq!(bans.find(&client).await?, None);
///     bans.report(&client, EventKind::AuthnLoginFail).await;
/// }
/// assert_eq!(bans.find(&client).await?.unwrap().cause, "failed-logins");
///
/// assert!(bans.lift(&client).await?);
/// let ann = BanSubject::principal(None, "ann");
/// bans.ban(&ann, Duration::from_secs(3600), "ticket 17").await?;
/// assert_eq!(bans.list().await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bans {
    pub(super) court: Arc<Court>,
    emitter: Emitter,
    /// Who does what is done by hand.
    actor: Option<Arc<str>>,
}

impl Bans {
    /// How long a ban that was lifted on another machine may still hold on this one: a second.
    /// So long, one that is known is not asked for again.
    pub const LIFT_DELAY: Duration = Duration::from_secs(1);

    /// The most bans that can hold at once: 131,072, by their names in 1024 parts of 128 each.
    /// Where a part is full, a further ban drives out the one of that part that would end
    /// first.
    pub const MAX: usize = BUCKETS as usize * OwnerLimit::MAX;

    /// Bans by the recommended policy, shared by all who share the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self::builder(store).build()
    }

    /// Bans by another policy, with lists of networks, or by other prefixes.
    pub fn builder(store: Store) -> BansBuilder {
        BansBuilder {
            store,
            policy: BanPolicy::recommended(),
            clock: Clock::system(),
            scope: Scope::new(),
            allowed: Vec::new(),
        }
    }

    /// The same bans; what is done with this handle is told by `emitter`: in a handler, that
    /// of the request.
    #[must_use]
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            emitter,
            ..self.clone()
        }
    }

    /// The same bans; what is done by hand with this handle is told to be done by this
    /// principal.
    #[must_use]
    pub fn on_behalf_of(&self, principal: &Principal) -> Self {
        Self {
            actor: Some(principal.shared_id()),
            ..self.clone()
        }
    }

    /// Tells what was done by hand.
    fn tell(&self, event: SecurityEvent) {
        self.emitter.emit(match &self.actor {
            Some(actor) => event.with_detail("by", actor),
            None => event,
        });
    }

    /// The ban of this subject. An address is looked up as the network that it would be banned
    /// by; lists of networks are not looked at.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, subject: &BanSubject) -> Result<Option<Ban>, StoreError> {
        let Ok(subject) = self.court.scope.normalized(subject) else {
            return Ok(None);
        };
        let record = match self.court.look(&subject) {
            Lookup::Banned(record) => Some(record),
            Lookup::Ask(answer, known) => {
                let answer = answer.await;
                self.court.learn(&subject, known, answer, &self.emitter)?
            }
        };
        Ok(record.map(|record| Ban::of(subject, &record)))
    }

    /// Counts an event against a subject: one that was not emitted in a request, or of which
    /// the layer could not know whom it is about. When this returns and the subject is to be
    /// banned, it is. Who is never banned is not counted.
    pub async fn report(&self, subject: &BanSubject, kind: EventKind) {
        let Ok(subject) = self.court.scope.normalized(subject) else {
            return;
        };
        let mut tally = Tally::default();
        tally.hear(&self.court.ledger.policy, kind, None);
        let offenses = tally.into_offenses();
        self.court.charge(&subject, &offenses, &self.emitter).await;
    }

    /// Bans a subject from now on for `duration`, whether it is banned or not. The ban leaves
    /// the level of those by rule as it is. The reason is for operators: it comes up in lists
    /// and events, cut to 200 bytes.
    ///
    /// # Errors
    /// When it is never to be banned, is a network wider than clients are banned by, or the
    /// store fails.
    pub async fn ban(
        &self,
        subject: &BanSubject,
        duration: Duration,
        reason: &str,
    ) -> Result<Ban, BanError> {
        let court = &self.court;
        let subject = court.scope.normalized(subject)?;
        let duration = duration.min(Store::MAX_TTL);
        let reason = reason.get(..reason.floor_char_boundary(200));
        let sentence =
            court
                .ledger
                .sentence_by_hand(&subject, duration, reason.unwrap_or_default());
        let (record, evicted) = match sentence.await? {
            Sentence::New { record, evicted } => (record, evicted),
            Sentence::Standing(record) => (record, 0),
        };
        self.tell(banned(&subject, &record, evicted).with_code("by_hand"));
        let record = court.remember(&subject, record, Self::LIFT_DELAY);
        Ok(Ban::of(subject, &record))
    }

    /// Whether a ban of this subject would be noticed: whether a [`BanLayer`](super::BanLayer)
    /// of this process looks up subjects of its kind. In a process that has none, as one for
    /// administration alone, all are taken to be looked up elsewhere.
    #[must_use]
    pub fn are_enforced_for(&self, subject: &BanSubject) -> bool {
        self.court.enforces(subject.kind())
    }

    /// Lifts a ban, forgives the subject its level and what was counted against it. Whether
    /// there was a ban. Other machines see it within [`LIFT_DELAY`](Self::LIFT_DELAY).
    ///
    /// # Errors
    /// When the store fails; in this process, the ban is lifted until it is asked again.
    pub async fn lift(&self, subject: &BanSubject) -> Result<bool, BanError> {
        let normalized = self.court.scope.normalized(subject);
        // Who became exempt may be banned from before.
        let subject = match normalized {
            Err(BanError::Exempt(subject)) => subject,
            other => other?,
        };
        let was_known = self.court.known.forget(&subject);
        let was_banned = self.court.ledger.lift(&subject).await? || was_known;
        // Whoever asked in between may have learnt the old answer.
        self.court.known.forget(&subject);
        if was_banned {
            let event = SecurityEvent::new(EventKind::ClientBanLifted);
            self.tell(event.with_subject(&subject.to_string()));
        }
        Ok(was_banned)
    }

    /// All bans that hold, those first that end first. Asks the store a thousand times: for
    /// people, not for requests.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<Ban>, StoreError> {
        self.court.ledger.list().await
    }
}

impl fmt::Debug for Bans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bans")
            .field("policy", &self.court.ledger.policy)
            .field("known", &self.court.known)
            .finish_non_exhaustive()
    }
}

/// Says who is banned, why and where. See [`Bans::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BansBuilder {
    store: Store,
    policy: BanPolicy,
    clock: Clock,
    scope: Scope,
    allowed: Vec<IpNet>,
}

impl BansBuilder {
    /// Bans by this policy. Default [`BanPolicy::recommended`].
    pub fn policy(mut self, policy: BanPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes the time from this clock. The machines' clocks should agree to a second or two:
    /// levels and remaining times are reckoned by them. Whether a ban still holds, the store
    /// says by its own.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Never bans this subject, whatever happens. Of a network, no address.
    pub fn allow(mut self, subject: BanSubject) -> Self {
        match subject.network() {
            Some(network) => self.allowed.push(network),
            None => {
                self.scope.allowed.insert(subject);
            }
        }
        self
    }

    /// Never bans clients of these networks, whatever happens. Can be called several times.
    ///
    /// Put your proxies in, where they have public addresses: one that is not among those that
    /// the [`ClientIpLayer`](crate::net::client_ip::ClientIpLayer) trusts is the client of all
    /// its requests.
    pub fn allow_networks(mut self, list: NetworkList) -> Self {
        self.scope.allow.push(list);
        self
    }

    /// Refuses all clients of these networks, unless they are allowed. Can be called several
    /// times. Costs no question to the store.
    pub fn block_networks(mut self, list: NetworkList) -> Self {
        self.scope.block.push(list);
        self
    }

    /// Bans IPv4 clients by networks of this prefix instead of single addresses.
    pub const fn ipv4_prefix(mut self, prefix: Ipv4Prefix) -> Self {
        self.scope.ipv4_prefix = prefix;
        self
    }

    /// Bans IPv6 clients by networks of this prefix instead of 64 bits.
    pub const fn ipv6_prefix(mut self, prefix: Ipv6Prefix) -> Self {
        self.scope.ipv6_prefix = prefix;
        self
    }

    /// Bans clients of private, shared and link-local networks too: for services whose clients
    /// are there. Be sure that no proxy or load balancer of such an address is left out of the
    /// trusted ones: a ban on it would shut out all who come through it.
    pub const fn including_private_networks(mut self) -> Self {
        self.scope.private = true;
        self
    }

    /// Bans IPv4 loopback addresses too: for a service whose clients are programs of its own
    /// machine, or that is being tried out. Behind a proxy on the same machine that is not
    /// among the trusted ones, the first ban would shut out everybody.
    pub const fn including_loopback_for_services_of_one_machine(mut self) -> Self {
        self.scope.loopback = true;
        self
    }

    /// The bans.
    #[must_use]
    pub fn build(mut self) -> Bans {
        if !self.allowed.is_empty() {
            self.scope.allow.push(NetworkList::new(self.allowed));
        }
        Bans {
            court: Arc::new(Court::new(
                Ledger {
                    store: self.store,
                    policy: self.policy,
                    clock: self.clock,
                },
                self.scope,
            )),
            emitter: Emitter::default(),
            actor: None,
        }
    }
}
