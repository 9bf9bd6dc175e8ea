use super::attempt::{Attempt, Door};
use super::builder::ThrottleBuilder;
use super::device::Devices;
use super::names::{Names, Place};
use super::permit::{Counted, Permit, Stranger};
use super::spray::Spray;
use super::steps::{Standing, Steps, Tally};
use super::{DeviceToken, ThrottleError};
use crate::clock::{Clock, Timestamp};
use crate::event::Emitter;
use crate::net::client_ip::{Ipv6Prefix, rate_key_with_prefix};
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::store::{Key, Namespace, Store, StoreError, StoreErrorKind, Swap};
use bytes::Bytes;
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
    /// Tries of a pair while one of them is locked.
    pub(super) masked: Scope,
}

impl Scopes {
    /// Where tries of strangers are counted, in this order.
    pub(super) const fn of_strangers(&self) -> [&Scope; 3] {
        [&self.client, &self.pair, &self.account]
    }
}

#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) namespace: Namespace,
    pub(super) steps: Steps,
    /// Whether it is about one account. Its lock is told of, and looks like a wrong password.
    /// A lock of all that a client does says nothing of an account, so it is a long delay.
    pub(super) is_of_account: bool,
}

impl Scope {
    /// Whether there may be a try.
    fn open(&self, standing: Standing) -> Result<(), ThrottleError> {
        match standing {
            Standing::Open => Ok(()),
            Standing::Locked(retry_after) if self.is_of_account => {
                Err(ThrottleError::Locked { retry_after })
            }
            Standing::Delayed(retry_after) | Standing::Locked(retry_after) => {
                Err(ThrottleError::Delayed { retry_after })
            }
        }
    }
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
        let counted = match self.count_device(attempt).await? {
            Some(counted) => counted,
            None => Counted::Stranger(self.count_stranger(attempt).await?),
        };
        Ok(Permit::new(self, attempt, counted))
    }

    /// Counts the try of a known device; `None` is a stranger's.
    async fn count_device(&self, attempt: &Attempt<'_>) -> Result<Option<Counted>, ThrottleError> {
        let Some(id) = self.known_device(attempt) else {
            return Ok(None);
        };
        let settings = &*self.settings;
        let scope = &settings.scopes.device;
        let place = settings.names.device(attempt.door, &id);
        let found = self.found(scope, &place).await?;
        match self.count(scope, &place, found).await {
            Ok(failures) => {
                let locks = failures >= scope.steps.lock_at();
                Ok(Some(Counted::Device { id, place, locks }))
            }
            // By its own failures: it is a stranger again.
            Err(ThrottleError::Locked { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts the try of a stranger: by client, by pair, by account.
    ///
    /// All are asked before any is counted, for where one of them refuses, no secret is looked
    /// at: a program with an old password that waits for nothing would else use up the tries of
    /// its whole network, and an owner who is held up by strangers would become one.
    async fn count_stranger(&self, attempt: &Attempt<'_>) -> Result<Stranger, ThrottleError> {
        let Settings {
            names,
            scopes,
            spray,
            ..
        } = &*self.settings;
        let (door, account) = (attempt.door, attempt.account);
        let network = self.network(attempt.client);
        let (client, pair) = (names.client(network), names.pair(door, account, network));
        let places = [client, pair, names.account(door, account)];
        let found = match self.found_open(&places).await {
            // It shall look like a wrong password and so costs a hash, but not without end.
            Err(locked @ ThrottleError::Locked { .. }) => {
                let found = self.found(&scopes.masked, &pair).await?;
                self.count(&scopes.masked, &pair, found).await?;
                return Err(locked);
            }
            found => found?,
        };
        let sprayed = names.account(Door::new("any"), account);
        let is_new_there = spray.account(self, &client, &sprayed).await?;
        let mut stranger = Stranger {
            places,
            counted: 0,
            sprayed,
            is_new_there,
            locks: false,
        };
        let scopes = scopes.of_strangers().into_iter();
        for ((scope, place), found) in scopes.zip(places).zip(found) {
            match self.count(scope, &place, found).await {
                Ok(failures) => {
                    stranger.counted += 1;
                    stranger.locks |= scope.is_of_account && failures >= scope.steps.lock_at();
                }
                // Others came between.
                Err(error) => {
                    stranger.take_back(self).await?;
                    return Err(error);
                }
            }
        }
        Ok(stranger)
    }

    /// What the store holds of a stranger's places, if each leaves a try open.
    async fn found_open(&self, places: &[Place; 3]) -> Result<[Option<Bytes>; 3], ThrottleError> {
        let settings = &*self.settings;
        let mut all = [const { None }; 3];
        let scopes = settings.scopes.of_strangers().into_iter();
        for ((scope, place), found) in scopes.zip(places).zip(&mut all) {
            *found = self.found(scope, place).await?;
            let tally = tally_of(found.as_deref())?;
            scope.open(tally.standing(&scope.steps, settings.clock.now()))?;
        }
        Ok(all)
    }

    /// What a browser brought as the token of a known device of this account.
    #[must_use]
    pub fn device_in<'a>(&self, headers: &'a HeaderMap, account: &str) -> Option<&'a str> {
        let settings = &*self.settings;
        settings.devices.find(&settings.names, account, headers)
    }

    /// Whether this is the token of a known device of this account: for what else is to go easy
    /// on it, such as codes that are mailed.
    #[must_use]
    pub fn knows(&self, account: &str, token: Option<&str>) -> bool {
        let settings = &*self.settings;
        let now = settings.clock.now();
        let read = |token| settings.devices.read(&settings.names, account, token, now);
        token.and_then(read).is_some()
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

    async fn found(&self, scope: &Scope, place: &[u8]) -> Result<Option<Bytes>, ThrottleError> {
        let key = Key::new(scope.namespace, place);
        Ok(self.settings.store.get(key).await?)
    }

    /// Counts a try, if there may be one now, and tells how many failures there are if it
    /// fails. `found` is what was there a moment ago.
    async fn count(
        &self,
        scope: &Scope,
        place: &[u8],
        found: Option<Bytes>,
    ) -> Result<u32, ThrottleError> {
        let steps = &scope.steps;
        let counted = self.change(scope, place, found, |tally, now| {
            match scope.open(tally.standing(steps, now)) {
                Ok(()) => {
                    let failed = tally.failed(steps, now);
                    (Some(failed), Ok(failed.failures(steps, now)))
                }
                Err(refused) => (None, Err(refused)),
            }
        });
        counted.await?
    }

    /// Takes failures back, and tells how many there were.
    pub(super) async fn take_back(
        &self,
        scope: &Scope,
        place: &[u8],
        failures: u32,
    ) -> Result<u32, ThrottleError> {
        let steps = &scope.steps;
        let found = self.found(scope, place).await?;
        self.change(scope, place, found, |tally, now| {
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
        mut found: Option<Bytes>,
        decide: impl Fn(Tally, Timestamp) -> (Option<Tally>, T),
    ) -> Result<T, ThrottleError> {
        let Settings { store, clock, .. } = &*self.settings;
        let key = Key::new(scope.namespace, place);
        for _ in 0..MAX_TRIES {
            let now = clock.now();
            let (new, answer) = decide(tally_of(found.as_deref())?, now);
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

fn tally_of(found: Option<&[u8]>) -> Result<Tally, ThrottleError> {
    let tally = found.map_or(Some(Tally::default()), Tally::read);
    tally.ok_or_else(ThrottleError::corrupt)
}
