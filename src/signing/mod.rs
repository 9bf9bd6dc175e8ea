//! Is it intact, fresh, and from who it says?
//!
//! Signed messages, against requests that are forged, changed on the way, sent to another place,
//! or sent again.
//!
//! - HTTP Message Signatures (RFC 9421) with digests of the body (RFC 9530): [`Verifier`] with a
//!   [`Policy`] and [`VerifySignatureLayer`] for servers, [`Signer`] with [`SignLayer`] for
//!   clients, [`SignResponseLayer`] and [`VerifyResponseLayer`] for the way back.
//! - [`webhook`]: webhooks of four schemes, verified and sent.
//! - [`sigv4`]: requests signed by AWS Signature Version 4, verified.
//! - [`api`]: signed API requests, a scheme that is twenty lines in any language.
//!
//! # Rules
//!
//! 1. A signature counts through a [`Policy`] alone, and the policy says what it has to cover:
//!    the method and the target always, the body whenever there is one. A [`Verified`] is made
//!    by a policy and nothing else.
//! 2. A key is for one algorithm. What a message says of the algorithm chooses nothing.
//! 3. The fields are read strictly: what comes twice is refused, where parsers differ.
//! 4. A digest that is covered is recomputed over the body. It is worth nothing before.
//! 5. What has passed does not pass again ([`Store`](crate::store::Store)); it is remembered only
//!    after the signature and the body were found good, in one atomic step. When the store fails,
//!    the answer is 503. Of several good signatures of a message all are remembered; who cuts
//!    one out before the message arrives has made two messages of it.
//! 6. What signatures have read before anybody knows who made them is bounded: 64 KiB of parsed
//!    fields and queries for all of a message, a field counting for each member that is covered.
//! 7. Whoever sent a message that is refused learns one code, 401 `invalid_signature`. The
//!    [`Fault`] stands in the event.

mod accept;
mod algorithm;
pub mod api;
mod base;
mod body;
mod client;
mod component;
mod decimal;
pub mod digest;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod fault;
mod fields;
mod hex;
mod layer;
mod message;
mod origin;
mod packed;
mod parameters;
mod policy;
mod proof;
mod received;
mod replay;
mod response;
mod service;
mod sign;
pub mod sigv4;
mod structured;
mod time;
mod usual;
mod verify;
pub mod webhook;
mod work;

pub use accept::RequestedSignature;
pub use algorithm::{registered, registered_name};
pub use body::{SignedBody, fault_of};
pub use client::{
    RequestSigner, SignLayer, SignService, VerifyResponseLayer, VerifyResponseService,
};
pub use component::Component;
pub use error::ConfigError;
pub use fault::Fault;
pub use layer::{HttpSignatures, VerifySignatureLayer};
pub use message::Message;
pub use parameters::Parameters;
pub use policy::Policy;
pub use received::{CoveredDigests, ReceivedSignature};
pub use response::{SignResponseLayer, SignResponseService};
pub use service::{VerifyLayer, VerifyService};
pub use sign::{SignatureFields, Signer};
pub use structured::{FieldType, FieldTypes};
pub use verify::{Verified, Verifier};

use time::{seconds, within};
