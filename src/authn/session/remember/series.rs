//! What the store holds of a remembered browser, and the decision on it.

use super::super::error::{SessionError, Why};
use super::super::timeouts::Lapse;
use super::super::visitor::Note;
use crate::authn::credential::SecretHash;
use crate::authn::moment::{Moment, shown_apart};
use crate::clock::Timestamp;
use crate::principal::{Authentication, Principal};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A browser that is remembered: a row of secrets, of which each is good once.
#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Series {
    pub(super) user: Box<str>,
    pub(super) secret: SecretHash,
    /// The one before, for the tabs that opened at the same moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<SecretHash>,
    /// When the user proved who it is.
    authenticated: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<Moment>,
    pub(super) created: Moment,
    pub(super) used: Moment,
    pub(super) note: Note,
}

/// How long a browser is remembered, and how long after its use a secret is no theft.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) lifetime: Duration,
    pub(super) grace: Duration,
}

impl Series {
    pub(super) fn new(
        secret: SecretHash,
        principal: &Principal,
        now: Timestamp,
        note: Note,
    ) -> Self {
        let proof = principal.authentication();
        Self {
            user: principal.id().into(),
            secret,
            previous: None,
            authenticated: Moment(proof.time()),
            shown: shown_apart(proof),
            created: Moment(now),
            used: Moment(now),
            note,
        }
    }

    /// The user proved who it is long ago, and nothing since.
    pub(super) fn authentication(&self) -> Authentication {
        let shown = self.shown.unwrap_or(self.authenticated);
        Authentication::new(self.authenticated.0).with_shown_at(shown.0)
    }

    pub(super) fn left(&self, terms: &Terms, now: Timestamp) -> Duration {
        terms.lifetime.saturating_sub(now.since(self.created.0))
    }

    /// The decision: whether this secret may be used.
    pub(super) fn judge(
        &self,
        presented: &SecretHash,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        let refused = |why| Err(SessionError::new(why).about(&self.user));
        if self.left(terms, now).is_zero() {
            return refused(Why::Lapsed(Lapse::Absolute));
        }
        if self.secret.is(presented) {
            return Ok(());
        }
        if self.knows(presented) && now.since(self.used.0) < terms.grace {
            return refused(Why::JustUsed);
        }
        refused(Why::Stolen)
    }

    /// Whether this is its secret, or the one before.
    pub(super) fn knows(&self, secret: &SecretHash) -> bool {
        let previous = self.previous.as_ref();
        self.secret.is(secret) || previous.is_some_and(|previous| previous.is(secret))
    }

    /// Uses the secret up: from now on it is the one before.
    pub(super) fn turn(&mut self, next: SecretHash, now: Timestamp, note: Note) {
        self.previous = Some(std::mem::replace(&mut self.secret, next));
        self.used = Moment(now);
        self.note = note;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::token::Token;
    use super::*;
    use crate::authn::owner::OwnerTag;
    use crate::random::Random;

    #[test]
    fn a_secret_is_good_once() {
        let random = Random::insecure_seeded(1);
        let place = Token::fresh(OwnerTag::of("ann"), &random).place;
        let [first, second, third, other] = [(); 4].map(|()| Token::at(place, &random).hash("c"));
        let at = Timestamp::from_unix_seconds;
        let principal = Principal::new("ann", Authentication::new(at(900)));
        let terms = Terms {
            lifetime: Duration::from_secs(1_000),
            grace: Duration::from_secs(10),
        };
        let note = Note::default;
        let mut series = Series::new(first, &principal, at(1_000), note());
        let verdict =
            |series: &Series, secret: &SecretHash, now| match series.judge(secret, &terms, at(now))
            {
                Ok(()) => "good",
                Err(error) => match error.why() {
                    Why::JustUsed => "just used",
                    Why::Stolen => "stolen",
                    Why::Lapsed(_) => "lapsed",
                    _ => "?",
                },
            };
        assert_eq!(verdict(&series, &first, 1_100), "good");
        assert_eq!(verdict(&series, &other, 1_100), "stolen");
        series.turn(second, at(1_100), note());
        for (name, secret, now, expected) in [
            ("the next", &second, 1_100, "good"),
            ("the one before, at once", &first, 1_100, "just used"),
            ("in its grace", &first, 1_109, "just used"),
            ("after it", &first, 1_110, "stolen"),
            ("never there", &other, 1_100, "stolen"),
            ("not yet over", &second, 1_999, "good"),
            ("over", &second, 2_000, "lapsed"),
            ("over, and used", &first, 2_000, "lapsed"),
        ] {
            assert_eq!(verdict(&series, secret, now), expected, "{name}");
        }
        series.turn(third, at(1_105), note());
        assert_eq!(verdict(&series, &first, 1_106), "stolen", "two before");
        assert_eq!(series.authentication().time(), at(900));
    }
}
