use super::csp::{Directive, Source};

/// A policy that contradicts itself, or is weaker than its author may think.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not a source that a policy can name.
    #[error(
        "{0:?} is not a source: write a host such as https://cdn.example.com or \
         *.example.com, a scheme such as blob:, or a hash such as sha256-..."
    )]
    Source(String),
    /// The source means nothing in this directive.
    #[error("{source_text} means nothing in {directive}")]
    Misplaced {
        /// The directive.
        directive: Directive,
        /// The source, as the policy writes it.
        source_text: String,
    },
    /// Without a nonce or a hash nothing could start a chain of trust.
    #[error("'strict-dynamic' in {0} blocks all scripts unless a nonce or a hash stands beside it")]
    StrictDynamicAlone(Directive),
    /// A script policy that an injected script passes.
    #[error(
        "{source_text} in {directive} lets injected scripts run: use a nonce and \
         'strict-dynamic', or say insecure_allow_weak_scripts"
    )]
    WeakScripts {
        /// The directive.
        directive: Directive,
        /// The source, as the policy writes it.
        source_text: String,
    },
    /// A name that would need quoting or would end the directive.
    #[error("{0:?} is not the name of a Trusted Types policy: letters, digits and -#=_/@.%")]
    TrustedTypesPolicy(String),
    /// Not a place to send reports to.
    #[error("{0:?} is not a report address: write a path of this site or an https:// URL in ASCII")]
    ReportAddress(String),
    /// A report-only policy that reports to nobody.
    #[error("a report-only policy does nothing without report_to")]
    ReportsToNobody,
    /// A directive that browsers ignore in a report-only policy.
    #[error("{0} is ignored in a report-only policy")]
    NotReportable(&'static str),
    /// Shorter than a year.
    #[error(
        "an HSTS lifetime of {0} seconds is under a year: ASVS 3.4.1 asks for 31536000, and \
         insecure_max_age takes less"
    )]
    HstsTooShort(u64),
    /// The preload list takes no such header.
    #[error("the HSTS preload list asks for includeSubDomains and a year at least")]
    HstsPreload,
}

impl ConfigError {
    pub(super) fn misplaced(directive: Directive, source: &Source) -> Self {
        Self::Misplaced {
            directive,
            source_text: source.to_string(),
        }
    }

    pub(super) fn weak(directive: Directive, source: &Source) -> Self {
        Self::WeakScripts {
            directive,
            source_text: source.to_string(),
        }
    }
}
