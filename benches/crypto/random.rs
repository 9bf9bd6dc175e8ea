//! 24 random bytes: what it costs to notice a fork, against not noticing it, asking for the
//! process id, and asking the operating system for the bytes.

use crate::common::Race;
use portcullis::random::Random;
use rand::Rng;

pub(crate) fn run() {
    let (secure, system) = (Random::secure(), Random::system());
    let unguarded = || {
        let mut bytes = [0; 24];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    };
    let times = Race::new("random")
        .operation("unguarded", unguarded)
        .operation("secure", || secure.bytes::<24>())
        .operation("process-id", || (unguarded(), std::process::id()))
        .operation("system", || system.bytes::<24>())
        .run();
    times.added("random-fork-guard", "secure", "unguarded");
    times.ratio("random-secure", "secure", "system");
}
