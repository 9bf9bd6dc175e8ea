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
//!    carries the [`Version`] that gave it.
//!
//! (ASVS 5.0 8.1.1, 8.1.2, 8.2.1 to 8.2.3, 8.3.1, 8.3.2)
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
//! # Who may write policies
//! Whoever writes policies decides who may do what. Texts are bounded
//! ([`CedarPolicies::MAX_TEXT_LEN`], how deep they nest), and one that is wrong changes nothing,
//! but one that is right and permits too much does.

mod answer;
mod builder;
mod cases;
mod depth;
mod error;
mod folder;
mod index;
mod link;
mod live;
mod policies;

pub use answer::{Answer, Fold, OnError, PolicyFailure, Ruling};
pub use builder::CedarPoliciesBuilder;
pub use cases::{CaseResult, Cases, Engine, Results};
pub use error::{LoadError, Problem};
pub use folder::PolicyFolder;
pub use index::{Lineage, ScopeIndex};
pub use link::TemplateLink;
pub use live::LivePolicies;
pub use policies::{CedarPolicies, Version};
