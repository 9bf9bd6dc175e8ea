//! Policies asked questions that are data: by administrators, and by files of cases.
//!
//! A [`Question`] says who asks for what, with which thing and under which circumstances, in
//! JSON or TOML. [`PolicyTrial`] puts it to the policies.
#![cfg_attr(
    feature = "policy-tests",
    doc = "A file of [`Cases`] says beside each what should come of it; [`PolicyTrial::run`] \
tells which do not, and which policies and conditions no case has tried."
)]
//!
//! ```
//! use portcullis::authz::abac::trial::{PolicyTrial, Question};
//! use portcullis::authz::abac::{Authz, attributes, permit};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Document { id: String, department: String }
//! attributes! {
//!     Document as "Document" {
//!         id = document => &*document.id;
//!         department: text;
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authz = Authz::builder()
//!     .resource("documents", ["read"])
//!     .policy(permit("same-department", ["documents:read"])
//!         .when("same department", |who, document: &Document, _| {
//!             who.attribute_is("department", &document.department)
//!         }))
//!     .build()?;
//! let trial = PolicyTrial::new(authz).resource::<Document>();
//!
//! let mut question: Question = serde_json::from_str(r#"{
//!     "principal": {"id": "ann", "attributes": {"department": "sales"}},
//!     "action": "documents:read",
//!     "resource": {"type": "Document", "id": "7", "department": "legal"}
//! }"#)?;
//! let answer = trial.ask(&question)?;
//! assert_eq!(answer.decision().outcome().code(), "not_permitted");
//! assert_eq!(answer.explanation().candidates[0].conditions[0].label, "same department");
//!
//! question.principal.attributes.insert("department".into(), "legal".into());
//! assert!(trial.ask(&question)?.decision().is_allow());
//! # Ok(())
//! # }
//! ```

mod asking;
#[cfg(feature = "policy-tests")]
mod cases;
mod question;
#[cfg(feature = "policy-tests")]
mod report;

pub use asking::{AskError, PolicyAnswer, PolicyTrial};
#[cfg(feature = "policy-tests")]
pub use cases::{Case, Cases, CasesError};
pub use question::{Circumstances, Question, Thing, Who};
#[cfg(feature = "policy-tests")]
pub use report::{Failure, Report};
