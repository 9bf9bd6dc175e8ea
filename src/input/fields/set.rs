use crate::event::Emitter;
use crate::guard::{FieldError, Rejection};
use crate::input::fault::Fault;
use crate::input::html::Policy;
use crate::input::json::{JsonLimits, Pattern};
use crate::input::text::TextRules;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The most fields of a form.
const MAX_FORM_FIELDS: usize = 256;

/// Which fields are cleaned, and how; and what else a body may have. See the
/// [module](super) for the rules.
#[derive(Clone, Default)]
#[must_use]
pub struct Fields {
    patterns: Vec<Pattern>,
    cleaners: Vec<Cleaner>,
    limits: JsonLimits,
    known_in_forms: Option<Vec<Pattern>>,
    repeated: Vec<String>,
    reports: bool,
}

type Function = dyn Fn(&str) -> Result<Option<String>, Fault> + Send + Sync;

#[derive(Clone)]
enum Cleaner {
    Html(Policy),
    Text(TextRules),
    Function(Arc<Function>),
}

impl Fields {
    /// No field yet, and the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps of the HTML in a field what a policy keeps. The pointer is a JSON pointer (RFC
    /// 6901) in which `*` stands for any name or index; `/name` is the field `name` of a form.
    pub fn html(self, pointer: &str, policy: Policy) -> Self {
        self.with(pointer, Cleaner::Html(policy))
    }

    /// Brings the text in a field into form, or refuses it.
    pub fn text(self, pointer: &str, rules: TextRules) -> Self {
        self.with(pointer, Cleaner::Text(rules))
    }

    /// Cleans a field by a function: `None` leaves the text as it is.
    pub fn field(
        self,
        pointer: &str,
        clean: impl Fn(&str) -> Result<Option<String>, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.with(pointer, Cleaner::Function(Arc::new(clean)))
    }

    fn with(mut self, pointer: &str, cleaner: Cleaner) -> Self {
        self.patterns.push(Pattern::new(pointer));
        self.cleaners.push(cleaner);
        self
    }

    /// Holds JSON to these limits, and forms to their size.
    pub fn limits(mut self, limits: JsonLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Refuses fields of forms that are not one of these. For JSON there is
    /// [`JsonLimits::only_fields`].
    pub fn only_form_fields<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.known_in_forms = Some(names.into_iter().map(Pattern::new).collect());
        self
    }

    /// Takes a field of a form more than once: check boxes, lists to choose several from.
    pub fn repeated_form_field(mut self, name: &str) -> Self {
        self.repeated.push(name.to_owned());
        self
    }

    /// Emits an event for HTML from which something was taken that honest text is unlikely to
    /// have. Takes twice as long for HTML.
    pub const fn with_reports(mut self) -> Self {
        self.reports = true;
        self
    }

    /// The most bytes that a body may have.
    pub(super) const fn max_bytes(&self) -> usize {
        self.limits.bytes()
    }

    /// Cleans the fields of a JSON document.
    ///
    /// # Errors
    /// When it is not within the limits, or a field is refused.
    pub fn clean_json<'b>(&self, json: &'b [u8]) -> Result<Cow<'b, [u8]>, Rejection> {
        self.json(json, &Emitter::default())
    }

    /// Cleans the fields of a form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// When it is not within the limits, or a field is refused.
    pub fn clean_form<'b>(&self, form: &'b [u8]) -> Result<Cow<'b, [u8]>, Rejection> {
        self.form(form, &Emitter::default())
    }

    pub(super) fn json<'b>(
        &self,
        json: &'b [u8],
        emitter: &Emitter,
    ) -> Result<Cow<'b, [u8]>, Rejection> {
        let found = self.limits.find(json, &self.patterns)?;
        let mut clean = Vec::new();
        let mut copied = 0;
        let mut faults = Vec::new();
        for place in found {
            let quoted = json.get(place.span.clone()).unwrap_or_default();
            let text: String = serde_json::from_slice(quoted).unwrap_or_default();
            match self.clean(place.pattern, &text, &place.pointer, emitter) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    clean.extend_from_slice(json.get(copied..place.span.start).unwrap_or_default());
                    clean.extend(serde_json::to_vec(&text).unwrap_or_default());
                    copied = place.span.end;
                }
                Err(fault) => faults.push(fault.at(place.pointer)),
            }
        }
        refuse(faults)?;
        if copied == 0 {
            return Ok(Cow::Borrowed(json));
        }
        clean.extend_from_slice(json.get(copied..).unwrap_or_default());
        Ok(Cow::Owned(clean))
    }

    pub(super) fn form<'b>(
        &self,
        form: &'b [u8],
        emitter: &Emitter,
    ) -> Result<Cow<'b, [u8]>, Rejection> {
        let mut names = HashSet::new();
        let mut faults = Vec::new();
        let mut has_changed = false;
        let mut clean = form_urlencoded::Serializer::new(String::new());
        for (index, (name, text)) in form_urlencoded::parse(form).enumerate() {
            if index == MAX_FORM_FIELDS {
                return Err(Rejection::new(crate::guard::RejectionKind::Malformed)
                    .with_code("form_too_many_fields")
                    .with_reason(format!("the form has more than {MAX_FORM_FIELDS} fields")));
            }
            let pointer = format!("/{}", crate::input::json::escaped(&name));
            if let Some(fault) = self.fault_of_name(&name, &mut names) {
                faults.push(fault.at(pointer));
                continue;
            }
            let pattern = self.patterns.iter().position(|it| it.is_field(&name));
            let cleaned = pattern.map_or(Ok(None), |it| self.clean(it, &text, &pointer, emitter));
            match cleaned {
                Ok(cleaned) => {
                    has_changed |= cleaned.is_some();
                    clean.append_pair(&name, cleaned.as_deref().unwrap_or(&text));
                }
                Err(fault) => faults.push(fault.at(pointer)),
            }
        }
        refuse(faults)?;
        if !has_changed {
            return Ok(Cow::Borrowed(form));
        }
        Ok(Cow::Owned(clean.finish().into_bytes()))
    }

    fn fault_of_name(&self, name: &str, names: &mut HashSet<String>) -> Option<Fault> {
        let is_known = |known: &Vec<Pattern>| known.iter().any(|it| it.is_field(name));
        if !self.known_in_forms.as_ref().is_none_or(is_known) {
            return Some(Fault::new("form_unknown_field", "leave out the field"));
        }
        let may_repeat = self.repeated.iter().any(|it| it == name);
        if !names.insert(name.to_owned()) && !may_repeat {
            return Some(Fault::new("form_duplicate_field", "name the field once"));
        }
        None
    }

    /// The text that a field is to have instead of this one, if it is to have another.
    fn clean(
        &self,
        pattern: usize,
        text: &str,
        pointer: &str,
        emitter: &Emitter,
    ) -> Result<Option<String>, Fault> {
        let clean = match self.cleaners.get(pattern) {
            None => return Ok(None),
            Some(Cleaner::Function(clean)) => return clean(text),
            Some(Cleaner::Text(rules)) => rules.clean(text)?.into_owned(),
            Some(Cleaner::Html(policy)) if self.reports => {
                let cleaned = policy.clean_with_report(text)?;
                if let Some(event) = cleaned.to_event() {
                    emitter.emit(event.with_detail("field", pointer));
                }
                cleaned.into_html()
            }
            Some(Cleaner::Html(policy)) => policy.clean(text)?,
        };
        Ok((clean != text).then_some(clean))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("patterns", &self.patterns)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn refuse(faults: Vec<FieldError>) -> Result<(), Rejection> {
    /// The most faults that an answer names.
    const MAX_FAULTS: usize = 32;
    if faults.is_empty() {
        return Ok(());
    }
    Err(Rejection::invalid(faults.into_iter().take(MAX_FAULTS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields::new()
            .html("/html", Policy::basic())
            .text("/name", TextRules::line().max_graphemes(5))
            .field("/shout", |text| Ok(Some(text.to_uppercase())))
    }

    #[test]
    fn json() {
        for (name, json, expected) in [
            (
                "nothing to clean",
                r#"{ "other" : "<b onclick=x>" }"#,
                r#"{ "other" : "<b onclick=x>" }"#,
            ),
            (
                "already clean",
                r#"{"html":"<b>a<\/b>"}"#,
                r#"{"html":"<b>a<\/b>"}"#,
            ),
            (
                "cleaned",
                r#"{"html":"<b onclick=x>a</b>"}"#,
                r#"{"html":"<b>a</b>"}"#,
            ),
            (
                "escaped",
                r#"{"html":"\u003cscript>x</script>a"}"#,
                r#"{"html":"a"}"#,
            ),
            (
                "quotes",
                r#"{"html":"<p title=\"a\" id=b>c</p>"}"#,
                r#"{"html":"<p title=\"a\">c</p>"}"#,
            ),
            (
                "several",
                r#"{"shout":"a","n":1e400,"name":" b "}"#,
                r#"{"shout":"A","n":1e400,"name":"b"}"#,
            ),
            (
                "not a string",
                r#"{"html":["<script>"]}"#,
                r#"{"html":["<script>"]}"#,
            ),
            (
                "by escaped name",
                r#"{"\u0068tml":"<i id=x>a</i>"}"#,
                r#"{"\u0068tml":"<i>a</i>"}"#,
            ),
        ] {
            let clean = fields().clean_json(json.as_bytes()).unwrap();
            assert_eq!(std::str::from_utf8(&clean).unwrap(), expected, "{name}");
        }
        let refused = fields()
            .clean_json(br#"{"name":"far too long","html":"ok"}"#)
            .unwrap_err();
        assert_eq!(refused.status(), 422);
        assert_eq!(
            (&*refused.errors()[0].pointer, &*refused.errors()[0].code),
            ("/name", "text_too_long")
        );
        let refused = fields()
            .clean_json(br#"{"html":"a","html":"<script>"}"#)
            .unwrap_err();
        assert_eq!(refused.errors()[0].code, "json_duplicate_field");
    }

    #[test]
    fn forms() {
        for (name, form, expected) in [
            (
                "nothing to clean",
                "other=%3cscript%3e&b",
                "other=%3cscript%3e&b",
            ),
            (
                "cleaned",
                "html=%3Cb+onclick%3Dx%3Ea%3C/b%3E&c=%20d",
                "html=%3Cb%3Ea%3C%2Fb%3E&c=+d",
            ),
            (
                "by encoded name",
                "%68tml=%3Ci+id%3Dx%3Ea",
                "html=%3Ci%3Ea%3C%2Fi%3E",
            ),
        ] {
            let clean = fields().clean_form(form.as_bytes()).unwrap();
            assert_eq!(std::str::from_utf8(&clean).unwrap(), expected, "{name}");
        }
        for (name, fields, form, code) in [
            ("twice", fields(), "a=1&a=2", "form_duplicate_field"),
            (
                "unknown",
                fields().only_form_fields(["a"]),
                "b=1",
                "form_unknown_field",
            ),
            ("refused", fields(), "name=a%0Ab", "text_line_break"),
        ] {
            let refused = fields.clean_form(form.as_bytes()).unwrap_err();
            assert_eq!(refused.errors()[0].code, code, "{name}");
        }
        assert!(
            fields()
                .repeated_form_field("a")
                .clean_form(b"a=1&a=2")
                .is_ok()
        );
        let many = "a&".repeat(257);
        let refused = fields()
            .repeated_form_field("a")
            .clean_form(many.as_bytes())
            .unwrap_err();
        assert_eq!(refused.code(), "form_too_many_fields");
    }
}
