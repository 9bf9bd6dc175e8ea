//! What it takes to refuse a password: for a user who is not there, for the weakest stored
//! hash and for a broken one, against the wrong password of a user with a new hash; and that
//! against the bare `argon2` crate.
//!
//! And the memory of 64 logins at once, by a limit of two hashes at a time.
//!
//! Bars: each refusal within 5 % of known, so that time tells nothing; at most 1.05 of the bare
//! crate; memory at most that of two hashes.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod common;

use common::Race;
use portcullis::authn::password::{Argon2id, Parameters, PasswordHash, PasswordScheme, Passwords};
use portcullis::secret::SecretString;
use std::num::NonZeroUsize;

/// Hashes at a time, and logins at once.
const LIMIT: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");
const LOGINS: usize = 64;

/// What else a process takes memory for meanwhile: stacks of threads, tasks, what the allocator
/// rounds up. KiB.
const REST_KIB: u64 = 4 * 1024;

fn main() {
    // First, for memory that was used before is not counted again.
    memory_of_logins();
    let scheme = PasswordScheme::default();
    let password = secret("nine purple lanterns drift");
    let stored = |scheme: &PasswordScheme| scheme.hash(&password).expect("there is memory");
    let weakest = Argon2id::new(Parameters::insecure_fast_for_tests());
    let cases = [
        ("known", Some(stored(&scheme))),
        ("unknown", None),
        ("broken", Some(PasswordHash::from("$argon2id$broken"))),
        ("weakest", Some(stored(&PasswordScheme::new(weakest)))),
    ];
    let wrong = secret("ten purple lanterns drift");
    let mut race = Race::new("refuse");
    for (name, stored) in &cases {
        race = race.operation(name, || scheme.verify(stored.as_ref(), &wrong));
    }
    let times = race.run();
    for (name, _) in cases.iter().skip(1) {
        times.ratio(&format!("password-refuse-{name}"), name, "known");
    }

    // A race of its own: the bare crate takes fresh memory for each hash, and whoever runs
    // after it finds the caches cold.
    let bare = argon2::Argon2::default();
    let stored = cases.first().and_then(|(_, stored)| stored.as_ref());
    let times = Race::new("verify")
        .operation("bare-argon2", || {
            let mut output = [0; 32];
            let hashed = bare.hash_password_into(wrong.expose().as_bytes(), &[0; 16], &mut output);
            (hashed, output)
        })
        .operation("known", || scheme.verify(stored, &wrong))
        .run();
    times.ratio("password-argon2", "known", "bare-argon2");
}

/// Prints the most memory that many logins at once took beyond what there was before.
fn memory_of_logins() {
    let scheme = PasswordScheme::default();
    let password = secret("nine purple lanterns drift");
    let stored = PasswordScheme::new(Argon2id::new(Parameters::insecure_fast_for_tests()))
        .hash(&password)
        .expect("there is memory");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime starts");
    let builder = Passwords::builder()
        .scheme(scheme)
        .workers(LIMIT)
        .queue(LOGINS);
    let passwords = builder.build().expect("threads start");
    let Some(before) = peak_kib() else {
        println!("password/memory: this system does not tell its peak");
        return;
    };
    runtime.block_on(async {
        let mut logins = tokio::task::JoinSet::new();
        for _ in 0..LOGINS {
            let (passwords, stored) = (passwords.clone(), stored.clone());
            logins.spawn(async move {
                let wrong = secret("ten purple lanterns drift");
                passwords.verify(Some(&stored), &wrong).await
            });
        }
        for verified in logins.join_all().await {
            assert!(!verified.expect("there is room for all").is_accepted());
        }
    });
    let took = peak_kib().unwrap_or(before) - before;
    let limit = u64::try_from(LIMIT.get()).unwrap_or(u64::MAX);
    let bound = limit * u64::from(Parameters::default().memory_kib());
    println!("password/memory: {LOGINS} logins at once, {took} KiB of {bound} KiB");
    assert!(took <= bound + REST_KIB, "{LOGINS} logins took {took} KiB");
    println!(
        "ratio password-memory ours/peer {:.2}",
        took as f64 / bound as f64
    );
}

/// The most memory that this process ever had at a time, KiB.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}
