//! Stored hashes of any form, and passwords of any kind before the policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::authn::password::{
    Argon2id, Ceiling, Parameters, PasswordHash, PasswordPolicy, PasswordScheme,
};
use portcullis::secret::SecretString;
use std::sync::LazyLock;

static SCHEME: LazyLock<PasswordScheme> = LazyLock::new(|| {
    let low = Ceiling::DEFAULT.memory_kib(64).iterations(2);
    let hasher = Argon2id::new(Parameters::insecure_fast_for_tests()).with_ceiling(low);
    PasswordScheme::new(hasher)
});

fuzz_target!(|input: (&str, &str, &str)| {
    let (hash, password, context) = input;
    let password = SecretString::from(password);
    for hash in [hash.to_owned(), format!("$argon2id$v=19${hash}")] {
        let verification = SCHEME
            .verify(Some(&PasswordHash::from(hash)), &password)
            .expect("there is memory enough for 64 KiB");
        assert!(verification.is_accepted() || !verification.needs_rehash());
    }

    let judged = PasswordPolicy::with_second_factor().check(&password, [context]);
    if judged.is_ok() {
        let stored = SCHEME.hash(&password).expect("what may be chosen can be hashed");
        let verification = SCHEME.verify(Some(&stored), &password);
        assert!(verification.is_ok_and(|verification| verification.is_accepted()));
    }
});
