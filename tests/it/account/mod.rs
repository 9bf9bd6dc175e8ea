//! Accounts from registration to deletion: nobody learns who has one, and what ends has ended.

mod ending;
mod life;
mod login;
mod never;
mod races;

use crate::support::{CountedRecords, CountedStore};
use http::{HeaderValue, Request, header};
use portcullis::authn::account::{
    Account, AccountError, Accounts, Directory, Email, FactorChange, Lifecycle, LoggedIn, Login,
    Revoke, Revoking, Written, purpose,
};
use portcullis::authn::api_key::ApiKeys;
use portcullis::authn::one_time_code::{
    CodeSender, Content, LinkTokens, Message, Outbox, Purpose, Sending,
};
use portcullis::authn::password::{
    Argon2id, Cost, HashError, Parameters, PasswordHash, PasswordHasher, PasswordScheme,
    PasswordVerifier, Passwords,
};
use portcullis::authn::recovery_codes::RecoveryCodes;
use portcullis::authn::session::{Sessions, Visitor};
use portcullis::authn::throttle::Throttle;
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::{Rejection, RequestHead};
use portcullis::random::Random;
use portcullis::secret::{SecretBytes, SecretString};
use portcullis::store::{MemoryStore, Records, Store};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ANN: &str = "ann@example.com";
const PASSWORD: &str = "nine purple lanterns drift";
const NEW: &str = "eleven amber bicycles hum";
const WRONG: &str = "ten purple lanterns drift";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn client(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from(0xc000_0200 + number).into()
}

/// What was sent: what for, to whom, and the token of a link.
type Sent = (Purpose, String, Option<String>);

#[derive(Clone, Debug, Default)]
struct Postbox(Arc<Mutex<Vec<Sent>>>);

impl CodeSender for Postbox {
    fn send(&self, message: Message) -> Sending {
        let token = match message.content() {
            Content::LinkToken(token) => Some(token.expose().to_owned()),
            Content::Notice => None,
            _ => panic!("no code is sent"),
        };
        let names_another = message.purpose() == purpose::CONFIRM_OLD_EMAIL;
        assert_eq!(message.about().is_some(), names_another);
        let sent = (message.purpose(), message.address().to_owned(), token);
        self.0.lock().unwrap().push(sent);
        Box::pin(async { Ok(()) })
    }
}

impl Postbox {
    /// All that was sent since the last call, once everything has been.
    async fn take(&self) -> Vec<Sent> {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The token of the only thing that was sent, for this purpose and to this address.
    async fn link(&self, purpose: Purpose, address: &str) -> String {
        let sent = self.take().await;
        let [(for_what, to, Some(token))] = &sent[..] else {
            panic!("not one link: {sent:?}");
        };
        assert_eq!((*for_what, &**to), (purpose, address));
        token.clone()
    }

    async fn names(&self) -> Vec<(&'static str, String)> {
        let sent = self.take().await;
        sent.into_iter()
            .map(|(what, to, _)| (what.name(), to))
            .collect()
    }
}

/// Counts what takes long.
#[derive(Clone, Debug)]
struct Counted<V> {
    inner: V,
    work: Arc<AtomicUsize>,
}

impl<V> Counted<V> {
    fn of(inner: V) -> Self {
        let work = Arc::default();
        Self { inner, work }
    }

    fn took(&self) {
        self.work.fetch_add(1, Ordering::SeqCst);
    }

    /// How often since the last call.
    fn work(&self) -> usize {
        self.work.swap(0, Ordering::SeqCst)
    }
}

impl<V: PasswordVerifier> PasswordVerifier for Counted<V> {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        self.inner.cost(hash)
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        self.took();
        self.inner.verify(hash, password)
    }

    fn usual_cost(&self) -> Option<Cost> {
        self.inner.usual_cost()
    }

    fn level(&self, password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        if spent.is_none() {
            self.took();
        }
        self.inner.level(password, spent)
    }
}

impl<V: PasswordHasher> PasswordHasher for Counted<V> {
    fn hash_cost(&self) -> Cost {
        self.inner.hash_cost()
    }

    fn hash(&self, password: &[u8]) -> Result<PasswordHash, HashError> {
        self.took();
        self.inner.hash(password)
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        self.inner.is_current(hash)
    }

    fn burn(&self, password: &[u8], work_kib: u64) -> Result<(), HashError> {
        self.took();
        self.inner.burn(password, work_kib)
    }
}

fn fast() -> Argon2id {
    Argon2id::new(Parameters::insecure_fast_for_tests())
}

/// Time passes between the change of an account and the end of what its user holds.
#[derive(Debug)]
struct Tick(FakeClock);

impl Revoke for Tick {
    fn revoke_all<'a>(&'a self, _user: &'a str) -> Revoking<'a> {
        self.0.advance(Duration::from_millis(1));
        Box::pin(async { Ok(()) })
    }
}

/// All that a service has.
struct House {
    time: FakeClock,
    records: CountedRecords,
    store: CountedStore,
    post: Postbox,
    events: Arc<RecentEvents>,
    accounts: Accounts,
    login: Login,
    life: Lifecycle,
    sessions: Sessions,
    keys: ApiKeys,
    recovery: RecoveryCodes,
}

impl House {
    fn new() -> Self {
        Self::with(PasswordScheme::new(fast()), |outbox| outbox)
    }

    fn with(scheme: PasswordScheme, outbox: impl FnOnce(Outbox) -> Outbox) -> Self {
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let store = CountedStore::from(MemoryStore::builder().clock(time.clock()).build());
        let (shared, records) = (Store::new(store.clone()), CountedRecords::default());
        let kept = Records::new(records.clone());
        let key = SecretBytes::from(vec![7; 32]);
        let throttle = Throttle::builder(shared.clone(), &key)
            .clock(time.clock())
            .places(u32::MAX)
            .build()
            .unwrap();
        let passwords = Passwords::builder().scheme(scheme).build().unwrap();
        let accounts = Accounts::new(kept.clone());
        let events = Arc::new(RecentEvents::new(1_000));
        let emitter = Emitter::new(events.clone(), time.clock());
        let login = Login::new(accounts.clone(), passwords, throttle)
            .clock(time.clock())
            .telling(emitter.clone());
        let post = Postbox::default();
        let outbox = outbox(Outbox::new(post.clone()));
        let links = LinkTokens::builder(shared.clone(), &key, outbox)
            .build()
            .unwrap();
        let sessions = Sessions::builder(shared)
            .clock(time.clock())
            .build()
            .unwrap();
        let keys = ApiKeys::new(kept.clone(), "acme")
            .unwrap()
            .clock(time.clock());
        let recovery = RecoveryCodes::new(kept);
        let life = Lifecycle::new(login.clone(), links)
            .ends_logins(Tick(time.clone()))
            .ends_logins(sessions.clone())
            .ends_keys(keys.clone())
            .deletes(recovery.clone())
            .telling(emitter);
        Self {
            time,
            records,
            store,
            post,
            events,
            accounts,
            login,
            life,
            sessions,
            keys,
            recovery,
        }
    }

    /// Registers and verifies, and gives the id.
    async fn registered(&self, email: &str) -> String {
        let data = serde_json::json!({"name": email});
        self.life
            .register(email, &secret(PASSWORD), data)
            .await
            .unwrap();
        let token = self.post.link(purpose::VERIFY_EMAIL, email).await;
        let id = self.verify(&token, PASSWORD).await.unwrap();
        self.time.advance(Duration::from_secs(1));
        id
    }

    async fn verify(&self, token: &str, password: &str) -> Result<String, AccountError> {
        let password = secret(password);
        self.life.verify_email(token, &password, client(1)).await
    }

    /// Puts an account there by other means.
    async fn put(&self, email: &str, set: impl FnOnce(Account) -> Account) -> Account {
        let email = Email::parse(email).unwrap();
        let account = set(Account::new(email.clone(), &Random::secure()));
        let written = self.accounts.insert(&account).await.unwrap();
        assert!(matches!(written, Written::Done(_)));
        self.accounts.find(&email).await.unwrap().unwrap()
    }

    async fn check(&self, email: &str, password: &str) -> Result<LoggedIn, AccountError> {
        let password = secret(password);
        self.login.check(email, &password, client(1), None).await
    }

    async fn logs_in(&self, email: &str, password: &str) -> bool {
        match self.check(email, password).await {
            Ok(_) => true,
            Err(AccountError::Refused(_)) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Logs in with a browser, and gives the cookie.
    async fn session(&self, logged_in: &LoggedIn) -> Option<String> {
        let (browser, principal) = (visitor(None), logged_in.principal());
        let session = self.sessions.login(&browser, &principal).await.ok()?;
        let set = session.set_cookies().next()?.to_str().unwrap().to_owned();
        Some(set.split(';').next()?.to_owned())
    }

    /// Who a cookie stands for.
    async fn who(&self, cookie: &str) -> Option<portcullis::principal::Principal> {
        use portcullis::authn::authenticate::{Attempt, Authenticator};
        let mut request = Request::new(());
        let cookie = HeaderValue::from_str(cookie).unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        match self.sessions.authenticate(&RequestHead::of(&request)) {
            Attempt::Authenticated(admission) => Some(admission.into_parts().0),
            Attempt::Later(attempt) => attempt.await.ok().map(|it| it.into_parts().0),
            Attempt::Absent | Attempt::Rejected(_) => None,
        }
    }

    fn told(&self, kind: EventKind, code: &str) -> usize {
        let events = self.events.snapshot();
        let is_meant = |event: &&portcullis::event::SecurityEvent| {
            event.kind() == kind && event.code() == Some(code)
        };
        events.iter().filter(is_meant).count()
    }
}

fn visitor(cookie: Option<&str>) -> Visitor {
    let mut request = Request::new(());
    if let Some(cookie) = cookie {
        let cookie = HeaderValue::from_str(cookie).unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
    }
    Visitor::of(&RequestHead::of(&request))
}

/// All that a client sees of a refusal.
fn seen(error: AccountError) -> String {
    let rejection = Rejection::from(error);
    format!(
        "{} {} {:?} {:?} {:?}",
        rejection.status(),
        rejection.code(),
        rejection.headers(),
        rejection.members(),
        rejection.errors(),
    )
}
