//! What a refused login takes: for an address that nobody has, an account that is locked,
//! disabled, not verified or without a password, against the wrong password of an open account.
//! And the same while hashes of another program are taken over, against an account that has
//! one still.
//!
//! Bar: each within 5 % of the open account, so that time tells nothing. The records and the
//! store are in memory; across a network each refusal makes the same trips, but for a locked
//! account, which makes fewer to the store.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod common;

use common::Race;
use portcullis::authn::account::{Account, Accounts, Directory, Email, Login, Parts, Written};
use portcullis::authn::password::foreign::Bcrypt;
use portcullis::authn::password::{PasswordHash, PasswordScheme, Passwords};
use portcullis::authn::throttle::{Attempt, Door, Steps, Throttle};
use portcullis::secret::{SecretBytes, SecretString};
use portcullis::store::{Records, Store};
use std::net::{IpAddr, Ipv4Addr};

const CASES: [&str; 7] = [
    "unknown",
    "locked",
    "disabled",
    "unverified",
    "password-less",
    "broken-hash",
    "foreign-hash",
];

/// What the stored hashes of the other program cost.
const BCRYPT_COST: u32 = 8;
const BCRYPT: &str = "$2b$08$hv82QC3rhmxu3eVWb90zQebslWUPmmCCX0RRIK0G0eTSzbDeg9ctK";

fn main() {
    let bcrypt = Bcrypt::up_to_cost(BCRYPT_COST).expect("it is a cost");
    let migrating = PasswordScheme::default().also_verifying(bcrypt);
    let (foreign, ours) = CASES.split_last().expect("there are cases");
    compare("login-refuse", PasswordScheme::default(), ours);
    compare(
        "login-refuse-migrating",
        migrating,
        &[ours, &[*foreign]].concat(),
    );
}

/// Times refusals of all these cases against that of an open account.
fn compare(title: &'static str, scheme: PasswordScheme, cases: &[&'static str]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let key = SecretBytes::from(vec![7; 32]);
    // So many failures as the bench makes lock nobody, but for who is to be locked.
    let most = Steps::new(Steps::MAX_FAILURES, Steps::MAX_FAILURES);
    let throttle = Throttle::builder(Store::memory(), &key)
        .per_account(most)
        .per_client(most)
        .per_pair(most)
        .build()
        .expect("the settings are within bounds");
    let accounts = Accounts::new(Records::memory());
    let passwords = Passwords::builder().scheme(scheme).build();
    let passwords = passwords.expect("threads start");
    runtime.block_on(populate(&accounts, &throttle));
    let login = Login::new(accounts, passwords, throttle);

    let wrong = SecretString::from("ten purple lanterns drift");
    let refuse = async |name: &str, number: u32| {
        let email = format!("{name}@example.com");
        let refused = login.check(&email, &wrong, client(number), None).await;
        assert!(refused.is_err(), "{name} is let in");
    };
    let refuse = &refuse;
    let mut race = Race::new(title).asynchronous("open", async || refuse("open", 1).await);
    for (number, name) in (2..).zip(cases.iter().copied()) {
        race = race.asynchronous(name, async move || refuse(name, number).await);
    }
    let times = race.run();
    for name in cases {
        times.ratio(&format!("{title}-{name}"), name, "open");
    }
}

fn client(number: u32) -> IpAddr {
    Ipv4Addr::from(0xc000_0200 + number).into()
}

async fn populate(accounts: &Accounts, throttle: &Throttle) {
    let password = SecretString::from("nine purple lanterns drift");
    let hash = PasswordScheme::default().hash(&password);
    let hash = hash.expect("there is memory");
    let names = CASES.into_iter().filter(|name| *name != "unknown");
    for name in names.chain(["open"]) {
        let mut parts = Parts::default();
        parts.is_verified = name != "unverified";
        parts.is_disabled = name == "disabled";
        parts.password = match name {
            "broken-hash" => Some(PasswordHash::from("$argon2id$broken")),
            "foreign-hash" => Some(PasswordHash::from(BCRYPT)),
            "password-less" => None,
            _ => Some(hash.clone()),
        };
        let email = Email::parse(&format!("{name}@example.com")).expect("it is an address");
        let account = Account::from_parts(name, email, parts, None);
        let written = accounts.insert(&account).await.expect("there is room");
        assert!(
            matches!(written, Written::Done(_)),
            "{name} is there already"
        );
    }
    for number in 0..Steps::MAX_FAILURES {
        let attempt = Attempt::new(
            Door::PASSWORD,
            "locked@example.com",
            client(100 + number % 50),
        );
        let _failed = throttle.begin(&attempt).await.expect("not locked yet");
    }
}
