//! Role-based access control: who holds which role, and what each role may do.
//!
//! 1. Every permission is declared, as `resource:action`. A role that names another one, a
//!    wildcard that stands for none, a role that is there twice or inherits itself: all are
//!    errors when the roles are built.
//! 2. Roles inherit roles and use wildcards; both are worked out once, into a bit for each
//!    permission. A check looks up the principal's roles and tests one bit.
//! 3. What is not allowed is refused. A role that is not defined allows nothing; the reason of
//!    the refusal, for the operator, names it.
//! 4. The scopes of a credential limit it further (OAuth 2.0, API keys): see
//!    [`RbacBuilder::insecure_ignore_scopes`].
//!
//! The roles are those of the [`Principal`](crate::principal::Principal). When they come out
//! of a token, a role that was taken away stays until the token expires: keep it short-lived,
//! or look the roles up at each request. (ASVS 5.0 8.2.1, 8.3.1, 8.3.2)
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{Empty, Full};
//! use portcullis::authz::rbac::{Rbac, Role};
//! use portcullis::clock::Timestamp;
//! use portcullis::principal::{Authentication, Principal};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rbac = Rbac::builder()
//!     .resource("invoices", ["read", "write", "pay"])
//!     .resource("users", ["read", "write"])
//!     .role(Role::new("viewer").allow("*:read"))
//!     .role(Role::new("accountant").inherits("viewer").allow("invoices:*"))
//!     .role(Role::new("admin").allow("*"))
//!     .build()?;
//!
//! // In axum: .route("/invoices/{id}/payment", post(pay).layer(rbac.require("invoices:pay")?))
//! let pay = service_fn(async |_: Request<Empty<Bytes>>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("paid"))))
//! });
//! let service = rbac.require("invoices:pay")?.layer(pay);
//!
//! for (role, status) in [("accountant", 200), ("viewer", 403), ("pirate", 403)] {
//!     let login = Authentication::new(Timestamp::from_unix_seconds(1_700_000_000));
//!     let mut request = Request::post("/invoices/7/payment").body(Empty::new())?;
//!     request.extensions_mut().insert(Principal::new("user-17", login).with_role(role));
//!     let response = service.clone().oneshot(request).await?;
//!     assert_eq!(response.status(), status, "{role}");
//! }
//!
//! // A misspelled permission does not wait for the first request.
//! assert!(rbac.require("invoices:pya").is_err());
//! # Ok(())
//! # }
//! ```
//!
//! Inside a handler, where it depends on the data, ask a [`Permission`] that was looked up at
//! start: `if invoice.is_large() { state.approve.check(&principal)?; }`.

mod bits;
mod catalog;
mod error;
mod layer;
mod policy;
mod role;

pub use error::ConfigError;
pub use layer::RequireLayer;
pub use policy::{Permission, Rbac, RbacBuilder};
pub use role::Role;
