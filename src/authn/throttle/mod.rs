//! Against guessing: how often a password or a code may be tried, and how long to wait after.
//!
//! A [`Throttle`] counts failures in a [`Store`](crate::store::Store), so that it holds on all
//! machines, and on every path: passwords, codes of authenticator apps, recovery codes, each a
//! [`Door`] of its own. (ASVS 5.0 6.1.1, 6.3.1; NIST SP 800-63B-4 section 3.2.2)
//!
//! 1. Failures are counted for each account, for each client (an IPv4 address or an IPv6 /64),
//!    and for each pair of the two. Some are free, then the next try has to wait, twice as long
//!    each time, and then it is locked for a time: see [`Steps`]. Every lock ends by itself. A
//!    try that is refused looks at no secret, so it counts nowhere: a program with an old
//!    password does not lock out the network that it is in.
//! 2. A try is counted before the secret is looked at, by a compare-and-swap: of a thousand at
//!    once no more get through than may fail. A success takes the count back.
//! 3. A wait is told by `Retry-After`, at once. No connection is held.
//! 4. **A known device cannot be locked out by strangers.** A login gives it a
//!    [`DeviceToken`], and whoever brings that is counted alone, for a few failures, before
//!    being a stranger again.
//! 5. Who tries few passwords at many accounts is found too: a client that fails at more than
//!    20 within an hour has to wait, and one password that fails at 64 accounts, from whatever
//!    clients, makes an event. Of the password no more is stored than 12 bits that change their
//!    meaning every hour.
//! 6. An account goes by what was typed, whether there is one or not: nothing here tells who
//!    has an account.
//! 7. What strangers type goes into a bounded part of the store: names are hashed into 131,072
//!    places, a client has entries for 20 accounts at most, of which only what was looked at is
//!    kept, and what is not tried again is forgotten. Still, give it a store of its own, so that
//!    a flood of guesses takes no room from sessions and revocations:
//!    [`places`](ThrottleBuilder::places) says how much there is.
//! 8. A success at one door takes back nothing at another: the password, got right, gives no
//!    new guesses at the second factor.
//! 9. When the store fails, nobody gets in: 503.
//!
//! Events: `authn_login_lock` when a failure locks; `authn_login_fail_max` for each try that is
//! refused, and for a spray, with the code `password_spray` and level critical.
//!
//! ```
//! use portcullis::authn::throttle::{Attempt, Door, Throttle};
//! use portcullis::guard::Rejection;
//! use portcullis::secret::{SecretBytes, SecretString};
//! use portcullis::store::Store;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SecretBytes::from(b"32 random bytes from your vault.".as_slice());
//! let throttle = Throttle::builder(Store::memory(), &key).build()?;
//! let client = "192.0.2.7".parse()?;
//!
//! // Before the password is looked at:
//! let login = Attempt::new(Door::PASSWORD, "ann@example.com", client);
//! let permit = throttle.begin(&login).await?;
//! // It was the right one: the device is known from now on.
//! let device = permit.succeeded().await?;
//!
//! // A stranger guesses.
//! let guess = SecretString::from("nine purple lanterns drift");
//! for _ in 0..3 {
//!     throttle.begin(&login).await?.failed(Some(&guess)).await?;
//! }
//! let refused = Rejection::from(throttle.begin(&login).await.unwrap_err());
//! assert_eq!(refused.status(), 429);
//! assert_eq!(refused.headers()["retry-after"], "1");
//!
//! // Ann is let try all the same.
//! let known = login.with_device(device.as_str());
//! assert!(throttle.begin(&known).await.is_ok());
//! # Ok(())
//! # }
//! ```

mod attempt;
mod builder;
mod device;
mod error;
mod names;
mod permit;
mod spray;
mod steps;
#[expect(clippy::module_inception, reason = "the type that the module is about")]
mod throttle;

pub use attempt::{Attempt, Door};
pub use builder::ThrottleBuilder;
pub use device::DeviceToken;
pub use error::{ConfigError, ThrottleError};
pub use permit::Permit;
pub use steps::Steps;
pub use throttle::Throttle;

/// The most accounts that a spray is counted by.
const MAX_ACCOUNTS: usize = crate::store::OwnerLimit::MAX;

/// With fewer places, strangers would meet in one all the time.
const MIN_PLACES: u32 = 1024;
