//! What annotations add to a policy.

use crate::authz::abac::{Note, PolicyHead, StepUp};
use crate::principal::{Assurance, Method};
use cedar_policy::{Effect, Policy};
use std::time::Duration;

/// Reads `@advice` and `@obligation`: notes with `;` between them, each a name, or a name, `:`
/// and what is said under it.
pub(super) fn annotate(head: PolicyHead, policy: &Policy) -> Result<PolicyHead, String> {
    let mut head = head;
    for note in notes(policy.annotation("advice")) {
        let note = note?;
        head = match &*note.name {
            "step_up" => {
                if head.step_up().is_some() {
                    return Err("@advice asks for a step-up twice; put them together, as `step_up:aal2 max_age=300`".to_owned());
                }
                head.with_step_up(step_up(&note.value)?)
            }
            _ => head.with_advice(note),
        };
    }
    for note in notes(policy.annotation("obligation")) {
        if policy.effect() == Effect::Forbid {
            return Err("a forbid has an @obligation, which is for those who are allowed; use @advice, or put it on the permit".to_owned());
        }
        head = head.with_obligation(note?);
    }
    Ok(head)
}

fn notes(annotation: Option<&str>) -> impl Iterator<Item = Result<Note, String>> {
    let texts = annotation.into_iter().flat_map(|text| text.split(';'));
    texts.map(|text| {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        match name.trim() {
            "" => Err(format!(
                "{text:?} has no name; write `name` or `name:value`"
            )),
            name => Ok(Note::new(name.to_owned(), value.trim().to_owned())),
        }
    })
}

/// `mfa`, `aal2`, `aal3`, `max_age=300` in seconds, and `acr=...`, with spaces between them.
fn step_up(text: &str) -> Result<StepUp, String> {
    let level = text.split_whitespace().find_map(assurance);
    let mut step_up = level.map(StepUp::to).unwrap_or_default();
    for word in text.split_whitespace() {
        step_up = match word.split_once('=') {
            None if assurance(word).is_some() => step_up,
            None if word == "mfa" => step_up.by(Method::MultiFactor),
            Some(("max_age", seconds)) => match seconds.parse() {
                Ok(seconds) => step_up.within(Duration::from_secs(seconds)),
                Err(_) => return Err(unknown(word)),
            },
            Some(("acr", class)) if !class.is_empty() => step_up.of_class([class]),
            _ => return Err(unknown(word)),
        };
    }
    match step_up == StepUp::default() {
        true => Err(unknown(text)),
        false => Ok(step_up),
    }
}

fn assurance(word: &str) -> Option<Assurance> {
    match word {
        "aal2" => Some(Assurance::Aal2),
        "aal3" => Some(Assurance::Aal3),
        _ => None,
    }
}

fn unknown(word: &str) -> String {
    format!(
        "{word:?} is no step-up; write `step_up:` and of these what you need: `mfa`, `aal2`, `aal3`, `max_age=300` (seconds), `acr=urn:example:strong`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(annotations: &str) -> Result<PolicyHead, String> {
        let text = format!("{annotations} permit(principal, action, resource);");
        annotate(PolicyHead::permit("it"), &text.parse().unwrap())
    }

    #[test]
    fn notes_and_step_up_are_read() {
        let found = head(
            r#"@advice("step_up:mfa max_age=300; contact: legal@example.com;why")
               @obligation("watermark;retain:30 days")
               @id("anything")"#,
        );
        let found = found.unwrap();
        let expected = StepUp::multi_factor().within(Duration::from_secs(300));
        assert_eq!(found.step_up(), Some(&expected));
        let contact = Note::new("contact", "legal@example.com");
        assert_eq!(found.advice(), [contact, Note::new("why", "")]);
        let retain = Note::new("retain", "30 days");
        assert_eq!(found.obligations(), [Note::new("watermark", ""), retain]);
        assert_eq!(head("").unwrap(), PolicyHead::permit("it"));
    }

    #[test]
    fn every_step_up_can_be_asked_for() {
        for (text, expected) in [
            ("mfa", StepUp::multi_factor()),
            ("aal2", StepUp::to(Assurance::Aal2)),
            ("aal3", StepUp::to(Assurance::Aal3)),
            ("max_age=60", StepUp::recent(Duration::from_secs(60))),
            ("acr=a:b", StepUp::default().of_class(["a:b"])),
            (
                " mfa  aal2 ",
                StepUp::to(Assurance::Aal2).by(Method::MultiFactor),
            ),
        ] {
            let found = head(&format!("@advice(\"step_up:{text}\")"));
            assert_eq!(found.unwrap().step_up(), Some(&expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (name, annotations, expected) in [
            ("no kind", r#"@advice("step_up")"#, "is no step-up"),
            (
                "unknown kind",
                r#"@advice("step_up:mfaa")"#,
                "\"mfaa\" is no step-up",
            ),
            (
                "no number",
                r#"@advice("step_up:max_age=soon")"#,
                "\"max_age=soon\" is no step-up",
            ),
            ("twice", r#"@advice("step_up:mfa;step_up:aal2")"#, "twice"),
            ("no name", r#"@advice(":x")"#, "has no name"),
            ("nothing", r#"@obligation("a;;b")"#, "has no name"),
        ] {
            let error = head(annotations).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
        let forbid = r#"@obligation("log") forbid(principal, action, resource);"#;
        let error = annotate(PolicyHead::forbid("it"), &forbid.parse().unwrap()).unwrap_err();
        assert!(error.contains("@obligation"), "{error}");
    }
}
