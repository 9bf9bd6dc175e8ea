//! What one request did against the rules.

use super::{BanPolicy, Trigger};
use crate::event::{EventKind, EventSink, SecurityEvent};
use crate::guard::{Rejection, RejectionKind};
use crate::lock::lock;
use http::{Response, StatusCode};
use std::sync::Mutex;

/// The code of a refusal for a ban, whatever its status.
pub(super) const BANNED: &str = RejectionKind::Banned.code();

/// The rules that a request offended against, and how much. As large as the policy, however
/// much happens in the request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Rules by their place in the policy.
    offenses: Vec<Offense>,
    /// Which kinds of events were counted.
    heard: Vec<EventKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offense {
    pub(super) rule: usize,
    pub(super) weight: u64,
}

impl Tally {
    pub(super) fn hear(&mut self, policy: &BanPolicy, kind: EventKind, code: Option<&str>) {
        if self.add(policy, |trigger| trigger.is_event(Some(kind), code))
            && !self.heard.contains(&kind)
        {
            self.heard.push(kind);
        }
    }

    /// Counts the response. One is one offense against a rule, however many of its triggers
    /// it pulls; one that was told by an event of the same kind is none once more. That a
    /// client is banned is no offense at all: bans do not prolong themselves.
    pub(super) fn answer(
        &mut self,
        policy: &BanPolicy,
        status: StatusCode,
        rejection: Option<&Rejection>,
    ) {
        let code = rejection.map(Rejection::code);
        if code == Some(BANNED) {
            return;
        }
        let event = rejection.and_then(Rejection::event);
        if event.is_some_and(|kind| self.heard.contains(&kind)) {
            return;
        }
        self.add(policy, |trigger| {
            trigger.is_event(event, code) || trigger.is_status(status)
        });
    }

    fn add(&mut self, policy: &BanPolicy, counts: impl Fn(Trigger) -> bool) -> bool {
        let mut is_counted = false;
        for (rule, weight) in policy
            .rules()
            .iter()
            .map(|rule| u64::from(rule.weight(&counts)))
            .enumerate()
            .filter(|(_, weight)| *weight > 0)
        {
            is_counted = true;
            match self.offenses.iter_mut().find(|known| known.rule == rule) {
                Some(known) => known.weight = known.weight.saturating_add(weight),
                None => self.offenses.push(Offense { rule, weight }),
            }
        }
        is_counted
    }

    pub(super) fn into_offenses(self) -> Vec<Offense> {
        self.offenses
    }
}

/// Hears the events of one request.
#[derive(Debug)]
pub(super) struct Tap {
    policy: BanPolicy,
    tally: Mutex<Tally>,
}

impl Tap {
    pub(super) fn new(policy: BanPolicy) -> Self {
        let tally = Mutex::default();
        Self { policy, tally }
    }

    /// What was heard until now, and what the response adds, where there is one.
    pub(super) fn offenses<R>(&self, response: Option<&Response<R>>) -> Vec<Offense> {
        let mut tally = std::mem::take(&mut *self.lock());
        if let Some(response) = response {
            let rejection: Option<&Rejection> = response.extensions().get();
            // Whatever it was made to look like: to gRPC, all are 200.
            let status = rejection.map_or(response.status(), Rejection::status);
            tally.answer(&self.policy, status, rejection);
        }
        tally.into_offenses()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        lock(&self.tally)
    }
}

impl EventSink for Tap {
    fn record(&self, event: SecurityEvent) {
        self.lock().hear(&self.policy, event.kind(), event.code());
    }
}

#[cfg(test)]
mod tests {
    use super::super::BanRule;
    use super::*;
    use std::time::Duration;

    fn policy() -> BanPolicy {
        let rule = |name| BanRule::new(name, 10, Duration::from_secs(60));
        BanPolicy::new([
            rule("logins").on(EventKind::AuthnLoginFail),
            rule("codes").on_weighing(Trigger::code("bad_code"), 5),
            rule("missing")
                .on(StatusCode::NOT_FOUND)
                .on_weighing(Trigger::code("not_found"), 3),
        ])
        .unwrap()
    }

    #[test]
    fn what_counts() {
        use EventKind::{AuthnLoginFail, AuthzFail};
        let unauthenticated =
            || Rejection::new(RejectionKind::Unauthenticated).with_event(Some(AuthnLoginFail));
        let banned = Rejection::new(RejectionKind::Banned).with_event(Some(AuthnLoginFail));
        let as_429 = Rejection::new(RejectionKind::RateLimited)
            .with_code("banned")
            .with_event(Some(AuthnLoginFail));
        type Case<'a> = (
            &'a str,
            Vec<(EventKind, Option<&'a str>)>,
            u16,
            Option<Rejection>,
            Vec<[u64; 2]>,
        );
        let cases: Vec<Case<'_>> = vec![
            ("nothing", vec![], 200, None, vec![]),
            (
                "an event",
                vec![(AuthnLoginFail, None)],
                200,
                None,
                vec![[0, 1]],
            ),
            (
                "three",
                vec![(AuthnLoginFail, None); 3],
                401,
                None,
                vec![[0, 3]],
            ),
            ("another event", vec![(AuthzFail, None)], 403, None, vec![]),
            (
                "an event's code",
                vec![(AuthzFail, Some("bad_code"))],
                403,
                None,
                vec![[1, 5]],
            ),
            (
                "a rejection",
                vec![],
                401,
                Some(unauthenticated()),
                vec![[0, 1]],
            ),
            (
                "a rejection that was told before",
                vec![(AuthnLoginFail, None)],
                401,
                Some(unauthenticated()),
                vec![[0, 1]],
            ),
            (
                "kind and code are two rules",
                vec![],
                401,
                Some(unauthenticated().with_code("bad_code")),
                vec![[0, 1], [1, 5]],
            ),
            ("a status", vec![], 404, None, vec![[2, 1]]),
            (
                "status and code of one rule: the heavier counts",
                vec![],
                404,
                Some(Rejection::new(RejectionKind::NotFound)),
                vec![[2, 3]],
            ),
            (
                "a ban further in",
                vec![],
                403,
                Some(banned.clone()),
                vec![],
            ),
            ("the same with 404", vec![], 404, Some(banned), vec![]),
            ("the same with 429", vec![], 429, Some(as_429), vec![]),
        ];
        for (name, events, status, rejection, expected) in cases {
            let (policy, mut tally) = (policy(), Tally::default());
            for (kind, code) in events {
                tally.hear(&policy, kind, code);
            }
            let status = StatusCode::from_u16(status).unwrap();
            tally.answer(&policy, status, rejection.as_ref());
            let found = tally.into_offenses();
            let found: Vec<_> = found.iter().map(|o| [o.rule as u64, o.weight]).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_refusal_counts_by_its_own_status() {
        let rejection = Rejection::new(RejectionKind::NotFound).with_code("gone");
        let mut as_200 = Response::new(());
        as_200.extensions_mut().insert(rejection);
        let offenses = Tap::new(policy()).offenses(Some(&as_200));
        assert_eq!(offenses, [Offense { rule: 2, weight: 1 }]);
    }

    #[test]
    fn a_flood_of_events_takes_no_memory() {
        let (policy, mut tally) = (policy(), Tally::default());
        for _ in 0..1000 {
            for kind in EventKind::ALL {
                tally.hear(&policy, *kind, Some("bad_code"));
            }
        }
        assert!(tally.offenses.len() <= policy.rules().len());
        assert!(tally.heard.len() <= EventKind::ALL.len());
    }
}
