//! Bans of one client against a simple model.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Offend,
    Wait(u64),
    Lift,
    ByHand(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Offend),
        3 => (1..90_u64).prop_map(Step::Wait),
        1 => (1..20_000_u64).prop_map(Step::Wait),
        1 => Just(Step::Lift),
        1 => (1..500_u64).prop_map(Step::ByHand),
    ];
    prop::collection::vec(step, 0..80)
}

/// Three in a minute; the first ban of a minute, each further one twice as long; one forgiven
/// an hour. Seconds.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    count: u64,
    window_ends: u64,
    level: u64,
    ends: u64,
}

impl Model {
    fn is_banned(&self) -> bool {
        self.now < self.ends
    }

    fn level_now(&self) -> u64 {
        let forgiven = self.now.saturating_sub(self.ends) / 3600;
        self.level.saturating_sub(forgiven)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(seconds) => self.now += seconds,
            Step::Lift => {
                *self = Self {
                    now: self.now,
                    ..Self::default()
                }
            }
            Step::ByHand(seconds) => {
                self.level = self.level_now();
                self.ends = self.now + seconds;
            }
            Step::Offend if self.is_banned() => {}
            Step::Offend => {
                if self.now >= self.window_ends {
                    (self.count, self.window_ends) = (0, self.now + 60);
                }
                self.count += 1;
                if self.count == 3 {
                    (self.count, self.window_ends) = (0, 0);
                    self.level = self.level_now() + 1;
                    self.ends = self.now + (60 << (self.level - 1)).min(7 * 24 * 3600);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_client_is_banned_when_the_model_says_so(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let time = time();
            let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
            let site = machine.site();
            let mut model = Model::default();
            for step in steps {
                let expected = if model.is_banned() { 403 } else { 401 };
                model.step(step);
                match step {
                    Step::Wait(seconds) => time.advance(Duration::from_secs(seconds)),
                    Step::Offend => {
                        let found = statuses(&site, address(7), "/login", 1).await;
                        prop_assert_eq!(found, [expected]);
                    }
                    Step::Lift => {
                        machine.bans.lift(&subject(7)).await.unwrap();
                    }
                    Step::ByHand(seconds) => {
                        let duration = Duration::from_secs(seconds);
                        machine.bans.ban(&subject(7), duration, "by hand").await.unwrap();
                    }
                }
                let ban = machine.bans.find(&subject(7)).await.unwrap();
                prop_assert_eq!(ban.is_some(), model.is_banned());
                if let Some(ban) = ban {
                    prop_assert_eq!(u64::from(ban.level), model.level);
                    let remaining = ban.remaining(time.clock().now()).as_secs();
                    prop_assert_eq!(remaining, model.ends - model.now);
                }
            }
            Ok(())
        })?;
    }
}
