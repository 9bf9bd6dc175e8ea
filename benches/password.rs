//! What it takes to refuse a password: for a user who is not there, for the weakest stored
//! hash and for a broken one, against the wrong password of a user with a new hash; and that
//! against the bare `argon2` crate.
//!
//! Bars: each refusal within 5 % of known, so that time tells nothing; at most 1.05 of the bare
//! crate.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod common;

use common::Race;
use portcullis::authn::password::{Argon2id, Parameters, PasswordHash, PasswordScheme};
use portcullis::secret::SecretString;

fn main() {
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

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}
