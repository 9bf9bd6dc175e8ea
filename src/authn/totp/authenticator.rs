use super::TotpError;
use super::parameters::Parameters;
use crate::authn::Refusal;
use crate::authn::text_bytes::TextBytes;
use crate::clock::Timestamp;
use crate::crypto::SecretSealer;
use crate::secret::SecretBytes;
use serde::{Deserialize, Serialize};

/// What secrets are sealed for.
const PURPOSE: &str = "totp";

/// How far the clock of a device may be off, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tolerance {
    /// From where it is thought to be.
    pub(super) window: u8,
    /// From ours.
    pub(super) drift: u8,
}

/// The authenticator of a user: a secret, and what is known of the device's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Authenticator {
    parameters: Parameters,
    sealed: TextBytes,
    /// The step of the last code that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<u64>,
    /// How many steps the device's clock is ahead of ours, as its last code showed.
    #[serde(default)]
    drift: i64,
    /// A code that was good, but for the time. The next one in a row may show that the clock
    /// is that far off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    candidate: Option<Candidate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    step: u64,
    drift: i64,
}

impl Authenticator {
    pub(super) fn seal(
        parameters: Parameters,
        secret: &SecretBytes,
        user: &str,
        sealer: &dyn SecretSealer,
    ) -> Result<Self, crate::crypto::Refused> {
        Ok(Self {
            parameters,
            sealed: TextBytes(sealer.seal_secret(PURPOSE, user, secret.expose())?),
            used: None,
            drift: 0,
            candidate: None,
        })
    }

    /// Seals the secret with the key that seals now.
    pub(super) fn reseal(
        &mut self,
        user: &str,
        sealer: &dyn SecretSealer,
    ) -> Result<(), TotpError> {
        let secret = self.open(user, sealer)?;
        self.sealed = TextBytes(sealer.seal_secret(PURPOSE, user, secret.expose())?);
        Ok(())
    }

    fn open(&self, user: &str, sealer: &dyn SecretSealer) -> Result<SecretBytes, TotpError> {
        Ok(sealer.open_secret(PURPOSE, user, &self.sealed.0)?)
    }

    /// Checks a code and, if it is good, uses it. What it changes must be written before
    /// anybody hears the answer.
    pub(super) fn use_code(
        &mut self,
        user: &str,
        code: &str,
        now: Timestamp,
        tolerance: Tolerance,
        sealer: &dyn SecretSealer,
    ) -> Result<Result<(), Refusal>, TotpError> {
        let secret = self.open(user, sealer)?;
        let codes = Codes::new(self.parameters, &secret)?;
        Ok(self.decide(&codes, code, codes.step_at(now), tolerance))
    }

    fn decide(
        &mut self,
        codes: &Codes<'_>,
        code: &str,
        now: u64,
        tolerance: Tolerance,
    ) -> Result<(), Refusal> {
        let expected = now.saturating_add_signed(self.drift);
        if let Some(step) = codes.find(code, expected, tolerance.window) {
            return self.accept(step, now, tolerance);
        }
        let next = self
            .candidate
            .take()
            .and_then(|last| last.next(now, tolerance));
        if let Some(step) = next.filter(|&step| codes.find(code, step, 0).is_some()) {
            return self.accept(step, now, tolerance);
        }
        let far = codes.find(code, now, tolerance.drift);
        self.candidate = far.filter(|&step| self.is_new(step)).map(|step| Candidate {
            step,
            drift: difference(step, now),
        });
        Err(Refusal::Wrong)
    }

    fn accept(&mut self, step: u64, now: u64, tolerance: Tolerance) -> Result<(), Refusal> {
        if !self.is_new(step) {
            return Err(Refusal::Used);
        }
        let bound = i64::from(tolerance.drift);
        self.used = Some(step);
        self.drift = difference(step, now).clamp(-bound, bound);
        self.candidate = None;
        Ok(())
    }

    fn is_new(&self, step: u64) -> bool {
        self.used.is_none_or(|used| step > used)
    }
}

impl Candidate {
    /// The step of the code that follows in a row, if that one may be shown now.
    fn next(self, now: u64, tolerance: Tolerance) -> Option<u64> {
        let next = self.step.checked_add(1)?;
        let expected = now.saturating_add_signed(self.drift);
        (next.abs_diff(expected) <= u64::from(tolerance.window)).then_some(next)
    }
}

fn difference(step: u64, now: u64) -> i64 {
    let [step, now] = [step, now].map(|steps| i64::try_from(steps).unwrap_or(i64::MAX));
    step.saturating_sub(now)
}

/// The codes of one secret.
struct Codes<'a> {
    parameters: Parameters,
    secret: &'a SecretBytes,
}

impl<'a> Codes<'a> {
    fn new(parameters: Parameters, secret: &'a SecretBytes) -> Result<Self, TotpError> {
        let codes = Self { parameters, secret };
        codes.within(0).map(|_| codes)
    }

    fn step_at(&self, now: Timestamp) -> u64 {
        // Not zero: `new` has made sure.
        now.unix_seconds() / self.parameters.period.max(1)
    }

    fn within(&self, radius: u8) -> Result<totp_rs::Totp, TotpError> {
        let builder = totp_rs::Builder::new()
            .with_algorithm(self.parameters.algorithm.into())
            .with_digits(self.parameters.digits)
            .with_step_duration(self.parameters.period)
            .with_skew(radius.into())
            .with_secret(self.secret.expose());
        builder.build().map_err(|_| TotpError::Corrupt)
    }

    /// The step whose code this is, among those around `center`.
    fn find(&self, code: &str, center: u64, radius: u8) -> Option<u64> {
        let time = center.checked_mul(self.parameters.period)?;
        // Room for the steps after it.
        time.checked_add(self.parameters.period.checked_mul(u64::from(radius) + 1)?)?;
        self.within(radius).ok()?.check(code, time)
    }
}

#[cfg(test)]
#[allow(
    clippy::duplicate_mod,
    reason = "the tests of HMAC, which need not be there, read vectors too"
)]
#[path = "../../../tests/it/support/vectors.rs"]
mod outside;

#[cfg(test)]
mod tests {
    use super::super::Algorithm;
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"12345678901234567890";
    const TOLERANCE: Tolerance = Tolerance {
        window: 1,
        drift: 10,
    };
    const NOW: u64 = 56_666_666;

    fn authenticator() -> Authenticator {
        Authenticator {
            parameters: Parameters::default(),
            sealed: TextBytes(Vec::new()),
            used: None,
            drift: 0,
            candidate: None,
        }
    }

    /// What the device shows in this step.
    fn code(step: u64) -> String {
        let builder = totp_rs::Builder::new().with_secret(SECRET);
        builder.build().unwrap().generate(step * 30).to_string()
    }

    fn decide(it: &mut Authenticator, code: &str, now: u64) -> Result<(), Refusal> {
        let secret = SecretBytes::from(SECRET);
        let codes = Codes::new(it.parameters, &secret).unwrap();
        it.decide(&codes, code, now, TOLERANCE)
    }

    #[test]
    fn one_step_early_or_late_and_no_further() {
        for (offset, expected) in [
            (-2, Err(Refusal::Wrong)),
            (-1, Ok(())),
            (0, Ok(())),
            (1, Ok(())),
            (2, Err(Refusal::Wrong)),
        ] {
            let step = NOW.saturating_add_signed(offset);
            let found = decide(&mut authenticator(), &code(step), NOW);
            assert_eq!(found, expected, "{offset} steps");
        }
    }

    #[test]
    fn what_was_used_and_what_is_older_is_used_up() {
        let mut it = authenticator();
        assert_eq!(decide(&mut it, &code(NOW + 1), NOW), Ok(()));
        for (name, step, now, expected) in [
            ("the same", NOW + 1, NOW, Err(Refusal::Used)),
            (
                "the one before, within the window",
                NOW,
                NOW,
                Err(Refusal::Used),
            ),
            (
                "the same later, within the window",
                NOW + 1,
                NOW + 1,
                Err(Refusal::Used),
            ),
            ("the next", NOW + 2, NOW + 1, Ok(())),
            ("the first again", NOW + 1, NOW + 1, Err(Refusal::Used)),
        ] {
            assert_eq!(decide(&mut it, &code(step), now), expected, "{name}");
        }
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        // The device gains a step in each of 30 days: at last it is ten ahead, and no more
        // is followed.
        let mut it = authenticator();
        for day in 0..=10 {
            let now = NOW + day * 2_880;
            assert_eq!(decide(&mut it, &code(now + day), now), Ok(()), "day {day}");
            assert_eq!(it.drift, i64::try_from(day).unwrap());
        }
        let now = NOW + 11 * 2_880;
        assert_eq!(
            decide(&mut it, &code(now + 11), now),
            Ok(()),
            "within the window"
        );
        assert_eq!(it.drift, 10, "but not learned");
        let now = NOW + 12 * 2_880;
        assert_eq!(decide(&mut it, &code(now + 12), now), Err(Refusal::Wrong));
    }

    #[test]
    fn a_gap_is_closed_by_two_codes_in_a_row() {
        let wrong = Err(Refusal::Wrong);
        for (name, tries, expected) in [
            ("far ahead", vec![(8, 0), (9, 1)], vec![wrong, Ok(())]),
            ("far behind", vec![(-10, 0), (-9, 1)], vec![wrong, Ok(())]),
            ("too far", vec![(11, 0), (12, 1)], vec![wrong, wrong]),
            ("twice the same", vec![(8, 0), (8, 0)], vec![wrong, wrong]),
            ("one left out", vec![(8, 0), (10, 2)], vec![wrong, wrong]),
            (
                "the wrong way round",
                vec![(8, 0), (7, 1)],
                vec![wrong, wrong],
            ),
            (
                "a wrong one between",
                vec![(8, 0), (500, 0), (9, 1)],
                vec![wrong, wrong, wrong],
            ),
            ("too late", vec![(8, 0), (9, 4)], vec![wrong, wrong]),
            (
                "three",
                vec![(5, 0), (8, 1), (9, 2)],
                vec![wrong, wrong, Ok(())],
            ),
        ] {
            let mut it = authenticator();
            let found = tries.into_iter().map(|(step, passed): (i64, u64)| {
                decide(
                    &mut it,
                    &code(NOW.saturating_add_signed(step)),
                    NOW + passed,
                )
            });
            assert_eq!(found.collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn after_a_gap_the_new_time_holds() {
        let mut it = authenticator();
        assert_eq!(decide(&mut it, &code(NOW + 8), NOW), Err(Refusal::Wrong));
        assert_eq!(decide(&mut it, &code(NOW + 9), NOW + 1), Ok(()));
        assert_eq!(decide(&mut it, &code(NOW + 9), NOW + 1), Err(Refusal::Used));
        assert_eq!(
            decide(&mut it, &code(NOW + 2), NOW + 2),
            Err(Refusal::Wrong)
        );
        assert_eq!(decide(&mut it, &code(NOW + 10), NOW + 2), Ok(()));
    }

    #[test]
    fn used_codes_close_no_gap() {
        let mut it = authenticator();
        assert_eq!(decide(&mut it, &code(NOW), NOW), Ok(()));
        // Two old codes in a row, seen over the shoulder.
        let later = NOW + 5;
        assert_eq!(decide(&mut it, &code(NOW - 1), later), Err(Refusal::Wrong));
        assert_eq!(decide(&mut it, &code(NOW), later + 1), Err(Refusal::Wrong));
        assert_eq!(it.candidate, None);
    }

    #[test]
    fn nothing_overflows() {
        for now in [0, 1, u64::MAX / 30, u64::MAX / 30 - 1, u64::MAX] {
            for drift in [0, i64::MIN, i64::MAX] {
                let mut it = authenticator();
                it.drift = drift;
                it.candidate = Some(Candidate { step: now, drift });
                let _any = decide(&mut it, "000000", now);
            }
        }
    }

    #[test]
    fn a_record_with_impossible_parameters_is_corrupt() {
        for parameters in [
            Parameters {
                digits: 5,
                ..Parameters::default()
            },
            Parameters {
                digits: 10,
                ..Parameters::default()
            },
            Parameters {
                period: 0,
                ..Parameters::default()
            },
        ] {
            let secret = SecretBytes::from(SECRET);
            assert!(matches!(
                Codes::new(parameters, &secret),
                Err(TotpError::Corrupt)
            ));
        }
        let secret = SecretBytes::from(b"short".as_slice());
        assert!(Codes::new(Parameters::default(), &secret).is_err());
    }

    /// RFC 4226 appendix D and RFC 6238 appendix B.
    #[test]
    fn codes_of_the_rfcs() {
        let sha256 = b"12345678901234567890123456789012";
        let sha512 = b"1234567890123456789012345678901234567890123456789012345678901234";
        for (algorithm, secret, digits, step, expected) in [
            (Algorithm::Sha1, SECRET, 6, 0, "755224"),
            (Algorithm::Sha1, SECRET, 6, 1, "287082"),
            (Algorithm::Sha1, SECRET, 6, 9, "520489"),
            (Algorithm::Sha1, SECRET, 8, 59 / 30, "94287082"),
            (Algorithm::Sha1, SECRET, 8, 1_111_111_109 / 30, "07081804"),
            (Algorithm::Sha256, sha256, 8, 59 / 30, "46119246"),
            (Algorithm::Sha256, sha256, 8, 1_111_111_111 / 30, "67062674"),
            (Algorithm::Sha512, sha512, 8, 59 / 30, "90693936"),
            (
                Algorithm::Sha512,
                sha512,
                8,
                20_000_000_000 / 30,
                "47863826",
            ),
        ] {
            let secret = SecretBytes::from(secret);
            let period = 30;
            let parameters = Parameters {
                algorithm,
                digits,
                period,
            };
            let codes = Codes::new(parameters, &secret).unwrap();
            assert_eq!(codes.find(expected, step, 0), Some(step), "{expected}");
            assert_eq!(codes.find(expected, step + 1, 0), None, "{expected}");
        }
    }

    #[test]
    fn codes_of_outside_vectors() {
        let Some(file) = outside::vectors("jwt/otp.json") else {
            return;
        };
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        let tests = file["tests"].as_array().unwrap();
        for test in tests {
            let id = test["id"].as_str().unwrap();
            let algorithm = match test["alg"].as_str().unwrap() {
                "SHA1" => Algorithm::Sha1,
                "SHA256" => Algorithm::Sha256,
                "SHA512" => Algorithm::Sha512,
                other => panic!("{id}: {other}"),
            };
            let hex = test["secret_hex"].as_str().unwrap();
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let secret: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
            let secret = SecretBytes::from(secret);
            let parameters = Parameters {
                algorithm,
                digits: u8::try_from(test["digits"].as_u64().unwrap()).unwrap(),
                period: test["period"].as_u64().unwrap_or(30),
            };
            let codes = Codes::new(parameters, &secret).unwrap();
            let step = match test["kind"].as_str().unwrap() {
                "hotp" => test["counter"].as_u64().unwrap(),
                "totp" => {
                    codes.step_at(Timestamp::from_unix_seconds(test["time"].as_u64().unwrap()))
                }
                other => panic!("{id}: {other}"),
            };
            let code = test["code"].as_str().unwrap();
            assert_eq!(codes.find(code, step, 0), Some(step), "{id}");
            assert_eq!(codes.find(code, step + 1, 0), None, "{id}");
        }
        assert_eq!(Some(tests.len() as u64), file["meta"]["count"].as_u64());
        assert!(tests.len() >= 8);
    }

    proptest! {
        /// Against the rule in one line: no step passes that is not above all that passed.
        #[test]
        fn steps_that_pass_only_grow(tries in prop::collection::vec((0_u64..40, 0_u64..40), 1..60)) {
            let mut it = authenticator();
            let mut last = None;
            let mut now = NOW;
            for (passed, shown) in tries {
                now += passed / 10;
                let step = now - 20 + shown;
                if decide(&mut it, &code(step), now).is_ok() {
                    prop_assert!(last.is_none_or(|last| step > last));
                    prop_assert!(step.abs_diff(now) <= 11);
                    last = Some(step);
                }
                prop_assert!(it.drift.abs() <= 10);
            }
        }
    }
}
