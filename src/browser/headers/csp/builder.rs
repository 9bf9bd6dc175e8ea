use super::policy::{GROUP, REPORT_ONLY_GROUP};
use super::{
    Csp, Directive, Framing, ReportOnlyCsp, SandboxFlag, Source, Template, judge, template,
};
use crate::browser::headers::{ConfigError, ReportAddress};
use std::fmt::Write;

/// A policy under construction. Starts from one that allows nothing or little, and opens what
/// you name; [`build`](Self::build) refuses what contradicts itself and what lets injected
/// scripts run.
///
/// ```
/// use portcullis::browser::headers::{ConfigError, Csp, Directive, Source};
///
/// let csp = Csp::page()
///     .allow(Directive::ImgSrc, [Source::SELF, "https://images.example.com".parse()?])
///     .report_to("/reports/csp".parse()?)
///     .build()?;
///
/// // A host list for scripts is refused: JSONP and old libraries on it run what they are told.
/// let weak = Csp::page()
///     .allow(Directive::ScriptSrc, ["https://cdn.example.com".parse()?])
///     .build();
/// assert!(matches!(weak, Err(ConfigError::WeakScripts { .. })));
/// # Ok::<_, ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct CspBuilder {
    lists: Vec<(Directive, Vec<Source>)>,
    trusted_types: TrustedTypes,
    sandbox: Option<Vec<SandboxFlag>>,
    upgrades_insecure_requests: bool,
    report_to: Option<ReportAddress>,
    accepts_weak_scripts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TrustedTypes {
    Off,
    AnyPolicy,
    Policies(Vec<String>),
}

impl CspBuilder {
    pub(super) fn nothing() -> Self {
        Self {
            lists: vec![
                (Directive::DefaultSrc, vec![]),
                (Directive::BaseUri, vec![]),
                (Directive::FormAction, vec![]),
                (Directive::FrameAncestors, vec![]),
            ],
            trusted_types: TrustedTypes::Off,
            sandbox: None,
            upgrades_insecure_requests: false,
            report_to: None,
            accepts_weak_scripts: false,
        }
    }

    /// Sets the sources of a directive, in place of those it had. Without sources it allows
    /// nothing (`'none'`).
    pub fn allow(
        mut self,
        directive: Directive,
        sources: impl IntoIterator<Item = Source>,
    ) -> Self {
        let distinct = distinct(sources);
        match self.lists.iter_mut().find(|(named, _)| *named == directive) {
            Some((_, list)) => *list = distinct,
            None => self.lists.push((directive, distinct)),
        }
        self
    }

    /// Lets no text into the DOM's script sinks unless a Trusted Types policy of the page
    /// made it.
    pub fn require_trusted_types(mut self) -> Self {
        self.trusted_types = TrustedTypes::AnyPolicy;
        self
    }

    /// As [`require_trusted_types`](Self::require_trusted_types), with policies of these
    /// names alone; with none, the page can have no policy.
    pub fn trusted_types_policies<T: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.trusted_types = TrustedTypes::Policies(names);
        self
    }

    /// Asks for no Trusted Types: text that reaches `innerHTML` and its kin is believed.
    /// For pages whose libraries do not know them yet.
    pub fn without_trusted_types(mut self) -> Self {
        self.trusted_types = TrustedTypes::Off;
        self
    }

    /// Sandboxes the page, but for what the flags allow.
    pub fn sandbox(mut self, flags: impl IntoIterator<Item = SandboxFlag>) -> Self {
        self.sandbox = Some(distinct(flags));
        self
    }

    /// Makes browsers fetch over TLS what the page names with `http:`. Only for sites that
    /// are served over TLS everywhere: some browsers do it for `http://localhost` too.
    pub const fn upgrade_insecure_requests(mut self) -> Self {
        self.upgrades_insecure_requests = true;
        self
    }

    /// Has violations reported: by `report-to` and, for browsers that do not know it,
    /// `report-uri`. The layer sends the `Reporting-Endpoints` header that belongs to it.
    pub fn report_to(mut self, address: ReportAddress) -> Self {
        self.report_to = Some(address);
        self
    }

    /// Accepts a list of script sources that injected scripts can pass: hosts, schemes,
    /// `'unsafe-inline'` without a nonce, `'unsafe-eval'`. A policy like that stops little.
    pub const fn insecure_allow_weak_scripts(mut self) -> Self {
        self.accepts_weak_scripts = true;
        self
    }

    /// The policy, to be enforced.
    ///
    /// # Errors
    /// When it contradicts itself, or lets injected scripts run.
    pub fn build(self) -> Result<Csp, ConfigError> {
        judge::check_meaning(&self.lists)?;
        if !self.accepts_weak_scripts {
            judge::check_strength(&self.lists)?;
        }
        Ok(Csp {
            template: self.render(GROUP)?,
            framing: self.framing(),
            report_to: self.report_to,
        })
    }

    /// The policy, to be reported on alone. It may be weak, since it allows nothing.
    ///
    /// # Errors
    /// When it contradicts itself, reports to nobody, or holds a directive that only works
    /// when enforced.
    pub fn build_report_only(self) -> Result<ReportOnlyCsp, ConfigError> {
        judge::check_meaning(&self.lists)?;
        if self.sandbox.is_some() {
            return Err(ConfigError::NotReportable("sandbox"));
        }
        if self.upgrades_insecure_requests {
            return Err(ConfigError::NotReportable("upgrade-insecure-requests"));
        }
        let template = self.render(REPORT_ONLY_GROUP)?;
        let report_to = self.report_to.ok_or(ConfigError::ReportsToNobody)?;
        Ok(ReportOnlyCsp {
            template,
            report_to,
        })
    }

    fn framing(&self) -> Framing {
        let ancestors = judge::named(&self.lists, Directive::FrameAncestors);
        match ancestors.unwrap_or_default() {
            [] => Framing::Nobody,
            [only] if *only == Source::SELF => Framing::SameOrigin,
            _ => Framing::Listed,
        }
    }

    fn render(&self, group: &str) -> Result<Template, ConfigError> {
        let mut directives: Vec<String> = Vec::new();
        for (directive, sources) in &self.lists {
            let mut text = directive.to_string();
            for source in sources {
                // Writing to a string cannot fail.
                let _written = match source.is_nonce() {
                    true => write!(text, " 'nonce-{}'", template::HOLE),
                    false => write!(text, " {source}"),
                };
            }
            if sources.is_empty() {
                text.push_str(" 'none'");
            }
            directives.push(text);
        }
        if let TrustedTypes::Policies(names) = &self.trusted_types {
            directives.push(trusted_types(names)?);
        }
        if self.trusted_types != TrustedTypes::Off {
            directives.push("require-trusted-types-for 'script'".to_owned());
        }
        if let Some(flags) = &self.sandbox {
            let words = std::iter::once("sandbox").chain(flags.iter().map(|flag| flag.as_str()));
            directives.push(words.collect::<Vec<_>>().join(" "));
        }
        if self.upgrades_insecure_requests {
            directives.push("upgrade-insecure-requests".to_owned());
        }
        if let Some(address) = &self.report_to {
            directives.push(format!("report-uri {address}"));
            directives.push(format!("report-to {group}"));
        }
        Ok(Template::new(&directives.join("; ")))
    }
}

fn trusted_types(names: &[String]) -> Result<String, ConfigError> {
    if names.is_empty() {
        return Ok("trusted-types 'none'".to_owned());
    }
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-#=_/@.%".contains(&b))
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(wrong) => Err(ConfigError::TrustedTypesPolicy(wrong.clone())),
        None => Ok(format!("trusted-types {}", names.join(" "))),
    }
}

/// Each once, in the order in which they came.
fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}
