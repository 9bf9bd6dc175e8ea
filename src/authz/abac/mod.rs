//! Policies as Rust code, over the types of the application: who may do what with which row,
//! and under which circumstances.
//!
//! 1. Nothing is allowed unless a policy permits it, and what one forbids, no other allows.
//!    Permissions are declared as for [roles](crate::authz), `resource:action`; a policy that
//!    names another, or two policies of one id, are errors at start.
//! 2. Conditions are closures over the application's own structs ([`attributes!`] says what
//!    else may read them). A check looks up the policies of its permission and type, no others.
//! 3. What fails never allows. A policy that forbids and fails makes the decision
//!    [indeterminate](Outcome::Indeterminate), as does a loader that fails: 503, not 403. A
//!    permission that is not known is 500. The scopes of a credential limit it.
//! 4. Circumstances ([`Context`]) are what this service found out: the verified address, the
//!    clock's time, how the principal logged in, and [`Facts`] that the service adds. No header
//!    is one of them.
//! 5. Where a stronger login would be allowed, and only there, the answer is the challenge of
//!    RFC 9470 ([`StepUp`]).
//! 6. The client learns a code. The operator learns which policies were asked and which of
//!    their conditions did not hold, with values of attributes that are public alone
//!    ([`Explanation`]).
//!
//! (ASVS 5.0 8.2.1, 8.2.2, 8.2.4, 8.3.1)
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{Empty, Full};
//! use portcullis::authz::abac::{Allowed, Authz, LoadError, StepUp, attributes, forbid, permit};
//! use portcullis::clock::Timestamp;
//! use portcullis::guard::RequestHead;
//! use portcullis::principal::{Authentication, Principal};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! struct Document { id: String, department: String }
//!
//! attributes! {
//!     Document as "Document" {
//!         id = document => &*document.id;
//!         department: public text;
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authz = Authz::builder()
//!     .resource("documents", ["read", "write"])
//!     .policy(permit("same-department", ["documents:read"])
//!         .when("same department", |who, document: &Document, _| {
//!             who.attribute_is("department", &document.department)
//!         }))
//!     .policy(forbid::<Document>("out-of-hours", ["documents:*"])
//!         .given("at night", |_, context| context.hour() < 6)
//!         .given("one factor", |_, context| context.mfa_age().is_none())
//!         .or_step_up(StepUp::multi_factor()))
//! #   .clock(portcullis::clock::FakeClock::at_unix_seconds(1_700_000_000).clock())
//!     .build()?;
//!
//! // Loads the row that the path names. (In axum: `extracted`.)
//! async fn find(id: String) -> Result<Option<Document>, LoadError> {
//!     Ok((id == "7").then(|| Document { id, department: "sales".to_owned() }))
//! }
//! let by_path = |head: &RequestHead<'_>| {
//!     find(head.uri().path().rsplit('/').next().unwrap_or_default().to_owned())
//! };
//!
//! // In axum: .route("/documents/{id}", get(show).layer(authz.require_on("documents:read", by_path)?))
//! let show = service_fn(async |request: Request<Empty<Bytes>>| {
//!     let document = Allowed::<Document>::of(request.extensions()).expect("the layer left it");
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(document.id.clone()))))
//! });
//! let service = authz.require_on("documents:read", by_path)?.layer(show);
//!
//! for (department, path, status) in [
//!     ("sales", "/documents/7", 200),
//!     ("legal", "/documents/7", 403),
//!     ("sales", "/documents/8", 404),
//! ] {
//!     let login = Authentication::new(Timestamp::from_unix_seconds(1_700_000_000));
//!     let ann = Principal::new("ann", login).with_attribute("department", department);
//!     let mut request = Request::get(path).body(Empty::new())?;
//!     request.extensions_mut().insert(ann);
//!     let response = service.clone().oneshot(request).await?;
//!     assert_eq!(response.status(), status, "{department} {path}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Inside a handler, `authz.check(&principal, "documents:write", &document, &context)?` gives
//! the same answers; lists are cut by [`Authz::visible`]. Policies of other kinds join by
//! [`PolicySource`]: one decision is made of all.

mod allowed;
mod authz;
mod builder;
mod catalog;
mod context;
mod decision;
mod error;
mod explanation;
#[cfg(feature = "axum")]
mod extracted;
mod facts;
mod filter;
mod findings;
#[cfg(feature = "guarded-router")]
mod guarded_router;
mod layer;
mod load_layer;
mod loader;
mod policy_head;
mod question;
mod resource;
mod schema;
mod source;
mod step_up;
pub mod trial;
mod typed;
mod value;
mod view;

pub use crate::attributes;
pub use allowed::Allowed;
pub use authz::Authz;
pub use builder::AuthzBuilder;
pub use context::Context;
pub use decision::{Cause, Decision, DenyKind, Outcome, Version};
pub use error::ConfigError;
pub use explanation::Explanation;
#[cfg(feature = "axum")]
pub use extracted::{Extracted, extracted};
pub use facts::Facts;
pub use filter::Filter;
pub use findings::{EvalError, Findings, PolicyError};
#[cfg(feature = "guarded-router")]
pub use guarded_router::GuardedRouter;
pub use layer::RequireLayer;
pub use load_layer::{Loaded, RequireOnLayer};
pub use loader::{LoadError, LoadFuture, ResourceLoader};
pub use policy_head::{Effect, Note, PolicyHead};
pub use question::NoResource;
pub use resource::{Attributes, Resource};
pub use schema::{AttributeSchema, AttributeType, TypeSchema};
pub use source::{Candidate, Condition, Policies, PolicySource, Prepared, Query};
pub use step_up::StepUp;
pub use typed::{Policy, forbid, permit};
pub use value::{EntityId, Value};
