//! Logins that have passed the first factor and wait for the second.

use super::super::State;
use super::super::accounts::Account;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::clock::Timestamp;
use portcullis::event::EventKind;
use portcullis::guard::{Challenge, Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::store::{Key, Namespace, Store};
use std::time::Duration;

const PENDING: Namespace = Namespace::values("pending-login");
/// Time to look for the phone; whoever takes longer types the password again.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Keeps who has given a right password, under the hash of a token that says nothing by itself.
#[derive(Clone, Debug)]
pub(crate) struct PendingLogins(Store);

/// A login under way.
pub(super) struct Pending {
    pub(super) account: Account,
    /// Before the password was checked: what ends all logins from then on ends this one, too.
    pub(super) begun: Timestamp,
    id: Vec<u8>,
}

impl PendingLogins {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// The token of a new one, good for one login.
    pub(super) async fn begin(
        &self,
        account: &Account,
        begun: Timestamp,
    ) -> Result<String, Rejection> {
        let token = URL_SAFE_NO_PAD.encode(Random::secure().bytes::<32>());
        let value = format!("{} {}", begun.unix_seconds(), account.id);
        let id = id_of(&token);
        self.0
            .put(Key::new(PENDING, &id), value.as_bytes(), LIFETIME)
            .await?;
        Ok(token)
    }

    /// The login of this token, which stays: a code may be mistyped. How often, the control of
    /// the codes counts for the account, whatever the number of tokens.
    pub(super) async fn find(&self, state: &State, token: &str) -> Result<Pending, Rejection> {
        let id = id_of(token);
        let found = self.0.get(Key::new(PENDING, &id)).await?;
        let read = found
            .as_deref()
            .and_then(|value| str::from_utf8(value).ok());
        let (begun, account) = read.and_then(|it| it.split_once(' ')).ok_or_else(gone)?;
        let begun = begun.parse().map_err(|_| gone())?;
        let account = state.accounts.by_id(account).await?;
        Ok(Pending {
            account: account.ok_or_else(gone)?,
            begun: Timestamp::from_unix_seconds(begun),
            id,
        })
    }

    /// Uses the token up. Of several requests with it, one goes on.
    pub(super) async fn end(&self, pending: &Pending) -> Result<(), Rejection> {
        let taken = self.0.take(Key::new(PENDING, &pending.id)).await?;
        taken.map(|_| ()).ok_or_else(gone)
    }
}

/// The store learns nothing that could be sent to us.
fn id_of(token: &str) -> Vec<u8> {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    digest.as_ref().to_vec()
}

fn gone() -> Rejection {
    Rejection::new(RejectionKind::Unauthenticated)
        .with_code("invalid_mfa_token")
        .with_challenge(&Challenge::new("Bearer"))
        .with_event(Some(EventKind::AuthnLoginFail))
        .with_reason("no login waits for a second factor under this token")
}
