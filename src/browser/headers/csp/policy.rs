use super::{CspBuilder, Directive, Source, Template};
use crate::browser::headers::ReportAddress;

/// A policy that browsers enforce. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csp {
    pub(in crate::browser::headers) template: Template,
    pub(in crate::browser::headers) framing: Framing,
    pub(in crate::browser::headers) report_to: Option<ReportAddress>,
}

/// A policy that browsers only report violations of, to try it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOnlyCsp {
    pub(in crate::browser::headers) template: Template,
    pub(in crate::browser::headers) report_to: ReportAddress,
}

/// Who may frame the page, as far as `X-Frame-Options` can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::browser::headers) enum Framing {
    Nobody,
    SameOrigin,
    Listed,
}

/// The reporting group of the enforced policy.
pub(in crate::browser::headers) const GROUP: &str = "csp";
/// The reporting group of the policy that only reports.
pub(in crate::browser::headers) const REPORT_ONLY_GROUP: &str = "csp-report-only";

impl Csp {
    /// Nothing at all: for an API, whose answers are no pages.
    pub fn nothing() -> CspBuilder {
        CspBuilder::nothing()
    }

    /// A page: scripts that carry the nonce and what they load, styles and everything else
    /// from its own origin, no plugins, no frames, no `<base>`, Trusted Types.
    ///
    /// `https:` and `'unsafe-inline'` stand in the script list for browsers that know neither
    /// nonces nor `'strict-dynamic'`; all others ignore them.
    pub fn page() -> CspBuilder {
        let own = [Source::SELF];
        Self::nothing()
            .allow(Directive::ScriptSrc, strict_scripts())
            .allow(Directive::StyleSrc, [Source::SELF, Source::NONCE])
            .allow(Directive::ImgSrc, [Source::SELF, Source::DATA])
            .allow(Directive::FontSrc, own.clone())
            .allow(Directive::ConnectSrc, own.clone())
            .allow(Directive::MediaSrc, own.clone())
            .allow(Directive::ManifestSrc, own.clone())
            .allow(Directive::FormAction, own)
            .require_trusted_types()
    }

    /// A page that allows less: styles by nonce alone, images, connections and forms of its
    /// own origin, and no Trusted Types policy at all.
    pub fn strict_page() -> CspBuilder {
        let own = [Source::SELF];
        Self::nothing()
            .allow(Directive::ScriptSrc, strict_scripts())
            .allow(Directive::StyleSrc, [Source::NONCE])
            .allow(Directive::ImgSrc, own.clone())
            .allow(Directive::ConnectSrc, own.clone())
            .allow(Directive::FormAction, own)
            .trusted_types_policies([""; 0])
    }

    /// A file that a user uploaded, shown from this origin: an inert document of no origin.
    pub fn untrusted_file() -> CspBuilder {
        Self::nothing().sandbox([])
    }
}

fn strict_scripts() -> [Source; 4] {
    [
        Source::NONCE,
        Source::STRICT_DYNAMIC,
        Source::HTTPS,
        Source::UNSAFE_INLINE,
    ]
}
