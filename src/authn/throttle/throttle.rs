use super::attempt::{Attempt, Door};
use super::builder::ThrottleBuilder;
use super::device::Devices;
use super::names::Names;
use super::permit::{Counted, Permit};
use super::spray::Spray;
use super::steps::{Standing, Steps, Tally};
use super::{DeviceToken, ThrottleError};
use crate::clock::{Clock, Timestamp};
use crate::event::Emitter;
use crate::net::client_ip::{Ipv6Prefix, rate_key_with_prefix};
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::store::{Key, Namespace, Store, StoreError, StoreErrorKind, Swap};
use http::HeaderMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How often a count is tried while others come between. Each time one of them got on, and a
/// delay ends the tries of all: so many in a row are no accident.
const MAX_TRIES: usize = 256;

/// Counts the failed tries of all who guess, and makes them wait. Cheap to clone. See the
/// [module](super) for the rules.
#[derive(Clone, Debug)]
pub struct Throttle {
    pub(super) settings: Arc<Settings>,
    pub(super) emitter: Emitter,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) store: Store,
    pub(super) names: Names,
    pub(super) scopes: Scopes,
    pub(super) spray: Spray,
    pub(super) devices: Devices,
    pub(super) ipv6_prefix: Ipv6Prefix,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

/// Whose failures are counted together.
#[derive(Clone, Debug)]
pub(super) struct Scopes {
    pub(super) device: Scope,
    pub(super) client: Scope,
    pub(super) pair: Scope,
    pub(super) account: Scope,
}

#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) namespace: Namespace,
    pub(super) steps: Steps,
}

/// What came of counting a try.
enum Count {
    /// It may be made, and if it fails, this is how many failures there are.
    Open(u32),
    Delayed(ThrottleError),
    Locked(ThrottleError),
}

impl Throttle {
    /// Counts in `store`, under names hashed with `key`. The key is at least 32 random bytes,
    /// the same on all machines, and not kept where the store is.
    ///
    /// What strangers type makes entries. Give them a store of their own, apart from sessions
    /// and revocations, unless it has room for all places.
    pub fn builder(store: Store, key: &SecretBytes) -> ThrottleBuilder {
        ThrottleBuilder::new(store, key)
    }

    /// The same counts; what happens by this handle is told by `emitter`: in a handler, that of
    /// the request.
    #[must_use]
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            emitter,
            ..self.clone()
        }
    }

    /// Asks for a try, and counts it as failed already: of many at once, no more get through
    /// than may fail. Only then look at the secret, and say what came of it by
    /// [`succeeded`](Permit::succeeded) or [`failed`](Permit::failed). One that is never said
    /// anything of has failed.
    ///
    /// # Errors
    /// [`Delayed`](ThrottleError::Delayed) and [`Locked`](ThrottleError::Locked) when there is
    /// no try now, and when the store fails.
    pub async fn begin(&self, attempt: &Attempt<'_>) -> Result<Permit, ThrottleError> {
        let (door, account) = (attempt.door, attempt.account);
        let settings = &*self.settings;
        let scopes = &settings.scopes;
        if let Some(id) = self.known_device(attempt) {
            let place = settings.names.device(door, &id);
            match self.count(&scopes.device, &place).await? {
                Count::Open(failures) => {
                    let locks = failures >= scopes.device.steps.lock_at();
                    let counted = Counted::Device { id, place, locks };
                    return Ok(Permit::new(self, attempt, counted));
                }
                Count::Delayed(error) => return Err(error),
                // By its own failures: it is a stranger again.
                Count::Locked(_) => {}
            }
        }
        let network = self.network(attempt.client);
        let client = settings.names.client(network);
        // A lock of the client says nothing of the account, so it is told as it is.
        self.open(&scopes.client, &client).await?.map_err(delayed)?;
        let sprayed = settings.names.account(Door::new("any"), account);
        settings.spray.account(self, &client, &sprayed).await?;
        let pair = settings.names.pair(door, account, network);
        let by_pair = self.open(&scopes.pair, &pair).await??;
        let account = settings.names.account(door, account);
        let by_all = self.open(&scopes.account, &account).await??;
        let locks =
            by_pair >= scopes.pair.steps.lock_at() || by_all >= scopes.account.steps.lock_at();
        let counted = Counted::Stranger {
            client,
            sprayed,
            pair,
            account,
            locks,
        };
        Ok(Permit::new(self, attempt, counted))
    }

    /// What a browser brought as the token of a known device of this account.
    #[must_use]
    pub fn device_in<'a>(&self, headers: &'a HeaderMap, account: &str) -> Option<&'a str> {
        let settings = &*self.settings;
        settings.devices.find(&settings.names, account, headers)
    }

    /// A token for a device that has proved by other means to be the account's, as by the link
    /// of a reset. A login has it from [`Permit::succeeded`].
    pub fn known_from_now(&self, account: &str) -> DeviceToken {
        self.device_token(account, self.settings.random.bytes())
    }

    pub(super) fn device_token(&self, account: &str, id: [u8; 16]) -> DeviceToken {
        let settings = &*self.settings;
        let now = settings.clock.now();
        settings.devices.token(&settings.names, account, id, now)
    }

    /// Forgets the failures of all strangers at an account, and those of one client where it is
    /// named: for an administrator who has made sure who asks, and after a reset. What the
    /// client did at other accounts stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(
        &self,
        door: Door,
        account: &str,
        client: Option<IpAddr>,
    ) -> Result<(), ThrottleError> {
        let Settings {
            store,
            names,
            scopes,
            ..
        } = &*self.settings;
        if let Some(client) = client {
            let pair = names.pair(door, account, self.network(client));
            store.delete(Key::new(scopes.pair.namespace, &pair)).await?;
        }
        let account = names.account(door, account);
        let key = Key::new(scopes.account.namespace, &account);
        store.delete(key).await?;
        Ok(())
    }

    fn network(&self, client: IpAddr) -> IpAddr {
        rate_key_with_prefix(client, self.settings.ipv6_prefix).network()
    }

    fn known_device(&self, attempt: &Attempt<'_>) -> Option<[u8; 16]> {
        let settings = &*self.settings;
        let now = settings.clock.now();
        let (names, account) = (&settings.names, attempt.account);
        settings.devices.read(names, account, attempt.device?, now)
    }

    /// Counts a try, if there may be one now.
    async fn count(&self, scope: &Scope, place: &[u8]) -> Result<Count, ThrottleError> {
        let steps = &scope.steps;
        self.change(scope, place, |tally, now| {
            match tally.standing(steps, now) {
                Standing::Open => {
                    let failed = tally.failed(steps, now);
                    (Some(failed), Count::Open(failed.failures(steps, now)))
                }
                Standing::Delayed(retry_after) => {
                    (None, Count::Delayed(ThrottleError::Delayed { retry_after }))
                }
                Standing::Locked(retry_after) => {
                    (None, Count::Locked(ThrottleError::Locked { retry_after }))
                }
            }
        })
        .await
    }

    async fn open(
        &self,
        scope: &Scope,
        place: &[u8],
    ) -> Result<Result<u32, ThrottleError>, ThrottleError> {
        Ok(match self.count(scope, place).await? {
            Count::Open(failures) => Ok(failures),
            Count::Delayed(error) | Count::Locked(error) => Err(error),
        })
    }

    /// Takes failures back, and tells how many there were.
    pub(super) async fn take_back(
        &self,
        scope: &Scope,
        place: &[u8],
        failures: u32,
    ) -> Result<u32, ThrottleError> {
        let steps = &scope.steps;
        self.change(scope, place, |tally, now| {
            match tally.failures(steps, now) {
                0 => (None, 0),
                before => (Some(tally.without(steps, failures)), before),
            }
        })
        .await
    }

    /// Decides by a tally and writes what becomes of it, at one moment: when another comes in
    /// between, it decides anew.
    async fn change<T>(
        &self,
        scope: &Scope,
        place: &[u8],
        decide: impl Fn(Tally, Timestamp) -> (Option<Tally>, T),
    ) -> Result<T, ThrottleError> {
        let Settings { store, clock, .. } = &*self.settings;
        let key = Key::new(scope.namespace, place);
        let mut found = store.get(key).await?;
        for _ in 0..MAX_TRIES {
            let tally = found.as_deref().map_or(Some(Tally::default()), Tally::read);
            let now = clock.now();
            let (new, answer) = decide(tally.ok_or_else(ThrottleError::corrupt)?, now);
            let Some(new) = new else { return Ok(answer) };
            let ttl = new.memory(&scope.steps, now);
            let swap = store.compare_and_swap(key, found.as_deref(), &new.write(), ttl);
            match swap.await? {
                Swap::Swapped => return Ok(answer),
                Swap::Conflict(there) => found = there,
            }
        }
        let message = "too many try for one account or from one client at once";
        Err(StoreError::new(StoreErrorKind::Unavailable, message).into())
    }
}

fn delayed(error: ThrottleError) -> ThrottleError {
    match error {
        ThrottleError::Locked { retry_after } => ThrottleError::Delayed { retry_after },
        other => other,
    }
}
