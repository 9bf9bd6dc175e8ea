//! Is it hostile? A web application firewall in front of a service.

mod class;
mod decode;
mod detect;
mod engine;
mod error;
mod kind;
mod layer;
mod limits;
mod parse;
mod policy;
mod prefilter;
mod protocol;
mod report;
mod request;
mod rule;
mod ruleset;
mod scan;
mod signal;
mod view;

pub use class::{Class, UnknownClass};
pub use engine::{Waf, WafBuilder};
pub use error::WafError;
pub use kind::FieldKind;
pub use layer::{Answer, WafLayer};
pub use limits::{Limits, OverLimit};
pub use policy::{Exclusion, Field};
pub use report::{Location, Match, Report};
pub use request::RawRequest;
pub use rule::{Condition, Effect, Operator, Rule, RuleId, RuleInfo, Severity, Target, Transform};
pub use ruleset::Ruleset;
pub use view::Place;
