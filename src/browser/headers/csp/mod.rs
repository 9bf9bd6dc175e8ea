//! The typed Content-Security-Policy (CSP Level 3).

mod builder;
mod directive;
mod judge;
mod policy;
mod sandbox;
mod source;
mod template;

pub use builder::CspBuilder;
pub use directive::Directive;
pub use policy::{Csp, ReportOnlyCsp};
pub(super) use policy::{Framing, GROUP, REPORT_ONLY_GROUP};
pub use sandbox::SandboxFlag;
pub use source::Source;
pub(super) use template::Template;
