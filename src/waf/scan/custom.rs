//! The rules of users: asked of each value, and of the request as a whole.

use super::{Field, Scan};
use crate::waf::parse::Flow;
use crate::waf::report::{self, Match};
use crate::waf::rule::{Effect, Operator, Rule, Subject, What};
use crate::waf::view::{Part, Place};
use crate::waf::{Class, FieldKind, RawRequest};

impl Scan<'_> {
    /// What rules of users may ask of the request as a whole.
    pub(super) fn of_request(&mut self, request: &RawRequest<'_>) -> Flow {
        if self.engine.rules.custom.is_empty() {
            return Flow::Continue(());
        }
        let length = request.body.len().to_string();
        let client = request.client.map(|address| address.to_string());
        let subjects = [
            (What::Method, Some(request.method)),
            (What::BodyLength, Some(&*length)),
            (What::Client, client.as_deref()),
        ];
        for (what, value) in subjects {
            if let Some(value) = value {
                self.ask(Subject { what, name: b"" }, value.as_bytes(), true)?;
            }
        }
        Flow::Continue(())
    }

    /// Asks the rules of users about a value.
    #[inline]
    pub(super) fn ask(&mut self, subject: Subject<'_>, text: &[u8], as_sent: bool) -> Flow {
        if self.engine.rules.custom.is_empty() {
            return Flow::Continue(());
        }
        self.ask_each(subject, text, as_sent)
    }

    fn ask_each(&mut self, subject: Subject<'_>, text: &[u8], as_sent: bool) -> Flow {
        let rules = &self.engine.rules;
        for (index, rule) in rules.custom.iter().enumerate() {
            if !rules.is_on(rule.id.as_str(), rule.level) {
                continue;
            }
            for (number, condition) in rule.conditions.iter().enumerate() {
                if !condition.concerns(&subject) || !(as_sent || condition.wants_views()) {
                    continue;
                }
                if let Some(present) = self.present.get_mut(index) {
                    *present |= 1 << number;
                }
                if condition.holds(text) {
                    self.holds(index, rule, number, subject, text)?;
                }
            }
        }
        Flow::Continue(())
    }

    /// Tells the rules of users of an attack that the builtin ones saw.
    pub(super) fn heard_of(&mut self, subject: Subject<'_>, class: Class) -> Flow {
        for (index, rule) in self.engine.rules.custom.iter().enumerate() {
            for (number, condition) in rule.conditions.iter().enumerate() {
                let asked = matches!(condition.operator, Operator::Attack(of) if of == class);
                if asked && condition.concerns(&subject) {
                    self.holds(index, rule, number, subject, b"")?;
                }
            }
        }
        Flow::Continue(())
    }

    pub(super) fn ask_of_absent(&mut self) {
        for (index, rule) in self.engine.rules.custom.iter().enumerate() {
            for (number, condition) in rule.conditions.iter().enumerate() {
                let present = self
                    .present
                    .get(index)
                    .is_some_and(|bits| bits & (1 << number) != 0);
                if matches!(condition.operator, Operator::Absent) && !present {
                    let nowhere = Subject {
                        what: What::Method,
                        name: b"",
                    };
                    let _stopped = self.holds(index, rule, number, nowhere, b"");
                }
            }
        }
    }

    /// A condition of a rule of a user holds; the rule matches once all do.
    pub(super) fn holds(
        &mut self,
        index: usize,
        rule: &Rule,
        number: usize,
        subject: Subject<'_>,
        text: &[u8],
    ) -> Flow {
        let Some(held) = self.held.get_mut(index) else {
            return Flow::Continue(());
        };
        let all = u64::MAX >> (64 - rule.conditions.len().clamp(1, 64));
        if *held == all {
            return Flow::Continue(());
        }
        *held |= 1 << number;
        if *held != all || !self.engine.rules.is_on(rule.id.as_str(), rule.level) {
            return Flow::Continue(());
        }
        let place = match subject.what {
            What::At(place, _) => place,
            _ => Place::Path,
        };
        let field = Field::new(place, Part::Value, subject.name, FieldKind::Plain);
        let tags: Vec<_> = rule.tags.iter().map(|tag| &**tag).collect();
        if self.is_excluded(&field, rule.id.as_str(), &tags, rule.class) {
            return Flow::Continue(());
        }
        let weight = rule.severity.weight();
        self.keep(Match {
            rule: rule.id.clone(),
            class: rule.class,
            weight,
            place,
            name: report::name_of(subject.name),
            excerpt: report::excerpt(&[subject.name], text, 0..text.len()),
        });
        match rule.effect {
            Effect::Score => self.decide(u32::from(weight)),
            Effect::Refuse => {
                self.report.hostile = true;
                self.go_on()
            }
            Effect::DangerouslyAdmit => {
                self.admitted = true;
                self.go_on()
            }
        }
    }
}
