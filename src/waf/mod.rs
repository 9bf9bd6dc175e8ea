//! Is it hostile? A web application firewall in front of a service.
//!
//! [`WafLayer`] reads a request as the application behind it will, undoes the encodings that
//! hide attacks, and refuses what is syntax of an attack: SQL, HTML and scripts, shell
//! commands, templates, paths, URLs of inner hosts, serialized objects and more, one
//! [`Class`] each (ASVS 5.0 1.2 and 1.3, OWASP Top 10 2021 A03). It is a second line: queries
//! with parameters, escaped output and validated input are the first, and what a firewall
//! cannot see, such as a broken access control, it does not stop.
//!
//! 1. **Parsing.** Path, query, cookies, headers, and bodies of forms, multipart, JSON, XML and
//!    GraphQL are taken apart to single values; content types that are missing or wrong are
//!    guessed, too. What two parsers would read differently is refused ([`Class::Protocol`]):
//!    a JSON key twice, a part without an end, an overlong character, a charset that hides.
//! 2. **Decoding.** Each value is looked at as it is, and again after each layer of percent
//!    signs, entities, escapes, odd Unicode and base64 that comes off it.
//! 3. **Detecting.** Plain values end at a table of bytes; one automaton over the literals of
//!    all rules picks the detectors for the others. A detector is a tokenizer, not a list of
//!    words, and takes time linear in the length of the value.
//! 4. **Scoring.** Findings weigh 2, 3 or 5. A field that reaches 5 is refused, and a request
//!    that reaches 10 in all, each rule counted once. Level 1, the default, is for production;
//!    levels 2 and 3 know more rules and more false alarms.
//! 5. **Answering.** 403 with a reference id and nothing else. The event names class, rules,
//!    score, field and an excerpt without secrets; see also [`WafLayer::monitor_only`] and
//!    [`WafLayer::challenge`].
//! 6. **Looking back**, if you like: [`LeakLayer`] tells of responses that hold stack traces,
//!    errors of databases or keys, or answers 500 in their place.
//!
//! Rules of your own are data: made by [`Rule`], or read from a file by
//! [`Ruleset::from_file`]. What a field may hold is yours to say: see [`FieldKind`] and [`WafBuilder`]. An exclusion
//! that names a rule or a route that does not exist is an error at the start, and
//! [`Waf::unused_exclusions`] lists those that never mattered. [`Lessons`] reads recorded
//! traffic and lists the exclusions that it would need.
//!
//! Deployment: put it inside of rate limits and outside of everything that reads bodies.
//! Compressed request bodies are refused, for nothing here inflates them. Credentials
//! (`Authorization: Bearer`) are not looked into; they are the business of whoever checks them.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::waf::{Field, FieldKind, Ruleset, Waf, WafLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let waf = Waf::builder(Ruleset::builtin())
//!     .field(Field::named("password").on("/login"), FieldKind::Opaque)
//!     .build()?;
//! let service = WafLayer::new(waf).layer(service_fn(async |_: Request<_>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//! }));
//!
//! let request = Request::get("/search?q=rock+%27n%27+roll").body(Full::<Bytes>::default())?;
//! assert_eq!(service.clone().oneshot(request).await?.status(), 200);
//!
//! let request = Request::get("/search?q=%27+or+%271%27=%271").body(Full::default())?;
//! assert_eq!(service.oneshot(request).await?.status(), 403);
//! # Ok(())
//! # }
//! ```

mod class;
mod decode;
mod detect;
mod engine;
mod error;
mod kind;
mod layer;
mod leak;
mod learn;
mod limits;
mod memory;
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
pub use leak::{Leak, LeakBody, LeakFuture, LeakKind, LeakLayer, LeakService};
pub use learn::{Lesson, Lessons};
pub use limits::{Limits, OverLimit};
pub use policy::{Exclusion, Field};
pub use report::{Location, Match, Report};
pub use request::RawRequest;
pub use rule::{
    Condition, Effect, Operator, Rule, RuleId, RuleInfo, RuleTest, Severity, Target, Transform,
};
pub use ruleset::Ruleset;
pub use view::Place;
