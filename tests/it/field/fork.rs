//! A child made by `fork(2)` has its parent's memory: what is random there must not be.

use super::{EMAIL, email};
use crate::support::drawn_by_both;
use portcullis::random::Random;
use std::collections::HashSet;

#[test]
fn a_child_draws_other_bytes() {
    for random in [Random::secure(), Random::system()] {
        // Something is drawn before, and more lies ready.
        let _before = random.bytes::<8>();
        let mut draw = || random.bytes::<32>().to_vec();
        let [ours, theirs] = drawn_by_both(&mut draw);
        assert_ne!(ours, theirs, "{random:?}");
    }
}

/// The generator below ours may be older than our guard: somebody else has used it.
#[test]
fn a_child_draws_other_bytes_the_first_time_too() {
    let thread = std::thread::spawn(|| {
        use rand::Rng;
        let _by_others = rand::rng().next_u64();
        drawn_by_both(&mut || Random::secure().bytes::<32>().to_vec())
    });
    let [ours, theirs] = thread.join().unwrap();
    assert_ne!(ours, theirs);
}

#[test]
fn a_child_seals_with_other_nonces() {
    let column = email();
    let mut batch = column.batch();
    let nonces = |sealed: &[u8]| {
        let sealed = sealed.chunks(50 + EMAIL.len());
        sealed
            .map(|value| value[10..34].to_vec())
            .collect::<Vec<_>>()
    };
    let before = [column.seal(EMAIL, 1), batch.seal(EMAIL, 1)].map(Result::unwrap);
    let mut draw = || {
        let sealed = [
            column.seal(EMAIL, 1),
            batch.seal(EMAIL, 1),
            batch.seal(EMAIL, 1),
            column.seal(EMAIL, 1),
        ];
        sealed.map(|sealed| sealed.unwrap().into_bytes()).concat()
    };
    let both = drawn_by_both(&mut draw);
    let mut all: Vec<Vec<u8>> = both.iter().flat_map(|sealed| nonces(sealed)).collect();
    let epochs = [&all[1], &all[5], &before[1].as_bytes()[10..34].to_vec()];
    assert_eq!(
        epochs[0][..12],
        epochs[2][..12],
        "the parent goes on with its epoch"
    );
    assert_ne!(epochs[1][..12], epochs[0][..12], "the child begins another");
    all.extend(
        before
            .iter()
            .map(|sealed| sealed.as_bytes()[10..34].to_vec()),
    );
    assert_eq!(
        all.iter().collect::<HashSet<_>>().len(),
        10,
        "no nonce came twice"
    );
}
