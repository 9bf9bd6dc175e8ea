//! What the store holds of a family of refresh tokens, and the decision on one of them.

use super::Presented;
use super::error::{RefreshError, Refusal};
use super::grant::Grant;
use super::token::Token;
use crate::authn::credential::SecretHash;
use crate::authn::moment::Moment;
use crate::authn::text_bytes::TextBytes;
use crate::clock::{Timestamp, nanos};
use crate::random::Random;
use crate::store::{StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The most bytes of a grant.
pub(super) const MAX_GRANT_LEN: usize = 8192;

/// A row of tokens, of which each gives the next and is good once.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) grant: Grant,
    /// What all its tokens have in common.
    secret: SecretHash,
    /// The token that is good.
    own: SecretHash,
    /// The one before, and from what it gives the one that is good: while there is a grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
    /// Counts the writes, so that no two states read the same.
    turn: u64,
    /// To the nanosecond, as epochs are.
    created: u64,
    pub(super) used: Moment,
}

#[derive(Clone, Serialize, Deserialize)]
struct Previous {
    own: SecretHash,
    seed: TextBytes,
}

/// How long tokens live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    pub(super) grace: Duration,
}

/// What becomes of a token that was taken.
pub(super) enum Verdict {
    /// It is used up, and the next takes its place.
    Turn,
    /// It was used up a moment ago, and gives the same successor again.
    Again(Token),
}

impl Family {
    pub(super) fn new(grant: Grant, first: &Token, now: Timestamp) -> Self {
        Self {
            grant,
            secret: first.family_hash(),
            own: first.own_hash(),
            previous: None,
            turn: 0,
            created: nanos(now.unix_duration()),
            used: Moment(now),
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RefreshError> {
        serde_json::from_slice(bytes).map_err(|_| RefreshError::Corrupt)
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, RefreshError> {
        serde_json::to_vec(self).map_err(|_| {
            let message = "a family of refresh tokens cannot be written as JSON";
            StoreError::new(StoreErrorKind::Invalid, message).into()
        })
    }

    /// The decision: what becomes of this token.
    pub(super) fn judge(
        &self,
        token: &Token,
        presented: &Presented<'_>,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, Refusal> {
        self.check_alive(token, terms, now)?;
        let verdict = if self.own.is(&token.own_hash()) {
            Verdict::Turn
        } else {
            Verdict::Again(self.again(token, terms, now).ok_or(Refusal::Reused)?)
        };
        // After reuse, which tells of theft whoever the thief is; before anything is used up.
        self.check_bearer(presented)?;
        Ok(verdict)
    }

    /// Whether the token is the good one, which stays as it is.
    pub(super) fn is_good(&self, token: &Token, terms: &Terms, now: Timestamp) -> bool {
        self.check_alive(token, terms, now).is_ok() && self.own.is(&token.own_hash())
    }

    /// Whether the token is, or ever was, one of this family.
    pub(super) fn is_of(&self, token: &Token) -> bool {
        self.secret.is(&token.family_hash())
    }

    fn check_alive(&self, token: &Token, terms: &Terms, now: Timestamp) -> Result<(), Refusal> {
        if !self.is_of(token) {
            return Err(Refusal::Forged);
        }
        if now.since(self.created()) >= terms.absolute {
            return Err(Refusal::Expired);
        }
        if now.since(self.used.0) >= terms.idle {
            return Err(Refusal::Idle);
        }
        Ok(())
    }

    /// The successor that the token gave, if that was a moment ago.
    fn again(&self, token: &Token, terms: &Terms, now: Timestamp) -> Option<Token> {
        let previous = self.previous.as_ref()?;
        let is_recent = now.since(self.used.0) < terms.grace;
        if !is_recent || !previous.own.is(&token.own_hash()) {
            return None;
        }
        let seed = previous.seed.0.as_slice().try_into().ok()?;
        let next = token.next(Some(seed), &Random::secure());
        self.own.is(&next.own_hash()).then_some(next)
    }

    fn check_bearer(&self, presented: &Presented<'_>) -> Result<(), Refusal> {
        let is_right = |bound: Option<&str>, shown: Option<&str>| {
            bound.is_none_or(|bound| shown == Some(bound))
        };
        if !is_right(self.grant.client_id(), presented.client) {
            return Err(Refusal::WrongClient);
        }
        if !is_right(self.grant.key_thumbprint(), presented.key) {
            return Err(Refusal::WrongKey);
        }
        Ok(())
    }

    /// Uses the token up, and gives the next.
    pub(super) fn turn(
        &mut self,
        token: &Token,
        terms: &Terms,
        now: Timestamp,
        random: &Random,
    ) -> Token {
        let seed: Option<[u8; 32]> = (!terms.grace.is_zero()).then(|| random.bytes());
        let next = token.next(seed.as_ref(), random);
        let used = std::mem::replace(&mut self.own, next.own_hash());
        self.previous = seed.map(|seed| Previous {
            own: used,
            seed: seed.into(),
        });
        self.turn = self.turn.saturating_add(1);
        self.used = Moment(now);
        next
    }

    pub(super) const fn created(&self) -> Timestamp {
        Timestamp::from_unix_duration(Duration::from_nanos(self.created))
    }

    /// When the family ends if nobody uses it any more.
    pub(super) fn expires(&self, terms: &Terms) -> Timestamp {
        let idle = self.used.0.saturating_add(terms.idle);
        idle.min(self.created().saturating_add(terms.absolute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::{Authentication, Principal};
    use proptest::prelude::*;
    use proptest::sample::Index;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    const fn terms(grace: u64) -> Terms {
        Terms {
            idle: Duration::from_secs(100),
            absolute: Duration::from_secs(1000),
            grace: Duration::from_secs(grace),
        }
    }

    fn grant() -> Grant {
        Grant::of(&Principal::new("ann", Authentication::new(at(900))))
    }

    fn outcome(family: &Family, token: &Token, terms: &Terms, now: u64) -> &'static str {
        match family.judge(token, &Presented::new(""), terms, at(now)) {
            Ok(Verdict::Turn) => "turn",
            Ok(Verdict::Again(_)) => "again",
            Err(refusal) => refusal.code(),
        }
    }

    #[test]
    fn a_token_is_good_once() {
        let random = Random::insecure_seeded(1);
        let first = Token::first("ann", &random);
        let other = Token::first("ann", &random);
        let terms = terms(0);
        let mut family = Family::new(grant(), &first, at(1000));
        assert_eq!(outcome(&family, &first, &terms, 1000), "turn");
        assert_eq!(outcome(&family, &other, &terms, 1000), "forged");
        let second = family.turn(&first, &terms, at(1000), &random);
        for (name, token, now, expected) in [
            ("the next, in the same second", &second, 1000, "turn"),
            ("the first, in the same second", &first, 1000, "reused"),
            ("the first, later", &first, 1050, "reused"),
            ("of another family", &other, 1000, "forged"),
            ("just before it is idle", &second, 1099, "turn"),
            ("idle", &second, 1100, "idle"),
            ("used and idle", &first, 1100, "idle"),
            ("too old", &second, 2000, "expired"),
            ("the clock went back", &second, 900, "turn"),
        ] {
            assert_eq!(outcome(&family, token, &terms, now), expected, "{name}");
        }
        let third = family.turn(&second, &terms, at(1010), &random);
        assert_eq!(outcome(&family, &first, &terms, 1010), "reused", "long ago");
        assert_eq!(outcome(&family, &third, &terms, 1010), "turn");
        assert!(family.is_good(&third, &terms, at(1010)));
        assert!(!family.is_good(&second, &terms, at(1010)));
    }

    #[test]
    fn in_its_grace_a_token_gives_the_same_successor() {
        let random = Random::insecure_seeded(1);
        let first = Token::first("ann", &random);
        let terms = terms(10);
        let mut family = Family::new(grant(), &first, at(1000));
        let second = family.turn(&first, &terms, at(1000), &random);
        let judged = family.judge(&first, &Presented::new(""), &terms, at(1009));
        let Ok(Verdict::Again(again)) = judged else {
            panic!("it is in its grace");
        };
        assert_eq!(again.encode(), second.encode());
        assert_eq!(outcome(&family, &first, &terms, 1010), "reused", "after it");
        let third = family.turn(&second, &terms, at(1001), &random);
        assert_eq!(
            outcome(&family, &first, &terms, 1001),
            "reused",
            "two before"
        );
        assert_eq!(outcome(&family, &second, &terms, 1001), "again");
        assert_eq!(outcome(&family, &third, &terms, 1001), "turn");

        // Without a grace from now on, what is kept gives nothing.
        let none = Terms {
            grace: Duration::ZERO,
            ..terms
        };
        assert_eq!(outcome(&family, &second, &none, 1001), "reused");
    }

    #[test]
    fn it_is_taken_from_its_client_with_its_key() {
        let random = Random::insecure_seeded(1);
        let first = Token::first("ann", &random);
        let terms = terms(0);
        let bound = grant().client("app").bound_to("thumb");
        let right = || Presented::new("").client("app").bound_to("thumb");
        for (name, grant, presented, expected) in [
            ("right", bound.clone(), right(), "turn"),
            (
                "no client",
                bound.clone(),
                Presented::new("").bound_to("thumb"),
                "wrong_client",
            ),
            (
                "another client",
                bound.clone(),
                right().client("other"),
                "wrong_client",
            ),
            (
                "no key",
                bound.clone(),
                Presented::new("").client("app"),
                "wrong_key",
            ),
            ("another key", bound, right().bound_to("other"), "wrong_key"),
            ("bound to nothing", grant(), right(), "turn"),
        ] {
            let mut family = Family::new(grant, &first, at(1000));
            let found = match family.judge(&first, &presented, &terms, at(1000)) {
                Ok(_) => "turn",
                Err(refusal) => refusal.code(),
            };
            assert_eq!(found, expected, "{name}");
            family.turn(&first, &terms, at(1000), &random);
            let reused = family.judge(&first, &presented, &terms, at(1000)).err();
            assert_eq!(reused, Some(Refusal::Reused), "{name}: whoever brings it");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let random = Random::insecure_seeded(1);
        let first = Token::first("ann", &random);
        let now = Timestamp::from_unix_duration(Duration::from_nanos(1_000_000_000_000_000_001));
        let mut family = Family::new(grant(), &first, now);
        let second = family.turn(&first, &terms(10), now, &random);
        let read = Family::decode(&family.encode().unwrap()).unwrap();
        assert_eq!(read.created(), now, "to the nanosecond");
        assert!(read.is_good(&second, &terms(10), now) && read.is_of(&first));
        for bytes in [&b""[..], b"{}", b"null", b"\xff", b"[1]"] {
            assert!(Family::decode(bytes).is_err());
        }
    }

    proptest! {
        /// Whatever is brought in whatever order: the last token turns, the one before gives it
        /// again in its grace, and any other ends it all.
        #[test]
        fn any_order_ends_as_the_rules_say(
            steps in proptest::collection::vec((any::<Index>(), 0_u64..40), 1..40),
            grace in prop_oneof![Just(0_u64), Just(10), Just(60)],
        ) {
            let random = Random::insecure_seeded(1);
            let terms = terms(grace);
            let mut tokens = vec![Token::first("ann", &random)];
            let mut family = Family::new(grant(), &tokens[0], at(1000));
            let (mut now, mut used) = (1000, 1000);
            for (choice, later) in steps {
                now += later;
                let (chosen, last) = (choice.index(tokens.len()), tokens.len() - 1);
                let expected = match last - chosen {
                    _ if now >= 2000 => "expired",
                    _ if now >= used + 100 => "idle",
                    0 => "turn",
                    1 if now < used + grace => "again",
                    _ => "reused",
                };
                let found = outcome(&family, &tokens[chosen], &terms, now);
                prop_assert_eq!(found, expected, "{} of {} at {}", chosen, last, now);
                match found {
                    "turn" => {
                        let next = family.turn(&tokens[last], &terms, at(now), &random);
                        family = Family::decode(&family.encode().unwrap()).unwrap();
                        tokens.push(next);
                        used = now;
                    }
                    "again" => {
                        let judged =
                            family.judge(&tokens[chosen], &Presented::new(""), &terms, at(now));
                        let Ok(Verdict::Again(again)) = judged else {
                            panic!("it was so a moment ago");
                        };
                        prop_assert_eq!(again.encode(), tokens[last].encode());
                    }
                    _ => break,
                }
            }
        }
    }
}
