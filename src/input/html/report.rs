use super::rules::Rules;
use crate::event::{EventKind, SecurityEvent};
use html5ever::{Attribute, QualName, ns};
use serde::Serialize;
use std::fmt;

/// How many different things a report names. What comes after is counted.
const MAX_REMOVED: usize = 64;

/// How much of a name a report keeps, in bytes.
const MAX_NAME: usize = 64;

/// What was taken out of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemovedKind {
    /// An element; what was in it may have stayed.
    Element,
    /// An attribute.
    Attribute,
    /// A comment, a processing instruction or what looks like one.
    Comment,
}

/// Why it was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemovedReason {
    /// It runs, loads or submits something.
    Active,
    /// It is of SVG or MathML, where other rules hold.
    Foreign,
    /// It is an event handler.
    EventHandler,
    /// It is a URL that may not be followed or fetched.
    UnsafeUrl,
    /// It sets styles.
    Style,
    /// It names the element, which could then take the place of what scripts look for.
    Clobbering,
    /// It is nobody's to see.
    Hidden,
    /// The policy does not allow it.
    NotAllowed,
}

impl RemovedReason {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Foreign => "foreign",
            Self::EventHandler => "event_handler",
            Self::UnsafeUrl => "unsafe_url",
            Self::Style => "style",
            Self::Clobbering => "clobbering",
            Self::Hidden => "hidden",
            Self::NotAllowed => "not_allowed",
        }
    }

    /// Whether honest text is unlikely to have it.
    #[must_use]
    pub const fn is_suspicious(self) -> bool {
        matches!(self, Self::Active | Self::EventHandler | Self::UnsafeUrl)
    }
}

/// One thing that was taken out, however often it was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Removed {
    /// What it is.
    pub what: RemovedKind,
    /// The name of the element or of the attribute, at most 64 bytes of it; a client chose it.
    pub name: String,
    /// Why it was taken out.
    pub reason: RemovedReason,
}

/// HTML that was cleaned, and what was taken out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    pub(super) html: String,
    pub(super) removed: Vec<Removed>,
    pub(super) others: usize,
}

impl Cleaned {
    /// The clean HTML.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The clean HTML, alone.
    #[must_use]
    pub fn into_html(self) -> String {
        self.html
    }

    /// What was taken out: each different thing once, 64 at most.
    #[must_use]
    pub fn removed(&self) -> &[Removed] {
        &self.removed
    }

    /// How many more things were taken out, of those that are not listed.
    #[must_use]
    pub const fn others(&self) -> usize {
        self.others
    }

    /// The event that says what was taken out, where something was that honest text is
    /// unlikely to have.
    #[must_use]
    pub fn to_event(&self) -> Option<SecurityEvent> {
        let suspicious = || self.removed.iter().filter(|it| it.reason.is_suspicious());
        suspicious().next()?;
        let listed: Vec<_> = suspicious().take(8).map(Removed::to_string).collect();
        let event = SecurityEvent::new(EventKind::InputValidationFail)
            .with_code("html_cleaned")
            .with_detail("removed", &listed.join(", "))
            .with_detail("kinds", &self.removed.len().to_string());
        Some(event)
    }
}

/// `attribute onclick (event_handler)`.
impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            RemovedKind::Element => "element ",
            RemovedKind::Attribute => "attribute ",
            RemovedKind::Comment => "comment",
        };
        write!(f, "{what}{} ({})", self.name, self.reason.code())
    }
}

/// Sees all that a parser makes, and notes what a policy takes out.
pub(super) struct Watch<'a> {
    rules: &'a Rules,
    removed: Vec<Removed>,
    others: usize,
}

impl<'a> Watch<'a> {
    pub(super) const fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            removed: Vec::new(),
            others: 0,
        }
    }

    pub(super) fn element(&mut self, name: &QualName, attributes: &[Attribute]) {
        // What the parser makes for itself.
        if matches!(&*name.local, "html" | "body" | "head") && attributes.is_empty() {
            return;
        }
        let reason = if name.ns == ns!(html) {
            self.rules.judge_element(&name.local)
        } else {
            Some(RemovedReason::Foreign)
        };
        if let Some(reason) = reason {
            self.note(RemovedKind::Element, &name.local, reason);
        }
        for attribute in attributes {
            let value = &attribute.value;
            let own_name = &attribute.name.local;
            let judged = self.rules.judge_attribute(&name.local, own_name, value);
            // Of an element that goes, only what could have done harm is worth a word.
            if let Some(found) = judged
                && (reason.is_none() || found.is_suspicious())
            {
                self.note(RemovedKind::Attribute, own_name, found);
            }
        }
    }

    pub(super) fn comment(&mut self) {
        self.note(RemovedKind::Comment, "", RemovedReason::Hidden);
    }

    fn note(&mut self, what: RemovedKind, name: &str, reason: RemovedReason) {
        let name = name
            .get(..name.floor_char_boundary(MAX_NAME))
            .unwrap_or_default();
        let is_known = |it: &Removed| it.what == what && it.reason == reason && it.name == name;
        if self.removed.iter().any(is_known) {
            return;
        }
        if self.removed.len() == MAX_REMOVED {
            self.others = self.others.saturating_add(1);
            return;
        }
        self.removed.push(Removed {
            what,
            name: name.to_owned(),
            reason,
        });
    }

    pub(super) fn into_cleaned(self, html: String) -> Cleaned {
        Cleaned {
            html,
            removed: self.removed,
            others: self.others,
        }
    }
}
