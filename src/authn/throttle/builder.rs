use super::ConfigError;
use super::device::Devices;
use super::names::Names;
use super::spray::Spray;
use super::steps::Steps;
use super::throttle::{Scope, Scopes, Settings, Throttle};
use crate::clock::Clock;
use crate::event::Emitter;
use crate::net::client_ip::Ipv6Prefix;
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::store::{Namespace, Store};
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Browsers keep no cookie longer.
const MAX_DEVICE_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The longest name of the cookie: what is put behind it must fit.
const MAX_COOKIE_NAME_LEN: usize = 40;

/// The four counts of each are half of what a
/// [`MemoryStore`](crate::store::MemoryStore) holds by default.
const DEFAULT_PLACES: u32 = 1 << 17;

/// Sets up a [`Throttle`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct ThrottleBuilder {
    store: Store,
    key: SecretBytes,
    scopes: Scopes,
    spray: Spray,
    places: u32,
    device_lifetime: Duration,
    cookie: String,
    is_plain: bool,
    ipv6_prefix: Ipv6Prefix,
    clock: Clock,
    random: Random,
}

const fn scope(name: &'static str, steps: Steps) -> Scope {
    Scope {
        namespace: Namespace::values(name),
        steps,
        is_of_account: true,
    }
}

/// What one client does, at whatever account.
const fn scope_of_client(name: &'static str, steps: Steps) -> Scope {
    Scope {
        is_of_account: false,
        ..scope(name, steps)
    }
}

impl ThrottleBuilder {
    pub(super) fn new(store: Store, key: &SecretBytes) -> Self {
        Self {
            store,
            key: key.clone(),
            scopes: Scopes {
                device: scope("throttle-device", Steps::PER_DEVICE),
                client: scope_of_client("throttle-client", Steps::PER_CLIENT),
                pair: scope("throttle-pair", Steps::PER_PAIR),
                account: scope("throttle-account", Steps::PER_ACCOUNT),
                masked: scope_of_client("throttle-masked", Steps::PER_CLIENT),
            },
            spray: Spray {
                accounts_per_client: 20,
                accounts_per_guess: 64,
            },
            places: DEFAULT_PLACES,
            device_lifetime: 90 * DAY,
            cookie: "device".to_owned(),
            is_plain: false,
            ipv6_prefix: Ipv6Prefix::DEFAULT,
            clock: Clock::system(),
            random: Random::secure(),
        }
    }

    /// Sets what the failures of all strangers at one account cost:
    /// [`PER_ACCOUNT`](Steps::PER_ACCOUNT) by default.
    pub const fn per_account(mut self, steps: Steps) -> Self {
        self.scopes.account.steps = steps;
        self
    }

    /// Sets what the failures of one client at all accounts cost, of an IPv4 address or an IPv6
    /// prefix: [`PER_CLIENT`](Steps::PER_CLIENT) by default. Many people can share an address.
    pub const fn per_client(mut self, steps: Steps) -> Self {
        self.scopes.client.steps = steps;
        self
    }

    /// Sets what the failures of one client at one account cost: [`PER_PAIR`](Steps::PER_PAIR)
    /// by default.
    pub const fn per_pair(mut self, steps: Steps) -> Self {
        self.scopes.pair.steps = steps;
        self
    }

    /// Sets what the failures of one known device cost: [`PER_DEVICE`](Steps::PER_DEVICE) by
    /// default. A device that is locked is treated as a stranger.
    pub const fn per_device(mut self, steps: Steps) -> Self {
        self.scopes.device.steps = steps;
        self
    }

    /// Sets at how many accounts one client may fail within an hour: 20 by default, at most
    /// 128. At one more it has to wait until the oldest is forgotten, and an event tells.
    pub const fn accounts_per_client(mut self, accounts: usize) -> Self {
        self.spray.accounts_per_client = accounts;
        self
    }

    /// Sets how many accounts make an event when one password fails at them within an hour,
    /// from whatever clients: 64 by default, at most 128.
    pub const fn accounts_per_guess(mut self, accounts: usize) -> Self {
        self.spray.accounts_per_guess = accounts;
        self
    }

    /// Sets how many different accounts, clients and pairs of them are told apart: 131,072 of
    /// each by default, which bounds what strangers can put into the store. Two that fall
    /// together share their failures: with 100 accounts locked, that is one innocent of 1,300.
    ///
    /// Of each place there is one entry, of pairs there are two, and of each client one more for
    /// each [account](Self::accounts_per_client) that it failed at within the last hour. Have
    /// more places where many log in, and a store with room for them.
    pub const fn places(mut self, places: u32) -> Self {
        self.places = places;
        self
    }

    /// Sets how long a device is known after its last login: 90 days by default, at most 400.
    pub const fn device_lifetime(mut self, lifetime: Duration) -> Self {
        self.device_lifetime = lifetime;
        self
    }

    /// Sets how the cookies of known devices begin, behind `__Host-`: `device` by default.
    pub fn device_cookie(mut self, name: impl Into<String>) -> Self {
        self.cookie = name.into();
        self
    }

    /// Sends the cookies of known devices over plain HTTP too, and without the prefix that
    /// keeps other hosts from setting them.
    pub const fn insecure_plain_http(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Sets how much of an IPv6 address is one client: 64 bits by default.
    pub const fn ipv6_prefix(mut self, prefix: Ipv6Prefix) -> Self {
        self.ipv6_prefix = prefix;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the ids of devices come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of bounds.
    pub fn build(self) -> Result<Throttle, ConfigError> {
        if self.places < super::MIN_PLACES {
            return Err(ConfigError::Places(self.places));
        }
        let Scopes {
            device,
            client,
            pair,
            account,
            masked: _,
        } = &self.scopes;
        for scope in [device, client, pair, account] {
            scope.steps.check()?;
        }
        self.spray.check()?;
        let lifetime = self.device_lifetime;
        if !(Duration::from_secs(1)..=MAX_DEVICE_LIFETIME).contains(&lifetime) {
            return Err(ConfigError::DeviceLifetime(lifetime));
        }
        let fits = self.cookie.len() <= MAX_COOKIE_NAME_LEN;
        let cookie = Devices::cookie_named(&self.cookie).filter(|_| fits);
        let cookie = cookie.ok_or_else(|| ConfigError::CookieName(self.cookie.clone()))?;
        let settings = Settings {
            names: Names::new(&self.key, self.places)?,
            store: self.store,
            scopes: self.scopes,
            spray: self.spray,
            devices: Devices {
                lifetime,
                cookie: cookie.plain(self.is_plain),
            },
            ipv6_prefix: self.ipv6_prefix,
            clock: self.clock,
            random: self.random,
        };
        Ok(Throttle {
            settings: Arc::new(settings),
            emitter: Emitter::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_bounds_are_refused() {
        let key = SecretBytes::from(vec![7; 32]);
        let start = || Throttle::builder(Store::memory(), &key);
        assert!(start().build().is_ok());
        let short = SecretBytes::from(vec![7; 31]);
        for (name, builder) in [
            ("short key", Throttle::builder(Store::memory(), &short)),
            ("nothing free", start().per_account(Steps::new(0, 5))),
            ("no order", start().per_client(Steps::new(6, 5))),
            ("no end", start().per_pair(Steps::new(5, 1_001))),
            ("of devices", start().per_device(Steps::new(0, 0))),
            ("no account", start().accounts_per_client(0)),
            ("too many accounts", start().accounts_per_guess(129)),
            ("one place", start().places(1_023)),
            ("for no time", start().device_lifetime(Duration::ZERO)),
            ("for ever", start().device_lifetime(401 * DAY)),
            ("no cookie", start().device_cookie("")),
            ("a bad cookie", start().device_cookie("a b")),
            ("a long cookie", start().device_cookie("a".repeat(41))),
        ] {
            let error = builder.build().unwrap_err().to_string();
            assert!(error.contains("use "), "{name}: {error}");
        }
    }
}
