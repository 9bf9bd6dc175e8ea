//! Stored hashes of any form, and passwords of any kind before the policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::authn::password::foreign::{
    Bcrypt, Pbkdf2, Pbkdf2Digest, Phpass, Scrypt, ShaCrypt,
};
use portcullis::authn::password::{
    Argon2id, Ceiling, Parameters, PasswordHash, PasswordPolicy, PasswordScheme, PasswordVerifier,
};
use portcullis::secret::SecretString;
use std::sync::LazyLock;

static SCHEME: LazyLock<PasswordScheme> = LazyLock::new(|| {
    let low = Ceiling::DEFAULT.memory_kib(64).iterations(2);
    let hasher = Argon2id::new(Parameters::insecure_fast_for_tests()).with_ceiling(low);
    PasswordScheme::new(hasher)
});

static FOREIGN: LazyLock<[Box<dyn PasswordVerifier>; 5]> = LazyLock::new(|| {
    let known = "the costs are known";
    [
        Box::new(Bcrypt::up_to_cost(4).expect(known)),
        Box::new(Pbkdf2::up_to_rounds(Pbkdf2Digest::Sha256, 1).expect(known)),
        Box::new(Scrypt::up_to(1, 1, 1).expect(known)),
        Box::new(ShaCrypt::up_to_rounds(1000).expect(known)),
        Box::new(Phpass::up_to_cost(7).expect(known)),
    ]
});

const STARTS: [&str; 12] = [
    "", "$2b$", "bcrypt$$2b$", "$bcrypt-sha256$v=2,", "$pbkdf2-sha256$", "pbkdf2_sha256$",
    "pbkdf2:sha512:", "AQAAAA", "$scrypt$ln=", "scrypt:", "$5$rounds=", "$P$",
];

fuzz_target!(|input: (&str, &str, &str)| {
    let (hash, password, context) = input;
    let password = SecretString::from(password);
    for hash in [hash.to_owned(), format!("$argon2id$v=19${hash}")] {
        let verification = SCHEME
            .verify(Some(&PasswordHash::from(hash)), &password)
            .expect("there is memory enough for 64 KiB");
        assert!(verification.is_accepted() || !verification.needs_rehash());
    }

    // Reading them is what can go wrong; verifying would take as long as the hash says.
    for start in STARTS {
        let hash = PasswordHash::from(format!("{start}{hash}"));
        let readers = FOREIGN.iter().filter(|verifier| verifier.cost(&hash).is_some());
        assert!(readers.count() <= 1, "{start}");
    }

    let judged = PasswordPolicy::with_second_factor().check(&password, [context]);
    if judged.is_ok() {
        let stored = SCHEME.hash(&password).expect("what may be chosen can be hashed");
        let verification = SCHEME.verify(Some(&stored), &password);
        assert!(verification.is_ok_and(|verification| verification.is_accepted()));
    }
});
