//! Policies as text, in the [Cedar](https://www.cedarpolicy.com) language.
//!
//! 1. Policies are checked when they are loaded, strictly and against a schema. An attribute
//!    that no entity has, an action that is not there, a number compared with a text: each is
//!    an error that names file, line and policy, and nothing of what was loaded is taken.
//! 2. What is not permitted is refused, and a `forbid` wins over every `permit`.
//! 3. A `forbid` that cannot be evaluated allows nothing ([`OnError::Deny`]). Cedar itself
//!    leaves it out and allows: an attribute that is missing from the data would open what the
//!    policy was to keep shut.
//! 4. A request is decided by few policies, however many there are: the [`ScopeIndex`] leaves
//!    out those whose scope cannot hold. Decision, reasons and errors are those of Cedar over
//!    the whole set.
//! 5. Policies are replaced while requests run, all at once ([`LivePolicies`]). Each answer
//!    carries the [version](CedarPolicies::version) that gave it.
//!
//! (ASVS 5.0 8.1.1, 8.1.3, 8.2.1, 8.2.2, 8.2.4, 8.3.1, 8.3.2)
//!
//! ```
//! use cedar_policy::{Context, Entities, Request};
//! use portcullis::authz::cedar::{CedarPolicies, OnError};
//!
//! let schema = r#"
//!     entity User { department: String };
//!     entity Document { department: String };
//!     action read appliesTo { principal: User, resource: Document };
//! "#;
//! let policies = CedarPolicies::builder()
//!     .schema(schema)
//!     .text(r#"
//!         @id("same-department")
//!         permit(principal, action == Action::"read", resource is Document)
//!         when { principal.department == resource.department };
//!     "#)
//!     .build()?;
//!
//! let entities = Entities::from_json_value(serde_json::json!([
//!     {"uid": {"type": "User", "id": "ann"}, "attrs": {"department": "sales"}, "parents": []},
//!     {"uid": {"type": "User", "id": "bob"}, "attrs": {"department": "legal"}, "parents": []},
//!     {"uid": {"type": "Document", "id": "plan"}, "attrs": {"department": "sales"}, "parents": []},
//! ]), policies.schema())?;
//! for (user, is_allowed) in [(r#"User::"ann""#, true), (r#"User::"bob""#, false)] {
//!     let request = Request::new(
//!         user.parse()?,
//!         r#"Action::"read""#.parse()?,
//!         r#"Document::"plan""#.parse()?,
//!         Context::empty(),
//!         policies.schema(),
//!     )?;
//!     let answer = policies.decide(&request, &entities, OnError::Deny);
//!     assert_eq!(answer.is_allowed(), is_allowed);
//! }
//!
//! // A misspelled attribute does not wait for the first request.
//! let wrong = CedarPolicies::builder()
//!     .schema(schema)
//!     .file("documents.cedar", "permit(principal is User, action, resource) when { principal.departement == \"sales\" };")
//!     .build();
//! let error = wrong.unwrap_err().to_string();
//! assert!(error.starts_with("documents.cedar:1:") && error.contains("`departement`"), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Over the application's own types
//! [`AppSchema`] makes the schema of the structs that policies in Rust are about, and
//! [`CedarSource`] puts the texts beside those policies, into one
//! [`Authz`](super::abac::Authz): a forbid of either kind wins. Annotations say what comes with
//! a decision: `@advice("step_up:mfa max_age=300")`, `@advice("contact:legal")`,
//! `@obligation("watermark")`; several with `;` between them.
//!
//! ```
//! use portcullis::authz::abac::{
//!     AttributeSchema, AttributeType, Authz, Context, TypeSchema, attributes,
//! };
//! use portcullis::authz::cedar::{AppSchema, CedarPolicies, CedarSource};
//! use portcullis::clock::Timestamp;
//! use portcullis::principal::{Authentication, Principal};
//!
//! struct Document { id: u64, department: String }
//!
//! attributes! {
//!     Document as "Document" {
//!         id = document => document.id.to_string();
//!         department: text;
//!     }
//! }
//!
//! let department = AttributeSchema::new("department", AttributeType::Text);
//! let schema = AppSchema::builder()
//!     .principal(TypeSchema::new("User").attribute(department))
//!     .resource::<Document>("documents", ["read", "write"])
//!     .build()?;
//! let policies = CedarPolicies::builder()
//!     .schema(schema.to_string())
//!     .text(r#"
//!         permit(principal, action == Action::"documents:read", resource)
//!         when { principal.department == resource.department };
//!
//!         @advice("step_up:mfa")
//!         forbid(principal, action, resource)
//!         when { context.hour < 8 || context.hour >= 18 }
//!         unless { context has mfa_age && context.mfa_age <= 300 };
//!     "#)
//!     .build()?;
//! let authz = Authz::builder()
//!     .resource("documents", ["read", "write"])
//!     .source(CedarSource::new(policies, &schema)?)
//!     .build()?;
//!
//! let morning = Timestamp::from_unix_seconds(1_795_428_000);
//! let ann = Principal::new("ann", Authentication::new(morning)).with_attribute("department", "sales");
//! let context = Context::new(morning).of_principal(&ann);
//! for (department, is_allowed) in [("sales", true), ("legal", false)] {
//!     let document = Document { id: 7, department: department.to_owned() };
//!     let decision = authz.decide(&ann, "documents:read", &document, &context);
//!     assert_eq!(decision.is_allow(), is_allowed);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Lists
//! [`Authz::visible`](super::abac::Authz::visible) works out once what depends on the caller
//! alone, and drops the policies that this makes false. Of a row it asks the rest without
//! Cedar, and where many policies compare one attribute with values of their own, only those of
//! the row's value. Cedar itself is asked what it alone knows (`decimal`, `isInRange`, tags,
//! records), what fails, so that the failure is Cedar's, and rows that bring the folders of
//! their folders. What is decided is in any case what is decided for the row alone: outcome,
//! reasons and errors.
//!
//! # Who may write policies
//! Whoever writes policies decides who may do what. Texts are bounded
//! ([`CedarPolicies::MAX_TEXT_LEN`], how deep they nest, how much a schema comes to), and one that is wrong changes nothing,
//! but one that is right and permits too much does.

mod advice;
mod answer;
mod app_schema;
mod builder;
mod by_value;
mod cases;
mod cost;
mod datum;
mod depth;
mod error;
mod folder;
mod index;
mod inputs;
mod link;
mod list;
mod live;
mod node;
mod policies;
mod rule;
mod settle;
mod sight;
mod source;

pub use answer::{Answer, Fold, OnError, PolicyFailure, Ruling};
pub use app_schema::{AppSchema, AppSchemaBuilder};
pub use builder::CedarPoliciesBuilder;
pub use cases::{CaseResult, Cases, Engine, Results};
pub use error::{LoadError, Problem};
pub use folder::PolicyFolder;
pub use index::{Lineage, ScopeIndex};
pub use link::TemplateLink;
pub use live::LivePolicies;
pub use policies::CedarPolicies;
pub use source::CedarSource;
