//! The term of a value, against the bare HMAC of the crate `hmac` with its key worked in.
//!
//! Bar: 1.1 of the bare HMAC, for a value that needs no normalization.

use crate::common::Race;
use hmac::{Hmac, KeyInit, Mac};
use portcullis::crypto::blind_index::{Column, Distinct, IndexKey, Normalizer, Plan};
use portcullis::random::Random;
use sha2::Sha256;
use std::hint::black_box;

const VALUE: &str = "ann.example@mail.example.com-123";

pub(crate) fn run() {
    let key = IndexKey::generate();
    let index = |normalizer| {
        let index = key.index(
            "users",
            "by_email",
            [Column::new("email", normalizer, Distinct::PerRow)],
        );
        let index = index.plan(Plan::for_rows(1_000_000)).build();
        index.expect("the plan is sound")
    };
    let (exact, email) = (index(Normalizer::exact()), index(Normalizer::email()));
    let bytes = Random::secure().bytes::<32>();
    let bare = Hmac::<Sha256>::new_from_slice(&bytes).expect("any length will do");
    let times = Race::new("blind-index")
        .operation("bare-hmac", || {
            let mut mac = bare.clone();
            mac.update(black_box(VALUE).as_bytes());
            mac.finalize().into_bytes()
        })
        .operation("exact", || exact.term(black_box(VALUE)))
        .operation("email", || email.term(black_box(VALUE)))
        .operation("email-capitals", || {
            email.term(black_box("Ann.Example@Mail.Example.com-123"))
        })
        .run();
    times.ratio("blind-index", "exact", "bare-hmac");
    times.ratio("blind-index-email", "email", "bare-hmac");
    times.ratio("blind-index-email-capitals", "email-capitals", "bare-hmac");
}
